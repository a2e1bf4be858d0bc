"""Dimension and spectral slope of tissue whose spectrum is known."""

import numpy as np
import pytest

from skiagram.datasets.phantom.tissue import coloured, power_law_spectrum
from skiagram.errors import OptionError
from skiagram.features.batch import Batch
from skiagram.features.fractal import Fractal
from skiagram.options import check

FRACTAL = Fractal(tile=128, highest_frequency=0.25)


def tissue(exponent: float, *, images: int = 6, side: int = 256, part: int = 160) -> np.ndarray:
    """Return parts of generated tissue: unlike the whole, they do not go on at the other side."""
    generator = np.random.default_rng(0)
    spectrum = power_law_spectrum(side, exponent)
    whole = [coloured(generator.normal(size=(side, side)), spectrum) for _ in range(images)]
    return np.stack(whole)[:, :part, :part]


@pytest.mark.parametrize("exponent", [2.0, 2.5, 3.0, 3.5])
def test_slope_is_the_exponent_that_the_tissue_was_made_with(exponent: float) -> None:
    slope = FRACTAL.extract(Batch(tissue(exponent).astype(np.float32)))[:, 1]
    assert slope.mean() == pytest.approx(exponent, abs=0.12)
    small = FRACTAL.extract(Batch(tissue(exponent, images=60, part=28).astype(np.float32)))[:, 1]
    assert small.mean() == pytest.approx(exponent, abs=0.6)


def test_white_noise_has_no_slope() -> None:
    noise = np.random.default_rng(0).normal(size=(4, 200, 130)).astype(np.float32)
    assert FRACTAL.extract(Batch(noise))[:, 1].mean() == pytest.approx(0, abs=0.1)


def test_rougher_tissue_has_the_higher_dimension() -> None:
    found = [
        FRACTAL.extract(Batch(tissue(exponent).astype(np.float32)))[:, 0].mean()
        for exponent in (3.5, 3.0, 2.5, 2.0)
    ]
    assert 2.1 < found[0] < found[1] - 0.05 < found[2] - 0.1 < found[3] - 0.15 < 2.85


def test_gain_and_offset_of_the_intensities_change_nothing() -> None:
    images = np.random.default_rng(2).integers(0, 256, size=(2, 40, 50)).astype(np.float32)
    found = FRACTAL.extract(Batch(images * 4 - 512))
    np.testing.assert_allclose(found, FRACTAL.extract(Batch(images)), rtol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (30, 2)])
def test_images_too_small_for_a_slope_are_planes_without_one(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(3).normal(size=(1, *shape)).astype(np.float32)
    assert FRACTAL.extract(Batch(image)).tolist() == [[2, 0]]


@pytest.mark.parametrize(("option", "value"), [("tile", 8), ("highest_frequency", 0.6)])
def test_nonsense_is_refused_by_name(option: str, value: float) -> None:
    values = {"tile": 128, "highest_frequency": 0.25, option: value}
    with pytest.raises(OptionError, match=rf"fractal\.{option}"):
        check(Fractal, values, "fractal")
