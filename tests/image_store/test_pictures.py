"""Images as pictures: missing pixels, grey windows, slices, and outlines of regions."""

import base64
import io

import numpy as np
import pytest
from PIL import Image as Picture

from skiagram.image_store.pictures import (
    MISSING_COLOUR,
    OUTLINE_COLOUR,
    Circle,
    describe_place,
    draw_region,
    encode_change,
    encode_circles,
    name_slice,
)
from skiagram.images import Region

RAMP = np.linspace(0, 100, 64 * 64, dtype=np.float32).reshape(64, 64)


def opened(address):
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Picture.open(io.BytesIO(base64.b64decode(data))))


def outlined(picture):
    return (picture == OUTLINE_COLOUR).all(axis=2)


def test_missing_pixels_are_marked_and_what_was_removed_is_shown():
    raw = RAMP.copy()
    raw[3, 4] = np.nan
    raw[10, 10] += 1000
    before, after, removed = map(opened, encode_change(raw, RAMP))
    assert tuple(before[3, 4]) == MISSING_COLOUR
    assert (after.min(), after.max()) == (0, 255)
    assert removed[10, 10, 0] == 255
    assert set(np.unique(np.delete(removed[..., 0].ravel(), 10 * 64 + 10))) == {128}


def test_of_a_volume_the_middle_slice_is_shown_and_named():
    volume = np.stack([RAMP[::-1], RAMP.T, RAMP, RAMP + 9])[..., None]
    assert (name_slice(volume), name_slice(RAMP)) == ("slice 3 of 4", "")
    assert encode_change(volume, volume) == encode_change(RAMP, RAMP)


def test_constant_colour_and_large_images_are_shown():
    for image in (
        np.zeros((1, 1), np.uint8),
        np.full((4, 4), np.nan, np.float32),
        np.zeros((600, 300, 3), np.uint8),
        np.zeros((8, 8, 5), np.uint16),
    ):
        height, width, channels = opened(encode_change(image, image)[1]).shape
        assert max(height, width) <= 256
        assert channels == 3


def test_a_cube_of_one_size_in_mm_is_drawn_as_three_squares_of_one_size():
    image = np.zeros((10, 40, 40, 1), np.float32)
    inside = np.zeros((10, 40, 40), np.bool_)
    inside[3:7, 10:26, 12:28] = True  # 16 mm each way
    drawn = outlined(draw_region(image, Region(inside), (4.0, 1.0, 1.0)))
    assert drawn.shape == (160, 3 * 160 + 2 * 4)  # 40 mm are 160 pixels
    for left in (0, 164, 328):
        plane = drawn[:, left : left + 160]
        for axis in (0, 1):
            side = np.ptp(np.flatnonzero(plane.any(axis=axis))) + 1
            assert side == 16 * 4
    assert describe_place(image, Region(inside)) == "slice 4, row 11, column 13"


def test_an_image_shows_its_region_as_drawn_even_where_pixels_were_left_out():
    drawn = np.zeros((20, 30), np.bool_)
    drawn[5:15, 5:25] = True
    inside = drawn & (np.arange(30) < 10)
    image = np.random.default_rng(0).uniform(size=(20, 30)).astype(np.float32)
    with_rest, alone = (
        outlined(draw_region(image, region, None)).sum()
        for region in (Region(inside, drawn), Region(inside))
    )
    assert with_rest > 1.5 * alone
    assert describe_place(image, Region(inside, drawn)) == ""


def test_balls_are_drawn_as_the_slice_cuts_them():
    volume = np.zeros((8, 16, 16, 1), np.float32)
    first = Circle((5.0, 8.0, 8.0), 3.0, (0, 255, 0))
    for slice_, radius in ((6.0, 5**0.5), (7.0, None)):  # slices lie 2 mm apart
        other = Circle((slice_, 8.0, 8.0), 3.0, (255, 0, 0))
        picture = opened(encode_circles(volume, (2.0, 1.0, 1.0), [first, other])).astype(int)
        assert picture.shape == (256, 256, 3)
        red = np.argwhere(picture[..., 0] - picture[..., 1] > 100)
        if radius is None:
            assert not len(red)
        else:
            away = np.linalg.norm(red - 136, axis=1)  # pixels of the picture, 16 a pixel
            assert np.median(away) == pytest.approx(16 * radius, abs=3)
