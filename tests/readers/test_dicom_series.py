"""A DICOM series becomes the volume that it is; each fault of a folder of slices is named."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pydicom
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from skiagram.errors import DataError
from skiagram.readers.dicom import read_dicom
from skiagram.readers.dicom_series import decode_series
from skiagram.readers.grid import VoxelGrid, describe_differences
from skiagram.readers.image_files import decode_image, is_image
from tests.readers.examples import (
    GRID,
    SHAPE,
    VALUES,
    enhanced_file,
    item,
    segmentation,
    series_files,
    structure_set,
    written,
)

UNSTATED = {"RescaleSlope": None, "RescaleIntercept": None}


def _mapped(*lines):
    return [item(RealWorldValueSlope=a, RealWorldValueIntercept=b) for a, b in lines]


def test_slices_are_ordered_by_their_place_whatever_the_order_of_the_files():
    files = series_files()
    for order in ([0, 1, 2, 3], [3, 0, 2, 1]):
        volume = decode_series([files[at] for at in order], "s")
        assert_array_equal(volume.voxels, VALUES)
        assert describe_differences(volume.grid, GRID) == []
    assert volume.modality == "CT"


def test_an_enhanced_file_is_the_same_volume_with_its_own_offset():
    volume = decode_series([("e.dcm", enhanced_file())], "e")
    assert_array_equal(volume.voxels, VALUES - 5)
    assert describe_differences(volume.grid, GRID) == []


def test_a_sagittal_series_is_turned_to_the_one_orientation():
    direction = ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
    sagittal = VoxelGrid(SHAPE, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), direction)
    volume = decode_series(series_files(VALUES, sagittal), "s")
    assert_array_equal(volume.voxels, VALUES[::-1, ::-1].transpose(1, 2, 0))
    assert volume.grid.spacing == pytest.approx((1.0, 1.0, 2.0))


def test_a_slice_is_read_as_a_single_image_is():
    fields = {
        "PhotometricInterpretation": "MONOCHROME1",
        "BitsStored": 12,
        "HighBit": 11,
    }
    files = series_files(**fields, PixelPaddingValue=-40, RescaleIntercept="-100", Modality="MR")
    volume = decode_series(files, "s")
    single = np.stack([read_dicom(BytesIO(content)).pixels for _, content in files])
    assert_array_equal(volume.voxels, single)
    assert np.isnan(volume.voxels[0, 0, 0])
    assert volume.voxels[0, 0, 1] == (-2048 - 100 + 2047 - 100) - (int(VALUES[0, 0, 1]) - 100)


def test_real_world_values_are_those_of_a_header_without_rescaling():
    mapping = _mapped((0.5, 3), (0.5, 3))
    files = series_files(RealWorldValueMappingSequence=mapping, **UNSTATED)
    volume = decode_series(files, "s")
    assert_array_equal(volume.voxels, VALUES * 0.5 + 3)
    assert_array_equal(read_dicom(BytesIO(files[0][1])).pixels, volume.voxels[0])
    stated = decode_series(series_files(RealWorldValueMappingSequence=mapping), "s")
    assert_array_equal(stated.voxels, VALUES)


def test_an_enhanced_file_may_state_its_rescaling_once_for_all_frames():
    enhanced = pydicom.dcmread(BytesIO(enhanced_file()))
    shared = enhanced.SharedFunctionalGroupsSequence[0]
    del shared.PixelValueTransformationSequence
    enhanced.RescaleSlope, enhanced.RescaleIntercept = "2", "7"
    volume = decode_series([("e.dcm", written(enhanced))], "e")
    assert_array_equal(volume.voxels, VALUES * 2 + 7)
    del enhanced.RescaleSlope, enhanced.RescaleIntercept
    shared.RealWorldValueMappingSequence = _mapped((3, 1))
    volume = decode_series([("e.dcm", written(enhanced))], "e")
    assert_array_equal(volume.voxels, VALUES * 3 + 1)


def test_a_frame_of_an_enhanced_file_is_read_as_its_slice_is():
    content = enhanced_file()
    frame = read_dicom(BytesIO(content), frame=SHAPE[0])
    assert_array_equal(frame.pixels, VALUES[0] - 5)
    assert frame.spacing == GRID.spacing[1:]
    alone = read_dicom(BytesIO(enhanced_file(VALUES[:1])))
    assert_array_equal(alone.pixels, frame.pixels)


@pytest.mark.parametrize("where", ["file", "shared", "frames"])
@pytest.mark.parametrize("how", ["window", "table"])
def test_a_window_or_table_is_applied_wherever_an_enhanced_file_states_it(where, how):
    enhanced = pydicom.dcmread(BytesIO(enhanced_file()))
    shared = enhanced.SharedFunctionalGroupsSequence[0]
    del shared.PixelValueTransformationSequence
    enhanced.PresentationIntentType = "FOR PRESENTATION"
    window = {"WindowCenter": 20, "WindowWidth": 50, "VOILUTFunction": "LINEAR_EXACT"}
    depth = {"PhotometricInterpretation": "MONOCHROME2", "BitsStored": 16, "PixelRepresentation": 1}
    voi, expected = item(**window), apply_windowing(VALUES, item(**depth, **window))
    if how == "table":
        entries = np.arange(200, dtype="<u2")[::-1]
        voi = item(VOILUTSequence=[item(LUTDescriptor=[200, 0, 16], LUTData=entries.tobytes())])
        expected = entries[np.maximum(VALUES, 0)]
    if where == "file":
        enhanced.update(voi)
    for group in [shared] if where == "shared" else enhanced.PerFrameFunctionalGroupsSequence:
        if where != "file":
            group.FrameVOILUTSequence = [voi]
    volume = decode_series([("e.dcm", written(enhanced))], "e")
    assert_allclose(volume.voxels, expected, rtol=1e-6)
    frame = read_dicom(BytesIO(written(enhanced)), frame=SHAPE[0])
    assert_array_equal(frame.pixels, volume.voxels[0])


def test_one_slice_has_the_thickness_that_it_says():
    files = series_files(VALUES[:1], SliceThickness="5")
    assert decode_series(files, "s").grid.spacing == pytest.approx((5, 0.8, 0.9))


def test_slices_in_colour_and_of_several_scales_are_refused():
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    bytes_each = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    with pytest.raises(DataError, match="slices in colour"):
        decode_series(series_files(**colour, **bytes_each, PixelData=bytes(90)), "s")
    mapping = _mapped((2, 0), (3, 0))
    with pytest.raises(DataError, match="2 mappings to real-world"):
        decode_series(series_files(RealWorldValueMappingSequence=mapping, **UNSTATED), "s")


def test_a_field_of_an_unknown_kind_is_named():
    (name, content), *others = series_files()
    damaged = content.replace(b"\x28\0\x30\0DS", b"\x28\0\x30\0D\xd4")
    assert damaged != content
    with pytest.raises(DataError, match=r"slice-0\.dcm"):
        decode_series([*others, (name, damaged)], "s")


def _without_the_second():
    files = series_files()
    return [files[0], *files[2:]]


def _tilted():
    steps = np.array([[0.0, 0.8, 3.0]])
    files = []
    for depth in range(SHAPE[0]):
        place = tuple((np.asarray(GRID.origin) + depth * steps[0]).tolist())
        files += series_files(VALUES[:1], VoxelGrid((1, 5, 6), GRID.spacing, place, GRID.direction))
    return [(f"{at}.dcm", content) for at, (_, content) in enumerate(files)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "s: no DICOM files"),
        (_without_the_second(), "1 missing slice: 6.000 mm where others lie 3.000 mm apart"),
        ([*series_files(), *series_files()[:2]], "2 slices at the place of another"),
        ([*series_files()[:2], *series_files(series="1.2.4")[2:]], "slices of 2 series"),
        (_tilted(), "gantry tilt of 14.9°"),
        ([*series_files(), ("n.dcm", b"\0" * 600)], "n.dcm: not a DICOM file"),
        ([*series_files(), ("n.dcm", b"")], "n.dcm: not a DICOM file"),
        ([*series_files()[1:], *series_files(VALUES[:1, :3])], "slices of 2 sizes"),
        (series_files(VALUES[:1]), "a single slice that does not say its thickness"),
    ],
)
def test_a_folder_that_is_not_one_whole_series_is_refused_by_name(files, message):
    with pytest.raises(DataError) as raised:
        decode_series(files, "s")
    assert message in str(raised.value)


def _beside():
    directory = pydicom.dcmread(BytesIO(structure_set({"GTV": [np.eye(3)]})))
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    return {
        "069.xml": b'<?xml version="1.0"?><LidcReadMessage/>',
        "LICENSE": b"Creative Commons Attribution 3.0 Unported License\n",
        "Thumbs.db": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
        "preview.png": b"\x89PNG\r\n\x1a\n" + bytes(600),
        "notes.txt": "Übersicht\r\n".encode("latin-1"),
        "desktop.ini": "[.ShellClassInfo]".encode("utf-16"),
        "DICOMDIR": written(directory),
        "RS.dcm": structure_set({"GTV": [np.eye(3)]}),
        "SEG.dcm": segmentation({"GTV": VALUES > 0}),
    }


def test_files_beside_slices_are_no_slices():
    alone = decode_series(series_files(), "s")
    together = decode_series([*_beside().items(), *series_files()], "s")
    assert_array_equal(together.voxels, alone.voxels)
    assert together.grid == alone.grid


@pytest.mark.parametrize(
    ("keyword", "values"), [("TemporalPositionIdentifier", (2, 11)), ("EchoTime", ("5.5", "50"))]
)
def test_one_volume_of_several_is_chosen_by_its_number(keyword, values):
    volumes = [series_files(VALUES + at, **{keyword: value}) for at, value in enumerate(values)]
    files = [(f"{at}-{name}", part) for at, each in enumerate(volumes) for name, part in each]
    for frame in (1, 2):
        read = decode_series(files, "s", frame).voxels
        assert_array_equal(read, decode_series(volumes[frame - 1], "s").voxels)
    for chosen, message in (
        ((files, "s", 3), "volume 3 of 2"),
        ((files, "s"), "column `frame`"),
        ((files[1:], "s", 1), "nothing tells apart"),
        ((volumes[0], "s", 1), "nothing tells apart"),
    ):
        with pytest.raises(DataError, match=message):
            decode_series(*chosen)


def placed(heights, step):
    grid = replace(GRID, spacing=(step, 0.8, 0.9))
    files = []
    planes = np.resize(VALUES, (len(heights), *VALUES.shape[1:])) + np.arange(len(heights))[
        :, None, None
    ].astype(np.int16)
    for (name, content), height in zip(series_files(planes, grid), heights, strict=True):
        dataset = pydicom.dcmread(BytesIO(content))
        dataset.ImagePositionPatient = [-10, 20, f"{height:.6f}"]
        files.append((name, written(dataset)))
    return files


@pytest.mark.parametrize(
    ("step", "decimals", "jitter"), [(0.625, 1, 0), (1.25, 1, 0), (0.7, 2, 0), (2.5, 6, 0.02)]
)
def test_places_of_slices_that_are_rounded_are_even(step, decimals, jitter):
    generator = np.random.default_rng(0)
    exact = np.arange(24) * step
    heights = np.round(exact + generator.uniform(-jitter, jitter, 24) * step, decimals)
    volume = decode_series(placed(heights, step), "s")
    assert volume.grid.spacing[0] == pytest.approx(step, rel=0.01)
    assert volume.voxels.shape[0] == 24
    for lost in (1, 12, 22):
        with pytest.raises(DataError, match=r"missing slice|uneven distances"):
            decode_series(placed(np.delete(heights, lost), step), "s")


@pytest.mark.parametrize("kind", ["with meta information", "explicit", "implicit"])
def test_a_file_without_preamble_is_dicom(kind):
    whole = series_files()
    bare = []
    for name, content in whole:
        dataset, stream = pydicom.dcmread(BytesIO(content)), BytesIO()
        if kind != "with meta information":
            pydicom.dcmwrite(
                stream, _without_meta(dataset), implicit_vr=kind == "implicit", little_endian=True
            )
        bare.append((name, content[132:] if kind == "with meta information" else stream.getvalue()))
    assert_array_equal(decode_series(bare, "s").voxels, VALUES)
    assert is_image(bare[0][1][:132])
    assert_array_equal(decode_image(bare[0][1], "one").pixels, VALUES[0])


def _without_meta(dataset):
    bare = Dataset()
    bare.update({element.tag: element for element in dataset})
    return bare
