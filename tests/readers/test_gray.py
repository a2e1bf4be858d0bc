"""Gray pictures in colour files, against Pillow, imageio and scikit-image."""

from functools import partial
from io import BytesIO

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from skiagram.errors import DataError
from skiagram.readers.gray import MAX_TINT, in_gray
from skiagram.readers.image_files import decode_image
from skiagram.readers.spaced_image import SpacedImage
from skiagram.records.files import read_record
from skiagram.tasks.cases import DataCard
from tests.datasets.own_folders import dicom, encoded, film, png, row, source_of, tiff, write_folder
from tests.datasets.sources import ingested


def tinted(at, most=MAX_TINT):
    """Return an RGB picture whose channels differ by up to so many levels, and somewhere by all."""
    levels = np.random.default_rng(at).integers(most + 1, size=(24, 24, 3))
    levels[0, 0] = (0, most, 0)
    return (np.minimum(film(at), 255 - most)[..., None] + levels).astype(np.uint8)


def encode_png(pixels):
    return encoded(Image.fromarray(pixels), "PNG")


def encode_cmyk(pixels):
    return encoded(Image.fromarray(pixels).convert("CMYK"), "TIFF")


def encode_dicom(pixels):
    depth = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PlanarConfiguration": 0}
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", **depth}
    return dicom(0, **colour, PixelData=pixels.tobytes())


@pytest.mark.parametrize(
    "write",
    [encode_png, partial(tiff, photometric="rgb"), encode_cmyk, encode_dicom],
    ids=["PNG", "TIFF", "CMYK", "DICOM"],
)
def test_channels_that_hardly_differ_are_gray_of_pillows_values(write):
    image = decode_image(write(tinted(1)), "film")
    assert_array_equal(image.pixels, np.asarray(Image.fromarray(tinted(1)).convert("L")))
    assert image.made_gray == "tinted"
    colour = decode_image(write(tinted(1, MAX_TINT + 1)), "film")
    assert (colour.pixels.shape, colour.made_gray) == ((24, 24, 3), "")


def test_a_gray_jpeg_that_was_coded_in_colour_is_gray():
    smooth = np.add.outer(np.arange(64), 2 * np.arange(64)).astype(np.uint8)
    warm = np.stack([smooth + 3, smooth, smooth], -1).astype(np.uint8)
    content = encoded(Image.fromarray(warm), "JPEG", quality=90)
    opened = Image.open(BytesIO(content))
    assert opened.mode == "RGB"
    image = decode_image(content, "film")
    assert_array_equal(image.pixels, np.asarray(opened.convert("L")))
    assert image.made_gray == "tinted"


def test_labels_of_a_mask_are_never_weighed():
    assert decode_image(encode_png(tinted(1)), "mask", as_stored=True).pixels.ndim == 3


def mixed(place, **changes):
    """Return a data set of gray, gray in colour files, RGBA of one alpha and one true colour."""
    alpha = Image.fromarray(film(20))
    alpha.putalpha(255)
    files = {f"{at}.png": png(at) for at in range(4)}
    files |= {f"{at}.png": encode_png(tinted(at)) for at in range(4, 6)}
    files["6.png"] = encoded(alpha.convert("RGBA"), "PNG")
    colour = np.stack([film(7), film(8), film(9)], -1)
    files["7.png"] = encode_png(colour)
    own = write_folder(place, files, [row(at, name) for at, name in enumerate(files)])
    return source_of(own, **changes)


def test_true_colour_among_gray_is_refused_until_it_is_turned_gray(tmp_path):
    with pytest.raises(DataError, match=r"^7\.png: a colour image.*`--gray`"):
        mixed(tmp_path / "refused").open(None).image(7)
    source = mixed(tmp_path / "turned", gray=True)
    opened = source.open(None)
    colour = np.stack([film(7), film(8), film(9)], -1)
    found = opened.image(7).pixels
    assert_array_equal(found, np.asarray(Image.fromarray(colour).convert("L")))
    assert opened.in_gray  # so is colour of new images by `predict`
    assert_array_equal(in_gray(SpacedImage(colour)).pixels, found)


def test_the_card_says_how_many_were_not_gray_files(tmp_path):
    folders, _ = ingested(mixed(tmp_path, gray=True), tmp_path / "out", "cv")
    issues = read_record(DataCard, folders.cases / "card.json").known_issues
    assert [issue.split(" hold")[0].split(" are in")[0] for issue in issues] == [
        "2 of 8 images",
        "1 of 8 images",
    ]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_laid_on_black_where_colour_is_turned_gray(mode):
    alpha = np.full((24, 24), 255, np.uint8)
    alpha[:2] = 145
    clear = Image.fromarray(film(1)).convert("RGBA" if mode != "LA" else "LA")
    clear.putalpha(Image.fromarray(alpha))
    if mode == "P":
        clear = Image.fromarray(film(1)).convert("P")
        clear.info["transparency"] = int(np.asarray(clear)[0, 0])
    content = encoded(clear, "PNG")
    with pytest.raises(DataError, match="transparent pixels"):
        decode_image(content, "film")
    image = decode_image(content, "film", on_black=True)
    whole = Image.new("RGBA", (24, 24), "black")
    whole.alpha_composite(Image.open(BytesIO(content)).convert("RGBA"))
    assert_array_equal(image.pixels, np.asarray(whole.convert("L")))
    assert image.made_gray == "transparent"
