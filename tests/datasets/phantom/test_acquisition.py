"""Faults and the DICOM form of a phantom image."""

import numpy as np
import pydicom
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.datasets.dicom import read_dicom
from skiagram.datasets.phantom.image_model import (
    HIGHEST,
    INTERCEPT,
    LOWEST,
    PADDING,
    SLOPE,
    SPACING,
    Faults,
    add_faults,
    write_dicom,
)

FLAT = np.full((32, 32), 30_000, dtype=np.uint16)


@settings(deadline=None, max_examples=20)
@given(
    missing=st.integers(0, 200),
    hot=st.integers(0, 200),
    rows=st.integers(0, 10),
    seed=st.integers(0, 99),
)
def test_faults_are_as_many_as_asked(missing: int, hot: int, rows: int, seed: int) -> None:
    faults = Faults(missing_pixels=missing, hot_pixels=hot, dead_rows=rows)
    faulty = add_faults(FLAT, faults, np.random.default_rng(seed))
    assert (faulty == PADDING).sum() == missing
    assert (faulty == HIGHEST).sum() == hot
    assert np.all(faulty != FLAT, axis=1).sum() == rows
    untouched = (faulty != PADDING) & (faulty != HIGHEST) & (faulty != LOWEST)
    assert (faulty[untouched] == 30_000).all()
    assert (FLAT == 30_000).all()


def test_faults_reach_the_pipeline_on_the_right_pixels() -> None:
    faults = Faults(missing_pixels=9, hot_pixels=5, dead_rows=1)
    faulty = add_faults(FLAT, faults, np.random.default_rng(0))
    film = read_dicom(write_dicom(faulty, 0, 0))
    image = film.pixels
    assert film.spacing == (SPACING, SPACING)
    np.testing.assert_array_equal(np.isnan(image), faulty == PADDING)
    assert (image[faulty == HIGHEST] == HIGHEST * SLOPE + INTERCEPT).all()
    assert (image[faulty == LOWEST] == LOWEST * SLOPE + INTERCEPT).all()


def test_file_is_plain_dicom_with_identifiers_of_its_own() -> None:
    one, two = (pydicom.dcmread(write_dicom(FLAT, at, at)) for at in (0, 1))
    assert str(one.PatientName) == "SYNTHETIC^PHANTOM-0001"
    assert two.PatientID == "PHANTOM-0002"
    assert one.SOPInstanceUID != two.SOPInstanceUID
    np.testing.assert_array_equal(one.pixel_array, FLAT)
