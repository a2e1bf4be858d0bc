"""Reading DICOM: pydicom's own files and functions are the reference."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from skiagram.datasets.dicom import read_dicom
from skiagram.errors import DataError
from skiagram.store import ShardWriter

STORED = np.arange(64, dtype=np.uint16).reshape(8, 8) * 50


def header_of(stored: NDArray[Any], **fields: Any) -> Dataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = Dataset()
    header.file_meta = meta
    header.SOPClassUID, header.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    header.PatientName = "SYNTHETIC^NAME"
    header.Rows, header.Columns = stored.shape
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 12, 11
    header.PixelRepresentation = int(stored.dtype.kind == "i")
    for name, value in fields.items():
        setattr(header, name, value)
    header.PixelData = stored.tobytes()
    return header


def file_of(header: Dataset) -> BytesIO:
    file = BytesIO()
    header.save_as(file, enforce_file_format=True)
    file.seek(0)
    return file


def read(stored: NDArray[Any], **fields: Any) -> NDArray[Any]:
    return read_dicom(file_of(header_of(stored, **fields))).pixels


def table(first: int, entries: list[int], bits: int = 16) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = np.array(entries, dtype="<u2").tobytes()
    item.ModalityLUTType = "US"
    return item


def bundled(name: str) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Path(str(get_testdata_file(name, download=False)))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("MR_small.dcm", "int16"),
        ("MR_small_bigendian.dcm", "int16"),
        ("MR_small_RLE.dcm", "int16"),
        ("MR_small_jp2klossless.dcm", "int16"),
        ("examples_overlay.dcm", "uint16"),
        ("image_dfl.dcm", "uint8"),
        ("SC_rgb_small_odd.dcm", "uint8"),
        ("SC_rgb_rle_16bit.dcm", "uint16"),
    ],
)
def test_stored_values_pass_unchanged_at_their_depth(name: str, dtype: str, tmp_path: Path) -> None:
    image = read_dicom(bundled(name)).pixels
    assert str(image.dtype) == dtype
    np.testing.assert_array_equal(image, pydicom.dcmread(bundled(name)).pixel_array)
    with ShardWriter(tmp_path / "shards") as shards:
        shards.add("case", image)


def test_ct_is_read_in_hounsfield_units() -> None:
    header = pydicom.dcmread(bundled("CT_small.dcm"))
    image = read_dicom(bundled("CT_small.dcm")).pixels
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, apply_modality_lut(header.pixel_array, header))


def test_palette_becomes_colour() -> None:
    assert read_dicom(bundled("examples_palette.dcm")).pixels.shape == (350, 800, 3)


def test_ybr_becomes_rgb() -> None:
    uncompressed = read_dicom(bundled("SC_ybr_full_422_uncompressed.dcm")).pixels
    reference = pydicom.dcmread(bundled("SC_rgb_dcmtk_+eb+cr.dcm")).pixel_array
    assert np.abs(uncompressed.astype(int) - reference).mean() < 5


def test_padding_is_found_on_stored_values_before_rescaling() -> None:
    image = read(STORED, PixelPaddingValue=100, RescaleSlope=2, RescaleIntercept=-100)
    np.testing.assert_array_equal(np.isnan(image), STORED == 100)
    known = ~np.isnan(image)
    np.testing.assert_array_equal(image[known], STORED[known] * 2.0 - 100)


@pytest.mark.parametrize(("value", "limit"), [(100, 300), (300, 100)])
def test_padding_range_is_missing_in_either_direction(value: int, limit: int) -> None:
    image = read(STORED, PixelPaddingValue=value, PixelPaddingRangeLimit=limit)
    np.testing.assert_array_equal(np.isnan(image), (STORED >= 100) & (STORED <= 300))


def test_padding_of_signed_pixels_written_as_unsigned_is_still_found() -> None:
    stored = STORED.astype(np.int16) - 2000
    header = header_of(stored, BitsStored=16, HighBit=15)
    header.add_new("PixelPaddingValue", "US", 2**16 - 2000)
    np.testing.assert_array_equal(np.isnan(read_dicom(file_of(header)).pixels), stored == -2000)


def test_declared_padding_that_no_pixel_has_still_gives_float() -> None:
    image = read(STORED, PixelPaddingValue=1)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, STORED)


@pytest.mark.parametrize(("stored", "ends"), [(STORED, 4095), (STORED.astype(np.int16) - 2000, -1)])
def test_monochrome1_is_turned_within_the_stored_range(stored: NDArray[Any], ends: int) -> None:
    image = read(stored, PhotometricInterpretation="MONOCHROME1")
    assert image.dtype == stored.dtype
    np.testing.assert_array_equal(image, ends - stored.astype(int))


def test_monochrome1_and_rescaling_turn_the_rescaled_range() -> None:
    fields = {"RescaleSlope": 0.5, "RescaleIntercept": 10, "PixelPaddingValue": 0}
    image = read(STORED, PhotometricInterpretation="MONOCHROME1", **fields)
    assert np.isnan(image[0, 0])
    np.testing.assert_allclose(image[STORED > 0], ((4095 - STORED) * 0.5 + 10)[STORED > 0])


def test_modality_table_is_applied() -> None:
    lut = table(100, [7, 9, 13])
    image = read(STORED, ModalityLUTSequence=[lut])
    reference = apply_modality_lut(STORED, header_of(STORED, ModalityLUTSequence=[lut]))
    np.testing.assert_array_equal(image, reference)
    assert image.dtype == np.float32


def test_window_is_applied_only_to_images_made_for_presentation() -> None:
    window = {"WindowCenter": 1000, "WindowWidth": 800}
    np.testing.assert_array_equal(read(STORED, **window), STORED)
    shown = read(STORED, PresentationIntentType="FOR PRESENTATION", **window)
    np.testing.assert_allclose(
        shown, apply_windowing(STORED, header_of(STORED, **window)), rtol=1e-6
    )


def test_voi_table_is_applied_to_images_made_for_presentation() -> None:
    lut = table(0, list(range(0, 40960, 10)))
    shown = read(STORED, PresentationIntentType="FOR PRESENTATION", VOILUTSequence=[lut])
    reference = apply_voi_lut(STORED, header_of(STORED, VOILUTSequence=[lut]))
    np.testing.assert_array_equal(shown, reference)


@pytest.mark.parametrize(
    ("fields", "spacing"),
    [
        ({"PixelSpacing": [0.1, 0.3]}, (0.1, 0.3)),
        ({"ImagerPixelSpacing": ["0.07", "0.07"]}, (0.07, 0.07)),
        ({"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.2, 0.2]}, (0.1, 0.1)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.2]}, (0.2, 0.2)),
        ({}, None),
        ({"PixelSpacing": None}, None),
        ({"PixelSpacing": [0.1, 0]}, None),
        ({"PixelSpacing": [-0.1, 0.1]}, None),
        ({"PixelSpacing": 0.1}, None),
        ({"PixelSpacing": [0.1, 0.1, 0.1]}, None),
    ],
)
def test_spacing_is_that_of_the_file_and_an_unusable_one_is_unknown(
    fields: dict[str, Any], spacing: tuple[float, float] | None
) -> None:
    assert read_dicom(file_of(header_of(STORED, **fields))).spacing == spacing


@pytest.mark.parametrize("text", [b"NaN\\0.1", b"inf\\0.1", b"wide\\0.1", b"0,1\\0,1"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_spacing_that_is_no_number_does_not_cost_the_film(text: bytes) -> None:
    header = header_of(STORED)
    padded = text + b" " * (len(text) % 2)
    header.PixelSpacing = ["7" * (len(padded) - 2), "7"]
    written = file_of(header).getvalue()
    broken = written.replace(b"7" * (len(padded) - 2) + b"\\7", padded)
    assert broken != written
    found = read_dicom(BytesIO(broken))
    assert found.spacing is None
    np.testing.assert_array_equal(found.pixels, STORED)


def test_the_spacing_of_a_real_scanner_is_read() -> None:
    header = pydicom.dcmread(bundled("CT_small.dcm"))
    assert read_dicom(bundled("CT_small.dcm")).spacing == tuple(map(float, header.PixelSpacing))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_meta.dcm", "not a DICOM file"),
        ("test-SR.dcm", "no pixels"),
        ("SC_rgb_rle_2frame.dcm", "2 frames"),
        ("MR_truncated.dcm", "truncated or damaged"),
        ("badVR.dcm", "truncated or damaged"),
        ("MR_small_jpeg_ls_lossless.dcm", "JPEG-LS Lossless Image Compression has no decoder"),
        ("meta_missing_tsyntax.dcm", "transfer syntax unnamed has no decoder"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_unusable_file_is_named_and_explained(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        read_dicom(bundled(name))
    assert raised.value.where == name
    assert "\n" not in str(raised.value)


def test_private_transfer_syntax_is_refused() -> None:
    content = file_of(header_of(STORED)).getvalue()
    foreign = content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0")
    with pytest.raises(
        DataError, match=r"transfer syntax 1\.2\.840\.99999\.1\.2\.1 has no decoder"
    ):
        read_dicom(BytesIO(foreign))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"film\.dcm: cannot be opened"):
        read_dicom(tmp_path / "film.dcm")


def test_text_burnt_into_pixels_is_refused() -> None:
    with pytest.raises(DataError, match="may name the patient"):
        read(STORED, BurnedInAnnotation="YES")


@settings(deadline=None, max_examples=50)
@given(share=st.floats(0, 1, exclude_max=True))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_truncation_is_a_data_error(share: float) -> None:
    whole = file_of(header_of(STORED)).getvalue()
    with pytest.raises(DataError):
        read_dicom(BytesIO(whole[: int(share * len(whole))]))
