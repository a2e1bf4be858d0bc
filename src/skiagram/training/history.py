"""What a fit remembers from epoch to epoch, and when it stops.

All of it is part of the checkpoint: curves, the best weights so far and the decision to stop. So
one file tells whether a fit is under way or finished, and both can be taken up from it.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor

from skiagram.errors import ModelFailure
from skiagram.training.module import ClassifierTraining

SECONDS_BETWEEN = 1.0


class History(Checkpoint):
    """Curves, best weights and early stopping on the validation loss.

    Args:
        epochs: Epochs at most.
        patience: Epochs without a lower validation loss after which training stops.
        path: Checkpoint to write after an epoch, at most once a second and after the last one.
        frozen_epochs: First epochs, which patience does not count.
        advanced: Called after each epoch.
    """

    def __init__(
        self,
        epochs: int,
        patience: int,
        path: Path,
        frozen_epochs: int = 0,
        advanced: Callable[[], None] = lambda: None,
    ) -> None:
        self._epochs = epochs
        self._patience = patience
        self._path = path
        self._frozen_epochs = frozen_epochs
        self._advanced = advanced
        self._written = time.monotonic()
        self.curves: list[dict[str, float]] = []
        self.best_weights: dict[str, Tensor] = {}
        self.best_epoch = -1
        self.stopped = False

    @property
    def state_key(self) -> str:
        """Return the name of this state in a checkpoint."""
        return "history"

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "curves": self.curves,
            "best_weights": self.best_weights,
            "best_epoch": self.best_epoch,
            "stopped": self.stopped,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what a checkpoint holds."""
        self.curves = list(state_dict["curves"])
        self.best_weights = state_dict["best_weights"]
        self.best_epoch = state_dict["best_epoch"]
        self.stopped = state_dict["stopped"]

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge the epoch, write the checkpoint if it is due and say whether to go on."""
        assert isinstance(pl_module, ClassifierTraining)  # noqa: S101 - narrows the type
        learned = trainer.strategy.broadcast(pl_module.training_loss())
        loss, accuracy = trainer.strategy.broadcast(pl_module.validation())
        row = {
            "epoch": float(trainer.current_epoch),
            "training_loss": learned,
            "validation_loss": loss,
            "validation_accuracy": accuracy,
            "learning_rate": pl_module.learning_rate,
        }
        _check_finite(loss, trainer.current_epoch)
        self.curves.append(row)
        if self.best_epoch < 0 or loss < self.curves[self.best_epoch]["validation_loss"]:
            self.best_epoch = len(self.curves) - 1
            weights = pl_module.classifier.state_dict()
            self.best_weights = {
                name: value.detach().cpu().clone() for name, value in weights.items()
            }
        # An epoch in which a part was frozen says little of what the whole can reach.
        waited = len(self.curves) - 1 - max(self.best_epoch, self._frozen_epochs - 1)
        self.stopped = waited >= self._patience or len(self.curves) == self._epochs
        trainer.should_stop = self.stopped
        if trainer.strategy.broadcast(self.stopped or self._due()):
            self._write(trainer)
        self._advanced()

    def _due(self) -> bool:
        """Return whether enough work would be lost; a file each short epoch takes a tenth of it."""
        return time.monotonic() - self._written >= SECONDS_BETWEEN

    def _write(self, trainer: pl.Trainer) -> None:
        self._written = time.monotonic()
        unfinished = self._path.with_suffix(".unfinished")
        if not self.stopped:
            trainer.save_checkpoint(unfinished, weights_only=False)
        elif trainer.is_global_zero:  # nothing resumes a finished fit, so its optimizer can go
            torch.save({"callbacks": {self.state_key: self.state_dict()}}, unfinished)
        if trainer.is_global_zero:
            unfinished.replace(self._path)
        trainer.strategy.barrier()


def _check_finite(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise ModelFailure(
            f"validation loss is {loss} in epoch {epoch}",
            where="training",
            remedy="lower training.optimizer.lr or set training.gradient_clip",
        )


def read_history(path: Path) -> dict[str, Any]:
    """Read the state that a `History` left in a checkpoint; no code is unpickled."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return dict(state["callbacks"]["history"])
