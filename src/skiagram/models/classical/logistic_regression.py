"""Logistic regression on standardised features (first slice; persistence follows)."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LogisticRegression as Estimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skiagram.features.table import FeatureTable
from skiagram.models.contract import Arm, FitContext, FitSummary, Labelled
from skiagram.options import STRICT


class FittedLogistic:
    """Fitted."""

    def __init__(self, pipeline: Pipeline, summary: FitSummary) -> None:
        self.pipeline, self.summary = pipeline, summary

    def scores(self, inputs: FeatureTable) -> NDArray[np.float64]:
        """Score."""
        return np.log(self.pipeline.predict_proba(inputs.values) + 1e-300)

    def save(self, folder: Path) -> None:
        """Save."""
        folder.mkdir(parents=True)


@dataclass(**STRICT)
class LogisticRegression:
    """Logistic regression."""

    title: ClassVar[str] = "Logistic regression"
    arm: ClassVar[Arm] = "classical"
    uses_validation: ClassVar[bool] = False

    def fit(
        self,
        training: Labelled[FeatureTable],
        validation: Labelled[FeatureTable] | None,
        context: FitContext,
    ) -> FittedLogistic:
        """Fit."""
        pipeline = make_pipeline(StandardScaler(), Estimator(max_iter=1000))
        pipeline.fit(training.inputs.values, training.label)
        return FittedLogistic(pipeline, FitSummary(1, None, len(training)))
