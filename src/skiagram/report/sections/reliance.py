"""Which features the best classical model rests on: a figure, from what training measured."""

from skiagram.explanation.record import Reliance
from skiagram.report.drawing import Drawing, IntervalRow, draw_rows
from skiagram.report.formatting import format_percent
from skiagram.statistics.estimate import Estimate

_LONGEST = 44  # letters of a name in the figure


def draw_reliance(reliance: Reliance | None) -> Drawing | None:
    """Draw the share of pairs that each feature puts into another order; None without features."""
    if reliance is None or not reliance.features:
        return None
    rows = []
    for each in reliance.features:
        # A name that fits beside the figure, and how many features go together with it.
        name, others = each.feature, len(each.relatives)
        name = name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"
        title = f"{name} (+{others})" if others else name
        rows.append(IntervalRow("", title, "classical", Estimate(each.reordered)))
    label = "share of pairs in another order"
    return draw_rows(
        "reliance", rows, label, lambda share: format_percent(share.value), {"not used": 0}
    )
