"""Whole stores: records, names in errors, memory."""

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from skiagram.compute import IN_PROCESS, Compute
from skiagram.errors import DataError
from skiagram.records import read_table
from skiagram.restoration import batch
from skiagram.restoration.batch import ImageBatch, restore_batch, restore_store
from skiagram.store import Image, ImageStore, ShardWriter
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


def test_workers_restore_to_equal_bytes(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    with ShardWriter(tmp_path / "images") as writer:
        for at in range(3):  # a piece of work each
            image = generator.normal(100, 20, (700 + at, 800)).astype(np.float32)
            writer.add(f"case-{at}", image, (0.1, 0.1 + at))
    two = Compute(threads=1, workers=2, backend="local", address=None)
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


def test_runs_of_like_images_are_restored_as_each_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_RUN_VALUES", 3 * 64 * 64)
    likes = [film(0).faulty, film(1).faulty, film(2).noisy, film(3).faulty, film(4).faulty]
    others: list[Image] = [
        film(5).faulty[:40],
        np.ones((40, 64), np.uint8),
        np.full((40, 64), 3, np.uint16),
    ]
    images = {f"c{at}": image for at, image in enumerate([*likes, *others])}
    with ShardWriter(tmp_path / "images") as writer:
        for case_id, image in images.items():
            writer.add(case_id, image, (0.1, 0.2) if case_id == "c1" else None)
    store = ImageStore(tmp_path / "images")
    runs = store.runs(0, len(store), batch._RUN_VALUES)
    assert [len(each.images) for each in runs] == [3, 2, 1, 1, 1]
    steps = restoration("repair")
    restore_store(store, steps, tmp_path / "restored", tmp_path / "treatment.parquet")
    restored = ImageStore(tmp_path / "restored")
    assert restored.case_ids == list(images)
    assert restored.spacing("c1") == (0.1, 0.2)
    assert restored.spacing("c2") is None
    for case_id, image in images.items():
        np.testing.assert_array_equal(restored.image(case_id), alone(steps, image)[0])


def test_a_batch_can_be_restored_by_another_process() -> None:
    example = ImageBatch(["a", "b"], np.stack([film(0).faulty, film(1).faulty]))
    sent, steps = pickle.loads(pickle.dumps((example, restoration("wavelet"))))
    ours, treatments = restore_batch(sent, steps, None)
    expected, same = restoration("wavelet").restore(example.images)
    np.testing.assert_array_equal(ours, expected)
    assert treatments == same


def test_an_image_with_nothing_known_is_named_and_leaves_no_finished_store(
    tmp_path: Path,
) -> None:
    with ShardWriter(tmp_path / "images") as writer:
        writer.add("case-1", film(0).clean)
        writer.add("case-2", np.full((64, 64), np.nan, np.float32))
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


@pytest.mark.parametrize("name", ["repair", "wavelet", "article"])
@pytest.mark.parametrize("shape", [(1400, 2000), (1200, 800, 3)])
def test_memory_stays_within_four_times_an_image(name: str, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    image[3, 4] = np.nan
    steps = restoration(name)
    alone(steps, image[:64, :64])
    tracemalloc.start()
    alone(steps, image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak + image.nbytes < 4 * image.nbytes
