"""What evaluation reads: scores, cases, the seal and what is known of the cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from skiagram.evaluation.scores import ModelScores
from skiagram.records import Cases, DataCard, Outcome, Predictions, Task, read_record, read_table


@dataclass(frozen=True)
class EvaluationInputs:
    """What evaluation needs.

    Attributes:
        models: Scores of every model named in params.yaml; others on disk are ignored.
        cases: The case table.
        task: The classification task.
        sealed: Labels of test cases.
        truth: What only a generator knows; None for real images.
        duplicates: Near duplicates and shifted copies that the audit met.
        covariates: `case_id` and what else is known of each case.
        card: What a reader must know of the data set.
    """

    models: tuple[ModelScores, ...]
    cases: Cases
    task: Task
    sealed: pd.DataFrame
    truth: pd.DataFrame | None
    duplicates: pd.DataFrame
    covariates: pd.DataFrame
    card: DataCard


def read_inputs(root: Path, score_folders: Sequence[Path]) -> EvaluationInputs:
    """Read scores, cases and the seal.

    Args:
        root: Project folder.
        score_folders: Where each model named in params.yaml left its scores.

    Raises:
        DataError: Something is missing or damaged.
    """
    truth = root / "data/sealed/truth.parquet"
    return EvaluationInputs(
        models=tuple(_read_scores(folder) for folder in score_folders),
        cases=Cases.read(root / "data/cases/cases.parquet"),
        task=read_record(Task, root / "data/cases/task.json"),
        sealed=read_table(root / "data/sealed/labels.parquet"),
        truth=read_table(truth) if truth.exists() else None,
        duplicates=read_table(root / "data/audit/near_duplicates.parquet"),
        covariates=read_table(root / "data/cases/covariates.parquet"),
        card=read_record(DataCard, root / "data/cases/card.json"),
    )


def _read_scores(folder: Path) -> ModelScores:
    outcome = read_record(Outcome, folder / "outcome.json")
    predictions = Predictions.read(folder / "predictions.parquet")
    return ModelScores(outcome, predictions, read_table(folder / "selection.parquet"))
