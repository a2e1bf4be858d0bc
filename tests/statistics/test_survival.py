"""Figures of censored times equal those of scikit-survival and lifelines."""

import numpy as np
import pytest

from skiagram.statistics.survival import (
    aalen_johansen,
    auc_at,
    brier_terms,
    censoring_curve,
    d_calibration,
    harrell_concordance,
    integrated_brier_terms,
    kaplan_meier,
    positives_at,
    uno_concordance,
)
from tests.statistics import times
from tests.statistics.times import EACH, EVENT, GRID, ONE_FIT, RISK, SURVIVAL, TIME

EXACT = pytest.approx
CLOSE = 1e-9
SCORED = (RISK, TIME, EVENT, ONE_FIT, EACH)


def test_figures_equal_those_of_scikit_survival():
    assert harrell_concordance(*SCORED).value == EXACT(times.HARRELL, abs=CLOSE)
    assert uno_concordance(*SCORED, 300.0).value == EXACT(times.UNO_TO_300, abs=CLOSE)
    assert auc_at(*SCORED, 200.0).value == EXACT(times.AUC_AT_200, abs=CLOSE)
    at_200 = brier_terms(SURVIVAL[:, 2], TIME, EVENT, 200.0).mean()
    assert at_200 == EXACT(times.BRIER_AT_200, abs=CLOSE)
    integrated = integrated_brier_terms(SURVIVAL, TIME, EVENT, GRID).mean()
    assert integrated == EXACT(times.INTEGRATED_BRIER, abs=CLOSE)


def test_curves_equal_those_of_lifelines():
    assert kaplan_meier(TIME, EVENT).at(GRID) == EXACT(times.KAPLAN_MEIER, abs=CLOSE)
    other = times.OTHER & ~EVENT
    incidence = 1 - aalen_johansen(times.UNTIED, EVENT, other).at(GRID)
    assert incidence == EXACT(times.CUMULATIVE_INCIDENCE, abs=CLOSE)
    assert aalen_johansen(TIME, EVENT).at(GRID) == EXACT(kaplan_meier(TIME, EVENT).at(GRID))
    both = (aalen_johansen(TIME, *pair).at(GRID) for pair in ((EVENT, other), (other, EVENT)))
    assert 2 - sum(both) == EXACT(1 - kaplan_meier(TIME, EVENT | other).at(GRID))


def test_who_had_another_event_first_is_known_to_be_without_this_one():
    generator = np.random.default_rng(9)
    both = generator.exponential([[300.0], [500.0]], (2, 30_000))
    first, event = both.min(axis=0), both[0] < both[1]
    risk = generator.uniform(size=30_000)
    truth = ((first <= 200) & event).astype(np.float64)
    end = generator.exponential(400.0, 30_000)
    time, seen = np.minimum(first, end), first <= end
    uncensored = brier_terms(1 - risk, first, event, 200.0, ~event).mean()
    assert uncensored == EXACT(((risk - truth) ** 2).mean(), abs=CLOSE)
    terms = brier_terms(1 - risk, time, event & seen, 200.0, ~event & seen)
    assert terms.mean() == EXACT(uncensored, abs=0.01)
    patient = np.arange(len(risk))
    acted = positives_at(risk, time, event & seen, 200.0, 0.5, patient, ~event & seen)
    true = [each[risk >= 0.5].sum() / 30_000 for each in (truth, 1 - truth)]
    assert [share.value for share in acted] == EXACT(true, abs=0.01)


def test_an_event_leaves_before_a_censoring_at_the_same_time():
    time, event = np.array([1.0, 1.0, 2.0]), np.array([True, False, False])
    assert kaplan_meier(time, event).at(np.array([1.0])) == EXACT(2 / 3)
    assert censoring_curve(time, event).at(np.array([1.0])) == EXACT(1 / 2)
    assert censoring_curve(time, event).before(np.array([1.0])) == EXACT(1.0)


def test_cases_of_two_fits_make_no_pair():
    halves = EACH % 2
    shifted = RISK + 100.0 * halves  # a fit's scale says nothing of another's
    within = harrell_concordance(RISK, TIME, EVENT, halves, EACH).value
    assert harrell_concordance(shifted, TIME, EVENT, halves, EACH).value == EXACT(within)
    assert harrell_concordance(shifted, TIME, EVENT, ONE_FIT, EACH).value != EXACT(within, abs=0.01)


def test_each_case_is_left_out_with_all_pairs():
    patient, fit = EACH // 3, EACH % 2
    cases = (RISK, TIME, EVENT, fit, patient)
    without = np.array(
        [harrell_concordance(*(part[case != EACH] for part in cases)).value for case in EACH]
    )
    found = harrell_concordance(*cases).influence[0]
    assert found == EXACT((len(EACH) - 1) * (without.mean() - without))
    for weighted in (uno_concordance(*cases, 300.0), auc_at(*cases, 200.0)):
        assert weighted.influence.shape == (1, len(EACH))
        assert np.ptp(weighted.influence) > 0
        assert weighted.influence.mean() == EXACT(0, abs=1e-9)


def test_a_figure_without_a_pair_has_a_reason():
    nobody = np.zeros_like(EVENT)
    estimate = harrell_concordance(RISK, TIME, nobody, ONE_FIT, EACH).estimate()
    assert estimate.value is None
    assert "too few" in estimate.reason


def test_d_calibration_tells_true_from_false_survival():
    generator = np.random.default_rng(0)
    time, end = generator.exponential(size=2000), generator.exponential(2.0, size=2000)
    seen, event = np.minimum(time, end), time <= end
    shares, p = d_calibration(np.exp(-seen), event, np.arange(2000))
    assert shares.sum() == EXACT(1.0)
    assert shares == EXACT(np.full(10, 0.1), abs=0.03)
    assert p > 0.01
    assert d_calibration(np.exp(-2 * seen), event, np.arange(2000))[1] < 1e-6


def test_images_of_a_patient_count_once_in_d_calibration():
    generator = np.random.default_rng(1)
    survival, event = generator.uniform(size=60), generator.uniform(size=60) < 0.7
    patient = np.repeat(np.arange(60), 4)
    of_images = d_calibration(survival[patient], event[patient], patient)
    of_patients = d_calibration(survival, event, np.arange(60))
    assert of_images[0] == EXACT(of_patients[0])
    assert of_images[1] == EXACT(of_patients[1])


def test_positives_among_censored_patients_are_those_of_the_curve_of_those_acted_on():
    """Four are acted on: an event, one leaves, an event among two; 3/4 · 1/2 are without one."""
    risk = np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.1, 0.1, 0.1])
    time = np.array([1.0, 2.0, 3.0, 9.0, 1.0, 9.0, 9.0, 9.0])
    event = np.array([True, False, True, False, True, False, False, False])
    expected = {0.5: (5 / 16, 3 / 16), 0.95: (0.0, 0.0), 0.75: (np.nan, np.nan)}
    for threshold, shares in expected.items():
        found = positives_at(risk, time, event, 5.0, threshold, np.arange(8))
        assert [each.value for each in found] == EXACT(shares, abs=CLOSE, nan_ok=True)


def times_with_others(generator, cases):
    """Return risks, times, whether the event was seen, and whether another one was."""
    risk = generator.uniform(0.1, 0.9, size=cases)
    time = generator.exponential(-1 / np.log(1 - risk))  # the event by the time 1
    other, end = generator.exponential([[4.0], [1.5]], size=(2, cases))
    first = np.minimum(np.minimum(time, other), end)
    return risk, first.round(2), first == time, first == other


def test_what_a_case_is_worth_to_the_positives_is_what_its_weight_does_to_it():
    risk, time, event, other = times_with_others(np.random.default_rng(2), 60)
    found = positives_at(risk, time, event, 0.8, 0.3, np.arange(60), other)
    for case in (0, 7, 21, 40):  # 1,000 copies of all cases, and one more of this one
        rows = np.append(np.tile(np.arange(60), 1000), case)
        of_rows = (risk[rows], time[rows], event[rows], 0.8, 0.3, np.arange(len(rows)), other[rows])
        for each, moved in zip(found, positives_at(*of_rows), strict=True):
            worth = (moved.value - each.value) * len(rows)
            assert each.influence[0, case] - each.value == EXACT(worth, rel=0.01, abs=1e-3)
