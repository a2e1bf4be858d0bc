"""A search as runs for people to compare: one parent, one child per trial."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from skiagram.compute.checkout import home
from skiagram.studies.search.study import SearchedModel, SearchResult
from skiagram.studies.search.trials import Trial
from skiagram.tracking.contract import Execution, NotRecorded, Point, Receipt, Run, Tracker
from skiagram.tracking.execution import commit_tags, estimate_points, experiment_name, flatten


def record_study(tracker: Tracker, result: object, project: Path) -> tuple[str, ...]:
    """Record what a study fitted, if it is a search: other studies are no runs to compare.

    Args:
        tracker: Where runs go.
        result: The finished study.
        project: The project's folder.

    Returns:
        Lines for people: what was done.
    """
    if not isinstance(result, SearchResult):
        return ()
    return (record_search(tracker, result, project, home(project)),)


def record_search(tracker: Tracker, result: SearchResult, project: Path, home: Path) -> str:
    """Record every trial; a tracker out of reach costs no result.

    Args:
        tracker: Where runs go.
        result: The finished search.
        project: The project's folder.
        home: Its lasting folder.

    Returns:
        A line for people: what was done.
    """
    try:
        return tracker.record(search_execution(result, project), home)
    except NotRecorded as error:
        return f"Warning: {error}. Later: the same line again, which fits nothing anew."


def search_execution(result: SearchResult, project: Path) -> Execution:
    """Return a search as a tracker takes it."""
    tags = commit_tags(project)
    children = tuple(
        _trial(model, trial, result, tags) for model in result.models for trial in model.trials
    )
    text = json.dumps(asdict(result), sort_keys=True)
    digest = {f"search of {result.dataset}": hashlib.sha256(text.encode()).hexdigest()}
    receipt = Receipt(tuple(model.model for model in result.models), digest)
    return Execution(experiment_name(), _parent(result, tags), children, receipt)


def _parent(result: SearchResult, tags: dict[str, str]) -> Run:
    points: list[Point] = []
    for model in result.models:
        for name in ("default", "tuned", "gain"):
            points += estimate_points(f"{name}_auc/{model.model}", getattr(model, name))
        if model.nested is not None:
            points += estimate_points(f"nested_gain_auc/{model.model}", model.nested.gain)
        seconds = sum(result.processor_seconds[model.model])
        points.append(Point(f"processor_seconds/{model.model}", seconds))
    params = {"dataset": result.dataset, "trials": str(result.budget), "folds": str(result.folds)}
    return Run(f"search {result.dataset}", params, tuple(points), tags)


def _trial(model: SearchedModel, trial: Trial, result: SearchResult, tags: dict[str, str]) -> Run:
    points = [Point("fold_auc", area, fold) for fold, area in enumerate(trial.fold_auc)]
    if trial.fold_auc:
        points.append(Point("mean_auc", sum(trial.fold_auc) / len(trial.fold_auc)))
    seconds = result.processor_seconds[model.model][trial.number]
    own = {
        "skiagram.arm": model.arm,
        "skiagram.model": model.model,
        "skiagram.trial": trial.end,
        "skiagram.best": "yes" if trial.number == model.best else "no",
    }
    if trial.reason:
        own["mlflow.note.content"] = trial.reason
    return Run(
        name=f"{model.model} {trial.number}",
        params=flatten(trial.values),
        points=(*points, Point("processor_seconds", seconds)),
        tags=tags | own,
        failed=trial.end == "failed",
    )
