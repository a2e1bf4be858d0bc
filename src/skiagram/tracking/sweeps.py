"""A sweep as runs for people to compare: one parent, one child a row."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from skiagram.composition import Composition
from skiagram.compute.checkout import home
from skiagram.options import build, flatten_options
from skiagram.sweeps.figures import DIFFERENCES
from skiagram.sweeps.rows import BEST, SELECTIONS
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.table import SweepResult
from skiagram.tracking.contract import Execution, NotRecorded, Point, Receipt, Run, Tracker
from skiagram.tracking.execution import commit_tags, estimate_points, experiment_name


def find_tracker(project: Path) -> Tracker:
    """Return the tracker that a project's params.yaml chooses."""
    options = Composition(project)
    chosen = options.read_file("tracking", str(options.choices["tracking"]))
    tracker: Tracker = build(chosen, "tracking")
    return tracker


def record_sweep(tracker: Tracker, result: SweepResult, project: Path) -> str:
    """Record every row of a sweep and say what was done.

    A tracker out of reach costs a warning and no result.
    """
    try:
        return tracker.record(sweep_execution(result, project), home(project))
    except NotRecorded as error:
        return f"Warning: {error}. Later: the same command again, which trains nothing anew."


def sweep_execution(result: SweepResult, project: Path) -> Execution:
    """Return a sweep as a tracker takes it."""
    tags = commit_tags(project)
    text = json.dumps(asdict(result), sort_keys=True)
    digest = {f"sweep {result.name}": hashlib.sha256(text.encode()).hexdigest()}
    children = tuple(_child(each, result, tags) for each in result.rows)
    points = [] if result.chosen is None else _points(result.chosen, result.objective)
    parent = Run(f"sweep {result.name}", {"rows": str(len(result.rows))}, tuple(points), tags)
    return Execution(experiment_name(project), parent, children, Receipt((), digest))


def _points(result: RowResult, objective: str) -> list[Point]:
    """Return what may be chosen by, under its own name; figures of reported cases by model."""
    points: list[Point] = []
    for each in result.figures.figures:
        if each.model == objective:
            points += estimate_points(each.figure, each.estimate)
        elif each.model.startswith(BEST) and (
            each.figure.startswith(SELECTIONS) or each.figure in DIFFERENCES
        ):
            points += estimate_points(f"{each.model}_{each.figure}", each.estimate)
    return points


def _child(result: RowResult, sweep: SweepResult, tags: dict[str, str]) -> Run:
    row, chosen = result.row, sweep.chosen
    is_chosen = chosen is not None and chosen.row.number == row.number
    of_row = {
        "skiagram.sweep": sweep.name,
        "skiagram.row": str(row.number),
        "skiagram.chosen": "yes" if is_chosen else "no",
    }
    if result.reason:
        of_row["mlflow.note.content"] = result.reason
    return Run(
        name=f"{sweep.name} {row.number}",
        params=flatten_options(sweep.describe_place(result)),
        points=tuple(_points(result, sweep.objective)),
        tags=tags | of_row,
        failed=bool(result.reason),
    )
