"""What earlier versions called otherwise: models, options, classes and their modules.

Configs of projects and records of packages may have the earlier names.
"""

import re
import sys
from collections.abc import Mapping
from typing import Any

from skiagram.errors import OptionError

RENAMED_MODELS = {  # config as it was called → the one that took its place
    **dict.fromkeys(("cox", "number_ridge", "grade_logistic"), "logistic_regression"),
    **dict.fromkeys(("cox_elastic_net", "number_elastic_net", "grade_elastic_net"), "elastic_net"),
    **dict.fromkeys(("number_forest", "grade_forest"), "random_forest"),
    **dict.fromkeys(("number_mean", "grade_median"), "null_model"),
    **dict.fromkeys(("number_acquisition", "grade_acquisition"), "acquisition"),
    **dict.fromkeys(("cox_volume", "number_volume", "grade_volume"), "region_volume"),
    "cox_uptake": "highest_intensity",
    **{
        f"{family}_{rule}": rule
        for family in ("logistic_regression", "cox", "number", "grade")
        for rule in ("covariates", "permuted")
    },
    **dict.fromkeys(
        ("pretrained_cox", "pretrained_number_ridge", "pretrained_grade_logistic"),
        "pretrained_logistic_regression",
    ),
}
_COST = {"inverse_regularisation": "C"}
_LOGISTIC = _COST | {"max_iterations": "max_iter", "tolerance": "tol"}
_FOREST = {"trees": "n_estimators"}
RENAMED_OPTIONS: Mapping[str, Mapping[str, str]] = {  # class → option as it was called → its name
    **dict.fromkeys(("LogisticRegression", "ElasticNet"), _LOGISTIC),
    **dict.fromkeys(("SupportVectorMachine", "Stacking", "RefittedHead", "Transfer"), _COST),
    **dict.fromkeys(("RandomForest", "ExtraTrees"), _FOREST),
    "MeanOfModels": _FOREST
    | {"ridge_inverse_regularisation": "ridge_C", "lasso_inverse_regularisation": "lasso_C"},
    "Ridge": {"penalty": "alpha"},
    "NearestNeighbours": {"neighbours": "n_neighbors"},
    "Bagging": {"count": "n_estimators", "share": "max_samples"},
    "HistogramBoosting": {
        "iterations": "max_iter",
        "max_leaves": "max_leaf_nodes",
        "l2_penalty": "l2_regularization",
    },
}
# Modules as projects and packages of version 0.1 name them.
_MOVED = re.compile(r"skiagram\.datasets\.(?=(lidc|medmnist|mini_mias|phantom)\.)")
_RENAMED_CLASSES = {
    "skiagram.datasets.feature_table.FeatureTable": "skiagram.datasets.feature_table.FeatureFile",
    "skiagram.features.filters.gabor.Gabor": "skiagram.features.filters.gabor.GaborFilter",
}
_told: set[tuple[str, str]] = set()  # file and earlier name of an option, once said


def find_new_name(group: str, name: str) -> str | None:
    """Return what a config of an earlier version is called now; None of any other name."""
    return RENAMED_MODELS.get(name) if group == "model" else None


def find_new_option(values: Any, name: str) -> str:
    """Return what an option is called now that some values may have by an earlier name."""
    target = str(values.get("_target_")) if isinstance(values, Mapping) else ""
    names = RENAMED_OPTIONS.get(target.rpartition(".")[2], {})
    return names.get(name, name) if target.startswith("skiagram.") else name


def rename_options(values: Any, where: str) -> Any:
    """Return options of a file or a package, what an earlier version named by its name of now.

    Args:
        where: What messages call the file; a line says each new name of an option.

    Raises:
        OptionError: An option stands there by both of its names.
    """
    if isinstance(values, list):
        return [rename_options(each, where) for each in values]
    if not isinstance(values, Mapping):
        return values
    renamed: dict[str, Any] = {}
    for name, value in values.items():
        now = rename_path(values, name, where)
        if now != name and now in values:
            fault = f"`{name}` and `{now}` are one option"
            raise OptionError(fault, where=where, remedy=f"remove `{name}`, its earlier name")
        renamed[now] = rename_options(value, where)
    # a class may stand in another module, or have another name
    if isinstance(target := renamed.get("_target_"), str):
        target = _RENAMED_CLASSES.get(target, target)
        renamed["_target_"] = _MOVED.sub("skiagram.sources.", target)
    # a search names the options of its model
    model, space = renamed.get("model"), renamed.get("space")
    if isinstance(model, Mapping) and isinstance(space, Mapping):
        renamed["space"] = {rename_path(model, path, where): each for path, each in space.items()}
    return renamed


def rename_path(values: Any, path: str, where: str) -> str:
    """Return an option's name of now, with dots down to nested options of some values.

    Args:
        where: What messages call the values; a line says the new name.
    """
    name, _, inner = path.partition(".")
    now = find_new_option(values, name)
    if now != name and (where, name) not in _told:
        _told.add((where, name))
        sys.stderr.write(f"{where}: the option `{name}` is called `{now}` now.\n")
    if not inner:
        return now
    held = values.get(name, values.get(now)) if isinstance(values, Mapping) else None
    return f"{now}.{rename_path(held, inner, where)}"
