"""Training is real, repeatable, resumable, and fails by name."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import load_file

from skiagram.errors import DataError, OptionError
from skiagram.fitting.contract import FitContext
from skiagram.models.deep.article_cnn import ArticleCNN
from skiagram.models.deep.fitted import load_network
from skiagram.training.devices import device
from tests.models.deep.spots import fit, halves, learner, spots, training
from tests.stand_ins import CPU

pytestmark = pytest.mark.slow


def test_best_weights_are_restored_and_patience_is_kept(tmp_path):
    known, unseen = halves(tmp_path, 48, noise=3.0)
    shuffled = np.random.default_rng(0).permutation(unseen.label)
    meaningless = replace(unseen, label=shuffled)
    options = training(epochs=40, lr=0.03, patience=3, class_weights=None)
    fitted = fit(learner(options, dropout=0.0), known, meaningless)
    losses = fitted.summary.curves["validation_loss"].to_numpy()
    assert len(losses) < 40
    assert len(losses) - 1 - losses.argmin() == 3
    logits = torch.from_numpy(fitted.scores(meaningless.inputs))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(shuffled))
    assert float(loss) == pytest.approx(losses.min(), rel=1e-4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_an_absent_device_is_a_wrong_option(tmp_path):
    known, unseen = halves(tmp_path, 24)
    absent = replace(CPU, accelerator="gpu")
    with pytest.raises(OptionError, match=r"^trainer: .*gpu"):
        fit(learner(training(), trainer=absent), known, unseen)


def test_processes_of_a_launcher_are_asked_for_a_folder_that_they_share(tmp_path, monkeypatch):
    """The weights lie in the folder of the first: the others would read an empty one of theirs."""
    known, unseen = halves(tmp_path, 24)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="no folder"):
        fit(learner(training()), known, unseen)


def test_two_processes_end_in_the_weights_of_one_at_an_equal_global_batch(
    tmp_path, capfd, monkeypatch
):
    login_node = tmp_path / "bin"  # of a cluster: Lightning has a hint where it finds `srun`
    login_node.mkdir()
    (login_node / "srun").write_text("#!/bin/sh\n")
    (login_node / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", str(login_node), prepend=os.pathsep)
    cases = spots(tmp_path / "images", 96, side=18)
    known, unseen = cases.select(np.arange(64)), cases.select(np.arange(64, 96))
    shared = replace(CPU, devices=2, strategy="ddp_spawn")
    fitted = []
    for trainer, batch_size in ((CPU, 16), (shared, 8)):
        options = training(epochs=3, lr=0.003, class_weights=None, batch_size=batch_size)
        network = ArticleCNN(initialisation="keras", training=options)
        fitted.append(fit(network, known, unseen, trainer=trainer, seed=1))
        fitted[-1].save(tmp_path / trainer.strategy)
    assert capfd.readouterr().err == ""
    one, two = (
        load_file(tmp_path / name / "weights.safetensors") for name in ("auto", "ddp_spawn")
    )
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-5)
    losses = [model.summary.curves["validation_loss"] for model in fitted]
    assert_allclose(losses[1], losses[0], rtol=1e-4)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_fit_takes_up_what_was_trained_ahead(epochs, tmp_path):
    """Of two epochs ahead it takes the weights after the first or the second, or goes on."""
    known, unseen = halves(tmp_path, 36)
    model = learner(training(epochs=3, schedule="constant"))
    assert model.epochs_ahead == 3
    asked = FitContext(0, tmp_path / "ahead", epochs=epochs)
    model.fit(known, replace(asked, epochs=2, ahead=True))
    taken, alone = model.fit(known, asked), model.fit(known, FitContext(0, epochs=epochs))
    assert_array_equal(taken.scores(unseen.inputs), alone.scores(unseen.inputs))
    pd.testing.assert_frame_equal(taken.summary.curves, alone.summary.curves)
    assert [path.name for path in (tmp_path / "ahead").iterdir()] == ["finished.ckpt"]


def test_a_fit_whose_length_its_folds_change_is_not_trained_ahead():
    assert learner(training(epochs=3, schedule="constant", patience=2)).epochs_ahead is None
    assert learner(training(epochs=3)).epochs_ahead is None  # the learning rate falls to its end


def test_a_network_of_double_precision_is_loaded_as_one(tmp_path):
    known, unseen = halves(tmp_path, 16)
    doubled = replace(CPU, precision="64-true")
    fitted = fit(learner(training(epochs=1), trainer=doubled), known, unseen)
    fitted.save(tmp_path / "model")
    again = load_network(tmp_path / "model", fitted.network).scores(unseen.inputs)
    assert_array_equal(again, fitted.scores(unseen.inputs))


def test_a_gpu_is_that_of_the_process(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    on_gpu = replace(CPU, accelerator="auto")
    assert device(on_gpu) == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert device(on_gpu) == torch.device("cuda", 2)


def test_weights_of_other_options_are_refused(tmp_path):
    known, unseen = halves(tmp_path, 24)
    fitted = fit(learner(training(epochs=1)), known, unseen)
    fitted.save(tmp_path / "m")
    with pytest.raises(DataError, match=r"unreadable network.*train it again"):
        load_network(tmp_path / "m", replace(fitted.network, widths=(6, 13)))


def test_networks_are_read_and_score_without_the_library_that_trains():
    """It takes seconds to import, in each call of `skiagram predict` and each stage."""
    rooms = "fitted, network_model, small_cnn, time_budget, transfer"
    code = f"import sys; from skiagram.models.deep import {rooms}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pytorch_lightning", "torchmetrics", "torchvision"} & set(run.stdout.split())
