"""The page of the study of repeatable features."""

from collections.abc import Mapping, Sequence

from skiagram.report.formatting import format_percent
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.tables import Cell, Table, TableRow, list_rows
from skiagram.statistics.estimate import format_decimal
from skiagram.studies.feature_stability import (
    TOGETHER,
    FeatureCorrelation,
    FeatureStabilityResult,
    StableDataSet,
)


def summarise(result: FeatureStabilityResult) -> Summary:
    """Return the title, and how many features are repeatable on each data set."""
    answers = tuple(describe_data_set(each, result.least) for each in result.datasets)
    return Summary("Which features are repeatable under small changes of the image?", answers)


def fill(result: FeatureStabilityResult) -> Context:
    """Return the share of repeatable features by family, and every feature, of each data set."""
    return {
        "tables": [
            (dataset, tabulate_shares(dataset, result.least), tabulate_features(dataset))
            for dataset in result.datasets
        ]
    }


def tabulate_features(dataset: StableDataSet) -> Table:
    """Return ICC(1,1) of each feature under each change, below it ICC(3,1)."""
    rows = [
        TableRow(under[0].feature, [_icc_cell(each) for each in under])
        for under in zip(*dataset.kinds.values(), strict=True)
    ]
    return Table(tuple(dataset.kinds), list_rows(rows), "Feature")


def _icc_cell(each: FeatureCorrelation) -> Cell:
    value, low, high, *other = (
        format_decimal(number, 2)
        for number in (
            *(each.value, each.low, each.high),
            *(each.consistency, each.consistency_low, each.consistency_high),
        )
    )
    return Cell(value, f"{low} to {high}; {other[0]}, {other[1]} to {other[2]}")


def describe_data_set(dataset: StableDataSet, least: float) -> str:
    """Say how many features are repeatable under all changes, and which change costs most."""
    counts = {kind: _repeatable(features, least) for kind, features in dataset.kinds.items()}
    total = len(next(iter(dataset.kinds.values())))
    worst = min((kind for kind in counts if kind != TOGETHER), key=counts.__getitem__)
    whole = counts.get(TOGETHER, counts[worst])
    return (
        f"{dataset.title}: {whole} of {total} features are repeatable (lower bound of ICC(1,1) at "
        f"least {format_decimal(least, 2)}); fewest through {worst} alone, {counts[worst]}."
    )


def tabulate_shares(dataset: StableDataSet, least: float) -> Table:
    """Return by family the number of features and the share repeatable under each kind."""
    families = dict.fromkeys(
        each.family for features in dataset.kinds.values() for each in features
    )
    rows = [_share_row(name, dataset.kinds, least, (name,)) for name in families]
    rows.append(_share_row("all", dataset.kinds, least, tuple(families)))
    return Table(("Features", *dataset.kinds), list_rows(rows), "Family")


def _share_row(
    title: str,
    kinds: Mapping[str, Sequence[FeatureCorrelation]],
    least: float,
    families: Sequence[str],
) -> TableRow:
    own = [[each for each in features if each.family in families] for features in kinds.values()]
    shares = [format_percent(_repeatable(features, least) / len(features)) for features in own]
    return TableRow(title, [str(len(own[0])), *shares])


def _repeatable(features: Sequence[FeatureCorrelation], least: float) -> int:
    return sum(each.low >= least for each in features)
