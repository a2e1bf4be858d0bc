"""What a grade refuses, tells, calibrates, and how far its figures hold."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.evaluation_record import SIMPLE_BASELINES, VERSUS_CHANCE
from skiagram.evaluation.results import METRICS
from skiagram.report.sections.outcome_plots import draw_plot
from skiagram.tasks.grade import Grade
from tests.models.classical.families import model
from tests.tasks.cohort import GRADE, evaluated, make_grades, scored, train_all


def test_another_cohort_may_lack_a_grade_and_call_them_otherwise():
    _, task = make_grades()
    outcome = task.predicted
    theirs = outcome.of_cohort(Grade(column="other", grades=("1", "2", "3")))
    assert (theirs.column, theirs.grades) == ("other", GRADE.grades)
    assert theirs.settle(np.ones(5), np.zeros(5, dtype=np.int64)) == theirs


def test_patients_with_most_of_the_cases_and_rare_grades_are_told():
    label, places = np.arange(180) % 3, np.ones(180)
    assert GRADE.doubts(places, label, np.arange(180)) == ()
    few = np.maximum(np.arange(180), 40)  # the first one has 41 cases
    (unequal,) = GRADE.doubts(places, label, few)
    assert "140 patients carry the information of about 18 with" in unequal
    assert "equal models are then told apart in up to 6 %" in unequal
    rarely = np.where(np.arange(180) < 10, 0, label % 2 + 1)
    (rare,) = GRADE.doubts(places, rarely, np.arange(180))
    assert "10 of clear" in rare


def test_told_grades_have_the_shares_of_the_true_ones_and_chances_sum_to_one():
    generator = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], (10, 60, 30))
    score = (label + generator.normal(size=100))[:, None]
    calibration = GRADE.calibrate(score, label + 1.0, label, np.arange(len(label)))
    predicted = calibration.probabilities(score)
    assert np.bincount(predicted[:, 0].astype(int), minlength=4).tolist() == [0, 10, 60, 30]
    assert predicted[:, 1:].sum(axis=1) == pytest.approx(1)

    higher = calibration.probabilities(np.array([[-9.0], [0.0], [9.0]]))
    assert (np.diff(higher[:, 3]) > 0).all()


def test_equal_scores_are_told_the_median_grade_and_the_shares():
    label = np.repeat([0, 1, 2], (10, 20, 70))
    predicted = scored(GRADE, np.full(100, 2.5), label + 1.0, label).estimate[0]
    assert (predicted[:, 0] == 3).all()
    assert predicted[0, 1:] == pytest.approx([0.1, 0.2, 0.7], abs=0.01)


def test_the_area_is_the_mean_of_those_at_the_cut_offs():
    generator = np.random.default_rng(1)
    label = np.repeat([0, 1, 2], (30, 40, 30))
    score = label + generator.normal(0, 1, size=100)
    cases = scored(GRADE, score, label + 1.0, label)
    measured = {each.name: each.figure for each in GRADE.measure(cases)}
    areas = [roc_auc_score(label > cut, score) for cut in (0, 1)]
    assert measured["auc"].value == pytest.approx(np.mean(areas), abs=1e-12)
    assert measured["ranked_probability_gain"].estimate().low > 0
    grades, calibration = GRADE.plot(cases)
    assert [row[-1] for row in grades.rows] == ["30", "40", "30"]
    assert len(calibration.rows) == 2
    assert all(f">{grade}<" in draw_plot(grades, "forest").svg for grade in GRADE.grades)
    some = cases.select(label > 0)  # no case of the lowest grade
    measured = {each.name: each.figure for each in GRADE.measure(some)}
    assert measured["auc"].value == pytest.approx(
        roc_auc_score(label[label > 0] > 1, score[label > 0])
    )


def test_what_tells_the_grade_beats_the_median_by_the_margin(tmp_path):
    names = ("logistic_regression", "null_model")
    inputs = train_all(tmp_path, make_grades(), {name: model(name) for name in names})
    evaluation = evaluated(inputs, "null_model")
    gap = evaluation.figures.find(
        analysis=SIMPLE_BASELINES, model="classical", versus=VERSUS_CHANCE
    )
    assert gap.low > 0.5
    assert not evaluation.figures.select(analysis=SIMPLE_BASELINES, versus="null_model").rows
    assert "beats chance" in evaluation.verdict
    of_baseline = evaluation.table.select(analysis=METRICS, model="null_model").rows
    figures = {row.figure: row.value for row in of_baseline}
    assert figures["quadratic_kappa"] == pytest.approx(0, abs=0.05)
