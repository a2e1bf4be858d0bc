"""The mean development image, and when it is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from skiagram.errors import DataError, OptionError
from skiagram.preparation import TRAINING_MEAN
from skiagram.records import Cases
from skiagram.restoration.batch import restore_store
from skiagram.restoration.training_mean import training_mean
from skiagram.store import ImageStore, ShardWriter
from tests.restoration.phantom import Plane, restoration, tissue

SPLIT = np.array(["train", "train", "validation", "test"])


def cases(split: NDArray[np.str_] = SPLIT) -> Cases:
    names = np.array([f"c{at}" for at in range(len(split))])
    return Cases(names, names, split, np.array([0, 1, 0, -1]))


def store(folder: Path, images: list[Plane]) -> ImageStore:
    with ShardWriter(folder) as writer:
        for at, image in enumerate(images):
            writer.add(f"c{at}", image)
    return ImageStore(folder)


def gappy(*shape: int) -> list[Plane]:
    rng = np.random.default_rng(0)
    images = list(rng.normal(size=(4, *shape)).astype(np.float32))
    for image in images:
        image[rng.random(shape) < 0.2] = np.nan
    images[0][0, 0] = 1.0
    return images


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3), (4, 9, 8, 1)])
def test_it_is_the_mean_of_known_development_pixels_alone(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    images = gappy(*shape)
    mean = training_mean(store(tmp_path / "a", images), cases())
    reference = np.stack(images[:3])
    known = np.isfinite(reference).any(axis=0)
    expected = np.nanmean(reference[:, known], axis=0)
    np.testing.assert_allclose(mean[known], expected, rtol=1e-5, atol=1e-6)
    assert mean.dtype == np.float32
    images[3] = images[3] + 100
    other = training_mean(store(tmp_path / "b", images), cases())
    np.testing.assert_array_equal(mean, other)


def test_a_pixel_no_volume_knows_takes_the_mean_around_it_in_its_slice(tmp_path: Path) -> None:
    volume = np.broadcast_to(np.arange(3, dtype=np.float32)[:, None, None, None], (3, 5, 5, 1))
    volume = volume.copy()
    volume[1, 2, 2] = np.nan
    mean = training_mean(store(tmp_path, [volume] * 4), cases())
    np.testing.assert_array_equal(mean[:, 2, 2, 0], [0, 1, 2])


def test_a_pixel_no_image_knows_takes_the_mean_around_it(tmp_path: Path) -> None:
    images = [np.full((5, 5), value, np.float32) for value in (1, 2, 6, 50)]
    for image in images:
        image[2, 2] = np.nan
    mean = training_mean(store(tmp_path, images), cases())
    np.testing.assert_allclose(mean, np.full((5, 5), 3))


def test_missing_pixels_take_it_and_labels_change_no_byte(tmp_path: Path) -> None:
    images = [tissue(seed, 16) for seed in range(4)]
    images[3][4, 5] = np.nan
    source = store(tmp_path / "images", images)
    fill = dataclasses.replace(restoration("training_mean"), outliers=None, denoising=None)
    table = cases()
    permuted = dataclasses.replace(table, label=table.label[::-1].copy())
    for name, given in (("a", table), ("b", permuted)):
        restore_store(source, fill, tmp_path / name, tmp_path / f"{name}.parquet", given)
    expected = np.mean([image[4, 5] for image in images[:3]])
    assert ImageStore(tmp_path / "a").image("c3")[4, 5] == pytest.approx(expected)
    np.testing.assert_allclose(
        np.load(tmp_path / "a" / TRAINING_MEAN), np.mean(images[:3], axis=0), atol=1e-6
    )
    for name in ("index.json", "images-00000.arrow", TRAINING_MEAN):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_cross_validation_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"missing\.method: `training_mean` .* design cv"):
        training_mean(store(tmp_path, gappy(9, 8)), cases(np.full(4, "train")))


def test_unequal_sizes_are_refused_by_name_of_the_case(tmp_path: Path) -> None:
    images = [tissue(0, 8), tissue(1, 8), tissue(2, 9), tissue(3, 8)]
    with pytest.raises(DataError, match=r"c2: image of shape \(9, 9\) after one of \(8, 8\)"):
        training_mean(store(tmp_path / "a", images), cases())


def test_a_sealed_image_of_another_size_is_refused_too(tmp_path: Path) -> None:
    images = [tissue(0, 8), tissue(1, 8), tissue(2, 8), tissue(3, 9)]
    source = store(tmp_path / "images", images)
    with pytest.raises(DataError, match=r"c3: .*\(9, 9\).* training mean of \(8, 8\)"):
        restore_store(
            source, restoration("training_mean"), tmp_path / "a", tmp_path / "a.parquet", cases()
        )
    assert not (tmp_path / "a" / "index.json").exists()


def test_images_that_know_nothing_are_refused(tmp_path: Path) -> None:
    blank = [np.full((4, 4), np.nan, np.float32)] * 4
    with pytest.raises(DataError, match="every pixel of every development image is missing"):
        training_mean(store(tmp_path, blank), cases())


def test_a_store_alone_does_not_tell_which_images_are_development(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no case table"):
        restore_store(
            store(tmp_path / "images", gappy(9, 8)),
            restoration("training_mean"),
            tmp_path / "a",
            tmp_path / "a.parquet",
        )
