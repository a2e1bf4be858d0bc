"""One DICOM file becomes one image; fields that are not about pixels are not even parsed.

Order of operations (DICOM PS3.3 C.7.5.1.1.2 and PS3.4 N.2.1): padding is found on stored values,
then modality LUT, VOI LUT, polarity. A window only clips for the display, so it is applied to
images made FOR PRESENTATION alone. What compressed bytes become is bounded beforehand.
"""

import math
import re
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import named, readable, refusal
from skiagram.images import WITHOUT_PADDING, Image, Spacing
from skiagram.readers.dicom_codecs import (
    DECODER_DEPENDENCIES,
    MAX_PIXELS,
    check_size,
    decode_pixels,
)
from skiagram.readers.files import read_file
from skiagram.readers.formats import FORMATS
from skiagram.readers.gray import gray_if_equal
from skiagram.readers.spaced_image import SpacedImage
from skiagram.readers.suv import PET_FIELDS, Field, is_mapped, private_fields, suv_factor
from skiagram.readers.voxels import check_frame

_DAMAGED = "the file is truncated or damaged; export it again"
_STANDARD = FORMATS["dicom"]
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # of one frame, and the stem of those of several
_HEADLESS = re.compile(
    rb"\x02\0[\0\x01\x02]\0(UL\x04\0|OB\0\0|UI)|\x08\0[\0\x05\x08\x16\x18]\0(UL|CS|UI|.[\0\x01]\0\0)",
    re.DOTALL,
)
_SPACING = ("PixelSpacing", "ImagerPixelSpacing")
_FUNCTIONAL = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_WINDOWS = {"LINEAR": 1.0, "LINEAR_EXACT": 0.0, "SIGMOID": 0.0}  # function → least width
_MOSAIC, _CSA_NAME = b"NumberOfImagesInMosaic", 64
_MOSAIC_COUNTS = {  # private elements that count the slices of a mosaic: group, offset, creator
    "number": (0x0019, 0x0A, "SIEMENS MR HEADER"),
    "CSA": (0x0029, 0x10, "SIEMENS CSA HEADER"),
}
_NUMBERS = {name: rule for rule in _STANDARD["numbers"] for name in rule["fields"]}
_PARSED = [*private_fields(_MOSAIC_COUNTS.values()), *_STANDARD["fields"], *_NUMBERS]


def read_dicom(
    file: Path | BinaryIO, most_pixels: int = MAX_PIXELS, frame: int | None = None
) -> SpacedImage:
    """Read the pixels of one DICOM file of a single frame, or of one frame of it.

    Args:
        frame: Number of the frame, from 1; None for the only one.

    Returns:
        (height, width) or (height, width, 3); higher is brighter. Colour is uint8. Gray has its
        stored depth (uint8, uint16, int16) where nothing changes a value; float32 in modality units
        after a look-up table or rescaling, and with NaN for missing pixels where the file declares
        a padding value; PET is SUV by body weight. The spacing is Pixel Spacing, else Imager Pixel
        Spacing (measured at the detector, so larger than in the patient); one that is missing,
        zero or no two numbers counts as unknown.

    Raises:
        DataError: Not DICOM, no pixels, several frames, too large, damaged, an encoding without a
            decoder, a distance of pixels that cannot be, or text burnt into the pixels.
    """
    # The header says how many frames there are before pixels are decoded.
    where = file.name if isinstance(file, Path) else "a DICOM stream"
    if isinstance(file, Path):
        file = BytesIO(read_file(file, where))
    header = read_header(file, where, most_pixels, [*PET_FIELDS, *_FUNCTIONAL])
    if frame is None and header.NumberOfFrames > 1:
        raise refusal(
            "readers.frames_without_place", where, frames=header.NumberOfFrames, name="frames"
        )
    with named(where):
        check_frame(frame, header.NumberOfFrames, "frame")
    # Pixels with their meaning, and of PET in standardized uptake values.
    with readable("pixels cannot be read", where, _DAMAGED):
        stored = decode_pixels(header, frame)
        if header.get("PerFrameFunctionalGroupsSequence"):  # of an enhanced file
            with named(where):
                header = headers_of_frames(header)[(frame or 1) - 1]
        with named(where):
            pixels = modality_values(stored, header)
        if header.get("Modality") == "PT" and pixels.ndim == 2:
            pixels = (pixels * suv_factor([header], where)).astype(np.float32)
        return SpacedImage(
            pixels,
            pixel_spacing(header, where),
            modality_of(header),
            text_expected=_text_expected(header),
            stored_bits=_bits_of_film(header),
        )


def read_header(
    file: BinaryIO, where: str, most_pixels: int = MAX_PIXELS, also: Sequence[Field] = ()
) -> Any:
    """Parse and check one file, also fields beside those of pixels; nothing is decompressed.

    Args:
        file: At its beginning.
        where: Name of the file, to be named.
        most_pixels: Rows times columns that it may have.
        also: Further fields.

    Raises:
        DataError: It is no DICOM, has no pixels, or none that can be decoded; a number is none.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    with readable("pixels cannot be read", where, _DAMAGED):
        try:
            check_deflated(file, where)
        except InvalidDicomError as error:
            raise refusal("readers.not_dicom_file", where) from error
        # Only the fields that are read here: a header may have thousands.
        header = pydicom.dcmread(file, specific_tags=[*_PARSED, *also])
        _settle_numbers(header, where)
        header.NumberOfFrames = int(header.get("NumberOfFrames") or 1)
        if "DoseGridScaling" in header:  # of a dose, in place of rescaling
            header.RescaleSlope = header.DoseGridScaling
        _check(header, where)
        check_size(header, where, most_pixels)
    return header


def _settle_numbers(header: Any, where: str) -> None:
    """Leave out fields of a number that have no value; refuse what is none, or several."""
    for name, rule in _NUMBERS.items():
        if name not in header:
            continue
        # The values that are there, and which of them are impossible.
        try:
            value = header[name].value
            values = [value] if isinstance(value, str | bytes) else np.atleast_1d(value).tolist()
            present_values = [number for number in values if number not in (None, "", b"")]
            numbers = [float(number) for number in present_values]
            least = rule.get("least", -math.inf)
            wrong = [number for number in numbers if not least <= number < math.inf]
            fault = f"{wrong[0]:g}" if wrong else ""
            if len(numbers) > 1 and not rule.get("several"):
                fault = f"{len(numbers)} values"
        except Exception:  # as pydicom raises them for bytes that are no number
            present_values, numbers, fault = [], [], "no number"
        if fault:
            allowed = rule["allowed"]
            raise refusal("readers.field_value", where, name=name, fault=fault, allowed=allowed)
        # An empty field is left out; one of bytes gets its numbers.
        if not present_values or (rule.get("zero_is_absent") and numbers == [0]):
            del header[name]
        elif len(present_values) < len(values) or any(
            isinstance(number, str | bytes) for number in present_values
        ):
            header.add_new(name, "FD", numbers if len(numbers) > 1 else numbers[0])


def modality_of(header: Any) -> str:
    """Read the DICOM Modality; empty where it is none of the defined terms."""
    modality = header.get("Modality")
    return str(modality) if modality in _STANDARD["modalities"] else ""


def describe_bits(stored: Iterable[int]) -> tuple[str, ...]:
    """Say that images have values of different scales; nothing where all have one.

    Args:
        stored: `stored_bits` of `SpacedImage`, 0 of what is no film.
    """
    counts = sorted(Counter(bits for bits in stored if bits).items())
    if len(counts) < 2:
        return ()
    listed = ", ".join(f"{number} images of {bits} bits" for bits, number in counts)
    return (
        f"DICOM images differ in the bits of their values ({listed}): the same film may be "
        f"{2 ** (counts[-1][0] - counts[0][0])} times as bright in one as in another. Bring them "
        "to one scale first, unless each is standardised (`restoration`).",
    )


def describe_padding(stated: Iterable[str]) -> tuple[str, ...]:
    """Say that regions have voxels of padding; nothing where no region has.

    Args:
        stated: `padding` of `SpacedImage`, of images with a region.
    """
    values = [padding for padding in stated if padding]
    if not values:
        return ()
    return (
        "Images whose region has voxels of a stored value that the header calls padding "
        f"({' and '.join(sorted({*values}))}; Pixel Padding Value, 0028,0120): {len(values)}. "
        f"These voxels are missing: {WITHOUT_PADDING}.",
    )


def with_preamble(content: bytes) -> bytes:
    """Give a DICOM file that lacks its preamble, or its meta information, both.

    Such files begin with an element of group 2, or of group 8 as older scanners wrote them; any
    other file is returned as it is.

    Args:
        content: Of a whole file.
    """
    if _HEADLESS.match(content) is None:
        return content
    start = bytes(128) + b"DICM"
    if content[0] == 2:
        return start + content
    explicit = content[4:6].isalpha() and content[4:6].isupper()
    value = b"1.2.840.10008.1.2.1\0" if explicit else b"1.2.840.10008.1.2\0"
    return start + struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value + content


def is_dicom(content: bytes) -> bool:
    """Tell whether a file, whose preamble is there, is DICOM."""
    return content[128:132] == b"DICM"


def read_meta(file: BinaryIO) -> Any:
    """Read the meta information of a file, which says its transfer syntax and its kind.

    Args:
        file: At its beginning, with a preamble.

    Raises:
        InvalidDicomError: pydicom's, of a file without a preamble.
    """
    from pydicom.filereader import read_dataset, read_preamble

    read_preamble(file, force=False)
    return read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)


def read_element(content: bytes, keyword: str) -> str | None:
    """Read an element of a DICOM file, of its first bytes alone; empty where it has none.

    Args:
        content: The file, or its beginning.
        keyword: Such as `PatientID`.

    Returns:
        Text in Unicode's form C; None of a file that is no DICOM. One that is deflated is not read.
    """
    content = with_preamble(content)
    if not is_dicom(content):
        return None
    from pydicom.datadict import tag_for_keyword
    from pydicom.filereader import read_partial

    # Elements stand in the order of their tags: reading ends at the one.
    last = tag_for_keyword(keyword) or 0
    try:
        check_deflated(BytesIO(content), "")
        header = read_partial(
            BytesIO(content), stop_when=lambda tag, _vr, _length: tag > last, specific_tags=[last]
        )
        return unicodedata.normalize("NFC", str(header.get(keyword) or "").strip())
    except Exception:  # a damaged or deflated file, which its reading names
        return ""


def read_whole(content: bytes, **how: Any) -> Any:
    """Parse a DICOM file from its bytes, unless what it would inflate to has no bound.

    Args:
        content: With a preamble.
        how: Options of `pydicom.dcmread`.
    """
    import pydicom

    check_deflated(BytesIO(content), "")
    return pydicom.dcmread(BytesIO(content), **how)


def check_deflated(file: BinaryIO, where: str) -> None:
    """Refuse a deflated file before anything of it is inflated: nothing bounds what it becomes."""
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    start = file.tell()
    syntax = read_meta(file).get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        raise refusal("readers.no_decoder", where, syntax=syntax.name)
    file.seek(start)


def _check(header: Any, where: str) -> None:
    """Refuse a file whose pixels are none of one image, or cannot be decoded.

    Raises:
        DataError: It is a mosaic of slices, has no pixels, bits in other places, text burnt in, or
            an encoding without a decoder.
    """
    from pydicom.pixels import get_decoder

    # slices that Siemens scanners store side by side in one picture
    words = header.get("ImageType") or ()
    words = [words] if isinstance(words, str) else [str(word) for word in words]
    mosaic = "MOSAIC" in [word.strip().upper() for word in words]
    for kind, element in _MOSAIC_COUNTS.items():
        with suppress(Exception):  # a private element that is damaged, or not there
            value = header.get_private_item(*element).value
            if kind == "CSA":  # of each entry: name, five words, then four words of the first item
                place = value.index(_MOSAIC) + _CSA_NAME
                items, length = (struct.unpack_from("<i", value, place + at)[0] for at in (12, 24))
                number = value[place + 36 : place + 36 + length] if items > 0 else b"0"
                value = number.strip(b"\0 ").decode()
            mosaic = mosaic or int(value) > 1
    if mosaic:
        raise refusal("readers.mosaic", where)
    # Reports and plans have no pixels.
    if "PixelData" not in header:
        raise refusal("readers.no_pixels", where)
    # The bits that are stored must be the lowest ones.
    stored, high = int(header.get("BitsStored") or 0), header.get("HighBit")
    if high is not None and stored and int(high) != stored - 1:
        raise refusal("readers.high_bit", where, stored=stored, high=high, highest=stored - 1)
    # Burnt-in text may name the patient.
    burned_in = header.get("BurnedInAnnotation") or ""
    words = [burned_in] if isinstance(burned_in, str) else burned_in
    if any(str(word).strip().upper() not in {"", "NO", "N"} for word in words):
        raise refusal("readers.burnt_in_text", where)
    # Whether anything here decodes it.
    syntax = header.file_meta.get("TransferSyntaxUID")
    can_decode = syntax in DECODER_DEPENDENCIES
    with suppress(NotImplementedError):  # of a syntax that pydicom does not know
        can_decode |= syntax is not None and bool(get_decoder(syntax).is_available)
    if not can_decode:
        raise refusal("readers.no_decoder", where, syntax=getattr(syntax, "name", "unnamed"))


def _text_expected(header: Any) -> str:
    """Say why a file may well hold text in its pixels, as RSNA's CTP would; else empty."""
    if str(header.get("BurnedInAnnotation") or "").strip():
        return ""  # `NO`: with any other word it was refused
    if str(header.get("SOPClassUID") or "").startswith(_SECONDARY_CAPTURE):
        way = str(header.get("ConversionType"))
        return str(_STANDARD["converted"].get(way, "a secondary capture"))
    return str(_STANDARD["on_screens"].get(str(header.get("Modality")), ""))


def _bits_of_film(header: Any) -> int:
    """Tell the depth of the values of a film; 0 of all others, and where something scales it."""
    gray = header.PhotometricInterpretation in ("MONOCHROME1", "MONOCHROME2")
    if header.get("Modality") not in _STANDARD["films"] or not gray:
        return 0
    if (table := _voi_table(header)) is not None:
        return int(table.LUTDescriptor[2])
    scaled = _rescaling(header) != (1, 0) or header.get("ModalityLUTSequence")
    return 0 if scaled or is_mapped(header) else int(header.BitsStored)


def pixel_spacing(header: Any, where: str) -> Spacing | None:
    """Read the first usable distance of rows and of columns, mm; refuse what cannot be.

    Args:
        header: Of a file, or of a frame.
        where: To be named.

    Returns:
        None where it is missing, zero or no two numbers.

    Raises:
        DataError: A distance is negative or infinite.
    """
    for name in _SPACING:
        try:
            rows, columns = map(float, header.get(name))
        except (TypeError, ValueError):  # absent, one value, three, or text
            continue
        if not all(0 <= distance < math.inf for distance in (rows, columns)):
            raise refusal("readers.pixel_spacing", where, name=name, rows=rows, columns=columns)
        if rows and columns:
            return rows, columns
    return None


def headers_of_frames(header: Any) -> list[Any]:
    """Make a header for each frame of an enhanced file, like that of a single slice.

    Fields of a frame win over those that all frames share (PS3.3 C.7.6.16).

    Args:
        header: With `PerFrameFunctionalGroupsSequence`.
    """
    import pydicom

    shared = (header.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()])[0]
    alike = pydicom.Dataset()
    alike.update({element.tag: element for element in header if element.keyword not in _FUNCTIONAL})
    alike.update(shared)
    # Groups that modality values and places need become fields of the header itself.
    headers = []
    for frame in header.PerFrameFunctionalGroupsSequence:
        frame_header = pydicom.Dataset()
        frame_header.file_meta = header.file_meta  # which says the order of bytes in tables
        frame_header.update(alike)
        frame_header.update(frame)
        for sequence, names in _STANDARD["groups"].items():
            group = (frame.get(sequence) or shared.get(sequence) or [pydicom.Dataset()])[0]
            frame_header.update({group[name].tag: group[name] for name in names if name in group})
        _settle_numbers(frame_header, "")
        headers.append(frame_header)
    return headers


def modality_values(stored: NDArray[Any], header: Any) -> Image:
    """Turn stored values into what they mean, higher is brighter; see `read_dicom`.

    Args:
        stored: (rows, columns) or (rows, columns, 3), of one frame.
        header: Of the file, or of the frame.

    Raises:
        DataError: Colour is deeper than 8 bits, or scales and tables contradict one another.
    """
    # Colour.
    if stored.ndim == 3:
        if int(header.BitsStored) > 8:
            raise refusal("readers.deep_colour", bits_stored=header.BitsStored)
        return gray_if_equal(stored.astype(np.uint8))
    if header.PhotometricInterpretation == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        # of entries of 16 bits the upper 8, as ITK takes them, unless these hold nothing
        number, first, _ = map(int, header.RedPaletteColorLookupTableDescriptor)
        entries = apply_color_lut(np.arange(first, first + (number or 2**16)), header)
        colour = apply_color_lut(stored, header) >> (8 if entries.max() > 255 else 0)
        return gray_if_equal(colour.astype(np.uint8))
    values = _displayed(stored, header)
    if header.PhotometricInterpretation == "MONOCHROME1":
        # the ends of what the stored depth can hold change places
        bits, signed = int(header.BitsStored), stored.dtype.kind == "i"
        least = -(2 ** (bits - 1)) if signed else 0
        ends = _displayed(np.array([least, least + 2**bits - 1], dtype=stored.dtype), header)
        values = (ends.sum(dtype=np.float64) - values).astype(values.dtype)
    # Padding pixels are missing.
    value, limit = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if value is None:
        # the depths that shards can hold, in the machine's byte order; else float32
        if values.dtype.name in {"uint8", "uint16", "int16", "float32"}:
            return values.astype(values.dtype.newbyteorder("="), copy=False)
        return values.astype(np.float32)
    padding = np.array([value, value if limit is None else limit], dtype=np.int64)
    # Writers mix up US and SS, and some write the stored bits of a negative value; the bits agree.
    bits = int(header.BitsStored)
    if stored.dtype.kind == "i":
        padding[(padding >= 2 ** (bits - 1)) & (padding < 2**bits)] -= 2**bits
    low, high = np.sort(padding.astype(stored.dtype))
    missing = (stored >= low) & (stored <= high)
    return np.where(missing, np.float32(np.nan), values.astype(np.float32))


def stated_padding(content: bytes) -> str:
    """Read the stored values that a DICOM file calls padding; empty where it names none.

    Args:
        content: Of the whole file.
    """
    names = ["PixelPaddingValue", "PixelPaddingRangeLimit"]
    header = read_whole(content, stop_before_pixels=True, specific_tags=names)
    return " to ".join(str(header[name].value) for name in names if name in header)


def _displayed(stored: NDArray[Any], header: Any) -> NDArray[Any]:
    """Apply the modality LUT and, to images made for presentation, the VOI LUT.

    Returns:
        The stored values themselves where nothing applies, else float32.

    Raises:
        DataError: Scales or tables contradict one another, or have no defined meaning.
    """
    # The modality look-up, rescaling or mapping: one of them at most.
    values = stored
    slope, intercept = _rescaling(header)
    if slope == 0:
        raise refusal("readers.zero_slope", slope=slope, intercept=intercept)
    if header.get("ModalityLUTSequence"):
        if (slope, intercept) != (1, 0):
            raise refusal("readers.two_scales")
        values = _look_up(values, header.ModalityLUTSequence[0], header)
    elif (slope, intercept) != (1, 0):  # pydicom scales only where both are given, ITK else too
        values = values.astype(np.float64) * float(slope) + float(intercept)
    elif is_mapped(header):
        # the one linear map of a header without rescaling (PS3.3 C.7.6.16.2.11)
        mappings = header.RealWorldValueMappingSequence
        names = ("RealWorldValueSlope", "RealWorldValueIntercept")
        (slope, intercept), *others = {tuple(map(mapping.get, names)) for mapping in mappings}
        if others or slope is None or intercept is None:
            raise refusal("readers.several_mappings", mappings=len(mappings))
        if (slope, intercept) != (1, 0):
            values = values * float(slope) + float(intercept)
    # The window of images made for presentation.
    if (table := _voi_table(header)) is not None:
        values = _look_up(values, table, header)
    elif _is_windowed(header):
        function = str(header.get("VOILUTFunction") or "LINEAR").strip().upper()
        if function not in _WINDOWS:
            raise refusal("readers.voi_lut_function", functions=_WINDOWS)
        width = float(np.atleast_1d(header.WindowWidth)[0])
        least = _WINDOWS[function]
        if not (width >= least if least else width > 0):
            raise refusal(
                "readers.window_width",
                width=width,
                allowed=f"{least:g} or more" if least else "more than 0",
            )
        from pydicom.pixels import apply_windowing

        values = apply_windowing(values, header)
    return values if values is stored else values.astype(np.float32)


def keeps_whole_numbers(header: Any) -> bool:
    """Tell whether what `modality_values` applies leaves whole numbers whole.

    A volume of such slices can be stored in whole numbers.
    """
    slope, intercept = _rescaling(header)
    rescaled_whole = float(slope) == 1 and float(intercept).is_integer()
    return rescaled_whole and not is_mapped(header) and not _is_windowed(header)


def _voi_table(header: Any) -> Any:
    """Find the VOI LUT that is applied; None where there is none, or a window instead."""
    if not _for_presentation(header):
        return None
    [table, *_] = header.get("VOILUTSequence") or [{}]
    return table if "LUTDescriptor" in table and "LUTData" in table else None


def _is_windowed(header: Any) -> bool:
    """Tell whether a window is applied."""
    stated = None not in (header.get("WindowCenter"), header.get("WindowWidth"))
    return stated and _for_presentation(header) and _voi_table(header) is None


def _for_presentation(header: Any) -> bool:
    """Tell whether a film was prepared for a reader's screen, as mammograms say."""
    return str(header.get("PresentationIntentType")).upper() == "FOR PRESENTATION"


def _rescaling(header: Any) -> tuple[Any, Any]:
    """Read slope and intercept, 1 and 0 where they are not given."""
    slope = header.get("RescaleSlope")
    return 1 if slope is None else slope, header.get("RescaleIntercept") or 0


def _look_up(values: NDArray[Any], table: Any, header: Any) -> NDArray[Any]:
    """Apply a table of 8 to 16 bits (PS3.3 C.11.1.1.1); of 8 bits two entries may share a word.

    Args:
        values: Of any shape; those beyond the table take its ends.
        table: The item with `LUTDescriptor` and `LUTData`.
        header: Says the order of bytes.

    Raises:
        DataError: The table has fewer entries than it says.
    """
    try:
        number, first, bits = map(int, table.LUTDescriptor)
        number, content = (number & 0xFFFF) or 2**16, table.LUTData
    except (AttributeError, TypeError, ValueError) as error:
        raise refusal(
            "readers.incomplete_table", lacking="LUT Descriptor, three numbers, or LUT Data"
        ) from error
    # Words of 16 bits in a known order of bytes.
    if content is None:
        raise refusal("readers.incomplete_table", lacking="LUT Data")
    if not isinstance(content, bytes):  # words that pydicom has read
        content = (np.atleast_1d(content).astype(np.int64) & 0xFFFF).astype("<u2").tobytes()
        order = "<"
    else:
        order = "<" if header.file_meta.TransferSyntaxUID.is_little_endian else ">"
    # A table of 8 bits may have a byte an entry, or a word.
    packed = bits == 8 and len(content) in (number, number + number % 2)
    if len(content) < (number if packed else 2 * number):
        raise refusal(
            "readers.incomplete_table", lacking="LUT Data of as many entries as LUT Descriptor says"
        )
    # Values before the first entry and behind the last take these.
    entries = np.frombuffer(content, np.uint8 if packed else f"{order}u2", number)
    at = np.clip(values.astype(np.float64) - first, 0, number - 1).astype(np.int64)
    return entries[at]
