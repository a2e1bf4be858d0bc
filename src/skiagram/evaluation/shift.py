"""Whether the sealed test cases are like the development cases, told by what models do on both."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import norm

from skiagram.evaluation.auc_difference import ComparedModel
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.metrics import binary_placements
from skiagram.evaluation.proportions import Z
from skiagram.evaluation.results import Estimate, Shift
from skiagram.evaluation.scores import ModelScores, align_scores
from skiagram.evaluation.significance import LEVEL, correct_by_holm


def find_shifts(
    models: Sequence[ModelScores], compared: Mapping[str, ComparedModel], setting: EvaluationSet
) -> tuple[Shift, ...]:
    """Compare each model's AUC on the test cases with its out-of-fold AUC.

    No patient is on both sides, so the variances add (Hanley & McNeil 1982, *Radiology* 143:29).
    That of the out-of-fold AUC is widened for the overlap of the folds' training sets, as no
    unbiased estimate exists; the test errs towards silence. The model behind the test scores saw
    more cases than those of the folds, which raises its AUC a little: a small sealed gain is no
    alarm, and a loss is found in spite of it.

    Args:
        models: All models, in the order of the report.
        compared: Model that was trained → what of it is compared.
        setting: What the models are measured against.

    Returns:
        One a model with both figures; empty under `cv`, with more than two classes, or where a
        class is absent.
    """
    if setting.design == "cv":
        return ()
    found = [
        shift
        for model in models
        if model.outcome.arm != "reader" and model.outcome.model in compared
        if (shift := _shift(model, compared[model.outcome.model], setting)) is not None
    ]
    return correct_shifts(found)


def _shift(model: ModelScores, tested: ComparedModel, setting: EvaluationSet) -> Shift | None:
    held_out = align_scores(model, "out_of_fold", setting.development, pooled=True)
    inside, outside = binary_placements(held_out, setting.development), tested.placements
    if inside is None or outside is None:
        return None
    variance = inside.variation.variance + outside.variation.variance
    if not variance > 0:
        return None
    error = float(np.sqrt(variance))
    value = outside.mean - inside.mean
    low, high = max(-1.0, value - Z * error), min(1.0, value + Z * error)
    difference = Estimate(value, low, high, "variances of the two sides added")
    p = float(2 * norm.sf(abs(value) / error))
    return Shift(model.outcome.model, outside.mean, inside.mean, difference, p, p, False)


def correct_shifts(shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    """Return the shifts with p values corrected over all of them, and which are beyond chance."""
    corrected = correct_by_holm(np.array([one.p for one in shifts], dtype=np.float64)).tolist()
    return tuple(
        Shift(one.model, one.test, one.out_of_fold, one.difference, one.p, p, p < LEVEL)
        for one, p in zip(shifts, corrected, strict=True)
    )
