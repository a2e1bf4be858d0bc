"""What the best model of each arm shows, as lines in one panel."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.arms import finished, is_best
from skiagram.report.drawing import ARM_COLOUR

T = TypeVar("T")


def of_the_best(
    evaluation: Evaluation, find: Callable[[ModelResult], T | None]
) -> Iterator[tuple[ModelResult, str, T]]:
    """Yield (model, colour, what it has) of the best of each arm and of every reader."""
    for model in finished(evaluation):
        found = find(model)
        if found is not None and (is_best(evaluation, model) or model.outcome.arm == "reader"):
            yield model, ARM_COLOUR[model.outcome.arm], found
