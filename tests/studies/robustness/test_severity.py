"""Changes are differences of scikit-learn's AUCs; models break and hold by their intervals."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.scores import Scores
from skiagram.records import Outcome
from skiagram.statistics.delong import Placements, difference_estimate
from skiagram.statistics.estimate import Estimate
from skiagram.studies.robustness.fits import TestedModel, join_cohorts
from skiagram.studies.robustness.severity import (
    CorruptionKind,
    Figures,
    compute_figures,
    model_results,
    place_conditions,
    severity_curve,
)

N = 200
LABEL = np.arange(N) % 2
IDS = [f"case-{at:03d}" for at in range(N)]
CASES = LabelledCases(np.array(IDS), LABEL, np.arange(N) // 2, ("no", "yes"), 1)
KINDS = (
    CorruptionKind("noise", "Noise", "", (0.1, 0.2)),
    CorruptionKind("blur", "Blur", "", (1.0,)),
)


def viewed(signal: float, seed: int = 0) -> Scores:
    logit = signal * LABEL + np.random.default_rng(seed).standard_normal(N)
    positive = 1 / (1 + np.exp(-logit))
    probability = np.stack([1 - positive, positive], axis=1)
    return Scores(2 * logit[None], probability[None], np.full((1, N), 0.5))


def model(name: str, *signals: float) -> TestedModel:
    outcome = Outcome(name, "classical", name.title(), "finished")
    return join_cohorts([(outcome, tuple(viewed(one) for one in signals))], [IDS], CASES)


def placed(*signals: float) -> tuple[tuple[Scores, ...], list[Placements]]:
    _, scores = model("a", *signals)
    return scores, place_conditions(scores, CASES)


def auc(one: Scores) -> float:
    return float(roc_auc_score(LABEL, one.order[0]))


def test_changes_and_their_means_are_those_of_scikit_learn() -> None:
    signals = (3.0, 2.0, 0.5, 0.1)
    (found,) = model_results([model("a", *signals)], KINDS, CASES, 0.02)
    clean, *worse = (auc(viewed(one)) for one in signals)
    assert found.clean
    assert found.clean.auc.value == pytest.approx(clean)
    assert found.clean.change == Estimate(0.0, 0.0, 0.0, "paired DeLong, clustered by patient")
    steps = [one.change.value for curve in found.curves for one in curve.figures]
    assert steps == pytest.approx([one - clean for one in worse])
    assert found.mean_change.value == pytest.approx(np.mean(worse) - clean)
    assert found.curves[0].mean_change.value == pytest.approx(np.mean(worse[:2]) - clean)


def test_the_interval_of_a_change_is_that_of_the_paired_test() -> None:
    (_, worse), (clean, changed) = placed(2.0, 1.0)
    found = compute_figures(worse, changed, clean, CASES)
    expected = difference_estimate(changed, clean)
    assert found.change.low == pytest.approx(expected.low)
    assert found.change.high == pytest.approx(expected.high)


def test_the_threshold_stays_where_clean_cases_fixed_it() -> None:
    (scores,), (placements,) = placed(2.0)
    called = scores.probability[0, :, 1] >= 0.5
    found = compute_figures(scores, placements, placements, CASES)
    assert found.sensitivity.value == pytest.approx(called[LABEL == 1].mean())
    assert found.specificity.value == pytest.approx((~called[LABEL == 0]).mean())
    expected = scores.probability[0, :, 1].sum() / LABEL.sum()
    assert found.expected_to_observed.value == pytest.approx(expected)


def test_the_model_that_loses_least_has_none_before_it() -> None:
    models = [model("loser", 3.0, 0.5, 0.2, 0.1), model("winner", 2.0, 2.0, 1.9, 1.8)]
    loser, winner = model_results(models, KINDS, CASES, 0.02)
    assert winner.behind is None
    assert loser.behind
    assert loser.behind.high < 0
    assert (loser.mean_change.value or 0) - (winner.mean_change.value or 0) == pytest.approx(
        loser.behind.value
    )


def test_a_failed_model_keeps_its_place_and_its_reason() -> None:
    outcome = Outcome("net", "deep", "Net", "failed", "diverged")
    failed = join_cohorts([(outcome, ())], [IDS], CASES)
    found, other = model_results([failed, model("a", 3.0, 2.0, 1.0, 0.5)], KINDS, CASES, 0.02)
    assert (found.reason, found.clean, found.curves) == ("diverged", None, ())
    assert found.mean_change.value is None
    assert other.behind is None


@pytest.mark.parametrize(
    ("changes", "holds_to", "breaks_at"),
    [
        ([(-0.01, 0.01), (-0.015, 0.0), (-0.3, -0.1)], 2, 3),
        ([(-0.01, 0.01)] * 3, 3, None),
        ([(-0.1, 0.1), (-0.01, 0.01), (-0.2, -0.05)], None, 3),
        ([(-0.2, -0.05), (-0.3, -0.2), (-0.4, -0.3)], None, 1),
        ([(-0.1, 0.0)] * 3, None, None),
    ],
)
def test_whole_intervals_say_where_a_model_holds_and_breaks(
    changes: list[tuple[float, float]], holds_to: float | None, breaks_at: float | None
) -> None:
    _, (placements,) = placed(2.0)
    blank = Figures(*(Estimate(0.8) for _ in range(5)))
    found = [replace(blank, change=Estimate(sum(one) / 2, *one)) for one in changes]
    curve = severity_curve((1, 2, 3), found, [placements] * 4, 0.02)
    assert (curve.holds_to, curve.breaks_at) == (holds_to, breaks_at)


def test_scores_of_several_cohorts_are_lined_up_by_case() -> None:
    whole = viewed(2.0)

    def part(rows: NDArray[np.int64], threshold: float) -> TestedModel:
        view = whole.select(np.isin(np.arange(N), rows))
        scores = replace(view, threshold=np.full_like(view.threshold, threshold))
        return Outcome("a", "classical", "A", "finished"), (scores,)

    odd, even = np.arange(1, N, 2), np.arange(0, N, 2)
    tested = [[IDS[at] for at in rows] for rows in (odd, even)]
    _, (found,) = join_cohorts([part(odd, 0.4), part(even, 0.6)], tested, CASES)
    np.testing.assert_array_equal(found.probability, whole.probability)
    np.testing.assert_array_equal(found.threshold[0], np.where(np.arange(N) % 2, 0.4, 0.6))
