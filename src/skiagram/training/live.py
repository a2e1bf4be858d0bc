"""Epochs of a network under way, for who watches it in the tracker; no result depends on it."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, MLFlowLogger
from pytorch_lightning.utilities import rank_zero_only

from skiagram.compute.progress import LIVE


class EpochLog(Logger):
    """Lightning's logger of MLflow for one of the fits that share a run, once there is this run.

    Until then epochs are kept. The first error, such as a server that is gone, ends it: it costs no
    result and no time.

    Attributes:
        fit: Name of the fit.
        note: File that appears with the run: address of the tracker and id of the run, as JSON.
    """

    version = 0

    def __init__(self, fit: str, note: Path) -> None:
        super().__init__()
        self.fit, self.note = fit, note
        self._waiting: list[tuple[dict[str, float], int]] = []
        self._mlflow: MLFlowLogger | None = None
        self._lost = False

    @property
    def name(self) -> str:
        return self.fit

    def log_hyperparams(self, *arguments: Any, **options: Any) -> None:
        """Log none: the run has the options when it is recorded."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log figures under the names that the finished model's have: `training_loss/<fit>`."""
        epoch = int(metrics.get("epoch", step or 0))
        named = {
            f"{name}/{self.fit}": value
            for name, value in metrics.items()
            if name != "epoch" and math.isfinite(value)
        }
        if self._lost or not named:
            return
        self._waiting.append((named, epoch))
        if self._mlflow is None and not self.note.exists():
            return
        try:
            if self._mlflow is None:
                self._mlflow = MLFlowLogger(**json.loads(self.note.read_text(encoding="utf-8")))
            while self._waiting:
                self._mlflow.log_metrics(*self._waiting.pop(0))
        except Exception:  # whatever happens to a tracker
            self._lost = True


def find_live_log(folder: Path) -> EpochLog | None:
    """Return the logger of the fit in a folder; None where no tracker shows it."""
    note = os.environ.get(LIVE)
    if note is None:
        return None
    is_member = folder.name.startswith("member")  # a further network of a fit
    fit = f"{folder.parent.name}-{folder.name}" if is_member else folder.name
    return EpochLog(fit, Path(note))
