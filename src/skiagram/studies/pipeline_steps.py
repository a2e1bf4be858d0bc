"""What studies share: records of what was studied, and one run of the pipeline, step by step.

Equal pieces are made once for all runs of a study, by the functions of the root pipeline.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.features.covariates import development_patients
from skiagram.features.extraction import build_families, extract
from skiagram.features.table import FeatureTable
from skiagram.image_store.store import ImageStore
from skiagram.models.resampling import Plan
from skiagram.options import STRICT, build
from skiagram.records import Cases, Design, read_table
from skiagram.restoration.restore import restore_store
from skiagram.studies.workspace import Workspace
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class StudiedModel:
    """A model.

    Attributes:
        model: Name of its option file.
        title: Name for people.
        arm: `classical` or `deep`.
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
    """Restored images and their features: `images` and `features.parquet` below the folders."""

    data: DataSet
    restored: Path
    features: Path

    @property
    def images(self) -> ImageStore:
        """Return the restored images."""
        return ImageStore(self.restored / "images")


class Arm(ABC):
    """What sets classical models and networks apart where a study trains them."""

    name: ClassVar[str]

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

    def families(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        """Return name → `_target_` and options of each feature family, in column order."""
        return {name: workspace.option_file("features", name) for name in self.features}


def ingest_data(workspace: Workspace, dataset: Options, design: Design) -> DataSet:
    """Ingest a data set."""

    def make(folder: Path) -> None:
        folders = IngestFolders(folder / "images", folder / "cases", folder / "sealed")
        ingest(build(dict(dataset), "dataset"), design, workspace.data, folders)

    return DataSet(workspace.make_once("ingested", {"dataset": dataset, "design": design}, make))


def prepare_data(
    workspace: Workspace, data: DataSet, restoration: Options, families: Mapping[str, Options]
) -> PreparedData:
    """Restore a data set's images and extract their features.

    Args:
        workspace: Where to work.
        data: An ingested data set.
        restoration: `_target_` and options.
        families: Name → `_target_` and options of each feature family, in column order.
    """

    def restore(folder: Path) -> None:
        cases = Cases.read(data.folder / "cases/cases.parquet")
        built = build(dict(restoration), "restoration")
        restore_store(data.images, built, folder / "images", folder / "treatment.parquet", cases)

    inputs = {"data": data.folder.name, "restoration": restoration}
    return extract_features(
        workspace, data, workspace.make_once("restored", inputs, restore), families
    )


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
        chosen = build_families(families)
        covariates = read_table(data.folder / "cases/covariates.parquet")
        patients = development_patients(Cases.read(data.folder / "cases/cases.parquet"))
        table = extract(ImageStore(restored / "images"), chosen, covariates, patients=patients)
        table.write(folder / "features.parquet")

    inputs = {"restored": restored.name, "families": list(families.items())}
    return PreparedData(data, restored, workspace.make_once("features", inputs, describe))
