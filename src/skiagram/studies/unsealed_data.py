"""The seal of one data set, opened after its models have scored; only studies' figures read it."""

import hashlib
import json
from dataclasses import dataclass

import pandas as pd

from skiagram.compute.checkout import home
from skiagram.evaluation.evaluation_set import EvaluationSet, assemble_evaluation_set
from skiagram.evaluation.metrics import estimate_auc
from skiagram.evaluation.scores import Scores, align_scores
from skiagram.options import composed
from skiagram.records import DataCard, Predictions, read_cases, read_record, read_table
from skiagram.sealing.labels import open_labels
from skiagram.sealing.ledger import Comparison, note_opening
from skiagram.statistics.delong import auc_estimate
from skiagram.statistics.estimate import Estimate
from skiagram.steps.evaluation_inputs import seal_of
from skiagram.studies.candidates import StudyOptions
from skiagram.studies.pipeline_steps import DataSet
from skiagram.studies.workspace import Workspace

_NO_NEAR_DUPLICATES = pd.DataFrame({"first": [], "second": []}, dtype=str)


@dataclass(frozen=True)
class UnsealedData:
    """A data set with its labels: what models are measured against, and its card."""

    evaluation_set: EvaluationSet
    card: DataCard

    @property
    def ideal(self) -> Estimate | None:
        """Return the ideal observer's AUC on generated data; None on real images."""
        ideal = self.evaluation_set.ideal_observer()
        return None if ideal is None else auc_estimate(ideal)

    def scores(self, model: Predictions) -> Scores:
        return align_scores(model, self.evaluation_set.part, self.evaluation_set.cases)

    def auc(self, scores: Scores) -> Estimate:
        return estimate_auc(scores, self.evaluation_set.cases, self.evaluation_set.draws)


def unseal(
    workspace: Workspace, data: DataSet, study: StudyOptions, replicates: int
) -> UnsealedData:
    """Open the seal of a data set for a study, and note it in the ledger."""
    candidates = study.candidates(workspace)
    values = [candidate.options for candidate in candidates]
    values += study.frozen(workspace).values()
    evaluation_set = open_evaluation_set(
        workspace,
        data,
        f"study {type(study).__name__}",
        tuple(candidate.name for candidate in candidates),
        [composed(study), values],
        study.plan.seed,
        replicates,
    )
    return UnsealedData(evaluation_set, read_record(DataCard, data.folder / "cases/card.json"))


def open_evaluation_set(
    workspace: Workspace,
    data: DataSet,
    opened_by: str,
    models: tuple[str, ...],
    request: object,
    seed: int,
    replicates: int,
) -> EvaluationSet:
    """Open the seal of a data set, note it in the ledger, and return the reported cases.

    Args:
        opened_by: What opens it, for people.
        models: Whose scores it is opened for.
        request: All that decides the figures, as JSON.
        seed: Of the resamples of patients.
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
    return assemble_evaluation_set(
        cases, task, labels, known, _NO_NEAR_DUPLICATES, seed, replicates
    )
