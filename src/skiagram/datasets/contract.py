"""What every source offers to ingest; a new source is one file here and one config."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol, get_args

import numpy as np
import pandas as pd
from pydantic import Field
from pydantic.dataclasses import dataclass as options

from skiagram.arrays import Floats, Singles
from skiagram.datasets.choices import CopyChoice
from skiagram.errors import DataError, refusal
from skiagram.images import Spacing
from skiagram.readers.spaced_image import SpacedImage
from skiagram.sealing.labels import EncryptedLabels
from skiagram.strict import STRICT
from skiagram.tasks.cases import DataCard, Split
from skiagram.tasks.kinds import AnyOutcome


def tabulate_entries(
    name: Sequence[str],
    patient: Iterable[str | None] | None,
    label: Iterable[int] | int,
    split: Iterable[Split | None] | Split | None,
    value: Floats | float = math.nan,
) -> pd.DataFrame:
    """Return the cases of a source, a row each, before their images are read.

    What is the same of all cases may be given once.

    Args:
        name: Name within the source; it never leaves ingest.
        patient: Patient within the source; None where the source does not say, as for the others.
        label: Index into the source's classes; `SEALED` for a test case whose label is encrypted.
        split: The published split.
        value: (n,) of the source's outcome, in its unit, or (n, findings); NaN where classes are
            told apart.

    Raises:
        DataError: A split or a label is none of these.
    """
    of_each = [*value] if isinstance(value, np.ndarray) else value
    given = {"name": name, "patient": patient, "label": label, "split": split, "value": of_each}
    entries = pd.DataFrame(given, range(len(name)), dtype=object)  # None stays
    # A word that nobody knows would put test cases among those for training.
    unknown = {
        "split": {*entries["split"]} - {None, *get_args(Split)},
        "label": {label for label in entries["label"] if label % 1},
    }
    for column, cells in unknown.items():
        if cells:
            raise refusal("datasets.unknown_entry", column=column, cell=min(cells))
    numbers = {"label": np.int64, "value": np.float64}
    return entries.astype({"label": np.int64} if np.ndim(value) > 1 else numbers)


@dataclass(frozen=True)
class GroundTruth:
    """What only a generated data set knows of one case; it is sealed.

    Attributes:
        clean: The same image without noise and faults, (height, width) or (depth, height, width,
            1) float32.
        ideal_score: Log-likelihood ratio of the ideal observer, natural units.
        place: [Slice,] row and column of a lesion's centre in pixels; NaN without a lesion.
        ideal_marks: Marks of the ideal observer of a search, each with its score.
    """

    clean: Singles
    ideal_score: float
    place: tuple[float, ...]
    ideal_marks: "tuple[tuple[Mark, float], ...]" = ()


@dataclass(frozen=True)
class Mark:
    """A circle, or a ball, around a lesion, as its source gives it.

    Attributes:
        centre: [Slice,] row and column in pixels of the image that ingest stores.
        radius: Pixels, of a slice in volumes, > 0; in mm it is so many times their `pixel_side`.
    """

    centre: tuple[float, ...]
    radius: float


def pixel_side(spacing: Spacing | None) -> float:
    """Return the side of a square as large as a pixel (of a slice), mm; 1 where it is unknown."""
    return 1.0 if spacing is None else math.sqrt(spacing[-2] * spacing[-1])


class OpenSource(ABC):
    """A verified source: its entries and, one at a time, their images.

    What only some sources have is given here with what all others say.

    Attributes:
        entries: Every case, as `tabulate_entries` lists them; no image is read for it.
        known: What else is known of the entries, in their order, never an identifier. `covariates`
            are numbers or texts. `reader_scores`, what readers or devices said, are finite, higher
            = more likely the positive class. `measured` are features that came with the data; NaN
            is missing. `visits` have the `visit`'s place among the patient's, from 1 and never a
            date, and the `region` that is seen, such as a side: images are compared with earlier
            ones of it alone.
        in_gray: Whether colour is turned gray, and so that of new images.
        in_order: Whether images are best read one after the other, by one process.
        columns: Role → column of the table; none where there is no such column.
        problems: What is wrong with rows of the table, which are not listed.
    """

    entries: pd.DataFrame
    known: Mapping[str, pd.DataFrame] = {}
    in_gray: bool = False
    in_order: bool = True
    columns: Mapping[str, str] = {}
    problems: Sequence[DataError] = ()

    @abstractmethod
    def image(self, position: int) -> SpacedImage | None:
        """Read the image of one entry; None where the cases have values alone."""

    def truth(self, position: int) -> GroundTruth | None:
        """Return what is known of one generated case; None for real images."""
        return None

    def marks(self, position: int) -> tuple[Mark, ...]:
        """Return the lesions of one entry whose place is known.

        Marks tell the label: those of a test case are for the seal alone.
        """
        return ()

    def kinds(self) -> "Mapping[str, OpenSource]":
        """Return modality → its images, the own first; without a name where a case has one."""
        return {"": self}

    def parts(self, positions: Sequence[int]) -> "Iterator[OpenSource] | None":
        """Cut some images into parts of about equal work, in this order; None where it cannot.

        Each is a source that can be sent to another process; its entries tell names alone.
        """
        return None

    def content_key(self, position: int) -> bytes | None:
        """Return a digest of the content of an image's files, wherever they lie."""
        return None

    def encrypted_labels(self) -> EncryptedLabels | None:
        """Return encrypted labels of test cases, `SEALED` in the entries; None for plain ones."""
        return None


class Source(Protocol):
    """The options dataclass of a data set."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""

    @property
    def positive_class(self) -> str | None:
        """Class looked for; None when there are more than two classes."""

    @property
    def outcome(self) -> AnyOutcome | None:
        """What cases have a value of; None where classes are told apart."""

    def card(self) -> DataCard:
        """Return what a reader must know of the data set."""

    def open(self, root: Path | None) -> OpenSource:
        """Find and verify the source's files, in a folder; None to fetch them."""


@options(**STRICT)
class RealDataSet(ABC):
    """Options that every data set of real images has.

    Attributes:
        name: Short name.
        title: Name for people.
        modality: Kind of image.
        licence: Licence of the images.
        citation: What to cite.
        known_issues: What a reader of the report must know.
        waived_findings: Audit finding → reason why it does not stop the run.
        copies: What becomes of copies across the split or of different patients: `refuse` stops,
            `drop` leaves all but one out, `move` puts the test copies into training, `join` makes
            one patient of those who share an image.
        outcome: What is predicted where it is no class: `time`, `number`, `grade` or
            `findings`; null tells the classes apart.
    """

    name: str
    title: str
    modality: str
    licence: str
    citation: str
    known_issues: tuple[str, ...] = field(default=(), kw_only=True)
    waived_findings: dict[str, str] = field(default_factory=dict, kw_only=True)
    copies: CopyChoice = field(default="refuse", kw_only=True)
    outcome: Annotated[AnyOutcome | None, Field(union_mode="left_to_right")] = field(
        default=None, kw_only=True
    )

    @property
    @abstractmethod
    def origin(self) -> str:
        """Where the images are from, for the report."""

    @property
    def patients_known(self) -> bool:
        """Whether every image names its patient."""
        return True

    def changed_files(
        self, root: Path | None, earlier_checksums: MutableMapping[str, str]
    ) -> dict[str, str]:
        """Return file → checksum, of files at hand whose content these options do not tell.

        A stage that reads the source depends on them: files that the options tell by a checksum
        count where they hold something else, others whatever they hold. A file that is not at hand
        is not looked for.

        Args:
            root: Folder of the files, as for `open`.
            earlier_checksums: State of a file on the disk → its checksum, from earlier looks; new
                ones are put in, so that a file is read again only after it was written.
        """
        return {}

    def card(self) -> DataCard:
        return DataCard(
            name=self.name,
            title=self.title,
            modality=self.modality,
            licence=self.licence,
            citation=self.citation,
            source=self.origin,
            patients_known=self.patients_known,
            known_issues=self.known_issues,
            waived_findings=self.waived_findings,
        )
