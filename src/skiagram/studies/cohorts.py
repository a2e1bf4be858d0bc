"""Whom models are trained on and whom they score: patients stay whole; models are trained once."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.workers import IN_PROCESS
from skiagram.models.arm import ArmFolders, TrainOptions
from skiagram.models.cross_validation import Plan
from skiagram.preparation import PreparedData
from skiagram.records import Cases, Task, read_cases
from skiagram.seeding import stream
from skiagram.steps.train import train_model
from skiagram.studies.candidates import Candidate
from skiagram.studies.workspace import Workspace

FOLDS = 5  # a fifth of the patients is set aside at a time
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Cohort:
    """Development and test cases of one fit: `split` of the cases says which are scored."""

    cases: Cases
    task: Task

    @classmethod
    def of(cls, prepared: PreparedData) -> "Cohort":
        return cls(*read_cases(prepared.cases))


def draw_nested_subsets(
    label: NDArray[np.int64],
    patient_id: NDArray[np.str_],
    sizes: tuple[int, ...],
    seed: int,
    draw: int,
) -> list[Rows]:
    """Draw patients in an order whose every beginning has about the classes' own shares.

    Args:
        label: (n,) class labels; a patient counts to the highest of its images.

    Returns:
        Rows of each subset, ascending: the fewest patients that give at least `sizes` cases.
    """
    patients, number = np.unique(patient_id, return_inverse=True)
    highest = np.zeros(len(patients), dtype=np.int64)
    np.maximum.at(highest, number, label)
    images = np.bincount(number)
    generator = stream(seed, "subsets", draw)
    position = np.empty(len(patients))
    for value in np.unique(highest):
        own = np.flatnonzero(highest == value)
        position[generator.permutation(own)] = (np.arange(len(own)) + 0.5) / len(own)
    order = np.lexsort((generator.permutation(len(patients)), position))
    reached = np.cumsum(images[order])
    rank = np.empty(len(patients), dtype=np.int64)
    rank[order] = np.arange(len(patients))
    ends = [int(np.searchsorted(reached, size)) for size in sizes]
    return [np.flatnonzero(rank[number] <= end) for end in ends]


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
