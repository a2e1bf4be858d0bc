"""What every trial of every model stands on: the same cases in the same folds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.discrimination import one_vs_rest_auc, roc_auc
from skiagram.models.contract import Labelled
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
    """Training cases of a search, and where it works.

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
                self.label, self.patient_id, self.plan.folds, self.plan.seed, "search", repeat
            )
        ]

    def inputs(self, arm: str) -> dict[str, object]:
        """Return all that a fit depends on besides the model's options and the fold."""
        values: dict[str, object] = {"plan": asdict(self.plan), "cases": self.case_id.tolist()}
        if arm == "classical":
            return values | {"features": self.prepared.features.name}
        trainer = {"trainer": asdict(self.trainer), "threads": self.place.compute.threads}
        return values | trainer | {"restored": self.prepared.restored.name}

    def held_out_auc(
        self, arm: str, options: Mapping[str, Any], fold: Partition, *name: str
    ) -> float:
        """Fit a model on one side of a partition and return its AUC on the other.

        With more than two classes the mean one-vs-rest AUC; scores are centred by case, since
        logits are defined up to a constant.

        Args:
            arm: `classical` or `deep`.
            options: The model's options.
            fold: Rows of these cases.
            *name: Name of the fit's random streams.

        Raises:
            ModelFailure: The model cannot be trained.
            DataError: It cannot be trained on so few cases.
        """
        of = inputs_of(self.prepared, arm, options)
        model = untrained(self.place, arm, options, self.trainer)
        training = self.select(fold.training)
        labelled = Labelled(
            of(training.case_id), training.case_id, training.label, training.patient_id,
            self.n_classes,
        )  # fmt: skip
        with self.place.compute.limit():
            fitted = Resampling(model, self.plan, self.positive).fit(labelled, None, *name)
            scores = finite(fitted.scores(of(self.case_id[fold.held_out])))
        label, weights = self.label[fold.held_out], np.ones((1, len(fold.held_out)))
        if self.positive is None:
            centred = scores - scores.mean(axis=1, keepdims=True)
            return float(one_vs_rest_auc(centred, label, weights)[0])
        ranking = scores[:, self.positive] - scores[:, 1 - self.positive]
        return float(roc_auc(ranking, label == self.positive, weights)[0])
