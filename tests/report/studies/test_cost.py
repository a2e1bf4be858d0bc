"""The page of the study of costs: rules make its words."""

from dataclasses import replace

import pytest

from skiagram.report.index import render_study
from skiagram.report.studies.cost import describe_best, list_fronts
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import FailedModel
from skiagram.studies.cost import CostResult, ModelCost, Timing


def timing(value: float) -> Timing:
    return Timing(value, value * 0.9, value * 1.5)


def model(name: str, auc: float, train: float, use: float, adds: int | None) -> ModelCost:
    arm = "deep" if name == "Net" else "classical"
    estimate = Estimate(auc, auc - 0.1, auc + 0.1)
    return ModelCost(
        name, name, arm, estimate, 100, adds, timing(train), timing(use),
        None if arm == "deep" else timing(use / 2),
    )  # fmt: skip


MODELS = (
    model("Tree <3>", 0.85, 1.0, 4.0, None),
    model("Linear", 0.89, 2.0, 5.0, 72),
    model("Net", 0.9, 400.0, 0.5, 5_000_000),
)
RESULT = CostResult(
    "films", "Films", 90, 80, 3, 64, 7, "wall", "Processor X, 2 cores", 1, "cpu", 0.02, MODELS,
    (FailedModel("broken", "Broken", "deep", "out of memory."),),
)  # fmt: skip


def test_the_lead_names_the_best_and_the_cheapest_that_is_as_good() -> None:
    assert describe_best(RESULT) == (
        "The highest AUC is Net’s, 0.900. Of the 2 models less than 0.02 behind it or level, Net "
        "is the cheapest to use (0.500 ms per case), and Linear is the cheapest to train (2.00 s "
        "instead of 400)."
    )


def test_a_best_model_far_ahead_is_said_to_be_alone() -> None:
    assert describe_best(replace(RESULT, margin=0.001)).endswith(
        "No other comes within 0.00 of it."
    )
    assert describe_best(replace(RESULT, models=())) == "No model could be trained."


def test_a_front_goes_from_the_cheapest_on_and_lacks_what_is_not_defined() -> None:
    found = list_fronts(RESULT)
    assert found["seconds to train"] == "Tree <3>, Linear, Net"
    assert found["milliseconds per case"] == "Net"
    assert found["multiply–add operations per case"] == "Linear, Net"


@pytest.mark.thorough
def test_the_page_names_machine_and_failures_and_escapes_names() -> None:
    page = render_study(RESULT)
    assert "Tree &lt;3&gt;" in page
    assert "medians of wall time" in page
    assert "measured on: Processor X, 2 cores; 1 thread, accelerator cpu" in page
    assert "Broken could not be trained: out of memory." in page
    assert "not defined" in page
