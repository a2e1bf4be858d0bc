"""DeLong's figures against published output, brute force and simulation."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binomtest, norm, t
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError
from skiagram.statistics.delong import (
    auc_of_scores,
    detectability,
    estimate_efficiency,
    macro_auc_of_scores,
)
from skiagram.statistics.linearised import combination
from skiagram.statistics.score_intervals import wilson_interval
from skiagram.statistics.significance import gain_probabilities
from tests.statistics.paired import of


def single(score, positive, patient=None):
    return auc_of_scores(
        score[None], positive, np.arange(len(score)) if patient is None else patient
    )


def kernel(score, positive):
    """All pairs: 1 where the positive is higher, ½ where equal."""
    above = score[positive][:, None] - score[~positive][None]
    return (above > 0) + 0.5 * (above == 0)


@pytest.mark.parametrize("fits", [None, [0, 0, 1, 1]])
def test_without_a_pair_there_is_no_auc(fits):
    positive = np.array([False, False, fits is not None, fits is not None])
    fit = None if fits is None else np.array([fits])
    with pytest.raises(DataError, match=r"one class|no fit scored cases of both"):
        auc_of_scores(np.arange(4.0)[None], positive, np.arange(4), fit=fit)


def test_equal_clusters_equal_obuchowski_by_hand():
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(12), 3)
    positive = np.arange(36) % 3 == 1
    score = rng.normal(size=36) + positive + rng.normal(size=12)[patient]
    pairs = kernel(score, positive)
    area, (m, n) = pairs.mean(), pairs.shape
    by_positive, by_negative = np.zeros(12), np.zeros(12)
    np.add.at(by_positive, patient[positive], pairs.mean(axis=1) - area)
    np.add.at(by_negative, patient[~positive], pairs.mean(axis=0) - area)
    i10, i01 = len(set(patient[positive])), len(set(patient[~positive]))
    s10 = i10 / ((i10 - 1) * m) * (by_positive**2).sum()
    s01 = i01 / ((i01 - 1) * n) * (by_negative**2).sum()
    s11 = 12 / 11 * (by_positive * by_negative).sum()
    expected = s10 / m + s01 / n + 2 * s11 / (m * n)
    assert single(score, positive, patient).variance() == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_several_classes_have_scikit_learns_macro_auc_and_the_jackknifes_variance():
    """Leaving out each case of each class in turn, on scikit-learn's figures (Arvesen 1969)."""
    rng, label = np.random.default_rng(8), np.repeat([0, 1, 2], [120, 80, 40])
    probability = softmax(rng.normal(size=(240, 3)) + 1.2 * np.eye(3)[label], axis=1)
    found = macro_auc_of_scores(probability[None], label, np.arange(len(label)))

    def area(rows):
        return float(roc_auc_score(label[rows], probability[rows], multi_class="ovr"))

    everyone = np.ones(len(label), dtype=np.bool_)
    assert found.value == pytest.approx(area(everyone), rel=1e-12)
    jackknife = 0.0
    for k, count in enumerate(np.bincount(label)):
        left_out = []
        for row in np.flatnonzero(label == k):
            rows = everyone.copy()
            rows[row] = False
            left_out.append(area(rows))
        jackknife += (count - 1) * np.var(left_out)
    assert found.variance() == pytest.approx(jackknife, rel=0.02)


def test_copies_of_a_case_within_its_patient_add_no_certainty():
    rng = np.random.default_rng(0)
    positive = np.arange(60) < 25
    score = rng.normal(size=60) + positive
    plain = single(score, positive).estimate()
    twice = np.repeat(np.arange(60), 2)
    doubled = single(score[twice], positive[twice], twice).estimate()
    assert (doubled.low, doubled.high) == pytest.approx((plain.low, plain.high))
    assert doubled.method == "logit DeLong, clustered by patient"


def test_scores_without_a_variance_have_an_interval():
    positive = np.arange(30) < 10
    for sign in (1, -1):  # perfect and reversed order
        found = single(sign * positive.astype(float), positive).estimate()
        exact = binomtest(10 if sign == 1 else 0, 10).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    constant = single(np.zeros(30), positive).estimate()
    assert (constant.value, constant.low is not None) == (0.5, True)
    lone = single(np.arange(30.0), np.arange(30) == 20).estimate()
    assert lone.high - lone.low > 0.7
    perfect = single(positive.astype(float), positive)
    same = (perfect - perfect).estimate()  # equal models surely do not differ by nothing
    assert same.value == 0
    assert same.high > 0.2
    assert same.low == pytest.approx(-same.high)


def test_areas_variances_and_the_paired_interval_equal_proc():
    one, other = of("score_a"), of("score_b")
    assert one.value == pytest.approx(0.921875)
    assert other.value == pytest.approx(0.769205729167)
    assert one.variance() == pytest.approx(0.00101503005501)
    assert other.variance() == pytest.approx(0.00276979094265)
    paired = combination([(1.0, one), (-1.0, other)]).variance()
    covariance = (one.variance() + other.variance() - paired) / 2
    assert covariance == pytest.approx(0.000911380136839)
    found = (one - other).estimate()
    middle, half = (0.2394861786041 + 0.0658523630626) / 2, (0.2394861786041 - 0.0658523630626) / 2
    half *= t.ppf(0.975, one.degrees) / norm.ppf(0.975)  # pROC's quantile is normal
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half))


def test_an_order_that_happens_to_be_nearly_perfect_keeps_its_doubt():
    """One of ten positives lies below 3 of 300 negatives, all others above every one."""
    score = np.concatenate([[0.5], np.full(9, 2.0), np.ones(3), np.zeros(297)])
    auc = single(score, np.arange(310) < 10)
    assert auc.value == pytest.approx(1 - 3 / 3000)
    found, quantile = auc.estimate(), t.ppf(0.975, 9)
    assert found.low == pytest.approx(wilson_interval(auc.value, 5 * 10, quantile)[0])
    assert auc.bounds(quantile) == pytest.approx((found.low, found.high))


def test_a_difference_from_a_perfect_order_is_put_together_from_both_intervals():
    """The other's lower bound, not its variance alone, says how much better the first may be."""
    generator = np.random.default_rng(3)
    positive = np.arange(100) < 40
    perfect = single(positive.astype(float), positive)
    other = single(generator.normal(size=100) + 2.6 * positive, positive)
    difference = perfect - other
    found, low = difference.estimate(), other.estimate().low
    assert (found.value, found.high) == pytest.approx((1 - other.value, 1 - (low or 0)))
    # Downwards by two cases a positive: a sample without an error says little of the next.
    quantile = difference.variation.quantile
    least, most = wilson_interval(1.0, 2 * 40, quantile)[0], other.bounds(quantile)[1]
    assert found.value - found.low == pytest.approx(np.hypot(1 - least, most - other.value))
    plain = combination([(1.0, perfect), (-1.0, other)]).variation.half_width
    assert found.high - found.value > 1.2 * plain
    assert found.method == "from both intervals"
    backwards = (other - perfect).estimate()
    assert (backwards.low, backwards.high) == pytest.approx((-found.high, -found.low))
    # The p value and the probabilities of a gain agree with the lopsided interval.
    for bound, above in ((found.low, 0.975), (found.high, 0.025)):
        gain = gain_probabilities(found, difference.variation, bound)
        assert gain.above == pytest.approx(above)
        assert difference.variation.p(found.value - bound) == pytest.approx(0.05)


def test_efficiency_of_binormal_scores_is_the_squared_ratio_of_distances():
    n = 4000
    quantiles = norm.ppf((np.arange(n) + 0.5) / n)
    positive = np.arange(2 * n) >= n
    half, ideal = (single(np.concatenate([quantiles, quantiles + d]), positive) for d in (1.2, 2.4))
    found = estimate_efficiency(half, ideal)
    assert found.value == pytest.approx(0.25, abs=0.002)
    assert found.low < 0.25 < found.high
    assert detectability(float(norm.cdf(1.5 / np.sqrt(2)))) == pytest.approx(1.5)
    assert estimate_efficiency(ideal, ideal).value == pytest.approx(1)
