"""Every method serves the whole plan; a fold's isotonic probabilities never saw its labels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.calibration.methods import Calibration, Method, average, fit_calibration, of_held_out
from skiagram.errors import DataError
from skiagram.models.deployment import Decision, Deployment
from skiagram.models.resampling import Developed, Resampling, Scored
from skiagram.records import Task, read_record, write_record
from tests.calibration.test_scaling import drawn
from tests.models.examples import PLAN, Spy, labelled

METHODS: tuple[Method, ...] = get_args(Method)


def developed(method: Method, n_classes: int = 2) -> tuple[Developed, list[Scored]]:  # type: ignore[type-arg]
    """Develop the spy once on three folds."""
    cases = labelled(patients=30, n_classes=n_classes)
    plan = replace(PLAN, calibration=method)
    resampling = Resampling(Spy(), plan, positive=1 if n_classes == 2 else None)
    folds = resampling.folds(cases, 3, "test")
    return resampling.develop(cases, None, folds, "test", score_training=False)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_plan_gives_probabilities_by_every_method(method: Method, n_classes: int) -> None:
    final, held_out = developed(method, n_classes)
    for one in held_out:
        assert ((one.probabilities >= 0) & (one.probabilities <= 1)).all()
        np.testing.assert_allclose(one.probabilities.sum(axis=1), 1)
    assert final.calibration.n_classes == n_classes
    assert (final.threshold is None) == (n_classes > 2)


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_of_two_classes_rise_with_the_score(method: Method) -> None:
    for one in developed(method)[1]:
        order = np.argsort(one.scores[:, 1] - one.scores[:, 0])
        assert (np.diff(one.probabilities[order, 1]) >= -1e-12).all()


def test_isotonic_probabilities_of_a_fold_come_from_the_other_folds() -> None:
    """By its own curve noise would look informative: the curve bends to the labels."""
    label = np.arange(30) % 2
    noise = np.random.default_rng(5).normal(size=(12, 30, 2))
    calibrations = [fit_calibration("isotonic", scores, label) for scores in noise]

    def pooled_auc(chosen: Sequence[Calibration]) -> float:
        pairs = zip(chosen, noise, strict=True)
        pooled = np.concatenate([one.probabilities(scores)[:, 1] for one, scores in pairs])
        return float(roc_auc_score(np.tile(label, 12), pooled))

    raw = roc_auc_score(np.tile(label, 12), (noise[:, :, 1] - noise[:, :, 0]).ravel())
    assert pooled_auc(calibrations) > raw + 0.1
    assert pooled_auc(of_held_out(calibrations)) < raw + 0.03
    assert of_held_out(calibrations)[3] == average([*calibrations[:3], *calibrations[4:]])


@pytest.mark.parametrize("method", ["platt", "temperature"])
def test_a_scaling_of_a_fold_is_its_own(method: Method) -> None:
    own = [fit_calibration(method, *drawn(30, 2, seed)) for seed in range(3)]
    assert of_held_out(own) == own


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_deployment_keeps_the_calibration_to_the_last_bit(
    method: Method, n_classes: int, tmp_path: Path
) -> None:
    folds = [fit_calibration(method, *drawn(40, n_classes, seed)) for seed in range(3)]
    task = Task(tuple("abc"[:n_classes]), None, "holdout")
    kept = Deployment("m", "classical", "M", {}, task, (Decision(average(folds), 0.5),))
    write_record(kept, tmp_path / "deployment.json")
    assert read_record(Deployment, tmp_path / "deployment.json") == kept


def test_a_damaged_curve_is_refused(tmp_path: Path) -> None:
    calibration = fit_calibration("isotonic", *drawn(40, 2))
    task = Task(("a", "b"), 1, "holdout")
    path = tmp_path / "deployment.json"
    write_record(Deployment("m", "classical", "M", {}, task, (Decision(calibration, 0.5),)), path)
    text = path.read_text()
    path.write_text(text.replace('"probability": [', '"probability": [\n 1.7,', 1))
    with pytest.raises(DataError, match="curve"):
        read_record(Deployment, path)
