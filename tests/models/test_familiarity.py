"""A case like those in training is rarely called unlike them; one from elsewhere is."""

import numpy as np

from skiagram.fitting.deployment import Familiarity
from skiagram.records.feature_table import FeatureTable

NAMES = tuple(f"feature_{k}" for k in range(12))


def table(values):
    case_id = np.array([f"case-{row}" for row in range(len(values))])
    return FeatureTable(case_id, NAMES, values.astype(np.float32))


def drawn(seed, cases):
    """Draw correlated features of very different scales."""
    generator = np.random.default_rng(seed)
    mixed = generator.normal(size=(cases, 4)) @ np.random.default_rng(0).normal(size=(4, 12))
    noisy = mixed + 0.1 * generator.normal(size=(cases, 12))
    return noisy * 10.0 ** np.arange(-6, 6) + 5


def fitted(cases):
    patient = np.array([f"p{row // 2}" for row in range(cases)])
    return Familiarity.of(table(drawn(1, cases)), patient)


def test_one_case_in_a_hundred_like_those_in_training_is_called_unlike():
    known = fitted(1200)
    far = known.distances(table(drawn(2, 4000))) > known.limit
    assert 0.001 < far.mean() < 0.02


def test_a_case_off_the_usual_relation_of_features_is_unlike_though_each_is_usual():
    known = fitted(600)
    usual = drawn(3, 500)
    torn = usual.copy()
    torn[:, 0] = np.random.default_rng(4).permutation(torn[:, 0])
    assert (known.distances(table(torn)) > known.limit).mean() > 0.5
    assert known.most_unlike(table(usual + 20 * np.eye(12)[3] * usual.std(axis=0)))[0].startswith(
        "feature_3 10 deviations"
    )


def test_with_few_patients_nothing_is_claimed():
    few = np.array([f"p{row}" for row in range(4)])
    assert Familiarity.of(table(drawn(1, 4)), few) is None
    constant = np.ones((50, 12))
    assert Familiarity.of(table(constant), np.array([f"p{row}" for row in range(50)])) is None


def test_features_with_gaps_are_learned_and_an_empty_one_plays_no_part():
    values = drawn(1, 600)
    values[::3, 4] = np.nan
    values[:, 7] = np.nan
    patient = np.array([f"p{row // 2}" for row in range(600)])
    known = Familiarity.of(table(values), patient)
    assert "feature_7" not in known.names
    assert np.isfinite(known.distances(table(values))).all()
