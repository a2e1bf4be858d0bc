"""The region drawn on an image: a label in an image or volume file, a DICOM RTSTRUCT or SEG.

A mask lies on its image's voxels. Where it does not, it is refused with the distance in mm, or
resampled if that was asked for; nothing is moved unasked. Frames without a place in the patient
have masks by their numbers.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags
from skiagram.errors import DataError, listed, named, readable, refusal
from skiagram.images import Spacing
from skiagram.interpolation import take_nearest
from skiagram.readers.contours import fill_contours
from skiagram.readers.dicom import headers_of_frames, is_dicom, read_whole, with_preamble
from skiagram.readers.dicom_codecs import MAX_PIXELS, check_size, decode_pixels
from skiagram.readers.grid import (
    APART,
    OFF_SLICE,
    TOLERANCE,
    MaskGrid,
    VoxelGrid,
    describe_differences,
    orient,
    resample_mask,
    slice_tolerance,
)
from skiagram.readers.image_files import count_frames, decode_image
from skiagram.readers.nrrd import read_segments
from skiagram.readers.volume_files import decode_volume
from skiagram.readers.voxels import check_voxels

_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_CLOSED = {"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"}
_OFF_LINE = 0.1  # of a pixel: how far frames may be shifted against each other


ALL_LABELS = 0  # in place of a label's value: all that has one


class EmptyMask(DataError):
    """A mask with nothing inside."""


class SeveralRegions(DataError):
    """A mask of several labels, structures or segments, of which none was chosen."""


def decode_mask(
    content: bytes,
    name: str,
    image: VoxelGrid,
    region: str | None = None,
    label_value: int | None = None,
    mask_grid: MaskGrid = "same",
    spacing: Spacing | None = None,
) -> Flags:
    """Read the region of an image, a mask of its shape, from the bytes of the mask's file.

    Args:
        content: Of the file.
        name: To be named.
        image: Grid of the image.
        region: Name of the structure or segment; None where there is one only.
        label_value: Value of the region's voxels, or number of the segment; None for all that is
            not 0.
        mask_grid: `same` refuses a mask on other voxels than the image's, `resample` brings it to
            them.
        spacing: As for `decode_volume`.

    Raises:
        DataError: The file is damaged or no mask, does not fit the image, has no such region or
            label, or the region is empty.
    """
    content = with_preamble(content)
    with _reading(name):
        # A label map, a segment of 3D Slicer among them.
        if not is_dicom(content):
            further, frame = "", None
            if segments := read_segments(content):
                further = f"; or a segment in the column `region`: {', '.join(segments)}"
                # value and volume of a segment of 3D Slicer, which may overlap others in volumes
                layers, names = {layer for _, layer in segments.values()}, ", ".join(segments)
                if region is None and len(layers) > 1:
                    raise refusal(
                        "readers.overlapping_segments",
                        kind=SeveralRegions,
                        number=len(segments),
                        names=names,
                    )
                if region is not None and region not in segments:
                    raise refusal("readers.no_segment", region=region, names=names)
                if region is not None:
                    label_value, layer = segments[region]
                    frame = layer if len(layers) > 1 else None
            labels, grid, _ = decode_volume(content, name, spacing, narrowed=False, frame=frame)
            inside = _choose_label(labels, label_value, further)
            return _filled(_on_image(inside, grid, image, mask_grid))
        # A structure set or a segmentation of DICOM.
        dataset = read_whole(content)
        kind = str(dataset.get("SOPClassUID", ""))
        if kind == _STRUCTURE_SET:
            return _filled(_fill_structure(dataset, image, region, mask_grid))
        if kind in _SEGMENTATIONS:
            _check_frame_of_reference(dataset.get("FrameOfReferenceUID"), image)
            grid, inside = _place_frames(*_read_segment(dataset, region, label_value), image)
            return _filled(_on_image(inside, grid, image, mask_grid))
        raise refusal("readers.no_mask_in_dicom")


def decode_plane_mask(
    content: bytes,
    name: str,
    shape: tuple[int, ...],
    frame: int | None = None,
    region: str | None = None,
    label_value: int | None = None,
    mask_grid: MaskGrid = "same",
    instance: str = "",
) -> Flags:
    """Read the region of a plane image, or of frames without a place in the patient by number.

    Args:
        content: An image file, or a SEG of one frame a segment. For frames a TIFF with as many
            pages; for one frame also an image of it alone.
        shape: (height, width), with the frames of the image's file before where it has some.
        frame: The frame that is wanted, from 1; 0 for all; None for an image without.
        region: As label_value as for `decode_mask`.
        mask_grid: A mask of another size in the same proportion: `same` refuses it, `resample`
            takes the nearest of its pixels.
        instance: SOP Instance UID of the image; empty where it has none.

    Returns:
        (height, width), or (frames, height, width) of all.
    """
    content = with_preamble(content)
    with _reading(name):
        # A segmentation of a plane image, with one frame a segment.
        if is_dicom(content) and (frame is not None or _kind_of(content) in _SEGMENTATIONS):
            if frame is not None:
                raise refusal("readers.segmentation_of_frames")
            headers, planes = _read_segment(read_whole(content), region, label_value)
            frames = Counter(header.get("ReferencedSegmentNumber") for header in headers)
            if max(frames.values(), default=1) > 1:
                raise refusal("readers.segmentation_of_frames")
            # Frames that name the images which they were drawn on must name this one.
            drawn_on = {
                str(image.ReferencedSOPInstanceUID)
                for header in headers
                for derived in header.get("DerivationImageSequence") or ()
                for image in derived.get("SourceImageSequence") or ()
            }
            if instance and drawn_on and instance not in drawn_on:
                raise refusal("readers.mask_of_other_instance")
            drawn = np.asarray(planes.any(axis=0))
            return _filled(_of_sides(drawn, shape, mask_grid))
        # A page for each frame, or one page for all.
        pages = 1 if frame is None else count_frames(content)
        if frame is None or (frame and pages == 1):
            labels = _plane_labels(content, name, shape[-2:], None, mask_grid)
        elif pages != shape[0]:
            key = "readers.mask_of_other_pages" if frame else "readers.mask_of_fewer_pages"
            raise refusal(key, pages=pages, frames=shape[0])
        elif frame:
            labels = _plane_labels(content, name, shape[1:], frame, mask_grid)
        else:
            each = range(1, pages + 1)
            labels = np.stack(
                [_plane_labels(content, name, shape[1:], page, mask_grid) for page in each]
            )
        return _filled(_choose_label(labels, label_value))


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Give failures of a mask's file its name."""
    remedy = "the file is cut short or damaged; export it again"
    with readable("the mask cannot be read", name, remedy), named(name):
        yield


def _kind_of(content: bytes) -> str:
    """Read the SOP Class UID of a DICOM file, which tells structure sets from segmentations."""
    header = read_whole(content, stop_before_pixels=True, specific_tags=["SOPClassUID"])
    return str(header.get("SOPClassUID", ""))


def check_region_named(content: bytes, name: str, region: str) -> None:
    """Refuse to look for a region by its name in a mask's file that names none.

    Args:
        content: Of the file.
        name: To be named.
        region: That is looked for.

    Raises:
        DataError: The file is of a kind without names of regions.
    """
    content = with_preamble(content)
    with _reading(name):
        if is_dicom(content):
            names_regions = _kind_of(content) in (_STRUCTURE_SET, *_SEGMENTATIONS)
        else:
            names_regions = bool(read_segments(content))
        if not names_regions:
            raise refusal("readers.region_not_named", region=region)


def _filled(inside: Flags) -> Flags:
    """Pass a mask on; refuse one with nothing inside."""
    if not inside.any():
        unit = "pixel" if inside.ndim == 2 else "voxel"
        raise refusal("readers.empty_mask", kind=EmptyMask, unit=unit)
    return inside


def _plane_labels(
    content: bytes, name: str, shape: tuple[int, ...], frame: int | None, mask_grid: MaskGrid
) -> NDArray[Any]:
    """Read the labels of a plane image, one number a pixel.

    A mask that is drawn in a single colour on black is 0 and 1.

    Raises:
        DataError: It has several colours, or another size than the image's.
    """
    most = max(MAX_PIXELS, shape[0] * shape[1])  # of another size it is refused below
    labels: NDArray[Any] = decode_image(content, name, most, frame, as_stored=True).pixels
    if labels.ndim == 3:
        # a mask that is drawn in one colour on black is 0 and 1
        drawn = np.asarray(labels.any(axis=-1))
        colours = np.unique(labels[drawn], axis=0)
        if len(colours) > 1:
            shown = ", ".join(str(tuple(colour)) for colour in colours[:5].tolist())
            raise refusal("readers.coloured_mask", number=len(colours), shown=shown)
        labels = drawn.astype(np.uint8)
    return _of_sides(labels, shape, mask_grid)


def _of_sides(labels: NDArray[Any], shape: tuple[int, ...], mask_grid: MaskGrid) -> NDArray[Any]:
    """Bring a mask to its image's size where it is in proportion and that was asked for.

    Args:
        labels: (height, width).
        shape: Of the image.
        mask_grid: `same` refuses another size, `resample` takes the nearest pixels.

    Raises:
        DataError: The size is another one.
    """
    if labels.shape == shape:
        return labels
    # two sizes are those of one picture, but for a rounding to whole pixels
    (height, width), (image_height, image_width) = labels.shape, shape
    rounding = max(image_height, image_width)
    resized = abs(height * image_width - width * image_height) <= rounding
    if mask_grid == "same" or not resized:
        key = "readers.mask_in_proportion" if resized else "readers.mask_of_other_size"
        sides, others = (" × ".join(map(str, each)) for each in (labels.shape, shape))
        raise refusal(key, sides=sides, others=others)
    return take_nearest(labels, shape)


def _choose_label(
    labels: NDArray[Any],
    label_value: int | None,
    further: str = "; a mask saved as JPEG has blurred borders, save it as PNG",
) -> Flags:
    """Take the voxels of one label, or of all that is not 0 where there is one only.

    Args:
        labels: Of any shape; whole numbers, of any type.
        label_value: That is meant; `ALL_LABELS` for all.
        further: What else helps, in words that follow the remedy.

    Raises:
        DataError: There are several labels and none is named, the named one is absent, or values
            are no labels.
    """
    # Values between whole numbers come from interpolation.
    if labels.dtype.kind == "f" and not (labels == np.rint(labels)).all():
        missing = np.isnan(labels).any()
        raise refusal(
            "readers.mask_values",
            values="missing values (NaN)" if missing else "values between whole numbers",
        )
    # Several labels are several regions: one is named, or all.
    values = [int(value) for value in np.unique(labels[labels != 0])]
    first_values = ", ".join(map(str, values[:10]))
    if label_value is None and len(values) > 1:
        raise refusal(
            "readers.several_labels",
            kind=SeveralRegions,
            number=len(values),
            listed=first_values,
            last=values[-1],
            further=further,
        )
    if label_value == ALL_LABELS:
        return np.asarray(labels != 0)
    if label_value is not None and values and label_value not in values:
        raise refusal("readers.no_label", label_value=label_value, listed=first_values)
    inside: Flags = labels != 0 if label_value is None else labels == label_value
    return inside


def _on_image(inside: Flags, grid: VoxelGrid, image: VoxelGrid, mask_grid: MaskGrid) -> Flags:
    """Bring a mask to its image's voxels; refuse one elsewhere, unless it was asked to move it.

    Args:
        inside: On its own grid.
        grid: That grid.
        image: The image's grid.
        mask_grid: `same` or `resample`.

    Raises:
        DataError: The grids differ, with how far.
    """
    differences = describe_differences(grid, image)
    if not differences:
        return inside
    if mask_grid == "same":
        raise refusal("readers.other_grid", differences="; ".join(differences), tolerance=TOLERANCE)
    return resample_mask(inside, grid, image)


def _choose(names: dict[int, str], region: str | None) -> int:
    """Find the number of the region that is meant, by name, or of the only one.

    Raises:
        DataError: None has the name, or several may be meant.
    """
    fitting = [number for number, name in names.items() if region in (name, None)]
    if len(fitting) == 1:
        return fitting[0]
    regions = listed(names.values(), "`")
    if region is None:
        number = len(fitting) or "no"
        kind = SeveralRegions if fitting else DataError
        raise refusal("readers.several_regions", kind=kind, number=number, regions=regions)
    key = "readers.regions_of_one_name" if fitting else "readers.no_region"
    raise refusal(key, number=len(fitting), region=region, regions=regions)


def _check_frame_of_reference(mask: Any, image: VoxelGrid) -> None:
    """Refuse a region whose coordinates belong to another frame of reference than the image's."""
    if mask and image.frame_of_reference and str(mask) != image.frame_of_reference:
        raise refusal("readers.other_frame_of_reference")


def _fill_structure(
    dataset: Any, image: VoxelGrid, region: str | None, mask_grid: MaskGrid
) -> Flags:
    """Fill the voxels within the closed contours of one region of a structure set.

    Args:
        dataset: The RTSTRUCT.
        image: Grid of the image.
        region: Its ROI Name; None where there is one only.
        mask_grid: As of `fill_contours`.

    Raises:
        DataError: There is no such region, or it has open contours.
    """
    # The region's closed contours, on the image that the set belongs to.
    items = {int(item.ROINumber): item for item in dataset.StructureSetROISequence}
    number = _choose({key: str(item.ROIName) for key, item in items.items()}, region)
    _check_frame_of_reference(items[number].get("ReferencedFrameOfReferenceUID"), image)
    drawn = [
        contour
        for item in dataset.ROIContourSequence
        if int(item.ReferencedROINumber) == number
        for contour in item.get("ContourSequence") or ()
        if contour.ContourGeometricType != "POINT"
    ]
    kinds = {str(contour.ContourGeometricType) for contour in drawn}
    if not kinds or kinds - _CLOSED:
        others = ", ".join(sorted(kinds - _CLOSED)) or "no closed contour"
        raise refusal("readers.open_contours", region=items[number].ROIName, others=others)
    # Their points, in mm.
    contours = []
    for contour in drawn:
        numbers = contour.ContourData
        if isinstance(numbers, bytes):  # a field of more than 64 kB is stored without its type
            numbers = numbers.decode("ascii").rstrip(" \0").split("\\")
        contours.append(np.array(numbers, dtype=np.float64).reshape(-1, 3))
    name, nested = str(items[number].ROIName), kinds == {"CLOSED_PLANAR"}
    return fill_contours(contours, name, image, mask_grid, nested=nested)


def _read_segment(
    dataset: Any, region: str | None, label_value: int | None
) -> tuple[list[Any], Flags]:
    """Read the frames of the chosen segments.

    Args:
        dataset: The SEG.
        region: Segment Label; None where there is one only.
        label_value: Segment Number instead; `ALL_LABELS` for all.

    Returns:
        What each frame says of itself, and (n, height, width) bool.
    """
    # The segments that are meant, by name or number.
    segments = {
        int(item.SegmentNumber): str(item.get("SegmentLabel", ""))
        for item in dataset.SegmentSequence
        if item.SegmentNumber  # 0 is the ground of a label map
    }
    if label_value is None:
        numbers = [_choose(segments, region)]
    elif label_value == ALL_LABELS:
        numbers = [*segments]
    elif label_value in segments:
        numbers = [label_value]
    else:
        raise refusal(
            "readers.no_segment_number",
            label_value=label_value,
            numbers=segments,
        )
    # Their frames; a label map holds all of them in one.
    check_size(dataset, "")
    frames = decode_pixels(dataset).reshape(-1, int(dataset.Rows), int(dataset.Columns))
    kind = str(dataset.get("SegmentationType", "BINARY"))
    headers = dict(enumerate(headers_of_frames(dataset)))
    if kind == "LABELMAP":
        return list(headers.values()), np.isin(frames, numbers)
    chosen = [
        index for index, header in headers.items() if header.ReferencedSegmentNumber in numbers
    ]
    threshold = float(dataset.MaximumFractionalValue) / 2 if kind == "FRACTIONAL" else 1
    return [headers[index] for index in chosen], frames[chosen] >= threshold


def _place_frames(headers: list[Any], planes: Flags, image: VoxelGrid) -> tuple[VoxelGrid, Flags]:
    """Put the frames where they say, on the image's slices; slices without a frame are empty.

    Args:
        headers: Of the frames.
        planes: (n, height, width) of them.
        image: Grid of the image.

    Returns:
        The image's own grid where the frames lie on it, else that of the frames; and the mask on
        it.

    Raises:
        DataError: Frames are shifted or turned against each other.
    """
    if not headers:
        return image, np.zeros(image.shape, dtype=np.bool_)
    # The axis along which the frames lie.
    orientation = np.array(headers[0].ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    within = orientation[::-1] * np.array(headers[0].PixelSpacing, dtype=np.float64)[:, None]
    normal = np.cross(*orientation)
    positions = np.array([header.ImagePositionPatient for header in headers], dtype=np.float64)
    axis = int(np.argmax(np.abs(np.asarray(image.direction) @ normal)))
    # frames that are off the image's slices as rounded numbers are, are moved onto them
    depths = image.indices(positions)[:, axis]
    off_slices = (depths - np.rint(depths)) * image.spacing[axis]
    if 1e-6 < np.abs(off_slices).max() <= slice_tolerance(image.spacing[axis]):
        positions = positions - off_slices[:, None] * np.asarray(image.direction)[axis]
    # Their rows along the normal, with gaps where a slice is empty.
    heights = positions @ normal
    order = np.argsort(heights)
    gaps = np.diff(heights[order])
    # The distance of slices, mm: frames without a voxel are left out.
    usual, near = image.spacing[axis], OFF_SLICE * image.spacing[axis]
    stated = float(headers[0].get("SpacingBetweenSlices") or 0)
    thickness = float(headers[0].get("SliceThickness") or usual)
    closest = min((gap for gap in gaps.tolist() if gap > near), default=thickness)
    if stated > 0:
        distance = min(stated, closest)
    else:
        fits = abs(closest - usual) < near or thickness < APART * usual
        distance = usual if fits else min(closest, thickness)
    rows = np.zeros(len(headers), dtype=int)
    rows[order[1:]] = np.cumsum(np.rint(gaps / distance)).astype(int)
    lowest = positions[order[0]]
    distance = float(gaps.sum()) / int(rows.max()) if rows.any() else distance
    off = np.abs(positions - lowest - np.outer(rows * distance, normal)).max()
    if not off <= min(OFF_SLICE * distance, _OFF_LINE * min(image.spacing)):
        raise refusal("readers.frames_off_slices", off=off)
    # The frames as a volume, in the canonical order.
    step = normal * distance
    shape = (int(rows.max()) + 1, *planes.shape[1:])
    check_voxels(shape)
    stack = np.zeros(shape, dtype=np.bool_)
    for row, plane in zip(rows, planes, strict=True):
        stack[row] |= plane
    turned, grid = orient(stack, np.vstack([step, within]), lowest)
    # the empty slices that a segmentation leaves out, where it lies on the image's grid
    start = -np.rint(grid.indices(np.array([image.origin]))[0]).astype(int)
    stop = start + grid.shape
    if (start < 0).any() or (stop > image.shape).any():
        return grid, turned
    padded = np.zeros(image.shape, dtype=np.bool_)
    padded[tuple(slice(*ends) for ends in zip(start, stop, strict=True))] = turned
    origin = np.asarray(grid.origin) - start @ grid.steps()
    return VoxelGrid.of(image.shape, grid.steps(), origin), padded
