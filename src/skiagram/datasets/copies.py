"""Copies among cases, and which are left out of those that would stop a run.

Copies that stop are exact and near duplicates; those of one known patient are no fault within a
split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from skiagram.compute.workers import on_all_threads
from skiagram.image_store.shards import BY_CHANCE
from skiagram.image_store.store import ImageStore
from skiagram.images import Image
from skiagram.near_duplicates.pairs import Pairs, duplicate_pairs, equal_pairs
from skiagram.near_duplicates.search import find_copies
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


def drop_copies(entries: pd.DataFrame, pairs: Pairs, design: Design) -> tuple[list[int], str]:
    """Leave out what has a copy that stays: test images stay, then those of training.

    Images of one patient within a split may be alike.

    Args:
        entries: In the order of the store; of copies of which one may stay, the first one does.
        pairs: Of the images of these entries.

    Returns:
        Places of the entries that stay, in order; and what was done, for the report, empty where
        nothing was.
    """
    split, label = entries["split"].to_numpy(), entries["label"].to_numpy()
    test = (split == "test") & (design == "holdout")
    patient = pd.factorize(entries["patient"])[0]  # -1 of one that nobody knows
    pairs = pairs.chosen(pairs.near)
    first, second = pairs.first, pairs.second
    same_patient = (patient[first] == patient[second]) & (patient[first] >= 0)
    pairs = pairs.chosen(~(same_patient | (test[first] & test[second])))
    first, second = pairs.first, pairs.second
    # Nobody knows which label is right; labels of test cases are not looked at.
    contradict = ~test[first] & ~test[second] & (label[first] != label[second])
    contradicting = {*first[contradict].tolist(), *second[contradict].tolist()}
    copies: dict[int, set[int]] = {}
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        copies.setdefault(one, set()).add(other)
        copies.setdefault(other, set()).add(one)
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
    return kept, sentence if left_out else ""
