"""Lesions of a CSV or of COCO's JSON, each counted once, of the classes that are meant.

`marks.yaml` says what columns hold a place: a CSV has them, and an annotation of COCO becomes such
a row. A box becomes the circle of equal area. Files of other programs are refused. Classes are
never mixed, and what several readers drew is never counted twice: both are refused until somebody
says what is meant.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from skiagram.datasets.folder.columns import require_cells
from skiagram.datasets.folder.lesions import Lesion, check_each_once, of_box
from skiagram.datasets.folder.roles import Check
from skiagram.declared import read_declared
from skiagram.errors import named, refusal
from skiagram.intake.file_names import FileNames
from skiagram.intake.file_options import FileOptions
from skiagram.readers.files import read_file
from skiagram.tables.cells import number_of, says_nothing_found, stands_for_missing
from skiagram.tables.frames import of_table, read_table, rows_of

ALL = "all"  # classes
_ALIKE = 0.5  # share of their common area from which two lesions may be one
_PIXEL = math.sqrt(1 / math.pi)  # radius of the circle of a pixel
_DECLARED = read_declared("skiagram.intake", "marks.yaml")
_LIKE_CLASSES = re.compile(r"(?i)class|categor|label|finding|diagnos|kind|type")
_MOST_CLASSES = 50  # values of a column that may be one of classes
_OF_COCO = ("id", "image_id", "bbox", "area", "segmentation")  # say no more than the box
_CORNERS = ("x_min", "y_min", "x_max", "y_max")
_NUMBER = Check("intake.no_coordinate", lambda cell: number_of(cell) is not None)
_OF_PLANE = _NUMBER._replace(is_right=lambda cell: not cell or number_of(cell) is not None)


def _of_radius(*at: float, share: float = 1.0, world: bool = False) -> Lesion:
    """Return a circle or ball; the last number times a share is its radius."""
    *centre, size = at
    if not (np.isfinite(at).all() and size > 0):
        raise refusal("intake.lesion_without_size", size=size)
    return Lesion(tuple(centre), share * size, world)


_LESION_OF: Mapping[str, Callable[..., Lesion]] = {  # what columns say → the lesion
    "corners": lambda left, top, right, bottom: of_box(left, top, right - left, bottom - top),
    "box": of_box,
    "radius": _of_radius,
    "diameter": partial(_of_radius, share=0.5),
    "mm": partial(_of_radius, share=0.5, world=True),
}


class _Columns(NamedTuple):
    """Which columns of a table of lesions say what.

    Attributes:
        place: Of the numbers of a lesion.
        say: What these say.
        sides: Of height and width of the image that a box was drawn on; or none.
        kind: Of the class; None where there is none.
    """

    file: str
    place: list[str]
    say: str
    sides: list[str]
    kind: str | None


def read_lesions(
    path: Path,
    files: FileNames,
    shape_of: Callable[[str], tuple[int, ...]],
    options: FileOptions,
) -> dict[str, list[Lesion]]:
    """Return image → its lesions.

    Args:
        files: The images.
        shape_of: Returns height and width of one, with what else its shape has.

    Raises:
        DataError: It cannot be read, a lesion is of an image that is not there, or there twice; it
            has several classes, or lesions that nearly coincide, and no choice says what is meant.
            The message names file and line.
    """
    table, word = _read_table(path)
    columns = _find_columns(path, table)
    # rows of an image without a lesion have no place, or a class such as `No finding`
    is_none = (
        table[columns.place].map(lambda cell: not cell or stands_for_missing(cell)).all(axis=1)
    )
    if columns.kind is not None:
        is_none |= table[columns.kind].map(says_nothing_found)
    marks = table[~is_none]
    where = [f"{path}, {word} {key}" for key in marks.index]
    checks = [
        (name, _OF_PLANE if name.casefold() == "z" else _NUMBER)
        for name in (*columns.place, *columns.sides)
    ]
    require_cells(marks, checks, where)
    # lesions of the classes that count, on their images
    lesions: dict[str, list[Lesion]] = {}
    for row in rows_of(_choose_classes(path, marks, columns, options.mark_class)):
        with named(f"{path}, {word} {row.key}"):
            name = row.cells[columns.file]
            file = files.find(name)
            if file is None:
                raise refusal("intake.lesions_of_no_image", name=name)
            # an image is opened only where its sides are told: it must be as it was drawn on
            sides = [row.number(side) for side in columns.sides]
            if sides and all(sides) and sides != [*shape_of(file)[:2]]:
                drawn, found = [f"{side:g}" for side in sides], shape_of(file)[:2]
                raise refusal("intake.lesions_of_other_size", image=name, drawn=drawn, found=found)
            numbers = [number_of(row.cells[at]) for at in columns.place]
            known = [number for number in numbers if number is not None]
            lesion = _LESION_OF[columns.say](*known)
            if not lesion.world and lesion.radius <= _PIXEL * (1 + 1e-9):
                raise refusal("intake.lesion_of_a_pixel", lesion=lesion.text())
            lesions.setdefault(file, []).append(lesion)
    # each once
    for file, image_lesions in lesions.items():
        with named(f"{path}, lesions of `{file}`"):
            check_each_once(image_lesions)
            for first, second in combinations(image_lesions, 2):
                if not options.similar_marks and _are_alike(first, second):
                    raise refusal("intake.lesions_alike", first=first.text(), second=second.text())
    return lesions


def _read_table(path: Path) -> tuple[pd.DataFrame, str]:
    """Return the rows of a CSV, or the annotations of COCO, and what one is called.

    Raises:
        DataError: It is a folder, or a file of another program, or cannot be read.
    """
    where = str(path)
    if path.is_dir() or path.suffix.lower() in (".xml", ".txt", ".fcsv"):
        raise refusal("intake.lesions_of_program", where)
    content = read_file(path, where)
    if path.suffix.lower() == ".json":
        return _read_coco(content, where), "annotation"
    with of_table(where):
        return read_table(content, ()), "line"


def _read_coco(content: bytes, where: str) -> pd.DataFrame:
    """Return a row for each annotation: its image and the image's sides, box, classes, and more."""
    rows: list[dict[str, str]] = []
    try:
        read = json.loads(content)
        images: dict[object, list[Mapping[str, object]]] = {}
        for image in read["images"]:
            images.setdefault(image["id"], []).append(image)
        categories = read.get("categories") or ()
        names = {category["id"]: str(category["name"]) for category in categories}
        for number, annotation in enumerate(read["annotations"], 1):
            cells = {key: str(value) for key, value in annotation.items() if key not in _OF_COCO}
            if annotation.get("category_id") in names:
                cells["category_id"] = names[annotation["category_id"]]
            x, y, width, height = map(float, annotation["bbox"])
            corners = zip(_CORNERS, (x, y, x + width, y + height), strict=True)
            cells |= {corner: repr(at) for corner, at in corners}
            matches = images.get(annotation["image_id"], [])
            if len(matches) != 1:  # merged files may have an id twice
                raise refusal(
                    "intake.ambiguous_image",
                    f"{where}, annotation {number}",
                    image=annotation["image_id"],
                    number=len(matches),
                )
            [image] = matches
            cells |= {side: str(image.get(side) or 0) for side in ("height", "width")}
            rows.append(cells | {"file_name": str(image["file_name"])})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise refusal("intake.no_coco", where, name=type(error).__name__, error=error) from None
    return pd.DataFrame(rows, range(1, len(rows) + 1)).fillna("")


def _find_columns(path: Path, table: pd.DataFrame) -> _Columns:
    """Return the columns of file, place and class, which are known by their names."""
    columns = {str(name).casefold(): str(name) for name in table.columns}
    file, kind = (
        next((columns[each] for each in _DECLARED[role] if each in columns), None)
        for role in ("files", "classes")
    )
    form = next(
        (each for each in _DECLARED["places"] if {*each["columns"]} <= columns.keys()), None
    )
    if file is None or form is None:
        fault = f"columns {', '.join(columns.values())}" if columns else "no lesion"
        raise refusal("intake.no_columns_of_lesions", str(path), found=fault)
    sides = [columns[side] for side in ("height", "width") if side in columns]
    drawn_on = sides if form["say"] == "corners" and len(sides) == 2 else []
    return _Columns(file, [columns[each] for each in form["columns"]], form["say"], drawn_on, kind)


def _choose_classes(
    path: Path, marks: pd.DataFrame, columns: _Columns, classes: Sequence[str]
) -> pd.DataFrame:
    """Return the lesions of the classes that count.

    Raises:
        DataError: Lesions have several classes, and nobody says which count; none has a class that
            is named; or another column looks like one of classes, too.
    """
    # lesions of the classes that are named
    kind = pd.Series("", marks.index) if columns.kind is None else marks[columns.kind]
    counts = Counter(kind.tolist())
    shown = ", ".join(f"`{name}` ({number})" for name, number in counts.most_common(20))
    where = f"{path}, column `{columns.kind}`" if columns.kind else str(path)
    for name in classes:
        if name not in counts and name != ALL:
            raise refusal("intake.no_lesion_of_class", where, label=name, classes=shown)
    if not classes and len(counts) > 1:
        first = counts.most_common(1)[0][0]
        raise refusal(
            "intake.lesions_of_classes", where, number=len(counts), classes=shown, first=first
        )
    if columns.kind and classes and ALL not in classes:
        marks = marks[kind.isin([*classes])]
    # other columns that tell lesions of a class apart
    known = {columns.file, *columns.place, *columns.sides, columns.kind}
    of_class = marks.groupby(kind.loc[marks.index])
    for column in (str(name) for name in marks.columns if name not in known):
        cells = {*marks[column]}
        is_like_class = _LIKE_CLASSES.search(column) and len(cells) <= _MOST_CLASSES
        if is_like_class and of_class[column].nunique().max() > 1:
            raise refusal(
                "intake.lesions_of_further_classes",
                f"{path}, column `{column}`",
                number=len(cells),
                classes=sorted(cells),
                column=column,
                first=min(cells),
            )
    return marks


def _are_alike(first: Lesion, second: Lesion) -> bool:
    """Return whether the common part of two lesions, as of squares or cubes, is half of both."""
    if first.world != second.world or len(first.centre) != len(second.centre):
        return False
    centres = np.array([first.centre, second.centre])
    radii = np.array([[first.radius], [second.radius]])
    sides = (centres + radii).min(axis=0) - (centres - radii).max(axis=0)
    common = np.clip(sides, 0, None).prod()
    sizes = ((2 * radii) ** len(first.centre)).sum()
    return bool(common >= _ALIKE * (sizes - common))
