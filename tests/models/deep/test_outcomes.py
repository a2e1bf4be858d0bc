"""A network learns a time to an event, a number, or a grade, from images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skiagram.errors import ModelFailure
from skiagram.models.contract import FitContext, Labelled
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.small_cnn import SmallCNN
from skiagram.outcomes.grade import Grade
from skiagram.outcomes.number import Number
from skiagram.training.data import ImageSet
from tests.models.deep.spots import spots
from tests.models.deep.test_every_network import learner
from tests.outcomes.cohort import OUTCOME, draw_times

pytestmark = pytest.mark.slow


def timed(folder: Path) -> tuple[Labelled[ImageSet], np.ndarray]:
    """Return images of which those with a spot have the event sooner, and which these are."""
    cases = spots(folder / "images", 72, noise=0.3)
    time, label = draw_times(3.0 * cases.label.astype(np.float64))
    settled = OUTCOME.settle(time, label)
    return replace(cases, label=label, outcome=settled, value=time), cases.label


def test_it_learns_and_comes_back_from_its_folder(tmp_path: Path) -> None:
    cases, with_spot = timed(tmp_path)
    model = learner("small_cnn", 8)
    fitted = model.fit(cases, FitContext(seed=0, epochs=8))
    scores = fitted.scores(cases.inputs)
    assert scores.shape == (len(cases), 1)
    assert scores[with_spot == 1].mean() > scores[with_spot == 0].mean() + 0.5
    fitted.save(tmp_path / "model")
    assert load_network(tmp_path / "model").scores(cases.inputs) == pytest.approx(scores, abs=1e-6)


def test_held_out_cases_decide_when_to_stop(tmp_path: Path) -> None:
    cases, _ = timed(tmp_path)
    rows = np.arange(len(cases))
    context = FitContext(seed=0, validation=cases.select(rows[::4]))
    curves = learner("small_cnn", 2).fit(cases.select(rows[1::2]), context).summary.curves
    assert np.isfinite(curves["validation_loss"]).all()
    assert "validation_accuracy" not in curves


def test_what_only_classes_have_is_refused(tmp_path: Path) -> None:
    cases, _ = timed(tmp_path)
    model = learner("small_cnn", 1)
    network = model.network
    assert isinstance(network, SmallCNN)
    mixed = replace(model, network=replace(network, training=replace(network.training, mixup=0.2)))
    with pytest.raises(ModelFailure, match="`mixup` is of classes"):
        mixed.fit(cases, FitContext(seed=0, epochs=1))


def test_it_learns_a_number(tmp_path: Path) -> None:
    cases = spots(tmp_path / "images", 72, noise=0.3)
    noise = np.random.default_rng(0).normal(0, 2, size=len(cases))
    value = 100 + 20 * cases.label + noise
    outcome = Number(column="length", unit="mm", groups=2).settle(value, cases.label)
    cases = replace(cases, outcome=outcome, value=value)
    fitted = learner("small_cnn", 8).fit(cases, FitContext(seed=0, epochs=8))
    scores = fitted.scores(cases.inputs)
    told = outcome.calibrate(scores, value, cases.label).probabilities(scores)[:, 0]
    assert np.abs(told - value).mean() < 7  # the mean errs by 10


def test_it_learns_a_grade_and_its_cut_offs_stay_behind(tmp_path: Path) -> None:
    cases = spots(tmp_path / "images", 72, noise=0.3)
    among = np.random.default_rng(0).uniform(size=len(cases)) < 0.5
    label = np.where(cases.label == 1, 2, among.astype(np.int64))  # the lower two look alike
    outcome = Grade(column="place", grades=("a", "b", "c")).settle(label + 1.0, label)
    cases = replace(cases, label=label, outcome=outcome, value=label + 1.0)
    fitted = learner("small_cnn", 8).fit(cases, FitContext(seed=0, epochs=8))
    scores = fitted.scores(cases.inputs)
    told = outcome.calibrate(scores, *cases.truth).probabilities(scores)
    assert told[label == 2, 3].mean() > 0.8
    fitted.save(tmp_path / "model")
    assert load_network(tmp_path / "model").scores(cases.inputs) == pytest.approx(scores, abs=1e-6)
