"""The family of shape: its region and its unit."""

from pathlib import Path

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.features.batch import Batch
from skiagram.features.extraction import extract
from skiagram.features.shape import Shape
from skiagram.store import ImageStore, ShardWriter

IMAGE = np.zeros((1, 20, 30), dtype=np.float32)
IMAGE[0, 4:10, 5:21] = 80
LENGTHS = ("perimeter", "major_axis_length", "maximum_diameter", "length", "width", "image_width")
AREAS = ("area_mesh", "area_pixel_counting")


def features(family: Shape, batch: Batch) -> dict[str, float]:
    return dict(zip(family.names(), family.extract(batch)[0].tolist(), strict=True))


def test_bright_region_is_measured_not_the_image() -> None:
    bright = features(Shape(region="bright", unit="pixel"), Batch(IMAGE))
    assert bright["shape_area_pixel_counting"] == 6 * 16
    assert (bright["shape_length"], bright["shape_width"]) == pytest.approx((16, 6))
    assert (bright["shape_image_height"], bright["shape_image_width"]) == (20, 30)
    whole = features(Shape(region="whole", unit="pixel"), Batch(IMAGE))
    assert whole["shape_area_pixel_counting"] == 20 * 30


def test_millimetres_are_pixels_times_the_spacing() -> None:
    pixels = features(Shape(region="bright", unit="pixel"), Batch(IMAGE))
    batch = Batch(IMAGE, spacing=np.array([[0.2, 0.2]]))
    millimetres = features(Shape(region="bright", unit="mm"), batch)
    for name in LENGTHS:
        assert millimetres[f"shape_{name}"] == pytest.approx(0.2 * pixels[f"shape_{name}"])
    for name in AREAS:
        assert millimetres[f"shape_{name}"] == pytest.approx(0.04 * pixels[f"shape_{name}"])
    for name in ("circularity", "compactness", "elongation"):
        assert millimetres[f"shape_{name}"] == pytest.approx(pixels[f"shape_{name}"])


def test_rows_and_columns_have_their_own_spacing() -> None:
    batch = Batch(IMAGE, spacing=np.array([[2.0, 0.5]]))
    found = features(Shape(region="bright", unit="mm"), batch)
    assert (found["shape_length"], found["shape_width"]) == pytest.approx((12, 8))
    assert (found["shape_image_height"], found["shape_image_width"]) == (40, 15)
    assert found["shape_area_pixel_counting"] == pytest.approx(96)


@pytest.mark.parametrize("spacing", [None, np.array([[0.1, np.nan]])])
def test_millimetres_of_unknown_spacing_are_refused(spacing: np.ndarray | None) -> None:
    with pytest.raises(DataError, match=r"in mm, but the pixel spacing is unknown.*`unit: pixel`"):
        Shape(region="bright", unit="mm").extract(Batch(IMAGE, spacing=spacing))


def test_spacing_does_not_change_what_is_asked_for_in_pixels() -> None:
    family = Shape(region="bright", unit="pixel")
    spaced = Batch(IMAGE, spacing=np.array([[0.2, 0.2]]))
    np.testing.assert_array_equal(family.extract(spaced), family.extract(Batch(IMAGE)))


def test_the_case_without_spacing_is_named(tmp_path: Path) -> None:
    with ShardWriter(tmp_path) as writer:
        writer.add("known", IMAGE[0], spacing=(0.1, 0.1))
        writer.add("unknown", IMAGE[0])
    family = Shape(region="bright", unit="mm")
    with pytest.raises(DataError, match=r"unknown: .*in mm, but the pixel spacing is unknown"):
        extract(ImageStore(tmp_path), [family])
