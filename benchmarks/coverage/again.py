"""Rows above what is promised are simulated again, with ten times as many other data sets.

Of many rows some lie above a promise by chance alone; other data sets tell which are so in truth.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from skiagram.statistics.estimate import Estimate

AGAIN = 10  # times as many data sets
STARRED = f"""\
Rows with a star had a share above what is promised: they are of {AGAIN} times as many other data
sets."""
Shares = TypeVar("Shares")


def describe_patients(patients: int, images: int | None) -> str:
    """Return how a row names its patients; without a number of images, few patients have most."""
    each = {1: "", None: ", few have most images"}
    return f"{patients}{each.get(images, f', {images} images each')}"


def number_patients(patients: int, images: int | None, every: int, most: int) -> NDArray[np.int64]:
    """Return (n,) the patient of each image.

    Args:
        images: Of each patient; None: one, and of every so-many-th patient the most.
    """
    of_each = np.full(patients, images or 1)
    if images is None:
        of_each[::every] = most
    return np.repeat(np.arange(patients), of_each)


def holds(estimate: Estimate, true: float) -> bool:
    """Return whether an interval contains the true figure; one that is not defined does not."""
    low, high = estimate.low, estimate.high
    return low is not None and high is not None and low <= true <= high


def describe_error(share: float, simulations: int) -> str:
    """Return the standard errors of a share, of rows without and with a star."""
    once, again = (
        100 * (share * (1 - share) / number) ** 0.5 for number in (simulations, AGAIN * simulations)
    )
    return (
        f"A share near {100 * share:g} % has a standard error of {once:.1f} points, with a star "
        f"{again:.1f}."
    )


def simulate_again(
    simulate: Callable[[int, str], Shares], simulations: int, is_above: Callable[[Shares], bool]
) -> tuple[Shares, str]:
    """Return the shares of a design, and the star of those that were simulated again.

    Args:
        simulate: Of a number of data sets and the name of a further draw, empty for the first.
        is_above: Whether a share is above what is promised.
    """
    shares = simulate(simulations, "")
    if not is_above(shares):
        return shares, ""
    return simulate(AGAIN * simulations, "again"), " *"
