"""What an outcome that is measured draws of the best of each arm and of simple baselines.

Of a time these are risk groups, calibration and net benefit, of a number agreement and residuals,
of a grade the grades that were predicted; the outcome says which, and this page knows none of them.
"""

from typing import Any

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.drawing import (
    ARM_COLOUR,
    OTHERS,
    Drawing,
    Line,
    Panel,
    draw_lines,
    style_of,
)
from skiagram.report.tables import Table, TableRow, list_rows
from skiagram.statistics.estimate import format_decimal
from skiagram.tasks.predicted import OutcomePlot

_LINE_COLOURS = (ARM_COLOUR["classical"], OTHERS[2], ARM_COLOUR["deep"], OTHERS[1], OTHERS[0])


def list_plots(evaluation: Evaluation) -> list[dict[str, Any]]:
    """List each plot with the model's title, the drawing and the table below it."""
    plots = []
    for model in evaluation.every:
        for plot in model.plots:
            rows = [TableRow(title, cells) for title, *cells in plot.rows]
            table = Table(plot.columns[1:], list_rows(rows), plot.columns[0]) if rows else None
            figure = draw_plot(plot, model.outcome.model)
            plots.append(
                {"model": model.outcome.title, "plot": plot, "figure": figure, "table": table}
            )
    return plots


def draw_plot(plot: OutcomePlot, model: str) -> Drawing:
    """Draw the curves of a plot."""
    # Steps, points or a line, each in the colours of the report.
    lines = []
    for line, colour in zip(plot.lines, _LINE_COLOURS * len(plot.lines), strict=False):
        style = style_of("points", color=colour)
        if line.steps:
            style = {"color": colour, "drawstyle": "steps-post"}
        elif line.points:
            style = style_of("residuals")
        lines.append(Line(line.name, line.x, line.y, style))
    # The diagonal is perfect agreement.
    if plot.diagonal:
        values = [value for line in plot.lines for value in (*line.x, *line.y)]
        ends = min(values), max(values)
        lines.append(Line("", ends, ends, style_of("identity")))
    # In words: where each line ends.
    drawn = (line for line in plot.lines if not line.points)
    words = "; ".join(f"{line.name} ends at {format_decimal(line.y[-1], 2)}" for line in drawn)
    ticks = {float(place): name for place, name in enumerate(plot.x_names, start=1)}
    panel = Panel(lines, (plot.x_label, plot.y_label), ticks=ticks)
    return draw_lines(f"{plot.name}-{model}", [panel], f"{plot.title}: {words}.")
