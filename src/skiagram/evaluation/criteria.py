"""Every decision on figures, once: pure predicates, each with its rule and where that is from.

What follows from figures is not kept beside them: page, terminal, MLflow and card ask here. The
words stand in `sentences.yaml`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from skiagram.evaluation.evaluation_record import (
    DOMAIN,
    FINDING_BASELINES,
    MEAN_SENSITIVITY,
    MERIT,
    OFF_NEAR_DUPLICATES,
    PRIMARY,
    SIMPLE_BASELINES,
    VERSUS_CHANCE,
    Decision,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable
from skiagram.evaluation.results import LIMIT, METRICS
from skiagram.evaluation.rules import BOUNDS, RULES, STANDINGS, Rule, decide, find_rule
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import (
    LEVEL,
    MORE_TRAININGS,
    ratio_of_quantiles,
)

# The AUC of scores that tell nothing, and one above which two sets are unlike by convention.
CHANCE = 0.5
UNLIKE = 0.65
FEW_OF_A_PART = 20
# With fewer readers the intervals of their mean hold it too rarely (docs/results/coverage.md).
FEW_READERS = 6
_GOOD = 0.7  # AUC or C index of a model that may be of use
# With fewer a single mark decides what share of the lesions is found.
_FEWEST_MARKS = 2
_ABOVE_IDEAL = ("above_ideal", "merit_above", "sensitivity_above")

Side = Literal["contender", "opponent"]
SIDES: tuple[Side, Side] = ("contender", "opponent")


def find_standing(difference: Estimate, margin: float) -> Rule:
    """Find the row of `STANDINGS` for where the 95 % interval of a difference lies.

    Its ends are held against −margin, 0 and margin: an end on the margin itself is not beyond it.

    Args:
        difference: Above 0 the first is better.
        margin: > 0, the smallest difference that counts.
    """
    # The first of the places of a bound is that of none, the next one below −margin.
    low, high, edges = difference.low, difference.high, (-margin, 0.0, margin)
    places = {
        "low": 0 if low is None else 1 + sum(low > edge for edge in edges),
        "high": 0 if high is None else 1 + sum(high >= edge for edge in edges),
    }
    return find_rule(STANDINGS, {bound: BOUNDS[bound][place] for bound, place in places.items()})


def find_side(difference: Estimate) -> Literal["above", "below", "open"]:
    """Find on which side of 0 the whole 95 % interval of a difference lies; `open` on neither."""
    low, high = difference.low or 0.0, difference.high or 0.0
    return "above" if low > 0 else "below" if high < 0 else "open"


def is_beyond_chance(p: float | None) -> bool:
    """Tell whether a p value, corrected where it is one of several, is below 5 %.

    Args:
        p: Two-sided; None where nothing was tested.
    """
    return p is not None and p < LEVEL


def is_told_apart(difference: FigureRow) -> bool:
    """Tell whether two models differ, by p corrected over their family where there is one.

    The primary comparison alone has no family: its own p decides.
    """
    return is_beyond_chance(difference.p if difference.p_holm is None else difference.p_holm)


def find_told_side(difference: FigureRow) -> Literal["above", "below", "open"]:
    """Find the side of a difference; `open` where p over its family tells nothing apart."""
    if difference.p_holm is not None and not is_told_apart(difference):
        return "open"
    return find_side(difference)


def decide_by_margin(difference: Estimate, margin: float) -> Decision:
    """Decide `yes` where a gain above the margin is sure, `no` where it is unlikely.

    Args:
        difference: Above 0 the first is better.
        margin: > 0, the smallest difference that counts.
    """
    return find_standing(difference, margin).decision


def excludes_loss(change: Estimate, margin: float) -> bool:
    """Tell whether a loss of the margin or more is unlikely: outside the 95 % interval.

    This is non-inferiority by the two-sided interval, so at 2.5 % (ICH E9, 3.3.2).
    """
    return change.low is not None and change.low > -margin


def is_surely_lost(change: Estimate, margin: float) -> bool:
    """Tell whether the whole 95 % interval of a change lies beyond a loss of the margin."""
    return find_standing(change, margin).because == "worse, by the margin"


def find_deciding_margins(difference: Estimate) -> Literal["none", "no", "yes and no", "unknown"]:
    """Find what other margins than the one that was set would make of a difference.

    A margin above the upper bound says no, one below the lower bound yes; without a gain at all in
    the interval none says yes.
    """
    if difference.low is None or difference.high is None:
        return "unknown"
    if difference.high <= 0:
        return "none"
    return "no" if difference.low <= 0 else "yes and no"


def list_as_good(values: Sequence[float], margin: float) -> list[bool]:
    """List which figures are less than the margin behind the highest, which is one of them.

    What counts is the margin alone, no interval: a cheaper model that is as good by its figure may
    take the place of the best.
    """
    best = max(values, default=0.0)
    return [value == best or best - value < margin for value in values]


def is_reversed(auc: Estimate) -> bool:
    """Tell whether scores put the cases in an order surely worse than chance."""
    return auc.high is not None and auc.high < CHANCE


def beats_baseline(gain: FigureRow) -> bool:
    """Tell whether a model is better than a simple baseline, by p corrected over the arms.

    Without a p value the lower bound decides.

    Args:
        gain: The model minus the baseline; above 0 the model is better.
    """
    if gain.p_holm is None:
        return gain.low is not None and gain.low > 0
    return gain.value is not None and gain.value > 0 and is_beyond_chance(gain.p_holm)


def is_unbeaten(gain: FigureRow) -> bool:
    """Tell whether a simple baseline that could be compared is not shown to be beaten.

    Args:
        gain: The model minus the baseline; above 0 the model is better.
    """
    return gain.low is not None and not beats_baseline(gain)


def find_conditions(
    gain: FigureRow,
    over_baselines: Sequence[FigureRow],
    margin: float,
    *,
    contradicted: bool = False,
) -> dict[str, str]:
    """Find the conditions of `RULES` for the gains over the classical model and over baselines.

    *No* is said where one of several differences excludes a worthwhile gain, that from the
    classical model or from a baseline. So its upper bound is made longer first, by the number of
    all of them (Bonferroni): each would exclude a gain that is there in 2.5 % of runs.

    Args:
        gain: Over the classical model.
        over_baselines: Over chance and simple baselines; above 0 the contender is better.
    """
    wider = ratio_of_quantiles(1 + len(over_baselines))

    def decide_alone(row: FigureRow) -> str:
        decision = decide_by_margin(row, margin)
        still = decide_by_margin(row.lengthen(wider), margin)
        return "nearly" if decision == "no" and still != "no" else decision

    found = {"difference": "contradicted" if contradicted else decide_alone(gain)}
    for name, is_chance in (("chance", True), ("baseline", False)):
        against = [row for row in over_baselines if (row.versus == VERSUS_CHANCE) is is_chance]
        said = {decide_alone(row) for row in filter(is_unbeaten, against)}
        # What is not shown to be beaten is open, even where its own interval is above the margin.
        states = (state for state in ("no", "nearly") if state in said)
        found[name] = next(states, "open" if said else "beaten")
    return found


def is_above_ideal(figures: FigureTable) -> bool:
    """Tell whether a model is above the ideal observer, by more than 39 of 40 honest ones are.

    No scores can be; what is surely above has seen labels. A leak that stays below the ideal passes
    unseen. A finder is held against the limits of both its figures.
    """
    limits = [row for row in figures.rows if row.figure in _ABOVE_IDEAL]
    return any(find_side(above) == "above" for above in limits)


def rests_on_few_marks(rate: float, images: int) -> bool:
    """Tell whether a rate of false marks allows a fit fewer than two on all of its images.

    A single mark then decides what is found, and the share hangs on the number of images.
    """
    return rate * images < _FEWEST_MARKS


def has_shifted(difference: FigureRow) -> bool:
    """Tell whether the two sides differ, by a p value corrected over all that was compared."""
    return is_beyond_chance(difference.p_holm)


def are_told_apart(figures: FigureTable, above: float = CHANCE) -> bool:
    """Tell whether the AUC of a classifier that tells the two sets apart is surely above that.

    Above chance it may say why figures differ. Above 0.65, a convention of this project, figures of
    one side may not hold on the other, and everybody is warned (`UNLIKE`).
    """
    low = figures.find(analysis=DOMAIN, figure="roc_auc").low
    return low is not None and low > above


@dataclass
class DecisiveComparison:
    """The primary comparison on one set of cases: all, or the group without near duplicates.

    Attributes:
        evaluation: What it is of.
        figures: Rows of that group.
        difference: The primary figure of the contender minus that of the classical model.
        primary: Its rows among them, for example `above_margin`.
        gain: The difference such that above 0 the contender is better.
        cases: How many there are.
        patients: How many they are of.
        trainings: Of how many the difference is the mean, where it holds others too; with 0
            another training of the same models might give another difference.
        without_near_duplicates: Whether the cases are those without one.
        against: Side → it minus chance and each simple baseline; above 0 the side is better.
        simple_baselines: Their names, besides chance.
        useless: Whether neither side is shown to beat chance.
    """

    evaluation: Evaluation
    figures: FigureTable
    difference: FigureRow

    def __post_init__(self) -> None:
        """Read off the rows of the group what verdict and page ask for."""
        evaluation = self.evaluation
        self.primary = self.figures.select(analysis=PRIMARY)
        self.gain = evaluation.direct(self.difference)
        self.cases, self.patients, self.trainings = (
            int(self.primary.find(figure=counted).value or 0)
            for counted in ("cases", "patients", "trainings")
        )
        self.without_near_duplicates = self.difference.group == OFF_NEAR_DUPLICATES
        # Rows of simple baselines are of an arm, by its name in the evaluation.
        rows = self.figures.select(analysis=SIMPLE_BASELINES)
        self.against: dict[Side, tuple[FigureRow, ...]] = {
            side: tuple(map(evaluation.direct, rows.select(model=getattr(evaluation, side)).rows))
            for side in SIDES
        }
        named = dict.fromkeys(gain.versus for gain in self.against["contender"])
        self.simple_baselines = tuple(name for name in named if name != VERSUS_CHANCE)
        self.useless = all(self.fails(side, VERSUS_CHANCE) for side in SIDES)

    def reached(self, side: Side) -> Estimate:
        """Find the primary figure of a side."""
        arm: str = getattr(self.evaluation, side)
        return self.primary.find(figure=self.evaluation.primary, model=arm, versus="")

    def fails(self, side: Side, baseline: str) -> bool:
        """Tell whether a side is not shown to beat a simple baseline, or chance."""
        return any(gain.versus == baseline and is_unbeaten(gain) for gain in self.against[side])

    def judge(self, **known: str) -> Rule:
        """Return the row of `RULES` that holds for these cases.

        Args:
            known: Conditions of the run as a whole, where they are not the usual ones.
        """
        margin = self.evaluation.margin
        found = find_conditions(self.gain, self.against["contender"], margin)
        ceiling, room = self.find_ceiling(), "yes"
        if ceiling is not None:
            low = self._room(ceiling[1]).high
            room = "no" if low is not None and low < margin else "few"
        return decide(found | {"room": room} | known)

    def find_ceiling(self) -> tuple[str, Estimate] | None:
        """Find a baseline, or the classical model, that leaves less room than the margin.

        By its figure alone: whether that is shown, the far end of its interval says.

        Returns:
            Its name and its figure; None where nothing is so close to a perfect figure.
        """
        evaluation = self.evaluation
        figure = evaluation.off_copies if self.without_near_duplicates else evaluation.primary
        opponent = evaluation.best.get(evaluation.opponent, evaluation.opponent)
        for name in (*self.simple_baselines, opponent):
            reached = evaluation.table.find(analysis=METRICS, figure=figure, model=name, versus="")
            left = self._room(reached).value
            if left is not None and left < evaluation.margin:
                return name, reached
        return None

    def _room(self, reached: Estimate) -> Estimate:
        """Return what a figure leaves up to a perfect one: an AUC of 1, or no error."""
        return (
            reached
            if self.evaluation.task.predicted.lower_is_better
            else reached.subtract(1.0).negate()
        )


def gains_over_baselines(evaluation: Evaluation, group: str = "") -> tuple[FigureRow, ...]:
    """List each arm minus chance and each simple baseline; above 0 the arm is better.

    Args:
        evaluation: Of the run.
        group: Cases that they are of; empty for all.
    """
    rows = evaluation.figures.select(analysis=SIMPLE_BASELINES, group=group).rows
    return tuple(map(evaluation.direct, rows))


def list_gains(evaluation: Evaluation) -> tuple[FigureRow, ...]:
    """List what `gains_over_baselines` does, of each arm on the cases that the answer follows.

    Arms that are not compared have such rows on all cases alone.
    """
    decisive = find_decisive(evaluation)
    group = decisive.difference.group if decisive else ""
    gains: dict[tuple[str, str], FigureRow] = {}
    for row in (*gains_over_baselines(evaluation, group), *gains_over_baselines(evaluation)):
        gains.setdefault((row.model, row.versus), row)
    return tuple(gains.values())


def above_chance(evaluation: Evaluation, model: str) -> Estimate:
    """Find by how much a model is above chance, on the cases that the answer follows."""
    decisive = find_decisive(evaluation)
    off_copies = decisive is not None and decisive.without_near_duplicates
    return evaluation.above_chance(model, evaluation.off_copies if off_copies else "")


def find_comparison(evaluation: Evaluation, group: str = "") -> DecisiveComparison | None:
    """Find the primary comparison on all test cases, or on a group of them.

    Args:
        evaluation: Of the run.
        group: Such as `OFF_NEAR_DUPLICATES`; empty for all.

    Returns:
        None where one of the two could not be scored, or there is no such group.
    """
    figures = evaluation.figures.select(group=group)
    difference = figures.get(
        analysis=PRIMARY, figure=evaluation.primary, versus=evaluation.opponent
    )
    if difference is None or difference.value is None:
        return None
    return DecisiveComparison(evaluation, figures, difference)


def find_decisive(evaluation: Evaluation) -> DecisiveComparison | None:
    """Find the comparison that answer and verdict follow: without near duplicates, if there are.

    A model may only remember near duplicates of the development set.
    """
    clean = find_comparison(evaluation, OFF_NEAR_DUPLICATES)
    return clean or find_comparison(evaluation)


def list_leaked(evaluation: Evaluation) -> tuple[list[str], list[str]]:
    """List which models that stand for an arm are above the ideal, in images and in finding.

    With one of them no verdict is given.
    """
    standing = list_standing(evaluation)
    limits = evaluation.table.select(analysis=LIMIT)
    named = [outcome.model for outcome in evaluation.outcomes]
    leaked = [model for model in named if is_above_ideal(limits.select(model=model))]
    finders = evaluation.finding.arms.values() if evaluation.finding else ()
    return (
        [model for model in leaked if model in standing],
        [finder.model for finder in finders if is_above_ideal(finder.figures)],
    )


def is_nothing_of_use(evaluation: Evaluation) -> bool:
    """Tell whether of whole images no arm, simple baseline or column is shown to beat chance.

    An arm beats it by the corrected p value, as everywhere; the others by their AUC's interval,
    which is longer by Bonferroni for all of them (simulated: without this it would be said of 87 to
    93 % of data without a signal). Without an interval nothing is said. The cases are those that
    the answer follows.
    """
    decisive = find_decisive(evaluation)
    group = decisive.difference.group if decisive else ""
    gains = gains_over_baselines(evaluation, group)
    # Gains over chance, and whatever else was measured against it.
    chance_gains = [gain for gain in gains if gain.versus == VERSUS_CHANCE]
    named = {gain.versus for gain in gains}
    others = [
        above_chance(evaluation, outcome.model)
        for outcome in evaluation.outcomes
        if outcome.model in named or outcome.arm in ("combined", "reader")
    ]
    # The intervals of the others are widened for their number.
    wider = ratio_of_quantiles(max(1, len(others) + len(chance_gains)))
    is_beaten_by_other = any((gap.lengthen(wider).low or 0.0) > 0 for gap in others)
    return bool(chance_gains) and all(map(is_unbeaten, chance_gains)) and not is_beaten_by_other


def excludes_good_models(evaluation: Evaluation) -> bool:
    """Tell whether the intervals of all models end below an AUC, or a C index, of .7.

    More patients would then hardly show a model of use, so that none are advised.
    """
    if evaluation.task.predicted.chance != CHANCE:
        return True  # what a good model reaches is not known
    gaps = [above_chance(evaluation, model) for model in evaluation.best.values()]
    return all(gap.high is None or gap.high < _GOOD - CHANCE for gap in gaps)


def is_no_finder_of_use(evaluation: Evaluation) -> bool:
    """Tell whether no finder is shown to beat one that marks nothing, whose merit is ½.

    Nor tells images with lesions from others: a finder that does so has found something.
    """
    finding = evaluation.finding
    if finding is None or not is_nothing_of_use(evaluation):
        return False
    merits = [finder.find(MERIT) for finder in (*finding.finders, *finding.arms.values())]
    merits = [merit for merit in merits if merit.value is not None]
    return bool(merits) and all(merit.low is not None and merit.low <= CHANCE for merit in merits)


def list_standing(evaluation: Evaluation) -> set[str]:
    """List the models that were chosen for the two arms that are compared, in any fold."""
    arms = (evaluation.contender, evaluation.opponent)
    chosen = [evaluation.arms[arm].chosen for arm in arms if arm in evaluation.arms]
    return {model for models in chosen for model in models}


def list_finders(evaluation: Evaluation) -> set[str]:
    """List the models that were chosen for the two arms that are compared in finding."""
    finding = evaluation.finding
    return {model for models in finding.chosen.values() for model in models} if finding else set()


def judge(evaluation: Evaluation) -> Rule:
    """Return the row of `RULES` that holds of whole images: the decision and what it rests on."""
    decisive = find_decisive(evaluation)
    if decisive is None or find_comparison(evaluation) is None:
        return RULES[0]
    # Where cases have near duplicates, and nothing can be compared without them.
    clean = evaluation.figures.get(analysis=PRIMARY, group=OFF_NEAR_DUPLICATES)
    is_remembered = evaluation.near_duplicates > 0 and clean is None
    leaked = any(list_leaked(evaluation))
    return decisive.judge(leaked="yes" if leaked else "no", copies="yes" if is_remembered else "no")


def judge_finding(evaluation: Evaluation) -> Rule:
    """Find the row of `RULES` that holds of finding lesions, by the figure of merit.

    That figure ranks lesions against images alone: a finder that marks every place with the odds
    of the image as a whole gains in it and finds next to nothing. So `yes` asks that more lesions
    are found, too, and `no` that not more are found, by more than the margin.
    """
    gain = evaluation.gain_in_finding(MERIT)
    if gain is None:
        return RULES[0]
    over_baselines = evaluation.figures.select(analysis=FINDING_BASELINES).rows
    contradicted = is_contradicted(evaluation)
    found = find_conditions(gain, over_baselines, evaluation.margin, contradicted=contradicted)
    leaked = "yes" if any(list_leaked(evaluation)) else "no"
    return decide(found | {"leaked": leaked})


def is_contradicted(evaluation: Evaluation) -> bool:
    """Tell whether the share of lesions found says otherwise than the figure of merit.

    A gain in merit without more lesions found is one in telling images apart; no gain in merit with
    more than the margin more lesions found is one at rates of false marks that merit weighs little.
    """
    gain, more = (
        evaluation.gain_in_finding(figure) or Estimate(None) for figure in (MERIT, MEAN_SENSITIVITY)
    )
    decision = decide_by_margin(gain, evaluation.margin)
    if decision == "yes":
        return more.low is None or more.low <= 0
    return decision == "no" and more.low is not None and more.low > evaluation.margin


def is_settled(evaluation: Evaluation) -> bool:
    """Tell whether the recorded answer is `yes` or `no`, so that more patients are not needed."""
    return evaluation.answer.decision in {"yes", "no"}


def find_missing_patients(evaluation: Evaluation) -> int | None:
    """Find how many patients would find a difference of the margin, if more than were tested.

    None where the question is settled, or cases can show no gain: more are not needed then.
    """
    if is_settled(evaluation) or judge(evaluation).because == "ceiling":
        return None
    needed = evaluation.figures.find(analysis=PRIMARY, figure="patients_to_detect").value
    if needed is None or needed <= evaluation.patients["reported"]:
        return None
    return int(needed)


def needs_more_trainings(evaluation: Evaluation) -> bool:
    """Tell whether no number of patients finds the margin, as the trainings spread too wide."""
    needed = evaluation.figures.find(analysis=PRIMARY, figure="patients_to_detect")
    return needed.value is None and needed.reason == MORE_TRAININGS


def is_precise_enough(evaluation: Evaluation) -> bool:
    """Tell whether more patients would change little: the margin is found, and settled, here.

    By the smallest difference that these patients detect, and by how many would settle the
    question.
    """
    figures = evaluation.figures.select(analysis=PRIMARY, group="")
    detectable = figures.find(figure="detectable").value
    if detectable is None or detectable > evaluation.margin:
        return False
    settle = figures.get(figure="patients_to_settle")
    tested = evaluation.patients["reported"]
    return settle is None or (settle.value is not None and settle.value <= tested)
