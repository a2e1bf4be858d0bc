"""No fit is told the label of a case it scores for the record, in either design."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import ModelFailure
from skiagram.fitting.cross_validation import CrossValidator
from skiagram.records.predictions import FINAL, scores_of
from skiagram.splits import grouped_folds
from tests.models.examples import PLAN, CountingSpy, Spy, StoppingSpy, labelled

CASES = labelled()
MARKED = np.isin(CASES.patient_id, ["p0", "p1", "p2", "p3"])
TEST = replace(labelled(patients=6).inputs, case_id=np.array([f"t{at}" for at in range(12)]))


def by_holdout(spy, marked=MARKED, plan=PLAN):
    seen = [(CASES, TEST)] * plan.repeats
    repeats = CrossValidator(spy, plan, 1).holdout(seen, marked, TEST.case_id)
    return [repeat.scores for repeat in repeats]


def by_cv(spy, cases=CASES, plan=PLAN):
    validator = CrossValidator(spy, plan, 1 if cases.n_classes == 2 else None)
    return [repeat.scores for repeat in validator.cross_validate([cases] * plan.repeats)]


def by_seed(one, other):
    """Return the same fits of two models; the final ones of some wait for their folds."""
    others = {seen.seed: seen for seen in other.fits}
    return [(seen, others[seen.seed]) for seen in one.fits]


def part(tables, name):
    return [rows for rows in tables if (rows["part"] == name).all()]


def fold_of(rows):
    (fold,) = rows["fold"].unique()
    return int(fold)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Spy, StoppingSpy, CountingSpy])
@pytest.mark.parametrize("design", [by_holdout, by_cv])
def test_no_patient_stands_among_the_cases_of_a_fit_and_those_it_scores_blind(design, kind):
    spy = kind()
    rows = design(spy)
    patient = dict(zip(CASES.case_id.tolist(), CASES.patient_id.tolist(), strict=True))
    blind = [(seen, scored) for seen, scored in spy.scored if not scored <= seen.cases()]
    for seen, scored in blind:
        known = {patient[case] for case in seen.cases()}
        assert not known & {patient.get(case, case) for case in scored}
    recorded = [one for repeat in rows for one in repeat]
    assert len(spy.scored) == len(recorded)
    assert len(blind) == len(recorded) - len(part(recorded, "training"))
    for seen in spy.fits:
        held = set() if seen.validation is None else set(seen.validation.patient_id)
        assert not held & set(seen.training.patient_id)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Spy, CountingSpy])
def test_labels_of_a_held_out_outer_fold_do_not_move_its_scores(kind, monkeypatch):
    """Outer folds are drawn from the true labels, however these are changed for the fits."""
    outer = PLAN.make_folds(CASES.label, CASES.patient_id, PLAN.folds, "repeat0")
    monkeypatch.setattr(CrossValidator, "_outer_folds", lambda *_: outer)
    plan = replace(PLAN, repeats=1)
    (before,) = by_cv(kind(), CASES, plan)
    for k, fold in enumerate(outer):
        label = CASES.label.copy()
        label[fold.held_out] = 1 - label[fold.held_out]
        (after,) = by_cv(kind(), replace(CASES, label=label), plan)
        for j, (was, now) in enumerate(
            zip(part(before, "out_of_fold"), part(after, "out_of_fold"), strict=True)
        ):
            assert np.array_equal(scores_of(was), scores_of(now)) == (j == k)
            if j == k:
                pd.testing.assert_frame_equal(was, now, check_exact=True)


def test_holdout_scores_every_case_blind_once_a_repeat():
    for rows in by_holdout(Spy()):
        held_out = pd.concat(part(rows, "out_of_fold"))
        assert sorted(held_out["case_id"]) == CASES.case_id.tolist()
        (test,) = part(rows, "test")
        assert test["case_id"].tolist() == TEST.case_id.tolist()
        assert fold_of(test) == FINAL
        assert test["threshold"].notna().all()
        assert held_out["threshold"].isna().all()


@pytest.mark.slow
def test_cv_scores_every_case_blind_once_a_repeat_and_never_inside_its_own_fold():
    for rows in by_cv(Spy()):
        held_out = part(rows, "out_of_fold")
        assert sorted(pd.concat(held_out)["case_id"]) == CASES.case_id.tolist()
        for one in held_out:
            inner = [row for row in part(rows, "inner") if fold_of(row) == fold_of(one)]
            assert sorted(pd.concat([*inner, one])["case_id"]) == CASES.case_id.tolist()
            assert one["threshold"].notna().all()


@pytest.mark.slow
@pytest.mark.parametrize(("run", "design"), [(by_holdout, "holdout"), (by_cv, "cv")])
def test_folds_are_checked_as_they_will_be_made(run, design, monkeypatch):
    made = []

    def note(label, patient_id, *how):
        made.append((tuple(label), tuple(patient_id), *how))
        return grouped_folds(label, patient_id, *how)

    monkeypatch.setattr("skiagram.fitting.cross_validation.grouped_folds", note)
    spy = Spy()
    run(spy)
    trained = sorted(map(repr, made))
    made.clear()
    PLAN.check_folds(design, CASES.label, CASES.patient_id)
    assert sorted(map(repr, made)) == trained
    assert PLAN.count_fits(design) == len(spy.fits) == (8 if design == "holdout" else 20)
    assert len({seen.seed for seen in spy.fits}) == len(spy.fits)


@pytest.mark.parametrize(("run", "design"), [(by_holdout, "holdout"), (by_cv, "cv")])
def test_images_of_all_fits_are_known_before_any_is_made(run, design):
    spy = CountingSpy()
    run(spy)
    seen = [(len(fit.training), len(fit.validation or ())) for fit in spy.fits]
    assert PLAN.count_images(design, len(CASES)) == pytest.approx(np.sum(seen, axis=0), rel=0.1)


def test_the_final_fit_stops_on_the_published_validation_part():
    spy = StoppingSpy()
    by_holdout(spy)
    for seen in spy.fits[-2:]:
        assert seen.validation.case_id.tolist() == CASES.case_id[MARKED].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("design", "chosen"), [(by_holdout, [2, 5]), (by_cv, [4, 10, 2, 4, 6, 8])])
def test_a_final_fit_learns_from_all_cases_for_the_epochs_that_its_folds_chose(design, chosen):
    """Folds of the spy stop after 1, 2, 3 epochs; under `cv` inner ones after 1, 2 and 3, 4.

    Under `cv` the fits on all cases, for the median, come first.
    """
    spy, plain = CountingSpy(), Spy()
    for one in (spy, plain):
        design(one)
    pairs = by_seed(spy, plain)
    whole = [seen for seen, _ in pairs if seen.validation is None]
    assert [seen.epochs for seen in whole][: len(chosen)] == chosen
    assert all(seen.epochs is None for seen, _ in pairs if seen.validation is not None)
    assert all(one.cases() == other.cases() for one, other in pairs)
    assert len(whole) == (2 if design is by_holdout else 2 * (PLAN.folds + 1))


@pytest.mark.parametrize("marked", [MARKED, np.zeros_like(MARKED)])
def test_early_stopping_of_the_final_fit_can_be_chosen(marked):
    spy = CountingSpy()
    by_holdout(spy, marked, replace(PLAN, final_fit="early_stopping"))
    assert all(seen.validation is not None and seen.epochs is None for seen in spy.fits)


def test_without_a_published_part_the_final_fit_sets_patients_aside_by_class():
    spy = StoppingSpy()
    by_holdout(spy, np.zeros_like(MARKED))
    seen = spy.fits[-1]
    assert seen.cases() == set(CASES.case_id)
    assert len(seen.validation) == pytest.approx(len(CASES) / 4, abs=2)
    assert set(seen.validation.label) == {0, 1}


@pytest.mark.slow
def test_folds_belong_to_the_plan_so_models_can_be_paired():
    first, second = by_holdout(Spy())[1], by_holdout(StoppingSpy())[1]
    for one, other in zip(first, second, strict=True):
        assert one["case_id"].tolist() == other["case_id"].tolist()
    repeats = by_holdout(Spy())
    assert repeats[0][0]["case_id"].tolist() != repeats[1][0]["case_id"].tolist()


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(ModelFailure, match="cases are not finite"):
        by_holdout(Spy(infinite=True))


def test_too_few_patients_to_stop_early_on_fail_the_model_that_asks_for_them_alone():
    """With two folds of two such patients, a fit has a single one."""
    few = np.isin(CASES.patient_id, ["p1", "p3"]) | (CASES.label == 0)
    cases = CASES.select(np.flatnonzero(few))
    folds = PLAN.make_folds(cases.label, cases.patient_id, 2, "two")
    training = cases.select(folds[0].training)
    CrossValidator(Spy(), PLAN, positive=1).fit(training, "fold0")
    with pytest.raises(ModelFailure, match=r"early stopping: .* class 1.* folds: 1"):
        CrossValidator(StoppingSpy(), PLAN, positive=1).fit(training, "fold0")
