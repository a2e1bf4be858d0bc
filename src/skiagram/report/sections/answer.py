"""The first page: the answer in three sentences, its table and its figure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import copysign

from matplotlib.axes import Axes

from skiagram.evaluation.clinical_utility import (
    CLASSICAL,
    NET_BENEFIT,
    UTILITY,
    UTILITY_OFF_COPIES,
)
from skiagram.evaluation.criteria import (
    CHANCE,
    DecisiveComparison,
    find_decisive,
    find_side,
    gains_over_rules,
    is_no_finder_of_use,
    is_nothing_of_use,
    is_unbeaten,
    judge,
    judge_finding,
)
from skiagram.evaluation.evaluation_record import (
    DECISION_WORDS,
    OFF_NEAR_DUPLICATES,
    PRIMARY,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import (
    CALIBRATION,
    DECISIONS_OFF_COPIES,
    METRICS,
    OPERATING_POINTS,
    ModelResult,
)
from skiagram.evaluation.sentences import join, say
from skiagram.evaluation.verdict import (
    describe_figures,
    describe_finding,
    explain,
    recommend,
    say_standing,
    state_verdict,
)
from skiagram.report.drawing import (
    ARM_COLOUR,
    ARM_COLOUR_WORDS,
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
    format_count,
    format_percent,
    group_by_arm,
    is_best,
    list_simple_rules,
    metric_heading,
    name_class,
)
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.sections.decisions import format_share
from skiagram.report.tables import (
    Cell,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    make_model_row,
)
from skiagram.statistics.estimate import (
    Estimate,
    format_decimal,
    format_difference,
    format_estimate,
    round_half_up,
)

_ROW_HEIGHT = 0.27  # inches
_EXTRA_LINE = 0.12  # inches, where a name takes more than a line
_DIFFERENCE_HEIGHT = 1.0  # inches
_FEATURES = 3  # named on the first page

KNOWN_WITHOUT_IMAGES = ("covariates_and_volume", "covariates")  # the first that is in the run


@section("The answer", place=0)
def answer(evaluation: Evaluation, material: Material) -> Context:
    """Return the first page."""
    # The models of each arm that were compared.
    shown = [model for models in list_compared(evaluation).values() for model in models]
    # A simple baseline that is not beaten is drawn beside the models that do not beat it.
    shown += list_simple_rules(evaluation, [*filter(is_unbeaten, gains_over_rules(evaluation))])
    decisive, useless = _decisive(evaluation), is_nothing_of_use(evaluation)
    # What the primary figure of an outcome that is measured means.
    figure = evaluation.task.predicted.list_figures()[0]
    better = " Lower is better." if figure.higher_is_better is False else ""
    meaning = f"{figure.definition[0].lower()}{figure.definition[1:]}"
    # How many cases have the condition here, and what that means elsewhere.
    prevalence, positive = "", evaluation.task.positive
    counts = evaluation.cases["reported"]
    total = sum(counts.values())
    if positive is not None and total:
        name = name_class(evaluation.task, positive)
        number = counts.get(evaluation.task.classes[positive], 0)
        found, share = format_count(number), format_percent(number / total)
        cases = "the cases" if evaluation.task.design == "cv" else "the test cases"
        cases = "the cases of the cohort" if evaluation.is_external else cases
        prevalence = say("hundred.prevalence", share=share, cases=cases, positive=name)
        if useless:  # the sentences above do not say it
            prevalence = say(
                "hundred.found_here", cases=format_count(total), found=found, positive=name
            )
    # What the best classical model rests on; the figure is in the part for the statistician.
    use = [] if useless else list(describe_use(evaluation))
    if material.reliance and material.reliance.features and not useless:
        names = ", ".join(each.feature for each in material.reliance.features[:_FEATURES])
        use.append(say("further.features", model=material.reliance.title, features=names))
    return {
        "sentences": state_answer(evaluation),
        "useless": useless,
        "table": tabulate_answer(evaluation, material.sensitivity),
        "forest": draw_forest(evaluation, shown, "answer"),
        "colours": describe_colours(evaluation),
        "difference": decisive.difference if decisive else None,
        "primary_definition": f"{figure.title}: {meaning}{better}",
        "prevalence": prevalence,
        "positive": "" if positive is None else name_class(evaluation.task, positive),
        "use": use,
    }


def _decisive(evaluation: Evaluation) -> DecisiveComparison | None:
    """Return the comparison on which the answer rests; None where it has no interval."""
    decisive = find_decisive(evaluation)
    has_interval = decisive is not None and decisive.difference.low is not None
    return decisive if has_interval else None


def state_answer(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the decision, what it rests on and means, and which model to use."""
    use = tuple(recommend(evaluation))
    if evaluation.finding is None or is_no_finder_of_use(evaluation):
        return (*_of_whole_images(evaluation), *use)
    # Where lesions are searched for, finding them comes first.
    rule, found = judge_finding(evaluation), tuple(describe_finding(evaluation))
    if rule.decision != "none":
        name = evaluation.words_of(evaluation.finding.contender)
        because = explain(evaluation, rule, name, "the figure of merit")
        decision = DECISION_WORDS[rule.decision].capitalize()
        found = (say("answer.page_finding", decision=decision, because=because), *found)
    images, *others = _of_whole_images(evaluation)
    images = say("answer.images", answer=f"{images[0].lower()}{images[1:]}")
    return (*found, images, *others, *use)


def _of_whole_images(evaluation: Evaluation) -> tuple[str, ...]:
    rule, decisive = judge(evaluation), _decisive(evaluation)
    # Nothing works: no counts.
    if is_nothing_of_use(evaluation):  # a count of what models at chance find would praise them
        return (say("answer.nothing_works"),)
    if rule.decision == "none" or decisive is None:
        # What the best model of any arm does, where no two are compared.
        verdict = state_verdict(evaluation)
        apart = {*describe_finding(evaluation), *recommend(evaluation)}
        single, positive = [], evaluation.task.positive
        for model in evaluation.models if positive is not None else ():
            hits, alarms = _per_hundred(evaluation, model)
            if is_best(evaluation, model) and not hits.reason and not alarms.reason:
                name, title = name_class(evaluation.task, positive or 0), model.outcome.title
                counts = {"hits": hits.text, "alarms": alarms.text}
                single.append(say("hundred.single", positive=name, model=title, **counts))
        reasons = (reason for reason in verdict.reasons if reason not in apart)
        return (verdict.headline, *reasons, *single)
    # The decision and why, the difference, and what it means for a hundred patients.
    decision = DECISION_WORDS[rule.decision].capitalize()
    return (
        say("answer.page", decision=decision, because=explain(evaluation, rule)),
        describe_figures(decisive),
        next(say_standing(decisive, rule), ""),  # what would narrow it is said by what to do next
        *_of_a_hundred(evaluation),
    )


def _of_a_hundred(evaluation: Evaluation) -> Iterator[str]:
    """Yield the paired differences in natural frequencies, which are read correctly more often.

    Gigerenzer et al. 2007, Psychological Science in the Public Interest 8:53.
    """
    task, name = evaluation.task, evaluation.contender_words
    # Counts are of decisions: both models need a threshold.
    levels = [_per_hundred(evaluation, model) for model in _opponents(evaluation)]
    if not _counts_decisions(evaluation):
        return
    # Several classes: how many are right.
    if task.positive is None:
        if len(levels) == 2:
            first, second = (level[0].text for level in levels)
            yield say("hundred.right", name=name, first=first, second=second)
        return
    # Two classes: found cases and false alarms, each with its interval.
    hits, alarms = _frequencies(evaluation)
    if hits is None or alarms is None:
        return
    pairs = zip(*levels, strict=True) if len(levels) == 2 else ()
    instead = [
        say(
            "hundred.same_level" if level.text == other.text else "hundred.level",
            first=level.text,
            second=other.text,
        )
        for level, other in pairs
    ]
    of_hits, of_alarms = instead or ("", "")
    yield say(
        "hundred.paired",
        positive=name_class(task, task.positive),
        name=name,
        hits=_more(hits.value),
        as_than="than" if hits.value else "as",
        levels=of_hits,
        hits_low=_more(hits.low),
        hits_high=_more(hits.high),
        alarms=_more(alarms.value),
        other_levels=of_alarms,
        alarms_low=_more(alarms.low),
        alarms_high=_more(alarms.high),
    )


def _opponents(evaluation: Evaluation) -> list[ModelResult]:
    """Return what stands for the contender and for the classical models; empty without both."""
    arms = (evaluation.contender, "classical")
    if not all(arm in evaluation.arms for arm in arms):
        return []
    results = {model.outcome.model: model for model in evaluation.every}
    names = (evaluation.arms[arm].model for arm in arms)
    return [results[name] for name in names if name in results]


def _utility(evaluation: Evaluation) -> FigureTable:
    """Return the paired differences in decisions on the cases that the answer follows."""
    analysis = UTILITY_OFF_COPIES if evaluation.near_duplicates else UTILITY
    return evaluation.figures.select(analysis=analysis, versus=CLASSICAL)


def _frequencies(evaluation: Evaluation) -> tuple[Estimate | None, Estimate | None]:
    """Return contender minus classical per 100 cases: found, and false alarms.

    The difference is that of the whole numbers in the table, so that the three agree.
    """
    paired = _utility(evaluation)
    sensitivity, specificity = (paired.find(figure=name) for name in ("sensitivity", "specificity"))
    if sensitivity.low is None or specificity.low is None:
        return None, None
    hits, alarms = _scaled(sensitivity, 100), _scaled(specificity, -100)
    levels = [_per_hundred(evaluation, model) for model in _opponents(evaluation)]
    if len(levels) == 2 and all(cell.text.isdecimal() for cells in levels for cell in cells):
        both = [float(level.text) - float(other.text) for level, other in zip(*levels, strict=True)]
        hits, alarms = replace(hits, value=both[0]), replace(alarms, value=both[1])
    return hits, alarms


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    """Return whole numbers, halves away from 0: of 200 cases every second share is one."""
    value, low, high = (
        None if part is None else copysign(round_half_up(abs(factor * part)), factor * part)
        for part in (estimate.value, estimate.low, estimate.high)
    )
    return Estimate(value, *((low, high) if factor > 0 else (high, low)), reason=estimate.reason)


def _more(count: float | None) -> str:
    whole = int(count or 0)
    return "as many" if whole == 0 else f"{abs(whole)} {'more' if whole > 0 else 'fewer'}"


def list_compared(evaluation: Evaluation) -> dict[str, list[ModelResult]]:
    """List arm → what stands for it, and every reader.

    Where the folds chose different models, their mixture stands there under its own name.
    """
    chosen, groups = evaluation.best.values(), {}
    for arm, models in group_by_arm(evaluation):
        shown = [model for model in models if model.outcome.model in chosen or arm == "reader"]
        groups[arm] = shown or models[:1]  # nobody was chosen: the reason stands in the row
    return groups


def tabulate_answer(evaluation: Evaluation, sensitivity: float | None = None) -> Table:
    """Tabulate what stands for each arm, the difference, simple baselines, and the known limit.

    Args:
        sensitivity: At which thresholds were set: by chance as many of the others are called
            positive; None leaves both cells of chance empty.
    """
    # The primary figure, and once more without near duplicates.
    task, columns = evaluation.task, [metric_heading(evaluation.primary, evaluation.task)]
    difference = [fill_difference(evaluation.difference)]
    if evaluation.near_duplicates:
        columns.append(task.predicted.title_figure(evaluation.off_copies))
        clean = {"group": OFF_NEAR_DUPLICATES, "figure": evaluation.primary, "versus": "classical"}
        difference.append(fill_difference(evaluation.figures.find(analysis=PRIMARY, **clean)))
    # Decisions of a hundred cases, where they can be counted.
    where = ", without near duplicates" if evaluation.near_duplicates else ""
    if _counts_decisions(evaluation) and task.positive is None:
        columns.append(f"Correct, per 100 cases{where}")
        difference.append(Cell(""))
    elif _counts_decisions(evaluation):
        name = name_class(task, task.positive or 0)
        columns += [f"Found, per 100 {name}{where}", f"False alarms, per 100 others{where}"]
        missing, both = Estimate(None, reason="not compared"), _frequencies(evaluation)
        difference += [fill_cell(each or missing, 0, 0, signed=True) for each in both]
    # A group for each arm, then the difference that the answer rests on.
    groups = [
        Group(ARM_TITLES[arm], [_row(evaluation, model) for model in models])
        for arm, models in list_compared(evaluation).items()
    ]
    if _decisive(evaluation) is not None:
        name = f"Best {evaluation.contender_words} minus best classical model"
        groups.append(Group("What the answer rests on", [TableRow(name, difference)]))
    # Whether the images add to what is known without them, by the strongest such model.
    known = [each for each in KNOWN_WITHOUT_IMAGES if each in evaluation.titles][:1]
    added = [
        TableRow(
            f"{evaluation.titles[evaluation.model_of(row.model)]} minus {evaluation.titles[name]}",
            [fill_difference(row), *[""] * (len(columns) - 1)],
        )
        for name in known
        for row in evaluation.simple_rules
        if row.versus == name and row.model in (evaluation.contender, "classical")
    ]
    if added:
        groups.append(Group("What images add to what is known without them", added))
    # The simple baselines that were in the run, and chance or the most common class.
    rows = [_row(evaluation, model) for model in list_simple_rules(evaluation)]
    chance, chance_rule = task.predicted.chance, task.predicted.chance_rule
    reached = evaluation.table.get(analysis=METRICS, model=chance_rule, figure=evaluation.primary)
    half = [format_decimal(chance)] * (2 if evaluation.near_duplicates else 1)
    if chance is not None and not _counts_decisions(evaluation):
        rows.append(TableRow("Chance", half))
    elif task.positive is not None:
        level = "" if sensitivity is None else format_decimal(100 * sensitivity, 0)
        rows.append(TableRow("Chance", [*half, level, level]))
    elif evaluation.majority_accuracy:
        uncounted = Estimate(None, reason="known of all cases, near duplicates included")
        share = _of_hundred(
            uncounted if evaluation.near_duplicates else evaluation.majority_accuracy
        )
        rows.append(TableRow("Always the most common class", [*half, share]))
    elif reached and chance_rule not in evaluation.titles:  # measured, though not in the run
        rows.append(TableRow("Chance", [fill_cell(reached), *[""] * (len(columns) - 1)]))
    if rows:
        groups.append(Group("Simple baselines", rows))
    # The limit of generated data comes last.
    if evaluation.ideal:
        row = TableRow("Ideal observer", [fill_cell(evaluation.ideal), *[""] * (len(columns) - 1)])
        groups.append(Group("The limit of this task", [row]))
    return Table(columns, groups, kind="models answer")


def _counts_decisions(evaluation: Evaluation) -> bool:
    """Tell whether the table has cases found and missed: classes, and models that are of use."""
    return evaluation.task.defines("decisions") and not is_nothing_of_use(evaluation)


def _row(evaluation: Evaluation, model: ModelResult) -> TableRow:
    """Return a model's row without the mark of the best, which all of an arm here are."""
    cells = [fill_cell(model.find(evaluation.primary))]
    if evaluation.near_duplicates:
        cells.append(fill_cell(model.find(evaluation.off_copies)))
    cells += _per_hundred(evaluation, model)
    row = make_model_row(evaluation, model, lambda _: cells)
    chosen = [
        f"{evaluation.titles[name]} {count}"
        for arm in evaluation.arms.values()
        if arm.model == model.outcome.model and len(arm.chosen) > 1
        for name, count in arm.chosen.items()
    ]
    title = f"{row.title} ({', '.join(chosen)})" if chosen else row.title
    return row._replace(title=title, best=False)


def _per_hundred(evaluation: Evaluation, model: ModelResult) -> list[Cell]:
    """Return found and false alarms, or with several classes what is right, per 100 cases.

    They are of the cases that the answer follows: without near duplicates, where there are any.
    Nothing where no model is of use: the counts of one that is not would praise it.
    """
    if not _counts_decisions(evaluation):
        return []
    analysis = DECISIONS_OFF_COPIES if evaluation.near_duplicates else METRICS
    if evaluation.task.positive is None:
        return [_of_hundred(model.find("accuracy", analysis))]
    alarms = _of_hundred(model.find("specificity", analysis), missed=True)
    return [_of_hundred(model.find("sensitivity", analysis)), alarms]


def _of_hundred(share: Estimate, *, missed: bool = False) -> Cell:
    """Return a share as a number out of a hundred cases, or what is left of the hundred."""
    if share.value is None:
        return fill_cell(share)
    if missed:
        parts = (share.value, share.high, share.low)
        value, low, high = (None if part is None else 1 - part for part in parts)
        share = Estimate(value, low, high)
    return fill_cell(_scaled(share, 100), 0, 0)


def describe_colours(evaluation: Evaluation) -> str:
    """Say which arm has which colour, of those that are in the run."""
    arms = (arm for arm, _ in group_by_arm(evaluation))
    return ", ".join(f"{ARM_COLOUR_WORDS[arm]}: {ARM_TITLES[arm].lower()}" for arm in arms)


def draw_forest(evaluation: Evaluation, models: Sequence[ModelResult], name: str) -> Drawing:
    """Draw the primary figure of each model, a row a model.

    What stands for an arm is filled; the ideal observer is a dashed line.

    Below stands the difference on which the answer rests, against the margin.
    """
    # Long titles take several lines: the rows are as high as the longest.
    titles = [wrap_title(model.outcome.title) for model in models]
    row_height = _ROW_HEIGHT + _EXTRA_LINE * max(title.count("\n") for title in titles)
    upper, decisive = 0.75 + row_height * len(models), _decisive(evaluation)
    difference = decisive.difference if decisive else None
    with open_sheet(upper + (_DIFFERENCE_HEIGHT if difference else 0)) as page:
        # The models above, the difference of the two below.
        ratios = (upper, _DIFFERENCE_HEIGHT) if difference else (1,)
        panels = page.figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
        _draw_models(panels[0], evaluation, models, titles)
        if difference:
            _draw_difference(panels[1], evaluation, difference)
        # In words, for a reader who cannot see it.
        parts = [f"{model.outcome.title} {_figure_words(evaluation, model)}" for model in models]
        if evaluation.ideal:
            parts.append(f"ideal observer {format_estimate(evaluation.ideal)}")
        if difference:
            parts.append(
                f"best {evaluation.contender_words} minus best classical model "
                f"{format_difference(difference)}"
            )
        figure = evaluation.figure_title
        words = f"{figure} of each model with its 95 % interval: {'; '.join(parts)}."
        return page.finish(name, words)


def _draw_models(
    axes: Axes, evaluation: Evaluation, models: Sequence[ModelResult], titles: list[str]
) -> None:
    # A row for each model: figure, interval, and a filled square for the best of its arm.
    for row, model in enumerate(models):
        estimate, colour = model.find(evaluation.primary), ARM_COLOUR[model.outcome.arm]
        best = model.outcome.model in evaluation.best.values()
        words = _figure_words(evaluation, model)
        write_beside(axes, words, row, color=INK if best else MUTED, fontsize=8)
        if model.outcome.status == "failed" or estimate.value is None:
            continue
        draw_interval(axes, estimate, row, color=colour, linewidth=1.6)
        style: Style = {"color": colour, "markersize": 6, "markeredgewidth": 1.3}
        axes.plot(estimate.value, row, "s", markerfacecolor=colour if best else "none", **style)
    # The axis starts below the lowest bound, at chance where that is near.
    figures, chance = (
        [model.find(evaluation.primary) for model in models],
        evaluation.task.predicted.chance,
    )
    bounds = [
        bound for figure in figures for bound in (figure.value, figure.low) if bound is not None
    ]
    name_rows(axes, titles)
    axes.set_xlabel(f"{evaluation.figure_title} with 95 % interval")
    if not evaluation.task.predicted.has_value:
        lowest = max(0.0, min([0.48, *(bound - 0.02 for bound in bounds)]))
        axes.set_xlim(lowest, 1.005)
        has_chance = evaluation.task.positive is not None and lowest < CHANCE
    else:  # an error has no bound above
        axes.margins(x=0.08)
        has_chance = chance is not None and any(bound < chance + 0.1 for bound in bounds)
    if chance is not None and has_chance:
        draw_reference_line(axes, chance, "chance", dashed=False)
    if evaluation.ideal and evaluation.ideal.value is not None:
        draw_reference_line(axes, evaluation.ideal.value, "ideal", dashed=True)


def _figure_words(evaluation: Evaluation, model: ModelResult) -> str:
    if model.outcome.status == "failed":
        return "failed"
    return format_estimate(model.find(evaluation.primary))


def _draw_difference(axes: Axes, evaluation: Evaluation, difference: Estimate) -> None:
    """Draw the contender minus the best classical model; inside the grey band nothing counts."""
    # The bar has the colour of the arm that is ahead.
    value, low, high = (part or 0.0 for part in (difference.value, difference.low, difference.high))
    contender, name, margin = evaluation.contender, evaluation.contender_words, evaluation.margin
    arm = "deep" if contender == "either" else contender
    is_error = evaluation.lower_is_better
    ahead = ARM_COLOUR[arm if (value > 0) != is_error else "classical"]
    axes.axvspan(-margin, margin, color=MUTED, alpha=0.18, linewidth=0)
    draw_interval(axes, difference, 0, color=ahead, linewidth=2.2)
    axes.plot(value, 0, marker="s", markersize=7, color=ahead)
    # The axis is symmetric and holds the interval and the margin.
    reach = 1.15 * max(abs(low), abs(high), 1.5 * margin)
    name_rows(axes, [f"Best {name} minus\nbest classical model"])
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-1, 1)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel(f"difference in {evaluation.figure_words}; grey: within the margin")
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=0)
    # Which end is whose.
    style: Style = {"va": "bottom", "color": MUTED, "fontsize": 7.5}
    above: Style = {"xycoords": "axes fraction", "textcoords": "offset points"}
    short = name.removeprefix("trained ")  # it reaches `classical` on a narrow panel
    left, right = (short, "classical") if is_error else ("classical", short)
    axes.annotate(f"← {left}", (0, 1), (0, 2), ha="left", **above, **style)
    axes.annotate(f"{right} →", (1, 1), (0, 2), ha="right", **above, **style)
    words = format_difference(difference).replace(" (", "\n(")
    write_beside(axes, words, 0, color=INK, fontsize=8)


def describe_use(evaluation: Evaluation) -> Iterator[str]:
    """Yield what guidelines ask first of the two that are compared; figures stand further below.

    Calibration, net benefit at the stated risks and, at a stated prevalence, predictive values
    (TRIPOD+AI: Collins et al. 2024, BMJ 385:e078378; Metrics Reloaded: Maier-Hein et al. 2024,
    Nature Methods 21:195).
    """
    # The two that are compared, by name.
    names = (f"best {evaluation.contender_words}", "best classical model")
    opponents = _opponents(evaluation)
    # Calibration and predictive values are known of all cases alone.
    if evaluation.near_duplicates and _counts_decisions(evaluation) and opponents:
        figures = "Calibration"
        if evaluation.task.positive is not None:
            figures = "Calibration and predictive values"
        yield say("further.all_cases", figures=figures)
        opponents = []
    compared = dict(zip(names, opponents, strict=False))
    # Calibration: whether both intervals hold 1.
    agreeing: dict[bool, list[str]] = {}
    for name, model in compared.items():
        calibration = model.figures.select(analysis=CALIBRATION)
        both = [calibration.find(figure=each) for each in ("slope", "expected_to_observed")]
        if all(figure.low is not None for figure in both):
            holds = all(find_side(figure.subtract(1.0)) == "open" for figure in both)
            agreeing.setdefault(holds, []).append(name)
    for holds, models in agreeing.items():
        yield say("further.calibrated" if holds else "further.uncalibrated", models=join(models))
    # Net benefit at the stated risks.
    gains = [row for row in _utility(evaluation).select(figure=NET_BENEFIT).rows if row.value]
    shares = {row: format_share(float(row.group)) for row in gains}
    better = [
        say("further.more_good", name=name, thresholds=join(named))
        for name, side in zip(names, ("above", "below"), strict=True)
        if (named := [shares[row] for row in gains if find_side(row) == side])
    ]
    if gains:
        relation = join(better) if better else say("further.no_more_good")
        yield say("further.net_benefit", thresholds=join([*shares.values()]), relation=relation)
    # Predictive values at the threshold of the table, where somebody stated a prevalence.
    predictive_values = []
    for name, model in compared.items():
        points = model.figures.select(analysis=OPERATING_POINTS)
        aims = points.list_distinct("group")
        aim = next((each for each in aims if each.startswith("sensitivity ")), "none")
        values = [
            points.get(figure=f"{sign}_predictive_value_at_prevalence", group=aim)
            for sign in ("positive", "negative")
        ]
        values_in_words = [
            format_estimate(value, why=True) for value in values if value is not None
        ]
        if len(values_in_words) == len(values):
            predictive_values.append(
                f"{name}, positive {values_in_words[0]} and negative {values_in_words[1]}"
            )
    # Predictive values hang on the prevalence, so it is named.
    if predictive_values and evaluation.prevalence is not None:
        share = format_share(evaluation.prevalence)
        yield say("further.predictive", share=share, values="; ".join(predictive_values))
