"""A DICOM series, or one enhanced multi-frame file, becomes a volume.

Slices are ordered by their position along the normal of their plane (PS3.3 C.7.6.2.1.1), never by
file name or instance number. What has no single right reading is refused by name: slices of two
series, doubled or missing slices, uneven distances, a tilted gantry. Positron emission tomography
becomes standardized uptake values where the header allows it.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.tag import Tag

from skiagram.datasets.dicom import check_burnt_in, check_deflated, several_frames
from skiagram.datasets.dicom_codecs import check_size, decode_pixels
from skiagram.datasets.volumes.grid import Volume, orient
from skiagram.datasets.volumes.volume_files import check_voxels, narrow
from skiagram.errors import DataError

_FIELDS = [
    *("SOPClassUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "ImageType"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"),
    *("NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "PlanarConfiguration", "PixelData"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "BurnedInAnnotation"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("Units", "SUVType", "DecayCorrection", "CorrectedImage", "PatientWeight"),
    *("RadiopharmaceuticalInformationSequence", "SeriesDate", "SeriesTime"),
    *("AcquisitionDate", "AcquisitionTime", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
]
_PARSED = [Tag(name) for name in _FIELDS]
_DAY = timedelta(days=1)
_EVEN = 0.01  # share of a slice distance by which distances may differ
_ACROSS = 0.1  # mm by which a slice may lie beside the line of the others
_PARALLEL = 1e-4


@dataclass(frozen=True)
class _Slice:
    """One plane of a volume.

    Attributes:
        name: Its file, for messages.
        pixels: (height, width) stored values.
        position: (3,) centre of its first pixel, mm.
        rows: (2, 3) unit vectors along a column of pixels, and along a row of pixels.
        spacing: Distance of rows and of columns, mm.
        slope: Modality values are slope × stored + intercept.
        intercept: See `slope`.
    """

    name: str
    pixels: NDArray[Any]
    position: NDArray[np.float64]
    rows: NDArray[np.float64]
    spacing: tuple[float, float]
    slope: float
    intercept: float


def decode_series(files: Sequence[tuple[str, bytes]], name: str) -> Volume:
    """Read a volume from the files of one DICOM series, or from one enhanced file.

    Args:
        files: Name and content of each file, in any order.
        name: What messages call the series.

    Returns:
        The volume in canonical orientation, in modality units: `HU` for CT; `SUV` for PET, by body
        weight and corrected for decay to the injection; else the rescale type of the header.

    Raises:
        DataError: A file is damaged or of another series, slices are doubled, missing, uneven or
            tilted, or a PET header does not allow standardized uptake values.
    """
    if not files:
        raise DataError("no DICOM files", where=name, allowed="a folder with one series")
    headers = [(file, _read_header(content, file)) for file, content in files]
    _check_one_series(headers, name)
    slices = [piece for file, header in headers for piece in _slices(header, file)]
    ordered, steps = _order(slices, name)
    voxels = _values(ordered)
    first = headers[0][1]
    if first.get("Modality") == "PT":
        voxels = (voxels * suv_factor(first, name)).astype(np.float32)
    check_voxels(voxels.shape)
    turned, grid = orient(narrow(voxels), steps, ordered[0].position)
    return Volume(turned, grid, _unit(first), str(first.get("Modality", "")))


def suv_factor(header: Any, name: str) -> float:
    """Return by what values of a PET header's unit become standardized uptake values (g/ml).

    By body weight: activity per ml × weight / injected activity at the time to which the image is
    corrected for decay (QIBA, FDG-PET/CT profile, appendix G: vendor-neutral pseudo-code).

    Args:
        header: A DICOM data set of the series.
        name: What messages call the series.

    Raises:
        DataError: The unit, a correction, the weight, the dose or a time is missing or not usable.
    """
    unit = str(header.get("Units", ""))
    if unit == "GML" and str(header.get("SUVType", "BW")) == "BW":
        return 1.0
    if unit != "BQML":
        raise _no_suv(f"values in the unit `{unit}`", name)
    corrected = {str(value) for value in header.get("CorrectedImage") or ()}
    if not {"ATTN", "DECY"} <= corrected:
        raise _no_suv("images without corrections for attenuation and decay", name)
    injection = (header.get("RadiopharmaceuticalInformationSequence") or [{}])[0]
    weight = float(header.get("PatientWeight") or 0)
    dose = float(injection.get("RadionuclideTotalDose") or 0)
    half_life = float(injection.get("RadionuclideHalfLife") or 0)
    for value, what in ((weight, "PatientWeight"), (dose, "RadionuclideTotalDose")):
        if not 0 < value < math.inf:
            raise _no_suv(f"no {what}", name)
    decay = str(header.get("DecayCorrection", ""))
    if decay == "ADMIN":
        return weight * 1000 / dose
    if decay != "START" or not half_life > 0:
        raise _no_suv(f"decay correction `{decay}`, half-life {half_life:g} s", name)
    waited = (_scan_time(header, name) - _injection_time(header, injection, name)) % _DAY
    return weight * 1000 / (dose * 2 ** (-waited.total_seconds() / half_life))


def _no_suv(message: str, name: str) -> DataError:
    return DataError(
        message,
        where=name,
        allowed="PET in Bq/ml with weight, dose and times, or in g/ml by body weight",
        remedy="convert the series to SUV first, and save it as NIfTI",
    )


def _scan_time(header: Any, name: str) -> datetime:
    """Return the start of the scan: the series' time, unless it was made after the images."""
    series = _moment(header.get("SeriesDate"), header.get("SeriesTime"))
    acquired = _moment(header.get("AcquisitionDate"), header.get("AcquisitionTime"))
    times = [moment for moment in (series, acquired) if moment is not None]
    if not times:
        raise _no_suv("no SeriesTime and no AcquisitionTime", name)
    return min(times)


def _injection_time(header: Any, injection: Any, name: str) -> datetime:
    whole = str(injection.get("RadiopharmaceuticalStartDateTime") or "")
    if len(whole) >= 14:
        return datetime.strptime(whole[:14], "%Y%m%d%H%M%S")
    time = _moment(header.get("SeriesDate"), injection.get("RadiopharmaceuticalStartTime"))
    if time is None:
        raise _no_suv("no RadiopharmaceuticalStartTime", name)
    return time


def _moment(date: Any, time: Any) -> datetime | None:
    text = f"{date or ''}{str(time or '')[:6]}"
    return datetime.strptime(text, "%Y%m%d%H%M%S") if len(text) == 14 else None


def _read_header(content: bytes, name: str) -> Any:
    try:
        check_deflated(BytesIO(content), name)
        header = pydicom.dcmread(BytesIO(content), specific_tags=_PARSED)
        if "PixelData" in header:
            check_size(header, name)
    except DataError:
        raise
    except Exception as error:  # damage can break a parser anywhere
        raise DataError(
            "not a whole DICOM file", where=name, remedy="export the series again"
        ) from error
    if "PixelData" not in header:
        raise DataError(
            "a DICOM file without pixels",
            where=name,
            allowed="the slices of one series",
            remedy="move it out of the folder; a structure set is named in the column of masks",
        )
    check_burnt_in(header, name)
    return header


def _check_one_series(headers: Sequence[tuple[str, Any]], name: str) -> None:
    series = Counter(str(header.get("SeriesInstanceUID", "")) for _, header in headers)
    if len(series) > 1:
        counts = " and ".join(str(count) for count in sorted(series.values(), reverse=True))
        raise DataError(
            f"slices of {len(series)} series ({counts} files)",
            where=name,
            allowed="one series per folder",
            remedy="put each series into a folder of its own",
        )
    sizes = Counter((int(header.Rows), int(header.Columns)) for _, header in headers)
    if len(sizes) > 1:
        common = sizes.most_common(1)[0][0]
        other = next(file for file, header in headers if (header.Rows, header.Columns) != common)
        raise DataError(
            f"slices of {len(sizes)} sizes",
            where=other,
            allowed=f"{common[0]} × {common[1]} pixels, as most of the series",
            remedy="a localizer or another series lies between the slices: move it out",
        )


def _slices(header: Any, name: str) -> list[_Slice]:
    try:
        pixels = decode_pixels(header)
    except Exception as error:  # damage can break a decoder anywhere
        raise DataError(
            "pixels cannot be read", where=name, remedy="export the series again"
        ) from error
    try:
        if "PerFrameFunctionalGroupsSequence" in header:
            groups = header.PerFrameFunctionalGroupsSequence
            shared = (header.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()])[0]
            return [
                _of_frame(frame, shared, pixels[number] if len(groups) > 1 else pixels, name)
                for number, frame in enumerate(groups)
            ]
        if int(header.get("NumberOfFrames") or 1) > 1:
            raise several_frames(int(header.NumberOfFrames), name)
        slope = header.get("RescaleSlope")
        return [
            _Slice(
                name,
                pixels,
                np.array(header.ImagePositionPatient, dtype=np.float64),
                _rows(header.ImageOrientationPatient),
                _spacing(header.PixelSpacing),
                1.0 if slope is None else float(slope),
                float(header.get("RescaleIntercept") or 0),
            )
        ]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            "a slice without position, orientation or pixel spacing",
            where=name,
            allowed="ImagePositionPatient, ImageOrientationPatient and PixelSpacing in each slice",
            remedy="export the series again, or convert it to NIfTI with a tool that knows them",
        ) from error


def _of_frame(frame: Any, shared: Any, pixels: NDArray[Any], name: str) -> _Slice:
    def group(sequence: str) -> Any:
        return (frame if sequence in frame else shared)[sequence].value[0]

    transformed = any("PixelValueTransformationSequence" in part for part in (frame, shared))
    values = group("PixelValueTransformationSequence") if transformed else {}
    return _Slice(
        name,
        pixels,
        np.array(group("PlanePositionSequence").ImagePositionPatient, dtype=np.float64),
        _rows(group("PlaneOrientationSequence").ImageOrientationPatient),
        _spacing(group("PixelMeasuresSequence").PixelSpacing),
        float(values.get("RescaleSlope", 1)),
        float(values.get("RescaleIntercept", 0)),
    )


def _rows(orientation: Any) -> NDArray[np.float64]:
    """Return the directions down a column and along a row of pixels, in the array's order."""
    cosines: NDArray[np.float64] = np.array(orientation, dtype=np.float64).reshape(2, 3)
    return cosines[::-1]


def _spacing(spacing: Any) -> tuple[float, float]:
    rows, columns = (float(value) for value in spacing)
    return rows, columns


def _order(slices: list[_Slice], name: str) -> tuple[list[_Slice], NDArray[np.float64]]:
    """Return slices along their normal and (3, 3) the steps between voxels of their volume."""
    first = slices[0]
    for piece in slices:
        alike = np.abs(piece.rows - first.rows).max() <= _PARALLEL
        if not alike or not np.allclose(piece.spacing, first.spacing, rtol=1e-3):
            raise DataError(
                "a slice of another orientation or pixel spacing",
                where=piece.name,
                allowed="parallel slices of one spacing",
                remedy="a localizer or another series lies between the slices: move it out",
            )
    normal = np.cross(first.rows[1], first.rows[0])
    ordered = sorted(slices, key=lambda piece: float(piece.position @ normal))
    within = first.rows * np.asarray(first.spacing)[:, None]
    if len(ordered) == 1:
        return ordered, np.vstack([normal * max(first.spacing), within])
    places = np.array([piece.position for piece in ordered])
    _check_distances(np.diff(places @ normal), ordered, name)
    step = (places[-1] - places[0]) / (len(places) - 1)
    _check_line(places, step, normal, name)
    return ordered, np.vstack([step, within])


def _check_distances(gaps: NDArray[np.float64], ordered: list[_Slice], name: str) -> None:
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    doubled = gaps <= _EVEN * max(usual, 1e-6)
    if doubled.any():
        gap = int(np.argmax(doubled))
        raise DataError(
            f"{int(doubled.sum())} slices at the place of another",
            where=f"{name}: {ordered[gap].name} and {ordered[gap + 1].name}",
            allowed="one slice per place",
            remedy="keep one of each: doubled files, or a series with several points in time or "
            "echoes",
        )
    uneven = np.abs(gaps - usual) > _EVEN * usual
    if uneven.any():
        gap = int(np.argmax(uneven))
        lost = gaps[gap] / usual
        missing = uneven.any() and abs(lost - round(lost)) < 0.05 and round(lost) > 1
        number = round(lost) - 1
        absent = "1 missing slice" if number == 1 else f"{number} missing slices"
        found = absent if missing else "uneven distances of slices"
        raise DataError(
            f"{found}: {gaps[gap]:.3f} mm where others lie {usual:.3f} mm apart",
            where=f"{name}: between {ordered[gap].name} and {ordered[gap + 1].name}",
            allowed=f"distances equal within {_EVEN:.0%}",
            remedy="export the whole series again" if missing else "resample the series first",
        )


def _check_line(
    places: NDArray[np.float64], step: NDArray[np.float64], normal: NDArray[np.float64], name: str
) -> None:
    across = step - (step @ normal) * normal
    lean = float(np.linalg.norm(across))
    if lean * (len(places) - 1) > _ACROSS * 10 and lean > 1e-3 * float(np.linalg.norm(step)):
        angle = math.degrees(math.atan2(lean, float(step @ normal)))
        raise DataError(
            f"slices that are shifted against each other by a gantry tilt of {angle:.1f}°",
            where=name,
            allowed="slices that lie straight behind each other",
            remedy="resample the series to a straight grid first",
        )
    line = places[0] + np.arange(len(places))[:, None] * step
    beside = float(np.abs(places - line).max())
    if beside > _ACROSS:
        raise DataError(
            f"a slice {beside:.2f} mm off the line of the others",
            where=name,
            allowed=f"slices on one line within {_ACROSS} mm",
            remedy="export the series again",
        )


def _values(ordered: list[_Slice]) -> NDArray[Any]:
    """Return (depth, height, width) modality values; whole ones where slope and offset are."""
    stored = np.stack([piece.pixels for piece in ordered])
    slope = np.array([piece.slope for piece in ordered])
    intercept = np.array([piece.intercept for piece in ordered])
    whole = (slope == 1).all() and (intercept == np.rint(intercept)).all()
    if whole and stored.dtype.kind in "iu":
        return stored.astype(np.int64) + intercept.astype(np.int64)[:, None, None]
    values: NDArray[Any] = stored * slope[:, None, None] + intercept[:, None, None]
    return values.astype(np.float32)


def _unit(header: Any) -> str:
    modality = str(header.get("Modality", ""))
    known = {"CT": "HU", "PT": "SUV"}
    return known.get(modality, str(header.get("RescaleType", "") or ""))
