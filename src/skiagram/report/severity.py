"""Severity curves on the page of a sweep; fixed rules make their words."""

from collections import Counter
from typing import Any

import numpy as np
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
from skiagram.report.tables import Cell, Group, Table, TableRow, fill_difference
from skiagram.restoration.corruptions import CORRUPTIONS
from skiagram.statistics.estimate import MISSING, format_estimate, format_signed
from skiagram.sweeps.figures import AUC, DIFFERENCE, NamedModel
from skiagram.sweeps.rows import BEST
from skiagram.sweeps.severity import WorseImages, amount_of, find_limits, list_worse_images
from skiagram.sweeps.table import SweepResult

_MARKERS = "osD^v"
_DECISIONS = ("sensitivity", "specificity")  # at the threshold that training fixed


def answer(result: SweepResult) -> tuple[str, ...]:
    """Say of each data set what each model endures."""
    return tuple(
        f"{name_data(data)}{model.title} {describe_endurance(data, model.model)}"
        for data in list_worse_images(result.rows)
        for model in list_models(data)
    )


def list_data(result: SweepResult) -> list[dict[str, Any]]:
    """Show of each data set figure and table of the AUC, and its decisions where there are some."""
    return [
        {
            "found": data.clean.figures,
            "prefix": name_data(data),
            "figure": draw_severity_curves(data),
            "changes": tabulate_amounts(data),
            "decisions": any(each.figure in _DECISIONS for each in data.clean.figures.rows)
            and tabulate_amounts(data, decisions=True),
        }
        for data in list_worse_images(result.rows)
    ]


def list_models(data: WorseImages) -> list[NamedModel]:
    """List the models."""
    return [each for each in data.clean.figures.models if not each.model.startswith(BEST)]


def name_data(data: WorseImages) -> str:
    """Return what stands before words of a data set; empty where there is one alone."""
    return f"{data.name}: " if data.name else ""


def describe_endurance(data: WorseImages, model: str) -> str:
    """Say under which corruptions a model clearly loses more than the margin, and from where on."""
    area = data.clean.figures.find(model=model, figure=AUC)
    if area.value is None:
        return say("severity.no_auc", reason=area.reason)
    # The corruptions by what the model does under them; only kinds that occur are named.
    kinds: dict[str, list[str]] = {"breaks": [], "holds": [], "inconclusive": []}
    for corruption, rows in data.rows.items():
        title = CORRUPTIONS[corruption].title
        title = title if title.isupper() else title.lower()
        changes = [
            (amount_of(row), row.figures.find(model=model, figure=DIFFERENCE)) for row in rows
        ]
        holds_to, breaks_at = find_limits(changes, data.clean.figures.margin)
        if breaks_at is not None:
            kinds["breaks"].append(say("severity.breaks_from", kind=title, amount=f"{breaks_at:g}"))
        elif holds_to == amount_of(rows[-1]):
            kinds["holds"].append(title)
        else:
            kinds["inconclusive"].append(title)
    clauses = [say(f"severity.{key}", kinds=join(named)) for key, named in kinds.items() if named]
    return "; ".join(clauses) + "."


def tabulate_amounts(data: WorseImages, *, decisions: bool = False) -> Table:
    """Tabulate each model by amount of each corruption: the change in AUC, and its mean.

    Args:
        decisions: Instead sensitivity and specificity at the thresholds, unchanged images first.
    """
    groups = []
    for corruption, rows in data.rows.items():
        kind, filled = CORRUPTIONS[corruption], list[TableRow]()
        for model in list_models(data):
            cells: list[Cell | str]
            if decisions:
                # One figure below the other.
                cells = []
                for figures in (row.figures for row in (data.clean, *rows)):
                    found = (figures.get(model=model.model, figure=name) for name in _DECISIONS)
                    cells.append(Markup("<br>").join(map(format_estimate, filter(None, found))))
            else:
                address = {"model": model.model, "figure": DIFFERENCE}
                changes = [row.figures.find(**address) for row in rows]
                values = [change.value for change in changes if change.value is not None]
                mean = format_signed(float(np.mean(values))) if values else MISSING
                cells = [mean, *map(fill_difference, changes)]
            filled.append(TableRow(model.title, cells))
        first = "unchanged" if decisions else "mean"
        columns = (first, *(f"{amount_of(row):g}" for row in rows))
        groups.append(Group(f"{kind.title}, {kind.unit}", filled, columns))
    return Table((), groups)


def draw_severity_curves(data: WorseImages) -> Drawing:
    """Draw every model's AUC with its interval; the first point is the image as it is."""
    # A panel for each corruption, the models in all of them alike.
    panels = []
    for corruption, rows in data.rows.items():
        kind, lines, seen = CORRUPTIONS[corruption], list[Line](), Counter[str]()
        for model in list_models(data):
            # Models of one arm differ in dashes and marks.
            number = seen[model.arm]
            seen[model.arm] += 1
            style: Style = {"color": ARM_COLOUR[model.arm], "markersize": 3}
            style["linestyle"] = DASHES[number % len(DASHES)]
            style["marker"] = _MARKERS[number % len(_MARKERS)]
            areas = [row.figures.find(model=model.model, figure=AUC) for row in (data.clean, *rows)]
            lines.append(join_estimates(model.title, range(len(areas)), areas, style))
        # The dotted line is chance.
        lines.append(Line("", (0, len(rows)), (CHANCE, CHANCE), style_of("dotted")))
        ticks = {0.0: "0"}  # other marks are such as .5
        for k, row in enumerate(rows, start=1):
            ticks[float(k)] = f"{amount_of(row):g}".removeprefix("0")
        labels = wrap_title(kind.unit, 30), "AUC"
        panels.append(Panel(lines, labels, ticks=ticks, title=kind.title))
    name = f"severity-{data.name}".replace(" ", "-").rstrip("-")
    words = "AUC by amount of each corruption, as in the table."
    return draw_lines(name, panels, words, across=2)
