"""What ingest refuses, with file, finding and remedy."""

import numpy as np
import pytest

from skiagram.datasets.checks import check_entries, check_image
from skiagram.datasets.contract import tabulate_entries
from skiagram.errors import DataError
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task


def task(design):
    return Task(Classes(("benign", "malignant"), 1), design)


def entries(*rows):
    names = [f"film-{at}.dcm" for at in range(len(rows))]
    return tabulate_entries(names, *zip(*rows, strict=True))


SOUND = ("A", 0, "train"), ("B", 1, "train"), ("C", 0, "test"), ("D", 1, "test")


@pytest.mark.parametrize(
    ("one", "other"), [("train", "test"), ("validation", "test"), ("train", "validation")]
)
def test_patient_in_two_published_splits_is_refused(one, other):
    crossing = entries(*SOUND, ("X", 0, one), ("X", 0, other))
    with pytest.raises(DataError, match="1 patients have images in several splits") as raised:
        check_entries(crossing, task("holdout"), "memory")
    assert f"`film-4.dcm` in {one}" in raised.value.found
    assert f"`film-5.dcm` in {other}" in raised.value.found
    assert "design=cv" in raised.value.remedy
    check_entries(crossing, task("cv"), "memory")


@pytest.mark.parametrize("split", [None, "train"])
def test_holdout_needs_a_published_test_split(split):
    without = entries(("A", 0, split), ("B", 1, split))
    with pytest.raises(DataError, match="no published test split"):
        check_entries(without, task("holdout"), "memory")


def test_one_class_among_development_cases_is_refused():
    one_class = entries(("A", 1, "train"), ("B", 1, "train"), ("C", 0, "test"), ("D", 1, "test"))
    with pytest.raises(DataError, match="only one class in the development set: malignant"):
        check_entries(one_class, task("holdout"), "memory")
    with pytest.raises(DataError, match="only one class among all cases: malignant"):
        check_entries(one_class[:2], task("cv"), "memory")


@pytest.mark.parametrize("label", [-1, 2])
def test_label_outside_the_classes_is_refused(label):
    with pytest.raises(DataError, match=rf"labels \[{label}\]") as raised:
        check_entries(entries(*SOUND, ("X", label, "train")), task("holdout"), "memory")
    assert raised.value.allowed == "0 to 1, one per class"


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((1, 1), dtype=np.uint8), "an image of 1 × 1 pixels"),
        (np.zeros((64, 7, 3), dtype=np.uint8), "an image of 64 × 7 pixels"),
        (np.zeros((9, 7, 8, 1), dtype=np.uint8), "slices of 7 × 8 pixels"),
        (np.full((8, 8), np.nan, dtype=np.float32), "every pixel is missing"),
        (np.full((8, 8), -np.inf, dtype=np.float32), "infinite pixel values"),
    ],
)
def test_image_without_usable_pixels_is_refused(image, found):
    with pytest.raises(DataError) as raised:
        check_image(image, "film-1.dcm")
    assert raised.value.found == found
    assert raised.value.where == "film-1.dcm"
    assert raised.value.remedy
