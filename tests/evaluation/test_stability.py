"""Fold and seed spread against hand calculation and scikit-learn."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.scores import align_scores
from skiagram.evaluation.stability import (
    assess_feature_selection,
    assess_stability,
    flip_rate,
    fold_auc,
    inner_auc,
    split_variance,
)
from skiagram.statistics.delong import placements
from skiagram.statistics.variation import corrected_mean, selection_stability
from tests.evaluation.scenario import Scenario, evaluated, finished, reference, scenario


def of_development(known: Scenario) -> LabelledCases:
    return reference(known.label[known.cases.split != "test"])


def test_corrected_interval_by_hand() -> None:
    # J = 5, n₂/n₁ = 1/4, s² = .001: half-width t₄ √((.2 + .25) · .001)
    values = np.array([0.80, 0.82, 0.84, 0.86, 0.88])
    found = corrected_mean(values, 0.25, 0.0, 1.0)
    half = t.ppf(0.975, 4) * np.sqrt(0.45 * 0.001)
    assert found.value == pytest.approx(0.84)
    assert (found.low, found.high) == pytest.approx((0.84 - half, 0.84 + half))
    assert half == pytest.approx(0.0589, abs=1e-4)


def test_interval_stays_within_what_an_area_can_be() -> None:
    found = corrected_mean(np.array([0.5, 1.0]), 0.5, 0.0, 1.0)
    assert (found.low, found.high) == (0.0, 1.0)


def test_one_fold_or_none_gives_no_interval() -> None:
    one = corrected_mean(np.array([0.7]), 0.5, 0.0, 1.0)
    assert (one.value, one.low, one.high) == (0.7, None, None)
    none = corrected_mean(np.empty(0), 0.5, 0.0, 1.0)
    assert none.value is None
    assert none.reason


def test_fold_areas_equal_sklearn_repeat_after_repeat() -> None:
    known = scenario()
    model = finished(known, "forest", repeats=2)
    folds = fold_auc(model.predictions, of_development(known))
    label = dict(zip(known.cases.case_id.tolist(), known.label.tolist(), strict=True))
    held_out = model.predictions.part("out_of_fold").table
    expected = [
        roc_auc_score([label[case] for case in rows["case_id"]], rows["score_1"] - rows["score_0"])
        for _, rows in held_out.groupby(["repeat", "fold"])
    ]
    np.testing.assert_allclose(folds.held_out, expected)
    assert folds.ratio == pytest.approx(0.5)


def test_a_model_that_memorises_shows_a_gap() -> None:
    known = scenario()
    model = finished(known, "tree", strength=0.5)
    table = model.predictions.table
    label = dict(zip(known.cases.case_id.tolist(), known.label.tolist(), strict=True))
    seen = (table["part"] == "training").to_numpy()
    table.loc[seen, "score_1"] = table.loc[seen, "case_id"].map(label).astype(float) * 9
    table.loc[seen, "score_0"] = 0.0
    cases = of_development(known)
    scores = align_scores(model, "out_of_fold", cases, pooled=True)
    found = assess_stability(fold_auc(model.predictions, cases), scores, cases)
    assert found.training_gap.value == pytest.approx(1 - np.mean(found.fold_auc))
    assert (found.training_gap.value or 0) > 0.2


def test_seeds_are_spread_apart_from_folds() -> None:
    known = scenario()
    cases = of_development(known)
    for repeats in (1, 4):
        model = finished(known, "net", repeats=repeats)
        scores = align_scores(model, "out_of_fold", cases, pooled=True)
        found = assess_stability(fold_auc(model.predictions, cases), scores, cases)
        assert len(found.seed_auc) == repeats
        assert len(found.fold_auc) == 3 * repeats
        expected = None if repeats == 1 else np.std(found.seed_auc, ddof=1)
        assert found.seed_sd == (None if expected is None else pytest.approx(expected))


def test_inner_selection_ranks_by_probability() -> None:
    known = scenario()
    model = finished(known, "net")
    model.predictions.table["score_1"] = 0.0  # inner scores of several fits share no scale
    found = inner_auc(model.predictions, of_development(known))
    assert found.value is not None
    assert found.value > 0.8
    assert found.low is None


def test_inner_scores_of_one_class_give_a_reason() -> None:
    known = scenario()
    model = finished(known, "net")
    alone = reference(np.zeros(120, dtype=np.int64))
    assert inner_auc(model.predictions, alone).reason == "no inner fold has scores of every class"


def test_equals_the_share_of_disagreeing_pairs() -> None:
    named = np.random.default_rng(0).integers(3, size=(5, 40))
    pairs = list(combinations(named, 2))
    expected = np.mean([one != other for one, other in pairs], axis=0)
    np.testing.assert_allclose(flip_rate(named), expected)


def test_a_run_reports_them_with_several_repeats_only() -> None:
    known = scenario()
    models = [finished(known, "once"), finished(known, "often", repeats=3)]
    found = evaluated(known, models)
    once, often = (one.stability for one in found.models)
    assert once is not None
    assert often is not None
    assert (once.flips, once.variance) == (None, None)
    test = [rows for _, rows in models[1].predictions.part("test").table.groupby("repeat")]
    called = [(rows["probability_1"] > 0.5).to_numpy(dtype=bool) for rows in test]
    named = np.stack(called).astype(np.int64)
    assert often.flips is not None
    assert often.flips.value == pytest.approx(flip_rate(named).mean())
    assert often.variance is not None
    assert often.variance.both > 0


POSITIVE = np.arange(120) < 50
PATIENT = np.arange(120)


def drawn(rng: np.random.Generator, repeats: int, noise: float) -> NDArray[np.float64]:
    """Scores of patients by fits whose strength varies with the seed; `noise` is of both."""
    strength = 1.2 + 0.3 * rng.normal(size=(repeats, 1))
    shared = rng.normal(size=120)
    own = noise * rng.normal(size=(repeats, 120))
    return strength * POSITIVE + shared + own


@pytest.mark.slow
def test_components_add_up_to_the_spread_of_single_fits() -> None:
    rng = np.random.default_rng(0)
    splits = [split_variance(drawn(rng, 5, 0.7), POSITIVE, PATIENT) for _ in range(150)]
    parts = np.mean([[one.patients, one.seed, one.both] for one in splits if one], axis=0)
    single = [placements(drawn(rng, 1, 0.7), POSITIVE, PATIENT).mean for _ in range(1500)]
    assert parts.sum() == pytest.approx(np.var(single), rel=0.15)
    assert (parts > 1e-4).all()


def test_what_a_seed_moves_is_not_laid_on_the_patients() -> None:
    rng = np.random.default_rng(1)
    many, one = drawn(rng, 100, 0.0), drawn(rng, 1, 0.0)
    found = split_variance(many, POSITIVE, PATIENT)
    assert found is not None
    areas = [placements(row[None], POSITIVE, PATIENT).mean for row in many]
    assert found.seed + found.both == pytest.approx(np.var(areas, ddof=1))
    assert found.patients == pytest.approx(placements(one, POSITIVE, PATIENT).variance(), rel=0.7)


def test_equal_repeats_leave_the_patients_alone() -> None:
    score = drawn(np.random.default_rng(2), 1, 0.5)
    found = split_variance(np.repeat(score, 4, axis=0), POSITIVE, PATIENT)
    assert found is not None
    assert found.patients == pytest.approx(placements(score, POSITIVE, PATIENT).variance())
    assert (found.seed, found.both) == pytest.approx((0, 0), abs=1e-15)


def test_a_single_repeat_cannot_be_split() -> None:
    assert split_variance(np.zeros((1, 120)), POSITIVE, PATIENT) is None


NAMES = ("a", "b", "c", "d")


def chosen(fits: dict[str, str]) -> pd.DataFrame:
    """Return the table of fits that kept the features named by letters."""
    rows = [(fit, name, name in letters) for fit, letters in fits.items() for name in NAMES]
    return pd.DataFrame(rows, columns=["fit", "feature", "chosen"])


HOLDOUT = {"repeat0-fold0": "ab", "repeat0-fold1": "ac", "repeat1-fold0": "ab"}
NESTED = {"repeat0-outer0-final": "ab", "repeat0-outer1-final": "ac", "repeat1-outer0-final": "ab"}


@pytest.mark.parametrize("fits", [HOLDOUT, NESTED])
def test_the_fits_that_scored_the_folds_are_compared(fits: dict[str, str]) -> None:
    others = {"repeat0-final": "d", "repeat0-outer0-fold0": "cd"}
    found = assess_feature_selection(chosen(fits | others))
    assert found is not None
    marks = np.array([[name in kept for name in NAMES] for kept in ("ab", "ac", "ab")])
    assert found.agreement.value == pytest.approx(selection_stability(marks).value)
    assert (found.fits, found.features, found.kept) == (3, 4, 2.0)
    named = [(one.feature, one.share) for one in found.most_chosen]
    assert named == [("a", 1.0), ("b", pytest.approx(2 / 3)), ("c", pytest.approx(1 / 3))]


def test_the_same_choice_every_time_agrees_fully_and_any_order_of_rows_alike() -> None:
    table = chosen(dict.fromkeys(HOLDOUT, "bc"))
    found = assess_feature_selection(table)
    assert found is not None
    assert found.agreement.value == pytest.approx(1)
    assert assess_feature_selection(table.sample(frac=1, random_state=0)) == found


def test_a_fit_that_kept_nothing_counts() -> None:
    found = assess_feature_selection(chosen(HOLDOUT | {"repeat1-fold1": ""}))
    assert found is not None
    assert found.fits == 4
    assert found.kept == 1.5


def test_the_evaluation_has_it_for_models_that_choose_alone() -> None:
    known = scenario()
    models = [
        replace(finished(known, "single"), selection=chosen(HOLDOUT)),
        finished(known, "forest"),
    ]
    found = evaluated(known, models)
    choosing, whole = (one.stability for one in found.models)
    assert choosing is not None
    assert choosing.selection == assess_feature_selection(chosen(HOLDOUT))
    assert whole is not None
    assert whole.selection is None


def fleiss_kappa(selected: NDArray[np.bool_]) -> float:
    """Selections as raters who put each feature into one of two categories (Fleiss 1971)."""
    raters = len(selected)
    counts = np.stack([selected.sum(axis=0), (~selected).sum(axis=0)], axis=1)
    agreement = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return float((agreement.mean() - chance) / (1 - chance))


def drawn_selection(rng: np.random.Generator, rounds: int) -> NDArray[np.bool_]:
    """Features chosen by independent draws: 10 often, 20 seldom."""
    return rng.random((rounds, 30)) < np.repeat([0.8, 0.15], [10, 20])


@pytest.mark.parametrize("seed", range(5))
def test_equals_fleiss_kappa(seed: int) -> None:
    selected = drawn_selection(np.random.default_rng(seed), 6)
    assert selection_stability(selected).value == pytest.approx(fleiss_kappa(selected))


def test_same_choice_is_one_and_chance_is_none() -> None:
    same = np.tile(np.arange(20) < 5, (4, 1))
    found = selection_stability(same)
    assert (found.value, found.low, found.high) == (1, None, None)
    assert found.method == "no interval: every selection is the same"
    rng = np.random.default_rng(0)
    random = np.stack([rng.permutation(20) < 5 for _ in range(200)])
    assert selection_stability(random).value == pytest.approx(0, abs=0.01)


def test_interval_covers_the_stability_of_endless_draws() -> None:
    rng = np.random.default_rng(1)
    true = selection_stability(drawn_selection(rng, 20_000)).value or 0
    found = [selection_stability(drawn_selection(rng, 50)) for _ in range(400)]
    covered = [(one.low or 0) <= true <= (one.high or 0) for one in found]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_what_has_no_stability_says_why() -> None:
    assert selection_stability(np.zeros((3, 4), dtype=bool)).reason
    assert selection_stability(np.ones((1, 4), dtype=bool)).reason == "a single selection"
