"""Pictures of a region of interest: the planes through it, with its outline."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from skiagram.image_store.shards import Image, Region, Spacing, is_volume

OUTLINE_COLOUR = (255, 196, 0)
_WINDOW = (1.0, 99.0)
_MOST_SIDE = 160
_GAP = 4


def draw_region(image: Image, region: Region, spacing: Spacing | None) -> NDArray[np.uint8]:
    """Return the planes through a region as one picture.

    A volume is cut where the region is largest, across, from the front and from the side; voxels
    that are longer than wide are drawn so. The grey window is from the 1st to the 99th percentile
    of the planes.

    Args:
        image: (height, width), or (depth, height, width, 1); missing pixels are NaN.
        region: Its region; the outline as drawn is shown.
        spacing: As the store gives it, mm; None draws square pixels.

    Returns:
        (height, width, 3), planes side by side.
    """
    outline = region.inside if region.outline is None else region.outline
    volume = image[..., 0] if is_volume(image) else _grey(image)[None]
    mask = outline.reshape(volume.shape)
    distances = (1.0,) * 3 if spacing is None else (*(1.0,) * (3 - len(spacing)), *spacing)
    axes = (0, 1, 2) if is_volume(image) else (0,)
    planes = [_cut(volume, mask, distances, axis) for axis in axes]
    shown = np.concatenate([plane.ravel() for plane, _ in planes])
    known = shown[np.isfinite(shown)]
    low, high = np.percentile(known, _WINDOW) if len(known) else (0.0, 1.0)
    longest = max(max(plane.shape) for plane, _ in planes)
    pictures = [
        _colour(plane, inside, float(low), float(high), _MOST_SIDE / longest)
        for plane, inside in planes
    ]
    return _side_by_side(pictures)


def describe_place(image: Image, region: Region) -> str:
    """Return which planes `draw_region` shows, counted from 1; empty for an image."""
    if not is_volume(image):
        return ""
    outline = region.inside if region.outline is None else region.outline
    places = [_largest(outline, axis) + 1 for axis in range(3)]
    kinds = ("slice", "row", "column")
    return ", ".join(f"{kind} {place}" for kind, place in zip(kinds, places, strict=True))


def _grey(image: Image) -> NDArray[np.float64]:
    values: NDArray[np.float64] = image.astype(np.float64)
    return values if values.ndim == 2 else values.mean(axis=2)


def _largest(mask: NDArray[np.bool_], axis: int) -> int:
    others = tuple(other for other in range(3) if other != axis)
    return int(np.argmax(mask.sum(axis=others)))


def _cut(
    volume: Image, mask: NDArray[np.bool_], spacing: tuple[float, ...], axis: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a plane and its region in square pixels of one size, the patient's head on top."""
    place = _largest(mask, axis)
    plane = np.take(volume, place, axis=axis).astype(np.float64)
    inside = np.take(mask, place, axis=axis)
    sides = [distance for other, distance in enumerate(spacing) if other != axis]
    shortest = min(sides if len(volume) == 1 else spacing)  # one scale for all planes
    factors = [side / shortest for side in sides]
    if max(factors) > 1:
        plane, inside = _enlarge(plane, factors), _enlarge(inside, factors)
    return (plane, inside) if axis == 0 else (plane[::-1], inside[::-1])


def _enlarge(values: NDArray[Any], factors: list[float]) -> NDArray[Any]:
    """Return a plane with each pixel as often as its factor says, in rows and columns."""
    rows, columns = (
        np.floor((np.arange(round(size * factor)) + 0.5) / factor).astype(int).clip(0, size - 1)
        for size, factor in zip(values.shape, factors, strict=True)
    )
    enlarged: NDArray[Any] = values[np.ix_(rows, columns)]
    return enlarged


def _colour(
    plane: NDArray[np.float64], inside: NDArray[np.bool_], low: float, high: float, scale: float
) -> NDArray[np.uint8]:
    plane, inside = _enlarge(plane, [scale] * 2), _enlarge(inside, [scale] * 2)
    grey = np.clip((np.nan_to_num(plane, nan=low) - low) / max(high - low, 1e-12), 0, 1)
    picture = np.repeat(np.round(grey * 255).astype(np.uint8)[..., None], 3, axis=2)
    picture[inside & ~binary_erosion(inside)] = OUTLINE_COLOUR
    return picture


def _side_by_side(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    height = max(len(picture) for picture in pictures)
    width = sum(picture.shape[1] + _GAP for picture in pictures) - _GAP
    whole, left = np.zeros((height, width, 3), np.uint8), 0
    for picture in pictures:
        whole[: len(picture), left : left + picture.shape[1]] = picture
        left += picture.shape[1] + _GAP
    return whole
