"""Models that a person can read: a logistic model on few features, a short tree of rules.

Both learn probabilities, of the labels or of another model (distillation: Hinton, Vinyals and Dean
2015, *Distilling the Knowledge in a Neural Network*, arXiv:1503.02531). A case then stands once for
each class, weighted with that class's probability, which gives the cross-entropy to it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, lasso_path
from sklearn.tree import DecisionTreeClassifier

from skiagram.features.feature import Definition, find_definition
from skiagram.features.table import FeatureTable
from skiagram.records import Task

Floats = NDArray[np.float64]

_STEPS = 20
_PENALTIES = np.logspace(0, -3, 10 * _STEPS)  # as a share of the one that drops every feature
_ITERATIONS = 5000
_DIGITS = 12  # of numbers in a file: enough to score alike, few enough to count bytes fairly


@dataclass(frozen=True)
class ReadFeature:
    """A feature of the logistic model on few features, fitted on all development cases.

    Attributes:
        odds_ratio: Class → factor of its odds for one standard deviation more.
    """

    feature: str
    meaning: str
    unit: str
    mean: float
    deviation: float
    odds_ratio: dict[str, float]


@dataclass(frozen=True)
class TreeLine:
    """A line of the printed tree.

    Attributes:
        probability: Of the condition looked for, of the last class with several.
    """

    depth: int
    feature: str
    question: str
    probability: float
    cases: int


class SimpleModel(ABC):
    """A fitted model that a person can read."""

    features: tuple[str, ...]
    median: Floats  # (k,) value that stands for a missing one

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Return how many numbers it learned."""

    @abstractmethod
    def scores(self, table: FeatureTable) -> Floats:
        """Return (n, n_classes) log-probabilities."""

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Return all that scores need, as JSON has it."""

    def to_bytes(self) -> bytes:
        """Return the model as the bytes of a JSON file."""
        return json.dumps(_rounded(self.content()), sort_keys=True).encode()

    def filled(self, table: FeatureTable) -> Floats:
        """Return (n, k) its features."""
        values = table.columns(self.features).values.astype(np.float64)
        return np.where(np.isnan(values), self.median, values)


def mix_targets(probability: Floats, label: NDArray[np.int64], share: float) -> Floats:
    """Return what a simple model learns: another model's probabilities mixed with the labels.

    Args:
        probability: (n, n_classes) of the other model, for cases that it was not fitted on.
        share: Share of the other model's probabilities; 0 leaves the labels alone.
    """
    mixed: Floats = share * probability + (1 - share) * np.eye(probability.shape[1])[label]
    return mixed


@dataclass(frozen=True)
class FewFeatures(SimpleModel):
    """A logistic model on k features, standardised by mean and deviation of the training cases."""

    features: tuple[str, ...]
    median: Floats
    mean: Floats
    deviation: Floats
    model: LogisticRegression

    @property
    def coefficient(self) -> Floats:
        """Return (n_classes, k) log-odds per standard deviation."""
        return self._by_class(self.model.coef_)

    @property
    def intercept(self) -> Floats:
        """Return (n_classes,) log-odds at the means."""
        return self._by_class(self.model.intercept_)

    def _by_class(self, values: Floats) -> Floats:
        both: Floats = values if len(values) > 1 else np.concatenate([-values / 2, values / 2])
        return both

    @property
    def n_parameters(self) -> int:
        """Return the number of coefficients and intercepts; of two classes one is given by both."""
        return int(self.model.coef_.size + self.model.intercept_.size)

    def scores(self, table: FeatureTable) -> Floats:
        standard = (self.filled(table) - self.mean) / self.deviation
        scores: Floats = log_softmax(standard @ self.coefficient.T + self.intercept, axis=1)
        return scores

    def content(self) -> dict[str, Any]:
        names = ("median", "mean", "deviation", "coefficient", "intercept")
        arrays = {name: getattr(self, name).tolist() for name in names}
        return arrays | {"features": list(self.features)}

    def read(self, definitions: Sequence[Definition], task: Task) -> Iterator[ReadFeature]:
        """Yield the features, the strongest first."""
        strength = np.abs(self.coefficient).max(axis=0)
        for k in np.argsort(-strength, kind="stable").tolist():
            meant = find_definition(self.features[k], definitions)
            meaning, unit = (meant.meaning, meant.unit) if meant else ("", "")
            odds = _odds(self.coefficient[:, k], task)
            mean, deviation = float(self.mean[k]), float(self.deviation[k])
            yield ReadFeature(self.features[k], meaning, unit, mean, deviation, odds)

    def base_odds(self, task: Task) -> dict[str, float]:
        return _odds(self.intercept, task)


def _odds(log_odds: Floats, task: Task) -> dict[str, float]:
    """Return class → odds; of two classes the one looked for, against the other."""
    if task.positive is not None:
        difference = log_odds[task.positive] - log_odds[1 - task.positive]
        return {task.classes[task.positive]: float(np.exp(difference))}
    return {name: float(np.exp(value)) for name, value in zip(task.classes, log_odds, strict=True)}


def fit_few_features(table: FeatureTable, target: Floats, count: int) -> FewFeatures:
    """Fit a logistic model on at most some features.

    The lasso's path chooses them (Tibshirani 1996; for several classes the group lasso), the model
    is then fitted anew on these, with the usual small L2 penalty (C = 1).

    Args:
        target: (n, n_classes) probabilities to learn.
    """
    values, median = _imputed(table)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    varies = deviation > 1e-9 * np.maximum(np.abs(mean), 1e-9)
    standard = (values[:, varies] - mean[varies]) / deviation[varies]
    chosen = np.flatnonzero(varies)[_choose(standard, target, count)]
    standard = (values[:, chosen] - mean[chosen]) / deviation[chosen]
    rows, classes, weight = _weighted_copies(target)
    model = LogisticRegression(max_iter=_ITERATIONS).fit(standard[rows], classes, weight)
    names = tuple(table.names[column] for column in chosen)
    return FewFeatures(names, median[chosen], mean[chosen], deviation[chosen], model)


def _choose(standard: Floats, target: Floats, count: int) -> NDArray[np.int64]:
    """Return the columns that the lasso's path takes up first, at most some."""
    centred = target - target.mean(axis=0)
    columns = centred[:, 1:] if target.shape[1] == 2 else centred
    strongest = float(np.linalg.norm(standard.T @ columns, axis=1).max()) / len(columns)
    if not strongest > 0:
        return np.arange(min(count, standard.shape[1]))
    best = np.zeros(standard.shape[1], dtype=np.bool_)
    for penalties in np.split(strongest * _PENALTIES, _STEPS):
        _, path, _ = lasso_path(standard, columns, alphas=penalties, max_iter=_ITERATIONS)
        for active in (np.abs(path).max(axis=0) > 0).T:
            if active.sum() > count:
                return np.flatnonzero(best)
            best = active if active.sum() >= best.sum() else best
    return np.flatnonzero(best)


@dataclass(frozen=True)
class RuleTree(SimpleModel):
    """A short decision tree.

    Attributes:
        features: The features that it asks for, each once.
        columns: (k,) their columns in the tree.
        probability: (places, n_classes) of the training cases that come to each place.
    """

    features: tuple[str, ...]
    median: Floats
    columns: NDArray[np.int64]
    tree: DecisionTreeClassifier
    probability: Floats
    cases: NDArray[np.int64]

    @property
    def n_parameters(self) -> int:
        return len(self.cases)

    def scores(self, table: FeatureTable) -> Floats:
        """Return (n, n_classes) log-probabilities, by Laplace's rule never of 0."""
        values = np.zeros((len(table), self.tree.n_features_in_), dtype=np.float32)
        values[:, self.columns] = self.filled(table)
        cases, classes = self.cases[:, None], self.probability.shape[1]
        answers: Floats = np.log((self.probability * cases + 1.0) / (cases + classes))
        scores: Floats = answers[self.tree.apply(values)]
        return scores

    def _feature(self, place: int) -> str:
        """Return what is asked for at a place; nothing at an answer."""
        column = int(self.tree.tree_.feature[place])
        return self.features[self.columns.tolist().index(column)] if column >= 0 else ""

    def content(self) -> dict[str, Any]:
        """Return the places, and what stands for missing values."""
        tree = self.tree.tree_
        rules = [
            {
                "feature": self._feature(place),
                "threshold": float(tree.threshold[place]) if self._feature(place) else 0.0,
                "below": int(tree.children_left[place]),
                "above": int(tree.children_right[place]),
                "probability": self.probability[place].tolist(),
                "cases": int(self.cases[place]),
            }
            for place in range(len(self.cases))
        ]
        missing = dict(zip(self.features, self.median.tolist(), strict=True))
        return {"rules": rules, "missing": missing}

    def lines(self, shown: int, place: int = 0, depth: int = 0) -> Iterator[TreeLine]:
        """Yield the lines below a place, with the probability of one class."""
        tree = self.tree.tree_
        if place == 0:
            yield TreeLine(0, "", "all", float(self.probability[0, shown]), int(self.cases[0]))
        feature = self._feature(place)
        if not feature:
            return
        threshold = f"{tree.threshold[place]:.4g}"
        for sign, below in (("≤", tree.children_left[place]), (">", tree.children_right[place])):
            probability, cases = float(self.probability[below, shown]), int(self.cases[below])
            yield TreeLine(depth + 1, feature, f"{sign} {threshold}", probability, cases)
            yield from self.lines(shown, int(below), depth + 1)


def fit_rule_tree(
    table: FeatureTable, target: Floats, depth: int, least_cases: int, seed: int
) -> RuleTree:
    """Fit a tree of few levels (CART: Breiman, Friedman, Olshen and Stone 1984).

    Args:
        target: (n, n_classes) probabilities to learn.
    """
    values, median = _imputed(table)
    rows, classes, weight = _weighted_copies(target)
    smallest = min(0.5, least_cases / len(table))
    model = DecisionTreeClassifier(
        max_depth=depth, min_weight_fraction_leaf=smallest, random_state=seed
    )
    model.fit(values[rows].astype(np.float32), classes, weight)
    tree = model.tree_
    cases = np.asarray(model.decision_path(values.astype(np.float32)).sum(axis=0)).ravel()
    share = np.zeros((tree.node_count, target.shape[1]))
    share[:, model.classes_] = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
    used = np.array(list(dict.fromkeys(tree.feature[tree.feature >= 0].tolist())), dtype=np.int64)
    names = tuple(table.names[column] for column in used)
    return RuleTree(names, median[used], used, model, share, cases.astype(np.int64))


def _weighted_copies(target: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return row, class and weight of each case in each class that it may belong to."""
    rows, classes = np.nonzero(target > 0)
    return rows, classes, target[rows, classes]


def _imputed(table: FeatureTable) -> tuple[Floats, Floats]:
    """Return the values with medians for missing ones, and the medians; 0 of an empty column."""
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    values: Floats = imputer.fit_transform(table.values.astype(np.float64))
    return values, imputer.statistics_


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
