"""What becomes of copies, on pairs as the search finds them."""

import pandas as pd
import pytest

from skiagram.datasets.contract import tabulate_entries
from skiagram.datasets.copies import settle_copies
from skiagram.errors import DataError
from skiagram.near_duplicates.pairs import EXACT, NEAR, Pairs
from skiagram.tasks.cases import SEALED


def entries(*told):
    names = [f"{at}.png" for at in range(len(told))]
    return tabulate_entries(names, *zip(*told, strict=True))


def pairs(*places, kind=NEAR):
    return Pairs.of(dict.fromkeys(places, (0.99, kind)))


def settled(choice, listed, found, design="holdout"):
    done, _ = settle_copies(choice, listed, found, design)
    names = done["name"].str.removesuffix(".png")
    return [*zip(names, done["patient"], done["split"], strict=True)]


ACROSS = ("a", 0, "train"), ("b", 0, "test"), ("c", 1, "test"), ("c", 1, "test")


def test_a_development_copy_of_a_test_image_is_dropped_and_the_test_set_stays():
    listed = entries(*ACROSS, ("d", 1, "train"))
    left = settled("drop", listed, pairs((0, 1), (1, 3)))
    assert [split for _, _, split in left] == ["test", "test", "test", "train"]


def test_one_of_each_group_of_copies_stays_and_none_of_two_labels():
    listed = entries(*[("abcde"[at], int(at == 4), "train") for at in range(5)])
    assert [name for name, *_ in settled("drop", listed, pairs((0, 1), (1, 2)), "cv")] == [
        *("0", "2", "3", "4"),
    ]
    seen = listed.assign(visit=1)
    left, sentence = settle_copies("drop", seen, pairs((3, 4), kind=EXACT), "cv")
    assert left.index.tolist() == [0, 1, 2]
    assert "2 of them have copies with another label" in sentence
    assert "The visit before is the last one that stays" in sentence


def test_images_of_one_patient_may_be_alike():
    listed = entries(("a", 0, "train"), ("a", 0, "train"), (None, 0, "train"), (None, 0, "train"))
    left = settled("drop", listed, pairs((0, 1), (2, 3)), "cv")
    assert [name for name, *_ in left] == ["0", "1", "2"]


def test_a_patient_moves_whole_with_the_copies_of_what_moved():
    listed = entries(*ACROSS, ("d", 1, "test"))
    moved = settled("move", listed, pairs((0, 2), (3, 4)))
    assert [split for _, _, split in moved] == ["train", "test", "train", "train", "train"]
    sealed = listed.assign(label=listed["label"].mask(listed["split"] == "test", SEALED))
    with pytest.raises(DataError, match="labels are encrypted"):
        settle_copies("move", sealed, pairs((0, 2)), "holdout")


def test_patients_who_share_an_image_become_one_within_a_split():
    listed = entries(("a", 0, "train"), ("b", 0, "train"), ("b", 1, "train"), ("c", 1, "test"))
    joined = settled("join", listed, pairs((0, 1), (2, 3)))
    assert [patient for _, patient, _ in joined] == ["a", "a", "a", "c"]


def test_visits_of_joined_patients_have_no_common_order():
    """Those of others play no part, and of one visit each nothing is earlier."""
    listed = entries(*[(patient, 0, "train") for patient in "abbcc"])
    found = pairs((0, 1))
    with pytest.raises(DataError, match=r"visits of patients .*: `0\.png`, `1\.png`"):
        settle_copies("join", listed.assign(visit=[1, 1, 2, 1, 2]), found, "cv")
    _, sentence = settle_copies("join", listed.assign(visit=[1, 1, 1, 1, 2]), found, "cv")
    assert "2 patients who share images are taken for 1" in sentence


def test_nothing_is_done_unasked_or_for_transformed_copies():
    listed = entries(*ACROSS)
    for choice, kind in (("refuse", EXACT), ("drop", "mirrored"), ("move", "cropped")):
        done, sentence = settle_copies(choice, listed, pairs((0, 1), kind=kind), "holdout")
        pd.testing.assert_frame_equal(done, listed)
        assert not sentence
