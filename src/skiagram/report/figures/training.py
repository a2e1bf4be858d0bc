"""Training curves of a network: loss, and what else was recorded, by epoch."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from skiagram.report.drawing import ARM_COLOUR, Drawing, sheet
from skiagram.report.numbers import decimal

_COLOURS = {"training": ARM_COLOUR["classical"], "validation": ARM_COLOUR["deep"]}


def training_curves(model: str, title: str, table: pd.DataFrame) -> Drawing | None:
    """Draw one panel a measure, a thin line a fold's fit and a thick one the final fit.

    Args:
        model: Name of the model, for the file.
        title: Name for people.
        table: Columns `fit`, `epoch` and any `training_<measure>`, `validation_<measure>`.

    Returns:
        The figure; None where nothing was recorded.
    """
    measures = _measures(table)
    if table.empty or not measures:
        return None
    with sheet(2.3) as page:
        axes = page.figure.subplots(1, max(2, len(measures)), squeeze=False)[0]
        for panel, (measure, columns) in zip(axes, measures.items(), strict=False):
            _panel(panel, table, columns)
            panel.set_title(measure.replace("_", " "))
            panel.set_xlabel("epoch")
        for empty in axes[len(measures) :]:
            empty.set_axis_off()
        for at, (part, colour) in enumerate(_COLOURS.items()):
            axes[0].plot([], [], color=colour, linestyle=_dash(part), label=part)
            axes[0].annotate(
                part, (0.97, 0.97 - 0.1 * at), xycoords="axes fraction", ha="right", va="top",
                color=colour, fontsize=8,
            )  # fmt: skip
        return page.finish(f"training_{model}", _description(title, table, measures))


def _measures(table: pd.DataFrame) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for column in table.columns:
        part, _, measure = str(column).partition("_")
        if part in _COLOURS and measure and table[column].notna().any():
            found.setdefault(measure, []).append(str(column))
    return found


def _panel(axes: Axes, table: pd.DataFrame, columns: list[str]) -> None:
    for fit, rows in table.groupby("fit", sort=True):
        final = str(fit).endswith("final")
        for column in columns:
            part = column.partition("_")[0]
            axes.plot(
                rows["epoch"], rows[column], color=_COLOURS[part], linestyle=_dash(part),
                linewidth=1.8 if final else 0.8, alpha=1.0 if final else 0.55,
                zorder=3 if final else 2,
            )  # fmt: skip


def _dash(part: str) -> str:
    return "-" if part == "training" else "--"


def _description(title: str, table: pd.DataFrame, measures: Mapping[str, list[str]]) -> str:
    last = table.sort_values("epoch", kind="stable").groupby("fit").tail(1)
    ends = ", ".join(
        f"{column.replace('_', ' ')} {decimal(float(last[column].mean()))}"
        for columns in measures.values()
        for column in columns
    )
    return (
        f"{title}: {', '.join(measure.replace('_', ' ') for measure in measures)} by epoch of "
        f"{table['fit'].nunique()} fits; mean at the last epoch: {ends}."
    )
