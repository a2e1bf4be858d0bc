"""Every response map and every reference value of the IBSI's second chapter.

Whybra et al., Radiology 310(2), 2024; reference manual arXiv:2006.05470, chapter 4.
"""

import csv
from functools import cache

import numpy as np
import pytest

from skiagram.features.filters.gabor import GaborFilter
from skiagram.features.filters.laplacian_of_gaussian import LaplacianOfGaussian
from skiagram.features.filters.laws import Laws
from skiagram.features.filters.mean import Mean
from skiagram.features.filters.separable_wavelet import SeparableWavelet
from skiagram.features.filters.simoncelli import Simoncelli
from skiagram.features.first_order import first_order_statistics
from skiagram.restoration.regions import (
    RegionPreparation,
    Resampling,
    Resegmentation,
)
from tests.features.ibsi_reference import Reference, read, tags

pytestmark = pytest.mark.slow


def flat(boundary):
    return {"dimension": "2D", "boundary": boundary}


def solid(boundary):
    return {"dimension": "3D", "boundary": boundary}


def log(sigma, **options):
    return LaplacianOfGaussian(sigma=sigma, cutoff=4.0, **{"riesz": None, **options})


def laws(kernels, **options):
    """Return the plain filter, the pooled one and its energy."""
    return [
        Laws(kernels=kernels, pooling=pooling, energy=energy, **options)
        for pooling, energy in ((None, None), ("max", None), ("max", 7))
    ]


def gabor(sigma, wavelength, ratio, **options):
    fixed = {"directions": 1, "angle": 0.0, "pooling": "average"}
    return GaborFilter(sigma=sigma, wavelength=wavelength, aspect_ratio=ratio, **(fixed | options))


def wavelet(name, band, **options):
    fixed = {"level": 1, "pooling": "average"}
    return SeparableWavelet(wavelet=name, band=band, **(fixed | options))


def simoncelli(level, **options):
    return Simoncelli(level=level, **{"riesz": None, **options})


MAPS = {
    **{
        f"1_a_{number}": ("checkerboard", Mean(support=15, **solid(boundary)))
        for number, boundary in enumerate(("zero", "nearest", "periodic", "mirror"), 1)
    },
    "1_b_1": ("impulse", Mean(support=15, **flat("zero"))),
    "2_a": ("impulse", log(3.0, **solid("zero"))),
    "2_b": ("checkerboard", log(5.0, **solid("mirror"))),
    "2_c": ("checkerboard", log(5.0, **flat("mirror"))),
    **{
        f"3_a_{number}": ("impulse", one)
        for number, one in enumerate(laws(("E5", "L5", "S5"), **solid("zero")), 1)
    },
    **{
        f"3_b_{number}": ("checkerboard", one)
        for number, one in enumerate(laws(("E3", "W5", "R5"), **solid("mirror")), 1)
    },
    **{
        f"3_c_{number}": ("checkerboard", one)
        for number, one in enumerate(laws(("L5", "S5"), **flat("mirror")), 1)
    },
    "4_a_1": ("impulse", gabor(10.0, 4.0, 0.5, angle=60.0, **flat("zero"))),
    "4_a_2": ("impulse", gabor(10.0, 4.0, 0.5, directions=4, **solid("zero"))),
    "4_b_1": ("sphere", gabor(20.0, 8.0, 2.5, angle=225.0, **flat("mirror"))),
    "4_b_2": ("sphere", gabor(20.0, 8.0, 2.5, directions=8, **solid("mirror"))),
    "5_a_1": ("impulse", wavelet("db2", "LHL", pooling=None, **solid("zero"))),
    "5_a_2": ("impulse", wavelet("db2", "LHL", **solid("zero"))),
    "6_a_1": ("sphere", wavelet("coif1", "HHL", pooling=None, **solid("periodic"))),
    "6_a_2": ("sphere", wavelet("coif1", "HHL", **solid("periodic"))),
    "7_a_1": ("checkerboard", wavelet("haar", "LLL", level=2, **solid("mirror"))),
    "7_a_2": ("checkerboard", wavelet("haar", "HHH", level=2, **solid("mirror"))),
    **{
        f"8_a_{level}": ("checkerboard", simoncelli(level, **solid("periodic")))
        for level in (1, 2, 3)
    },
    "9_a": ("impulse", log(3.0, riesz=(1, 0, 0), **solid("zero"))),
    "9_b_1": ("sphere", log(3.0, riesz=(0, 2, 0), **solid("zero"))),
    "10_b_1": ("pattern_1", simoncelli(1, riesz=(0, 2, 0), **solid("nearest"))),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_response_map(name, real_data):
    folder = real_data / "ibsi"
    phantom, chosen = MAPS[name]
    image, spacing = read(folder / "2_digital_phantoms" / phantom / "image" / f"{phantom}.nii.gz")
    expected, _ = read(folder / "2_response_maps" / f"{name}-ValidCRM.nii.gz")
    found = chosen.respond(image, spacing)
    assert np.abs(found - expected).max() <= 0.01 * np.ptp(expected)


def test_every_response_map_is_asked(real_data):
    files = (real_data / "ibsi" / "2_response_maps").glob("*.nii.gz")
    assert {file.name.split("-")[0] for file in files} == set(MAPS)


def described(axes):
    """Return the filters of the reference values, in the order of their numbers."""
    options = flat("mirror") if axes == 2 else solid("mirror")
    return [
        None,
        Mean(support=5, **options),
        log(1.5, **options),
        laws(("L5", "E5", "E5")[:axes], **options)[2],
        gabor(5.0, 2.0, 1.5, directions=8, **options),
        wavelet("db3", "LLH"[-axes:], **options),
        wavelet("db3", "HHH"[-axes:], level=2, **options),
        simoncelli(1, **options),
        simoncelli(2, **options),
    ]


@cache
def prepared(folder, axes):
    image, spacing = read(folder / "1_ct_phantom/image/phantom.nii.gz")
    mask, _ = read(folder / "1_ct_phantom/mask/mask.nii.gz")
    resampling = Resampling(spacing=(1.0, 1.0, 1.0), order="cubic", rounding=True)
    return RegionPreparation(
        resampling=resampling if axes == 3 else None,
        normalisation=None,
        resegmentation=Resegmentation(lowest=-1000.0, highest=400.0, deviations=None),
        margin=None,
    ).prepare(image, mask > 0, spacing)


def check_values(folder, axes, number):
    name = f"{number}.{'A' if axes == 2 else 'B'}"
    with (folder / "2_reference_values.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["filter_id"] == name]
    asked = [
        Reference(row["feature_tag"], float(row["consensus_value"]), float(row["tolerance"]))
        for row in rows
        if row["consensus_value"]  # one value has found none
    ]
    assert len(asked) == (17 if name == "8.B" else 18)
    region, chosen = prepared(folder, axes), described(axes)[number - 1]
    image = region.image if chosen is None else chosen.respond(region.image, region.spacing)
    statistics = first_order_statistics(image[region.inside][None])
    of_tag = {tag: feature for feature, tag in tags("first_order").items()}
    found = {
        one.tag: float(statistics[of_tag[one.tag].removeprefix("first_order_")][0]) for one in asked
    }
    assert [(one, found[one.tag]) for one in asked if not one.met_by(found[one.tag])] == []


@pytest.mark.parametrize("number", range(1, 10))
def test_values_of_filtered_slices(number, real_data):
    check_values(real_data / "ibsi", 2, number)


@pytest.mark.parametrize("number", range(1, 10))
def test_values_of_filtered_volumes(number, real_data):
    check_values(real_data / "ibsi", 3, number)
