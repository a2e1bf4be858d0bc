"""A model's folder is the one that training left, byte for byte, or it is refused."""

import numpy as np
import pandas as pd
import pytest

from skiagram.calibration import threshold_at_sensitivity
from skiagram.errors import DataError
from skiagram.fitting.deployment import (
    CHECKSUMS,
    DEPLOYMENT,
    FINGERPRINT,
    Decision,
    Deployment,
    Fingerprint,
    complete_folder,
    find_threshold,
    verify_checksums,
    write_checksums,
)
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record, write_record
from skiagram.records.predictions import Outcome, Predictions, tabulate_scores
from skiagram.tasks.class_calibration import ScalingCalibration
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.cases import make_cases


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "repeat0").mkdir(parents=True)
    (folder / "deployment.json").write_text('{"threshold": 0.5}')
    (folder / "repeat0" / "weights.npy").write_bytes(bytes(range(200)))
    write_checksums(folder)
    return folder


def test_a_folder_as_training_left_it_passes(model):
    (model / ".DS_Store").write_bytes(b"of the system")
    verify_checksums(model)


def test_a_flipped_bit_of_a_weight_is_noticed(model):
    path = model / "repeat0" / "weights.npy"
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 41):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << bit % 8
        path.write_bytes(altered)
        with pytest.raises(DataError, match=r"weights\.npy: is altered"):
            verify_checksums(model)


DAMAGES = {
    "a file gone": (lambda model: (model / "deployment.json").unlink(), "is missing"),
    "a file more": (lambda model: (model / "x.npy").write_bytes(b""), "not written by training"),
    "checksums cut": (lambda model: (model / CHECKSUMS).write_text('{"depl'), "is damaged"),
    "checksums of another kind": (lambda model: (model / CHECKSUMS).write_text("[1]"), "damaged"),
    "checksums too deep": (lambda model: (model / CHECKSUMS).write_text("[" * 99999), "damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_else_is_not_as_training_left_it_is_refused(model, damage):
    change, message = DAMAGES[damage]
    change(model)
    with pytest.raises(DataError, match=message):
        verify_checksums(model)


def test_a_folder_of_an_earlier_version_has_none_and_passes(model):
    (model / CHECKSUMS).unlink()
    (model / "deployment.json").write_text("{}")
    verify_checksums(model)


def test_several_trainings_have_the_threshold_of_their_mean(tmp_path):
    """That of a single one is too low for probabilities that are drawn together."""
    generator, label = np.random.default_rng(0), np.arange(400) % 2
    people = make_cases(label)
    case_id = people.case_id
    calibration = ScalingCalibration(1.0, (0.0, 0.0))
    shared = 1.5 * label + np.random.default_rng(9).normal(size=400)
    parts, thresholds, probabilities = [], [], []
    for repeat in range(5):
        odds = shared + generator.normal(size=400)
        scores = np.stack([-odds / 2, odds / 2], axis=1)
        probability = calibration.probabilities(scores)
        probabilities.append(probability[:, 1])
        thresholds.append(threshold_at_sensitivity(probabilities[-1], label == 1, 0.9, case_id))
        parts.append(tabulate_scores("out_of_fold", repeat, 0, case_id, scores, probability))
    task = Task(Classes(("healthy", "ill"), 1), "holdout")
    decisions = tuple(Decision(calibration, threshold) for threshold in thresholds)
    deployment = Deployment("svm", "classical", "SVM", {}, task, 0.9, decisions)
    write_record(deployment, tmp_path / DEPLOYMENT)
    outcome = Outcome("svm", "classical", "SVM", "finished")
    predictions = Predictions(outcome, pd.concat(parts, ignore_index=True))
    write_record(Preparation(None), tmp_path / "prepared" / PREPARATION)
    complete_folder(tmp_path, predictions, people, tmp_path / "prepared")
    threshold = find_threshold(deployment, read_record(Fingerprint, tmp_path / FINGERPRINT))
    mean = np.mean(probabilities, axis=0)
    assert threshold == pytest.approx(threshold_at_sensitivity(mean, label == 1, 0.9, case_id))
    assert 0.88 < (mean[label == 1] >= threshold).mean() < 0.92
    assert (mean[label == 1] >= np.mean(thresholds)).mean() > 0.93
    assert find_threshold(deployment, None) == np.mean(thresholds)  # of an earlier version
