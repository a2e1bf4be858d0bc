"""All that is found of one model, in its setting."""

from dataclasses import replace

import numpy as np

from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.calibration.agreement import agreement
from skiagram.evaluation.calibration.decision_curve import decision_curve
from skiagram.evaluation.curve_bands import precision_recall_band, roc_band
from skiagram.evaluation.curves import precision_recall, roc
from skiagram.evaluation.decisions.operating import operating_points
from skiagram.evaluation.discrimination import confusion
from skiagram.evaluation.doubt.conformal import prediction_sets
from skiagram.evaluation.doubt.risk_coverage import risk_coverage
from skiagram.evaluation.held_out import held_out
from skiagram.evaluation.ideal import above_ideal, efficiency, has_leaked
from skiagram.evaluation.metrics import auc_placements, class_auc, decisions, metrics, roc_auc
from skiagram.evaluation.questions import Questions
from skiagram.evaluation.records.calibration import DecisionCurve
from skiagram.evaluation.records.subgroup import Subgroup
from skiagram.evaluation.reported import ModelScores, Scores, scores_on
from skiagram.evaluation.results import Estimate, ModelResult
from skiagram.evaluation.setting import Setting
from skiagram.evaluation.stability.features import feature_selection
from skiagram.evaluation.stability.folds import fold_auc, inner_auc, stability
from skiagram.evaluation.subgroups import subgroups


def model_result(
    model: ModelScores, scores: Scores | None, setting: Setting, questions: Questions
) -> ModelResult:
    """Measure one model.

    Args:
        model: Outcome and predictions.
        scores: Its scores on the reported cases; None for a failed model.
        setting: What it is measured against.
        questions: What is asked beyond the figures that are always there.

    Raises:
        DataError: Ids of out-of-fold scores and development cases do not match.
    """
    if scores is None:
        return ModelResult(model.outcome, {}, Estimate(None, reason=model.outcome.reason))
    cases, predictions = setting.cases, model.predictions
    found = metrics(scores, cases, setting.draws)
    if setting.twins.any():
        found["roc_auc_off_twins"] = _off_twins(scores, setting)
    scores_on(model, "out_of_fold", setting.development, pooled=True)
    fixing = list(held_out(model, setting))
    spread = stability(fold_auc(predictions, setting.development), scores, cases)
    spread = replace(spread, selection=feature_selection(model.selection))
    nested = setting.design == "cv"
    auc = auc_placements(scores, cases)
    above = above_ideal(auc, setting.ideal) if auc and setting.ideal else None
    tables = [confusion(one, cases.label, len(cases.classes)) for one in decisions(scores)]
    positive = cases.label == cases.positive
    drawn = None if auc is None else scores.ranking
    return ModelResult(
        outcome=model.outcome,
        metrics=found,
        selection_auc=inner_auc(predictions, setting.development) if nested else spread.fold_mean,
        stability=spread,
        confusion=tuple(tuple(row) for row in np.mean(tables, axis=0).tolist()),
        efficiency=efficiency(auc, setting.ideal) if auc and setting.ideal else None,
        above_ideal=above,
        leaked=above is not None and has_leaked(above),
        roc=None if drawn is None else roc(drawn, positive),
        precision_recall=None if drawn is None else precision_recall(drawn, positive),
        roc_band=None if drawn is None else roc_band(drawn, positive, setting.draws),
        precision_recall_band=(
            None if drawn is None else precision_recall_band(drawn, positive, setting.draws)
        ),
        class_auc=class_auc(scores, cases),
        operating_points=operating_points(scores, fixing, questions, cases, setting.draws),
        calibration=agreement(scores, cases),
        decision_curve=_decision_curve(scores, setting),
        prediction_sets=prediction_sets(scores, fixing, cases),
        risk_coverage=risk_coverage(scores, cases, setting.draws),
        subgroups=_subgroups(scores, setting),
    )


def _decision_curve(scores: Scores, setting: Setting) -> DecisionCurve | None:
    if setting.cases.positive is None:
        return None
    positive = setting.cases.label == setting.cases.positive
    return decision_curve(scores.probability[:, :, setting.cases.positive], positive, setting.draws)


def _subgroups(scores: Scores, setting: Setting) -> tuple[Subgroup, ...]:
    return () if setting.covariates is None else subgroups(scores, setting, setting.covariates)


def _off_twins(scores: Scores, setting: Setting) -> Estimate:
    kept = ~setting.twins
    cases = setting.cases.select(kept)
    if 0 in cases.patients_by_class():
        return Estimate(None, reason="a class has no case off twins")
    smallest = min(cases.patients_by_class())
    draws = draw_patients(cases.patient, smallest, len(setting.draws.counts), setting.seed)
    return roc_auc(scores.select(kept), cases, draws)
