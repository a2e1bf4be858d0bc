"""Block-wise transforms against PyWavelets' own."""

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.restoration import denoising
from skiagram.restoration.contract import Planes
from skiagram.restoration.denoising import decompose, reconstruct


def back(planes: Planes, name: str, level: int) -> Planes:
    found = decompose(
        lambda first, last: planes[:, first:last], planes.shape, pywt.Wavelet(name), level
    )
    again = np.full_like(planes, np.nan)

    def write(rows: Planes, first: int) -> None:
        again[:, first : first + rows.shape[1]] = rows[..., : planes.shape[2]]

    reconstruct(found, pywt.Wavelet(name), write)
    return again


@pytest.mark.parametrize("shape", [(1, 37, 64), (5, 28, 28), (2, 90, 41)])
@pytest.mark.parametrize("name", ["haar", "db3", "sym4"])
@pytest.mark.parametrize("block", [1, 300, 2**17])
def test_coefficients_equal_pywavelets_whatever_the_blocks(
    shape: tuple[int, int, int], name: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denoising, "_BLOCK_VALUES", block)
    planes = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = decompose(
        lambda first, last: planes[:, first:last], planes.shape, pywt.Wavelet(name), 2
    )
    approximation, *details = pywt.wavedec2(planes, name, level=2, axes=(-2, -1))
    np.testing.assert_allclose(found.approximation, approximation, atol=1e-5)
    for ours, theirs in zip(found.details, reversed(details), strict=True):
        for band, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(band, expected, atol=1e-5)
    np.testing.assert_allclose(back(planes, name, 2), planes, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    level=st.integers(1, 4),
    name=st.sampled_from(["haar", "db2", "sym5"]),
)
def test_any_size_comes_back_whole(height: int, width: int, level: int, name: str) -> None:
    planes = np.random.default_rng(1).normal(size=(2, height, width)).astype(np.float32)
    np.testing.assert_allclose(back(planes, name, level), planes, atol=1e-5)
