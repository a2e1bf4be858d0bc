"""Repeatable features: which last through small changes of image and region, of `perturbed`."""

from collections.abc import Mapping, Sequence

from skiagram.case_features.repeatability import Repeatability
from skiagram.evaluation.criteria import is_repeatable
from skiagram.report.formatting import format_percent
from skiagram.report.tables import Cell, Table, TableRow, list_rows
from skiagram.statistics.estimate import format_decimal

Kinds = Mapping[str, Sequence[Repeatability]]


def count_repeatable(repeatability: Kinds) -> dict[str, str]:
    """Count the repeatable features under each kind of change, of how many."""
    return {
        kind: f"{sum(is_repeatable(each.agreement.low) for each in features)} of {len(features)}"
        for kind, features in repeatability.items()
    }


def tabulate_shares(repeatability: Kinds) -> Table:
    """Tabulate by family, and at the end of all, how many features are repeatable."""
    families, rows = dict[str, None](), list[TableRow]()
    for features in repeatability.values():
        families |= dict.fromkeys(each.family for each in features)
    for title, chosen in [*((name, {name}) for name in families), ("all", set(families))]:
        numbers, shares = list[int](), list[str]()
        for features in repeatability.values():
            lows = [each.agreement.low for each in features if each.family in chosen]
            repeatable = sum(map(is_repeatable, lows))
            numbers.append(len(lows))
            shares.append(format_percent(repeatable / len(lows) if lows else None))
        rows.append(TableRow(title, [str(max(numbers)), *shares]))
    return Table(("Features", *repeatability), list_rows(rows), "Family")


def tabulate_features(repeatability: Kinds) -> Table:
    """Tabulate ICC(1,1) of each feature under each kind of change, below it ICC(3,1)."""
    # Each kind of change by the name of the feature; one that lacks it has an empty cell.
    by_name = [{each.feature: each for each in features} for features in repeatability.values()]
    rows = []
    for name in dict.fromkeys(name for features in by_name for name in features):
        cells: list[Cell | str] = []
        for each in (features.get(name) for features in by_name):
            if each is None:
                cells.append("")
                continue
            value, low, high, *other = (
                format_decimal(number, 2)
                for estimate in (each.agreement, each.consistency)
                for number in (estimate.value, estimate.low, estimate.high)
            )
            cells.append(Cell(value, f"{low} to {high}; {other[0]}, {other[1]} to {other[2]}"))
        rows.append(TableRow(name, cells))
    return Table(tuple(repeatability), list_rows(rows), "Feature")
