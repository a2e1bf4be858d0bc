"""Preparation of regions: re-segmentation, normalisation, cropping, and their order."""

import numpy as np
import pytest
from pydantic import ValidationError

from skiagram.errors import DataError
from skiagram.restoration.regions import (
    Normalisation,
    RegionOfInterest,
    RegionPreparation,
    Resegmentation,
    crop,
)

IMAGE = np.arange(60.0).reshape(3, 4, 5)
MASK = IMAGE >= 20


def test_a_range_holds_its_bounds() -> None:
    kept = Resegmentation(lowest=30.0, highest=40.0, deviations=None).keep(IMAGE, MASK)
    assert IMAGE[kept].tolist() == list(range(30, 41))


def test_deviations_are_those_of_the_voxels_in_the_range() -> None:
    image = np.concatenate([np.zeros(50), np.full(50, 2.0), [5.0, 1e6]]).reshape(1, 1, -1)
    mask = np.ones(image.shape, dtype=np.bool_)
    chosen = Resegmentation(lowest=None, highest=100.0, deviations=3.0)
    assert chosen.keep(image, mask).sum() == 100  # 5 is more than 3σ from 1; 10⁶ moves nothing


def test_a_range_that_leaves_nothing_says_what_is_there() -> None:
    with pytest.raises(
        DataError, match="leaves no voxel of the region, whose intensities are 20 to 59"
    ):
        Resegmentation(lowest=100.0, highest=None, deviations=None).keep(IMAGE, MASK)
    with pytest.raises(ValidationError, match="`lowest` must be below `highest`"):
        Resegmentation(lowest=1.0, highest=0.0, deviations=None)


def test_normalisation_sets_mean_and_deviation_of_the_region() -> None:
    found = Normalisation(mean=300.0, deviation=100.0, deviations=None).normalise(IMAGE, MASK)
    assert found[MASK].mean() == pytest.approx(300)
    assert found[MASK].std() == pytest.approx(100)
    outlier = IMAGE.copy()
    outlier[-1, -1, -1] = 1e6
    robust = Normalisation(mean=0.0, deviation=1.0, deviations=3.0).normalise(outlier, MASK)
    assert abs(robust[MASK][:-1].mean()) < 1e-9
    constant = Normalisation(mean=7.0, deviation=1.0, deviations=None)
    assert (constant.normalise(np.full(IMAGE.shape, 3.0), MASK) == 7).all()


def test_a_crop_keeps_the_margin_in_mm() -> None:
    mask = np.zeros((9, 9, 9), dtype=np.bool_)
    mask[4, 4, 4] = True
    image = np.arange(729.0).reshape(mask.shape)
    found = crop(RegionOfInterest(image, mask, mask, (3.0, 1.0, 1.0)), 2.0)
    assert found.image.shape == (3, 5, 5)
    assert found.image[found.outline].tolist() == image[mask].tolist()


def test_form_stays_where_intensities_leave_the_region() -> None:
    prepared = RegionPreparation(
        resampling=None,
        normalisation=None,
        resegmentation=Resegmentation(lowest=30.0, highest=None, deviations=None),
        margin=None,
    ).prepare(IMAGE, MASK, (1.0, 1.0, 1.0))
    assert prepared.outline.sum() == 40
    assert prepared.inside.sum() == 30
    assert not (prepared.inside & ~prepared.outline).any()


def test_an_empty_region_is_refused() -> None:
    nothing = RegionPreparation(
        resampling=None, normalisation=None, resegmentation=None, margin=None
    )
    with pytest.raises(DataError, match="no voxel as it was drawn"):
        nothing.prepare(IMAGE, np.zeros(IMAGE.shape, dtype=np.bool_), (1.0, 1.0, 1.0))
