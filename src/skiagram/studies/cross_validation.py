"""Cross-validation of models on the same development cases in the same folds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass as options_class

from skiagram.models.contract import Fitted, Labelled
from skiagram.models.cross_validation import CrossValidator, Plan
from skiagram.models.fits import finite
from skiagram.options import STRICT
from skiagram.records import Cases, DataCard, Design, Task, read_cases, read_record
from skiagram.splits import Partition, grouped_folds
from skiagram.statistics.discrimination import one_vs_rest_auc, roc_auc
from skiagram.studies.pipeline_steps import (
    Arm,
    CrossValidatedDataSet,
    PreparedData,
    StudyOptions,
    ingest_data,
    prepare_data,
)
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class CrossValidation:
    """Development cases and where the work is done.

    Attributes:
        workspace: Where to work.
        prepared: Images and features.
        plan: Folds, repeats and seed.
        case_id: (n,) cases; none of them is a sealed one.
        label: (n,) their classes.
        patient_id: (n,) their patients.
        n_classes: Classes of the task.
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

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        prepared: PreparedData,
        plan: Plan,
        known: Cases,
        task: Task,
    ) -> "CrossValidation":
        """Return the cross-validation of all development cases."""
        return cls(
            workspace, prepared, plan, known.case_id, known.label, known.patient_id,
            len(task.classes), task.positive,
        )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.case_id)

    def select(self, rows: NDArray[np.int64]) -> "CrossValidation":
        """Return the cross-validation of some of the cases."""
        return replace(
            self,
            case_id=self.case_id[rows],
            label=self.label[rows],
            patient_id=self.patient_id[rows],
        )

    def folds(self) -> list[Partition]:
        """Return the folds of all repeats, by patient."""
        return [
            fold
            for repeat in range(self.plan.repeats)
            for fold in grouped_folds(
                self.label, self.patient_id, self.plan.folds, self.plan.seed, "ground", repeat
            )
        ]

    def inputs(self, arm: Arm) -> dict[str, object]:
        """Return all that a fit depends on besides the model's options, the fold and the code."""
        return arm.inputs(self.prepared) | {
            "plan": asdict(self.plan),
            "cases": self.case_id.tolist(),
            "threads": self.workspace.compute.threads,
        }

    def fit(
        self,
        arm: Arm,
        options: Mapping[str, Any],
        rows: NDArray[np.int64],
        *name: str,
        target: NDArray[np.float32] | None = None,
    ) -> Fitted[Any]:
        """Fit a model on some of the cases.

        Args:
            arm: Its arm.
            options: The model's options.
            rows: Rows of these cases.
            *name: Name of the fit's random streams.
            target: (rows, n_classes) probabilities that a network learns in place of the labels;
                None for the labels.

        Raises:
            ModelFailure: The model cannot be trained.
            DataError: It cannot be trained on so few cases.
        """
        part = self.select(rows)
        labelled = Labelled(
            arm.reader(self.prepared, options)(part.case_id),
            part.case_id, part.label, part.patient_id, self.n_classes, target=target,
        )  # fmt: skip
        model = arm.model(options, self.workspace.compute.threads)
        with self.workspace.compute.limit():
            return CrossValidator(model, self.plan, self.positive).fit(labelled, None, *name)

    def auc(self, scores: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
        """Return the AUC; with more than two classes the mean one-vs-rest AUC.

        Scores of more than two classes are centred by case: logits are defined up to a constant.

        Args:
            scores: (m, n_classes).
            rows: (m,) rows of these cases that they belong to.
        """
        label, weights = self.label[rows], np.ones((1, len(rows)))
        if self.positive is None:
            centred = scores - scores.mean(axis=1, keepdims=True)
            return float(one_vs_rest_auc(centred, label, weights)[0])
        ranking = scores[:, self.positive] - scores[:, 1 - self.positive]
        return float(roc_auc(ranking, label == self.positive, weights)[0])

    def held_out_auc(
        self, arm: Arm, options: Mapping[str, Any], fold: Partition, *name: str
    ) -> float:
        """Fit a model on one side of a partition and return its AUC on the other.

        Raises:
            ModelFailure: The model cannot be trained.
            DataError: It cannot be trained on so few cases.
        """
        fitted = self.fit(arm, options, fold.training, *name)
        of = arm.reader(self.prepared, options)
        with self.workspace.compute.limit():
            scores = finite(fitted.scores(of(self.case_id[fold.held_out])))
        return self.auc(scores, fold.held_out)


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
        """Ingest and prepare the data set.

        Returns:
            Its development cases in folds, and what a study says of them.
        """
        data = ingest_data(workspace, workspace.option_file("dataset", self.dataset), self.design)
        restoration = workspace.option_file("restoration", self.restoration)
        prepared = prepare_data(
            workspace, data, restoration, self.families(workspace), self.frozen(workspace)
        )
        cases, task = read_cases(data.folder / "cases")
        known = cases.development()
        cv = CrossValidation.of(workspace, prepared, self.plan, known, task)
        return cv, CrossValidatedDataSet(
            dataset=self.dataset,
            title=read_record(DataCard, data.folder / "cases/card.json").title,
            cases=len(cv),
            patients=len(set(cv.patient_id.tolist())),
            folds=len(cv.folds()),
        )
