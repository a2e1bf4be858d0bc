"""Columns of scores of any origin compared by the rules of a run: labels and scores in, record out.

A product's, another framework's or a reader's scores have no folds that chose them and no training
that is known: the first two columns are the primary comparison, all other pairs are secondary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from skiagram.errors import DataError, OptionError
from skiagram.evaluation.arm_selection import SelectedArm
from skiagram.evaluation.auc_difference import ComparedModel, compare_auc
from skiagram.evaluation.comparisons import compare_pair, compare_with_rules
from skiagram.evaluation.evaluate import measure_scores
from skiagram.evaluation.evaluation_record import (
    ArmChoice,
    Decision,
    Evaluation,
    SiteStudy,
    Verdict,
)
from skiagram.evaluation.evaluation_set import EvaluationSet, warn_of_unequal_patients
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.options import DEFAULT_MARGIN, DEFAULTS, NO_REQUESTS
from skiagram.evaluation.reader_study import study_readers
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.scores import Scores
from skiagram.evaluation.sites import study_sites
from skiagram.evaluation.verdict import (
    decide_by_margin,
    describe_gain,
    describe_gap,
    lower_decision,
    relate_in_words,
)
from skiagram.evaluation.warnings import FEW_PATIENTS
from skiagram.records import Outcome, Task
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import (
    correct_by_holm,
    detectable_difference,
    gain_probabilities,
    plan_patients,
)

Column = NDArray[np.float64]
_NO_PROBABILITY = Estimate(None, reason="the scores are no probabilities between 0 and 1")
_BY_ORDER = ("roc_auc", "average_precision", "partial_roc_auc")
_ARMS = ("deep", "classical")  # where the record keeps the first and the second column


@dataclass(frozen=True)
class ScoredCases:
    """Cases with their labels and several columns of scores.

    Attributes:
        label: (n,) whether the condition is there.
        patient: (n,) patients numbered from 0.
        classes: What a negative and a positive case are called.
        columns: Name → (n,) scores, higher where the condition is more likely; the first two are
            the primary comparison.
        readers: Name → (n,) scores of readers, taken as a sample of readers.
        fit: (n,) which fit scored each case, whose scores share a scale; None where one did.
        subgroups: A row a case; columns whose values tell parts apart.
        site: (n,) site of each case; None where it is not asked for.
    """

    label: NDArray[np.bool_]
    patient: NDArray[np.int64]
    classes: tuple[str, str]
    columns: Mapping[str, Column]
    readers: Mapping[str, Column]
    fit: NDArray[np.int64] | None = None
    subgroups: pd.DataFrame | None = None
    site: NDArray[np.str_] | None = None


def compare_scores(
    given: ScoredCases,
    margin: float = DEFAULT_MARGIN,
    seed: int = 0,
    replicates: int = DEFAULTS.replicates,
) -> Evaluation:
    """Measure every column and compare the first with the second, and each other pair.

    Raises:
        DataError: A class has fewer than two patients.
        OptionError: A margin out of range.
    """
    if not 0 < margin < 0.5:
        raise OptionError(f"{margin:g}", where="margin", allowed="above 0 and below 0.5")
    setting = _setting(given, seed, replicates)
    cases, draws = setting.cases, setting.draws
    every = {**given.columns, **given.readers}
    compared = {
        name: ComparedModel(_scores(column, given), cases, draws) for name, column in every.items()
    }
    models = tuple(_measure(name, one, setting, every[name]) for name, one in compared.items())
    first, second = list(given.columns)[:2]
    arms = {
        arm: SelectedArm(ArmChoice(name, {name: 1}, 1, model.metrics["roc_auc"]), compared[name])
        for arm, name, model in zip(_ARMS, (first, second), models, strict=False)
    }
    difference = compare_auc(compared[first], compared[second])
    variation, patients = difference.variation, cases.patients
    counts = np.bincount(cases.label, minlength=2)
    pairs = [
        _pair(name, other, compared, every, margin)
        for name, other in combinations(given.columns, 2)
    ]
    corrected = correct_by_holm(pair.p for pair in pairs[1:])
    readers = {name: compared[name].placements for name in given.readers}
    own = {arm: selected.compared.placements for arm, selected in arms.items()}
    evaluation = Evaluation(
        task=Task(given.classes, 1, "holdout"),
        part="test",
        cases={"reported": dict(zip(given.classes, counts.tolist(), strict=True))},
        patients={"reported": patients},
        near_duplicates=0,
        models=models,
        best=dict(zip(_ARMS, (first, second), strict=True)),
        difference=pairs[0].difference,
        ideal=None,
        verdict="",
        warnings=(*_few_patients(cases), *warn_of_unequal_patients(cases)),
        margin=margin,
        primary=pairs[0],
        secondary=tuple(
            replace(pair, p_holm=p) for pair, p in zip(pairs[1:], corrected, strict=True)
        ),
        detectable=detectable_difference(variation, patients),
        planning=plan_patients(variation, patients, margin),
        simple_rules=compare_with_rules(arms, {}),
        arms={arm: selected.choice for arm, selected in arms.items()},
        gain=gain_probabilities(pairs[0].difference, variation, margin),
        readers=study_readers(
            {name: one for name, one in readers.items() if one},
            {arm: one for arm, one in own.items() if one},
        ),
        sites=_sites(given, arms, setting),
        compared=(first, second),
    )
    answer = _answer(evaluation, first, second)
    return replace(evaluation, answer=answer, verdict=answer.text)


def _setting(given: ScoredCases, seed: int, replicates: int) -> EvaluationSet:
    case_id = np.array([str(number) for number in range(len(given.label))])
    cases = LabelledCases(
        case_id, given.label.astype(np.int64), given.patient, given.classes, positive=1
    )
    for name, patients in zip(given.classes, cases.patients_by_class(), strict=True):
        if patients < 2:
            raise DataError(
                f"{patients} patients of class {name}",
                where="labels",
                allowed="at least 2 patients of each class, for intervals some 10",
                remedy="add patients of this class, or check the labels",
            )
    covariates = None
    if given.subgroups is not None:
        covariates = given.subgroups.reset_index(drop=True).assign(case_id=case_id)
    return EvaluationSet(
        design="holdout",
        part="test",
        development=cases,
        cases=cases,
        draws=cases.draws(replicates, seed),
        has_near_duplicate=np.zeros(len(cases), np.bool_),
        ideal=None,
        seed=seed,
        covariates=covariates,
    )


def are_probabilities(column: Column) -> bool:
    """Return whether all scores lie between 0 and 1."""
    return bool(column.min() >= 0 and column.max() <= 1)


def _scores(column: Column, given: ScoredCases) -> Scores:
    """Return a column as scores; those that are no probabilities are ordered alone."""
    probability = column if are_probabilities(column) else expit(column - np.median(column))
    fit = None if given.fit is None else given.fit[None]
    folds = 0 if fit is None else len(np.unique(fit))
    both = np.stack([1 - probability, probability], axis=1)[None]
    return Scores(column[None], both, np.full((1, len(column)), np.nan), folds, fit)


def _measure(
    name: str, compared: ComparedModel, setting: EvaluationSet, column: Column
) -> ModelResult:
    outcome = Outcome(name, "reader", name, "finished")
    result = measure_scores(outcome, compared.scores, setting, NO_REQUESTS)
    if are_probabilities(column):
        return result
    metrics = {
        key: estimate if key in _BY_ORDER else _NO_PROBABILITY
        for key, estimate in result.metrics.items()
    }
    return replace(
        result,
        metrics=metrics,
        calibration=None,
        decision_curve=None,
        risk_coverage=None,
        confusion=(),
    )


def _pair(
    name: str,
    other: str,
    compared: Mapping[str, ComparedModel],
    columns: Mapping[str, Column],
    margin: float,
) -> Any:
    pair = compare_pair((name, compared[name]), (other, compared[other]), margin)
    decided = all(are_probabilities(columns[each]) for each in (name, other))
    return pair if decided else replace(pair, mcnemar=None)


def _sites(
    given: ScoredCases, arms: Mapping[str, SelectedArm], setting: EvaluationSet
) -> SiteStudy | None:
    if given.site is None:
        return None
    return study_sites("site", given.site, arms, setting, NO_REQUESTS.least_patients)


def _few_patients(cases: LabelledCases) -> Sequence[str]:
    return [
        f"Few patients of class {name}: {patients}; below {FEW_PATIENTS} the 95 % intervals may be "
        "too narrow."
        for name, patients in zip(cases.classes, cases.patients_by_class(), strict=True)
        if patients < FEW_PATIENTS
    ]


def _answer(evaluation: Evaluation, first: str, second: str) -> Verdict:
    """Say by the rules of a run's verdict whether to use the first column in place of the second.

    As a network there, a score that is not shown to beat chance is never recommended.
    """
    difference, margin = evaluation.difference, evaluation.margin
    if difference is None or difference.value is None:
        reason = difference.reason if difference else "nothing to compare"
        return Verdict("none", f"No comparison: {reason}.")
    decision: Decision = decide_by_margin(difference, margin)
    unbeaten = [row for row in evaluation.simple_rules if not row.beaten]
    openings = [f"{row.model} is not shown to beat chance." for row in unbeaten]
    for row in unbeaten:
        if row.model == first:
            decision = lower_decision(decision, decide_by_margin(row.difference, margin))
    cases, patients = sum(evaluation.cases["reported"].values()), evaluation.patients["reported"]
    own, other = (evaluation.arms[arm].auc.value or 0.0 for arm in _ARMS)
    low, high = difference.low, difference.high
    reasons = []
    if low is not None and high is not None and len(unbeaten) < 2 and not low == high == 0:
        reasons.append(relate_in_words(low, high, margin, first, second))
    reasons.append(
        f"On these {cases} cases of {patients} patients, {first} has the AUC {own:.3f} and "
        f"{second} {other:.3f}: {describe_gap(difference)}."
    )
    if evaluation.gain is not None and len(unbeaten) < 2 and low != high:
        reasons.append(describe_gain(evaluation.gain, margin))
    headline = f"Use {first} in place of {second}: {decision}."
    return Verdict(decision, headline, tuple(openings), tuple(reasons))
