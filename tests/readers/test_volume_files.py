"""Volume files come back as other libraries wrote them, in one orientation; the odd are named."""

import gzip
import struct
import zlib
from io import BytesIO

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK
from numpy.testing import assert_array_equal
from scipy.spatial.transform import Rotation

from skiagram.errors import DataError
from skiagram.readers.case_images import (
    CaseFiles,
    CaseReading,
    ImageReference,
    decode_case,
)
from skiagram.readers.grid import describe_differences
from skiagram.readers.volume_files import decode_volume, is_volume_file
from tests.datasets.own_folders import png
from tests.readers.examples import GRID, SHAPE, VALUES, nifti_bytes


def nrrd_bytes(encoding="raw", **more):
    header = {
        "space": "right-anterior-superior",
        "space directions": (GRID.steps()[::-1] * [-1, -1, 1]).tolist(),
        "space origin": (np.asarray(GRID.origin) * [-1, -1, 1]).tolist(),
        "encoding": encoding,
    }
    stream = BytesIO()
    stated = {name: value for name, value in (header | more).items() if value is not None}
    nrrd.write(stream, VALUES.transpose(2, 1, 0), stated)
    return stream.getvalue()


def meta_image_bytes(compressed=False, order="<", **more):
    pixels = VALUES.astype(f"{order}i2").tobytes()
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": str(order == ">"),
        "CompressedData": str(compressed),
        "TransformMatrix": " ".join(str(value) for value in np.ravel(GRID.direction[::-1])),
        "Offset": " ".join(map(str, GRID.origin)),
        "ElementSpacing": " ".join(map(str, GRID.spacing[::-1])),
        "DimSize": " ".join(map(str, SHAPE[::-1])),
        "ElementType": "MET_SHORT",
    }
    fields |= {"ElementDataFile": "LOCAL"} | more
    fields["ElementDataFile"] = fields.pop("ElementDataFile")  # the last one of a header
    header = "".join(f"{name} = {value}\n" for name, value in fields.items())
    return header.encode() + (zlib.compress(pixels) if compressed else pixels)


def _with(content, at, form, *values):
    """A file with other numbers at a place of its header."""
    altered = bytearray(content)
    struct.pack_into(form, altered, at, *values)
    return bytes(altered)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(nifti_bytes(VALUES)),
        _with(nifti_bytes(VALUES), 108, "<f", 0.0),
        nrrd_bytes(),
        meta_image_bytes(order=">", BinaryDataByteOrderMSB="T"),
    ],
    ids=[
        "packed NIfTI",
        "NIfTI without offset",
        "NRRD of another space",
        "MetaImage of the other byte order",
    ],
)
def test_every_format_gives_the_same_volume(content):
    assert is_volume_file(content[:4096])
    volume = decode_volume(content, "v")
    assert_array_equal(volume.voxels, VALUES)
    assert describe_differences(volume.grid, GRID) == []


@pytest.mark.parametrize("depth", ["uint8", "int16", "uint16", "float32", "int32", "float64"])
def test_whole_numbers_keep_16_bits_where_they_fit(depth):
    written = (VALUES + 40).astype(depth)
    voxels = decode_volume(nifti_bytes(written), "v").voxels
    assert_array_equal(voxels, written)
    assert voxels.dtype == {"int32": "int16", "float64": "float32"}.get(depth, depth)


TYPES = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")


def _as_itk_reads(path, near=1e-9):
    """Check values, their depth and the place of every voxel, mm, against ITK's reader."""
    image = SimpleITK.ReadImage(str(path))
    expected = SimpleITK.GetArrayFromImage(image)
    volume = decode_volume(path.read_bytes(), "v", narrowed=False)
    indices = np.array([*np.ndindex(*expected.shape)], dtype=np.float64)
    voxels = volume.grid.from_file(indices).astype(np.int64)
    assert volume.voxels.dtype == expected.dtype
    assert_array_equal(volume.voxels[tuple(voxels.T)], expected.ravel())
    places = [
        image.TransformIndexToPhysicalPoint(index[::-1]) for index in indices.astype(int).tolist()
    ]
    apart = volume.grid.positions(voxels.astype(np.float64)) - np.array(places)
    assert np.abs(apart).max() < near


def _values(dtype):
    kind, generator = np.dtype(dtype), np.random.default_rng(0)
    if kind.kind == "f":
        return generator.normal(0, 1000, SHAPE).astype(kind)
    least, most = np.iinfo(kind).min, np.iinfo(kind).max
    return generator.integers(least, most, SHAPE, dtype=kind, endpoint=True)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_values_and_places_are_those_of_itk(ending, dtype, tmp_path):
    image = SimpleITK.GetImageFromArray(_values(dtype))
    image.SetSpacing((0.7421875, 0.9, 2.5))
    image.SetOrigin((-120.3, 55.7, 1021.1))
    image.SetDirection(Rotation.from_euler("xyz", (100, 20, 7), degrees=True).as_matrix().ravel())
    SimpleITK.WriteImage(image, str(tmp_path / f"v{ending}"), useCompression=dtype != "i2")
    _as_itk_reads(tmp_path / f"v{ending}")


@pytest.mark.parametrize("codes", [(0, 1), (1, 0), (1, 1), (2, 0), (0, 2), (1, 4), (0, 0)])
@pytest.mark.parametrize(("dtype", "slope"), [(">i2", 1), ("<i4", 0.1), ("<f8", -2), (">u1", 3)])
def test_places_and_scales_of_nifti_are_those_of_itk(dtype, slope, codes, tmp_path):
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", (-80, 30, 170), degrees=True).as_matrix()
    affine[:3, :3], affine[:3, 3] = turn * (0.9, 0.9, 3), (10.1, -20.2, 30.3)
    header = nibabel.Nifti1Header(endianness=dtype[0])
    image = nibabel.Nifti1Image(_values(dtype[1:]).transpose(2, 1, 0), None, header)
    image.header.set_zooms((0.9, 0.9, 3))
    image.set_qform(affine, codes[0])
    image.set_sform(affine, codes[1])
    image.header["xyzt_units"] = 2
    content = _with(image.to_bytes(), 112, f"{dtype[0]}2f", slope, 0 if slope == 1 else -7.25)
    (tmp_path / "v.nii").write_bytes(content)
    # Of two forms that are much the same ITK takes the one that the signs of an SVD favour.
    _as_itk_reads(tmp_path / "v.nii", 1e-4 if codes == (1, 4) else 1e-9)


def test_nrrd_with_bytes_before_the_voxels_is_refused():
    content = nrrd_bytes().replace(b"\n\n", b"\nbyte skip: 2\n\n..", 1)
    with pytest.raises(DataError, match=r"v: byte skip: 2.*right behind the header"):
        decode_volume(content, "v")


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("behind", [b"", b"\n\n"])
def test_voxels_that_look_like_a_blank_line_are_those_of_itk(line_end, behind, tmp_path):
    header = nrrd_bytes().partition(b"\n\n")[0].replace(b"\n", line_end) + 2 * line_end
    voxels = VALUES.copy()
    voxels[1, 2, 3:5] = np.frombuffer(b"\r\n\r\n", "<i2")
    voxels[2, 2, 3] = np.frombuffer(b"\n\n", "<i2")[0]
    (tmp_path / "v.nrrd").write_bytes(header + voxels.tobytes() + behind)
    _as_itk_reads(tmp_path / "v.nrrd")


@pytest.mark.parametrize("name", ["AnatomicalOrientation", "Comment", "Name"])
def test_the_field_behind_an_empty_one_is_read_as_itk_reads_it(name, tmp_path):
    content = meta_image_bytes(TransformMatrix="0 1 0 1 0 0 0 0 -1")
    content = content.replace(b"\nTransformMatrix", f"\n{name} = \nTransformMatrix".encode())
    (tmp_path / "v.mha").write_bytes(content)
    _as_itk_reads(tmp_path / "v.mha")


def test_distances_of_a_nifti_file_may_be_metres():
    image = nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), np.diag([-1e-3, -1e-3, 2e-3, 1]))
    image.header["xyzt_units"] = 1
    spacing = decode_volume(image.to_bytes(), "v").grid.spacing
    assert spacing == pytest.approx((2.0, 1.0, 1.0))


def test_missing_voxels_and_a_slope_of_0_are_read_as_nibabel_reads_them():
    """ITK makes NaN and infinity 0, and shifts where a slope of 0 says that nothing is scaled."""
    values = VALUES.astype(np.float64)
    values[1, 2, 3], values[2, 2, 2], values[0, 0, 0] = np.nan, np.inf, -np.inf
    for kind in (np.float32, np.float64):
        image = nibabel.Nifti1Image(values.astype(kind).transpose(2, 1, 0), np.eye(4))
        image.header.set_slope_inter(2, 1)
        assert_array_equal(
            np.sort(decode_volume(image.to_bytes(), "v").voxels, axis=None),
            np.sort(nibabel.Nifti1Image.from_bytes(image.to_bytes()).get_fdata(), axis=None),
        )
    for slope in (0, np.nan, np.inf):
        unscaled = _with(nifti_bytes(VALUES), 112, "<2f", slope, 5)
        assert_array_equal(decode_volume(unscaled, "v").voxels, VALUES)


def _with_dimensions(*sides):
    return _with(nifti_bytes(VALUES), 40, "<8h", len(sides), *sides, *(1,) * (7 - len(sides)))


def _sheared():
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[0, 2] = 0.4
    return bytes(nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), affine).to_bytes())


def _placed(qform=None, sform=None, units=2):
    """A NIfTI file with affine matrices of its voxels' places; None for none."""
    image = nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), None)
    image.set_qform(qform, 0 if qform is None else 1)
    image.set_sform(sform, 0 if sform is None else 1)
    image.header["xyzt_units"] = units
    return bytes(image.to_bytes())


def _oblique():
    turn = Rotation.from_euler("xyz", [179.9, 12, 33], degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * [0.9, 0.8, 3], (-120, 88, 4)
    return affine


def test_a_nifti_file_may_state_one_place_twice_and_a_distance_without_a_place():
    once = nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), _oblique()).to_bytes()
    twice = decode_volume(_placed(_oblique(), _oblique()), "v")
    assert describe_differences(twice.grid, decode_volume(once, "v").grid) == []
    image = nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), None)
    image.header["pixdim"][1:4] = (0.9, 0.8, 3)
    assert decode_volume(image.to_bytes(), "v").grid.spacing == pytest.approx((3, 0.8, 0.9))
    assert decode_volume(_placed(), "v").grid.spacing == (1, 1, 1)  # of 1 mm, as its unit says


PLACED, FLIPPED, MOVED = (np.diag([x, 1.0, 3, 1]) for x in (1, -1, 1))
MOVED[2, 3] = 100
UNSTATED = "v: a header that says no distance of voxels"


UNSTATING = {
    "nifti": _placed(units=0),
    "nifti of 0 mm": _with(_placed(units=0), 80, "<3f", 0, 0, 0),
    "nrrd": nrrd_bytes(**{"space directions": None, "space": None, "space origin": None}),
    "mha": meta_image_bytes().replace(b"ElementSpacing", b"Element_Spacing"),
}


@pytest.mark.parametrize("content", UNSTATING.values(), ids=UNSTATING)
def test_a_file_that_says_no_distances_takes_those_that_the_user_says(content):
    with pytest.raises(DataError, match=f"{UNSTATED}.*--unstated-spacing"):
        decode_volume(content, "v")
    volume = decode_volume(content, "v", (5.0, 0.8, 0.9))
    assert volume.grid.spacing == pytest.approx((5, 0.8, 0.9))
    assert_array_equal(np.sort(volume.voxels, axis=None), VALUES.ravel())
    assert_array_equal(volume.voxels.max(axis=(1, 2)), VALUES.max(axis=(1, 2)))


def test_stated_distances_are_for_images_that_say_none():
    def read(content, *spacing):
        files = CaseFiles({"v": content}, (), {})
        return decode_case(files, ImageReference("v"), CaseReading(spacing=spacing))

    assert read(UNSTATING["mha"], 5, 0.8, 0.9).spacing == pytest.approx((5, 0.8, 0.9))
    assert read(nifti_bytes(VALUES), *GRID.spacing).spacing == pytest.approx(GRID.spacing)
    with pytest.raises(DataError, match=r"v: distances of 3 × 0\.8 × 0\.9 mm, while 3 × 1 × 1 mm"):
        read(nifti_bytes(VALUES), 3, 1, 1)
    with pytest.raises(DataError, match="v: 2 distances for a volume"):
        read(nifti_bytes(VALUES), 1, 1)
    assert read(png(0), 0.2, 0.3).spacing == (0.2, 0.3)


def _flipped_bit():
    packed = bytearray(gzip.compress(nifti_bytes(VALUES)))
    packed[-20] ^= 4
    return bytes(packed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "v: an empty file"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "v: not a volume, judging by its content"),
        (nifti_bytes(VALUES)[:-3], "v: the volume cannot be read"),
        (_flipped_bit(), "v: the volume cannot be read"),
        (nrrd_bytes()[:-3], "v: the volume cannot be read"),
        (meta_image_bytes()[:-3], "v: the volume cannot be read"),
        (_with_dimensions(6, 5, 2, 2), "v: 4 axes (6 × 5 × 2 × 2). Allowed: three axes"),
        (_with_dimensions(32000, 32000, 32000), "v: 32000 × 32000 × 32000 voxels. Allowed"),
        (gzip.compress(_with_dimensions(6, 5, 4) + b"\0" * 2**25), "v: 32,"),
        (nifti_bytes(VALUES).replace(b"n+1\0", b"ni1\0"), "v: one of a pair of files"),
        (nifti_bytes(VALUES.astype(np.complex64)), "v: several values per voxel"),
        (b"NRRD0004\ntype: short\ndimension: 3\nsizes: 6 5 4\nencoding: raw\n"
         b"data file: v.raw\n\n", "v: a header whose voxels are"),
        (_with(_placed(PLACED), 80, "<f", -1), UNSTATED),
        (_sheared(), "axes that are not at right angles"),
        (_placed(PLACED, FLIPPED), "two places in the patient, 10 mm apart"),
        (_placed(PLACED, MOVED), "two places in the patient, 100 mm apart"),
        (_with(nifti_bytes(VALUES), 112, "<2f", 2, np.inf), "v: an intercept of inf"),
        (_with(_placed(PLACED), 80, "<f", np.nan), UNSTATED),
        (nrrd_bytes().replace(b"encoding: raw", b"encoding: hex"), "the encoding `hex`"),
    ],
)  # fmt: skip
def test_a_file_without_one_reading_is_refused_by_name(content, message):
    with pytest.raises(DataError) as raised:
        decode_volume(content, "v")
    assert message in str(raised.value)


@pytest.mark.parametrize("content", [nifti_bytes(VALUES), nrrd_bytes("gzip"), meta_image_bytes()])
def test_nothing_of_a_file_in_memory_is_written(content, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a file is opened")

    for name in ("builtins.open", "io.open", "os.open", "os.memfd_create"):
        monkeypatch.setattr(name, refuse, raising=False)
    assert_array_equal(decode_volume(content, "v").voxels, VALUES)
