"""Tables of marks: distances in mm, the hit rule, marks that stand for others, a case's score.

A table of places has the columns of `skiagram.records.places.PLACES`; a detector's marks have
`score` besides, higher = more suspicious, which is comparable within one fit only.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.image_store.store import ImageStore
from skiagram.images import Spacing
from skiagram.records.places import coordinates, of_cases
from skiagram.strict import STRICT, FromZero, ShareBetween

Spacings = Mapping[str, Spacing | None]
FALSE, REPEATED = -1, -2  # a mark that hits nothing, and a further one on a lesion that is hit


def read_spacing(store: ImageStore) -> dict[str, Spacing | None]:
    """Read case → distances of its pixels, mm; None where unknown."""
    return {case: store.spacing(case) for case in store.case_ids}


def positions(places: pd.DataFrame, spacing: Spacings) -> Floats:
    """Convert places to mm; in pixels where spacing is unknown.

    Args:
        places: With columns `case_id`, `slice`, `row` and `column`.
        spacing: Case → distances of its pixels.

    Returns:
        (n, 3) slice, row and column; slice 0 in plane images.
    """
    cases, case_number = np.unique(places["case_id"].to_numpy(dtype=str), return_inverse=True)
    sides = np.ones((len(cases), 3))
    for number, case in enumerate(cases.tolist()):
        distances = spacing[case] or ()
        sides[number, 3 - len(distances) :] = distances
    return np.nan_to_num(coordinates(places)) * sides[case_number]


@dataclass(**STRICT)
class HitRule:
    """When a mark hits a lesion.

    Attributes:
        rule: `distance`: the mark's centre lies no further from the lesion's than its radius;
            `overlap`: the two circles (balls) share enough, whatever the distance.
        minimum: Of lesions that are smaller, a radius in mm that stands for theirs; of `distance`.
        overlap: Intersection over union from which on two circles share enough.
    """

    rule: Literal["distance", "overlap"]
    minimum: FromZero
    overlap: ShareBetween

    def match(self, marks: pd.DataFrame, lesions: pd.DataFrame, spacing: Spacings) -> Whole:
        """Find (n_marks,) the row of the lesion that each mark hits, or `FALSE` or `REPEATED`.

        Within a case, marks choose from the highest score down, each the nearest lesion it reaches
        that is not hit yet; where all it reaches are hit, it is `REPEATED`.
        """
        # Marks without a lesion near stay false.
        hit = np.full(len(marks), FALSE, dtype=np.int64)
        score = marks["score"].to_numpy(dtype=np.float64)
        for rows, lesion_rows, distance, near in self._cases(marks, lesions, spacing):
            free = np.ones(len(lesion_rows), dtype=np.bool_)
            # The highest mark takes the nearest lesion that is free; a later one on it repeats it.
            for number in np.argsort(-score[rows], kind="stable").tolist():
                if near[number].any():
                    reached = np.flatnonzero(near[number] & free)
                    if len(reached):
                        chosen = reached[np.argmin(distance[number, reached])]
                        free[chosen] = False
                        hit[rows[number]] = lesion_rows[chosen]
                    else:
                        hit[rows[number]] = REPEATED
        return hit

    def reached(self, places: pd.DataFrame, lesions: pd.DataFrame, spacing: Spacings) -> Flags:
        """Find which lesions any place reaches, however many it reaches.

        Args:
            places: Of the same cases.
            lesions: With columns of places, and radii in mm.
            spacing: Case → distances of its pixels.

        Returns:
            (n_lesions,).
        """
        reached = np.zeros(len(lesions), dtype=np.bool_)
        for _, lesion_rows, _, near in self._cases(places, lesions, spacing):
            reached[lesion_rows] = near.any(axis=0)
        return reached

    def _cases(
        self, marks: pd.DataFrame, lesions: pd.DataFrame, spacing: Spacings
    ) -> Iterator[tuple[Whole, Whole, Floats, Flags]]:
        """Yield for each case with both the rows of its marks (m,) and those of its lesions (k,).

        With them come (m, k) the distances of their centres, mm, and which mark reaches which
        lesion.
        """
        # Places in mm, as far as the spacing is known.
        place, true = positions(marks, spacing), positions(lesions, spacing)
        mark_radius, radius = (
            table["radius"].to_numpy(dtype=np.float64) for table in (marks, lesions)
        )
        # Only cases with marks and lesions can have hits.
        case_lesions = of_cases(lesions)
        for case, rows in of_cases(marks).items():
            lesion_rows = case_lesions.get(case)
            if lesion_rows is None:
                continue
            # Distances of each mark from each lesion of the case.
            distance = np.linalg.norm(place[rows][:, None] - true[lesion_rows][None], axis=2)
            if self.rule == "distance":
                near = distance <= np.maximum(radius[lesion_rows], self.minimum) + 1e-9
            else:
                flat = bool(np.isnan(lesions["slice"].iloc[lesion_rows[0]]))  # circles, not balls
                shared = intersection_over_union(
                    distance, mark_radius[rows][:, None], radius[lesion_rows][None], flat
                )
                near = shared >= self.overlap
            yield rows, lesion_rows, distance, near


def intersection_over_union(distance: Floats, first: Floats, second: Floats, flat: bool) -> Floats:
    """Compute the shared part of two circles, or balls, as a share of their union.

    Args:
        distance: Of their centres, any shape.
        first: Radius of one, > 0, of a shape that broadcasts.
        second: Radius of the other.
        flat: Whether they are circles; else balls.
    """
    # Both sizes, of a circle or a ball.
    apart, power = np.maximum(distance, 1e-12), 2 if flat else 3
    unit = np.pi if flat else 4 / 3 * np.pi
    sizes = unit * first**power, unit * second**power
    if flat:  # a lens of two circular segments
        angles = [
            np.arccos(np.clip((apart**2 + inner**2 - other**2) / (2 * apart * inner), -1, 1))
            for inner, other in ((first, second), (second, first))
        ]
        lens = sum(
            radius**2 * (angle - np.sin(2 * angle) / 2)
            for radius, angle in zip((first, second), angles, strict=True)
        )
    else:  # a lens of two caps
        beyond = np.maximum(first + second - distance, 0)
        lens = np.pi * beyond**2 / (12 * apart)
        lens = lens * (apart**2 + 2 * apart * (first + second) - 3 * (first - second) ** 2)
    # One within the other shares the smaller one; those apart share nothing.
    shared = np.where(distance <= np.abs(first - second), np.minimum(*sizes), lens)
    shared = np.where(distance >= first + second, 0.0, shared)
    return shared / (sizes[0] + sizes[1] - shared)


def suppress(marks: pd.DataFrame, distance: float, spacing: Spacings) -> pd.DataFrame:
    """Leave out each mark that has a higher one of its case within some mm.

    Greedy non-maximum suppression: the highest mark that is left takes out all others around it. Of
    equal scores the earlier row is the higher one.

    Args:
        marks: Places with `score`.
        distance: In mm, or in pixels where the spacing is unknown.
        spacing: Case → distances of its pixels.

    Returns:
        The rows that are left, in their order.
    """
    # The highest mark that is left takes out all others around it, case by case.
    place, score = positions(marks, spacing), marks["score"].to_numpy(dtype=np.float64)
    maxima: list[int] = []
    for rows in of_cases(marks).values():
        remaining = rows[np.argsort(-score[rows], kind="stable")]
        while len(remaining):
            maxima.append(int(remaining[0]))
            remaining = remaining[
                np.linalg.norm(place[remaining] - place[remaining[0]], axis=1) > distance
            ]
    return marks.iloc[sorted(maxima)].reset_index(drop=True)


def case_scores(marks: pd.DataFrame, case_id: Sequence[str], top: int, nothing: float) -> Floats:
    """Compute (n,) the mean of each case's highest marks.

    Args:
        marks: After suppression, with `score`.
        case_id: The cases, some of which may have no mark.
        top: How many marks count at most; 1 takes the highest.
        nothing: What stands for a mark that a case does not have.
    """
    score, rows = marks["score"].to_numpy(dtype=np.float64), of_cases(marks)
    scores = np.full((len(case_id), top), nothing)
    for number, case in enumerate(case_id):
        if case in rows:
            highest = np.sort(score[rows[case]])[::-1][:top]
            scores[number, : len(highest)] = highest
    mean: Floats = scores.mean(axis=1)
    return mean
