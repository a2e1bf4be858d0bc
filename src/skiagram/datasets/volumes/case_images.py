"""The image of one case from its files: a picture, a volume or a DICOM series, and its region."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
import pydicom
from numpy.typing import NDArray

from skiagram.datasets.contract import SpacedImage
from skiagram.datasets.dicom import read_dicom
from skiagram.datasets.dicom_codecs import MOST_PIXELS
from skiagram.datasets.file_trees import HEAD_BYTES, FileTree
from skiagram.datasets.image_files import HEAD_BYTES as IMAGE_HEAD_BYTES
from skiagram.datasets.image_files import decode_image, is_image
from skiagram.datasets.volumes.dicom_series import decode_series
from skiagram.datasets.volumes.grid import Volume
from skiagram.datasets.volumes.masks import MaskGrid, decode_mask
from skiagram.datasets.volumes.volume_files import check_voxels, decode_volume, is_volume_file
from skiagram.errors import DataError, named
from skiagram.image_store.shards import Region

_DICOM = b"DICM"


@dataclass(frozen=True)
class ImageReference:
    """Where the image of a case and its region are read from.

    Attributes:
        file: File, or folder of a DICOM series, relative to the data set's folder.
        mask: File of the region; None for the whole image.
        region: Name of the region within its file; None where there is one only.
        label_value: Value of the region's voxels; None for all that is not 0.
        frame: Number of the frame of a DICOM file that is the image, from 1; 0 for a volume of all
            frames; None where the file says what it is.
    """

    file: str
    mask: str | None = None
    region: str | None = None
    label_value: int | None = None
    frame: int | None = None

    @property
    def chosen(self) -> str:
        """Return what tells it from others of its file; empty where nothing does."""
        label = "" if self.label_value is None else f"label {self.label_value}"
        frame = "" if not self.frame else f"frame {self.frame}"
        return ", ".join(filter(None, (frame, self.region or label)))

    @property
    def name(self) -> str:
        """Return what messages call it."""
        return self.file if not self.chosen else f"{self.file} ({self.chosen})"


@dataclass(frozen=True)
class CaseFiles:
    """The bytes of an image and of its region.

    Attributes:
        image: Name → content of its files, more than one for a DICOM series.
        mask: Content of its mask's file; None for the whole image.
        checksums: File or folder as the reference names it → SHA-256.
    """

    image: Mapping[str, bytes]
    mask: bytes | None
    checksums: Mapping[str, str]


def is_image_file(head: bytes) -> bool:
    """Return whether the first `HEAD_BYTES` of a file are those of an image or a volume."""
    return is_image(head[:IMAGE_HEAD_BYTES]) or is_volume_file(head)


def read_case_files(files: FileTree, reference: ImageReference) -> CaseFiles:
    """Read the files of an image, each once.

    Args:
        files: The files of the data set.
        reference: What to read.

    Raises:
        DataError: A file cannot be read.
    """
    names = files.series(reference.file)
    if names is not None:
        image = {name: files.read(f"{reference.file}/{name}") for name in names}
        parts = {name: _sha256(content) for name, content in image.items()}
        checksums = {reference.file: checksum_of_series(parts)}
    else:
        image = {reference.file: files.read(reference.file)}
        checksums = {reference.file: _sha256(image[reference.file])}
    mask = None
    if reference.mask is not None:
        mask = files.read(reference.mask)
        checksums[reference.mask] = _sha256(mask)
    return CaseFiles(image, mask, checksums)


def checksum_of_series(parts: Mapping[str, str]) -> str:
    """Return the checksum of a folder of files.

    Args:
        parts: Name of each file in it → its SHA-256, in order of name.
    """
    return _sha256("".join(f"{sha256}  {name}\n" for name, sha256 in parts.items()).encode())


def decode_case(
    files: CaseFiles,
    reference: ImageReference,
    mask_grid: MaskGrid = "same",
    most_pixels: int = MOST_PIXELS,
) -> SpacedImage:
    """Make the image of a case, with its region, of the bytes of its files.

    Args:
        files: What `read_case_files` read.
        reference: What it was asked for.
        mask_grid: What to do with a mask on other voxels than its image's.
        most_pixels: Rows times columns that an image may have; volumes have a limit of their own.

    Returns:
        A volume as (depth, height, width, 1), an image as `decode_image` says.

    Raises:
        DataError: A file is damaged or of another kind, or the region does not fit the image.
    """
    if reference.frame is not None and files.mask is None:
        return _of_frames(files.image[reference.file], reference, most_pixels)
    volume = _volume(files.image, reference.file)
    if volume is None:
        image = decode_image(files.image[reference.file], reference.file, most_pixels)
        if files.mask is None:
            return image
        inside = _plane_mask(files.mask, reference, image.pixels.shape[:2])
        return replace(image, region=Region(inside))
    region = None
    if files.mask is not None and reference.mask is not None:
        inside = decode_mask(
            files.mask,
            reference.mask,
            volume.grid,
            region=reference.region,
            label_value=reference.label_value,
            mask_grid=mask_grid,
        )
        direction = tuple(float(value) for value in np.ravel(volume.grid.direction))
        region = Region(inside, None, volume.grid.origin, direction)
    return SpacedImage(volume.voxels[..., None], volume.grid.spacing, volume.modality, region)


def _volume(image: Mapping[str, bytes], name: str) -> Volume | None:
    """Return the volume in some files; None where it is a plane image."""
    if list(image) != [name]:
        return decode_series(list(image.items()), name)
    content = image[name]
    if is_volume_file(content[:HEAD_BYTES]):
        return decode_volume(content, name)
    if count_frames(content) > 1:
        return decode_series([(name, content)], name)
    return None


def _of_frames(content: bytes, reference: ImageReference, most_pixels: int) -> SpacedImage:
    """Return one frame of a DICOM file, or all as slices whose distance nobody knows."""
    if content[128:132] != _DICOM:
        raise DataError(
            "a frame of a file that is no DICOM file",
            where=reference.file,
            allowed="frames of DICOM files",
            remedy="empty the cell of the frame",
        )
    with named(reference.name):
        if reference.frame:
            return read_dicom(BytesIO(content), most_pixels, reference.frame)
        numbers = range(1, count_frames(content) + 1)
        frames = [read_dicom(BytesIO(content), most_pixels, number) for number in numbers]
        if frames[0].pixels.ndim != 2:
            raise DataError(
                "a volume of colour frames",
                allowed="gray frames; or a case per frame",
                remedy="write the number of a frame in the column of the frame",
            )
        check_voxels((len(frames), *frames[0].pixels.shape))
        voxels = np.stack([frame.pixels for frame in frames])[..., None]
        return replace(frames[0], pixels=voxels, spacing=None)


def count_frames(content: bytes) -> int:
    """Return how many frames a DICOM file has; 1 for any other file."""
    if content[128:132] != _DICOM:
        return 1
    try:
        header = pydicom.dcmread(
            BytesIO(content), stop_before_pixels=True, specific_tags=["NumberOfFrames"]
        )
        return int(header.get("NumberOfFrames") or 1)
    except Exception:  # damage is named where the pixels are read
        return 1


def _plane_mask(
    content: bytes, reference: ImageReference, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    where = reference.mask or ""
    labels = decode_image(content, where, shape[0] * shape[1]).pixels
    if labels.shape != shape:
        sides = " × ".join(map(str, labels.shape))
        raise DataError(
            f"a mask of {sides} pixels",
            where=where,
            allowed=f"{' × '.join(map(str, shape))}, as its image, and one channel",
            remedy="check that the mask belongs to this image",
        )
    values = [int(value) for value in np.unique(labels) if value]
    if reference.label_value is None and len(values) > 1:
        raise DataError(
            f"{len(values)} labels ({', '.join(map(str, values[:10]))})",
            where=where,
            allowed="one label, or its number in the column `label_value`",
            remedy="name the label; a mask saved as JPEG has blurred borders, save it as PNG",
        )
    number = reference.label_value
    inside: NDArray[np.bool_] = labels != 0 if number is None else labels == number
    if not inside.any():
        raise DataError(
            "an empty mask: no pixel of the image is inside"
            if number is None
            else f"no pixel has the label {number}",
            where=where,
            allowed="at least one pixel",
            remedy="draw the region again, correct its label, or remove the row",
        )
    return inside


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
