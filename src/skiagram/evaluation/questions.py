"""What a user may ask of every model beyond the figures that are always there."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.options import STRICT


@dataclass(**STRICT)
class Aim:
    """What a threshold is to keep on out-of-fold scores.

    Attributes:
        aim: Sensitivity or specificity.
        level: How much of it.
    """

    aim: Literal["sensitivity", "specificity"]
    level: Annotated[float, Field(gt=0, lt=1)]


@dataclass(**STRICT)
class Questions:
    """What is asked.

    Attributes:
        operating_points: Thresholds to judge decisions at.
        prevalence: Share of positives where the model would be used; predictive values are also
            given at it. None asks nothing.
        trivial: Models that stand for trivial rules, where they are in the run: an arm must beat
            them, and they are never the best of one.
    """

    operating_points: tuple[Aim, ...]
    prevalence: Annotated[float, Field(gt=0, lt=1)] | None
    trivial: tuple[str, ...]


@dataclass(**STRICT)
class Evaluating:
    """How an evaluation is made, besides what it is made of.

    Attributes:
        margin: Smallest difference in AUC that counts as worthwhile.
        replicates: Resamples of the bootstrap by patient.
        compare: Further pairs of models.
        questions: What is asked beyond the figures that are always there.
    """

    margin: Annotated[float, Field(gt=0, lt=0.5)]
    replicates: Annotated[int, Field(ge=100)]
    compare: tuple[tuple[str, str], ...]
    questions: Questions


NOTHING = Questions(operating_points=(), prevalence=None, trivial=())
