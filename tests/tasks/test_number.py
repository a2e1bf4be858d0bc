"""What a number refuses, takes from cases, calibrates, and how far its intervals hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skiagram.calibration import average_calibrations
from skiagram.evaluation.criteria import has_shifted
from skiagram.evaluation.evaluation_record import NUMBERS, SHARES, SIMPLE_BASELINES, VERSUS_CHANCE
from skiagram.evaluation.evaluation_set import CaseTraits
from skiagram.evaluation.options import DEFAULTS
from skiagram.evaluation.results import METRICS
from skiagram.evaluation.scores import make_scores_table
from skiagram.tables.frames import TableLine
from skiagram.tasks.cases import SEALED, Cases
from skiagram.tasks.columns import OutcomeTable
from skiagram.tasks.number import Number, group_numbers
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.task import Task
from tests.evaluation.scenario import Scenario, evaluated
from tests.models.classical.families import model
from tests.tasks.cohort import NUMBER, make_numbers, train_all
from tests.tasks.cohort import evaluated as evaluate_models


def test_a_model_of_the_mean_has_the_error_of_the_median_on_skewed_numbers():
    """Else a network, which learns the absolute error, wins without any knowledge."""
    value = np.exp(np.random.default_rng(0).normal(size=400))
    label, patient = np.zeros(400, dtype=np.int64), np.arange(400)
    outcome = NUMBER.settle(value[:200], label[:200])
    errors = []
    for constant in (value[:200].mean(), np.median(value[:200])):
        score = outcome.as_score(np.full(200, constant))[:, None]
        calibration = outcome.calibrate(score, value[:200], label[:200], patient[:200])
        predicted = calibration.probabilities(score)[:, 0]
        errors.append(np.abs(predicted - value[200:]).mean())
    assert errors[0] == pytest.approx(errors[1])
    assert errors[1] < 0.97 * np.abs(value[:200].mean() - value[200:]).mean()


def test_a_test_case_is_in_the_group_of_its_number_by_development_cases_alone():
    sizes = [*range(1, 41), 0, 10.5, 25, 99]
    rows = [TableLine(number + 2, {"size": f"{size}"}) for number, size in enumerate(sizes)]
    read = Number.read_columns(
        OutcomeTable(rows, [True] * 40 + [False] * 4), {"number": "size", "unit": "mm"}
    )
    assert [read.label.index(label) // 10 for label in read.label[:40:10]] == [0, 1, 2, 3]
    groups = ["group 1 of 4", "group 2 of 4", "group 3 of 4", "group 4 of 4"]
    assert read.label[40:] == [groups[0], groups[0], groups[2], groups[3]]
    assert read.outcome.label_words[::3] == (
        "lowest quarter of the numbers",
        "highest quarter of the numbers",
    )


def test_numbers_of_test_cases_are_compared_themselves_and_no_groups():
    """As of a cohort in cm: its quarters are those of any other."""
    generator = np.random.default_rng(0)
    value = 100 + 20 * generator.normal(size=90)
    is_test = np.arange(90) >= 60
    label, groups = group_numbers(value)
    case_id = np.array([f"case-{number:06d}" for number in range(90)])
    patient = np.array([f"patient-{number:06d}" for number in range(90)])
    outcome = replace(NUMBER, groups=groups).settle(value[~is_test], label[~is_test])
    split = np.where(is_test, "test", "train")
    sealed_label, sealed_value = np.where(is_test, SEALED, label), np.where(is_test, np.nan, value)
    cases = Cases(case_id, patient, split, sealed_label, sealed_value)
    known = Scenario(Task(outcome, "holdout"), cases, label)
    traits = CaseTraits(
        pd.DataFrame({"case_id": case_id, "texture": generator.normal(size=90)}),
        pd.DataFrame({"case_id": case_id}),
    )
    for scale, differs in ((1.0, False), (0.1, True)):
        truth = pd.DataFrame({"case_id": case_id, "label": label, "value": scale * value})
        found = evaluated(known, [], sealed=truth[is_test], traits=traits)
        (trait,) = found.differences_of_sides(NUMBERS)
        assert trait.figure == outcome.words
        assert has_shifted(trait) == differs
        assert not found.differences_of_sides(SHARES)


def test_groups_are_quarters_and_hold_equal_numbers_together():
    group, groups = group_numbers(np.arange(100.0)[::-1])
    assert groups == 4
    assert np.bincount(group).tolist() == [25] * 4
    assert group[0] == 3
    group, groups = group_numbers(np.array([0.0] * 90 + [1.0] * 10))
    assert groups == 2
    assert np.bincount(group).tolist() == [90, 10]


def test_a_patient_with_many_images_weighs_as_much_as_others_in_an_interval():
    """Nineteen patients err by 1 in an image each; one errs by 9 in a hundred."""
    patient = np.repeat(np.arange(20), [1] * 19 + [100])
    value = np.zeros(119)
    outcome = replace(NUMBER, centre=0.0, spread=1.0)
    score = np.where(patient == 19, 9.0, np.where(patient < 9, 1.0, -1.0))[:, None]
    calibrated = outcome.calibrate(score, value, np.zeros(119, dtype=np.int64), patient)
    assert calibrated.half == 1.0


def test_intervals_of_nine_tenths_hold_nine_tenths_of_new_cases():
    """Simulated: the calibrations of five folds, learned on few cases each, serve new ones."""
    generator, held = np.random.default_rng(3), []
    for _ in range(200):
        value = generator.normal(100, 10, size=60)
        outcome = NUMBER.settle(value, np.zeros(60, dtype=np.int64))
        scores = (value - value.mean()) / value.std() + generator.standard_t(4, size=60) / 3
        folds = np.array_split(np.arange(60), 3)
        label = np.zeros(20, dtype=np.int64)
        calibrations = [outcome.calibrate(scores[f][:, None], value[f], label, f) for f in folds]
        new = generator.normal(100, 10, size=200)
        predicted = (new - value.mean()) / value.std() + generator.standard_t(4, size=200) / 3
        ends = average_calibrations(calibrations).probabilities(predicted[:, None])
        held.append(((ends[:, 1] <= new) & (new <= ends[:, 2])).mean())
    assert 0.88 < np.mean(held) < 0.94


def test_what_tells_the_number_beats_the_mean_by_the_margin(tmp_path):
    regression = model("logistic_regression", C=1.0)  # for few columns
    models = {"logistic_regression": regression, "null_model": model("null_model")}
    inputs = train_all(tmp_path, make_numbers(), models)
    evaluation = evaluate_models(inputs, "null_model")
    gap = evaluation.figures.find(
        analysis=SIMPLE_BASELINES, model="classical", versus=VERSUS_CHANCE
    )
    assert gap.high < -5
    assert "beats chance" in evaluation.verdict
    assert evaluation.margin == pytest.approx(
        DEFAULTS.margin * evaluation.task.predicted.margin_unit
    )
    figures = {
        row.figure: row.value
        for row in evaluation.table.select(analysis=METRICS, model="logistic_regression").rows
    }
    assert figures["absolute_error"] < 5
    assert figures["intraclass_correlation"] > 0.9
    assert 1 < figures["calibration_slope"] < 1.4  # a penalty draws numbers towards the mean
    assert figures["coverage"] > 0.85  # more in small folds, where the largest error counts
    of_mean = evaluation.find_result("null_model").find("calibration_slope")
    assert of_mean.value is None  # each fold has its own mean, and no case another one
    agreement, calibration = evaluation.find_result("logistic_regression").plots
    assert [line.name for line in agreement.lines] == [
        "cases",
        "bias",
        "lower limit",
        "upper limit",
    ]
    assert len(calibration.rows) == 5
    table = make_scores_table(inputs.models, inputs.cases, inputs.task, inputs.sealed)
    assert set(table["value"]) == set(
        inputs.cases.value.tolist()
    )  # estimates beyond 1 are no fault


def test_numbers_far_from_all_others_are_counted():
    # In mm among cm; the first is just above the limit of 10 deviations of 2.5.
    value = np.append(np.linspace(10.0, 20.0, 198), [41.5, 1650.0])
    label, patient = np.zeros(200, dtype=np.int64), np.arange(200)
    assert NUMBER.doubts(value[:198], label, patient) == ()
    (far,) = NUMBER.doubts(value, label, patient)
    assert "2 of 200" in far
    scored = np.zeros((1, 200)), np.stack([np.full(200, 15.0)] * 3, axis=1)[None]
    cases = ScoredCases(label, value, patient, *scored, np.zeros((1, 200), dtype=np.int64))
    assert "2 of 200 differences" in NUMBER.plot(cases)[0].words


def test_a_figure_in_the_numbers_unit_says_it():
    number = Number(column="length", unit="mm")
    assert number.head_figure("absolute_error") == "Mean absolute error (mm)"
    assert "mm" not in number.head_figure("intraclass_correlation")
    assert Number(column="length").head_figure("absolute_error") == "Mean absolute error"
