"""Partitions by patient: no patient ever stands on both sides.

Folds are stratified by class so that small classes reach every fold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from skiagram.errors import DataError
from skiagram.seeding import derived_seed


@dataclass(frozen=True)
class Partition:
    """Two disjoint sets of row indices.

    Attributes:
        training: (m,) int64, ascending.
        held_out: (k,) int64, ascending.
    """

    training: NDArray[np.int64]
    held_out: NDArray[np.int64]


def grouped_folds(
    label: NDArray[np.int64], patient_id: NDArray[np.str_], folds: int, seed: int, *name: str | int
) -> list[Partition]:
    """Split rows into stratified folds that keep patients whole.

    Args:
        label: (n,) class labels.
        patient_id: (n,) patient of each row.
        folds: Number of folds, ≥ 2.
        seed: The run's seed.
        *name: Name of the random stream.

    Raises:
        DataError: A class has fewer patients than there are folds.
    """
    for value in np.unique(label):
        patients = len(np.unique(patient_id[label == value]))
        if patients < folds:
            raise DataError(
                f"class {value} has {patients} patients for {folds} folds",
                where="splits",
                remedy="lower `folds` or add patients of that class",
            )
    if len(np.unique(label)) < 2:
        raise DataError("only one class among the development cases", where="labels")
    splitter = StratifiedGroupKFold(
        n_splits=folds, shuffle=True, random_state=derived_seed(seed, *name)
    )
    rows = np.zeros((len(label), 1))
    return [
        Partition(training.astype(np.int64), held_out.astype(np.int64))
        for training, held_out in splitter.split(rows, label, patient_id)
    ]


def inner_validation(
    label: NDArray[np.int64],
    patient_id: NDArray[np.str_],
    fraction: float,
    seed: int,
    *name: str | int,
) -> Partition:
    """Set a grouped part of the training rows aside, for early stopping.

    Args:
        label: (n,) class labels.
        patient_id: (n,) patient of each row.
        fraction: Share to set aside, in (0, .5].
        seed: The run's seed.
        *name: Name of the random stream.
    """
    return grouped_folds(label, patient_id, round(1 / fraction), seed, *name)[0]
