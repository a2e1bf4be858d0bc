"""Which features the best classical model rests on: a figure, from what training measured."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.explanation.record import Reliance
from skiagram.report.drawing import ARM_COLOUR, Drawing, name_rows, open_sheet
from skiagram.report.formatting import format_percent
from skiagram.report.material import Material
from skiagram.report.section import Context, section

_LONGEST = 44  # letters of a name in the figure
_ROW_HEIGHT = 0.24  # inches


@section(
    "What the best classical model rests on",
    place=35,
    select=lambda _, material: material.reliance and material.reliance.features,
    otherwise="no classical model that reads features was trained",
)
def reliance(evaluation: Evaluation, material: Material) -> Context:
    """Return the figure and, of each feature in it, what goes together with it."""
    if (measured := material.reliance) is None:
        return {}
    features = measured.features
    return {
        "reliance": measured,
        "figure": draw_reliance(measured),
        "relatives": {each.feature: each.relatives for each in features if each.relatives},
    }


def draw_reliance(measured: Reliance) -> Drawing:
    """Draw the share of pairs that each feature puts into another order."""
    features = measured.features
    with open_sheet(0.6 + _ROW_HEIGHT * len(features)) as page:
        axes = page.figure.add_subplot()
        shares = [100 * each.reordered for each in features]
        axes.barh(range(len(features)), shares, height=0.6, color=ARM_COLOUR["classical"])
        # A name that fits beside the figure, and how many features go together with it.
        names = []
        for each in features:
            name, others = each.feature, len(each.relatives)
            name = name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"
            names.append(f"{name} (+{others})" if others else name)
        name_rows(axes, names, fontsize=7.5)
        axes.set_xlim(0, 1.08 * max(shares))
        axes.set_xlabel("% of pairs in another order")
        words = "; ".join(f"{each.feature} {format_percent(each.reordered)}" for each in features)
        said = "Pairs of cases that are ordered otherwise without each feature"
        return page.finish("reliance", f"{said}: {words}.")
