"""What a reader must know is said, and nothing when all is well."""

import dataclasses

import numpy as np

from skiagram.evaluation.cautions import cautions
from skiagram.evaluation.results import Estimate, ModelResult, Stability
from skiagram.records import Outcome
from tests.evaluation.scenario import reference

MANY = reference(np.arange(200) % 2)
STABLE = Stability((0.8, 0.8), Estimate(0.8), 0.0, (0.8, 0.81), 0.007, Estimate(0.1))
NET = ModelResult(
    Outcome("net", "deep", "Small CNN", "finished"), {}, Estimate(0.8), stability=STABLE
)


def test_nothing_is_said_when_all_is_well() -> None:
    assert list(cautions([NET], MANY, "holdout", 0, 0)) == []


def test_leaks_and_failures_are_named() -> None:
    lost = Outcome("cnn", "deep", "Article CNN", "failed", "out of memory.")
    leaked = dataclasses.replace(NET, leaked=True, above_ideal=Estimate(0.04, 0.01, 0.07))
    found = list(cautions([ModelResult(lost, {}, Estimate(None)), leaked], MANY, "holdout", 0, 0))
    assert found[0] == "Article CNN could not be trained and is not compared: out of memory."
    assert found[1].startswith("Small CNN has leaked: its AUC is +0.040 above")


def test_data_and_design_are_named() -> None:
    few = reference(np.repeat([0, 1], [60, 12]))
    alone = dataclasses.replace(STABLE, seed_auc=(0.8,), seed_sd=None)
    found = list(cautions([dataclasses.replace(NET, stability=alone)], few, "cv", 5, 1))
    assert found[0].startswith("Copies or near copies (twins) stand among")
    assert found[1].startswith("Pairs of copies or near copies with different labels: 1;")
    assert found[2].startswith("Few reported patients of class abnormal: 12;")
    assert found[3].startswith("Every model was trained from one seed")
    assert found[4].startswith("Nothing was sealed")
