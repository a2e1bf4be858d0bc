import dataclasses

import pytest
from scipy.stats import norm

from skiagram.evaluation.results import Estimate
from skiagram.report.outlook import outlook, prevalence_words
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import binary, several_classes


def told(start: str, **changes: object) -> str:
    sentences = outlook(dataclasses.replace(full(), **changes), True)  # type: ignore[arg-type]
    return next((one for one in sentences if one.startswith(start)), "")


def test_the_patients_needed_are_those_of_a_sample_size_formula() -> None:
    """n = σ²·(z₁₋α/₂ + z₁₋β)²/δ² with the variance that 75 patients gave a difference of .06."""
    z = norm.ppf(0.975) + norm.ppf(0.8)
    variance = (0.06 / z) ** 2 * 75
    needed = variance * z**2 / 0.02**2
    assert needed == pytest.approx(675)
    assert "would take about 680 like these" in told("More patients: these 75 patients show")
    assert "these 75 groups of look-alikes" in outlook(full(), False)[0]


def test_a_test_that_sees_the_margin_says_so() -> None:
    words = told("More patients would change little", detectable=Estimate(0.015))
    assert "0.015 with a chance of 80 %, and 0.020 is the least that counts" in words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.01, 0.04, "any above 0.040 would call the two equivalent"),
        (-0.01, 0.015, "any above 0.015 already calls the two equivalent"),
        (0.03, 0.09, "below 0.030, by less than that for any above 0.090"),
        (-0.09, -0.03, "below 0.030, by less than that for any above 0.090"),
    ],
)
def test_the_margins_that_turn_the_answer_are_named(low: float, high: float, words: str) -> None:
    found = Estimate((low + high) / 2, low, high)
    assert words in told("The margin of 0.020 is a choice", difference=found)


def test_an_order_that_chance_makes_is_told() -> None:
    words = told("Among all models Support vector")
    assert "it was not chosen on development cases" in words
    assert "no sealed label had a say" in words
    assert "sealed" not in told("Among all models Support vector", part="out_of_fold")
    ranking = full().ranking
    assert ranking
    open_order = dataclasses.replace(ranking, first={"small_cnn": 0.5, "svm": 0.3})
    assert "is not settled" in told("Among all", ranking=open_order)
    settled = dataclasses.replace(ranking, first={"small_cnn": 0.9, "svm": 0.1})
    assert told("Among all", ranking=settled) == ""


def test_shares_of_patients_and_seed_are_told_for_the_best_network() -> None:
    words = told("Of the variance of a single training of Small network")
    assert "90\N{NO-BREAK SPACE}% comes from the patients" in words
    assert "10\N{NO-BREAK SPACE}% from the seed" in words


def test_what_is_not_known_is_not_told() -> None:
    assert outlook(several_classes(), True) == ()
    assert prevalence_words(several_classes()) == ""
    assert "40\N{NO-BREAK SPACE}% of the reported cases are abnormal" in prevalence_words(binary())
