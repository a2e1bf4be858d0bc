"""McNemar's test against R and under the null."""

import numpy as np
import pytest
from scipy.stats import chi2

from skiagram.evaluation.comparison.mcnemar import CLUSTERED, EXACT, mcnemar
from tests.evaluation.paired import OTHER_PROBABILITY, PATIENT, POSITIVE, PROBABILITY


def test_equals_r_on_single_images() -> None:
    right = (PROBABILITY >= 0.5) == POSITIVE
    other = (OTHER_PROBABILITY >= 0.5) == POSITIVE
    found = mcnemar(right, other, PATIENT)
    # R 4.2.2: binom.test on the discordant pairs
    assert (found.only_model, found.only_other, found.method) == (18, 2, EXACT)
    assert found.p == pytest.approx(0.000402450561523)


def test_agreement_shows_nothing() -> None:
    right = np.arange(10) < 5
    assert mcnemar(right, right, np.arange(10)).p == 1
    assert mcnemar(right, right, np.arange(10) // 2).p == 1


def test_clusters_of_two_with_one_discordant_image_equal_the_chi_squared_form() -> None:
    patient = np.repeat(np.arange(30), 2)
    right, other = np.ones((2, 60), dtype=bool)
    other[:40:2] = False
    right[40::2] = False
    found = mcnemar(right, other, patient)
    assert (found.only_model, found.only_other, found.method) == (20, 10, CLUSTERED)
    assert found.p == pytest.approx(chi2.sf((20 - 10) ** 2 / 30, 1))


def test_copies_of_an_image_add_no_certainty() -> None:
    rng = np.random.default_rng(0)
    right, other = rng.random((2, 100)) < [[0.8], [0.7]]
    pairs = np.repeat(np.arange(100), 2)
    many = np.repeat(np.arange(100), 6)
    assert mcnemar(right[pairs], other[pairs], pairs).p == pytest.approx(
        mcnemar(right[many], other[many], many).p
    )


def test_equal_models_are_seldom_told_apart() -> None:
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(80), 3)
    found = 0
    for _ in range(400):
        ease = rng.normal(size=80)[patient]
        right, other = ease + rng.normal(size=(2, 240)) > -0.5
        found += (mcnemar(right, other, patient).p or 0) < 0.05
    assert found / 400 <= 0.08
