"""What Lightning offers works by option, and a fit with it can be resumed."""

import os
import re
from dataclasses import asdict, replace
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.mpi import MPIEnvironment
from numpy.testing import assert_allclose, assert_array_equal
from pytorch_lightning.callbacks import Timer
from scipy.special import logsumexp, softmax
from torch.optim.lr_scheduler import OneCycleLR

from skiagram.errors import ModelFailure, OptionError
from skiagram.fitting.contract import FitContext
from skiagram.models.deep.fitted import load_network
from skiagram.models.learner import learner_of
from skiagram.notices import STEP
from skiagram.options import check, list_options, read_option_file
from skiagram.training.data import Examples, ImageSet
from skiagram.training.fit import Curves, epochs_of_a_refit
from skiagram.training.options import (
    Optimizer,
    Trainer,
)
from tests.models.deep import spots
from tests.models.deep.spots import halves, learner, training
from tests.stand_ins import CPU
from tests.yaml_rows import read_rows, read_yaml

pytestmark = pytest.mark.slow

CONF = Path(__file__).parents[2] / "conf"
LIGHTNING = read_rows(__file__, "lightning")
ABSENT = read_yaml(__file__)["absent"]

STEP_DOWN = {"_target_": "torch.optim.lr_scheduler.StepLR", "step_size": 2, "gamma": 0.1}
PLATEAU = {"_target_": "torch.optim.lr_scheduler.ReduceLROnPlateau", "patience": 0, "factor": 0.5}


def fitted(folder, options, trainer=CPU, state=None):
    model = learner(options, trainer=trainer)
    return spots.fit(model, *halves(folder, 48), seed=3, folder=state)


def fit(folder, trainer=CPU, **changed):
    return fitted(folder, training(**changed), trainer)


def test_in_a_stage_each_epoch_is_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SKIAGRAM_STAGE", "train_network")
    fitted(tmp_path, training(epochs=2), CPU, tmp_path / "fold1")
    first, last = capsys.readouterr().err.splitlines()
    named = r"training loss \d\.\d{3}, validation loss \d\.\d{3}, validation accuracy \d\.\d{3}"
    assert re.fullmatch(rf"{STEP}fold1, epoch 1 of 2: {named}; \d+ s left", first)
    assert re.fullmatch(rf"{STEP}fold1, epoch 2 of 2: {named}", last)


def scores(network, folder):
    return network.scores(halves(folder, 48)[1].inputs)


def weights(folder, network):
    network.save(folder)
    return (folder / "weights.safetensors").read_bytes()


def with_schedule(schedule, epochs=5, **changed):
    return training(epochs, schedule=schedule, **changed)


def kill_after(epochs, patch):
    add_epoch = Curves.on_train_epoch_end

    def fail(self, *arguments):
        if len(self.rows) == epochs:
            raise RuntimeError("power cut")
        add_epoch(self, *arguments)

    patch.setattr(Curves, "on_train_epoch_end", fail)


@pytest.mark.parametrize(("batches", "steps"), [(1, 4), (2, 2), (3, 2)])
def test_gradients_are_accumulated_over_batches(tmp_path, batches, steps):
    options = with_schedule("one_cycle", epochs=4, batch_size=8)
    trainer = replace(CPU, accumulate_grad_batches=batches)
    rates = fitted(tmp_path, options, trainer).summary.curves["learning_rate"]
    optimizer = torch.optim.SGD([torch.zeros(1)])
    cycle = OneCycleLR(optimizer, 0.01, total_steps=4 * steps, cycle_momentum=False)
    expected = []
    for _ in range(4 * steps):
        expected += cycle.get_last_lr()
        optimizer.step()
        cycle.step()
    assert rates.tolist() == pytest.approx(expected[::steps])


OTHERS = [pytest.param(one, marks=pytest.mark.slow) for one in (STEP_DOWN, "one_cycle", "constant")]


@pytest.mark.parametrize("schedule", [PLATEAU, *OTHERS])
def test_a_fit_with_any_schedule_is_resumed_exactly(tmp_path, schedule, monkeypatch):
    options = with_schedule(schedule, augmentation="medical")
    whole = fitted(tmp_path, options, CPU, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_after(3, patch)
        with pytest.raises(RuntimeError, match="power cut"):
            fitted(tmp_path, options, CPU, tmp_path / "broken")
    resumed = fitted(tmp_path, options, CPU, tmp_path / "broken")
    pd.testing.assert_frame_equal(whole.summary.curves, resumed.summary.curves)
    assert whole.summary.images_seen == resumed.summary.images_seen
    kill_after(0, monkeypatch)  # a finished fit trains no more
    finished = fitted(tmp_path, options, CPU, tmp_path / "broken")
    expected = weights(tmp_path / "a", whole)
    assert expected == weights(tmp_path / "b", resumed) == weights(tmp_path / "c", finished)


@pytest.mark.parametrize(
    ("schedule", "expected"), [("cosine", 6), ("one_cycle", 6), ("constant", 2), (STEP_DOWN, 2)]
)
def test_a_learning_rate_that_falls_is_let_fall_to_its_end_whatever_the_best_epoch(
    schedule, expected
):
    curves = pd.DataFrame({"validation_loss": [0.7, 0.5, 0.6]})
    assert epochs_of_a_refit(with_schedule(schedule, epochs=6), curves) == expected


@pytest.mark.parametrize("schedule", [STEP_DOWN, "constant"])
def test_a_fit_that_is_told_when_to_stop_ends_as_one_that_found_out(
    tmp_path, schedule, monkeypatch
):
    """Equal training cases, equal seed; also where it was killed in between."""
    options = with_schedule(schedule)
    stopped = fitted(tmp_path, options)
    losses = stopped.summary.curves["validation_loss"]
    (epochs,) = stopped.summary.epochs
    assert epochs == losses.argmin() + 1
    (known, _), model = halves(tmp_path, 48), learner(options)
    context = FitContext(seed=3, folder=tmp_path / "told", epochs=epochs)
    with monkeypatch.context() as patch:
        kill_after(epochs - 1, patch)
        with pytest.raises(RuntimeError, match="power cut"):
            model.fit(known, context)
    told = model.fit(known, context)
    assert told.summary.epochs == (epochs,)
    assert (told.summary.set_aside, stopped.summary.set_aside) == (0, 16)
    columns = ["epoch", "training_loss", "learning_rate"]
    until = stopped.summary.curves.loc[: epochs - 1, columns]
    pd.testing.assert_frame_equal(told.summary.curves[columns], until)
    assert weights(tmp_path / "a", stopped) == weights(tmp_path / "b", told)


def test_a_scheduler_of_pytorch_sets_the_learning_rate_of_each_epoch(tmp_path):
    curves = fitted(tmp_path, with_schedule(STEP_DOWN)).summary.curves
    assert curves["learning_rate"].tolist() == pytest.approx([0.01, 0.01, 1e-3, 1e-3, 1e-4])


def test_callbacks_and_a_logger_of_lightning_work_by_option(tmp_path):
    stop = {"_target_": "pytorch_lightning.callbacks.EarlyStopping", "monitor": "training_loss"}
    trainer = replace(
        CPU,
        callbacks=(stop | {"stopping_threshold": 1e9},),
        logger={"_target_": "pytorch_lightning.loggers.CSVLogger", "save_dir": str(tmp_path)},
    )
    network = fitted(tmp_path, training(epochs=5), trainer)
    assert len(network.summary.curves) == 1
    (logged,) = (pd.read_csv(path) for path in tmp_path.rglob("metrics.csv"))
    quantities = {"training_loss", "validation_loss", "validation_accuracy", "validation_auc"}
    assert quantities | {"lr-Adam"} <= set(logged)
    assert logged["validation_auc"].dropna().between(0, 1).all()
    assert "validation_auc" not in network.summary.curves  # results are alike without a logger


@pytest.mark.parametrize("title", LIGHTNING)
def test_options_of_lightning_reach_its_trainer(title, tmp_path, monkeypatch):
    changed = LIGHTNING[title]["changed"]
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    trainer = check(Trainer, asdict(CPU) | changed, "trainer")
    model = learner_of(learner(training(epochs=3)).network, trainer, threads=1)
    curves = spots.fit(model, *halves(tmp_path, 48), seed=3).summary.curves
    assert len(curves) == LIGHTNING[title]["epochs"]
    plain = fitted(tmp_path, training(epochs=3)).summary.curves
    learns_less = changed.keys() & {"limit_train_batches", "fast_dev_run"}
    same = curves["training_loss"][0] == plain["training_loss"][0]
    assert same != bool(learns_less)


def test_each_option_of_lightning_is_taken_or_refused_with_a_reason():
    theirs = {*signature(pl.Trainer).parameters}
    ours = {*list_options(Trainer)} - {"channels_last", "compile"}
    assert ours | {*Trainer.refused} == theirs
    assert not ours & {*Trainer.refused}
    written = read_option_file(CONF / "trainer/default.yaml")
    assert {*written} == {*list_options(Trainer)}
    for name, reason in Trainer.refused.items():
        with pytest.raises(OptionError, match="not yours to choose") as refused:
            check(Trainer, written | {name: 1}, "trainer")
        assert reason in str(refused.value)


def test_gradients_are_clipped(tmp_path):
    sgd = Optimizer(name="sgd", lr=0.01, weight_decay=0.0, schedule="constant")
    free = {"epochs": 1, "optimizer": sgd}
    clipped = free | {"gradient_clip": 1e-12}
    still = free | {"optimizer": replace(sgd, lr=1e-12)}
    found = [scores(fit(tmp_path, **each), tmp_path) for each in (free, clipped, still)]
    assert_allclose(found[1], found[2], atol=1e-6)
    assert np.abs(found[0] - found[2]).max() > 1e-4


class OwnTimer(Timer):
    """A stop by the clock under another name."""


@pytest.mark.parametrize("path", ["callbacks", "callbacks.timer"])
def test_a_stop_by_the_clock_is_refused_before_anything_runs(path):
    options = asdict(CPU) | {
        "callbacks": ({"_target_": f"pytorch_lightning.{path}.Timer", "duration": "00:01:00:00"},)
    }
    with pytest.raises(OptionError, match=r"by the clock.*training\.epochs"):
        check(Trainer, options, "trainer")


@pytest.mark.parametrize("named", ABSENT)
def test_an_absent_part_is_a_wrong_option(tmp_path, named):
    trainer = replace(CPU, callbacks=(ABSENT[named],))
    with pytest.raises(OptionError, match=rf"trainer\.callbacks: .*{named}"):
        fitted(tmp_path, training(), trainer)


def test_an_ensemble_averages_the_probabilities_of_fits_from_other_seeds(tmp_path):
    alone, three = fit(tmp_path), fit(tmp_path, members=3)
    members = three.classifier.members
    _, unseen = halves(tmp_path, 48)
    images = unseen.inputs.read(np.arange(16), None)
    with torch.inference_mode():
        each = np.stack([member(images).double().numpy() for member in members])
    assert_allclose(each[0], scores(alone, tmp_path), atol=1e-6)
    assert not np.allclose(each[0], each[1])
    expected = softmax(each, axis=2).mean(axis=0)
    found = scores(three, tmp_path)
    assert_allclose(np.exp(found), expected, atol=1e-6)
    assert_allclose(logsumexp(found, axis=1), 0.0, atol=1e-6)
    assert three.summary.parameters == 3 * alone.summary.parameters
    assert three.summary.images_seen == 3 * alone.summary.images_seen
    assert three.summary.curves["epoch"].tolist() == alone.summary.curves["epoch"].tolist()
    three.save(tmp_path / "model")
    again = load_network(tmp_path / "model", three.network)
    assert_array_equal(scores(again, tmp_path), found)


def test_an_ensemble_is_resumed_member_by_member(tmp_path):
    model = learner(training(members=2))
    assert model.title == f"{model.network.title}, mean of 2"
    known, unseen = halves(tmp_path, 48)
    context = FitContext(3, tmp_path / "whole", validation=unseen)
    whole = model.fit(known, context)
    folders = [tmp_path / "whole", tmp_path / "whole" / "member1"]
    assert all((folder / "finished.ckpt").exists() for folder in folders)
    again = model.fit(known, context)
    assert_array_equal(scores(again, tmp_path), scores(whole, tmp_path))


def test_no_fit_starts_mpi(tmp_path, monkeypatch):
    monkeypatch.setattr(MPIEnvironment, "detect", staticmethod(lambda: pytest.fail("MPI started")))
    fit(tmp_path, epochs=1)


def test_a_fit_restores_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    fit(tmp_path, epochs=1)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    fit(tmp_path, epochs=1)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_mixing_is_repeatable_and_mixes(tmp_path):
    plain, one, other = fit(tmp_path), fit(tmp_path, mixup=0.4), fit(tmp_path, mixup=0.4)
    assert_array_equal(scores(one, tmp_path), scores(other, tmp_path))
    assert not np.allclose(scores(one, tmp_path), scores(plain, tmp_path))


def test_layouts_and_compilation_give_the_same_network_and_the_same_names(tmp_path, monkeypatch):
    expected = scores(fit(tmp_path), tmp_path)
    rows = replace(CPU, channels_last=False)
    assert_allclose(scores(fit(tmp_path, rows), tmp_path), expected, atol=1e-3)
    calls, torch_compile = [], torch.compile

    def traced(function):
        calls.append(function)
        return torch_compile(function, backend="eager")

    monkeypatch.setattr(torch, "compile", traced)
    compiled = fit(tmp_path, replace(CPU, compile=True))
    assert len(calls) == 1
    assert_allclose(scores(compiled, tmp_path), expected, atol=1e-3)
    compiled.save(tmp_path / "model")
    again = load_network(tmp_path / "model", compiled.network)
    assert_array_equal(scores(again, tmp_path), scores(compiled, tmp_path))


def test_a_loss_that_is_no_number_names_the_cases_of_its_batch(tmp_path, monkeypatch):
    read = ImageSet.read

    def poisoned(images, rows, size, given):
        pixels = read(images, rows, size, given)
        pixels[images.case_id[rows] == "case0007"] = torch.nan
        return pixels

    def moments(examples):
        return torch.zeros(1), torch.ones(1)

    monkeypatch.setattr(ImageSet, "read", poisoned)
    monkeypatch.setattr(Examples, "moments", moments)
    with pytest.raises(ModelFailure, match=r"training loss is nan in epoch 0") as failure:
        fit(tmp_path)
    assert failure.value.detail in str(failure.value)
    named = failure.value.detail.split(", ")
    assert "case0007" in named
    assert len(named) == 16
    assert set(named) <= set(halves(tmp_path, 48)[0].case_id)
