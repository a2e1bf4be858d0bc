"""Image files: odd ones read right, faulty ones named."""

import os
import socket
import struct
import time
import zlib
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

GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)
DEEP = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
COLOUR = np.stack([GRAY, GRAY.T, GRAY[::-1]], axis=-1)


def pgm(image, greatest):
    return b"P5 16 16 %d\n" % greatest + image.astype(">u2").tobytes()


def palette(colours):
    image = Image.fromarray(GRAY, "L").convert("P")
    image.putpalette(colours.tobytes())
    return image


def opaque(image, alpha=255):
    made = Image.fromarray(image)
    made.putalpha(alpha)
    return made


def see_through_in_part(image):
    made = opaque(image)
    made.putpixel((3, 3), (*made.getpixel((3, 3))[:3], 128))
    return made


def see_through(image, value):
    """Return a PNG whose chunk tRNS makes a value see-through (PNG 3, 11.3.1.1)."""
    content = encoded(Image.fromarray(image), "PNG")
    chunk = b"tRNS" + value.to_bytes(2, "big")
    chunk = (2).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return content[:33] + chunk + content[33:]  # behind the header


def of_four_bits(content):
    """Return an 8-bit PNG as one of 4 bits and twice the columns."""
    width, height = struct.unpack(">2L", content[16:24])
    header = b"IHDR" + struct.pack(">2LB", 2 * width, height, 4) + content[25:29]
    return content[:12] + header + struct.pack(">L", zlib.crc32(header)) + content[33:]


def white_is_zero(image):
    return tiff(image, photometric="miniswhite")


SINGLE = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)
HALF = SINGLE.astype(np.float16)
DOUBLE = SINGLE.astype(np.float64)
BLACK = {"photometric": "minisblack"}
RAMP = np.stack([GRAY.ravel()] * 3, axis=-1)
MAGENTA = np.stack([np.roll(GRAY, 1), 0 * GRAY, np.roll(GRAY, 1)], axis=-1).reshape(256, 3)
READ_RIGHT = {
    "gray PNG": (encoded(Image.fromarray(GRAY), "PNG"), GRAY),
    "16-bit PNG": (encoded(Image.fromarray(DEEP), "PNG"), DEEP),
    "RGB PNG": (encoded(Image.fromarray(COLOUR), "PNG"), COLOUR),
    "opaque RGBA PNG": (encoded(opaque(COLOUR), "PNG"), COLOUR),
    "RGBA PNG of one alpha": (encoded(opaque(COLOUR, 128), "PNG"), COLOUR),
    "opaque gray PNG with alpha": (encoded(opaque(GRAY), "PNG"), GRAY),
    "opaque gray TIFF with alpha": (
        tiff(
            np.stack([GRAY, 0 * GRAY + 255], -1), planarconfig="contig", extrasamples=[2], **BLACK
        ),
        GRAY,
    ),
    "palette of grays": (encoded(palette(RAMP), "PNG"), GRAY),
    "palette of colours": (
        encoded(palette(MAGENTA), "PNG"),
        np.stack([GRAY - 1, 0 * GRAY, GRAY - 1], axis=-1),
    ),
    "4-bit PNG": (
        of_four_bits(encoded(Image.fromarray(GRAY[:, :8]), "PNG")),
        np.stack([GRAY[:, :8] // 16, GRAY[:, :8] % 16], -1).reshape(16, 16) * np.uint8(17),
    ),
    "1-bit PNG": (encoded(Image.fromarray(GRAY > 99), "PNG"), np.uint8(255) * (GRAY > 99)),
    "16-bit TIFF": (tiff(DEEP), DEEP),
    "big-endian TIFF": (tiff(DEEP, byteorder=">"), DEEP),
    "deflated TIFF": (tiff(DEEP, compression="zlib"), DEEP),
    "LZW TIFF": (encoded(Image.fromarray(GRAY), "TIFF", compression="tiff_lzw"), GRAY),
    "signed TIFF": (tiff((DEEP // 2).astype(np.int16) - 9), (DEEP // 2).astype(np.int16) - 9),
    "signed bytes TIFF": (tiff(GRAY.view(np.int8)), GRAY.view(np.int8).astype(np.int16)),
    "float TIFF": (tiff(SINGLE), SINGLE),
    "half float TIFF": (tiff(HALF), HALF.astype(np.float32)),
    "double float TIFF in tiles": (
        tiff(DOUBLE, tile=(16, 16), compression="deflate", predictor=True, byteorder=">"),
        SINGLE,
    ),
    "big-endian deflated float TIFF": (tiff(SINGLE, byteorder=">", compression="deflate"), SINGLE),
    "big-endian LZW signed TIFF": (
        tiff(DEEP.view(np.int16), byteorder=">", compression="lzw", predictor=True),
        DEEP.view(np.int16),
    ),
    "gray stored as RGB PNG": (encoded(Image.fromarray(GRAY).convert("RGB"), "PNG"), GRAY),
    "16-bit PNG, no pixel see-through": (see_through(DEEP, 1), DEEP),
    "white-is-zero TIFF": (white_is_zero(255 - GRAY), GRAY),
    "big-endian 16-bit white-is-zero TIFF": (
        tiff(65535 - DEEP, photometric="miniswhite", byteorder=">", compression="lzw"),
        DEEP,
    ),
    "RGB TIFF": (tiff(COLOUR, photometric="rgb"), COLOUR),
    "PGM": (encoded(Image.fromarray(GRAY), "PPM"), GRAY),
    "PPM": (encoded(Image.fromarray(COLOUR), "PPM"), COLOUR),
    "16-bit PGM": (pgm(DEEP, 65535), DEEP),
    "gray BMP": (encoded(Image.fromarray(GRAY), "BMP"), GRAY),
    "RGB BMP": (encoded(Image.fromarray(COLOUR), "BMP"), COLOUR),
    "plain PGM": (b"P2 2 1 255\n0 255\n", np.array([[0, 255]], np.uint8)),
}


@pytest.mark.parametrize("kind", READ_RIGHT)
def test_odd_kinds_are_read_right(kind):
    content, expected = READ_RIGHT[kind]
    found = decode_image(content, "film").pixels
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


CHANNELS = {
    "contiguous": (np.stack([GRAY, GRAY.T], -1), {"planarconfig": "contig"}),
    "signed": (np.stack([GRAY, GRAY.T], -1).view(np.int8), {"planarconfig": "contig"}),
    "LZW": (np.stack([DEEP, DEEP.T], -1), {"planarconfig": "contig", "compression": "lzw"}),
    "apart": (np.stack([SINGLE, SINGLE.T, 2 * SINGLE]), {"planarconfig": "separate"}),
    "apart, double": (np.stack([DOUBLE, DOUBLE.T]), {"planarconfig": "separate"}),
    "pages": (np.stack([DOUBLE, DOUBLE.T]), {}),
}


@pytest.mark.parametrize("kind", CHANNELS)
def test_each_channel_of_a_tiff_is_a_frame(kind):
    stored, how = CHANNELS[kind]
    content = tiff(stored, **BLACK, **how)
    planes = np.moveaxis(stored, -1, 0) if how.get("planarconfig") == "contig" else stored
    assert count_frames(content) == len(planes)
    for frame, plane in enumerate(planes, 1):
        assert_array_equal(
            decode_image(content, "film", frame=frame).pixels, plane.astype(np.float32)
        )
    with pytest.raises(DataError, match=f"frame {len(planes) + 1} of {len(planes)}"):
        decode_image(content, "film", frame=len(planes) + 1)


def test_a_double_tiff_of_too_many_pixels_is_refused_before_it_is_read():
    content = tiff(DOUBLE, tile=(64, 64))
    with pytest.raises(DataError, match="64 × 64 pixels"):
        decode_image(content, "film", 16 * 16)


FAULTY = {
    "zero bytes": (b"", "an empty file"),
    "text": (b"not a film\n" * 20, "not an image, judging by its content"),
    "GIF": (encoded(Image.fromarray(GRAY), "GIF"), "a GIF picture"),
    "truncated JPEG": (encoded(Image.fromarray(COLOUR), "JPEG")[:-60], "pixels cannot be read"),
    "two PGM": (encoded(Image.fromarray(GRAY), "PPM") * 2, "more than one image"),
    "two PBM": (encoded(Image.fromarray(GRAY > 9), "PPM") * 2, "more than one image"),
    "two deep PGM": (pgm(DEEP, 4095) * 2, "more than one image"),
    "PGM beyond its greatest value": (pgm(DEEP, 4095), "a value of 65535"),
    "two plain PGM": (b"P2 2 1 255\n0 255\n" * 2, "more than one image"),
    "three pages": (tiff(np.stack([GRAY] * 3), **BLACK), "3 pages without a place"),
    "channels of a page": (
        tiff(np.stack([GRAY] * 2, -1), planarconfig="contig", **BLACK),
        "2 channels without a place",
    ),
    "channel in PNG": (
        tiff(np.stack([GRAY] * 2, -1), planarconfig="contig", compression="png", **BLACK),
        "2 gray channels, 8-bit integers",
    ),
    "gray and transparency": (
        tiff(np.stack([GRAY] * 2, -1), planarconfig="contig", extrasamples=[2], **BLACK),
        "transparent pixels",
    ),
    "double, white is zero": (white_is_zero(DOUBLE), "numbers with a sign"),
    "128-bit complex": (tiff(DOUBLE.astype(np.complex128)), "128-bit complex"),
    "volume in a page": (
        tiff(np.stack([DEEP] * 16), volumetric=True, tile=(16, 16, 16)),
        "a volume of 16 slices in one page",
    ),
    "big-endian float TIFF, Zstandard": (
        tiff(SINGLE, byteorder=">", compression="zstd"),
        "a compression that is not read in big-endian order, 32-bit floating point",
    ),
    "stack in one page": (
        tiff(np.stack([DEEP] * 5), truncate=True),
        "several images in one page",
    ),
    "ImageJ's numbers with a sign": (
        tiff(DEEP, description="ImageJ=1.53t\ncf=0\nc0=-32768.0\nc1=1.0\n", metadata=None),
        "ImageJ's scale of values, -32768.0 + 1.0 × stored",
    ),
    "PackBits with a predictor": (
        tiff(DEEP, compression="packbits", predictor=True),
        "PackBits with a predictor",  # which libtiff does not know, and tifffile does
    ),
    "compressed as PNG": (tiff(GRAY, compression="png"), "a compression that is not known here"),
    "16-bit PNG, a pixel see-through": (see_through(DEEP, 257), "transparent pixels"),
    "4-bit PNG, a gray see-through": (of_four_bits(see_through(GRAY, 3)), "a transparent gray"),
    "half see-through": (encoded(see_through_in_part(COLOUR), "PNG"), "transparent pixels"),
    "16-bit colour TIFF": (
        tiff(COLOUR.astype(np.uint16), photometric="rgb"),
        "3 channels, 16-bit integers",
    ),
    "16-bit colour PPM": (b"P6 1 1 65535\n" + bytes(6), "16 bits of a colour"),
    "32-bit integers": (tiff(DEEP.astype(np.uint32)), "32-bit integers"),
    "12-bit colour JPEG": (
        bytes(imagecodecs.jpeg8_encode(np.stack([DEEP // 16] * 3, axis=-1), bitspersample=12)),
        "JPEG of 12 bits in colour",
    ),
}


@pytest.mark.parametrize("kind", FAULTY)
def test_faulty_files_are_named_with_a_remedy(kind):
    content, found = FAULTY[kind]
    with pytest.raises(DataError) as raised:
        decode_image(content, "films/film.png")
    assert raised.value.where == "films/film.png"
    assert raised.value.found.startswith(found)
    assert raised.value.remedy or raised.value.allowed
    assert "\n" not in str(raised.value)


@given(st.sampled_from([name for name in READ_RIGHT if name != "plain PGM"]), st.floats(0, 0.9))
def test_a_file_cut_short_is_refused_never_padded(kind, share):
    content, expected = READ_RIGHT[kind]
    try:
        found = decode_image(content[: int(share * len(content))], "film").pixels
    except DataError:
        return
    assert_array_equal(found, expected)  # cut after the last pixel


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


@pytest.mark.parametrize("bits", [12, 16])
def test_a_jpeg_without_loss_is_read_at_its_depth(bits):
    pixels = np.arange(320, dtype=np.uint16).reshape(16, 20) * (2 ** (bits - 9))
    content = bytes(imagecodecs.ljpeg_encode(pixels, bitspersample=bits))
    assert_array_equal(decode_image(content, "film.jpg").pixels, pixels)
    with pytest.raises(DataError, match="cut short"):
        decode_image(content[:-20], "film.jpg")
    with pytest.raises(DataError, match="at most 100 pixels"):
        decode_image(content, "film.jpg", 100)


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


def test_a_mask_in_one_colour_is_a_region():
    red = np.stack([(LABELS > 0) * 255, LABELS * 0, LABELS * 0], axis=-1).astype(np.uint8)
    mask = decode_plane_mask(encoded(Image.fromarray(red), "PNG"), "mask.png", LABELS.shape)
    assert_array_equal(mask, LABELS > 0)
    red[0, 1] = [0, 0, 255]
    with pytest.raises(DataError, match="a mask in 2 colours"):
        decode_plane_mask(encoded(Image.fromarray(red), "PNG"), "mask.png", LABELS.shape)
