"""Numbers as the report prints them: three decimals, intervals with two, a true minus sign."""

import math

from skiagram.evaluation.results import Estimate

MISSING = "–"
_SPACE = "\N{NO-BREAK SPACE}"


def decimal(value: float | None, digits: int = 3) -> str:
    """Return a number with fixed decimals, for example `0.873` or `−0.021`.

    Args:
        value: The number; None or NaN gives a dash.
        digits: Decimals, ≥ 0.
    """
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:,.{digits}f}"
    nothing = f"{0.0:.{digits}f}"
    return nothing if text == f"-{nothing}" else text.replace("-", "−")


def signed(value: float | None) -> str:
    """Return a difference with its sign, for example `+0.021`."""
    text = decimal(value)
    return f"+{text}" if value is not None and value > 0 and text != "0.000" else text


def interval(estimate: Estimate, digits: int = 2) -> str:
    """Return `(0.81–0.92)`, with `to` once a bound is negative; empty without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = decimal(estimate.low, digits), decimal(estimate.high, digits)
    return f"({low} to {high})" if "−" in low + high else f"({low}–{high})"


def with_interval(estimate: Estimate) -> str:
    """Return `0.873 (0.81–0.92)`; a dash where there is no value."""
    return f"{decimal(estimate.value)} {interval(estimate)}".strip()


def difference(estimate: Estimate) -> str:
    """Return `+0.021 (−0.004 to 0.046)`: a difference is small, so its bounds need three digits."""
    return f"{signed(estimate.value)} {interval(estimate, digits=3)}".strip()


def count(value: float | None) -> str:
    """Return a count, for example `93,322`; a mean count keeps one decimal."""
    if value is None:
        return MISSING
    return decimal(value, 0 if float(value).is_integer() else 1)


def percent(value: float | None) -> str:
    """Return a share as whole per cent that no line breaks, `87 %`; `< 1 %` is not none."""
    if value is None or math.isnan(value):
        return MISSING
    whole = round(100 * value)
    if whole == 0 and value > 0:
        return f"<{_SPACE}1{_SPACE}%"
    return f">{_SPACE}99{_SPACE}%" if whole == 100 and value < 1 else f"{whole}{_SPACE}%"


def p_value(p: float | None) -> str:
    """Return a p value with three decimals, `< 0.001` below."""
    if p is None or math.isnan(p):
        return MISSING
    return "< 0.001" if p < 0.0005 else decimal(p)
