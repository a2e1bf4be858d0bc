"""The learning rate of each step."""

import math

from skiagram.training.options import Optimizer

_RISE = 0.3  # share of the steps in which one cycle rises
_FIRST, _LAST = 1 / 25, 1 / 250_000  # of the largest rate


def learning_rate(optimizer: Optimizer, step: int, steps: int, epochs: int) -> float:
    """Return the learning rate of one step.

    Args:
        optimizer: Schedule and rate.
        step: Number of the step, counted from 0 over all epochs.
        steps: Steps an epoch.
        epochs: Epochs at most.
    """
    if optimizer.schedule == "cosine":
        return optimizer.lr * (1 + math.cos(math.pi * (step // steps) / epochs)) / 2
    if optimizer.schedule == "one_cycle":
        return optimizer.lr * _one_cycle(step, steps * epochs)
    return optimizer.lr


def _one_cycle(step: int, steps: int) -> float:
    """Return the share of the largest rate: half a cosine up, half a longer one down to nothing."""
    peak, last = _RISE * steps - 1, steps - 1
    if peak > 0 and step <= peak:
        return _between(_FIRST, 1.0, step / peak)
    return _between(1.0, _LAST, (step - peak) / (last - peak))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
