"""One DICOM file becomes one image; fields that are not about pixels are not even parsed.

Order of operations (DICOM PS3.3 C.7.5.1.1.2 and PS3.4 N.2.1): padding is found on stored values,
then modality LUT, VOI LUT, polarity. A window only clips for the display, so it is applied to
images made FOR PRESENTATION alone, where it belongs to the image; physical units are kept whole.
"""

import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, get_decoder
from pydicom.pixels import pixel_array as decode
from pydicom.tag import Tag

from skiagram.datasets.contract import SpacedImage
from skiagram.errors import DataError
from skiagram.store import Image, Spacing

_PALETTE = [
    f"{part}{colour}PaletteColorLookupTable{kind}"
    for colour in ("Red", "Green", "Blue")
    for part, kind in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
]
_FIELDS = [
    *_PALETTE,
    *("PixelData", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PhotometricInterpretation", "PresentationIntentType", "BurnedInAnnotation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "ExtendedOffsetTable"),
    *("ExtendedOffsetTableLengths", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("VOILUTSequence", "VOILUTFunction", "WindowCenter", "WindowWidth"),
    *("LUTDescriptor", "LUTData"),
]
_SPACING = ("PixelSpacing", "ImagerPixelSpacing")
_PARSED = [Tag(name) for name in (*_FIELDS, *_SPACING)]


def read_dicom(file: Path | BinaryIO) -> SpacedImage:
    """Read the pixels of one single-frame DICOM file.

    Args:
        file: Path, or a binary file at its beginning.

    Returns:
        (height, width) or (height, width, 3); higher is brighter. Stored depth (uint8, uint16,
        int16) where nothing changes a value; float32 in modality units after a look-up table or
        rescaling, and with NaN for missing pixels where the file declares a padding value.

        The spacing is Pixel Spacing, else Imager Pixel Spacing. The latter is measured at the
        detector: what lies above it is magnified, so in the patient it is smaller. A value that is
        missing or no two positive numbers counts as unknown: the pixels are sound without it.

    Raises:
        DataError: Not DICOM, no pixels, several frames, damaged, an encoding without a decoder, or
            text burnt into the pixels.
    """
    where = file.name if isinstance(file, Path) else "a DICOM stream"
    try:
        header = pydicom.dcmread(file, specific_tags=_PARSED)
        _check(header, where)
        return SpacedImage(_image(decode(header), header), _spacing(header))
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"cannot be opened ({error.strerror})", where=where) from error
    except InvalidDicomError as error:
        raise DataError("not a DICOM file", where=where, allowed="DICOM Part 10 files") from error
    except Exception as error:  # damage can break parser and decoder anywhere
        raise DataError(
            f"pixels cannot be read ({error})",
            where=where,
            remedy="the file is truncated or damaged; export it again",
        ) from error


def _check(header: Any, where: str) -> None:
    if "PixelData" not in header:
        raise DataError(
            "no pixels",
            where=where,
            allowed="images with integer pixels; no reports, plans, maps",
            remedy="remove the file and its row",
        )
    if header.get("BurnedInAnnotation") == "YES":
        raise DataError(
            "text is burnt into the pixels and may name the patient",
            where=where,
            remedy="mask the text and set Burned In Annotation to NO",
        )
    if (header.get("NumberOfFrames") or 1) > 1:
        raise DataError(
            f"{header.NumberOfFrames} frames", where=where, remedy="write a file a frame"
        )
    syntax = header.file_meta.get("TransferSyntaxUID")
    if not _decodable(syntax):
        raise DataError(
            f"transfer syntax {getattr(syntax, 'name', 'unnamed')} has no decoder here",
            where=where,
            allowed="uncompressed, deflated, RLE, JPEG baseline, JPEG 2000",
            remedy="decompress the file, for example with `gdcmconv --raw`",
        )


def _spacing(header: Any) -> Spacing | None:
    """Return the first usable distance of rows and of columns, mm."""
    for name in _SPACING:
        try:
            rows, columns = (float(distance) for distance in header.get(name))
        except (TypeError, ValueError):  # absent, one value, three, or text
            continue
        if all(0 < distance < math.inf for distance in (rows, columns)):
            return rows, columns
    return None


def _decodable(syntax: Any) -> bool:
    try:
        return syntax is not None and bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


def _image(stored: NDArray[Any], header: Any) -> Image:
    if stored.ndim == 3:
        return _storable(stored)
    if header.PhotometricInterpretation == "PALETTE COLOR":
        return _storable(apply_color_lut(stored, header))
    values = _displayed(stored, header)
    if header.PhotometricInterpretation == "MONOCHROME1":
        ends = _displayed(_stored_range(stored, header), header)
        values = (ends.sum(dtype=np.float64) - values).astype(values.dtype)
    missing = _missing(stored, header)
    if missing is None:
        return _storable(values)
    return np.where(missing, np.float32(np.nan), values.astype(np.float32))


def _displayed(stored: NDArray[Any], header: Any) -> NDArray[Any]:
    """Apply the modality LUT and, to images made for presentation, the VOI LUT."""
    values = stored
    rescaling = (header.get("RescaleSlope", 1), header.get("RescaleIntercept", 0))
    if "ModalityLUTSequence" in header or rescaling != (1, 0):
        values = apply_modality_lut(values, header)
    if header.get("PresentationIntentType") == "FOR PRESENTATION":
        values = apply_voi_lut(values, header)
    return values if values is stored else values.astype(np.float32)


def _stored_range(stored: NDArray[Any], header: Any) -> NDArray[Any]:
    """Return (2,) the least and the greatest value that the stored depth can hold."""
    bits, signed = int(header.BitsStored), stored.dtype.kind == "i"
    least = -(2 ** (bits - 1)) if signed else 0
    return np.array([least, least + 2**bits - 1], dtype=stored.dtype)


def _missing(stored: NDArray[Any], header: Any) -> NDArray[np.bool_] | None:
    """Mark pixels in the padding range; None where the file declares no padding."""
    value = header.get("PixelPaddingValue")
    if value is None:
        return None
    limit = header.get("PixelPaddingRangeLimit")
    ends = np.array([value, value if limit is None else limit], dtype=np.int64)
    low, high = np.sort(ends.astype(stored.dtype))  # writers mix up US and SS; the bits agree
    mask: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return mask


def _storable(values: NDArray[Any]) -> Image:
    """Keep the depths that shards can hold, in the machine's byte order; else float32."""
    if values.dtype.name in {"uint8", "uint16", "int16", "float32"}:
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    return values.astype(np.float32)
