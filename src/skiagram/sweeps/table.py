"""The one table of a sweep: a line a row, model and figure, and which row was chosen by what."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from skiagram.composition import Composition
from skiagram.errors import SkiagramError, refusal
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import METRICS
from skiagram.evaluation.results import SELECTION as OF_SELECTION
from skiagram.fitting.cross_validation import Subset
from skiagram.options import check, split_names
from skiagram.sweeps.candidates import Candidate
from skiagram.sweeps.data import ingest_data
from skiagram.sweeps.figures import resolve
from skiagram.sweeps.learning_curves import LearningCurves, check_curves, find_learning_curves
from skiagram.sweeps.row_options import change, read_plan
from skiagram.sweeps.rows import (
    COLUMNS,
    OF_COSTS,
    Analysis,
    Row,
    Sweep,
    expand_rows,
    find_differing,
    find_swept_model,
    short_name,
    show_value,
)
from skiagram.sweeps.runs import RowResult, TrainedRow, run_rows
from skiagram.sweeps.time import Clock
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import read_task
from skiagram.tasks.predicted import Predicted
from skiagram.tasks.task import Design

RESULT = "result.json"
_CASES = {OF_SELECTION: "development", METRICS: "reported", OF_COSTS: ""}  # of each analysis


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        rows: In the order of the sweep.
        objective: Model, or `best_<arm>`, whose figure of development cases chooses a row; empty
            where no row has one.
        analysis: What is made of all rows together; None for nothing.
        curves: The learning curves, where these were asked for.
        clock: How costs among the figures were timed, and `machine` where.
    """

    name: str
    question: str
    objective: str
    rows: tuple[RowResult, ...]
    analysis: Analysis | None = None
    curves: LearningCurves | None = None
    clock: Clock | None = None
    machine: str = ""

    @property
    def margin(self) -> float:
        """Return the smallest difference in AUC that counts."""
        return max((each.figures.margin for each in self.rows if not each.reason), default=0.0)

    @cached_property
    def figures(self) -> FigureTable:
        """The figures of all rows."""
        return FigureTable(tuple(each for row in self.rows for each in row.figures.rows))

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """List the options, or names of settings, in which rows differ."""
        named = dict.fromkeys(name for result in self.rows for name in result.row.place)
        places = [result.row.place for result in self.rows]
        return tuple(
            name
            for name in named
            if len({show_value(place.get(name, "")) for place in places}) > 1 or len(places) == 1
        )

    @cached_property
    def options(self) -> tuple[str, ...]:
        """List the options whose values differ, besides those that are axes."""
        differing = find_differing([result.row for result in self.rows])
        return tuple(name for name in differing if name not in self.axes)

    def describe_place(self, result: RowResult) -> dict[str, Any]:
        """Return axis, or option that differs, → value in a row; empty text where it names none."""
        row_options = {**result.row.changes, **result.row.place}
        return {short_name(name): row_options.get(name, "") for name in (*self.axes, *self.options)}

    @cached_property
    def chosen(self) -> RowResult | None:
        """Find the row that is best by the figure to choose by, the first of equal ones."""
        worth = {
            each.row.number: value
            for each in self.rows
            if (value := each.figures.worth(self.objective)) is not None
        }
        measured_rows = [each for each in self.rows if each.row.number in worth]
        return max(measured_rows, key=lambda each: worth[each.row.number], default=None)

    @property
    def chosen_by(self) -> str:
        """Name the figure of development cases that chooses, in words with its direction."""
        chosen = self.chosen
        if chosen is None:
            return ""
        direction = "lowest" if chosen.figures.primary_is_error else "highest"
        return f"{direction} {chosen.figures.chosen_by(self.objective)}"

    def table(self) -> pd.DataFrame:
        """Make the long table.

        Returns:
            Columns `row`, one for each axis, one for each further option that differs (empty
            where a row leaves it as it is), `model`, `title`, `arm`, `cases`
            (`development`, `reported`, or nothing of a cost), `figure`, `value`, `low`, `high`,
            `method`, `reason`, and `reference` (the row of which a difference is taken, else
            missing). A row that failed has one line.
        """
        # A line for each figure, with the place of its row.
        lines: list[dict[str, object]] = []
        for result in self.rows:
            row = result.row
            place = {name: show_value(value) for name, value in self.describe_place(result).items()}
            if result.reason:
                reason = {"reason": result.reason, "reference": None}
                lines.append({"row": row.number, **place, **reason})
            for each in result.figures.rows:
                own = {"row": row.number, "figure": each.name, "cases": _CASES[each.analysis]}
                own["reference"] = row.reference if each.versus else None
                named = asdict(result.figures.named(each.model))
                lines.append({**asdict(each), **named, **own, **place})
        # Axes stand between the row's number and the figures.
        first, *others = COLUMNS
        places = map(short_name, (*self.axes, *self.options))
        table = pd.DataFrame(lines, columns=[first, *places, *others])
        return table.astype({"row": "int64", "reference": "Int64"})


def read_sweep(workspace: Workspace, name: object, base: Mapping[str, Any]) -> Sweep:
    """Read the sweep of a config of `conf/sweep`.

    Args:
        name: Of the file; None where nobody named one.
        base: Option → value in every row, besides those of its own base.
    """
    if name is None:
        sweeps = ", ".join(workspace.options.list_files("sweep"))
        raise refusal("sweeps.no_sweep", sweeps=sweeps)
    options = workspace.options.read_file("sweep", str(name))
    options["base"] = {**options.get("base", {}), **base}
    options = name_options(options, workspace.options)
    return check(Sweep, options, f"conf/sweep/{name}.yaml")


def name_options(sweep: Mapping[str, Any], options: Composition) -> dict[str, Any]:
    """Return the values of a sweep's file with options by their whole names.

    Raises:
        OptionError: There is no such option.
    """

    def named(values: Any) -> Any:
        """Return a mapping of options; names without a dot are choices, or names of settings."""
        if not isinstance(values, Mapping):
            return values
        return {options.find_option(k) if "." in k else k: value for k, value in values.items()}

    def named_axis(values: Any) -> Any:
        """Return an axis; of one of settings, each with the options that it sets."""
        if not isinstance(values, Mapping):
            return values
        return {name: named(settings) for name, settings in values.items()}

    # Options in each part of the file.
    whole = {**sweep}
    for part in sweep.keys() & {"base", "reference"}:
        whole[part] = named(sweep[part])
    if isinstance(sweep.get("rows"), list):
        whole["rows"] = [named(row) for row in sweep["rows"]]
    if isinstance(sweep.get("axes"), Mapping):
        whole["axes"] = {k: named_axis(v) for k, v in named(sweep["axes"]).items()}
    return whole


def check_rows(sweep: Sweep, rows: Sequence[Row], workspace: Workspace) -> None:
    """Refuse an analysis that the rows cannot carry, before the first of them is trained.

    Data sets are ingested for it. A row whose options cannot be read is left to say so itself.

    Raises:
        OptionError: The rows are not such as the analysis reads.
    """
    if sweep.analysis is None:
        return
    # Outcomes, subsets and arms of all rows, as far as their options are sound.
    predicted: dict[tuple[str, Design], Predicted] = {}
    subsets, arms = list[Subset | None](), set[str]()
    for place in (change(workspace, row) for row in rows):
        with suppress(SkiagramError):
            choices = place.options.choices
            dataset, design = choices["dataset"], choices["design"]
            if (dataset, design) not in predicted:
                data = ingest_data(place, place.options.read_file("dataset", dataset), design)
                predicted[dataset, design] = read_task(data / "cases/task.json").predicted
            if sweep.analysis == "learning_curves":
                for name in split_names(choices["baselines"]):
                    arms.add(Candidate(name, place.options.read_file("model", name)).arm)
                subsets.append(read_plan(place).subset)
    # Analyses are of AUCs.
    measured = next((each for each in predicted.values() if each.has_value), None)
    if measured is not None:
        raise refusal(
            "sweeps.outcome_of_analysis",
            analysis=sweep.analysis,
            words=measured.words,
        )
    if subsets:
        check_curves(subsets, arms)


def run_sweep(name: str, sweep: Sweep, workspace: Workspace) -> SweepResult:
    """Run the rows of a sweep and return what it found.

    A row that fails is said at once, in a line; the others go on (`run_rows`).

    Raises:
        OptionError: The rows cannot answer what the sweep asks; see `check_rows`.
        SkiagramError: Every row failed.
    """
    # Rows are checked, run, and put together.
    rows = expand_rows(sweep)
    check_rows(sweep, rows, workspace)
    trained: dict[int, TrainedRow] = {}
    analysis_rows = None if sweep.analysis is None else trained
    results = [*run_rows(name, sweep, rows, workspace, analysis_rows)]
    if all(result.reason for result in results):
        raise refusal("sweeps.all_failed", f"sweep {name}")
    return gather(name, sweep, results, trained)


def gather(
    name: str,
    sweep: Sweep,
    results: Sequence[RowResult],
    trained_rows: Mapping[int, TrainedRow],
) -> SweepResult:
    """Gather what a sweep found, its rows in order.

    Args:
        trained_rows: By their numbers, for an analysis.
    """
    # Rows in the order of the sweep.
    ordered = sorted(results, key=lambda result: result.row.number)
    every = FigureTable(tuple(each for result in ordered for each in result.figures.rows))
    swept = find_swept_model(find_differing([result.row for result in ordered]))
    objective = resolve(every, sweep.objective.entry, swept)
    trained = [trained_rows[number] for number in sorted(trained_rows)]
    curves = find_learning_curves(trained) if sweep.analysis == "learning_curves" else None
    clock = sweep.clock if sweep.analysis == "cost" else None
    machine = trained[0].prepared.machine if clock else ""
    asked = sweep.analysis, curves, clock, machine
    return SweepResult(name, sweep.question, objective, tuple(ordered), *asked)
