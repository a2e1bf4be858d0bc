"""All figures of a report, drawn once for the page and the folder of plots."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from skiagram.evaluation.results import Evaluation
from skiagram.report.drawing import Drawing
from skiagram.report.figures.decision_curve import decision_curve
from skiagram.report.figures.forest import forest
from skiagram.report.figures.operating import precision_recall, roc
from skiagram.report.figures.reliability import reliability
from skiagram.report.figures.risk_coverage import risk_coverage
from skiagram.report.figures.stability import stability
from skiagram.report.figures.subgroups import subgroups
from skiagram.report.figures.training import training_curves


@dataclass(frozen=True)
class Figures:
    """All figures of a report; None where a task has no such figure.

    Attributes:
        forest: AUC of every model and the difference that the verdict is on.
        roc: ROC curves.
        precision_recall: Precision–recall curves.
        stability: Folds, seeds and training gap.
        reliability: Observed share against stated probability.
        decision_curve: Net benefit by threshold.
        risk_coverage: Errors left by share of cases kept.
        subgroups: AUC on parts of the reported cases.
        training: (title, training curves) of each network.
    """

    forest: Drawing
    roc: Drawing | None
    precision_recall: Drawing | None
    stability: Drawing | None
    reliability: Drawing | None
    decision_curve: Drawing | None
    risk_coverage: Drawing | None
    subgroups: Drawing | None
    training: tuple[tuple[str, Drawing], ...]

    def all(self) -> tuple[Drawing, ...]:
        """Return every figure there is."""
        single = (
            self.forest, self.roc, self.precision_recall, self.stability, self.reliability,
            self.decision_curve, self.risk_coverage, self.subgroups,
        )  # fmt: skip
        return (*(figure for figure in single if figure), *(figure for _, figure in self.training))


def draw(evaluation: Evaluation, curves: Mapping[str, pd.DataFrame]) -> Figures:
    """Draw every figure.

    Args:
        evaluation: What was found.
        curves: Model name → training curves.
    """
    training = [
        (model.outcome.title, figure)
        for model in evaluation.models
        if model.outcome.model in curves
        and (
            figure := training_curves(
                model.outcome.model, model.outcome.title, curves[model.outcome.model]
            )
        )
    ]
    return Figures(
        forest(evaluation),
        roc(evaluation),
        precision_recall(evaluation),
        stability(evaluation),
        reliability(evaluation),
        decision_curve(evaluation),
        risk_coverage(evaluation),
        subgroups(evaluation),
        tuple(training),
    )
