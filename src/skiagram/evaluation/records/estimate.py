"""A figure with its interval, and curves with their bands."""

from dataclasses import dataclass


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


@dataclass(frozen=True)
class Curve:
    """A curve to draw.

    Attributes:
        x: Abscissa.
        y: Ordinate.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Band:
    """The 95 % band of a curve, at each abscissa on its own.

    Attributes:
        x: Abscissa.
        low: Lower bound.
        high: Upper bound.
    """

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
