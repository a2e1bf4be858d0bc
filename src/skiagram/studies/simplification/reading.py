"""Simple models as a physician reads them: features with their odds, a tree line by line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.features.extraction import build_families
from skiagram.features.feature import Definition
from skiagram.records import Task
from skiagram.studies.simplification.simple_models import FewFeatures, RuleTree

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReadFeature:
    """A feature of the logistic model on few features, fitted on all development cases.

    Attributes:
        feature: Its name.
        meaning: What it measures.
        unit: Its unit.
        mean: Mean over the cases.
        deviation: Standard deviation over the cases.
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
        depth: Questions before it.
        feature: What is asked for; empty in the first line.
        question: For example `≤ 3.2`.
        probability: Of the condition looked for, of the last class with several.
        cases: Development cases that come here.
    """

    depth: int
    feature: str
    question: str
    probability: float
    cases: int


def list_definitions(families: Mapping[str, Mapping[str, Any]]) -> list[Definition]:
    """Return what the features of some families mean.

    Args:
        families: Name → `_target_` and options of each.
    """
    built = build_families(families)
    return [
        definition
        for family in built
        if hasattr(family, "definitions")
        for definition in family.definitions()
    ]


def explain_feature(definitions: Sequence[Definition], feature: str) -> tuple[str, str]:
    """Return what a feature measures and its unit; empty where no definition fits."""
    column = feature.rpartition(".")[2]
    fitting = [definition for definition in definitions if definition.fits(column)]
    return (fitting[0].meaning, fitting[0].unit) if fitting else ("", "")


def read_features(
    model: FewFeatures, definitions: Sequence[Definition], task: Task
) -> Iterator[ReadFeature]:
    """Yield the features of the logistic model, the strongest first."""
    coefficient = np.array(model.coefficient)
    strength = np.abs(coefficient).max(axis=0) if coefficient.size else np.zeros(0)
    for k in np.argsort(-strength, kind="stable").tolist():
        meaning, unit = explain_feature(definitions, model.features[k])
        yield ReadFeature(
            feature=model.features[k],
            meaning=meaning,
            unit=unit,
            mean=model.mean[k],
            deviation=model.deviation[k],
            odds_ratio=_odds(coefficient[:, k], task),
        )


def base_odds(model: FewFeatures, task: Task) -> dict[str, float]:
    """Return class → its odds where every feature is at its mean."""
    return _odds(np.array(model.intercept), task)


def _odds(log_odds: Floats, task: Task) -> dict[str, float]:
    """Return class → odds; of two classes the one looked for, against the other."""
    if task.positive is not None:
        difference = log_odds[task.positive] - log_odds[1 - task.positive]
        return {task.classes[task.positive]: float(np.exp(difference))}
    return {name: float(np.exp(value)) for name, value in zip(task.classes, log_odds, strict=True)}


def read_tree(tree: RuleTree, shown: int) -> Iterator[TreeLine]:
    """Yield the lines of a tree, from its root.

    Args:
        tree: The tree.
        shown: Class whose probability is given.
    """
    for depth, question, feature, probability, cases in tree.lines(shown):
        yield TreeLine(depth, feature, question, probability, cases)
