"""The page of the study of robustness: rules make its words."""

from dataclasses import replace

import pytest

from skiagram.report.index import render_study
from skiagram.report.studies.robustness import (
    describe_endurance,
    describe_ranking,
    describe_shifts,
    describe_threshold,
)
from skiagram.statistics.estimate import Estimate
from skiagram.studies.robustness.severity import (
    CorruptedModel,
    CorruptionKind,
    Figures,
    SeverityCurve,
)
from skiagram.studies.robustness.study import (
    CorruptedDataSet,
    RobustnessResult,
    ShiftedModel,
    ShiftResult,
    SourceResult,
)

ZERO = Estimate(0.0, 0.0, 0.0)
LOSS = Estimate(-0.1, -0.15, -0.05)
KINDS = (
    CorruptionKind("noise", "Noise", "share of the range", (0.1, 0.2)),
    CorruptionKind("jpeg", "JPEG", "100 − quality", (50.0,)),
    CorruptionKind("blur", "Blur", "pixels", (1.0,)),
)


def figures(change: Estimate = ZERO, sensitivity: float = 0.9) -> Figures:
    auc = Estimate(0.8 + (change.value or 0), 0.7, 0.9)
    of_class = (Estimate(sensitivity, 0.1, 0.95), Estimate(0.7, 0.6, 0.8))
    return Figures(auc, change, *of_class, Estimate(1.0, 0.9, 1.1))


def curve(holds_to: float | None, breaks_at: float | None, *steps: Figures) -> SeverityCurve:
    return SeverityCurve(steps, LOSS, holds_to, breaks_at)


CURVES = (
    curve(0.1, 0.2, figures(), figures(LOSS)),
    curve(50.0, None, figures(sensitivity=0.2)),
    curve(None, None, figures(Estimate(-0.05, -0.1, 0.0))),
)
BEST = CorruptedModel(
    "a", "Model <A>", "classical", "", figures(), Estimate(-0.01, -0.02, 0.0), None, CURVES
)
NEXT = replace(BEST, model="b", title="Net", arm="deep", mean_change=LOSS, behind=LOSS)
FAILED = CorruptedModel(
    "c", "Lost", "deep", "diverged", None, Estimate(None, reason="diverged"), None, ()
)
FILMS = CorruptedDataSet("films", "Films", 20, 10, "holdout", (BEST, NEXT, FAILED))
SEEN = ShiftedModel("a", "Model <A>", "classical", "", figures(), figures(LOSS))
GONE = ShiftedModel("c", "Lost", "deep", "diverged", None, None)
SHIFT = ShiftResult("Films", "site", (SourceResult("North", 8, 8, 12, 12, (SEEN, GONE)),))
RESULT = RobustnessResult(0.02, KINDS, (FILMS,), (SHIFT,))


def test_the_model_that_loses_least_is_named_and_others_stand_behind_it() -> None:
    words = describe_ranking(FILMS)
    assert words.startswith(
        "Model <A> loses least: over all corruptions and amounts its AUC of 0.800"
    )
    assert "Net changes by −0.100 (−0.150 to −0.050); the difference of −0.100 (" in words
    assert "(−0.150 to −0.050) is clear." in words
    assert words.endswith("The highest mean AUC is 0.790, that of Model <A>.")
    unsure = replace(NEXT, behind=Estimate(-0.1, -0.2, 0.01))
    assert "(−0.200 to 0.010) is not clear." in describe_ranking(
        replace(FILMS, models=(BEST, unsure))
    )
    assert describe_ranking(replace(FILMS, models=(FAILED,))) == "No model could be trained."


def test_a_model_breaks_holds_or_is_open_under_each_corruption() -> None:
    assert describe_endurance(BEST, RESULT) == (
        "breaks under noise from 0.2 on; holds under JPEG; open under blur."
    )
    assert describe_endurance(FAILED, RESULT) == "could not be trained: diverged"


def test_decisions_that_move_while_the_ranking_holds_are_told() -> None:
    assert describe_threshold(BEST, RESULT) == (
        "sensitivity goes from 0.900 to 0.200 under JPEG of 50, "
        "where the AUC changes by 0.000 (0.000–0.000)."
    )
    broken = tuple(
        replace(one, figures=tuple(figures(LOSS, 0.1) for _ in one.figures)) for one in CURVES
    )
    assert "loses more than the margin" in describe_threshold(replace(BEST, curves=broken), RESULT)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Estimate(-0.1, -0.15, -0.05), "clearly loses more than the margin"),
        (Estimate(0.0, -0.01, 0.01), "clearly loses less than the margin"),
        (Estimate(-0.05, -0.09, -0.01), "clearly loses, perhaps less than the margin"),
        (Estimate(-0.01, -0.05, 0.03), "may or may not lose more than the margin"),
    ],
)
def test_whole_intervals_say_what_an_unseen_source_costs(change: Estimate, words: str) -> None:
    (found,) = describe_shifts([replace(SEEN, foreign=figures(change))], 0.02)
    assert found.startswith(f"Model <A> {words}: ")


@pytest.mark.thorough
def test_the_page_escapes_names_and_names_failures() -> None:
    page = render_study(RESULT)
    assert "Model &lt;A&gt;" in page
    assert "Model <A>" not in page
    assert "Lost</b> could not be trained: diverged" in page
    assert "failed: diverged" in page
    assert "North unseen in training" in page
