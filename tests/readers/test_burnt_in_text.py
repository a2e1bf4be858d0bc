"""Text-like marks in images: planted text is found and masked, images without text are left."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from scipy import ndimage

from skiagram.errors import DataError
from skiagram.readers.burnt_in_text import Box, BurntInText, find_text
from skiagram.readers.spaced_image import SpacedImage
from tests.datasets.own_folders import encoded, row, source_of, write_folder

TEXTS = ("MUSTER ANNA 12.03.1956", "Smith, J. 4711", "DOB 1956-03-12")
CORNERS = ((8, 8), (8, 200), (460, 8), (460, 200))


def film(seed: int, side: int = 512) -> NDArray[np.uint8]:
    """Return smooth tissue with fine structure and noise, on dark ground."""
    generator = np.random.default_rng(seed)
    coarse = ndimage.zoom(generator.uniform(60, 200, (9, 9)), side / 9, order=3)
    fine = ndimage.gaussian_filter(generator.normal(0, 60, (side, side)), 1.5)
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    tissue = (coarse + fine) * (np.hypot(rows, columns) < 0.42)
    noisy = tissue + generator.normal(6, 3, (side, side))
    levels: NDArray[np.uint8] = np.clip(noisy, 0, 255).astype(np.uint8)
    return levels


def planted(
    image: NDArray[np.uint8], text: str, place: tuple[int, int], size: int, level: int = 255
) -> tuple[NDArray[np.uint8], Box]:
    """Write text into an image with Pillow's own font; return both."""
    drawn = Pillow.fromarray(image)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(size)
    row, column = place
    left, top, right, bottom = pen.textbbox((column, row), text, font=font)
    pen.text((column, row), text, fill=level, font=font)
    return np.asarray(drawn), Box(int(top), int(left), int(bottom), int(right))


def share_covered(box: Box, found: list[Box]) -> float:
    covered = np.zeros((box.height, box.width), dtype=np.bool_)
    for one in found:
        top, left = max(one.top, box.top), max(one.left, box.left)
        bottom, right = min(one.bottom, box.bottom), min(one.right, box.right)
        covered[top - box.top : bottom - box.top, left - box.left : right - box.left] = True
    return float(covered.mean())


@pytest.mark.parametrize("size", [10, 14, 20, 32])
@pytest.mark.parametrize("at", range(4))
def test_a_name_in_a_corner_is_found_as_a_whole(size: int, at: int) -> None:
    image, box = planted(film(at), TEXTS[at % 3], CORNERS[at], size)
    assert share_covered(box, find_text(image)) > 0.6


def test_text_that_runs_upwards_is_found() -> None:
    image, box = planted(film(2), TEXTS[0], (8, 8), 20)
    assert share_covered(box.turned(), find_text(image.T)) > 0.6


@pytest.mark.parametrize("depth", ["uint16", "int16", "float32"])
def test_text_is_found_at_every_depth_and_in_colour(depth: str) -> None:
    image, box = planted(film(5), TEXTS[0], (8, 8), 16)
    deep = image.astype(depth) * 16 - (1000 if depth != "uint16" else 0)
    if depth == "float32":
        deep[300:350] = np.nan  # missing pixels hide none
    assert share_covered(box, find_text(deep)) > 0.6
    assert share_covered(box, find_text(np.repeat(image[..., None], 3, axis=2))) > 0.6


@pytest.mark.slow
def test_a_large_film_is_looked_at_in_less_detail_and_its_text_still_found() -> None:
    large = np.kron(film(6), np.ones((6, 6), dtype=np.uint8))
    image, box = planted(large, TEXTS[0], (40, 40), 40)
    assert share_covered(box, find_text(image)) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_an_image_without_text_has_none(seed: int) -> None:
    assert find_text(film(seed)) == []


@pytest.mark.slow
@pytest.mark.parametrize("side", [64, 128, 256])
@pytest.mark.parametrize("width", [1.0, 2.0])
def test_texture_full_of_marks_is_not_text_but_text_on_it_is(side: int, width: float) -> None:
    """Of smoothed noise a third was taken for text before."""
    found = 0
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(size=(side, side))
        smooth = ndimage.gaussian_filter(noise, width)
        levels = ((smooth - smooth.min()) / np.ptp(smooth) * 150).astype(np.uint8)
        assert find_text(levels) == []
        image, box = planted(levels, "DOB 1956-03-12"[-side // 10 :], (4, 4), 10)
        found += share_covered(box, find_text(image)) > 0.5
    assert found == 4 or side == 64


def test_small_images_volumes_and_images_that_show_nothing_have_none() -> None:
    assert find_text(film(1, 40)) == []
    assert find_text(np.zeros((80, 80), np.uint8)) == []
    assert find_text(np.zeros((9, 80, 80, 1), np.uint8)) == []


def test_masked_text_is_gone_and_nothing_else_is_touched() -> None:
    image, box = planted(film(7), TEXTS[0], (8, 8), 20)
    masked = BurntInText(treatment="mask").acquire(SpacedImage(image, (0.1, 0.1)))
    assert masked.spacing == (0.1, 0.1)
    assert find_text(masked.pixels) == []
    assert (masked.pixels[box.top : box.bottom, box.left : box.right] < 60).mean() > 0.99
    np.testing.assert_array_equal(masked.pixels[60:], image[60:])


def test_what_lies_outside_of_an_ultrasounds_panel_is_filled() -> None:
    image = film(9)
    masked = BurntInText(treatment="mask").acquire(
        SpacedImage(image, panels=((100, 120, 400, 420),))
    )
    np.testing.assert_array_equal(masked.pixels[100:400, 120:420], image[100:400, 120:420])
    assert (masked.pixels[:100] == image.min()).all()


def test_an_image_with_text_is_refused_by_place_where_that_is_chosen() -> None:
    image, _ = planted(film(7), TEXTS[0], (8, 8), 20)
    with pytest.raises(DataError, match=r"look like text.*rows \d+ to \d+, columns \d+ to \d+"):
        BurntInText(treatment="refuse").acquire(SpacedImage(image))
    kept = SpacedImage(image)
    assert BurntInText(treatment="keep").acquire(kept) is kept


@pytest.mark.slow
def test_a_folder_masks_or_refuses_text_as_its_option_file_says(tmp_path: Path) -> None:
    images = [film(at, 128) for at in range(8)]
    marked, _ = planted(images[3], "ANNA 1956", (8, 8), 14)
    files = {
        f"{at}.png": encoded(Pillow.fromarray(image), "PNG") for at, image in enumerate(images)
    }
    files["3.png"] = encoded(Pillow.fromarray(marked), "PNG")
    own = write_folder(tmp_path, files, [row(at, name) for at, name in enumerate(files)])
    masking = source_of(own, burnt_in_text="mask").open(None)
    assert masking.acquisition == BurntInText(treatment="mask")
    assert find_text(masking.image(3).pixels) == []
    np.testing.assert_array_equal(masking.image(2).pixels, images[2])
    refusing = source_of(own, burnt_in_text="refuse").open(None)
    refusing.image(2)
    with pytest.raises(DataError, match=r"3\.png: marks that look like text in 1 places"):
        refusing.image(3)
    keeping = source_of(own).open(None)
    assert keeping.acquisition is None
    np.testing.assert_array_equal(keeping.image(3).pixels, marked)
