"""Several processes that share one training: each is silent, and none leaves before the others."""

import logging
import os
import warnings
from collections.abc import Mapping

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy

LIBRARIES = ("pytorch_lightning", "lightning_fabric")


class Threads(pl.Callback):
    """Sets the threads of every process; Lightning would share out the cores of the machine.

    Args:
        threads: Threads of one process.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Set them; Lightning calls this in each process once it has its place among the others."""
        torch.set_num_threads(self._threads)


class Spawned(DDPStrategy):
    """Data-parallel processes of one machine that start anew for each fit and then end."""

    def __init__(self) -> None:
        super().__init__(start_method="spawn")

    def setup_environment(self) -> None:
        """Join the others without a word."""
        silence()
        super().setup_environment()


def silence() -> None:
    """Keep Lightning's notices about hardware and loaders from this process's terminal."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="|".join(LIBRARIES))


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
