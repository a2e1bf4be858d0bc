"""What is said of a figure, once: report, plots and reference pages show it."""

from dataclasses import dataclass
from typing import Literal

from skiagram.declared import read_declared

_FIGURES = read_declared("skiagram.tasks", "figures.yaml")


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
        is_difference: Whether pages give it a sign.
        in_unit: Whether it has the unit of the number that is predicted.
    """

    name: str
    title: str
    definition: str
    range: str = ""
    interval: str = "jackknife by patient"
    source: str = ""
    higher_is_better: bool | None = True
    classes: Literal["any", "two", "more than two"] = "any"
    interval_of_more_classes: str = ""
    averaged_over_classes: bool = False
    table_column: bool = False
    headline: bool = False
    is_difference: bool = False
    in_unit: bool = False


def read_figures(kind: str) -> tuple[Figure, ...]:
    """Read what is said of the figures of a kind of what is predicted, in the order of tables."""
    return tuple(Figure(name, **said) for name, said in _FIGURES[kind].items())
