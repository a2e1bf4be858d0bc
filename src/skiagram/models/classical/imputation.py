"""Missing covariates: the training cases' median, and a column that says where it was put."""

from collections.abc import Sequence
from typing import Any

from sklearn.impute import SimpleImputer

from skiagram.features.covariates import PREFIX


def imputer(names: Sequence[str]) -> Any:
    """Return the unfitted pipeline step that fills missing values.

    Features of an image are never missing, so without covariates the step does nothing. A column
    that has gaps among the training cases gets an indicator beside it, 1 where it was filled; one
    that is empty there is 0.

    Args:
        names: Features that the model uses.
    """
    if not any(name.startswith(PREFIX) for name in names):
        return "passthrough"
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
