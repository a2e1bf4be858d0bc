"""Marks in the images, as models see them, that look like text: for a person to look at."""

from dataclasses import dataclass

import numpy as np

from skiagram.datasets.burnt_in_text import cut_out_mark, find_text
from skiagram.image_store.store import ImageStore
from skiagram.records import Cases
from skiagram.report.sections.data import encode_picture

_MOST_LOOKED_AT = 50  # images; a film takes a tenth of a second
_MOST_SHOWN = 6


@dataclass(frozen=True)
class Mark:
    """A mark with what is around it.

    Attributes:
        case_id: Opaque id.
        picture: `data:` address.
    """

    case_id: str
    picture: str


@dataclass(frozen=True)
class TextInPixels:
    """What a search among some images found.

    Attributes:
        looked_at: Images that were searched.
        marked: How many of them have marks.
        examples: The first mark of some of these.
    """

    looked_at: int
    marked: int
    examples: tuple[Mark, ...]


def look_for_text(cases: Cases, store: ImageStore) -> TextInPixels:
    """Search the first development cases, whose order is a random draw, one a patient.

    Args:
        cases: All cases; sealed ones are never shown.
        store: Images as ingested, after a treatment of text if one was asked for.
    """
    development = cases.development()
    _, first = np.unique(development.patient_id, return_index=True)
    case_ids = sorted(str(case_id) for case_id in development.case_id[first])[:_MOST_LOOKED_AT]
    marked, examples = 0, list[Mark]()
    for case_id in case_ids:
        image = store.image(case_id)
        boxes = find_text(image)
        marked += bool(boxes)
        if boxes and len(examples) < _MOST_SHOWN:
            examples.append(Mark(case_id, encode_picture(cut_out_mark(image, boxes[0]))))
    return TextInPixels(len(case_ids), marked, tuple(examples))
