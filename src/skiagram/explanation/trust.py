"""Whether a map of an image deserves trust: tests that it can fail, and truth where it is known.

A map has the axes of its image, one number a pixel: how much the pixel speaks for the positive
class. Its positive part is what counts as attribution. The tests: random weights must destroy the
map (Adebayo et al. 2018, *Sanity Checks for Saliency Maps*); taking out what it calls important
must lower the score, and putting it in must raise it, sooner than in random order and sooner than
from the centre outwards (Petsiuk et al. 2018, *RISE*, §4.1); another training must give a map like
it (Arun et al. 2021, *Radiology: Artificial Intelligence* 3:e200267, where each of eight methods
failed a test). Each test has an interval by patient; without one that clears the mark it is failed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass as options_class

from skiagram.arrays import Flags, Floats, Singles, Texts, Whole
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import NEVER_VARIES, mean_by_patient
from skiagram.strict import STRICT, TwoOrMore

Map = Floats  # (height, width) or (depth, height, width)
Mask = Flags
Score = Callable[[Singles], Floats]  # (n, channels, …) images → (n,) scores
State = Literal["passed", "failed", "not tested"]
Method = Literal["grad_cam", "integrated_gradients", "occlusion"]
TITLES: dict[Method, str] = {
    "grad_cam": "Grad-CAM",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}
TestName = Literal["randomisation", "deletion", "insertion", "repeatability"]

_WINDOW = 7  # pixels a side, as Wang et al. 2004 for a square window


@options_class(**STRICT)
class Exchange:
    """How the tests change images.

    Attributes:
        cells: Cells a side that are deleted and inserted; fewer where the image is smaller.
        steps: Steps from none to all cells.
    """

    cells: TwoOrMore
    steps: TwoOrMore


def centre_map(shape: Sequence[int]) -> Map:
    """Draw the map that always points at the centre: a Gaussian of a quarter of each side."""
    offsets = [(np.arange(side) - (side - 1) / 2) / (0.25 * side) for side in shape]
    squares = np.meshgrid(*(offset**2 for offset in offsets), indexing="ij", sparse=True)
    centred: Map = np.exp(-sum(squares) / 2)
    return centred


def map_similarity(map_: Map, other_map: Map) -> float:
    """Measure the structural similarity of two maps, in [−1, 1].

    Maps are compared by their ranks: two sparse maps are not alike for being empty in most places,
    and the unit plays no part. A map of one value is like any other of one value.
    """
    from skimage.metrics import structural_similarity  # of projects alone, and long to import

    # Ranks, as two maps may differ in scale; thin stacks are repeated up to the least window.
    around = [(0, max(0, 3 - side)) for side in map_.shape]
    ranks = [
        np.pad(
            (pd.Series(m.ravel()).rank().to_numpy().reshape(m.shape) - 0.5) / m.size, around, "edge"
        )
        for m in (map_, other_map)
    ]
    # A window that fits, of an odd number of pixels.
    side = min(_WINDOW, *ranks[0].shape)
    return float(structural_similarity(*ranks, data_range=1.0, win_size=side - 1 + side % 2))


def cell_numbers(shape: Sequence[int], cells: int) -> Whole:
    """Find the number of the cell that each pixel lies in: squares or cubes, `cells` a side."""
    number = np.zeros(tuple(shape), dtype=np.int64)
    places = [np.arange(side) * min(cells, side) // side for side in shape]
    for side, place in zip(shape, np.meshgrid(*places, indexing="ij", sparse=True), strict=True):
        number = number * min(cells, side) + place
    return number


def cell_order(values: Map, number: Whole) -> Whole:
    """Order the cells by falling mean of a map; equal ones in the order of their numbers."""
    flat = number.ravel()
    mean = np.bincount(flat, weights=values.ravel()) / np.bincount(flat)
    return np.argsort(-mean, kind="stable").astype(np.int64)


def exchange_areas(
    image: Singles,
    blank: Singles,
    order: Whole,
    number: Whole,
    score: Score,
    steps: int,
) -> tuple[float, float]:
    """Measure the mean score while cells are deleted from an image, and while they are inserted.

    These areas, in the score's unit, are low and high for a faithful map.

    Args:
        image: (channels, [depth,] height, width).
        blank: What stands for no information, of the same shape.
        number: Cell of each pixel.
    """
    # At which place of the order each cell comes.
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    # Images with more and more cells exchanged, both ways.
    taken = np.linspace(0, len(order), steps + 1).round()
    first = place[number][None] < taken.reshape(-1, *[1] * number.ndim)  # (steps + 1, …)
    deleted = np.where(first[:, None], blank[None], image[None])
    inserted = np.where(first[:, None], image[None], blank[None])
    scores = score(np.concatenate([deleted, inserted]).astype(np.float32))
    # The area under both curves, by trapezoids.
    out, into = scores[: steps + 1], scores[steps + 1 :]
    return tuple(float((c[1:] + c[:-1]).mean() / 2) for c in (out, into))  # type: ignore[return-value]


class Located(NamedTuple):
    """Where a map points, given a region; chance is the region's share of the image."""

    hit: float  # whether the highest place lies in the region; the share of them where several do
    share: float
    overlap: float  # of the region among as many highest places (Dice of equal areas)
    area: float  # region's share of the image: what chance gives for the others


def locate(values: Map, region: Mask) -> Located | None:
    """Say where a map points, given a region of at least one pixel and not all.

    None where the map has no positive part, and so points nowhere.
    """
    # Only what speaks for the class.
    positive = np.clip(values, 0.0, None)
    total = float(positive.sum())
    if not total > 0:
        return None
    count = int(region.sum())
    # Places of equal value share what is left of the region's size.
    limit = float(np.partition(values.ravel(), -count)[-count])
    above, level = values > limit, values == limit
    level_share = (count - int(above.sum())) / int(level.sum())
    overlap = (float((above & region).sum()) + level_share * float((level & region).sum())) / count
    return Located(
        hit=float(region[values == values.max()].mean()),
        share=float(positive[region].sum()) / total,
        overlap=overlap,
        area=float(region.mean()),
    )


@dataclass(frozen=True)
class MapTest:
    """One test of an explanation: how it ended, and the mark that its figure must clear."""

    name: TestName
    state: State
    figure: Estimate
    limit: float
    words: str


def judge_test(
    name: TestName, figure: Estimate, limit: float, *, below: bool, words: str
) -> MapTest:
    """Say whether a figure clears its mark, from below or from above, with its whole interval."""
    edge = figure.high if below else figure.low
    cleared = edge is not None and (edge < limit if below else edge > limit)
    state: State = "passed" if cleared else "failed"
    if figure.value is None:
        state = "not tested"
    return MapTest(name, state, figure, limit, words)


def judge_maps(
    similarity: Floats,
    areas: dict[str, Floats],
    method: str,
    alike: Floats,
    patient: Texts,
    unchanged: float,
) -> tuple[MapTest, ...]:
    """Judge one method on one network by the four tests.

    Args:
        similarity: (n,) likeness to the map of the network with fresh weights.
        areas: Method, `random` or `centre` → (2, n) areas under the deletion and insertion curves.
        alike: (2, n) likeness of a case's maps by two trainings, and of its map to that of another
            case by another training; NaN where there is one training.
        patient: (n,) patient of each case.
    """
    # Weights: a map that stays as it is without what was learnt explains nothing.
    likeness = mean_by_patient(similarity, patient, -1.0, 1.0)
    words = "structural similarity to the map of untrained weights; low is good"
    tests = [judge_test("randomisation", likeness, unchanged, below=True, words=words)]
    # Deletion and insertion: the order of the map against two that know nothing.
    method_areas = areas[method]
    exchanges: tuple[tuple[TestName, float], ...] = (("deletion", 1.0), ("insertion", -1.0))
    for row, (name, sign) in enumerate(exchanges):
        # The lesser of two gains: a map must be better than both orders.
        gains = [
            mean_by_patient(sign * (areas[other][row] - method_areas[row]), patient)
            for other in ("random", "centre")
        ]
        least = min(gains, key=lambda gain: -np.inf if gain.low is None else gain.low)
        other = ("random order", "the order from the centre")[gains.index(least)]
        words = f"gain over {other} in standard deviations of the score; above 0 is good"
        tests.append(judge_test(name, least, 0.0, below=False, words=words))
    # Repeatability: two trainings should point to the same places.
    apart = mean_by_patient(alike[0] - alike[1], patient, -2.0, 2.0)
    if apart.value is None:
        apart = Estimate(None, reason="one training: set plan.repeats to 2 or more")
    words = "similarity of a case’s maps by two trainings, above that of two cases’ maps"
    tests.append(judge_test("repeatability", apart, 0.0, below=False, words=words))
    return tuple(tests)


def compare_trainings(maps: Sequence[Sequence[Map]]) -> Floats:
    """Measure how alike the maps of two trainings are, of the same case and of another one.

    (2, n) means over all pairs of trainings, of which each has the same cases; NaN where there is
    one training.
    """
    # Two trainings and two cases at least.
    cases = len(maps[0])
    if len(maps) < 2 or cases < 2:
        return np.full((2, cases), np.nan)

    def similarity(case: int, other_case: int) -> float:
        pairs = combinations(maps, 2)
        return float(
            np.mean([map_similarity(first[case], second[other_case]) for second, first in pairs])
        )

    # The same case, and the next one.
    same_case = [similarity(case, case) for case in range(cases)]
    return np.array([same_case, [similarity(case, (case + 1) % cases) for case in range(cases)]])


@dataclass(frozen=True)
class Pointing:
    """A figure of where a map points, and its surplus over chance and over the image's centre."""

    value: Estimate
    above_chance: Estimate
    above_centre: Estimate


@dataclass(frozen=True)
class Location:
    """Where the maps of one method point, over cases with a known region.

    Attributes:
        nowhere: Cases whose map has no positive part; they count as missing.
        area: Mean share of the image that the region covers: chance.
        hit: Pointing game: whether the highest place lies in the region.
    """

    cases: int
    nowhere: int
    area: float
    hit: Pointing
    share: Pointing
    overlap: Pointing


def judge_location(
    places: Sequence[Sequence[Located | None]],
    centre: Sequence[Located],
    patient: Texts,
) -> Location | None:
    """Average where maps point, by case and training, beside the centre-weighted map of each case.

    None where no map points anywhere.
    """

    # Means over trainings of each case, then over patients.
    def figures(name: str) -> Floats:
        by_case = [[getattr(place, name) for place in each if place is not None] for each in places]
        return np.array([np.mean(values) if values else np.nan for values in by_case])

    def of_centre(name: str) -> Floats:
        return np.array([getattr(located, name) for located in centre])

    def pointing(name: str) -> Pointing:
        hits = figures(name)
        value = mean_by_patient(hits, patient, 0.0, 1.0)
        return Pointing(value, surplus(value, hits, area), surplus(value, hits, of_centre(name)))

    def surplus(value: Estimate, hits: Floats, other: Floats) -> Estimate:
        paired = mean_by_patient(hits - other, patient, -1.0, 1.0)
        if value.method != NEVER_VARIES or value.low is None or value.high is None:
            return paired
        # Never, or always: the cases vary by the other figure alone, which says too little.
        mean = float(other[np.isfinite(hits)].mean())
        low, high = value.low - mean, value.high - mean
        if paired.low is not None and paired.high is not None:
            low, high = min(low, paired.low), max(high, paired.high)
        return Estimate(paired.value, low, high, NEVER_VARIES)

    # Cases in which no map points anywhere.
    area = of_centre("area")
    nowhere = int(np.isnan(figures("hit")).sum())
    if nowhere == len(places):
        return None
    return Location(
        cases=len(places),
        nowhere=nowhere,
        area=float(area.mean()),
        hit=pointing("hit"),
        share=pointing("share"),
        overlap=pointing("overlap"),
    )
