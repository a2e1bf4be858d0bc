"""Spectra and nodule against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.datasets.phantom.tissue import (
    Nodule,
    centred_nodule,
    coloured,
    nodule_places,
    power_law_spectrum,
)


@settings(deadline=None, max_examples=50)
@given(size=st.integers(16, 65), exponent=st.floats(0, 4))
def test_tissue_has_unit_variance_by_its_spectrum(size: int, exponent: float) -> None:
    impulse = np.zeros((size, size))
    impulse[0, 0] = 1
    response = coloured(impulse, power_law_spectrum(size, exponent))
    assert (response**2).sum() == pytest.approx(1, rel=1e-9)


def test_spectrum_falls_with_the_exponent() -> None:
    spectrum = power_law_spectrum(64, 3.0)
    assert spectrum[0, 4] / spectrum[0, 8] == pytest.approx(2**3)
    assert spectrum[3, 4] / spectrum[6, 8] == pytest.approx(2**3)
    assert spectrum[-5, 0] == spectrum[5, 0]
    assert spectrum[0, 0] == spectrum[0, 1]


def test_generated_tissue_has_the_nominal_spectrum() -> None:
    size, fields = 16, 600
    spectrum = power_law_spectrum(size, 3.0)
    white = np.random.default_rng(0).standard_normal((fields, size, size))
    transformed = np.fft.rfft2([coloured(field, spectrum) for field in white])
    ratio = (np.abs(transformed) ** 2).mean(axis=0) / (size**2 * spectrum)
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert np.all(np.abs(ratio - 1) < 6 * np.sqrt(2 / fields))


def test_nodule_has_the_published_profile() -> None:
    nodule = centred_nodule(64, Nodule(amplitude=1.4, radius=5.0, places=1, spacing=1))
    assert nodule[0, 0] == 1.4
    assert nodule[3, 0] == pytest.approx(1.4 * (1 - 9 / 25) ** 1.5)
    assert nodule[0, -4] == pytest.approx(1.4 * (1 - 16 / 25) ** 1.5)
    assert nodule[5, 0] == nodule[4, 4] == 0


def test_the_projection_of_the_nodule_in_a_volume_has_the_published_profile() -> None:
    options = Nodule(amplitude=1.4, radius=20.0, places=1, spacing=1)
    projected = centred_nodule(64, options, axes=3).sum(axis=0)
    published = centred_nodule(64, options)
    np.testing.assert_allclose(projected / projected[0, 0], published / 1.4, atol=2e-3)


@pytest.mark.parametrize("size", [12, 13])
def test_tissue_of_a_volume_has_unit_variance_and_the_spectrum_of_its_slices(size: int) -> None:
    spectrum = power_law_spectrum(size, 3.0, axes=3)
    impulse = np.zeros((size, size, size))
    impulse[0, 0, 0] = 1
    assert (coloured(impulse, spectrum) ** 2).sum() == pytest.approx(1, rel=1e-9)
    through_the_origin = power_law_spectrum(size, 3.0)
    for plane in (spectrum[0], spectrum[:, 0]):
        np.testing.assert_allclose(
            plane / plane[0, 1], through_the_origin / through_the_origin[0, 1], rtol=1e-12
        )


def test_places_are_centred_on_the_image() -> None:
    options = Nodule(amplitude=1.4, radius=5.0, places=21, spacing=2)
    np.testing.assert_array_equal(nodule_places(64, options), np.arange(12, 53, 2))
