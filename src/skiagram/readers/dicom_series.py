"""A DICOM series, or one enhanced multi-frame file, becomes a volume; PET becomes SUV.

Slices are ordered by their position along the normal of their plane (PS3.3 C.7.6.2.1.1), never by
file name or instance number. What has no single right reading is refused by name.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats
from skiagram.errors import named, readable, refusal
from skiagram.readers.dicom import (
    headers_of_frames,
    is_dicom,
    keeps_whole_numbers,
    modality_of,
    modality_values,
    pixel_spacing,
    read_header,
    read_meta,
    with_preamble,
)
from skiagram.readers.dicom_codecs import decode_pixels
from skiagram.readers.formats import FORMATS
from skiagram.readers.grid import EVEN, MOST_ROUNDED, ROUNDED, Volume, orient, slice_tolerance
from skiagram.readers.suv import PET_FIELDS, Field, suv_factor
from skiagram.readers.voxels import check_frame, check_voxels, narrow

_VOLUME_FIELDS = (  # that tell the volumes of a series of several, the first that does is taken
    *("TemporalPositionIdentifier", "AcquisitionNumber", "EchoTime", "DiffusionBValue"),
    *("TriggerTime", "FrameReferenceTime", "AcquisitionTime"),
)
_FIELDS: list[Field] = [
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("FrameOfReferenceUID", "SliceThickness"),
    *("ImagePositionPatient", "ImageOrientationPatient"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *PET_FIELDS,
    *_VOLUME_FIELDS,
]
_ALIKE = FORMATS["series"]  # in all slices of a series
_DOUBLED = 0.01  # share of a slice distance below which two slices lie at one place
_ACROSS = 0.15  # mm by which a slice may lie beside the line of the others
_HEAD = 512  # bytes that tell a text
_NO_TEXT = {*range(32)} - {7, 8, 9, 10, 12, 13, 27}
_NO_SLICE = re.compile(
    rb"\xff\xfe|\xfe\xff|%PDF|PK\x03\x04|\xd0\xcf\x11\xe0|\x89PNG|\xff\xd8\xff|GIF8|\x1f\x8b"
)
_OTHER_KINDS = (  # DICOM PS3.4 B.5: what is stored beside slices
    "1.2.840.10008.1.3.10",  # a directory
    "1.2.840.10008.5.1.4.1.1.11.",  # presentation states
    "1.2.840.10008.5.1.4.1.1.66",  # registrations, fiducials, segmentations
    "1.2.840.10008.5.1.4.1.1.88.",  # reports
    *(f"1.2.840.10008.5.1.4.1.1.481.{kind}" for kind in (3, 4, 5, 6, 7, 8)),  # of radiotherapy
)
# What headers raise whose fields are missing or impossible.
_FAULTS = (AttributeError, KeyError, IndexError, NotImplementedError, TypeError, ValueError)
# By how much the directions of parallel slices may differ.
_PARALLEL = 1e-4
_UNIT = 1e-3  # by which directions may be longer than 1, or not at right angles


class _Slice(NamedTuple):
    """One plane of a volume.

    Attributes:
        pixels: (height, width) modality values.
        whole: Whether rescaling, and a window, leave whole numbers whole.
        position: (3,) centre of its first pixel, mm.
        rows: (2, 3) unit vectors along a column of pixels, and along a row of pixels.
        thickness: mm; None where unknown.
    """

    name: str
    pixels: NDArray[Any]
    whole: bool
    position: Floats
    rows: Floats
    spacing: tuple[float, float]
    thickness: float | None


def decode_series(
    files: Sequence[tuple[str, bytes]], name: str, frame: int | None = None
) -> Volume:
    """Read a volume from the files of one DICOM series, or from one enhanced file.

    Args:
        frame: Which volume of a series of several points in time, echoes or b values, from 1.

    Returns:
        The volume in canonical orientation; each slice as `read_dicom` reads a single image, with
        NaN where there is padding. PET is SUV by body weight, corrected for decay to the injection.

    Files beside slices are left out: texts, pictures, packed files, and DICOM that has a kind of
    its own, such as structure sets, segmentations and directories.

    Raises:
        DataError: A file is damaged or of another series, slices are doubled, missing, uneven or
            tilted, or a PET header does not allow standardized uptake values.
    """
    # The slices of the folder, without files that say that they are none.
    files = [(file, with_preamble(part)) for file, part in files]
    files = [(file, part) for file, part in files if len(files) == 1 or not _is_no_slice(part)]
    if not files:
        raise refusal("readers.no_dicom_files", name)
    headers = [(file, read_header(BytesIO(part), file, also=_FIELDS)) for file, part in files]
    _check_one_series(headers, name)
    if frame is not None:
        headers = _choose_volume(headers, frame, name)
    # The size of the volume is checked before pixels are decoded.
    first = headers[0][1]
    number = sum(header.NumberOfFrames for _, header in headers)
    check_voxels((number, int(first.Rows), int(first.Columns)))
    ordered, steps = _order(
        [piece for file, header in headers for piece in _slices(header, file)], name
    )
    # The voxels, of PET in standardized uptake values.
    voxels = np.stack([piece.pixels for piece in ordered])
    whole = all(piece.whole for piece in ordered) and not np.isnan(voxels).any()
    if whole or voxels.dtype.kind in "iu":
        voxels = voxels.astype(np.int32)
    if first.get("Modality") == "PT":
        with readable("the header of PET cannot be read", name, "correct it"):
            factor = suv_factor([header for _, header in headers], name)
        voxels = (voxels * factor).astype(np.float32)
    # In the canonical order of axes.
    with named(name):
        turned, grid = orient(narrow(voxels), steps, ordered[0].position)
    reference = str(first.get("FrameOfReferenceUID") or "")
    return Volume(turned, replace(grid, frame_of_reference=reference), modality_of(first))


def check_one_volume(content: bytes, name: str, most_pixels: int) -> None:
    """Refuse to stack frames of one file as they come where they lie at several places.

    Args:
        content: Of the file.
        name: To be named.
        most_pixels: Rows times columns that a frame may have.
    """
    # Only frames of an enhanced file say where they lie.
    header = read_header(BytesIO(content), name, most_pixels, _FIELDS)
    if not header.get("PerFrameFunctionalGroupsSequence"):
        return
    # Slices are read as a volume, without a number of a frame; one place is a film of time.
    with named(name):
        frames = headers_of_frames(header)
    fields = ("ImagePositionPatient", "ImageOrientationPatient")
    places = {str([frame.get(field) for field in fields]) for frame in frames}
    if len(places) > 1:
        raise refusal(
            "readers.frames_at_several_places",
            name,
            frames=len(frames),
            places=len(places),
        )


def _choose_volume(
    headers: Sequence[tuple[str, Any]], frame: int, name: str
) -> list[tuple[str, Any]]:
    """Choose the slices of one volume of several, each of which has one slice at every place.

    Args:
        headers: Name and header of each slice.
        frame: Which volume, from 1, in the order of the field that tells them apart.
        name: Of the series, to be named.

    Raises:
        DataError: No field tells whole volumes apart, or there are fewer.
    """
    # The first field that parts the slices into whole volumes tells them apart.
    with suppress(*_FAULTS):
        places = [
            tuple(round(float(axis), 2) for axis in header.ImagePositionPatient)
            for _, header in headers
        ]
        for keyword in _VOLUME_FIELDS:
            values = [header.get(keyword) for _, header in headers]
            if None in values or "" in values:
                continue
            # Slices with one value are a volume if they lie at every place once.
            volumes: dict[float, list[int]] = {}
            for number, value in enumerate(values):
                volumes.setdefault(float(value), []).append(number)
            drawn = {tuple(sorted(places[at] for at in volume)) for volume in volumes.values()}
            if len(volumes) > 1 and drawn == {tuple(sorted(set(places)))}:
                check_frame(frame, len(volumes))
                return [headers[at] for at in volumes[sorted(volumes)[frame - 1]]]
    raise refusal(
        "readers.volumes_not_told_apart",
        name,
        frame=frame,
        volume_fields=_VOLUME_FIELDS,
    )


def _is_no_slice(content: bytes) -> bool:
    """Tell whether a file says itself that it is no slice; an empty or damaged one does not."""
    if not is_dicom(content):
        head = content[:_HEAD]
        text = bool(head.strip()) and not set(head) & _NO_TEXT
        return text or _NO_SLICE.match(head) is not None
    with suppress(Exception):  # damage is named where the pixels are read
        return str(read_meta(BytesIO(content)).get("MediaStorageSOPClassUID", "")).startswith(
            _OTHER_KINDS
        )
    return False


def _check_one_series(headers: Sequence[tuple[str, Any]], name: str) -> None:
    """Refuse files of several series, patients or sizes, and a series that lacks parts."""
    # Fields that are alike in all slices of a series.
    for field, thing in _ALIKE.items():
        values = Counter(str(header.get(field, "")) for _, header in headers)
        if len(values) > 1:
            counts = " and ".join(map(str, sorted(values.values(), reverse=True)))
            raise refusal(
                "readers.mixed_series", name, number=len(values), thing=thing, counts=counts
            )
    # parts of an enhanced file that was divided (PS3.3 C.7.6.16.2.2.4)
    parts = max(int(header.get("InConcatenationTotalNumber") or 1) for _, header in headers)
    if len(headers) < parts:
        raise refusal("readers.parts_missing", name, present=len(headers), parts=parts)
    # Slices of one size.
    sizes = Counter((int(header.Rows), int(header.Columns)) for _, header in headers)
    if len(sizes) > 1:
        common = sizes.most_common(1)[0][0]
        raise refusal(
            "readers.slices_of_several_sizes",
            next(file for file, header in headers if (header.Rows, header.Columns) != common),
            sizes=len(sizes),
            common=common,
        )


def _slices(header: Any, name: str) -> list[_Slice]:
    """Read the slices of a file, each with its place.

    Raises:
        DataError: Pixels are damaged or in colour, or a slice has no place or no spacing.
    """
    with readable("pixels cannot be read", name, "export the series again"):
        pixels = decode_pixels(header)
    # Frames of an enhanced file have headers of their own.
    enhanced = bool(header.get("PerFrameFunctionalGroupsSequence"))
    frames = int(header.NumberOfFrames)
    if frames > 1 and not enhanced:
        raise refusal("readers.frames_without_place", name, frames=frames, name="frames")
    if int(header.get("SamplesPerPixel") or 1) > 1:
        raise refusal("readers.slices_in_colour", name)
    # Each slice with its place; one without cannot be stacked.
    try:
        planes = pixels if frames > 1 else pixels[None]
        with named(name):
            headers = headers_of_frames(header) if enhanced else [header]
            slices = []
            for frame_header, plane in zip(headers, planes, strict=True):
                spacing = pixel_spacing(frame_header, name)
                position = np.array(frame_header.ImagePositionPatient, dtype=np.float64)
                orientation = np.array(frame_header.ImageOrientationPatient, dtype=np.float64)
                rows = orientation.reshape(2, 3)[::-1]
                upright = np.abs(rows @ rows.T - np.eye(2)).max() <= _UNIT
                if spacing is None or not upright or not np.isfinite(position).all():
                    raise ValueError("no pixel spacing, or no place")
                slices.append(
                    _Slice(
                        name,
                        modality_values(plane, frame_header),
                        keeps_whole_numbers(frame_header),
                        position,
                        rows,
                        (spacing[0], spacing[1]),
                        float(frame_header.get("SliceThickness") or 0) or None,
                    )
                )
            return slices
    except _FAULTS as error:
        raise refusal("readers.slice_without_place", name) from error


def _order(slices: list[_Slice], name: str) -> tuple[list[_Slice], Floats]:
    """Return slices along their normal and (3, 3) the steps between voxels of their volume."""
    first = slices[0]
    # Slices must be parallel and of one spacing.
    for piece in slices:
        alike = np.abs(piece.rows - first.rows).max() <= _PARALLEL
        if not alike or not np.allclose(piece.spacing, first.spacing, rtol=1e-3):
            raise refusal("readers.slice_of_other_orientation", piece.name)
    # Along their normal, from the first slice to the last.
    normal = np.cross(first.rows[1], first.rows[0])
    ordered = sorted(slices, key=lambda piece: float(piece.position @ normal))
    within = first.rows * np.asarray(first.spacing)[:, None]
    # A single slice is as thick as it says.
    if len(ordered) == 1:
        if first.thickness is None:
            raise refusal("readers.single_slice_without_thickness", name)
        return ordered, np.vstack([normal * first.thickness, within])
    places = np.array([piece.position for piece in ordered])
    _check_distances(np.diff(places @ normal), ordered, name)
    # A tilted gantry shifts slices against each other.
    step = (places[-1] - places[0]) / (len(places) - 1)
    across = step - (step @ normal) * normal
    lean = float(np.linalg.norm(across))
    if lean * (len(places) - 1) > _ACROSS * 10 and lean > 1e-3 * float(np.linalg.norm(step)):
        angle = math.degrees(math.atan2(lean, float(step @ normal)))
        raise refusal("readers.gantry_tilt", name, angle=angle)
    # Every slice on the line from the first to the last.
    line = places[0] + np.arange(len(places))[:, None] * step
    deviation = float(np.abs(places - line).max())
    if deviation > _ACROSS:
        raise refusal("readers.slice_off_line", name, deviation=deviation, across=_ACROSS)
    return ordered, np.vstack([step, within])


def _check_distances(gaps: Floats, ordered: list[_Slice], name: str) -> None:
    """Refuse slices of which two are at one place, or which are not evenly apart.

    Args:
        gaps: (slices − 1,) distances along the normal, mm.
        ordered: The slices.
        name: To be named.

    Raises:
        DataError: Which slices, and whether some are missing between them.
    """
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    # Two slices at one place.
    doubled = gaps <= _DOUBLED * max(usual, 1e-6)
    if doubled.any():
        gap = int(np.argmax(doubled))
        names = [ordered[gap].name, ordered[gap + 1].name]
        number = int(doubled.sum())
        if len({piece.name for piece in ordered}) == 1:
            raise refusal("readers.doubled_frames", names[0], number=number)
        raise refusal("readers.doubled_slices", f"{name}: {' and '.join(names)}", number=number)
    # Slices off even places: missing ones, or uneven steps.
    off = np.abs(np.cumsum(gaps) - np.arange(1, len(gaps) + 1) * gaps.mean())
    allowed = slice_tolerance(usual)
    if off.max() > allowed + 1e-6:
        gap = int(np.argmax(np.abs(gaps - usual)))
        steps = gaps[gap] / usual
        lost = round(steps) - 1
        missing = lost > 0 and abs(steps - lost - 1) < 0.05
        raise refusal(
            "readers.missing_slices" if missing else "readers.uneven_slices",
            f"{name}: between {ordered[gap].name} and {ordered[gap + 1].name}",
            lost=f"{lost} missing slice{'s' if lost > 1 else ''}",
            gap=gaps[gap],
            usual=usual,
            allowed=allowed,
            even=EVEN,
            rounded=ROUNDED,
            most_rounded=MOST_ROUNDED,
        )
