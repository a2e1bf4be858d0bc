"""The one table of a sweep: a line a row, model and figure, and which row was chosen by what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from skiagram.errors import OptionError, SkiagramError
from skiagram.options import check
from skiagram.sweeps.costs import CostComparison, compare_costs
from skiagram.sweeps.figures import DIFFERENCE, LATER_DIFFERENCE
from skiagram.sweeps.learning_curves import LearningCurves, find_learning_curves
from skiagram.sweeps.rows import BEST, COLUMNS, COSTS, SELECTION, Row, Sweep, short_name, show_value
from skiagram.sweeps.runs import Measurable, RowResult, run_rows
from skiagram.sweeps.severity import Severity, find_severity
from skiagram.sweeps.workspace import Workspace

RESULT, TABLE = "result.json", "table.csv"
_CASES = {SELECTION: "development", **dict.fromkeys(COSTS, "")}
_OF_MODELS = ("conf.model.", "conf.combination.")


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        rows: In the order of the sweep.
        objective: Model, or `best_<arm>`, whose `selection_auc` chooses a row; empty where no
            row has a figure to choose by.
        analysis: What was made of all rows together; None where none was asked for.
    """

    name: str
    question: str
    objective: str
    rows: tuple[RowResult, ...]
    analysis: Severity | LearningCurves | CostComparison | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """Return the options, or names of settings, in which rows differ."""
        named = dict.fromkeys(name for result in self.rows for name in result.row.place)
        places = [result.row.place for result in self.rows]
        return tuple(
            name
            for name in named
            if len({show_value(place.get(name, "")) for place in places}) > 1 or len(places) == 1
        )

    @property
    def chosen(self) -> RowResult | None:
        """Return the row of the highest figure to choose by, the first of equal ones."""
        known = [each for each in self.rows if each.figures.selection(self.objective) is not None]
        return max(
            known, key=lambda each: each.figures.selection(self.objective) or 0.0, default=None
        )

    def describe_choice(self) -> tuple[str, ...]:
        """Return lines that say which row was chosen and by what; none where no row can be."""
        chosen = self.chosen
        if chosen is None:
            return ()
        value = chosen.figures.selection(self.objective)
        return (
            f"Highest {SELECTION} of {self.objective}: {value:.3f}, row {chosen.row.number}",
            f"  {chosen.row.name()}",
            f"  `skiagram apply {self.name} {chosen.row.number}` makes it the project's run.",
        )

    def table(self) -> pd.DataFrame:
        """Return the long table.

        Returns:
            Columns `row`, one for each axis, `model`, `title`, `arm`, `cases` (`development`,
            `reported`, or nothing of a cost), `figure`, `value`, `low`, `high`, `method`, `reason`,
            and `reference` (the row of which a `difference` is taken, else missing). A row that
            failed has one line.
        """
        lines = [line for result in self.rows for line in self._lines(result)]
        row, *others = COLUMNS
        table = pd.DataFrame(lines, columns=[row, *map(short_name, self.axes), *others])
        return table.astype({"row": "int64", "reference": "Int64"})

    def _lines(self, result: RowResult) -> Iterator[dict[str, object]]:
        row = result.row
        place = {short_name(axis): show_value(row.place.get(axis, "")) for axis in self.axes}
        if result.reason:
            yield {"row": row.number, **place, "reason": result.reason, "reference": None}
        for each in result.figures.figures:
            estimate = each.estimate
            yield {
                "row": row.number,
                **place,
                "model": each.model,
                "title": each.title,
                "arm": each.arm,
                "cases": _CASES.get(each.figure, "reported"),
                "figure": each.figure,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "method": estimate.method,
                "reason": estimate.reason,
                "reference": row.reference
                if each.figure in (DIFFERENCE, LATER_DIFFERENCE)
                else None,
            }


def read_sweep(workspace: Workspace, name: object, base: Mapping[str, Any]) -> Sweep:
    """Return the sweep of an option file of `conf/sweep`.

    Args:
        name: Of the file; None where nobody named one.
        base: Option → value in every row, besides those of its own base.
    """
    if name is None:
        remedy = "give `sweep=NAME`, or rows by hand: `-m seed=0,1`"
        allowed = workspace.list_files("sweep")
        raise OptionError("no sweep is named", where="sweep", allowed=allowed, remedy=remedy)
    options = workspace.option_file("sweep", str(name))
    options["base"] = {**options.get("base", {}), **base}
    return check(Sweep, options, f"conf/sweep/{name}.yaml")


def run_sweep(
    name: str,
    sweep: Sweep,
    rows: Sequence[Row],
    workspace: Workspace,
    on_failure: Callable[[RowResult], object],
) -> SweepResult:
    """Run the rows of a sweep and return what it found.

    Args:
        on_failure: Told of each row that failed, at once; the others go on.

    Raises:
        SkiagramError: Every row failed.
    """
    results: list[RowResult] = []
    trained: dict[int, Measurable] = {}
    kept = None if sweep.analysis is None else trained
    for result in run_rows(name, sweep, rows, workspace, sweep.objective.entry or None, kept):
        results.append(result)
        if result.reason:
            on_failure(result)
    if all(result.reason for result in results):
        raise SkiagramError(
            "every row failed", where=f"sweep {name}", remedy="see the reasons above"
        )
    return gather(name, sweep, results, trained)


def gather(
    name: str,
    sweep: Sweep,
    results: Sequence[RowResult],
    trained_rows: Mapping[int, Measurable] = MappingProxyType({}),
) -> SweepResult:
    """Return what a sweep found, its rows in order.

    Args:
        trained_rows: By their numbers, for an analysis.
    """
    ordered = sorted(results, key=lambda result: result.row.number)
    objective = sweep.objective.entry or find_objective([result.row for result in ordered])
    models = dict.fromkeys(each.model for result in ordered for each in result.figures.figures)
    if objective not in models:
        best = [model for model in models if model.startswith(BEST)]
        objective = next(iter((*best, *models)), "")
    analysis: Severity | LearningCurves | CostComparison | None = None
    trained = [trained_rows[number] for number in sorted(trained_rows)]
    if sweep.analysis == "severity":
        analysis = find_severity(ordered)
    elif sweep.analysis == "learning_curves":
        analysis = find_learning_curves(trained)
    elif sweep.analysis == "cost":
        timer, margin = trained[0].row.timer(sweep.clock), trained[0].row.evaluation.margin
        rows = {result.row.name(): result.figures for result in ordered}
        analysis = compare_costs(timer.clock, timer.machine, margin, rows)
    return SweepResult(name, sweep.question, objective, tuple(ordered), analysis)


def find_objective(rows: Sequence[Row]) -> str:
    """Return the only model whose option file differs between rows; empty where there is none."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for option, value in row.changes.items():
            values.setdefault(option, set()).add(show_value(value))
    differ = [option for option, of in values.items() if len(of) > 1]
    models = {option.split(".")[2] for option in differ if option.startswith(_OF_MODELS)}
    return models.pop() if len(models) == 1 else ""
