"""The figures that dvc compares: by model and metric, rounded, nothing that was not computed."""

import json

import pytest

from skiagram.report.metrics import metrics
from tests.report.examples_of_results import binary


def test_a_metric_stands_under_its_model_with_its_interval() -> None:
    evaluation = binary()
    found = metrics(evaluation)
    for model in evaluation.models:
        auc = model.metrics.get("roc_auc")
        if auc is None or auc.value is None:
            assert "roc_auc" not in found[model.outcome.model]
        else:
            assert found[model.outcome.model]["roc_auc"]["value"] == pytest.approx(
                auc.value, abs=1e-4
            )
    json.dumps(found, allow_nan=False)


def test_the_comparison_of_the_arms_stands_on_its_own() -> None:
    evaluation = binary()
    assert evaluation.difference is not None
    found = metrics(evaluation)["best network minus best baseline"]["roc_auc"]
    assert found["low"] <= found["value"] <= found["high"]
