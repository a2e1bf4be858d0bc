"""Form of regions in volumes: values by hand, invariances, refusals."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.morphology import Morphology
from tests.features.families import described

ALL = Morphology(unit="mm", autocorrelation=True)


def features(image, mask, outline=None, family=ALL):
    outlines = None if outline is None else outline[None]
    spacing = np.array([[3.0, 1.0, 2.0]])
    return described(
        family, image[None, ..., None].astype(np.float32), mask[None], spacing, outlines
    )


def lesion(seed=0):
    generator = np.random.default_rng(seed)
    grid = np.indices((12, 14, 16)) - np.array([5, 7, 8])[:, None, None, None]
    mask = np.sum((grid / np.array([3, 5, 6])[:, None, None, None]) ** 2, axis=0) < 1
    return generator.normal(100, 10, mask.shape), mask & (generator.random(mask.shape) < 0.9)


def test_the_volume_around_the_region_changes_nothing():
    image, mask = lesion()
    wide = features(np.pad(image, 5, constant_values=1e4), np.pad(mask, 5))
    assert wide == pytest.approx(features(image, mask))


def test_form_is_that_of_the_outline_and_intensity_that_of_the_rest():
    image, outline = lesion()
    inside = outline & (image > 100)
    found, whole = features(image, inside, outline), features(image, outline)
    assert found["morphology_volume_mesh"] == whole["morphology_volume_mesh"]
    assert found["morphology_maximum_3d_diameter"] == whole["morphology_maximum_3d_diameter"]
    assert found["morphology_integrated_intensity"] == pytest.approx(
        whole["morphology_volume_mesh"] * image[inside].mean()
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 4), (1, 3, 3), (2, 1, 1)])
@pytest.mark.parametrize("value", [0.0, 7.0, -1e6])
def test_the_smallest_and_constant_regions_are_described(shape, value):
    found = features(np.full(shape, value), np.ones(shape, dtype=bool))
    assert np.isfinite(list(found.values())).all()
    assert (found["morphology_moran_index"], found["morphology_geary_measure"]) == (0, 0)


def test_features_without_autocorrelation_are_the_first_27():
    fewer = Morphology(unit="voxel", autocorrelation=False)
    assert fewer.names() == ALL.names()[:27]
    assert len(ALL.names()) == 29
    image, mask = lesion()
    in_voxels = features(image, mask, family=fewer)
    assert in_voxels["morphology_volume_voxel_counting"] == mask.sum()


def test_planes_and_unknown_spacing_are_refused_by_name():
    with pytest.raises(DataError, match="`morphology` is not defined for plane images"):
        ALL.extract(FeatureBatch(np.zeros((1, 4, 4), dtype=np.float32)))
    with pytest.raises(DataError, match="`morphology` in mm needs the spacing"):
        ALL.extract(FeatureBatch(np.zeros((1, 4, 4, 4, 1), dtype=np.float32)))


def test_intensities_scaled_to_mean_0_have_no_centre():
    image, mask = lesion()
    found = features((image - image[mask].mean()) / 10, mask)
    assert found["morphology_centre_of_mass_shift"] == 0
    assert found["morphology_integrated_intensity"] == 0
