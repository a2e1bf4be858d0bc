"""What becomes of copies, on pairs as the search finds them."""

from skiagram.datasets.contract import tabulate_entries
from skiagram.datasets.copies import drop_copies
from skiagram.near_duplicates.pairs import EXACT, NEAR, Pairs


def entries(*told):
    names = [f"{at}.png" for at in range(len(told))]
    return tabulate_entries(names, *zip(*told, strict=True))


def pairs(*places, kind=NEAR):
    return Pairs.of(dict.fromkeys(places, (0.99, kind)))


def left(listed, found, design="holdout"):
    kept, _ = drop_copies(listed, found, design)
    return kept


ACROSS = ("a", 0, "train"), ("b", 0, "test"), ("c", 1, "test"), ("c", 1, "test")


def test_a_development_copy_of_a_test_image_is_dropped_and_the_test_set_stays():
    listed = entries(*ACROSS, ("d", 1, "train"))
    assert left(listed, pairs((0, 1), (1, 3))) == [1, 2, 3, 4]


def test_one_of_each_group_of_copies_stays_and_none_of_two_labels():
    listed = entries(*[("abcde"[at], int(at == 4), "train") for at in range(5)])
    assert left(listed, pairs((0, 1), (1, 2)), "cv") == [0, 2, 3, 4]
    kept, sentence = drop_copies(listed, pairs((3, 4), kind=EXACT), "cv")
    assert kept == [0, 1, 2]
    assert "2 of them have copies with another label" in sentence


def test_images_of_one_patient_may_be_alike():
    listed = entries(("a", 0, "train"), ("a", 0, "train"), (None, 0, "train"), (None, 0, "train"))
    assert left(listed, pairs((0, 1), (2, 3)), "cv") == [0, 1, 2]


def test_nothing_is_left_out_for_transformed_copies():
    assert drop_copies(entries(*ACROSS), pairs((0, 1), kind="mirrored"), "holdout") == (
        [0, 1, 2, 3],
        "",
    )
