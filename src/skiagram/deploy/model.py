"""A trained model loaded from its folder, ready to score restored films."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.films import Films, Preparer
from skiagram.deploy.folder import WHOLE, own, record, training_mean
from skiagram.deploy.scorer import Scorer
from skiagram.errors import DataError, ModelFailure
from skiagram.models.combined.folders import MEMBERS
from skiagram.models.deployment import DEPLOYMENT, Deployment, repeat_folder
from skiagram.preparation import PREPARATION, Preparation
from skiagram.progress import Progress
from skiagram.records import Task


@dataclass(frozen=True)
class DeployedModel:
    """A model with all that stands between a film and a decision.

    Attributes:
        deployment: What the model's folder says of itself.
        preparer: What happens to each film first.
        scorer: The fitted models.
    """

    deployment: Deployment
    preparer: Preparer
    scorer: Scorer

    @property
    def task(self) -> Task:
        """Return what is told apart."""
        return self.deployment.task

    @property
    def threshold(self) -> float | None:
        """Return the mean threshold over repeats; None with more than two classes."""
        thresholds = [one.threshold for one in self.deployment.decisions]
        known = [threshold for threshold in thresholds if threshold is not None]
        return float(np.mean(known)) if self.task.positive is not None and known else None

    def probabilities(self, films: Films) -> NDArray[np.float64]:
        """Return the mean calibrated probability over repeats: (n, n_classes), rows sum to 1.

        Raises:
            DataError: A feature is not defined for a film.
            ModelFailure: The fitted models do not belong to the task, or refuse the films.
        """
        classes = len(self.task.classes)
        found = self.scorer.scores(films)
        if any(scores.shape[1] != classes for scores in found):
            raise ModelFailure(
                f"scores of {found[0].shape[1]} classes, not {classes}", remedy=WHOLE
            )
        pairs = zip(self.deployment.decisions, found, strict=True)
        calibrated = [decision.calibration.probabilities(scores) for decision, scores in pairs]
        mean: NDArray[np.float64] = np.mean(calibrated, axis=0)
        return mean


def load_model(folder: Path) -> DeployedModel:
    """Load a model's folder; libraries of the other arm are not imported.

    Raises:
        DataError: A file is missing, damaged or names code that is not the program's own.
        OptionError: Options do not fit this version.
    """
    deployment = record(Deployment, folder / DEPLOYMENT)
    preparation = record(Preparation, folder / PREPARATION)
    classes = len(deployment.task.classes)
    if not deployment.decisions or any(
        one.calibration.n_classes != classes for one in deployment.decisions
    ):
        raise DataError("is damaged", where=str(folder / DEPLOYMENT), remedy=WHOLE)
    with Progress("Load", 1):
        scorer = _scorer(folder, deployment, preparation)
    return DeployedModel(deployment, _preparer(folder, preparation, scorer), scorer)


def _preparer(folder: Path, preparation: Preparation, scorer: Scorer) -> Preparer:
    path = folder / PREPARATION
    steps, changes = preparation.restoration or {}, preparation.acquisition
    restoration = own(steps, "skiagram.restoration", "restore", path)
    return Preparer(
        kinds=preparation.images,
        acquisition=own(changes, "skiagram.datasets", "acquire", path) if changes else None,
        restoration=restoration,
        training_mean=training_mean(folder) if restoration.needs_training_mean else None,
        shape=scorer.shape,
    )


def _scorer(folder: Path, deployment: Deployment, preparation: Preparation) -> Scorer:
    repeats = [folder / repeat_folder(repeat) for repeat in range(len(deployment.decisions))]
    if deployment.arm == "reader":
        raise DataError(
            f"`{deployment.title}` came with the data and scores no film",
            where=str(folder),
            allowed="a classical model or a network",
        )
    if deployment.arm == "deep":
        from skiagram.deploy.network import load_networks

        return load_networks(repeats, preparation)
    if deployment.arm == "combined":
        from skiagram.deploy.combination import load_combination

        combination = own(
            deployment.options, "skiagram.models.combined", "weights", folder / DEPLOYMENT
        )
        members = [folder / MEMBERS / name for name in combination.members]
        return load_combination(repeats, members, lambda one: load_model(one).scorer)
    from skiagram.deploy.baseline import load_baselines

    return load_baselines(folder, repeats, deployment, preparation)
