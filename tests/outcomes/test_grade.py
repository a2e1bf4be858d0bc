"""What a grade refuses, tells, calibrates, and how far its figures hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skiagram.calibration import average_calibrations
from skiagram.errors import DataError, OptionError
from skiagram.evaluation.evaluation_record import DIFFERENCES, FIGURES
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.measured import evaluate_measured
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS
from skiagram.features.table import FeatureTable
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.contract import FitContext, Labelled
from skiagram.outcomes.grade import Grade
from skiagram.outcomes.outcome import ScoredCases
from skiagram.records.cases import Cases, DataCard, MeasuredTask
from skiagram.records.predictions import Predictions
from skiagram.sealing.ledger import Comparison
from tests.models.classical.families import model
from tests.models.examples import PLAN
from tests.outcomes.cohort import make_features

GRADE = Grade(column="place", grades=("clear", "some", "dense"))
MODELS = ("grade_logistic", "grade_elastic_net", "grade_forest", "grade_median")


def make_cases(patients: int = 90) -> tuple[Cases, MeasuredTask]:
    """Return cases whose grade one column of `make_features` tells."""
    features = make_features(patients)
    signal = features.columns(["signal"]).values[:, 0].astype(np.float64)  # noqa: PD011
    latent = signal + np.random.default_rng(2).normal(0, 0.5, size=patients)
    label = np.digitize(latent, [-0.6, 0.6]).astype(np.int64)
    outcome = GRADE.settle(place_of(label), label)
    patient = np.array([f"patient-{number:06d}" for number in range(patients)])
    task = MeasuredTask(outcome.classes, None, "cv", outcome)
    split = np.full(patients, "train")
    return Cases(features.case_id, patient, split, label, place_of(label)), task


def place_of(label: NDArray[np.int64]) -> NDArray[np.float64]:
    return (label + 1).astype(np.float64)


def scored(label: NDArray[np.int64], score: NDArray[np.float64]) -> ScoredCases:
    """Return cases of a patient each, calibrated on themselves."""
    value, fit = place_of(label), np.zeros((1, len(label)), dtype=np.int64)
    estimate = GRADE.calibrate(score[:, None], value, label).probabilities(score[:, None])
    return ScoredCases(label, value, np.arange(len(label)), score[None], estimate[None], fit)


def test_a_rare_grade_and_a_place_of_another_grade_are_refused() -> None:
    label = np.repeat([0, 1, 2], (40, 40, 4))
    with pytest.raises(DataError, match="4 cases of the grade dense") as refused:
        GRADE.settle(place_of(label), label)
    assert "join it with the grade beside it" in str(refused.value)
    with pytest.raises(DataError, match="line 7"):
        GRADE.check(3.0, 1, "line 7")
    GRADE.check(2.0, 1, "line 7")


def test_another_cohort_may_lack_a_grade_and_call_them_otherwise() -> None:
    _, task = make_cases()
    outcome = task.outcome
    assert isinstance(outcome, Grade)
    theirs = outcome.of_cohort(Grade(column="other", grades=("1", "2", "3")))
    assert (theirs.column, theirs.grades) == ("other", GRADE.grades)
    assert theirs.settle(np.ones(5), np.zeros(5, dtype=np.int64)) == theirs
    with pytest.raises(OptionError, match="a word for each of clear, some, dense"):
        outcome.of_cohort(Grade(column="other", grades=("1", "2", "3", "4")))


def test_patients_with_most_of_the_cases_and_rare_grades_are_told() -> None:
    label = np.arange(180) % 3
    assert GRADE.doubts(label, np.arange(180)) == ()
    (unequal,) = GRADE.doubts(label, np.maximum(np.arange(180), 40))  # the first one has 41 cases
    assert "140 patients count like 18 with equally many" in unequal
    assert "equal models are then told apart in up to 6 %" in unequal
    (rare,) = GRADE.doubts(np.where(np.arange(180) < 10, 0, label % 2 + 1), np.arange(180))
    assert "10 of clear" in rare


def test_told_grades_have_the_shares_of_the_true_ones_and_chances_sum_to_one() -> None:
    generator = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], (10, 60, 30))
    score = (label + generator.normal(size=100))[:, None]
    calibration = GRADE.calibrate(score, place_of(label), label)
    predicted = calibration.probabilities(score)
    assert np.bincount(predicted[:, 0].astype(int), minlength=4).tolist() == [0, 10, 60, 30]
    assert predicted[:, 1:].sum(axis=1) == pytest.approx(1)
    assert predicted.shape[1] == calibration.columns == len(GRADE.estimates)
    higher = calibration.probabilities(np.array([[-9.0], [0.0], [9.0]]))
    assert (np.diff(higher[:, 3]) > 0).all()
    assert average_calibrations([calibration, calibration]) == calibration


def test_equal_scores_are_told_the_median_grade_and_the_shares() -> None:
    label = np.repeat([0, 1, 2], (10, 20, 70))
    score = np.full((100, 1), 2.5)
    predicted = GRADE.calibrate(score, place_of(label), label).probabilities(score)
    assert (predicted[:, 0] == 3).all()
    assert predicted[0, 1:] == pytest.approx([0.1, 0.2, 0.7], abs=0.01)


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_scores_as_the_fitted_one(name: str, tmp_path: Path) -> None:
    cases, task = make_cases()
    ids = (cases.case_id, cases.label, cases.patient_id)
    known: Labelled[FeatureTable] = Labelled(
        make_features(), *ids, len(task.classes), None, task.outcome, cases.value
    )
    regression = model(name)
    fitted = regression.fit(known, FitContext(seed=0))
    fitted.save(tmp_path)
    scores = fitted.scores(known.inputs)
    assert scores.shape == (90, 1)
    assert (regression.load(tmp_path).scores(known.inputs) == scores).all()
    predicted = task.outcome.calibrate(scores, *known.truth).probabilities(scores)[:, 0]
    assert ((predicted == cases.value).mean() > 0.6) == (name != "grade_median")


def test_the_area_is_the_mean_of_those_at_the_cut_offs() -> None:
    generator = np.random.default_rng(1)
    label = np.repeat([0, 1, 2], (30, 40, 30))
    score = label + generator.normal(0, 1, size=100)
    measured = {each.name: each.figure for each in GRADE.measure(scored(label, score))}
    areas = [roc_auc_score(label > cut, score) for cut in (0, 1)]
    assert measured["auc"].value == pytest.approx(np.mean(areas), abs=1e-12)
    assert measured["ranked_probability_gain"].estimate().low > 0
    grades, calibration = GRADE.plot(scored(label, score))
    assert [row[-1] for row in grades.rows] == ["30", "40", "30"]
    assert len(calibration.rows) == 2
    some = scored(label, score).select(label > 0)  # no case of the lowest grade
    assert {each.name: each.figure for each in GRADE.measure(some)}["auc"].value == pytest.approx(
        roc_auc_score(label[label > 0] > 1, score[label > 0])
    )


def test_what_tells_the_grade_beats_the_median_by_the_margin(tmp_path: Path) -> None:
    (cases, task), features = make_cases(), make_features()
    predictions, names = [], ("grade_logistic", "grade_median")
    for name in names:
        member = Member(name, model(name), {}, features, features.select(np.arange(0)))
        folders = ArmFolders.under(tmp_path, name)
        train(member, cases, task, PLAN, folders)
        predictions.append(Predictions.read(folders.scores))
    card = DataCard("cohort", "A cohort", "none", "none", "none", "made", patients_known=True)
    sealed = pd.DataFrame({"case_id": [], "label": []})
    comparison = Comparison("cohort", "", "evaluate", names, "")
    inputs = EvaluationInputs(tuple(predictions), cases, task, sealed, card, comparison)
    analyses = replace(NO_REQUESTS, simple_rules=("grade_median",))
    evaluation = evaluate_measured(inputs, replace(DEFAULTS, analyses=analyses))
    gap = evaluation.figures.find(
        analysis=DIFFERENCES, model="best_classical", versus="grade_median"
    )
    assert gap.low > 0.5
    assert evaluation.decision == "yes"
    rule = evaluation.figures.select(analysis=FIGURES, model="grade_median").rows
    figures = {row.figure: row.value for row in rule}
    assert figures["quadratic_kappa"] == pytest.approx(0, abs=0.05)
