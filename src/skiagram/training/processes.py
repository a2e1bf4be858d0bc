"""Processes that train: threads, silence, waiting for each other, memory.

Several that share one training are silent each, and none leaves before the others.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy

from skiagram.errors import ModelFailure

LIBRARIES = ("pytorch_lightning", "lightning_fabric")
_WORDS = ("out of memory", "not enough memory")


class Threads(pl.Callback):
    """Sets the threads of every process; Lightning would share out the cores of the machine."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Set them; Lightning calls this in each process once it has its place among the others."""
        torch.set_num_threads(self._threads)


class Spawned(DDPStrategy):
    """Data-parallel processes of one machine that start anew for each fit and then end."""

    def __init__(self, *, find_unused_parameters: bool) -> None:
        super().__init__(start_method="spawn", find_unused_parameters=find_unused_parameters)

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


def started(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return how many processes a launcher (torchrun, srun) started; None where none did."""
    for name in ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        if int(environment.get(name, 1)) > 1:
            return int(environment[name])
    return None


def wait_for_all() -> bool:
    """Wait until every process has come here; False where this one shares with no other."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return False
    torch.distributed.barrier()
    return True


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
        if not _out_of_memory(error):
            raise
        raise ModelFailure(
            f"memory ran out during {where}",
            where=where,
            remedy=f"lower training.batch_size (now {batch_size}) or training.image_size",
        ) from error


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(words in str(error).lower() for words in _WORDS)


def is_last(rank: int | None) -> bool:
    """Wait for all processes; return whether this one deletes what they shared.

    Processes that had nothing to train never met: another may still read what they share.
    """
    met = wait_for_all()
    return rank is None or (rank == 0 and met)
