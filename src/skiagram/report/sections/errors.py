"""Which errors the models make: confusion matrices, and pictures of the worst ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import ModelResult
from skiagram.image_store.store import ImageStore
from skiagram.records import Task
from skiagram.report.formatting import finished_models, format_count, group_by_arm, is_best
from skiagram.report.sections.data import encode_case, name_slice

_BEST = {
    "classical": "the best classical model",
    "encoder": "the best frozen encoder",
    "deep": "the best network",
    "combined": "the best combination",
}


@dataclass(frozen=True)
class ConfusionCell:
    """One cell: cases of a true class that a model put into a class.

    Attributes:
        count: Mean number of cases over repeats, as text.
        share: Part of the true class, in [0, 1].
        right: Whether it stands on the diagonal.
    """

    count: str
    share: float
    right: bool


@dataclass(frozen=True)
class ConfusionMatrix:
    """The confusion matrix of one model.

    Attributes:
        title: Name of the model for people.
        best: Whether it was chosen for its arm.
        rows: (true class, cells in the order of the classes).
    """

    title: str
    best: bool
    rows: tuple[tuple[str, tuple[ConfusionCell, ...]], ...]


def confusion_matrices(evaluation: Evaluation) -> tuple[ConfusionMatrix, ...]:
    """Return one matrix per trained model, arm by arm."""
    return tuple(
        ConfusionMatrix(model.outcome.title, is_best(evaluation, model), _rows(evaluation, model))
        for model in finished_models(evaluation)
        if model.confusion
    )


def _rows(
    evaluation: Evaluation, model: ModelResult
) -> tuple[tuple[str, tuple[ConfusionCell, ...]], ...]:
    return tuple(
        (
            name,
            tuple(
                ConfusionCell(
                    format_count(round(cases, 1)), cases / (sum(row) or 1), true == predicted
                )
                for predicted, cases in enumerate(row)
            ),
        )
        for true, (name, row) in enumerate(
            zip(evaluation.task.classes, model.confusion, strict=True)
        )
    )


def natural_frequencies(evaluation: Evaluation) -> tuple[str, ...]:
    """Return a sentence on the best model of each arm: hits and false alarms out of a hundred.

    Natural frequencies are read correctly more often than percentages of percentages
    (Gigerenzer et al. 2007, Psychological Science in the Public Interest 8:53).
    """
    positive = evaluation.task.positive
    if positive is None:
        return ()
    name = evaluation.task.classes[positive]
    sentences = []
    for arm, models in group_by_arm(evaluation):
        for model in models:
            sensitivity, specificity = (
                estimate.value if (estimate := model.metrics.get(metric)) else None
                for metric in ("sensitivity", "specificity")
            )
            if not is_best(evaluation, model) or sensitivity is None or specificity is None:
                continue
            hits, alarms = round(100 * sensitivity), round(100 * (1 - specificity))
            sentences.append(
                f"{model.outcome.title}, {_BEST[arm]}: of 100 {name} cases it detects {hits} and "
                f"misses {100 - hits}; of 100 other cases, {alarms} are false alarms."
            )
    return tuple(sentences)


@dataclass(frozen=True)
class Mistake:
    """One reported case that a model classified wrongly.

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
        wrong: Cases of the class that were classified wrongly.
        cases: Cases of the class.
        mistakes: The worst of them, the surest first, each of another patient.
    """

    model: str
    label: str
    wrong: int
    cases: int
    mistakes: tuple[Mistake, ...]


def make_galleries(
    scores: pd.DataFrame, task: Task, models: Sequence[str], images: ImageStore, per_class: int
) -> tuple[Gallery, ...]:
    """Return one gallery per model and class.

    Args:
        scores: Columns `case_id, patient_id, label` and the models' probabilities, as
            `scores_table` makes them.
        task: Names the classes.
        models: Models to show.
        images: Restored images.
        per_class: Most pictures of a class, ≥ 1.
    """
    galleries = []
    for model in models:
        probability = _probability(scores, task, model)
        predicted = probability.argmax(axis=1)
        for k, label in enumerate(task.classes):
            own = (scores["label"] == label).to_numpy(dtype=bool)
            wrong = np.flatnonzero(own & (predicted != k))
            worst = _worst(scores, probability, wrong)[:per_class]
            mistakes = tuple(_mistake(scores, task, probability, row, images) for row in worst)
            galleries.append(Gallery(model, label, len(wrong), int(own.sum()), mistakes))
    return tuple(galleries)


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
    """Return the rows of wrong cases by falling probability of the wrong class, one per patient."""
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
    predicted = int(probability[row].argmax())
    image = images.image(case_id)
    certainty = float(probability[row, predicted])
    return Mistake(
        case_id, task.classes[predicted], certainty, encode_case(images, case_id), name_slice(image)
    )
