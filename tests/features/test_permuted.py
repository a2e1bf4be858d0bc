"""Permuted voxels keep volume and histogram, and nothing else."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.features.batch import FeatureBatch
from tests.features.families import family


def volumes():
    steps = np.indices((7, 20, 22)).sum(axis=0)
    images = np.stack([steps, 2 * steps]).astype(np.float32)[..., None]
    ball = np.zeros((7, 20, 22), dtype=np.bool_)
    ball[1:6, 4:15, 5:16] = True
    return FeatureBatch(images, np.stack([ball, ball]), np.full((2, 3), 1.0))


def test_the_histogram_stays_and_texture_goes():
    batch, chosen = volumes(), family("permuted")
    found = dict(zip(chosen.names(), chosen.extract(batch).T, strict=True))
    plain = {
        name: values
        for of in chosen.families
        for name, values in zip(of.names(), of.extract(batch).T, strict=True)
    }
    for name, values in plain.items():
        if name.startswith(("first_order", "intensity_histogram")):
            assert_allclose(found[f"permuted.{name}"], values, rtol=1e-5)
    contrast = "glcm_distance_1_contrast"
    assert (found[f"permuted.{contrast}"] > 5 * plain[contrast]).all()
    assert found["permuted.voxels"].tolist() == [5 * 11 * 11] * 2


def test_voxels_outside_stay_and_an_image_alone_is_permuted_alike():
    batch, chosen = volumes(), family("permuted")
    permuted = chosen.permute(batch)
    outside = ~batch.masks[..., None]
    assert (permuted.images[outside] == batch.images[outside]).all()
    assert (permuted.images != batch.images).any()
    alone = chosen.permute(batch.row(1))
    assert (alone.images[0] == permuted.images[1]).all()


def test_channels_of_a_picture_go_together():
    picture = np.random.default_rng(0).random((1, 9, 9, 1)).astype(np.float32)
    colour = np.concatenate([picture, 2 * picture, 3 * picture], axis=3)
    permuted = family("permuted").permute(FeatureBatch(colour)).images
    assert_array_equal(permuted[..., 1], 2 * permuted[..., 0])
