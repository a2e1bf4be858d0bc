"""Comparisons between models, all pairs, and of the best ones with reference baselines."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from skiagram.evaluation.evaluation_record import ArmChoice, Comparison, Evaluation
from skiagram.evaluation.reference_baseline import PREVALENCE
from skiagram.report.formatting import (
    MISSING,
    Cell,
    Notes,
    Row,
    Table,
    format_count,
    format_difference,
    format_p_value,
    format_signed,
)
from skiagram.statistics.significance import McNemar

ALPHA = 0.05
_KINDS = {"classical": "classical model", "encoder": "frozen encoder", "deep": "trained network"}
_WORDS = {
    "better": "the first model is better",
    "worse": "the second model is better",
    "equivalent": "equivalent: the difference is smaller than the margin",
    "not inferior": "the first model is not inferior and may be better",
    "not superior": "the first model is not better by the margin and may be worse",
    "undecided": "undecided: the interval includes relevant differences in both directions",
    "unknown": "no conclusion",
}


@dataclass(frozen=True)
class Pair:
    """One comparison as text.

    Attributes:
        model: Title of the one.
        other: Title of the other.
        difference: AUC of the one minus that of the other, with its interval or the reason for
            having none.
        p: Raw p value.
        corrected: Holm's p value; a dash for the primary comparison.
        words: What it shows against 0 and the margin.
        decisions: Cases that only one of the two classifies correctly, and McNemar's p value.
    """

    model: str
    other: str
    difference: str
    p: str
    corrected: str
    words: str
    decisions: str


@dataclass(frozen=True)
class DifferenceCell:
    """One cell of the matrix: the model of the row against that of the column.

    Attributes:
        difference: AUC of the row's model minus that of the column's; empty on the diagonal.
        p: Raw p value.
        corrected: Holm's p value; for the primary comparison the raw one stands alone.
        tone: `ahead` or `behind` where the corrected p value is below 5 %, else empty.
    """

    difference: str = ""
    p: str = ""
    corrected: str = ""
    tone: str = ""


def describe_pairs(
    comparisons: tuple[Comparison, ...], titles: Mapping[str, str]
) -> tuple[Pair, ...]:
    """Return comparisons as text, in the order given."""
    return tuple(
        Pair(
            titles[comparison.model],
            titles[comparison.other],
            comparison.difference.reason
            if comparison.difference.value is None
            else format_difference(comparison.difference),
            format_p_value(comparison.p),
            format_p_value(comparison.p_holm),
            _WORDS[comparison.relation],
            _describe_mcnemar(comparison.mcnemar),
        )
        for comparison in comparisons
    )


def describe_primary(evaluation: Evaluation, titles: Mapping[str, str]) -> Pair | None:
    """Return the primary comparison; where folds chose different models, which in how many."""
    if evaluation.primary is None:
        return None
    (pair,) = describe_pairs((evaluation.primary,), titles)
    arms = evaluation.arms
    contender = evaluation.contender
    if not {contender, "classical"} <= set(arms):
        return pair
    name = evaluation.contender_words
    return replace(
        pair,
        model=_describe_choice(name, arms[contender], titles) or pair.model,
        other=_describe_choice("classical model", arms["classical"], titles) or pair.other,
    )


def describe_arm_pairs(evaluation: Evaluation, titles: Mapping[str, str]) -> tuple[Pair, ...]:
    """Return the pairs of arms but the primary one, each side with its kind."""

    def side(model: str) -> str:
        arm = next(
            result.outcome.arm for result in evaluation.models if result.outcome.model == model
        )
        kind = _KINDS[arm]
        return _describe_choice(kind, evaluation.arms[arm], titles) or f"{titles[model]}, {kind}"

    return tuple(
        replace(pair, model=side(comparison.model), other=side(comparison.other))
        for pair, comparison in zip(
            describe_pairs(evaluation.arm_pairs, titles), evaluation.arm_pairs, strict=True
        )
    )


def _describe_choice(kind: str, arm: ArmChoice, titles: Mapping[str, str]) -> str:
    """Say which models the folds chose; empty where it is one model throughout."""
    if len(arm.chosen) < 2:
        return ""
    counts = [f"{titles[name]} in {count}" for name, count in arm.chosen.items()]
    return f"Best {kind} of each fold ({', '.join(counts)} of {arm.choices} folds)"


def describe_scope(evaluation: Evaluation) -> str:
    """Say whether the primary comparison is of these fits or of the procedures that made them."""
    primary = evaluation.primary
    if primary is None:
        return ""
    if primary.scope == "fits":
        return (
            "Each model was trained once, so the interval is of these fits alone: how another seed "
            "would move the difference is not in it."
        )
    trainings = f"the mean of {primary.repeats} trainings" if primary.repeats > 1 else ""
    if evaluation.task.design == "cv":
        joined = f"{trainings}; " if trainings else ""
        return (
            f"The comparison is of procedures, not of single fits: {joined}the interval is widened "
            "because the folds share training cases (Nadeau and Bengio 2003)."
        )
    return (
        f"Each AUC is {trainings}, and the interval is of the procedure: it holds other patients "
        "and other seeds."
    )


def tabulate_differences(
    evaluation: Evaluation,
) -> tuple[tuple[str, tuple[DifferenceCell, ...]], ...]:
    """Return (title, cells) for every model that was compared, in the order of the report.

    Empty with fewer than three models, where a matrix says no more than one line.
    """
    comparisons = {(pair.model, pair.other): pair for pair in evaluation.secondary}
    choices = [evaluation.arms.get(arm) for arm in (evaluation.contender, "classical")]
    of_models = all(choice is None or len(choice.chosen) == 1 for choice in choices)
    if evaluation.primary and of_models:
        comparisons[evaluation.primary.model, evaluation.primary.other] = evaluation.primary
    compared = {name for pair in comparisons for name in pair}
    models = [model.outcome for model in evaluation.models if model.outcome.model in compared]
    if len(models) < 3:
        return ()
    return tuple(
        (
            row.title,
            tuple(_difference_cell(comparisons, row.model, column.model) for column in models),
        )
        for row in models
    )


def _difference_cell(
    comparisons: Mapping[tuple[str, str], Comparison], row: str, column: str
) -> DifferenceCell:
    comparison, turned = comparisons.get((row, column)), False
    if comparison is None:
        comparison, turned = comparisons.get((column, row)), True
    if comparison is None or comparison.difference.value is None:
        return DifferenceCell() if row == column else DifferenceCell(MISSING)
    value = -comparison.difference.value if turned else comparison.difference.value
    deciding = comparison.p if comparison.p_holm is None else comparison.p_holm
    sure = deciding is not None and deciding < ALPHA
    return DifferenceCell(
        format_signed(value),
        format_p_value(comparison.p),
        "" if comparison.p_holm is None else format_p_value(comparison.p_holm),
        ("ahead" if value > 0 else "behind") if sure else "",
    )


def _describe_mcnemar(test: McNemar | None) -> str:
    if test is None:
        return MISSING
    only = f"{format_count(test.only_model)} : {format_count(test.only_other)}"
    return f"{only}, p {format_p_value(test.p)}"


def tabulate_reference_baselines(evaluation: Evaluation) -> Table | None:
    """Return the differences in AUC, one group per model; None where nothing was compared."""
    if not evaluation.reference_baselines:
        return None
    notes = Notes()
    titles = {model.outcome.model: model.outcome.title for model in evaluation.models}
    titles[PREVALENCE] = "The prevalence (AUC 0.5)"
    groups: dict[str, list[Row]] = {}
    for comparison in evaluation.reference_baselines:
        gain = notes.cell(comparison.difference, format_signed, digits=3)
        row = Row(
            titles[comparison.rule], (gain, Cell("yes" if comparison.beaten else "not shown"))
        )
        groups.setdefault(titles[comparison.model], []).append(row)
    columns = ("Difference in AUC, model minus baseline", "Model is better")
    rows_by_model = tuple((title, tuple(rows)) for title, rows in groups.items())
    return Table(columns, rows_by_model, notes.by_mark(), first="Reference baseline")
