"""Which cases models learned from, where the plan leaves some out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.inputs import EvaluationInputs


@dataclass(frozen=True)
class LearnedSubset:
    """The development cases that fits of the plan saw or scored.

    Attributes:
        case_id: (n,) their ids.
        learned: Cases that a fit on all of them learned from; mean over outer folds under `cv`.
        available: Cases that it could have learned from.
    """

    case_id: NDArray[np.str_]
    learned: float
    available: float

    def describe(self) -> str:
        """Return a sentence."""
        return (
            f"Models learned from {self.learned:.0f} of {self.available:.0f} cases that could be "
            "learned from (`plan.subset`). With all of them they may do better."
        )


def find_subset(inputs: EvaluationInputs) -> LearnedSubset | None:
    """Find which cases models learned from; None where the plan left none out."""
    # Any trained model will do: a reader learned from nothing.
    models = (model for model in inputs.models if model.outcome.status != "failed")
    model = next((model for model in models if model.outcome.arm != "reader"), None)
    if model is None:
        return None
    # For each fold, cases learned from and cases of other patients that were left out.
    counts, cases, folds = [], inputs.cases.development(), ["repeat", "fold"]
    held_out = dict(list(model.part("out_of_fold").groupby(folds)["case_id"]))
    for fold, taught in model.part("training").groupby(folds)["case_id"]:
        is_held_out = np.isin(cases.case_id, held_out.get(fold, taught).to_numpy(dtype=str))
        learned_from = np.isin(cases.case_id, taught.to_numpy(dtype=str))
        other = ~np.isin(cases.patient_id, cases.patient_id[is_held_out]) & ~learned_from
        # The final fit of a holdout learns from the held-out cases as well.
        added = 0 if inputs.task.design == "cv" else int(is_held_out.sum())
        counts.append((int(learned_from.sum()) + added, int(other.sum())))
    if not any(left_out for _, left_out in counts):
        return None
    # The mean over folds; the cases are those that have scores.
    learned, left_out = np.mean(counts, axis=0)
    case_id = model.table.loc[model.table["part"] != "test", "case_id"].to_numpy(dtype=str)
    return LearnedSubset(np.unique(case_id), float(learned), float(learned + left_out))
