"""Running out of memory, on a device or on the machine, as a failure with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from skiagram.errors import ModelFailure

_WORDS = ("out of memory", "not enough memory")


@contextmanager
def memory_failures(where: str, batch_size: int) -> Iterator[None]:
    """Turn running out of memory into a failure that says which option to turn.

    Args:
        where: What is under way, `training` or `scoring`.
        batch_size: Images a step.

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
