"""Confusion matrices as tables, and the same errors as frequencies out of a hundred."""

from dataclasses import dataclass

from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.arms import by_arm, finished, is_best
from skiagram.report.numbers import count

_BEST = {
    "classical": "the best classical model",
    "deep": "the best network",
    "combined": "the best combination",
}


@dataclass(frozen=True)
class Square:
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
class Matrix:
    """The confusion matrix of one model.

    Attributes:
        title: Name of the model for people.
        best: Whether it was chosen for its arm.
        rows: (true class, cells in the order of the classes).
    """

    title: str
    best: bool
    rows: tuple[tuple[str, tuple[Square, ...]], ...]


def matrices(evaluation: Evaluation) -> tuple[Matrix, ...]:
    """Return one matrix a trained model, arm by arm."""
    return tuple(
        Matrix(model.outcome.title, is_best(evaluation, model), _rows(evaluation, model))
        for model in finished(evaluation)
        if model.confusion
    )


def _rows(evaluation: Evaluation, model: ModelResult) -> tuple[tuple[str, tuple[Square, ...]], ...]:
    return tuple(
        (
            name,
            tuple(
                Square(count(round(cases, 1)), cases / (sum(row) or 1), true == named)
                for named, cases in enumerate(row)
            ),
        )
        for true, (name, row) in enumerate(
            zip(evaluation.task.classes, model.confusion, strict=True)
        )
    )


def frequencies(evaluation: Evaluation) -> tuple[str, ...]:
    """Return a sentence on the best model of each arm: hits and false alarms out of a hundred.

    Natural frequencies are read correctly more often than percentages of percentages
    (Gigerenzer et al. 2007, Psychological Science in the Public Interest 8:53).
    """
    positive = evaluation.task.positive
    if positive is None:
        return ()
    name = evaluation.task.classes[positive]
    sentences = []
    for arm, models in by_arm(evaluation):
        for model in models:
            found, cleared = (
                estimate.value if (estimate := model.metrics.get(metric)) else None
                for metric in ("sensitivity", "specificity")
            )
            if not is_best(evaluation, model) or found is None or cleared is None:
                continue
            hits, alarms = round(100 * found), round(100 * (1 - cleared))
            sentences.append(
                f"{model.outcome.title}, {_BEST[arm]}: of 100 cases that are "
                f"{name}, it marks {hits} and misses {100 - hits}; of 100 cases that are not, it "
                f"marks {alarms} by mistake."
            )
    return tuple(sentences)
