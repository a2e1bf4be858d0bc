"""What a time to an event refuses, takes from cases, and calibrates."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.outcomes.outcome import ScoredCases
from skiagram.outcomes.time import EVENT, HazardCalibration, TimeToEvent
from skiagram.statistics.survival import kaplan_meier
from tests.outcomes.cohort import OUTCOME, draw_times


@pytest.mark.parametrize(
    ("value", "label", "words"),
    [(-3.0, 0, "the time -3"), (np.nan, 1, "event without a time"), (np.nan, 0, "no time")],
)
def test_a_time_that_cannot_be_is_refused_with_its_row(
    value: float, label: int, words: str
) -> None:
    with pytest.raises(DataError, match=words) as refused:
        OUTCOME.check(value, label, "line 7")
    assert "line 7" in str(refused.value)
    assert "`days`" in str(refused.value)


def test_horizons_are_those_by_which_quarters_of_the_events_have_happened() -> None:
    time, label = np.arange(1.0, 101.0), np.ones(100, dtype=np.int64)
    settled = OUTCOME.settle(time, label)
    assert settled.horizons == (25.0, 50.0, 75.0)
    assert set(settled.horizons) <= set(settled.grid)
    assert settled.estimates[0].startswith("survival at ")


def test_a_horizon_that_nobody_reached_is_refused() -> None:
    time, label = np.arange(1.0, 101.0), np.ones(100, dtype=np.int64)
    late = TimeToEvent(column="days", unit="days", horizons=(365.0,))
    with pytest.raises(DataError, match="followed beyond 365 days"):
        late.settle(time, label)


def test_too_few_events_are_refused() -> None:
    label = np.zeros(100, dtype=np.int64)
    label[:4] = EVENT
    with pytest.raises(DataError, match="4 events among 100"):
        OUTCOME.settle(np.arange(100.0), label)


def test_calibration_undoes_shift_and_scale_of_scores() -> None:
    log_hazard = np.random.default_rng(5).normal(size=4000)
    time, label = draw_times(log_hazard)
    outcome = OUTCOME.settle(time, label)
    plain = outcome.calibrate(log_hazard[:, None], time, label)
    other = outcome.calibrate(3.0 + 0.1 * log_hazard[:, None], time, label)
    estimate = plain.probabilities(log_hazard[:, None])
    assert other.probabilities(3.0 + 0.1 * log_hazard[:, None]) == pytest.approx(estimate, abs=1e-3)
    true = np.exp(-np.exp(log_hazard)[:, None] * np.array(outcome.grid) / 500)
    assert np.abs(estimate - true).mean() < 0.02
    expected = estimate.mean(axis=0)
    observed = kaplan_meier(time, label == EVENT).at(np.array(outcome.grid))
    assert expected[:-1] == pytest.approx(observed[:-1], abs=0.02)


def test_scores_that_tell_nothing_are_calibrated_to_the_curve_of_all() -> None:
    time, label = draw_times(np.zeros(500))
    outcome = OUTCOME.settle(time, label)
    same = outcome.calibrate(np.zeros((500, 1)), time, label)
    assert same.slope == 0
    observed = kaplan_meier(time, label == EVENT).at(np.array(outcome.grid))
    assert same.probabilities(np.zeros((1, 1)))[0, :-1] == pytest.approx(observed[:-1], abs=0.02)
    turned = outcome.calibrate(time[:, None], time, label)  # longer times, higher scores
    assert turned.slope == 0  # a calibration never turns the order round
    assert HazardCalibration.average([same, turned]).columns == len(outcome.grid)


def test_figures_of_known_risks_are_those_that_theory_gives() -> None:
    log_hazard = np.random.default_rng(6).normal(size=1500)
    time, label = draw_times(log_hazard)
    outcome = OUTCOME.settle(time, label)
    estimate = outcome.calibrate(log_hazard[:, None], time, label).probabilities(
        log_hazard[:, None]
    )
    cases = ScoredCases(
        label,
        time,
        np.arange(1500),
        log_hazard[None],
        estimate[None],
        np.zeros((1, 1500), dtype=np.int64),
    )
    found = {(name, group): figure for name, group, figure in outcome.measure(cases)}
    gap = np.random.default_rng(7).normal(size=200_000) * np.sqrt(2)
    best = float((1 / (1 + np.exp(-np.abs(gap)))).mean())  # chance of the order, both exponential
    assert found["uno_concordance", f"{outcome.horizons[-1]:g} days"].value == pytest.approx(
        best, abs=0.03
    )
    assert found["concordance", ""].estimate().low < best + 0.02
    gain = next(figure for (name, _), figure in found.items() if name == "brier_gain")
    assert gain.estimate().low > 0
    gaps = [figure for (name, _), figure in found.items() if name == "expected_minus_observed"]
    assert all(abs(each.value) < 0.02 for each in gaps)


def test_curves_of_risk_groups_have_numbers_at_risk() -> None:
    log_hazard = np.random.default_rng(8).normal(size=300)
    time, label = draw_times(2 * log_hazard)
    outcome = OUTCOME.settle(time, label)
    estimate = outcome.calibrate(log_hazard[:, None], time, label).probabilities(
        log_hazard[:, None]
    )
    fit = np.zeros((1, 300), dtype=np.int64)
    cases = ScoredCases(label, time, np.arange(300), log_hazard[None], estimate[None], fit)
    groups, calibration, decisions = outcome.plot(cases)
    low, _, high = groups.lines
    assert low.y[-1] > high.y[-1]
    assert [int(row[1]) for row in groups.rows] == [100, 100, 100]
    assert sum(int(row[-1]) for row in groups.rows) == int(label.sum())
    assert "D-calibration" in calibration.words
    model, everybody, nobody = decisions.lines
    assert set(nobody.y) == {0.0}
    above = set(model.x) & set(everybody.x) - {0.05, 0.1}
    assert all(model.y[model.x.index(t)] > everybody.y[everybody.x.index(t)] for t in above)
    assert [row[0] for row in decisions.rows] == ["0.2", "0.4", "0.6", "0.8"]
