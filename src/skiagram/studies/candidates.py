"""What a study trains: models of the three arms, and the options that choose them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.encoders.encoder import read_encoding
from skiagram.features.table import FeatureTable
from skiagram.models.cross_validation import Plan
from skiagram.models.head import Head, check_head, head_inputs, reads_features
from skiagram.options import STRICT, build
from skiagram.records import Design
from skiagram.studies.pipeline_steps import Options, PreparedData, ingest_data, prepare_data
from skiagram.studies.workspace import Workspace
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class StudiedModel:
    """A model in a result.

    Attributes:
        model: Name of its option file; of a head that of its encoder stands before it.
    """

    model: str
    title: str
    arm: str


@dataclass(frozen=True)
class FailedModel(StudiedModel):
    """A model that could not be trained, and why."""

    reason: str


@dataclass(frozen=True)
class Candidate(ABC):
    """A model that a study trains."""

    arm: ClassVar[str]
    name: str
    options: Options

    @property
    def option_file(self) -> str:
        return self.name

    def having(self, values: Options) -> Self:
        return replace(self, options=dict(self.options) | dict(values))

    def studied(self) -> StudiedModel:
        """Return what results say of it."""
        return StudiedModel(self.name, str(self.model(1).title), self.arm)

    def model(self, threads: int) -> Any:
        """Return the untrained model."""
        return build(dict(self.options), "model")

    @abstractmethod
    def reader(self, prepared: PreparedData) -> Callable[[NDArray[np.str_]], Any]:
        """Return what turns case ids into the model's inputs."""

    @abstractmethod
    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        """Return what a fit depends on besides options: the data, and how it is trained."""

    def load(self, folder: Path) -> Any:
        return Candidate.model(self, 1).load(folder)


@dataclass(frozen=True)
class Classical(Candidate):
    """A model of features."""

    arm: ClassVar[str] = "classical"

    def reader(self, prepared: PreparedData) -> Callable[[NDArray[np.str_]], Any]:
        return FeatureTable.read(prepared.features / "features.parquet").of

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        return {"features": prepared.features.name}


@dataclass(frozen=True)
class EncoderHead(Candidate):
    """A classical model on what a frozen encoder makes of the images."""

    arm: ClassVar[str] = "encoder"
    encoder: str
    title: str
    head: str
    fused: bool

    @property
    def option_file(self) -> str:
        return self.head

    def model(self, threads: int) -> Head:
        return Head(super().model(threads), self.title, self.fused)

    def reader(self, prepared: PreparedData) -> Callable[[NDArray[np.str_]], Any]:
        encoding, record = read_encoding(prepared.encodings[self.encoder])
        features = prepared.features / "features.parquet"
        return head_inputs(super().model(1), encoding, features, record.title)[1].of

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        encoding: dict[str, object] = {"encoding": prepared.encodings[self.encoder].name}
        return encoding | ({"features": prepared.features.name} if self.fused else {})


@dataclass(frozen=True)
class Network(Candidate):
    """A network, and where it is trained."""

    arm: ClassVar[str] = "deep"
    trainer: Trainer

    def model(self, threads: int) -> Any:
        from skiagram.models.deep.network_model import NetworkModel

        return NetworkModel(super().model(threads), self.trainer, threads)

    def reader(self, prepared: PreparedData) -> Callable[[NDArray[np.str_]], Any]:
        from skiagram.models.deep.inputs import NetworkInputs

        cases = prepared.data.folder / "cases"
        return NetworkInputs.read(super().model(1), prepared.images.folder, cases).of

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        return {"restored": prepared.restored.name, "trainer": asdict(self.trainer)}

    def load(self, folder: Path) -> Any:
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

    def candidates(self, workspace: Workspace) -> list[Candidate]:
        def read(name: str) -> Options:
            return workspace.option_file("model", name)

        networks = (Network(name, read(name), self.trainer) for name in self.networks)
        return [*(Classical(name, read(name)) for name in self.baselines), *networks]

    def families(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        """Return name → `_target_` and options of each feature family, in column order."""
        return {name: workspace.option_file("features", name) for name in self.features}

    def frozen(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        """Return name → `_target_` and options of each frozen encoder."""
        return {}

    def prepared(
        self, workspace: Workspace, dataset: str, design: Design, restoration: str
    ) -> PreparedData:
        """Ingest, restore, describe and encode a data set by the names of its option files."""
        data = ingest_data(workspace, workspace.option_file("dataset", dataset), design)
        options = workspace.option_file("restoration", restoration)
        return prepare_data(
            workspace, data, options, self.families(workspace), self.frozen(workspace)
        )


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

    def candidates(self, workspace: Workspace) -> list[Candidate]:
        candidates = super().candidates(workspace)
        for encoder, frozen in self.frozen(workspace).items():
            for head in self.heads:
                options = workspace.option_file("model", head)
                model = build(dict(options), "model")
                check_head(model)
                given = (encoder, str(frozen["title"]), head, reads_features(model))
                candidates.append(EncoderHead(f"{encoder}-{head}", options, *given))
        return candidates

    def frozen(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        return {name: workspace.option_file("encoder", name) for name in self.encoders}
