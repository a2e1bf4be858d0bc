"""Images and masks as users have them: arrays, SimpleITK's images, or paths."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, as_array
from skiagram.errors import refusal
from skiagram.images import WITHOUT_PADDING
from skiagram.radiomics.extraction import Case
from skiagram.radiomics.settings import ExtractionPlan

if TYPE_CHECKING:
    from skiagram.readers.case_images import ImageReference

_PATH = (str, os.PathLike)
_CHANNELS = (3, 4)  # of colour, without and with transparency


def as_case(
    image: Any,
    mask: Any,
    spacing: Sequence[float] | None,
    label: int | None = None,
    plan: ExtractionPlan | None = None,
) -> Case:
    """Return an image and its region on one grid.

    Args:
        image: (height, width), (depth, height, width), an image of SimpleITK, or the path of a
            NIfTI, NRRD, MetaImage, DICOM or picture file or of a folder with a DICOM series.
        mask: Of the same kind and shape; None for the whole image.
        spacing: Of the axes of an array, or of a file that says none, mm; others have their own.
        label: Value of the region's voxels; None for all that is not 0.
        plan: Says whether a mask on other voxels is brought to the image's, and whether the axes of
            a volume's file stay as they are, as PyRadiomics leaves them, where they are brought to
            one orientation else; None for neither.

    Raises:
        DataError: The two do not fit each other, or the region has no voxel or several labels.
    """
    # Image and mask come in the same form.
    if isinstance(image, _PATH) != isinstance(mask, _PATH) and mask is not None:
        raise refusal("radiomics.path_and_memory")
    if isinstance(image, _PATH):
        from skiagram.readers.case_images import ImageReference

        masks = () if mask is None else (os.fspath(mask),)
        reference = ImageReference(os.fspath(image), masks, label_value=label)
        return case_of_files(Path(), reference, spacing, plan)
    # An image of SimpleITK, or an array.
    if hasattr(image, "GetSpacing"):
        own_spacing = image.GetSpacing()[::-1]
        if spacing is not None and not np.array_equal(spacing, own_spacing):
            raise refusal(
                "radiomics.other_spacing", spacing=tuple(spacing), own_spacing=own_spacing
            )
        return _of_arrays(*_arrays(image, mask), own_spacing, label)
    shape = np.shape(image)
    if len(shape) == 3 and shape[2] in _CHANNELS and min(shape[:2]) > _CHANNELS[-1]:
        raise refusal("radiomics.array_in_colour", shape=shape)
    return _of_arrays(as_array(image), mask, spacing, label)


def case_of_files(
    folder: Path,
    reference: "ImageReference",
    spacing: Sequence[float] | None,
    plan: ExtractionPlan | None,
) -> Case:
    """Return an image and its region from files, named relative to a folder; see `as_case`."""
    from skiagram.readers.case_images import (
        CaseReading,
        decode_case,
        is_image_file,
        read_case_files,
    )
    from skiagram.readers.file_trees import FolderTree

    # The file and its region, as all images are read.
    resampled = plan is not None and plan.settings.correctMask
    distances = None if spacing is None else (*spacing,)
    reading = CaseReading("resample" if resampled else "same", spacing=distances)
    files = read_case_files(FolderTree(folder, is_image_file), reference)
    read = decode_case(files, reference, reading)
    # padding within the region, which the file's header declares and a person may not expect
    if read.padding:
        raise refusal(
            "radiomics.padding_inside",
            reference.name,
            padding=read.padding,
            remedy=WITHOUT_PADDING,
        )
    # Texture is that of one channel.
    if read.pixels.ndim == 3:
        raise refusal("radiomics.several_channels", reference.name, number=read.pixels.shape[-1])
    voxels = read.pixels[..., 0] if read.pixels.ndim == 4 else read.pixels
    inside = None if read.region is None else read.region.inside
    # The axes of the file, as PyRadiomics has them; plane images have them anyway.
    grid, own_spacing = read.grid, read.spacing
    if grid is not None and plan is not None and plan.names == "pyradiomics":
        flipped = tuple(axis for axis in range(3) if grid.flipped[axis])
        order, own_spacing = np.argsort(grid.file_axes), grid.file_spacing
        voxels = np.flip(voxels, flipped).transpose(order)
        inside = None if inside is None else np.flip(inside, flipped).transpose(order)
    return _of_arrays(voxels, inside, own_spacing, None)


def _of_arrays(
    image: NDArray[Any], mask: Any, spacing: Sequence[float] | None, label: int | None
) -> Case:
    # Image and spacing must be of plane images or of volumes.
    if image.ndim not in (2, 3) or not image.size or image.dtype.kind not in "biuf":
        raise refusal("radiomics.no_array_of_images", shape=image.shape, dtype=image.dtype)
    if spacing is None and image.ndim == 3:
        raise refusal("radiomics.no_spacing")
    distances = [float(step) for step in spacing or (1.0, 1.0)]
    if len(distances) != image.ndim or not all(np.isfinite(distances)) or min(distances) <= 0:
        raise refusal("radiomics.impossible_spacing", distances=tuple(distances), axes=image.ndim)
    # The mask has the image's shape, and whole numbers.
    labels = np.ones(image.shape, np.bool_) if mask is None else as_array(mask)
    if labels.shape != image.shape:
        raise refusal("radiomics.mask_of_other_shape", shape=labels.shape, expected=image.shape)
    if labels.dtype.kind == "f" and not (labels == np.rint(labels)).all():
        raise refusal("radiomics.mask_values")
    # The label that was named, or the only one.
    is_drawn = labels.dtype == np.bool_
    if label is None and not is_drawn:
        values = np.unique(labels[labels != 0])
        if len(values) > 1:
            shown = ", ".join(f"{value:g}" for value in values[:10])
            raise refusal("radiomics.several_labels", number=len(values), labels=shown)
    inside: Flags = labels != 0 if label is None or is_drawn else labels == label
    if not inside.any():
        key = "radiomics.empty_mask" if label is None else "radiomics.no_label"
        raise refusal(key, label=label)
    # A plane image is a volume of one slice.
    shape = image.shape if image.ndim == 3 else (1, *image.shape)
    slices, rows, columns = distances if image.ndim == 3 else (1.0, *distances)
    voxels = image.astype(np.float64).reshape(shape)
    whole = None
    if image.dtype.kind in "iu":
        whole = int(np.iinfo(image.dtype).min), int(np.iinfo(image.dtype).max)
    spaced = (slices, rows, columns)
    return Case(voxels, inside.reshape(shape), spaced, plane=image.ndim == 2, whole=whole)


def _arrays(image: Any, mask: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read the voxels of SimpleITK's images, which must lie in the same place.

    Args:
        image: One number a voxel.
        mask: None for none.

    Returns:
        (depth, height, width) or (height, width) of both.

    Raises:
        DataError: Voxels have several values, or the mask lies elsewhere or is no image.
    """
    import SimpleITK

    if image.GetNumberOfComponentsPerPixel() > 1:
        raise refusal("radiomics.several_values", number=image.GetNumberOfComponentsPerPixel())
    voxels = np.asarray(SimpleITK.GetArrayFromImage(image))
    # Image and mask lie in one place, up to rounding.
    if mask is None:
        return voxels, None
    if not hasattr(mask, "GetSpacing"):
        raise refusal("radiomics.mask_of_other_type", type=type(mask).__name__)
    places = [(each.GetSpacing(), each.GetOrigin(), each.GetDirection()) for each in (image, mask)]
    near = all(
        np.allclose(first, second, rtol=0, atol=1e-4) for first, second in zip(*places, strict=True)
    )
    if image.GetSize() == mask.GetSize() and not near:
        raise refusal("radiomics.mask_elsewhere")
    return voxels, SimpleITK.GetArrayFromImage(mask)
