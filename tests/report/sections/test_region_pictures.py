"""The planes through a region show it with its outline, at one scale."""

import numpy as np
from numpy.typing import NDArray

from skiagram.image_store.shards import Region
from skiagram.report.sections.data import OUTLINE_COLOUR, describe_place, draw_region


def _outlined(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    outlined: NDArray[np.bool_] = (picture == OUTLINE_COLOUR).all(axis=2)
    return outlined


def test_a_cube_of_one_size_in_mm_is_drawn_as_three_squares_of_one_size() -> None:
    image = np.zeros((10, 40, 40, 1), np.float32)
    inside = np.zeros((10, 40, 40), np.bool_)
    inside[3:7, 10:26, 12:28] = True  # 16 mm each way
    drawn = _outlined(draw_region(image, Region(inside), (4.0, 1.0, 1.0)))
    assert drawn.shape == (160, 3 * 160 + 2 * 4)  # 40 mm are 160 pixels
    for left in (0, 164, 328):
        plane = drawn[:, left : left + 160]
        for axis in (0, 1):
            side = np.ptp(np.flatnonzero(plane.any(axis=axis))) + 1
            assert side == 16 * 4
    assert describe_place(image, Region(inside)) == "slice 4, row 11, column 13"


def test_an_image_shows_its_region_as_drawn_even_where_pixels_were_left_out() -> None:
    drawn = np.zeros((20, 30), np.bool_)
    drawn[5:15, 5:25] = True
    inside = drawn & (np.arange(30) < 10)
    image = np.random.default_rng(0).uniform(size=(20, 30)).astype(np.float32)
    with_rest, alone = (
        _outlined(draw_region(image, region, None)).sum()
        for region in (Region(inside, drawn), Region(inside))
    )
    assert with_rest > 1.5 * alone
    assert describe_place(image, Region(inside, drawn)) == ""
