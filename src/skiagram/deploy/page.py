"""A page of new cases with scores and doubt, those that a person must look at first."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from skiagram.compute.files import write_files
from skiagram.deploy.finders import FoundMark
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prediction import CaseResult
from skiagram.errors import SkiagramError, escape_controls
from skiagram.image_store.pictures import (
    FALSE_COLOUR,
    OUTLINE_COLOUR,
    Circle,
    draw_region,
    encode_circles,
    encode_picture,
)

PAGE_CASES = 200
_TEMPLATE = Path(__file__).with_name("page.html")
_MAX_MARKS = 10  # of an image


def write_page(
    rows: Iterable[CaseResult],
    cases: Sequence[NewCase],
    model: DeployedModel,
    path: Path,
    warning: str = "",
) -> int:
    """Write a page of images with their scores; return how many cases it shows.

    At most `PAGE_CASES` cases are shown: first those unlike training, in the order of the run, then
    those nearest to the threshold.

    Args:
        warning: What a reader must know before any score, such as that no model works.
    """
    from jinja2 import Environment

    # No more cases are kept than the page shows, twice at most while they are ranked.
    ranked: list[tuple[float, int, CaseResult]] = []
    for number, row in enumerate(rows):
        # First stand cases unlike those of training, then those nearest to the threshold.
        doubt = max(row.probability, default=0.0)
        if row.unusual or row.error:
            doubt = -1.0
        elif model.task.predicted.positive is not None and model.threshold is not None:
            doubt = abs(row.probability[model.task.predicted.positive] - model.threshold)
        ranked.append((doubt, number, row))
        if len(ranked) > 2 * PAGE_CASES:
            ranked = sorted(ranked)[:PAGE_CASES]
    shown = sorted(ranked)[:PAGE_CASES]
    # What the page shows of each case.
    items = []
    for _, number, row in shown:
        # Marks are of the first training: those that make an image positive, or the highest one.
        marks = [mark for mark in row.marks if mark.repeat == 0]
        high = [mark for mark in marks if mark.image_probability >= (model.threshold or 0)]
        best = high[:_MAX_MARKS] or marks[:1]
        items.append(
            {
                "row": row,
                "image": _picture(model, cases[number], best),
                "marks": best,
                "probability": zip(model.task.predicted.classes, row.probability, strict=False),
            }
        )

    # Control characters in names must not change the page.
    def show(value: Any) -> Any:
        return escape_controls(value) if isinstance(value, str) else value

    # The page is written whole.
    environment = Environment(autoescape=True, finalize=show)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    title, total = model.deployment.title, len(cases)
    text = template.render(model=title, warning=warning, rule=model.rule, items=items, total=total)
    write_files({path: text.encode(errors="replace")})
    return len(items)


def _picture(model: DeployedModel, case: NewCase, marks: Sequence[FoundMark]) -> str:
    """Draw the first modality's image as ingested, with region or marks; of a volume a slice.

    It is a `data:` address, empty where there is no image or it cannot be read.
    """
    # A row of a table, or a case that could not be read, has no picture.
    if not case.images:
        return ""
    try:
        modality = model.preparer.preparation.first_modality
        image = model.preparer.read(case, modality)
    except (SkiagramError, MemoryError):
        return ""
    # The region with its outline, or circles around marks.
    if image.region is not None:
        return encode_picture(draw_region(image.pixels, image.region, image.spacing))
    circles = [
        Circle(
            mark.stored(image.grid),
            mark.radius,
            FALSE_COLOUR if mark.image_probability >= (model.threshold or 0) else OUTLINE_COLOUR,
        )
        for mark in marks
    ]
    return encode_circles(image.pixels, image.spacing, circles)
