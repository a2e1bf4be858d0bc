"""The reported cases on which a model was most surely wrong, as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.records import Task
from skiagram.report.examples import as_picture, shown_slice
from skiagram.store import ImageStore


@dataclass(frozen=True)
class Mistake:
    """One reported case that a model named wrongly.

    Attributes:
        case_id: Opaque id.
        named: Class that the model held for most probable.
        probability: Probability that it gave this class, in [0, 1].
        picture: `data:` address of the restored image.
        shown: Which slice of a volume the picture shows; empty for an image.
    """

    case_id: str
    named: str
    probability: float
    picture: str
    shown: str = ""


@dataclass(frozen=True)
class Gallery:
    """The worst errors of one model on one class.

    Attributes:
        model: Name of the model.
        label: The true class.
        wrong: Cases of the class that were named wrongly.
        cases: Cases of the class.
        mistakes: The worst of them, the surest first, each of another patient.
    """

    model: str
    label: str
    wrong: int
    cases: int
    mistakes: tuple[Mistake, ...]


def galleries(
    scores: pd.DataFrame, task: Task, models: Sequence[str], images: ImageStore, per_class: int
) -> tuple[Gallery, ...]:
    """Return one gallery a model and class.

    Args:
        scores: Columns `case_id, patient_id, label` and the models' probabilities, as
            `scores_table` makes them.
        task: Names the classes.
        models: Models to show.
        images: Restored images.
        per_class: Most pictures of a class, ≥ 1.
    """
    found = []
    for model in models:
        probability = _probability(scores, task, model)
        named = probability.argmax(axis=1)
        for k, label in enumerate(task.classes):
            own = (scores["label"] == label).to_numpy(dtype=bool)
            wrong = np.flatnonzero(own & (named != k))
            worst = _worst(scores, probability, wrong)[:per_class]
            mistakes = tuple(_mistake(scores, task, probability, row, images) for row in worst)
            found.append(Gallery(model, label, len(wrong), int(own.sum()), mistakes))
    return tuple(found)


def _probability(scores: pd.DataFrame, task: Task, model: str) -> NDArray[np.float64]:
    """Return (n, n_classes)."""
    if task.positive is None:
        columns = [f"{model}: {label}" for label in task.classes]
        return scores[columns].to_numpy(dtype=np.float64)
    positive = scores[model].to_numpy(dtype=np.float64)
    columns_of = (positive, 1 - positive) if task.positive == 0 else (1 - positive, positive)
    return np.stack(columns_of, axis=1)


def _worst(
    scores: pd.DataFrame, probability: NDArray[np.float64], wrong: NDArray[np.int64]
) -> list[int]:
    """Return the rows of wrong cases by falling probability of the wrong class, one a patient."""
    surest_first = wrong[np.argsort(-probability[wrong].max(axis=1), kind="stable")]
    patients = scores["patient_id"].to_numpy()[surest_first]
    _, first = np.unique(patients, return_index=True)
    rows: list[int] = surest_first[np.sort(first)].tolist()
    return rows


def _mistake(
    scores: pd.DataFrame,
    task: Task,
    probability: NDArray[np.float64],
    row: int,
    images: ImageStore,
) -> Mistake:
    case_id = str(scores["case_id"].iloc[row])
    named = int(probability[row].argmax())
    image = images.image(case_id)
    sure = float(probability[row, named])
    return Mistake(case_id, task.classes[named], sure, as_picture(image), shown_slice(image))
