"""Epochs of a network under way, for who watches it in the tracker; no result depends on it."""

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from skiagram.compute.progress import LIVE

_PAUSES = 20  # times that an answer took, for which the tracker is left alone


class EpochLog(Logger):
    """Lightning's logger of one of the fits that share a run of MLflow, once there is this run.

    Until then epochs are kept, and go to the tracker together. After each answer they are kept for
    twenty times as long as it took: no training waits long for a slow tracker. The first error,
    such as a server that is gone, ends it, and costs no result.

    Attributes:
        fit: Name of the fit.
        note: File that appears with the run: address of the tracker and id of the run, as JSON.
    """

    version = 0

    def __init__(self, fit: str, note: Path) -> None:
        super().__init__()
        self.fit, self.note = fit, note
        self._waiting: list[tuple[str, float, int, int]] = []  # name, value, time, epoch
        self._pause_ends, self._lost = 0.0, False

    @property
    def name(self) -> str:
        return self.fit

    def log_hyperparams(self, *arguments: Any, **options: Any) -> None:
        """Log none: the run has the options when it is recorded."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log figures under the names that the finished model's have: `training_loss/<fit>`."""
        epoch, now = int(metrics.get("epoch", step or 0)), time.time()
        self._waiting += [
            (f"{name}/{self.fit}", value, int(now * 1000), epoch)
            for name, value in metrics.items()
            if name != "epoch" and math.isfinite(value)
        ]
        if now >= self._pause_ends and self.note.exists():
            self._send()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Send the last epochs."""
        if self.note.exists():
            self._send()

    def _send(self) -> None:
        """Have the tracker show what waits, in one call."""
        if self._lost or not self._waiting:
            return
        began = time.monotonic()
        try:
            from mlflow.entities import Metric
            from mlflow.tracking import MlflowClient

            address = json.loads(self.note.read_text(encoding="utf-8"))
            client = MlflowClient(tracking_uri=address["tracking_uri"])
            client.log_batch(address["run_id"], [Metric(*point) for point in self._waiting])
            self._waiting.clear()
        except Exception:  # whatever happens to a tracker
            self._lost = True
        self._pause_ends = time.time() + _PAUSES * (time.monotonic() - began)


def find_live_log(folder: Path) -> EpochLog | None:
    """Find the logger of the fit in a folder; None where no tracker shows it."""
    note = os.environ.get(LIVE)
    return None if note is None else EpochLog(name_fit(folder), Path(note))


def name_fit(folder: Path) -> str:
    """Name the fit in a folder, one of several networks by its number too."""
    is_member = folder.name.startswith("member")
    return f"{folder.parent.name}-{folder.name}" if is_member else folder.name
