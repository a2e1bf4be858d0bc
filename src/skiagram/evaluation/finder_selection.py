"""By what finders are chosen: what they find of the development lesions, never the images' AUC.

The figure is LUNA16's score, the mean sensitivity at 1/8 to 8 false marks per image. JAFROC's
figure of merit, on which the answer rests, does not choose: a finder that marks every place with
the odds that the image as a whole is abnormal has a higher one than the ideal marks of places, and
finds next to nothing. In FROC it cannot win, as each of its false marks is counted.
"""

from functools import partial

import numpy as np
import pandas as pd

from skiagram.evaluation.arm_selection import ONCE, Fold, SelectionFigures
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.judged_images import JudgedImages
from skiagram.evaluation.scores import align_scores
from skiagram.finding.marks import HitRule, Spacings
from skiagram.records.predictions import Predictions
from skiagram.statistics.froc import RATES, FreeResponse


def measure_for_selection(
    model: Predictions,
    marks: pd.DataFrame,
    lesions: pd.DataFrame,
    setting: EvaluationSet,
    hit: HitRule,
    spacing: Spacings,
) -> SelectionFigures:
    """Measure the mean sensitivity that chooses a finder.

    Under `holdout` it is that of out-of-fold marks. Under `cv` each outer fold has its own, of the
    marks that inner folds made on its training cases, and their mean stands for all.

    Args:
        marks: All marks of the finder.
        lesions: Those of the development cases whose place is known.
    """
    among = partial(JudgedImages.among, lesions=lesions, hit=hit, spacing=spacing)
    # Under `cv` each outer fold chooses by its own inner folds.
    if setting.task.design == "cv":
        fold_figures: dict[Fold, float] = {}
        inner_marks = dict(list(marks[marks["part"] == "inner"].groupby(["repeat", "fold"])))
        for fold, rows in model.by_fold("inner"):
            where = f"inner scores of {model.outcome.model}, repeat and fold {fold}"
            judged = among(setting.development.of(rows["case_id"].tolist(), where))
            fold_figures[fold] = np.nan
            if judged is not None:
                fit = rows["inner_fold"].to_numpy(dtype=np.int64)[None]
                inner = inner_marks.get(fold, marks.iloc[:0]).assign(repeat=0)
                response, _ = judged.respond(inner, 1, fit, len(np.unique(fit)))
                fold_figures[fold] = _mean_sensitivity(response)
        return fold_figures
    # Under `holdout` the out-of-fold marks of development choose.
    judged = among(setting.development)
    if judged is None:
        return {}
    scores = align_scores(model, "out_of_fold", setting.development, setting.task.predicted)
    held_out, fits = marks[marks["part"] == "out_of_fold"], scores.fit
    response, _ = judged.respond(
        held_out, scores.repeats, None if scores.has_one_fit else fits, scores.folds
    )
    return {ONCE: _mean_sensitivity(response)}


def _mean_sensitivity(response: FreeResponse) -> float:
    return float(response.share_found(RATES)(np.ones((1, len(response.patient))))[0])
