"""All comparisons of a run: one primary, the secondary ones, those requested, and simple rules.

The primary comparison is named before the labels that it is reported on are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from skiagram.errors import OptionError
from skiagram.evaluation.arm_selection import MeasuredModel, SelectedArm
from skiagram.evaluation.auc_difference import ComparedModel, compare_auc
from skiagram.evaluation.evaluation_record import (
    PREVALENCE,
    CleanComparison,
    Comparison,
    Contender,
    RuleComparison,
)
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.metrics import estimate_auc
from skiagram.evaluation.options import EvaluationOptions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import (
    GainProbabilities,
    Planning,
    correct_by_holm,
    detectable_difference,
    gain_probabilities,
    kendall_w,
    mcnemar,
    plan_patients,
)

Floats = NDArray[np.float64]
RANKING = "ranking"
Named = tuple[str, ComparedModel]


class Comparisons(NamedTuple):
    """What the comparisons gave; the fields are those of `Evaluation`."""

    primary: Comparison | None
    secondary: tuple[Comparison, ...]
    comparisons: tuple[Comparison, ...]
    detectable: Estimate | None
    planning: Planning | None
    gain: GainProbabilities | None
    simple_rules: tuple[RuleComparison, ...]
    arm_pairs: tuple[Comparison, ...]


def compare_models(
    models: Sequence[MeasuredModel],
    arms: Mapping[str, SelectedArm],
    contender: Contender,
    options: EvaluationOptions,
) -> Comparisons:
    """Make every comparison of a run; `arms` and `contender` are what `select_arms` returned."""
    margin, rules = options.margin, options.analyses.simple_rules
    primary = detectable = planning = gain = pair = None
    if {contender, "classical"} <= set(arms):
        network, classical = arms[contender], arms["classical"]
        primary, gain = _compare_arms(network, classical, margin)
        detectable, planning = _plan(network, classical, margin)
        if len(network.choice.chosen) == len(classical.choice.chosen) == 1:
            pair = frozenset((network.choice.model, classical.choice.model))
    compared = {model.name: model.compared for model in models if model.compared}
    there = {name: compared[name] for name in rules if name in compared}
    against_rules = compare_with_rules(arms, there)
    ordered = sorted(
        (model for model in models if model.compared), key=lambda model: -model.selection_auc
    )
    pairs = [
        compare_pair((one.name, compared[one.name]), (other.name, compared[other.name]))
        for one, other in combinations(ordered, 2)
        if frozenset((one.name, other.name)) != pair
    ]
    arm_pairs = _compare_pairs_of_arms(arms, contender, margin)
    single = {arm.choice.model for arm in arms.values() if len(arm.choice.chosen) == 1}
    of_arms = {
        frozenset((one.model, one.other)): one.p_holm
        for one in arm_pairs
        if {one.model, one.other} <= single
    }
    secondary = _correct_secondary(pairs, against_rules, of_arms)
    return Comparisons(
        primary=primary,
        secondary=secondary,
        comparisons=_compare_requested(options.compare, models, compared, secondary),
        detectable=detectable,
        planning=planning,
        gain=gain,
        simple_rules=against_rules,
        arm_pairs=arm_pairs,
    )


def compare_pair(one: Named, another: Named) -> Comparison:
    """Compare two models by AUC and by decisions; p values are not corrected."""
    (model, first), (other, second) = one, another
    difference = compare_auc(first, second)
    folds = max(first.scores.folds, second.scores.folds)
    return Comparison(
        model,
        other,
        difference.estimate,
        p=difference.p,
        mcnemar=mcnemar(first.correct, second.correct, first.cases.patient, folds),
        scope=difference.variation.scope,
        repeats=difference.variation.repeats,
    )


def _compare_arms(
    one: SelectedArm, other: SelectedArm, margin: float
) -> tuple[Comparison, GainProbabilities | None]:
    difference = compare_auc(one.compared, other.compared)
    names = (one.choice.model, one.compared), (other.choice.model, other.compared)
    gain = gain_probabilities(difference.estimate, difference.variation, margin)
    return compare_pair(*names), gain


def _plan(one: SelectedArm, other: SelectedArm, margin: float) -> tuple[Estimate, Planning]:
    difference = compare_auc(one.compared, other.compared)
    if difference.estimate.value is None:
        return difference.estimate, Planning(None, None, difference.estimate.reason)
    variation, patients = difference.variation, one.compared.cases.patients
    return detectable_difference(variation, patients), plan_patients(variation, patients, margin)


def _compare_pairs_of_arms(
    arms: Mapping[str, SelectedArm], contender: Contender, margin: float
) -> tuple[Comparison, ...]:
    """Compare classical models, networks and frozen encoders, each pair but the primary one.

    P values are corrected over these pairs. Without frozen encoders there is none.
    """
    if "encoder" not in arms:
        return ()
    named = (("encoder", "classical"), ("deep", "classical"), ("encoder", "deep"))
    found = [
        _compare_arms(arms[arm], arms[other], margin)[0]
        for arm, other in named
        if {arm, other} <= set(arms) and (arm, other) != (contender, "classical")
    ]
    corrected = correct_by_holm(pair.p for pair in found)
    return tuple(replace(pair, p_holm=p) for pair, p in zip(found, corrected, strict=True))


def compare_with_rules(
    arms: Mapping[str, SelectedArm], rules: Mapping[str, ComparedModel]
) -> tuple[RuleComparison, ...]:
    """Compare what stands for each arm with the prevalence and with every simple rule.

    The prevalence gives every case the same probability: its AUC is ½ on any cases. The p values
    are a family of their own: more models in the run make no rule harder to beat.
    """
    found = []
    for arm in ("deep", "encoder", "classical", "combined", "either"):
        if arm not in arms:
            continue
        choice, own = arms[arm].choice, arms[arm].compared
        chance = subtract_half(choice.auc)
        against = [(PREVALENCE, chance, None if chance.value is None else own.above_chance)]
        for rule, compared in rules.items():
            difference = compare_auc(own, compared)
            against.append((rule, difference.estimate, difference.p))
        found += [
            RuleComparison(choice.model, rule, estimate, p=p, arm=arm)
            for rule, estimate, p in against
        ]
    corrected = correct_by_holm(one.p for one in found)
    return tuple(replace(one, p_holm=p) for one, p in zip(found, corrected, strict=True))


def subtract_half(auc: Estimate) -> Estimate:
    """Return an AUC, or a figure of merit, minus that of no scores and no marks at all."""
    if auc.value is None:
        return auc
    low, high = (None if bound is None else bound - 0.5 for bound in (auc.low, auc.high))
    return Estimate(auc.value - 0.5, low, high, auc.method)


def _correct_secondary(
    secondary: Sequence[Comparison],
    rules: Sequence[RuleComparison],
    of_arms: Mapping[frozenset[str], float | None],
) -> tuple[Comparison, ...]:
    """Correct the p values of the secondary comparisons.

    A pair that is a comparison with a simple rule or a pair of arms too is one test, not two: it
    keeps the value that it has there and is not counted here.
    """
    pairs = [(frozenset((one.model, one.other)), one.p) for one in secondary]
    known = {(frozenset((one.model, one.rule)), one.p): one.p_holm for one in rules}
    known |= {pair: of_arms[pair[0]] for pair in pairs if pair[0] in of_arms}
    own = {pair: pair[1] for pair in pairs if pair not in known and pair[1] is not None}
    holm = known | dict(zip(own, correct_by_holm(own.values()), strict=True))
    return tuple(
        replace(one, p_holm=holm.get(pair)) for one, pair in zip(secondary, pairs, strict=True)
    )


def _compare_requested(
    pairs: Sequence[tuple[str, str]],
    models: Sequence[MeasuredModel],
    compared: Mapping[str, ComparedModel],
    secondary: Sequence[Comparison],
) -> tuple[Comparison, ...]:
    names = [model.name for model in models]
    corrected = {frozenset((one.model, one.other)): one.p_holm for one in secondary}
    found = []
    for pair in pairs:
        for name in pair:
            if name not in names or pair[0] == pair[1]:
                raise OptionError(
                    f"`{name}` is compared with itself" if name in names else f"no model `{name}`",
                    where="evaluate.compare",
                    allowed=f"two of {', '.join(names)}",
                    remedy="add the model to `baselines` or `networks`, or change the pair",
                )
        untrained = [name for name in pair if name not in compared]
        if untrained:
            missing = Estimate(None, reason=f"{untrained[0]} could not be trained")
            found.append(Comparison(*pair, missing))
        else:
            one, other = ((name, compared[name]) for name in pair)
            p_holm = corrected.get(frozenset(pair))
            found.append(replace(compare_pair(one, other), p_holm=p_holm))
    return tuple(found)


def compare_on(
    members: NDArray[np.bool_],
    arms: Mapping[str, SelectedArm],
    contender: Contender,
    rules: Mapping[str, ComparedModel],
    margin: float,
    seed: int,
) -> CleanComparison | None:
    """Make the primary comparison and those with simple rules once more, on the (n,) marked cases.

    None without the two arms, or where a class has no case left.
    """
    if not {contender, "classical"} <= set(arms):
        return None
    whole = arms[contender].compared
    cases = whole.cases.select(members)
    if 0 in cases.patients_by_class():
        return None
    draws = cases.draws(len(whole.draws.counts), seed)

    def restrict(model: ComparedModel) -> ComparedModel:
        return ComparedModel(model.scores.select(members), cases, draws)

    part = {}
    for arm, selected in arms.items():
        if arm in (contender, "classical"):
            own = restrict(selected.compared)
            auc = estimate_auc(own.scores, cases, draws)
            part[arm] = SelectedArm(replace(selected.choice, auc=auc), own)
    comparison, gain = _compare_arms(part[contender], part["classical"], margin)
    return CleanComparison(
        auc={arm: selected.choice.auc for arm, selected in part.items()},
        comparison=comparison,
        gain=gain,
        rules=compare_with_rules(part, {name: restrict(rule) for name, rule in rules.items()}),
        cases=len(cases),
        patients=cases.patients,
    )


def rank_trained(models: Sequence[MeasuredModel]) -> tuple[FigureRow, ...]:
    """Rank the models that somebody trained; nothing with fewer than two."""
    folds, resampled = {}, {}
    for model in models:
        stability = model.result.stability
        if model.compared and stability and model.result.outcome.arm != "reader":
            folds[model.name] = np.array(stability.fold_auc)
            resampled[model.name] = model.compared.resampled_auc
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
        row(concordance, figure="concordance"),
        row(Estimate(None, reason=reason) if reason else Estimate(p), figure="p"),
        row(Estimate(float(len(values))), figure="folds"),
    ]
    if len(values):
        ranks = rankdata(-values, axis=1).mean(axis=0).tolist()
        rows += [
            row(Estimate(rank), figure="mean_rank", model=name)
            for name, rank in zip(folds, ranks, strict=True)
        ]
    shares = _first(resampled).items()
    return (*rows, *(row(Estimate(share), figure="first", model=name) for name, share in shares))


def _first(resampled: Mapping[str, Floats]) -> dict[str, float]:
    """Return each model's share of resamples in which it is best; ties are shared."""
    values = np.column_stack(list(resampled.values()))
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) == 0:
        return {}
    best = values == values.max(axis=1, keepdims=True)
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(resampled, share.tolist(), strict=True))
