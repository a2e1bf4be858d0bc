"""A region is the same whichever file it is drawn in; one that does not fit is refused in mm."""

from dataclasses import replace
from io import BytesIO

import imagecodecs
import nrrd
import numpy as np
import pydicom
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Pillow
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless
from skimage.measure import grid_points_in_poly

from skiagram.errors import DataError
from skiagram.readers.contours import fill_polygon
from skiagram.readers.dicom_series import decode_series
from skiagram.readers.grid import VoxelGrid, resample_mask
from skiagram.readers.masks import ALL_LABELS, decode_mask, decode_plane_mask
from skiagram.readers.volume_files import decode_volume
from tests.readers.examples import (
    GRID,
    ORIGIN,
    SHAPE,
    SPACING,
    VALUES,
    nifti_bytes,
    put_pixels,
    segmentation,
    segmentation_of_film,
    series_files,
    structure_set,
    written,
)
from tests.readers.test_dicom_series import placed

MASK = np.zeros(SHAPE, np.bool_)
MASK[1:3, 1:4, 2:5] = True


def _box(depth, rows, columns):
    """Contour of a box in a slice, corners between voxels, in mm."""
    corners = [(depth, row, column) for row, column in zip(
        (rows[0], rows[0], rows[1], rows[1]), (*columns, *columns[::-1]), strict=True
    )]  # fmt: skip
    return GRID.positions(np.array(corners, dtype=np.float64))


def _contours(hole=False):
    drawn = [_box(depth, (0.5, 3.5), (1.5, 4.5)) for depth in (1, 2)]
    return [*drawn, _box(2, (1.5, 2.5), (2.5, 3.5))] if hole else drawn


def test_the_same_region_in_every_kind_of_file_is_the_same_mask():
    files = {
        "nifti": nifti_bytes(MASK.astype(np.uint8) * 3),
        "nifti of float64": nifti_bytes(MASK.astype(np.float64)),
        "rtstruct": structure_set({"GTV": _contours()}),
        "seg": segmentation({"GTV": MASK}),
    }
    for name, content in files.items():
        assert_array_equal(decode_mask(content, name, GRID), MASK, err_msg=name)


def test_a_contour_within_a_contour_is_a_hole():
    mask = decode_mask(structure_set({"GTV": _contours(hole=True)}), "m", GRID)
    assert_array_equal(mask ^ MASK, np.pad([[[True]]], ((2, 1), (2, 2), (3, 2))))


def test_one_of_several_regions_is_chosen_by_name_or_number():
    other = np.roll(MASK, 1, axis=0)
    labels = nifti_bytes(np.where(MASK, 1, np.where(other, 2, 0)).astype(np.uint8))
    assert_array_equal(decode_mask(labels, "m", GRID, label_value=1), MASK)
    seg = segmentation({"organ": other, "GTV": MASK})
    assert_array_equal(decode_mask(seg, "m", GRID, region="GTV"), MASK)
    assert_array_equal(decode_mask(seg, "m", GRID, label_value=1), other)
    for every in (labels, seg):
        mask = decode_mask(every, "m", GRID, label_value=ALL_LABELS)
        assert_array_equal(mask, MASK | other)


@pytest.mark.parametrize("layers", [False, True], ids=["one volume", "layers that overlap"])
def test_a_region_is_the_segment_that_3d_slicer_names(*, layers):
    node = np.roll(MASK, 1, axis=0)
    header = {
        "space directions": GRID.steps()[::-1].tolist(),
        "space origin": [*GRID.origin],
        "space": "left-posterior-superior",
        "Segment0_Name": "node",
        "Segment0_LabelValue": "1" if layers else "2",
        "Segment1_Name": "GTV",
        "Segment1_LabelValue": "1",
        "Segment2_Name": "cyst",
        "Segment2_LabelValue": "3",
    }
    stored = np.where(MASK, 1, 2 * node)
    if layers:
        header |= {"Segment0_Layer": "0", "Segment1_Layer": "1", "Segment2_Layer": "1"}
        header["kinds"] = ["list", "domain", "domain", "domain"]
        header["space directions"] = [[np.nan] * 3, *header["space directions"]]
        stored = np.stack([node, MASK])
    nrrd.write(stream := BytesIO(), stored.astype(np.uint8).swapaxes(-1, -3), header)
    content = stream.getvalue()
    assert_array_equal(decode_mask(content, "m", GRID, region="GTV"), MASK)
    of_node = decode_mask(content, "m", GRID, region="node")
    assert_array_equal(of_node, node if layers else node & ~MASK)
    for region, message in (
        ("cyst", "nothing has the label 3"),
        ("bone", "node, GTV"),
        (None, "`region`"),
    ):
        with pytest.raises(DataError, match=message):
            decode_mask(content, "m", GRID, region=region)


OUTER, INNER = _box(2, (0.5, 3.5), (1.5, 4.5)), _box(2, (1.5, 2.5), (2.5, 3.5))
CROSSING = [_box(2, (0.5, 2.5), (1.5, 3.5)), _box(2, (1.5, 3.5), (2.5, 4.5))]


def _moved(mm):
    return VoxelGrid(SHAPE, GRID.spacing, (-10.0, 20.0, 5.5 + mm), GRID.direction)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nifti_bytes(np.zeros(SHAPE, np.uint8)), "an empty mask"),
        (nifti_bytes(MASK * 0.5), "values between whole numbers"),
        (nifti_bytes(MASK.astype(np.uint8), _moved(3.0)), "the first voxel 3 mm away"),
        (nifti_bytes(np.ones((4, 5, 7), np.uint8)), "4 × 5 × 7 voxels, the image 4 × 5 × 6"),
        (nifti_bytes(MASK + np.ones(SHAPE, np.uint8)), "2 labels (1, 2)"),
        (segmentation({"organ": MASK, "GTV": MASK}), "2 regions"),
        (structure_set({"a": _contours(), "b": _contours()}), "Allowed: `a`, `b`"),
        (structure_set({"GTV": [_box(9, (0, 2), (0, 2))]}), "18.0 mm beyond"),
        (structure_set({"GTV": [np.add(OUTER, [4, 0, 0]), INNER]}), "3.6 mm beyond the edge"),
        (structure_set({"GTV": [OUTER, INNER]}, "CLOSED_PLANAR", "OPEN_PLANAR"), "OPEN_PLANAR"),
        (structure_set({"GTV": CROSSING}), "`GTV` that cross each other in a plane"),
        (b"\0" * 128 + b"DICM" + b"\0" * 40, "neither a structure set nor a segmentation"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_with_the_reason(content, message):
    with pytest.raises(DataError) as raised:
        decode_mask(content, "m", GRID)
    assert message in str(raised.value)


def test_a_mask_on_other_voxels_is_resampled_only_if_asked():
    content = nifti_bytes(MASK.astype(np.uint8), _moved(3.0))  # one slice further
    mask = decode_mask(content, "m", GRID, mask_grid="resample")
    assert_array_equal(mask[1:], MASK[:-1])


@pytest.mark.parametrize("angle", [0.0, 0.1, 0.3])
def test_a_mask_cut_to_the_box_of_its_region_loses_no_voxel_by_rounding(angle):
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]])
    steps = np.array([[0, 0, 2.5], *0.701 * turn[::-1]])
    image = VoxelGrid.of((9, 10, 11), steps, np.array([-12.3, 45.6, -78.9]))
    cut = VoxelGrid.of((3, 4, 5), steps, image.positions(np.array([[2.0, 3.0, 4.0]]))[0])
    mask = resample_mask(np.ones(cut.shape, bool), cut, image)
    assert mask.sum() == mask[2:5, 3:7, 4:9].sum() == 60


def _sphere(apart, at=0.0):
    """Contours of a ball of 697 mm³ in planes some mm apart."""
    angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    contours = []
    for z in np.arange(-int(RADIUS / apart) * apart, RADIUS, apart):
        across = np.sqrt(RADIUS**2 - z**2)
        points = [across * np.cos(angle), across * np.sin(angle), np.full(100, z + at)]
        contours.append(np.stack(points, axis=1))
    return contours


def _around_sphere(apart):
    slices = 2 * int(9 / apart) + 1
    return VoxelGrid(
        (slices, 37, 37), (apart, 0.5, 0.5), (-9.0, -9.0, -(slices // 2) * apart), AXES
    )


RADIUS = 5.5
BALL = 4 / 3 * np.pi * RADIUS**3
AXES = GRID.direction
SPHERES = [(1.5, 3.0), (2.0, 3.0), (3.0, 1.0), (2.0, 1.0), (2.5, 1.0), (1.0, 3.0)]


@pytest.mark.parametrize(("apart", "slices"), SPHERES)
def test_contours_on_other_planes_are_filled_between_only_if_asked(apart, slices):
    content, grid = structure_set({"ball": _sphere(apart)}), _around_sphere(slices)
    with pytest.raises(DataError, match=f"contours {apart:g} mm apart, .* lie {slices:g} mm apart"):
        decode_mask(content, "m", grid)
    filled = decode_mask(content, "m", grid, mask_grid="resample")
    assert filled.sum() * slices * 0.25 == pytest.approx(BALL, rel=0.08)


def test_contours_off_the_slices_by_more_than_a_few_per_cent_are_refused():
    grid = _around_sphere(1.0)
    decode_mask(structure_set({"ball": _sphere(1.0, 0.09)}), "m", grid)
    with pytest.raises(DataError, match=r"up to 0\.12 mm off the slices"):
        decode_mask(structure_set({"ball": _sphere(1.0, 0.12)}), "m", grid)


def test_parts_that_do_not_touch_stay_apart():
    boxes = [_box(depth, (0.5, 3.5), (1.5, 4.5)) for depth in (0, 3)]
    far = VoxelGrid((40, 5, 6), GRID.spacing, GRID.origin, AXES)
    more = [
        np.add(points, [0, 0, 60]) for points in (*_contours(), _box(0, (0.5, 3.5), (1.5, 4.5)))
    ]
    mask = decode_mask(structure_set({"GTV": [*_contours(), *more]}), "m", far)
    assert_array_equal(np.flatnonzero(mask.any(axis=(1, 2))), [1, 2, 20, 21, 22])
    with pytest.raises(DataError, match="contours 9 mm apart"):
        decode_mask(structure_set({"GTV": boxes}), "m", far)


def test_kinds_of_contours_have_their_meaning():
    ring = decode_mask(structure_set({"GTV": [OUTER, INNER]}), "m", GRID)
    for drawn, kinds in (
        ([OUTER, INNER], ["CLOSEDPLANAR_XOR", "CLOSEDPLANAR_XOR"]),
        ([OUTER, INNER, np.roll(OUTER, 1, axis=0)], []),  # stored twice
        ([OUTER, INNER, np.insert(OUTER, 1, OUTER[:2].mean(0), 0)], []),  # with a point more
        ([OUTER[:1], OUTER, INNER], ["POINT"]),
    ):
        mask = decode_mask(structure_set({"GTV": drawn}, *kinds), "m", GRID)
        assert_array_equal(mask, ring)


def _circle(radius, points):
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    voxels = [np.full(points, 1), 15.3 + radius * np.cos(angles), 15.3 + radius * np.sin(angles)]
    return FLAT.positions(np.column_stack(voxels))


FLAT = VoxelGrid((3, 32, 32), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), GRID.direction)


def test_a_ring_thinner_than_a_pixel_is_not_filled():
    disc = decode_mask(structure_set({"GTV": [_circle(7.08, 60)]}), "m", FLAT)
    twice = structure_set({"GTV": [_circle(7.08, 60), _circle(7.08, 240)]})
    assert_array_equal(decode_mask(twice, "m", FLAT), disc)
    ring = structure_set({"GTV": [_circle(7.08, 600), _circle(6.93, 600)]})
    with pytest.raises(DataError, match="a ring thinner than a pixel, or a contour stored twice"):
        decode_mask(ring, "m", FLAT)


@pytest.mark.filterwarnings("ignore:The value for the data element")
def test_a_contour_of_more_than_64_kb_is_read():
    long, short = (structure_set({"GTV": [_circle(7.08, number)]}) for number in (3000, 600))
    assert len(long) > 2**16
    assert_array_equal(decode_mask(long, "m", FLAT), decode_mask(short, "m", FLAT))


def test_masks_of_slices_at_rounded_places_lie_on_them():
    inside, heights = np.zeros((12, 5, 6), np.bool_), np.round(0.625 * np.arange(12), 1)
    inside[3:9, 1:4, 2:5] = True
    grid = decode_series(placed(heights, 0.625), "s").grid
    marked, drawn = pydicom.dcmread(BytesIO(segmentation({"GTV": inside}, grid))), []
    frames = marked.PerFrameFunctionalGroupsSequence
    for frame, height in zip(frames, heights[3:9].tolist(), strict=True):
        frame.PlanePositionSequence[0].ImagePositionPatient = [-10, 20, height]
        drawn.append(_box(0, (0.5, 3.5), (1.5, 4.5)))
        drawn[-1][:, 2] = height
    for content in (structure_set({"GTV": drawn}), written(marked)):
        assert_array_equal(decode_mask(content, "m", grid), inside)


def test_contours_on_the_slices_of_a_coronal_series_fill_them():
    direction = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0))
    slices = VoxelGrid(SHAPE, SPACING, ORIGIN, direction)
    image = decode_series(series_files(VALUES, slices), "s")
    marked = decode_series(series_files(MASK.astype(np.int16), slices), "s").voxels == 1
    drawn = [slices.positions(GRID.indices(points)) for points in _contours()]
    mask = decode_mask(structure_set({"GTV": drawn}), "m", image.grid)
    assert_array_equal(mask, marked)


@pytest.mark.parametrize(
    "measures", [{"SpacingBetweenSlices": 5.0}, {"SliceThickness": 5.0}, {"SliceThickness": 7.0}]
)
def test_a_segmentation_of_another_slice_distance_is_never_taken_as_the_images(measures):
    thick = VoxelGrid((30, 5, 6), (5.0, 0.8, 0.9), GRID.origin, AXES)
    thin = VoxelGrid((150, 5, 6), (1.0, 0.8, 0.9), GRID.origin, AXES)
    mask = np.zeros(thick.shape, np.bool_)
    mask[1:28, 1:4, 2:5] = True
    content = segmentation({"GTV": mask}, thick, **measures)
    assert_array_equal(decode_mask(content, "m", thick), mask)
    with pytest.raises(DataError, match=r"spacing 5 × 0\.8 × 0\.9 mm, the image 1 ×"):
        decode_mask(content, "m", thin)
    resampled = decode_mask(content, "m", thin, mask_grid="resample")
    assert resampled.sum() == 5 * mask.sum()


def test_a_compressed_segmentation_is_read_as_an_image_is():
    dataset = pydicom.dcmread(BytesIO(segmentation({"GTV": MASK})))
    planes = MASK[MASK.any(axis=(1, 2))].astype(np.uint8)
    put_pixels(dataset, planes)
    dataset.SegmentationType, dataset.MaximumFractionalValue = "FRACTIONAL", 1
    dataset.PixelData = encapsulate([imagecodecs.jpegls_encode(plane) for plane in planes])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    assert_array_equal(decode_mask(written(dataset), "m", GRID), MASK)


@pytest.mark.parametrize("measures", [{}, {"SpacingBetweenSlices": 3.0}, {"SliceThickness": 2.5}])
@pytest.mark.parametrize("slices", [[0, 3], [2], [0, 1, 3]])
def test_slices_without_a_frame_are_empty(measures, slices):
    mask = np.zeros(SHAPE, np.bool_)
    mask[slices, 1:4] = True
    content = segmentation({"GTV": mask}, **measures)
    assert_array_equal(decode_mask(content, "m", GRID), mask)


@pytest.mark.parametrize(
    "content", [structure_set({"GTV": _contours()}), segmentation({"GTV": MASK})]
)
def test_a_mask_of_another_frame_of_reference_is_refused(content):
    assert_array_equal(decode_mask(content, "m", replace(GRID, frame_of_reference="1.2")), MASK)
    with pytest.raises(DataError, match="m: a mask in another frame of reference"):
        decode_mask(content, "m", replace(GRID, frame_of_reference="1.3"), mask_grid="resample")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("depth", [np.int64, np.uint32])
def test_great_labels_are_told_apart(suffix, depth, tmp_path):
    import SimpleITK

    labels = np.where(MASK, 16_777_217, 0).astype(depth)
    labels[3] = 16_777_216
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing(GRID.spacing[::-1])
    image.SetOrigin(GRID.origin)
    SimpleITK.WriteImage(image, str(tmp_path / f"m{suffix}"))
    content = (tmp_path / f"m{suffix}").read_bytes()
    assert_array_equal(decode_mask(content, "m", GRID, label_value=16_777_217), MASK)
    with pytest.raises(DataError, match=r"2 labels \(16777216, 16777217\)"):
        decode_mask(content, "m", GRID)


@pytest.mark.parametrize("how", [{}, {"photometric": "miniswhite"}, {"photometric": "minisblack"}])
@pytest.mark.parametrize("depth", ["bool", "uint8", "uint16"])
def test_a_tiff_mask_has_the_labels_that_tifffile_reads(depth, how):
    stream = BytesIO()
    tifffile.imwrite(stream, MASK[1].astype(depth), **how)
    stored = tifffile.imread(BytesIO(stream.getvalue()))
    assert_array_equal(decode_plane_mask(stream.getvalue(), "m", (5, 6)), stored > 0)


def test_a_segmentation_that_was_drawn_on_another_image_is_refused():
    content = segmentation_of_film({"a": MASK[1]}, "1.2.3", "1.2.4")
    for image in ("", "1.2.4"):
        assert_array_equal(decode_plane_mask(content, "m", (5, 6), instance=image), MASK[1])
    with pytest.raises(DataError, match=r"m: .*drawn on another image.*NIfTI or PNG"):
        decode_plane_mask(content, "m", (5, 6), instance="1.2.5")


def test_a_float_tiff_mask_with_missing_values_is_refused():
    stream = BytesIO()
    tifffile.imwrite(stream, np.where(MASK[1], 1, np.nan).astype(np.float32))
    with pytest.raises(DataError, match=r"m: a mask with missing values \(NaN\)"):
        decode_plane_mask(stream.getvalue(), "m", (5, 6))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patient", "kind"), [("STS_002", "PET"), ("STS_002", "MR_T1"), ("STS_009", "MR_T1")]
)
def test_contours_of_real_tumours_fill_the_voxels_of_their_published_masks(
    real_data, patient, kind
):
    root = real_data / "sts"
    dicom, nifti = root / "dicom" / patient / kind, root / "nifti" / patient
    files = [(path.name, path.read_bytes()) for path in sorted((dicom / "image").iterdir())]
    image = decode_series(files, patient)
    published = decode_volume((nifti / f"{kind}_mask.nii.gz").read_bytes(), "mask")
    drawn = decode_mask((dicom / "mask/RS.dcm").read_bytes(), "RS", image.grid)
    assert int((drawn != (published.voxels > 0)).sum()) == 0
    same = nifti / f"{kind}_image.nii.gz"
    if same.exists():
        values = decode_volume(same.read_bytes(), "image").voxels
        assert_allclose(image.voxels, values, atol=1e-5)


def test_a_segment_of_a_film_is_chosen_by_its_name_or_number():
    mass, calcification = np.eye(8, dtype=np.bool_), np.eye(8, dtype=np.bool_)[::-1]
    seg = segmentation_of_film({"mass": mass, "calcification": calcification, "scar": mass & False})

    def read(content=seg, **chosen):
        return decode_plane_mask(content, "m", (8, 8), **chosen)

    assert_array_equal(read(region="calcification"), calcification)
    assert_array_equal(read(label_value=1), mass)
    assert_array_equal(read(label_value=ALL_LABELS), mass | calcification)
    assert_array_equal(read(segmentation_of_film({"mass": mass})), mass)
    for chosen, message in (
        ({}, "m: 3 regions. Allowed: `mass`, `calcification`, `scar`. .*column `region`"),
        ({"region": "nodule"}, "m: no region `nodule`"),
        ({"region": "scar"}, "m: an empty mask"),
        ({"region": "scar", "frame": 1}, "m: a mask in DICOM of frames.*a TIFF with a page"),
    ):
        with pytest.raises(DataError, match=message):
            decode_plane_mask(seg, "m", (1, 8, 8) if "frame" in chosen else (8, 8), **chosen)


def test_a_mask_of_the_same_picture_in_another_size_is_taken_where_asked():
    drawn = np.zeros((10, 12), np.uint8)
    drawn[3:6, 4:9] = 255
    stream = BytesIO()
    Pillow.fromarray(drawn.repeat(2, 0).repeat(2, 1)).save(stream, "PNG")
    mask = (stream.getvalue(), "m")
    with pytest.raises(DataError, match="--mask-grid resample"):
        decode_plane_mask(*mask, (10, 12))
    taken = decode_plane_mask(*mask, (10, 12), mask_grid="resample")
    assert_array_equal(taken, drawn > 0)
    with pytest.raises(DataError, match="belongs to this image"):
        decode_plane_mask(*mask, (12, 10), mask_grid="resample")


@settings(deadline=None, max_examples=20)
@given(arrays(np.float64, st.tuples(st.integers(3, 12), st.just(2)), elements=st.floats(-3, 25)))
def test_filled_polygons_are_those_of_scikit_image(corners):
    corners = corners + np.array([1e-3 * np.pi, 1e-3 * np.e])  # no centre on an edge
    expected = grid_points_in_poly((20, 24), corners)
    assert_array_equal(fill_polygon(corners, (20, 24)), expected)
