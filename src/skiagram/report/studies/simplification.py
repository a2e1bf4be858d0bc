"""The page of the study of simplification."""

from collections import Counter
from collections.abc import Sequence

from skiagram.report.drawing import ChangeRow, Drawing, draw_changes
from skiagram.report.formatting import (
    format_count,
    format_difference,
    format_percent,
    format_signed,
)
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.studies.cost import fill_timing
from skiagram.report.tables import (
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    list_rows,
    tabulate,
)
from skiagram.statistics.estimate import MISSING, format_decimal
from skiagram.studies.simplification.study import ORIGINAL, SimplificationResult, SimplifiedModel

_GROUPS = {"features": "few features", "rules": "tree of rules", "network": "small network"}
_COMPRESSED = "smaller weights"
_DEEP = ("network", "whole", "pruned", "eight bits")


def summarise(result: SimplificationResult) -> Summary:
    """Return the title, the simplest model within the margin, and every model's loss."""
    losses = [
        f"{model.title}: {format_difference(model.difference)} in AUC"
        for model in result.models[1:]
    ]
    title = f"{result.title}: how simple may the model become?"
    return Summary(title, (describe_simplest(result), *losses))


def fill(result: SimplificationResult) -> Context:
    """Return the originals, what learning from them gained, figure and tables."""
    return {
        "originals": Counter(sorted(result.originals)).most_common(),
        "taught": describe_teaching(result),
        "figure": draw_losses(result.models[1:]),
        "tables": (tabulate_models(result), tabulate_logistic(result), tabulate_tree(result)),
    }


def tabulate_models(result: SimplificationResult) -> Table:
    """Return loss, agreement, calibration, size and time of the original and the simpler models."""
    margin = result.margin
    return tabulate(
        result.models,
        lambda model: model.title,
        {
            "AUC": lambda model: fill_cell(model.auc),
            "Minus the original": lambda model: (
                MISSING if model.name == ORIGINAL else fill_difference(model.difference)
            ),
            f"Within {format_decimal(margin, 2)}": lambda model: (
                "yes" if is_within(model, margin) else "not shown"
            ),
            "Agreement": lambda model: (
                MISSING if model.name == ORIGINAL else fill_cell(model.agreement)
            ),
            "Brier score": lambda model: fill_cell(model.brier),
            "Calibration error (ICI)": lambda model: format_decimal(
                model.ici.value if model.ici else None
            ),
            "Numbers": lambda model: format_count(model.parameters),
            "Bytes": lambda model: format_size(model.size),
            "Milliseconds per case": lambda model: fill_timing(model.inference),
        },
    )


def tabulate_logistic(result: SimplificationResult) -> Table:
    """Return the features of the logistic model, the strongest first."""
    columns = ["What it measures", "Mean", "Standard deviation"]
    columns += [f"Odds of {name} for one standard deviation more" for name in result.base_odds]
    rows = []
    for feature in result.logistic:
        unit = f" (unit: {feature.unit})" if feature.unit not in ("", "1") else ""
        odds = [f"× {format_decimal(each, 2)}" for each in feature.odds_ratio.values()]
        numbers = [f"{feature.mean:.4g}", f"{feature.deviation:.3g}", *odds]
        rows.append(TableRow(feature.feature, [feature.meaning + unit, *numbers]))
    return Table(columns, list_rows(rows), "Feature", columns[:1])


def tabulate_tree(result: SimplificationResult) -> Table:
    """Return the lines of the tree, further in at each question."""
    return tabulate(
        result.tree,
        lambda line: "\N{EM SPACE}" * (2 * line.depth) + f"{line.feature} {line.question}",
        {
            "Probability": lambda line: format_percent(line.probability),
            "Cases": lambda line: format_count(line.cases),
        },
        "Question",
    )


def is_within(model: SimplifiedModel, margin: float) -> bool:
    """Return whether the interval of the loss lies within the margin."""
    if model.name == ORIGINAL:
        return True
    return model.difference.low is not None and model.difference.low >= -margin


def describe_simplest(result: SimplificationResult) -> str:
    """Say which model of the fewest numbers is shown to lose no more than the margin."""
    original, simpler = result.models[0], result.models[1:]
    within = [
        model
        for model in simpler
        if is_within(model, result.margin) and model.parameters < original.parameters
    ]
    margin = format_decimal(result.margin, 2)
    lead = f"The original has an AUC of {format_decimal(original.auc.value)}."
    if not within:
        nearest = max(simpler, key=lambda model: model.difference.value or -1.0)
        return (
            f"{lead} No simpler model is shown to lose at most {margin}. The nearest is "
            f"{nearest.title}: {format_difference(nearest.difference)}."
        )
    simplest = min(within, key=lambda model: model.parameters)
    return (
        f"{lead} The simplest model within {margin} of it is {simplest.title}: "
        f"{format_difference(simplest.difference)} with {format_count(simplest.parameters)} "
        f"numbers instead of {format_count(original.parameters)}."
    )


def describe_teaching(result: SimplificationResult) -> list[str]:
    """Say, of each simple model, what it gained by learning from the original."""
    auc, sentences = {model.name: model.auc.value or 0.0 for model in result.models}, []
    for kind, title in _GROUPS.items():
        taught, alone = (auc.get(f"{kind}, {way}") for way in ("taught", "labels alone"))
        if taught is not None and alone is not None:
            sentences.append(
                f"{title}: {format_decimal(taught)} taught by the original, "
                f"{format_decimal(alone)} from the labels alone ({format_signed(taught - alone)})"
            )
    return sentences


def format_size(size: int) -> str:
    """Return a number of bytes, for example `4.2 kB`."""
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{format_decimal(size / scale, 1)} {unit}"
    return f"{size} B"


def draw_losses(models: Sequence[SimplifiedModel]) -> Drawing:
    """Draw every simpler model's AUC minus the original's."""
    rows = []
    for model in models:
        kind, _, way = model.name.partition(", ")
        group = _GROUPS.get(kind, _COMPRESSED)
        title = way if kind in _GROUPS else model.name
        arm = "deep" if kind in _DEEP else "classical"
        rows.append(ChangeRow(group, title, arm, model.difference))
    return draw_changes("simplification", rows, "AUC minus the original's, with 95 % interval")
