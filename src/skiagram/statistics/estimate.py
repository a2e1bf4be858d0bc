"""A figure with its interval, or the reason why there is none, and how it is printed."""

import math
from dataclasses import dataclass, replace
from typing import Literal, Self

MISSING = "–"


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

    def subtract(self, constant: float) -> "Estimate":
        """Subtract a number, and move the interval with the figure.

        Args:
            constant: What is subtracted, without an error of its own.
        """
        if self.value is None:
            return self
        low, high = (None if bound is None else bound - constant for bound in (self.low, self.high))
        return Estimate(self.value - constant, low, high, self.method)

    def negate(self) -> Self:
        """Return the figure with the other sign; its bounds change places."""
        value, low, high = (
            None if part is None else -part for part in (self.value, self.high, self.low)
        )
        return replace(self, value=value, low=low, high=high)

    def lengthen(self, ratio: float) -> Self:
        """Return the figure with its bounds further away by a ratio, for one of several figures."""
        if self.value is None:
            return self
        low, high = (
            None if bound is None else self.value + ratio * (bound - self.value)
            for bound in (self.low, self.high)
        )
        return replace(self, low=low, high=high)


Scope = Literal["fits", "procedure"]


def format_decimal(value: float | None, digits: int = 3) -> str:
    """Write a number with fixed decimals, for example `0.873` or `−0.021`.

    Args:
        value: None or NaN is a dash.
        digits: Decimals; what rounds to 0 has no sign.
    """
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:,.{digits}f}"
    nothing = f"{0.0:.{digits}f}"
    return nothing if text == f"-{nothing}" else text.replace("-", "−")


def format_p_value(p: float | None) -> str:
    """Format a p value with three decimals, `< 0.001` below."""
    if p is None or math.isnan(p):
        return MISSING
    return "< 0.001" if p < 0.0005 else format_decimal(p)


def round_half_up(value: float) -> int:
    """Find the whole number nearest to one that is not negative, of halves the upper one.

    Every page rounds a share of a hundred cases so: of 200 cases every second share is a half, and
    the binary number beside it may lie on either side.
    """
    return math.floor(round(value, 6) + 0.5)


def format_signed(value: float | None, digits: int = 3) -> str:
    """Write a difference with its sign, for example `+0.021`.

    Args:
        value: None or NaN is a dash.
        digits: Decimals; what rounds to 0 has no sign.
    """
    text = format_decimal(value, digits)
    nothing = format_decimal(0.0, digits)
    return f"+{text}" if value is not None and value > 0 and text != nothing else text


def format_interval(estimate: Estimate, digits: int = 2, *, signed: bool = False) -> str:
    """Write `(0.81 to 0.92)`, of a difference with signs; empty without an interval.

    Args:
        estimate: The figure.
        digits: Decimals of a bound, one less than of the figure.
        signed: Whether bounds above 0 have a sign, too.
    """
    if estimate.low is None or estimate.high is None:
        return ""
    number = format_signed if signed else format_decimal
    return f"({number(estimate.low, digits)} to {number(estimate.high, digits)})"


def format_estimate(estimate: Estimate, *, why: bool = False) -> str:
    """Write `0.873 (0.81 to 0.92)`; a dash where there is no value.

    Args:
        estimate: The figure.
        why: Whether the dash has the reason beside it.
    """
    if why and estimate.value is None:
        return f"{MISSING} ({estimate.reason})"
    return f"{format_decimal(estimate.value)} {format_interval(estimate)}".strip()


def format_difference(estimate: Estimate) -> str:
    """Write `+0.021 (−0.004 to +0.046)`: it is small, so its bounds need three digits."""
    interval = format_interval(estimate, digits=3, signed=True)
    return f"{format_signed(estimate.value)} {interval}".strip()
