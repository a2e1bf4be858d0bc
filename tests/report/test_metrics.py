"""The figures that dvc compares: by model, rounded, nothing that was not computed."""

import json

import pytest

from make_reference.schemas import MetricsFile
from skiagram.report.metrics import metrics
from tests.report.examples_of_results import binary, with_failure


def test_figures_stand_under_their_model() -> None:
    evaluation = binary()
    found = metrics(evaluation)
    for model in evaluation.models:
        figures = found[model.outcome.model]
        assert figures["roc_auc"] == pytest.approx(model.metrics["roc_auc"].value, abs=1e-4)
        assert figures["selection_auc"] == pytest.approx(model.selection_auc.value, abs=1e-4)
    MetricsFile.model_validate_json(json.dumps(found, allow_nan=False))


def test_a_failed_model_keeps_its_place_without_figures() -> None:
    evaluation = with_failure("memory ran out")
    failed = [one.outcome.model for one in evaluation.models if one.outcome.status == "failed"]
    found = metrics(evaluation)
    assert failed
    assert all(found[name] == {} for name in failed)


def test_the_comparison_of_the_arms_has_its_interval() -> None:
    found = metrics(binary())["best_network_minus_baseline"]
    assert found["low"] <= found["roc_auc"] <= found["high"]
