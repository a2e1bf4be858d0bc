"""A new nodule, read from DICOM, gets the scale and grid of the stored ones."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from skiagram.datasets.contract import SpacedImage
from skiagram.datasets.dicom import read_dicom
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
        ({"spacing": (0.7, 0.8)}, "pixels that are no squares"),
    ):
        with pytest.raises(DataError, match=words):
            acquisition.acquire(replace(sound, **changed))
