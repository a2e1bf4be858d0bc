"""Means over draws, their resamples and what failed fits do to them."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm, t

from skiagram.statistics.bootstrap import draw_patients
from skiagram.studies.crossover.curves import (
    FitOutcome,
    FittedPoint,
    ResampledModel,
    choose_baseline,
    draw_multipliers,
    find_crossing,
    fit_learning_curve,
    select_draws,
)

Floats = NDArray[np.float64]
SIZES = np.array([50.0, 100, 200, 400])
REPLICATES = 4000
SCORES = np.zeros(3)


def model(point: Floats, noise: Floats | float = 0.0, arm: str = "deep") -> ResampledModel:
    """Return a model of (sizes, draws) AUC, whose resamples add (replicates,) noise to each."""
    resamples = point[:, :, None] + np.broadcast_to(noise, REPLICATES)
    return ResampledModel(arm, arm, arm, np.concatenate([point[:, :, None], resamples], axis=2), ())


def rising(limit: float, draws: int, spread: float = 0.0) -> Floats:
    """Return (sizes, draws) AUC; draws differ by up to ± spread."""
    curve: Floats = limit - 1.5 / np.sqrt(SIZES)[:, None] + np.linspace(-spread, spread, draws)
    return curve


def scored(selection: float | None, failure: str = "") -> FittedPoint:
    return FitOutcome(selection, "A", failure), None if failure else SCORES


@pytest.mark.parametrize("draws", [2, 5, 10])
def test_the_interval_of_a_mean_over_draws_is_students(draws: int) -> None:
    point = rising(0.9, draws, spread=0.02)
    resampled = model(point).mean(draw_multipliers(draws, REPLICATES, 0))[:, 1:]
    error = point[0].std(ddof=1) / np.sqrt(draws)
    expected = error * t.ppf(0.975, draws - 1) / norm.ppf(0.975)
    np.testing.assert_allclose(resampled.std(axis=1), expected, rtol=0.04)


def test_patients_add_their_variance_to_that_of_draws() -> None:
    noise = np.random.default_rng(0).normal(0, 0.03, REPLICATES)
    point = rising(0.9, 10, spread=0.02)
    multipliers = draw_multipliers(10, REPLICATES, 0)
    both = model(point, noise).mean(multipliers)[0, 1:].var()
    assert both == pytest.approx(0.03**2 + model(point).mean(multipliers)[0, 1:].var(), rel=0.06)


def test_with_patients_besides_the_quantile_has_satterthwaites_degrees() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, REPLICATES)
    point = rising(0.9, 5, spread=0.02)
    multipliers = draw_multipliers(5, REPLICATES, 0)
    draws = point[0].var(ddof=1) / 5
    degrees = 4 * ((0.01**2 + draws) / draws) ** 2
    longer = t.ppf(0.975, degrees) / norm.ppf(0.975)
    both = model(point, noise).mean(multipliers)[0, 1:].var()
    assert both == pytest.approx(longer**2 * (0.01**2 + draws), rel=0.08)  # all of draws: 33 % more
    certain = ResampledModel("b", "B", "classical", model(rising(0.8, 5)).areas, ())
    compared = model(point, noise).mean(multipliers, certain)[0, 1:].var()
    assert compared == pytest.approx(both, rel=1e-6)


def test_what_test_patients_make_of_the_draws_is_counted_once() -> None:
    generator = np.random.default_rng(1)
    patients = 400
    influence = generator.normal(size=(4, 10, patients))  # of other patients in each draw
    weights = generator.multinomial(patients, np.full(patients, 1 / patients), size=REPLICATES)
    areas = np.concatenate(
        [influence.mean(axis=2, keepdims=True), influence @ weights.T / patients], axis=2
    )
    one = ResampledModel("a", "A", "deep", areas, ())
    variance = one.mean(draw_multipliers(10, REPLICATES, 0))[:, 1:].var(axis=1).mean()
    assert variance == pytest.approx(1 / (10 * patients), rel=0.35)  # counted twice: 100 % more


def test_a_failed_fit_leaves_the_mean_of_the_others_and_is_counted() -> None:
    point = rising(0.9, 5, spread=0.02)
    point[1, :2] = np.nan
    point[2, 1:] = np.nan
    curve = fit_learning_curve(model(point), SIZES, draw_multipliers(5, REPLICATES, 0), 800, None)
    assert curve.fits == (5, 3, 1, 5)
    assert curve.auc[1].value == pytest.approx(np.nanmean(point[1]))
    assert curve.auc[2].value == point[2, 0]
    assert (curve.auc[2].low, curve.auc[2].high) == (None, None)
    assert curve.band is not None


def test_a_comparison_takes_the_draws_that_both_models_have() -> None:
    network, baseline = rising(0.95, 5, spread=0.02), rising(0.9, 5, spread=0.02)
    network[3, 0] = np.nan  # the worst draw: without it the network would look better yet
    multipliers = draw_multipliers(5, REPLICATES, 0)
    found = find_crossing(model(network), model(baseline), SIZES, multipliers, 800)
    assert (found.compared, found.fits) == ((50, 100, 200, 400), (5, 5, 5, 4))
    assert found.difference.value == pytest.approx(0.05)
    assert (found.answer, found.share, found.ahead) == ("overtakes", 1.0, 1.0)


def test_a_network_that_takes_off_late_is_denied_no_further_than_it_was_tried() -> None:
    late = np.array([0.6, 0.6, 0.61, 0.68])[:, None] + 0.001 * np.arange(5)
    found = find_crossing(
        model(late),
        model(rising(0.9, 5, spread=0.02)),
        SIZES,
        draw_multipliers(5, REPLICATES, 0),
        800,
    )
    assert (found.answer, found.ahead) == ("does not overtake", 0.0)


def test_the_baseline_is_chosen_among_those_that_have_a_fit() -> None:
    first, second = (model(np.full((1, 2), auc), arm="classical") for auc in (0.7, 0.8))
    fits = [[[scored(0.9, "failed"), scored(0.9)]], [[scored(0.6), scored(0.6)]]]
    chosen = choose_baseline([first.only(np.array([[False, True]])), second], fits)
    np.testing.assert_array_equal(chosen.areas[0, :, 0], [0.8, 0.7])


def test_test_sets_that_share_a_patient_draw_him_equally_often() -> None:
    patient = np.array([0, 0, 1, 2, 3, 3])
    everyone = draw_patients(patient, 2, 50, 0)
    one, two = (select_draws(everyone, np.array(rows)) for rows in ([0, 1, 3], [3, 4, 5]))
    np.testing.assert_array_equal(one.patient, [0, 0, 1])
    np.testing.assert_array_equal(one.counts[:, 1], two.counts[:, 0])
    (weights,) = two.weights()
    np.testing.assert_array_equal(weights, everyone.counts[:, [2, 3, 3]])
