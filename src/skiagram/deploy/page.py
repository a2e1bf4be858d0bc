"""A page of new cases with scores, maps and doubt, those that a person must look at first."""

import base64
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from skiagram.compute.progress import Progress
from skiagram.deploy.finders import Mark
from skiagram.deploy.inputs import NO_COVARIATES, CovariateTable
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prediction import CaseResult, prepare_case
from skiagram.errors import SkiagramError
from skiagram.report.pictures import FALSE_COLOUR, OUTLINE_COLOUR, Circle, encode_circles

if TYPE_CHECKING:
    from skiagram.deploy.maps import CaseMap

PAGE_CASES = 200
MAPS = 20  # cases with a map, if nothing else is asked for
_TEMPLATE = Path(__file__).with_name("page.html")
_PAGE_SIDE = 192  # pixels
_MOST_MARKS = 10  # of an image


def write_page(
    rows: Iterable[CaseResult],
    cases: Sequence[NewCase],
    model: DeployedModel,
    path: Path,
    covariates: CovariateTable = NO_COVARIATES,
    maps: int = MAPS,
) -> int:
    """Write a page of images with their scores; return how many cases it shows.

    At most `PAGE_CASES` cases are shown: first those to be referred, in the order of the run, then
    those nearest to the threshold. The first ones get a map, which costs as much as scoring it 72
    times.
    """
    from jinja2 import Environment

    ranked: list[tuple[float, int, CaseResult]] = []
    for number, row in enumerate(rows):
        doubt = -1.0 if row.refer or row.error else _certainty(row, model)
        ranked.append((doubt, number, row))
        if len(ranked) > 2 * PAGE_CASES:
            ranked = sorted(ranked)[:PAGE_CASES]
    shown = sorted(ranked)[:PAGE_CASES]
    scored = [number for _, number, row in shown if not row.error][:maps]
    rows_of = {number: row for _, number, row in shown}
    mapped: dict[int, CaseMap | str] = {}
    with Progress("Maps", len(scored)) as progress:
        for number in scored:
            label = _explained_class(model, rows_of[number])
            mapped[number] = _map_or_reason(model, cases[number], covariates, label)
            progress.advance()
    items = [_describe(row, cases[number], model, mapped.get(number)) for _, number, row in shown]
    template = Environment(autoescape=True).from_string(_TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(
        model=model.deployment.title,
        rule=model.rule,
        items=items,
        total=len(cases),
        maps=_describe_maps([made for made in mapped.values() if not isinstance(made, str)]),
    )
    path.write_text(text, encoding="utf-8", errors="replace")
    return len(items)


def _describe(
    row: CaseResult, case: NewCase, model: DeployedModel, made: "CaseMap | str | None"
) -> dict[str, Any]:
    drawn = None if isinstance(made, str) else made
    return {
        "row": row,
        "image": _marked(model, case, row) if row.marks else _thumbnail(model, case),
        "marks": _best(model, row),
        "probability": zip(model.task.classes, row.probability, strict=False),
        "without": _list_without(row, model),
        "map": "" if drawn is None else _encode(drawn.picture),
        "no_map": made if isinstance(made, str) else "",
        "explained": "" if row.error else model.task.classes[_explained_class(model, row)],
        "contributions": [
            f"{part.family} {part.change:+.3f}" for part in (drawn.contributions if drawn else ())
        ],
    }


def _best(model: DeployedModel, row: CaseResult) -> list[Mark]:
    """Return the marks shown, of the first training: those that make an image positive, or one."""
    first = [mark for mark in row.marks if mark.repeat == 0]
    high = [mark for mark in first if mark.image_probability >= (model.threshold or 0)]
    return high[:_MOST_MARKS] or first[:1]


def _marked(model: DeployedModel, case: NewCase, row: CaseResult) -> str:
    """Return an image as ingested with its marks, as a `data:` address; of a volume a slice."""
    image = model.preparer.read(case, next(iter(case.images)))
    circles = [
        Circle(
            (np.nan if mark.z is None else mark.z, mark.y, mark.x),
            mark.radius,
            FALSE_COLOUR if mark.image_probability >= (model.threshold or 0) else OUTLINE_COLOUR,
        )
        for mark in _best(model, row)
    ]
    return encode_circles(image.pixels, image.spacing, circles)


def _list_without(row: CaseResult, model: DeployedModel) -> list[tuple[str, float]]:
    kinds = {"covariates": row.without_covariates, "earlier image": row.without_earlier}
    return [
        (f"{model.task.classes[label]} without {words}", probability[label])
        for words, probability in kinds.items()
        for label in ([_explained_class(model, row)] if probability else [])
    ]


def _explained_class(model: DeployedModel, row: CaseResult) -> int:
    """Return the class that is looked for; with more than two, the likeliest one."""
    positive = model.task.positive
    return int(np.argmax(row.probability)) if positive is None else positive


def _map_or_reason(
    model: DeployedModel, case: NewCase, covariates: CovariateTable, label: int
) -> "CaseMap | str":
    from skiagram.deploy.maps import map_case

    try:
        return map_case(model, prepare_case(model, case, covariates), label)
    except SkiagramError as error:
        return str(error)
    except MemoryError:
        return "out of memory"


def _describe_maps(maps: "Sequence[CaseMap]") -> str:
    if not maps:
        return ""
    from skiagram.deploy.maps import judge

    return (
        "The second picture is what the model sees, with a map: orange where the score of the "
        "class is lost when a square there takes the image's mean, blue where it rises. "
        f"{judge(maps)} A map says what this model used, not what is ill."
    )


def _certainty(row: CaseResult, model: DeployedModel) -> float:
    if model.task.positive is not None and model.threshold is not None:
        return abs(row.probability[model.task.positive] - model.threshold)
    return max(row.probability, default=0.0)


def _thumbnail(model: DeployedModel, case: NewCase) -> str:
    """Return a PNG of an image as ingested, its region outlined; empty where it cannot be read."""
    try:
        image = model.preparer.read(case, next(iter(case.images)))
    except (SkiagramError, MemoryError):
        return ""
    pixels = np.asarray(image.pixels, dtype=np.float32)
    inside = None if image.region is None else image.region.inside
    if pixels.ndim == 4:
        area = None if inside is None else inside.reshape(len(inside), -1).sum(axis=1)
        middle = len(pixels) // 2 if area is None else int(area.argmax())
        pixels, inside = pixels[middle, ..., 0], None if inside is None else inside[middle]
    known = pixels[np.isfinite(pixels)]
    low, high = np.quantile(known, (0.005, 0.995)) if known.size else (0.0, 1.0)
    scaled = np.nan_to_num((pixels - low) / max(float(high - low), 1e-12)).clip(0, 1)
    colour = np.repeat(scaled[..., None], 3, axis=2) if scaled.ndim == 2 else scaled
    if inside is not None:
        core = inside.copy()
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            core &= np.roll(inside, step, axis)
        colour[inside & ~core] = (1.0, 0.6, 0.0)
    return _encode((255 * colour).astype(np.uint8))


def _encode(pixels: NDArray[np.uint8]) -> str:
    picture = Pillow.fromarray(pixels)
    picture.thumbnail((_PAGE_SIDE, _PAGE_SIDE))
    content = BytesIO()
    picture.save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
