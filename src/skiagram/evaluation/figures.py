"""Every figure, described once in `figures.yaml`: report, plots and reference pages show it."""

from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Literal

import yaml

from skiagram.tasks.task import Task


@dataclass(frozen=True)
class Figure:
    """What is said of a figure.

    Attributes:
        name: The figure, of the analysis `metrics`; of another one, analysis and figure with a dot.
        higher_is_better: None where neither direction is.
        interval_of_more_classes: The interval with more than two classes, where it is another.
        averaged_over_classes: Whether it is a mean over classes with more than two of them.
        table_column: Whether it is a column of the report's main table.
        headline: Whether it stands in `reports/metrics.json`.
    """

    name: str
    title: str
    definition: str
    range: str
    interval: str
    source: str = ""
    higher_is_better: bool | None = True
    classes: Literal["any", "two", "more than two"] = "any"
    interval_of_more_classes: str = ""
    averaged_over_classes: bool = False
    table_column: bool = False
    headline: bool = False


_TEXT = files("skiagram.evaluation").joinpath("figures.yaml").read_text(encoding="utf-8")
FIGURE = {name: Figure(name, **described) for name, described in yaml.safe_load(_TEXT).items()}
FIGURES = tuple(FIGURE.values())


def list_figures(task: Task) -> tuple[Figure, ...]:
    """Return what is said of the figures of models of a task, the primary one first."""
    measured = task.outcome
    if measured is None:
        return FIGURES
    figures = [
        Figure(
            figure.name,
            figure.title,
            f"{figure.definition[0].upper()}{figure.definition[1:]}.",
            range="",
            interval="jackknife by patient",
            higher_is_better=figure.higher_is_better,
            table_column=True,
            headline=True,
        )
        for figure in measured.figures
    ]
    clean = replace(
        figures[0],
        name=f"{measured.primary}_off_near_duplicates",
        title=f"{measured.of_primary.title} without near duplicates",
        definition="On the reported cases without a near duplicate among the development cases.",
        headline=False,
    )
    return (*figures, clean)


def title_figure(task: Task, figure: str, group: str = "") -> str:
    """Return the title of a figure of models, with the horizon or the like that it is of."""
    titles = {each.name: each.title for each in list_figures(task)}
    return f"{titles.get(figure, figure)}, {group}" if group else titles.get(figure, figure)
