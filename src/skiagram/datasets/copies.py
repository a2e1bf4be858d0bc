"""Copies among cases, and what becomes of those that would stop a run.

They are left out, moved, or make one patient. Copies that stop are exact and near duplicates; those
of one known patient are no fault within a split.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from skiagram.arrays import Flags, Whole
from skiagram.compute.workers import on_all_threads
from skiagram.datasets.choices import CopyChoice
from skiagram.errors import refusal
from skiagram.image_store.shards import BY_CHANCE
from skiagram.image_store.store import ImageStore
from skiagram.images import Image
from skiagram.near_duplicates.pairs import (
    Pairs,
    clusters,
    duplicate_pairs,
    equal_pairs,
    unite_pairs,
)
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
    return search(_ImagesOfStores(stores), parallel_map=on_all_threads)


def settle_copies(
    choice: CopyChoice, entries: pd.DataFrame, pairs: Pairs, design: Design
) -> tuple[pd.DataFrame, str]:
    """Return the entries of a data set after what was chosen of copies.

    Args:
        entries: In the order of the store; of copies of which one may stay, the first one does.
            With the column `visit` where the data set has visits.
        pairs: Of the images of these entries.

    Returns:
        Those that stay, and what was done, for the report; empty where nothing was.
    """
    pairs = pairs.chosen(pairs.near)
    settle = {"drop": _drop, "move": _move, "join": _join}
    if choice == "refuse" or not len(pairs.first):
        return entries, ""
    test = (entries["split"] == "test").to_numpy() & (design == "holdout")
    return settle[choice](entries, pairs, test)


def _drop(entries: pd.DataFrame, pairs: Pairs, test: Flags) -> tuple[pd.DataFrame, str]:
    """Leave out what has a copy that stays: test images stay, then those of training."""
    # images of one patient within a split may be alike
    patient = pd.factorize(entries["patient"])[0]  # -1 of one that nobody knows
    first, second = pairs.first, pairs.second
    same_patient = (patient[first] == patient[second]) & (patient[first] >= 0)
    pairs = pairs.chosen(~(same_patient | (test[first] & test[second])))
    first, second = pairs.first, pairs.second
    label, split = entries["label"].to_numpy(), entries["split"].to_numpy()
    # Nobody knows which label is right; labels of test cases are not looked at.
    contradict = ~test[first] & ~test[second] & (label[first] != label[second])
    contradicting = {*first[contradict].tolist(), *second[contradict].tolist()}
    copies = defaultdict[int, set[int]](set)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        copies[one].add(other)
        copies[other].add(one)
    # one stays where no copy of it that comes before it does
    rank = np.where(test, 0, 1 + (split == "validation"))
    staying: set[int] = set()
    for at in sorted(copies, key=lambda place: (rank[place], place)):
        if at not in contradicting and not copies[at] & staying:
            staying.add(at)
    left_out = copies.keys() - staying
    kept = [at for at in range(len(entries)) if at not in left_out]
    n_test_copies = sum(bool(test[[*copies[at]]].any()) for at in left_out)
    sentence = f"{len(left_out)} of {len(entries)} cases are left out as copies (`copies: drop`)."
    if n_test_copies:
        sentence += f" {n_test_copies} of them are copies of test cases, which stay."
    if contradicting:
        sentence += f" {len(contradicting)} of them have copies with another label: none stays."
    if "visit" in entries:
        sentence += " The visit before is the last one that stays."
    return entries.iloc[kept], sentence if left_out else ""


def _move(entries: pd.DataFrame, pairs: Pairs, test: Flags) -> tuple[pd.DataFrame, str]:
    """Put test images with a copy in development into training, with all of their patients."""
    group = _groups(entries, pairs)
    moved = test & np.isin(group, np.intersect1d(group[test], group[~test]))
    if (entries["label"][moved] == SEALED).any():
        raise refusal("datasets.copies_of_encrypted", n_images=moved.sum())
    sentence = (
        f"{moved.sum()} of {test.sum()} test cases, those with copies in the development set and "
        "all others of their patients, are moved into training (`copies: move`); the test set is "
        "no longer the published one."
    )
    settled = entries.assign(split=entries["split"].mask(moved, "train"))
    return settled, sentence if moved.any() else ""


def _join(entries: pd.DataFrame, pairs: Pairs, test: Flags) -> tuple[pd.DataFrame, str]:
    """Make one patient of those who share an image, within a part of the data."""
    split = entries["split"].to_numpy(dtype=str)
    within = test[pairs.first] == test[pairs.second]
    if test.any():  # a patient lies in one split
        within &= split[pairs.first] == split[pairs.second]
    of_group = entries["patient"].groupby(_groups(entries, pairs.chosen(within)))
    joined = entries[of_group.transform("nunique") > 1]
    # visits are numbered within each patient, and no date is left that would order those of two
    if "visit" in entries and (joined["visit"] > 1).any():
        images = joined.drop_duplicates("patient")["name"]
        raise refusal("datasets.joined_visits", images=images)
    patient = of_group.transform("min").where(entries["patient"].notna(), None)
    sentence = (
        f"{joined['patient'].nunique()} patients who share images are taken for "
        f"{patient[joined.index].nunique()} (`copies: join`)."
    )
    return entries.assign(patient=patient), sentence if len(joined) else ""


def _groups(entries: pd.DataFrame, pairs: Pairs) -> Whole:
    """Return (n,) the group of each entry: of copies and of images of one known patient."""
    patient = pd.Series(pd.factorize(entries["patient"])[0])
    known = patient[patient >= 0]
    first = known.index.to_series().groupby(known).transform("first")  # of the patient's images
    links = np.stack([first, first.index], axis=1).tolist()
    linked = Pairs.of(dict.fromkeys(map(tuple, links), (1.0, "")))
    return clusters(unite_pairs([pairs, linked]), len(entries))
