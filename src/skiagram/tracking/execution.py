"""Reads what a finished pipeline left behind and arranges it as one parent and one run per model.

Options become flat text, figures named numbers. Commit, host and seconds are read here too: no
output of the pipeline may hold them.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skiagram.compute.checkout import current_commit, home, name_experiment
from skiagram.errors import refusal
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import LIMIT, METRICS, SELECTION, STABILITY
from skiagram.image_store.store import ImageStore
from skiagram.options import flatten_options
from skiagram.projects.stage_times import StageTime, read_time
from skiagram.records.files import read_record, read_table
from skiagram.records.predictions import Outcome, folder_of
from skiagram.sealing.ledger import (
    LEDGER,
    OPENING,
    Comparison,
    note_opening,
    read_ledger,
    unite_ledgers,
)
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.cases import DataCard
from skiagram.tracking.comparison import FAILED, METRICS_ID, WORKSPACE, metrics_id
from skiagram.tracking.contract import Execution, Point, Receipt, Run, Tracker, receipt_of

_FILES = ("evaluation.json", "metrics.json", "report.html", "scores.csv", OPENING)
_STAGES = ("ingest", "audit", "restore", "propose", "extract", "encode", "evaluate")
_ARM_STAGE = {
    "classical": "train_baseline",
    "encoder": "train_baseline",
    "deep": "train_network",
    "combined": "combine",
    "reader": "train_baseline",
}
_ON_CHILDREN = (
    *("dataset", "design", "features", "restoration", "folds", "repeats", "seed", "margin"),
)
_OF_ALL_CASES = (SELECTION, LIMIT, STABILITY)  # analyses, of each model


def read_execution(project: Path, models: tuple[str, ...], choices: Mapping[str, Any]) -> Execution:
    """Read all that is to be recorded of a project; folders of models not named are left alone."""
    evaluation = read_record(Evaluation, project / "reports/evaluation.json")
    # All figures of a model that are of all its cases; folds and repeats are steps.
    points = {}
    for result in evaluation.models:
        outcome = result.outcome
        model_points = []
        for row in evaluation.table.select(model=outcome.model, versus="").rows:
            # A figure may be of a horizon, which stands in its name; groups of cases are left out.
            if row.analysis == METRICS or (row.analysis in _OF_ALL_CASES and not row.group):
                model_points += estimate_points(f"{row.figure} {row.group}".strip(), row)
        for name, values in (("fold_auc", result.fold_auc), ("seed_auc", result.by_repeat)):
            for step, value in enumerate(values):
                model_points += [Point(name, value, step)] if math.isfinite(value) else []
        costs = ("parameters", "multiply_adds", "images_seen", "fits")
        model_points += _finite_points({name: getattr(outcome, name) for name in costs})
        points[outcome.model] = outcome, model_points
    if absent := [name for name in models if name not in points]:
        raise refusal("tracking.no_figures", models=absent)
    data = {
        "data.name": read_record(DataCard, project / "data/cases/card.json").name,
        "data.sha256": ImageStore(project / "data/images").sha256,
    }
    chosen = flatten_options(choices) | _resolved_options(project)
    parent = _parent(project, evaluation, chosen | data, run_name(choices, project))
    shared = {f"run.{name}": chosen[name] for name in _ON_CHILDREN if name in chosen} | data
    children = tuple(_child(project, *points[name], shared) for name in models)
    artefacts = [path for run in (parent, *children) for path in run.artefacts]
    return Execution(
        experiment_name(project), parent, children, receipt_of(project, models, artefacts)
    )


def failed_execution(project: Path, choices: Mapping[str, Any], failure: str) -> Execution:
    """Return a run that ended in an error: its options and the error, which begins with a stage."""
    options = flatten_options(choices) | _resolved_options(project)
    tags = {"mlflow.note.content": failure, FAILED: failure.partition(":")[0]}
    tags |= commit_tags(project)
    first = read_time(project, "digest")
    began = None if first is None else first.began
    run = Run(run_name(choices, project), options, tags=tags, failed=True, began=began)
    text = json.dumps([options, failure], sort_keys=True)
    digest = {"failure": hashlib.sha256(text.encode()).hexdigest()}
    return Execution(experiment_name(project), run, (), Receipt((), digest))


def _resolved_options(project: Path) -> dict[str, str]:
    """Return the flat name of every option of a run → its value, as stage digest resolved them."""
    path = project / "data/code/options"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _parent(project: Path, evaluation: Evaluation, params: dict[str, str], name: str) -> Run:
    """Return the run as a whole: the figures of its arms, its verdict, the opening of the seal."""
    # What runs are told apart by: what stands for the arms, and what to choose models by. Figures
    # of single models' test cases are left to the runs of these models.
    headline = json.loads((project / "reports/metrics.json").read_bytes())
    models = {result.outcome.model for result in evaluation.models}
    points = []
    for model, figures in headline.items():
        for figure, value in figures.items():
            if model not in models:
                points.append(Point(f"{model}_{figure}", value))
            elif figure.startswith("selection"):
                points.append(Point(f"{figure}/{model}", value))
    # The first stage runs whenever the pipeline does; results that were restored have no time.
    first, last = read_time(project, "digest"), read_time(project, "evaluate")
    timed = first is not None and last is not None and first.began <= last.ended
    decision = evaluation.answer.decision
    for stage in _STAGES:
        noted = read_time(project, stage)
        points += [Point(f"seconds/{stage}", noted.seconds)] if noted else []
    tags = {"skiagram.worth_it": decision, "mlflow.note.content": evaluation.verdict}
    tags |= {f"skiagram.best_{arm}": model for arm, model in evaluation.best.items()}
    tags |= commit_tags(project)
    tags[METRICS_ID] = metrics_id(project)
    # A comparison that the ledger lacks is noted first: DVC may have restored its results from a
    # cache, or the ledger was deleted. Generated data have no seal.
    comparison = read_record(Comparison, project / "reports" / OPENING)
    if comparison.seal:
        place = home(project)
        tags["skiagram.opening"] = str(note_opening(place, comparison, project).number)
        tags["skiagram.ledger"] = ", ".join(read_ledger(place).heads)
    reports = project / "reports"
    return Run(
        name=name,
        params=params,
        points=tuple(points),
        tags=tags,
        artefacts={reports / file: "" for file in _FILES}
        | {reports / folder: folder for folder in ("plots", "checklists")},
        began=first.began if first and timed else None,
        ended=last.ended if last and timed else None,
    )


def _child(project: Path, outcome: Outcome, points: list[Point], params: dict[str, str]) -> Run:
    # Curves of each fit, whose steps are epochs.
    scores = folder_of("scores", project, outcome)
    curves = read_table(scores / "curves.parquet")
    for quantity in curves.columns.drop(["fit", "epoch"]):
        for fit, epoch, value in zip(curves["fit"], curves["epoch"], curves[quantity], strict=True):
            if math.isfinite(value):
                points.append(Point(f"{quantity}/{fit}", float(value), int(epoch)))
    # What tells the model, and how long it took.
    tags = {"skiagram.arm": outcome.arm, "skiagram.title": outcome.title} | commit_tags(project)
    tags["skiagram.experiment"] = experiment_name(project)
    noted = training_time(project, outcome)
    if noted:
        points.append(Point("seconds", noted.seconds))
        tags["skiagram.host"] = noted.host
    if outcome.reason:
        tags["mlflow.note.content"] = outcome.reason
    return Run(
        name=outcome.model,
        params=flatten_options(outcome.options) | params,
        points=tuple(points),
        tags=tags,
        artefacts={folder_of("models", project, outcome): "model", scores: "scores"},
        failed=outcome.status == "failed",
        began=noted and noted.began,
        ended=noted and noted.ended,
    )


def estimate_points(name: str, estimate: Estimate | None) -> list[Point]:
    """Return a figure and its bounds; nothing where it could not be computed."""
    if estimate is None:
        return []
    values = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return _finite_points(values)


def _finite_points(values: Mapping[str, float | None]) -> list[Point]:
    return [
        Point(name, float(value))
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    ]


def run_name(choices: Mapping[str, Any], project: Path) -> str:
    """Return what a list of runs calls this one.

    An experiment has DVC's name; any other run its data set, design and seed, and six digits of a
    hash of all choices and options, which tell other runs apart.
    """
    if named := name_experiment(project):
        return named
    parts = [str(choices[name]) for name in ("dataset", "design") if name in choices]
    parts += [f"seed{choices['seed']}"] if "seed" in choices else []
    options = flatten_options(choices) | _resolved_options(project)
    text = json.dumps(options, sort_keys=True)
    return "-".join([*parts, hashlib.sha256(text.encode()).hexdigest()[:6]])


def experiment_name(project: Path) -> str:
    """Return the name of the DVC experiment under way, or applied, or `workspace`."""
    return name_experiment(project) or WORKSPACE


def commit_tags(project: Path) -> dict[str, str]:
    """Return the commit and whether code or options differ from it; empty outside git."""
    commit = current_commit(project)
    if commit is None:
        return {}
    modified = "yes" if commit.modified else "no"
    return {"mlflow.source.git.commit": commit.sha, "skiagram.modified": modified}


def share_ledger(tracker: Tracker, project: Path) -> tuple[str, ...]:
    """Unite the seal's ledger with what the tracker knows of it.

    The lines for people say what was missing here, and what is wrong with the ledger's chain.
    """
    place = home(project)
    lines = {opening.hash: opening.line() for opening in read_ledger(place).openings}
    missing = unite_ledgers(place, tracker.share_openings(lines, place).values())
    faults = tuple(f"{LEDGER}: {fault}." for fault in read_ledger(place).faults)
    if not missing:
        return faults
    were = "1 opening was" if missing == 1 else f"{missing} openings were"
    return (
        f"{LEDGER}: {were} missing here and put back: made elsewhere or on another branch, or "
        "deleted here.",
        *faults,
    )


def training_time(project: Path, outcome: Outcome) -> StageTime | None:
    """Return when and where a model was trained last; None where not known."""
    return read_time(project, f"{_ARM_STAGE[outcome.arm]}-{outcome.model}")
