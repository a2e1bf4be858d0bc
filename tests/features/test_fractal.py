"""Box counting and spectral slope on surfaces whose dimension and spectrum are known."""

import numpy as np
import pytest

from skiagram.datasets.phantom.tissue import coloured, power_law_spectrum
from skiagram.errors import OptionError
from skiagram.features.batch import Batch
from skiagram.features.fractal import Fractal, box_counting_dimension, ring_powers
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


def test_power_of_a_wave_stands_in_its_ring() -> None:
    x = np.arange(64)
    power = ring_powers(np.tile(np.cos(2 * np.pi * 9 * x / 64), (1, 64, 1)), 64)[0]
    assert power.argmax() == 9
    assert power[[3, 20]].max() < 1e-12 * power[9]


def counted(image: np.ndarray, side: int) -> float:
    """Return the mean number of boxes over a square, box by box."""
    shorter = min(image.shape) - 1
    height = np.ptp(image) * side / shorter
    found = []
    for y in range(0, image.shape[0] - side, side):
        for x in range(0, image.shape[1] - side, side):
            square = image[y : y + side + 1, x : x + side + 1] - image.min()
            found.append(np.floor(square.max() / height) - np.floor(square.min() / height) + 1)
    return float(np.mean(found))


@pytest.mark.parametrize("shape", [(33, 33), (40, 57), (29, 28)])
def test_dimension_is_the_slope_of_boxes_counted_one_by_one(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, size=shape).astype(np.float64)
    sides = [side for side in (2, 4, 8, 16) if 2 * side <= min(shape) - 1]
    slope = np.polyfit(np.log(sides), np.log([counted(image, side) for side in sides]), 1)[0]
    np.testing.assert_allclose(box_counting_dimension(image[None]), [2 - slope])


def test_rougher_tissue_has_the_higher_dimension_and_a_plane_has_two() -> None:
    found = [box_counting_dimension(tissue(exponent)).mean() for exponent in (3.5, 3.0, 2.5, 2.0)]
    assert 2.1 < found[0] < found[1] - 0.05 < found[2] - 0.1 < found[3] - 0.15 < 2.85
    y, x = np.mgrid[:129, :129]
    assert box_counting_dimension((3.0 * y + x)[None])[0] == pytest.approx(2, abs=0.05)


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
