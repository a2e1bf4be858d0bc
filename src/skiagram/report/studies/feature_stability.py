"""The page of the study of repeatable features."""

from collections.abc import Mapping, Sequence

from skiagram.report.formatting import format_decimal, format_percent
from skiagram.report.rendering import Summary, render_template
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


def render(result: FeatureStabilityResult) -> str:
    """Return the page; equal results give equal text."""
    summary = summarise(result)
    return render_template(
        "studies/feature_stability.html.j2",
        result=result,
        title=summary.title,
        answers=summary.answers,
        tables=[
            (dataset, list(dataset.kinds), share_rows(dataset, result.least))
            for dataset in result.datasets
        ],
        decimal=format_decimal,
    )


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


def share_rows(dataset: StableDataSet, least: float) -> list[tuple[str, int, list[str]]]:
    """Return family, its number of features and the share that is repeatable under each kind."""
    families = dict.fromkeys(
        each.family for features in dataset.kinds.values() for each in features
    )
    rows = [_share_row(name, dataset.kinds, least, (name,)) for name in families]
    return [*rows, _share_row("all", dataset.kinds, least, tuple(families))]


def _share_row(
    title: str,
    kinds: Mapping[str, Sequence[FeatureCorrelation]],
    least: float,
    families: Sequence[str],
) -> tuple[str, int, list[str]]:
    own = [[each for each in features if each.family in families] for features in kinds.values()]
    shares = [format_percent(_repeatable(features, least) / len(features)) for features in own]
    return title, len(own[0]), shares


def _repeatable(features: Sequence[FeatureCorrelation], least: float) -> int:
    return sum(each.low >= least for each in features)
