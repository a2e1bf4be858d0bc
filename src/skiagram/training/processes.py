"""Processes that train: threads, silence, waiting for each other, memory, failures.

Several that share one training are silent each, and none leaves before the others. What they decide
they decide together, and what ends one of them ends all: none waits for a process that has failed.
"""

import json
import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.strategies.launchers import _MultiProcessingLauncher

from skiagram import errors
from skiagram.errors import ModelFailure, SkiagramError

LIBRARIES = ("pytorch_lightning", "lightning_fabric")


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


def silence() -> None:
    """Keep Lightning's notices about hardware and loaders from this process's terminal."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="|".join(LIBRARIES))
    warnings.filterwarnings("ignore", message="The `srun` command is available")  # and not needed


def started() -> int | None:
    """Return how many processes a launcher (torchrun, srun) started; None where none did."""
    for name in ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        if int(os.environ.get(name, 1)) > 1:
            return int(os.environ[name])
    return None


def is_shared() -> bool:
    """Return whether this process has met others that share its training."""
    return bool(torch.distributed.is_available() and torch.distributed.is_initialized())


def wait_for_all() -> bool:
    """Wait until every process has come here; False where this one shares with no other."""
    if not is_shared():
        return False
    torch.distributed.barrier()
    return True


def as_the_first(answer: bool) -> bool:
    """Return the first process's answer: a shared disk may show others a file later."""
    if not is_shared():
        return answer
    answers = [answer]
    torch.distributed.broadcast_object_list(answers, src=0)
    return answers[0]


def raise_together(failure: ModelFailure | None) -> None:
    """Raise in all processes what one of them has found; nothing where none has."""
    if is_shared():
        found: list[ModelFailure | None] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(found, failure)
        failure = next(filter(None, found), None)
    if failure is not None:
        raise failure


class SharedFailure(pl.Callback):
    """Tells the other processes, and the one that started this, what ended the training here.

    It stands in a file of the folder that they share. Leaving the group ends their waiting at once;
    by itself it would last for half an hour.
    """

    def __init__(self, folder: Path, batch_size: int) -> None:
        self._path, self._batch_size = folder / "failure.json", batch_size
        self._path.unlink(missing_ok=True)  # of an earlier run

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Note an error that has a name, then leave the group."""
        if not isinstance(exception, Exception):  # Ctrl-C, which all have got
            return
        exception = memory_failure(exception, "training", self._batch_size) or exception
        if isinstance(exception, SkiagramError) and trainer.world_size > 1:
            noted = {"class": type(exception).__name__} | vars(exception)
            partial = self._path.with_suffix(f".{trainer.global_rank}")
            with suppress(OSError):  # of a full disk; the others then end without a name
                partial.write_text(json.dumps(noted), encoding="utf-8")
                partial.replace(self._path)
        if is_shared():
            torch.distributed.destroy_process_group()

    def read(self) -> SkiagramError | None:
        """Return what ended the training in another process; None where it left nothing."""
        for pause in (0.0, 0.5, 2.0):  # a shared disk may show it later
            time.sleep(pause)
            with suppress(OSError, ValueError, KeyError):
                noted = json.loads(self._path.read_text(encoding="utf-8"))
                kind: type[SkiagramError] = getattr(errors, noted.pop("class"))
                return kind(noted.pop("found"), **noted)
        return None


@contextmanager
def memory_failures(where: str, batch_size: int) -> Iterator[None]:
    """Turn running out of memory into a failure that says which option to turn.

    Args:
        where: What is under way, `training` or `scoring`.

    Raises:
        ModelFailure: Memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        failure = memory_failure(error, where, batch_size)
        if failure is None:
            raise
        raise failure from error


def memory_failure(error: Exception, where: str, batch_size: int) -> ModelFailure | None:
    """Return the failure of a work that ran out of memory; None where the error is another one."""
    kinds = (MemoryError, torch.OutOfMemoryError)
    words = ("out of memory", "not enough memory")
    if not isinstance(error, kinds) and not any(each in str(error).lower() for each in words):
        return None
    return ModelFailure(
        f"memory ran out during {where}",
        where=where,
        remedy=f"lower training.batch_size (now {batch_size}) or training.image_size",
    )


def is_last(rank: int | None) -> bool:
    """Wait for all processes; return whether this one deletes what they shared.

    Processes that had nothing to train never met: another may still read what they share.
    """
    met = wait_for_all()
    return rank is None or (rank == 0 and met)
