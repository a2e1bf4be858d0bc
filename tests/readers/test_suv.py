"""Standardized uptake values of PET files as scanners write them; odd headers are refused."""

from io import BytesIO
from types import MappingProxyType

import numpy as np
import pydicom
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydicom.dataset import Dataset

from skiagram.errors import DataError
from skiagram.readers.dicom import read_dicom
from skiagram.readers.dicom_series import decode_series
from tests.readers.examples import VALUES, item, series_files, written

F18 = 6586.2  # half-life, s
DOSE, WEIGHT = 4e8, 80.0
ACTIVITY = (VALUES + 41) * 100
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


GE = ("GEMS_PETD_01", 0x0009, 0x0D, "DT")
PHILIPS = ("Philips PET Private Group", 0x7053, 0x00, "DS")


def with_private(file, field, value):
    """Return a file with a private field of a scanner: creator, group, element and kind."""
    (name, content), (creator, group, element, kind) = file, field
    dataset = pydicom.dcmread(BytesIO(content))
    dataset.private_block(group, creator, create=True).add_new(element, kind, value)
    return name, written(dataset)


def test_uptake_values_and_private_scales_of_scanners_are_taken():
    assert factor(pet_files({"Units": "GML"})) == pytest.approx(1)
    # the earliest start of the scan is that of the last slice
    starts = [f"2020010210{33 - at}00.00" for at in range(len(VALUES))]
    pairs = zip(pet_files(LATE), starts, strict=True)
    of_ge = [with_private(file, GE, start) for file, start in pairs]
    assert factor(of_ge) == pytest.approx(expected(1800), rel=1e-5)
    counts = pet_files({"Units": "CNTS"})
    of_philips = [with_private(file, PHILIPS, "0.001") for file in counts]
    assert factor(of_philips) == pytest.approx(0.001, rel=1e-5)
    with pytest.raises(DataError, match="differ in Philips' scale of counts"):
        decode_series([with_private(counts[0], PHILIPS, "0.002"), *of_philips[1:]], "p")
    first, *others = pet_files(LATE)
    with pytest.raises(DataError, match="a scan that begins after its images"):
        decode_series([with_private(first, GE, "20200102140000"), *others], "p")


def test_a_single_slice_is_read_as_one_of_its_series():
    alone = read_dicom(BytesIO(pet_files()[2][1])).pixels
    assert_array_equal(alone, decode_series(pet_files(), "p").voxels[2])
    with pytest.raises(DataError, match="no PatientWeight"):
        read_dicom(BytesIO(pet_files({"PatientWeight": None})[0][1]))


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
