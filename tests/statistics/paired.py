"""80 drawn cases scored by two models, ties among them; R's figures for them stand in the tests."""

from pathlib import Path

import pandas as pd

from skiagram.statistics.delong import auc_of_scores

TABLE = pd.read_csv(Path(__file__).parent / "paired_scores.csv")
LABEL = TABLE["label"].to_numpy(dtype="int64")
POSITIVE = LABEL == 1
PATIENT = TABLE.index.to_numpy(dtype="int64")
PROBABILITY = TABLE["probability_a"].to_numpy(dtype="float64")
OTHER_PROBABILITY = TABLE["probability_b"].to_numpy(dtype="float64")


def of(column):
    return auc_of_scores(TABLE[[column]].to_numpy(dtype="float64").T, POSITIVE, PATIENT)
