"""One row a case with every model's probability, for R or a spreadsheet."""

from collections.abc import Sequence

import pandas as pd

from skiagram.evaluation.reference import reference
from skiagram.evaluation.reported import ModelScores, scores_on
from skiagram.records import Cases, Task


def scores_table(
    models: Sequence[ModelScores], cases: Cases, task: Task, sealed: pd.DataFrame
) -> pd.DataFrame:
    """Return the reported cases with their labels and the models' calibrated probabilities.

    Args:
        models: All models; failed ones have no column.
        cases: The case table.
        task: What is told apart.
        sealed: Columns `case_id`, `label` of the test cases; empty under `cv`.

    Returns:
        Columns `case_id`, `patient_id`, `label` (class name) and a column a model, named as its
        option file, with the probability of the positive class; with more classes a column a model
        and class, `model: class`. Means over repeats.

    Raises:
        DataError: Ids of scores and cases do not match.
    """
    part = "test" if task.design == "holdout" else "out_of_fold"
    rows = cases.test() if task.design == "holdout" else cases
    known = reference(rows, task, sealed)
    columns: dict[str, object] = {
        "case_id": known.case_id,
        "patient_id": rows.patient_id,
        "label": [task.classes[label] for label in known.label.tolist()],
    }
    for model in models:
        if model.outcome.status == "failed":
            continue
        probability = scores_on(model, part, known, pooled=True).probability.mean(axis=0)
        name = model.outcome.model
        if task.positive is not None:
            columns[name] = probability[:, task.positive]
        else:
            columns |= {
                f"{name}: {label}": probability[:, k] for k, label in enumerate(task.classes)
            }
    return pd.DataFrame(columns)
