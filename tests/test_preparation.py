"""What images went through travels with the model."""

from types import SimpleNamespace

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.preparation import (
    PREPARATION,
    TRAINING_MEAN,
    Covariate,
    ImageKinds,
    Preparation,
    TraitRanges,
    brightness_of,
    propagate_preparation,
)
from skiagram.records.files import read_record, write_record

COVARIATES = (Covariate("age", None), Covariate("side", ("left", "right")))
RESTORATION = {"_target_": "skiagram.restoration.steps.Steps", "missing": None}
FEATURES = ({"_target_": "b", "distances": [1, 2]}, {"_target_": "a", "zones": 4})


def note(spacing, modality, image):
    brightness, contrast = brightness_of(image)
    seen = {"spacing": spacing, "modality": modality}
    return SimpleNamespace(**seen, brightness=brightness, contrast=contrast)


def test_the_kinds_of_a_mixed_data_set():
    images = [
        np.zeros((8, 30), np.uint8),
        np.zeros((9, 20, 3), np.uint8),
        np.zeros((12, 25), np.float32),
    ]
    kinds = ImageKinds.of(images)
    assert kinds == ImageKinds((1, 3), ("float32", "uint8"), (8, 12), (20, 30))


def test_the_traits_are_the_ranges_of_what_was_seen():
    gap = np.array([[np.nan, 200.0], [220.0, 240.0]], np.float32)
    traits = TraitRanges.of(
        [
            note((0.1, 0.2), "MG", np.full((8, 8), 100, np.uint8)),
            note((0.3, 0.1), "", gap),
            note(None, "MG", np.full((8, 8), 50, np.uint8)),
        ]
    )
    deviation = float(np.std(np.array([200, 220, 240], np.float32), dtype=np.float64))
    assert traits == TraitRanges(
        ("", "MG"), ((0.1, 0.3), (0.1, 0.2)), True, (50.0, 220.0), (0.0, deviation)
    )
    assert traits.unlike(np.full((8, 8), 60, np.uint8), None, "") == ()
    assert traits.unlike(np.full((8, 8), 60, np.uint8), (0.1, 0.4), "CT") == (
        "modality CT, in training none or MG",
        "column spacing 0.4, in training 0.1 to 0.2",
    )


def test_files_that_never_name_a_modality_ask_none_of_new_ones():
    seen = TraitRanges.of([note((2.0, 1.0, 1.0), "", np.zeros((4, 8, 8, 1), np.uint8))])
    found = seen.unlike(np.zeros((4, 8, 8, 1), np.uint8), (3.0, 1.0, 1.0), "CT")
    assert found == ("slice spacing 3, in training 2 to 2",)


def test_each_stage_adds_to_what_it_is_handed(tmp_path):
    kinds = ImageKinds((1,), ("uint8",), (8, 8), (8, 8))
    write_record(Preparation(kinds, gray=True), tmp_path / "images" / PREPARATION)
    propagate_preparation(tmp_path / "images", tmp_path / "restored", restoration=RESTORATION)
    np.save(tmp_path / "restored" / TRAINING_MEAN, np.ones((8, 8)))
    propagate_preparation(
        tmp_path / "restored", tmp_path / "extracted", features=FEATURES, covariates=COVARIATES
    )
    propagate_preparation(tmp_path / "extracted", tmp_path / "model")
    final = read_record(Preparation, tmp_path / "model" / PREPARATION)
    # families in column order
    assert final == Preparation(kinds, RESTORATION, FEATURES, COVARIATES, gray=True)
    assert (np.load(tmp_path / "model" / TRAINING_MEAN) == 1).all()


def test_a_missing_preparation_is_named(tmp_path):
    with pytest.raises(DataError, match=r"preparation\.json"):
        propagate_preparation(tmp_path, tmp_path / "model")
