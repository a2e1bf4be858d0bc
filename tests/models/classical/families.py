"""Every classical family with the values of its own option file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.contract import Labelled
from skiagram.options import build
from tests.models.examples import labelled

OPTION_FILES = Path(__file__).parents[3] / "conf" / "model"
NAMES = (
    "linear_regression",
    "logistic_regression",
    "decision_tree",
    "svm",
    "random_forest",
    "ridge",
    "elastic_net",
    "extra_trees",
    "histogram_boosting",
    "bagging",
)
SMALL = {
    "random_forest": {"trees": 12},
    "extra_trees": {"trees": 12},
    "bagging": {"count": 8},
    "histogram_boosting": {"iterations": 15, "learning_rate": 0.3},
}
NORMALISATIONS = ("standard", "min_max", "robust", "maximum_then_sum", "none")


def model(name: str, **values: Any) -> ClassicalModel:
    """Return the family of an option file, some values changed; many trees are few for speed."""
    options = yaml.safe_load((OPTION_FILES / f"{name}.yaml").read_text())
    built: ClassicalModel = build(options | SMALL.get(name, {}) | values, "model")
    return built


def cohort(n_classes: int) -> Labelled[FeatureTable]:
    """Return 84 cases; one feature is constant, one zero, scales span twelve orders."""
    cases = labelled(patients=42, n_classes=n_classes)
    values = cases.inputs.values.copy()
    values[:, 0] *= 1e6
    values[:, 1] *= 1e-6
    constant = np.full((len(values), 1), 7.0, dtype=np.float32)
    table = FeatureTable(
        cases.case_id,
        (*cases.inputs.names, "constant", "zero"),
        np.hstack([values, constant, np.zeros_like(constant)]),
    )
    return replace(cases, inputs=table)
