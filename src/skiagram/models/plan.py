"""How often and in how many folds a model is fitted."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.calibration.methods import Method
from skiagram.options import STRICT


@dataclass(**STRICT)
class Plan:
    """Repeats, folds and seed of one train stage.

    Attributes:
        repeats: Times the whole plan is repeated with another stream of the seed.
        folds: Folds for out-of-fold scores (outer folds under `cv`).
        inner_folds: Folds inside each outer fold; used under `cv` only.
        calibration: How out-of-fold scores become probabilities: `platt` (slope and intercept),
            `isotonic` (any rising curve; for hundreds of cases of each class) or `temperature`
            (slope alone; for scores that are log-odds).
        validation_fraction: Share of a fit's patients set aside for early stopping.
        seed: The run's seed.
    """

    repeats: Annotated[int, Field(ge=1)]
    folds: Annotated[int, Field(ge=2)]
    inner_folds: Annotated[int, Field(ge=2)]
    calibration: Method
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)]
    seed: Annotated[int, Field(ge=0)]
