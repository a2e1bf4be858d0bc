"""What families share of a batch."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.features.batch import Batch
from skiagram.features.discretisation import Discretisation
from skiagram.features.first_order import FirstOrder

IMAGES = np.random.default_rng(0).normal(size=(3, 6, 7)).astype(np.float32)
MASKS = np.ones((3, 6, 7), dtype=np.bool_)


def test_what_several_families_need_is_made_once() -> None:
    batch, levels = Batch(IMAGES), Discretisation(bin_number=8, bin_width=None)
    colour = Batch(np.stack([IMAGES] * 3, axis=-1))
    assert colour.luminance("a") is colour.luminance("b")
    assert batch.region("bright", "a") is batch.region("bright", "b")
    assert batch.levels(levels, "whole", "a") is batch.levels(levels, "whole", "b")
    assert batch.zones(levels, "whole", "a") is batch.zones(levels, "whole", "b")
    other = Discretisation(bin_number=9, bin_width=None)
    assert batch.levels(other, "whole", "a") is not batch.levels(levels, "whole", "b")


def test_zones_of_the_largest_images_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skiagram.features.batch._MOST_KEPT", IMAGES.size - 1)
    batch, levels = Batch(IMAGES), Discretisation(bin_number=8, bin_width=None)
    first, again = (batch.zones(levels, "whole", "a") for _ in range(2))
    assert first is not again
    np.testing.assert_array_equal(first, again)


def test_planes_of_one_channel_are_no_copy() -> None:
    assert Batch(IMAGES).planes("a") is IMAGES


def test_bright_region_stays_within_the_region_of_interest() -> None:
    masks = MASKS.copy()
    masks[:, 3:] = False
    bright = Batch(IMAGES, masks).region("bright", "a")
    assert bright.any(axis=(1, 2)).all()
    assert not bright[~masks].any()


@pytest.mark.parametrize("region", ["whole", "bright"])
def test_a_region_without_a_pixel_is_refused(region: str) -> None:
    masks = MASKS.copy()
    masks[1] = False
    family = FirstOrder(region=region)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"no pixel.*at least one pixel"):
        family.extract(Batch(IMAGES, masks))
    assert np.isfinite(family.extract(Batch(IMAGES, masks).row(0))).all()
