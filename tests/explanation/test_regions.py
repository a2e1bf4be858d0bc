"""Known regions of images, the images without them, and a planted shortcut."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skiagram.datasets.contract import Mark
from skiagram.explanation.explained_model import KnownRegions
from skiagram.explanation.importance import auc_loss
from skiagram.explanation.regions import (
    blank_image,
    blank_images,
    borrow_regions,
    draw_mark,
    find_regions,
    resize_mask,
)
from skiagram.explanation.saliency import ExplainedNetwork, explain
from skiagram.explanation.trust import locate
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore, modality_folders, write_modalities
from skiagram.images import Region
from skiagram.models.deep.fitted import Architecture, Sizes
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.training.classifier import Classifier
from tests.explanation.test_saliency import OPTIONS
from tests.models.classical.families import read_options
from tests.numbered_store import write_images

pytestmark = pytest.mark.slow


def test_marks_stand_on_the_grid_that_a_network_sees():
    mask = draw_mark(Mark((10.0, 20.0), 4.0), (32, 64))
    assert mask.sum() == pytest.approx(np.pi * 16, rel=0.1)
    smaller = resize_mask(mask, (16, 32))
    assert np.mean(np.nonzero(smaller), axis=1) == pytest.approx([5, 10], abs=0.6)
    tiny = resize_mask(draw_mark(Mark((10.0, 20.0), 0.2), (32, 64)), (4, 8))
    assert np.argwhere(tiny).tolist() == [[1, 2]]
    ball = draw_mark(Mark((5.0, 5.0, 5.0), 3.0), (11, 11, 11))
    assert ball.sum() == pytest.approx(4 / 3 * np.pi * 27, rel=0.15)


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 3), (12, 12, 12, 1)])
def test_blanking_leaves_the_other_part_as_it_is(shape):
    image = np.random.default_rng(0).normal(100, 10, shape).astype(np.float32)
    region = draw_mark(
        Mark((8.0,) * (2 if len(shape) < 4 else 3), 3.0), shape[: max(2, len(shape) - 1)]
    )
    for outside in (False, True):
        blanked = blank_image(image, region, outside=outside)
        kept = region if outside else ~region
        assert blanked.shape == shape
        assert_array_equal(blanked[kept], image[kept])
        assert (
            np.ptp(blanked[~kept].reshape(-1, shape[-1] if len(shape) > 2 else 1), axis=0).max()
            < 1e-3
        )


def test_cases_without_a_region_borrow_one_that_lies_on_tissue(tmp_path):
    image = np.zeros((20, 20), dtype=np.float32)
    image[:, 10:] = np.random.default_rng(0).uniform(1, 2, (20, 10))
    store = write_images(tmp_path, dict.fromkeys("abcd", image))
    left, right = (draw_mark(Mark((10.0, column), 3.0), (20, 20)) for column in (4.0, 15.0))
    lent = borrow_regions(
        store, KnownRegions("nodule", {"a": left, "b": right}, of_all=False),
        list("abcd"), 0,
    )  # fmt: skip
    assert_array_equal(lent["a"], left)
    for case in "cd":
        assert_array_equal(lent[case], right)


def test_each_modality_is_blanked_by_its_own_region(tmp_path):
    images = tmp_path / "images"
    sides = {"PET": 8, "MR": 12}  # the same body on two grids
    for name, side in sides.items():
        outline = draw_mark(Mark((side / 2,) * 3, side / 4), (side,) * 3)
        inside = outline & (np.arange(side) < side / 2)  # odd voxels left the region
        with ShardWriter(images if name == "PET" else images / name) as writer:
            for case in "ab":
                volume = np.random.default_rng(side).normal(100, 10, (side, side, side, 1))
                writer.add(case, volume.astype(np.float32), None, Region(inside, outline))
    write_modalities(images, list(sides))
    prepared = replace(PreparedData.under(tmp_path), images=images)
    known = find_regions(prepared, ["a", "b"], "lesion")
    blank_images(images, known, ["a", "b"], 0, tmp_path / "blanked", outside=False)
    folders = modality_folders(tmp_path / "blanked")
    assert list(folders) == list(sides)
    for name, folder in folders.items():
        outline = draw_mark(Mark((sides[name] / 2,) * 3, sides[name] / 4), (sides[name],) * 3)
        image = ImageStore(folder).image("a")[..., 0]
        assert np.ptp(image[outline]) == 0  # the region as it was drawn
        assert np.ptp(image[~outline]) > 10


def test_a_planted_shortcut_is_found():
    """A network that learned a corner: its map lies outside the region, and blanking tells it."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(200) % 2
    images = torch.randn(200, 1, 16, 16, generator=generator)
    images[label == 1, :, :3, :3] += 2.0  # the corner tells the label
    region = draw_mark(Mark((10.0, 10.0), 3.0), (16, 16))
    small_cnn = read_options("small_cnn") | {"widths": [8, 16, 16], "dropout": 0.0}
    architecture = Architecture(build(small_cnn, "model"), Sizes((1, 16, 16), 2))
    torch.manual_seed(0)
    classifier = Classifier(architecture.build(), torch.zeros(1), torch.ones(1))
    optimizer = torch.optim.Adam(classifier.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(classifier(images[:100]), label[:100])
        loss.backward()
        optimizer.step()
    network, seen = ExplainedNetwork(classifier.eval(), 1, architecture), images[100:]
    maps = explain("occlusion", network, seen, OPTIONS)
    found = [locate(one, region) for one, true in zip(maps, label[100:], strict=True) if true]
    shares = np.array([one.share for one in found if one])
    assert shares.mean() < region.mean()
    base = network.score(seen.numpy())
    without = [
        network.score(
            np.stack([blank_image(one[0], region, outside=outside)[None] for one in seen.numpy()])
        )
        for outside in (False, True)
    ]
    patient = np.arange(100)
    lost = [auc_loss(base, one[None], label[100:].numpy() == 1, patient).value for one in without]
    assert abs(lost[0]) < 0.05  # nothing is lost without the region
    assert lost[1] > 0.3  # all is lost without what lies outside it
