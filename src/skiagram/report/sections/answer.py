"""The first page: the table of what was compared, its figure, and what would change the verdict."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from matplotlib.axes import Axes

from skiagram.audit.run import AuditReport
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.metrics import METRIC
from skiagram.evaluation.reference_baseline import PREVALENCE
from skiagram.evaluation.results import ModelResult
from skiagram.report.drawing import (
    ARM_COLOUR,
    INK,
    MUTED,
    Drawing,
    draw_reference_line,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import (
    ARM_TITLES,
    DESIGN_WORDS,
    Cell,
    Notes,
    Row,
    Table,
    format_count,
    format_decimal,
    format_difference,
    format_estimate,
    format_percent,
    group_by_arm,
    is_best,
    make_model_row,
    metric_heading,
)
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import Planning

_Group = tuple[str, tuple[Row, ...]]

_ROW_HEIGHT = 0.27  # inches
_EXTRA_LINE = 0.12  # inches, where a name takes more than a line
_DIFFERENCE_HEIGHT = 1.0  # inches
_SURE = 0.8  # of resamples with one model first: below it the order of the models is open


def tabulate_answer(evaluation: Evaluation) -> Table:
    """Return the best of each arm, readers, what is to be beaten, and the limit where known."""
    notes = Notes()
    groups = [*_contenders(evaluation, notes), *_beaten(evaluation, notes)]
    if evaluation.ideal:
        row = (
            notes.cell(evaluation.ideal, format_decimal),
            *(Cell(""),) * (len(_columns(evaluation)) - 1),
        )
        groups.append(("The limit of this task", (Row("Ideal observer", row),)))
    return Table(_columns(evaluation), tuple(groups), notes.by_mark())


def _columns(evaluation: Evaluation) -> tuple[str, ...]:
    positive = evaluation.task.positive
    auc = metric_heading("roc_auc", evaluation.task)
    off_near_duplicates = (
        (METRIC["roc_auc_off_near_duplicates"].title,) if evaluation.near_duplicates else ()
    )
    if positive is None:
        return auc, *off_near_duplicates, "Correct, per 100 cases"
    name = evaluation.task.classes[positive]
    return auc, *off_near_duplicates, f"Detected, per 100 {name}", "False alarms, per 100 others"


def _contenders(evaluation: Evaluation, notes: Notes) -> Iterator[_Group]:
    for arm, models in group_by_arm(evaluation):
        shown = [model for model in models if is_best(evaluation, model) or arm == "reader"]
        if not any(is_best(evaluation, model) for model in models) and arm != "reader":
            shown = models[:1]  # nobody was chosen: the reason stands in the row
        yield ARM_TITLES[arm], tuple(_table_row(model, evaluation, notes) for model in shown)


def _table_row(model: ModelResult, evaluation: Evaluation, notes: Notes) -> Row:
    """Return a model's row without the mark of the best, which all of an arm here are."""
    row = make_model_row(
        evaluation, model, lambda row_model: _table_cells(row_model, evaluation, notes)
    )
    return replace(row, best=False)


def _table_cells(model: ModelResult, evaluation: Evaluation, notes: Notes) -> tuple[Cell, ...]:
    auc = tuple(
        notes.cell(model.metrics.get(metric), format_decimal)
        for metric in (
            "roc_auc",
            *(("roc_auc_off_near_duplicates",) if evaluation.near_duplicates else ()),
        )
    )
    if evaluation.task.positive is None:
        return *auc, notes.cell(_of_hundred(model.metrics.get("accuracy")), _format_whole, digits=0)
    sensitivity, specificity = (model.metrics.get(name) for name in ("sensitivity", "specificity"))
    return (
        *auc,
        notes.cell(_of_hundred(sensitivity), _format_whole, digits=0),
        notes.cell(_of_hundred(specificity, missed=True), _format_whole, digits=0),
    )


def _of_hundred(share: Estimate | None, *, missed: bool = False) -> Estimate | None:
    """Turn a share into a number out of a hundred cases, or into what is left of the hundred."""
    if share is None or share.value is None:
        return share
    low, high = share.low, share.high
    if missed:
        bounds = (
            None if high is None else 100 * (1 - high),
            None if low is None else 100 * (1 - low),
        )
        return Estimate(100 * (1 - share.value), *bounds, share.method)
    bounds = (None if low is None else 100 * low, None if high is None else 100 * high)
    return Estimate(100 * share.value, *bounds, share.method)


def _format_whole(value: float | None) -> str:
    return format_decimal(value, 0)


def _beaten(evaluation: Evaluation, notes: Notes) -> Iterator[_Group]:
    """Yield the reference baselines that were in the run, and the most common class."""
    rules = {baseline.rule for baseline in evaluation.reference_baselines} - {PREVALENCE}
    rows = [
        _table_row(model, evaluation, notes)
        for model in evaluation.models
        if model.outcome.model in rules and not is_best(evaluation, model)
    ]
    half = (Cell(format_decimal(0.5)),) * (2 if evaluation.near_duplicates else 1)
    if evaluation.task.positive is not None:
        rows.append(Row("Chance", (*half, Cell("50"), Cell("50"))))
    elif evaluation.majority_accuracy:
        share = notes.cell(_of_hundred(evaluation.majority_accuracy), _format_whole, digits=0)
        rows.append(Row("Always the most common class", (*half, share)))
    if rows:
        yield "Reference baselines", tuple(rows)


def draw_forest(evaluation: Evaluation) -> Drawing:
    """Draw one row per model; the best of each arm is filled, the ideal observer a dashed line.

    Below stands the contender minus the best classical model against the margin.
    """
    models = [model for _, group in group_by_arm(evaluation) for model in group]
    titles = [wrap_title(model.outcome.title) for model in models]
    row_height = _ROW_HEIGHT + _EXTRA_LINE * max(title.count("\n") for title in titles)
    upper = 0.75 + row_height * len(models)
    both = _has_difference(evaluation)
    with open_sheet(upper + (_DIFFERENCE_HEIGHT if both else 0)) as page:
        ratios = (upper, _DIFFERENCE_HEIGHT) if both else (1,)
        panels = page.figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
        _draw_models(panels[0], evaluation, models, titles)
        if both:
            _draw_difference(panels[1], evaluation)
        return page.finish("auc", _description(evaluation, models))


def _draw_models(
    axes: Axes, evaluation: Evaluation, models: list[ModelResult], titles: list[str]
) -> None:
    for row, model in enumerate(models):
        _draw_model(axes, row, model, best=is_best(evaluation, model))
    lowest = _lowest(models)
    axes.set_xlim(lowest, 1.005)
    axes.set_ylim(len(models) - 0.4, -0.6)
    axes.set_yticks(range(len(models)), titles)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("AUC with 95 % interval")
    if evaluation.task.positive is not None and lowest < 0.5:
        draw_reference_line(axes, 0.5, "chance", dashed=False)
    if evaluation.ideal and evaluation.ideal.value is not None:
        draw_reference_line(axes, evaluation.ideal.value, "ideal", dashed=True)


def _draw_model(axes: Axes, row: int, model: ModelResult, *, best: bool) -> None:
    estimate = _auc(model)
    colour = ARM_COLOUR[model.outcome.arm]
    failed = model.outcome.status == "failed"
    words = "failed" if failed else format_estimate(estimate)
    axes.annotate(
        words, (1.02, row), xycoords=("axes fraction", "data"), va="center", annotation_clip=False,
        color=INK if best else MUTED, fontsize=8,
    )  # fmt: skip
    if failed or estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], color=colour, linewidth=1.6)
    axes.plot(
        estimate.value, row, marker="s", markersize=6, color=colour, linestyle="none",
        markerfacecolor=colour if best else "none", markeredgewidth=1.3,
    )  # fmt: skip


def _auc(model: ModelResult) -> Estimate:
    return model.metrics.get("roc_auc", Estimate(None))


def _lowest(models: list[ModelResult]) -> float:
    bounds = [
        bound
        for model in models
        for bound in (_auc(model).value, _auc(model).low)
        if bound is not None
    ]
    return max(0.0, min([0.48, *(bound - 0.02 for bound in bounds)]))


def _description(evaluation: Evaluation, models: list[ModelResult]) -> str:
    parts = [
        f"{model.outcome.title} "
        + ("failed" if model.outcome.status == "failed" else format_estimate(_auc(model)))
        for model in models
    ]
    if evaluation.ideal:
        parts.append(f"ideal observer {format_estimate(evaluation.ideal)}")
    if evaluation.difference and _has_difference(evaluation):
        parts.append(
            f"best {evaluation.contender_words} minus best classical model "
            f"{format_difference(evaluation.difference)}"
        )
    return f"AUC of each model with its 95 % interval: {'; '.join(parts)}."


def _has_difference(evaluation: Evaluation) -> bool:
    """Return whether both arms were compared and the difference has an interval."""
    estimate = evaluation.difference
    return estimate is not None and estimate.low is not None and estimate.high is not None


def _draw_difference(axes: Axes, evaluation: Evaluation) -> None:
    """Draw the contender minus the best classical model; inside the grey band nothing counts."""
    estimate, margin = evaluation.difference, evaluation.margin
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return
    contender, name = evaluation.contender, evaluation.contender_words
    own = "deep" if contender == "either" else contender
    ahead = ARM_COLOUR[own if estimate.value > 0 else "classical"]
    axes.axvspan(-margin, margin, color=MUTED, alpha=0.18, linewidth=0)
    axes.plot([estimate.low, estimate.high], [0, 0], color=ahead, linewidth=2.2)
    axes.plot(estimate.value, 0, marker="s", markersize=7, color=ahead)
    reach = 1.15 * max(abs(estimate.low), abs(estimate.high), 1.5 * margin)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-1, 1)
    axes.set_yticks([0], [f"Best {name} minus\nbest classical model"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("difference in AUC; grey: within the margin")
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=0)
    for corner, words, side in ((0, "← classical", "left"), (1, f"{name} →", "right")):
        axes.annotate(
            words, (corner, 1), (0, 2), xycoords="axes fraction", textcoords="offset points",
            ha=side, va="bottom", color=MUTED, fontsize=7.5,
        )  # fmt: skip
    axes.annotate(
        format_difference(estimate).replace(" (", "\n("), (1.02, 0),
        xycoords=("axes fraction", "data"), va="center",
        annotation_clip=False, color=INK, fontsize=8,
    )  # fmt: skip


def sensitivity_of_verdict(evaluation: Evaluation, patients_known: bool) -> tuple[str, ...]:
    """Return the sentences: patients, margin, reference baselines, seed, order, limit.

    Args:
        evaluation: What was found.
        patients_known: False where groups of near duplicates stand in for patients.
    """
    return (
        *_more_patients(evaluation, "patients" if patients_known else "groups of near duplicates"),
        *_decisive_margins(evaluation),
        *_beaten_rules(evaluation),
        *_commonest_class(evaluation),
        *_variance_sources(evaluation),
        *_order_of_models(evaluation),
        *_distance_to_ideal(evaluation),
    )


def _more_patients(evaluation: Evaluation, people: str) -> Iterator[str]:
    """Tell what this many patients can show, and how many the margin would need.

    To find a difference of the margin takes fewer patients than to settle that two equal models
    differ by less than it.
    """
    detectable, planning = evaluation.detectable, evaluation.planning
    if detectable is None or detectable.value is None:
        return
    reported = evaluation.patients["reported"]
    power = (
        f"with these {format_count(reported)} {people}, a true difference in AUC of "
        f"{format_decimal(detectable.value)} is found with a probability of 80 %"
    )
    margin = format_decimal(evaluation.margin)
    if detectable.value <= evaluation.margin and _settles(planning, reported):
        yield f"More {people} would change little: {power}; the margin is {margin}."
        return
    needed = _needed(evaluation, people)
    yield f"More {people}: {power}; most smaller differences are missed.{needed}"


def _settles(planning: Planning | None, reported: int) -> bool:
    return planning is None or (planning.settle is not None and planning.settle <= reported)


def _needed(evaluation: Evaluation, people: str) -> str:
    """Tell how many patients would detect, and how many settle, a difference of the margin."""
    planning = evaluation.planning
    if planning is None or planning.detect is None:
        return f" No number of {people} is enough: {planning.reason}." if planning else ""
    patients_words = (
        f" To find a difference of {format_decimal(evaluation.margin)}, the margin, about "
        f"{_round_up(planning.detect)} such {people} are needed"
    )
    if planning.settle is None:
        return f"{patients_words}; to show that two equal models differ by less, {planning.reason}."
    return (
        f"{patients_words}; to show that two equal models differ by less, about "
        f"{_round_up(planning.settle)} (each with a probability of 80 %)."
    )


def _decisive_margins(evaluation: Evaluation) -> Iterator[str]:
    """Tell for which other margins the answer would be another, on the cases that it follows."""
    clean = evaluation.off_near_duplicates
    estimate = clean.comparison.difference if clean else evaluation.difference
    if estimate is None or estimate.low is None or estimate.high is None:
        return
    low, high = estimate.low, estimate.high
    choice = f"The margin of {format_decimal(evaluation.margin)} is a choice"
    if high <= 0:
        yield f"{choice}; whatever it is, the answer is not “yes”."
    elif low <= 0:
        yield (
            f"{choice}: with a margin above {format_decimal(high)} the difference alone would say "
            "“no”, with a smaller one it leaves the question open."
        )
    else:
        yield (
            f"{choice}: with a margin below {format_decimal(low)} the difference alone would say "
            f"“yes”, with one above {format_decimal(high)} “no”; in between the question is open."
        )


def _beaten_rules(evaluation: Evaluation) -> Iterator[str]:
    """Tell what the models beat; what they do not stands among the warnings."""
    for words in evaluation.reference_baseline_words.values():
        if words not in evaluation.warnings:
            yield words


def _commonest_class(evaluation: Evaluation) -> Iterator[str]:
    share = evaluation.majority_accuracy
    if share is not None and share.value is not None:
        yield (
            "Assigning every case to the most common class of the development cases is correct in "
            f"{format_percent(share.value)} of the reported cases; an accuracy close to this has "
            "no value."
        )


def _variance_sources(evaluation: Evaluation) -> Iterator[str]:
    """Tell how much of the variance of the contender another seed would make."""
    choice = evaluation.arms.get(evaluation.contender)
    best = choice.model if choice else evaluation.best.get(evaluation.contender)
    for model in evaluation.models:
        if model.outcome.model != best or not model.stability or not model.stability.variance:
            continue
        parts = model.stability.variance
        whole = parts.patients + parts.seed + parts.both
        if whole > 0:
            yield (
                f"Of the variance of a single training of {model.outcome.title}, "
                f"{format_percent(parts.patients / whole)} comes from the patients, "
                f"{format_percent(parts.seed / whole)} from the seed and "
                f"{format_percent(parts.both / whole)} from their interaction."
            )


def _order_of_models(evaluation: Evaluation) -> Iterator[str]:
    """Tell where another draw of patients would put another model first."""
    if evaluation.ranking is None or not evaluation.ranking.first:
        return
    titles = {model.outcome.model: model.outcome.title for model in evaluation.models}
    leader, share = max(evaluation.ranking.first.items(), key=lambda item: item[1])
    chosen = leader in evaluation.best.values()
    if share >= _SURE and chosen:
        return
    words = (
        f"Among all models, {titles[leader]} has the highest AUC in {format_percent(share)} of "
        "the resamples of reported patients"
    )
    if chosen:
        yield f"{words}: it is not settled which model is best."
    else:
        sealed = " No sealed label influenced that choice." if evaluation.part == "test" else ""
        yield (
            f"{words}, but it was not {DESIGN_WORDS[evaluation.task.design].chosen}. The "
            f"comparison above is between the models that were.{sealed}"
        )


def _distance_to_ideal(evaluation: Evaluation) -> Iterator[str]:
    ideal = evaluation.ideal
    best_aucs = [
        model.metrics["roc_auc"].value
        for model in evaluation.models
        if model.outcome.model in evaluation.best.values() and "roc_auc" in model.metrics
    ]
    reached = [value for value in best_aucs if value is not None]
    if ideal is None or ideal.value is None or not reached:
        return
    left = ideal.value - max(reached)
    if left > evaluation.margin:
        yield (
            f"The AUC of the ideal observer is {format_decimal(left)} above that of the better of "
            "the two: other features, other networks or more training cases can gain up to that "
            "much."
        )


def _round_up(patients: float) -> str:
    """Return two digits, upwards: the third of such a number means nothing."""
    step = 10 ** max(0, len(str(int(patients))) - 2)
    return format_count(float(ceil(patients / step) * step))


def collect_warnings(evaluation: Evaluation, audit: AuditReport) -> tuple[str, ...]:
    """Return what a reader must know first: warnings of the evaluation, then those of the audit.

    Findings that would stop a run and were waived are among them, with the reason.
    """
    from_audit = [
        f"Audit: {finding.summary}"
        + (f" Accepted, because: {finding.waived}" if finding.waived else "")
        for finding in audit.findings
        if finding.count and (finding.severity == "warning" or finding.waived)
    ]
    return (*evaluation.warnings, *from_audit)


def describe_prevalence(evaluation: Evaluation) -> str:
    """Say how common the condition is here and what that means elsewhere; empty when not binary."""
    positive = evaluation.task.positive
    if positive is None:
        return ""
    name = evaluation.task.classes[positive]
    counts = evaluation.cases["reported"]
    total = sum(counts.values())
    if not total:
        return ""
    share = format_percent(counts.get(name, 0) / total)
    return (
        f"Here {share} of the reported cases are {name}. Where {name} cases are rarer, a larger "
        "share of the alarms is false, even with the same AUC."
    )
