"""Compressed pixels of DICOM files: what a stream says of itself, and who decodes it.

pydicom and Pillow decode RLE and JPEG of 8 bits; imagecodecs (OpenJPEG, CharLS, libjpeg-turbo) all
else. Decoding leaves Python's lock, so that files are decoded side by side.

A stream is measured before it is decoded: a small file can be made to fill the memory. One without
its end is refused: some decoders would fill up what is missing, and one never returns.
"""

import struct
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import refusal

MAX_PIXELS = 2**26  # of an image: 8,192 × 8,192
_PLUGIN = "imagecodecs"
# Transfer syntaxes (DICOM PS3.6, table A-1).
_RLE = "1.2.840.10008.1.2.5"
_JPEG_8_BITS, _JPEG_12_BITS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
_JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{part}" for part in (90, 91, 201, 202, 203))
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422")  # that become RGB, as a stream of JPEG 2000 does
_COLOURS_JPEG_2000 = (*_COLOURS, "YBR_ICT", "YBR_RCT")
END_OF_IMAGE = b"\xff\xd9"
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}  # markers of JPEG that have no content
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15, JPEG-LS; not tables
# pydicom asks for it under this name
DECODER_DEPENDENCIES = dict.fromkeys(
    (*_JPEG_2000, *_JPEG_LS, _JPEG_12_BITS, *_JPEG_LOSSLESS), ("imagecodecs",)
)


class Stream(NamedTuple):
    """What a compressed frame says of itself."""

    rows: int
    columns: int
    samples: int
    bits: int


def read_stream(frame: bytes) -> Stream | None:
    """Read the header of a JPEG, JPEG-LS or JPEG 2000 stream; None where there is none.

    Args:
        frame: Bytes of a compressed frame.
    """
    try:
        if frame[:2] == b"\xff\xd8":
            # JPEG: from marker to marker up to the frame header (ITU-T T.81, B.2.2; T.87, C.2.2)
            position = 2
            while frame[position] == 0xFF:
                marker = frame[position + 1]
                if marker in _FRAMES:
                    bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, position + 4)
                    return Stream(rows, columns, samples, bits)
                if marker == 0xFF or marker in _WITHOUT_LENGTH:
                    position += 1 if marker == 0xFF else 2
                else:
                    position += 2 + int(struct.unpack_from(">H", frame, position + 2)[0])
            return None
        # JPEG 2000: the sides are those of the reference grid less its offsets.
        start = frame.find(b"\xff\x4f\xff\x51")  # SOC and SIZ: ISO/IEC 15444-1, A.5.1
        if start < 0:
            return None
        right, lower, left, upper = struct.unpack_from(">4L", frame, start + 8)
        samples, depth = struct.unpack_from(">HB", frame, start + 40)
        return Stream(lower - upper, right - left, samples, (depth & 0x7F) + 1)
    except (struct.error, IndexError):
        return None


def check_size(header: Any, where: str, most_pixels: int = MAX_PIXELS) -> None:
    """Refuse what would decode to other pixels than the header says, or to more than fit.

    Args:
        header: Of the file, with its pixels still packed.
        where: To be named.
        most_pixels: Rows times columns that it may have.

    Raises:
        DataError: Sides are 0 or too large, or a frame is of another size, broken, or without its
            end.
    """
    # The header's size, before anything is decoded.
    rows, columns = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
    if not rows * columns:
        raise refusal("readers.no_rows", where, rows=rows, columns=columns)
    if rows * columns > most_pixels:
        raise refusal(
            "readers.too_many_pixels", where, columns=columns, rows=rows, most=most_pixels
        )
    syntax = header.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return
    number = int(header.get("NumberOfFrames") or 1)
    from pydicom.encaps import generate_frames

    # Each frame's own header must say the same.
    for frame in generate_frames(header.PixelData, number_of_frames=number):
        if syntax == _RLE:
            if _rle_pixels(frame, rows * columns) > rows * columns + 1:  # padded to an even length
                size = f"more than the {rows} rows of {columns}"
                raise refusal("readers.other_pixels", where, size=size)
        else:
            stream = read_stream(frame)
            fault = ""
            if stream is None:
                fault = "without a readable beginning"
            elif (stream.rows, stream.columns) != (header.Rows, header.Columns):
                size = f"{stream.rows} rows of {stream.columns}, not the {header.Rows} of "
                raise refusal("readers.other_pixels", where, size=f"{size}{header.Columns}")
            elif stream.samples != header.SamplesPerPixel:
                fault = f"of {stream.samples} values a pixel, not {header.SamplesPerPixel}"
            elif syntax not in _JPEG_2000 and not frame.rstrip(b"\0\xff").endswith(END_OF_IMAGE):
                fault = "without their end"
            elif syntax == _JPEG_12_BITS and stream.samples > 1 and stream.bits > 8:
                raise refusal("readers.deep_colour_jpeg_in_dicom", where, bits=stream.bits)
            if fault:
                raise refusal("readers.broken_stream", where, fault=fault)


def _rle_pixels(frame: bytes, expected: int) -> int:
    """Measure the longest segment of an RLE frame, counted to just above `expected`.

    DICOM PS3.5 G.3: a header byte of 0 to 127 is followed by that many bytes and one; one of 129 to
    255 by a byte that stands for 257 minus it.

    Args:
        frame: Bytes of the frame.
        expected: Pixels of a plane; the length is only told apart from that.
    """
    n = min(struct.unpack_from("<L", frame)[0], 15)
    bounds = [*struct.unpack_from(f"<{n}L", frame, 4), len(frame)]
    longest = 0
    for start, end in pairwise(bounds):
        position, unpacked = start, 0
        while position < end and unpacked <= expected + 1:
            head = frame[position]
            unpacked += head + 1 if head < 128 else 257 - head if head > 128 else 0
            position += head + 2 if head < 128 else 2 if head > 128 else 1
        longest = max(longest, unpacked)
    return longest


def decode_pixels(header: Any, frame: int | None = None) -> NDArray[Any]:
    """Decode the stored values of one frame, from 1, or of all, as pydicom's `pixel_array` does.

    The size of the data set has been checked; colour is RGB. A colour space that does not become
    RGB, and more frames than the header says, are refused.
    """
    from pydicom.encaps import generate_frames
    from pydicom.pixels import pixel_array

    # Colour spaces that are read as what they are.
    syntax = header.file_meta.TransferSyntaxUID
    colours = _COLOURS_JPEG_2000 if syntax in _JPEG_2000 else _COLOURS
    space = str(header.get("PhotometricInterpretation"))
    if int(header.get("SamplesPerPixel") or 1) > 1 and space not in colours:
        raise refusal(
            "readers.colour_space",
            samples=header.SamplesPerPixel,
            space=space,
            colours=colours,
        )
    # Plain pixels and JPEG of 8 bits by pydicom, all else by imagecodecs.
    index = None if frame is None else frame - 1
    stated = int(header.get("NumberOfFrames") or 1)
    plain = syntax not in DECODER_DEPENDENCIES
    if syntax in (_JPEG_8_BITS, _JPEG_12_BITS) and not plain:  # Pillow decodes its files of 8 bits
        stream = read_stream(next(generate_frames(header.PixelData, number_of_frames=stated)))
        plain = stream is not None and stream.bits == 8
    if plain:
        pixels = pixel_array(header, index=index)
    else:
        _register()
        pixels = pixel_array(header, index=index, decoding_plugin=_PLUGIN)
    # As many frames as the header says.
    several = pixels.ndim > (2 if int(header.SamplesPerPixel) == 1 else 3)
    if several and (index is not None or len(pixels) != stated):
        raise refusal("readers.other_number_of_frames", frames=len(pixels), stated=stated)
    return pixels  # type: ignore[no-any-return]


@cache
def _register() -> None:
    """Have pydicom use imagecodecs, once in a process, for what it cannot decode by itself."""
    from pydicom.pixels import get_decoder

    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        if _PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(_PLUGIN, (__name__, "decode_frame"))


def is_available(syntax: str) -> bool:
    """Tell whether imagecodecs decodes a transfer syntax; pydicom asks for it."""
    return syntax in DECODER_DEPENDENCIES


def decode_frame(frame: bytes, runner: Any) -> bytearray:
    """Decode one frame, as pydicom asks of its plugins.

    Args:
        frame: Compressed bytes.
        runner: pydicom's `DecodeRunner`, which is told how the bytes are laid out.

    Returns:
        Bytes of the pixels, in the machine's order.

    Raises:
        ValueError: They are not as many as the header says; pydicom passes it on.
    """
    import imagecodecs

    # By the library of the stream's kind; threads are this program's own.
    rows, columns, samples = runner.rows, runner.columns, runner.samples_per_pixel
    if runner.transfer_syntax in _JPEG_2000:
        pixels = imagecodecs.jpeg2k_decode(frame, numthreads=1)
    elif runner.transfer_syntax in _JPEG_LS:
        pixels = imagecodecs.jpegls_decode(frame)
    else:
        pixels = imagecodecs.jpeg8_decode(frame)
    # The shape that the header says, by pixel or by colour plane.
    by_pixel = (rows, columns) if samples == 1 else (rows, columns, samples)
    by_plane = (samples, rows, columns)
    if pixels.shape not in {by_pixel, by_plane}:
        raise ValueError(f"{pixels.shape} pixels instead of {by_pixel}")
    if samples > 1:
        runner.set_option("planar_configuration", int(pixels.shape != by_pixel))
        if str(runner.photometric_interpretation) in {"YBR_ICT", "YBR_RCT"}:
            runner.set_option("photometric_interpretation", "RGB")
    # Signed numbers that the stream has as unsigned ones of fewer bits.
    bits = 8 * pixels.itemsize
    if runner.pixel_representation and pixels.dtype.kind == "u":  # the stream knows no sign
        unused = bits - runner.bits_stored
        pixels = pixels.view(f"i{pixels.itemsize}") << unused >> unused
    runner.set_option("bits_allocated", bits)
    return bytearray(np.ascontiguousarray(pixels).tobytes())
