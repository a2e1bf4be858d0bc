"""The figures of one model against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    recall_score,
    roc_auc_score,
)

from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.metrics import auc_difference, metrics
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reference import reference as open_seal
from skiagram.evaluation.reported import Scores, scores_on
from skiagram.evaluation.results import Estimate
from tests.evaluation.scenario import Scenario, finished, reference, scenario


def on_test(known: Scenario, name: str, strength: float) -> tuple[Scores, Reference]:
    cases = open_seal(known.cases.test(), known.task, known.sealed)
    return scores_on(finished(known, name, strength=strength), "test", cases, False), cases


def estimates(scores: Scores, cases: Reference) -> dict[str, Estimate]:
    return metrics(scores, cases, draw_patients(cases.patient, 20, 300, seed=0))


def test_two_classes_equal_sklearn() -> None:
    scores, cases = on_test(scenario(), "svm", 1.5)
    found = estimates(scores, cases)
    probability, label = scores.probability[0], cases.label
    named, called = probability.argmax(axis=1), probability[:, 1] >= 0.4
    expected = {
        "roc_auc": roc_auc_score(label, probability[:, 1]),
        "average_precision": average_precision_score(label, probability[:, 1]),
        "accuracy": accuracy_score(label, named),
        "balanced_accuracy": balanced_accuracy_score(label, named),
        "sensitivity": recall_score(label, called),
        "specificity": recall_score(label, called, pos_label=0),
        "brier": np.mean((probability[:, 1] - label) ** 2),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)
    for one in found.values():
        assert one.low is not None
        assert one.high is not None
        assert one.value is not None
        assert 0 <= one.low < one.value < one.high <= 1


def test_more_classes_have_macro_figures_and_no_operating_point() -> None:
    known = scenario(90, 90, classes=("a", "b", "c"))
    scores, cases = on_test(known, "svm", 1.5)
    found = estimates(scores, cases)
    macro = roc_auc_score(cases.label, scores.probability[0], multi_class="ovr")
    assert found["roc_auc"].value == pytest.approx(macro)
    assert "hand_till_auc" in found
    assert "sensitivity" not in found


def test_difference_of_macro_areas_is_paired() -> None:
    known = scenario(90, 90, classes=("a", "b", "c"))
    weak, cases = on_test(known, "svm", 0.5)
    strong, _ = on_test(known, "net", 2.5)
    draws = draw_patients(cases.patient, 15, 300, seed=0)
    better = auc_difference(strong, weak, cases, draws)
    assert (better.low or 0) > 0
    same = auc_difference(strong, strong, cases, draws)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_one_class_alone_keeps_every_figure_with_a_value_or_a_reason() -> None:
    cases = reference(np.ones(10, dtype=np.int64))
    probability = np.tile([0.3, 0.7], (1, 10, 1))
    scores = Scores(probability[..., 1], probability, np.full((1, 10), 0.5))
    found = estimates(scores, cases)
    for name in ("roc_auc", "average_precision", "balanced_accuracy", "specificity"):
        assert found[name].value is None
        assert found[name].reason
    assert found["sensitivity"].value == 1


def test_without_a_threshold_the_operating_point_says_so() -> None:
    cases = reference(np.arange(10) % 2)
    probability = np.tile([0.3, 0.7], (1, 10, 1))
    found = estimates(Scores(probability[..., 1], probability, np.full((1, 10), np.nan)), cases)
    assert found["sensitivity"].value is None
    assert "no threshold" in found["specificity"].reason
