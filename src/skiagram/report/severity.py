"""Severity curves on the page of a sweep; fixed rules make their words."""

from collections import Counter
from collections.abc import Callable

from markupsafe import Markup

from skiagram.evaluation.criteria import CHANCE
from skiagram.evaluation.sentences import join, say
from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    Drawing,
    Line,
    Panel,
    Style,
    draw_lines,
    join_estimates,
    style_of,
    wrap_title,
)
from skiagram.report.section import Context
from skiagram.report.tables import Cells, Group, Table, TableRow, fill_difference
from skiagram.restoration.corruptions import CORRUPTIONS
from skiagram.statistics.estimate import MISSING, format_estimate, format_signed
from skiagram.sweeps.severity import (
    Condition,
    CorruptedCases,
    CorruptedModel,
    Severity,
    SeverityCurve,
)

_MARKERS = "osD^v"


def answer(result: Severity) -> tuple[str, ...]:
    """Say of each data set what each model endures."""
    return tuple(
        f"{name_data(data)}{model.title} {describe_endurance(model)}"
        for data in result.data
        for model in data.models
    )


def show(result: Severity) -> Context:
    """Show of each data set figure and table of the AUC, and its decisions where there are some."""
    return {
        "data": [
            {
                "data": data,
                "prefix": name_data(data),
                "figure": draw_severity_curves(data),
                "changes": tabulate_changes(data),
                "decisions": any(model.clean.sensitivity for model in data.models)
                and tabulate_decisions(data),
            }
            for data in result.data
        ]
    }


def name_data(data: CorruptedCases) -> str:
    """Return what stands before words of a data set; empty where there is one alone."""
    return f"{data.name}: " if data.name else ""


def describe_endurance(model: CorruptedModel) -> str:
    """Say under which corruptions a model clearly loses more than the margin, and from where on."""
    if model.clean.auc.value is None:
        return say("severity.no_auc", reason=model.clean.auc.reason)
    # The corruptions by what the model does under them; only kinds that occur are named.
    kinds: dict[str, list[str]] = {"breaks": [], "holds": [], "inconclusive": []}
    for curve in model.curves:
        title = CORRUPTIONS[curve.corruption].title
        title = title if title.isupper() else title.lower()
        if curve.breaks_at is not None:
            amount = f"{curve.breaks_at:g}"
            kinds["breaks"].append(say("severity.breaks_from", kind=title, amount=amount))
        elif curve.holds_to == curve.conditions[-1].amount:
            kinds["holds"].append(title)
        else:
            kinds["inconclusive"].append(title)
    clauses = [say(f"severity.{key}", kinds=join(named)) for key, named in kinds.items() if named]
    return "; ".join(clauses) + "."


def tabulate_changes(data: CorruptedCases) -> Table:
    """Tabulate the change in AUC of each model by amount of each corruption, and their mean."""

    def cells(_: Condition, curve: SeverityCurve) -> Cells:
        changes = [fill_difference(each.change) for each in curve.conditions]
        mean = curve.mean_change
        return [MISSING if mean is None else format_signed(mean), *changes]

    return _by_amount(data, "mean", cells)


def tabulate_decisions(data: CorruptedCases) -> Table:
    """Tabulate sensitivity and specificity at the thresholds, by amount."""

    def cells(clean: Condition, curve: SeverityCurve) -> Cells:
        return [
            Markup("<br>").join(
                format_estimate(estimate)
                for estimate in (each.sensitivity, each.specificity)
                if estimate
            )
            for each in (clean, *curve.conditions)
        ]

    return _by_amount(data, "unchanged", cells)


def _by_amount(
    data: CorruptedCases, first: str, cells: Callable[[Condition, SeverityCurve], Cells]
) -> Table:
    groups = []
    for place, curve in enumerate(data.models[0].curves):
        kind = CORRUPTIONS[curve.corruption]
        rows = [
            TableRow(model.title, cells(model.clean, model.curves[place])) for model in data.models
        ]
        columns = (first, *(f"{each.amount:g}" for each in curve.conditions))
        groups.append(Group(f"{kind.title}, {kind.unit}", rows, columns))
    return Table((), groups)


def draw_severity_curves(data: CorruptedCases) -> Drawing:
    """Draw every model's AUC with its interval; the first point is the image as it is."""
    # A panel for each corruption, the models in all of them alike.
    panels = []
    for place, curve in enumerate(data.models[0].curves):
        kind, amounts = CORRUPTIONS[curve.corruption], [each.amount for each in curve.conditions]
        lines, seen = list[Line](), Counter[str]()
        for model in data.models:
            # Models of one arm differ in dashes and marks.
            number = seen[model.arm]
            seen[model.arm] += 1
            style: Style = {"color": ARM_COLOUR[model.arm], "markersize": 3}
            style["linestyle"] = DASHES[number % len(DASHES)]
            style["marker"] = _MARKERS[number % len(_MARKERS)]
            areas = [each.auc for each in (model.clean, *model.curves[place].conditions)]
            lines.append(join_estimates(model.title, range(len(areas)), areas, style))
        # The dotted line is chance.
        lines.append(Line("", (0, len(amounts)), (CHANCE, CHANCE), style_of("dotted")))
        ticks = {0.0: "0"}  # other marks are such as .5
        for k, amount in enumerate(amounts, start=1):
            ticks[float(k)] = f"{amount:g}".removeprefix("0")
        labels = wrap_title(kind.unit, 34), "AUC"
        panels.append(Panel(lines, labels, ticks=ticks, title=kind.title))
    name = f"severity-{data.name}".replace(" ", "-").rstrip("-")
    words = "AUC by amount of each corruption, as in the table."
    return draw_lines(name, panels, words, across=2)
