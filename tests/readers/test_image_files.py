"""Image files: odd ones read right, faulty ones named."""

import os
import socket
import struct
import time
import zlib
from functools import partial
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from tifffile import TiffWriter

from skiagram.errors import DataError
from skiagram.readers.files import read_file
from skiagram.readers.image_files import count_frames, decode_image
from skiagram.readers.masks import decode_plane_mask
from tests.datasets.own_folders import dicom, encoded, png, tiff
from tests.yaml_rows import read_yaml

GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)
DEEP = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
COLOUR = np.stack([GRAY, GRAY.T, GRAY[::-1]], axis=-1)


def see_through(image, value):
    """Return a PNG whose chunk tRNS makes a value see-through (PNG 3, 11.3.1.1)."""
    content = encoded(Image.fromarray(image), "PNG")
    chunk = b"tRNS" + value.to_bytes(2, "big")
    chunk = (2).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return content[:33] + chunk + content[33:]  # behind the header


def of_four_bits(image, value=None):
    """Return a PNG of 4 bits whose columns are twice the image's, a value see-through if given."""
    content = see_through(image, value) if value else encoded(Image.fromarray(image), "PNG")
    width, height = struct.unpack(">2L", content[16:24])
    header = b"IHDR" + struct.pack(">2LB", 2 * width, height, 4) + content[25:29]
    return content[:12] + header + struct.pack(">L", zlib.crc32(header)) + content[33:]


def by_pillow(picture, kind, mode=None, palette=None, alpha=None, alpha_of_one=None, **how):
    """Return a file of Pillow's, one of its pixels more or less see-through than the others."""
    image = Image.fromarray(picture)
    if palette:
        image = image.convert("P")
        image.putpalette(PICTURES[palette].tobytes())
    image = image.convert(mode) if mode else image
    if alpha:
        image.putalpha(alpha)
    if alpha_of_one:
        image.putpixel((3, 3), (*image.getpixel((3, 3))[:3], alpha_of_one))
    return encoded(image, kind, **how)


SINGLE = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)
DEEP_IN_COLOUR = np.stack([DEEP // 16] * 3, axis=-1)
PICTURES = {
    "gray": GRAY,
    "half gray": GRAY[:, :8],
    "nibbles": np.stack([GRAY[:, :8] // 16, GRAY[:, :8] % 16], -1).reshape(16, 16) * np.uint8(17),
    "gray and 255": np.stack([GRAY, 0 * GRAY + 255], -1),
    "two": np.stack([GRAY, GRAY.T], -1),
    "deep": DEEP,
    "two deep": np.stack([DEEP, DEEP.T], -1),
    "colour": COLOUR,
    "ramp": np.stack([GRAY.ravel()] * 3, axis=-1),
    "magenta": np.stack([np.roll(GRAY, 1), 0 * GRAY, np.roll(GRAY, 1)], axis=-1).reshape(256, 3),
    "magenta levels": np.stack([GRAY - 1, 0 * GRAY, GRAY - 1], axis=-1),
    "bits": GRAY > 99,
    "black and white": np.uint8(255) * (GRAY > 99),
    "ends": np.array([[0, 255]], np.uint8),
    "single": SINGLE,
    "apart": np.stack([SINGLE, SINGLE.T, 2 * SINGLE]),
}
WRITERS = {
    "tiff": tiff,
    "text": lambda text: text.encode("latin-1"),
    "deep pgm": lambda image, greatest: b"P5 16 16 %d\n" % greatest + image.astype(">u2").tobytes(),
    "see-through": see_through,
    "four bits": of_four_bits,
    "12-bit JPEG": lambda _: bytes(imagecodecs.jpeg8_encode(DEEP_IN_COLOUR, bitspersample=12)),
}
ROWS = read_yaml(__file__, "pictures.yaml")


def picture_of(of, view=None, cast=None, copies=None, **_):
    """Return the picture of a row, or its text."""
    picture = PICTURES.get(of, of)
    picture = picture.view(view) if view else picture
    picture = picture.astype(cast) if cast else picture
    return np.stack([picture] * copies) if copies else picture


def content_of(row):
    """Return the file of a row; see `pictures.yaml`."""
    picture, kind = picture_of(**row), row.get("kind", "tiff")
    if row.get("inverted"):
        picture = np.iinfo(picture.dtype).max - picture
    write = WRITERS.get(kind, partial(by_pillow, kind=kind))
    content = write(picture, **row.get("with", {})) * row.get("times", 1)
    return content[: len(content) - row.get("cut", 0)]


def expected_of(row):
    """Return what is read of a row's file."""
    picture = PICTURES[row["is"]] if "is" in row else picture_of(**row)
    return picture.astype(row.get("as", picture.dtype))


@pytest.mark.parametrize("kind", ROWS["read"])
def test_odd_kinds_are_read_right(kind):
    row = ROWS["read"][kind]
    expected, found = expected_of(row), decode_image(content_of(row), "film").pixels
    assert found.dtype == expected.dtype
    assert found.dtype.isnative
    assert_array_equal(found, expected)


def test_a_12_bit_pgm_is_stretched_to_the_whole_depth():
    twelve = np.array([[0, 2048, 4095]], np.uint16)
    found = decode_image(b"P5 3 1 4095\n" + twelve.astype(">u2").tobytes(), "film").pixels
    assert_allclose(found, twelve / 4095 * 65535, atol=1)
    assert found.dtype == np.uint16


def test_cmyk_jpeg_becomes_rgb():
    flat = np.full((16, 16, 3), (200, 60, 20), np.uint8)
    content = encoded(Image.fromarray(flat).convert("CMYK"), "JPEG", quality=100)
    found = decode_image(content, "film").pixels
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - flat).max() <= 3


STORED_AS = {  # EXIF 2.32, tag Orientation
    1: np.array,
    2: np.fliplr,
    3: lambda scene: np.rot90(scene, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda scene: np.rot90(scene, 1),
    7: lambda scene: np.rot90(scene, 2).T,
    8: lambda scene: np.rot90(scene, -1),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "TIFF of double floats"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_images_are_turned_upright(kind, orientation):
    scene = np.kron(np.array([[0, 80, 160], [40, 120, 240]], np.uint8), np.ones((16, 16), np.uint8))
    stored = np.ascontiguousarray(STORED_AS[orientation](scene))
    if kind == "TIFF of double floats":
        tag = (274, "H", 1, orientation, True)
        content = tiff(stored.astype(np.float64), extratags=[tag])
    else:
        exif = Image.Exif()
        exif[274] = orientation
        content = encoded(Image.fromarray(stored), kind, exif=exif)
    found = decode_image(content, "film").pixels
    assert found.shape == scene.shape
    assert np.abs(found.astype(int) - scene).mean() < 3


@pytest.mark.parametrize("kind", ROWS["channels"])
def test_each_channel_of_a_tiff_is_a_frame(kind):
    row = ROWS["channels"][kind]
    stored, content = picture_of(**row), content_of(row)
    planes = stored if stored.dtype.kind == "f" else np.moveaxis(stored, -1, 0)
    assert count_frames(content) == len(planes)
    for frame, plane in enumerate(planes, 1):
        found = decode_image(content, "film", frame=frame).pixels
        assert_array_equal(found, plane.astype(np.float32))
    with pytest.raises(DataError, match=f"frame {len(planes) + 1} of {len(planes)}"):
        decode_image(content, "film", frame=len(planes) + 1)


def test_a_double_tiff_of_too_many_pixels_is_refused_before_it_is_read():
    content = tiff(SINGLE.astype(np.float64), tile=(64, 64))
    with pytest.raises(DataError, match="64 × 64 pixels"):
        decode_image(content, "film", 16 * 16)


@pytest.mark.parametrize("kind", ROWS["refused"])
def test_faulty_files_are_named_with_a_remedy(kind):
    row = ROWS["refused"][kind]
    with pytest.raises(DataError) as raised:
        decode_image(content_of(row), "films/film.png")
    assert raised.value.where == "films/film.png"
    assert raised.value.found.startswith(row["said"])
    assert raised.value.remedy or raised.value.allowed
    assert "\n" not in str(raised.value)


@given(st.sampled_from([name for name in ROWS["read"] if name != "plain PGM"]), st.floats(0, 0.9))
def test_a_file_cut_short_is_refused_never_padded(kind, share):
    content = content_of(ROWS["read"][kind])
    try:
        found = decode_image(content[: int(share * len(content))], "film").pixels
    except DataError:
        return
    assert_array_equal(found, expected_of(ROWS["read"][kind]))  # cut after the last pixel


def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    os.mkfifo("pipe.png")
    Path("folder.png").mkdir()
    Path("zero.png").symlink_to("/dev/zero")
    Path("loop.png").symlink_to("loop.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        for name in ("pipe.png", "folder.png", "zero.png", "loop.png", "socket.png", "nul\0.png"):
            started = time.monotonic()
            with pytest.raises(DataError) as raised:
                read_file(Path(name), name)
            assert raised.value.where == name
            assert "\n" not in str(raised.value)
            assert time.monotonic() - started < 1


def png_bomb(side):
    """Return a gray PNG of zeros, about a thousandth of its pixels' size."""

    def chunk(kind, content):
        checksum = struct.pack(">L", zlib.crc32(kind + content))
        return struct.pack(">L", len(content)) + kind + content + checksum

    head = struct.pack(">LLBBBBB", side, side, 8, 0, 0, 0, 0)
    pack = zlib.compressobj(9)
    rows = b"".join(pack.compress(bytes(side + 1)) for _ in range(side)) + pack.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "DICOM"])
def test_how_many_pixels_an_image_may_have_can_be_said(kind):
    content = png(3) if kind == "PNG" else dicom(3)
    assert decode_image(content, "film", 24 * 24).pixels.shape == (24, 24)
    with pytest.raises(DataError, match=r"24 × 24 pixels.*at most 575 pixels.*most_pixels"):
        decode_image(content, "film", 24 * 24 - 1)


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_smaller_copies_of_a_page_are_no_cases(photometric):
    colour = (3,) if photometric == "rgb" else ()
    pages = [np.full((32 >> at, 48 >> at, *colour), 40 * at + 30, np.uint8) for at in range(3)]
    content = BytesIO()
    with TiffWriter(content) as writer:
        for at, page in enumerate(pages):
            writer.write(page, photometric=photometric, subfiletype=int(at > 0))
    assert count_frames(content.getvalue()) == 1
    read = decode_image(content.getvalue(), "slide.tif").pixels
    assert read.shape[:2] == (32, 48)
    assert (read == 30).all()
    with TiffWriter(content := BytesIO()) as writer:
        for page in pages[:2]:
            writer.write(page, photometric=photometric, metadata=None)
    with pytest.raises(DataError, match="may be the same picture, made smaller"):
        decode_image(content.getvalue(), "slide.tif", frame=2)


@pytest.mark.parametrize("picture", [GRAY, DEEP, GRAY > 99])
def test_a_tiff_whose_zero_is_white_has_the_inverted_grays(picture):
    read = decode_image(tiff(picture, photometric="miniswhite"), "film.tif").pixels
    gray = picture * np.uint8(255) if picture.dtype == bool else picture
    assert read.dtype == gray.dtype
    assert_array_equal(read, np.iinfo(gray.dtype).max - gray)


LABELS = np.arange(320, dtype=np.uint8).reshape(16, 20) % 3
COLOURS = [0, 0, 0, 255, 0, 0, 0, 255, 0]


def test_labels_of_few_bits_and_of_palettes_are_those_that_are_stored():
    palette = Image.fromarray(LABELS, "P")
    palette.putpalette(COLOURS)
    few = [tiff(LABELS, bitspersample=bits, photometric="minisblack") for bits in (2, 4)]
    grays = Image.fromarray(LABELS * 85).quantize(4)
    for content in (encoded(palette, "PNG"), encoded(palette, "TIFF"), *few):
        stored = decode_image(content, "mask", as_stored=True).pixels
        assert_array_equal(stored, LABELS)
    gray = decode_image(encoded(grays, "PNG"), "mask", as_stored=True).pixels
    assert_array_equal(gray, LABELS * 85)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_of_a_tiff_has_eight_bits_or_sixteen(bits):
    table = np.zeros((3, 256), np.uint16)
    table[:, :3] = np.array([[0, 200, 10], [0, 30, 250], [0, 7, 9]]) << (bits - 8)
    pixels = decode_image(tiff(LABELS, photometric="palette", colormap=table), "a").pixels
    assert_array_equal(pixels, (table.T >> (bits - 8))[LABELS])


def test_a_mask_in_one_colour_is_a_region():
    red = np.stack([(LABELS > 0) * 255, LABELS * 0, LABELS * 0], axis=-1).astype(np.uint8)
    mask = decode_plane_mask(encoded(Image.fromarray(red), "PNG"), "mask.png", LABELS.shape)
    assert_array_equal(mask, LABELS > 0)
    red[0, 1] = [0, 0, 255]
    with pytest.raises(DataError, match="a mask in 2 colours"):
        decode_plane_mask(encoded(Image.fromarray(red), "PNG"), "mask.png", LABELS.shape)
