"""Which features a fitted pipeline kept: those its selection chose and no weight of 0 drops."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from skiagram.models.classical.selection import ColumnSelector


def kept_features(
    pipeline: Pipeline, names: Sequence[str], weighted: NDArray[np.bool_] | None
) -> dict[str, bool]:
    """Return the name of each feature → whether it was kept; empty where nothing chooses.

    A feature counts as kept with the indicator of its missing values. Weights of principal
    components belong to no single feature and choose none.

    Args:
        pipeline: Fitted steps `imputation`, `selection`, `components` and others.
        names: Features that went in.
        weighted: Whether the estimator gives each of its columns weight; None for a family that
            sets no weight to 0.
    """
    columns = _sources(pipeline["imputation"], len(names))
    chooses = isinstance(pipeline["selection"], ColumnSelector)
    if chooses:
        columns = columns[pipeline["selection"].chosen_]
    if weighted is not None and not isinstance(pipeline["components"], PCA):
        chooses, columns = True, columns[weighted]
    kept = np.zeros(len(names), dtype=np.bool_)
    kept[columns] = True
    return dict(zip(names, kept.tolist(), strict=True)) if chooses else {}


def _sources(imputation: Any, features: int) -> NDArray[np.int64]:
    """Return the feature that each imputed column comes from; indicators stand at the end."""
    own = np.arange(features)
    if not isinstance(imputation, SimpleImputer):
        return own
    return np.concatenate([own, imputation.indicator_.features_.astype(np.int64)])
