"""Whole stores: records, names in errors, memory."""

import dataclasses
import tracemalloc
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.errors import DataError, OptionError
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.preparation import TRAINING_MEAN
from skiagram.records.files import read_table
from skiagram.restoration import restore
from skiagram.restoration.restore import TREATMENT, restore_store, training_mean
from tests.cases import make_cases
from tests.numbered_store import write_images
from tests.restoration.phantom import film, restoration, tissue
from tests.restoration.phantom import restored as alone


def store(folder, images):
    """Write images; those without a name are called c0, c1 and so on."""
    if not isinstance(images, Mapping):
        images = {f"c{at}": image for at, image in enumerate(images)}
    return write_images(folder, images)


@pytest.mark.slow
def test_the_treatment_of_every_image_is_recorded(tmp_path):
    images = {"b": film(0).faulty, "a": film(1).noisy, "c": film(2).faulty[:40, :51]}
    source, steps = store(tmp_path / "images", images), restoration("wavelet")
    restore_store(source, steps, tmp_path / "restored")
    assert ImageStore(tmp_path / "restored").case_ids == ["b", "a", "c"]
    table = read_table(tmp_path / "restored" / TREATMENT).set_index("case_id")
    assert list(table.columns) == ["missing", "outliers", "dead_lines", "noise"]
    for case_id, image in images.items():
        _, treatment = alone(steps, image)
        assert table.loc[case_id, "outliers"] == treatment.outliers
        assert table.loc[case_id, "noise"] == treatment.noise


def test_runs_of_like_images_are_restored_as_each_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(restore, "_RUN_VALUES", 3 * 64 * 64)
    likes = [film(0).faulty, film(1).faulty, film(2).noisy, film(3).faulty, film(4).faulty]
    others = [
        film(5).faulty[:40],
        np.ones((40, 64), np.uint8),
        np.full((40, 64), 3, np.uint16),
    ]
    images = {f"c{at}": image for at, image in enumerate([*likes, *others])}
    with ShardWriter(tmp_path / "images") as writer:
        for case_id, image in images.items():
            writer.add(case_id, image, (0.1, 0.2) if case_id == "c1" else None)
    source = ImageStore(tmp_path / "images")
    steps = restoration("repair")
    restore_store(source, steps, tmp_path / "restored")
    restored = ImageStore(tmp_path / "restored")
    assert restored.case_ids == list(images)
    assert restored.spacing("c1") == (0.1, 0.2)
    assert restored.spacing("c2") is None
    for case_id, image in images.items():
        assert_array_equal(restored.image(case_id), alone(steps, image)[0])


def test_an_image_with_nothing_known_is_named_and_leaves_no_finished_store(tmp_path):
    images = [film(0).clean, np.full((64, 64), np.nan, np.float32)]
    source = store(tmp_path / "images", images)
    with pytest.raises(DataError, match=r"^c1: every pixel is missing"):
        restore_store(source, restoration("wavelet"), tmp_path / "restored")
    assert not (tmp_path / "restored" / "index.json").exists()
    assert not (tmp_path / "restored" / TREATMENT).exists()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    image = np.zeros((512, 512), np.float32)
    peaks = []
    for count in (20, 50):
        source = store(tmp_path / f"images-{count}", [image] * count)
        tracemalloc.start()
        restore_store(source, restoration("none"), tmp_path / f"r{count}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 5e6 < 50 * image.nbytes / 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["repair", "wavelet", "article"])
@pytest.mark.parametrize("shape", [(700, 1000), (600, 400, 3)])
def test_memory_stays_within_seven_times_an_image(name, shape):
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    image[3, 4] = np.nan
    steps = restoration(name)
    alone(steps, image[:64, :64])
    tracemalloc.start()
    alone(steps, image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak + image.nbytes < 7 * image.nbytes


SPLIT = np.array(["train", "train", "validation", "test"])


def cases(split=SPLIT):
    return make_cases([0, 1, 0, 1], split, name="c{}")


def gappy(*shape):
    rng = np.random.default_rng(0)
    images = list(rng.normal(size=(4, *shape)).astype(np.float32))
    for image in images:
        image[rng.random(shape) < 0.2] = np.nan
    images[0][0, 0] = 1.0
    return images


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3), (4, 9, 8, 1)])
def test_it_is_the_mean_of_known_development_pixels_alone(shape, tmp_path):
    images = gappy(*shape)
    mean = training_mean(store(tmp_path / "a", images), cases())
    reference = np.stack(images[:3])
    known = np.isfinite(reference).any(axis=0)
    expected = np.nanmean(reference[:, known], axis=0)
    assert_allclose(mean[known], expected, rtol=1e-5, atol=1e-6)
    assert mean.dtype == np.float32
    images[3] = images[3] + 100
    other = training_mean(store(tmp_path / "b", images), cases())
    assert_array_equal(mean, other)


def test_a_pixel_no_volume_knows_takes_the_mean_around_it_in_its_slice(tmp_path):
    volume = np.broadcast_to(np.arange(3, dtype=np.float32)[:, None, None, None], (3, 5, 5, 1))
    volume = volume.copy()
    volume[1, 2, 2] = np.nan
    mean = training_mean(store(tmp_path, [volume] * 4), cases())
    assert_array_equal(mean[:, 2, 2, 0], [0, 1, 2])


def test_missing_pixels_take_it_and_labels_change_no_byte(tmp_path):
    images = [tissue(seed, 16) for seed in range(4)]
    images[3][4, 5] = np.nan
    source = store(tmp_path / "images", images)
    fill = dataclasses.replace(restoration("training_mean"), outliers=None, denoising=None)
    table = cases()
    permuted = dataclasses.replace(table, label=table.label[::-1].copy())
    for name, given in (("a", table), ("b", permuted)):
        restore_store(source, fill, tmp_path / name, given)
    expected = np.mean([image[4, 5] for image in images[:3]])
    assert ImageStore(tmp_path / "a").image("c3")[4, 5] == pytest.approx(expected)
    assert_allclose(np.load(tmp_path / "a" / TRAINING_MEAN), np.mean(images[:3], axis=0), atol=1e-6)
    written = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert TRAINING_MEAN in written
    for name in written:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("images", "split", "message"),
    [
        (gappy(9, 8), np.full(4, "train"), r"missing\.method: `training_mean` .* design cv"),
        (
            [tissue(0, 8), tissue(1, 8), tissue(2, 9), tissue(3, 8)],
            SPLIT,
            r"c2: image of shape \(9, 9\) after one of \(8, 8\)",
        ),
        (
            [np.full((4, 4), np.nan, np.float32)] * 4,
            SPLIT,
            "every pixel of every development image is missing",
        ),
    ],
)
def test_images_without_a_mean_are_refused_by_name(images, split, message, tmp_path):
    with pytest.raises((DataError, OptionError), match=message):
        training_mean(store(tmp_path, images), cases(split))


def test_a_sealed_image_of_another_size_is_refused_too(tmp_path):
    images = [tissue(0, 8), tissue(1, 8), tissue(2, 8), tissue(3, 9)]
    source = store(tmp_path / "images", images)
    with pytest.raises(DataError, match=r"c3: .*\(9, 9\).* training mean of \(8, 8\)"):
        restore_store(source, restoration("training_mean"), tmp_path / "a", cases())
    assert not (tmp_path / "a" / "index.json").exists()
