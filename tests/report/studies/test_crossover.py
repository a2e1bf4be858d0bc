"""The page of the study of learning curves: rules make its words."""

from dataclasses import replace

from skiagram.evaluation.results import Estimate
from skiagram.report.studies.crossover import answer, render
from skiagram.studies.crossover.results import Band, Crossing, CrossoverResult, LearningCurve

CROSSING = Crossing("net", "Net", 730.0, 412.0, 1490.0, 1.0, Estimate(0.03, 0.01, 0.05))
AUC = tuple(Estimate(value, value - 0.1, value + 0.1) for value in (0.6, 0.7, 0.8))
BAND = Band((50.0, 1600.0), (0.6, 0.8), (0.5, 0.7), (0.7, 0.9))
CURVE = LearningCurve("net", "Net <2>", "deep", (50, 200, 800), AUC, (), (), BAND, ("too few",))
RESULT = CrossoverResult(
    "films", "Films", 50, 800, 1600, 5, 100, 90, Estimate(0.95), (CURVE,), (CROSSING,)
)


def test_a_sure_crossing_has_its_number_and_interval() -> None:
    words = answer(CROSSING, RESULT)
    assert (
        "overtakes the best baseline at about 730 training cases (95 % interval 410 to 1,500)"
        in words
    )
    assert "With 800 training cases the difference in AUC is +0.030 (0.010–0.050)." in words


def test_a_crossing_that_some_resamples_lack_is_open() -> None:
    words = answer(replace(CROSSING, high=None, share=0.8), RESULT)
    assert (
        "whether it does is open: the 95 % interval goes from 410 to beyond 1,600 (80% of" in words
    )


def test_no_crossing_is_said_within_reach_only() -> None:
    words = answer(replace(CROSSING, cases=None, low=None, high=None, share=0.1), RESULT)
    assert "does not overtake the best baseline within 1,600 training cases" in words


def test_a_lead_from_the_start_is_said() -> None:
    words = answer(replace(CROSSING, cases=50.0, low=50.0, high=120.0), RESULT)
    assert "from the fewest training cases tried on, 50 (at the latest from 120)" in words


def test_the_page_escapes_names_and_names_failures() -> None:
    page = render(RESULT)
    assert "Net &lt;2&gt; could not be fitted everywhere: too few" in page
    assert page == render(RESULT)


def test_without_a_fitted_curve_the_page_says_so() -> None:
    bare = replace(RESULT, curves=(replace(CURVE, band=None),), crossings=())
    assert "no curve was fitted" in render(bare)
