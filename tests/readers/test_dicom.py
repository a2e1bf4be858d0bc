"""Reading DICOM: pydicom's own files and functions are the reference."""

import struct
import tracemalloc
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Pillow
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from skiagram.errors import DataError
from skiagram.readers.dicom import describe_bits, read_dicom, read_element
from skiagram.readers.dicom_codecs import decode_pixels
from skiagram.readers.image_files import count_frames
from tests.readers.examples import item, put_pixels

STORED = np.arange(64, dtype=np.uint16).reshape(8, 8) * 50


def header_of(stored, **fields):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = Dataset()
    header.file_meta = meta
    header.SOPClassUID, header.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    header.PatientName = "SYNTHETIC^NAME"
    put_pixels(header, stored)
    header.BitsStored, header.HighBit = 12, 11
    for name, value in fields.items():
        setattr(header, name, value)
    return header


def file_of(header):
    file = BytesIO()
    header.save_as(file, enforce_file_format=True)
    file.seek(0)
    return file


def read_stored(**fields):
    return read_dicom(file_of(header_of(STORED, **fields)))


def read(stored, **fields):
    return read_dicom(file_of(header_of(stored, **fields))).pixels


def table(first, entries, bits=16):
    data = np.array(entries, dtype="<u2").tobytes()
    return item(LUTDescriptor=[len(entries), first, bits], LUTData=data, ModalityLUTType="US")


def bundled(name):
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
        ("SC_rgb_small_odd.dcm", "uint8"),
    ],
)
def test_stored_values_pass_unchanged_at_their_depth(name, dtype):
    image = read_dicom(bundled(name)).pixels
    assert str(image.dtype) == dtype
    assert_array_equal(image, pydicom.dcmread(bundled(name)).pixel_array)


def test_ybr_becomes_rgb():
    uncompressed = read_dicom(bundled("SC_ybr_full_422_uncompressed.dcm")).pixels
    reference = pydicom.dcmread(bundled("SC_rgb_dcmtk_+eb+cr.dcm")).pixel_array
    assert np.abs(uncompressed.astype(int) - reference).mean() < 5


@pytest.mark.parametrize(("value", "limit"), [(100, None), (100, 300), (300, 100)])
def test_padding_is_found_on_stored_values_before_rescaling(value, limit):
    padding = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}
    image = read(STORED, **padding, RescaleSlope=2, RescaleIntercept=-100)
    ends = sorted((value, limit or value))
    missing = (ends[0] <= STORED) & (ends[1] >= STORED)
    assert_array_equal(np.isnan(image), missing)
    assert_array_equal(image[~missing], STORED[~missing] * 2.0 - 100)


@pytest.mark.parametrize("bits", [16, 12])
def test_padding_of_signed_pixels_written_as_unsigned_is_still_found(bits):
    stored = STORED.astype(np.int16) - 2000
    header = header_of(stored, BitsStored=bits, HighBit=bits - 1)
    header.add_new("PixelPaddingValue", "US", 2**bits - 2000)
    assert_array_equal(np.isnan(read_dicom(file_of(header)).pixels), stored == -2000)


@pytest.mark.parametrize(("stored", "ends"), [(STORED, 4095), (STORED.astype(np.int16) - 2000, -1)])
def test_monochrome1_is_turned_within_the_stored_range(stored, ends):
    image = read(stored, PhotometricInterpretation="MONOCHROME1")
    assert image.dtype == stored.dtype
    assert_array_equal(image, ends - stored.astype(int))


def test_monochrome1_and_rescaling_turn_the_rescaled_range():
    fields = {"RescaleSlope": 0.5, "RescaleIntercept": 10, "PixelPaddingValue": 0}
    image = read(STORED, PhotometricInterpretation="MONOCHROME1", **fields)
    assert np.isnan(image[0, 0])
    assert_allclose(image[STORED > 0], ((4095 - STORED) * 0.5 + 10)[STORED > 0])


@pytest.mark.parametrize("alone", [{"RescaleSlope": "2"}, {"RescaleIntercept": "-1024"}])
def test_a_slope_or_an_intercept_alone_is_applied_as_itk_does(alone, tmp_path):
    header = header_of(STORED, SOPClassUID=CTImageStorage, **alone)
    (tmp_path / "a.dcm").write_bytes(file_of(header).read())
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(tmp_path / "a.dcm"))[0]
    assert_array_equal(read_dicom(tmp_path / "a.dcm").pixels, theirs)


def test_a_dose_is_in_gray():
    """Stored values × Dose Grid Scaling, which stands there for a Rescale Slope (C.8.8.3.2)."""
    assert_array_equal(read(STORED, DoseGridScaling="0.25"), STORED * 0.25)


SHOWN = {"PresentationIntentType": "FOR PRESENTATION"}
MODALITY_TABLE = {"ModalityLUTSequence": [table(100, [7, 9, 13])]}
WINDOW = {"WindowCenter": 1000, "WindowWidth": 800}
VOI_TABLE = {"VOILUTSequence": [table(0, list(range(0, 40960, 10)))]}


@pytest.mark.parametrize(
    ("fields", "reference"),
    [
        (MODALITY_TABLE, apply_modality_lut),
        (SHOWN | WINDOW, apply_windowing),
        (SHOWN | VOI_TABLE, apply_voi_lut),
    ],
)
def test_tables_and_windows_are_applied_as_pydicom_does(fields, reference):
    shown = read(STORED, **fields)  # which settles the kind of a table's data
    assert_allclose(shown, reference(STORED, header_of(STORED, **fields)), rtol=1e-6)


def test_a_window_is_for_presentation_and_a_table_replaces_rescaling():
    assert_array_equal(read(STORED, **WINDOW), STORED)
    assert_array_equal(read(STORED, ModalityLUTSequence=[]), STORED)
    in_small_letters = {"PresentationIntentType": "for presentation"}
    assert_array_equal(read(STORED, **WINDOW, **in_small_letters), read(STORED, **WINDOW, **SHOWN))
    with pytest.raises(DataError, match="both a Modality LUT and rescaling"):
        read(STORED, **MODALITY_TABLE, RescaleIntercept="-1024")


@pytest.mark.parametrize("packed", [False, True], ids=["a word each", "two in a word"])
@pytest.mark.parametrize("number", [4096, 4095])
def test_a_table_of_8_bits_shows_all_values_of_12_bits(number, *, packed):
    entries = (np.arange(number) // 16).astype(np.uint8 if packed else "<u2")
    content = entries.tobytes() + b"\0" * (entries.nbytes % 2)
    lut = item(LUTDescriptor=[number, 0, 8])
    lut.add_new("LUTData", "OW", content)
    shown = read(STORED, PresentationIntentType="FOR PRESENTATION", VOILUTSequence=[lut])
    assert_array_equal(shown, entries[np.minimum(STORED, number - 1)])


@pytest.mark.parametrize("space", ["HSV", "ARGB", "YBR_PARTIAL_422", "YBR_RCT", "MONOCHROME2"])
def test_a_colour_space_that_does_not_become_rgb_is_refused(space):
    colour = header_of(STORED[:, :2].astype(np.uint8), PhotometricInterpretation=space)
    colour.update({"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PixelData": bytes(48)})
    with pytest.raises(DataError, match=f"colour space `{space}`. Allowed: .*RGB"):
        read_dicom(file_of(colour))


def test_more_frames_than_the_header_says_are_no_colour():
    header = header_of(STORED)
    header.PixelData = header.PixelData * 3
    with pytest.raises(DataError, match="pixels of 3 frames, while the header says 1"):
        read_dicom(file_of(header))
    header = header_of(np.stack([STORED] * 2))
    header.PixelData = header.PixelData * 2
    with pytest.raises(DataError, match="4 frames, while the header says 2"):
        decode_pixels(header)


def test_gray_in_a_palette_or_in_three_channels_is_gray():
    gray = (STORED // 16).astype(np.uint8)
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    colour = {**eight, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
    pixels = np.stack([gray] * 3, axis=-1).tobytes()
    assert_array_equal(read(gray, **colour, PlanarConfiguration=0, PixelData=pixels), gray)
    palette = {**eight, "PhotometricInterpretation": "PALETTE COLOR"}
    for factor in (257, 256, 1):  # entries of 16 bits, and of 8 bits in words of 16
        for part in ("Red", "Green", "Blue"):
            palette[f"{part}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
            entries = (np.arange(256) * factor).astype("<u2").tobytes()
            palette[f"{part}PaletteColorLookupTableData"] = entries
        assert_array_equal(read(gray, **palette), gray)


def test_colour_of_a_palette_is_that_of_itk_and_deeper_colour_is_refused():
    file = bundled("examples_palette.dcm")
    of_itk = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(file)))[0]
    assert_array_equal(read_dicom(file).pixels, of_itk)
    with pytest.raises(DataError, match=r"16bit\.dcm: colour of 16 bits per channel"):
        read_dicom(bundled("SC_rgb_rle_16bit.dcm"))


def test_films_of_several_depths_are_named():
    bits = []
    for stored in (10, 14, 14):
        header = header_of(STORED, BitsStored=stored, HighBit=stored - 1, Modality="MG")
        bits.append(read_dicom(file_of(header)).stored_bits)
    assert bits == [10, 14, 14]
    [sentence] = describe_bits(bits)
    assert "1 images of 10 bits, 2 images of 14 bits" in sentence
    assert "16 times as bright" in sentence
    assert not describe_bits([14, 0, 14])
    assert read_dicom(file_of(header_of(STORED, Modality="CT"))).stored_bits == 0


def test_a_film_has_the_depth_of_its_voi_lut_but_not_of_a_window():
    def bits(**fields):
        return read_dicom(file_of(header_of(STORED, Modality="MG", **SHOWN, **fields))).stored_bits

    deep = {"VOILUTSequence": [table(0, [*range(4096)], 14)]}
    assert bits(**WINDOW) == 12
    assert bits(**deep) == bits(**deep, **WINDOW) == bits(**deep, RescaleSlope="2") == 14
    assert read_dicom(file_of(header_of(STORED, Modality="MG", **deep))).stored_bits == 12


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_meta.dcm", "not a DICOM file"),
        ("test-SR.dcm", "no pixels"),
        ("SC_rgb_rle_2frame.dcm", "2 frames"),
        ("MR_truncated.dcm", "truncated or damaged"),
        ("badVR.dcm", "NumberOfFrames: no number"),
        ("meta_missing_tsyntax.dcm", "transfer syntax unnamed has no decoder"),
        ("image_dfl.dcm", r"Deflated .* has no decoder.*gdcmconv"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_unusable_file_is_named_and_explained(name, message):
    with pytest.raises(DataError, match=message) as raised:
        read_dicom(bundled(name))
    assert raised.value.where == name
    assert "\n" not in str(raised.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("word", ["NO", "no", "No ", "", None])
def test_pixels_without_burnt_in_text_are_read(word):
    assert_array_equal(read(STORED, BurnedInAnnotation=word), read(STORED))


def compressed(syntax, frame, bits=8, **fields):
    header = header_of(STORED, **fields)
    header.file_meta.TransferSyntaxUID = syntax
    header.BitsAllocated, header.BitsStored, header.HighBit = -(-bits // 8) * 8, bits, bits - 1
    header.PixelData = encapsulate([frame])
    header["PixelData"].is_undefined_length = True
    return file_of(header)


def rle_bomb():
    """Two segments, each of 3 MB that stand for 192 MB."""
    segment = bytes([129, 0]) * 1_500_000
    offsets = struct.pack("<16L", 2, 64, 64 + len(segment), *[0] * 13)
    return compressed(RLELossless, offsets + 2 * segment, bits=16)


def image_bomb(syntax, kind):
    """A coded image of 9,000 × 9,000 pixels, said to be 8 × 8."""
    coded = BytesIO()
    Pillow.new("L", (9000, 9000)).save(coded, kind)
    return compressed(syntax, coded.getvalue())


BOMBS = {
    "RLE": rle_bomb,
    "JPEG": lambda: image_bomb(JPEGBaseline8Bit, "JPEG"),
    "JPEG 2000": lambda: image_bomb(JPEG2000Lossless, "JPEG2000"),
    "rows": lambda: file_of(header_of(STORED, Rows=65535, Columns=65535)),
}


def test_a_deflated_file_is_never_inflated():
    header = header_of(np.zeros((4096, 4096), np.uint16), PatientID="7")
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = file_of(header).getvalue()
    tracemalloc.start()
    assert (count_frames(content), read_element(content, "PatientID")) == (1, "")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(content) < 2**17
    assert peak < header.Rows * header.Columns


def test_items_within_items_without_end_are_refused_in_own_words():
    inner = Dataset()
    for _ in range(200):
        inner = item(ModalityLUTSequence=[inner])
    whole = file_of(header_of(STORED, ModalityLUTSequence=[inner])).getvalue()
    with pytest.raises(DataError) as raised:
        read_dicom(BytesIO(whole))
    assert "recursion" not in str(raised.value)


_CENTRED = {"PresentationIntentType": "FOR PRESENTATION", "WindowCenter": 900}
WINDOWED = _CENTRED | {"WindowWidth": 400}
_SCALES = ("RescaleSlope", "RescaleIntercept", "PixelPaddingValue", "NumberOfFrames")


@pytest.mark.parametrize("name", ["WindowWidth", *_SCALES, "SliceThickness", "DoseGridScaling"])
@pytest.mark.parametrize("value", ["", "\\", "abc", "1\\2\\3"])
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_field_of_a_number_without_one_is_absent_or_named(name, value):
    header = header_of(STORED, **_CENTRED)
    header.add_new(name, "LO", value)  # whose text nothing checks
    if not value.strip("\\") or (name, value[0]) == ("WindowWidth", "1"):
        without = header_of(STORED)
        if value:
            without = header_of(STORED, **_CENTRED | {"WindowWidth": value[:1].strip("\\") or None})
        assert (read_dicom(file_of(header)).pixels == read_dicom(file_of(without)).pixels).all()
        return
    with pytest.raises(DataError, match=rf"{name}: (no number|3 values)\.") as said:
        read_dicom(file_of(header))
    assert "abc" not in str(said.value)


def test_an_empty_table_is_none_and_a_damaged_one_is_refused():
    for empty in ({"VOILUTSequence": [Dataset()]}, {"ModalityLUTSequence": [table(0, [1])]}):
        read_stored(**WINDOWED, **empty)
    damaged = item(LUTDescriptor=[9, 0, 16], LUTData=b"ab")
    with pytest.raises(DataError, match="a look-up table"):
        read_stored(**WINDOWED, VOILUTSequence=[damaged])


def _csa(slices):
    """Siemens' CSA2 header with the element that counts the slices of a mosaic."""
    name = b"NumberOfImagesInMosaic".ljust(64, b"\0")
    text = f"{slices:<8}".encode()
    element = name + struct.pack("<i4sIII", 1, b"US\0\0", 6, 1, 77)
    return (
        b"SV10\4\3\2\1" + struct.pack("<II", 1, 77) + element + struct.pack("<4I", *[8] * 4) + text
    )


@pytest.mark.parametrize("way", ["type", "csa", "number", "none"])
def test_a_siemens_mosaic_is_refused_with_the_command_that_converts_it(way):
    header = header_of(STORED, ImageType=["ORIGINAL", "PRIMARY", "M", "ND"])
    if way == "type":
        header.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    block = header.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", _csa(25 if way == "csa" else 0))
    if way == "number":
        header.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 25)
    if way == "none":
        assert read_dicom(file_of(header)).pixels.shape == (8, 8)
        return
    with pytest.raises(DataError, match=r"a Siemens mosaic: .*dcm2niix"):
        read_dicom(file_of(header))
