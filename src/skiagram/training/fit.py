"""One fit from its examples to its best weights; a killed fit goes on where it stopped."""

import dataclasses
import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from skiagram.errors import OptionError
from skiagram.freed_memory import keep_freed_memory
from skiagram.progress import Progress
from skiagram.training.classifier import Classifier, Staged
from skiagram.training.data import Examples, ImageData
from skiagram.training.history import History, read_history
from skiagram.training.memory import memory_failures
from skiagram.training.module import ClassifierTraining
from skiagram.training.options import Trainer, Training
from skiagram.training.processes import LIBRARIES, Spawned, Threads, silence, started, wait_for_all

CHECKPOINT = "last.ckpt"
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Fit:
    """How one fit is made.

    Attributes:
        training: Options of the network's training.
        trainer: Where it is trained.
        n_classes: Number of classes.
        threads: Threads of one process; weights repeat bit for bit at an equal count only.
        seed: Seed of this fit.
        folder: Folder of the checkpoint; None to keep none after the fit.
    """

    training: Training
    trainer: Trainer
    n_classes: int
    threads: int
    seed: int
    folder: Path | None

    def run(self, classifier: Classifier, training: Examples, validation: Examples) -> pd.DataFrame:
        """Train in place until the validation loss no longer falls; restore the best weights.

        Args:
            classifier: Freshly initialised.
            training: Examples to learn from.
            validation: Examples that decide when to stop.

        Returns:
            One row an epoch: `epoch`, `training_loss`, `validation_loss`, `validation_accuracy`,
            `learning_rate`.

        Raises:
            ModelFailure: The loss is no longer finite or memory ran out.
            OptionError: The devices or the strategy asked for do not exist here, or other processes
                were started than they need.
            KeyboardInterrupt: The user stopped it; the next run goes on after the last epoch.
        """
        torch.set_num_threads(self.threads)
        keep_freed_memory()
        with TemporaryDirectory(prefix="skiagram-") as scratch:
            folder = self.folder or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            checkpoint = folder / CHECKPOINT
            history: dict[str, Any] = {"stopped": False}
            if checkpoint.exists():
                history = read_history(checkpoint)
            if not history["stopped"]:
                history = self._train(classifier, training, validation, checkpoint)
            wait_for_all()
        classifier.load_state_dict(history["best_weights"])
        curves = pd.DataFrame(history["curves"])
        return curves.astype({"epoch": "int64"})

    def _train(
        self, classifier: Classifier, training: Examples, validation: Examples, checkpoint: Path
    ) -> dict[str, Any]:
        options = self.training
        weight = _class_weight(training.label, self.n_classes, options.class_weights)
        names, compiled = training.images.case_id, self.trainer.compile
        module = ClassifierTraining(
            classifier, options, weight, self.seed, names, compiled=compiled
        )
        augmented = options.views is not None
        data = ImageData(training, validation, options.batch_size, self.seed, augmented)
        # Results depend on no uninitialised number, so filling memory beforehand only costs time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        with (
            Progress("epochs", options.epochs) as bar,
            _quiet(),
            memory_failures("training", options.batch_size),
        ):
            frozen = _frozen_epochs(classifier)
            history = History(options.epochs, options.patience, checkpoint, frozen, bar.advance)
            resumed = str(checkpoint) if checkpoint.exists() else None
            trainer = self._lightning(history)
            if frozen and trainer.world_size > 1:
                raise OptionError(
                    f"a base that is frozen for {frozen} epochs, on {trainer.world_size} devices",
                    where="model.frozen_epochs",
                    allowed="0 or null on several devices",
                )
            on_processors = device(self.trainer).type == "cpu"
            with _interrupts(), _no_accelerators() if on_processors else nullcontext():
                trainer.fit(module, data, ckpt_path=resumed, weights_only=True)
        # Processes that were started for this fit alone leave their state in the file only.
        return history.state_dict() if history.stopped else read_history(checkpoint)

    def _lightning(self, history: History) -> pl.Trainer:
        where = dataclasses.asdict(self.trainer)
        for own in ("channels_last", "compile"):
            del where[own]
        spawned = self.trainer.strategy == "ddp_spawn"
        try:
            trainer = pl.Trainer(
                **where | ({"strategy": Spawned()} if spawned else {}),
                max_epochs=self.training.epochs,
                deterministic=True if device(self.trainer).type == "cpu" else "warn",
                callbacks=[history, Threads(self.threads)],
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
        except (MisconfigurationException, ValueError) as error:
            raise OptionError(
                f"{where} cannot be had here ({error})",
                where="trainer",
                remedy="try trainer=default",
            ) from error
        _check_processes(self.trainer, trainer)
        return trainer


def device(trainer: Trainer) -> torch.device:
    """Return the one device that scores cases under these options."""
    if trainer.accelerator != "cpu" and torch.cuda.is_available():
        return torch.device("cuda", 0)
    if trainer.accelerator in ("auto", "mps") and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _frozen_epochs(classifier: Classifier) -> int:
    network = classifier.network
    return (network.frozen_epochs or 0) if isinstance(network, Staged) else 0


def _class_weight(label: Tensor, n_classes: int, kind: str | None) -> Tensor:
    if kind is None:
        return torch.ones(n_classes)
    counts = torch.bincount(label, minlength=n_classes).clamp(min=1)
    return len(label) / (n_classes * counts.float())


def _check_processes(options: Trainer, trainer: pl.Trainer) -> None:
    given, needed = started(), trainer.num_devices * trainer.num_nodes
    if given is None and trainer.num_nodes > 1:
        raise OptionError(
            f"{trainer.num_nodes} machines, but no launcher started this process",
            where="trainer.num_nodes",
            remedy="start the stage by torchrun or by srun from sbatch, one process a device",
        )
    environment = getattr(trainer.strategy, "cluster_environment", None)
    joined = environment is not None and environment.creates_processes_externally
    if given is not None and (given != needed or not joined or options.strategy == "ddp_spawn"):
        raise OptionError(
            f"a launcher started {given} processes, the trainer needs {needed}",
            where="trainer",
            allowed="trainer.strategy=ddp, a process for each of devices × num_nodes",
            remedy="start the stage by torchrun or by srun from sbatch, or without a launcher",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            silence()
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _no_accelerators() -> Iterator[None]:
    """Answer a question at once that PyTorch asks the driver before every step of an optimizer."""
    visible = os.environ.get(_VISIBLE)
    os.environ[_VISIBLE] = ""
    try:
        yield
    finally:
        del os.environ[_VISIBLE]
        if visible is not None:
            os.environ[_VISIBLE] = visible


@contextmanager
def _interrupts() -> Iterator[None]:
    """Hand on Ctrl-C, of which Lightning makes exit code 1 and a process deaf to the next one."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error
