"""Files in which other programs keep lesions: boxes, circles, outlines and points of images.

A CSV with a row a lesion, COCO, YOLO, Pascal VOC, LabelMe and 3D Slicer are told by what is in a
file. A box or an outline becomes the circle of equal area. Files of VIA and CVAT are refused, with
the way to COCO that both programs have.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
import yaml
from numpy.typing import NDArray

from skiagram.datasets.folder.csv_rows import WHERE, CsvRow, of_table, parse_number, read_rows
from skiagram.datasets.folder.lesions import Lesion, of_box, parse_lesions
from skiagram.errors import DataError, named
from skiagram.readers.files import read_file

MarkUnit = Literal["pixels", "shares"]
_FILES = (
    *("file", "filename", "file_name", "image", "image_id", "imageid", "image_name", "path"),
    *("seriesuid", "patientid", "image index"),  # LUNA16's, RSNA's, the NIH's
)
_CLASSES = (
    *("class", "class_name", "category", "finding", "finding_label", "finding label"),
    *("finding_categories", "label"),
)
_CENTRES = (("x", "y", "z"), ("coordx", "coordy", "coordz"))  # the second in mm, LUNA16's
_RADII = {"radius": 1.0, "diameter": 0.5, "diameter_mm": 0.5}
_CORNERS = (
    ("x_min", "y_min", "x_max", "y_max"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
_SIZED = (
    ("x", "y", "width", "height"),
    ("x", "y", "w", "h"),
    ("bbox_x", "bbox_y", "bbox_width", "bbox_height"),
    ("bbox [x", "y", "w", "h]"),
)
_BESIDE_YOLO = re.compile(
    r"(?i)(predefined_)?classes|train|val|valid|test|notes|labels|readme.*|requirements"
)
_PROGRAMS = "CSV, COCO, YOLO, Pascal VOC, LabelMe, or markups of 3D Slicer"
_TO_COCO = {
    "VIA": "export them in VIA: Annotation > Export Annotations (COCO format)",
    "CVAT": "export them in CVAT: Export task dataset > COCO 1.0",
}


Shape = Callable[[], tuple[int, ...]]  # reads an image: asked for only where it is needed
MakeLesion = Callable[[Shape], Lesion]


@dataclass(frozen=True)
class Annotation:
    """What a file says of one lesion.

    Attributes:
        image: Name of its image, as the file has it.
        kind: Its class; empty where the file does not tell.
        where: Where the file says it.
        lesion: Makes the lesion of its image's shape.
        sides: Height and width of the image as it was drawn on; 0 where the file does not say.
    """

    image: str
    kind: str
    where: str
    lesion: MakeLesion
    sides: tuple[int, int] = (0, 0)


def _fixed(lesion: Lesion) -> MakeLesion:
    return lambda _: lesion


def read_annotations(path: Path, unit: MarkUnit, radius: float | None) -> Iterator[Annotation]:
    """Yield what a file of one of the programs, or a folder of such files, says of lesions.

    Args:
        unit: Whether the boxes of a CSV are in pixels, or in shares of an image's sides.
        radius: Of lesions that are given as points, mm in volumes, else pixels; None refuses them.
    """
    if not path.is_dir():
        yield from _read_file(path, unit, radius)
        return
    programs: dict[str, str] = {}
    names = _names_of_yolo(path)
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        kind = file.suffix.lower()
        if hidden or kind not in (".txt", ".xml", ".json", ".fcsv"):
            continue
        if kind == ".txt":
            if not _BESIDE_YOLO.fullmatch(file.stem):
                programs.setdefault(kind, file.name)
                text = read_file(file, str(file)).decode("utf-8", errors="replace")
                image = file.relative_to(path).with_suffix("").as_posix()
                image = re.sub(r"(^|/)labels/", r"\1", image)  # beside a folder `images`
                for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
                    words = line.split()
                    place = int(words[0]) if words[0].isdecimal() else -1
                    class_name = names[place] if 0 <= place < len(names) else words[0]
                    where = f"{file}, line {number}"
                    yield Annotation(image, class_name, where, partial(_of_yolo, words))
        elif kind != ".json" or file.name.lower() not in ("notes.json", "dataset.json"):
            programs.setdefault(kind, file.name)
            yield from _read_file(file, unit, radius)
    if len(programs) > 1:
        fault = f"files of several programs: {', '.join(programs.values())}"
        remedy = "leave those of one program in the folder"
        raise DataError(fault, where=str(path), allowed=_PROGRAMS, remedy=remedy)


def _read_file(path: Path, unit: MarkUnit, radius: float | None) -> Iterator[Annotation]:
    kind = path.suffix.lower()
    if kind == ".xml":
        yield from _pascal_voc(path)
    elif kind == ".fcsv":
        yield from _fiducials(path, radius)
    elif kind != ".json":
        yield from _csv(path, unit)
    else:
        try:
            content = json.loads(read_file(path, str(path)))
        except (ValueError, RecursionError) as error:
            raise _unreadable(path, error) from None
        if not isinstance(content, dict):
            raise _unreadable(path, f"a {type(content).__name__}")
        # VIA's own form is told by the file of an image beside its regions
        images = [image for image in content.values() if isinstance(image, dict)]
        is_via = any({"filename", "regions"} <= image.keys() for image in images)
        if "annotations" in content and "images" in content:
            yield from _coco(content, path)
        elif "shapes" in content:
            yield from _labelme(content, path, radius)
        elif "markups" in content:
            yield from _markups(content, path, radius)
        elif "_via_img_metadata" in content or is_via:
            raise _to_convert(path, "VIA")
        else:
            raise _unreadable(path, "other keys")


def _unreadable(path: Path, why: object) -> DataError:
    reason = f"{type(why).__name__}: {why}" if isinstance(why, Exception) else why
    return DataError(
        f"no lesions of a known program ({reason})", where=str(path), allowed=_PROGRAMS
    )


def _to_convert(path: Path, program: str) -> DataError:
    return DataError(
        f"lesions of {program}", where=str(path), allowed=_PROGRAMS, remedy=_TO_COCO[program]
    )


_FAULTS = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def _csv(path: Path, unit: MarkUnit) -> Iterator[Annotation]:
    where = str(path)
    with of_table(where):
        content = read_file(path, where)
        # names of files stay as they are written, so the header tells their columns beforehand
        header = content[: 2**16].decode("utf-8", errors="replace").split("\n")[0]
        words = (word.strip(' "\ufeff\r') for word in re.split(r"[,;\t]", header))
        rows = read_rows(content, files=[word for word in words if word.casefold() in _FILES])
    lower = {name.casefold(): name for name in rows[0].cells}
    if {"region_shape_attributes", "filename"} <= lower.keys():
        raise _to_convert(path, "VIA")
    name = next((lower[column] for column in _FILES if column in lower), None)
    kind = next((lower[column] for column in _CLASSES if column in lower), None)
    columns, make = _columns_of(lower)
    if name is None or not columns:
        raise DataError(
            f"columns {', '.join(rows[0].cells)}",
            where=where,
            allowed="`file` and `x`, `y`, (`z`,) `radius`; a box as `x_min`, `y_min`, `x_max`, "
            "`y_max`, or as `x`, `y` (of its corner), `width`, `height`; or LUNA16's",
        )
    boxed = make is _of_corners and unit == "pixels"
    drawn_on = [lower[side] for side in ("height", "width") if boxed and side in lower]
    for row in rows:
        with of_table(where), named(row.where):
            numbers = _numbers(row, columns)
            class_name = row.cells[kind] if kind else ""
            at = row.where.replace(WHERE, where)
            if numbers:
                lesion = partial(_of_numbers, numbers, make, unit)
                height, width = map(int, _numbers(row, drawn_on) if len(drawn_on) == 2 else (0, 0))
                yield Annotation(row.cells[name], class_name, at, lesion, (height, width))


def _columns_of(
    lower: Mapping[str, str],
) -> tuple[list[str], Callable[[Sequence[float]], Lesion]]:
    """Return the columns that say a lesion, and what makes one of their numbers."""
    for corners in _CORNERS:
        if set(corners) <= lower.keys():
            return [lower[name] for name in corners], _of_corners
    centre = next((names for names in _CENTRES if set(names[:2]) <= lower.keys()), ())
    world = centre == _CENTRES[1]
    sizes = [*_RADII] if world else [*_RADII][:2]  # mm are not pixels
    size = next((name for name in sizes if name in lower), None)
    if centre and size:
        columns = [lower[name] for name in (*centre, size) if name in lower]
        return columns, lambda at: _ball(at[:-1], _RADII[size] * at[-1], world=world)
    for sized in _SIZED:
        if set(sized) <= lower.keys():
            return [lower[name] for name in sized], _of_sides
    return [], _of_corners


def _numbers(row: CsvRow, columns: list[str]) -> list[float]:
    """Return the numbers of a row; none of an image without a lesion."""
    empty = {name for name in columns if row.cells[name].casefold() in ("", "nan", "na")}
    numbers = []
    for column in columns if len(empty) < len(columns) else ():
        if column in empty and column.casefold() == "z":
            continue
        try:
            numbers.append(parse_number(row.cells[column]))
        except ValueError:
            raise DataError(
                f"`{row.cells[column]}` in column `{column}`",
                allowed="numbers with a decimal point; empty cells of an image without a lesion",
                remedy="correct the cell",
            ) from None
    return numbers


def _of_numbers(
    numbers: Sequence[float],
    make: Callable[[Sequence[float]], Lesion],
    unit: MarkUnit,
    shape: Shape,
) -> Lesion:
    if unit == "pixels":
        return make(numbers)
    if len(numbers) != 4:
        raise DataError("circles in shares of an image's sides", allowed="boxes, or pixels")
    height, width = shape()[:2]
    return make([each * side for each, side in zip(numbers, (width, height) * 2, strict=True)])


def _of_corners(at: Sequence[float]) -> Lesion:
    left, top, right, bottom = at
    return of_box(left, top, right - left, bottom - top)


def _of_sides(at: Sequence[float]) -> Lesion:
    x, y, width, height = at
    return of_box(x, y, width, height)


def _ball(centre: Sequence[float], radius: float, *, world: bool = False) -> Lesion:
    [checked] = parse_lesions(Lesion(tuple(centre), radius, world).text())
    return checked


def _coco(content: Mapping[str, Any], path: Path) -> Iterator[Annotation]:
    with _said_by(path):
        kinds = {each["id"]: str(each["name"]) for each in content.get("categories") or ()}
        listed: dict[object, list[tuple[str, tuple[int, int]]]] = {}
        for image in content["images"]:
            sides = int(image.get("height") or 0), int(image.get("width") or 0)
            listed.setdefault(image["id"], []).append((str(image["file_name"]), sides))
        boxes = []
        for annotation in content["annotations"]:
            x, y, width, height = map(float, annotation["bbox"])
            kind = annotation.get("category_id")
            boxes.append((annotation["image_id"], kind, (x, y, width, height)))
    for number, (image_id, kind, box) in enumerate(boxes, 1):
        where, matches = f"{path}, annotation {number}", listed.get(image_id, [])
        if len(matches) != 1:  # merged files may have an id twice
            raise DataError(
                f"a box of image {image_id}, an id of {len(matches)} images",
                where=where,
                allowed="an id for each image, and boxes of these",
            )
        [(name, sides)] = matches
        class_name = kinds.get(kind, "" if kind is None or not kinds else str(kind))
        yield Annotation(
            name, class_name, where, partial(_of_numbers, box, _of_sides, "pixels"), sides
        )


@contextmanager
def _said_by(path: Path) -> Iterator[None]:
    """Turn what a file of another form breaks into one line."""
    try:
        yield
    except _FAULTS as error:
        raise _unreadable(path, error) from None


def _of_yolo(words: Sequence[str], shape: Shape) -> Lesion:
    """Return the lesion of a line: more than six words are a polygon, or key points."""
    try:
        x, y, across, down = map(float, words[1:5] if len(words) == 6 else words[1:])
    except ValueError:
        allowed = "class, centre x and y, width and height as shares of the image; no polygons"
        raise DataError("no box of YOLO", allowed=allowed) from None
    height, width = shape()[:2]
    corner = (x - across / 2) * width, (y - down / 2) * height
    return of_box(*corner, across * width, down * height)


def _names_of_yolo(folder: Path) -> list[str]:
    """Return the names of YOLO's classes, by their numbers; none where no file says them."""
    for name in ("classes.txt", "obj.names", "predefined_classes.txt"):
        for path in (folder / name, folder.parent / name):
            if path.is_file():
                text = read_file(path, str(path)).decode("utf-8", errors="replace")
                return [line.strip() for line in text.splitlines() if line.strip()]
    for path in (folder / "data.yaml", folder.parent / "data.yaml"):
        if path.is_file():
            try:
                names = yaml.safe_load(read_file(path, str(path)))["names"]
                listed = [names[at] for at in sorted(names)] if isinstance(names, dict) else names
                return [str(name) for name in listed]
            except (yaml.YAMLError, *_FAULTS) as error:
                raise _unreadable(path, error) from None
    return []


def _pascal_voc(path: Path) -> Iterator[Annotation]:
    content = read_file(path, str(path))
    if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE):  # which may grow without end
        raise _unreadable(path, "a document type")
    try:
        tree = ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError as error:
        raise _unreadable(path, error) from None
    if tree.tag == "annotations" and tree.find("image") is not None:
        raise _to_convert(path, "CVAT")
    if tree.tag != "annotation":
        raise _unreadable(path, f"<{tree.tag}>")
    with _said_by(path):
        sides = [int(tree.findtext(f"size/{side}") or 0) for side in ("height", "width")]
        name = tree.findtext("filename") or path.stem
        _check_name(name, path)
        boxes = []
        for item in tree.iter("object"):
            texts = [item.findtext(f"bndbox/{corner}") for corner in _CORNERS[1]]
            boxes.append((item.findtext("name") or "", [float(text or "") for text in texts]))
    for number, (kind, box) in enumerate(boxes, 1):
        make = partial(_of_numbers, box, _of_corners, "pixels")
        yield Annotation(name, kind, f"{path}, object {number}", make, (sides[0], sides[1]))


def _check_name(name: str, path: Path) -> None:
    """Refuse a file that names another image than its own name does, as copied ones do."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    if stem != path.stem:
        raise DataError(
            f"lesions of `{name}` by the content, of `{path.stem}` by the name of the file",
            where=str(path),
            allowed="one image",
            remedy="correct the name of the image in the file, or that of the file",
        )


def _labelme(content: Mapping[str, Any], path: Path, radius: float | None) -> Iterator[Annotation]:
    with _said_by(path):
        sides = int(content.get("imageHeight") or 0), int(content.get("imageWidth") or 0)
        name = str(content.get("imagePath") or path.stem)
        _check_name(name, path)
        for number, shape in enumerate(content["shapes"], 1):
            where, kind = f"{path}, shape {number}", str(shape["label"])
            points = np.array(shape["points"], dtype=np.float64).reshape(-1, 2)
            form = str(shape.get("shape_type") or "polygon")
            with named(where):
                lesion = _of_points(form, points, radius)
            yield Annotation(
                PurePosixPath(name.replace("\\", "/")).name,
                kind,
                where,
                _fixed(lesion),
                sides,
            )


def _of_points(form: str, points: NDArray[np.float64], radius: float | None) -> Lesion:
    """Return the lesion of a shape, whose points count from the corner of the first pixel."""
    if form == "rectangle" and len(points) == 2:
        return _of_corners([*points.min(axis=0).tolist(), *points.max(axis=0).tolist()])
    if form == "circle" and len(points) == 2:
        return _ball((points[0] - 0.5).tolist(), float(np.hypot(*(points[1] - points[0]))))
    if form == "polygon" and len(points) > 2:
        # the circle of a polygon's area around its centre of gravity
        x, y = (points - points[0]).T  # near 0, or products lose digits
        ends = np.roll(x, -1), np.roll(y, -1)
        cross = x * ends[1] - ends[0] * y
        area = float(cross.sum()) / 2
        if not (math.isfinite(area) and area):
            raise DataError("an outline without an area", allowed="three corners or more, apart")
        centre = [
            float(((at + end) * cross).sum()) / (6 * area)
            for at, end in zip((x, y), ends, strict=True)
        ]
        place = points[0] + centre - 0.5
        return _ball(place.tolist(), math.sqrt(abs(area) / math.pi))
    if form == "point" and len(points) == 1:
        return _ball((points[0] - 0.5).tolist(), _given(radius))
    raise DataError(
        f"a shape `{form}` of {len(points)} points",
        allowed="boxes, circles, polygons, points with a radius",
        remedy="draw it as one of these",
    )


def _given(radius: float | None) -> float:
    if radius is None:
        raise DataError(
            "a point, which has no size",
            allowed="lesions with a radius",
            remedy="say the radius of all points with `--mark-radius` (pixels; of volumes mm)",
        )
    return radius


def _markups(content: Mapping[str, Any], path: Path, radius: float | None) -> Iterator[Annotation]:
    """Yield what 3D Slicer drew: points, lines across a lesion, boxes; of the image `NAME`.

    The name of the file before its first `.mrk` is that of the image.
    """
    name = path.name.partition(".mrk")[0].removesuffix(".json")
    with _said_by(path):
        for number, markup in enumerate(content["markups"], 1):
            where, form = f"{path}, markup {number}", str(markup["type"])
            units = markup.get("coordinateUnits") or "mm"
            if "mm" not in (units if isinstance(units, list) else [units]):
                fault = f"coordinates in `{units}`"
                raise DataError(fault, where=where, allowed="mm", remedy="save the markups in mm")
            to_lps = _to_lps(str(markup.get("coordinateSystem") or "LPS"))
            points = [
                np.array(point["position"], dtype=np.float64) * to_lps
                for point in markup.get("controlPoints") or ()
                if point.get("positionStatus") in (None, "defined")  # else it was not yet placed
            ]
            with named(where):
                if form == "Fiducial":
                    lesions = [_ball(at.tolist(), _given(radius), world=True) for at in points]
                elif form == "Line" and len(points) == 2:
                    across = float(np.linalg.norm(points[1] - points[0]))
                    lesions = [_ball(np.mean(points, axis=0).tolist(), across / 2, world=True)]
                elif form == "ROI":
                    sides = [float(side) for side in markup["size"]]
                    centre = np.array(markup["center"], dtype=np.float64) * to_lps
                    ball = (3 * math.prod(sides) / (4 * math.pi)) ** (1 / 3)
                    lesions = [_ball(centre.tolist(), ball, world=True)]
                else:
                    fault = f"a markup `{form}` of {len(points)} points"
                    raise DataError(fault, allowed="points, lines across a lesion, boxes (ROI)")
            for lesion in lesions:
                yield Annotation(name, "", where, _fixed(lesion))


def _fiducials(path: Path, radius: float | None) -> Iterator[Annotation]:
    """Yield the points of 3D Slicer's former table; its coordinates are RAS unless it says LPS."""
    lines = read_file(path, str(path)).decode("utf-8", errors="replace").splitlines()
    system, columns = "RAS", ["id", "x", "y", "z"]
    for number, line in enumerate(lines, 1):
        key, _, value = line.lstrip("# ").partition("=")
        if line.startswith("#"):
            system = value.strip() if key.strip() == "CoordinateSystem" else system
            columns = value.strip().split(",") if key.strip() == "columns" else columns
        elif line.strip():
            where = f"{path}, line {number}"
            with _said_by(path):
                cells = dict(zip(columns, line.split(","), strict=False))
                at = np.array([float(cells[axis]) for axis in "xyz"]) * _to_lps(system)
            with named(where):
                lesion = _ball(at.tolist(), _given(radius), world=True)
            yield Annotation(path.stem, "", where, _fixed(lesion))


def _to_lps(system: str) -> NDArray[np.float64]:
    """Return by what coordinates become DICOM's; Slicer wrote RAS as 0 and LPS as 1 before."""
    signs = {"LPS": 1, "1": 1, "RAS": -1, "0": -1}
    if system not in signs:
        raise DataError(f"coordinates in `{system}`", allowed="LPS, RAS")
    return np.array([signs[system], signs[system], 1.0])
