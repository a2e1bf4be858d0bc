"""The page of a sweep: what was chosen and by what, a figure of one or two axes, the table."""

from collections.abc import Sequence
from pathlib import Path

from skiagram.evaluation.criteria import CHANCE
from skiagram.evaluation.sentences import say
from skiagram.records.files import write_record
from skiagram.report import costs, learning_curves, severity  # noqa: F401 - named in sweep.yaml
from skiagram.report.costs import fill_cost
from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    MUTED,
    Drawing,
    IntervalRow,
    Line,
    Panel,
    draw_lines,
    draw_rows,
    join_estimates,
    style_of,
)
from skiagram.report.rendering import render_template
from skiagram.report.section import DeclaredSection, call_declared, list_sections
from skiagram.report.tables import Table, TableRow, fill_cell, fill_difference, list_rows
from skiagram.statistics.estimate import (
    Estimate,
    format_decimal,
    format_difference,
    format_estimate,
)
from skiagram.statistics.significance import ratio_of_quantiles
from skiagram.sweeps.figures import (
    AUC,
    DIFFERENCE,
    FINDER,
    IMAGES,
    LATER_AUC,
    LATER_DIFFERENCE,
    MERIT_DIFFERENCE,
    SENSITIVITY_DIFFERENCE,
)
from skiagram.sweeps.rows import BEST, OF_COSTS, SELECTION, short_name, show_value
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.table import RESULT, SweepResult
from skiagram.tables.frames import inert_text

PAGE, TABLE = "page.html", "table.csv"
OUTPUTS = (RESULT, PAGE, TABLE)
_MOST = 60  # rows in a figure; with more, nobody could read it
_HEADINGS = {
    SELECTION: "Selection AUC",
    AUC: "AUC",
    DIFFERENCE: "Difference from the reference",
    LATER_AUC: "AUC, cases with an earlier image",
    LATER_DIFFERENCE: "Difference, cases with an earlier image",
    MERIT_DIFFERENCE: "Figure of merit minus the reference’s",
    SENSITIVITY_DIFFERENCE: "Mean sensitivity minus the reference’s",
}


def write_outputs(result: SweepResult, folder: Path) -> None:
    """Write `OUTPUTS` into a folder, which may hold other files."""
    write_record(result, folder / RESULT)
    (folder / PAGE).write_text(render_sweep(result), encoding="utf-8")
    (folder / TABLE).write_text(inert_text(result.table()), encoding="utf-8")


def render_sweep(result: SweepResult) -> str:
    """Write the page of a sweep: the answer, what all rows make together, and each model.

    Equal results give equal text.
    """
    # What is made of all rows together, by functions that `sweep.yaml` names.
    analysis, known = find_analysis(result), {"result": result} | vars(result)
    shown = analysis.shows.items() if analysis else ()
    # A figure and a table a model; rows that failed stand apart.
    models = [
        (title_of(result, model), draw_model(result, model), tabulate_rows(result, model))
        for model in list_models(result)
    ]
    return render_template(
        "sweep.html.j2",
        result=result,
        title=result.question,
        answers=list_answers(result),
        analysis=analysis,
        own={key: call_declared(asked, known) for key, asked in shown},
        models=models,
        failed=[each for each in result.rows if each.reason],
        reasons=sorted({each.figures.reason for each in result.rows if each.figures.reason}),
    )


def list_answers(result: SweepResult) -> tuple[str, ...]:
    """Say what the analysis found, which row was chosen, and what it changes.

    Where no model of any row is shown to beat chance, that comes first: by intervals that are made
    longer for their number. Finders are not judged by the AUC of whole images: a sweep of theirs
    says nothing of it.
    """
    figures = result.figures
    scored = [each for each in figures.select(figure=AUC).rows if each.value is not None]
    ratio = ratio_of_quantiles(max(1, len(scored)))
    lows = [each.lengthen(ratio).low for each in scored]
    is_useless = bool(lows) and all(low is not None and low <= CHANCE for low in lows)
    finders = any(each.endswith(FINDER) for each in figures.list_distinct("model"))
    if finders or figures.get(figure=MERIT_DIFFERENCE):
        is_useless = False
    warning = (say("answer.nothing_works"), say("answer.look_at_data")) if is_useless else ()
    analysis = find_analysis(result)
    known = {"result": result} | vars(result)
    answers = call_declared(analysis.answer, known) if analysis else ()
    return (*warning, *answers, *describe_choice(result))


def find_analysis(result: SweepResult) -> DeclaredSection | None:
    """Find the section of what is made of all rows together; None where that is nothing."""
    return list_sections("sweep.yaml").get(result.analysis or "")


def list_models(result: SweepResult) -> list[str]:
    """List the models that the page shows: what rows are chosen by, and the best of each arm.

    The best of an arm that is the former in every row is left out. Figures of restored images stand
    beside them; all other models are in the long table.
    """
    titles: dict[str, set[str]] = {}
    for each in (model for row in result.rows for model in row.figures.models):
        titles.setdefault(each.model, set()).add(each.title)
    objective = result.objective
    return [
        model
        for model, model_titles in titles.items()
        if model in {objective, IMAGES}
        or (model.startswith(BEST) and model_titles != titles.get(objective))
    ] or list(titles)


def title_of(result: SweepResult, model: str) -> str:
    """Return a model's name for people."""
    if model.startswith(BEST):
        arm = model.removeprefix(BEST)
        kind = "Best detector" if arm.endswith(FINDER) else "Best"
        return f"{kind} of the arm “{arm.removesuffix(FINDER)}”"
    models = (each for row in result.rows for each in row.figures.models)
    return next(each.title for each in models if each.model == model)


def describe_choice(result: SweepResult) -> list[str]:
    """Say what was chosen by which figure, and what this changes."""
    # Rows that failed, then the one that was chosen.
    failed, rows = sum(bool(each.reason) for each in result.rows), len(result.rows)
    sentences: list[str] = [say("sweep.failed", failed=failed, rows=rows)] if failed else []
    chosen = result.chosen
    if chosen is None:
        return [*sentences, say("sweep.none")]
    model, row = result.objective, chosen.row
    sentences.append(
        say(
            "sweep.chosen",
            row=row.number,
            name=row.name(),
            figure=result.chosen_by,
            model=title_of(result, model),
            value=format_decimal(chosen.figures.selection(model)),
        )
    )
    # Of equal rows the first is taken, and that is said.
    worth = chosen.figures.worth(model)
    equal = sum(each.figures.worth(model) == worth for each in result.rows)
    if equal > 1:
        sentences.append(say("sweep.equal", number=equal))
    # What the chosen row is worth on the test cases, and against the reference.
    figure_name, difference_name = chosen.figures.judged_by(model)
    name = heading_of(figure_name)
    reported = chosen.figures.find(model=model, figure=figure_name)
    if reported.value is not None:
        sentences.append(say("sweep.reported", figure=name, value=format_estimate(reported)))
    difference = chosen.figures.find(model=model, figure=difference_name)
    if row.number == row.reference:
        sentences.append(say("sweep.reference"))
    elif difference.value is not None:
        gap = format_difference(difference)
        sentences.append(say("sweep.difference", figure=name, row=row.reference, gap=gap))
    return sentences


def tabulate_rows(result: SweepResult, model: str) -> Table:
    """Tabulate the figures of a model in every row, differences from the reference among them."""
    # Every figure that any row has of this model.
    columns = {each.name: each for each in result.figures.select(model=model).rows}
    rows = []
    # A row for each row of the sweep; the reference has no difference from itself.
    for each in result.rows:
        cells = []
        for column in columns.values():
            address = {"model": model, "figure": column.figure, "group": column.group}
            figure = each.figures.find(**address)
            if column.versus and each.row.reference == each.row.number:
                figure = Estimate(None, reason="the reference")
            if column.analysis == OF_COSTS:
                cells.append(fill_cost(figure))
            else:
                cells.append(fill_difference(figure) if column.versus else fill_cell(figure))
        title = f"{each.row.number}: {each.row.name()}"
        best = result.chosen is each
        rows.append(TableRow(title, cells, best=best, failure=each.reason))
    headings = [heading_of(name) for name in columns]
    return Table(headings, list_rows(rows), first="Row", best="chosen")


def heading_of(figure: str) -> str:
    """Return a figure's name for people."""
    return _HEADINGS.get(figure) or figure.replace("_", " ")


def draw_model(result: SweepResult, model: str) -> Drawing | None:
    """Draw a model: one axis of numbers as a line, else the differences from the reference."""
    # One axis of numbers is a line.
    axes = result.axes
    shown = [each for each in result.rows if _reported(each, model).value is not None]
    if len(shown) < 2:
        return None
    if len(axes) == 1 and all(isinstance(each.row.place[axes[0]], int | float) for each in shown):
        return _draw_line(result, model, shown, axes[0])
    # All else is a list of differences from the reference.
    rows = []
    for each in shown:
        # Settings' names and other words stand alone, other values behind the name of the option;
        # a row stands under all its axes but the last, or the model.
        values = {axis: each.row.place.get(axis, "") for axis in axes}
        *before, last = (
            show_value(value)
            if isinstance(value, str)
            else f"{short_name(axis)} {show_value(value)}"
            for axis, value in values.items()
        )
        group = ", ".join(before) or title_of(result, model)
        difference = each.figures.get(model=model, figure=each.figures.judged_by(model)[1])
        if difference is not None:
            arm = each.figures.named(model).arm
            rows.append(IntervalRow(group, last, arm, difference))
    if not 0 < len(rows) <= _MOST:
        return None
    name = heading_of(shown[0].figures.judged_by(model)[0])
    label = f"change in {name} with 95 % interval"
    return draw_rows(f"sweep-{model}", rows, label, lines={"no change": 0})


def _reported(result: RowResult, model: str) -> Estimate:
    """Return the figure of test cases that is like the one to choose by."""
    judged_by, _ = result.figures.judged_by(model)
    return result.figures.find(model=model, figure=judged_by)


def _draw_line(result: SweepResult, model: str, shown: Sequence[RowResult], axis: str) -> Drawing:
    """Draw a figure with its interval, and the one to choose by, against an option's number."""
    # The rows in the order of the option's number.
    ordered = sorted(shown, key=lambda each: float(each.row.place[axis]))
    values = [float(each.row.place[axis]) for each in ordered]
    colour, label = ARM_COLOUR[ordered[0].figures.named(model).arm], short_name(axis)
    reported = [_reported(each, model) for each in ordered]
    chosen_by = [Estimate(each.figures.selection(model)) for each in ordered]
    lines = [
        Line("", (value, value), (each.low, each.high), {"color": colour, "linewidth": 1})
        for value, each in zip(values, reported, strict=True)
        if each.low is not None and each.high is not None
    ]
    for words, estimates, ink, dashes in (
        ("unseen cases, 95 % interval", reported, colour, DASHES[0]),
        ("development set (selection)", chosen_by, MUTED, DASHES[1]),
    ):
        style = style_of("points", color=ink, linestyle=dashes)
        lines.append(join_estimates(words, values, estimates, style)._replace(band=None))
    # Numbers over several decades have a logarithmic axis.
    is_wide = min(values) > 0 and max(values) / min(values) >= 50
    ticks = {value: f"{value:g}" for value in values} if is_wide else {}
    name = heading_of(ordered[0].figures.judged_by(model)[0])
    described = "; ".join(
        f"{value:g}: {format_estimate(each)}" for value, each in zip(values, reported, strict=True)
    )
    text = f"{name} of {title_of(result, model)} against {label}: {described}."
    panel = Panel(lines, (label, name), ticks=ticks)
    return draw_lines(f"sweep-{model}", [panel], text, is_log=is_wide)
