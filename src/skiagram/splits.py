"""Partitions by patient: no patient ever stands on both sides.

Folds are stratified by class so that small classes reach every fold. `label` and `patient_id` are
(n,), a row a case; `name` is that of the random stream.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skiagram.arrays import Texts, Whole
from skiagram.errors import refusal
from skiagram.records.files import read_table
from skiagram.seeding import derived_seed, stream
from skiagram.tasks.cases import check_fold_column, name_groups


@dataclass(frozen=True)
class Partition:
    """Two disjoint sets of row indices.

    Attributes:
        training: (m,) int64, ascending.
        held_out: (k,) int64, ascending.
    """

    training: Whole
    held_out: Whole


def grouped_folds(
    label: Whole, patient_id: Texts, folds: int, seed: int, *name: str | int
) -> list[Partition]:
    """Split rows into stratified folds that keep patients whole.

    Args:
        folds: Number of folds, ≥ 2.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # commands check their words without

    rarest, patients = _rarest_class(label, patient_id)
    if patients < folds:
        raise refusal("base.few_patients", rarest=rarest, patients=patients, folds=folds)
    splitter = StratifiedGroupKFold(
        n_splits=folds, shuffle=True, random_state=derived_seed(seed, *name)
    )
    rows = np.zeros((len(label), 1))
    partitions = [
        Partition(training.astype(np.int64), held_out.astype(np.int64))
        for training, held_out in splitter.split(rows, label, patient_id)
    ]
    for partition in partitions:
        _check_classes(label, partition)
    return partitions


def _check_classes(label: Whole, partition: Partition) -> None:
    """Refuse a side without a class: patients of several classes can make a split impossible."""
    for part in (partition.training, partition.held_out):
        absent = np.setdiff1d(label, label[part])
        if len(absent):
            raise refusal("base.absent_class", name=absent[0])


def draw_subset(label: Whole, patient_id: Texts, cases: int, seed: int, draw: int) -> Whole:
    """Draw patients in an order whose every beginning has about the classes' own shares.

    Of a patient the highest label counts. A draw has one order, so its smaller subsets lie within
    its larger ones.

    Returns:
        Rows of the fewest patients that give so many cases or more, ascending.

    Raises:
        OptionError: There are not so many cases.
    """
    if cases > len(label):
        raise refusal("base.large_subset", cases=cases, every=len(label))
    patients, number = np.unique(patient_id, return_inverse=True)
    highest = np.zeros(len(patients), dtype=np.int64)
    np.maximum.at(highest, number, label)
    generator = stream(seed, "subsets", draw)
    position = np.empty(len(patients))
    for value in np.unique(highest):
        class_patients = np.flatnonzero(highest == value)
        places = (np.arange(len(class_patients)) + 0.5) / len(class_patients)
        position[generator.permutation(class_patients)] = places
    order = np.lexsort((generator.permutation(len(patients)), position))
    reached = np.cumsum(np.bincount(number)[order])
    chosen = order[: np.searchsorted(reached, cases) + 1]
    return np.flatnonzero(np.isin(number, chosen))


def read_groups(covariates: Path, column: str, case_id: Texts) -> Texts:
    """Return (n,) the value of a column for each case, for example its site."""
    table = read_table(covariates).set_index("case_id")
    check_fold_column(column, table)
    values = table[column].loc[case_id.tolist()]
    if values.isna().any():
        raise refusal("base.no_group", number=int(values.isna().sum()), column=column)
    return name_groups(values).to_numpy(dtype=str)


def leave_one_group_out(label: Whole, patient_id: Texts, group: Texts) -> list[Partition]:
    """Hold out each group in turn, for example each site, in the order of their names.

    A patient with cases in several groups is in none of the training parts of these groups, so a
    held-out case's patient was never seen.

    Args:
        group: (n,) group of each row.
    """
    names = np.unique(group)
    if len(names) < 2:
        raise refusal("base.one_group", value=names[0])
    partitions = []
    for name in names.tolist():
        held_out = group == name
        training = ~np.isin(patient_id, patient_id[held_out])
        absent = np.setdiff1d(label, label[training])
        if len(absent):
            raise refusal("base.absent_without_group", label=absent[0], group=name)
        partitions.append(Partition(np.flatnonzero(training), np.flatnonzero(held_out)))
    return partitions


def _rarest_class(label: Whole, patient_id: Texts) -> tuple[int, int]:
    classes = np.unique(label)
    if len(classes) < 2:
        raise refusal("base.one_class")
    patients = {int(value): len(np.unique(patient_id[label == value])) for value in classes}
    rarest = min(patients, key=patients.__getitem__)
    return rarest, patients[rarest]


def inner_validation(
    label: Whole,
    patient_id: Texts,
    fraction: float,
    seed: int,
    *name: str | int,
) -> Partition:
    """Set a grouped part of the training rows aside, for early stopping.

    The part is one of round(1 / fraction) folds. Where a class has fewer patients than that, the
    share of each class's patients is drawn, one at least; of a patient the rarest class counts.

    Args:
        fraction: Share to set aside, in (0, .5].
    """
    _, fewest = _rarest_class(label, patient_id)
    folds = round(1 / fraction)
    if fewest < 2 or fewest >= folds:
        return grouped_folds(label, patient_id, min(folds, max(2, fewest)), seed, *name)[0]
    classes = {value: np.unique(patient_id[label == value]) for value in np.unique(label).tolist()}
    generator, remaining, chosen = stream(seed, *name), np.unique(patient_id), []
    for patients in sorted(classes.values(), key=len):
        of_class = np.intersect1d(patients, remaining)
        remaining = np.setdiff1d(remaining, of_class)
        number = min(len(of_class), max(1, round(fraction * len(of_class))))
        chosen.append(generator.choice(of_class, number, replace=False))
    held_out = np.isin(patient_id, np.concatenate(chosen))
    part = Partition(np.flatnonzero(~held_out), np.flatnonzero(held_out))
    _check_classes(label, part)
    return part
