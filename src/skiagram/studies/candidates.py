"""What a study trains: models of the three arms, and the options that choose them."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.models.cross_validation import Plan
from skiagram.models.reading import Reading
from skiagram.models.tuned import fits_of
from skiagram.options import STRICT, build
from skiagram.preparation import PreparedData
from skiagram.records import Design, Task, read_record
from skiagram.studies.pipeline_steps import Options, ingest_data, prepare_data
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
class Candidate:
    """A model that a study trains: a classical one, of features or of what an encoder makes."""

    name: str
    options: Options
    _opened: list[tuple[PreparedData, Reading[Any]]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def __getstate__(self) -> dict[str, Any]:
        """Leave what it has opened behind where another process takes over."""
        return vars(self) | {"_opened": []}

    @property
    def arm(self) -> str:
        return "classical" if self.encoding is None else "encoder"

    @property
    def encoding(self) -> str | None:
        """Return the encoder whose numbers it reads; None for features."""
        return fits_of(self.options)[0].get("encoding")

    def studied(self, prepared: PreparedData) -> StudiedModel:
        """Return what results say of it."""
        return StudiedModel(self.name, self.read(prepared).title, self.arm)

    def model(self, threads: int) -> Any:
        """Return the untrained model."""
        return build(dict(self.options), "model")

    def read(self, prepared: PreparedData) -> Reading[Any]:
        """Open what it reads; once, while the same data are asked for."""
        if not self._opened or self._opened[0][0] != prepared:
            task = read_record(Task, prepared.cases / "task.json")
            self._opened[:] = [(prepared, self.model(1).read(prepared, task))]
        return self._opened[0][1]

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        """Return what a fit depends on besides options: the data, and how it is trained."""
        return {"read": self.read(prepared).sha256}

    def load(self, folder: Path) -> Any:
        return self.model(1).load(folder)


@dataclass(frozen=True)
class Network(Candidate):
    """A network, and where it is trained."""

    trainer: Trainer

    @property
    def arm(self) -> str:
        return "deep"

    def model(self, threads: int) -> Any:
        from skiagram.models.deep.finder import learner_of

        return learner_of(super().model(threads), self.trainer, threads)

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        return super().inputs(prepared) | {"trainer": asdict(self.trainer)}

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
        return [*(Candidate(name, read(name)) for name in self.baselines), *networks]

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
        encoders: Option files of frozen encoders, whose numbers baselines may read.
    """

    encoders: tuple[str, ...]

    def frozen(self, workspace: Workspace) -> dict[str, dict[str, Any]]:
        return {name: workspace.option_file("encoder", name) for name in self.encoders}
