"""Every classical model on features, found by its config, with the values of that file."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from skiagram.options import build
from skiagram.records.feature_table import FeatureTable
from tests.models.examples import labelled
from tests.yaml_rows import load_yaml

OPTION_FILES = Path(__file__).parents[3] / "conf" / "model"
# Fewer trees than the configs ask for, to save time.
SMALL = {
    "random_forest": {"n_estimators": 12},
    "extra_trees": {"n_estimators": 12},
    "bagging": {"n_estimators": 8},
    "histogram_boosting": {"max_iter": 15, "learning_rate": 0.3},
    "cox_boosted": {"trees": 40},
}


def read_options(name):
    return load_yaml(OPTION_FILES / f"{name}.yaml")


def has_option(name, option):
    return option in read_options(name)


def model(name, **values):
    """Return the family of a config, some values changed; many trees are few for speed."""
    return build(read_options(name) | SMALL.get(name, {}) | values, "model")


def _is_of_features(name):
    options = read_options(name)
    return "classical" in options["_target_"] and "columns" in options  # a finder has none


def _is_of_any_classes(name):
    """Return whether a model reads all features of all training cases, and learns any classes."""
    options = read_options(name)
    reads_all = not (options["columns"] or options["selection"] or options.get("encoding"))
    return reads_all and "class" in model(name).tasks


EVERY = [path.stem for path in sorted(OPTION_FILES.glob("*.yaml")) if _is_of_features(path.stem)]
NAMES = [name for name in EVERY if _is_of_any_classes(name)]


def cohort(n_classes):
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
