"""Whole stores: records, names in errors, memory."""

import tracemalloc
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from skiagram.compute import IN_PROCESS, Compute
from skiagram.errors import DataError
from skiagram.records import read_table
from skiagram.restoration.batch import restore_store
from skiagram.store import ImageStore, ShardWriter
from tests.restoration.phantom import film, restoration
from tests.restoration.phantom import restored as alone


def test_every_image_is_restored_on_its_own_and_its_treatment_recorded(tmp_path: Path) -> None:
    images = {"b": film(0).faulty, "a": film(1).noisy, "c": film(2).faulty[:40, :51]}
    with ShardWriter(tmp_path / "images") as writer:
        for case_id, image in images.items():
            writer.add(case_id, image)
    steps = restoration("wavelet")
    for run in ("first", "second"):
        record = tmp_path / f"{run}.parquet"
        restore_store(ImageStore(tmp_path / "images"), steps, tmp_path / run, record)
    restored = ImageStore(tmp_path / "first")
    assert restored.case_ids == ["b", "a", "c"]
    assert restored.sha256 == ImageStore(tmp_path / "second").sha256
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()
    table = read_table(tmp_path / "first.parquet").set_index("case_id")
    assert list(table.columns) == ["missing", "outliers", "dead_lines", "noise"]
    for case_id, image in images.items():
        expected, treatment = alone(steps, image)
        np.testing.assert_array_equal(restored.image(case_id), expected)
        assert table.loc[case_id, "outliers"] == treatment.outliers
        assert table.loc[case_id, "noise"] == treatment.noise


@pytest.mark.parametrize(
    "backend", ["processes", pytest.param("ray", marks=pytest.mark.slow)], ids=["joblib", "ray"]
)
def test_workers_restore_to_equal_bytes(
    tmp_path: Path, backend: Literal["processes", "ray"]
) -> None:
    generator = np.random.default_rng(0)
    with ShardWriter(tmp_path / "images") as writer:
        for at in range(3):  # a piece of work each
            image = generator.normal(100, 20, (700 + at, 800)).astype(np.float32)
            writer.add(f"case-{at}", image, (0.1, 0.1 + at))
    two = Compute(threads=1, workers=2, backend=backend, address=None)
    for name, compute in (("alone", IN_PROCESS), ("shared", two)):
        restore_store(
            ImageStore(tmp_path / "images"),
            restoration("wavelet"),
            tmp_path / name,
            tmp_path / f"{name}.parquet",
            compute=compute,
        )
    assert ImageStore(tmp_path / "alone").sha256 == ImageStore(tmp_path / "shared").sha256
    assert (tmp_path / "alone.parquet").read_bytes() == (tmp_path / "shared.parquet").read_bytes()


def test_an_image_with_nothing_known_is_named_and_leaves_no_finished_store(
    tmp_path: Path,
) -> None:
    with ShardWriter(tmp_path / "images") as writer:
        writer.add("case-1", film(0).clean)
        writer.add("case-2", np.full((8, 8), np.nan, np.float32))
    with pytest.raises(DataError, match=r"^case-2: every pixel is missing"):
        restore_store(
            ImageStore(tmp_path / "images"),
            restoration("wavelet"),
            tmp_path / "restored",
            tmp_path / "treatment.parquet",
        )
    assert not (tmp_path / "restored" / "index.json").exists()
    assert not (tmp_path / "treatment.parquet").exists()


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    image = np.zeros((512, 512), np.float32)
    peaks = []
    for count in (20, 50):
        with ShardWriter(tmp_path / f"images-{count}") as writer:
            for at in range(count):
                writer.add(f"{at}", image)
        store = ImageStore(tmp_path / f"images-{count}")
        tracemalloc.start()
        restore_store(store, restoration("none"), tmp_path / f"r{count}", tmp_path / f"t{count}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 5e6 < 50 * image.nbytes / 2
