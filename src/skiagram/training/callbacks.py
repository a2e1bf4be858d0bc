"""The callbacks of a fit: curves, early stopping, the best weights, the state to resume from.

All of them are Lightning's own or add a few lines to one. The state of each is in `last.ckpt`, so a
fit that was killed ends as one that was not.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import Callback, Checkpoint, EarlyStopping, ModelCheckpoint
from torch import Tensor

MONITOR = "validation_loss"
_BEST, _LAST = "best", "last"
_METRICS = ("training_loss", "validation_loss", "validation_accuracy")


class Curves(Checkpoint):
    """Keeps the figures of every epoch; as a `Checkpoint` it is called once all are logged.

    Args:
        advanced: Called after each epoch.
    """

    def __init__(self, advanced: Callable[[], None] = lambda: None) -> None:
        self._advanced = advanced
        self._learning_rate = 0.0
        self.rows: list[dict[str, float]] = []

    @property
    def state_key(self) -> str:
        """Return the name of this state in a checkpoint."""
        return "curves"

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what a checkpoint holds."""
        self.rows = list(state_dict["rows"])

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note the learning rate of the epoch's first step."""
        if batch_idx == 0:
            self._learning_rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the epoch."""
        metrics = trainer.callback_metrics
        self.rows.append(
            {"epoch": float(trainer.current_epoch)}
            | {name: float(metrics[name]) for name in _METRICS if name in metrics}
            | {"learning_rate": self._learning_rate}
        )
        self._advanced()


class Patience(EarlyStopping):
    """Early stopping on the validation loss that does not count epochs of a frozen base.

    Args:
        patience: Epochs without a lower validation loss after which training stops.
        frozen_epochs: First epochs, in which a part of the network does not learn: they say little
            of what the whole can reach.
    """

    def __init__(self, patience: int, frozen_epochs: int) -> None:
        super().__init__(MONITOR, patience=patience)
        self._frozen_epochs = frozen_epochs

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Train no more where a fit was killed after its last epoch."""
        trainer.should_stop = self.wait_count >= self.patience

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count the epoch."""
        if trainer.current_epoch < self._frozen_epochs:
            self.wait_count = -1
        super().on_train_epoch_end(trainer, pl_module)


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint beside its place and moves it there, so that it is never half written.

    Lightning's own way writes to the system's temporary folder, from where a move may be a copy.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint."""
        write_whole(checkpoint, Path(path))


def write_whole(state: dict[str, Any], path: Path) -> None:
    """Write a state file in one step: a kill leaves the old one or the new one.

    Raises:
        OSError: The disk is full; PyTorch itself would not say so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    content = BytesIO()
    torch.save(state, content)
    unfinished.write_bytes(content.getbuffer())
    unfinished.replace(path)


def best_weights(folder: Path) -> Callback:
    """Return what writes the weights of the lowest validation loss into a folder."""
    return ModelCheckpoint(
        folder, _BEST, monitor=MONITOR, save_weights_only=True, enable_version_counter=False
    )


def last_state(folder: Path) -> Callback:
    """Return what writes the state after each epoch into a folder."""
    return ModelCheckpoint(folder, _LAST, enable_version_counter=False)


def last_checkpoint(folder: Path) -> Path:
    """Return the file of the state after the last finished epoch."""
    return folder / f"{_LAST}.ckpt"


def read_best(folder: Path) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Return the best weights of a classifier, else its last ones, and the curves of its fit.

    They are read from the files, because processes that were started for a fit leave nothing else.
    """
    best, last = folder / f"{_BEST}.ckpt", last_checkpoint(folder)
    state = torch.load(last, map_location="cpu", weights_only=True)
    curves = list(state["callbacks"]["curves"]["rows"])
    if best.exists():
        state = torch.load(best, map_location="cpu", weights_only=True)
    weights = {
        name.removeprefix("classifier."): value for name, value in state["state_dict"].items()
    }
    return weights, curves


def delete_checkpoints(folder: Path) -> None:
    """Delete what a finished fit needs no more."""
    for name in (_BEST, _LAST):
        (folder / f"{name}.ckpt").unlink(missing_ok=True)
