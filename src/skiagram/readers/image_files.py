"""One image file becomes one image: PNG, JPEG, TIFF, PGM, PPM, BMP or DICOM, told by its content.

Nothing is guessed: what has no single right reading (several pages, see-through pixels, colour of
more than 8 bits) is refused by name, and a damaged file is never padded.
"""

import logging
import re
import warnings
from collections.abc import Callable
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

from skiagram.errors import DataError, named, readable, refusal
from skiagram.images import Image
from skiagram.readers.dicom import is_dicom, read_dicom, read_whole, with_preamble
from skiagram.readers.dicom_codecs import MAX_PIXELS, read_stream
from skiagram.readers.formats import FORMATS
from skiagram.readers.gray import gray_if_equal, gray_if_tinted
from skiagram.readers.spaced_image import SpacedImage
from skiagram.readers.volume_files import count_volumes
from skiagram.readers.voxels import check_frame, narrow

# DICOM has its four letters behind a preamble of 128 bytes.
HEAD_BYTES = 132
# Of names by which people call images, read here or not.
ENDINGS = tuple(FORMATS["endings"]["images"])
_TIFF = re.compile(rb"II[*+]\0|MM\0[*+]")
_NETPBM = re.compile(rb"P[56]\s")
_KINDS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO], ImageFile]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    (re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    (_NETPBM, PpmImageFile),
    (re.compile(rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", re.DOTALL), BmpImageFile),
)
_MAX_PAGES = 10_000  # of a TIFF: each is looked up from the one before
_COMPRESSIONS = (1, 5, 8, 32773, 32946)  # none, LZW, deflate, PackBits: never more than asked
_PACK_BITS = 32773
_ORIENTATION = 274  # tag of EXIF and TIFF
_DEPENDENT = 1 | 4  # of the kind of a page: a smaller copy, or a mask of transparency
_ALIKE = 1.02  # ratio of sides of a picture and of its smaller copy
_STRETCHED = {1: 255, 2: 85, 4: 17}  # bits of a gray → by what they become 8
_NUMBERS = {2: "integers with a sign", 3: "floating point", 5: "complex integers", 6: "complex"}
_WHITE_IS_ZERO = 0
_GRAY = (0, 1)
_SIGNED_WHITE = "numbers with a sign in a picture whose 0 is white"
# Pixels of a TIFF by photometric interpretation and kind of further samples.
_MODES: dict[tuple[int, tuple[int, ...]], str] = {
    **{(0, ()): "L", (1, ()): "L", (2, ()): "RGB", (3, ()): "P", (5, ()): "CMYK"},
    **{(0, (2,)): "LA", (1, (2,)): "LA", (2, (2,)): "RGBA"},  # 2: transparency
}
_BITS = {1: (1, 2, 4, 8, 12, 16), 2: (8, 16), 3: (16, 32, 64)}  # by the format of samples
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters is raised, or refused here


class TransparentImage(DataError):
    """An image whose pixels depend on the background."""


def is_image(head: bytes) -> bool:
    """Tell whether a file's first `HEAD_BYTES` bytes are those of a kind that is read here."""
    kinds = (_TIFF, *(magic for magic, _ in _KINDS))
    return is_dicom(with_preamble(head)) or any(magic.match(head) for magic in kinds)


def read_orientation(content: bytes) -> int:
    """Read how a picture that can be decoded is turned (EXIF, tag Orientation); 1 where it is not.

    Args:
        content: A file of any kind; a TIFF's mark is not read.
    """
    opened = next((kind for magic, kind in _KINDS if magic.match(content)), None)
    # Of a PNG all pixels are decoded to look for it: not where no word begins such a mark.
    if opened is None or not any(word in content for word in (b"eXIf", b"xif", b"Orientation")):
        return 1
    with warnings.catch_warnings(action="ignore"):  # of tags that nobody reads
        mark = opened(BytesIO(content)).getexif().get(_ORIENTATION)
    return next((turn for turn in range(2, 9) if turn == mark), 1)


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
    if opened is None and not _TIFF.match(content):
        key = "readers.gif" if content.startswith(b"GIF8") else "readers.no_image"
        raise refusal(key, name)
    # Libraries warn of tags that nobody reads, and fail in ways of their own.
    remedy = "the file is cut short, damaged or unusual; export it again as a plain PNG"
    quiet = warnings.catch_warnings(action="ignore")  # of tags that nobody reads
    how: dict[str, Any] = {"as_stored": as_stored, "on_black": on_black}
    with readable("pixels cannot be read", name, remedy), quiet:
        if opened is None:
            image = _decode_tiff(content, frame, name, most_pixels, **how)
        else:
            # Pillow would decode 12 bits as 8.
            stream = read_stream(content) if opened is JpegImageFile else None
            if stream is not None and stream.bits > 8:
                raise refusal("readers.deep_jpeg", name, bits=stream.bits)
            file = opened(BytesIO(content))
            image = _decode_with_pillow(file, content, frame, name, most_pixels, **how)
    return image if as_stored else gray_if_tinted(image)


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
    """Decode what Pillow reads of an opened file; see `decode_image`.

    Raises:
        DataError: There are several frames, or pixels of which Pillow would keep a part alone.
    """
    # one frame, of a size that fits, of which Pillow leaves nothing out
    if (number := getattr(file, "n_frames", 1)) > 1:
        raise refusal("readers.several_frames", name, number=number)
    with named(name):
        check_frame(frame, 1, "frame")
    if isinstance(file, PpmImageFile):
        # Pillow looks for no second image behind the pixels, and cuts off what is too bright
        tile, stored = file.tile[0], content[file.tile[0].offset :]
        values_stored = len(file.getbands()) * file.width * file.height
        size = (2 if file.mode == "I" else 1) * values_stored
        if _NETPBM.match(stored[size:].lstrip()) is not None:
            raise refusal("readers.several_images", name)
        if tile.codec_name == "ppm":
            stated = int(tile.args[1])  # type: ignore[index]  # of this codec they are a list
            values = np.frombuffer(stored, ">u2" if stated > 255 else np.uint8, values_stored)
            if (most := int(values.max())) > stated:
                raise refusal("readers.value_above_greatest", name, greatest=most, stated=stated)
    _check_size(file.width, file.height, most_pixels, name)
    # pixels of which Pillow would keep a part alone
    how: Any = file.tile[0].args if file.tile else ""
    greatest = how[1] if isinstance(file, PpmImageFile) and len(how) == 2 else 255
    deep = ";16" in str(how) or (file.mode == "RGB" and greatest > 255)
    if deep and file.mode not in {"I", "I;16", "I;16B"}:
        raise refusal("readers.partly_read", name, fault="16 bits of a colour or alpha channel")
    # Pillow stretches the pixels to 8 bits, not the value that is transparent
    few = re.search(r"\bL;([24])\b", str(how))
    if few and "transparency" in file.info:
        raise refusal("readers.partly_read", name, fault="a transparent gray of 2 or 4 bits")
    # its values as brightness, or as they are stored
    ImageOps.exif_transpose(file, in_place=True)
    pixels, transparent = _pixels(file, name, as_stored=as_stored, on_black=on_black)
    if as_stored and few and pixels.ndim == 2:
        pixels = pixels // np.uint8(_STRETCHED[int(few[1])])
    return SpacedImage(pixels, made_gray="transparent" if transparent else "")


def _decode_tiff(
    content: bytes,
    frame: int | None,
    name: str,
    most_pixels: int,
    *,
    as_stored: bool,
    on_black: bool,
) -> SpacedImage:
    """Decode a page of a TIFF, or a channel of it; see `decode_image`.

    Raises:
        DataError: Pages or channels have no one reading, or are too large.
    """
    with tifffile.TiffFile(BytesIO(content)) as file:
        # Which page is meant, of what kind, and whether it is as large as the first.
        first, planes = file.pages.first, _find_planes(file, name)
        _refuse_hidden(file, name)
        with named(name):
            check_frame(frame, len(planes), "frame")
        if frame is None and len(planes) > 1:
            kind = "channels" if _has_channels(first) else "pages"
            raise refusal("readers.frames_without_place", name, frames=len(planes), name=kind)
        number, channel = planes[(frame or 1) - 1]
        page = file.pages[number].aspage()
        height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
        # A page that looks like a smaller copy of the first one and does not say so.
        whole = first.imagelength, first.imagewidth
        shares = height / whole[0], width / whole[1]
        if max(shares) < 1 and max(shares) < _ALIKE * min(shares):
            raise refusal("readers.thumbnail", name, sides=(height, width), first=whole)
        # The size and the kind, before pixels are decoded.
        _check_size(width, samples * height, most_pixels, name)
        _check_size(page.tilewidth, page.tilelength, most_pixels, name)
        _refuse_odd(page, name)
        if samples != first.samplesperpixel or 0 in page.databytecounts:
            raise ValueError("pages that differ, or pixels that are left out")
        values = _read_upright(page)
        # Gray as it is, brightness upwards; few bits are stretched.
        mode = _MODES.get((page.photometric, tuple(page.extrasamples)), "L")
        if mode == "L":
            gray, bits = narrow(np.array(values[..., channel])), int(np.max(page.bitspersample))
            if bits == 1 or not as_stored:
                gray = gray * np.uint8(_STRETCHED[bits]) if bits in _STRETCHED else gray
            if page.photometric == _WHITE_IS_ZERO and not as_stored:
                if gray.dtype.kind != "u":
                    raise refusal("readers.partly_read", name, fault=_SIGNED_WHITE)
                gray = np.iinfo(gray.dtype).max - gray
            return SpacedImage(gray)
        # Colour and transparency as of any other picture.
        picture = Pillow.frombytes(mode, values.shape[1::-1], values.astype(np.uint8).tobytes())
        if mode == "P":
            colours = np.asarray(page.colormap).T
            # some writers give the table eight bits, though the standard has sixteen
            colours = colours >> 8 if colours.max() > np.iinfo(np.uint8).max else colours
            picture.putpalette(colours.astype(np.uint8).tobytes())
        pixels, transparent = _pixels(picture, name, as_stored=as_stored, on_black=on_black)
        if page.photometric == _WHITE_IS_ZERO and not as_stored:
            pixels = np.iinfo(pixels.dtype).max - pixels
        return SpacedImage(pixels, made_gray="transparent" if transparent else "")


def _read_upright(page: tifffile.TiffPage) -> NDArray[Any]:
    """Read (height, width, samples) of a page, turned as the file says."""
    stored = page.asarray(squeeze=False, maxworkers=1)
    sides = page.imagelength, page.imagewidth, page.samplesperpixel
    values = np.moveaxis(stored, 0, -1).reshape(sides)
    turned = int(page.tags.valueof(_ORIENTATION, 1))
    values = np.swapaxes(values, 0, 1) if turned > 4 else values
    values = values[:, ::-1] if turned in {2, 3, 6, 7} else values
    return values[::-1] if turned in {3, 4, 7, 8} else values


def _has_channels(page: tifffile.TiffPage) -> bool:
    """Tell whether the samples of a page are gray channels."""
    several = page.samplesperpixel > 1 and not any(page.extrasamples)
    return several and page.photometric in _GRAY


def _refuse_hidden(file: tifffile.TiffFile, name: str) -> None:
    """Refuse planes behind the only page, and stored values that ImageJ shows as others."""
    metadata = file.imagej_metadata or {}
    shaped = any(series.get("truncated") for series in file.shaped_metadata or ())
    if (metadata.get("images", 1) > 1 or shaped) and not _has_page(file, 1):
        raise refusal("readers.hidden_images", name, fault="several images in one page")
    if metadata.get("cf") == 0 and (metadata.get("c0"), metadata.get("c1")) != (0, 1):
        fault = f"ImageJ's scale of values, {metadata.get('c0')} + {metadata.get('c1')} × stored"
        raise refusal("readers.hidden_images", name, fault=fault)


def _has_page(file: tifffile.TiffFile, index: int) -> bool:
    """Tell whether a TIFF has a page, without counting all of them."""
    try:
        file.pages[index]
    except IndexError:
        return False
    return True


def _refuse_odd(page: tifffile.TiffPage, name: str) -> None:
    """Refuse pixels that have no one reading, or that a small file may make too many of."""
    # What the file says of its pixels.
    bits, channels, form = int(np.max(page.bitspersample)), page.samplesperpixel, page.sampleformat
    mode = _MODES.get((page.photometric, tuple(page.extrasamples)))
    of_bytes = not _has_channels(page) and mode != "L"
    rules = (
        (page.imagedepth > 1, f"a volume of {page.imagedepth} slices in one page"),
        (mode is None and not _has_channels(page), f"{channels} channels of an unknown kind"),
        (
            of_bytes and (bits > 8 or form > 1 or (bits < 8 and channels > 1)),
            f"{channels} channels",
        ),
        (bits not in _BITS.get(form, ()), ""),
        (page.compression not in _COMPRESSIONS, "a compression that is not known here"),
        (page.predictor > 1 and page.compression == _PACK_BITS, "PackBits with a predictor"),
    )
    # The first rule that is broken names the fault.
    numbers = f"{bits}-bit {_NUMBERS.get(form, 'integers')}"
    for wrong, more in rules:
        if wrong:
            raise refusal("readers.odd_tiff", name, fault=filter(None, (more, numbers)))


def count_frames(content: bytes) -> int:
    """Count how many frames a DICOM file has, pages a TIFF, volumes one of four axes; else 1.

    Args:
        content: Of the file; of a damaged one it is 1.
    """
    content = with_preamble(content)
    try:
        # What the header says, pages of a TIFF, or the fourth axis of a volume.
        if is_dicom(content):
            header = read_whole(content, stop_before_pixels=True, specific_tags=["NumberOfFrames"])
            return int(header.get("NumberOfFrames") or 1)
        if _TIFF.match(content):
            with tifffile.TiffFile(BytesIO(content)) as tiff:
                return len(_find_planes(tiff))
        return count_volumes(content)
    except Exception:  # damage is named where the pixels are read
        return 1


def _find_planes(file: tifffile.TiffFile, name: str = "") -> list[tuple[int, int]]:
    """Find page and channel, from 0, of all images; pages that hang on others are none.

    Args:
        file: The TIFF.
        name: To be named.

    Raises:
        DataError: There are too many pages, or they refer to each other in a ring.
    """
    if _has_page(file, _MAX_PAGES):  # `len` alone may never end, of pages in a ring
        raise refusal("readers.too_many_pages", name, most=_MAX_PAGES)
    kinds = [int(page.aspage().subfiletype) for page in file.pages]
    whole = [page for page, kind in enumerate(kinds) if not kind & _DEPENDENT] or [0]
    first = file.pages.first
    channels = first.samplesperpixel if _has_channels(first) else 1
    return [(page, channel) for page in whole for channel in range(channels)]


def _check_size(width: int, height: int, most_pixels: int, name: str) -> None:
    """Refuse a picture of more pixels than are allowed, before it is decoded."""
    if width * height > most_pixels:
        raise refusal("readers.too_many_pixels", name, columns=width, rows=height, most=most_pixels)


def _pixels(
    picture: Pillow.Image, name: str, *, as_stored: bool, on_black: bool
) -> tuple[Image, bool]:
    """Take the pixels of a picture, and tell whether transparent ones were laid on black.

    Args:
        picture: Of any mode of Pillow's.
        name: To be named.
        as_stored: Whether places of a coloured palette are taken in place of its colours.
        on_black: Whether transparent pixels are laid on black.

    Returns:
        (height, width) uint8 or uint16, or (height, width, 3) uint8.

    Raises:
        TransparentImage: Pixels are transparent, and are not to be laid on black.
    """
    if as_stored and picture.mode == "P":
        # places of a palette that has colours beside grays, and black at its first place
        places = np.asarray(picture)
        palette = np.array(picture.getpalette("RGB") or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
        used = palette[[at for at in np.unique(places).tolist() if at < len(palette)]]
        if not palette[0].any() and (used != used[:, :1]).any():
            return places, False
    # Grays of more than 8 bits.
    if picture.mode in {"I;16", "I;16B", "I;16L", "I"}:
        values = np.asarray(picture).astype(np.uint16)
        clear = values == picture.info.get("transparency")
        if clear.any() and not on_black:
            raise refusal("readers.transparent", name, kind=TransparentImage)
        return np.where(clear, np.uint16(0), values), bool(clear.any())
    # 8 bits: gray or RGB, of three equal channels gray
    image, transparent = picture, False
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
    return gray_if_equal(np.asarray(image.convert("RGB"))), transparent
