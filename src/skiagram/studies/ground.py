"""What models of a study are compared on: the same development cases in the same folds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.discrimination import one_vs_rest_auc, roc_auc
from skiagram.models.contract import Fitted, Labelled
from skiagram.models.plan import Plan
from skiagram.models.resampling import Resampling, finite
from skiagram.records import Cases, Task
from skiagram.splits import Partition, grouped_folds
from skiagram.studies.contenders import inputs_of, untrained
from skiagram.studies.passes import Prepared
from skiagram.studies.place import Place
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class Ground:
    """Development cases and where the work is done.

    Attributes:
        place: Where to work.
        prepared: Images and features.
        trainer: Where networks are trained.
        plan: Folds, repeats and seed.
        case_id: (n,) cases; none of them is a sealed one.
        label: (n,) their classes.
        patient_id: (n,) their patients.
        n_classes: Classes of the task.
        positive: Label of the condition looked for; None with more than two classes.
    """

    place: Place
    prepared: Prepared
    trainer: Trainer
    plan: Plan
    case_id: NDArray[np.str_]
    label: NDArray[np.int64]
    patient_id: NDArray[np.str_]
    n_classes: int
    positive: int | None

    @classmethod
    def of(
        cls,
        place: Place,
        prepared: Prepared,
        trainer: Trainer,
        plan: Plan,
        known: Cases,
        task: Task,
    ) -> "Ground":
        """Return the ground of all development cases."""
        return cls(
            place, prepared, trainer, plan, known.case_id, known.label, known.patient_id,
            len(task.classes), task.positive,
        )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.case_id)

    def select(self, rows: NDArray[np.int64]) -> "Ground":
        """Return the ground of some of the cases."""
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

    def inputs(self, arm: str) -> dict[str, object]:
        """Return all that a fit depends on besides the model's options and the fold."""
        values: dict[str, object] = {"plan": asdict(self.plan), "cases": self.case_id.tolist()}
        if arm == "classical":
            return values | {"features": self.prepared.features.name}
        trainer = {"trainer": asdict(self.trainer), "threads": self.place.compute.threads}
        return values | trainer | {"restored": self.prepared.restored.name}

    def fit(
        self, arm: str, options: Mapping[str, Any], rows: NDArray[np.int64], *name: str
    ) -> Fitted[Any]:
        """Fit a model on some of the cases.

        Args:
            arm: `classical` or `deep`.
            options: The model's options.
            rows: Rows of these cases.
            *name: Name of the fit's random streams.

        Raises:
            ModelFailure: The model cannot be trained.
            DataError: It cannot be trained on so few cases.
        """
        part = self.select(rows)
        labelled = Labelled(
            inputs_of(self.prepared, arm, options)(part.case_id),
            part.case_id, part.label, part.patient_id, self.n_classes,
        )  # fmt: skip
        model = untrained(self.place, arm, options, self.trainer)
        with self.place.compute.limit():
            return Resampling(model, self.plan, self.positive).fit(labelled, None, *name)

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
        self, arm: str, options: Mapping[str, Any], fold: Partition, *name: str
    ) -> float:
        """Fit a model on one side of a partition and return its AUC on the other.

        Raises:
            ModelFailure: The model cannot be trained.
            DataError: It cannot be trained on so few cases.
        """
        fitted = self.fit(arm, options, fold.training, *name)
        of = inputs_of(self.prepared, arm, options)
        with self.place.compute.limit():
            scores = finite(fitted.scores(of(self.case_id[fold.held_out])))
        return self.auc(scores, fold.held_out)
