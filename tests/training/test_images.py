"""Images of every stored depth become equal tensors, or are refused by name."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from skiagram.errors import DataError, ModelFailure
from skiagram.store import ImageStore, ShardWriter
from skiagram.training.images import ImageSet


def image_set(folder: Path, *images: NDArray[np.generic]) -> ImageSet:
    with ShardWriter(folder) as writer:
        for row, image in enumerate(images):
            writer.add(f"case{row}", image)
    store = ImageStore(folder)
    return ImageSet(store, np.array(store.case_ids))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_values_are_kept(tmp_path: Path, kind: type[np.generic]) -> None:
    gray = np.arange(20).reshape(4, 5).astype(kind)
    images = image_set(tmp_path, gray, gray + gray)
    assert images.shape(None) == (1, 4, 5)
    read = images.read(np.array([1]), None)
    assert read.dtype == torch.float32
    np.testing.assert_array_equal(read[0, 0].numpy(), 2 * gray.astype(np.float32))


def test_colour_comes_first(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (4, 5, 3)).astype(np.uint8)
    read = image_set(tmp_path, colour).read(np.array([0]), None)
    np.testing.assert_array_equal(read[0].numpy(), colour.transpose(2, 0, 1))


def test_differing_sizes_need_the_option(tmp_path: Path) -> None:
    images = image_set(tmp_path, np.zeros((4, 5), np.uint8), np.ones((8, 6), np.uint8))
    with pytest.raises(ModelFailure, match=r"case0.*case1.*training\.image_size"):
        images.shape(None)
    assert images.shape(7) == (1, 7, 7)
    read = images.read(np.arange(2), 7)
    assert read.shape == (2, 1, 7, 7)
    torch.testing.assert_close(read[1], torch.ones(1, 7, 7))


def test_a_volume_has_one_channel_and_its_slices(tmp_path: Path) -> None:
    volume = np.random.default_rng(0).integers(0, 255, (3, 4, 5, 1)).astype(np.uint8)
    images = image_set(tmp_path, volume)
    assert images.shape(None) == (1, 3, 4, 5)
    np.testing.assert_array_equal(images.read(np.array([0]), None)[0, 0].numpy(), volume[..., 0])


def test_volumes_of_differing_sizes_become_cubes_along_each_axis_alike(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    long = draw.normal(size=(6, 8, 10, 1)).astype(np.float32)
    images = image_set(tmp_path, long, draw.normal(size=(5, 9, 7, 1)).astype(np.float32))
    with pytest.raises(ModelFailure, match=r"volumes of channels, depth.*training\.image_size"):
        images.shape(None)
    assert images.shape(4) == (1, 4, 4, 4)
    found = images.read(np.arange(2), 4)[0, 0].numpy()
    turned = image_set(tmp_path / "turned", np.moveaxis(long, 0, 2))
    expected = np.moveaxis(turned.read(np.arange(1), 4)[0, 0].numpy(), 2, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_missing_pixels_name_the_case(tmp_path: Path, missing: float) -> None:
    hole = np.zeros((4, 4), dtype=np.float32)
    hole[1, 2] = missing
    with pytest.raises(DataError, match=r"case1: missing pixels.*restoration"):
        image_set(tmp_path, np.zeros((4, 4), np.float32), hole).read(np.arange(2), None)
