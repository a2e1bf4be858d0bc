"""The seal of one data set, opened after its models have scored; only studies' figures read it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skiagram.evaluation.ideal import efficiency
from skiagram.evaluation.metrics import auc_difference, auc_placements, roc_auc
from skiagram.evaluation.reported import ModelScores, Scores, scores_on
from skiagram.evaluation.results import Estimate
from skiagram.evaluation.setting import Setting, setting
from skiagram.records import DataCard, read_cases, read_record, read_table
from skiagram.studies.passes import DataSet

_NO_TWINS = pd.DataFrame({"first": [], "second": []}, dtype=str)


@dataclass(frozen=True)
class Opened:
    """A data set with its labels.

    Attributes:
        setting: What all models are measured against.
        card: What a reader must know of the data set.
    """

    setting: Setting
    card: DataCard

    def scores(self, model: ModelScores) -> Scores:
        """Return a model's scores on the reported cases."""
        held_out = self.setting.part == "out_of_fold"
        return scores_on(model, self.setting.part, self.setting.cases, pooled=held_out)

    def auc(self, scores: Scores) -> Estimate:
        """Estimate the AUC."""
        return roc_auc(scores, self.setting.cases, self.setting.draws)

    def difference(self, scores: Scores, other: Scores) -> Estimate:
        """Estimate AUC minus other AUC, paired by patient; equal scores differ by exactly 0."""
        if np.array_equal(scores.probability, other.probability):
            return Estimate(0.0, 0.0, 0.0, "equal scores")
        return auc_difference(scores, other, self.setting.cases, self.setting.draws)

    def efficiency(self, scores: Scores) -> Estimate | None:
        """Estimate (d_a / d_ideal)² on generated data; None on real images."""
        found = auc_placements(scores, self.setting.cases)
        if self.setting.ideal is None or found is None:
            return None
        return efficiency(found, self.setting.ideal)


def opened(data: DataSet, seed: int, replicates: int) -> Opened:
    """Open the seal of a data set.

    Args:
        data: An ingested data set.
        seed: Seed of the bootstrap.
        replicates: Bootstrap resamples.
    """
    cases, task = read_cases(data.folder / "cases")
    truth = data.folder / "sealed/truth.parquet"
    found = setting(
        cases, task, read_table(data.folder / "sealed/labels.parquet"),
        read_table(truth) if truth.exists() else None, _NO_TWINS, seed, replicates,
    )  # fmt: skip
    return Opened(found, read_record(DataCard, data.folder / "cases/card.json"))
