"""A new nodule, read from DICOM, gets the scale and grid of the stored ones."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.datasets.contract import SpacedImage
from skiagram.datasets.dicom import read_dicom
from skiagram.datasets.lidc import Grid
from skiagram.errors import DataError
from tests.datasets.lidc_files import SIDE, lung, stored, table, write
from tests.datasets.own_folders import dicom

HOUNSFIELD = {"RescaleSlope": 1, "RescaleIntercept": -1024, "PixelRepresentation": 1}


@pytest.mark.parametrize("changes", [{}, {"grid": None}, {"window": None}], ids=str)
def test_a_nodule_in_dicom_becomes_what_ingest_stores(
    changes: dict[str, object], tmp_path: Path
) -> None:
    opened = write(tmp_path, table(), **changes).open(tmp_path)
    content = dicom(
        0,
        **HOUNSFIELD,
        Rows=SIDE,
        Columns=SIDE,
        PixelData=stored()[7].tobytes(),
        PixelSpacing=[0.8, 0.8],
    )
    found = opened.acquisition.acquire(read_dicom(BytesIO(content)))
    expected = opened.image(6)  # the indeterminate third one is left out
    np.testing.assert_allclose(found.pixels, expected.pixels, atol=1e-3)
    assert found.spacing == expected.spacing


def test_what_is_no_square_of_ct_numbers_is_refused(tmp_path: Path) -> None:
    acquisition = write(tmp_path, table()).open(tmp_path).acquisition
    sound = SpacedImage(lung().astype(np.float32), (0.7, 0.7))
    acquisition.acquire(sound)
    for changed, words in (
        ({"pixels": lung().astype(np.uint8)}, "pixels of type uint8. Allowed: CT numbers in HU"),
        ({"pixels": np.zeros((512, 512), np.float32)}, "512 × 512 pixels. Allowed: squares of 31"),
        ({"spacing": None}, "an unknown pixel spacing. Allowed: DICOM"),
        ({"spacing": (0.7, 0.8)}, "pixels that are not square"),
    ):
        with pytest.raises(DataError, match=words):
            acquisition.acquire(replace(sound, **changed))


@settings(deadline=None, max_examples=20)
@given(st.floats(0.45, 1.0), st.integers(8, 24))
def test_a_plane_in_mm_stays_the_plane(spacing: float, size: int) -> None:
    at = (np.arange(71) - 35) * spacing
    plane = (3 * at[:, None] - 2 * at[None, :]).astype(np.float32)
    found = Grid(spacing_mm=0.68, size=size).resample(plane, spacing)
    new = (np.arange(size) - (size - 1) / 2) * 0.68
    np.testing.assert_allclose(found, 3 * new[:, None] - 2 * new[None, :], atol=1e-4)


def test_what_is_outside_or_beside_a_missing_pixel_is_missing() -> None:
    image = np.ones((20, 20), np.float32)
    image[0, 0] = np.nan
    found = Grid(spacing_mm=1.0, size=24).resample(image, 1.0)
    assert np.isnan(found[:2]).all()
    assert np.isnan(found[2, 2])
    assert found[3:22, 3:22] == pytest.approx(1)
