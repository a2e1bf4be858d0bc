"""The first page: the table of what was compared, its figure, and what would change the verdict."""

from collections.abc import Iterator
from functools import partial
from math import ceil

from matplotlib.axes import Axes

from skiagram.audit.run import AuditReport
from skiagram.evaluation.evaluation_record import PREVALENCE, Evaluation
from skiagram.evaluation.figures import FIGURE
from skiagram.evaluation.results import ModelResult
from skiagram.report.drawing import (
    ARM_COLOUR,
    INK,
    MUTED,
    Drawing,
    Style,
    draw_interval,
    draw_reference_line,
    name_rows,
    open_sheet,
    wrap_title,
    write_beside,
)
from skiagram.report.formatting import (
    ARM_TITLES,
    DESIGN_WORDS,
    format_count,
    format_decimal,
    format_difference,
    format_estimate,
    format_percent,
    group_by_arm,
    is_best,
    metric_heading,
)
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.sections.provenance import describe_opening
from skiagram.report.tables import Cell, Group, Table, TableRow, fill_cell, make_model_row
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import Planning

FIRST_PAGE = {  # anchors besides those of sections
    "sensitivity_of_verdict": "What would change the answer",
    "reading": "How to read this",
}
_ROW_HEIGHT = 0.27  # inches
_EXTRA_LINE = 0.12  # inches, where a name takes more than a line
_DIFFERENCE_HEIGHT = 1.0  # inches
_SURE = 0.8  # of resamples with one model first: below it the order of the models is open


@section("The answer", place=0)
def answer(evaluation: Evaluation, material: Material) -> Context:
    """Return the first page, which stands before the table of contents."""
    return {
        "headings": FIRST_PAGE,
        "table": tabulate_answer(evaluation),
        "forest": draw_forest(evaluation),
        "sensitivity": sensitivity_of_verdict(evaluation, material.card.patients_known),
        "warnings": collect_warnings(evaluation, material),
        "prevalence": describe_prevalence(evaluation),
        "off_near_duplicates": FIGURE["roc_auc_off_near_duplicates"].title,
    }


def tabulate_answer(evaluation: Evaluation) -> Table:
    """Return the best of each arm, readers, what is to be beaten, and the limit where known."""
    columns = _columns(evaluation)
    groups = [*_contenders(evaluation), *_trivial_rules(evaluation)]
    if evaluation.ideal:
        row = TableRow("Ideal observer", [fill_cell(evaluation.ideal), *[""] * (len(columns) - 1)])
        groups.append(Group("The limit of this task", [row]))
    return Table(columns, groups)


def _columns(evaluation: Evaluation) -> list[str]:
    columns = [metric_heading("roc_auc", evaluation.task)]
    if evaluation.near_duplicates:
        columns.append(FIGURE["roc_auc_off_near_duplicates"].title)
    positive = evaluation.task.positive
    if positive is None:
        return [*columns, "Correct, per 100 cases"]
    name = evaluation.task.classes[positive]
    return [*columns, f"Detected, per 100 {name}", "False alarms, per 100 others"]


def _contenders(evaluation: Evaluation) -> Iterator[Group]:
    for arm, models in group_by_arm(evaluation):
        shown = [model for model in models if is_best(evaluation, model) or arm == "reader"]
        if not shown:
            shown = models[:1]  # nobody was chosen: the reason stands in the row
        yield Group(ARM_TITLES[arm], [_model_row(evaluation, model) for model in shown])


def _model_row(evaluation: Evaluation, model: ModelResult) -> TableRow:
    """Return a model's row without the mark of the best, which all of an arm here are."""
    found = model.metrics
    cells = [fill_cell(found.get("roc_auc"))]
    if evaluation.near_duplicates:
        cells.append(fill_cell(found.get("roc_auc_off_near_duplicates")))
    if evaluation.task.positive is None:
        cells.append(_of_hundred(found.get("accuracy")))
    else:
        cells.append(_of_hundred(found.get("sensitivity")))
        cells.append(_of_hundred(found.get("specificity"), missed=True))
    return make_model_row(evaluation, model, lambda _: cells)._replace(best=False)


def _of_hundred(share: Estimate | None, *, missed: bool = False) -> Cell:
    """Return a share as a number out of a hundred cases, or what is left of the hundred."""
    whole = partial(format_decimal, digits=0)
    if share is None or share.value is None:
        return fill_cell(share)
    value, low, high = (
        None if part is None else 100 * (1 - part if missed else part)
        for part in (share.value, share.low, share.high)
    )
    bounds = (high, low) if missed else (low, high)
    return fill_cell(Estimate(value, *bounds), whole, digits=0)


def _trivial_rules(evaluation: Evaluation) -> Iterator[Group]:
    """Yield the trivial rules that were in the run, and chance or the most common class."""
    rules = {comparison.rule for comparison in evaluation.simple_rules} - {PREVALENCE}
    rows = [
        _model_row(evaluation, model)
        for model in evaluation.models
        if model.outcome.model in rules and not is_best(evaluation, model)
    ]
    half = [format_decimal(0.5)] * (2 if evaluation.near_duplicates else 1)
    if evaluation.task.positive is not None:
        rows.append(TableRow("Chance", [*half, "50", "50"]))
    elif evaluation.majority_accuracy:
        share = _of_hundred(evaluation.majority_accuracy)
        rows.append(TableRow("Always the most common class", [*half, share]))
    if rows:
        yield Group("Trivial rules", rows)


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
    bounds = [bound for model in models for bound in (_auc(model).value, _auc(model).low)]
    lowest = max(0.0, min([0.48, *(bound - 0.02 for bound in bounds if bound is not None)]))
    axes.set_xlim(lowest, 1.005)
    name_rows(axes, titles)
    axes.set_xlabel("AUC with 95 % interval")
    if evaluation.task.positive is not None and lowest < 0.5:
        draw_reference_line(axes, 0.5, "chance", dashed=False)
    if evaluation.ideal and evaluation.ideal.value is not None:
        draw_reference_line(axes, evaluation.ideal.value, "ideal", dashed=True)


def _draw_model(axes: Axes, row: int, model: ModelResult, *, best: bool) -> None:
    estimate, colour = _auc(model), ARM_COLOUR[model.outcome.arm]
    write_beside(axes, _auc_words(model), row, color=INK if best else MUTED, fontsize=8)
    if model.outcome.status == "failed" or estimate.value is None:
        return
    draw_interval(axes, estimate, row, color=colour, linewidth=1.6)
    style: Style = {"color": colour, "markersize": 6, "markeredgewidth": 1.3}
    axes.plot(estimate.value, row, "s", markerfacecolor=colour if best else "none", **style)


def _auc(model: ModelResult) -> Estimate:
    return model.metrics.get("roc_auc", Estimate(None))


def _auc_words(model: ModelResult) -> str:
    return "failed" if model.outcome.status == "failed" else format_estimate(_auc(model))


def _description(evaluation: Evaluation, models: list[ModelResult]) -> str:
    parts = [f"{model.outcome.title} {_auc_words(model)}" for model in models]
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
    draw_interval(axes, estimate, 0, color=ahead, linewidth=2.2)
    axes.plot(estimate.value, 0, marker="s", markersize=7, color=ahead)
    reach = 1.15 * max(abs(estimate.low), abs(estimate.high), 1.5 * margin)
    name_rows(axes, [f"Best {name} minus\nbest classical model"])
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-1, 1)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("difference in AUC; grey: within the margin")
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=0)
    style: Style = {"va": "bottom", "color": MUTED, "fontsize": 7.5}
    above: Style = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate("← classical", (0, 1), (0, 2), ha="left", **above, **style)
    axes.annotate(f"{name} →", (1, 1), (0, 2), ha="right", **above, **style)
    words = format_difference(estimate).replace(" (", "\n(")
    write_beside(axes, words, 0, color=INK, fontsize=8)


def sensitivity_of_verdict(evaluation: Evaluation, patients_known: bool) -> tuple[str, ...]:
    """Return the sentences: patients, margin, trivial rules, seed, order, limit.

    Args:
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
    reported, margin = evaluation.patients["reported"], format_decimal(evaluation.margin)
    power = (
        f"with these {format_count(reported)} {people}, a true difference in AUC of "
        f"{format_decimal(detectable.value)} is found with a probability of 80 %"
    )
    settled = planning is None or (planning.settle is not None and planning.settle <= reported)
    if detectable.value <= evaluation.margin and settled:
        yield f"More {people} would change little: {power}; the margin is {margin}."
    else:
        needed = _needed(planning, margin, people)
        yield f"More {people}: {power}; most smaller differences are missed.{needed}"


def _needed(planning: Planning | None, margin: str, people: str) -> str:
    """Tell how many patients would detect, and how many settle, a difference of the margin."""
    if planning is None:
        return ""
    if planning.detect is None:
        return f" No number of {people} is enough: {planning.reason}."
    words = (
        f" To find a difference of {margin}, the margin, about {_round_up(planning.detect)} such "
        f"{people} are needed; to show that two equal models differ by less, "
    )
    if planning.settle is None:
        return f"{words}{planning.reason}."
    return f"{words}about {_round_up(planning.settle)} (each with a probability of 80 %)."


def _round_up(patients: float) -> str:
    """Return two digits, upwards: the third of such a number means nothing."""
    step = 10 ** max(0, len(str(int(patients))) - 2)
    return format_count(float(ceil(patients / step) * step))


def _decisive_margins(evaluation: Evaluation) -> Iterator[str]:
    """Tell for which other margins the answer would be another, on the cases that it follows."""
    clean = evaluation.off_near_duplicates
    estimate = clean.comparison.difference if clean else evaluation.difference
    if estimate is None or estimate.low is None or estimate.high is None:
        return
    low, high = format_decimal(estimate.low), format_decimal(estimate.high)
    choice = f"The margin of {format_decimal(evaluation.margin)} is a choice"
    if estimate.high <= 0:
        yield f"{choice}; whatever it is, the answer is not “yes”."
    elif estimate.low <= 0:
        yield (
            f"{choice}: with a margin above {high} the difference alone would say “no”, with a "
            "smaller one it leaves the question open."
        )
    else:
        yield (
            f"{choice}: with a margin below {low} the difference alone would say “yes”, with one "
            f"above {high} “no”; in between the question is open."
        )


def _beaten_rules(evaluation: Evaluation) -> Iterator[str]:
    """Tell what the models beat; what they do not stands among the warnings."""
    for words in evaluation.simple_rule_words.values():
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
    for model in (*evaluation.models, *evaluation.mixtures):
        if model.outcome.model != best or not model.stability or not model.stability.variance:
            continue
        parts = model.stability.variance
        whole = parts.patients + parts.seed + parts.both
        if whole > 0:
            patients, seed, both = (
                format_percent(part / whole) for part in (parts.patients, parts.seed, parts.both)
            )
            yield (
                f"Of the variance of a single training of {model.outcome.title}, {patients} comes "
                f"from the patients, {seed} from the seed and {both} from their interaction."
            )


def _order_of_models(evaluation: Evaluation) -> Iterator[str]:
    """Tell where another draw of patients would put another model first."""
    if evaluation.ranking is None or not evaluation.ranking.first:
        return
    titles = evaluation.titles
    leader, share = max(evaluation.ranking.first.items(), key=lambda item: item[1])
    chosen = leader in evaluation.best.values()
    words = (
        f"Among all models, {titles[leader]} has the highest AUC in {format_percent(share)} of "
        "the resamples of reported patients"
    )
    if not chosen:
        sealed = " No sealed label influenced that choice." if evaluation.part == "test" else ""
        yield (
            f"{words}, but it was not {DESIGN_WORDS[evaluation.task.design].chosen}. The "
            f"comparison above is between the models that were.{sealed}"
        )
    elif share < _SURE:
        yield f"{words}: it is not settled which model is best."


def _distance_to_ideal(evaluation: Evaluation) -> Iterator[str]:
    ideal = evaluation.ideal
    best = (model for model in evaluation.models if is_best(evaluation, model))
    reached = [value for model in best if (value := _auc(model).value) is not None]
    if ideal is None or ideal.value is None or not reached:
        return
    left = ideal.value - max(reached)
    if left > evaluation.margin:
        yield (
            f"The AUC of the ideal observer is {format_decimal(left)} above that of the better of "
            "the two: other features, other networks or more training cases can gain up to that "
            "much."
        )


def collect_warnings(evaluation: Evaluation, material: Material) -> tuple[str, ...]:
    """Return what a reader must know first, of the seal, of the evaluation and of the audit.

    Findings that would stop a run and were waived are among them, with the reason.
    """
    again = material.opening is not None and material.opening.number > 1
    return (
        *([describe_opening(material.opening)] if again else []),
        *evaluation.warnings,
        *_audit_warnings(material.audit),
    )


def _audit_warnings(audit: AuditReport) -> Iterator[str]:
    for finding in audit.findings:
        if finding.count and (finding.severity == "warning" or finding.waived):
            accepted = f" Accepted, because: {finding.waived}" if finding.waived else ""
            yield f"Audit: {finding.summary}{accepted}"


def describe_prevalence(evaluation: Evaluation) -> str:
    """Say how common the condition is here and what that means elsewhere; empty when not binary."""
    positive, counts = evaluation.task.positive, evaluation.cases["reported"]
    total = sum(counts.values())
    if positive is None or not total:
        return ""
    name = evaluation.task.classes[positive]
    share = format_percent(counts.get(name, 0) / total)
    return (
        f"Here {share} of the reported cases are {name}. Where {name} cases are rarer, a larger "
        "share of the alarms is false, even with the same AUC."
    )
