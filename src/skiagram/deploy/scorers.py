"""Fitted models of all repeats, read from a model's folder: one way for every kind of model.

The folder may come from someone else, so it holds records and no code: nothing is unpickled, and of
the classes that the records name only the program's own are loaded. The model that the records
describe says what it reads; torch is imported for networks and encoders alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.inputs import find_covariates
from skiagram.deploy.prepared_cases import ENCODING, Described, PreparedCases, Preparing
from skiagram.encoders.encoder import COLUMN
from skiagram.errors import DataError
from skiagram.features.earlier import PREFIX, Earlier
from skiagram.features.measured import Measured
from skiagram.features.table import FeatureTable, has_prefix
from skiagram.features.windows import Windows
from skiagram.models.classical.estimator import ClassicalModel, FittedClassical
from skiagram.models.classical.finder import CandidateFinder
from skiagram.models.classical.fused_finder import FusedFinder
from skiagram.models.combined import COMBINATION, FittedCombination, MemberScores
from skiagram.models.contract import Arm, Finder, Fitted, FittedFinder, ReadsData
from skiagram.models.deployment import DEPLOYMENT, Deployment, Familiarity
from skiagram.models.fits import finite
from skiagram.models.reading import Reading
from skiagram.models.tuned import TUNING, Tuning, apply_values, is_tuned
from skiagram.options import build, check
from skiagram.preparation import PREPARATION, TRAINING_MEAN, Covariate, Preparation
from skiagram.records.cases import Task
from skiagram.records.files import read_record
from skiagram.restoration.missing import Plane

R = TypeVar("R")
WHOLE = "copy the whole folder models/NAME of a finished run; a failed training leaves no model"
_FINDER_BATCH = 8  # images
_ON_PROCESSOR = {
    "accelerator": "cpu",
    "devices": 1,
    "num_nodes": 1,
    "strategy": "auto",
    "precision": "32-true",
    "channels_last": True,
    "compile": False,
}
_BESIDE = {  # no single image holds them; imported, `perturbed` would bring scikit-image
    "skiagram.features.covariates.Covariates",
    "skiagram.features.covariates.Site",
    "skiagram.features.earlier.Earlier",
    "skiagram.features.measured.Measured",
    "skiagram.features.perturbed.Perturbed",
}


def record(kind: type[R], path: Path) -> R:
    """Read a record of the model's folder; one that is missing or damaged is a DataError."""
    if not path.is_file():
        raise DataError("is missing", where=str(path), remedy=WHOLE)
    try:
        return read_record(kind, path)
    except DataError as error:
        fault, remedy = f"is damaged or no {kind.__name__} of this version", f"{WHOLE}, or train"
        raise DataError(fault, where=str(path), remedy=remedy) from error


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
    """The fitted models of all repeats; `shape` is (height, width) they insist on.

    Attributes:
        measured: Features that come with the cases, of a model on a table of features.
    """

    covariates: tuple[Covariate, ...] = ()
    familiarity: Familiarity | None = None
    batch: int = 32
    shape: tuple[int, int] | None = None
    in_threads: bool = True
    reads_earlier: bool = False
    reads_other: bool = False
    refuses_sites: bool = False
    measured: tuple[str, ...] | None = None

    @property
    def finders(self) -> list[FittedFinder]:
        """Return the fits where they say where: one per repeat, else none."""
        return []

    @abstractmethod
    def space(self, cases: PreparedCases) -> FeatureTable:
        """Return the features by which cases are told to be unlike training cases."""

    @abstractmethod
    def scores(self, cases: PreparedCases) -> list[NDArray[np.float64]]:
        """Score all cases in order: (n, n_classes) per repeat."""

    def unfamiliar(self, cases: PreparedCases) -> list[str]:
        """Say how each case lies too far from the training cases; empty where it does not."""
        if self.familiarity is None:
            return [""] * len(cases.case_id)
        space = self.space(cases)
        distances, features = self.familiarity.distances(space), self.familiarity.most_unlike(space)
        return [
            f"distance {distance:.3g} from the training cases, of these held out up to "
            f"{self.familiarity.limit:.3g}; most unlike: {feature}"
            if distance > self.familiarity.limit
            else ""
            for distance, feature in zip(distances, features, strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class ModelScorer(Scorer):
    """A model that reads prepared data, and what its fits of all repeats make of it.

    Attributes:
        model: It says what it reads, of new cases as of those in training.
        preparing: The steps between restored images and what it reads.
    """

    task: Task
    model: ReadsData[Any]
    fitted: Sequence[Fitted[Any]]
    preparing: Preparing

    @property
    def finders(self) -> list[FittedFinder]:
        return [fitted for fitted in self.fitted if isinstance(fitted, FittedFinder)]

    def space(self, cases: PreparedCases) -> FeatureTable:
        traits = self._reading(cases).traits()
        if traits is None:
            raise ValueError("a model without a space of its cases has a familiarity")
        return traits.of(cases.scored)

    def scores(self, cases: PreparedCases) -> list[NDArray[np.float64]]:
        inputs = self._reading(cases).of(cases.scored)
        scores = []
        for repeat, fitted in enumerate(self.fitted):
            of_cases, marks = fitted.scores_and_marks(inputs)
            scores.append(finite(of_cases))
            if marks is not None:
                cases.marks[repeat] = marks
        return scores

    def describe(self, cases: PreparedCases) -> Described:
        """Return what the steps after restore make of the images, once for equal steps."""
        steps = self.preparing.steps
        if steps not in cases.described:
            cases.described[steps] = self.preparing.describe(cases.restored)
        return cases.described[steps]

    def _reading(self, cases: PreparedCases) -> Reading[Any]:
        """Open what the model reads, once."""
        if id(self) not in cases.readings:
            prepared = self.preparing.lay_out(cases, self.describe(cases))
            cases.readings[id(self)] = self.model.read(prepared, self.task)
        return cases.readings[id(self)]


class _Loaded(NamedTuple):
    """A model with its fits of all repeats.

    Attributes:
        columns: Features and covariates that the fits read, without the numbers of an encoder.
    """

    model: ReadsData[Any]
    fitted: Sequence[Fitted[Any]]
    columns: Sequence[str]
    batch: int = 32
    shape: tuple[int, int] | None = None


def load_scorer(
    folder: Path,
    repeats: Sequence[Path],
    deployment: Deployment,
    preparation: Preparation,
    familiarity: Familiarity | None = None,
) -> ModelScorer:
    """Load the fits of all repeats, and what prepares new cases for them."""
    if deployment.arm == "deep":
        loaded = _load_networks(repeats)
    else:
        loaded = _load_classical(folder, repeats, deployment)
    fitted, columns = loaded.fitted, loaded.columns
    covariates = find_covariates(columns, preparation.covariates)
    preparing = Preparing(
        folder,
        earlier=_earlier(columns, preparation, folder),
        covariates=covariates,
        finds=isinstance(loaded.model, Finder),
    )
    preparing = _with_steps(preparing, loaded.model, deployment.arm, preparation)
    preparing = replace(preparing, measured=_measured(loaded, preparing, preparation, familiarity))
    _check_columns(loaded, preparing, preparation, familiarity)
    return ModelScorer(
        covariates=covariates,
        familiarity=familiarity,
        batch=loaded.batch,
        shape=loaded.shape,
        in_threads=deployment.arm == "classical",
        reads_earlier=preparing.earlier is not None,
        reads_other=any(isinstance(fit, FittedFinder) and fit.reads_other for fit in fitted),
        refuses_sites=any(
            isinstance(fit, FittedClassical) and fit.refuses_unseen_sites for fit in fitted
        ),
        measured=None if preparing.measured is None else preparing.measured.columns or (),
        task=deployment.task,
        model=loaded.model,
        fitted=fitted,
        preparing=preparing,
    )


def _load_classical(folder: Path, repeats: Sequence[Path], deployment: Deployment) -> _Loaded:
    path, of_encoder = folder / DEPLOYMENT, deployment.arm == "encoder"
    options = dict(deployment.options["head"]) if of_encoder else deployment.options
    models = [
        own(_chosen(options, repeat), "skiagram.models.classical", "load", path)
        for repeat in repeats
    ]
    for model in models:
        for options in nested_models(model):
            own(options, "skiagram.models.classical", "load", path)
    fitted = [model.load(repeat) for model, repeat in zip(models, repeats, strict=True)]
    model = replace(models[0], encoding=ENCODING) if of_encoder else models[0]
    if isinstance(model, CandidateFinder | FusedFinder):
        return _Loaded(model, fitted, (), _FINDER_BATCH)
    return _Loaded(
        model, fitted, [name for fit in fitted for name in fit.features if not _encoded(name)]
    )


def nested_models(model: object) -> list[dict[str, Any]]:
    """Return the options of models inside a finder, which must be the program's own, too."""
    if isinstance(model, CandidateFinder):
        return [model.classifier]
    if not isinstance(model, FusedFinder):
        return []
    members = [model.by_encoding, model.by_features]
    return members + [dict(member.get("classifier", {})) for member in members]


def _chosen(options: dict[str, Any], repeat: Path) -> dict[str, Any]:
    """Return the options of a repeat's fit: of a tuned model those that its search chose."""
    if not is_tuned(options):
        return options
    tuning = record(Tuning, repeat / TUNING)
    return apply_values(options.get("model", {}), tuning.chosen)


def _load_networks(repeats: Sequence[Path]) -> _Loaded:
    from skiagram.models.deep.finder import FinderModel, learner_of, load_finder
    from skiagram.models.deep.fitted import ARCHITECTURE, Architecture, load_network
    from skiagram.training.options import Trainer

    for path in (repeat / ARCHITECTURE for repeat in repeats):  # before anything is built
        own(record(Architecture, path).network, "skiagram.models.deep", "build", path)
    first = record(Architecture, repeats[0] / ARCHITECTURE)
    network = first.options()
    model = learner_of(network, check(Trainer, _ON_PROCESSOR, "trainer"), threads=1)
    if isinstance(model, FinderModel):
        return _Loaded(model, [load_finder(repeat) for repeat in repeats], (), _FINDER_BATCH)
    fitted = [load_network(repeat) for repeat in repeats]
    tables = [fit.encoder.names for fit in fitted if fit.encoder is not None]
    training, (height, width) = network.training, first.shape[-2:]
    resized = (training.image_size, training.input.box, training.input.three_planes)
    return _Loaded(
        model,
        fitted,
        [name for names in tables for name in names],
        training.batch_size,
        None if any(resized) else (height, width),
    )


def _with_steps(
    preparing: Preparing, model: ReadsData[Any], arm: Arm, preparation: Preparation
) -> Preparing:
    """Return the steps that make what a model reads: of whole images, or of places."""
    folder, encoder = preparing.folder, None
    if arm == "encoder":
        from skiagram.encoders.encoding import FolderEncoder

        encoder = FolderEncoder.of_model(folder, preparation.images)
    finds_in = model.finds_in if isinstance(model, Finder) else None
    fused = isinstance(model, FusedFinder)
    families = arm == "classical" or (arm == "encoder" and (finds_in is None or fused))
    path = folder / PREPARATION
    windows = proposal = None
    if finds_in == "features":
        windows = check(Windows, preparation.windows or {}, f"{path}: windows")
    if finds_in in ("features", "candidates"):
        if preparation.proposal is None:
            raise DataError("does not say where the finder looks", where=str(path), remedy=WHOLE)
        proposal = own(preparation.proposal, "skiagram.finding", "places", path)
    return replace(
        preparing,
        families=image_families(preparation, folder) if families else (),
        encoder=encoder,
        proposal=proposal,
        windows=windows,
    )


def _check_columns(
    loaded: _Loaded,
    preparing: Preparing,
    preparation: Preparation,
    familiarity: Familiarity | None,
) -> None:
    """Refuse a folder whose preparation does not make what its fits read."""
    if preparing.windows is not None:
        return
    measured = () if preparing.measured is None else preparing.measured.columns or ()
    known = set(_of_images(preparing, preparation)).union(measured)
    classical = isinstance(loaded.model, ClassicalModel)
    space = familiarity.names if classical and familiarity is not None else ()
    if not known.union(_beside_images(preparing, preparation)).issuperset(
        loaded.columns
    ) or not known.issuperset(name for name in space if not _encoded(name)):
        fault = "features that its preparation does not extract"
        if not classical:
            fault = "covariates that its preparation does not know"
        raise DataError(f"the model reads {fault}", where=str(preparing.folder), remedy=WHOLE)


def _of_images(preparing: Preparing, preparation: Preparation) -> list[str]:
    """Return the columns that feature families make of images."""
    return [
        f"{modality}.{name}".lstrip(".")
        for modality in preparation.modalities or ("",)
        for family in preparing.families
        for name in family.names()
    ]


def _beside_images(preparing: Preparing, preparation: Preparation) -> list[str]:
    """Return the columns that covariates and the visit before give."""
    covariates = [name for covariate in preparing.covariates for name in covariate.features()]
    if preparing.earlier is None:
        return covariates
    return [*covariates, *preparing.earlier.names(_of_images(preparing, preparation))]


def _measured(
    loaded: _Loaded,
    preparing: Preparing,
    preparation: Preparation,
    familiarity: Familiarity | None,
) -> Measured | None:
    """Return the features that come with the cases: what is read and nothing else gives."""
    target = f"{Measured.__module__}.{Measured.__qualname__}"
    if not any(options.get("_target_") == target for options in preparation.features):
        return None
    given = {*_of_images(preparing, preparation), *_beside_images(preparing, preparation)}
    space = () if familiarity is None else familiarity.names
    read = dict.fromkeys((*loaded.columns, *space))
    beside = (name for name in read if name not in given and not _encoded(name))
    return Measured(columns=tuple(beside))


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

    def space(self, cases: PreparedCases) -> FeatureTable:
        """Return the features of all members, each name once."""
        tables = [member.space(cases) for member in self.members]
        columns = {name: table for table in reversed(tables) for name in table.names}
        names = tuple(dict.fromkeys(name for table in tables for name in table.names))
        values = np.stack([columns[name].columns([name]).values[:, 0] for name in names], axis=1)
        return FeatureTable(tables[0].case_id, names, values)

    def unfamiliar(self, cases: PreparedCases) -> list[str]:
        """Say what the first member says that finds an image too far from its training cases."""
        by_member = [member.unfamiliar(cases) for member in self.members]
        return [next(filter(None, reasons), "") for reasons in zip(*by_member, strict=True)]

    def scores(self, cases: PreparedCases) -> list[NDArray[np.float64]]:
        """Score by every member, and weigh the scores."""
        scores_by_member = [member.scores(cases) for member in self.members]
        return [
            finite(combination.scores(MemberScores.of_one_fit(np.stack(scores, axis=1))))
            for combination, *scores in zip(self.fitted, *scores_by_member, strict=True)
        ]


def load_combination(repeats: Sequence[Path], members: Sequence[Scorer]) -> Combined:
    """Load how each repeat weighs some members, in the order of the combination."""
    fitted = [record(FittedCombination, repeat / COMBINATION) for repeat in repeats]
    if any(len(combination.weights) != len(members) for combination in fitted):
        raise DataError(
            "the weights are those of other members than these", where=str(repeats[0]), remedy=WHOLE
        )
    return Combined(
        covariates=tuple(
            dict.fromkeys(covariate for member in members for covariate in member.covariates)
        ),
        familiarity=members[0].familiarity,
        batch=min(member.batch for member in members),
        shape=next((member.shape for member in members if member.shape), None),
        in_threads=all(member.in_threads for member in members),
        reads_earlier=any(member.reads_earlier for member in members),
        reads_other=any(member.reads_other for member in members),
        refuses_sites=any(member.refuses_sites for member in members),
        members=members,
        fitted=fitted,
    )
