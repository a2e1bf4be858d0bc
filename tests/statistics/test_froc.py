"""Free-response figures against brute force over all pairs and a jackknife."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.statistics.bootstrap import bootstrap_difference, draw_patients
from skiagram.statistics.froc import (
    RATES,
    FreeResponse,
    Ratings,
    compare_found,
)
from skiagram.statistics.score_intervals import wilson_interval


def simulated(seed, images=30, repeats=1, folds=0, ties=False):
    """Images of 1 to 3 a patient; every second one is normal, others have 1 to 3 lesions."""
    generator = np.random.default_rng(seed)
    patient = np.sort(generator.integers(0, max(2, images // 2), images))
    patient = np.unique(patient, return_inverse=True)[1].astype(np.int64)
    lesions = np.where(np.arange(images) % 2, generator.integers(1, 4, images), 0)
    lesion_image = np.repeat(np.arange(images), lesions)
    ratings, fits = [], []
    for _ in range(repeats):
        lesion = generator.normal(1, 1, len(lesion_image))
        false_image = np.repeat(np.arange(images), generator.poisson(3, images))
        false = generator.normal(0, 1, len(false_image))
        if ties:
            lesion, false = np.round(lesion), np.round(false)
        lesion[generator.random(len(lesion)) < 0.2] = -np.inf
        ratings.append(Ratings(lesion, lesion_image, false, false_image))
        fits.append(patient % folds if folds else np.zeros(images, dtype=np.int64))
    return FreeResponse(tuple(ratings), patient, np.array(fits) if folds else None, folds)


def brute_force_merit(response, repeat, weighting, against_all):
    """Chakraborty 2017, equations 14.3 and 14.6, over all pairs of a fit."""
    ratings, fit = response.repeats[repeat], response.fits[repeat]
    lesions = response.lesions
    won = pairs = 0.0
    for rating, image in zip(ratings.lesion, ratings.lesion_image, strict=True):
        weight = 1.0 if weighting == "lesion" else 1 / lesions[image]
        for other in range(len(lesions)):
            if (lesions[other] and not against_all) or fit[other] != fit[image]:
                continue
            own = ratings.false[ratings.false_image == other]
            highest = own.max() if len(own) else -np.inf
            won += weight * (float(rating > highest) + 0.5 * float(rating == highest))
            pairs += weight
    return won / pairs


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["image", "lesion"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 3]),
)
def test_figure_of_merit_is_the_share_of_pairs_in_order(seed, weighting, against_all, ties, folds):
    response = simulated(seed, 20, repeats=2, folds=folds, ties=ties)
    found = response.merit(weighting, against_all=against_all)
    for repeat, area in enumerate(found.values):
        expected = brute_force_merit(response, repeat, weighting, against_all)
        assert area == pytest.approx(expected)


def test_area_of_a_published_example_is_met():
    """The cases of "AFROC vs. wAFROC" in Chakraborty, *The RJafroc FROC Book*: .7708333."""
    lesion = np.array([0.9, -0.2, 1.6, -np.inf, 3.0, 2.0])
    lesion_image = np.array([4, 5, 6, 6, 7, 7])
    false, false_image = np.array([0.5, 0.7, 0.6, -0.3, 1.5]), np.array([1, 2, 2, 3, 4])
    ratings = Ratings(lesion, lesion_image, false, false_image)
    response = FreeResponse((ratings,), np.arange(8))
    assert response.merit("lesion").value == pytest.approx(0.7708333, abs=5e-8)


def test_a_finder_that_happens_to_miss_next_to_nothing_keeps_its_doubt():
    """Ten lesions of ten patients, one of them below a single one of 90 normal images."""
    lesion, normal = np.arange(10), np.arange(10, 100)
    rating, false = np.full(10, 2.0), np.zeros(90)
    rating[0], false[0] = 1.0, 1.5
    response = FreeResponse((Ratings(rating, lesion, false, normal),), np.arange(100))
    found = response.merit().estimate()
    quantile = response.merit().variation.quantile
    assert found.value == pytest.approx(1 - 1 / 900)
    assert found.low == pytest.approx(wilson_interval(1 - 1 / 900, 2 * 10, quantile)[0])


def test_nothing_marked_gives_a_half():
    nothing = Ratings(np.full(2, -np.inf), np.array([0, 1]), np.empty(0), np.empty(0, np.int64))
    assert FreeResponse((nothing,), np.arange(4)).merit().value == 0.5


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("weighting", ["image", "lesion"])
def test_variance_is_near_that_of_a_jackknife_over_patients(weighting, folds):
    response = simulated(7, 90, folds=folds)
    single = response.merit(weighting)
    without = []
    for one in np.unique(response.patient):
        rest = response.select(response.patient != one)
        without.append(rest.merit(weighting).value)
    patients = len(without)
    jackknife = (patients - 1) ** 2 / patients * np.var(without, ddof=1)
    assert single.variance() == pytest.approx(jackknife, rel=0.2)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.booleans(), st.sampled_from([0, 2]))
def test_sensitivities_keep_to_the_rate_within_each_fit(seed, ties, normal, folds):
    response = simulated(seed, 24, folds=folds, ties=ties)
    ratings, fit, lesions = response.repeats[0], response.fits[0], response.lesions
    counted = (lesions == 0) | (not normal)
    expected = np.zeros(len(RATES))
    for rating, image in zip(ratings.lesion, ratings.lesion_image, strict=True):
        own = (fit[ratings.false_image] == fit[image]) & counted[ratings.false_image]
        false = np.sum(ratings.false[own] >= rating) / np.sum(counted & (fit == fit[image]))
        expected += (false <= RATES + 1e-9) & (rating > -np.inf)
    found = response.sensitivities(RATES, np.ones((1, 24)), normal=normal)[0]
    assert found == pytest.approx(expected / len(ratings.lesion))


def test_weights_stand_for_images_that_occur_so_often():
    response = simulated(5, 16)
    weights = np.random.default_rng(0).integers(0, 3, 16)
    ratings, several = response.repeats[0], np.repeat(np.arange(16), weights)
    lesion = [np.flatnonzero(ratings.lesion_image == image) for image in several]
    false = [np.flatnonzero(ratings.false_image == image) for image in several]
    drawn = Ratings(
        ratings.lesion[np.concatenate(lesion)],
        np.repeat(np.arange(len(several)), [len(rows) for rows in lesion]),
        ratings.false[np.concatenate(false)],
        np.repeat(np.arange(len(several)), [len(rows) for rows in false]),
    )
    copies = FreeResponse((drawn,), np.arange(len(several)))
    expected = copies.sensitivities(RATES, np.ones((1, len(several))))
    found = response.sensitivities(RATES, weights[None].astype(np.float64))
    assert found == pytest.approx(expected)


def test_a_difference_of_a_finder_with_itself_is_nothing():
    response = simulated(11, 40)
    other = simulated(12, 40)
    draws = draw_patients(response.patient, 5, 100, 0)
    same = bootstrap_difference(compare_found(response, response), draws)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    merit = response.merit()
    assert (merit - merit).estimate().value == 0.0
    one, two = (each.share_found(RATES)(np.ones((1, 40)))[0] for each in (response, other))
    difference = compare_found(response, other)(np.ones((1, 40)))[0]
    assert difference == pytest.approx(one - two)
