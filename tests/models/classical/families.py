"""Every classical family, found by its option file, with the values of that file."""

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
FAMILIES = "skiagram.models.classical."
# Fewer trees than the option files ask for, to save time.
SMALL: dict[str, dict[str, Any]] = {
    "random_forest": {"trees": 12},
    "extra_trees": {"trees": 12},
    "bagging": {"count": 8},
    "histogram_boosting": {"iterations": 15, "learning_rate": 0.3},
}
NORMALISATIONS = ("standard", "min_max", "robust", "maximum_then_sum", "none")


def read_options(name: str) -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load((OPTION_FILES / f"{name}.yaml").read_text())
    return options


def has_option(name: str, option: str) -> bool:
    return option in read_options(name)


def model(name: str, **values: Any) -> ClassicalModel:
    """Return the family of an option file, some values changed; many trees are few for speed."""
    built: ClassicalModel = build(read_options(name) | SMALL.get(name, {}) | values, "model")
    return built


def _keeps_common_promises(name: str) -> bool:
    """Return whether an option file is a classical model on all features of all training cases."""
    options = read_options(name)
    if not options["_target_"].startswith(FAMILIES) or "classifier" in options:
        return False  # a finder is no model of features
    if options["columns"] or options["selection"]:
        return False
    if "class" not in model(name).learns:
        return False
    return type(model(name)).fit is ClassicalModel.fit


NAMES = tuple(
    path.stem for path in sorted(OPTION_FILES.glob("*.yaml")) if _keeps_common_promises(path.stem)
)


def separable(n_classes: int) -> Labelled[FeatureTable]:
    """Return the cohort with a column a class that tells it from all others."""
    cases = cohort(n_classes)
    own = 10 * np.eye(n_classes, dtype=np.float32)[cases.label]
    names = (*cases.inputs.names, *(f"class_{k}" for k in range(n_classes)))
    table = FeatureTable(cases.case_id, names, np.hstack([cases.inputs.values, own]))
    return replace(cases, inputs=table)


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
