"""Whom models are trained on and whom they score: patients stay whole; models are trained once."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from skiagram.compute.workers import IN_PROCESS
from skiagram.models.arm import ArmFolders, TrainOptions
from skiagram.models.cross_validation import Plan
from skiagram.preparation import PreparedData
from skiagram.records import Cases, Task, read_cases
from skiagram.steps.train import train_model
from skiagram.studies.candidates import Candidate
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class Cohort:
    """Development and test cases of one fit: `split` of the cases says which are scored."""

    cases: Cases
    task: Task

    @classmethod
    def of(cls, prepared: PreparedData) -> "Cohort":
        return cls(*read_cases(prepared.cases))


def train_candidate(
    workspace: Workspace, prepared: PreparedData, candidate: Candidate, plan: Plan, cohort: Cohort
) -> Path:
    """Train a model on a cohort; return the piece with its `model` and `scores`."""
    cases = cohort.cases

    def make(folder: Path) -> None:
        model = candidate.model(workspace.compute.threads)
        compute = replace(IN_PROCESS, threads=workspace.compute.threads)
        options = TrainOptions(model=dict(candidate.options), plan=plan, compute=compute)
        folders = ArmFolders(folder / "model", folder / "scores")
        store = workspace.pieces
        train_model(candidate.name, model, options, prepared, cases, cohort.task, folders, store)

    inputs = candidate.inputs(prepared) | {
        "model": candidate.options,
        "plan": asdict(plan),
        "threads": workspace.compute.threads,
        "design": cohort.task.design,
        "cases": cases.case_id.tolist(),
        "split": cases.split.tolist(),
    }
    return workspace.make_once(f"trained-{candidate.name}", inputs, make, type(candidate))
