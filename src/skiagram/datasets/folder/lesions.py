"""Lesions of an image as the cell of a table says them, and as other programs' files do.

A cell holds `x y radius` for each lesion of a plane image, `x y z radius` of a volume, separated by
semicolons; x counts columns, y rows and z slices, 0 is the centre of the first pixel. Where `mm`
follows the numbers, they are a place in the patient's coordinates (DICOM's, as ITK's and LUNA16's).
An empty cell has no lesion. A box, or a mask's connected part, becomes the circle or ball of equal
area or volume around its centre.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from skiagram.datasets.contract import Mark
from skiagram.datasets.folder.csv_rows import parse_number, read_rows
from skiagram.datasets.image_files import read_file
from skiagram.datasets.volumes.grid import Grid
from skiagram.errors import DataError
from skiagram.image_store.shards import Spacing

_NAMES = ("file", "filename", "file_name", "image", "seriesuid")
_CENTRES = (("x", "y", "z"), ("coordX", "coordY", "coordZ"))  # the second in mm, LUNA16's
_RADII = {"radius": 1.0, "diameter": 0.5, "diameter_mm": 0.5}
_BOX = ("x_min", "y_min", "x_max", "y_max")
ALLOWED = (  # in a cell
    "`x y radius` or `x y z radius`, radius > 0, `mm` behind numbers in the patient's coordinates; "
    "lesions separated by semicolons"
)


@dataclass(frozen=True)
class Lesion:
    """One lesion as a cell says it.

    Attributes:
        centre: x, y and, in volumes, z.
        radius: In the same unit.
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
        """Return it on an image; for mm, the grid of its volume is needed."""
        if not self.world:
            return Mark(self.centre[::-1], self.radius)
        if grid is None or len(self.centre) < 3:
            raise DataError(
                f"a lesion at `{self.text()}` on an image without the patient's coordinates",
                allowed="pixels; or mm in volumes: NIfTI, NRRD, MetaImage, series of DICOM",
                remedy="give `x y radius` in pixels",
            )
        place = grid.indices(np.array([self.centre]))[0]
        return Mark(
            tuple(place.tolist()), self.radius / math.sqrt(grid.spacing[1] * grid.spacing[2])
        )


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
    return lesions


def is_unreadable(cell: str) -> bool:
    """Return whether a cell does not say lesions."""
    try:
        parse_lesions(cell)
    except DataError:
        return True
    return False


def lesions_of_mask(inside: NDArray[np.bool_], spacing: Spacing | None) -> list[Lesion]:
    """Return a lesion for each connected part of a mask, (height, width) or of a volume."""
    parts, number = ndimage.label(inside, np.ones((3,) * inside.ndim))
    labels = np.arange(1, number + 1)
    centres = ndimage.center_of_mass(inside, parts, labels)
    sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:].astype(np.float64)
    if inside.ndim == 3:  # in pixels of a row, as ingest has it
        sides = np.array(spacing or (1.0, 1.0, 1.0))
        pixel = math.sqrt(sides[1] * sides[2])
        radii = (3 * sizes * sides.prod() / (4 * np.pi)) ** (1 / 3) / pixel
    else:
        radii = np.sqrt(sizes / np.pi)
    return [
        Lesion(tuple(float(place) for place in centre[::-1]), float(radius))
        for centre, radius in zip(centres, radii.tolist(), strict=True)
    ]


def of_box(x: float, y: float, width: float, height: float) -> Lesion:
    """Return the circle for a box, in pixels whose first corner is 0 (as COCO's and YOLO's)."""
    if not (width > 0 and height > 0):
        raise DataError(f"a box of {width:g} × {height:g}", allowed="sides > 0")
    radius = math.sqrt(width * height / math.pi)
    return Lesion((x + width / 2 - 0.5, y + height / 2 - 0.5), radius)


def read_lesions(path: Path, shape: Callable[[str], tuple[int, ...]]) -> dict[str, list[Lesion]]:
    """Return image, as a file of lesions names it → its lesions.

    Args:
        path: A CSV with a row a lesion, COCO's JSON, or a folder of YOLO's text files.
        shape: Returns height and width of an image by the name that it has there.

    Raises:
        DataError: It cannot be read; the message names file and line.
    """
    if path.is_dir():
        return {text.stem: _yolo(text, shape) for text in sorted(path.glob("*.txt"))}
    if path.suffix.lower() == ".json":
        return _coco(path)
    return _csv(path)


def _csv(path: Path) -> dict[str, list[Lesion]]:
    rows = read_rows(read_file(path, str(path)), files=_NAMES)
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
    lesions: dict[str, list[Lesion]] = {}
    for row in rows:
        try:
            if boxed:
                left, top, right, bottom = (parse_number(row.cells[column]) for column in _BOX)
                lesion = of_box(left, top, right - left, bottom - top)
            else:
                named = [*(centre or ())[:2], *filter(row.cells.get, (centre or ())[2:])]
                places = tuple(parse_number(row.cells[column]) for column in named)
                half = _RADII[radius or ""] * parse_number(row.cells[radius or ""])
                [lesion] = parse_lesions(Lesion(places, half, centre == _CENTRES[1]).text())
        except (ValueError, DataError) as error:
            found = error.found if isinstance(error, DataError) else "a cell that is no number"
            where = f"{path}, line {row.line}"
            raise DataError(found, where=where, allowed="numbers, sizes > 0") from None
        lesions.setdefault(row.cells[name], []).append(lesion)
    return lesions


def _coco(path: Path) -> dict[str, list[Lesion]]:
    try:
        content = json.loads(read_file(path, str(path)))
        names: dict[object, list[str]] = {}
        for image in content["images"]:
            names.setdefault(image["id"], []).append(str(image["file_name"]))
        lesions: dict[str, list[Lesion]] = {}
        for annotation in content["annotations"]:
            lesion = of_box(*map(float, annotation["bbox"]))
            [name] = names[annotation["image_id"]]  # merged files may have an id twice
            lesions.setdefault(name, []).append(lesion)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        found = f"no annotations of COCO ({type(error).__name__}: {error})"
        raise DataError(
            found, where=str(path), allowed="images, and annotations with bbox"
        ) from None
    return lesions


def _yolo(path: Path, shape: Callable[[str], tuple[int, ...]]) -> list[Lesion]:
    lesions = []
    text = read_file(path, str(path)).decode("utf-8", errors="replace")
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        height, width = shape(path.stem)[:2]
        try:
            words = line.split()  # more than six are a polygon, or key points
            x, y, across, down = map(float, words[1:5] if len(words) == 6 else words[1:])
        except ValueError:
            allowed = "class, centre x and y, width and height as shares of the image; no polygons"
            raise DataError(
                "no box of YOLO", where=f"{path}, line {number}", allowed=allowed
            ) from None
        corner = (x - across / 2) * width, (y - down / 2) * height
        lesions.append(of_box(*corner, across * width, down * height))
    return lesions


def match_names(
    lesions: Mapping[str, list[Lesion]], files: Iterable[str], where: str
) -> dict[str, list[Lesion]]:
    """Return file → its lesions: names are whole, without folders, or without ending besides.

    Raises:
        DataError: A lesion is of a file that is not there, or of one of several; names it.
    """
    known: dict[str, set[str]] = {}
    for file in files:
        path = PurePosixPath(file)
        stem = path.name.removesuffix(
            "".join(path.suffixes[-2:]) if ".gz" in path.suffixes else path.suffix
        )
        for name in {file, path.name, stem}:
            known.setdefault(name, set()).add(file)
    found: dict[str, list[Lesion]] = {}
    for name, own in lesions.items():
        meant = (
            known.get(PurePosixPath(name).as_posix())
            or known.get(PurePosixPath(name).name)
            or set()
        )
        if len(meant) != 1:
            raise DataError(
                f"lesions of `{name}`, which "
                + ("names several files" if meant else "is no file here"),
                where=where,
                allowed="names of the images, as the patterns find them",
                remedy="correct the name, or remove its lesions",
            )
        found.setdefault(next(iter(meant)), []).extend(own)
    return found
