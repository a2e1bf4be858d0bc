"""Running out of memory names the option; what ends one of several processes ends all by name."""

import os
import socket
import time
from dataclasses import replace
from multiprocessing import get_context

import pytest
import pytorch_lightning as pl
import torch

from skiagram.errors import DataError, ModelFailure, SkiagramError
from skiagram.training.devices import describe_device
from skiagram.training.fit import Curves
from skiagram.training.options import Optimizer
from skiagram.training.processes import memory_failures
from tests.models.deep.spots import fit, halves, learner, training
from tests.stand_ins import CPU

pytestmark = pytest.mark.slow


def raising(error):
    def exhaust(*arguments):
        raise error

    return exhaust


def test_too_little_memory_names_the_option(tmp_path, monkeypatch):
    known, unseen = halves(tmp_path, 24)
    fitted = fit(learner(training(epochs=1)), known, unseen)
    for error in (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ):
        monkeypatch.setattr(fitted, "logits", raising(error))
        with pytest.raises(ModelFailure, match=r"during scoring.*training\.batch_size \(now 16\)"):
            fitted.scores(unseen.inputs)
        monkeypatch.setattr(Curves, "on_train_epoch_end", raising(error))
        with pytest.raises(ModelFailure, match=r"during training.*training\.batch_size \(now 16\)"):
            fit(learner(training()), known, unseen)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shape"), memory_failures("training", 4):
        raise RuntimeError("wrong shape")


TWO = replace(CPU, devices=2, strategy="ddp_spawn")


def test_spawned_processes_that_diverge_fail_the_model(tmp_path):
    known, unseen = halves(tmp_path, 48)
    trainer = replace(TWO, accelerator="auto")
    exploding = Optimizer(name="sgd", lr=10.0, weight_decay=1e6, schedule="constant")
    model = learner(training(epochs=3, optimizer=exploding), trainer=trainer)
    with pytest.raises(ModelFailure, match=r"loss is (nan|inf).*training\.optimizer\.lr"):
        fit(model, known, unseen)


class FailsInOne(pl.Callback):
    """Ends the second process in its second batch."""

    def __init__(self, kind):
        self.kind = kind

    def on_train_batch_end(self, trainer, *given):
        if trainer.global_rank == 1 and trainer.global_step == 1:
            raise {
                "model": ModelFailure("lost its way", remedy="turn", detail="case0001"),
                "data": DataError("no pixels", where="case0001"),
                "memory": MemoryError(),
            }[self.kind]


class DivergesInOne(pl.Callback):
    """Has the second process alone see a loss that is not finite; all have lost weights then."""

    def on_train_batch_end(self, trainer, pl_module, *given):
        if trainer.global_rank == 1:
            pl_module._losses = [torch.tensor(float("nan"))]
        for weights in pl_module.parameters():
            weights.data.fill_(float("nan"))


def fit_as_rank(rank, port, folder, callback, ended):
    """Fit as a launcher's process would, and put what it raised into a queue."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_RUN_ID": "a"}
    known, unseen = halves(folder / str(rank), 48)
    trainer = replace(TWO, strategy="ddp", callbacks=(callback,))
    try:
        fit(learner(training(), trainer=trainer), known, unseen, folder=folder / "shared")
    except SkiagramError as error:
        ended.put(str(error))
    else:
        ended.put("finished")


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        ({"_target_": f"{__name__}.FailsInOne", "kind": "model"}, "lost its way (case0001)"),
        ({"_target_": f"{__name__}.FailsInOne", "kind": "data"}, "case0001: no pixels"),
        ({"_target_": f"{__name__}.FailsInOne", "kind": "memory"}, "training.batch_size"),
        ({"_target_": f"{__name__}.DivergesInOne"}, "training loss is nan"),
    ],
    ids=["model", "data", "memory", "loss"],
)
def test_what_ends_one_process_ends_the_other_at_once_and_by_name(tmp_path, callback, words):
    context = get_context("forkserver")  # a process that has imported the libraries once
    context.set_forkserver_preload([__name__])
    ended = context.Queue()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        context.Process(target=fit_as_rank, args=(rank, port, tmp_path, callback, ended))
        for rank in range(2)
    ]
    started = time.monotonic()
    try:
        for process in processes:
            process.start()
        said = [ended.get(timeout=240) for _ in processes]
    finally:
        for process in processes:
            process.kill()
    assert all(words in each for each in said), said
    assert time.monotonic() - started < 240


def test_a_piece_is_of_the_device_that_trained_it(monkeypatch):
    (kind, capability) = describe_device(CPU)
    assert kind == "cpu"
    automatic = replace(CPU, accelerator="auto")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    on_gpu = describe_device(automatic)
    assert on_gpu[0] == "cuda"
    assert describe_device(replace(automatic, devices="auto")) != on_gpu
    assert describe_device(CPU) == [kind, capability]
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    assert describe_device(CPU) != [kind, capability]
