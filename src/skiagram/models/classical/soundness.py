"""Whether the trees of a model that was read from a file can be walked safely.

scikit-learn follows the indices in a tree's nodes without a look at their bounds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import BaseDecisionTree


def sound_trees(estimator: Any) -> bool:
    """Return whether every node of every tree leads onward and reads an existing feature."""
    if isinstance(estimator, HistGradientBoostingClassifier):
        features = estimator.n_features_in_
        trees = [tree.nodes for round_ in estimator._predictors for tree in round_]
        return all(_sound_nodes(nodes, features) for nodes in trees)
    members = getattr(estimator, "estimators_", [estimator])
    return all(_sound_tree(one.tree_) for one in members if isinstance(one, BaseDecisionTree))


def _sound_tree(tree: Any) -> bool:
    leaf = (tree.children_left == -1) & (tree.children_right == -1)
    return _sound(leaf, tree.children_left, tree.children_right, tree.feature, tree.n_features)


def _sound_nodes(nodes: NDArray[Any], features: int) -> bool:
    if nodes["is_categorical"].any():
        return False
    leaf = nodes["is_leaf"] == 1
    left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
    return _sound(leaf, left, right, nodes["feature_idx"], features)


def _sound(
    leaf: NDArray[np.bool_],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    feature: NDArray[Any],
    features: int,
) -> bool:
    count = len(leaf)
    node = np.arange(count)
    onward = (left > node) & (right > node) & (np.maximum(left, right) < count)
    reads = (feature >= 0) & (feature < features)
    return bool(count > 0 and (leaf | (onward & reads)).all())
