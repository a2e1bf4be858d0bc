"""Images and labels of a Python program become files and a table, as a folder of images has them.

No value is changed: gray of 8 or 16 bits without a sign and colour become PNG, other gray TIFF.
"""

import filecmp
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from PIL import Image as Pillow

from skiagram.compute.files import write_files
from skiagram.datasets.folder.roles import PATIENT
from skiagram.errors import DataError, named, refusal
from skiagram.readers.voxels import narrow
from skiagram.tables.frames import csv_text

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
    # A folder, a table of features or a file of arrays, and a table, as the command takes them.
    if _is_path(images):
        if patients is not None or masks is not None or not (labels is None or _is_path(labels)):
            raise refusal("intake.path_as_labels")
        return Path(images), None if labels is None else Path(labels)
    if isinstance(images, pd.DataFrame):
        number = len(images)
        columns = _list_columns(images, None, number) | _list_columns(labels, patients, number)
        return _write_table(place / FEATURES, columns), None
    listed = {"file": _list_images(images)}
    if masks is not None:
        listed["mask"] = _list_images(masks)
    number = len(listed["file"])
    _require_number(len(listed.get("mask", listed["file"])), "masks", number)
    columns = _list_columns(labels, patients, number)
    # where each image and its mask are, or will be
    every = [each for files in listed.values() for each in files]
    paths = [Path(each).parent.resolve() / Path(each).name for each in every if _is_path(each)]
    if 0 < len(paths) < len(every):
        raise refusal("intake.masks_of_other_kind")
    if paths:
        folder = Path(os.path.commonpath([path.parent for path in paths]))
        names = [path.relative_to(folder).as_posix() for path in paths]
    else:
        folder = place / IMAGES
        names = _write_folder(folder, *listed.values())
    files = {kind: names[number * at : number * (at + 1)] for at, kind in enumerate(listed)}
    # the table last: it stands for all of it
    return folder, _write_table(place / TABLE, files | columns)


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


def _write_table(table: Path, columns: Mapping[str, Sequence[str]]) -> Path:
    """Write a table, or leave an equal one as it is."""
    content = csv_text(columns).encode()
    if table.exists() and table.read_bytes() != content:
        raise _holds_others(table)
    table.parent.mkdir(parents=True, exist_ok=True)
    write_files({table: content})
    return table


@contextmanager
def written_images(images: Any) -> Iterator[dict[str, Path]]:
    """Yield the file of each image by its name; those of arrays last as long as the block.

    Raises:
        DataError: An array is no image.
    """
    listed = _list_images(images)
    with TemporaryDirectory() as folder:
        if _is_path(listed[0]):
            files = {str(path): Path(path) for path in listed}
        else:
            names = _write_folder(Path(folder) / IMAGES, listed)
            files = {name: Path(folder) / IMAGES / name for name in names}
        yield files


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
        fault = f"{number} paths among {len(listed)} images" if listed else "no images"
        raise refusal("intake.mixed_kinds", found=fault)
    return listed


def encode_images(arrays: Sequence[Any], called: str = "image") -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of a file for each array.

    Raises:
        DataError: An array is no image.
    """
    digits = len(str(len(arrays) - 1))
    for at, array in enumerate(arrays):
        where, values = f"{called}s[{at}]", np.asarray(array)
        is_colour = values.ndim == 3 and values.shape[2] == 3
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[..., 0]
        is_image = values.ndim == 2 or (is_colour and values.dtype == np.uint8)
        if not is_image or not values.size or values.dtype.kind not in "buif":
            shape = " × ".join(map(str, values.shape)) or "no axis"
            fault = f"an array of {shape}, {values.dtype}"
            volume = "give volumes as files, for example NIfTI, by their paths"
            remedy = volume if values.ndim > 2 else ""
            raise refusal("intake.unusable_array", where, found=fault, remedy=remedy)
        with named(where):
            values = narrow(values)
        file, name = BytesIO(), f"{called}-{at:0{digits}}"
        if values.dtype in (np.uint8, np.uint16):
            Pillow.fromarray(values).save(file, "PNG")
            yield f"{name}.png", file.getvalue()
        else:
            tifffile.imwrite(file, values, photometric="minisblack", metadata=None)
            yield f"{name}.tif", file.getvalue()


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def as_text(value: Any) -> str:
    """Return a value as a table has it: whole numbers without a point, a missing one empty."""
    if pd.isna(value):
        return ""
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value) if is_whole else value)


def _write_folder(folder: Path, images: Sequence[Any], masks: Sequence[Any] = ()) -> list[str]:
    """Write a file for each array, all of them or none; return their names, masks last."""
    names = []
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        written = Path(place) / folder.name
        written.mkdir()
        for name, content in chain(encode_images(images), encode_images(masks, "mask")):
            (written / name).write_bytes(content)
            names.append(name)
        if not folder.exists():
            written.replace(folder)
            return names
        # the same call was made before
        _, *differing = filecmp.cmpfiles(written, folder, names, shallow=False)
        if any(differing) or len(names) != len([*folder.iterdir()]):
            raise _holds_others(folder)
    return names


def _holds_others(path: Path) -> DataError:
    return refusal("intake.other_content", str(path))
