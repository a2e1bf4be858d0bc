"""Which features the best classical model rests on: a figure, from what training measured."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.explanation.record import Reliance
from skiagram.report.drawing import Drawing, IntervalRow, draw_rows
from skiagram.report.formatting import format_percent
from skiagram.report.material import Material
from skiagram.report.section import Context
from skiagram.statistics.estimate import Estimate

_LONGEST = 44  # letters of a name in the figure


def reliance(evaluation: Evaluation, material: Material) -> Context | None:
    """Return the figure and, of each feature in it, what goes together with it."""
    measured = material.reliance
    if measured is None or not measured.features:
        return None
    return {
        "reliance": measured,
        "figure": draw_reliance(measured),
        "relatives": {each.feature: each.relatives for each in measured.features if each.relatives},
    }


def draw_reliance(measured: Reliance) -> Drawing:
    """Draw the share of pairs that each feature puts into another order."""
    rows = []
    for each in measured.features:
        # A name that fits beside the figure, and how many features go together with it.
        name, others = each.feature, len(each.relatives)
        name = name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"
        title = f"{name} (+{others})" if others else name
        rows.append(IntervalRow("", title, "classical", Estimate(each.reordered)))
    label = "share of pairs in another order"
    return draw_rows(
        "reliance", rows, label, lambda share: format_percent(share.value), {"not used": 0}
    )
