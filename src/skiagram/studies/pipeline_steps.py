"""What studies share: records of what was studied, and one run of the pipeline, step by step.

Equal pieces are made once for all runs of a study, by the functions of the root pipeline.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.encoders.encoder import RECORD, TABLE, read_encoding
from skiagram.features.case_histories import CaseHistories
from skiagram.features.extraction import build_families, extract_modalities
from skiagram.features.table import FeatureTable
from skiagram.image_store.store import ImageStore
from skiagram.models.cross_validation import Plan
from skiagram.models.head import Head, check_head, head_inputs, reads_features
from skiagram.options import STRICT, build
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import Cases, Design, read_record, write_record
from skiagram.restoration.restore import restore_modalities
from skiagram.studies.workspace import Workspace
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class StudiedModel:
    """A model.

    Attributes:
        model: Name of its option file; of a head that of its encoder stands before it.
        title: Name for people.
        arm: `classical`, `encoder` or `deep`.
    """

    model: str
    title: str
    arm: str


@dataclass(frozen=True)
class StudiedDataSet:
    """A data set.

    Attributes:
        dataset: Name of its option file.
        title: Name for people.
    """

    dataset: str
    title: str


@dataclass(frozen=True)
class ReportedDataSet(StudiedDataSet):
    """A data set with figures on its reported cases.

    Attributes:
        cases: Reported cases.
        patients: Their patients.
    """

    cases: int
    patients: int


@dataclass(frozen=True)
class CrossValidatedDataSet(StudiedDataSet):
    """A data set whose development cases every model is fitted on.

    Attributes:
        cases: Development cases; the test labels stay sealed.
        patients: Their patients.
        folds: Folds, of all repeats together.
    """

    cases: int
    patients: int
    folds: int


Options = Mapping[str, Any]


@dataclass(frozen=True)
class DataSet:
    """An ingested data set: folders `images`, `cases` and `sealed` below `folder`."""

    folder: Path

    @property
    def images(self) -> ImageStore:
        """Return the images as ingested."""
        return ImageStore(self.folder / "images")


@dataclass(frozen=True)
class PreparedData:
    """Restored images, their features, and what frozen encoders make of them.

    Attributes:
        data: Where they come from.
        restored: Holds the restored images below `images`.
        features: Holds `features.parquet`.
        encodings: Option file of each encoder → holds its table and record.
    """

    data: DataSet
    restored: Path
    features: Path
    encodings: Mapping[str, Path] = field(default_factory=dict)

    @property
    def images(self) -> ImageStore:
        """Return the restored images."""
        return ImageStore(self.restored / "images")


class Arm(ABC):
    """What sets classical models, heads and networks apart where a study trains them."""

    name: ClassVar[str]

    def option_file(self, model: str) -> str:
        """Return the name of a model's option file."""
        return model

    def options(self, workspace: Workspace, model: str) -> Options:
        """Return the options of a model's option file."""
        return workspace.option_file("model", self.option_file(model))

    @abstractmethod
    def model(self, options: Options, threads: int) -> Any:
        """Return the untrained model of an option file."""

    @abstractmethod
    def reader(self, prepared: PreparedData, options: Options) -> Callable[[NDArray[np.str_]], Any]:
        """Return what turns case ids into the inputs of a model of these options."""

    @abstractmethod
    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        """Return what a fit depends on: the data that it reads, and how it is trained."""

    @abstractmethod
    def load(self, options: Options, folder: Path) -> Any:
        """Return the trained model that was saved in a folder."""


@dataclass(frozen=True)
class ClassicalArm(Arm):
    """Models of features."""

    name: ClassVar[str] = "classical"

    def model(self, options: Options, threads: int) -> Any:
        """Return the untrained model of an option file."""
        return build(dict(options), "model")

    def reader(
        self,
        prepared: PreparedData,
        options: Options,
    ) -> Callable[[NDArray[np.str_]], Any]:
        """Return what turns case ids into rows of the feature table."""
        return FeatureTable.read(prepared.features / "features.parquet").of

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        """Return the name of the features."""
        return {"features": prepared.features.name}

    def load(self, options: Options, folder: Path) -> Any:
        """Return the trained model that was saved in a folder."""
        return build(dict(options), "model").load(folder)


@dataclass(frozen=True)
class EncoderArm(Arm):
    """Classical models on what a frozen encoder makes of the images.

    Attributes:
        encoder: Option file of the encoder.
        title: The encoder's name for people.
        head: Option file of the classical model.
        fused: Whether features stand beside the encoding.
    """

    name: ClassVar[str] = "encoder"
    encoder: str
    title: str
    head: str
    fused: bool

    def option_file(self, model: str) -> str:
        """Return the name of the head's option file."""
        return self.head

    def model(self, options: Options, threads: int) -> Head:
        """Return the untrained head."""
        return Head(build(dict(options), "model"), self.title, self.fused)

    def reader(self, prepared: PreparedData, options: Options) -> Callable[[NDArray[np.str_]], Any]:
        """Return what turns case ids into rows of the encoding."""
        encoding, record = read_encoding(prepared.encodings[self.encoder])
        features = prepared.features / "features.parquet"
        model = build(dict(options), "model")
        return head_inputs(model, encoding, features, record.title)[1].of

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        """Return the name of the encoding, and of the features where they are read."""
        encoding: dict[str, object] = {"encoding": prepared.encodings[self.encoder].name}
        return encoding | ({"features": prepared.features.name} if self.fused else {})

    def load(self, options: Options, folder: Path) -> Any:
        """Return the trained head that was saved in a folder."""
        return build(dict(options), "model").load(folder)


@dataclass(frozen=True)
class DeepArm(Arm):
    """Networks.

    Attributes:
        trainer: Where they are trained.
    """

    name: ClassVar[str] = "deep"
    trainer: Trainer

    def model(self, options: Options, threads: int) -> Any:
        """Return the untrained network of an option file."""
        from skiagram.models.deep.network_model import NetworkModel

        return NetworkModel(build(dict(options), "model"), self.trainer, threads)

    def reader(self, prepared: PreparedData, options: Options) -> Callable[[NDArray[np.str_]], Any]:
        """Return what turns case ids into images, and the columns that the network reads."""
        from skiagram.models.deep.inputs import NetworkInputs

        network, cases = build(dict(options), "model"), prepared.data.folder / "cases"
        return NetworkInputs.of(network, prepared.images.folder, cases).cases

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        """Return the name of the images, and where networks are trained."""
        return {"restored": prepared.restored.name, "trainer": asdict(self.trainer)}

    def load(self, options: Options, folder: Path) -> Any:
        """Return the trained network that was saved in a folder."""
        from skiagram.models.deep.fitted import load_network

        return load_network(folder)


@options_class(**STRICT)
class StudyOptions:
    """Options that every study has.

    Attributes:
        features: Option files of the feature families.
        baselines: Option files of classical models.
        networks: Option files of networks.
        plan: Folds, repeats and seed.
        trainer: Where networks are trained.
    """

    features: Annotated[tuple[str, ...], Field(min_length=1)]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    plan: Plan
    trainer: Trainer

    @property
    def arms(self) -> dict[str, Arm]:
        """Return option file of each model → its arm."""
        classical: dict[str, Arm] = dict.fromkeys(self.baselines, ClassicalArm())
        return classical | dict.fromkeys(self.networks, DeepArm(self.trainer))

    def members(self, workspace: Workspace) -> dict[str, Arm]:
        """Return name of each model that the study trains → its arm."""
        return self.arms

    def families(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        """Return name → `_target_` and options of each feature family, in column order."""
        return {name: workspace.option_file("features", name) for name in self.features}

    def frozen(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        """Return name → `_target_` and options of each frozen encoder."""
        return {}


@options_class(**STRICT)
class EncoderStudyOptions(StudyOptions):
    """Options of a study that frozen encoders are part of, as an arm of their own.

    Attributes:
        encoders: Option files of frozen encoders.
        heads: Option files of classical models: each one on each encoder.
    """

    encoders: tuple[str, ...]
    heads: tuple[str, ...]

    @model_validator(mode="after")
    def _heads_on_encoders(self) -> Self:
        if self.encoders and not self.heads:
            raise ValueError("`encoders` need `heads`, classical models that read what they give")
        return self

    def members(self, workspace: Workspace) -> dict[str, Arm]:
        """Return name of each model that the study trains → its arm.

        Raises:
            OptionError: There is no such option file, or a head is no classical model.
        """
        members = dict(self.arms)
        for encoder, options in self.frozen(workspace).items():
            for head in self.heads:
                model = build(workspace.option_file("model", head), "model")
                check_head(model)
                members[f"{encoder}-{head}"] = EncoderArm(
                    encoder, str(options["title"]), head, reads_features(model)
                )
        return members

    def frozen(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        """Return name → `_target_` and options of each frozen encoder."""
        return {name: workspace.option_file("encoder", name) for name in self.encoders}


def ingest_data(workspace: Workspace, dataset: Options, design: Design) -> DataSet:
    """Ingest a data set."""

    def make(folder: Path) -> None:
        folders = IngestFolders(folder / "images", folder / "cases", folder / "sealed")
        ingest(build(dict(dataset), "dataset"), design, workspace.data, folders)

    return DataSet(workspace.make_once("ingested", {"dataset": dataset, "design": design}, make))


def prepare_data(
    workspace: Workspace,
    data: DataSet,
    restoration: Options,
    families: Mapping[str, Options],
    encoders: Mapping[str, Options] = MappingProxyType({}),
) -> PreparedData:
    """Restore a data set's images, extract their features and encode them.

    Args:
        workspace: Where to work.
        data: An ingested data set.
        restoration: `_target_` and options.
        families: Name → `_target_` and options of each feature family, in column order.
        encoders: Name → `_target_` and options of each frozen encoder.
    """

    def restore(folder: Path) -> None:
        cases = Cases.read(data.folder / "cases/cases.parquet")
        built = build(dict(restoration), "restoration")
        images, record = data.folder / "images", folder / "treatment.parquet"
        restore_modalities(images, built, folder / "images", record, cases)

    inputs = {"data": data.folder.name, "restoration": restoration}
    restored = workspace.make_once("restored", inputs, restore)
    described = extract_features(workspace, data, restored, families)
    return encode_prepared(workspace, described, encoders)


def extract_features(
    workspace: Workspace, data: DataSet, restored: Path, families: Mapping[str, Options]
) -> PreparedData:
    """Extract the features of restored images, all of a data set's or some.

    Args:
        workspace: Where to work.
        data: The data set that they come from.
        restored: Piece that holds them below `images`.
        families: Name → `_target_` and options of each feature family, in column order.
    """

    def describe(folder: Path) -> None:
        histories = CaseHistories.read(data.folder / "cases")
        table = extract_modalities(restored / "images", build_families(families), histories)
        table.write(folder / "features.parquet")

    inputs = {"restored": restored.name, "families": list(families.items())}
    return PreparedData(data, restored, workspace.make_once("features", inputs, describe))


def encode_prepared(
    workspace: Workspace, prepared: PreparedData, encoders: Mapping[str, Options]
) -> PreparedData:
    """Encode restored images, all of a data set's or some; each one once for all studies and runs.

    Args:
        workspace: Where to work.
        prepared: The images; its encodings are replaced.
        encoders: Name → `_target_` and options of each encoder.
    """
    made = {name: _encode(workspace, prepared, options) for name, options in encoders.items()}
    return replace(prepared, encodings=made)


def _encode(workspace: Workspace, prepared: PreparedData, options: Options) -> Path:
    def encode(folder: Path) -> None:
        from skiagram.encoders.encoding import encode_images

        learned_from = read_record(Preparation, prepared.data.folder / "images" / PREPARATION)
        table, record = encode_images(
            prepared.restored / "images", build(dict(options), "encoder"), workspace.compute,
            workspace.encodings, print, learned_from,
        )  # fmt: skip
        table.write(folder / TABLE)
        write_record(record, folder / RECORD)

    inputs = {"restored": prepared.restored.name, "encoder": options}
    return workspace.make_once("encoded", inputs, encode)
