"""Lesions of an image as the cell of a table says them.

A cell holds `x y radius` for each lesion of a plane image, `x y z radius` of a volume, separated by
semicolons; x counts columns, y rows and z slices, 0 is the centre of the first pixel. In volumes
they are the voxel's numbers in its file: the index of ITK, `i j k` of nibabel; of a series of DICOM
the slices count along the normal of their planes. Where `mm` follows the numbers, they are a place
in the patient's coordinates (DICOM's, as ITK's and LUNA16's). An empty cell has no lesion. A box,
or a mask's connected part, becomes the circle or ball of equal area or volume around its centre.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from skiagram.datasets.contract import Mark, pixel_side
from skiagram.errors import refusal
from skiagram.readers.grid import VoxelGrid
from skiagram.readers.spaced_image import SpacedImage
from skiagram.tables.cells import number_of


@dataclass(frozen=True)
class Lesion:
    """One lesion as a cell says it.

    Attributes:
        centre: x, y and, in volumes, z.
        radius: In the same unit; pixels are those of a slice.
        world: Whether they are mm in the patient's coordinates; else pixels.
    """

    centre: tuple[float, ...]
    radius: float
    world: bool = False

    def text(self) -> str:
        """Return what a cell says of it."""
        numbers = " ".join(f"{number:.10g}" for number in (*self.centre, self.radius))
        return f"{numbers} mm" if self.world else numbers

    def mark(self, grid: VoxelGrid | None) -> Mark:
        """Return it on an image as it is stored.

        Args:
            grid: Of a volume; None of plane images, and of volumes without a place in the patient.
        """
        volume = grid if len(self.centre) == 3 else None
        if self.world and volume is None:
            raise refusal("datasets.no_coordinates", lesion=self.text())
        if volume is None:
            return Mark(self.centre[::-1], self.radius)
        if self.world:
            place, radius = volume.indices(np.array([self.centre])), self.radius
        else:
            place = volume.from_file(np.array([self.centre[::-1]]))
            radius = self.radius * pixel_side(volume.file_spacing)
        return Mark(tuple(place[0].tolist()), radius / pixel_side(volume.spacing))


def parse_lesions(cell: str) -> list[Lesion]:
    """Return the lesions of a cell; one that cannot be read is a DataError."""
    lesions = []
    for part in filter(None, map(str.strip, cell.split(";"))):
        words = part.split()
        world = words[-1] == "mm"
        numbers = [number_of(word) for word in words[: len(words) - world]]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers) or len(known) not in (3, 4) or not known[-1] > 0:
            raise refusal("datasets.unreadable_lesion", cell=part)
        lesions.append(Lesion(tuple(known[:-1]), known[-1], world))
    check_each_once(lesions)
    return lesions


def check_each_once(lesions: Sequence[Lesion]) -> None:
    """Refuse equal lesions of an image: each would count, and ask for a mark of its own."""
    twice = [lesion for lesion, number in Counter(lesions).items() if number > 1]
    if twice:
        raise refusal("datasets.lesion_twice", lesion=twice[0].text())


def lesions_of_region(image: SpacedImage) -> list[Lesion]:
    """Return a lesion for each connected part of an image's region, in mm where it has a grid."""
    if image.region is None:
        return []
    inside, grid = image.region.inside, image.grid
    parts, number = scipy.ndimage.label(inside, np.ones((3,) * inside.ndim))
    labels = np.arange(1, number + 1)
    centres = np.array(scipy.ndimage.center_of_mass(inside, parts, labels))
    sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:].astype(np.float64)
    if inside.ndim == 2:
        radii = np.sqrt(sizes / np.pi)
    else:
        voxel = math.prod(image.spacing or (1.0, 1.0, 1.0))
        radii = (3 * sizes * voxel / (4 * np.pi)) ** (1 / 3)
        if grid is None:
            radii /= pixel_side(image.spacing)
    places = centres[:, ::-1] if grid is None else grid.positions(centres)
    return [
        Lesion(tuple(place), radius, world=grid is not None)
        for place, radius in zip(places.tolist(), radii.tolist(), strict=True)
    ]


def of_box(x: float, y: float, width: float, height: float) -> Lesion:
    """Return the circle for a box, in pixels whose first corner is 0 (as COCO's)."""
    if not (width > 0 and height > 0 and np.isfinite([x, y, width, height]).all()):
        raise refusal("datasets.empty_box", width=width, height=height, x=x, y=y)
    radius = math.sqrt(width * height / math.pi)
    return Lesion((x + width / 2 - 0.5, y + height / 2 - 0.5), radius)
