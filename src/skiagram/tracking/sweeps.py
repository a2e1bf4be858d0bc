"""A sweep as runs for people to compare: one parent, one child a row."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from skiagram.compute.checkout import home
from skiagram.evaluation.results import SELECTION
from skiagram.options import flatten_options
from skiagram.projects.stage_times import read_time
from skiagram.sweeps.rows import BEST
from skiagram.sweeps.runs import RowResult, stage_of_row
from skiagram.sweeps.table import SweepResult
from skiagram.tracking.contract import Execution, NotRecorded, Point, Receipt, Run, Tracker
from skiagram.tracking.execution import commit_tags, estimate_points, experiment_name


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
    children = []
    for each in result.rows:
        is_chosen = result.chosen is not None and each.row.number == result.chosen.row.number
        row_tags = {
            "skiagram.sweep": result.name,
            "skiagram.row": str(each.row.number),
            "skiagram.chosen": "yes" if is_chosen else "no",
        }
        if each.reason:
            row_tags["mlflow.note.content"] = each.reason
        took = read_time(project, stage_of_row(each.row))
        child = Run(
            name=f"{result.name} {each.row.number}",
            params=flatten_options(result.describe_place(each)),
            points=tuple(_points(each, result.objective)),
            tags=tags | row_tags,
            failed=bool(each.reason),
            began=took and took.began,
            ended=took and took.ended,
        )
        children.append(child)
    points = [] if result.chosen is None else _points(result.chosen, result.objective)
    parent = Run(
        f"sweep {result.name}",
        {"rows": str(len(result.rows))},
        tuple(points),
        tags,
        began=min((run.began for run in children if run.began is not None), default=None),
        ended=max((run.ended for run in children if run.ended is not None), default=None),
    )
    return Execution(experiment_name(project), parent, tuple(children), Receipt((), digest))


def _points(result: RowResult, objective: str) -> list[Point]:
    """Return what may be chosen by, under its own name; figures of reported cases by model."""
    points: list[Point] = []
    for each in result.figures.rows:
        if each.model == objective:
            points += estimate_points(each.name, each)
        elif each.model.startswith(BEST) and (each.analysis == SELECTION or each.versus):
            points += estimate_points(f"{each.model}_{each.name}", each)
    return points
