"""Which patients models are trained on and which they score; patients stay whole."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skiagram.records import Cases, Task
from skiagram.seeding import stream
from skiagram.splits import Partition, grouped_folds

FOLDS = 5  # a fifth of the patients is set aside at a time
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Cohort:
    """Development and test cases of one fit.

    Attributes:
        cases: Its cases; `split` says which are scored.
        task: What is told apart, under design `holdout`.
    """

    cases: Cases
    task: Task


def make_cohorts(cases: Cases, task: Task, fifths: int, seed: int) -> list[Cohort]:
    """Return the one cohort of a sealed test set, or those that set a fifth aside in turn.

    Args:
        cases: The case table.
        task: Its task; `design` chooses.
        fifths: Under `cv`, how many of the five fifths are set aside in turn.
        seed: The study's seed.
    """
    if task.design == "holdout":
        return [Cohort(cases, task)]
    folds = grouped_folds(cases.label, cases.patient_id, FOLDS, seed, "robustness")
    return [_cohort(cases, task, fold) for fold in folds[:fifths]]


def cohort_without_source(cases: Cases, task: Task, own: NDArray[np.bool_]) -> Cohort:
    """Return the cohort that scores a source's cases and trains on patients who have none.

    Args:
        cases: Labelled cases of all sources.
        task: Their task.
        own: (n,) whether a case is of the source.
    """
    strangers = ~np.isin(cases.patient_id, cases.patient_id[own])
    return _cohort(cases, task, Partition(np.flatnonzero(strangers), np.flatnonzero(own)))


def cohorts_with_source(
    cases: Cases, task: Task, own: NDArray[np.bool_], seed: int
) -> list[Cohort]:
    """Return the cohorts that score a source's cases and train on its other patients too.

    Each trains on about as many cases as `without` does, drawn by patient from all sources.

    Args:
        cases: Labelled cases of all sources.
        task: Their task.
        own: (n,) whether a case is of the source.
        seed: The study's seed.
    """
    rows = np.flatnonzero(own)
    size = int((~np.isin(cases.patient_id, cases.patient_id[own])).sum())
    folds = grouped_folds(cases.label[rows], cases.patient_id[rows], FOLDS, seed, "source")
    cohorts = []
    for number, fold in enumerate(folds):
        test = rows[fold.held_out]
        pool = np.flatnonzero(~np.isin(cases.patient_id, cases.patient_id[test]))
        (drawn,) = draw_nested_subsets(
            cases.label[pool], cases.patient_id[pool], (size,), seed, number
        )
        cohorts.append(_cohort(cases, task, Partition(pool[drawn], test)))
    return cohorts


def _cohort(cases: Cases, task: Task, partition: Partition) -> Cohort:
    split = np.full(len(cases), "train", dtype="<U10")
    split[partition.held_out] = "test"
    rows = np.sort(np.concatenate([partition.training, partition.held_out]))
    return Cohort(replace(cases, split=split).select(rows), replace(task, design="holdout"))


def draw_nested_subsets(
    label: NDArray[np.int64],
    patient_id: NDArray[np.str_],
    sizes: tuple[int, ...],
    seed: int,
    draw: int,
) -> list[NDArray[np.int64]]:
    """Draw patients in an order whose every beginning has about the classes' own shares.

    Args:
        label: (n,) class labels; a patient counts to the highest of its images.
        patient_id: (n,) patient of each row.
        sizes: Numbers of cases wanted, ascending.
        seed: The study's seed.
        draw: Number of the draw.

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
