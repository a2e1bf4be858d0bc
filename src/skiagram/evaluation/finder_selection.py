"""By what finders are chosen: what they find of the development lesions, never the images' AUC.

The figure is LUNA16's score, the mean sensitivity at 1/8 to 8 false marks per image. JAFROC's
figure of merit, on which the answer rests, does not choose: a finder that marks every place with
the odds that the image as a whole is abnormal has a higher one than the ideal marks of places, and
finds next to nothing. In FROC it cannot win, as each of its false marks is counted.
"""

import numpy as np
import pandas as pd

from skiagram.evaluation.arm_selection import ONCE, Fold, SelectionFigures, list_choices
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.judged_images import JudgedImages
from skiagram.finding.marks import HitRule, Spacings
from skiagram.records.predictions import Predictions
from skiagram.statistics.froc import RATES


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
    figures: dict[Fold, float] = {}
    for fold, cases, compared in list_choices(model, setting):
        # Marks of inner folds of an outer one, or of the folds of all repeats.
        own = marks[marks["part"] == ("out_of_fold" if fold == ONCE else "inner")]
        if fold != ONCE:
            own = own[(own["repeat"] == fold[0]) & (own["fold"] == fold[1])].assign(repeat=0)
        judged, scored = JudgedImages.among(cases, lesions, hit, spacing), compared.scored
        figures[fold] = np.nan
        if judged is not None:
            fit = None if scored.has_one_fit else scored.fit
            response, _ = judged.respond(own, scored.repeats, fit, scored.folds)
            share = response.share_found(RATES)(np.ones((1, len(response.patient))))
            figures[fold] = float(share[0])
    return figures
