"""Images and labels of a Python program become files and a table, as a folder of images has them.

No value is changed: arrays become TIFF.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import tifffile

from skiagram.arrays import as_array
from skiagram.compute.files import write_files
from skiagram.datasets.folder.roles import PATIENT
from skiagram.errors import named, refusal
from skiagram.readers.voxels import narrow
from skiagram.tables.frames import check_same_rows, csv_text

IMAGES, TABLE, FEATURES = "images", "images.csv", "features.csv"


def write_data_set(
    place: Path, images: Any, labels: Any, patients: Any = None, masks: Any = None
) -> tuple[Path, Path | None]:
    """Write images and their table, or a table of features.

    Images that are named by their paths stay where they are, and so does a whole folder.

    Args:
        place: A folder for all; what it holds of them already must be the same.
        images: As `skiagram.run` takes them, and so the others.

    Returns:
        The folder of the images and the table; or the table of features, and none.

    Raises:
        DataError: Images or labels that cannot be used, or the folder holds others.
        OptionError: Arrays are given beside a path.
    """
    # a folder, or a table of features, and a table, as the command takes them
    if _is_path(images):
        if patients is not None or masks is not None or not (labels is None or _is_path(labels)):
            raise refusal("intake.path_as_labels")
        return Path(images), None if labels is None else Path(labels)
    if isinstance(images, pd.DataFrame):
        number = len(images)
        check_same_rows({"images": images, "labels": labels, "patients": patients})
        columns, told = _list_columns(images, None, number), _list_columns(labels, patients, number)
        for name in columns.keys() & told:
            if columns[name] != told[name]:
                raise refusal("intake.given_twice", name=name)
        columns |= told
        _write_new({place / FEATURES: csv_text(columns).encode()})
        return place / FEATURES, None
    # where each image and its mask are, or will be
    listed = _list_images(images)
    number, contents = len(listed), dict[Path, bytes]()
    drawn = [] if masks is None else _list_images(masks)
    _require_number(len(drawn) or number, "masks", number)
    columns = _list_columns(labels, patients, number)
    if drawn and _is_path(listed[0]) != _is_path(drawn[0]):
        raise refusal("intake.masks_of_other_kind")
    if _is_path(listed[0]):
        paths = [Path(each).parent.resolve() / Path(each).name for each in (*listed, *drawn)]
        folder = Path(os.path.commonpath([path.parent for path in paths]))
    else:
        folder = place / IMAGES
        contents = _encode_images(folder, listed) | _encode_images(folder, drawn, "mask")
        paths = [*contents]
    # the table last: it stands for all of it
    names = [path.relative_to(folder).as_posix() for path in paths]
    files = {"file": names[:number]} | ({"mask": names[number:]} if drawn else {})
    _write_new(contents | {place / TABLE: csv_text(files | columns).encode()})
    return folder, place / TABLE


def _list_columns(labels: Any, patients: Any, number: int) -> dict[str, list[str]]:
    """Return name → the cells of labels, of all columns of a data frame, and of patients."""
    given: dict[str, Any] = {} if labels is None else {"label": labels}
    if isinstance(labels, pd.DataFrame):
        given = {str(name): labels[name] for name in labels}
    if patients is not None:
        given[PATIENT] = patients
    columns = {}
    for name, values in given.items():
        columns[name] = [*map(as_text, np.asarray(values, dtype=object).ravel())]
        _require_number(len(columns[name]), "patients" if name == PATIENT else "labels", number)
    return columns


def _require_number(found: int, where: str, number: int) -> None:
    if found != number:
        raise refusal("intake.other_length", where, found=found, number=number)


def _write_new(contents: Mapping[Path, bytes]) -> None:
    """Write files, all of them or none; those of the same call before stay as they are."""
    present = {path for path in contents if path.exists()}
    for path in present:
        if path.read_bytes() != contents[path]:
            raise refusal("intake.other_content", str(path.parent))
    for folder in {path.parent for path in contents}:
        folder.mkdir(parents=True, exist_ok=True)
    write_files({path: content for path, content in contents.items() if path not in present})


@contextmanager
def written_images(images: Any) -> Iterator[dict[str, Path]]:
    """Yield the file of each image by its name; those of arrays last as long as the block.

    Raises:
        DataError: An array is no image.
    """
    listed = _list_images(images)
    with TemporaryDirectory() as folder:
        if _is_path(listed[0]):
            yield {str(path): Path(path) for path in listed}
            return
        contents = _encode_images(Path(folder), listed)
        write_files(contents)
        yield {path.name: path for path in contents}


def _list_images(images: Any) -> Sequence[Any]:
    """Return arrays, or paths, one an image.

    Raises:
        OptionError: Neither was given, or both.
    """
    if _is_path(images) or not np.iterable(images):
        raise refusal("intake.no_arrays", images=images)
    listed = [*images]
    number = sum(map(_is_path, listed))
    if not listed or 0 < number < len(listed):
        raise refusal("intake.mixed_kinds", n_paths=number, n_images=len(listed))
    return listed


def _encode_images(folder: Path, arrays: Sequence[Any], called: str = "image") -> dict[Path, bytes]:
    """Return the file of each array in a folder, and its content.

    Raises:
        DataError: An array is no image.
    """
    contents = {}
    digits = len(str(len(arrays) - 1))
    for at, array in enumerate(arrays):
        where, values = f"{called}s[{at}]", as_array(array)
        is_colour = values.shape[2:] == (3,) and values.dtype == np.uint8
        if values.shape[2:] == (1,):
            values = values[..., 0]
        if (
            not (values.ndim == 2 or is_colour)
            or not values.size
            or values.dtype.kind not in "buif"
        ):
            raise refusal("intake.unusable_array", where, shape=values.shape, numbers=values.dtype)
        with named(where):
            values = narrow(values)
        file = BytesIO()
        photometric = "rgb" if is_colour else "minisblack"
        tifffile.imwrite(file, values, photometric=photometric, metadata=None, compression="zlib")
        contents[folder / f"{called}-{at:0{digits}}.tif"] = file.getvalue()
    return contents


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def as_text(value: Any) -> str:
    """Return a value as a table has it: whole numbers without a point, a missing one empty."""
    if pd.isna(value):
        return ""
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value) if is_whole else value)
