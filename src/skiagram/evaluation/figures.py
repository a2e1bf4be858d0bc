"""Every figure, described once in `figures.yaml`: report, plots and reference pages show it."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import yaml


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
