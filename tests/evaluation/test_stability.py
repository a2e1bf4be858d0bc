"""Fold and seed spread against hand calculation and scikit-learn."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.figure_table import make_row
from skiagram.evaluation.results import STABILITY
from skiagram.evaluation.stability import (
    assess_feature_selection,
    flip_rate,
    fold_auc,
)
from skiagram.statistics.variation import corrected_mean, selection_stability
from tests.evaluation.scenario import evaluated, finished, scenario


def test_corrected_interval_by_hand():
    # J = 5, n₂/n₁ = 1/4, s² = .001: half-width t₄ √((.2 + .25) · .001)
    values = np.array([0.80, 0.82, 0.84, 0.86, 0.88])
    found = corrected_mean(values, 0.25, 0.0)
    half = t.ppf(0.975, 4) * np.sqrt(0.45 * 0.001)
    assert found.value == pytest.approx(0.84)
    assert (found.low, found.high) == pytest.approx((0.84 - half, 0.84 + half))
    assert half == pytest.approx(0.0589, abs=1e-4)


def test_fold_areas_equal_sklearn_repeat_after_repeat():
    known = scenario()
    model = finished(known, "forest", repeats=2)
    folds = fold_auc(model, known.opened().development)
    expected = [
        roc_auc_score(known.label_of(rows), rows["score_1"] - rows["score_0"])
        for _, rows in model.part("out_of_fold").groupby(["repeat", "fold"])
    ]
    assert_allclose(folds.held_out, expected)
    assert folds.ratio == pytest.approx(0.5)


def test_equals_the_share_of_disagreeing_pairs():
    named = np.random.default_rng(0).integers(3, size=(5, 40))
    pairs = list(combinations(named, 2))
    expected = np.mean([one != other for one, other in pairs], axis=0)
    assert_allclose(flip_rate(named), expected)


NAMES = ("a", "b", "c", "d")


def chosen(fits):
    """Return the table of fits that kept the features named by letters."""
    rows = [(fit, name, name in letters) for fit, letters in fits.items() for name in NAMES]
    return pd.DataFrame(rows, columns=["fit", "feature", "chosen"])


HOLDOUT = {"repeat0-fold0": "ab", "repeat0-fold1": "ac", "repeat1-fold0": "ab"}
NESTED = {"repeat0-outer0-final": "ab", "repeat0-outer1-final": "ac", "repeat1-outer0-final": "ab"}


@pytest.mark.parametrize("fits", [HOLDOUT, NESTED])
def test_the_fits_that_scored_the_folds_are_compared(fits):
    others = {"repeat0-final": "d", "repeat0-outer0-fold0": "cd"}
    found = assess_feature_selection(chosen(fits | others))
    values = {each[:2]: make_row(each[2], "stability", each[0]).value for each in found}
    marks = np.array([[name in kept for name in NAMES] for kept in ("ab", "ac", "ab")])
    assert values == {
        ("selection_agreement", ""): pytest.approx(selection_stability(marks).value),
        ("choosing_fits", ""): 3,
        ("features_to_choose_from", ""): 4,
        ("features_kept", ""): 2,
        ("chosen_by", "a"): 1,
        ("chosen_by", "b"): pytest.approx(2 / 3),
        ("chosen_by", "c"): pytest.approx(1 / 3),
    }


@pytest.mark.parametrize("fits", [{}, {"repeat0-outer0-fold0": "cd"}])
def test_nothing_is_told_where_no_fit_of_a_fold_chose(fits):
    assert not [*assess_feature_selection(chosen(fits))]


@pytest.mark.slow
def test_a_run_tells_of_trainings_where_there_are_several_and_of_features_that_are_chosen():
    known = scenario()
    often = finished(known, "often", repeats=3)
    models = [finished(known, "once"), replace(often, selection=chosen(HOLDOUT))]
    found = evaluated(known, models)
    plain, choosing = (one.figures.select(analysis=STABILITY) for one in found.models)
    for figure in ("flips", "seed_auc_sd", "selection_agreement"):
        assert plain.get(figure=figure) is None
    assert [len(one.fold_auc) for one in found.models] == [3, 9]
    spread = np.std(found.models[1].by_repeat, ddof=1)
    assert choosing.find(figure="seed_auc_sd").value == pytest.approx(spread)
    test = [rows for _, rows in often.part("test").groupby("repeat")]
    called = [(rows["probability_1"] > 0.5).to_numpy(dtype=bool) for rows in test]
    named = np.stack(called).astype(np.int64)
    assert choosing.find(figure="flips").value == pytest.approx(flip_rate(named).mean())
    for figure, group, value in assess_feature_selection(chosen(HOLDOUT)):
        assert choosing.find(figure=figure, group=group).value == make_row(value, "", figure).value


def fleiss_kappa(selected):
    """Selections as raters who put each feature into one of two categories (Fleiss 1971)."""
    raters = len(selected)
    counts = np.stack([selected.sum(axis=0), (~selected).sum(axis=0)], axis=1)
    agreement = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return float((agreement.mean() - chance) / (1 - chance))


def drawn_selection(rng, rounds):
    """Features chosen by independent draws: 10 often, 20 seldom."""
    return rng.random((rounds, 30)) < np.repeat([0.8, 0.15], [10, 20])


@pytest.mark.parametrize("seed", range(5))
def test_equals_fleiss_kappa_and_has_no_interval_where_no_feature_is_shared(seed):
    selected = drawn_selection(np.random.default_rng(seed), 6)
    assert selection_stability(selected).value == pytest.approx(fleiss_kappa(selected))
    apart = np.eye(seed + 2, 112, dtype=bool)
    found = selection_stability(apart)
    assert found.value == pytest.approx(fleiss_kappa(apart))
    assert (found.low, found.high) == (None, None)
    assert "no interval" in found.method
