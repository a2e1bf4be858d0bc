"""Fitted models of all repeats, read from a model's folder: classical models and combinations.

The folder may come from someone else, so it holds records and no code: nothing is unpickled, and of
the classes that the records name only the program's own are loaded. Networks stand in `network`,
which imports torch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.inputs import (
    CovariateFeature,
    PreparedImages,
    covariate_features,
    require_sites,
)
from skiagram.encoders.encoder import COLUMN
from skiagram.errors import DataError
from skiagram.features.earlier import PREFIX, Earlier, Previous
from skiagram.features.extraction import extract_modalities
from skiagram.features.table import FeatureTable, has_prefix
from skiagram.models.classical.estimator import FittedClassical
from skiagram.models.combined import COMBINATION, FittedCombination, MemberScores
from skiagram.models.deployment import DEPLOYMENT, Deployment, Familiarity
from skiagram.models.fits import finite
from skiagram.options import build
from skiagram.preparation import PREPARATION, TRAINING_MEAN, Preparation
from skiagram.records import read_record
from skiagram.restoration.missing import Plane

R = TypeVar("R")
WHOLE = "copy the whole folder models/NAME of a finished run; a failed training leaves no model"
_BESIDE = {  # no single image holds them; imported, `perturbed` would bring scikit-image
    "skiagram.features.covariates.Covariates",
    "skiagram.features.covariates.Site",
    "skiagram.features.earlier.Earlier",
    "skiagram.features.perturbed.Perturbed",
}


def record(kind: type[R], path: Path) -> R:
    """Read a record of the model's folder; one that is missing or damaged is a DataError."""
    if not path.is_file():
        raise DataError("is missing", where=str(path), remedy=WHOLE)
    try:
        return read_record(kind, path)
    except DataError as error:
        found, remedy = f"is damaged or no {kind.__name__} of this version", f"{WHOLE}, or train"
        raise DataError(found, where=str(path), remedy=remedy) from error


def own(options: dict[str, Any], package: str, method: str, path: Path) -> Any:
    """Build an option dataclass that a record names, of one package of the program alone.

    `method` is what the dataclass must be able to do.
    """
    target = str(options.get("_target_", ""))
    if not target.startswith(f"{package}."):
        allowed = f"classes of {package}; code that comes with a model is not run"
        raise DataError(f"names the class `{target}`", where=str(path), allowed=allowed)
    built = build(options, str(path))
    if not callable(getattr(built, method, None)):
        raise DataError(f"`{target}` cannot {method}", where=str(path), remedy=WHOLE)
    return built


def training_mean(folder: Path) -> Plane:
    """Read the mean development image; a missing or damaged file is a DataError."""
    path = folder / TRAINING_MEAN
    try:
        mean: Plane = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        message = "is damaged" if path.exists() else "is missing"
        raise DataError(message, where=str(path), remedy=WHOLE) from error
    return mean


@dataclass(frozen=True, kw_only=True)
class Scorer(ABC):
    """The fitted models of all repeats, of one arm; `shape` is (height, width) they insist on."""

    covariates: tuple[CovariateFeature, ...] = ()
    familiarity: Familiarity | None = None
    batch: int = 32
    shape: tuple[int, int] | None = None
    in_threads: bool = True
    reads_earlier: bool = False
    reads_other: bool = False

    def space(self, prepared: PreparedImages) -> FeatureTable:
        """Return the features by which images are told to be unlike training cases, made once."""
        if id(self) not in prepared.features:
            prepared.features[id(self)] = self._space(prepared)
        return prepared.features[id(self)]

    @abstractmethod
    def _space(self, prepared: PreparedImages) -> FeatureTable:
        """Make the features of `space`."""

    @abstractmethod
    def scores(self, prepared: PreparedImages) -> list[NDArray[np.float64]]:
        """Score all images in order: (n, n_classes) per repeat."""

    def unfamiliar(self, prepared: PreparedImages) -> list[str]:
        """Say how each image lies too far from the training cases; empty where it does not."""
        if self.familiarity is None:
            return [""] * len(prepared.images)
        space = self.space(prepared)
        distances, features = self.familiarity.distances(space), self.familiarity.most_unlike(space)
        return [
            f"distance {distance:.3g} from the training cases, of these held out up to "
            f"{self.familiarity.limit:.3g}; most unlike: {feature}"
            if distance > self.familiarity.limit
            else ""
            for distance, feature in zip(distances, features, strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class Baselines(Scorer):
    """Fitted classical models of all repeats; `encode` makes columns of a folder of images."""

    families: Sequence[Any]
    fitted: Sequence[FittedClassical]
    encode: Callable[[Path], FeatureTable] | None = None
    earlier: Earlier | None = None

    def scores(self, prepared: PreparedImages) -> list[NDArray[np.float64]]:
        return self.score_table(
            self.space(prepared),
            prepared.covariates,
            None if prepared.earlier is None else self.space(prepared.earlier),
            prepared.previous,
        )

    def score_table(
        self,
        images: FeatureTable,
        covariates: NDArray[np.float32],
        earlier: FeatureTable | None,
        previous: Previous,
    ) -> list[NDArray[np.float64]]:
        """Score cases by features, also of visits before: (n, n_classes) per repeat."""
        names = (*images.names, *(feature.name for feature in self.covariates))
        values = np.hstack([images.values, covariates])
        if self.earlier is not None:
            changes = self.earlier.encode(images, previous, earlier or images)
            names, values = (*names, *changes.names), np.hstack([values, changes.values])
        table = FeatureTable(images.case_id, names, values)
        return [finite(model.scores(table)) for model in self.fitted]

    def _space(self, prepared: PreparedImages) -> FeatureTable:
        folder = prepared.images.folder
        table = extract_modalities(folder, self.families)
        if self.encode is None:
            return table
        encoding = self.encode(folder).of(table.case_id)
        values = np.hstack([encoding.values, table.values])
        return FeatureTable(table.case_id, (*encoding.names, *table.names), values)


def load_baselines(
    folder: Path,
    repeats: Sequence[Path],
    deployment: Deployment,
    preparation: Preparation,
    familiarity: Familiarity | None = None,
) -> Baselines:
    """Load the classical models of all repeats."""
    encode, of_model = None, deployment.options
    if deployment.arm == "encoder":
        from skiagram.encoders.encoding import encoder_in

        encode, of_model = encoder_in(folder, preparation.images), dict(of_model["head"])
    model = own(of_model, "skiagram.models.classical", "load", folder / DEPLOYMENT)
    fitted: list[FittedClassical] = [model.load(repeat) for repeat in repeats]
    families = image_families(preparation, folder)
    read = [name for model in fitted for name in model.features if not _encoded(name)]
    beside = covariate_features(read, preparation.covariates)
    if any(model.refuses_unseen_sites for model in fitted):
        beside = require_sites(beside)
    of_images = [
        f"{modality}.{name}".lstrip(".")
        for modality in preparation.modalities or ("",)
        for family in families
        for name in family.names()
    ]
    known = set(of_images)
    earlier = _earlier(read, preparation, folder)
    changes = () if earlier is None else earlier.names(of_images)
    space = () if familiarity is None else [n for n in familiarity.names if not _encoded(n)]
    given = known.union((feature.name for feature in beside), changes)
    if not given.issuperset(read) or not known.issuperset(space):
        found = "reads features that its preparation does not extract"
        raise DataError(found, where=str(folder), remedy=WHOLE)
    return Baselines(
        covariates=beside,
        familiarity=familiarity,
        in_threads=encode is None,
        reads_earlier=earlier is not None,
        families=families,
        fitted=fitted,
        encode=encode,
        earlier=earlier,
    )


def image_families(preparation: Preparation, folder: Path) -> list[Any]:
    """Return the feature families that describe single images."""
    return [
        own(options, "skiagram.features", "names", folder / PREPARATION)
        for options in preparation.features
        if options.get("_target_") not in _BESIDE
    ]


def _earlier(read: Sequence[str], preparation: Preparation, folder: Path) -> Earlier | None:
    """Return how cases are compared with the visit before; None for models that read no change."""
    target = f"{Earlier.__module__}.{Earlier.__qualname__}"
    chosen = [options for options in preparation.features if options.get("_target_") == target]
    if not chosen or not any(name.startswith(PREFIX) for name in read):
        return None
    earlier: Earlier = own(chosen[0], "skiagram.features", "encode", folder / PREPARATION)
    return earlier


def _encoded(name: str) -> bool:
    """Whether a column is an encoder's, perhaps of one modality."""
    return has_prefix(name.rpartition(".")[2], COLUMN)


@dataclass(frozen=True, kw_only=True)
class Combined(Scorer):
    """Members, and how each repeat weighs them; `familiarity` is that of the first member."""

    members: Sequence[Scorer]
    fitted: Sequence[FittedCombination]

    def _space(self, prepared: PreparedImages) -> FeatureTable:
        """Return the features of all members, each name once."""
        tables = [member.space(prepared) for member in self.members]
        columns = {name: table for table in reversed(tables) for name in table.names}
        names = tuple(dict.fromkeys(name for table in tables for name in table.names))
        values = np.stack([columns[name].columns([name]).values[:, 0] for name in names], axis=1)
        return FeatureTable(tables[0].case_id, names, values)

    def unfamiliar(self, prepared: PreparedImages) -> list[str]:
        """Say what the first member says that finds an image too far from its training cases."""
        by_member = [member.unfamiliar(prepared) for member in self.members]
        return [next(filter(None, reasons), "") for reasons in zip(*by_member, strict=True)]

    def scores(self, prepared: PreparedImages) -> list[NDArray[np.float64]]:
        """Score by every member, and weigh the scores."""
        ends = np.cumsum([0, *(len(member.covariates) for member in self.members)]).tolist()
        scores_by_member = [
            member.scores(
                replace(prepared, covariates=prepared.covariates[:, start:end], scores=[])
            )
            for member, (start, end) in zip(self.members, pairwise(ends), strict=True)
        ]
        return [
            finite(combination.scores(MemberScores.of_one_fit(np.stack(scores, axis=1))))
            for combination, *scores in zip(self.fitted, *scores_by_member, strict=True)
        ]


def load_combination(repeats: Sequence[Path], members: Sequence[Scorer]) -> Combined:
    """Load how each repeat weighs some members, in the order of the combination."""
    fitted = [record(FittedCombination, repeat / COMBINATION) for repeat in repeats]
    if any(len(combination.weights) != len(members) for combination in fitted):
        raise DataError("weighs other members", where=str(repeats[0]), remedy=WHOLE)
    return Combined(
        covariates=tuple(feature for member in members for feature in member.covariates),
        familiarity=members[0].familiarity,
        batch=min(member.batch for member in members),
        shape=next((member.shape for member in members if member.shape), None),
        in_threads=all(member.in_threads for member in members),
        reads_earlier=any(member.reads_earlier for member in members),
        reads_other=any(member.reads_other for member in members),
        members=members,
        fitted=fitted,
    )
