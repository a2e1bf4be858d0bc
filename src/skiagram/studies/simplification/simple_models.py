"""Models that a person can read: a logistic model on few features, a short tree of rules.

Both learn probabilities, of the labels or of another model (distillation: Hinton, Vinyals and Dean
2015, *Distilling the Knowledge in a Neural Network*, arXiv:1503.02531). A case then stands once for
each class, weighted with that class's probability, which gives the cross-entropy to it.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression, lasso_path
from sklearn.tree import DecisionTreeClassifier

from skiagram.features.table import FeatureTable

Floats = NDArray[np.float64]

_STEPS = 20
_PENALTIES = np.logspace(0, -3, 10 * _STEPS)  # as a share of the one that drops every feature
_ITERATIONS = 5000
_DIGITS = 12  # of numbers in a file: enough to score alike, few enough to count bytes fairly


class SimpleModel(Protocol):
    """A fitted model that a person can read."""

    @property
    def features(self) -> tuple[str, ...]:
        """Return the features that it reads."""

    @property
    def n_parameters(self) -> int:
        """Return how many numbers it learned."""

    def scores(self, table: FeatureTable) -> Floats:
        """Return (n, n_classes) log-probabilities."""

    def to_bytes(self) -> bytes:
        """Return the model as the bytes of a JSON file."""


def mix_targets(probability: Floats, label: NDArray[np.int64], share: float) -> Floats:
    """Return what a simple model learns: another model's probabilities mixed with the labels.

    Args:
        probability: (n, n_classes) of the other model, for cases that it was not fitted on.
        label: (n,) labels.
        share: Share of the other model's probabilities; 0 leaves the labels alone.
    """
    mixed: Floats = share * probability + (1 - share) * np.eye(probability.shape[1])[label]
    return mixed


@dataclass(frozen=True)
class FewFeatures:
    """A logistic model on few features.

    Attributes:
        features: k features.
        median: (k,) value that stands for a missing one.
        mean: (k,) mean over the training cases.
        deviation: (k,) their standard deviation.
        coefficient: (n_classes, k) log-odds per standard deviation.
        intercept: (n_classes,) log-odds at the means.
    """

    features: tuple[str, ...]
    median: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    coefficient: tuple[tuple[float, ...], ...]
    intercept: tuple[float, ...]

    @property
    def n_parameters(self) -> int:
        """Return the number of coefficients and intercepts; of two classes one is given by both."""
        classes = len(self.intercept)
        return (classes if classes > 2 else 1) * (len(self.features) + 1)

    def scores(self, table: FeatureTable) -> Floats:
        """Return (n, n_classes) log-probabilities."""
        values = _filled(table, self.features, np.array(self.median))
        standard = (values - np.array(self.mean)) / np.array(self.deviation)
        logits = standard @ np.array(self.coefficient).T + np.array(self.intercept)
        scores: Floats = log_softmax(logits, axis=1)
        return scores

    def to_bytes(self) -> bytes:
        """Return the model as the bytes of a JSON file."""
        return _to_bytes(self)


def fit_few_features(table: FeatureTable, target: Floats, count: int) -> FewFeatures:
    """Fit a logistic model on at most some features.

    The lasso's path chooses them (Tibshirani 1996; for several classes the group lasso), the model
    is then fitted anew on these, with the usual small L2 penalty (C = 1).

    Args:
        table: Features of n training cases.
        target: (n, n_classes) probabilities to learn.
        count: Features at most.
    """
    values, median = _imputed(table)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    varies = deviation > 1e-9 * np.maximum(np.abs(mean), 1e-9)
    standard = (values[:, varies] - mean[varies]) / deviation[varies]
    chosen = np.flatnonzero(varies)[_choose(standard, target, count)]
    standard = (values[:, chosen] - mean[chosen]) / deviation[chosen]
    rows, classes, weight = _weighted_copies(target)
    model = LogisticRegression(max_iter=_ITERATIONS)
    model.fit(standard[rows], classes, weight)
    coefficient, intercept = model.coef_, model.intercept_
    if target.shape[1] == 2:
        coefficient = np.vstack([-coefficient / 2, coefficient / 2])
        intercept = np.concatenate([-intercept / 2, intercept / 2])
    return FewFeatures(
        tuple(table.names[column] for column in chosen),
        _numbers(median[chosen]),
        _numbers(mean[chosen]),
        _numbers(deviation[chosen]),
        tuple(_numbers(row) for row in coefficient),
        _numbers(intercept),
    )


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
class Rule:
    """One place of a tree: a question, or an answer.

    Attributes:
        feature: What is asked for; empty in an answer.
        threshold: Values at most this high go to `below`, others to `above`.
        below: Number of the next place for low values; −1 in an answer.
        above: Number of the next place for high values; −1 in an answer.
        probability: (n_classes,) of the training cases that come here.
        cases: Number of these cases.
    """

    feature: str
    threshold: float
    below: int
    above: int
    probability: tuple[float, ...]
    cases: int


@dataclass(frozen=True)
class RuleTree:
    """A short decision tree.

    Attributes:
        rules: Its places; the first is the root.
        missing: Feature → value that stands for a missing one.
    """

    rules: tuple[Rule, ...]
    missing: dict[str, float]

    @property
    def features(self) -> tuple[str, ...]:
        """Return the features that it asks for, each once."""
        return tuple(dict.fromkeys(rule.feature for rule in self.rules if rule.feature))

    @property
    def n_parameters(self) -> int:
        """Return the number of thresholds and answers."""
        return len(self.rules)

    def scores(self, table: FeatureTable) -> Floats:
        """Return (n, n_classes) log-probabilities, by Laplace's rule never of 0."""
        median = np.array([self.missing[name] for name in self.features])
        values = _filled(table, self.features, median)
        column = {name: number for number, name in enumerate(self.features)}
        place = np.zeros(len(table), dtype=np.int64)
        for number, rule in enumerate(self.rules):  # a place stands before those below it
            if rule.feature:
                here = place == number
                low = values[here, column[rule.feature]] <= rule.threshold
                place[here] = np.where(low, rule.below, rule.above)
        answers = np.array(
            [
                np.log((np.array(rule.probability) * rule.cases + 1.0) / (rule.cases + classes))
                for rule in self.rules
                for classes in [len(rule.probability)]
            ]
        )
        scores: Floats = answers[place]
        return scores

    def to_bytes(self) -> bytes:
        """Return the model as the bytes of a JSON file."""
        return _to_bytes(self)

    def lines(self, positive: int) -> Iterator[tuple[int, str, str, float, int]]:
        """Yield the tree as lines to read: depth, question, feature, probability, training cases.

        Args:
            positive: Class whose probability is given.
        """
        yield from self._below(0, 0, "all", "", positive)

    def _below(
        self, number: int, depth: int, question: str, feature: str, positive: int
    ) -> Iterator[tuple[int, str, str, float, int]]:
        rule = self.rules[number]
        yield depth, question, feature, rule.probability[positive], rule.cases
        if rule.feature:
            shown = f"{rule.threshold:.4g}"
            yield from self._below(rule.below, depth + 1, f"≤ {shown}", rule.feature, positive)
            yield from self._below(rule.above, depth + 1, f"> {shown}", rule.feature, positive)


def fit_rule_tree(
    table: FeatureTable, target: Floats, depth: int, least_cases: int, seed: int
) -> RuleTree:
    """Fit a tree of few levels (CART: Breiman, Friedman, Olshen and Stone 1984).

    Args:
        table: Features of n training cases.
        target: (n, n_classes) probabilities to learn.
        depth: Levels of questions at most.
        least_cases: Training cases that an answer stands for at least.
        seed: Orders questions that part the classes equally well.
    """
    values, median = _imputed(table)
    rows, classes, weight = _weighted_copies(target)
    model = DecisionTreeClassifier(
        max_depth=depth, min_weight_fraction_leaf=min(0.5, least_cases / len(table)),
        random_state=seed,
    )  # fmt: skip
    model.fit(values[rows].astype(np.float32), classes, weight)
    tree = model.tree_
    visited = model.decision_path(values.astype(np.float32))
    cases = np.asarray(visited.sum(axis=0)).ravel()
    share = np.zeros((tree.node_count, target.shape[1]))
    share[:, model.classes_] = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
    rules = tuple(
        Rule(
            feature=table.names[tree.feature[number]] if tree.children_left[number] >= 0 else "",
            threshold=float(tree.threshold[number]) if tree.children_left[number] >= 0 else 0.0,
            below=int(tree.children_left[number]),
            above=int(tree.children_right[number]),
            probability=_numbers(share[number]),
            cases=int(cases[number]),
        )
        for number in range(tree.node_count)
    )
    used = {rule.feature for rule in rules if rule.feature}
    missing = {
        name: float(middle)
        for name, middle in zip(table.names, median, strict=True)
        if name in used
    }
    return RuleTree(rules, missing)


def _weighted_copies(
    target: Floats,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return row, class and weight of each case in each class that it may belong to."""
    rows, classes = np.nonzero(target > 0)
    weight = target[rows, classes]
    return rows, classes, weight


def _imputed(table: FeatureTable) -> tuple[Floats, Floats]:
    """Return the values with medians for missing ones, and the medians."""
    values = table.values.astype(np.float64)
    missing = np.isnan(values)
    known = np.where(missing.all(axis=0), 0.0, values)  # a column without any value
    median = np.nanmedian(known, axis=0)
    return np.where(missing, median, values), median


def _filled(table: FeatureTable, features: tuple[str, ...], median: Floats) -> Floats:
    values = table.columns(features).values.astype(np.float64)
    return np.where(np.isnan(values), median, values)


def _numbers(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _to_bytes(model: FewFeatures | RuleTree) -> bytes:
    def rounded(value: object) -> object:
        if isinstance(value, float):
            return float(f"{value:.{_DIGITS}g}")
        if isinstance(value, dict):
            return {key: rounded(inner) for key, inner in value.items()}
        return [rounded(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    return json.dumps(rounded(asdict(model)), sort_keys=True).encode()
