"""Copies among cases, and what becomes of those that would stop a run.

They are left out, moved, or make one patient. Copies that stop are exact and near duplicates; those
of one known patient are no fault within a split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from skiagram.arrays import Flags, Whole
from skiagram.compute.workers import on_all_threads
from skiagram.datasets.choices import CopyChoice
from skiagram.datasets.contract import Entry
from skiagram.errors import refusal
from skiagram.image_store.shards import BY_CHANCE
from skiagram.image_store.store import ImageStore
from skiagram.images import Image
from skiagram.near_duplicates.pairs import Pairs, clusters, duplicate_pairs, equal_pairs
from skiagram.near_duplicates.search import find_copies
from skiagram.tasks.cases import SEALED
from skiagram.tasks.task import Design


@dataclass(frozen=True)
class _ImagesOfStores:
    """The images of several stores, one store after the other."""

    stores: Sequence[ImageStore]

    def __len__(self) -> int:
        return sum(map(len, self.stores))

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        return chain.from_iterable(self.stores)

    def image_at(self, position: int) -> Image:
        for store in self.stores:
            if position < len(store):
                return store.image_at(position)
            position -= len(store)
        raise IndexError(position)


def find_case_copies(stores: Sequence[ImageStore], *, transformed: bool = True) -> Pairs:
    """Find copies among the cases of some stores, one store after the other.

    Cases without images are copies where all their values are equal, and not by chance.

    Args:
        transformed: Whether copies of images that were turned, cropped or the like count.
    """
    if not all(store.has_images for store in stores):
        digests = [digest for store in stores for digest in store.digests()]
        equal = equal_pairs(digests)
        return Pairs.of(
            {pair: how for pair, how in equal.items() if not digests[pair[0]].startswith(BY_CHANCE)}
        )
    search = find_copies if transformed else duplicate_pairs
    return search(_ImagesOfStores(stores), spread=on_all_threads)


class SettledCopies(NamedTuple):
    """Entries as they go on.

    Attributes:
        kept: (m,) int64, places of the entries that stay, in order.
        entries: Those that stay.
        sentence: What was done, for the report; empty where nothing was.
    """

    kept: Whole
    entries: list[Entry]
    sentence: str


def settle_copies(
    choice: CopyChoice, entries: Sequence[Entry], pairs: Pairs, design: Design
) -> SettledCopies:
    """Return the entries of a data set after what was chosen of copies.

    Args:
        entries: In the order of the store; of copies of which one may stay, the first one does.
        pairs: Of the images of these entries.
    """
    pairs = pairs.chosen(pairs.near)
    test = np.array([design == "holdout" and entry.split == "test" for entry in entries], bool)
    settle = {"drop": _drop, "move": _move, "join": _join}
    if choice == "refuse" or not len(pairs.first):
        return SettledCopies(np.arange(len(entries)), [*entries], "")
    return settle[choice](entries, pairs, test)


def _drop(entries: Sequence[Entry], pairs: Pairs, test: Flags) -> SettledCopies:
    """Leave out what has a copy that stays: test images stay, then those of training."""
    patient = pd.factorize(np.array([entry.patient for entry in entries], dtype=object))[0]
    first, second = pairs.first, pairs.second
    same_patient = (patient[first] == patient[second]) & (patient[first] >= 0)
    pairs = pairs.chosen(~(same_patient | (test[first] & test[second])))
    first, second = pairs.first, pairs.second
    label = np.array([entry.label for entry in entries])
    # Nobody knows which label is right; labels of test cases are not looked at.
    contradict = ~test[first] & ~test[second] & (label[first] != label[second])
    contradicting = {*first[contradict].tolist(), *second[contradict].tolist()}
    copies: dict[int, set[int]] = {}
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        copies.setdefault(one, set()).add(other)
        copies.setdefault(other, set()).add(one)
    # one stays where no copy of it that comes before it does
    rank = [
        0 if is_test else 1 + (entry.split == "validation")
        for entry, is_test in zip(entries, test, strict=True)
    ]
    staying: set[int] = set()
    for at in sorted(copies, key=lambda place: (rank[place], place)):
        if at not in contradicting and not copies[at] & staying:
            staying.add(at)
    left_out = copies.keys() - staying
    kept = np.setdiff1d(np.arange(len(entries)), [*left_out])
    n_test_copies = sum(bool(test[[*copies[at]]].any()) for at in left_out)
    sentence = f"{len(left_out)} of {len(entries)} cases are left out as copies (`copies: drop`)."
    if n_test_copies:
        sentence += f" {n_test_copies} of them are copies of test cases, which stay."
    if contradicting:
        sentence += f" {len(contradicting)} of them have copies with another label: none stays."
    return SettledCopies(kept, [entries[at] for at in kept], sentence if left_out else "")


def _move(entries: Sequence[Entry], pairs: Pairs, test: Flags) -> SettledCopies:
    """Put test images with a copy in development into training, with all of their patients."""
    group = _groups(entries, pairs)
    across = np.intersect1d(group[test], group[~test])
    moved = np.flatnonzero(test & np.isin(group, across)).tolist()
    if any(entries[at].label == SEALED for at in moved):
        raise refusal("datasets.copies_of_encrypted", n_images=len(moved))
    settled = [
        replace(entry, split="train") if at in set(moved) else entry
        for at, entry in enumerate(entries)
    ]
    sentence = (
        f"{len(moved)} of {int(test.sum())} test cases, those with copies in the development "
        "set and all others of their patients, are moved into training (`copies: move`); the "
        "test set is no longer the published one."
    )
    return SettledCopies(np.arange(len(entries)), settled, sentence if moved else "")


def _join(entries: Sequence[Entry], pairs: Pairs, test: Flags) -> SettledCopies:
    """Make one patient of those who share an image, within a part of the data."""
    split = np.array([str(entry.split) for entry in entries])
    within = test[pairs.first] == test[pairs.second]
    if test.any():  # a patient lies in one split
        within &= split[pairs.first] == split[pairs.second]
    group = _groups(entries, pairs.chosen(within))
    groups = pd.Series([entry.patient for entry in entries], dtype=object).groupby(group)
    first, number = groups.transform("min"), groups.nunique()
    settled = [
        entry if entry.patient is None else replace(entry, patient=name)
        for name, entry in zip(first, entries, strict=True)
    ]
    several = number[number > 1]
    sentence = f"{several.sum()} patients who share images are taken for {len(several)} "
    sentence += "(`copies: join`)."
    return SettledCopies(np.arange(len(entries)), settled, sentence if len(several) else "")


def _groups(entries: Sequence[Entry], pairs: Pairs) -> Whole:
    """Return (n,) the group of each entry: of copies and of images of one known patient."""
    position_by_patient: dict[str, int] = {}
    links = [
        (position_by_patient.setdefault(entry.patient, at), at)
        for at, entry in enumerate(entries)
        if entry.patient is not None
    ]
    first, second = np.array(links, dtype=np.int64).reshape(-1, 2).T
    linked = Pairs(
        np.concatenate([pairs.first, first]),
        np.concatenate([pairs.second, second]),
        np.ones(len(pairs.first) + len(first)),
        np.full(len(pairs.first) + len(first), ""),
    )
    return clusters(linked, len(entries))
