"""A region is the same whichever file it is drawn in; one that does not fit is refused in mm."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from skimage.measure import grid_points_in_poly

from skiagram.datasets.volumes.dicom_series import decode_series
from skiagram.datasets.volumes.grid import Grid
from skiagram.datasets.volumes.masks import decode_mask, fill_polygon
from skiagram.datasets.volumes.volume_files import decode_volume
from skiagram.errors import DataError
from tests.datasets.volumes.examples import GRID, SHAPE, nifti_bytes, segmentation, structure_set

MASK = np.zeros(SHAPE, np.bool_)
MASK[1:3, 1:4, 2:5] = True


def _box(
    depth: int, rows: tuple[float, float], columns: tuple[float, float]
) -> NDArray[np.float64]:
    """Contour of a box in a slice, corners between voxels, in mm."""
    corners = [(depth, row, column) for row, column in zip(
        (rows[0], rows[0], rows[1], rows[1]), (*columns, *columns[::-1]), strict=True
    )]  # fmt: skip
    return GRID.positions(np.array(corners, dtype=np.float64))


def _contours(hole: bool = False) -> list[NDArray[np.float64]]:
    drawn = [_box(depth, (0.5, 3.5), (1.5, 4.5)) for depth in (1, 2)]
    return [*drawn, _box(2, (1.5, 2.5), (2.5, 3.5))] if hole else drawn


def test_the_same_region_in_every_kind_of_file_is_the_same_mask() -> None:
    files = {
        "nifti": nifti_bytes(MASK.astype(np.uint8) * 3),
        "nifti of float64": nifti_bytes(MASK.astype(np.float64)),
        "rtstruct": structure_set({"GTV": _contours()}),
        "seg": segmentation({"GTV": MASK}),
    }
    for name, content in files.items():
        np.testing.assert_array_equal(decode_mask(content, name, GRID), MASK, err_msg=name)


def test_a_contour_within_a_contour_is_a_hole() -> None:
    mask = decode_mask(structure_set({"GTV": _contours(hole=True)}), "m", GRID)
    np.testing.assert_array_equal(mask ^ MASK, np.pad([[[True]]], ((2, 1), (2, 2), (3, 2))))


def test_one_of_several_regions_is_chosen_by_name_or_number() -> None:
    other = np.roll(MASK, 1, axis=0)
    labels = nifti_bytes(np.where(MASK, 1, np.where(other, 2, 0)).astype(np.uint8))
    np.testing.assert_array_equal(decode_mask(labels, "m", GRID, label_value=1), MASK)
    seg = segmentation({"organ": other, "GTV": MASK})
    np.testing.assert_array_equal(decode_mask(seg, "m", GRID, region="GTV"), MASK)
    np.testing.assert_array_equal(decode_mask(seg, "m", GRID, label_value=1), other)
    for content, message in (
        (labels, "2 labels (1, 2)"),
        (seg, "2 regions"),
        (structure_set({"a": _contours(), "b": _contours()}), "Allowed: `a`, `b`"),
    ):
        with pytest.raises(DataError) as raised:
            decode_mask(content, "m", GRID)
        assert message in str(raised.value)


def _moved(mm: float) -> Grid:
    return Grid(SHAPE, GRID.spacing, (-10.0, 20.0, 5.5 + mm), GRID.direction)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nifti_bytes(np.zeros(SHAPE, np.uint8)), "an empty mask"),
        (nifti_bytes(MASK * 0.5), "values between whole numbers"),
        (nifti_bytes(MASK.astype(np.uint8), _moved(3.0)), "the first voxel 3 mm away"),
        (nifti_bytes(np.ones((4, 5, 7), np.uint8)), "4 × 5 × 7 voxels, the image 4 × 5 × 6"),
        (structure_set({"GTV": [_box(9, (0, 2), (0, 2))]}), "18.0 mm beyond"),
        (b"\0" * 128 + b"DICM" + b"\0" * 40, "neither a structure set nor a segmentation"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_with_the_reason(content: bytes, message: str) -> None:
    with pytest.raises(DataError) as raised:
        decode_mask(content, "m", GRID)
    assert message in str(raised.value)


def test_a_mask_on_other_voxels_is_resampled_only_if_asked() -> None:
    content = nifti_bytes(MASK.astype(np.uint8), _moved(3.0))  # one slice further
    mask = decode_mask(content, "m", GRID, mask_grid="resample")
    np.testing.assert_array_equal(mask[1:], MASK[:-1])


@settings(deadline=None, max_examples=20)
@given(arrays(np.float64, st.tuples(st.integers(3, 12), st.just(2)), elements=st.floats(-3, 25)))
def test_filled_polygons_are_those_of_scikit_image(corners: NDArray[np.float64]) -> None:
    corners = corners + np.array([1e-3 * np.pi, 1e-3 * np.e])  # no centre on an edge
    expected = grid_points_in_poly((20, 24), corners)
    np.testing.assert_array_equal(fill_polygon(corners, (20, 24)), expected)


@pytest.mark.thorough
@pytest.mark.real
@pytest.mark.parametrize(
    ("patient", "kind"), [("STS_002", "PET"), ("STS_002", "MR_T1"), ("STS_009", "MR_T1")]
)
def test_contours_of_real_tumours_fill_the_voxels_of_their_published_masks(
    real_data: Path, patient: str, kind: str
) -> None:
    root = real_data / "sts"
    dicom, nifti = root / "dicom" / patient / kind, root / "nifti" / patient
    files = [(path.name, path.read_bytes()) for path in sorted((dicom / "image").iterdir())]
    image = decode_series(files, patient)
    published = decode_volume((nifti / f"{kind}_mask.nii.gz").read_bytes(), "mask")
    drawn = decode_mask((dicom / "mask/RS.dcm").read_bytes(), "RS", image.grid)
    assert int((drawn != (published.voxels > 0)).sum()) == 0
    same = nifti / f"{kind}_image.nii.gz"
    if same.exists():
        values = decode_volume(same.read_bytes(), "image").voxels
        np.testing.assert_allclose(image.voxels, values, atol=1e-5)
