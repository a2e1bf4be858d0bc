"""The seal of one data set, opened after its models have scored; sweeps alone read it so."""

import hashlib
import json

import pandas as pd

from skiagram.compute.checkout import home
from skiagram.evaluation.evaluation_set import EvaluationSet, assemble_evaluation_set
from skiagram.records.cases import DataCard, read_cases
from skiagram.records.files import read_record, read_table
from skiagram.sealing.labels import open_labels
from skiagram.sealing.ledger import Comparison, note_opening
from skiagram.steps.evaluation_inputs import seal_of
from skiagram.sweeps.data import DataSet
from skiagram.sweeps.workspace import Workspace


def open_evaluation_set(
    workspace: Workspace,
    data: DataSet,
    opened_by: str,
    models: tuple[str, ...],
    request: object,
    seed: int,
    replicates: int,
    duplicates: pd.DataFrame,
) -> EvaluationSet:
    """Open the seal of a data set, note it in the ledger, and return the reported cases.

    Args:
        opened_by: What opens it, for people.
        models: Whose scores it is opened for.
        request: All that decides the figures, as JSON.
        seed: Of the resamples of patients.
        duplicates: Pairs of cases that show the same, as the audit found them.
    """
    cases, task = read_cases(data.folder / "cases")
    truth = data.folder / "sealed/truth.parquet"
    labels = open_labels(data.folder / "sealed", task)
    if workspace.project is not None and task.design == "holdout" and not truth.exists():
        card = read_record(DataCard, data.folder / "cases/card.json")
        comparison = Comparison(
            data=card.name,
            seal=seal_of(data.images, cases.test().case_id),
            opened_by=opened_by,
            models=models,
            digest=hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest(),
        )
        note_opening(home(workspace.project), comparison, workspace.project)
    known = read_table(truth) if truth.exists() else None
    return assemble_evaluation_set(cases, task, labels, known, duplicates, seed, replicates)
