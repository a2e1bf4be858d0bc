"""The image of one case from its files: a picture, a volume or a DICOM series, and its region."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from skiagram.errors import refusal
from skiagram.images import Region, Spacing, is_volume
from skiagram.readers.dicom import is_dicom, read_element, stated_padding, with_preamble
from skiagram.readers.dicom_codecs import MAX_PIXELS
from skiagram.readers.dicom_series import check_one_volume, decode_series
from skiagram.readers.file_trees import HEAD_BYTES, FileTree
from skiagram.readers.gray import in_gray
from skiagram.readers.grid import MaskGrid, Volume
from skiagram.readers.image_files import (
    ENDINGS,
    count_frames,
    decode_image,
    is_image,
    read_orientation,
)
from skiagram.readers.image_files import HEAD_BYTES as IMAGE_HEAD_BYTES
from skiagram.readers.masks import check_region_named, decode_mask, decode_plane_mask
from skiagram.readers.meta_image import join
from skiagram.readers.spaced_image import SpacedImage
from skiagram.readers.volume_files import count_volumes, decode_volume, is_volume_file
from skiagram.readers.voxels import check_voxels


@dataclass(frozen=True)
class ImageReference:
    """Where the image of a case and its region are read from.

    Attributes:
        masks: Files of its region, which is what lies in any of them; none for the whole image.
        region: Name of the region within its file; None where there is one only.
        label_value: Value of the region's voxels; None for all that is not 0.
        frame: Of a DICOM file, page of a TIFF, or volume of a file of four axes, from 1; 0
            for a volume of all frames or pages; None where the file says what it is.
        region_alone: Whether its region's name alone tells it from another of its masks, which
            must hold that name then; without, it may be a name that the user gave.
    """

    file: str
    masks: tuple[str, ...] = ()
    region: str | None = None
    label_value: int | None = None
    frame: int | None = None
    region_alone: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The files, or folders of them, that are read."""
        return self.file, *self.masks

    @property
    def chosen(self) -> str:
        """Say what tells it from others of its file; empty where nothing does."""
        label = "" if self.label_value is None else f"label {self.label_value}"
        frame = "" if not self.frame else f"frame {self.frame}"
        return ", ".join(filter(None, (frame, self.region or label)))

    @property
    def name(self) -> str:
        return self.file if not self.chosen else f"{self.file} ({self.chosen})"


def find_regions_alone(references: Iterable[ImageReference]) -> list[ImageReference]:
    """Mark the references that only the name of their region tells apart.

    Args:
        references: Of all cases.

    Returns:
        In the same order.
    """
    listed = list(references)
    regions: dict[ImageReference, set[str | None]] = {}
    for each in listed:
        regions.setdefault(replace(each, region=None), set()).add(each.region)
    return [
        replace(each, region_alone=len(regions[replace(each, region=None)]) > 1) for each in listed
    ]


@dataclass(frozen=True)
class CaseReading:
    """What is decided where files allow several readings.

    Attributes:
        mask_grid: A mask on other voxels than its image's: `same` refuses, `resample` moves it.
        most_pixels: Rows times columns that an image may have.
        spacing: Distance of [slices,] rows and columns, mm, of images whose file says none.
        gray: Whether colour is turned gray, and transparent pixels are laid on black.
    """

    mask_grid: MaskGrid = "same"
    most_pixels: int = MAX_PIXELS
    spacing: Spacing | None = None
    gray: bool = False

    def settle(self, image: SpacedImage, name: str) -> SpacedImage:
        """Give an image the stated spacing where it has none; refuse one whose own differs.

        Args:
            image: As its file gives it.
            name: To be named.

        Raises:
            DataError: The stated spacing has other axes, or differs from the file's by more than a
                thousandth.
        """
        axes = 3 if is_volume(image.pixels) else 2
        # A spacing that was stated goes to images that state none.
        if self.spacing is None:
            return image
        if len(self.spacing) != axes:
            raise refusal(
                "readers.distances_of_other_axes",
                name,
                number=len(self.spacing),
                image="a volume" if axes == 3 else "an image",
            )
        if image.spacing is None:
            return replace(image, spacing=self.spacing)
        # A file that says another one is not overruled.
        if not np.allclose(image.spacing, self.spacing, rtol=1e-3):
            file_mm, stated_mm = (
                " × ".join(f"{distance:.4g}" for distance in each)
                for each in (image.spacing, self.spacing)
            )
            raise refusal("readers.other_distances", name, file_mm=file_mm, stated_mm=stated_mm)
        return image


AS_STORED = CaseReading()


def read_as_stated(mm: Sequence[float] | None, mask_grid: MaskGrid = "same") -> CaseReading:
    """Read how files are read that do not say all themselves.

    Args:
        mm: Distance of slices, rows and columns, or of the last two; None where files say it.

    Raises:
        OptionError: Distances of pixels that no image has.
    """
    if mm is not None and not (len(mm) in (2, 3) and all(0 < each <= 1000 for each in mm)):
        raise refusal("readers.impossible_spacing", mm=list(mm))
    return CaseReading(mask_grid, spacing=None if mm is None else tuple(mm))


class CaseFiles(NamedTuple):
    """The bytes of an image's files and of its masks; file or folder of them → SHA-256."""

    image: Mapping[str, bytes]
    masks: tuple[bytes, ...]
    checksums: Mapping[str, str]


def is_image_file(head: bytes) -> bool:
    """Tell whether the first `HEAD_BYTES` of a file are those of an image or a volume."""
    return is_image(head[:IMAGE_HEAD_BYTES]) or is_volume_file(head)


def called_images(files: FileTree) -> set[str]:
    """List the files whose names end as those of images, to report those that cannot be read.

    What is read is told by content; of a file that is none of an image, its name alone says that it
    should be.
    """
    return {name for name in files.files() if name.lower().endswith(ENDINGS)}


def read_case_files(files: FileTree, reference: ImageReference) -> CaseFiles:
    """Read the files of an image and of its masks, each once.

    Args:
        files: Where they lie.
        reference: Which ones.

    Returns:
        Their bytes and checksums; of a series one checksum.

    Raises:
        DataError: A file cannot be read.
    """

    def whole(file: str) -> bytes:
        folder = PurePosixPath(file).parent
        return join(files.read(file), lambda name: files.read((folder / name).as_posix()))

    # A single file, or every file of a series.
    names = files.series(reference.file)
    if names is None:
        image = {reference.file: whole(reference.file)}
        checksums = {reference.file: _sha256(image[reference.file])}
    else:
        image = {name: files.read(f"{reference.file}/{name}") for name in names}
        parts = {name: _sha256(content) for name, content in image.items()}
        checksums = {reference.file: checksum_of_series(parts)}
    # The masks, each with its checksum.
    masks = tuple(map(whole, reference.masks))
    checksums |= zip(reference.masks, map(_sha256, masks), strict=True)
    return CaseFiles(image, masks, checksums)


def checksum_of_series(parts: Mapping[str, str]) -> str:
    """Compute the checksum of a series from those of its files, as `sha256sum` prints them.

    Args:
        parts: Name → SHA-256, in the order of the names.
    """
    return _sha256("".join(f"{sha256}  {name}\n" for name, sha256 in parts.items()).encode())


def decode_case(
    files: CaseFiles, reference: ImageReference, reading: CaseReading = AS_STORED
) -> SpacedImage:
    """Make the image of a case, with its region, of the bytes of its files.

    Args:
        files: What `read_case_files` read.
        reference: Which frame, region and label are meant.
        reading: What is decided where files allow several readings.

    Returns:
        A volume as (depth, height, width, 1), an image as `decode_image` says.

    Raises:
        DataError: A file is damaged or of another kind, or the region does not fit the image.
    """
    # The structure set or segmentation must have the region that the row names.
    masks = [*zip(files.masks, reference.masks, strict=True)]
    chosen = (reference.region, reference.label_value)
    if reference.region_alone and reference.region:
        for mask in masks:
            check_region_named(*mask, reference.region)
    spacing, mask_grid = reading.spacing, reading.mask_grid
    volume = read_volume(files.image, reference.file, spacing, reference.frame)
    if volume is None:
        # A plane image, or a frame without a place.
        image, shape = _plane_image(files, reference, reading)
        image = in_gray(image) if reading.gray else image
        instance = read_element(next(iter(files.image.values())), "SOPInstanceUID") or ""
        drawn = [
            decode_plane_mask(*mask, shape, reference.frame, *chosen, mask_grid, instance)
            for mask in masks
        ]
    else:
        # A volume, and its region on the same grid.
        grid = volume.grid
        image = SpacedImage(volume.voxels[..., None], grid.spacing, volume.modality, grid=grid)
        drawn = [decode_mask(*mask, grid, *chosen, mask_grid, spacing) for mask in masks]
    image = reading.settle(image, reference.name)
    if drawn:
        _refuse_masks_of_others(next(iter(files.image.values())), masks)
        region = Region(np.logical_or.reduce(drawn))
        if volume is not None:
            if not np.isfinite(volume.voxels[region.inside]).any():
                raise refusal("readers.region_without_values", reference.name)
            direction = tuple(map(float, np.ravel(volume.grid.direction)))
            region = replace(region, origin=volume.grid.origin, direction=direction)
        image = replace(image, region=region)
    # What its header calls padding, where its region has such voxels.
    inside = ... if image.region is None else image.region.inside
    if image.pixels.dtype.kind == "f" and not np.isfinite(image.pixels[inside]).all():
        content = with_preamble(next(iter(files.image.values())))
        image = replace(image, padding=stated_padding(content) if is_dicom(content) else "")
    return image


def _refuse_masks_of_others(image: bytes, masks: Sequence[tuple[bytes, str]]) -> None:
    """Refuse a mask of another patient, or turned otherwise, than its image, where headers tell.

    Args:
        image: The first of its files.
        masks: Content and name of each.
    """
    patient, turned = (read_element(image, "PatientID") or "").casefold(), read_orientation(image)
    for content, name in masks:
        drawn_on = (read_element(content, "PatientID") or "").casefold()
        if patient and drawn_on and patient.lstrip("0") != drawn_on.lstrip("0"):
            raise refusal("readers.mask_of_other_patient", name)
        if read_orientation(content) != turned:
            raise refusal("readers.mask_turned_otherwise", name)


def read_volume(
    image: Mapping[str, bytes], name: str, spacing: Spacing | None, frame: int | None
) -> Volume | None:
    """Read the volume in some files; None where it is a plane image, or frames of such.

    Args:
        image: Name → bytes: one file, or those of a series.
        name: Of the file, or of the folder of the series.
        spacing: Distances in mm for files that state none.
        frame: Which volume of a file of several, from 1.

    Raises:
        DataError: A file is damaged, or files are no one volume.
    """
    # The files of a folder are one series.
    if list(image) != [name]:
        files = [(f"{name}/{file}", part) for file, part in image.items()]
        return decode_series(files, name, frame)
    # A frame of other files is a plane image, or one volume of several.
    if frame is not None:
        content = image[name]
        several = is_volume_file(content[:HEAD_BYTES]) and count_volumes(content) > 1
        return decode_volume(content, name, spacing, frame=frame) if several and frame else None
    # A single file: of a volume's format, or DICOM of several frames.
    content = with_preamble(image[name])
    if is_volume_file(content[:HEAD_BYTES]):
        return decode_volume(content, name, spacing)
    if is_dicom(content) and count_frames(content) > 1:
        return decode_series([(name, content)], name)
    return None


def _plane_image(
    files: CaseFiles, reference: ImageReference, reading: CaseReading
) -> tuple[SpacedImage, tuple[int, ...]]:
    """Read a picture, one frame, or all frames as slices of unknown distance.

    Returns:
        The image; and the sides of its file, by which masks of frames are told.

    Raises:
        DataError: The file has no frames, or they are no slices of one volume.
    """
    # A picture has neither frames nor slices.
    content, most_pixels = files.image.get(reference.file), reading.most_pixels
    if content is not None and reference.frame is None:
        image = decode_image(content, reference.file, most_pixels, on_black=reading.gray)
        return image, image.pixels.shape[:2]
    if content is None or is_volume_file(content[:HEAD_BYTES]):
        raise refusal("readers.no_frames", reference.file)
    # One frame, or all of them as a volume.
    number = count_frames(content)
    image = decode_image(content, reference.name, most_pixels, reference.frame or 1)
    shape = (number, *image.pixels.shape[:2])
    if not reference.frame:
        check_voxels(shape)  # before they are decompressed
        if is_dicom(content := with_preamble(content)):
            check_one_volume(content, reference.file, most_pixels)
        others = (
            decode_image(content, reference.name, most_pixels, frame)
            for frame in range(2, number + 1)
        )
        frames = [image, *others]
        shapes = {frame.pixels.shape for frame in frames}
        if len(shapes) > 1 or len(next(iter(shapes))) > 2:
            one_size = len(shapes) == 1
            key = "readers.colour_frames" if one_size else "readers.frames_of_several_sizes"
            raise refusal(key, reference.name)
        voxels = np.stack([frame.pixels for frame in frames])[..., None]
        made_gray = max(frame.made_gray for frame in frames)
        image = replace(frames[0], pixels=voxels, spacing=None, made_gray=made_gray)
    return image, shape


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
