"""What an interval of a difference says against 0 and a margin set beforehand."""

from skiagram.evaluation.records.comparison import Relation
from skiagram.evaluation.records.estimate import Estimate


def relation(difference: Estimate, margin: float) -> Relation:
    """Return what is shown of the one model against the other.

    "No difference found" is not "equal": two models are equivalent only when the whole interval
    lies within the margin. The 95 % interval is used for both sides, which is stricter than two
    one-sided tests at 5 %.

    Args:
        difference: Figure of the one minus that of the other, higher = better.
        margin: Smallest difference that counts, > 0.
    """
    low, high = difference.low, difference.high
    if low is None or high is None:
        return "unknown"
    shown: tuple[tuple[bool, Relation], ...] = (
        (low > 0, "better"),
        (high < 0, "worse"),
        (-margin < low and high < margin, "equivalent"),
        (-margin < low, "not inferior"),
        (high < margin, "not superior"),
    )
    return next((words for holds, words in shown if holds), "undecided")
