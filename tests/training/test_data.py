"""Order and views of the training images; validation images are shown as they are."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skiagram.errors import DataError, ModelFailure
from skiagram.training.data import EpochOrder, ImageSet, LabelledImages
from skiagram.training.image_data import ImageData
from tests.numbered_store import write_images

pytestmark = pytest.mark.slow


def image_set(folder, *images):
    store = write_images(folder, {f"case{row}": image for row, image in enumerate(images)})
    return ImageSet(store, np.array(store.case_ids))


@pytest.fixture
def images(tmp_path):
    draw = np.random.default_rng(0)
    return image_set(tmp_path / "images", *draw.integers(0, 255, (10, 6, 5, 3)).astype(np.uint8))


def order(sampler, epoch):
    sampler.set_epoch(epoch)
    return [int(row) for batch in sampler for row in batch]


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 5), st.integers(1, 4))
def test_every_epoch_shows_every_case(n, batch, epoch, world):
    shares = [order(EpochOrder(n, batch, 7, rank, world), epoch) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    assert {row for share in shares for row in share} == set(range(n))
    assert sum(len(share) for share in shares) < n + world
    assert len(EpochOrder(n, batch, 7, 0, world)) == -(-len(shares[0]) // batch)


@given(st.integers(2, 200), st.integers(3, 40))
def test_no_batch_is_too_large_or_of_a_single_case(n, batch):
    sizes = [len(rows) for rows in EpochOrder(n, batch, 7)]
    assert max(sizes) <= batch
    assert min(sizes) > 1


def test_the_order_is_a_function_of_seed_and_epoch():
    late, early = EpochOrder(20, 4, 7), EpochOrder(20, 4, 7)
    assert [order(early, epoch) for epoch in range(4)][3] == order(late, 3)
    assert order(late, 3) != order(late, 2)
    assert order(late, 3) != order(EpochOrder(20, 4, 8), 3)
    assert order(EpochOrder(20, 4, None), 3) == list(range(20))


def test_streamed_images_equal_held_ones(images):
    label = np.arange(10, dtype=np.int64)
    rows = np.array([7, 0, 7, 3])
    held, streamed = (
        LabelledImages(images, label, None),
        LabelledImages(images, label, None, held_bytes=0),
    )
    assert held.held is not None
    assert streamed.held is None
    for one, other in zip(held[rows], streamed[rows], strict=True):
        assert torch.equal(one, other)
    assert torch.equal(held[rows].label, torch.from_numpy(rows))


def test_only_training_images_get_views(images):
    examples = LabelledImages(images, np.zeros(10, dtype=np.int64), None)
    data = ImageData(examples, examples, batch_size=4, seed=1, augmented=True)
    training = [batch.uniform.shape[1] for batch in data.train_dataloader()]
    validation = list(data.val_dataloader())
    assert training == [12, 12, 12]
    assert [batch.uniform.shape[1] for batch in validation] == [0, 0, 0]
    assert torch.equal(torch.cat([batch.images for batch in validation]), examples.held)


@pytest.mark.parametrize("held_bytes", [0, 2**20])
@pytest.mark.parametrize("level", [0.0, 20_000.0])
@pytest.mark.parametrize("shape", [(300, 4, 5, 3), (10, 3, 4, 5, 1)])
def test_moments_are_numpys_over_all_pixels_or_voxels(tmp_path, shape, level, held_bytes):
    draw = np.random.default_rng(0)
    pixels = (level + draw.normal(3.0, 2.0, shape)).astype(np.float32)
    label = np.zeros(len(pixels), dtype=np.int64)
    mean, deviation = LabelledImages(
        image_set(tmp_path, *pixels), label, None, held_bytes=held_bytes
    ).moments()
    axes = tuple(range(len(shape) - 1))
    assert_allclose(mean, pixels.mean(axis=axes, dtype=np.float64), rtol=1e-5)
    assert_allclose(deviation, pixels.std(axis=axes, dtype=np.float64), rtol=1e-4)


def test_differing_sizes_need_the_option(tmp_path):
    images = image_set(tmp_path, np.zeros((4, 5), np.uint8), np.ones((8, 6), np.uint8))
    with pytest.raises(ModelFailure, match=r"case0.*case1.*training\.image_size"):
        images.shape(None)
    assert images.shape(7) == (1, 7, 7)
    read = images.read(np.arange(2), 7)
    assert read.shape == (2, 1, 7, 7)
    torch.testing.assert_close(read[1], torch.ones(1, 7, 7))


def test_volumes_of_differing_sizes_become_cubes_along_each_axis_alike(tmp_path):
    draw = np.random.default_rng(0)
    long = draw.normal(size=(6, 8, 10, 1)).astype(np.float32)
    images = image_set(tmp_path, long, draw.normal(size=(5, 9, 7, 1)).astype(np.float32))
    with pytest.raises(ModelFailure, match=r"volumes of channels, depth.*training\.image_size"):
        images.shape(None)
    assert images.shape(4) == (1, 4, 4, 4)
    found = images.read(np.arange(2), 4)[0, 0].numpy()
    turned = image_set(tmp_path / "turned", np.moveaxis(long, 0, 2))
    expected = np.moveaxis(turned.read(np.arange(1), 4)[0, 0].numpy(), 2, 0)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_missing_pixels_name_the_case(tmp_path, missing):
    hole = np.zeros((4, 4), dtype=np.float32)
    hole[1, 2] = missing
    with pytest.raises(DataError, match=r"case1: missing pixels.*restoration"):
        image_set(tmp_path, np.zeros((4, 4), np.float32), hole).read(np.arange(2), None)
