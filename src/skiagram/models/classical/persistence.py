"""Fitted pipelines as skops files whose bytes depend on the model alone; nothing is pickled.

skops names arrays and objects by memory address and stamps the time, so two equal models differ
in their bytes. `write_pipeline` rewrites its archive: objects numbered in the schema's order,
arrays numbered by first use with equal content kept once and nothing in the gaps between the fields
of a record, one fixed date.
"""

import io
import itertools
import json
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy.special
import sklearn.utils
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import BaseDecisionTree

from skiagram.arrays import Flags, Whole
from skiagram.errors import DataError, ModelFailure, refusal

TRUSTED = (
    "numpy.dtype",  # the imputation keeps the type of its input; a dtype runs no code
    "skiagram.models.classical.binary_relevance.BinaryRelevance",
    "skiagram.models.classical.cox.BoostedCoxTrees",
    "skiagram.models.classical.harmonisation.SiteHarmoniser",
    "skiagram.models.classical.preprocessing.MaximumThenSumScaler",
    "skiagram.models.classical.penalised_estimators.ElasticNetLeastSquares",
    "skiagram.models.classical.penalised_estimators.OrderedLogistic",
    "skiagram.models.classical.penalised_estimators.PenalisedCox",
    "skiagram.models.classical.preprocessing.ColumnSelector",
    # skops leaves trees out, as their indices go unchecked; here `sound_trees` checks them
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",  # the members of a vote by name: a dict, which runs no code
)
_SCHEMA = "schema.json"
_DATE = (1980, 1, 1, 0, 0, 0)


def _skops() -> ModuleType:
    """Import skops without its lists of scikit-learn's estimators and of NumPy's ufuncs.

    skops makes the one by importing every module of scikit-learn, tests and a shim over torch with
    them, which takes seconds; `_is_estimator` stands for it. For the other it looks for each ufunc
    in each module that is loaded; no model here holds one.
    """
    if "skops.io" not in sys.modules:
        listing = {sklearn.utils: "all_estimators", np: "__dir__", scipy.special: "__dir__"}
        before = {module: vars(module).get(name) for module, name in listing.items()}
        for module, name in listing.items():
            vars(module)[name] = list
        try:
            import_module("skops.io")
        finally:
            for module, name in listing.items():
                del vars(module)[name]
                if before[module] is not None:
                    vars(module)[name] = before[module]
    return sys.modules["skops.io"]


def _is_estimator(type_name: str) -> bool:
    """Tell whether a type is one of scikit-learn's estimators, by the package that holds it.

    Args:
        type_name: Module and name, as a file gives them.
    """
    # Only classes that scikit-learn itself counts as estimators.
    module, _, name = type_name.rpartition(".")
    package, *inner = module.split(".")
    if package != "sklearn" or {"tests", "externals"} & set(inner) or name.startswith("_"):
        return False  # as scikit-learn's own list leaves them out
    try:
        member = getattr(import_module(module), name, None)
    except ImportError:
        return False
    return isinstance(member, type) and issubclass(member, BaseEstimator)


def write_pipeline(pipeline: Pipeline, path: Path) -> None:
    """Write a fitted pipeline and read it back; equal pipelines give equal bytes.

    Args:
        pipeline: Of steps of this program and of scikit-learn.
        path: File to write, by custom ending in `.skops`.

    Raises:
        ModelFailure: The pipeline holds what `read_pipeline` would refuse; no file is left.
    """
    # What skops questions must be known to be harmless.
    try:
        data = _skops().dumps(pipeline)
        questioned = _skops().get_untrusted_types(data=data)
    except Exception as error:  # skops says in its own ways what it cannot write
        raise _unsaveable(pipeline, f"{type(error).__name__}: {error}") from error
    untrusted = {name for name in questioned if name not in TRUSTED and not _is_estimator(name)}
    if untrusted:
        raise _unsaveable(pipeline, f"holds {', '.join(sorted(untrusted))}")
    # Ids and file names follow memory addresses, so they are numbered anew.
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(content.pop(_SCHEMA))
    arrays: dict[bytes, str] = {}
    _renumber(schema, content, arrays, itertools.count(1))
    files = {_SCHEMA: json.dumps(schema).encode()} | {name: data for data, name in arrays.items()}
    # A fixed date, as equal pipelines give equal bytes.
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in files.items():
            entry = zipfile.ZipInfo(name, date_time=_DATE)
            archive.writestr(entry, part, compress_type=zipfile.ZIP_DEFLATED)
    # A model that cannot be read back is not left behind.
    try:
        read_pipeline(path, type(pipeline[-1]))
    except DataError as error:
        path.unlink()
        raise _unsaveable(pipeline, error.found) from error


def _unsaveable(pipeline: Pipeline, reason: str) -> ModelFailure:
    """Name the failure of a model that cannot be saved safely."""
    return refusal(
        "models.unsafe_type", type(pipeline[-1]).__name__, kind=ModelFailure, reason=reason
    )


def _renumber(
    node: Any, content: dict[str, bytes], arrays: dict[bytes, str], count: Iterator[int]
) -> None:
    """Give nodes ids, and arrays names, in the order in which they stand in the tree.

    Args:
        node: Of skops' schema; changed in place.
        content: Name → bytes, as skops wrote them.
        arrays: Bytes → new name, filled in; equal arrays are kept once.
        count: Gives the next id.
    """
    # Lists hold further nodes.
    if isinstance(node, list):
        for child in node:
            _renumber(child, content, arrays, count)
    elif isinstance(node, dict):
        # skops' ids are addresses in memory.
        if "__id__" in node:
            node["__id__"] = next(count)
        if "file" in node:
            data = content[node["file"]]
            array = np.load(io.BytesIO(data), allow_pickle=False)
            if array.dtype.names:  # gaps between fields hold what memory held before: they become 0
                clean = np.zeros(array.shape, array.dtype)
                for name in array.dtype.names:
                    clean[name] = array[name]
                buffer = io.BytesIO()
                np.save(buffer, clean, allow_pickle=False)
                data = buffer.getvalue()
            # Equal arrays share one file.
            suffix = Path(node["file"]).suffix
            node["file"] = arrays.setdefault(data, f"{len(arrays)}{suffix}")
        for child in node.values():
            _renumber(child, content, arrays, count)


def read_pipeline(path: Path, *estimators: type) -> Pipeline:
    """Read a pipeline that `write_pipeline` wrote, of trusted types alone.

    Args:
        path: File.
        estimators: What its last step may be.

    Raises:
        DataError: The file is missing, damaged, of another type or holds a type not in `TRUSTED`.
    """
    # Types that are neither listed nor scikit-learn's own stop the reading.
    remedy = "run the train stage that writes it"
    skops = _skops()
    try:
        data = path.read_bytes()
        questioned = skops.get_untrusted_types(data=data)
        pipeline = skops.loads(data, trusted=[*TRUSTED, *filter(_is_estimator, questioned)])
    except Exception as error:  # whatever a foreign file provokes, the answer is the same
        raise refusal(
            "models.unreadable_model",
            str(path),
            error_name=type(error).__name__,
            error=error,
            remedy=remedy,
        ) from error
    # A model of another kind answers another config.
    if not isinstance(pipeline, Pipeline) or type(pipeline[-1]) not in estimators:
        held = pipeline[-1] if isinstance(pipeline, Pipeline) else pipeline
        fault, remedy = f"holds a {type(held).__name__}", "choose the config of that model"
        allowed = " or ".join(each.__name__ for each in estimators)
        raise DataError(fault, where=str(path), allowed=allowed, remedy=remedy)
    # Trees with loops, or features that do not exist, would read beyond their memory.
    if not all(sound_trees(step) for _, step in pipeline.steps):
        raise refusal("models.impossible_tree", str(path), remedy=remedy)
    return pipeline


def list_members(estimator: Any) -> list[Any]:
    """List the fitted estimators of which an ensemble consists, also of an ensemble of such."""
    members = getattr(estimator, "estimators_", None)
    if members is None:
        return [] if estimator is None else [estimator]
    return [single for member in members for single in list_members(member)]


def sound_trees(estimator: Any, features: float = np.inf) -> bool:
    """Tell whether every node of every tree leads onward and reads an existing feature.

    scikit-learn follows these indices without a look: a file could otherwise have any memory read.

    Args:
        estimator: Fitted, of any kind; what has no trees is sound.
        features: That the ensemble around it reads.
    """
    # scikit-learn compares a table with this number, and with none that stands in the trees.
    compares = type(estimator).__module__.startswith("sklearn.")
    features = min(features, getattr(estimator, "n_features_in_", 0 if compares else features))
    # A model may hold another one, such as what selects its features.
    held = getattr(estimator, "__dict__", {}).values()
    if not all(sound_trees(each) for each in held if isinstance(each, BaseEstimator)):
        return False
    # Ensembles keep their members in a list, boosting in a table.
    members = getattr(estimator, "estimators_", None)
    if members is not None:
        every = members.ravel() if isinstance(members, np.ndarray) else members
        return all(sound_trees(member, features) for member in every)
    # Boosted trees keep their nodes in one array.
    if isinstance(estimator, HistGradientBoostingClassifier):
        for nodes in (tree.nodes for round_ in estimator._predictors for tree in round_):
            left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
            leaf, feature = nodes["is_leaf"] == 1, nodes["feature_idx"]
            if nodes["is_categorical"].any() or not _sound(leaf, left, right, feature, features):
                return False
        return True
    # Single trees.
    if isinstance(estimator, BaseDecisionTree) and hasattr(estimator, "tree_"):
        tree = estimator.tree_
        left, right = tree.children_left, tree.children_right
        return _sound((left == -1) & (right == -1), left, right, tree.feature, features)
    return True


def _sound(
    leaf: Flags,
    left: Whole,
    right: Whole,
    feature: NDArray[Any],
    features: float,
) -> bool:
    """Check the (nodes,) of one tree: children stand behind their node, and features exist."""
    count = len(leaf)
    node = np.arange(count)
    onward = (left > node) & (right > node) & (np.maximum(left, right) < count)
    reads = (feature >= 0) & (feature < features)
    return bool(count > 0 and (leaf | (onward & reads)).all())
