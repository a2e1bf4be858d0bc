"""Changed copies of images, and the intraclass correlation of what is measured on them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.features.batch import FeatureBatch
from skiagram.features.perturbed import (
    Lasting,
    Perturbation,
    Perturbed,
    correlate_copies,
    intraclass_correlation,
    noise_level,
)
from skiagram.features.table import FeatureTable, is_perturbed
from skiagram.options import build

FILE = Path(__file__).resolve().parents[2] / "conf" / "features" / "perturbed.yaml"
NOTHING: dict[str, Any] = {
    "rotation": 0.0,
    "shift": 0.0,
    "noise": 0.0,
    "volume": 0.0,
    "supervoxel": None,
}
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def family(**changes: Any) -> Perturbed:
    options = yaml.safe_load(FILE.read_text())
    options["families"] = options["families"][:1]
    options["perturbation"] = NOTHING | changes.pop("perturbation", {})
    built: Perturbed = build(options | {"copies": 3} | changes, "perturbed")
    return built


def volumes() -> FeatureBatch:
    images = np.random.default_rng(0).normal(size=(3, 9, 24, 26, 1)).astype(np.float32)
    distance = np.indices((9, 24, 26)) - np.array([4, 12, 13])[:, None, None, None]
    ball = (distance**2 * np.array([4, 1, 1])[:, None, None, None]).sum(axis=0) < 64
    return FeatureBatch(images + 3 * ball[..., None], np.stack([ball] * 3), np.full((3, 3), 2.0))


@pytest.mark.parametrize(
    ("form", "value", "interval"),
    [("ICC(1,1)", 0.16574177, (-0.13, 0.72)), ("ICC(3,1)", 0.71484071, (0.34, 0.95))],
)
def test_the_judges_of_shrout_and_fleiss_agree_as_published(
    form: Any, value: float, interval: tuple[float, float]
) -> None:
    """Their table 2 gives .17 and .71; further digits and intervals are pingouin 0.7's."""
    found = intraclass_correlation(JUDGES, form)
    assert found.value == pytest.approx(value, abs=5e-9)
    assert (round(found.low, 2), round(found.high, 2)) == interval


def test_the_interval_holds_the_truth_in_nineteen_of_twenty_draws() -> None:
    generator = np.random.default_rng(2)
    truth, held = 0.8, 0
    for _ in range(400):
        cases = generator.normal(size=(30, 1)) * np.sqrt(truth)
        found = intraclass_correlation(cases + generator.normal(size=(30, 4)) * np.sqrt(1 - truth))
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_a_constant_and_an_unchanging_feature_have_a_correlation() -> None:
    assert intraclass_correlation(np.full((5, 3), 0.1)).value == 0
    unchanging = np.repeat(np.random.default_rng(0).normal(size=(5, 1)), 3, axis=1)
    assert intraclass_correlation(unchanging).low == 1


def test_a_copy_depends_on_image_and_seed_alone() -> None:
    batch, chosen = volumes(), family(perturbation={"rotation": 9.0, "shift": 0.7, "noise": 1.0})
    together = chosen.extract(batch)
    alone = np.vstack([chosen.extract(batch.row(row)) for row in (0, 1, 2)])
    np.testing.assert_allclose(alone, together, rtol=1e-6)
    assert together.shape == (3, len(chosen.names()))
    width = together.shape[1] // 3
    assert not np.allclose(together[:, :width], together[:, width : 2 * width])
    assert not np.allclose(family(seed=1, perturbation={"noise": 1.0}).extract(batch), together)


def test_no_change_gives_the_features_of_the_image() -> None:
    batch, chosen = volumes(), family()
    plain = chosen.families[0].extract(batch)
    np.testing.assert_allclose(chosen.extract(batch), np.hstack([plain] * 3), rtol=1e-6)


def test_a_region_grows_and_shrinks_by_the_share_asked() -> None:
    batch = volumes()
    assert batch.masks is not None
    image, inside = batch.images[0, ..., 0].astype(float), batch.masks[0]
    changes = set()
    for seed in range(12):
        options = Perturbation(**(NOTHING | {"volume": 0.2}))
        same, region = options.apply(image, inside, (1, 1), np.random.default_rng(seed))
        assert region is not None
        np.testing.assert_array_equal(same, image)
        share = region.sum() / inside.sum() - 1
        assert abs(share) <= 0.2 + 1 / inside.sum()
        assert (region & inside).sum() == min(region.sum(), inside.sum())
        changes.add(np.sign(share))
    assert changes == {-1, 1}


def test_a_quarter_turn_moves_every_pixel_where_it_belongs() -> None:
    plane = np.zeros((1, 21, 21))
    plane[0, 10, 15] = 1
    options = Perturbation(**(NOTHING | {"rotation": 45.0}))
    turned = [
        options.apply(plane, None, (1, 1), np.random.default_rng(seed))[0] for seed in range(8)
    ]
    centres = [np.array(np.unravel_index(one.argmax(), one.shape))[1:] - 10 for one in turned]
    assert all(4 <= np.hypot(*centre) <= 6 for centre in centres)
    assert len({tuple(centre) for centre in centres}) > 3


def test_supervoxels_draw_a_contour_near_the_old_one() -> None:
    batch = volumes()
    assert batch.masks is not None
    image, inside = batch.images[0, ..., 0].astype(float), batch.masks[0]
    options = Perturbation(**(NOTHING | {"supervoxel": 27}))
    regions = [
        options.apply(image, inside, (1, 1), np.random.default_rng(seed))[1] for seed in (0, 1)
    ]
    for region in regions:
        assert region is not None
        overlap = 2 * (region & inside).sum() / (region.sum() + inside.sum())
        assert 0.6 < overlap < 1
    first, second = regions
    assert first is not None
    assert second is not None
    assert not np.array_equal(first, second)


def test_noise_is_estimated_and_added_in_its_own_measure() -> None:
    generator = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(64.0), np.arange(64.0))[None]
    noisy = smooth + 2.5 * generator.normal(size=smooth.shape)
    assert noise_level(noisy) == pytest.approx(2.5, rel=0.1)
    options = Perturbation(**(NOTHING | {"noise": 1.0}))
    again = options.apply(noisy, None, (1, 1), np.random.default_rng(1))[0]
    assert (again - noisy).std() == pytest.approx(2.5, rel=0.1)


def test_outlines_and_regions_stay_together() -> None:
    batch = volumes()
    assert batch.masks is not None
    left_out = batch.masks & (np.arange(26) > 12)
    with_outline = FeatureBatch(batch.images, left_out, batch.spacing, batch.masks)
    changed = family(perturbation={"rotation": 5.0, "volume": 0.1}).perturb(with_outline, 0)
    assert changed.masks is not None
    assert changed.outlines is not None
    assert changed.masks.any(axis=(1, 2, 3)).all()
    assert not (changed.masks & ~changed.outlines).any()
    assert (changed.outlines & ~changed.masks).any()


def table(lasts: float) -> FeatureTable:
    generator = np.random.default_rng(5)
    truth = generator.normal(size=(60, 2))
    noise = np.array([0.1, lasts])
    copies = [truth + noise * generator.normal(size=truth.shape) for _ in range(3)]
    names = ["PET.glcm_a", "PET.glcm_b", "covariates_age"]
    names += [f"PET.perturbed_{copy}.glcm_{one}" for copy in (1, 2, 3) for one in "ab"]
    values = np.hstack([truth, np.ones((60, 1)), *copies]).astype(np.float32)
    return FeatureTable(np.array([f"c{case}" for case in range(60)]), tuple(names), values)


def test_features_that_change_are_left_out_and_others_kept() -> None:
    patient = np.repeat([f"p{patient}" for patient in range(30)], 2)
    found = correlate_copies(table(lasts=2.0), patient)
    assert set(found) == {"PET.glcm_a", "PET.glcm_b"}
    assert found["PET.glcm_a"].value > 0.95 > 0.5 > found["PET.glcm_b"].value
    names = ("PET.glcm_b", "PET.glcm_a", "covariates_age")
    chosen = Lasting(least=0.75).choose(table(lasts=2.0), patient, names)
    assert chosen == ("PET.glcm_a", "covariates_age")
    assert Lasting(least=0.75).choose(table(lasts=0.1), patient, names) == names


def test_names_tell_copies_from_features() -> None:
    assert is_perturbed("perturbed_1.glcm_contrast")
    assert is_perturbed("PET.perturbed_noise_12.log_3mm.glcm_contrast")
    assert not is_perturbed("log_3mm.glcm_contrast")
    with pytest.raises(OptionError, match="is no feature family"):
        family(families=[{"_target_": "skiagram.features.perturbed.Lasting", "least": 0.5}])
