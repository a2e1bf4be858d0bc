"""All comparisons of a run: one primary, the secondary ones, those requested, and baselines.

The primary comparison is named before the labels that it is reported on are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from skiagram.errors import OptionError
from skiagram.evaluation.arm_selection import SelectedArm
from skiagram.evaluation.auc_difference import ComparedModel, compare_auc
from skiagram.evaluation.estimation import estimate_auc
from skiagram.evaluation.evaluation_record import (
    BaselineComparison,
    CleanComparison,
    Comparison,
    Contender,
    Ranking,
)
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.reference_baseline import (
    compare_with_baselines,
    describe_baselines,
    judge_beaten,
)
from skiagram.evaluation.results import ModelResult
from skiagram.statistics.bootstrap import PatientDraws, draw_patients
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
    relate_to_margin,
)


@dataclass(frozen=True)
class ComparisonSpec:
    """What is compared and by which choices.

    Attributes:
        results: Model → its figures, failed ones too.
        compared: Model that was trained → what of it is compared.
        arms: Arm → what stands for it.
        baselines: Names of models that stand for simple rules; those not in the run are ignored.
        requested: Pairs that the options name.
        margin: Smallest AUC difference that counts.
        contender: What is compared with the classical models in the primary comparison.
    """

    results: Mapping[str, ModelResult]
    compared: Mapping[str, ComparedModel]
    arms: Mapping[str, SelectedArm]
    baselines: Sequence[str]
    requested: Sequence[tuple[str, str]]
    margin: float
    contender: Contender = "deep"


@dataclass(frozen=True)
class ComparisonResults:
    """What the comparisons gave; the fields are those of `Evaluation`."""

    primary: Comparison | None
    secondary: tuple[Comparison, ...]
    comparisons: tuple[Comparison, ...]
    detectable: Estimate | None
    planning: Planning | None
    gain: GainProbabilities | None
    ranking: Ranking | None
    reference_baselines: tuple[BaselineComparison, ...]
    reference_baseline_words: dict[str, str]
    arm_pairs: tuple[Comparison, ...] = ()

    def unbeaten(self) -> tuple[str, ...]:
        """Return what is said of the models that do not beat every simple rule."""
        losers = {
            comparison.model for comparison in self.reference_baselines if not comparison.beaten
        }
        return tuple(
            words for model, words in self.reference_baseline_words.items() if model in losers
        )


def compare_models(spec: ComparisonSpec) -> ComparisonResults:
    """Make every comparison of a run.

    Raises:
        OptionError: A pair names a model that is not in the run, or one model twice.
    """
    arms, compared = spec.arms, spec.compared
    both = {spec.contender, "classical"} <= set(arms)
    network, classical = (arms[spec.contender], arms["classical"]) if both else (None, None)
    best = {arm: selected.choice.model for arm, selected in arms.items()}
    rules = {name: compared[name] for name in spec.baselines if name in compared}
    primary = None
    if _is_pair(network, classical):
        primary = frozenset((best[spec.contender], best["classical"]))
    against_baselines = correct_baselines(compare_with_baselines(arms, rules))
    pairs = compare_all_pairs(_by_selection_auc(spec), primary, compared, spec.margin)
    arm_pairs = compare_arms(arms, spec.contender, spec.margin)
    single = {arm.choice.model for arm in arms.values() if len(arm.choice.chosen) == 1}
    of_arms = {
        frozenset((pair.model, pair.other)): pair.p_holm
        for pair in arm_pairs
        if {pair.model, pair.other} <= single
    }
    secondary = correct_secondary(pairs, against_baselines, of_arms)
    return ComparisonResults(
        primary=_primary(network, classical, spec.margin) if network and classical else None,
        secondary=secondary,
        comparisons=compare_requested_pairs(
            spec.requested, list(spec.results), compared, secondary, spec.margin
        ),
        detectable=_detectable(network, classical) if network and classical else None,
        planning=_plan(network, classical, spec.margin) if network and classical else None,
        gain=_gain(network, classical, spec.margin) if network and classical else None,
        ranking=_rank(spec),
        reference_baselines=against_baselines,
        reference_baseline_words=describe_baselines(against_baselines, best, spec.results),
        arm_pairs=arm_pairs,
    )


def compare_pair(
    model: str, other: str, compared: Mapping[str, ComparedModel], margin: float
) -> Comparison:
    """Compare two models by AUC and by decisions; p values are not corrected."""
    return _compare((model, compared[model]), (other, compared[other]), margin)


def _compare(
    first_model: tuple[str, ComparedModel], second_model: tuple[str, ComparedModel], margin: float
) -> Comparison:
    (model, first), (name, second) = first_model, second_model
    difference = compare_auc(first, second)
    folds = max(first.scores.folds, second.scores.folds)
    return Comparison(
        model,
        name,
        difference.estimate,
        p=difference.p,
        relation=relate_to_margin(difference.estimate, margin),
        mcnemar=mcnemar(first.correct, second.correct, first.cases.patient, folds),
        scope=difference.variation.scope,
        repeats=difference.variation.repeats,
    )


def _primary(network: SelectedArm, classical: SelectedArm, margin: float) -> Comparison:
    network_model, classical_model = (
        (arm.choice.model, arm.compared) for arm in (network, classical)
    )
    return _compare(network_model, classical_model, margin)


def _is_pair(network: SelectedArm | None, classical: SelectedArm | None) -> bool:
    """Return whether the primary comparison is one of two models, not of procedures."""
    arms = (network, classical)
    return all(arm is not None and len(arm.choice.chosen) == 1 for arm in arms)


def compare_arms(
    arms: Mapping[str, SelectedArm], contender: Contender, margin: float
) -> tuple[Comparison, ...]:
    """Compare classical models, networks and frozen encoders, each pair but the primary one.

    P values are corrected by Holm over these pairs. Without frozen encoders there is none.

    Args:
        arms: Arm → what stands for it.
        contender: What is compared with the classical models in the primary comparison.
        margin: Smallest AUC difference that counts.
    """
    if "encoder" not in arms:
        return ()
    named = (("encoder", "classical"), ("deep", "classical"), ("encoder", "deep"))
    pairs = [pair for pair in named if set(pair) <= set(arms) and pair != (contender, "classical")]
    comparisons = [_primary(arms[arm], arms[other], margin) for arm, other in pairs]
    known = [pair.p for pair in comparisons if pair.p is not None]
    corrected = iter(correct_by_holm(np.array(known, dtype=np.float64)).tolist())
    return tuple(
        replace(pair, p_holm=None if pair.p is None else next(corrected)) for pair in comparisons
    )


def compare_all_pairs(
    ordered: Sequence[str],
    primary: frozenset[str] | None,
    compared: Mapping[str, ComparedModel],
    margin: float,
) -> tuple[Comparison, ...]:
    """Compare every pair of models but the primary one; p values are not corrected.

    Args:
        ordered: Models in the order in which they were ranked on out-of-fold scores.
        primary: The pair that is not among them.
        compared: Model → what of it is compared.
        margin: Smallest AUC difference that counts.
    """
    pairs = [pair for pair in combinations(ordered, 2) if frozenset(pair) != primary]
    return tuple(compare_pair(*pair, compared, margin) for pair in pairs)


def correct_baselines(comparisons: Sequence[BaselineComparison]) -> tuple[BaselineComparison, ...]:
    """Correct the p values of all comparisons with simple rules, a family of their own.

    The verdict and the table of rules both go by these, so more models in the run make no rule
    harder to beat.
    """
    known = [comparison.p for comparison in comparisons if comparison.p is not None]
    corrected = iter(correct_by_holm(np.array(known, dtype=np.float64)).tolist())
    return tuple(
        judge_beaten(comparison, None if comparison.p is None else next(corrected))
        for comparison in comparisons
    )


def correct_secondary(
    secondary: Sequence[Comparison],
    baselines: Sequence[BaselineComparison],
    of_arms: Mapping[frozenset[str], float | None],
) -> tuple[Comparison, ...]:
    """Correct the p values of the secondary comparisons.

    A pair that is a comparison with a simple rule or a pair of arms too is one test, not two: it
    keeps the value that it has there and is not counted here.

    Args:
        secondary: Pairs of models.
        baselines: What `correct_baselines` returned.
        of_arms: Pairs of models that are pairs of arms → corrected p value.
    """
    rules = {
        (frozenset((comparison.model, comparison.rule)), comparison.p): comparison.p_holm
        for comparison in baselines
    }
    pairs = [
        (frozenset((comparison.model, comparison.other)), comparison.p) for comparison in secondary
    ]
    known = rules | {pair: of_arms[pair[0]] for pair in pairs if pair[0] in of_arms}
    own = {pair: pair[1] for pair in pairs if pair not in known and pair[1] is not None}
    corrected = correct_by_holm(np.array(list(own.values()), dtype=np.float64)).tolist()
    holm = known | dict(zip(own, corrected, strict=True))
    return tuple(
        replace(comparison, p_holm=holm.get(pair))
        for comparison, pair in zip(secondary, pairs, strict=True)
    )


def compare_requested_pairs(
    pairs: Sequence[tuple[str, str]],
    models: Sequence[str],
    compared: Mapping[str, ComparedModel],
    secondary: Sequence[Comparison],
    margin: float,
) -> tuple[Comparison, ...]:
    """Compare the first with the second model of each pair that the options name.

    Args:
        pairs: Names of models.
        models: All models of the run.
        compared: Model that was trained → what of it is compared.
        secondary: The secondary comparisons, whose corrected p values are taken over.
        margin: Smallest AUC difference that counts.

    Raises:
        OptionError: A pair names a model that is not in the run, or one model twice.
    """
    corrected = {frozenset((each.model, each.other)): each.p_holm for each in secondary}
    comparisons = []
    for model, other in pairs:
        _check_pair(model, other, models)
        untrained = [name for name in (model, other) if name not in compared]
        if untrained:
            missing = Estimate(None, reason=f"{untrained[0]} could not be trained")
            comparisons.append(Comparison(model, other, missing))
        else:
            comparison = compare_pair(model, other, compared, margin)
            p_holm = corrected.get(frozenset((model, other)))
            comparisons.append(replace(comparison, p_holm=p_holm))
    return tuple(comparisons)


def _check_pair(model: str, other: str, models: Sequence[str]) -> None:
    for name in (model, other):
        if name not in models or model == other:
            raise OptionError(
                f"`{name}` is compared with itself" if name in models else f"no model `{name}`",
                where="evaluate.compare",
                allowed=f"two of {', '.join(models)}",
                remedy="add the model to `baselines` or `networks`, or change the pair",
            )


def _detectable(network: SelectedArm, classical: SelectedArm) -> Estimate:
    difference = compare_auc(network.compared, classical.compared)
    if difference.estimate.value is None:
        return difference.estimate
    return detectable_difference(difference.variation, _patients(network))


def _plan(network: SelectedArm, classical: SelectedArm, margin: float) -> Planning:
    difference = compare_auc(network.compared, classical.compared)
    if difference.estimate.value is None:
        return Planning(None, None, difference.estimate.reason)
    return plan_patients(difference.variation, _patients(network), margin)


def _gain(network: SelectedArm, classical: SelectedArm, margin: float) -> GainProbabilities | None:
    difference = compare_auc(network.compared, classical.compared)
    return gain_probabilities(difference.estimate, difference.variation, margin)


def compare_on(
    members: NDArray[np.bool_],
    arms: Mapping[str, SelectedArm],
    rules: Mapping[str, ComparedModel],
    margin: float,
    seed: int,
    contender: Contender = "deep",
) -> CleanComparison | None:
    """Make the primary comparison and those with simple rules once more, on some reported cases.

    Args:
        members: (n,) marks the cases, for example those without a near duplicate.
        arms: Arm → what stands for it.
        rules: Reference baseline of the run that was trained → what of it is compared.
        margin: Smallest AUC difference that counts.
        seed: Seed of the bootstrap.
        contender: What is compared with the classical models.

    Returns:
        None without the two, or where a class has no case left.
    """
    if not {contender, "classical"} <= set(arms):
        return None
    cases = arms[contender].compared.cases.select(members)
    if 0 in cases.patients_by_class():
        return None
    replicates = len(arms[contender].compared.draws.counts)
    draws = draw_patients(
        cases.patient,
        min(cases.patients_by_class()),
        replicates,
        seed,
        cases.degrees_of_freedom(),
    )
    part = {
        arm: restrict(selected, members, cases, draws)
        for arm, selected in arms.items()
        if arm in (contender, "classical")
    }
    network, classical = part[contender], part["classical"]
    left = {
        name: ComparedModel(rule.scores.select(members), cases, draws)
        for name, rule in rules.items()
    }
    return CleanComparison(
        auc={arm: selected.choice.auc for arm, selected in part.items()},
        comparison=_primary(network, classical, margin),
        gain=_gain(network, classical, margin),
        baselines=correct_baselines(compare_with_baselines(part, left)),
        cases=len(cases),
        patients=_patients(network),
    )


def restrict(
    arm: SelectedArm, members: NDArray[np.bool_], cases: LabelledCases, draws: PatientDraws
) -> SelectedArm:
    """Return an arm as it stands on the marked cases, chosen as it was."""
    compared = ComparedModel(arm.compared.scores.select(members), cases, draws)
    auc = estimate_auc(compared.scores, cases, draws)
    return SelectedArm(replace(arm.choice, auc=auc), compared)


def _patients(arm: SelectedArm) -> int:
    return len(np.unique(arm.compared.cases.patient))


def _by_selection_auc(spec: ComparisonSpec) -> list[str]:
    """Return the trained models, the best by the AUC that selects models first."""

    def selection_auc(name: str) -> float:
        value = spec.results[name].selection_auc.value
        return -1.0 if value is None else value

    return sorted(spec.compared, key=selection_auc, reverse=True)


def _rank(spec: ComparisonSpec) -> Ranking | None:
    """Rank the models that somebody trained."""
    ranked = {
        name: (model, np.array(result.stability.fold_auc))
        for name, model in spec.compared.items()
        if (result := spec.results[name]).stability and result.outcome.arm != "reader"
    }
    if len(ranked) < 2:
        return None
    folds = {name: fold_auc for name, (_, fold_auc) in ranked.items()}
    return rank_models(folds, {name: model.resampled_auc for name, (model, _) in ranked.items()})


Floats = NDArray[np.float64]


def rank_models(folds: Mapping[str, Floats], resampled: Mapping[str, Floats]) -> Ranking:
    """Summarise how the order of the models holds.

    Args:
        folds: Model → (j,) AUC of each fold; equal folds for all models, at least two models.
        resampled: Model → (b,) AUC on equal resamples of the reported cases, NaN where undefined.
    """
    names = list(folds)
    lengths = {len(values) for values in folds.values()}
    first = _first(resampled)
    if len(lengths) != 1:
        unequal = Estimate(None, reason="the models have no AUC of the same folds")
        return Ranking(unequal, None, 0, first=first)
    values = np.column_stack(list(folds.values()))
    if len(values) == 0:
        none = Estimate(None, reason="no fold has every class both in training and held out")
        return Ranking(none, None, 0, first=first)
    means = rankdata(-values, axis=1).mean(axis=0)
    mean_rank = dict(zip(names, means.tolist(), strict=True))
    w, p = kendall_w(values) if len(values) > 1 else (float("nan"), float("nan"))
    if np.isnan(w):
        reason = "a single fold" if len(values) == 1 else "all models are equal in every fold"
        return Ranking(Estimate(None, reason=reason), None, len(values), mean_rank, first)
    return Ranking(Estimate(w, method="Kendall's W"), p, len(values), mean_rank, first)


def _first(resampled: Mapping[str, Floats]) -> dict[str, float]:
    """Return each model's share of resamples in which it is best; ties are shared."""
    values = np.column_stack(list(resampled.values()))
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) == 0:
        return {}
    best = values == values.max(axis=1, keepdims=True)
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(resampled, share.tolist(), strict=True))
