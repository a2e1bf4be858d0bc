"""Nested training subsets by patient: a larger one holds every smaller one of its draw."""

import numpy as np
from numpy.typing import NDArray

from skiagram.seeding import stream


def nested_subsets(
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
    place = np.empty(len(patients))
    for value in np.unique(highest):
        own = np.flatnonzero(highest == value)
        place[generator.permutation(own)] = (np.arange(len(own)) + 0.5) / len(own)
    order = np.lexsort((generator.permutation(len(patients)), place))
    reached = np.cumsum(images[order])
    rank = np.empty(len(patients), dtype=np.int64)
    rank[order] = np.arange(len(patients))
    ends = [int(np.searchsorted(reached, size)) for size in sizes]
    return [np.flatnonzero(rank[number] <= end) for end in ends]
