"""Repeatable features: which last through small changes of image and region, of `perturbed`."""

from collections.abc import Mapping, Sequence

from skiagram.case_features.repeatability import Repeatability
from skiagram.evaluation.criteria import REPEATABLE, is_repeatable
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.formatting import format_percent
from skiagram.report.material import Material
from skiagram.report.section import Context
from skiagram.report.tables import Cell, Table, TableRow, list_rows
from skiagram.statistics.estimate import format_decimal

Kinds = Mapping[str, Sequence[Repeatability]]


def repeatability(evaluation: Evaluation, material: Material) -> Context:
    """Return the share of repeatable features by family, and every feature."""
    kinds = material.repeatability
    families = dict.fromkeys(each.family for features in kinds.values() for each in features)
    counts, rows = dict[str, str](), list[TableRow]()
    # By family and at the end of all, the number of features and the share that is repeatable.
    for title, chosen in [*((name, {name}) for name in families), ("all", set(families))]:
        numbers, shares = list[int](), list[str]()
        for kind, features in kinds.items():
            lows = [each.agreement.low for each in features if each.family in chosen]
            repeatable = sum(map(is_repeatable, lows))
            numbers.append(len(lows))
            shares.append(format_percent(repeatable / len(lows) if lows else None))
            counts[kind] = f"{repeatable} of {len(lows)}"
        rows.append(TableRow(title, [str(max(numbers)), *shares]))
    return {
        "counts": counts,
        "least": REPEATABLE,
        "shares": Table(("Features", *kinds), list_rows(rows), "Family"),
        "features": tabulate_features(kinds),
    }


def tabulate_features(kinds: Kinds) -> Table:
    """Tabulate ICC(1,1) of each feature under each kind of change, below it ICC(3,1)."""
    # Each kind of change by the name of the feature; one that lacks it has an empty cell.
    by_name = [{each.feature: each for each in features} for features in kinds.values()]
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
    return Table(tuple(kinds), list_rows(rows), "Feature")
