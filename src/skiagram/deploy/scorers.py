"""Fitted models of all repeats, read from a model's folder: one way for every kind of model.

The folder may come from someone else, so it holds records and no code: nothing is unpickled, and of
the classes that the records name only the program's own are loaded. The model that the records
describe says what it reads; torch is imported for networks and encoders alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np

from skiagram.arrays import Floats
from skiagram.case_features.covariates import PREFIX as COVARIATE_PREFIX
from skiagram.case_features.covariates import SITE_PREFIX
from skiagram.case_features.earlier import PREFIX, Earlier
from skiagram.case_features.measured import Measured
from skiagram.case_features.windows import Windows
from skiagram.compute.code_digest import named_targets
from skiagram.deploy.prepared_cases import ENCODING, Described, PreparedCases, Preparing
from skiagram.encoders.encoder import COLUMN, RECORD, EncoderRecord
from skiagram.errors import DataError, named, refusal
from skiagram.fitting.contract import (
    NO_REQUIREMENTS,
    Fitted,
    FittedFinder,
    ReadsData,
    Requirements,
)
from skiagram.fitting.deployment import DEPLOYMENT, Deployment, Familiarity
from skiagram.fitting.fits import finite
from skiagram.fitting.reading import TRAITS, Reading
from skiagram.models.arm_of_file import fitted_options
from skiagram.models.combined import CombinationInputs, FittedCombination
from skiagram.models.learner import learner_of
from skiagram.models.tuned import TUNING, Tuning, apply_values
from skiagram.options import allow_own_code, build, check, find_own_code
from skiagram.preparation import LEARNED, PREPARATION, TRAINING_MEAN, Covariate, Preparation
from skiagram.records.feature_table import FeatureTable, has_prefix
from skiagram.records.files import read_record
from skiagram.restoration.missing import Plane
from skiagram.tasks.task import Task
from skiagram.training.options import Trainer

R = TypeVar("R")
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
    "skiagram.case_features.covariates.Covariates",
    "skiagram.case_features.covariates.Site",
    "skiagram.case_features.earlier.Earlier",
    "skiagram.case_features.measured.Measured",
    "skiagram.features.perturbed.Perturbed",
}


def record(kind: type[R], path: Path) -> R:
    """Read a record of the model's folder; one that is missing or damaged is a DataError."""
    if not path.is_file():
        raise refusal("deploy.missing_file", str(path))
    try:
        return read_record(kind, path)
    except DataError as error:
        raise refusal("deploy.unreadable_file", str(path), name=kind.__name__) from error


def own(
    options: dict[str, Any], packages: tuple[str, ...], methods: Sequence[str], path: Path
) -> Any:
    """Build an option dataclass that a record names, of some packages of the program alone.

    So are all that its options name, at any depth; or they are of a file of the project from which
    the command is given. `methods` are those of which the dataclass must have one.
    """
    target = str(options.get("_target_", ""))
    within = tuple(f"{package}." for package in packages)
    for name in (target, *named_targets(options)):
        if not name.startswith(within) and find_own_code(name, Path()) is None:
            allowed = " or ".join(packages)
            raise refusal("deploy.foreign_class", str(path), target=name, allowed=allowed)
    allow_own_code(Path())
    built = build(options, str(path))
    if not any(callable(getattr(built, method, None)) for method in methods):
        raise refusal("deploy.cannot_score", str(path), target=target, method=methods[0])
    return built


def training_mean(folder: Path) -> Plane:
    """Read the mean development image; a missing or damaged file is a DataError."""
    path = folder / TRAINING_MEAN
    try:
        mean: Plane = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        message = "is damaged" if path.exists() else "is missing"
        raise refusal("deploy.unreadable_options", str(path), message=message) from error
    return mean


@dataclass(frozen=True, kw_only=True)
class Scorer(ABC):
    """The fitted models of all repeats.

    Attributes:
        requires: What they require of new cases.
        reads_earlier: Whether a case is compared with its patient's visit before.
        measured: Features that come with the cases, of a model on a table of features.
    """

    requires: Requirements = NO_REQUIREMENTS
    covariates: tuple[Covariate, ...] = ()
    familiarity: Familiarity | None = None
    reads_earlier: bool = False
    measured: tuple[str, ...] | None = None

    @property
    def finders(self) -> list[FittedFinder]:
        """Return the fits where they say where: one per repeat, else none."""
        return []

    @abstractmethod
    def space(self, cases: PreparedCases) -> FeatureTable:
        """Return the features by which cases are told to be unlike training cases."""

    @abstractmethod
    def scores(self, cases: PreparedCases) -> list[Floats]:
        """Score all cases in order: (n, n_classes) per repeat."""

    def unfamiliar(self, cases: PreparedCases) -> list[str]:
        """Say how each case lies too far from the training cases; empty where it does not."""
        # Without a space nothing can be unlike it.
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
        return [] if self.model.finds_in is None else cast("list[FittedFinder]", [*self.fitted])

    def space(self, cases: PreparedCases) -> FeatureTable:
        traits = self._reading(cases).traits()
        if traits is None:
            raise ValueError("a model without a space of its cases has a familiarity")
        return traits.of(cases.scored)

    def scores(self, cases: PreparedCases) -> list[Floats]:
        inputs = self._reading(cases).of(cases.scored)
        scores = []
        for repeat, fitted in enumerate(self.fitted):
            case_scores, marks = fitted.scores_and_marks(inputs)
            scores.append(finite(case_scores))
            if marks is not None:
                cases.marks[repeat] = marks
        return scores

    def describe(self, cases: PreparedCases) -> Described:
        """Take the images through the steps after restore, once for equal steps."""
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


def load_scorer(
    folder: Path,
    repeats: Sequence[Path],
    deployment: Deployment,
    preparation: Preparation,
    familiarity: Familiarity | None,
) -> ModelScorer:
    """Load the fits of all repeats, and what prepares new cases for them."""
    models, fitted = [], []
    for repeat in repeats:
        # The model is as the records say; of a tuned one with what this repeat's search chose.
        with named(str(folder / DEPLOYMENT)):
            options = fitted_options(deployment.model_options)
            if options is not deployment.model_options:
                options = apply_values(options, record(Tuning, repeat / TUNING).chosen)
        if deployment.reads_encoding:
            options = {**options, "encoding": ENCODING}
        built = own(options, ("skiagram.models",), ("load", "build"), folder / DEPLOYMENT)
        models.append(learner_of(built, check(Trainer, _ON_PROCESSOR, "trainer"), threads=1))
        fitted.append(models[-1].load(repeat))
    # What the fits read must be made of new cases.
    requires = Requirements.join(fit.requires for fit in fitted)
    preparing = _steps(folder, models[0], requires, deployment, preparation)
    measured = _find_measured(requires, preparing, preparation, familiarity)
    preparing = replace(preparing, measured=measured)
    if preparing.encoder is not None:
        requires = replace(requires, whole_machine=True)
    return ModelScorer(
        requires=requires,
        covariates=preparing.covariates,
        familiarity=familiarity,
        reads_earlier=preparing.earlier is not None,
        measured=None if preparing.measured is None else preparing.measured.columns or (),
        task=deployment.task,
        model=models[0],
        fitted=fitted,
        preparing=preparing,
    )


def _steps(
    folder: Path,
    model: ReadsData[Any],
    requires: Requirements,
    deployment: Deployment,
    preparation: Preparation,
) -> Preparing:
    """Build the steps that make what a model reads: of whole images, or of places."""
    # The encoder of the model, where it reads an encoding.
    path, encoder = folder / PREPARATION, None
    if deployment.reads_encoding:
        from skiagram.encoders.encoding import FolderEncoder

        kept = record(EncoderRecord, folder / RECORD)
        chosen = own(kept.encoder, ("skiagram.encoders",), ("kept",), folder / RECORD)
        # Its weights lie in the folder where they are small, else where they came from.
        chosen = chosen.kept(folder / LEARNED, kept.sha256)
        encoder = FolderEncoder.of_network(chosen, chosen.load(), preparation)
    # Detectors look at places that were proposed, feature families at windows around them.
    windows = proposal = None
    if model.finds_in == "features":
        if preparation.features or encoder is None:
            windows = check(Windows, preparation.windows or {}, f"{path}: windows")
        if preparation.proposal is None:
            raise refusal("deploy.no_place", str(path))
        proposal = own(preparation.proposal, ("skiagram.finding",), ("places",), path)
    # Cases are compared with the visit before where the model reads a change.
    target, earlier = f"{Earlier.__module__}.{Earlier.__qualname__}", None
    chosen = [options for options in preparation.features if options.get("_target_") == target]
    if chosen and any(name.startswith(PREFIX) for name in requires.columns):
        earlier = own(chosen[0], ("skiagram.case_features",), ("encode",), path)
    # Covariates of which the model reads a feature, in the order of these.
    by_feature = {name: each for each in preparation.covariates for name in each.features()}
    covariates = dict.fromkeys(by_feature[name] for name in requires.columns if name in by_feature)
    return Preparing(
        folder,
        families=[
            own(options, ("skiagram.features",), ("names",), path)
            for options in preparation.features
            if str(options.get("_target_")) not in _BESIDE
        ],
        earlier=earlier,
        covariates=tuple(covariates),
        encoder=encoder,
        proposal=proposal,
        windows=windows,
        finds=model.finds_in is not None,
    )


def _find_measured(
    requires: Requirements,
    preparing: Preparing,
    preparation: Preparation,
    familiarity: Familiarity | None,
) -> Measured | None:
    """Find the features that come with the cases: what is read and nothing else gives.

    Raises:
        DataError: The folder's preparation does not make what its fits read.
    """
    # Feature families describe images; beside them stand covariates and the visit before.
    described = [
        f"{modality}.{name}".lstrip(".")
        for modality in preparation.modalities or ("",)
        for family in preparing.families
        for name in family.names()
    ]
    case_features = [name for covariate in preparing.covariates for name in covariate.features()]
    if preparing.earlier is not None:
        case_features += preparing.earlier.names(described)
    # All else that is read comes with the cases, where it did so in training.
    space = () if familiarity is None else familiarity.names
    target, measured = f"{Measured.__module__}.{Measured.__qualname__}", None
    if any(options.get("_target_") == target for options in preparation.features):
        made = {*described, *case_features}
        read = dict.fromkeys((*requires.columns, *space))
        columns = (name for name in read if name not in made and not _encoded(name))
        measured = Measured(columns=tuple(columns))
    # Nothing must be missing.
    prepared_features = {*described, *(() if measured is None else measured.columns or ())}
    traits = {
        *TRAITS,
        *(f"{modality}.{name}" for modality in preparation.modalities for name in TRAITS),
    }
    missing = [
        name for name in requires.columns if name not in prepared_features.union(case_features)
    ]
    missing += [name for name in space if name not in prepared_features | traits]
    if missing := [name for name in missing if not _encoded(name)]:
        fault = "features that its preparation does not extract"
        if missing[0].startswith((COVARIATE_PREFIX, SITE_PREFIX)):
            fault = "covariates that its preparation does not know"
        raise refusal("deploy.reads_other", str(preparing.folder), columns=fault)
    return measured


def _encoded(name: str) -> bool:
    """Whether a column is an encoder's, perhaps of one modality."""
    return has_prefix(name.rpartition(".")[2], COLUMN)


@dataclass(frozen=True, kw_only=True)
class Together(Scorer):
    """Models that score the same cases; the scores of each repeat of each stand in a row."""

    members: Sequence[Scorer]

    @classmethod
    def of(cls, members: Sequence[Scorer], **further: Any) -> Self:
        """Have cases prepared for all members at once."""
        return cls(
            covariates=tuple(
                dict.fromkeys(covariate for member in members for covariate in member.covariates)
            ),
            requires=Requirements.join(member.requires for member in members),
            reads_earlier=any(member.reads_earlier for member in members),
            members=members,
            **further,
        )

    def space(self, cases: PreparedCases) -> FeatureTable:
        return self.members[0].space(cases)

    def scores(self, cases: PreparedCases) -> list[Floats]:
        return [scores for member in self.members for scores in member.scores(cases)]


@dataclass(frozen=True, kw_only=True)
class Combined(Together):
    """Members, and how each repeat weighs them; `familiarity` is that of the first member."""

    fitted: Sequence[FittedCombination]

    def space(self, cases: PreparedCases) -> FeatureTable:
        """List the features of all members, each name once."""
        tables = [member.space(cases) for member in self.members]
        columns = {name: table for table in reversed(tables) for name in table.names}
        names = tuple(dict.fromkeys(name for table in tables for name in table.names))
        values = np.stack([columns[name].columns([name]).values[:, 0] for name in names], axis=1)
        return FeatureTable(tables[0].case_id, names, values)

    def unfamiliar(self, cases: PreparedCases) -> list[str]:
        """Say what the first member says that finds an image too far from its training cases."""
        by_member = [member.unfamiliar(cases) for member in self.members]
        return [next(filter(None, reasons), "") for reasons in zip(*by_member, strict=True)]

    def scores(self, cases: PreparedCases) -> list[Floats]:
        """Score by every member, and weigh the scores."""
        scores_by_member = [member.scores(cases) for member in self.members]
        one_fit = np.zeros(len(cases.case_id), dtype=np.int64)
        return [
            finite(combination.scores(CombinationInputs(np.stack(scores, axis=1), one_fit)))
            for combination, *scores in zip(self.fitted, *scores_by_member, strict=True)
        ]
