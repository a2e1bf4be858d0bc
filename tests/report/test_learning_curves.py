"""Learning curves on the page of a sweep: rules make their words."""

from dataclasses import replace

import pytest

from skiagram.report.learning_curves import answer, describe_crossing
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.learning_curves import Band, Crossing, LearningCurve, LearningCurves
from skiagram.sweeps.table import SweepResult

GAIN = Estimate(0.03, 0.01, 0.05)
CROSSING = Crossing("net", "Net", 730.0, 412.0, 1490.0, 1.0, 0.99, (50, 200, 800), (5, 5, 5), GAIN)
AUC = tuple(Estimate(value, value - 0.1, value + 0.1) for value in (0.6, 0.7, 0.8))
BAND = Band((50.0, 1600.0), (0.6, 0.8), (0.5, 0.7), (0.7, 0.9))
DRAWS = ((0.6,) * 5, (0.7, 0.7, None, None, 0.7), (0.8,) * 5)
CURVE = LearningCurve("net", "Net <2>", "deep", (50, 200, 800), AUC, DRAWS, (), BAND, ("too few",))
RESULT = LearningCurves(50, 800, 1600, 5, 100, 90, Estimate(0.95), (CURVE,), (CROSSING,))
SWEEP = SweepResult("crossover", "From how many cases on?", "", (), RESULT)


def test_a_sure_crossing_has_its_number_and_interval_within_what_was_tried() -> None:
    words = describe_crossing(CROSSING, RESULT)
    assert "at about 730 training cases (95 % interval 410 to 800)" in words
    assert "With 800 training cases the difference in AUC is +0.030 (0.010–0.050)." in words
    assert "power law" not in words


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (0.03, "may or may not overtake"),
        (0.97, "may or may not overtake"),
        (0.02, "does not overtake"),
    ],
)
def test_beyond_the_most_cases_tried_nothing_is_firm(ahead: float, said: str) -> None:
    """However sure the fitted curves are: these hold if both go on as they were fitted."""
    words = describe_crossing(replace(CROSSING, cases=1100.0, high=None, ahead=ahead), RESULT)
    assert f"Net {said} the best baseline with up to 800 training cases" in words
    assert f"{ahead:.0%}".replace("%", "\N{NO-BREAK SPACE}%") in words
    assert "If both go on as a power law, 100" in words
    assert "cross at about 1,100 training cases" in words


def test_sizes_with_failed_fits_are_named() -> None:
    words = describe_crossing(replace(CROSSING, compared=(50, 800), fits=(3, 5)), RESULT)
    assert "fewer draws are compared at 50 (3 of 5 draws) training cases" in words
    assert "Nothing is compared at 200: fewer than two draws have fits of both." in words
    assert "fits failed" not in describe_crossing(CROSSING, RESULT)


def test_a_network_without_enough_fits_is_named() -> None:
    other = replace(CURVE, model="other", title="Other")
    (_, words) = answer(replace(RESULT, curves=(CURVE, other)))
    assert words.startswith("Other is not compared")
