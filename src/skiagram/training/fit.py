"""One fit from its examples to its best weights; a killed fit goes on where it stopped.

The callbacks (curves, early stopping, the best weights, the state to resume from) are Lightning's
own or add a few lines to one. The state of each is in `last.ckpt`, so a fit that was killed ends as
one that was not.
"""

import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import (
    Checkpoint,
    EarlyStopping,
    LearningRateMonitor,
    ModelCheckpoint,
    Timer,
)
from pytorch_lightning.loggers import Logger
from pytorch_lightning.strategies.launchers import _SubprocessScriptLauncher
from torch import Tensor
from torch.distributed.constants import default_pg_timeout

from skiagram.compute.progress import Progress
from skiagram.compute.scratch import scratch_folder
from skiagram.compute.workers import keep_freed_memory
from skiagram.errors import SkiagramError, refusal
from skiagram.projects.launcher import HELPED
from skiagram.training.classifier import Classifier, Staged
from skiagram.training.data import Examples
from skiagram.training.devices import device
from skiagram.training.image_data import ImageData
from skiagram.training.module import ClassifierTraining
from skiagram.training.options import CLOCK, FALLING, NO_CLOCK, Trainer, Training, make_part
from skiagram.training.processes import (
    LIBRARIES,
    as_the_first,
    is_shared,
    memory_failures,
    silence,
    started,
    wait_for_all,
)
from skiagram.training.shared_training import SharedFailure, Spawned, Threads

MONITOR = "validation_loss"
_BEST, _LAST = "best", "last"
_checkpoint = partial(ModelCheckpoint, enable_version_counter=False)
_METRICS = ("training_loss", "validation_loss", "validation_accuracy")


class Curves(Checkpoint):
    """Keeps the figures of every epoch; as a `Checkpoint` it is called once all are logged."""

    state_key = "curves"

    def __init__(self, bar: Progress, fit: str) -> None:
        """Begin without figures.

        Args:
            bar: Shown to who watches.
            fit: Name of the fit, for the bar.
        """
        self._bar, self._fit = bar, fit
        self._learning_rate = 0.0
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint keeps, so that a resumed fit has the figures of all its epochs."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = list(state_dict["rows"])

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note the learning rate of the epoch's first step."""
        if batch_idx == 0:
            self._learning_rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the figures of an epoch, once training and validation have logged theirs."""
        metrics = trainer.callback_metrics
        self.rows.append(
            {"epoch": float(trainer.current_epoch)}
            | {name: float(metrics[name]) for name in _METRICS if name in metrics}
            | {"learning_rate": self._learning_rate}
        )
        # One of several processes tells.
        if trainer.is_global_zero:
            self._bar.advance()
            names = (name for name in _METRICS if name in metrics)
            figures = (f"{name.replace('_', ' ')} {metrics[name]:.3f}" for name in names)
            of_all = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
            self._bar.tell(f"{self._fit}, {of_all}: {', '.join(figures)}")


class Patience(EarlyStopping):
    """Early stopping on the validation loss that does not count epochs of a frozen base.

    They say little of what the whole network can reach.
    """

    def __init__(self, patience: int, frozen_epochs: int) -> None:
        super().__init__(MONITOR, patience=patience)
        self._frozen_epochs = frozen_epochs

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Train no more where a fit was killed after its last epoch."""
        trainer.should_stop = self.wait_count >= self.patience

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count an epoch without a lower loss, unless the base is frozen."""
        # Below 0 by as much as this epoch would add.
        if trainer.current_epoch < self._frozen_epochs:
            self.wait_count = -1
        super().on_train_epoch_end(trainer, pl_module)


class EachEpoch(ModelCheckpoint):
    """Keeps the weights after each epoch, as `epoch=0.ckpt` and so on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "{epoch}", save_top_k=-1, save_weights_only=True)

    @property
    def state_key(self) -> str:
        return "each epoch"  # Lightning allows a second one only by a name of its own


class WholeFiles(TorchCheckpointIO):
    """Writes checkpoints in one step: a kill leaves the old file or the new one.

    Lightning's way moves them, which may be a copy across disks.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a state file.

        Args:
            checkpoint: What PyTorch saves.
            path: File; its folder is made.
            storage_options: Of Lightning's other ways of storing; without effect.

        Raises:
            OSError: The disk is full; PyTorch itself would not say so.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".unfinished")
        content = BytesIO()
        torch.save(checkpoint, content)
        unfinished.write_bytes(content.getbuffer())
        unfinished.replace(target)


def read_weights(
    folder: Path, epochs: int | None
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Read weights of a classifier and the curves of its fit.

    They are read from the files, because processes that were started for a fit leave nothing else.

    Args:
        epochs: That were asked for; None for as many as it has at most.

    Returns:
        The weights after so many epochs where a longer fit kept them, else the best ones, else the
        last; and a row of figures for each epoch.
    """
    # The curves are of the last epoch that ran.
    state = torch.load(folder / f"{_LAST}.ckpt", map_location="cpu", weights_only=True)
    curves = list(state["callbacks"]["curves"]["rows"])[:epochs]
    # Weights after a stated epoch come before those of the best one.
    for chosen in (_after(folder, epochs), folder / f"{_BEST}.ckpt"):
        if chosen is not None and chosen.exists():
            state = torch.load(chosen, map_location="cpu", weights_only=True)
            break
    # Names as the classifier itself has them.
    named = {
        name.removeprefix("classifier."): value
        for name, value in state["state_dict"].items()
        if name.startswith("classifier.")  # cut-offs of grades are of the training alone
    }
    return named, curves


def _after(folder: Path, epochs: int | None) -> Path | None:
    """Find where a fit that keeps the weights after each epoch has those after so many."""
    return None if epochs is None else folder / f"epoch={epochs - 1}.ckpt"


PATIENCE = timedelta(minutes=5)  # in which processes that a launcher starts must meet
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_WHERE = ("accelerator", "devices", "num_nodes", "strategy", "precision")


@dataclass(frozen=True)
class TrainingRun:
    """How one fit is made.

    Attributes:
        threads: Threads of one process; weights repeat bit for bit at an equal count only.
        folder: Folder of the checkpoint; None to keep none after the fit.
        module: Makes the Lightning module that trains.
    """

    training: Training
    trainer: Trainer
    n_classes: int
    threads: int
    seed: int
    folder: Path | None
    module: Callable[..., ClassifierTraining] = ClassifierTraining

    def run(
        self,
        classifier: Classifier,
        training: Examples,
        validation: Examples | None,
        epochs: int | None = None,
        *,
        ahead: bool = False,
    ) -> pd.DataFrame:
        """Train in place until the validation loss no longer falls; restore the best weights.

        Args:
            validation: Examples that decide when to stop; without them the last weights are kept.
            epochs: Epochs to train for, under the learning rates of the training's own; None for as
                many as it has at most.
            ahead: Keep the weights after each epoch in the folder, for a fit of fewer of them.

        Returns:
            One row an epoch: `epoch`, `training_loss`, `validation_loss`, `validation_accuracy`,
            `learning_rate`; without validation examples no figures of theirs.

        Raises:
            ModelFailure: The loss is no longer finite or memory ran out.
            OptionError: The devices or the strategy asked for do not exist here, other processes
                were started than they need, or these share no folder.
            KeyboardInterrupt: The user stopped it; the next run goes on after the last epoch.
        """
        # Processes of a launcher can only share weights through a folder.
        if self.folder is None and started() is not None:
            raise refusal("training.no_shared_folder")
        # Threads and memory of this process.
        torch.set_num_threads(self.threads)
        if device(self.trainer).type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32, as convolutions have it by default
        keep_freed_memory()
        # Without a folder of its own a fit leaves nothing behind.
        with scratch_folder("training") as scratch:
            folder = self.folder or scratch
            folder.mkdir(parents=True, exist_ok=True)
            finished = folder / "finished.ckpt"
            meet(self.trainer)
            # What was finished before is read, not trained again.
            if as_the_first(finished.exists()):
                state = torch.load(finished, map_location="cpu", weights_only=True)
            else:
                first = True
                if not self.has_trained(epochs):
                    first = self._train(classifier, training, validation, epochs, folder, ahead)
                weights, curves = read_weights(folder, epochs)
                state = {"weights": weights, "curves": curves}
                # No process may delete what another still reads.
                wait_for_all()
                if first and not ahead:
                    WholeFiles().save_checkpoint(state, finished)
                    named = (folder / f"{name}.ckpt" for name in (_BEST, _LAST))
                    for path in (*folder.glob("epoch=*.ckpt"), *named):
                        path.unlink(missing_ok=True)
            wait_for_all()
        classifier.load_state_dict(state["weights"])
        return pd.DataFrame(state["curves"]).astype({"epoch": "int64"})

    def has_trained(self, epochs: int | None) -> bool:
        """Tell whether the folder has the weights after so many epochs, of a fit of more."""
        kept = None if self.folder is None else _after(self.folder, epochs)
        return kept is not None and kept.exists()

    def _train(
        self,
        classifier: Classifier,
        training: Examples,
        validation: Examples | None,
        epochs: int | None,
        folder: Path,
        ahead: bool,
    ) -> bool:
        """Train or resume; return whether this process is the first of those that share it.

        Args:
            classifier: Trained in place, where it is not sent to another process.
            training: What is learned from.
            validation: What decides when to stop; None for nothing.
            epochs: To train for; None for as many as the options have.
            folder: Of checkpoints, of this fit alone.
            ahead: Whether the weights after each epoch are kept.

        Raises:
            ModelFailure: The loss is no longer finite or memory ran out.
            OptionError: Callbacks, logger or devices cannot be made.
        """
        # Weights of classes that balance their numbers of cases.
        options = self.training
        epochs = options.epochs if epochs is None else epochs
        weight = torch.ones(self.n_classes)
        if options.class_weights is not None:
            counts = torch.bincount(training.label, minlength=self.n_classes).clamp(min=1)
            weight = len(training.label) / (self.n_classes * counts.float())
        # The module holds the loss and the optimiser, the data their order of batches.
        names, compiled = training.case_id, self.trainer.compile
        module = self.module(classifier, options, weight, self.seed, names, compiled=compiled)
        augmented = options.views is not None
        on_gpu = device(self.trainer).type == "cuda"
        data = ImageData(training, validation, options.batch_size, self.seed, augmented, on_gpu)
        # Results depend on no uninitialised number, so filling memory beforehand only costs time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        with (
            Progress("epochs", epochs) as bar,
            _quiet(),
            memory_failures("training", options.batch_size),
        ):
            # Epochs of a frozen base do not count towards the patience.
            network = classifier.network
            frozen = (network.frozen_epochs or 0) if isinstance(network, Staged) else 0
            # Curves are always kept, the best epoch only with cases to tell it. A folder has the
            # name of its fit, or of one of several networks in the folder of theirs.
            is_member = folder.name.startswith("member")
            fit = f"{folder.parent.name}-{folder.name}" if is_member else folder.name
            callbacks: list[pl.Callback] = [Curves(bar, fit)]
            if validation is not None:
                best = _checkpoint(folder, _BEST, monitor=MONITOR, save_weights_only=True)
                callbacks += [Patience(options.patience, frozen), best]
            # What fails in one process is told to all others.
            failure = SharedFailure(folder, options.batch_size)
            if ahead:
                callbacks.append(EachEpoch(folder))
            callbacks += [_checkpoint(folder, _LAST), failure]
            # A fit that was killed goes on after its last epoch.
            last = folder / f"{_LAST}.ckpt"
            resumed = str(last) if as_the_first(last.exists()) else None
            trainer = self._lightning(callbacks, epochs, folder, frozen=frozen > 0)
            classifier.train()  # Lightning leaves it as it was, which may be after scoring
            try:
                with _plain_fit(on_processors=device(self.trainer).type == "cpu"):
                    trainer.fit(module, data, ckpt_path=resumed, weights_only=True)
            except SkiagramError:
                raise
            except Exception as error:  # most often: another process of this training has ended
                noted = failure.read() if trainer.num_devices * trainer.num_nodes > 1 else None
                if noted is None:
                    raise
                raise noted from error
        return trainer.is_global_zero

    def _lightning(
        self, own_callbacks: list[pl.Callback], epochs: int, folder: Path, *, frozen: bool
    ) -> pl.Trainer:
        """Build Lightning's trainer of this fit.

        Args:
            own_callbacks: Those that keep curves and weights, before those of the options.
            epochs: To train for.
            folder: Of checkpoints.
            frozen: Whether a base gets no gradient in some epochs.

        Raises:
            OptionError: A callback, a logger or the devices cannot be made, or a callback stops by
                the clock.
        """
        # Callbacks that the options name.
        options = self.trainer
        chosen = [make_part(part, "trainer.callbacks") for part in options.callbacks]
        if any(isinstance(callback, Timer) for callback in chosen):
            raise refusal("training.clock_of_callback", found=CLOCK, remedy=NO_CLOCK)
        # A logger of the options, with the learning rate beside it.
        loggers: list[Logger] = []
        if options.logger:
            loggers.append(make_part(options.logger, "trainer.logger"))
            chosen.append(LearningRateMonitor(logging_interval="epoch"))
        # What results depend on is set here, whatever the options say.
        return _make_trainer(
            options,
            frozen=frozen,
            max_epochs=epochs,
            deterministic=True if device(options).type == "cpu" else "warn",
            callbacks=[Threads(self.threads), *own_callbacks, *chosen],
            logger=loggers or False,
            plugins=[WholeFiles()],
            default_root_dir=folder,
            gradient_clip_val=self.training.gradient_clip,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )


def meet(options: Trainer) -> None:
    """Have all processes that share a training meet, before the first decision; at once if alone.

    A launcher has started them, or Lightning does so here; those of `ddp_spawn` decide nothing.

    Raises:
        OptionError: The devices or the strategy do not exist here, or are not those of a launcher.
        SkiagramError: Another process did not come.
    """
    # A process on its own has nobody to wait for.
    alone = (options.devices, options.num_nodes) == (1, 1) and started() is None
    if alone or is_shared():
        return
    # Lightning starts the other processes, or joins those that a launcher started.
    with _quiet():
        trainer = _make_trainer(options, frozen=False, logger=False, enable_checkpointing=False)
        strategy = trainer.strategy
        if not isinstance(strategy.launcher, _SubprocessScriptLauncher):
            return
        os.environ[HELPED] = "1"
        strategy._timeout = PATIENCE  # type: ignore[attr-defined]
        # Who does not arrive in time is named as what is missing.
        try:
            strategy.launcher.launch(strategy.setup_environment)
        except torch.distributed.DistError as error:
            waited = f"{PATIENCE.total_seconds() / 60:g} minutes"
            raise refusal(
                "training.processes_not_met",
                number=trainer.world_size,
                waited=waited,
                error=str(error),
            ) from error
        # Once met, one may wait for another for as long as PyTorch lets it: for its scores.
        torch.distributed.set_timeout(default_pg_timeout)


def _make_trainer(options: Trainer, *, frozen: bool, **given: Any) -> pl.Trainer:
    """Build Lightning's trainer of these options, for as many processes as were started.

    Args:
        frozen: Whether a base gets no gradient in some epochs.
        **given: Further arguments of Lightning's.
    """
    # Where a frozen base has gradients of no use, DDP must look for those that are absent.
    arguments = options.lightning()
    strategy: str | Spawned = options.strategy
    if strategy == "ddp_spawn":
        strategy = Spawned(find_unused_parameters=frozen)
    elif frozen and (strategy == "ddp" or (options.devices, options.num_nodes) != (1, 1)):
        strategy = "ddp_find_unused_parameters_true"
    # Lightning would look for MPI besides, and a cluster's own ends each process that mpirun did
    # not start.
    environment: ClusterEnvironment = LightningEnvironment()
    if TorchElasticEnvironment.detect():
        environment = TorchElasticEnvironment()
    elif SLURMEnvironment.detect():
        environment = SLURMEnvironment()
    given["plugins"] = [*given.get("plugins", ()), environment]
    # Lightning refuses devices that are not here.
    try:
        trainer = pl.Trainer(**arguments | {"strategy": strategy} | given)
    except (MisconfigurationException, ValueError) as error:
        where = {name: arguments[name] for name in _WHERE}
        raise refusal("training.no_accelerator", device=where, error=error) from error
    # A launcher starts as many processes as are needed, or none.
    processes, needed = started(), trainer.num_devices * trainer.num_nodes
    if processes is None and trainer.num_nodes > 1:
        raise refusal("training.no_launcher", machines=trainer.num_nodes)
    joined = environment.creates_processes_externally
    if processes is not None and (
        processes != needed or not joined or options.strategy == "ddp_spawn"
    ):
        raise refusal(
            "training.other_processes",
            processes=processes,
            needed=needed,
        )
    return trainer


def epochs_of_a_refit(training: Training, curves: pd.DataFrame) -> int:
    """Choose for how many epochs a fit on more cases trains, where no validation loss stops it.

    For as many as a fit with these curves kept. A learning rate that falls to 0 is let fall to its
    end: weights from its middle scatter, and score worse than those of an early stop.

    Args:
        training: Options of the training.
        curves: A row an epoch of the fit that was stopped.
    """
    if training.optimizer.schedule in FALLING:
        return training.epochs
    if MONITOR not in curves:
        return len(curves)
    return int(curves[MONITOR].to_numpy().argmin()) + 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' notices from the terminal while a fit is made."""
    # Levels of the libraries' logs are put back afterwards.
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
def _plain_fit(*, on_processors: bool) -> Iterator[None]:
    """Have a fit ask for no accelerator that plays no part, and hand on Ctrl-C.

    PyTorch asks the driver before every step of an optimizer; without a visible device the answer
    comes at once. Lightning makes exit code 1 of Ctrl-C, and a process deaf to the next one.
    """
    # What is changed for the fit is put back after it.
    visible, handler = os.environ.get(_VISIBLE), signal.getsignal(signal.SIGINT)
    if on_processors:
        os.environ[_VISIBLE] = ""
    try:
        yield
    except SystemExit as error:
        # Lightning turns Ctrl-C into an exit.
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error
    finally:
        if on_processors:
            del os.environ[_VISIBLE]
            if visible is not None:
                os.environ[_VISIBLE] = visible
