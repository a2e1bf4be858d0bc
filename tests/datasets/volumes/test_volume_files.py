"""Volume files come back as ITK reads them, in one orientation; what has no reading is named."""

import gzip
import itertools
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import pytest

from skiagram.datasets.volumes.grid import Grid, describe_differences
from skiagram.datasets.volumes.volume_files import decode_volume, is_volume_file
from skiagram.errors import DataError
from tests.datasets.volumes.examples import GRID, SHAPE, VALUES, nifti_bytes


def _itk_image(voxels: Any) -> Any:
    itk = pytest.importorskip("itk")
    image = itk.image_from_array(voxels)
    image.SetSpacing(GRID.spacing[::-1])
    image.SetOrigin(GRID.origin)
    return image


def _nrrd(encoding: str) -> bytes:
    header = {
        "space": "right-anterior-superior",
        "space directions": (GRID.steps()[::-1] * [-1, -1, 1]).tolist(),
        "space origin": (np.asarray(GRID.origin) * [-1, -1, 1]).tolist(),
        "encoding": encoding,
    }
    stream = BytesIO()
    nrrd.write(stream, VALUES.transpose(2, 1, 0), header)
    return stream.getvalue()


def _meta_image(compressed: bool) -> bytes:
    pixels = VALUES.astype("<i2").tobytes()
    steps = " ".join(str(value) for value in np.ravel(GRID.direction[::-1]))
    header = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"CompressedData = {compressed}\nTransformMatrix = {steps}\n"
        f"Offset = {' '.join(map(str, GRID.origin))}\n"
        f"ElementSpacing = {' '.join(map(str, GRID.spacing[::-1]))}\n"
        f"DimSize = {' '.join(map(str, SHAPE[::-1]))}\nElementType = MET_SHORT\n"
        "ElementDataFile = LOCAL\n"
    )
    return header.encode() + (zlib.compress(pixels) if compressed else pixels)


@pytest.mark.parametrize(
    "content",
    [
        nifti_bytes(VALUES),
        gzip.compress(nifti_bytes(VALUES)),
        _nrrd("raw"),
        _nrrd("gzip"),
        _meta_image(False),
        _meta_image(True),
    ],
    ids=["nifti", "packed nifti", "nrrd", "packed nrrd", "mha", "packed mha"],
)
def test_every_format_gives_the_same_volume(content: bytes) -> None:
    assert is_volume_file(content[:4096])
    volume = decode_volume(content, "v")
    np.testing.assert_array_equal(volume.voxels, VALUES)
    assert describe_differences(volume.grid, GRID) == []


@pytest.mark.thorough  # ITK takes seconds to start
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("depth", ["uint8", "int16", "uint16", "float32", "int32", "float64"])
def test_every_format_that_itk_writes_comes_back_with_values_and_place(
    tmp_path: Path, suffix: str, depth: str
) -> None:
    itk = pytest.importorskip("itk")
    written = (VALUES + 40).astype(depth)
    path = tmp_path / f"volume{suffix}"
    itk.imwrite(_itk_image(written), str(path), compression=suffix in (".mha", ".nrrd"))
    content = path.read_bytes()
    assert is_volume_file(content[:4096])
    volume = decode_volume(content, "v")
    np.testing.assert_array_equal(volume.voxels, written)
    assert volume.voxels.dtype == {"int32": "int16", "float64": "float32"}.get(depth, depth)
    assert describe_differences(volume.grid, GRID) == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flipped", [(), (0,), (1, 2), (0, 1, 2)])
def test_a_file_saved_in_another_orientation_gives_the_same_volume(
    order: tuple[int, ...], flipped: tuple[int, ...]
) -> None:
    steps, origin = GRID.steps()[list(order)], np.asarray(GRID.origin)
    turned = VALUES.transpose(order)
    for axis in flipped:
        origin = origin + steps[axis] * (turned.shape[axis] - 1)
        steps[axis] *= -1
        turned = np.flip(turned, axis)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = steps.T, origin
    affine[:2] *= -1
    content = bytes(nibabel.Nifti1Image(np.ascontiguousarray(turned), affine).to_bytes())
    volume = decode_volume(content, "v")
    np.testing.assert_array_equal(volume.voxels, VALUES)
    assert describe_differences(volume.grid, GRID) == []


def test_scale_offset_and_metres_of_a_nifti_file_are_applied() -> None:
    image = nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), np.diag([-1e-3, -1e-3, 2e-3, 1]))
    image.header["xyzt_units"] = 1
    content = bytearray(image.to_bytes())
    content[112:120] = struct.pack("<2f", 0.5, 3)
    volume = decode_volume(bytes(content), "v")
    assert volume.grid.spacing == pytest.approx((2.0, 1.0, 1.0))
    np.testing.assert_allclose(volume.voxels, VALUES * 0.5 + 3)


def _with_dimensions(*sides: int) -> bytes:
    content = bytearray(nifti_bytes(VALUES))
    content[40:56] = struct.pack("<8h", len(sides), *sides, *(1,) * (7 - len(sides)))
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "v: an empty file"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "v: not a volume, judging by its content"),
        (nifti_bytes(VALUES)[:500], "v: the volume cannot be read"),
        (_with_dimensions(6, 5, 2, 2), "v: 4 axes (6 × 5 × 2 × 2). Allowed: three axes"),
        (_with_dimensions(32000, 32000, 32000), "v: 32000 × 32000 × 32000 voxels. Allowed"),
        (gzip.compress(_with_dimensions(6, 5, 4) + b"\0" * 2**25), "v: 32,"),
        (b"NRRD0004\ntype: short\ndimension: 3\nsizes: 6 5 4\nencoding: raw\n"
         b"data file: v.raw\n\n", "v: a header without its voxels (.nhdr)"),
        (b"ObjectType = Image\nNDims = 3\nDimSize = 6 5 4\nElementType = MET_SHORT\n"
         b"ElementDataFile = v.raw\n", "v: a header without its voxels (.mhd)"),
    ],
)  # fmt: skip
def test_a_file_without_one_reading_is_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(DataError) as raised:
        decode_volume(content, "v")
    assert message in str(raised.value)


def test_axes_that_are_not_at_right_angles_are_refused() -> None:
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[0, 2] = 0.4
    content = bytes(nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), affine).to_bytes())
    with pytest.raises(DataError, match=r"not at right angles.*tilted gantry"):
        decode_volume(content, "v")


def test_differences_of_grids_are_named_in_mm() -> None:
    moved = Grid(SHAPE, GRID.spacing, (-10.0, 22.5, 5.5), GRID.direction)
    assert describe_differences(moved, GRID) == ["the first voxel 2.5 mm away"]
    coarse = Grid(SHAPE, (3.0, 0.8, 1.0), GRID.origin, GRID.direction)
    assert describe_differences(coarse, GRID)[0].startswith("spacing 3 × 0.8 × 1 mm")
    assert describe_differences(GRID, GRID) == []
