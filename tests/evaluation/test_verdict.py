"""The fixed rules: every place of the interval has its words."""

import numpy as np
import pytest

from skiagram.evaluation.results import Estimate, ModelResult
from skiagram.evaluation.verdict import signed, verdict
from skiagram.records import Outcome
from tests.evaluation.scenario import failed, reference

CASES = reference(np.arange(400) % 2, np.arange(400) // 2)
NETWORK = Outcome("small_cnn", "deep", "Small CNN", "finished")
FOREST = Outcome("random_forest", "classical", "Random forest", "finished")
BEST = {"deep": "small_cnn", "classical": "random_forest"}


def result(outcome: Outcome, auc: float, *, leaked: bool = False) -> ModelResult:
    return ModelResult(outcome, {"roc_auc": Estimate(auc)}, Estimate(auc), leaked=leaked)


RESULTS = {"small_cnn": result(NETWORK, 0.861), "random_forest": result(FOREST, 0.849)}


def words(low: float, high: float) -> str:
    difference = Estimate((low + high) / 2, low, high, "paired DeLong")
    return verdict(RESULTS, BEST, difference, CASES, "holdout", 0.02)


@pytest.mark.parametrize(
    ("low", "high", "conclusion"),
    [
        (0.03, 0.09, "The network is better, by more than the 0.020"),
        (0.005, 0.09, "The network is better, but whether by the 0.020"),
        (0.002, 0.015, "The network is better, but by less than the 0.020"),
        (-0.09, -0.03, "The classical model is better, by more than"),
        (-0.09, -0.005, "The classical model is better, but whether"),
        (-0.01, 0.015, "The two are equivalent"),
        (-0.05, 0.015, "The network is not worth it here: it gains at most 0.015"),
        (-0.01, 0.05, "No advantage of the network was shown, nor is it excluded"),
        (-0.02, 0.05, "No difference was shown, which is not the same as equality"),
    ],
)
def test_conclusion_follows_the_interval(low: float, high: float, conclusion: str) -> None:
    assert conclusion in words(low, high)


def test_facts_stand_before_the_conclusion() -> None:
    assert words(-0.026, 0.05).startswith(
        "On these 400 sealed test cases of 200 patients, the best network (Small CNN) has an AUC "
        "of 0.861 and the best classical model (Random forest) 0.849; the difference is +0.012 "
        "(95 % interval −0.026 to +0.050)."
    )


def test_a_leak_withholds_the_verdict() -> None:
    results = RESULTS | {"small_cnn": result(NETWORK, 1.0, leaked=True)}
    found = verdict(results, BEST, Estimate(0.1, 0.05, 0.15), CASES, "holdout", 0.02)
    assert found.startswith("No verdict: Small CNN scored above the ideal observer")


def test_a_missing_arm_is_said() -> None:
    lost = {"small_cnn": result(failed("small_cnn", "deep", "out of memory").outcome, 0.5)}
    only = {"random_forest": RESULTS["random_forest"]}
    best = {"classical": "random_forest"}
    could_not = verdict(lost | only, best, None, CASES, "cv", 0.02)
    assert could_not.endswith("no network could be scored.")
    assert verdict(only, best, None, CASES, "cv", 0.02).endswith("no network was asked for.")


def test_a_difference_that_cannot_be_computed_says_why() -> None:
    difference = Estimate(None, reason="no reported case of class normal")
    found = verdict(RESULTS, BEST, difference, CASES, "holdout", 0.02)
    assert found.endswith("no reported case of class normal.")


def test_a_difference_without_an_interval_concludes_nothing() -> None:
    difference = Estimate(0.1, method="no interval: too few patients of a class to resample")
    found = verdict(RESULTS, BEST, difference, CASES, "cv", 0.02)
    assert "nothing more can be said: no interval" in found


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "+0.012"), (-0.02, "−0.020"), (-1e-9, "0.000")]
)
def test_signs_are_written(value: float, text: str) -> None:
    assert signed(value) == text


def test_groups_of_look_alikes_are_not_called_patients() -> None:
    found = verdict(RESULTS, BEST, Estimate(0.1, 0.05, 0.15), CASES, "holdout", 0.02, False)
    assert "patients" not in found.split(",")[0]
    assert "no patient is identified" in found


@pytest.mark.parametrize(("low", "high", "named"), [(-0.02, 0.05, True), (0.03, 0.09, False)])
def test_what_could_have_been_found_is_named_where_nothing_was(
    low: float, high: float, named: bool
) -> None:
    difference = Estimate((low + high) / 2, low, high, "paired DeLong")
    found = verdict(RESULTS, BEST, difference, CASES, "holdout", 0.02, detectable=Estimate(0.0504))
    sentence = "a true difference of 0.050 would be found with a chance of 80 %."
    assert found.endswith(sentence) == named
