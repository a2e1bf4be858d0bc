"""Rows on images made worse: which belong together, and where a model holds and breaks.

Each row whose `scored` names a corruption stands beside the row that it is compared with, whose
images are as they are.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from skiagram.evaluation.criteria import excludes_loss, is_surely_lost
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.rows import SCORED, find_corruption, show_value
from skiagram.sweeps.runs import RowResult


class WorseImages(NamedTuple):
    """Rows that are compared with one row.

    Attributes:
        name: What else they have in common, such as the data set; empty for nothing.
        clean: The row of the images as they are.
        rows: Corruption → its rows, in ascending order of their amounts.
    """

    name: str
    clean: RowResult
    rows: Mapping[str, Sequence[RowResult]]


def amount_of(result: RowResult) -> float:
    """Return how much worse the images of a row are."""
    return float(result.row.changes[SCORED]["amount"])


def list_worse_images(results: Sequence[RowResult]) -> list[WorseImages]:
    """List the rows on images made worse, by the row that they are compared with.

    Rows that failed are in none.
    """
    # Corruptions in the order of the rows, the rows of each in that of their amounts.
    measured = {each.row.number: each for each in results if not each.reason}
    groups: dict[int, dict[str, list[RowResult]]] = {}
    for each in measured.values():
        corruption = find_corruption(each.row.changes)
        if corruption and each.row.reference in measured:
            rows = groups.setdefault(each.row.reference, {}).setdefault(corruption, [])
            insort(rows, each, key=amount_of)
    # What the rows of a reference have in common besides.
    found = []
    for number, of_kinds in groups.items():
        clean = measured[number]
        places = [each.row.place for rows in of_kinds.values() for each in rows]
        shared = [
            show_value(value)
            for axis, value in clean.row.place.items()
            if all(place.get(axis) == value for place in places)
        ]
        found.append(WorseImages(", ".join(shared), clean, of_kinds))
    return found


def find_limits(
    changes: Sequence[tuple[float, Estimate]], margin: float
) -> tuple[float | None, float | None]:
    """Find to which amount of a corruption a model holds, and from which on it breaks.

    Args:
        changes: Amounts, ascending, with the change in AUC.

    Returns:
        Largest amount up to which every interval excludes a loss of the margin; least amount whose
        whole interval lies beyond such a loss.
    """
    holds_to, breaks_at, holding = None, None, True
    for amount, change in changes:
        # It holds until the first amount whose loss cannot be excluded.
        holding = holding and excludes_loss(change, margin)
        if holding:
            holds_to = amount
        if breaks_at is None and is_surely_lost(change, margin):
            breaks_at = amount
    return holds_to, breaks_at
