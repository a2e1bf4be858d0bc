"""All comparisons of a run: one primary, the secondary ones, those requested, and simple baselines.

The primary comparison is named before the labels that it is reported on are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from types import MappingProxyType

import numpy as np
import pandas as pd

from skiagram.arrays import Floats
from skiagram.errors import OptionError, refusal
from skiagram.evaluation.arm_selection import MeasuredRun
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.evaluation_record import (
    ARM_PAIRS,
    OFF_NEAR_DUPLICATES,
    PARTS,
    PREVALENCE,
    PRIMARY,
    PROBABILITIES,
    RANKING,
    REQUESTED,
    SECONDARY,
    SIMPLE_RULES,
)
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.metrics import resample_auc
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import (
    correct_by_holm,
    detectable_difference,
    gain_probabilities,
    kendall_w,
    plan_patients,
)
from skiagram.statistics.variation import count_cases

_DECISIONS = "only_correct"
_ORDER = ("deep", "encoder", "classical", "combined", "either")  # of arms against rules
Arms = Mapping[str, ComparedModel]  # what stands for each


def compare_models(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Make every comparison of a run: each family of tests is corrected by itself."""
    standing, contender = run.standing, run.contender
    against_rules = compare_with_rules(standing, run.rivals)
    # Where frozen encoders take part, every pair of arms but the primary one.
    rows: list[FigureRow] = []
    for arm, other in (("encoder", "classical"), ("deep", "classical"), ("encoder", "deep")):
        if {"encoder", arm, other} <= standing.keys() and (arm, other) != (contender, "classical"):
            rows += compare_pair((arm, standing[arm]), (other, standing[other]), ARM_PAIRS)
    arm_pairs = correct(rows)
    # The comparison of the contender with the classical arm, and what it could have found.
    primary: tuple[FigureRow, ...] = ()
    if run.pair:
        pair = run.pair, run.margin
        primary = (*compare_arms(*pair), *plan_comparison(*pair))
    secondary = _compare_secondary(run, (*against_rules, *arm_pairs))
    requested = _compare_requested(run, secondary)
    parts = compare_parts(run)
    return (*primary, *parts, *against_rules, *arm_pairs, *secondary, *requested)


def compare_pair(
    model: tuple[str, ComparedModel],
    versus: tuple[str, ComparedModel],
    analysis: str,
    group: str = "",
) -> tuple[FigureRow, ...]:
    """Compare two models by the primary figure and by decisions; p values are not corrected.

    The first row is the difference in the figure. `only_correct` are cases that the one classifies
    correctly and the other does not, with McNemar's p.
    """
    (name, first), (other, second) = model, versus
    # The difference in the primary figure.
    row, difference = partial(make_row, analysis=analysis, group=group), first.subtract(second)
    estimate, p = difference.estimate(), difference.p()
    paired = row(estimate, figure=first.predicted.primary, model=name, versus=other, p=p)
    # Cases that only one of the two decides correctly.
    test = first.compare_decisions(second)
    if test is None:
        return (paired,)
    alone, others = (
        Estimate(cases, method=test.method) for cases in (test.only_model, test.only_other)
    )
    return (
        paired,
        row(alone, figure=_DECISIONS, model=name, versus=other, p=test.p),
        row(others, figure=_DECISIONS, model=other, versus=name, p=test.p),
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
        *compare_pair((name, first), (other, second), PRIMARY, group),
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
    planning = plan_patients(variation, patients, margin, gain)
    sample_sizes = {
        "patients_to_detect": planning.detect,
        "patients_to_settle": planning.settle,
        "patients_to_decide": planning.decide,
    }
    return (
        paired(detectable_difference(variation, patients), figure="detectable"),
        *(
            paired(Estimate(count, reason=planning.reason if count is None else ""), figure=figure)
            for figure, count in sample_sizes.items()
        ),
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


def compare_with_rules(
    arms: Arms, rules: Mapping[str, ComparedModel], group: str = ""
) -> tuple[FigureRow, ...]:
    """Compare what stands for each arm with chance and with every simple baseline.

    Chance is that every case has the same prediction: an AUC of ½ on any cases, or what the rule
    without any feature reaches. The p values are corrected over the arms alone
    (`correct_over_arms`): more models or rules in the run make no rule harder to beat.
    """
    rows: list[FigureRow] = []
    named = sorted(arms, key=lambda arm: _ORDER.index(arm) if arm in _ORDER else 0)
    for arm in named:
        standing = arms[arm]
        predicted, figure = standing.predicted, standing.predicted.primary
        row = partial(make_row, analysis=SIMPLE_RULES, figure=figure, model=arm, group=group)
        # Chance is a fixed value: the gap to it, and a test of its own.
        if predicted.chance is not None:
            gap = standing.estimate().subtract(predicted.chance)
            p = predicted.test_chance(standing.figure, standing.scored)
            p = None if gap.value is None else p
            rows.append(row(gap, versus=PREVALENCE, p=p))
        # Every simple rule is a model of its own: compared in pairs.
        for rule, compared in rules.items():
            difference = standing.subtract(compared)
            versus = PREVALENCE if rule == predicted.chance_rule else rule
            rows.append(row(difference.estimate(), versus=versus, p=difference.p()))
    is_error = bool(named) and arms[named[0]].predicted.lower_is_better
    return correct_over_arms(rows, lower_is_better=is_error)


def correct_over_arms(
    rows: Sequence[FigureRow], *, lower_is_better: bool = False
) -> tuple[FigureRow, ...]:
    """Correct the p values of arms against rules over the arms, not over the rules.

    That an arm beats every rule is an intersection-union claim: it is made only where each rule is
    beaten, so that the largest p value holds for it (Berger 1982, *Technometrics* 24:295), and
    these are corrected by Holm. A single rule is beaten where that claim holds, or by Bonferroni.
    `either` repeats networks and frozen encoders, and they do not count beside it.
    """
    # The largest p of each arm; 1 where it is not even ahead of a rule.
    largest: dict[str, float] = {}
    for row in rows:
        is_ahead = (row.value or 0.0) < 0 if lower_is_better else (row.value or 0.0) > 0
        if row.p is not None:
            largest[row.model] = max(largest.get(row.model, 0.0), row.p if is_ahead else 1.0)
    # Arm → of how many claims it is one, and the corrected p value of beating all rules.
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

    Those of decisions (`only_correct`) are no part of the family.

    Args:
        tests: Which test a row is of: equal ones count once. Without it, each row is its own.
        elsewhere: Test → its corrected p value where it is corrected with others.
    """
    keys = tests or range(len(rows))
    p = {
        key: row.p
        for key, row in zip(keys, rows, strict=True)
        if row.figure != _DECISIONS and key not in elsewhere
    }
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
        row
        for first, second in combinations(ordered, 2)
        if first.compared and second.compared and {first.name, second.name} != primary
        for row in compare_pair(
            (first.name, first.compared), (second.name, second.compared), SECONDARY
        )
    ]
    # The same test may stand elsewhere: figure, pair of models and p → its corrected p there. A
    # pair of arms is one of models where one model stands for each arm.
    model_of_arm = {arm: selected.choice.model for arm, selected in run.arms.items()}
    known: dict[object, float | None] = {}
    for row in elsewhere:
        is_rule = row.analysis == SIMPLE_RULES
        model = model_of_arm[row.model] if is_rule else single.get(row.model)
        versus = row.versus if is_rule else single.get(row.versus)
        known[row.figure, frozenset((model, versus)), row.p] = row.p_holm
    tests = [(row.figure, frozenset((row.model, row.versus)), row.p) for row in rows]
    return correct(rows, tests, known)


def _compare_requested(run: MeasuredRun, secondary: Sequence[FigureRow]) -> tuple[FigureRow, ...]:
    names, compared = [model.name for model in run.models], run.compared
    holm = {
        frozenset((row.model, row.versus)): row.p_holm
        for row in secondary
        if row.figure != _DECISIONS
    }
    # Names are checked before anything is compared.
    rows: list[FigureRow] = []
    for pair in run.options.compare:
        for name in pair:
            if name not in names or pair[0] == pair[1]:
                key = "evaluation.compared_with_itself" if name in names else "evaluation.no_model"
                raise refusal(key, kind=OptionError, name=name, models=", ".join(names))
        model, versus = pair
        untrained = [name for name in pair if name not in compared]
        if untrained:
            missing = Estimate(None, reason=f"{untrained[0]} could not be trained")
            rows.append(
                make_row(missing, REQUESTED, run.task.predicted.primary, model=model, versus=versus)
            )
        else:
            first, second = ((name, compared[name]) for name in pair)
            difference, *decisions = compare_pair(first, second, REQUESTED)
            rows += [replace(difference, p_holm=holm.get(frozenset(pair))), *decisions]
    return tuple(rows)


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
    clean_rules = {name: rule.select(members) for name, rule in run.rivals.items()}
    return (
        *compare_arms(part, run.margin, OFF_NEAR_DUPLICATES),
        *compare_with_rules(part, clean_rules, OFF_NEAR_DUPLICATES),
    )


def rank_trained(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Rank the models that somebody trained; nothing with fewer than two."""
    folds, resampled, setting = {}, {}, run.setting
    for model in run.models:
        if model.compared and model.result.fold_auc and model.arm != "reader":
            folds[model.name] = np.array(model.result.fold_auc)
            resampled[model.name] = resample_auc(model.compared, setting.draws)
    return rank_models(folds, resampled) if len(folds) > 1 else ()


def rank_models(
    folds: Mapping[str, Floats], resampled: Mapping[str, Floats]
) -> tuple[FigureRow, ...]:
    """Summarise how the order of the models by AUC holds.

    `concordance` is Kendall's W of the folds: 1 the same order in every fold, 0 no agreement. Each
    model has its `mean_rank` over the folds, 1 the highest, ties shared, and `first`, the share of
    resamples of the reported patients in which its AUC is the highest.

    Args:
        folds: Model → (j,) AUC of each fold; equal folds for all models, at least two models.
        resampled: Model → (b,) AUC on equal resamples of the reported cases, NaN where undefined.
    """
    row = partial(make_row, analysis=RANKING)
    # Kendall's W needs figures of the same folds for every model.
    unequal = len({len(values) for values in folds.values()}) != 1
    values = np.empty((0, len(folds))) if unequal else np.column_stack(list(folds.values()))
    w, p, reason = float("nan"), float("nan"), ""
    if unequal:
        reason = "the models have no AUC of the same folds"
    elif len(values) == 0:
        reason = "no fold has every class both in training and held out"
    elif len(values) == 1:
        reason = "a single fold"
    else:
        w, p = kendall_w(values)
        reason = "all models are equal in every fold" if np.isnan(w) else ""
    concordance = Estimate(None, reason=reason) if reason else Estimate(w, method="Kendall's W")
    rows = [
        row(concordance, figure="concordance", p=None if reason else p),
        row(len(values), figure="folds"),
    ]
    # The mean rank over folds, 1 for the best.
    if len(values):
        ranks = pd.DataFrame(-values).rank(axis=1).mean(axis=0).tolist()
        rows += [
            row(rank, figure="mean_rank", model=name)
            for name, rank in zip(folds, ranks, strict=True)
        ]
    # Each model's share of the resamples in which it is best; ties are shared.
    areas = np.column_stack(list(resampled.values()))
    areas = areas[np.isfinite(areas).all(axis=1)]
    if len(areas):
        best = areas == areas.max(axis=1, keepdims=True)
        shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0).tolist()
        rows += [
            row(share, figure="first", model=name)
            for name, share in zip(resampled, shares, strict=True)
        ]
    return tuple(rows)
