"""Processes that train: threads, silence, waiting for each other, memory, failures.

Several that share one training are silent each, and none leaves before the others. What they decide
they decide together, and what ends one of them ends all: none waits for a process that has failed.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from skiagram.errors import ModelFailure, refusal

LIBRARIES = ("pytorch_lightning", "lightning_fabric")


def silence() -> None:
    """Keep Lightning's notices about hardware and loaders from this process's terminal.

    What a user has to know is said by this program, in its own words.
    """
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="|".join(LIBRARIES))
    warnings.filterwarnings("ignore", message="The `srun` command is available")  # and not needed


def started() -> int | None:
    """Count how many processes a launcher (torchrun, srun) started; None where none did.

    Launchers tell it in the environment, the same to all processes.
    """
    for name in ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        if int(os.environ.get(name, 1)) > 1:
            return int(os.environ[name])
    return None


def is_shared() -> bool:
    """Tell whether this process has met others that share its training."""
    return bool(torch.distributed.is_available() and torch.distributed.is_initialized())


def wait_for_all() -> None:
    """Wait until every process has come here; one that shares with no other goes on at once."""
    if is_shared():
        torch.distributed.barrier()


def as_the_first(answer: bool) -> bool:
    """Share the first process's answer with all, as a shared disk may show others a file later.

    Args:
        answer: Of this process; it counts where it shares its training with none.
    """
    if not is_shared():
        return answer
    answers = [answer]
    torch.distributed.broadcast_object_list(answers, src=0)
    return answers[0]


@contextmanager
def end_together() -> Iterator[None]:
    """End a stage well in all processes that share it, or in none.

    Raises:
        SkiagramError: Another one has ended before.
    """
    yield
    try:
        wait_for_all()
    except RuntimeError as error:
        raise refusal("training.other_process_failed", error=str(error)) from error


def raise_together(failure: ModelFailure | None) -> None:
    """Raise in all processes what one of them has found; nothing where none has.

    Args:
        failure: What this one has found; of several the first process's is raised.

    Raises:
        ModelFailure: That of the first process that has one.
    """
    if is_shared():
        found: list[ModelFailure | None] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(found, failure)
        failure = next(filter(None, found), None)
    if failure is not None:
        raise failure


@contextmanager
def memory_failures(where: str, batch_size: int) -> Iterator[None]:
    """Turn running out of memory into a failure that says which option to turn.

    Args:
        where: What is under way, `training` or `scoring`.
        batch_size: Of the options, to be named.

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
    """Name the failure of a work that ran out of memory; None where the error is another one.

    Args:
        error: What was raised, by PyTorch in one of several ways.
        where: What was under way.
        batch_size: Of the options, to be named.
    """
    # PyTorch has several errors for it, some known by their words alone.
    kinds = (MemoryError, torch.OutOfMemoryError)
    words = ("out of memory", "not enough memory")
    if not isinstance(error, kinds) and not any(each in str(error).lower() for each in words):
        return None
    return refusal(
        "training.out_of_memory", where, kind=ModelFailure, step=where, batch_size=batch_size
    )


def is_last(rank: int | None) -> bool:
    """Wait for all processes; return whether this one deletes what they shared."""
    wait_for_all()
    return not rank
