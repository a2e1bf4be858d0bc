"""One image file becomes one image: PNG, JPEG, TIFF, PGM, PPM, BMP or DICOM, told by its content.

Nothing is guessed: what has no single right reading (several pages, see-through pixels, colour of
more than 8 bits) is refused by name, and a damaged file is never padded.
"""

import logging
import re
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import COMPRESSION_INFO, TiffImageFile

from skiagram.errors import DataError, named, readable, refusal
from skiagram.images import Image
from skiagram.readers.dicom import is_dicom, read_dicom, with_preamble
from skiagram.readers.dicom_codecs import MAX_PIXELS, read_stream
from skiagram.readers.gray import gray_if_tinted
from skiagram.readers.spaced_image import SpacedImage
from skiagram.readers.volume_files import count_volumes
from skiagram.readers.voxels import check_frame, narrow

# DICOM has its four letters behind a preamble of 128 bytes.
HEAD_BYTES = 132
# Of names by which people call images, read here or not.
ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".pgm", ".ppm", ".bmp", ".dcm", ".dicom"),
    *(".nii", ".nii.gz", ".nrrd", ".mha", ".gif", ".webp", ".jp2"),
)
_TIFF = re.compile(rb"II[*+]\0|MM\0[*+]")
_NETPBM = re.compile(rb"P[56]\s")
_KINDS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO], ImageFile]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    (re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    (_TIFF, TiffImageFile),
    (_NETPBM, PpmImageFile),
    (re.compile(rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", re.DOTALL), BmpImageFile),
)
_MAX_PAGES = 10_000  # of a TIFF: each is looked up from the one before
_BITS_PER_SAMPLE, _PHOTOMETRIC, _ORIENTATION = 258, 262, 274
_SAMPLES_PER_PIXEL, _SAMPLE_FORMAT = 277, 339
_SIZED_COMPRESSIONS = (1, 5, 8, 32773, 32946)  # none, LZW, deflate, PackBits: never more than asked
# TIFF's number of this compression.
_PACK_BITS = 32773
_SUBFILE = 254  # its bits say of a page that it is a smaller copy, or a mask of transparency
_DEPENDENT = 1 | 4
_ALIKE = 1.02  # ratio of sides of a picture and of its smaller copy
_STRETCHED = {"L;2": 85, "L;4": 17}
_NUMBERS = {2: "integers with a sign", 3: "floating point", 5: "complex integers", 6: "complex"}
_WHITE_IS_ZERO, _SIGNED = 0, 2
_SIGNED_WHITE = "numbers with a sign in a picture whose 0 is white"
_GRAY = (0, 1)
_ALPHA = 2  # unassociated, of ExtraSamples
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters is raised, or refused here


class TransparentImage(DataError):
    """An image whose pixels depend on the background."""


def is_image(head: bytes) -> bool:
    """Tell whether a file's first `HEAD_BYTES` bytes are those of a kind that is read here."""
    return is_dicom(with_preamble(head)) or any(magic.match(head) for magic, _ in _KINDS)


def decode_image(
    content: bytes,
    name: str,
    most_pixels: int = MAX_PIXELS,
    frame: int | None = None,
    *,
    as_stored: bool = False,
    on_black: bool = False,
) -> SpacedImage:
    """Read an image from the bytes of its file; messages call it by name.

    Args:
        frame: Of a DICOM file, or page or channel of a TIFF, from 1; None for the only one.
        as_stored: Whether a TIFF in which white is zero is left so, colour whose channels hardly
            differ is colour, of a colour palette the places are taken, and 2 and 4 bits are not
            stretched: labels have no brightness.
        on_black: Whether transparent pixels are laid on black; else they are refused.

    Returns:
        (height, width) or (height, width, 3), upright as the file's orientation mark says. Gray of
        up to 8 bits is uint8, of 12 or 16 bits uint16 or int16, floating point float32; colour is
        RGB uint8, but gray where its channels hardly differ (`gray_if_tinted`). A PGM's values are
        relative to its greatest, so they are stretched to the whole depth. DICOM as `read_dicom`
        says. Only DICOM has a pixel spacing: the resolution in other files is meant for printers.

    Raises:
        DataError: The file is empty, damaged, of another kind, or has no single right reading.
    """
    # DICOM by its own reader, all else by its first bytes.
    if not content:
        raise refusal("readers.empty_file", name)
    content = with_preamble(content)
    if is_dicom(content):
        with named(name):
            image = read_dicom(BytesIO(content), most_pixels, frame)
        return image if as_stored else gray_if_tinted(image)
    opened = next((kind for magic, kind in _KINDS if magic.match(content)), None)
    if opened is None:
        key = "readers.gif" if content.startswith(b"GIF8") else "readers.no_image"
        raise refusal(key, name)
    remedy = "the file is cut short, damaged or unusual; export it again as a plain PNG"
    quiet = warnings.catch_warnings(action="ignore")  # of tags that nobody reads
    # What Pillow reads in part alone is read by other libraries.
    with readable("pixels cannot be read", name, remedy), quiet:
        if opened is TiffImageFile:
            plane = _beyond_pillow(content, frame, name, most_pixels, as_stored=as_stored)
            if plane is not None:
                return SpacedImage(plane)
        if opened is JpegImageFile:
            stream = read_stream(content)
            if stream is not None and stream.bits > 8:
                raise refusal("readers.deep_jpeg", name, bits=stream.bits)
        file = opened(BytesIO(content))
        return _decode_with_pillow(
            file, content, frame, name, most_pixels, as_stored=as_stored, on_black=on_black
        )


def _decode_with_pillow(
    file: ImageFile,
    content: bytes,
    frame: int | None,
    name: str,
    most_pixels: int,
    *,
    as_stored: bool,
    on_black: bool,
) -> SpacedImage:
    """Decode what Pillow reads of an opened file; see `decode_image`."""
    # go to the page that is chosen
    pages = [0]
    if isinstance(file, TiffImageFile):
        pages = _find_pages(file, name)
    elif (number := getattr(file, "n_frames", 1)) > 1:
        raise refusal("readers.several_frames", name, number=number)
    with named(name):
        check_frame(frame, len(pages), "frame")
    if frame is None and len(pages) > 1:
        raise refusal("readers.frames_without_place", name, frames=len(pages), name="pages")
    # A page that is smaller than the first is a thumbnail.
    if isinstance(file, TiffImageFile):
        first = file.size
        file.seek(pages[(frame or 1) - 1])
        _refuse_thumbnail(file.size, first, name)
    if isinstance(file, PpmImageFile):
        _check_netpbm(file, content, name)
    # its values as brightness, or as they are stored
    stretched = _STRETCHED.get(_depth(file), 1)
    pixels, transparent = _pixels(file, name, most_pixels, as_stored=as_stored, on_black=on_black)
    if as_stored and stretched > 1 and pixels.ndim == 2:
        pixels = pixels // np.uint8(stretched)
    if as_stored and pixels.dtype.kind != "f" and _tag(file, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        pixels = np.iinfo(pixels.dtype).max - pixels
    image = SpacedImage(pixels, made_gray="transparent" if transparent else "")
    return image if as_stored else gray_if_tinted(image)


def _beyond_pillow(
    content: bytes, frame: int | None, name: str, most_pixels: int, *, as_stored: bool
) -> Image | None:
    """Return a plane of a TIFF of gray channels or of half or double floats; None for Pillow's."""
    with tifffile.TiffFile(BytesIO(content)) as file:
        page = file.pages.first
        # planes behind the only page, and stored values that ImageJ shows as others
        metadata = file.imagej_metadata or {}
        shaped = any(series.get("truncated") for series in file.shaped_metadata or ())
        alone = not _has_page(file, 1)
        line = metadata.get("cf") == 0 and (metadata.get("c0"), metadata.get("c1")) != (0, 1)
        hiding = (
            (alone and (metadata.get("images", 1) > 1 or shaped), "several images in one page"),
            (
                line,
                f"ImageJ's scale of values, {metadata.get('c0')} + {metadata.get('c1')} × stored",
            ),
        )
        for wrong, hidden in hiding:
            if wrong:
                raise refusal("readers.hidden_images", name, fault=hidden)
        # All but planes of gray or floats is Pillow's.
        if not _has_planes(page):
            _refuse_odd(page, name)
            return None
        # Which plane is meant, and whether it is as large as the first.
        planes, channels = _find_planes(file, name), page.samplesperpixel
        with named(name):
            check_frame(frame, len(planes), "frame")
        if frame is None and len(planes) > 1:
            kind = "pages" if channels == 1 else "channels"
            raise refusal("readers.frames_without_place", name, frames=len(planes), name=kind)
        first, channel = (page.imagelength, page.imagewidth), ((frame or 1) - 1) % channels
        page = file.pages[planes[(frame or 1) - 1]].aspage()
        height, width = page.imagelength, page.imagewidth
        _refuse_thumbnail((height, width), first, name)
        # The size, before pixels are decoded.
        for rows, columns in ((channels * height, width), (page.tilelength, page.tilewidth)):
            if rows * columns > most_pixels:
                raise refusal(
                    "readers.too_many_pixels", name, columns=columns, rows=rows, most=most_pixels
                )
        if not _has_planes(page) or page.samplesperpixel != channels or 0 in page.databytecounts:
            raise ValueError("pages that differ, or pixels that are left out")
        # The plane's values, brightness upwards, turned as the file says.
        values = page.asarray(squeeze=False, maxworkers=1)
        values = narrow(np.moveaxis(values, -1, 1).reshape(channels, height, width)[channel])
        if page.photometric == _WHITE_IS_ZERO and not as_stored:
            if values.dtype.kind != "u":
                raise refusal("readers.partly_read", name, fault=_SIGNED_WHITE)
            values = np.iinfo(values.dtype).max - values
        turned = int(page.tags.valueof(_ORIENTATION, 1))
        values = values.T if turned > 4 else values
        values = values[:, ::-1] if turned in {2, 3, 6, 7} else values
        return np.array(values[::-1] if turned in {3, 4, 7, 8} else values)


def _has_page(file: tifffile.TiffFile, index: int) -> bool:
    try:
        file.pages[index]
    except IndexError:
        return False
    return True


def _has_planes(page: tifffile.TiffPage) -> bool:
    """Tell whether Pillow lacks a page, and none of it unpacks to more than it says.

    Of compressed floats and numbers with a sign it swaps the bytes of a big-endian file twice, and
    16 bits in that order whose 0 is white it does not know.
    """
    depths = {("int16", 16), ("float16", 16), ("float32", 32), ("float64", 64)}
    if page.photometric == _WHITE_IS_ZERO and page.parent.byteorder == ">":
        depths |= {("uint16", 16)}
    if page.samplesperpixel > 1:
        depths |= {("uint8", 8), ("int8", 8), ("uint16", 16)}
    return (
        page.photometric in _GRAY
        and page.imagedepth == 1
        and not any(page.extrasamples)  # 1 and 2 are transparency
        and page.compression in _SIZED_COMPRESSIONS
        and not (page.predictor > 1 and page.compression == _PACK_BITS)  # libtiff knows none there
        and (str(page.dtype), page.bitspersample) in depths
    )


def _refuse_odd(page: tifffile.TiffPage, name: str) -> None:
    """Refuse what neither library reads, or Pillow not all of."""
    # What the file says of its pixels.
    bits, channels = int(np.max(page.bitspersample)), page.samplesperpixel
    form, depth = page.sampleformat, page.imagedepth
    with_alpha = channels == 2 and bits == 8 and tuple(page.extrasamples) == (_ALPHA,)
    rules = (
        (depth > 1, f"a volume of {depth} slices in one page"),
        (
            page.photometric in _GRAY and channels > 1 and not with_alpha,
            f"{channels} gray channels",
        ),
        (channels > 1 and (bits > 8 or form > 1), f"{channels} channels"),
        (bits != 32 if form == 3 else bits not in (1, 2, 4, 8, 12, 16), ""),
        (page.compression not in COMPRESSION_INFO, "a compression that is not known here"),
        (
            page.parent.byteorder == ">" and form > 1 and bits > 8 and page.compression > 1,
            "a compression that is not read in big-endian order",
        ),
        (page.predictor > 1 and page.compression == _PACK_BITS, "PackBits with a predictor"),
    )
    numbers = f"{bits}-bit {_NUMBERS.get(form, 'integers')}"
    for wrong, more in rules:
        if wrong:
            raise refusal(
                "readers.odd_tiff",
                name,
                fault=", ".join(filter(None, (more, numbers))),
            )


def count_frames(content: bytes) -> int:
    """Count how many frames a DICOM file has, pages a TIFF, volumes one of four axes; else 1."""
    content = with_preamble(content)
    try:
        if is_dicom(content):
            import pydicom

            header = pydicom.dcmread(
                BytesIO(content), stop_before_pixels=True, specific_tags=["NumberOfFrames"]
            )
            return int(header.get("NumberOfFrames") or 1)
        if _TIFF.match(content):
            with tifffile.TiffFile(BytesIO(content)) as tiff:
                if _has_planes(tiff.pages.first):
                    return len(_find_planes(tiff))
            with warnings.catch_warnings(action="ignore"):
                return len(_find_pages(TiffImageFile(BytesIO(content))))
        return count_volumes(content)
    except Exception:  # damage is named where the pixels are read
        return 1


def _find_pages(file: TiffImageFile, name: str = "") -> list[int]:
    """Find the numbers, from 0, of the pages that are images."""
    kinds: list[int] = []
    for page in range(_MAX_PAGES + 1):
        try:
            file.seek(page)
        except EOFError:
            file.seek(0)
            return _whole_pages(kinds)
        kinds.append(int(_tag(file, _SUBFILE) or 0))
    raise refusal("readers.too_many_pages", name, most=_MAX_PAGES)


def _find_planes(file: tifffile.TiffFile, name: str = "") -> list[int]:
    """Find the numbers, from 0, of the pages that are images, each for each of its channels."""
    if _has_page(file, _MAX_PAGES):  # `len` alone may never end, of pages in a ring
        raise refusal("readers.too_many_pages", name, most=_MAX_PAGES)
    whole = _whole_pages([int(page.aspage().subfiletype) for page in file.pages])
    return [page for page in whole for _ in range(file.pages.first.samplesperpixel)]


def _whole_pages(kinds: Sequence[int]) -> list[int]:
    """Return which pages are neither smaller copies of others nor masks of their transparency."""
    return [page for page, kind in enumerate(kinds) if not kind & _DEPENDENT] or [0]


def _refuse_thumbnail(sides: tuple[int, int], first: tuple[int, int], name: str) -> None:
    """Refuse a page that looks like a smaller copy of the first one and does not say so."""
    shares = [side / first_side for side, first_side in zip(sides, first, strict=True)]
    if max(shares) < 1 and max(shares) < _ALIKE * min(shares):
        raise refusal(
            "readers.thumbnail",
            name,
            sides=sides,
            first=first,
        )


def _check_netpbm(file: PpmImageFile, content: bytes, name: str) -> None:
    """Refuse what Pillow does not look for: a second image, and values that it would cut off."""
    tile, pixels = file.tile[0], content[file.tile[0].offset :]
    # Whether a second image follows the pixels.
    number = len(file.getbands()) * file.width * file.height
    size = (2 if file.mode == "I" else 1) * number
    if _NETPBM.match(pixels[size:].lstrip()) is not None:
        raise refusal("readers.several_images", name)
    # No value may lie above the greatest of the header.
    if tile.codec_name == "ppm":
        how: Any = tile.args
        stated = int(how[1])
        values = np.frombuffer(pixels, ">u2" if stated > 255 else np.uint8, number)
        if (greatest := int(values.max())) > stated:
            raise refusal("readers.value_above_greatest", name, greatest=greatest, stated=stated)


def _depth(file: ImageFile) -> str:
    """Return how Pillow unpacks gray pixels of few bits, such as `L;4`; empty for others."""
    how = re.search(r"\bL;[24]\b", str(file.tile[0].args)) if file.tile else None
    return how[0] if how and file.mode == "L" else ""


def _pixels(
    file: ImageFile, name: str, most_pixels: int, *, as_stored: bool, on_black: bool
) -> tuple[Image, bool]:
    """Return the pixels of a file, and whether transparent ones among them were laid on black."""
    # Size and kind of pixels, before they are decoded.
    if file.width * file.height > most_pixels:
        raise refusal(
            "readers.too_many_pixels", name, columns=file.width, rows=file.height, most=most_pixels
        )
    white_is_zero = _tag(file, _PHOTOMETRIC) == _WHITE_IS_ZERO  # Pillow turns 8 bits only
    signed_bytes = file.mode == "L" and _tag(file, _SAMPLE_FORMAT) in {_SIGNED, (_SIGNED,)}
    signed = signed_bytes or (file.mode == "I" and not isinstance(file, PpmImageFile))
    _check(file, name, turned_below_zero=white_is_zero and (signed or file.mode == "F"))
    ImageOps.exif_transpose(file, in_place=True)
    if as_stored and file.mode == "P":
        # places of a palette that has colours beside grays, and black at its first place
        places = np.asarray(file)
        palette = np.array(file.getpalette("RGB") or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
        used = palette[[at for at in np.unique(places).tolist() if at < len(palette)]]
        if not palette[0].any() and (used != used[:, :1]).any():
            return places, False
    # Grays of more than 8 bits, and of floats.
    if signed_bytes:
        return np.asarray(file).view(np.int8).astype(np.int16), False
    if file.mode in {"I;16", "I;16B", "I;16L", "I"}:
        values: NDArray[Any] = np.asarray(file).astype(np.int16 if signed else np.uint16)
        clear = values == file.info.get("transparency")
        if clear.any():
            if not on_black:
                raise refusal("readers.transparent", name, kind=TransparentImage)
            return np.where(clear, 0, values).astype(values.dtype), True
        return (np.iinfo(values.dtype).max - values if white_is_zero else values), False
    if file.mode == "F":
        return np.asarray(file, dtype=np.float32), False
    # 8 bits: gray or RGB, of three equal channels gray
    image: Pillow.Image = file
    transparent = False
    if image.mode in {"LA", "PA", "La", "RGBA", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA" if image.mode in {"P", "PA", "RGB", "RGBA", "RGBa"} else "LA")
        least, greatest = image.getchannel("A").getextrema()
        transparent = least != greatest
        if transparent and not on_black:
            raise refusal("readers.transparent", name, kind=TransparentImage)
        if transparent:
            black = Pillow.new("RGBA", image.size, (0, 0, 0, 255))
            whole = Pillow.alpha_composite(black, image.convert("RGBA"))
            image = whole.convert("L" if image.mode == "LA" else "RGB")
        else:
            image = image.convert(image.mode.removesuffix("A"))
    # Colour of three equal channels is gray.
    if image.mode in {"L", "1"}:
        return np.asarray(image.convert("L")), transparent
    colour = np.asarray(image.convert("RGB"))
    if image.mode in {"P", "RGB", "CMYK"} and (colour == colour[..., :1]).all():
        return np.ascontiguousarray(colour[..., 0]), transparent
    return colour, transparent


def _check(file: ImageFile, name: str, *, turned_below_zero: bool) -> None:
    """Refuse pixels of which Pillow would keep a part alone."""
    # the bits a sample that the file holds
    if isinstance(file, TiffImageFile):
        bits = int(max(_tag(file, _BITS_PER_SAMPLE) or (1,)))
    else:
        how: Any = file.tile[0].args if file.tile else ""
        greatest = how[1] if isinstance(file, PpmImageFile) and len(how) == 2 else 255
        bits = 16 if ";16" in str(how) or (file.mode == "RGB" and greatest > 255) else 8
    bands = len(file.getbands())
    samples = _tag(file, _SAMPLES_PER_PIXEL) or bands
    gray = file.mode in {"I", "I;16", "I;16B", "F"}
    few = bool(_depth(file))
    rules = (
        # Pillow stretches the pixels to 8 bits, not the value that is transparent
        (few and "transparency" in file.info, "a transparent gray of 2 or 4 bits"),
        (bits > 8 and not gray, f"{bits} bits of a colour or alpha channel"),
        (samples != bands and file.mode != "P", f"{samples} channels in a picture of {bands}"),
        (turned_below_zero, _SIGNED_WHITE),
    )
    for wrong, fault in rules:
        if wrong:
            raise refusal("readers.partly_read", name, fault=fault)


def _tag(file: ImageFile, tag: int) -> Any:
    return file.tag_v2.get(tag) if isinstance(file, TiffImageFile) else None
