"""Lesions of an image as the cell of a table says them, and as other programs' files do.

A cell holds `x y radius` for each lesion of a plane image, `x y z radius` of a volume, separated by
semicolons; x counts columns, y rows and z slices, 0 is the centre of the first pixel. In volumes
they are the voxel's numbers in its file: the index of ITK, `i j k` of nibabel; of a series of DICOM
the slices count along the normal of their planes. Where `mm` follows the numbers, they are a place
in the patient's coordinates (DICOM's, as ITK's and LUNA16's). An empty cell has no lesion. A box,
or a mask's connected part, becomes the circle or ball of equal area or volume around its centre.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import ndimage

from skiagram.datasets.contract import Mark, SpacedImage, pixel_side
from skiagram.datasets.folder.csv_rows import TableRow, of_table, parse_number, read_csv
from skiagram.datasets.folder.file_names import FileNames
from skiagram.datasets.image_files import read_file
from skiagram.datasets.volumes.grid import Grid
from skiagram.errors import DataError, named

_NAMES = ("file", "filename", "file_name", "image", "seriesuid")
_CENTRES = (("x", "y", "z"), ("coordX", "coordY", "coordZ"))  # the second in mm, LUNA16's
_RADII = {"radius": 1.0, "diameter": 0.5, "diameter_mm": 0.5}
_BOX = ("x_min", "y_min", "x_max", "y_max")
ALLOWED = (  # in a cell
    "`x y radius` or `x y z radius`, radius > 0, `mm` behind numbers in the patient's coordinates; "
    "lesions separated by semicolons, each once"
)


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

    def mark(self, grid: Grid | None) -> Mark:
        """Return it on an image as it is stored.

        Args:
            grid: Of a volume; None of plane images, and of volumes without a place in the patient.
        """
        volume = grid if len(self.centre) == 3 else None
        if self.world and volume is None:
            raise DataError(
                f"a lesion at `{self.text()}` on an image without the patient's coordinates",
                allowed="pixels; or mm in volumes: NIfTI, NRRD, MetaImage, series of DICOM",
                remedy="give `x y radius` in pixels",
            )
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
        try:
            *centre, radius = (parse_number(word) for word in words[: len(words) - world])
        except ValueError:
            centre, radius = [], 0.0
        if len(centre) not in (2, 3) or not radius > 0 or not np.isfinite([*centre, radius]).all():
            raise DataError(f"lesions `{part}`", allowed=ALLOWED, remedy="correct the cell")
        lesions.append(Lesion(tuple(centre), radius, world))
    check_each_once(lesions)
    return lesions


def check_each_once(lesions: Sequence[Lesion]) -> None:
    """Refuse equal lesions of an image: each would count, and ask for a mark of its own."""
    twice = [lesion for lesion, number in Counter(lesions).items() if number > 1]
    if twice:
        raise DataError(
            f"the lesion `{twice[0].text()}` twice",
            allowed="each lesion once",
            remedy="remove one of the two",
        )


def is_unreadable(cell: str) -> bool:
    """Return whether a cell does not say lesions."""
    try:
        parse_lesions(cell)
    except DataError:
        return True
    return False


def lesions_of_region(image: SpacedImage) -> list[Lesion]:
    """Return a lesion for each connected part of an image's region, in mm where it has a grid."""
    if image.region is None:
        return []
    inside, grid = image.region.inside, image.grid
    parts, number = ndimage.label(inside, np.ones((3,) * inside.ndim))
    labels = np.arange(1, number + 1)
    centres = np.array(ndimage.center_of_mass(inside, parts, labels))
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
    """Return the circle for a box, in pixels whose first corner is 0 (as COCO's and YOLO's)."""
    if not (width > 0 and height > 0 and np.isfinite([x, y, width, height]).all()):
        raise DataError(f"a box of {width:g} × {height:g} at {x:g}, {y:g}", allowed="sides > 0")
    radius = math.sqrt(width * height / math.pi)
    return Lesion((x + width / 2 - 0.5, y + height / 2 - 0.5), radius)


@dataclass(frozen=True)
class Images:
    """The images whose lesions a file names.

    Attributes:
        files: Their names, relative to the folder.
        shape: Returns height and width of one, with what else its shape has.
    """

    files: Sequence[str]
    shape: Callable[[str], tuple[int, ...]]

    def find(self, name: str) -> str:
        """Return the file that a name means.

        Args:
            name: With all folders of the file, some or none, maybe further ones before; with its
                ending or without. Folders are separated by slashes, or as Windows does.

        Raises:
            DataError: It means none, or several.
        """
        meant = self._names.meant(name)
        if len(meant) == 1:
            return meant[0]
        found, allowed = "is no file here", "names of the images, as the patterns find them"
        if meant:
            found = f"names several files: {', '.join(meant[:3])}"
        elif elsewhere := self._names.elsewhere(name):
            found = f"is in another folder here: {', '.join(elsewhere[:3])}"
            allowed = "names with the folders that they have here, or without any"
        raise DataError(
            f"lesions of `{name}`, which {found}",
            allowed=allowed,
            remedy="correct the name, or remove its lesions",
        )

    @cached_property
    def _names(self) -> FileNames:
        return FileNames(self.files)


def read_lesions(path: Path, images: Images) -> dict[str, list[Lesion]]:
    """Return image → its lesions.

    Args:
        path: A CSV with a row a lesion, COCO's JSON, or a folder of YOLO's text files.

    Raises:
        DataError: It cannot be read, a lesion is of an image that is not there, or there twice; the
            message names file and line.
    """
    if path.is_dir():
        read = _yolo(path, images)
    elif path.suffix.lower() == ".json":
        read = _coco(path, images)
    else:
        read = _csv(path, images)
    lesions: dict[str, list[Lesion]] = {}
    for file, lesion in read:
        lesions.setdefault(file, []).append(lesion)
    for file, own in lesions.items():
        with named(f"{path}, lesions of `{file}`"):
            check_each_once(own)
    return lesions


def _csv(path: Path, images: Images) -> Iterator[tuple[str, Lesion]]:
    with of_table(str(path)):
        rows = read_csv(path, files=_NAMES)
    header = rows[0].cells
    name = next((column for column in _NAMES if column in header), None)
    centre = next((names for names in _CENTRES if set(names[:2]) <= header.keys()), None)
    sizes = [*_RADII] if centre == _CENTRES[1] else [*_RADII][:2]  # mm are not pixels
    radius = next((column for column in sizes if column in header), None)
    boxed = set(_BOX) <= header.keys()
    if name is None or not (boxed or (centre and radius)):
        raise DataError(
            f"columns {', '.join(header)}",
            where=str(path),
            allowed=f"`file` and `x`, `y`, (`z`,) `radius`, or `{'`, `'.join(_BOX)}`; or LUNA16's",
        )
    for row in rows:
        with of_table(str(path)), named(row.where):
            if boxed:
                left, top, right, bottom = (_number(row, column) for column in _BOX)
                lesion = of_box(left, top, right - left, bottom - top)
            else:
                named_here = [*(centre or ())[:2], *filter(row.cells.get, (centre or ())[2:])]
                places = tuple(_number(row, column) for column in named_here)
                half = _RADII[radius or ""] * _number(row, radius or "")
                [lesion] = parse_lesions(Lesion(places, half, centre == _CENTRES[1]).text())
            yield images.find(row.cells[name]), lesion


def _number(row: TableRow, column: str) -> float:
    try:
        return parse_number(row.cells[column])
    except ValueError:
        raise DataError(
            f"`{row.cells[column]}` in column `{column}`",
            allowed="numbers with a decimal point",
            remedy="correct the cell; an image without a lesion has no row",
        ) from None


def _coco(path: Path, images: Images) -> Iterator[tuple[str, Lesion]]:
    try:
        content = json.loads(read_file(path, str(path)))
        listed: dict[object, list[tuple[str, tuple[int, int]]]] = {}
        for image in content["images"]:
            sides = int(image.get("height") or 0), int(image.get("width") or 0)
            listed.setdefault(image["id"], []).append((str(image["file_name"]), sides))
        boxes = []
        for annotation in content["annotations"]:
            x, y, width, height = map(float, annotation["bbox"])
            of_image = listed.get(annotation["image_id"], [])
            boxes.append((annotation["image_id"], of_image, (x, y, width, height)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = f"no annotations of COCO ({type(error).__name__}: {error})"
        raise DataError(
            found, where=str(path), allowed="images, and annotations with bbox"
        ) from None
    for number, (image_id, of_image, box) in enumerate(boxes, 1):
        with named(f"{path}, annotation {number}"):
            if len(of_image) != 1:  # merged files may have an id twice
                raise DataError(
                    f"a box of image {image_id}, an id of {len(of_image)} images",
                    allowed="an id for each image, and boxes of these",
                )
            [(name, sides)] = of_image
            file = images.find(name)
            if all(sides) and images.shape(file)[:2] != sides:
                raise DataError(
                    f"a box of `{name}` with {_sides(sides)} pixels, which has "
                    f"{_sides(images.shape(file)[:2])} here",
                    allowed="boxes in the pixels of the image as it is",
                    remedy="scale the boxes as the image was scaled",
                )
            yield file, of_box(*box)


def _sides(sides: Iterable[int]) -> str:
    return " × ".join(map(str, sides))


def _yolo(folder: Path, images: Images) -> Iterator[tuple[str, Lesion]]:
    for path in sorted(folder.rglob("*.txt")):
        text = read_file(path, str(path)).decode("utf-8", errors="replace")
        with named(str(path)):
            file = images.find(path.relative_to(folder).with_suffix("").as_posix())
        for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
            with named(f"{path}, line {number}"):
                yield file, _of_yolo(line.split(), images.shape(file))


def _of_yolo(words: Sequence[str], shape: tuple[int, ...]) -> Lesion:
    """Return the lesion of a line: more than six words are a polygon, or key points."""
    height, width = shape[:2]
    try:
        x, y, across, down = map(float, words[1:5] if len(words) == 6 else words[1:])
    except ValueError:
        allowed = "class, centre x and y, width and height as shares of the image; no polygons"
        raise DataError("no box of YOLO", allowed=allowed) from None
    corner = (x - across / 2) * width, (y - down / 2) * height
    return of_box(*corner, across * width, down * height)
