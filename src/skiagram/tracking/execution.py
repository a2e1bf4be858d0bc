"""Reads what a finished pipeline left behind and arranges it as one parent and a run a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skiagram.errors import DataError
from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.models.combined.folders import models_folder, scores_folder
from skiagram.records import DataCard, read_record, read_table
from skiagram.store import ImageStore
from skiagram.tracking.contract import Execution, Point, Run
from skiagram.tracking.provenance import commit_tags, experiment_name, seconds_of
from skiagram.tracking.receipt import receipt_of
from skiagram.tracking.values import curve_points, estimate_points, flatten, result_points

_REPORTS = ("evaluation.json", "metrics.json", "report.html", "scores.csv", "plots")
_STAGES = ("ingest", "audit", "restore", "extract", "combine", "evaluate")
_ARM_STAGE = {"classical": "train_baseline", "deep": "train_network", "reader": "train_baseline"}


def read_execution(project: Path, models: tuple[str, ...], choices: Mapping[str, Any]) -> Execution:
    """Read all that is to be recorded.

    Args:
        project: Folder that holds `data`, `models`, `scores` and `reports`.
        models: Names of the chosen models; folders of other models are left alone.
        choices: The choices of params.yaml.

    Raises:
        DataError: An artefact is missing, or the figures lack a chosen model.
    """
    evaluation = read_record(Evaluation, project / "reports/evaluation.json")
    results = {result.outcome.model: result for result in evaluation.models}
    absent = [name for name in models if name not in results]
    if absent:
        raise DataError(
            f"no figures of {', '.join(absent)}",
            where="reports/evaluation.json",
            remedy="run evaluate again",
        )
    data = _data(project)
    parent = _parent(project, evaluation, flatten(choices) | data)
    children = tuple(_child(project, results[name], data) for name in models)
    artefacts = [path for run in (parent, *children) for path in run.artefacts]
    return Execution(experiment_name(), parent, children, receipt_of(project, models, artefacts))


def _data(project: Path) -> dict[str, str]:
    card = read_record(DataCard, project / "data/cases/card.json")
    sha256 = ImageStore(project / "data/images").sha256
    return {"data.name": card.name, "data.sha256": sha256}


def _parent(project: Path, evaluation: Evaluation, params: dict[str, str]) -> Run:
    points = estimate_points("difference", evaluation.difference)
    points += estimate_points("ideal_auc", evaluation.ideal)
    points.append(Point("twins", evaluation.twins))
    tags = {f"skiagram.best_{arm}": name for arm, name in evaluation.best.items()}
    for stage in _STAGES:
        noted = seconds_of(project, stage)
        points += [Point(f"seconds/{stage}", noted[0])] if noted else []
    return Run(
        name=experiment_name(),
        params=params,
        points=tuple(points),
        tags=tags | commit_tags(project) | {"mlflow.note.content": evaluation.verdict},
        artefacts={project / "reports" / name: _folder(name) for name in _REPORTS},
    )


def _folder(report: str) -> str:
    return "" if "." in report else report


def _child(project: Path, result: ModelResult, data: dict[str, str]) -> Run:
    outcome = result.outcome
    scores = scores_folder(project, outcome)
    curves = read_table(scores / "curves.parquet")
    points = result_points(result) + curve_points(curves)
    tags = {"skiagram.arm": outcome.arm, "skiagram.title": outcome.title} | commit_tags(project)
    noted = seconds_of(project, f"{_ARM_STAGE.get(outcome.arm, '')}-{outcome.model}")
    if noted:
        points.append(Point("seconds", noted[0]))
        tags["skiagram.host"] = noted[1]
    if outcome.reason:
        tags["mlflow.note.content"] = outcome.reason
    return Run(
        name=outcome.model,
        params=flatten(outcome.options) | data,
        points=tuple(points),
        tags=tags,
        artefacts={
            models_folder(project, outcome): "model",
            scores: "scores",
        },
        failed=outcome.status == "failed",
    )
