"""Cross-validation of models on the same development cases in the same folds."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass as options_class

from skiagram.models.contract import Fitted, Labelled
from skiagram.models.cross_validation import CrossValidator, Plan
from skiagram.models.fits import finite
from skiagram.options import STRICT
from skiagram.preparation import PreparedData
from skiagram.records import DataCard, Design, read_cases, read_record
from skiagram.splits import Partition, grouped_folds
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import corrected_mean
from skiagram.studies.candidates import Candidate, StudyOptions
from skiagram.studies.pipeline_steps import ReportedDataSet
from skiagram.studies.workspace import Workspace

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CrossValidatedDataSet(ReportedDataSet):
    """A data set whose development cases every model is fitted on; test labels stay sealed.

    `folds` are those of all repeats together.
    """

    folds: int


@dataclass(frozen=True)
class CrossValidation:
    """Development cases and where the work is done.

    Attributes:
        case_id: (n,) cases; none of them is a sealed one.
        positive: Label of the condition looked for; None with more than two classes.
    """

    workspace: Workspace
    prepared: PreparedData
    plan: Plan
    case_id: NDArray[np.str_]
    label: NDArray[np.int64]
    patient_id: NDArray[np.str_]
    n_classes: int
    positive: int | None

    def __len__(self) -> int:
        return len(self.case_id)

    def select(self, rows: Rows) -> "CrossValidation":
        own = {name: getattr(self, name)[rows] for name in ("case_id", "label", "patient_id")}
        return replace(self, **own)

    def folds(self) -> list[Partition]:
        """Return the folds of all repeats, by patient."""
        plan = self.plan
        return [
            fold
            for repeat in range(plan.repeats)
            for fold in grouped_folds(
                self.label, self.patient_id, plan.folds, plan.seed, "ground", repeat
            )
        ]

    def inputs(self, candidate: Candidate) -> dict[str, object]:
        """Return all that a fit depends on besides fold and code."""
        return candidate.inputs(self.prepared) | {
            "model": candidate.options,
            "plan": asdict(self.plan),
            "cases": self.case_id.tolist(),
            "threads": self.workspace.compute.threads,
        }

    def fit(self, candidate: Candidate, rows: Rows, *name: str) -> Fitted[Any]:
        """Fit a model on some of the cases.

        Raises:
            ModelFailure: The model cannot be trained.
            DataError: It cannot be trained on so few cases.
        """
        part = self.select(rows)
        inputs = candidate.read(self.prepared).of(part.case_id)
        labelled = Labelled(inputs, part.case_id, part.label, part.patient_id, self.n_classes)
        model = candidate.model(self.workspace.compute.threads)
        with self.workspace.compute.limit():
            return CrossValidator(model, self.plan, self.positive).fit(labelled, None, *name)

    def scores(
        self, candidate: Candidate, fitted: Fitted[Any], case_id: NDArray[np.str_]
    ) -> Floats:
        """Return (m, n_classes) scores of cases of the prepared data."""
        inputs = candidate.read(self.prepared).of(case_id)
        with self.workspace.compute.limit():
            return finite(fitted.scores(inputs))

    def ranking(self, scores: Floats) -> Floats:
        """Return (m,) score of the positive class minus that of the other one."""
        positive = int(self.positive or 0)
        difference: Floats = scores[:, positive] - scores[:, 1 - positive]
        return difference

    def mean(self, values: Floats, low: float, high: float) -> Estimate:
        """Return the mean of one value a fold with its interval within the figure's bounds."""
        return corrected_mean(values, 1 / (self.plan.folds - 1), low, high)


@options_class(**STRICT)
class CrossValidatedStudy(StudyOptions):
    """Options of a study that cross-validates models on the development cases of one data set.

    Attributes:
        dataset: Option file of the data set.
        design: Its design; sealed cases are not opened.
        restoration: Option file of the restoration.
    """

    dataset: str
    design: Design
    restoration: str

    def cross_validation(
        self, workspace: Workspace
    ) -> tuple[CrossValidation, CrossValidatedDataSet]:
        """Ingest and prepare the data set; return its development cases, and what results say."""
        prepared = self.prepared(workspace, self.dataset, self.design, self.restoration)
        cases, task = read_cases(prepared.cases)
        known = cases.development()
        cv = CrossValidation(
            workspace, prepared, self.plan, known.case_id, known.label, known.patient_id,
            len(task.classes), task.positive,
        )  # fmt: skip
        title = read_record(DataCard, prepared.cases / "card.json").title
        patients = len(set(cv.patient_id.tolist()))
        folds = len(cv.folds())
        return cv, CrossValidatedDataSet(self.dataset, title, len(cv), patients, folds)
