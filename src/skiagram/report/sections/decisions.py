"""Decisions: what each model's thresholds do on the reported cases, and what acting is worth."""

from dataclasses import dataclass

from skiagram.evaluation.evaluation_record import Evaluation, NetBenefitGain
from skiagram.evaluation.metrics import METRICS, Metric
from skiagram.evaluation.results import DecisionCurve, Estimate, ModelResult, OperatingPoint
from skiagram.report.drawing import INK, MUTED, Drawing, best_of_each_arm, open_sheet, wrap_title
from skiagram.report.formatting import (
    MISSING,
    NOT_FOUND,
    Cell,
    Notes,
    Row,
    Table,
    format_decimal,
    format_percent,
    format_signed,
    group_rows,
)

_LOWEST = -0.05  # below it a rule does harm, and the reader needs no more than that
_TOLD = (0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class OperatingTable:
    """One operating point of every model.

    Attributes:
        aim: What the threshold was to keep, in words.
        table: The figures.
    """

    aim: str
    table: Table


def tabulate_operating_points(evaluation: Evaluation) -> tuple[OperatingTable, ...]:
    """Return one table per operating point, in the requested order; empty when not binary."""
    aims = dict.fromkeys(
        (point.aim, point.level) for model in evaluation.models for point in model.operating_points
    )
    return tuple(
        OperatingTable(f"{aim} of {format_percent(level)}", _table(evaluation, aim, level))
        for aim, level in aims
    )


def _table(evaluation: Evaluation, aim: str, level: float) -> Table:
    notes = Notes()
    judged = [
        metric
        for metric in METRICS
        if metric.judge and (evaluation.prevalence is not None or not metric.needs_prevalence)
    ]
    metrics = {metric.name: _heading(metric, evaluation.prevalence) for metric in judged}

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        point = _point(model, aim, level)
        if point is None:
            return (notes.cell(NOT_FOUND, format_decimal),) * (1 + len(metrics))
        return (
            Cell(format_decimal(point.threshold)),
            *(notes.cell(point.metrics.get(name), format_decimal) for name in metrics),
        )

    columns = ("Threshold", *metrics.values())
    return Table(columns, group_rows(evaluation, cells), notes.by_mark())


def _heading(metric: Metric, prevalence: float | None) -> str:
    if prevalence is None or not metric.needs_prevalence:
        return metric.title
    share = format_decimal(100 * prevalence, 1).removesuffix(".0")
    return metric.title.replace("prevalence", f"{share} %")


def _point(model: ModelResult, aim: str, level: float) -> OperatingPoint | None:
    fitting = (
        point for point in model.operating_points if (point.aim, point.level) == (aim, level)
    )
    return next(fitting, None)


_NOT_COMPARED = Estimate(None, reason="needs a network and a classical model that were trained")
_DIFFERENCES = {
    "sensitivity": "Sensitivity (higher is better)",
    "specificity": "Specificity (higher is better)",
    "brier": "Brier score (lower is better)",
}


def tabulate_utility(evaluation: Evaluation) -> Table:
    """Return the contender minus the best classical model: decisions and probabilities."""
    notes = Notes()
    utility = evaluation.utility
    differences = utility.differences if utility else {}
    rows = tuple(
        Row(title, (notes.cell(differences.get(name, _NOT_COMPARED), format_signed, digits=3),))
        for name, title in _DIFFERENCES.items()
    )
    columns = (f"{evaluation.contender_words.capitalize()} minus classical",)
    return Table(columns, (("On the same cases", rows),), notes.by_mark(), first="Figure")


def tabulate_net_benefit(evaluation: Evaluation) -> Table | None:
    """Return net benefit per 1,000 patients, one row per threshold; None where none is compared."""
    utility = evaluation.utility
    if utility is None or utility.prevalence is None or not utility.net_benefit:
        return None
    notes = Notes()

    def row(benefit: NetBenefitGain) -> Row:
        cells = (
            Cell(_format_share(benefit.own_threshold)),
            *(Cell(_format_per_1000(value)) for value in (benefit.act_on_all, benefit.classical)),
            Cell(_format_per_1000(benefit.network)),
            notes.cell(benefit.gain, _format_gain, digits=1),
        )
        return Row(_format_share(benefit.threshold), cells)

    rows = tuple(row(benefit) for benefit in utility.net_benefit)
    columns = (
        "Probability given by the models", "Act on all", "Best classical model",
        f"Best {evaluation.contender_words}",
        f"{evaluation.contender_words.capitalize()} minus classical",
    )  # fmt: skip
    group = f"Per 1,000 patients, {_format_share(utility.prevalence)} of them positive"
    return Table(columns, ((group, rows),), notes.by_mark(), first="Act from a risk of")


def describe_net_benefit(evaluation: Evaluation) -> tuple[str, ...]:
    """Return a sentence for each threshold that has a figure."""
    gains = evaluation.utility.net_benefit if evaluation.utility else ()
    name = evaluation.contender_words
    return tuple(
        _net_benefit_words(benefit, name) for benefit in gains if benefit.gain.value is not None
    )


def _net_benefit_words(row: NetBenefitGain, contender: str) -> str:
    low, high = row.gain.low or 0.0, row.gain.high or 0.0
    if low > 0:
        words = f"the {contender} is worth more than the classical model"
    elif high < 0:
        words = f"the classical model is worth more than the {contender}"
    else:
        words = "it is not shown which of the two is worth more"
    amount = _format_gain(row.gain.value)
    bounds = f"{_format_gain(low)} to {_format_gain(high)}"
    return (
        f"If one acts from a risk of {_format_share(row.threshold)}, {words}. "
        f"{contender.capitalize()} minus classical: {amount} true positives per 1,000 patients "
        f"({bounds}), at equal numbers of false alarms."
    )


def _format_share(value: float | None) -> str:
    return MISSING if value is None else f"{format_decimal(100 * value, 1).removesuffix('.0')} %"


def _format_per_1000(value: float | None) -> str:
    return format_decimal(value, 1)


def _format_gain(value: float | None) -> str:
    text = format_decimal(value, 1)
    return f"+{text}" if value is not None and value > 0 and text != "0.0" else text


def draw_decision_curve(evaluation: Evaluation) -> Drawing | None:
    """Draw net benefit by threshold, the best of each arm; None when the task is not binary."""
    drawn = list(best_of_each_arm(evaluation, lambda model: model.decision_curve))
    if not drawn:
        return None
    with open_sheet(3.3) as page:
        axes = page.figure.add_subplot()
        for model, colour, curve in drawn:
            axes.fill_between(
                curve.threshold, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0
            )
            title = wrap_title(model.outcome.title, 34)
            axes.plot(curve.threshold, curve.net_benefit, color=colour, label=title)
        first = drawn[0][2]
        axes.plot(
            first.threshold, first.act_on_all, color=INK, linewidth=0.9, linestyle="--",
            label="act on all",
        )  # fmt: skip
        axes.axhline(0, color=MUTED, linewidth=0.9, label="act on none")
        top = max(max(curve.high) for _, _, curve in drawn)
        axes.set_ylim(_LOWEST, max(0.1, top) * 1.05)
        axes.set_xlim(0, 1)
        axes.set_xlabel("threshold probability")
        axes.set_ylabel("net benefit, true positives per case")
        axes.legend(loc="upper right")
        return page.finish("decision_curve", _description(drawn))


def _description(drawn: list[tuple[ModelResult, str, DecisionCurve]]) -> str:
    parts = []
    for model, _, curve in drawn:
        values = ", ".join(
            f"{format_decimal(_at(curve, threshold))} at {threshold:g}" for threshold in _TOLD
        )
        parts.append(f"{model.outcome.title}: {values}")
    return f"Net benefit by threshold probability. {'; '.join(parts)}."


def _at(curve: DecisionCurve, threshold: float) -> float:
    gaps = [abs(tried - threshold) for tried in curve.threshold]
    return curve.net_benefit[gaps.index(min(gaps))]
