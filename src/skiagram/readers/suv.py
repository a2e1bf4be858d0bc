"""Standardized uptake values by body weight, from the headers of a PET series.

By the QIBA's vendor-neutral pseudo-code (FDG-PET/CT profile, appendix G): activity per ml × weight
/ what is left of the injected activity at the time to which the images are corrected for decay.
Where it says that no value can be calculated, and where a number cannot be what it is called, the
series is refused.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from skiagram.errors import SkiagramError, refusal
from skiagram.readers.formats import FORMATS

_SERIES_FIELDS = (
    *("Units", "SUVType", "DecayCorrection", "PatientWeight"),
    *("SeriesDate", "SeriesTime", "TimezoneOffsetFromUTC"),
)
_INJECTION_FIELDS = (
    *("RadionuclideTotalDose", "RadionuclideHalfLife"),
    *("RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime"),
)
_SLICE_FIELDS = (
    *("CorrectedImage", "RadiopharmaceuticalInformationSequence", "AcquisitionDateTime"),
    *("AcquisitionDate", "AcquisitionTime", "FrameReferenceTime", "ActualFrameDuration"),
)
_GE_SCAN = (0x0009, 0x0D, "GEMS_PETD_01")  # start of the scan, date and time
_PHILIPS_SUV = (0x7053, 0x00, "Philips PET Private Group")  # SUV of a count
_PHILIPS_ACTIVITY = (0x7053, 0x09, "Philips PET Private Group")  # Bq/ml of a count
Field = str | tuple[int, int]  # keyword, or group and element; pydicom takes both


def private_fields(elements: Iterable[tuple[int, int, str]]) -> list[Field]:
    """List the places of private elements and their creators: scanners begin with block 0x10.

    Args:
        elements: Group, offset in a block, and creator of each.
    """
    return [
        field
        for group, offset, _ in elements
        for block in range(0x10, 0x14)
        for field in ((group, block), (group, block << 8 | offset))
    ]


PET_FIELDS: list[Field] = [
    *_SERIES_FIELDS,
    *_SLICE_FIELDS,
    *private_fields((_GE_SCAN, _PHILIPS_SUV, _PHILIPS_ACTIVITY)),
]
_SUV = "SUV by body weight"
_MAPPED_UNITS = {  # of UCUM, as RealWorldValueMapping names them
    **dict.fromkeys(("{SUVbw}g/ml", "g/ml{SUVbw}"), _SUV),
    "Bq/ml": "BQML",
}
_SANE = FORMATS["uptake"]  # ranges of one series
_MAX_HALF_LIVES = 10  # between injection and scan
_SHORT = timedelta(hours=10)  # half-life of a tracer that nobody injects a day before the scan
_DAY = timedelta(days=1)


def suv_factor(headers: Sequence[Any], name: str) -> float:
    """Compute by what rescaled values of a PET series become standardized uptake values (g/ml).

    Args:
        headers: Of all slices, which must agree.
        name: Of the series, to be named.

    Returns:
        1 where the file has such values already.

    Raises:
        DataError: The headers allow no uptake values, or say what cannot be.
    """
    # The unit of the rescaled values.
    stated = _stated(headers, name)
    # the unit to which stored values were mapped, where they were not rescaled
    units = set()
    for header in headers:
        for mapping in header.RealWorldValueMappingSequence if is_mapped(header) else ():
            code = (mapping.get("MeasurementUnitsCodeSequence") or [{}])[0].get("CodeValue")
            units.add(_MAPPED_UNITS.get(str(code), f"{code} of a RealWorldValueMapping"))
    if len(units) > 1:
        raise _no_suv(f"slices in different units: {', '.join(sorted(units))}", name)
    unit = (units.pop() if units else "") or stated["Units"]
    # Uptake values by body weight are what is asked for.
    if unit == _SUV or (unit == "GML" and stated["SUVType"] in ("", "BW")):
        return 1.0
    # Activity needs both corrections before it can become an uptake.
    for header in headers:
        values = header.get("CorrectedImage") or ()
        corrections = {values} if isinstance(values, str) else {str(value) for value in values}
        if not {"ATTN", "DECY"} <= corrections:
            raise _no_suv("images without corrections for attenuation and decay", name)
    # Counts of Philips have a scale of their own.
    factor = 1.0
    if unit == "CNTS":
        scales = {
            (_private(header, _PHILIPS_SUV), _private(header, _PHILIPS_ACTIVITY))
            for header in headers
        }
        if len(scales) > 1:
            raise _no_suv("slices that differ in Philips' scale of counts", name)
        uptake, activity = scales.pop()
        if uptake is not None:
            return _number(uptake, "scale of Philips", name)
        if activity is None:
            raise _no_suv("counts, without Philips' scale of them", name)
        factor = _number(activity, "scale of Philips", name)
    elif unit != "BQML":
        fault = f"values in the unit `{unit}` {stated['SUVType']}".strip()
        raise _no_suv(fault if unit else "no Units, as in an enhanced file", name)
    # Body weight over the dose, as injected or as it was when the scan began.
    weight, dose, half_life = (_sane(stated, field, name) for field in _SANE)
    if stated["DecayCorrection"] == "ADMIN":
        return factor * weight * 1000 / dose
    if stated["DecayCorrection"] != "START":
        raise _no_suv(f"decay correction `{stated['DecayCorrection']}`", name)
    waited = _waited(headers, stated, timedelta(seconds=half_life), name)
    return factor * weight * 1000 / (dose * 2 ** (-waited.total_seconds() / half_life))


def is_mapped(header: Any) -> bool:
    """Tell whether a mapping to real-world values holds: the header states no rescaling."""
    stated = any(header.get(name) is not None for name in ("RescaleSlope", "RescaleIntercept"))
    return not stated and bool(header.get("RealWorldValueMappingSequence"))


def _stated(headers: Sequence[Any], name: str) -> dict[str, str]:
    """Read the fields of the series and of its one injection, which must be equal in all slices.

    Returns:
        Field → text; empty where it is not stated.

    Raises:
        DataError: There are several injections, or slices differ.
    """
    stated: dict[str, str] = {}
    for header in headers:
        injections = header.get("RadiopharmaceuticalInformationSequence") or [{}]
        if len(injections) > 1:
            raise _no_suv(f"{len(injections)} injections", name)
        slice_values = {field: header.get(field) for field in _SERIES_FIELDS}
        slice_values |= {field: injections[0].get(field) for field in _INJECTION_FIELDS}
        for field, value in slice_values.items():
            text = str("" if value is None else value).strip()
            if stated.setdefault(field, text) != text:
                raise _no_suv(f"slices that differ in {field}: {stated[field]} and {text}", name)
    return stated


def _sane(stated: dict[str, str], field: str, name: str) -> float:
    """Read a number in the range that one of its kind can have, in the unit of `_SANE`."""
    low, high, unit = _SANE[field]
    if not stated[field]:
        raise _no_suv(f"no {field}", name)
    value = _number(stated[field], field, name)
    if not low <= value <= high:
        raise _no_suv(f"a {field} of {value:g} {unit}", name, f"{low:g} to {high:g} {unit}")
    return value


def _number(value: Any, field: str, name: str) -> float:
    """Read a number above 0, finite, or refuse the series."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise _no_suv(f"a {field} of `{value}`", name)
    return number


def _waited(
    headers: Sequence[Any], stated: dict[str, str], half_life: timedelta, name: str
) -> timedelta:
    """Compute the time from the injection to the start of the scan.

    A scan after midnight may be of an injection before it; with a long-lived tracer the date must
    be stated.

    Raises:
        DataError: A time is missing, or so long that hardly any activity would be left.
    """
    # The injection, with its date where that is known.
    zone = stated["TimezoneOffsetFromUTC"]
    scan = _scan_time(headers, stated, half_life.total_seconds(), name)
    whole, time = (
        stated["RadiopharmaceuticalStartDateTime"],
        stated["RadiopharmaceuticalStartTime"],
    )
    dated = _moment("RadiopharmaceuticalStartDateTime", whole, zone, name)
    # With a date the difference is plain, unless one of both lacks its offset from UTC.
    if dated is not None:
        if dated.tzinfo and not scan.tzinfo:  # whose clock is the scanner's?
            local = dated.replace(tzinfo=None)
            if _on(local, time, "", name) != local:
                raise _no_suv("times with and without an offset from UTC", name)
            dated = local
        waited = scan - dated
    else:
        injected = _on(scan, time, zone, name)
        if injected is None:
            raise _no_suv("no RadiopharmaceuticalStartTime", name)
        if half_life > _SHORT:
            raise _no_suv("no date of the injection of a long-lived tracer", name)
        waited = (scan - injected) % _DAY  # a scan may begin after midnight
    if not timedelta(0) <= waited <= _MAX_HALF_LIVES * half_life:
        hours = waited.total_seconds() / 3600
        allowed = f"0 to {_MAX_HALF_LIVES} half-lives"
        raise _no_suv(f"an injection {hours:.4g} hours before the scan", name, allowed)
    return waited


def _scan_time(
    headers: Sequence[Any], stated: dict[str, str], half_life: float, name: str
) -> datetime:
    """Find the time to which the images are corrected: the start of the scan.

    By the series' time where it is no later than the images; else by GE's own field; else by the
    time of each image and what had decayed until its average count (QIBA's profile, appendix G).
    """
    # When the images were acquired, and their series made.
    zone = stated["TimezoneOffsetFromUTC"]
    series = _moment("SeriesTime", stated["SeriesDate"] + stated["SeriesTime"], zone, name)
    acquired = []
    for header in headers:
        parts = [str(header.get(field) or "") for field in ("AcquisitionDate", "AcquisitionTime")]
        text = "".join(parts) if all(parts) else str(header.get("AcquisitionDateTime") or "")
        moment = _moment("AcquisitionTime", text, zone, name)
        if moment is None:
            raise _no_suv("no AcquisitionDate and AcquisitionTime", name)
        acquired.append(moment if zone else moment.replace(tzinfo=None))
    if series is not None and series <= min(acquired):
        return series
    # The series was made after the images: its time says nothing of the scan.
    said_by_ge = (str(_private(header, _GE_SCAN) or "") for header in headers)
    scans = [scan for text in said_by_ge if (scan := _moment("scan", text, zone, name))]
    if scans:
        if min(scans) > min(acquired):
            raise _no_suv("a scan that begins after its images", name)
        return min(scans)
    if len(headers) == 1 and not _average_count_time(headers[0], half_life):
        fault = "a single slice of an unknown bed: SeriesTime is later, FrameReferenceTime not said"
        raise _no_suv(fault, name, "the folder of the whole series, or FrameReferenceTime")
    # Else the time of each image, less that to its average count rate.
    return min(
        begun - timedelta(seconds=_average_count_time(header, half_life))
        for begun, header in zip(acquired, headers, strict=True)
    )


def _average_count_time(header: Any, half_life: float) -> float:
    """Compute seconds from the start of the scan to that of a bed position; 0 where unknown.

    Frame Reference Time is that of the average count rate in the frame, not of its start.
    """
    reference = float(header.get("FrameReferenceTime") or 0) / 1000
    duration = float(header.get("ActualFrameDuration") or 0) / 1000
    if not (reference > 0 and duration > 0):
        return 0.0
    decay = math.log(2) / half_life
    average = math.log(decay * duration / -math.expm1(-decay * duration)) / decay
    return reference - average


def _on(day: datetime, time: str, zone: str, name: str) -> datetime | None:
    """Put the time of the injection on a day."""
    return _moment(
        "RadiopharmaceuticalStartTime", f"{day:%Y%m%d}{time}" if time else "", zone, name
    )


def _moment(field: str, text: str, zone: str, name: str) -> datetime | None:
    """Read a date with a time, at least to the minute; None where nothing is said.

    Args:
        field: To be named.
        text: As DICOM or the form before it writes it.
        zone: Offset from UTC where the text has none; may be empty.
        name: Of the series, to be named.
    """
    digits = text.replace(":", "").strip()  # HH:MM:SS is the form before DICOM
    if len(digits) < len("YYYYMMDDHHMM"):
        return None
    try:
        return datetime.fromisoformat(
            f"{digits[:8]}T{digits[8:]}" + ("" if digits[-5] in "+-" else zone)
        )
    except ValueError as error:
        raise _no_suv(f"a {field} of `{text}`", name) from error


def _private(header: Any, element: tuple[int, int, str]) -> Any:
    """Read a private element of a creator; None where it is absent."""
    group, offset, creator = element
    try:
        return header.get_private_item(group, offset, creator).value
    except KeyError:
        return None


def _no_suv(fault: str, name: str, allowed: str = "") -> SkiagramError:
    """Name what keeps a series from being standardized uptake values."""
    key = "readers.suv_out_of_range" if allowed else "readers.no_suv"
    return refusal(key, name, fault=fault, allowed=allowed)
