"""What a time to an event refuses, takes from cases, and calibrates."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.statistics.survival import aalen_johansen, kaplan_meier
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.time import HazardCalibration
from skiagram.tasks.time_columns import EVENT, OTHER
from tests.tasks.cohort import COMPETING, OUTCOME, draw_times, measured, scored


def test_horizons_are_those_by_which_quarters_of_the_events_have_happened():
    time, label = np.arange(1.0, 101.0), np.ones(100, dtype=np.int64)
    settled = OUTCOME.settle(time, label)
    assert settled.horizons == (25.0, 50.0, 75.0)
    assert set(settled.horizons) <= set(settled.grid)
    assert settled.estimates[0].startswith("survival at ")


def drawn(cases, seed, hazard=1.0):
    """Return log hazards of cases that were drawn, what is settled by them, times and labels."""
    log_hazard = np.random.default_rng(seed).normal(size=cases)
    time, label = draw_times(hazard * log_hazard)
    return log_hazard, OUTCOME.settle(time, label), time, label


def test_calibration_undoes_shift_and_scale_of_scores():
    log_hazard, outcome, time, label = drawn(4000, 5)
    estimate = scored(outcome, log_hazard, time, label).estimate[0]
    other = scored(outcome, 3.0 + 0.1 * log_hazard, time, label).estimate[0]
    assert other == pytest.approx(estimate, abs=1e-3)
    true = np.exp(-np.exp(log_hazard)[:, None] * np.array(outcome.grid) / 500)
    assert np.abs(estimate - true).mean() < 0.02
    expected = estimate.mean(axis=0)
    observed = kaplan_meier(time, label == EVENT).at(np.array(outcome.grid))
    assert expected[:-1] == pytest.approx(observed[:-1], abs=0.02)


@pytest.mark.parametrize("unit", [1.0, 365.25])
def test_scores_that_tell_nothing_are_calibrated_to_the_curve_of_all(unit):
    time, label = draw_times(np.zeros(500))
    time = np.ceil(time / unit) * unit  # of whole years most are equal
    outcome = OUTCOME.settle(time, label)
    same = outcome.calibrate(np.zeros((500, 1)), time, label, np.arange(len(label)))
    assert same.slope == 0
    observed = kaplan_meier(time, label == EVENT).at(np.array(outcome.grid))
    assert same.probabilities(np.zeros((1, 1)))[0, :-1] == pytest.approx(observed[:-1], abs=0.02)
    turned = outcome.calibrate(
        time[:, None], time, label, np.arange(len(label))
    )  # longer times, higher scores
    assert turned.slope == 0  # a calibration never turns the order round
    assert HazardCalibration.average([same, turned]).columns == len(outcome.grid)


def test_a_cohort_that_ends_before_a_horizon_keeps_the_times_of_the_project():
    log_hazard, outcome, time, label = drawn(400, 8)
    end = outcome.horizons[0] + 1
    short, known = np.minimum(time, end), np.where(time <= end, label, 0)
    assert outcome.settle(short, known).horizons == outcome.horizons
    found = measured(outcome, scored(outcome, log_hazard, short, known))
    assert found["concordance", ""].value > 0.5
    for figure in ("expected_minus_observed", "uno_concordance"):
        unknown = found[figure, f"{outcome.horizons[-1]:g} days"]
        assert unknown.estimate().reason.startswith("follow-up ends at")
    with pytest.raises(DataError, match="nobody was followed beyond"):
        outcome.settle(time * outcome.horizons[0] / time.max() / 2, label)


def test_figures_of_known_risks_are_those_that_theory_gives():
    log_hazard, outcome, time, label = drawn(1500, 6)
    found = measured(outcome, scored(outcome, log_hazard, time, label))
    gap = np.random.default_rng(7).normal(size=200_000) * np.sqrt(2)
    best = float((1 / (1 + np.exp(-np.abs(gap)))).mean())  # chance of the order, both exponential
    assert found["uno_concordance", f"{outcome.horizons[-1]:g} days"].value == pytest.approx(
        best, abs=0.03
    )
    assert found["concordance", ""].estimate().low < best + 0.02
    gain = next(figure for (name, _), figure in found.items() if name == "brier_gain")
    assert gain.estimate().low > 0
    assert gain.degrees == (label[time <= outcome.horizons[-1]] == EVENT).sum() - 1
    gaps = [figure for (name, _), figure in found.items() if name == "expected_minus_observed"]
    assert all(abs(each.value) < 0.02 for each in gaps)


def test_a_brier_score_is_never_said_to_be_below_0():
    """Early, few patients have the event, and they make nearly all of the error."""
    for seed in range(20):
        log_hazard, _, time, label = drawn(60, seed)
        outcome = replace(OUTCOME, horizons=(0.03 * float(np.median(time)),)).settle(time, label)
        cases = scored(outcome, log_hazard, time, label)
        scores = [figure for name, _, figure in outcome.measure(cases) if name == "brier"]
        assert all(figure.estimate().low > 0 for figure in scores)


def test_where_nearly_all_are_censored_d_calibration_is_said_to_tell_nothing():
    log_hazard, _, time, label = drawn(300, 8, hazard=2)
    late = time > np.quantile(time, 0.2)
    time, label = np.minimum(time, np.quantile(time, 0.2)), np.where(late, 0, label)
    outcome = OUTCOME.settle(time, label)
    calibration = outcome.plot(scored(outcome, log_hazard, time, label))[1]
    assert "next to no power" in calibration.words


def test_curves_of_risk_groups_have_numbers_at_risk():
    log_hazard, outcome, time, label = drawn(300, 8, hazard=2)
    cases = scored(outcome, log_hazard, time, label)
    groups, calibration, decisions = outcome.plot(cases)
    low, _, high = groups.lines
    assert low.y[-1] > high.y[-1]
    assert [int(row[1]) for row in groups.rows] == [100, 100, 100]
    assert sum(int(row[-1]) for row in groups.rows) == int(label.sum())
    assert "D-calibration" in calibration.words
    assert "power" not in calibration.words
    model, low, high, everybody, nobody = decisions.lines
    assert all(low.y[low.x.index(t)] < model.y[model.x.index(t)] for t in low.x)
    assert all(high.y[high.x.index(t)] > model.y[model.x.index(t)] for t in model.x)
    assert set(nobody.y) == {0.0}
    above = set(model.x) & set(everybody.x) - {0.05, 0.1}
    assert all(model.y[model.x.index(t)] > everybody.y[everybody.x.index(t)] for t in above)
    assert [row[0] for row in decisions.rows] == ["0.2", "0.4", "0.6", "0.8"]
    assert all("(" in row[1] for row in decisions.rows)  # with its interval
    # acting on all does harm at high thresholds, which is drawn; no more events than cases are met
    assert everybody.x == nobody.x
    assert max(high.y) <= 1
    same = scored(outcome, 0 * log_hazard, time, label)
    assert [plot.name for plot in outcome.plot(same)] == [calibration.name, decisions.name]


def draw_competing(cases, seed):
    """Return log hazards, times and labels; death is likelier where the event is less likely."""
    generator = np.random.default_rng(seed)
    log_hazard = generator.normal(size=cases)
    both = np.stack([500 * np.exp(-log_hazard), 800 * np.exp(0.5 * log_hazard)])
    ends = np.concatenate([generator.exponential(both), generator.uniform(200, 1500, (1, cases))])
    return log_hazard, ends.min(axis=0), np.array([EVENT, OTHER, 0])[ends.argmin(axis=0)]


def true_share(log_hazard, time):
    """Return (n, times) the chances of an event by then, before a death."""
    of_event, of_death = np.exp(log_hazard)[:, None] / 500, np.exp(-log_hazard / 2)[:, None] / 800
    both = of_event + of_death
    return of_event / both * (1 - np.exp(-both * time))


def test_estimates_are_shares_of_patients_where_another_event_may_come_first():
    log_hazard, time, label = draw_competing(4000, 11)
    outcome = COMPETING.settle(time, label)
    assert next(iter(outcome.reported)).startswith("no event by ")
    calibration = outcome.calibrate(log_hazard[:, None], time, label, np.arange(len(label)))
    assert calibration.other_slope < 0
    grid = np.array(outcome.grid)
    estimate = calibration.probabilities(log_hazard[:, None])
    true = true_share(log_hazard, grid)
    assert np.abs(1 - estimate - true).mean() < 0.02
    assert 1 - estimate.mean(axis=0) == pytest.approx(true.mean(axis=0), abs=0.02)
    censored = np.where(label == OTHER, 0, label)  # as if nothing else happened
    alone = scored(OUTCOME.settle(time, censored), log_hazard, time, censored)
    assert (1 - alone.estimate[0] - true)[:, -3:].mean() > 0.1


def test_figures_and_plots_count_those_who_had_another_event_first():
    log_hazard, time, label = draw_competing(600, 12)
    outcome = COMPETING.settle(time, label)
    cases = scored(outcome, log_hazard, time, label)
    found = measured(outcome, cases)
    gaps = [figure for (name, _), figure in found.items() if name == "expected_minus_observed"]
    assert all(abs(each.value) < 0.03 for each in gaps)
    assert next(of for (name, _), of in found.items() if name == "brier_gain").estimate().low > 0
    groups, calibration, _ = outcome.plot(cases)
    assert all(line.y[0] == 0 for line in groups.lines)
    low, _, high = groups.lines
    assert low.y[-1] < high.y[-1]
    assert groups.columns[-2:] == ("events", "other events")
    assert sum(int(row[-1]) for row in groups.rows) == int((label == OTHER).sum())
    assert "Aalen" in calibration.y_label
    assert "D-calibration" not in calibration.words
    counts = dict(outcome.count(time, label))
    assert counts["other events (died)"] == str((label == OTHER).sum())
    last = outcome.horizons[-1:]
    share = 1 - aalen_johansen(time, label == EVENT, label == OTHER).at(np.array(last))[0]
    told = next(number for name, number in counts.items() if name.startswith("share with"))
    assert told.startswith(f"{share:.3f}")
    assert outcome.target(time, label)[:, 1].sum() == (label == EVENT).sum()


def test_beyond_the_end_of_follow_up_no_estimate_is_judged():
    """Curves that are carried on level would call perfect estimates wrong."""
    generator = np.random.default_rng(0)

    def cohort(follow_up):
        hazard = generator.normal(size=300)
        event_time = generator.exponential(1000 * np.exp(-hazard))
        end = generator.uniform(0.3 * follow_up, follow_up, 300)
        return hazard, np.minimum(event_time, end), (event_time <= end).astype(np.int64)

    _, value, label = cohort(2000)
    task = OUTCOME.settle(value, label)
    last = task.horizons[-1]
    for follow_up, is_judged in ((3 * last, True), (0.8 * last, False)):
        hazard, value, label = cohort(follow_up)
        survival = np.exp(-np.exp(hazard)[:, None] * np.array(task.grid) / 1000)
        fit, cut = np.zeros((1, 300), dtype=np.int64), np.full((1, 300), np.nan)
        patient = np.arange(300)
        cases = ScoredCases(label, value, patient, hazard[None], survival[None], fit, 0, cut)
        for figure in task.measure(cases):
            if (figure.name, figure.group) in {
                ("brier", f"{last:g} days"),
                ("expected_minus_observed", f"{last:g} days"),
            }:
                estimate = figure.figure.estimate()
                assert (estimate.value is not None) == is_judged
                assert ("follow-up ends" in estimate.reason) != is_judged
        calibration = {plot.name: plot for plot in task.plot(cases)}["calibration"]
        assert len(calibration.lines) == len(task.horizons) - (not is_judged)
