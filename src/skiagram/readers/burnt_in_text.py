"""Text-like marks in the borders of an image: names, dates and labels that were burnt in.

Characters are thin strokes of one brightness on ground of another, alike in height and side by
side. Marks of that kind are found and can be masked; whoever must be sure has to look at the
images. No finding is no proof, and no automatic de-identification is complete.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass as options
from scipy import ndimage

from skiagram.errors import DataError
from skiagram.image_store.shards import Image, is_volume
from skiagram.readers.spaced_image import SpacedImage
from skiagram.strict import (
    STRICT,
)

TextTreatment = Literal["keep", "mask", "refuse"]
_BORDER = 0.25  # of each side: text stands in borders and corners
_ROWS = 256  # that are turned into levels at a time
_LARGE = 1536  # pixels a side, above which the image is looked at in less detail
_THICKEST = 13  # pixels of a stroke, at the detail looked at
_CONTRASTS = (0.3, 0.6)  # of the range of values, of a stroke; characters touch at the lower one
_MIN_SIDE = 64  # pixels a side: smaller images hold no lines of text
_MIN_HEIGHT, _MAX_HEIGHT = 5, 80  # pixels of a character
_MIN_FILL, _MAX_FILL = 0.12, 0.92  # share of its box that strokes cover
_WIDEST = 2  # width of a mark over its height
_MIN_CHARACTERS = 3  # of a line
_ALIKE = 1.6  # ratio of heights in a line
_GAP, _TOUCH = 1.2, 0.3  # of the height, between neighbours in a line, or within each other
_CHANCE = 0.005  # lines an image that marks strewn over its borders may make
_LOOKS = 8  # dark or bright, at two contrasts, across or upwards
_EVEN = 0.2  # of the contrast, spread of the brightness within the strokes of a character


class Box(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def turned(self) -> "Box":
        return Box(self.left, self.top, self.right, self.bottom)

    def grown(self, pixels: int, shape: tuple[int, ...]) -> "Box":
        """Return the box with a margin, within an image."""
        return Box(
            max(0, self.top - pixels),
            max(0, self.left - pixels),
            min(shape[0], self.bottom + pixels),
            min(shape[1], self.right + pixels),
        )


def find_text(image: Image) -> list[Box]:
    """Return where lines of text-like marks stand in the borders of an image.

    Args:
        image: (height, width) or (height, width, channels).

    Returns:
        A box a line, across or upwards, from top to bottom; none for volumes, whose slices have
        been reconstructed.
    """
    if is_volume(image) or min(image.shape[:2]) < _MIN_SIDE:
        return []
    # the brightness in 256 levels
    gray = image.mean(axis=2) if image.ndim == 3 else image
    low, high = float(np.nanmin(gray)), float(np.nanmax(gray))
    if not high > low:
        return []
    if gray.dtype != np.uint8 or high - low <= 127:
        levels = np.empty(gray.shape, np.uint8)
        for row in range(0, len(gray), _ROWS):  # a copy of large pictures would fill the memory
            band = np.nan_to_num(gray[row : row + _ROWS].astype(np.float32), nan=low)
            levels[row : row + _ROWS] = (band - low) * np.float32(255 / (high - low))
        gray = levels
    # lines of characters, dark or bright
    step = -(-max(gray.shape) // _LARGE)
    boxes: list[Box] = []
    for bright in (gray, 255 - gray):
        pooled = bright
        if step > 1:  # the greatest value of each block, so that thin strokes stay
            rows, columns = (side // step for side in bright.shape)
            whole = bright[: rows * step, : columns * step]
            pooled = whole.reshape(rows, step, columns, step).max(axis=(1, 3))
        height = pooled - _opened(pooled)
        for contrast in _CONTRASTS:
            characters = _characters(pooled, height >= 255 * contrast)
            area = pooled.size * (1 - (1 - 2 * _BORDER) ** 2)
            upwards = _lines([box.turned() for box in characters], area)
            lines = _lines(characters, area) + [line.turned() for line in upwards]
            boxes += [Box(*(step * side for side in line)) for line in lines]
    # boxes that touch become one
    apart: list[Box] = []
    for box in (box.grown(step, gray.shape) for box in boxes):
        joined = box
        while touching := [
            other
            for other in apart
            if (joined.left < other.right and other.left < joined.right)
            and (joined.top < other.bottom and other.top < joined.bottom)
        ]:
            apart = [other for other in apart if other not in touching]
            joined = _around([joined, *touching])
        apart.append(joined)
    return sorted(apart)


def _opened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the opening by a square as wide as the thickest stroke: the ground under strokes."""
    for extreme in (np.minimum, np.maximum):
        for axis in (0, 1):
            margin = [(0, 0), (0, 0)]
            margin[axis] = (_THICKEST // 2, _THICKEST // 2)
            values, reach = np.pad(image, margin, mode="edge"), 1
            while reach < _THICKEST:  # what covers `reach` pixels becomes what covers twice as many
                shift = min(reach, _THICKEST - reach)
                ahead = values[shift:] if axis == 0 else values[:, shift:]
                behind = values[:-shift] if axis == 0 else values[:, :-shift]
                values, reach = extreme(ahead, behind), reach + shift
            image = values
    return image


def _characters(image: NDArray[np.uint8], strokes: NDArray[np.bool_]) -> list[Box]:
    """Return the boxes of bright strokes in the borders that look like characters."""
    rows, columns = (round(_BORDER * side) for side in image.shape)
    strokes[rows:-rows, columns:-columns] = False
    labels, _ = ndimage.label(strokes, structure=np.ones((3, 3)))
    boxes = []
    for label, (vertical, horizontal) in enumerate(ndimage.find_objects(labels), 1):
        box = Box(vertical.start, horizontal.start, vertical.stop, horizontal.stop)
        if not _MIN_HEIGHT <= box.height <= _MAX_HEIGHT or box.width > _WIDEST * box.height:
            continue
        inside = labels[vertical, horizontal] == label
        if box.width > 2 and not _MIN_FILL <= inside.mean() <= _MAX_FILL:
            continue
        brightness = np.sort(image[vertical, horizontal][inside])
        if _quantile(brightness, 0.9) - _quantile(brightness, 0.4) <= 255 * _EVEN:
            boxes.append(box)
    return boxes


def _quantile(ordered: NDArray[np.uint8], share: float) -> float:
    """Return what `numpy.quantile` does, a tenth of its overhead; characters are many."""
    below, part = divmod(share * (len(ordered) - 1), 1)
    low = int(ordered[int(below)])
    return low + (int(ordered[math.ceil(below + part)]) - low) * part


def _lines(characters: list[Box], area: float) -> list[Box]:
    """Return the boxes of characters side by side and alike in height, of more than chance aligns.

    Of N marks of one height h strewn over an area A each is followed by N · (1.2 + .3) · h² / A
    others, so that texture, full of marks, needs longer lines (a contrario: Desolneux, Moisan &
    Morel 2000, Int. J. Comput. Vis. 40:7).
    """
    lines: list[list[Box]] = []
    near: list[list[Box]] = []
    for box in sorted(characters, key=lambda box: box.left):
        near = [line for line in near if box.left - line[-1].right <= _GAP * _MAX_HEIGHT]
        # the first line that it continues: beside its last one, alike in height, at one level
        line: list[Box] = []
        for candidate in near:
            before = candidate[-1]
            short, tall = sorted((before.bottom - before.top, box.bottom - box.top))
            beside = -_TOUCH * tall <= box.left - before.right <= _GAP * tall
            shared = min(before.bottom, box.bottom) - max(before.top, box.top)
            if beside and tall <= _ALIKE * short and shared >= 0.5 * short:
                line = candidate
                break
        if not line:
            lines.append(line)
            near.append(line)
        line.append(box)
    heights = np.array([box.height for box in characters])
    boxes = []
    for line in lines:
        if len(line) < _MIN_CHARACTERS:
            continue
        # how many lines as long as this one marks of its height would make by chance
        height = float(np.median([box.height for box in line]))
        marks = int(((heights >= height / _ALIKE) & (heights <= height * _ALIKE)).sum())
        followers = marks * (_GAP + _TOUCH) * height**2 / area
        if float(_LOOKS * marks * followers ** (len(line) - 1)) <= _CHANCE:
            boxes.append(_around(line))
    return boxes


def _around(boxes: Iterable[Box]) -> Box:
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return Box(min(tops), min(lefts), max(bottoms), max(rights))


@options(**STRICT)
class BurntInText:
    """What to do with text-like marks in the borders of images.

    Attributes:
        treatment: `keep` changes nothing; `mask` fills the marks, and what lies outside of the
            panels that an ultrasound header names; `refuse` takes no image that has any.
    """

    treatment: TextTreatment

    def acquire(self, image: SpacedImage) -> SpacedImage:
        """Return an image without text-like marks; a DataError where such images are refused."""
        if self.treatment == "keep":
            return image
        boxes = find_text(image.pixels)
        if self.treatment == "refuse" and boxes:
            top, left, bottom, right = boxes[0]
            raise DataError(
                f"marks that look like text in {len(boxes)} places, the first one in rows "
                f"{top} to {bottom - 1}, columns {left} to {right - 1}",
                allowed="images without text",
                remedy="look at it; mask the text, or choose `burnt_in_text: mask`",
            )
        if not boxes and not image.panels:
            return image
        return replace(image, pixels=mask_text(image.pixels, boxes, image.panels))


KEPT = BurntInText(treatment="keep")


def cut_out_mark(image: Image, box: Box) -> NDArray[np.uint8]:
    """Return a mark and what is around it, (height, width) or (height, width, 3), in full range."""
    around = box.grown(max(20, box.height), image.shape)
    part = image[around.top : around.bottom, around.left : around.right].astype(np.float64)
    low, high = np.nanmin(part), np.nanmax(part)
    return np.nan_to_num((part - low) / max(high - low, 1e-9) * 255).astype(np.uint8)


def mask_text(
    image: Image, boxes: Iterable[Box], panels: Sequence[tuple[int, int, int, int]] = ()
) -> Image:
    """Return a copy of an image in which boxes are filled with the median of what is around them.

    Args:
        panels: Rectangles of the picture within a screen; all else is filled with the least value.
            None of them leaves the whole image.
    """
    masked = image.copy()
    for box in boxes:
        around = box.grown(max(2, box.height // 4), image.shape)
        ring = image[around.top : around.bottom, around.left : around.right].copy()
        inside = np.zeros(ring.shape[:2], dtype=np.bool_)
        top, left = box.top - around.top, box.left - around.left
        inside[top : top + box.height, left : left + box.width] = True
        outside = ring[~inside]
        fill = np.nanmedian(outside if outside.size else ring.reshape(-1, *ring.shape[2:]), axis=0)
        margin = box.grown(1, image.shape)
        masked[margin.top : margin.bottom, margin.left : margin.right] = fill.astype(image.dtype)
    if panels:
        shown = np.zeros(image.shape[:2], dtype=np.bool_)
        for top, left, bottom, right in panels:
            shown[top:bottom, left:right] = True
        masked[~shown] = np.nanmin(image)
    return masked
