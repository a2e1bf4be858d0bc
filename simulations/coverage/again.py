"""Rows above what is promised are simulated again, with ten times as many other data sets.

Of many rows some lie above a promise by chance alone; other data sets tell which are so in truth.
"""

from collections.abc import Callable
from typing import TypeVar

AGAIN = 10  # times as many data sets
STARRED = (
    "Rows with a star had a share above what is promised: they are of\n"
    f"{AGAIN} times as many other data sets."
)
Shares = TypeVar("Shares")


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
