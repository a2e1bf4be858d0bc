"""The classical arm of deployment: features of restored films, scored by every repeat's model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.folder import WHOLE, own
from skiagram.errors import DataError
from skiagram.features.covariates import PREFIX, Covariates
from skiagram.features.table import extract
from skiagram.models.classical.estimator import FittedClassical
from skiagram.models.deployment import DEPLOYMENT, Deployment
from skiagram.models.resampling import finite
from skiagram.preparation import PREPARATION, Preparation
from skiagram.store import ImageStore

_BATCH = 256


@dataclass(frozen=True)
class Baselines:
    """Fitted classical models of all repeats.

    Attributes:
        families: Feature families of images, in column order.
        fitted: One model a repeat.
    """

    families: Sequence[Any]
    fitted: Sequence[FittedClassical]
    batch: int = _BATCH
    shape: None = None

    def scores(self, films: ImageStore) -> list[NDArray[np.float64]]:
        """Extract features and score them: (n, n_classes) a repeat.

        Raises:
            DataError: A feature is not defined for a film.
        """
        table = extract(films, self.families)
        return [finite(model.scores(table)) for model in self.fitted]


def load_baselines(
    folder: Path, repeats: Sequence[Path], deployment: Deployment, preparation: Preparation
) -> Baselines:
    """Load the classical models of all repeats.

    Raises:
        DataError: A file is missing or damaged, a class is not the program's own, or the model
            reads what no film holds.
    """
    model = own(deployment.options, "skiagram.models.classical", "load", folder / DEPLOYMENT)
    fitted: list[FittedClassical] = [model.load(repeat) for repeat in repeats]
    beside = [name for one in fitted for name in one.features if name.startswith(PREFIX)]
    if beside:
        raise DataError(
            f"the model reads `{beside[0]}`, which no film holds",
            where=str(folder),
            allowed="models on features of images",
            remedy="train a model that leaves covariates out",
        )
    families = [
        own(options, "skiagram.features", "names", folder / PREPARATION)
        for options in preparation.features
        if options.get("_target_") != f"{Covariates.__module__}.{Covariates.__qualname__}"
    ]
    known = {name for family in families for name in family.names()}
    if not known.issuperset(name for one in fitted for name in one.features):
        raise DataError(
            "reads features that its preparation does not extract",
            where=str(folder),
            remedy=WHOLE,
        )
    return Baselines(families, fitted)
