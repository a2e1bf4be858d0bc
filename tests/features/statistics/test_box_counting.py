"""Box counting against boxes counted one by one, and on a plane."""

import numpy as np
import pytest

from skiagram.features.statistics.box_counting import box_counting_dimension


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


def test_a_plane_has_dimension_two() -> None:
    y, x = np.mgrid[:129, :129]
    assert box_counting_dimension((3.0 * y + x)[None])[0] == pytest.approx(2, abs=0.05)
