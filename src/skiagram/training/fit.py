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

import pandas as pd
import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import LearningRateMonitor
from torch import Tensor

from skiagram.compute.progress import Progress
from skiagram.compute.workers import keep_freed_memory
from skiagram.errors import OptionError
from skiagram.training.callbacks import (
    MONITOR,
    Curves,
    Patience,
    WholeFiles,
    best_weights,
    delete_checkpoints,
    last_checkpoint,
    last_state,
    read_best,
    write_whole,
)
from skiagram.training.classifier import Classifier, Staged
from skiagram.training.data import Examples, ImageData
from skiagram.training.module import ClassifierTraining
from skiagram.training.options import FALLING, Trainer, Training, make_part
from skiagram.training.processes import (
    LIBRARIES,
    Spawned,
    Threads,
    memory_failures,
    silence,
    started,
    wait_for_all,
)

_FINISHED = "finished.ckpt"
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class TrainingRun:
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

    def run(
        self,
        classifier: Classifier,
        training: Examples,
        validation: Examples | None,
        epochs: int | None = None,
    ) -> pd.DataFrame:
        """Train in place until the validation loss no longer falls; restore the best weights.

        Args:
            classifier: Freshly initialised.
            training: Examples to learn from.
            validation: Examples that decide when to stop; without them the last weights are kept.
            epochs: Epochs to train for, under the learning rates of the training's own; None for as
                many as it has at most.

        Returns:
            One row an epoch: `epoch`, `training_loss`, `validation_loss`, `validation_accuracy`,
            `learning_rate`; without validation examples no figures of theirs.

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
            finished = folder / _FINISHED
            if finished.exists():
                state = torch.load(finished, map_location="cpu", weights_only=True)
            else:
                first = self._train(classifier, training, validation, epochs, folder)
                weights, curves = read_best(folder)
                state = {"weights": weights, "curves": curves}
                wait_for_all()
                if first:
                    write_whole(state, finished)
                    delete_checkpoints(folder)
            wait_for_all()
        classifier.load_state_dict(state["weights"])
        return pd.DataFrame(state["curves"]).astype({"epoch": "int64"})

    def _train(
        self,
        classifier: Classifier,
        training: Examples,
        validation: Examples | None,
        epochs: int | None,
        folder: Path,
    ) -> bool:
        """Train or resume; return whether this process is the first of those that share it."""
        options = self.training
        epochs = options.epochs if epochs is None else epochs
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
            Progress("epochs", epochs) as bar,
            _quiet(),
            memory_failures("training", options.batch_size),
        ):
            frozen = _frozen_epochs(classifier)
            own: list[pl.Callback] = [Curves(bar.advance)]
            if validation is not None:
                own += [Patience(options.patience, frozen), best_weights(folder)]
            last = last_checkpoint(folder)
            resumed = str(last) if last.exists() else None
            trainer = self._lightning([*own, last_state(folder)], epochs, folder)
            if frozen and trainer.world_size > 1:
                raise OptionError(
                    f"a base that is frozen for {frozen} epochs, on {trainer.world_size} devices",
                    where="model.frozen_epochs",
                    allowed="0 or null on several devices",
                )
            on_processors = device(self.trainer).type == "cpu"
            with _interrupts(), _no_accelerators() if on_processors else nullcontext():
                trainer.fit(module, data, ckpt_path=resumed, weights_only=True)
        return trainer.is_global_zero

    def _lightning(self, own_callbacks: list[pl.Callback], epochs: int, folder: Path) -> pl.Trainer:
        options, where = self.trainer, dataclasses.asdict(self.trainer)
        for name in ("channels_last", "compile", "callbacks", "logger"):
            del where[name]
        chosen = [make_part(part, "trainer.callbacks") for part in options.callbacks]
        logger = make_part(options.logger, "trainer.logger") if options.logger else False
        if logger:
            chosen.append(LearningRateMonitor(logging_interval="epoch"))
        spawned = self.trainer.strategy == "ddp_spawn"
        try:
            trainer = pl.Trainer(
                **where | ({"strategy": Spawned()} if spawned else {}),
                max_epochs=epochs,
                deterministic=True if device(self.trainer).type == "cpu" else "warn",
                callbacks=[Threads(self.threads), *own_callbacks, *chosen],
                logger=logger,
                plugins=[WholeFiles()],
                default_root_dir=folder,
                gradient_clip_val=self.training.gradient_clip,
                num_sanity_val_steps=0,
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


def epochs_of_a_refit(training: Training, curves: pd.DataFrame) -> int:
    """Return for how many epochs a fit on more cases trains, where no validation loss stops it.

    For as many as a fit with these curves kept. A learning rate that falls to 0 is let fall to its
    end: weights from its middle scatter, and score worse than those of an early stop.
    """
    if training.optimizer.schedule in FALLING:
        return training.epochs
    if MONITOR not in curves:
        return len(curves)
    return int(curves[MONITOR].to_numpy().argmin()) + 1


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
    processes, needed = started(), trainer.num_devices * trainer.num_nodes
    if processes is None and trainer.num_nodes > 1:
        raise OptionError(
            f"{trainer.num_nodes} machines, but no launcher started this process",
            where="trainer.num_nodes",
            remedy="start the stage by torchrun or by srun from sbatch, one process a device",
        )
    environment = getattr(trainer.strategy, "cluster_environment", None)
    joined = environment is not None and environment.creates_processes_externally
    if processes is not None and (
        processes != needed or not joined or options.strategy == "ddp_spawn"
    ):
        raise OptionError(
            f"a launcher started {processes} processes, the trainer needs {needed}",
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
