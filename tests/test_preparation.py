"""What images went through travels with the model."""

from pathlib import Path

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.preparation import PREPARATION, TRAINING_MEAN, ImageKinds, Preparation, hand_on
from skiagram.records import read_record, write_record
from skiagram.store import Image

RESTORATION = {"_target_": "skiagram.restoration.steps.Steps", "missing": None}
FEATURES = ({"_target_": "b", "distances": [1, 2]}, {"_target_": "a", "zones": 4})


def test_the_kinds_of_a_mixed_data_set() -> None:
    images: list[Image] = [
        np.zeros((8, 30), np.uint8),
        np.zeros((9, 20, 3), np.uint8),
        np.zeros((12, 25), np.float32),
    ]
    kinds = ImageKinds.of(images)
    assert kinds == ImageKinds((1, 3), ("float32", "uint8"), (8, 12), (20, 30))


def test_it_is_handed_on_with_features_and_training_mean(tmp_path: Path) -> None:
    kinds = ImageKinds((1,), ("uint8",), (8, 8), (8, 8))
    write_record(Preparation(kinds, RESTORATION, ()), tmp_path / "restored" / PREPARATION)
    np.save(tmp_path / "restored" / TRAINING_MEAN, np.ones((8, 8)))
    hand_on(tmp_path / "restored", tmp_path / "extracted", FEATURES)
    hand_on(tmp_path / "extracted", tmp_path / "model")
    final = read_record(Preparation, tmp_path / "model" / PREPARATION)
    assert final == Preparation(kinds, RESTORATION, FEATURES)  # families in column order
    assert (np.load(tmp_path / "model" / TRAINING_MEAN) == 1).all()


def test_a_missing_preparation_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"preparation\.json"):
        hand_on(tmp_path, tmp_path / "model")
