"""A figure with its interval, or the reason why there is none."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: Point estimate; None when it cannot be computed.
        low: Lower bound, or None where no interval is defined.
        high: Upper bound, or None where no interval is defined.
        method: How the interval was made, for example `logit DeLong, clustered by patient`.
        reason: Why there is no value; empty otherwise.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    reason: str = ""


Scope = Literal["fits", "procedure"]
