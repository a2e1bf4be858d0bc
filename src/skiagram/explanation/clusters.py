"""Features that go together, in training cases alone."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.impute import SimpleImputer

from skiagram.errors import refusal
from skiagram.records.feature_table import FeatureTable

MOST_FEATURES = 5_000  # memory grows by the square: 1.6 GB


def cluster_features(table: FeatureTable, correlation: float) -> dict[str, tuple[str, ...]]:
    """Find clusters of features that go together, each named by its first feature.

    Average linkage on 1 − |Spearman's ρ|. A feature that does not vary is a cluster of its own.

    Args:
        table: Training cases alone; a missing value counts as the feature's median.
        correlation: Mean |ρ| from which features stand in one cluster, in (0, 1).

    Raises:
        DataError: There are more than `MOST_FEATURES`.
    """
    if len(table.names) > MOST_FEATURES:
        raise refusal("explanation.many_features", number=len(table.names), most=MOST_FEATURES)
    # A single feature is a cluster.
    if len(table.names) < 2:
        return {name: (name,) for name in table.names}
    # Gaps count as the median.
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    values = imputer.fit_transform(
        np.where(np.isfinite(table.values), table.values, np.nan).astype(np.float64)
    )
    # Spearman's correlation, by ranks.
    with np.errstate(divide="ignore", invalid="ignore"):  # a feature that does not vary
        rho = np.corrcoef(pd.DataFrame(values).rank(), rowvar=False)
    alike = np.abs(np.nan_to_num(rho))
    distance = 1.0 - (alike + alike.T) / 2
    np.fill_diagonal(distance, 0.0)
    # Average linkage, cut where features are less alike than asked.
    number = fcluster(
        linkage(squareform(distance, checks=False), "average"), 1.0 - correlation, "distance"
    )
    members: dict[int, list[str]] = {}
    for name, cluster in zip(table.names, number.tolist(), strict=True):
        members.setdefault(cluster, []).append(name)
    return {group[0]: tuple(group) for group in members.values()}
