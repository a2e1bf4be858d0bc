"""A search as runs for people to compare: one parent, one child per trial."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from skiagram.compute.checkout import home
from skiagram.options import flatten_options
from skiagram.studies.search.study import SearchedModel, SearchResult
from skiagram.studies.search.trials import Trial
from skiagram.tracking.contract import Execution, NotRecorded, Point, Receipt, Run, Tracker
from skiagram.tracking.execution import commit_tags, estimate_points, experiment_name


def record_study(tracker: Tracker, result: object, project: Path) -> tuple[str, ...]:
    """Record every trial of a search and say what was done; other studies are no runs to compare.

    A tracker out of reach costs a warning and no result.
    """
    if not isinstance(result, SearchResult):
        return ()
    try:
        return (tracker.record(search_execution(result, project), home(project)),)
    except NotRecorded as error:
        return (f"Warning: {error}. Later: the same line again, which fits nothing anew.",)


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
    points.append(Point("processor_seconds", result.processor_seconds[model.model][trial.number]))
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
        params=flatten_options(trial.values),
        points=tuple(points),
        tags=tags | own,
        failed=trial.end == "failed",
    )
