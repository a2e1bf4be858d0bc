"""LIDC nodules: the task, one scale and grid for stored and new ones, named errors."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError, OptionError
from skiagram.readers.dicom import read_dicom
from skiagram.readers.spaced_image import SpacedImage
from skiagram.sources.lidc import INTERCEPT, LIDC, SliceGrid, infer_intercept, to_ct_numbers
from tests.datasets.own_folders import dicom
from tests.sources.lidc_files import SIDE, lung, stored, table, write
from tests.sources.phantoms import data_set


def test_indeterminate_nodules_are_left_out_and_ratings_become_labels(tmp_path: Path) -> None:
    entries = write(tmp_path, table()).open(tmp_path).entries()
    assert [entry.label for entry in entries] == [0, 1, 0, 1, 0, 1, 0]
    assert [entry.patient for entry in entries] == ["Doe^John", "Doe^John", "B", "C", "C", "D", "D"]
    assert all(entry.split is None for entry in entries)


def test_diameters_are_in_mm_and_no_rating_is_a_covariate(tmp_path: Path) -> None:
    first, second, third, *_ = write(tmp_path, table()).open(tmp_path).entries()
    assert first.covariates == {
        "diameter_mm": 5.0,
        "pixel_spacing_mm": 0.5,
        "slice_thickness_mm": 2.5,
        "manufacturer": "GE",  # known from another nodule of the series
    }
    assert second.covariates["diameter_mm"] == 10.0
    assert second.covariates["slice_thickness_mm"] == 2.5  # known from the nodule's series
    assert third.covariates["slice_thickness_mm"] is None
    assert [entry.covariates["manufacturer"] for entry in (second, third)] == ["GE", "SIEMENS"]


def test_every_scanner_gives_the_same_ct_numbers(tmp_path: Path) -> None:
    opened = write(tmp_path, table(), grid=None, window=None).open(tmp_path)
    images = [opened.image(position).pixels for position in range(7)]
    for image in images:
        assert image.dtype == np.float32
        known = np.isfinite(image)
        np.testing.assert_array_equal(image[known], lung()[known])
    assert [int(np.isnan(image).sum()) for image in images] == [1, 1, 0, 1, 1, 0, 0]


def test_spacing_is_the_scanners_own_or_that_of_the_grid(tmp_path: Path) -> None:
    own = write(tmp_path, table(), grid=None).open(tmp_path)
    spacing = [own.image(position).spacing for position in range(7)]
    assert spacing == [(mm, mm) for mm in (e.covariates["pixel_spacing_mm"] for e in own.entries())]
    common = write(tmp_path, table(), grid={"spacing_mm": 0.6, "size": 12}).open(tmp_path)
    assert {common.image(position).spacing for position in range(7)} == {(0.6, 0.6)}


def test_images_share_a_grid_and_a_window(tmp_path: Path) -> None:
    opened = write(tmp_path, table(), grid={"spacing_mm": 0.6, "size": 12}).open(tmp_path)
    images = [opened.image(position).pixels for position in range(7)]
    assert {image.shape for image in images} == {(12, 12)}
    assert all(image.min() >= -1000 and image.max() <= 400 for image in images)
    disc = [int((image > -400).sum()) for image in images]  # radius 5 pixels of 0.5 to 0.8 mm
    assert disc[0] < disc[3] < disc[5]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table().iloc[::-1], "8 rows that are not the 8 nodules"),
        (table().iloc[:7], "7 rows that are not the 8 nodules"),
    ],
)
def test_a_table_of_other_nodules_is_refused(
    rows: pd.DataFrame, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        write(tmp_path, rows).open(tmp_path)


def test_a_rating_of_both_classes_is_refused(tmp_path: Path) -> None:
    both = {"benign": [1, 2], "malignant": [2, 5]}
    with pytest.raises(OptionError, match="ratings: 2 twice"):
        write(tmp_path, table(), ratings=both).open(tmp_path)


@pytest.mark.slow
def test_the_real_file_is_the_usual_task(real_data: Path) -> None:
    source: LIDC = data_set("lidc_nodules")
    opened = source.open(real_data)
    entries = opened.entries()
    label = np.array([entry.label for entry in entries])
    assert np.bincount(label).tolist() == [897, 591]
    assert len({entry.patient for entry in entries}) == 686
    diameter = [entry.covariates["diameter_mm"] for entry in entries]
    assert roc_auc_score(label, diameter) == pytest.approx(0.924, abs=0.0005)
    images = np.stack([opened.image(position).pixels for position in range(len(entries))])
    assert images.shape == (1488, 48, 48)
    assert np.isnan(images).any(axis=(1, 2)).sum() == 2  # the grid fits into every image
    darkest = np.nanpercentile(images.reshape(1488, -1), 5, axis=1)
    assert np.percentile(darkest, 99) < -600  # air or lung in every image, whatever the scanner


PADDING = (-2000, -2048)
numbers = arrays(np.int16, (6, 6), elements=st.integers(-1024, 3071))


@settings(deadline=None, max_examples=20)
@given(numbers)
def test_numbers_stored_with_an_offset_are_recognised_and_restored(true: np.ndarray) -> None:
    stored = true - np.int16(INTERCEPT)
    stored[0, 0] = PADDING[0]
    assert infer_intercept(stored, PADDING) == INTERCEPT
    found = to_ct_numbers(stored, 1.0, INTERCEPT, PADDING)
    assert np.isnan(found[0, 0])
    np.testing.assert_array_equal(found.ravel()[1:], true.ravel()[1:])


@settings(deadline=None, max_examples=20)
@given(numbers)
def test_negative_dark_pixels_are_ct_numbers_already(true: np.ndarray) -> None:
    true[:2] = -900
    assert infer_intercept(true, PADDING) == 0
    assert infer_intercept(np.full((2, 2), PADDING[1], np.int16), PADDING) == INTERCEPT


@pytest.mark.slow
def test_the_rule_agrees_with_every_series_whose_intercept_is_known(real_data: Path) -> None:
    rows = pd.read_csv(real_data / "lidc_nodules.csv")
    with np.load(real_data / "lidc_nodules.npz") as archive:
        pixels = archive["images"]
    known = rows[rows["rescale_intercept"].notna()]
    found = np.array([infer_intercept(pixels[at], PADDING) for at in known.index])
    error = np.abs(found - known["rescale_intercept"].to_numpy())
    assert len(known) == 826
    assert error.max() == 24
    assert (error == 0).sum() == 752  # the others are stored from −1000


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
    found = SliceGrid(spacing_mm=0.68, size=size).resample(plane, spacing)
    new = (np.arange(size) - (size - 1) / 2) * 0.68
    np.testing.assert_allclose(found, 3 * new[:, None] - 2 * new[None, :], atol=1e-4)


def test_what_is_outside_or_beside_a_missing_pixel_is_missing() -> None:
    image = np.ones((20, 20), np.float32)
    image[0, 0] = np.nan
    found = SliceGrid(spacing_mm=1.0, size=24).resample(image, 1.0)
    assert np.isnan(found[:2]).all()
    assert np.isnan(found[2, 2])
    assert found[3:22, 3:22] == pytest.approx(1)
