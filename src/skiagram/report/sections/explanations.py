"""Explanations: what models rest on, and maps that were tested."""

from collections.abc import Sequence
from typing import Any

from skiagram.explanation.record import (
    Explanation,
    Features,
    Maps,
)
from skiagram.report.drawing import (
    ARM_COLOUR,
    Drawing,
    IntervalRow,
    Line,
    Panel,
    draw_lines,
    draw_rows,
    style_of,
)
from skiagram.report.formatting import format_percent
from skiagram.report.tables import (
    Cell,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    list_rows,
)
from skiagram.statistics.estimate import MISSING, format_estimate, format_signed

_EFFECTS = 6  # features whose local effects are drawn
_LONGEST = 30  # letters of a name
TESTS = {
    "randomisation": "Untrained weights destroy it",
    "deletion": "Deletion",
    "insertion": "Insertion",
    "repeatability": "Repeats with another training",
}


def list_explained(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    """List answer, figures and tables of each explained model; each part where the model has it."""
    shown = []
    for model in explanations:
        features, maps = model.features, model.maps
        located = [each.location for each in maps.methods if each.location] if maps else []
        shown.append(
            {
                "explanation": model,
                "families": features and draw_families(model, features),
                "features": features and tabulate_features(features),
                "effects": features and draw_effects(model, features),
                "weights": features and tabulate_weights(features),
                "tests": maps and tabulate_tests(maps),
                "pointing": maps and tabulate_pointing(maps),
                "located": located[0] if located else None,
            }
        )
    return shown


def tabulate_features(model: Features) -> Table:
    """Tabulate the features whose clusters cost most, and what goes with each."""
    rows = []
    for feature in model.features:
        losses = (feature.loss.over_folds, feature.loss.over_patients)
        relatives = ", ".join(feature.relatives[:3]) or "none"
        if len(feature.relatives) > 3:
            relatives += f" and {len(feature.relatives) - 3} more"
        rows.append(TableRow(feature.feature, [*map(fill_difference, losses), relatives]))
    columns = ("AUC lost, over folds", "over patients", "Goes together with")
    return Table(columns, list_rows(rows), "Feature", columns[2:], "models pairs")


def tabulate_weights(model: Features) -> Table | None:
    """Tabulate the largest weights of a linear model; None of others."""
    rows = [
        TableRow(
            coefficient.feature,
            [fill_difference(coefficient.effect), format_percent(coefficient.same_sign)],
        )
        for coefficient in model.coefficients
    ]
    return Table(("Weight", "Same sign"), list_rows(rows), "Feature") if rows else None


def tabulate_tests(maps: Maps) -> Table:
    """Tabulate what each map had to pass, and how it did."""
    rows = []
    for method in maps.methods:
        if method.reason:
            rows.append(TableRow(method.title, (), failure=f"not defined: {method.reason}"))
            continue
        cells: list[Cell | str] = []
        for test in method.tests:
            write = fill_cell if test.name == "randomisation" else fill_difference
            cell = write(test.figure)
            cells.append(cell._replace(mark=test.state, bad=test.state != "passed"))
        rows.append(TableRow(method.title, [*cells, "yes" if method.trustworthy else "no"]))
    return Table((*TESTS.values(), "Trustworthy"), list_rows(rows), "Map")


def tabulate_pointing(maps: Maps) -> Table | None:
    """Return where maps, the ideal observer and the centre point; None where no region is known."""
    shown = []
    for map_ in maps.methods:
        if map_.location is not None:
            # Beside a map that is not trustworthy it says why.
            note = "" if map_.trustworthy else "not all tested"
            if any(test.state == "failed" for test in map_.tests):
                note = "failed"
            shown.append((map_.title, note, map_.location))
    if not shown:
        return None
    if maps.observer is not None:
        shown.append(("The ideal observer", "limit", maps.observer))
    if maps.centre is not None:
        shown.append(("Always the centre", "no map", maps.centre))
    # A group for each figure, in which all of them stand below each other.
    groups = []
    for heading, name in (("Hit", "hit"), ("Share inside", "share"), ("Overlap", "overlap")):
        rows = []
        for title, note, location in shown:
            figure = getattr(location, name)
            centre = Cell(MISSING) if note == "no map" else fill_difference(figure.above_centre)
            above_chance = fill_difference(figure.above_chance)
            cells = [fill_cell(figure.value), above_chance, centre]
            rows.append(TableRow(title, cells, mark=note))
        groups.append(Group(heading, rows))
    return Table(("Figure", "Above chance", "Above the centre"), groups, first="Map")


def draw_families(model: Explanation, features: Features) -> Drawing:
    """Draw the AUC lost where each family is permuted, over folds and over patients."""
    rows = [
        IntervalRow(f"over {kind}", f"{each.group} ({each.features})", "classical", loss)
        for kind in ("folds", "patients")
        for each in features.families
        for loss in [getattr(each.loss, f"over_{kind}")]
    ]
    label = "AUC lost where the family is permuted"
    return draw_rows(f"families-{model.model}", rows, label, format_estimate, {"no loss": 0})


def draw_effects(model: Explanation, features: Features) -> Drawing | None:
    """Draw the accumulated local effects of the first features, one line per fit."""
    drawn = [feature for feature in features.features if feature.effects][:_EFFECTS]
    if not drawn:
        return None
    # A line for each fit: where they agree, the effect does not hang on the fit.
    panels, parts = [], []
    for feature in drawn:
        style = style_of("no_effect", color=ARM_COLOUR["classical"], linewidth=0.9)
        lines = [Line("", effect.edge, effect.effect, style) for effect in feature.effects]
        ends = [end for line in lines for end in (line.x[0], line.x[-1])]
        lines.append(Line("", (min(ends), max(ends)), (0, 0), style_of("no_effect")))
        name = feature.feature
        title = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        panels.append(Panel(lines, ("", "effect on the score"), title=title))
        # In words, for a reader who cannot see it.
        rises = (format_signed(each.effect[-1] - each.effect[0]) for each in feature.effects)
        parts.append(f"{name} from lowest to highest {', '.join(rises)}")
    words = f"Accumulated local effects: {'; '.join(parts)}."
    return draw_lines(f"effects-{model.model}", panels, words, across=2)
