"""Costs on the page of a sweep: rules make their words."""

from dataclasses import replace

from skiagram.report.costs import describe_best, list_fronts
from skiagram.statistics.estimate import Estimate
from skiagram.steps.time import Clock
from skiagram.sweeps.candidates import FailedModel
from skiagram.sweeps.costs import CostComparison, ModelCost
from skiagram.sweeps.table import SweepResult


def timing(value: float) -> Estimate:
    return Estimate(value, value * 0.9, value * 1.5)


def model(name: str, auc: float, train: float, use: float, adds: int | None) -> ModelCost:
    arm = "deep" if name == "Net" else "classical"
    estimate = Estimate(auc, auc - 0.1, auc + 0.1)
    costs = {
        "training_seconds": timing(train),
        "case_milliseconds": timing(use),
        "input_milliseconds": Estimate(None, reason="none") if arm == "deep" else timing(use / 2),
        "parameters": Estimate(100),
        "multiply_adds": Estimate(adds, reason="" if adds else "not defined"),
        "bytes": Estimate(2000),
    }
    return ModelCost(name, name, arm, estimate, costs)


MODELS = (
    model("Tree <3>", 0.85, 1.0, 4.0, None),
    model("Linear", 0.89, 2.0, 5.0, 72),
    model("Net", 0.9, 400.0, 0.5, 5_000_000),
)
RESULT = CostComparison(
    Clock(time="wall"),
    "Processor X, 2 cores, 1 thread",
    0.02,
    MODELS,
    (FailedModel("broken", "Broken", "deep", "out of memory."),),
)
SWEEP = SweepResult("cost", "What does accuracy cost?", "", (), RESULT)


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
