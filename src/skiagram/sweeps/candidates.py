"""What a row of a sweep trains: models of the three arms, each once."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from skiagram.compute.code_digest import name_piece
from skiagram.compute.context import RunContext
from skiagram.compute.workers import IN_PROCESS
from skiagram.fitting.arm import ArmFolders, TrainOptions
from skiagram.fitting.cross_validation import Plan
from skiagram.fitting.fits import keep_fits
from skiagram.fitting.reading import Reading
from skiagram.models.arm_of_file import encoding_of
from skiagram.models.learner import learner_of
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.steps.train import train_model
from skiagram.sweeps.data import Options
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import read_cases, read_task
from skiagram.training.options import Trainer


@dataclass
class Candidate:
    """A model that a row trains: of features, of what an encoder makes, or a network.

    Attributes:
        name: Of its config.
        options: `_target_` and options of that config, as the row changes them.
        trainer: Where a network is trained; None of any other model.
        encoding: The encoder whose numbers it reads; None for features.
        arm: Which it belongs to.
    """

    name: str
    options: Options
    trainer: Trainer | None = None

    def __post_init__(self) -> None:
        """Find what it reads, which tells its arm."""
        self.encoding = encoding_of(self.options)
        self.arm = "classical" if self.encoding is None else "encoder"
        if self.trainer is not None:
            self.arm = "deep"

    def model(self, threads: int) -> Any:
        """Build the untrained model."""
        model = build(dict(self.options), "model")
        return model if self.trainer is None else learner_of(model, self.trainer, threads)

    def read(self, prepared: PreparedData) -> Reading[Any]:
        """Open what it reads."""
        task = read_task(prepared.cases / "task.json")
        reading: Reading[Any] = self.model(1).read(prepared, task)
        return reading

    def inputs(self, prepared: PreparedData) -> dict[str, object]:
        """Return what a fit depends on besides options: the data, and how it is trained."""
        inputs: dict[str, object] = {"read": self.read(prepared).sha256}
        if self.trainer is not None:
            from skiagram.training.devices import describe_device

            inputs |= {"trainer": asdict(self.trainer), "device": describe_device(self.trainer)}
        return inputs

    def load(self, folder: Path) -> Any:
        return self.model(1).load(folder)


def train_candidate(
    workspace: Workspace, prepared: PreparedData, candidate: Candidate, plan: Plan
) -> Path:
    """Train a model on prepared data; return the piece with its `model` and `scores`."""
    # All that a training depends on names its piece.
    (cases, task), store = read_cases(prepared.cases), workspace.context.require_store()
    inputs = candidate.inputs(prepared) | {
        "model": candidate.options,
        "plan": asdict(plan),
        "threads": workspace.context.compute.threads,
        "design": task.design,
        "cases": cases.case_id.tolist(),
        "split": cases.split.tolist(),
    }
    piece = name_piece(f"trained-{candidate.name}", inputs, train_candidate)
    made = store.find(piece)
    if made is not None:
        return made

    def make(folder: Path) -> None:
        model = candidate.model(workspace.context.compute.threads)
        # Rows are made side by side, so each trains in its own process.
        compute = replace(IN_PROCESS, threads=workspace.context.compute.threads)
        options = TrainOptions(model=dict(candidate.options), plan=plan, compute=compute)
        folders = ArmFolders(folder / "model", folder / "scores", fits)
        context = RunContext(compute)
        train_model(candidate.name, model, options, prepared, cases, task, folders, context)

    with keep_fits(workspace.context, piece) as fits:  # another process may make it meanwhile
        return store.make(piece, make)
