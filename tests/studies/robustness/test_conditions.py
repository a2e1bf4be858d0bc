"""Worse images pass through the same restoration; each has a random stream of its own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import DataError
from skiagram.records import write_table
from skiagram.store import ShardWriter
from skiagram.studies.passes import DataSet, Options, Prepared
from skiagram.studies.place import Place
from skiagram.studies.robustness.conditions import Condition, conditioned
from tests.studies.small_phantom import local_compute

FILL: Options = {
    "_target_": "skiagram.restoration.steps.Steps",
    "missing": {"method": "lowest", "radius": 1},
    "outliers": None,
    "denoising": None,
}
IDS = ("case-0", "case-1", "case-2")


def condition(folder: Path, *case_id: str, amount: float = 0.2, seed: int = 0) -> Condition:
    """Return noise on three equal films with a gap."""
    if not (folder / "images").exists():
        film = np.random.default_rng(0).random((16, 16), dtype=np.float32)
        film[0, 0] = np.nan
        with ShardWriter(folder / "images") as writer:
            for name in IDS:
                writer.add(name, film, (0.2, 0.3))
        write_table(pd.DataFrame({"case_id": IDS}), folder / "cases/covariates.parquet")
    clean = Prepared(DataSet(folder), folder, folder)
    place = Place(folder, None, folder / "work", local_compute())
    return Condition(place, clean, FILL, {}, np.array(case_id), "noise", amount, seed)


def test_worse_images_are_restored_and_keep_their_spacing(tmp_path: Path) -> None:
    images = conditioned(condition(tmp_path, *IDS)).images
    assert images.case_ids == list(IDS)
    assert all(np.isfinite(image).all() for _, image in images)
    assert images.spacing("case-1") == (0.2, 0.3)


def test_equal_films_get_noise_of_their_own_that_no_other_case_moves(tmp_path: Path) -> None:
    whole = conditioned(condition(tmp_path, *IDS)).images
    alone = conditioned(condition(tmp_path, "case-2")).images
    np.testing.assert_array_equal(whole.image("case-2"), alone.image("case-2"))
    assert not np.array_equal(whole.image("case-1"), whole.image("case-2"))
    other = conditioned(condition(tmp_path, *IDS, seed=1)).images
    assert not np.array_equal(whole.image("case-2"), other.image("case-2"))


def test_an_image_that_is_lost_is_named_with_its_corruption(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"case-9 under noise of 0\.2: no such case"):
        conditioned(condition(tmp_path, "case-9"))
    assert not list((tmp_path / "work").iterdir())
