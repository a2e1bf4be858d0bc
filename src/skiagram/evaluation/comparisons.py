"""All comparisons of a run: one primary, the secondary ones, and those with simple baselines.

The primary comparison is named before the labels that it is reported on are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from types import MappingProxyType

from skiagram.evaluation.arm_selection import MeasuredRun
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.evaluation_record import (
    ARM_PAIRS,
    OFF_NEAR_DUPLICATES,
    PARTS,
    PRIMARY,
    PROBABILITIES,
    SECONDARY,
    SIMPLE_BASELINES,
    VERSUS_CHANCE,
)
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import (
    correct_by_holm,
    detectable_difference,
    gain_probabilities,
    plan_patients,
)
from skiagram.statistics.variation import count_cases

_ORDER = ("deep", "encoder", "classical", "combined", "either")  # of arms against simple baselines
Arms = Mapping[str, ComparedModel]  # what stands for each


def compare_models(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Make every comparison of a run: each family of tests is corrected by itself."""
    standing, contender = run.standing, run.contender
    against_baselines = compare_with_baselines(standing, run.baselines_and_chance)
    # Where frozen encoders take part, every pair of arms but the primary one.
    rows: list[FigureRow] = []
    for arm, other in (("encoder", "classical"), ("deep", "classical"), ("encoder", "deep")):
        if {"encoder", arm, other} <= standing.keys() and (arm, other) != (contender, "classical"):
            rows.append(compare_pair((arm, standing[arm]), (other, standing[other]), ARM_PAIRS))
    arm_pairs = correct(rows)
    # The comparison of the contender with the classical arm, and what it could have found.
    primary: tuple[FigureRow, ...] = ()
    if run.pair:
        pair = run.pair, run.margin
        primary = (*compare_arms(*pair), *plan_comparison(*pair))
    secondary = _compare_secondary(run, (*against_baselines, *arm_pairs))
    parts = compare_parts(run)
    return (*primary, *parts, *against_baselines, *arm_pairs, *secondary)


def compare_pair(
    model: tuple[str, ComparedModel],
    versus: tuple[str, ComparedModel],
    analysis: str,
    group: str = "",
) -> FigureRow:
    """Compare two models by the primary figure; the p value is not corrected."""
    (name, first), (other, second) = model, versus
    difference = first.subtract(second)
    return make_row(
        difference.estimate(),
        analysis,
        first.predicted.primary,
        model=name,
        versus=other,
        group=group,
        p=difference.p(),
    )


def compare_arms(pair: Arms, margin: float, group: str = "") -> tuple[FigureRow, ...]:
    """Make the primary comparison, of two arms, the contender first, on one set of cases.

    Besides the pair there are both primary figures, the numbers of `cases` and `patients`, and
    where the true difference probably lies: `above_margin`, `within_margin` and `below_margin`, of
    an error such that a smaller one is a gain. `trainings`, whose mean the difference is, is there
    only where the interval holds other trainings too, other seeds (`holdout`) or other training
    sets (`cv`); without it the interval is of these fits alone.
    """
    (name, first), (other, second) = pair.items()
    row = partial(make_row, analysis=PRIMARY, group=group)
    paired = partial(row, model=name, versus=other)
    difference = first.subtract(second)
    # The difference, and each arm's own figure on the same cases.
    rows = [
        compare_pair((name, first), (other, second), PRIMARY, group),
        row(first.estimate(), figure=first.predicted.primary, model=name),
        row(second.estimate(), figure=first.predicted.primary, model=other),
        row(len(first.scored), figure="cases"),
        row(len(count_cases(first.scored.patient)), figure="patients"),
    ]
    if difference.variation.scope == "procedure":
        rows.append(paired(difference.variation.repeats, figure="trainings"))
    # The probabilities that the contender is better, alike within the margin, or worse.
    gain = gain_probabilities(difference.estimate(), difference.variation, margin)
    if gain is not None:
        shares = (gain.above, gain.within, gain.worse)
        parts = zip(
            PROBABILITIES, shares[::-1] if first.predicted.lower_is_better else shares, strict=True
        )
        rows += [paired(Estimate(share, method=gain.prior), figure=name) for name, share in parts]
    return tuple(rows)


def plan_comparison(pair: Arms, margin: float) -> tuple[FigureRow, ...]:
    """Say what the primary comparison can find, and how many patients the margin would take.

    `detectable` is the smallest true difference that is found in 80 % of runs,
    `patients_to_detect`, `patients_to_settle` and `patients_to_decide` are those of
    `plan_patients`.
    """
    (name, first), (other, second) = pair.items()
    paired = partial(make_row, analysis=PRIMARY, model=name, versus=other)
    difference = first.subtract(second)
    found = difference.estimate()
    if found.value is None:
        return (paired(found, figure="detectable"),)
    variation = difference.variation
    patients = len(count_cases(first.scored.patient))
    # Planned for the gain as found.
    gain = first.predicted.direct(found.value)
    planned = plan_patients(variation, patients, margin, gain)
    return (
        paired(detectable_difference(variation, patients), figure="detectable"),
        *(paired(number, figure=aim) for aim, number in planned.items()),
    )


def compare_parts(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Compare the primary pair by each part of the primary figure, such as each finding's AUC.

    The group names the part. P values are corrected over the parts. Nothing without both arms, or
    where the primary figure is no mean of parts.
    """
    if not run.pair:
        return ()
    # The parts that both have, each figure and the difference.
    first, second = (model.parts for model in run.pair.values())
    row, rows = (
        partial(make_row, analysis=PARTS, figure=run.task.predicted.primary),
        list[FigureRow](),
    )
    for part in (name for name in first if name in second):
        difference = first[part] - second[part]
        paired = partial(row, model=run.contender, versus="classical", group=part)
        rows += [
            row(first[part].estimate(), model=run.contender, group=part),
            row(second[part].estimate(), model="classical", group=part),
            paired(difference.estimate(), p=difference.p()),
        ]
    return correct(rows)


def compare_with_baselines(
    arms: Arms, baselines: Mapping[str, ComparedModel], group: str = ""
) -> tuple[FigureRow, ...]:
    """Compare what stands for each arm with chance and with every simple baseline.

    Chance is that every case has the same prediction: an AUC of ½ on any cases, or what the model
    without any feature reaches. Where it is a number, that model reaches it on any cases too, and
    is not compared a second time. The p values are corrected over the arms alone
    (`correct_over_arms`): more models or baselines in the run make no baseline harder to beat.
    """
    rows: list[FigureRow] = []
    named = sorted(arms, key=lambda arm: _ORDER.index(arm) if arm in _ORDER else 0)
    for arm in named:
        standing = arms[arm]
        predicted, figure = standing.predicted, standing.predicted.primary
        row = partial(make_row, analysis=SIMPLE_BASELINES, figure=figure, model=arm, group=group)
        # Chance is a fixed value: the gap to it, and a test of its own.
        if predicted.chance is not None:
            gap = standing.estimate().subtract(predicted.chance)
            p = predicted.test_chance(standing.figure, standing.scored)
            p = None if gap.value is None else p
            rows.append(row(gap, versus=VERSUS_CHANCE, p=p))
        # Every simple baseline is a model of its own: compared in pairs.
        constant = "" if predicted.chance is None else predicted.simple_baselines.get("cases")
        for baseline in (name for name in baselines if name != constant):
            difference = standing.subtract(baselines[baseline])
            versus = VERSUS_CHANCE if baseline == predicted.chance_model else baseline
            rows.append(row(difference.estimate(), versus=versus, p=difference.p()))
    is_error = bool(named) and arms[named[0]].predicted.lower_is_better
    return correct_over_arms(rows, lower_is_better=is_error)


def correct_over_arms(
    rows: Sequence[FigureRow], *, lower_is_better: bool = False
) -> tuple[FigureRow, ...]:
    """Correct the p values of arms against simple baselines over the arms, not the baselines.

    That an arm beats every baseline is an intersection-union claim: it is made only where each is
    beaten, so that the largest p value holds for it (Berger 1982, *Technometrics* 24:295), and
    these are corrected by Holm. A single one is beaten where that claim holds, or by Bonferroni.
    `either` repeats networks and frozen encoders, and they do not count beside it.
    """
    # The largest p of each arm; 1 where it is not even ahead of a baseline.
    largest: dict[str, float] = {}
    for row in rows:
        is_ahead = (row.value or 0.0) < 0 if lower_is_better else (row.value or 0.0) > 0
        if row.p is not None:
            largest[row.model] = max(largest.get(row.model, 0.0), row.p if is_ahead else 1.0)
    # Arm → of how many claims it is one, and the corrected p value of beating all baselines.
    claims = {}
    for arm in largest:
        repeated = ("deep", "encoder") if arm == "either" else ("either",)
        family = {name: p for name, p in largest.items() if name not in repeated}
        holm = dict(zip(family, correct_by_holm(family.values()), strict=True))
        claims[arm] = len(family), holm[arm]
    return tuple(
        row
        if row.p is None
        else replace(row, p_holm=min(claims[row.model][0] * row.p, claims[row.model][1], 1.0))
        for row in rows
    )


def correct(
    rows: Sequence[FigureRow],
    tests: Sequence[object] = (),
    elsewhere: Mapping[object, float | None] = MappingProxyType({}),
) -> tuple[FigureRow, ...]:
    """Return the rows with the p values of differences in a figure corrected over all of them.

    Args:
        tests: Which test a row is of: equal ones count once. Without it, each row is its own.
        elsewhere: Test → its corrected p value where it is corrected with others.
    """
    keys = tests or range(len(rows))
    p = {key: row.p for key, row in zip(keys, rows, strict=True) if key not in elsewhere}
    holm = {**dict(zip(p, correct_by_holm(p.values()), strict=True)), **elsewhere}
    return tuple(replace(row, p_holm=holm.get(key)) for key, row in zip(keys, rows, strict=True))


def _compare_secondary(run: MeasuredRun, elsewhere: Sequence[FigureRow]) -> tuple[FigureRow, ...]:
    """Compare every model with every other, the better by out-of-fold scores first.

    The primary pair is left out. A pair that is a comparison with a simple baseline or a pair of
    arms too is one test, not two: it keeps the corrected p value that it has there and is not
    counted here.
    """
    # Arms that one model stands for in all folds.
    single = {
        arm: selected.choice.model
        for arm, selected in run.arms.items()
        if len(selected.choice.chosen) == 1
    }
    # The primary pair is tested as such, and not once more.
    primary = frozenset({single.get(run.contender, ""), single.get("classical", "")})
    ordered = sorted(
        (model for model in run.models if model.compared), key=lambda model: -model.worth
    )
    rows = [
        compare_pair((first.name, first.compared), (second.name, second.compared), SECONDARY)
        for first, second in combinations(ordered, 2)
        if first.compared and second.compared and {first.name, second.name} != primary
    ]
    # The same test may stand elsewhere: figure, pair of models and p → its corrected p there. A
    # pair of arms is one of models where one model stands for each arm.
    model_of_arm = {arm: selected.choice.model for arm, selected in run.arms.items()}
    known: dict[object, float | None] = {}
    for row in elsewhere:
        is_baseline = row.analysis == SIMPLE_BASELINES
        model = model_of_arm[row.model] if is_baseline else single.get(row.model)
        versus = row.versus if is_baseline else single.get(row.versus)
        if versus == VERSUS_CHANCE:  # of an outcome without a fixed chance it is a model
            versus = run.task.predicted.chance_model
        known[row.figure, frozenset((model, versus)), row.p] = row.p_holm
    tests = [(row.figure, frozenset((row.model, row.versus)), row.p) for row in rows]
    return correct(rows, tests, known)


def compare_off_near_duplicates(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Make the primary comparison and those with simple baselines once more, off near duplicates.

    Nothing without near duplicates or the two arms, or where the cases left define no figure.
    """
    setting = run.setting
    if not run.pair or not setting.has_near_duplicate.any():
        return ()
    # Both arms need a defined figure without near duplicates.
    members = ~setting.has_near_duplicate
    part = {}
    for name, model in run.pair.items():
        clean = model.select(members) if members.any() else None
        if clean is None or clean.estimate().value is None:
            return ()
        part[name] = clean
    # The simple baselines on the same cases.
    baselines = {name: model.select(members) for name, model in run.baselines_and_chance.items()}
    return (
        *compare_arms(part, run.margin, OFF_NEAR_DUPLICATES),
        *compare_with_baselines(part, baselines, OFF_NEAR_DUPLICATES),
    )
