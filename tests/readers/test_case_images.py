"""The files of a case as other libraries write them, of which some are two or hold several."""

from contextlib import nullcontext
from dataclasses import replace
from io import BytesIO

import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.testing import assert_array_equal
from PIL import Image

from skiagram.errors import DataError
from skiagram.readers.case_images import (
    CaseFiles,
    ImageReference,
    decode_case,
    find_regions_alone,
    is_image_file,
    read_case_files,
)
from skiagram.readers.file_trees import FolderTree
from skiagram.readers.grid import VoxelGrid, describe_differences
from skiagram.readers.image_files import count_frames
from tests.readers.examples import (
    GRID,
    SHAPE,
    VALUES,
    enhanced_file,
    nifti_bytes,
    put_pixels,
    segmentation,
    written,
)


def _read(folder, file, **chosen):
    reference = ImageReference(file, **chosen)
    return decode_case(read_case_files(FolderTree(folder, is_image_file), reference), reference)


def _image():
    image = SimpleITK.GetImageFromArray(VALUES)
    image.SetSpacing(GRID.spacing[::-1])
    image.SetOrigin(GRID.origin)
    return image


@pytest.mark.parametrize("packed", [False, True])
def test_voxels_may_be_in_a_file_beside_or_below(packed, tmp_path):
    name = "scan.mhd"
    SimpleITK.WriteImage(_image(), str(tmp_path / name), useCompression=packed)
    [voxels] = [file for file in tmp_path.iterdir() if file.name != name]
    assert_array_equal(_read(tmp_path, name).pixels[..., 0], VALUES)
    (tmp_path / "raw").mkdir()
    voxels.rename(tmp_path / "raw" / voxels.name)
    header = (tmp_path / name).read_bytes()
    below = header.replace(voxels.name.encode(), b"raw/" + voxels.name.encode())
    (tmp_path / name).write_bytes(below)
    image = _read(tmp_path, name)
    assert_array_equal(image.pixels[..., 0], VALUES)
    assert describe_differences(image.grid, GRID) == []
    for elsewhere in (b".", b"..", b"../raw/x.raw", b"/etc/passwd", b"x%03d.raw"):
        (tmp_path / name).write_bytes(header.replace(voxels.name.encode(), elsewhere))
        with pytest.raises(DataError, match="in several files, or in another folder"):
            _read(tmp_path, name)


AFFINE = np.diag([-0.9, -0.8, 3, 1])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["i2", "f4", "u1"])
def test_nifti_2_is_read_as_nifti_1_is(dtype, order, tmp_path):
    voxels = (VALUES - VALUES.min()).transpose(2, 1, 0).astype(dtype)
    read = []
    for kind, name in ((nibabel.Nifti1Image, "one.nii"), (nibabel.Nifti2Image, "two.nii.gz")):
        image = kind(voxels, AFFINE, kind.header_class(endianness=order))
        image.header.set_xyzt_units("mm")
        nibabel.save(image, tmp_path / name)
        read.append(_read(tmp_path, name))
    one, two = read
    assert_array_equal(two.pixels[..., 0].transpose(2, 1, 0), voxels)
    assert describe_differences(two.grid, one.grid) == []


def _sequence_of_slicer(series, path):
    """Write a sequence of 3D Slicer, whose first axis is a list and not time."""
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": [[np.nan] * 3, *np.diag([0.9, 0.8, 3]).tolist()],
        "space origin": [1, 2, 3],
        "encoding": "gzip",
    }
    nrrd.write(str(path), series.transpose(0, 3, 2, 1), header)


def _four_axes_of_itk(series, path):
    image = SimpleITK.GetImageFromArray(series, isVector=False)
    SimpleITK.WriteImage(image, str(path), useCompression=path.stem == "packed")


WRITERS = {
    "a.nii": lambda series, path: nibabel.save(nibabel.Nifti1Image(series.T, AFFINE), path),
    "b.nii.gz": lambda series, path: nibabel.save(nibabel.Nifti2Image(series.T, AFFINE), path),
    "plain.mha": _four_axes_of_itk,
    "packed.mhd": _four_axes_of_itk,
    "plain.nrrd": _four_axes_of_itk,
    "packed.nrrd": _four_axes_of_itk,
    "a.seq.nrrd": _sequence_of_slicer,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_volume_of_a_file_of_four_axes_is_chosen(name, tmp_path):
    series = np.stack([VALUES + 7 * at for at in range(3)])
    WRITERS[name](series, tmp_path / name)
    if ".nii" in name:
        assert count_frames((tmp_path / name).read_bytes()) == 3
    for frame, volume in enumerate(series, start=1):
        read = _read(tmp_path, name, frame=frame).pixels[..., 0]
        assert_array_equal(read, volume)
    with pytest.raises(DataError, match="in the column `frame`"):
        _read(tmp_path, name)
    with pytest.raises(DataError, match="volume 4 of 3"):
        _read(tmp_path, name, frame=4)


@pytest.mark.parametrize(
    ("mask", "named"),
    [
        (nifti_bytes(np.ones(SHAPE, np.uint8)), False),
        (segmentation({"tumour": np.ones(SHAPE, np.bool_)}), True),
    ],
    ids=["label map", "segmentation"],
)
def test_a_region_that_alone_tells_rows_apart_is_looked_for_in_the_mask(mask, *, named):
    """Two rows of one label map were the same region twice, under two names."""
    files = CaseFiles({"i": nifti_bytes(VALUES)}, (mask,), {})
    tumour = ImageReference("i", ("m",), "tumour")
    pair = find_regions_alone([tumour, replace(tumour, region="necrosis")])
    for reference, message in zip(pair, ("", "no region `necrosis`"), strict=True):
        message = message if named else "m: several rows that the column `region` alone"
        with pytest.raises(DataError, match=message) if message else nullcontext():
            decode_case(files, reference)
    # a mask or a label of its own tells a region; its name is the user's
    for others in ([], [replace(tumour, masks=("other",), region="necrosis")]):
        [reference, *_] = find_regions_alone([tumour, *others])
        assert decode_case(files, reference).region is not None


@pytest.mark.parametrize("frame", [None, 0])
def test_points_in_time_of_one_file_are_never_one_volume(frame):
    twice = VoxelGrid((2, *SHAPE[1:]), GRID.spacing, GRID.origin, GRID.direction)
    enhanced = pydicom.dcmread(BytesIO(enhanced_file(VALUES[:2], twice)))
    per_frame = enhanced.PerFrameFunctionalGroupsSequence
    enhanced.PerFrameFunctionalGroupsSequence = [*per_frame, *per_frame]
    put_pixels(enhanced, VALUES)
    files = CaseFiles({"dce.dcm": written(enhanced)}, (), {})
    with pytest.raises(DataError, match=r"^dce\.dcm: .* place.*dcm2niix.*the column `frame`"):
        decode_case(files, ImageReference("dce.dcm", frame=frame))
    # slices are a volume by their places, never in the order of their file
    slices = CaseFiles({"ct.dcm": enhanced_file()}, (), {})
    with pytest.raises(DataError, match=r"^ct\.dcm: 4 frames at 4 places.*leave the frame out"):
        decode_case(slices, ImageReference("ct.dcm", frame=0))
    # a plane that moves in time is a volume where it is asked for
    enhanced.PerFrameFunctionalGroupsSequence = [per_frame[0]] * len(VALUES)
    files = CaseFiles({"cine.dcm": written(enhanced)}, (), {})
    moving = decode_case(files, ImageReference("cine.dcm", frame=0)).pixels
    assert_array_equal(moving[..., 0], VALUES - 5)


def test_a_volume_that_is_cut_off_is_named(tmp_path):
    content = bytearray(nifti_bytes(VALUES))
    content[40:56] = np.array([4, 6, 5, 4, 32767, 1, 1, 1], "<i2").tobytes()
    (tmp_path / "short.nii").write_bytes(content)
    with pytest.raises(DataError, match="cut short"):
        _read(tmp_path, "short.nii", frame=30000)


@pytest.mark.parametrize("depths", [slice(None), slice(1)], ids=["a volume", "a film"])
def test_a_mask_of_another_patient_is_refused(depths):
    """A structure set and a film's segmentation of another patient fitted the image's grid."""
    mask = np.ones(SHAPE, np.bool_)[depths]
    image, drawn = (
        pydicom.dcmread(BytesIO(content))
        for content in (enhanced_file(VALUES[depths]), segmentation({"GTV": mask}))
    )
    image.PatientID = "S01"
    reference = ImageReference("i", ("m",))
    for patient in ("S01", "", "s01", "S02"):
        drawn.PatientID = patient
        refused = pytest.raises(DataError, match="m: a mask of another patient than its image's")
        with refused if patient == "S02" else nullcontext():
            decode_case(CaseFiles({"i": written(image)}, (written(drawn),), {}), reference)


@pytest.mark.parametrize(("mark", "mark_of_mask"), [(3, None), (None, 6), (3, 3), (9, None)])
def test_a_mask_is_turned_as_its_image(mark, mark_of_mask):
    """A picture was turned by its mark, and its mask, as large but without a mark, was not."""
    contents = []
    for orientation in (mark, mark_of_mask):
        exif, file = Image.Exif(), BytesIO()
        if orientation:
            exif[274] = orientation
        Image.fromarray(np.eye(16, dtype=np.uint8)).save(file, "PNG", exif=exif)
        contents.append(file.getvalue())
    files = CaseFiles({"i.png": contents[0]}, (contents[1],), {})
    refused = pytest.raises(DataError, match=r"m\.png: an orientation mark \(EXIF\)")
    turned = [each if each in range(2, 9) else None for each in (mark, mark_of_mask)]
    with nullcontext() if turned[0] == turned[1] else refused:
        decode_case(files, ImageReference("i.png", ("m.png",)))
