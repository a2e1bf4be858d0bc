"""What Lightning is given of processes that share one training: threads, a start, their failures.

What ends one of them ends all: none waits for a process that has failed.
"""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.strategies.launchers import _MultiProcessingLauncher

from skiagram import errors
from skiagram.errors import SkiagramError
from skiagram.training.processes import is_shared, memory_failure, silence


class Threads(pl.Callback):
    """Sets the threads of every process; Lightning would share out the cores of the machine."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Set them; Lightning calls this in each process once it has its place among the others."""
        torch.set_num_threads(self._threads)


class _NamingLauncher(_MultiProcessingLauncher):
    """Tells callbacks of an error in the process where it arose; only a text of it leaves that."""

    def _wrapping_function(
        self, process_idx: int, trainer: Any, *arguments: Any, **options: Any
    ) -> None:
        """Run a process, and tell its callbacks what ends it while it has its type."""
        try:
            super()._wrapping_function(process_idx, trainer, *arguments, **options)
        except Exception as error:
            for callback in [] if trainer is None else trainer.callbacks:
                callback.on_exception(trainer, trainer.lightning_module, error)
            raise


class Spawned(DDPStrategy):
    """Data-parallel processes of one machine that start anew for each fit and then end."""

    def __init__(self, *, find_unused_parameters: bool) -> None:
        super().__init__(start_method="spawn", find_unused_parameters=find_unused_parameters)

    def _configure_launcher(self) -> None:
        self._launcher = _NamingLauncher(self, start_method="spawn")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Silence a process that was started, of which this is the first that can be done."""
        silence()
        self.__dict__.update(state)


class SharedFailure(pl.Callback):
    """Tells the other processes, and the one that started this, what ended the training here.

    It stands in a file of the folder that they share. Leaving the group ends their waiting at once;
    by itself it would last for half an hour.
    """

    def __init__(self, folder: Path, batch_size: int) -> None:
        """Take the folder that all processes share, and forget what ended an earlier run in it."""
        self._path, self._batch_size = folder / "failure.json", batch_size
        self._path.unlink(missing_ok=True)  # of an earlier run

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Note an error that has a name, then leave the group."""
        if not isinstance(exception, Exception):  # Ctrl-C, which all have got
            return
        # The error with its name, in a file that others read whole or not at all.
        exception = memory_failure(exception, "training", self._batch_size) or exception
        if isinstance(exception, SkiagramError) and trainer.world_size > 1:
            noted = {"class": type(exception).__name__} | vars(exception)
            partial = self._path.with_suffix(f".{trainer.global_rank}")
            with suppress(OSError):  # of a full disk; the others then end without a name
                partial.write_text(json.dumps(noted), encoding="utf-8")
                partial.replace(self._path)
        # Who waits for this process is freed at once.
        if is_shared():
            torch.distributed.destroy_process_group()

    def read(self) -> SkiagramError | None:
        """Read what ended the training in another process; None where it left nothing."""
        for pause in (0.0, 0.5, 2.0):  # a shared disk may show it later
            time.sleep(pause)
            with suppress(OSError, ValueError, KeyError):
                noted = json.loads(self._path.read_text(encoding="utf-8"))
                kind: type[SkiagramError] = getattr(errors, noted.pop("class"))
                return kind(noted.pop("found"), **noted)
        return None
