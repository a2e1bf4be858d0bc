"""Standardized uptake values of PET files as scanners write them; odd headers are refused."""

from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydicom.dataset import Dataset

from skiagram.errors import DataError
from skiagram.readers.dicom import read_dicom
from skiagram.readers.dicom_series import decode_series
from tests.readers.examples import VALUES, item, series_files, written

F18, I124, ZR89 = 6586.2, 360806.4, 282240.0  # half-lives, s
DOSE, WEIGHT = 4e8, 80.0
ACTIVITY = (VALUES + 41) * 100
Fields = Mapping[str, Any]
NONE = MappingProxyType({})


def pet_files(fields=NONE, injection=NONE, slices=NONE):
    """A series from 11:00 on, three minutes a slice, an hour after the injection.

    Args:
        slices: Field → its value in each slice.
    """
    files = []
    for at, (name, content) in enumerate(series_files(ACTIVITY, Modality="PT")):
        dataset = pydicom.dcmread(BytesIO(content))
        dataset.Units, dataset.DecayCorrection, dataset.PatientWeight = "BQML", "START", str(WEIGHT)
        dataset.CorrectedImage = ["ATTN", "DECY", "SCAT"]
        dataset.SeriesDate, dataset.SeriesTime = "20200102", "110000"
        dataset.AcquisitionDate, dataset.AcquisitionTime = "20200102", f"11{3 * at:02d}00.25"
        given = {
            "RadionuclideTotalDose": str(int(DOSE)),
            "RadionuclideHalfLife": str(F18),
            "RadiopharmaceuticalStartTime": "100000.00",
        }
        dataset.RadiopharmaceuticalInformationSequence = [item(**given | {**injection})]
        own = {field: values[at] for field, values in slices.items()}
        for field, value in {**fields, **own}.items():
            setattr(dataset, field, value)
        files.append((name, written(dataset)))
    return files


def factor(files):
    """Return by what the activity became uptake values, the same in all voxels."""
    ratio = decode_series(files, "p").voxels / ACTIVITY
    assert np.ptp(ratio) < 1e-5 * ratio.max()
    return float(np.mean(ratio))


def expected(seconds, half_life=F18):
    """SUV = activity × weight / what is left of the dose."""
    left = DOSE * 0.5 ** (seconds / half_life)
    return WEIGHT * 1000 / left


LATE = {"SeriesTime": "150000"}  # made after the images
BEDS = {"AcquisitionTime": ["110600", "110300", "110000", "110900"]}


MIDDLE_OF_A_BED = {
    "AcquisitionTime": ["110000", "110300", "110600", "110900"],
    "FrameReferenceTime": [f"{1000 * (at * 180 + 389.7):.1f}" for at in range(4)],
    "ActualFrameDuration": ["180000"] * 4,
}


def injected(when, half_life=F18):
    return {"RadiopharmaceuticalStartDateTime": when, "RadionuclideHalfLife": str(half_life)}


UPTAKES = {
    "start": (pet_files(), 3600, F18),
    "old form of time": (pet_files({"SeriesTime": "10:45:00"}), 2700, F18),
    "earliest acquisition": (pet_files(LATE, NONE, BEDS), 3600, F18),
    # 389.7 s into the scan the first bed has its average of 11:01:29.7: begun at 10:55
    "middle of a bed": (pet_files(LATE, NONE, MIDDLE_OF_A_BED), 3600 - 300, F18),
    "administration": (pet_files({"DecayCorrection": "ADMIN"}), 0, F18),
    "three days": (pet_files(NONE, injected("20191230100000", ZR89)), 73 * 3600, ZR89),
    "a day": (pet_files(NONE, injected("20200101100000.00", I124)), 25 * 3600, I124),
    "midnight": (
        pet_files(
            {"SeriesTime": "003000", "AcquisitionTime": "003000"},
            {"RadiopharmaceuticalStartTime": "233000"},
        ),
        3600,
        F18,
    ),
    "offset from UTC": (
        pet_files({"TimezoneOffsetFromUTC": "+0200"}, injected("20200102080000+0000")),
        3600,
        F18,
    ),
    "one clock": (pet_files(NONE, injected("20200102100000+0200")), 3600, F18),
}


@pytest.mark.parametrize("kind", UPTAKES)
def test_uptake_is_activity_over_what_is_left_of_the_dose_per_gram(kind):
    files, seconds, half_life = UPTAKES[kind]
    assert factor(files) == pytest.approx(expected(seconds, half_life), rel=1e-4)
    assert factor(files[::-1]) == pytest.approx(factor(files), rel=1e-6)


def test_uptake_values_and_private_scales_of_scanners_are_taken():
    assert factor(pet_files({"Units": "GML"})) == pytest.approx(1)
    private = {
        "GEMS_PETD_01": (0x0009, 0x0D, "DT", "2020010210{}00.00", LATE, expected(1800)),
        "Philips PET Private Group": (0x7053, 0x00, "DS", "0.001", {"Units": "CNTS"}, 0.001),
    }
    for creator, (group, element, kind, value, fields, wanted) in private.items():
        files = []
        for at, (name, content) in enumerate(pet_files(fields)):
            dataset = pydicom.dcmread(BytesIO(content))
            own = value.format(33 - at)  # the earliest is that of the last slice
            dataset.private_block(group, creator, create=True).add_new(element, kind, own)
            files.append((name, written(dataset)))
        assert factor(files) == pytest.approx(wanted, rel=1e-5)
    first = pydicom.dcmread(BytesIO(files[0][1]))  # Philips'
    first[0x70531000].value = "0.002"
    with pytest.raises(DataError, match="differ in Philips' scale of counts"):
        decode_series([(files[0][0], written(first)), *files[1:]], "p")
    files = pet_files(LATE)
    first = pydicom.dcmread(BytesIO(files[0][1]))
    first.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20200102140000")
    with pytest.raises(DataError, match="a scan that begins after its images"):
        decode_series([(files[0][0], written(first)), *files[1:]], "p")


def test_a_single_slice_is_read_as_one_of_its_series():
    alone = read_dicom(BytesIO(pet_files()[2][1])).pixels
    assert_array_equal(alone, decode_series(pet_files(), "p").voxels[2])
    with pytest.raises(DataError, match="no PatientWeight"):
        read_dicom(BytesIO(pet_files({"PatientWeight": None})[0][1]))


@pytest.mark.parametrize(
    ("fields", "injection", "message"),
    [
        ({"Units": "CNTS"}, {}, "counts, without Philips"),
        ({"Units": None}, {}, "no Units"),
        ({"Units": "CM2ML"}, {}, "values in the unit `CM2ML`"),
        ({"Units": "GML", "SUVType": "LBM"}, {}, "values in the unit `GML` LBM"),
        ({"CorrectedImage": ["DECY", "SCAT"]}, {}, "without corrections for attenuation"),
        ({"DecayCorrection": "NONE"}, {}, "decay correction `NONE`"),
        ({"AcquisitionTime": None}, {}, "no AcquisitionDate and AcquisitionTime"),
        ({"PatientWeight": None}, {}, "no PatientWeight"),
        ({"PatientWeight": "80000"}, {}, "a PatientWeight of 80000 kg. Allowed: 0.01 to 700 kg"),
        ({}, {"RadionuclideTotalDose": "400"}, "a RadionuclideTotalDose of 400 Bq"),
        ({}, {"RadiopharmaceuticalStartTime": None}, "no RadiopharmaceuticalStartTime"),
        ({}, {"RadiopharmaceuticalStartTime": "noon12"}, "StartTime of `20200102noon12`"),
        ({}, {"RadiopharmaceuticalStartTime": "111500"}, "an injection 23.75 hours before"),
        ({}, {"RadiopharmaceuticalStartDateTime": "20200102111500"}, "an injection -0.25 hours"),
        ({}, {"RadionuclideHalfLife": str(ZR89)}, "no date of the injection of a long-lived"),
        ({}, {"RadiopharmaceuticalStartDateTime": "20200102080000+0000"}, "an offset from UTC"),
    ],
)
def test_a_header_that_allows_no_uptake_values_is_refused_with_the_reason(
    fields, injection, message
):
    with pytest.raises(DataError) as raised:
        decode_series(pet_files(fields, injection), "p")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("field", "values"),
    [("PatientWeight", ["80", "80", "70", "80"]), ("Units", ["BQML", "BQML", "GML", "BQML"])],
)
def test_slices_that_say_different_things_are_refused(field, values):
    with pytest.raises(DataError, match=f"slices that differ in {field}"):
        decode_series(pet_files(slices={field: values}), "p")
    two = [Dataset(), Dataset()]
    with pytest.raises(DataError, match="2 injections"):
        decode_series(pet_files({"RadiopharmaceuticalInformationSequence": two}), "p")


FOR_MIRP = {
    "PatientID": "p",
    "StudyInstanceUID": "1.9",
    "FrameOfReferenceUID": "1.2",
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128",
    "SliceThickness": "3",
    "ActualFrameDuration": "180000",
}


@pytest.mark.slow
@pytest.mark.parametrize("fields", [NONE, LATE, {"DecayCorrection": "ADMIN"}])
@pytest.mark.parametrize(
    "injection", [NONE, {"RadiopharmaceuticalStartDateTime": "20200102070000"}]
)
def test_uptake_values_are_those_of_mirp(fields, injection, tmp_path):
    """MIRP takes the start of the scan from each bed's own times."""
    from mirp.data_import.import_image import import_image

    files = pet_files(
        {**fields, **FOR_MIRP},
        injection,
        {
            "FrameReferenceTime": [f"{1000 * (at * 180 + 89.86):.1f}" for at in range(4)],
            "SOPInstanceUID": [f"1.3.{at}" for at in range(4)],
        },
    )
    for name, content in files:
        (tmp_path / name).write_bytes(content)
    peer = import_image(str(tmp_path), image_modality="pet")[0]
    peer.load_data(pet_suv_conversion="body_weight")
    theirs = np.mean([one.image_data.mean() for one in peer.image_file_objects])
    assert decode_series(files, "p").voxels.mean() == pytest.approx(theirs, rel=1e-4)


MAPPED_TO_SUV = {
    "RealWorldValueMappingSequence": [
        item(
            RealWorldValueSlope=0.002,
            RealWorldValueIntercept=0,
            MeasurementUnitsCodeSequence=[item(CodeValue="{SUVbw}g/ml")],
        )
    ]
}


def test_values_mapped_to_uptake_are_scaled_once():
    unstated = {"RescaleSlope": None, "RescaleIntercept": None}
    mapped = decode_series(pet_files({**MAPPED_TO_SUV, **unstated}), "p")
    assert_allclose(mapped.voxels, ACTIVITY * 0.002, rtol=1e-6)
    assert factor(pet_files(MAPPED_TO_SUV)) == pytest.approx(expected(3600), rel=1e-6)
    unnamed = [item(RealWorldValueSlope=2, RealWorldValueIntercept=0)]
    other = {"RealWorldValueMappingSequence": unnamed, **unstated}
    with pytest.raises(DataError, match="in the unit `None of a RealWorldValueMapping`"):
        decode_series(pet_files(other), "p")


def test_a_slice_of_a_later_bed_alone_says_no_start_of_the_scan():
    files = pet_files(LATE, slices=BEDS)
    with pytest.raises(DataError, match="single slice of an unknown bed"):
        read_dicom(BytesIO(files[-1][1]))
