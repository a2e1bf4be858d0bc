"""What moves the score of a new case: squares of its image, and families of its features.

A map by occlusion (Zeiler & Fergus 2014) works for any model that scores an image: squares of what
the model sees take the image's own mean, and the score that is lost is theirs. Of a volume it is
the slab around the slice shown, where there are regions the part around the region. One test comes
with it that the map can fail: blanking in the order of the map must lower the score sooner than in
random order and than from the centre outwards. What the map of another training would be, and of
untrained weights, the model's folder cannot tell; the stage `explain` tests both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.contract import SpacedImage
from skiagram.deploy.inputs import PreparedImage
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.prepared_cases import Described, PreparedCases, stored
from skiagram.deploy.scorers import ModelScorer
from skiagram.explanation.occlusion import occlusion_maps, slide_window
from skiagram.explanation.trust import centre_map, is_trustworthy, judge_test, mean_by_patient
from skiagram.features.family import FeatureFamily
from skiagram.features.table import FeatureTable
from skiagram.image_store.shards import is_volume
from skiagram.seeding import stream

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
CELLS = 8  # a side of the part that is looked at; a square that is blanked has two
SCORED = 72  # images scored for a map and its test
_STEPS = 8  # of blanking all cells
_HELD_BYTES = 256 * 1024**2
_NOT_BLANKED = -1
_MIN_MAPS = 3  # maps with an interval
_FOR, _AGAINST = (1.0, 0.55, 0.0), (0.25, 0.55, 1.0)


class Contribution(NamedTuple):
    """What a family of features does to the probability of one case.

    `change` is the probability as it is, minus that with the family at the training medians.
    """

    family: str
    change: float


@dataclass(frozen=True)
class CaseMap:
    """What moves the score of one case.

    Attributes:
        picture: (height, width, 3) uint8: the slice that the model sees, orange where it speaks for
            the class and blue where against.
        gains: Mean score by which blanking in the order of the map is below that in random order,
            and below that from the centre outwards.
    """

    name: str
    picture: NDArray[np.uint8]
    gains: tuple[float, float]
    contributions: tuple[Contribution, ...]


def map_case(model: DeployedModel, prepared: PreparedImage, label: int) -> CaseMap:
    """Make the map of one case for a class, test it, and say which families move its score."""
    rows, columns = _cells(prepared)
    squares = slide_window((rows, columns), (2, 2), (1, 1))
    inside = np.zeros((len(squares), rows, columns), dtype=np.bool_)
    for flags, square in zip(inside, squares, strict=True):
        flags[square] = True
    windows = inside.reshape(len(squares), -1)
    nothing = np.zeros((1, rows * columns), dtype=np.bool_)
    scores = _score_blanked(
        model, prepared, label, (rows, columns), np.concatenate([nothing, ~nothing, windows])
    )
    (lost,) = occlusion_maps((rows, columns), squares, (scores[0] - scores[2:])[:, None])
    orders = [
        np.argsort(-lost.ravel(), kind="stable"),
        stream(0, "blanked in random order", prepared.name).permutation(rows * columns),
        np.argsort(-centre_map((rows, columns)).ravel(), kind="stable"),
    ]
    taken = np.linspace(0, rows * columns, _STEPS + 1).round()[1:-1]
    blanked = np.stack([np.argsort(order) < count for order in orders for count in taken])
    steps = _score_blanked(model, prepared, label, (rows, columns), blanked)
    area, of_chance, of_centre = (
        (steps.reshape(len(orders), -1).sum(axis=1) + scores[:2].mean()) / _STEPS
    ).tolist()
    picture = _draw(prepared.image, lost)
    gains = of_chance - area, of_centre - area
    return CaseMap(prepared.name, picture, gains, family_contributions(model, prepared, label))


def judge(maps: Sequence[CaseMap]) -> str:
    """Say in a sentence whether the maps of some cases passed the test of deletion."""
    untested = (
        "Not tested for this model: whether untrained weights destroy the map, and whether another "
        "training repeats it."
    )
    if len(maps) < _MIN_MAPS:
        return f"{len(maps)} maps are too few for the test of deletion. {untested}"
    name = np.array([case.name for case in maps])
    tests = [
        judge_test(
            "deletion", mean_by_patient(np.array(gains), name), 0.0, below=False, words="gain"
        )
        for gains in zip(*(case.gains for case in maps), strict=True)
    ]
    passed = "passed" if is_trustworthy(tests) else "failed"
    return (
        f"Over these {len(maps)} cases the maps {passed} the one test that a single model allows: "
        "blanking in the order of the map must lower the score sooner than in random order and "
        f"than from the centre outwards, with the whole 95 % interval. {untested}"
    )


def family_contributions(
    model: DeployedModel, prepared: PreparedImage, label: int, most: int = 3
) -> tuple[Contribution, ...]:
    """Return the families that change the probability of a class most, the strongest first.

    All features of a family take the training cases' medians together; a model that has no
    features, or whose folder does not hold those medians, has no contributions.
    """
    scorer = model.scorer
    if not isinstance(scorer, ModelScorer) or scorer.familiarity is None:
        return ()
    centre = dict(zip(scorer.familiarity.names, scorer.familiarity.centre, strict=True))
    if centre.keys().isdisjoint(scorer.requires.columns):  # it reads images or places
        return ()
    known = scorer.preparing.families
    with stored([prepared]) as cases:
        described = scorer.describe(cases)
        tables = [described.features, *([described.encoding] if described.encoding else [])]
        names = [name for table in tables[::-1] for name in table.names]
        families = list(dict.fromkeys(family_of(name, known) for name in names))
        medians: list[dict[str, float]] = [{} for _ in (None, *families)]
        for name in names:
            if name in centre:
                medians[1 + families.index(family_of(name, known))][name] = centre[name]
        scores = scorer.scores(_changed_copies(cases, scorer.preparing.steps, medians))
    probability = model.calibrate(scores)[:, label]
    contributions = [
        Contribution(family, float(probability[0] - usual))
        for family, usual in zip(families, probability[1:], strict=True)
    ]
    return tuple(sorted(contributions, key=lambda contribution: -abs(contribution.change))[:most])


def _changed_copies(
    cases: PreparedCases, steps: str, changes: Sequence[Mapping[str, float]]
) -> PreparedCases:
    """Return copies of the only case to score, each with some of its features changed."""
    (case,) = cases.case_id
    copies = tuple(f"copy-{number}" for number in range(len(changes)))

    def changed(table: FeatureTable) -> FeatureTable:
        place = {name: column for column, name in enumerate(table.names)}
        case_values = table.of(np.array([case])).values
        values = np.repeat(case_values, len(copies), axis=0)
        for row, features in enumerate(changes):
            for name in features.keys() & place.keys():
                values[row, place[name]] = features[name]
        case_id = np.array([*copies, *table.case_id.tolist()])
        return FeatureTable(case_id, table.names, np.vstack([values, table.values]))

    places, features, encoding = cases.described[steps]
    described = Described(places, changed(features), encoding and changed(encoding))
    return replace(
        cases,
        case_id=copies,
        cells=dict.fromkeys(copies, cases.cells[case]) | dict(cases.cells),
        previous=dict.fromkeys(copies, cases.previous[case]),
        described={steps: described},
        readings={},
    )


def family_of(name: str, families: Sequence[FeatureFamily]) -> str:
    """Return the family of a feature, with its modality; of filtered images the filter."""
    for family in families:
        feature = next((known for known in family.names() if name.endswith(known)), None)
        if feature is not None:
            kind = feature.rpartition(".")[0] or type(family).__module__.rpartition(".")[2]
            return f"{name.removesuffix(feature)}{kind}"
    return name.rpartition("_")[0] or name


def _cells(prepared: PreparedImage) -> tuple[int, int]:
    sides = [_part(image)[-2:] for image in prepared.images.values()]
    rows, columns = (
        min(CELLS, *(part[axis].stop - part[axis].start for part in sides)) for axis in (0, 1)
    )
    return rows, columns


def _part(image: SpacedImage) -> tuple[slice, ...]:
    """Return what is looked at of an image: around its region, of a volume a slab."""
    sides = image.pixels.shape[: 3 if is_volume(image.pixels) else 2]
    part = [slice(0, side) for side in sides]
    if image.region is not None:
        for axis, place in enumerate(np.nonzero(image.region.inside)):
            first, last = int(place.min()), int(place.max()) + 1
            margin = -(-(last - first) // CELLS)
            part[axis] = slice(max(0, first - margin), min(sides[axis], last + margin))
    if len(sides) == 3:
        shown = shown_slice(image)
        half = (part[0].stop - part[0].start) // CELLS
        part[0] = slice(max(0, shown - half), min(sides[0], shown + half + 1))
    return tuple(part)


def shown_slice(image: SpacedImage) -> int:
    """Return the slice of a volume that is shown: where the region is largest, else the middle."""
    if image.region is None:
        return len(image.pixels) // 2
    inside = image.region.inside
    return int(inside.reshape(len(inside), -1).sum(axis=1).argmax())


def _number_cells(image: SpacedImage, rows: int, columns: int) -> NDArray[np.int64]:
    sides, part = image.pixels.shape[: 3 if is_volume(image.pixels) else 2], _part(image)
    number = np.full(sides, _NOT_BLANKED, dtype=np.int64)
    row, column = (
        np.arange(place.stop - place.start) * count // (place.stop - place.start)
        for place, count in zip(part[-2:], (rows, columns), strict=True)
    )
    number[part] = row[:, None] * columns + column
    return number


def _score_blanked(
    model: DeployedModel,
    prepared: PreparedImage,
    label: int,
    cells: tuple[int, int],
    blanked: Flags,
) -> Floats:
    """Return (k,) scores of a class, minus those of the others, with (k, cells) of them blanked."""
    number = {name: _number_cells(image, *cells) for name, image in prepared.images.items()}
    size = max(1, min(model.scorer.requires.batch, _HELD_BYTES // max(1, prepared.nbytes)))
    scores = []
    for start in range(0, len(blanked), size):
        batch = [
            replace(_blank(prepared, number, flags), name=f"{row} of {prepared.name}")
            for row, flags in enumerate(blanked[start : start + size])
        ]
        with stored(batch) as cases:
            mean = np.mean(model.scorer.scores(cases), axis=0)
        others = np.delete(mean, label, axis=1)
        scores.append(mean[:, label] - others.mean(axis=1))
    return np.concatenate(scores)


def _blank(
    prepared: PreparedImage, number: Mapping[str, NDArray[np.int64]], blanked: Flags
) -> PreparedImage:
    images = {}
    for name, image in prepared.images.items():
        chosen = np.append(blanked, False)[number[name]]
        known = image.pixels if image.region is None else image.pixels[image.region.inside]
        mean = known.reshape(-1, *image.pixels.shape[chosen.ndim :]).mean(axis=0)
        pixels = image.pixels.copy()
        pixels[chosen] = mean
        images[name] = replace(image, pixels=pixels)
    return replace(prepared, images=images)


def _draw(image: SpacedImage, lost: Floats) -> NDArray[np.uint8]:
    """Return the slice that is shown, with the map over it."""
    number = _number_cells(image, *lost.shape)
    pixels = image.pixels.astype(np.float64)
    if number.ndim == 3:
        shown = shown_slice(image)
        pixels, number = pixels[shown, ..., 0], number[shown]
    low, high = np.quantile(pixels, (0.005, 0.995))
    grey = ((pixels - low) / max(float(high - low), 1e-12)).clip(0, 1)
    colour = np.repeat(grey[..., None], 3, axis=2) if grey.ndim == 2 else grey
    strongest = float(np.abs(lost).max())
    strength = np.append(lost.ravel() / (strongest or 1.0), 0.0)[number][..., None]
    over = np.where(strength > 0, _FOR, _AGAINST)
    weight = 0.6 * np.abs(strength)
    picture: NDArray[np.uint8] = np.round(255 * ((1 - weight) * colour + weight * over)).astype(
        np.uint8
    )
    return picture
