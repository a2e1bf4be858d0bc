"""Explanations: what models rest on, and maps that were tested."""

from collections.abc import Sequence
from typing import Any

from skiagram.evaluation.criteria import find_side
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
from skiagram.statistics.estimate import MISSING, format_decimal, format_estimate, format_signed

_EFFECTS = 6  # features whose local effects are drawn
_LONGEST = 30  # letters of a name
TESTS = {
    "randomisation": "Untrained weights destroy it",
    "deletion": "Deletion",
    "insertion": "Insertion",
    "repeatability": "Repeats with another training",
}
PARTS = ("just around it", "at the border of the image", "elsewhere")


def list_explained(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    """List answer, figures and tables of each explained model; each part where the model has it."""
    shown = []
    for model in explanations:
        features, maps = model.features, model.maps
        located = [each.location for each in maps.methods if each.location] if maps else []
        shown.append(
            {
                "explanation": model,
                "answer": describe(model),
                "families": features and draw_families(model, features),
                "features": features and tabulate_features(features),
                "effects": features and draw_effects(model, features),
                "weights": features and tabulate_weights(features),
                "tests": maps and tabulate_tests(maps),
                "pointing": maps and tabulate_pointing(maps),
                "located": located[0] if located else None,
                "outside": describe_outside(model),
            }
        )
    return shown


def describe(model: Explanation) -> str:
    """Say what a model rests on, or which of its maps are to be trusted."""
    name = f"{model.title} (AUC {format_decimal(model.auc.value)})"
    if model.features is None:
        if model.maps is None:
            return f"{name} has no maps: no map of a frozen encoder passed the tests."
        return describe_maps(name, model.maps)
    # Which family a model of features rests on most, and whether that is beyond chance.
    if not model.features.families:
        return f"{name} uses no feature."
    first = model.features.families[0]
    loss = first.loss.over_folds
    doubt = "" if find_side(loss) == "above" else ", which is not beyond chance"
    return (
        f"{name} rests most on {first.group}: permuting these {first.features} features costs "
        f"{format_estimate(loss)} AUC{doubt}."
    )


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


def describe_maps(name: str, maps: Maps) -> str:
    """Say which maps of a network passed all tests, and which failed in what."""
    good, bad = [], []
    for map_ in (each for each in maps.methods if not each.reason):
        failures = (f"{test.name} {test.state}" for test in map_.tests if test.state != "passed")
        if map_.trustworthy:
            good.append(map_.title)
        else:
            bad.append(f"{map_.title} ({', '.join(failures)})")
    if not good and not bad:
        return f"{name} has none of the maps that were asked for."
    if not good:
        return f"{name}: no map passed all tests, so none is to be trusted: {'; '.join(bad)}."
    words = f"{name}: {', '.join(good)} passed all tests."
    return words + (f" Not to be trusted: {'; '.join(bad)}." if bad else "")


def describe_outside(model: Explanation) -> str:
    """Say how much of a model's score lies outside the region: a shortcut's sign, if any."""
    sentences, word = [], model.word
    # Where it looks, by the maps that passed their tests.
    if model.maps is not None:
        located = [
            (map_, map_.location) for map_ in model.maps.methods if map_.location is not None
        ]
        good = [each for each in located if each[0].trustworthy]
        for map_, location in good:
            parts = [
                f"{format_percent(share.value)} {name} ({format_percent(area)} of the image)"
                for name in PARTS
                for share, area in [location.parts[name]]
            ]
            sentences.append(
                f"By {map_.title}, {format_percent(location.outside.value)} of what {model.title} "
                f"looks at lies outside the {word}, which covers {format_percent(location.area)} "
                f"of the image: {', '.join(parts)}."
            )
        if located and not good:
            unknown = f"so no map tells what it looks at outside the {word}."
            sentences = [f"No map of {model.title} is trustworthy, {unknown}"]
    if model.blanking is not None:
        # What it loses where the region, or all else, is blanked.
        region, rest = model.blanking.region.over_folds, model.blanking.rest.over_folds
        lost, held = (find_side(loss) == "above" for loss in (region, rest))
        meaning = "Neither loss is beyond chance."
        if held and not lost:
            meaning = (
                f"What it rests on lies outside the {word}: either other signs of the disease, or "
                "a shortcut."
            )
        elif lost:
            surroundings = f"uses both the {word} and its surroundings"
            meaning = f"It {surroundings if held else f'rests on the {word}'}."
        sentences.append(
            f"With the {word} blanked, {model.title} loses {format_estimate(region)} AUC; with all "
            f"else blanked, {format_estimate(rest)}. {meaning}"
        )
    return " ".join(sentences)


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
