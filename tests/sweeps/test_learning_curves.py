"""Means over draws, their resamples and what failed fits do to them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm, t

from skiagram.evaluation.figure_table import FigureTable
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.variation import overlap_factor
from skiagram.sweeps.learning_curves import (
    ResampledModel,
    find_crossing,
    fit_learning_curve,
    split_spread,
)
from skiagram.sweeps.rows import expand_rows
from skiagram.sweeps.runs import TrainedRow, run_rows
from skiagram.tasks.cases import Cases
from tests.sweeps.small_phantom import SUBSET, make_sweep, run_curves, small_place

SIZES = np.array([50.0, 100, 200, 400])
REPLICATES = 4000


def model(point, noise=0.0, arm="deep"):
    """Return a model of (sizes, draws) AUC, whose resamples add (replicates,) noise to each."""
    resamples = point[:, :, None] + np.broadcast_to(noise, REPLICATES)
    areas = np.concatenate([point[:, :, None], resamples], axis=2)
    patient, influence = np.arange(100), np.linspace(-1e-3, 1e-3, 100)[None]
    figures = tuple(
        tuple(Linearised(np.array([area]), influence, patient) for area in row) for row in point
    )
    return ResampledModel(arm, arm, arm, areas, figures, ())


def drawn(generator, auc, of_class, draws):
    """Return a model at one size whose draws score the same patients, normal within a class."""
    positive, patient = np.arange(2 * of_class) < of_class, np.arange(2 * of_class)
    own = generator.normal(0, 0.3, size=(draws, len(patient)))
    scores = generator.normal(0, np.sqrt(1 - 0.3**2), len(patient)) + own
    scores[:, positive] += np.sqrt(2) * ndtri(auc)
    figures = tuple(auc_of_scores(row[None], positive, patient) for row in scores)
    areas = np.array([[[figure.value] * 2 for figure in figures]])
    return ResampledModel("a", "A", "deep", areas, (figures,), ())


def multipliers_of(draws):
    """Return what the deviations of draws are multiplied with in each resample."""
    return np.random.default_rng(0).normal(size=(REPLICATES, draws))


def rising(limit, draws, spread=0.0):
    """Return (sizes, draws) AUC; draws differ by up to ± spread."""
    return limit - 1.5 / np.sqrt(SIZES)[:, None] + np.linspace(-spread, spread, draws)


@pytest.mark.parametrize(("draws", "patients"), [(2, 0), (5, 0), (10, 0), (5, 0.01), (10, 0.03)])
def test_the_interval_of_a_mean_is_students_and_patients_widen_it(draws, patients):
    """With patients the quantile has Satterthwaite's degrees: those of draws are 33 % more."""
    noise = np.random.default_rng(0).normal(0, patients, REPLICATES)
    point = rising(0.9, draws, spread=0.02)
    resampled = model(point, noise).mean(multipliers_of(draws))[:, 1:]
    variance = point[0].var(ddof=1) / draws
    both = variance + patients**2
    longer = t.ppf(0.975, (draws - 1) * (both / variance) ** 2) / norm.ppf(0.975)
    np.testing.assert_allclose(resampled.std(axis=1), longer * np.sqrt(both), rtol=0.03)


def test_what_test_patients_make_of_the_draws_is_counted_once():
    generator, patients = np.random.default_rng(1), 400
    influence = generator.normal(size=(4, 10, patients))  # of other patients in each draw
    weights = generator.multinomial(patients, np.full(patients, 1 / patients), size=REPLICATES)
    means = influence.mean(axis=2, keepdims=True), influence @ weights.T / patients
    one = ResampledModel("a", "A", "deep", np.concatenate(means, axis=2), (), ())
    variance = one.mean(multipliers_of(10))[:, 1:].var(axis=1).mean()
    assert variance == pytest.approx(1 / (10 * patients), rel=0.35)  # counted twice: 100 % more


def test_draws_that_are_one_subset_in_another_order_still_have_an_interval():
    """As of all cases that there are: then draws differ by rounding alone."""
    patients = np.random.default_rng(0).normal(0.8, 0.02, size=(2, 1, 400))
    areas = np.repeat(np.concatenate([np.full((2, 1, 1), 0.8), patients], axis=2), 5, axis=1)
    areas[0, :, 0] += np.random.default_rng(1).normal(0, 0.05, size=5)
    areas[1, :, 0] += [0, 1e-16, -1e-16, 0, 2e-16]
    _, factor = split_spread(areas)
    assert np.isfinite(factor).all()
    assert (factor >= 1).all()


def test_a_failed_fit_leaves_the_mean_of_the_others_and_is_counted():
    point = rising(0.9, 5, spread=0.02)
    point[1, :2] = np.nan
    point[2, 1:] = np.nan
    curve, rows = fit_learning_curve(model(point), SIZES, multipliers_of(5), 800, None)
    figures = FigureTable(tuple(rows))
    assert [row.value for row in figures.select(figure="fits").rows] == [5, 3, 1, 5]
    _, of_three, alone, _ = figures.select(figure="roc_auc").rows
    assert of_three.value == pytest.approx(np.nanmean(point[1]))
    assert (alone.value, alone.low, alone.high) == (point[2, 0], None, None)
    assert curve.band is not None


@pytest.mark.parametrize(("limit", "ideal"), [(0.9, 1.0), (0.9, 0.5), (None, 0.9)])
def test_an_endless_distance_has_no_efficiency(limit, ideal):
    point = np.ones((4, 5)) if limit is None else rising(limit, 5, spread=0.02)
    _, rows = fit_learning_curve(model(point), SIZES, multipliers_of(5), 800, ideal)
    found = FigureTable(tuple(rows)).select(figure="efficiency").rows
    assert [row.value for row in found] == [None] * 4
    assert all("undefined" in row.reason for row in found)


def test_a_comparison_takes_the_draws_that_both_models_have():
    network, baseline = rising(0.95, 5, spread=0.02), rising(0.9, 5, spread=0.02)
    network[3, 0] = np.nan  # the worst draw: without it the network would look better yet
    multipliers = multipliers_of(5)
    found = find_crossing(model(network), model(baseline), SIZES, multipliers, 800)
    assert (found.compared, found.fits) == ((50, 100, 200, 400), (5, 5, 5, 4))
    assert found.difference.value == pytest.approx(0.05)
    assert (found.side, found.share) == ("above", 1.0)
    by_chance = replace(found.difference, p_holm=0.06)  # corrected over several contenders
    assert replace(found, difference=by_chance).side == "open"


def test_a_network_that_takes_off_late_is_denied_no_further_than_it_was_tried():
    late = model(np.array([0.6, 0.6, 0.61, 0.68])[:, None] + 0.001 * np.arange(5))
    baseline = model(rising(0.9, 5, spread=0.02))
    assert find_crossing(late, baseline, SIZES, multipliers_of(5), 800).side == "below"


def test_nothing_is_said_of_a_crossing_of_a_curve_that_falls():
    falling = model(np.array([0.9, 0.86, 0.8, 0.74])[:, None] + 0.001 * np.arange(5))
    found = find_crossing(
        falling, model(rising(0.9, 5, spread=0.02)), SIZES, multipliers_of(5), 800
    )
    assert (found.side, found.share, found.cases) == ("below", None, None)


def test_a_point_and_a_difference_have_the_interval_of_a_run_of_as_many_trainings():
    generator, all_draws = np.random.default_rng(6), np.ones(3, dtype=np.bool_)
    ours, theirs = (drawn(generator, auc, 40, 3) for auc in (0.9, 0.8))
    positive, patient = np.arange(80) < 40, np.arange(80)
    one, other = (
        replace(
            auc_of_scores(np.zeros((1, 80)), positive, patient),
            values=model.areas[0, :, 0],
            influence=np.concatenate([figure.influence for figure in model.figures[0]]),
        )
        for model in (ours, theirs)
    )
    found, beside = (model.over_draws(0, all_draws) for model in (ours, theirs))
    assert found.estimate() == one.estimate()
    assert (found - beside).estimate() == (one - other).estimate()


def test_under_cv_the_overlap_of_training_sets_widens_the_patients_part_alone():
    holdout = drawn(np.random.default_rng(7), 0.8, 40, 3)
    folded = tuple(replace(figure, folds=5) for figure in holdout.figures[0])
    cv = replace(holdout, figures=(folded,))
    all_draws = np.ones(3, dtype=np.bool_)
    apart, overlapping = (each.over_draws(0, all_draws).variation for each in (holdout, cv))
    assert overlapping.trainings == apart.trainings > 0
    widened = (overlapping.variance - apart.trainings) / (apart.variance - apart.trainings)
    assert widened == pytest.approx(overlap_factor(5, 1), rel=0.02)


BASELINES = ["logistic_regression", "decision_tree"]
CHOICES = {
    "restoration": "repair",
    "features": "wavelet",
    "baselines": BASELINES,
    "networks": ["small_cnn"],
    "folds": 2,
    "conf.plan.plan.final_fit": "early_stopping",
    "conf.trainer.default.accelerator": "cpu",
    "conf.evaluate.replicates": 100,
    SUBSET: {"cases": 24, "draw": 0},
}

SHORT = {f"conf.model.small_cnn.training.{name}": 3 for name in ("epochs", "patience")}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return small_place(tmp_path_factory.mktemp("crossover"), (28, 4, 20))


@pytest.fixture(scope="module")
def result(workspace):
    return run_curves(workspace, 24, 40, 64, 1000, **CHOICES | SHORT)


@pytest.mark.slow
def test_rows_that_the_data_lack_cases_for_fail_and_the_curves_go_on_without(result):
    reasons = [row.reason for row in result.rows if row.reason]
    assert len(reasons) == 2
    assert all("1000 of 64 cases to train on" in reason for reason in reasons)
    found = result.curves
    assert (found.least, found.most, found.reach) == (24, 64, 128)
    assert found.sizes == (24, 40, 64)
    assert {row.value for row in found.figures.select(figure="fits").rows} == {2}
    assert [curve.model for curve in found.curves][-1] == "best_classical"
    assert [crossing.difference.model for crossing in found.crossings] == ["small_cnn"]
    assert found.ideal is not None


@pytest.mark.slow
def test_a_point_is_the_auc_of_its_row_and_the_baseline_one_of_the_baselines(result):
    finished = [row for row in result.rows if not row.reason]
    areas = {}
    for curve in result.curves.curves:
        named = {"model": curve.model, "figure": "roc_auc"}
        areas[curve.model] = np.array([row.figures.find(**named).value for row in finished])
        points = [row.value for row in result.curves.figures.select(**named).rows]
        assert points == pytest.approx(areas[curve.model].reshape(3, 2).mean(axis=1))
    classical = np.array([areas[name] for name in BASELINES])
    assert (areas["best_classical"] == classical).any(axis=0).all()


@pytest.mark.slow
def test_under_cv_every_draw_scores_all_cases(workspace):
    base = CHOICES | {"design": "cv", "networks": [], "inner_folds": 2}
    found = run_curves(workspace, 24, **base).curves
    assert (found.cases, found.patients) == (104, 52)
    assert found.curves[0].band is None
    assert found.crossings == ()


@pytest.mark.slow
@pytest.mark.parametrize(("design", "cases"), [("holdout", [24, 24, 40]), ("cv", [104, 2 * 24, 0])])
def test_a_subset_limits_every_fit_of_models_and_combinations(workspace, design, cases):
    stacking = {"combinations": ["stacking"], "conf.combination.stacking.members": BASELINES}
    base = CHOICES | stacking | {"networks": [], "design": design, "inner_folds": 2}
    sweep = make_sweep(base=base, axes={"seed": [0]})
    trained = dict[int, TrainedRow]()
    (row,) = run_rows("try", sweep, expand_rows(sweep), workspace, trained_rows=trained)
    assert not row.reason
    one, *others = [
        [sorted(model.part(part)["case_id"]) for part in ("out_of_fold", "training", "test")]
        for model in trained[1].read()
    ]
    assert others == [one, one]
    assert [len(part) for part in one] == cases
    if design == "holdout":
        known = Cases.read(trained[1].prepared.data.cases / "cases.parquet")
        assert len(set(known.patient_id[np.isin(known.case_id, one[0])])) == 12  # two images each
