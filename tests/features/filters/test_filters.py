"""Every filter against its formula, its edges, its turns and what it refuses."""

import numpy as np
import pytest
import pywt
from numpy.testing import assert_allclose
from pydantic import ValidationError
from scipy import ndimage

from skiagram.errors import DataError
from skiagram.features.filters.gabor import GaborFilter
from skiagram.features.filters.laplacian_of_gaussian import LaplacianOfGaussian
from skiagram.features.filters.laws import Laws
from skiagram.features.filters.mean import Mean
from skiagram.features.filters.separable_wavelet import SeparableWavelet
from skiagram.features.filters.simoncelli import Simoncelli

ISOTROPIC = (2.0, 2.0, 2.0)
MODES = {"zero": "constant", "nearest": "nearest", "periodic": "wrap", "mirror": "reflect"}
MIRROR = {"dimension": "3D", "boundary": "mirror"}
WAVES = {"sigma": 3.0, "wavelength": 6.0, "aspect_ratio": 1.0, "directions": 4}
IN_3D = {
    "mean": Mean(**MIRROR, support=3),
    "log": LaplacianOfGaussian(**MIRROR, sigma=3.0, cutoff=4.0, riesz=None),
    "laws": Laws(**MIRROR, kernels=("L5", "E5", "E5"), pooling="max", energy=3),
    "gabor": GaborFilter(**MIRROR, **WAVES, angle=0.0, pooling="average"),
    "wavelet": SeparableWavelet(**MIRROR, wavelet="db2", band="LLH", level=2, pooling="average"),
    "simoncelli": Simoncelli(**MIRROR, level=1, riesz=None),
}


def volume(shape=(12, 13, 14)):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("boundary", MODES)
def test_mean_is_that_of_the_voxels_around(boundary):
    found = Mean(dimension="3D", boundary=boundary, support=5).respond(volume(), ISOTROPIC)
    expected = ndimage.convolve(volume(), np.full((5, 5, 5), 1 / 125), mode=MODES[boundary])
    assert_allclose(found, expected, atol=1e-12)


def test_laplacian_is_that_of_a_smoothed_image():
    filtered = IN_3D["log"].respond(volume(), ISOTROPIC)
    expected = ndimage.gaussian_laplace(volume(), 1.5, mode="reflect", truncate=5)
    assert_allclose(filtered, expected, atol=0.01 * np.ptp(expected))


def test_laws_kernels_stand_along_x_then_y_then_z():
    impulse = np.zeros((7, 7, 7))
    impulse[3, 3, 3] = 1
    found = Laws(
        dimension="3D", boundary="zero", kernels=("L5", "E5", "S3"), pooling=None, energy=None
    ).respond(impulse, ISOTROPIC)
    along_x, along_y, along_z = found[3, 1, 1:-1], found[3, 1:-1, 3], found[1:-1, 1, 3]
    assert_allclose(along_x / along_x[2], np.array([1, 4, 6, 4, 1]) / 6)
    assert_allclose(along_y / along_y[0], [1, 2, 0, -2, -1], atol=1e-12)
    assert_allclose(along_z / along_z[2], [0, -0.5, 1, -0.5, 0], atol=1e-12)


def test_gabor_answers_waves_of_its_length_and_direction():
    x = np.arange(48) * 2.0
    wave = np.tile(np.cos(2 * np.pi * x / 8), (1, 48, 1))
    options = {"sigma": 8.0, "wavelength": 8.0, "aspect_ratio": 1.0, "directions": 1}
    along, across = (
        GaborFilter(dimension="2D", boundary="mirror", angle=angle, pooling="average", **options)
        for angle in (0.0, 90.0)
    )
    middle = (0, 24, 24)
    kernel_sum = 2 * np.pi * (8.0 / 2) ** 2
    assert along.respond(wave, ISOTROPIC)[middle] == pytest.approx(kernel_sum / 2, rel=0.01)
    assert across.respond(wave, ISOTROPIC)[middle] < 1e-3


def test_a_band_of_the_wavelet_is_that_of_pywavelets():
    image = volume((16, 16, 16))
    found = SeparableWavelet(
        dimension="3D", boundary="periodic", wavelet="haar", band="HLL", level=1, pooling=None
    ).respond(image, ISOTROPIC)
    expected = pywt.swtn(image, "haar", level=1)[0]["aad"]
    shifts = [
        np.roll(expected, shift, axis=(0, 1, 2)) for shift in np.ndindex(2, 2, 2)
    ]  # of even kernels the centre is a convention
    assert min(np.abs(found - one).max() for one in shifts) < 1e-12


def test_simoncelli_passes_its_octaves():
    x = np.arange(256)
    bands = [Simoncelli(dimension="2D", boundary="periodic", level=n, riesz=None) for n in (1, 2)]
    for cycles, passed in ((64, (1.0, 0.0)), (32, (0.0, 1.0))):  # a quarter and an eighth a voxel
        wave = np.tile(np.cos(2 * np.pi * cycles * x / 256), (1, 256, 1))
        found = [np.abs(band.respond(wave, ISOTROPIC)).max() for band in bands]
        assert_allclose(found, passed, atol=0.03)


def test_riesz_of_first_order_turns_a_cosine_to_a_sine():
    x = np.arange(64)
    wave = np.tile(np.cos(2 * np.pi * 16 * x / 64), (1, 64, 1))
    found = Simoncelli(dimension="2D", boundary="periodic", level=1, riesz=(1, 0)).respond(
        wave, ISOTROPIC
    )
    expected = np.tile(np.sin(2 * np.pi * 16 * x / 64), (1, 64, 1))
    assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize("name", IN_3D)
def test_a_turned_volume_has_the_turned_response(name):
    image = volume((12, 12, 12))
    found = IN_3D[name].respond(image, ISOTROPIC)
    turned = IN_3D[name].respond(np.rot90(image, axes=(1, 2)).copy(), ISOTROPIC)
    assert_allclose(turned, np.rot90(found, axes=(1, 2)), atol=2e-3 * np.ptp(found))


@pytest.mark.parametrize("name", IN_3D)
def test_nothing_beyond_the_reach_changes_the_response(name):
    reach = IN_3D[name].reach(ISOTROPIC)
    if np.isinf(reach).any():
        return
    reach = tuple(reach.astype(int).tolist())
    image = volume([2 * side + 9 for side in reach])
    middle = tuple(side // 2 for side in image.shape)
    inner = tuple(slice(at - far, at + far + 1) for at, far in zip(middle, reach, strict=True))
    found = IN_3D[name].respond(image, ISOTROPIC)[middle]
    assert IN_3D[name].respond(image[inner], ISOTROPIC)[reach] == pytest.approx(found, abs=1e-5)


def test_slices_do_not_mix_in_2d():
    image = volume()
    for one in (
        Mean(dimension="2D", boundary="nearest", support=5),
        SeparableWavelet(
            dimension="2D", boundary="zero", wavelet="db3", band="LH", level=1, pooling="max"
        ),
        Simoncelli(dimension="2D", boundary="mirror", level=2, riesz=(1, 1)),
    ):
        alone = one.respond(image[4:5], ISOTROPIC)
        assert_allclose(one.respond(image, ISOTROPIC)[4:5], alone, atol=1e-12)


def test_wrong_options_are_refused():
    with pytest.raises(ValidationError, match="an odd number"):
        Mean(dimension="2D", boundary="zero", support=4)
    with pytest.raises(ValidationError, match="3 kernels in 3D"):
        Laws(dimension="3D", boundary="zero", kernels=("L5", "E5"), pooling=None, energy=None)
    with pytest.raises(ValidationError, match="a discrete wavelet of PyWavelets"):
        SeparableWavelet(
            dimension="2D", boundary="zero", wavelet="none", band="LH", level=1, pooling=None
        )
    with pytest.raises(ValidationError, match="2 orders, one an axis"):
        Simoncelli(dimension="2D", boundary="zero", level=1, riesz=(1, 0, 0))


def test_gabor_refuses_uneven_planes():
    with pytest.raises(DataError, match="needs one spacing along its axes"):
        IN_3D["gabor"].respond(volume(), (3.0, 1.0, 1.0))
