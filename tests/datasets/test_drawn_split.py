"""A drawn split: exact counts, whole patients, the same for the same seed."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.datasets.contract import Entry
from skiagram.datasets.drawn_split import DrawnSplit
from skiagram.errors import DataError, OptionError

CLASSES = ("normal", "abnormal")


def split(**changes: Any) -> DrawnSplit:
    counts: dict[str, Any] = {
        "seed": 0,
        "train": {"normal": 8, "abnormal": 3},
        "test": {"normal": 2, "abnormal": 2},
    }
    return DrawnSplit(**(counts | changes))


def pairs(patients: int, seed: int = 0) -> list[Entry]:
    """Return two images a patient; at most one of them is abnormal."""
    second = np.random.default_rng(seed).integers(0, 2, patients)
    return [
        Entry(f"film {patient} {side}", str(patient), int(side and second[patient]), None)
        for patient in range(patients)
        for side in (0, 1)
    ]


@settings(deadline=None)
@given(st.integers(40, 60), st.integers(0, 99), st.integers(0, 99))
def test_counts_are_exact_and_patients_whole(patients: int, seed: int, of_draw: int) -> None:
    entries = pairs(patients, seed)
    drawn = split(seed=of_draw).draw(entries, CLASSES)
    counts = Counter((chosen, entries[at].label) for at, chosen in drawn.items())
    assert counts == {("train", 0): 8, ("train", 1): 3, ("test", 0): 2, ("test", 1): 2}
    of_split = {
        side: {entries[at].patient for at, chosen in drawn.items() if chosen == side}
        for side in ("train", "test")
    }
    assert not of_split["train"] & of_split["test"]


def test_draw_depends_on_seed_and_content_alone() -> None:
    entries = pairs(60)
    drawn = split().draw(entries, CLASSES)
    assert split().draw(entries, CLASSES) == drawn
    assert split(seed=1).draw(entries, CLASSES) != drawn
    backwards = split().draw(entries[::-1], CLASSES)
    patients = {entries[at].patient: chosen for at, chosen in drawn.items()}
    assert {entries[::-1][at].patient: chosen for at, chosen in backwards.items()} == patients


def test_too_few_patients_are_named() -> None:
    with pytest.raises(DataError, match=r"\{'normal': \d+.* short of the train split"):
        split(train={"normal": 500, "abnormal": 1}).draw(pairs(60), CLASSES)


@pytest.mark.parametrize("counts", [{"normal": 1}, {"normal": 1, "abnormal": 1, "odd": 1}])
def test_counts_must_name_each_class(counts: dict[str, int]) -> None:
    with pytest.raises(OptionError, match=r"dataset\.split\.test: counts for normal"):
        split(test=counts).check_classes(CLASSES)
