"""A network learns a time to an event, a number, a grade, or several findings, from images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from skiagram.errors import ModelFailure
from skiagram.fitting.contract import FitContext
from skiagram.models.deep.fitted import load_network
from skiagram.tasks.findings import UNKNOWN, Findings
from skiagram.tasks.grade import Grade
from skiagram.tasks.number import Number
from skiagram.training.classifier import Classifier
from skiagram.training.outcome_training import OutcomeTraining
from tests.models.deep.spots import short_network, spots
from tests.tasks.cohort import OUTCOME, draw_times

pytestmark = pytest.mark.slow


def timed(cases):
    """Return images of which those with a spot have the event sooner."""
    time, label = draw_times(3.0 * cases.label.astype(np.float64))
    return replace(cases, label=label, predicted=OUTCOME.settle(time, label), value=time)


def measured(cases):
    """Return images of which those with a spot have a number that is 20 higher."""
    noise = np.random.default_rng(0).normal(0, 2, size=len(cases))
    value = 100 + 20 * cases.label + noise
    outcome = Number(column="length", unit="mm", groups=2).settle(value, cases.label)
    return replace(cases, predicted=outcome, value=value)


def graded(cases):
    """Return images of which those with a spot have the third grade; the lower two look alike."""
    among = np.random.default_rng(0).uniform(size=len(cases)) < 0.5
    label = np.where(cases.label == 1, 2, among.astype(np.int64))
    outcome = Grade(column="place", grades=("a", "b", "c")).settle(label + 1.0, label)
    return replace(cases, label=label, predicted=outcome, value=label + 1.0)


def having_findings(cases):
    """Return images with two findings: the spot, and the lack of it; a tenth is not known."""
    states = np.stack([cases.label, 1 - cases.label], axis=1)
    states[::10, 0] = states[5::10, 1] = UNKNOWN
    outcome = Findings(column="findings", findings=("spot", "plain"), balanced_by=("spot",))
    value = states.astype(np.float64)
    label = outcome.label(value)
    return replace(cases, label=label, predicted=outcome.settle(value, label), value=value)


@pytest.mark.parametrize("having", [timed, measured, graded, having_findings])
def test_an_outcome_is_learned_calibrated_and_comes_back_from_its_folder(tmp_path, having):
    images = spots(tmp_path / "images", 72, noise=0.3)
    cases, with_spot = having(images), images.label == 1
    fitted = short_network("small_cnn", 8).fit(cases, FitContext(seed=0, epochs=8))
    scores = fitted.scores(cases.inputs)
    assert scores.shape == (len(cases), 2 if having is having_findings else 1)
    told = cases.predicted.calibrate(scores, *cases.truth, cases.patient_id).probabilities(scores)
    if having is timed:
        assert scores[with_spot].mean() > scores[~with_spot].mean() + 0.5
    elif having is measured:
        assert np.abs(told[:, 0] - cases.value).mean() < 7  # the mean errs by 10
    elif having is having_findings:
        assert told[with_spot].mean(axis=0) == pytest.approx([1, 0], abs=0.2)
        assert told[~with_spot].mean(axis=0) == pytest.approx([0, 1], abs=0.2)
    else:
        assert told[with_spot, 3].mean() > 0.8
    fitted.save(tmp_path / "model")
    again = load_network(tmp_path / "model", fitted.network)
    assert again.scores(cases.inputs) == pytest.approx(scores, abs=1e-6)


def test_cut_offs_of_grades_learn_beside_a_network_with_rates_of_its_own(tmp_path):
    outcome = graded(spots(tmp_path / "images", 72)).predicted
    network = short_network("fine_tuned_efficientnet", 2).network
    classifier = Classifier(network.build((1, 32, 32), 1), torch.zeros(1), torch.ones(1))
    weight, names = torch.ones(1), np.array(["case"])
    module = OutcomeTraining(
        classifier, network.training, weight, 0, names, compiled=False, outcome=outcome
    )
    groups = (module.configure_optimizers())["optimizer"].param_groups
    learning = [id(parameter) for group in groups for parameter in group["params"]]
    free = [id(parameter) for parameter in module.parameters() if parameter.requires_grad]
    assert sorted(learning) == sorted(free)
    assert id(module.learned) in map(id, groups[0]["params"])
    assert groups[0]["lr"] == network.training.optimizer.lr


def test_held_out_cases_decide_when_to_stop_and_options_of_classes_are_refused(tmp_path):
    cases = timed(spots(tmp_path / "images", 72, noise=0.3))
    rows, model = np.arange(len(cases)), short_network("small_cnn", 2)
    context = FitContext(seed=0, validation=cases.select(rows[::4]))
    curves = model.fit(cases.select(rows[1::2]), context).summary.curves
    assert np.isfinite(curves["validation_loss"]).all()
    assert "validation_accuracy" not in curves
    mixed = replace(model.network.training, mixup=0.2)
    network = replace((model.network), training=mixed)
    with pytest.raises(ModelFailure, match="`mixup` is for classes alone"):
        replace(model, network=network).fit(cases, FitContext(seed=0, epochs=1))
