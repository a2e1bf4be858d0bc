"""Whom models are trained on and whom they score; patients stay whole."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skiagram.records import Cases, Task
from skiagram.splits import Partition, grouped_folds
from skiagram.studies.crossover.subsets import nested_subsets

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


def cohorts(cases: Cases, task: Task, fifths: int, seed: int) -> list[Cohort]:
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


def without(cases: Cases, task: Task, own: NDArray[np.bool_]) -> Cohort:
    """Return the cohort that scores a source's cases and trains on patients who have none.

    Args:
        cases: Labelled cases of all sources.
        task: Their task.
        own: (n,) whether a case is of the source.
    """
    strangers = ~np.isin(cases.patient_id, cases.patient_id[own])
    return _cohort(cases, task, Partition(np.flatnonzero(strangers), np.flatnonzero(own)))


def within(cases: Cases, task: Task, own: NDArray[np.bool_], seed: int) -> list[Cohort]:
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
    found = []
    for number, fold in enumerate(folds):
        test = rows[fold.held_out]
        pool = np.flatnonzero(~np.isin(cases.patient_id, cases.patient_id[test]))
        (drawn,) = nested_subsets(cases.label[pool], cases.patient_id[pool], (size,), seed, number)
        found.append(_cohort(cases, task, Partition(pool[drawn], test)))
    return found


def _cohort(cases: Cases, task: Task, partition: Partition) -> Cohort:
    split = np.full(len(cases), "train", dtype="<U10")
    split[partition.held_out] = "test"
    rows = np.sort(np.concatenate([partition.training, partition.held_out]))
    return Cohort(replace(cases, split=split).select(rows), replace(task, design="holdout"))
