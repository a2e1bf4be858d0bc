"""Every reference value of the IBSI's first chapter, on its phantoms."""

import numpy as np
import pytest

from skiagram.features.discretisation import Discretisation
from skiagram.features.intensity_volume_histogram import IntensityVolumeHistogram
from skiagram.restoration.regions import RegionOfInterest
from tests.features.ibsi_reference import (
    CONFIGURATIONS,
    FOLDER,
    PHANTOM,
    diagnostics,
    features,
    read,
    references,
)


def missed(asked, found):
    return [
        f"{one.tag}: {found[one.tag]:.4g}, not {one.value:g} ± {one.tolerance:g}"
        for one in asked
        if not one.met_by(found[one.tag])
    ]


def test_the_digital_phantom():
    mask = PHANTOM > 0
    image = PHANTOM.astype(np.float64)
    image[~mask] = 1, 1, 1, 9, 1, 1  # peaks look beyond the region
    found = features(
        RegionOfInterest(image, mask, mask, (2.0, 2.0, 2.0)),
        Discretisation(bin_number=None, bin_width=1.0),
        IntensityVolumeHistogram(bin_number=None, bin_width=None, lowest=None, highest=None),
    )
    asked = references(FOLDER / "digital_phantom.csv")
    assert len(asked) == 482
    assert missed(asked, found) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_ct_phantom(name, real_data):
    folder, chosen = real_data / "ibsi", CONFIGURATIONS[name]
    image, spacing = read(folder / "1_ct_phantom/image/phantom.nii.gz")
    mask = read(folder / "1_ct_phantom/mask/mask.nii.gz")[0] > 0
    found, region = diagnostics(image, mask, spacing, chosen.preparation)
    found |= features(region, chosen.levels, chosen.curve)
    asked = references(folder / f"1_reference_values/config_{name}.csv")
    assert len(asked) == (406 if name in "ab" else 270)
    assert missed(asked, found) == []
