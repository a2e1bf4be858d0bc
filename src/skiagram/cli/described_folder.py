"""From the arguments of `check` and `init` to the options of a data set."""

import argparse
import re
from dataclasses import dataclass

from skiagram.datasets.folder.columns import harmless_columns
from skiagram.datasets.folder.listing import Columns
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.folder.table import Row, read_rows, require_columns
from skiagram.datasets.image_files import read_file
from skiagram.errors import DataError, OptionError
from skiagram.records import Design

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class DescribedFolder:
    """What the arguments name.

    Attributes:
        rows: The table.
        source: The data set, as far as it is told; its manifest is not there yet.
        design: The design that the table allows: a sealed test set where one is told.
    """

    rows: list[Row]
    source: Folder
    design: Design


def described_folder(arguments: argparse.Namespace) -> DescribedFolder:
    """Read the table that the user names, and what is told of it.

    Raises:
        DataError: Folder or table cannot be read, or a column is missing.
        OptionError: The name or a class cannot be used.
    """
    rows = _table(arguments)
    source = _source(arguments, rows)
    sealed = source.columns.split or source.test_sites
    return DescribedFolder(rows, source, "holdout" if sealed else "cv")


def _table(arguments: argparse.Namespace) -> list[Row]:
    if not arguments.folder.is_dir():
        raise DataError(
            "no such folder", where=str(arguments.folder), remedy="name the folder of the images"
        )
    return read_rows(read_file(arguments.csv, str(arguments.csv)))


def _source(arguments: argparse.Namespace, rows: list[Row]) -> Folder:
    columns = _columns(arguments, rows)
    require_columns(rows, columns.used())
    labels = {row.cells[columns.label] for row in rows}
    classes = tuple(arguments.classes or sorted(labels - {""}))
    if arguments.positive is not None and arguments.positive not in classes:
        raise OptionError(
            f"`{arguments.positive}` was given", where="--positive", allowed=", ".join(classes)
        )
    return Folder(
        name=_name(arguments),
        title=_name(arguments).replace("_", " "),
        modality="not stated",
        folder=str(arguments.folder),
        manifest="",
        manifest_sha256="",
        columns=columns,
        classes=classes,
        positive_class=arguments.positive if len(classes) == 2 else None,
        test_sites=tuple(arguments.test_sites),
        channels=1,
        unlisted="ignore" if arguments.ignore_unlisted else "refuse",
        licence="not stated",
        citation="none",
        source="a folder of one's own",
        known_issues=(),
        waived_findings={},
    )


def _name(arguments: argparse.Namespace) -> str:
    wished = arguments.name or re.sub(r"\W+", "_", arguments.folder.resolve().name.lower())
    if not _NAME.fullmatch(wished):
        raise OptionError(
            f"`{wished}` was given",
            where="--name",
            allowed="small letters, digits and _, a letter first",
        )
    return str(wished)


def _columns(arguments: argparse.Namespace, rows: list[Row]) -> Columns:
    there = rows[0].cells

    def first(given: str | None, *usual: str) -> str | None:
        return given or next((name for name in usual if name in there), None)

    named = {
        "file": str(arguments.file),
        "label": str(arguments.label),
        "patient": first(arguments.patient, "patient_id", "case_id"),
        "split": None if arguments.test_sites else first(arguments.split, "split"),
        "site": first(arguments.site, "site"),
    }
    scores = tuple(arguments.scores)
    taken = {*named.values(), "patient_id", "case_id", "split", *scores}
    covariates = arguments.covariates
    if covariates is None:
        covariates = harmless_columns(rows, [name for name in there if name not in taken])
    return Columns(**named, covariates=tuple(covariates), scores=scores)  # type: ignore[arg-type]
