"""Changed copies of images, and the features of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.errors import OptionError
from skiagram.features.batch import FeatureBatch
from skiagram.features.perturbed import Perturbation, noise_level
from skiagram.records.feature_table import is_perturbed
from tests.features.families import family, read_family

NOTHING = {
    "rotation": 0.0,
    "shift": 0.0,
    "noise": 0.0,
    "volume": 0.0,
    "supervoxel": None,
}


def perturbed(**changes):
    """Return three copies of the first family, changed in nothing else than what is named."""
    changes["perturbation"] = NOTHING | changes.get("perturbation", {})
    few = {"families": read_family("perturbed")["families"][:1], "copies": 3}
    return family("perturbed", **few | changes)


def volumes():
    images = np.random.default_rng(0).normal(size=(3, 9, 24, 26, 1)).astype(np.float32)
    distance = np.indices((9, 24, 26)) - np.array([4, 12, 13])[:, None, None, None]
    ball = (distance**2 * np.array([4, 1, 1])[:, None, None, None]).sum(axis=0) < 64
    return FeatureBatch(images + 3 * ball[..., None], np.stack([ball] * 3), np.full((3, 3), 2.0))


def test_a_copy_depends_on_image_and_seed_alone():
    batch, chosen = volumes(), perturbed(perturbation={"rotation": 9.0, "shift": 0.7, "noise": 1.0})
    together = chosen.extract(batch)
    alone = np.vstack([chosen.extract(batch.row(row)) for row in (0, 1, 2)])
    assert_allclose(alone, together, rtol=1e-6)
    assert together.shape == (3, len(chosen.names()))
    width = together.shape[1] // 3
    assert not np.allclose(together[:, :width], together[:, width : 2 * width])
    assert not np.allclose(perturbed(seed=1, perturbation={"noise": 1.0}).extract(batch), together)


def test_no_change_gives_the_features_of_the_image():
    batch, both = volumes(), [read_family("first_order"), read_family("local_intensity")]
    chosen = perturbed(families=both)
    plain = [family.extract(batch) for family in chosen.families]
    assert_allclose(chosen.extract(batch), np.hstack(plain * 3), rtol=1e-6)


def test_a_region_grows_and_shrinks_by_the_share_asked():
    batch = volumes()
    image, inside = batch.images[0, ..., 0].astype(float), batch.masks[0]
    changes = set()
    for seed in range(12):
        options = Perturbation(**(NOTHING | {"volume": 0.2}))
        same, region = options.apply(image, inside, (1, 1), np.random.default_rng(seed))
        assert_array_equal(same, image)
        share = region.sum() / inside.sum() - 1
        assert abs(share) <= 0.2 + 1 / inside.sum()
        assert (region & inside).sum() == min(region.sum(), inside.sum())
        changes.add(np.sign(share))
    assert changes == {-1, 1}


def test_a_quarter_turn_moves_every_pixel_where_it_belongs():
    plane = np.zeros((1, 21, 21))
    plane[0, 10, 15] = 1
    options = Perturbation(**(NOTHING | {"rotation": 45.0}))
    turned = [
        options.apply(plane, None, (1, 1), np.random.default_rng(seed))[0] for seed in range(8)
    ]
    centres = [np.array(np.unravel_index(one.argmax(), one.shape))[1:] - 10 for one in turned]
    assert all(4 <= np.hypot(*centre) <= 6 for centre in centres)
    assert len({tuple(centre) for centre in centres}) > 3


def test_supervoxels_draw_a_contour_near_the_old_one():
    batch = volumes()
    image, inside = batch.images[0, ..., 0].astype(float), batch.masks[0]
    options = Perturbation(**(NOTHING | {"supervoxel": 27}))
    regions = [
        options.apply(image, inside, (1, 1), np.random.default_rng(seed))[1] for seed in (0, 1)
    ]
    for region in regions:
        overlap = 2 * (region & inside).sum() / (region.sum() + inside.sum())
        assert 0.6 < overlap < 1
    first, second = regions
    assert not np.array_equal(first, second)


def test_noise_is_estimated_and_added_in_its_own_measure():
    generator = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(64.0), np.arange(64.0))[None]
    noisy = smooth + 2.5 * generator.normal(size=smooth.shape)
    assert noise_level(noisy) == pytest.approx(2.5, rel=0.1)
    options = Perturbation(**(NOTHING | {"noise": 1.0}))
    again = options.apply(noisy, None, (1, 1), np.random.default_rng(1))[0]
    assert (again - noisy).std() == pytest.approx(2.5, rel=0.1)


def test_outlines_and_regions_stay_together():
    batch = volumes()
    left_out = batch.masks & (np.arange(26) > 12)
    with_outline = FeatureBatch(batch.images, left_out, batch.spacing, batch.masks)
    changed = perturbed(perturbation={"rotation": 5.0, "volume": 0.1}).perturb(with_outline, 0)
    assert changed.masks.any(axis=(1, 2, 3)).all()
    assert not (changed.masks & ~changed.outlines).any()
    assert (changed.outlines & ~changed.masks).any()


def test_names_tell_copies_from_features():
    assert is_perturbed("perturbed_1.glcm_contrast")
    assert is_perturbed("PET.perturbed_noise_12.log_3mm.glcm_contrast")
    assert not is_perturbed("log_3mm.glcm_contrast")
    with pytest.raises(OptionError, match="is no feature family"):
        perturbed(
            families=[{"_target_": "skiagram.case_features.repeatability.Repeatable", "least": 0.5}]
        )
