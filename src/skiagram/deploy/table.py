"""The table of predictions: a CSV file that is written whole or not at all."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from skiagram.deploy.prediction import Prediction
from skiagram.errors import OptionError
from skiagram.records import Task


def check_target(path: Path, films: Sequence[Path], *, replace: bool) -> None:
    """Refuse a place where the table could not or should not be written.

    Raises:
        OptionError: Its folder is missing or read-only, it is a folder or a film, or it exists.
    """
    if path.is_dir():
        raise OptionError("is a folder", where=str(path), allowed="the name of a file to write")
    if not path.parent.is_dir():
        raise OptionError("no such folder", where=str(path.parent), remedy="make it first")
    if not os.access(path.parent, os.W_OK):
        raise OptionError("no right to write here", where=str(path.parent))
    if path.exists() and any(film.exists() and film.samefile(path) for film in films):
        raise OptionError("is one of the films", where=str(path), remedy="name another file")
    if path.exists() and not replace:
        raise OptionError(
            "exists already", where=str(path), remedy="name another file, or give --force"
        )


def write_predictions(
    prediction: Prediction, task: Task, threshold: float | None, path: Path
) -> None:
    """Write a row a film: name as given, a probability a class, the decision.

    Args:
        prediction: Scored films.
        task: Classes, and which of them is positive.
        threshold: Least probability of the positive class that is called positive; None leaves
            the column `decision` out.
        path: File to write; an earlier one is replaced.
    """
    header = ["file", *(f"probability_{name}" for name in task.classes)]
    rows: list[list[object]] = [
        [str(file), *row.tolist()]
        for file, row in zip(prediction.files, prediction.rows, strict=True)
    ]
    if threshold is not None and task.positive is not None:
        header.append("decision")
        for row, values in zip(rows, prediction.rows, strict=True):
            row.append("positive" if values[task.positive] >= threshold else "negative")
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
