"""The first page: the answer in three sentences, its table and its figure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import copysign
from typing import NamedTuple

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
    gains_over_baselines,
    is_no_finder_of_use,
    is_nothing_of_use,
    is_unbeaten,
    judge,
    judge_finding,
)
from skiagram.evaluation.evaluation_record import (
    DECISION_WORDS,
    MERIT,
    OFF_NEAR_DUPLICATES,
    PRIMARY,
    Evaluation,
    FindingEvaluation,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable
from skiagram.evaluation.results import (
    CALIBRATION,
    DECISIONS_OFF_COPIES,
    METRICS,
    OPERATING_POINTS,
    ModelResult,
)
from skiagram.evaluation.sentences import join, say
from skiagram.evaluation.verdict import (
    count_choices,
    describe_figures,
    describe_finding,
    explain,
    recommend,
    say_standing,
    state_verdict,
    tell_cut_training,
)
from skiagram.explanation.record import Reliance
from skiagram.report.drawing import (
    ARM_COLOUR,
    ARM_COLOUR_WORDS,
    INK,
    LIMIT,
    Drawing,
    IntervalRow,
    draw_interval,
    draw_rows,
    name_rows,
    style_of,
    wrap_title,
    write_above,
    write_beside,
)
from skiagram.report.formatting import (
    ARM_TITLES,
    format_percent,
    format_share,
    group_by_arm,
    is_best,
    list_simple_baselines,
    metric_heading,
    name_class,
)
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
    MISSING,
    Estimate,
    format_decimal,
    format_difference,
    format_estimate,
    round_half_up,
)

MERIT_WORDS = "figure of merit"
_FEATURES = 3  # named on the first page

KNOWN_WITHOUT_IMAGES = ("covariates_and_volume", "covariates")  # the first that is in the run


def name_positive(evaluation: Evaluation) -> str:
    """Name the condition looked for; empty where there is none."""
    positive = evaluation.task.predicted.positive
    return "" if positive is None else name_class(evaluation.task, positive)


def describe_prevalence(evaluation: Evaluation) -> str:
    """Say how many cases have the condition here, and what that means elsewhere."""
    counts, positive = evaluation.cases["reported"], evaluation.task.predicted.positive
    total = sum(counts.values())
    number = counts.get(evaluation.task.predicted.classes[positive or 0], 0)
    if positive is None or number in (0, total):
        return ""
    name = name_positive(evaluation)
    if is_nothing_of_use(evaluation):  # the sentences above do not say it
        return say("hundred.found_here", cases=total, found=number, positive=name)
    cases = "the cases" if evaluation.task.design == "cv" else "the test cases"
    cases = "the cases of the cohort" if evaluation.is_external else cases
    share = format_percent(number / total)
    return say("hundred.prevalence", share=share, cases=cases, positive=name)


def list_uses(evaluation: Evaluation, reliance: Reliance | None) -> list[str]:
    """List what is known of the use of the two that are compared; nothing of models of no use.

    Last stands what the best classical model rests on; the figure of that is further below.
    """
    if is_nothing_of_use(evaluation):
        return []
    uses = list(describe_use(evaluation))
    if reliance and reliance.features:
        names = ", ".join(each.feature for each in reliance.features[:_FEATURES])
        uses.append(say("further.features", model=reliance.title, features=names))
    return uses


def find_searched(evaluation: Evaluation) -> FindingEvaluation | None:
    """Find the search for lesions on which the answer rests; None where no two are compared."""
    return evaluation.finding if judge_finding(evaluation).decision != "none" else None


def find_shown(evaluation: Evaluation) -> DecisiveComparison | None:
    """Return the comparison on which the answer rests; None where it has no interval."""
    decisive = find_decisive(evaluation)
    has_interval = decisive is not None and decisive.difference.low is not None
    return decisive if has_interval else None


def state_answer(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the decision, what it rests on and means, and which model to use."""
    use = (*tell_cut_training(evaluation), *recommend(evaluation))
    if evaluation.finding is None or is_no_finder_of_use(evaluation):
        return (*_of_whole_images(evaluation), *use)
    # Where lesions are searched for, finding them comes first.
    rule, found = judge_finding(evaluation), tuple(describe_finding(evaluation))
    if rule.decision != "none":
        name = evaluation.words_of(evaluation.finding.contender)
        because = explain(evaluation, rule, name, f"the {MERIT_WORDS}")
        decision = DECISION_WORDS[rule.decision].capitalize()
        found = (say("answer.page_finding", decision=decision, because=because), *found)
    images, *others = _of_whole_images(evaluation)
    images = say("answer.images", answer=f"{images[0].lower()}{images[1:]}")
    return (*found, images, *others, *use)


def _of_whole_images(evaluation: Evaluation) -> tuple[str, ...]:
    rule, decisive = judge(evaluation), find_shown(evaluation)
    # Nothing works: no counts.
    if is_nothing_of_use(evaluation):  # a count of what models at chance find would praise them
        return (say("answer.nothing_works"),)
    if rule.decision == "none" or decisive is None:
        # What the best model of any arm does, where no two are compared.
        verdict = state_verdict(evaluation)
        apart = {*describe_finding(evaluation), *recommend(evaluation)}
        single, positive = [], evaluation.task.predicted.positive
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
    if task.predicted.positive is None:
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
        positive=name_class(task, task.predicted.positive),
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
    hits, alarms = _scaled(sensitivity), _scaled(specificity.negate())
    levels = [_per_hundred(evaluation, model) for model in _opponents(evaluation)]
    if len(levels) == 2 and all(cell.text.isdecimal() for cells in levels for cell in cells):
        both = [float(level.text) - float(other.text) for level, other in zip(*levels, strict=True)]
        hits, alarms = replace(hits, value=both[0]), replace(alarms, value=both[1])
    return hits, alarms


def _scaled(share: Estimate) -> Estimate:
    """Return a share as whole numbers out of a hundred."""
    value, low, high = (
        None if part is None else copysign(round_half_up(abs(100 * part)), part)
        for part in (share.value, share.low, share.high)
    )
    return Estimate(value, low, high, reason=share.reason)


def _more(count: float | None) -> str:
    whole = int(count or 0)
    return "as many" if whole == 0 else f"{abs(whole)} {'more' if whole > 0 else 'fewer'}"


def list_compared(evaluation: Evaluation) -> dict[str, list[ModelResult]]:
    """List arm → what stands for it, of images and in finding, and every reader.

    Where the folds chose different models, their mixture stands there under its own name.
    """
    chosen, groups = {arm.model for arm in evaluation.arms.values()}, {}
    if finding := find_searched(evaluation):
        chosen |= {finder.model for finder in finding.arms.values()}
    for arm, models in group_by_arm(evaluation):
        shown = [model for model in models if model.outcome.model in chosen or arm == "reader"]
        groups[arm] = shown or models[:1]  # nobody was chosen: the reason stands in the row
    return groups


class _Column(NamedTuple):
    """A column of the first table: its cells of models, of the difference, of chance, the limit."""

    heading: str
    fill: Callable[[ModelResult], Cell]
    difference: Cell | str = ""
    chance: Cell | str = ""
    limit: Cell | str = ""


def tabulate_answer(evaluation: Evaluation, sensitivity: float | None = None) -> Table:
    """Tabulate what stands for each arm, the difference, simple baselines, and the known limit.

    Args:
        sensitivity: At which thresholds were set: by chance as many of the others are called
            positive; None leaves both cells of chance empty.
    """
    # Where lesions are searched for, the figure of merit and the lesions found come first.
    task, finding = evaluation.task, find_searched(evaluation)
    columns = [] if finding is None else _columns_of_finding(evaluation, finding)
    columns += _columns_of_images(evaluation)
    if finding is None and _counts_decisions(evaluation):
        columns += _columns_of_counts(evaluation, sensitivity)
    blank = [""] * (len(columns) - 1)

    def make_row(model: ModelResult) -> TableRow:
        """Make a model's row without the mark of the best, which all of an arm here are."""
        row = make_model_row(evaluation, model, lambda _: [each.fill(model) for each in columns])
        return row._replace(title=_title(evaluation, model), best=False)

    # A group for each arm, then the difference that the answer rests on.
    groups = [
        Group(ARM_TITLES[arm], [make_row(model) for model in models])
        for arm, models in list_compared(evaluation).items()
    ]
    if finding is not None or find_shown(evaluation) is not None:
        words = evaluation.words_of(finding.contender) if finding else evaluation.contender_words
        name = f"Best {words} minus best classical model"
        differences = [each.difference for each in columns]
        groups.append(Group("What the answer rests on", [TableRow(name, differences)]))
    # Whether the images add to what is known without them, by the strongest such model.
    titles = evaluation.titles
    known = [each for each in KNOWN_WITHOUT_IMAGES if each in titles][:1]
    added = [
        TableRow(
            f"{titles[evaluation.arms[row.model].model]} minus {titles[name]}",
            [fill_difference(row), *blank],
        )
        for name in known
        for row in evaluation.simple_baselines
        if row.versus == name and row.model in (evaluation.contender, "classical")
    ]
    if added and finding is None:
        groups.append(Group("What images add to what is known without them", added))
    # The simple baselines that were in the run, and chance or the most common class.
    rows = [make_row(model) for model in list_simple_baselines(evaluation)]
    chance = [each.chance for each in columns]
    if any(chance):
        common = _counts_decisions(evaluation) and task.predicted.positive is None and chance[-1]
        rows.append(TableRow("Always the most common class" if common else "Chance", chance))
    if rows:
        groups.append(Group("Simple baselines", rows))
    # The limit of generated data comes last.
    limits = [each.limit for each in columns]
    if any(limits):
        groups.append(Group("The limit of this task", [TableRow("Ideal observer", limits)]))
    return Table(columns=[each.heading for each in columns], groups=groups, kind="models answer")


def _columns_of_finding(evaluation: Evaluation, finding: FindingEvaluation) -> list[_Column]:
    """Return the columns of finding: the figure that decides, and what it means in lesions."""
    finders = {finder.model: finder for finder in (*finding.finders, *finding.arms.values())}

    def fill(figure: str, group: str, model: ModelResult) -> Cell:
        finder = finders.get(model.outcome.model)
        return fill_cell(finder.find(figure, group)) if finder else Cell("")

    ideal = [
        fill_cell(finding.ideal.find(*named)) if finding.ideal else ""
        for named in ((MERIT,), ("sensitivity", "1"))
    ]
    difference = fill_difference(evaluation.gain_in_finding(MERIT))
    merit = partial(fill, MERIT, "")
    return [
        _Column(MERIT_WORDS.capitalize(), merit, difference, format_decimal(CHANCE), ideal[0]),
        _Column("Lesions found, at 1 false mark per image", partial(fill, "sensitivity", "1"),
                limit=ideal[1]),
    ]  # fmt: skip


def _columns_of_images(evaluation: Evaluation) -> list[_Column]:
    """Return the primary figure, and once more without near duplicates, where there are some."""
    # Chance is fixed, or what a model without any feature reached that is not in the run.
    task, chance_model = evaluation.task, evaluation.task.predicted.chance_model
    reached = evaluation.table.get(analysis=METRICS, model=chance_model, figure=evaluation.primary)
    chance: Cell | str = ""
    if task.predicted.chance is not None:
        chance = format_decimal(task.predicted.chance)
    elif reached and chance_model not in evaluation.titles:
        chance = fill_cell(reached)
    limit = fill_cell(evaluation.ideal) if evaluation.ideal else ""
    difference = fill_difference(evaluation.difference)
    heading = metric_heading(evaluation.primary, task)
    columns = [
        _Column(heading, lambda model: fill_cell(model.find(evaluation.primary)), difference,
                chance, limit)
    ]  # fmt: skip
    if evaluation.near_duplicates:
        off_copies = evaluation.off_copies
        clean = {"group": OFF_NEAR_DUPLICATES, "figure": evaluation.primary, "versus": "classical"}
        columns.append(
            _Column(
                task.predicted.title_figure(off_copies),
                lambda model: fill_cell(model.find(off_copies)),
                fill_difference(evaluation.figures.find(analysis=PRIMARY, **clean)),
                chance,
            )
        )
    return columns


def _columns_of_counts(evaluation: Evaluation, sensitivity: float | None) -> list[_Column]:
    """Return the decisions on a hundred cases, on those that the answer follows."""
    task = evaluation.task
    where = ", without near duplicates" if evaluation.near_duplicates else ""

    def fill(place: int, model: ModelResult) -> Cell:
        return _per_hundred(evaluation, model)[place]

    # Of several classes what is right, beside naming the most common one of all cases.
    if task.predicted.positive is None:
        share: Cell | str = ""
        if evaluation.majority_accuracy:
            uncounted = Estimate(None, reason="known of all cases, near duplicates included")
            counted = uncounted if evaluation.near_duplicates else evaluation.majority_accuracy
            share = _of_hundred(counted)
        return [_Column(f"Correct, per 100 cases{where}", partial(fill, 0), chance=share)]
    name = name_class(task, task.predicted.positive)
    level = "" if sensitivity is None else format_decimal(100 * sensitivity, 0)
    missing = Estimate(None, reason="not compared")
    headings = f"Found, per 100 {name}{where}", f"False alarms, per 100 others{where}"
    differences = [
        fill_cell(each or missing, 0, 0, signed=True) for each in _frequencies(evaluation)
    ]
    return [
        _Column(heading, partial(fill, place), differences[place], level)
        for place, heading in enumerate(headings)
    ]


def _counts_decisions(evaluation: Evaluation) -> bool:
    """Tell whether the table has cases found and missed: classes, and models that are of use."""
    return evaluation.task.defines("decisions") and not is_nothing_of_use(evaluation)


def _title(evaluation: Evaluation, model: ModelResult) -> str:
    """Return a model's title; of what folds chose differently, how many chose which."""
    name = model.outcome.model
    choices = [arm.chosen for arm in evaluation.arms.values() if arm.model == name]
    if finding := find_searched(evaluation):
        choices += [finding.chosen[arm] for arm, each in finding.arms.items() if each.model == name]
    chosen = next((each for each in choices if len(each) > 1), {})
    counted = f" ({count_choices(evaluation, chosen)})" if chosen else ""
    return f"{model.outcome.title}{counted}"


def _per_hundred(evaluation: Evaluation, model: ModelResult) -> list[Cell]:
    """Return found and false alarms, or with several classes what is right, per 100 cases.

    They are of the cases that the answer follows: without near duplicates, where there are any.
    Nothing where no model is of use: the counts of one that is not would praise it.
    """
    if not _counts_decisions(evaluation):
        return []
    analysis = DECISIONS_OFF_COPIES if evaluation.near_duplicates else METRICS
    if evaluation.task.predicted.positive is None:
        return [_of_hundred(model.find("accuracy", analysis))]
    missed = model.find("specificity", analysis).subtract(1.0).negate()
    return [_of_hundred(model.find("sensitivity", analysis)), _of_hundred(missed)]


def _of_hundred(share: Estimate) -> Cell:
    """Return a share as a number out of a hundred cases."""
    return fill_cell(_scaled(share), 0, 0)


def describe_colours(evaluation: Evaluation) -> str:
    """Say which arm has which colour, of those that are in the run."""
    arms = (arm for arm, _ in group_by_arm(evaluation))
    return ", ".join(f"{ARM_COLOUR_WORDS[arm]}: {ARM_TITLES[arm].lower()}" for arm in arms)


def draw_forest(evaluation: Evaluation, models: Sequence[ModelResult], name: str) -> Drawing:
    """Draw the primary figure of each model, a row a model; what stands for an arm is filled.

    Below stands the difference on which the answer rests, against the margin.
    """
    rows = []
    for model in models:
        estimate = model.find(evaluation.primary)
        if estimate.value is None:
            failed = model.outcome.status == "failed"
            estimate = Estimate(None, reason="failed" if failed else MISSING)
        is_open = model.outcome.model not in evaluation.best.values()
        title = wrap_title(model.outcome.title)
        rows.append(IntervalRow("", title, model.outcome.arm, estimate, is_open))
    ideal, decisive = evaluation.ideal, find_shown(evaluation)
    lines = {"chance": evaluation.task.predicted.chance, LIMIT: ideal.value if ideal else None}
    below = None
    if decisive is not None:
        figure, arm = evaluation.task.predicted.figure_words, evaluation.contender
        below = partial(_draw_difference, evaluation, decisive.difference, arm, figure)
    label = f"{evaluation.task.predicted.title_figure(evaluation.primary)} with 95 % interval"
    return draw_rows(name, rows, label, format_estimate, lines, below)


def draw_answer(evaluation: Evaluation) -> Drawing:
    """Draw the figure on which the answer rests: in finding that of merit, else the primary one."""
    finding = find_searched(evaluation)
    if finding is None:
        # A simple baseline that is not beaten is drawn beside the models that do not beat it.
        shown = [model for models in list_compared(evaluation).values() for model in models]
        unbeaten = [*filter(is_unbeaten, gains_over_baselines(evaluation))]
        shown += list_simple_baselines(evaluation, unbeaten)
        return draw_forest(evaluation, shown, "answer")
    # What stands for each arm in finding, and their difference.
    rows = [
        IntervalRow(
            "", wrap_title(evaluation.titles[finder.model]),
            "deep" if arm == "either" else arm, finder.find(MERIT),
        )
        for arm, finder in finding.arms.items()
    ]  # fmt: skip
    ideal = finding.ideal.find(MERIT).value if finding.ideal else None
    lines = {"nothing marked": CHANCE, LIMIT: ideal}
    gain, arm = evaluation.gain_in_finding(MERIT), finding.contender
    below = None
    if gain is not None:
        below = partial(_draw_difference, evaluation, gain, arm, MERIT_WORDS)
    label = f"{MERIT_WORDS.capitalize()} with 95 % interval"
    return draw_rows("answer", rows, label, format_estimate, lines, below)


def _draw_difference(
    evaluation: Evaluation,
    difference: FigureRow,
    contender: str,
    figure: str,
    axes: Axes,
) -> str:
    """Draw the contender minus the best classical model; inside the grey band nothing counts."""
    # The bar has the colour of the arm that is ahead.
    value, low, high = (part or 0.0 for part in (difference.value, difference.low, difference.high))
    name, arm = evaluation.words_of(contender), "deep" if contender == "either" else contender
    is_error, margin = evaluation.task.predicted.lower_is_better, evaluation.margin
    ahead = ARM_COLOUR[arm if (value > 0) != is_error else "classical"]
    axes.axvspan(-margin, margin, **style_of("margin"))
    draw_interval(axes, difference, 0, **style_of("contender", color=ahead))
    axes.plot(value, 0, marker="s", markersize=7, color=ahead)
    # The axis is symmetric and holds the interval and the margin.
    reach = 1.15 * max(abs(low), abs(high), 1.5 * margin)
    name_rows(axes, [f"Best {name} minus\nbest classical model"], fontsize=7.5)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-1, 1)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel(f"difference in {figure}; grey: within the margin")
    axes.axvline(0, **style_of("zero"))
    # Which end is whose.
    short = name.removeprefix("trained ")  # it reaches `classical` on a narrow panel
    left, right = (short, "classical") if is_error else ("classical", short)
    write_above(axes, f"← {left}", (0, 1), xycoords="axes fraction", ha="left")
    write_above(axes, f"{right} →", (1, 1), xycoords="axes fraction", ha="right")
    words = format_difference(difference)
    write_beside(axes, words.replace(" (", "\n("), 0, color=INK, fontsize=7.5)
    return f"best {name} minus best classical model {words}"


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
        figures = "calibration"
        if evaluation.task.predicted.positive is not None:
            figures = "calibration and predictive values"
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
