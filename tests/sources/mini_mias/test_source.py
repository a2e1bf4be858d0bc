"""mini-MIAS as a source: cases of each task, images as asked for, and new films like them."""

import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.datasets.contract import Entry
from skiagram.errors import DataError
from skiagram.readers.spaced_image import SpacedImage
from skiagram.sources.mini_mias.source import DrawnSplit, cut_patch
from tests.sources.mini_mias_folder import BREAST, LABEL, SPOT, breast, film
from tests.sources.phantoms import data_set

SMALL_SPLIT = {
    "seed": 0,
    "train": {"normal": 2, "abnormal": 2},
    "test": {"normal": 1, "abnormal": 1},
}


def options(name="films", **changes):
    return data_set(f"mini_mias_{name}", **changes)


def case(opened, name):
    found = [(at, entry) for at, entry in enumerate(opened.entries()) if entry.name == name]
    assert len(found) == 1
    return found[0]


@pytest.mark.slow
def test_films_carry_label_patient_tissue_and_side(root):
    opened = options().open(root)
    assert len(opened.entries()) == 10
    _, left = case(opened, "mdb007")
    assert (left.label, left.patient, left.split) == (1, "4", None)
    assert left.covariates == {"tissue": "fatty-glandular", "side": "left", "mask_plausible": "yes"}
    _, right = case(opened, "mdb010")
    assert (right.label, right.patient, right.covariates["side"]) == (0, "5", "right")
    assert opened.truth(0) is None


def test_malignancy_leaves_normal_films_out(root):
    opened = options(task="benign_malignant", positive_class="malignant").open(root)
    labels = {entry.name: entry.label for entry in opened.entries()}
    assert labels == {"mdb001": 0, "mdb004": 1, "mdb005": 1, "mdb007": 0, "mdb008": 0, "mdb009": 0}


@pytest.mark.parametrize("name", ["mdb001", "mdb002"])
def test_film_is_masked_turned_and_averaged(name, root):
    image = np.asarray(options(size=128).open(root).image(int(name[3:]) - 1).pixels)
    assert image.shape == (128, 128)
    assert image.dtype == np.float32
    tissue = breast(wall_on_left=True)[4::8, 4::8]
    assert (image > 0).sum() == pytest.approx(tissue.sum(), rel=0.05)
    assert np.median(image[image > 0]) == BREAST + int(name[3:])
    assert image.max() < LABEL
    assert image[:, :31].max() == 0
    assert image[60, 34] > 0  # the chest wall is on the left


def test_lesion_is_at_the_centre_of_its_square(root):
    opened = options("regions", region=64, size=64).open(root)
    for name in ("mdb001 lesion 0", "mdb004 lesion 0", "mdb007 lesion 0", "mdb007 lesion 1"):
        image = opened.image(case(opened, name)[0]).pixels
        row, column = np.argwhere(np.asarray(image) == SPOT).mean(axis=0)
        assert (row, column) == (32, 32)


def test_lesions_without_a_place_on_the_breast_are_left_out(root):
    names = [entry.name for entry in options("regions").open(root).entries()]
    assert [name for name in names if "lesion" in name] == [
        "mdb001 lesion 0",
        "mdb004 lesion 0",
        "mdb007 lesion 0",
        "mdb007 lesion 1",
    ]
    assert [name for name in names if "lesion" not in name] == [
        "mdb002",
        "mdb003",
        "mdb006",
        "mdb010",
    ]


def test_normal_squares_take_each_lesion_place_once(root):
    """All generated breasts have one outline, so places carry over pixel by pixel."""
    cases = options("regions").open(root).cases
    lesions = sorted(one.centre for one in cases if one.film.lesions and one.centre)
    normal = sorted(one.centre for one in cases if not one.film.lesions and one.centre)
    assert len(lesions) == len(normal) == 4
    assert_allclose(lesions, normal, atol=8)


@pytest.mark.parametrize("side", [20, 21, 64])
def test_square_beyond_the_film_is_padded_with_black(side):
    pixels = np.arange(1, 101, dtype=np.uint8).reshape(10, 10)
    for centre in ((0, 0), (9, 9), (4, 7)):
        square = cut_patch(pixels, centre, side)
        assert square.shape == (side, side)
        assert square[side // 2, side // 2] == pixels[centre]
        assert square.astype(int).sum() == pixels.astype(int).sum()  # the film, and black around


@pytest.mark.slow
def test_drawn_split_has_exact_counts_and_its_own_images(root):
    whole = options(size=64).open(root)
    drawn = options(size=64, split=SMALL_SPLIT).open(root)
    assert Counter((entry.split, entry.label) for entry in drawn.entries()) == {
        ("train", 0): 2,
        ("train", 1): 2,
        ("test", 0): 1,
        ("test", 1): 1,
    }
    for at, entry in enumerate(drawn.entries()):
        assert_array_equal(drawn.image(at).pixels, whole.image(case(whole, entry.name)[0]).pixels)


def test_folder_that_lacks_a_film_is_refused(root, tmp_path):
    copied = shutil.copytree(root / "mini-mias", tmp_path / "mini-mias")
    (copied / "mdb001.png").unlink()
    with pytest.raises(DataError, match=r"^mini-mias/mdb001: film is missing"):
        options().open(tmp_path)


CLASSES = ("normal", "abnormal")


def split(**changes):
    counts = {
        "seed": 0,
        "train": {"normal": 8, "abnormal": 3},
        "test": {"normal": 2, "abnormal": 2},
    }
    return DrawnSplit(**(counts | changes))


def pairs(patients, seed=0):
    """Return two images a patient; at most one of them is abnormal."""
    second = np.random.default_rng(seed).integers(0, 2, patients)
    return [
        Entry(f"film {patient} {side}", str(patient), int(side and second[patient]), None)
        for patient in range(patients)
        for side in (0, 1)
    ]


@settings(deadline=None, max_examples=20)
@given(st.integers(40, 60), st.integers(0, 99), st.integers(0, 99))
def test_counts_are_exact_and_patients_whole(patients, seed, of_draw):
    entries = pairs(patients, seed)
    drawn = split(seed=of_draw).draw(entries, CLASSES)
    counts = Counter((chosen, entries[at].label) for at, chosen in drawn.items())
    assert counts == {("train", 0): 8, ("train", 1): 3, ("test", 0): 2, ("test", 1): 2}
    of_split = {
        side: {entries[at].patient for at, chosen in drawn.items() if chosen == side}
        for side in ("train", "test")
    }
    assert not of_split["train"] & of_split["test"]


def test_too_few_patients_are_named():
    with pytest.raises(DataError, match=r"\{'normal': \d+.* short of the train split"):
        split(train={"normal": 500, "abnormal": 1}).draw(pairs(60), CLASSES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["films", "regions"])
@pytest.mark.parametrize("orient", [True, False])
def test_marks_lie_on_the_lesions_as_they_are_stored(root, name, orient):
    opened = options(name, orient=orient).open(root)
    marked = 0
    for at, entry in enumerate(opened.entries()):
        pixels = opened.image(at).pixels
        marks = opened.marks(at)
        assert entry.label == 1 or not marks
        for mark in marks:
            row, column = (round(place) for place in mark.centre)
            near = pixels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            assert near.max() > np.median(pixels[pixels >= BREAST]) + 10
            marked += 1
    assert marked == 4


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"orient": False}, {"mask": False}], ids=str)
def test_a_film_becomes_what_ingest_stores_whichever_breast_it_shows(changes, root):
    opened = options(size=128, **changes).open(root)
    for number in (1, 2, 3, 10):
        found = opened.acquisition.acquire(SpacedImage(film(number)))
        assert_array_equal(found.pixels, opened.image(number - 1).pixels)
        assert found.spacing == opened.image(number - 1).spacing


def test_a_square_is_averaged_and_a_whole_film_refused(root):
    opened = options("regions", region=64, size=16).open(root)
    square = film(2)[400:464, 300:364]
    found = opened.acquisition.acquire(SpacedImage(square))
    assert_allclose(found.pixels, square.reshape(16, 4, 16, 4).mean((1, 3)), rtol=1e-6)
    assert found.spacing == (0.8, 0.8)
    with pytest.raises(DataError) as refused:
        opened.acquisition.acquire(SpacedImage(film(2)))
    assert "1024 × 1024 pixels of type uint8" in refused.value.found
    assert "chest wall on the left, black off the breast: 64 × 64 pixels" in refused.value.allowed
    assert "classifies a lesion and does not find it" in refused.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"pixels": film(2)[:512]}, "512 × 1024 pixels of type uint8"),
        ({"pixels": film(2).astype(np.uint16)}, "1024 × 1024 pixels of type uint16"),
        ({"spacing": (0.1, 0.1)}, "uint8 of 0.1 × 0.1 mm"),
        ({"pixels": np.zeros((1024, 1024), np.uint8)}, "no breast is found"),
    ],
    ids=["cut", "deep", "finer", "blank"],
)
def test_a_film_of_another_kind_is_refused(changed, found, root):
    sound = SpacedImage(film(2), (0.2, 0.2))
    acquisition = options(size=128).open(root).acquisition
    assert acquisition.acquire(sound).pixels.shape == (128, 128)
    with pytest.raises(DataError, match=found):
        acquisition.acquire(replace(sound, **changed))
