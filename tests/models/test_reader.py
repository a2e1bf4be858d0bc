"""A reader's scores pass the harness untouched; only their calibration uses labels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.calibration import average_calibrations, threshold_at_sensitivity
from skiagram.errors import DataError, OptionError
from skiagram.fitting.arm import ArmFolders
from skiagram.models.reader import Reader
from skiagram.preparation import PreparedData
from skiagram.records.files import write_table
from skiagram.records.predictions import probabilities_of, scores_of
from skiagram.tasks.class_calibration import CALIBRATIONS
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.models.examples import PLAN, cases_of, labelled, train_as

DATA = labelled(patients=30)
SPLIT = np.repeat(np.array(["train", "test"]), [40, 20])
CAUTIOUS = replace(PLAN, sensitivity=0.8)
READER = Reader(column="reader_1", title="Dr Gray")


def raw(seed=1):
    noise = np.random.default_rng(seed).normal(size=len(DATA))
    return pd.DataFrame({"case_id": DATA.case_id, "reader_1": DATA.label + noise})


def run(folder, table, design, positive=1):
    write_table(table, folder / "cases/reader_scores.parquet")
    cases = cases_of(DATA, SPLIT if design == "holdout" else np.full(len(DATA), "train"))
    task = Task(Classes(("normal", "malignant"), positive), design)
    reading = READER.read(PreparedData.under(folder), task)
    folders = ArmFolders.under(folder, "reader")
    return train_as("reader", READER, reading, cases, folders, task=task, plan=CAUTIOUS)


@pytest.mark.slow
@pytest.mark.parametrize(("design", "part"), [("holdout", "test"), ("cv", "out_of_fold")])
@pytest.mark.parametrize("positive", [0, 1])
def test_the_column_is_the_score(design, part, positive, tmp_path):
    found = run(tmp_path, raw(), design, positive)
    outcome = found.outcome
    assert (outcome.status, outcome.arm, outcome.title) == ("finished", "reader", "Dr Gray")
    assert (outcome.parameters, outcome.images_seen) == (0, 0)
    column = raw().set_index("case_id")["reader_1"]
    label = pd.Series(DATA.label, DATA.case_id)
    for _, rows in found.part(part).groupby("repeat"):
        score = rows[f"score_{positive}"] - rows[f"score_{1 - positive}"]
        assert score.tolist() == column[rows["case_id"]].tolist()
        truth = label[rows["case_id"]].to_numpy()
        expected = roc_auc_score(truth == positive, column[rows["case_id"]])
        assert roc_auc_score(truth == positive, score) == expected


def test_probability_and_threshold_come_from_development_labels(tmp_path):
    found = run(tmp_path, raw(), "holdout")
    label = pd.Series(DATA.label, DATA.case_id)
    test = found.part("test").query("repeat == 0")
    held_out = found.part("out_of_fold").query("repeat == 0")
    folds = [rows for _, rows in held_out.groupby("fold")]
    calibration = average_calibrations(
        [
            CALIBRATIONS["platt"](scores_of(rows), label[rows["case_id"]].to_numpy())
            for rows in folds
        ]
    )
    expected = calibration.probabilities(scores_of(test))
    np.testing.assert_allclose(probabilities_of(test), expected)
    probability = held_out["probability_1"].to_numpy()
    positive = label[held_out["case_id"]].to_numpy() == 1
    patient = pd.Series(DATA.patient_id, DATA.case_id)[held_out["case_id"]].to_numpy()
    threshold = threshold_at_sensitivity(probability, positive, 0.8, patient)
    assert test["threshold"].iloc[0] == pytest.approx(threshold)


def test_an_absent_column_and_a_task_of_several_classes_are_named(tmp_path):
    prepared = PreparedData.under(tmp_path)
    renamed = raw().rename(columns={"reader_1": "device"})
    write_table(renamed, tmp_path / "cases/reader_scores.parquet")
    binary = Task(Classes(("normal", "malignant"), 1), "cv")
    with pytest.raises(OptionError, match=r"model\.column: no score `reader_1`\. Allowed: device"):
        READER.read(prepared, binary)
    several = Task(Classes(("a", "b", "c"), None), "cv")
    with pytest.raises(OptionError, match="one score for 3 classes"):
        READER.read(prepared, several)
    with pytest.raises(DataError, match=r"`Dr Gray` is a column .* and cannot score new images"):
        READER.load(tmp_path)
