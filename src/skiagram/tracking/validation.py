"""A cohort that a finished project scored, as a run beside the project's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skiagram.evaluation.evaluation_record import EXTERNAL, Evaluation
from skiagram.options import flatten_options
from skiagram.tracking.contract import Execution, Run, receipt_of
from skiagram.tracking.execution import (
    commit_tags,
    estimate_points,
    experiment_name,
    run_name,
)


def validation_execution(
    project: Path,
    name: str,
    folder: Path,
    evaluation: Evaluation,
    choices: Mapping[str, Any],
) -> Execution:
    """Return a cohort's figures as a tracker takes them: one run, which names the project's.

    Args:
        name: Of the cohort.
        folder: Of its results, below the project's.
        choices: As stage record has them, for the name of the project's own run.
    """
    points = estimate_points("difference", evaluation.difference)
    for row in evaluation.figures.select(analysis=EXTERNAL, versus="").rows:
        points += estimate_points(f"{row.model}/{row.figure}/{row.group}", row)
    models = tuple(result.outcome.model for result in evaluation.models)
    tags = {
        "skiagram.validation": name,
        "skiagram.project_run": run_name(choices, project),
        "skiagram.worth_it": evaluation.answer.decision,
        "mlflow.note.content": evaluation.verdict,
    }
    artefacts = {path: path.name if path.is_dir() else "" for path in sorted(folder.iterdir())}
    run = Run(
        name=f"validation {name}",
        params=flatten_options(choices) | {"cohort": name},
        points=tuple(points),
        tags=tags | commit_tags(project),
        artefacts=artefacts,
    )
    return Execution(experiment_name(project), run, (), receipt_of(project, models, artefacts))
