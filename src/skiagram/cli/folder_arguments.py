"""What `check` and `init` ask alike: a folder, its table, and which column holds what.

Parsed, they become the options of a data set.
"""

import argparse
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.errors import DataError, OptionError

if TYPE_CHECKING:
    from skiagram.datasets.folder.csv_rows import Row
    from skiagram.datasets.folder.source import Folder
    from skiagram.datasets.folder.table import Columns
    from skiagram.records import Design

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class FolderArguments:
    """What the arguments name.

    Attributes:
        rows: The table.
        source: The data set, as far as it is told; its manifest is not there yet.
        design: The design that the table allows: a sealed test set where one is told.
    """

    rows: "list[Row]"
    source: "Folder"
    design: "Design"


def add_mask_grid(parser: argparse._ActionsContainer) -> None:
    """Declare what becomes of a mask that lies on a grid of its own."""
    parser.add_argument(
        "--mask-grid",
        choices=("same", "resample"),
        default="same",
        help="a mask on other voxels than its image's: refuse it, or resample it (default: same)",
    )


def add_folder_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, help="folder of image files, or .tar.age"
    )
    parser.add_argument("csv", metavar="CSV", type=Path, help="table with one row per file")
    parser.add_argument("--name", help="short name of the data set (default: name of the folder)")
    columns = parser.add_argument_group("columns of the CSV")
    columns.add_argument(
        "--file", default="file", help="file name, relative to FOLDER (default: file)"
    )
    columns.add_argument("--label", default="label", help="class (default: label)")
    columns.add_argument(
        "--patient", help="patient (default: patient_id, else case_id, if present)"
    )
    columns.add_argument("--split", help="train, validation or test (default: split, if present)")
    columns.add_argument("--site", help="where the image was taken (default: site, if present)")
    columns.add_argument(
        "--visit",
        help="number or date of the patient's visit (default: visit, if present); only the order "
        "within the patient is kept",
    )
    columns.add_argument(
        "--covariates",
        nargs="+",
        default=[],
        help="columns to keep as covariates, for example `age,density` (default: none; other "
        "columns never leave the CSV)",
    )
    columns.add_argument(
        "--force-covariates",
        nargs="+",
        default=[],
        help="columns to keep although they look like identifiers, dates or free text; everything "
        "in them goes into data and models",
    )
    columns.add_argument(
        "--scores",
        nargs="+",
        default=[],
        help="scores of readers or devices to compare with (higher = rather the positive class)",
    )
    regions = parser.add_argument_group("regions of interest")
    regions.add_argument(
        "--mask", help="column of the file with the region's mask (default: mask, if present)"
    )
    regions.add_argument(
        "--region", help="column of the region's name in its file (default: region, if present)"
    )
    regions.add_argument(
        "--label-value",
        help="column of the value of the region's voxels (default: label_value, if present)",
    )
    regions.add_argument(
        "--frame",
        help="column of the number of a frame of a DICOM file, or of a page of a TIFF; `all` for a "
        "volume of them (default: frame, if present)",
    )
    regions.add_argument(
        "--modality", help="column of the kind of image (default: modality, if present)"
    )
    regions.add_argument(
        "--images",
        nargs="+",
        default=[],
        metavar="MODALITY",
        help="which of the modalities to read, where there are several; several are several images "
        "per case",
    )
    add_mask_grid(regions)
    task = parser.add_argument_group("task")
    task.add_argument(
        "--classes",
        nargs="+",
        help="class names in label order (default: those in the CSV, sorted)",
    )
    task.add_argument("--positive", help="the positive class, where there are two classes")
    task.add_argument(
        "--test-sites",
        nargs="+",
        default=[],
        help="sites of the test set; the other sites are for training",
    )
    task.add_argument(
        "--sealed-labels",
        metavar="FILE",
        type=Path,
        help="labels of the test cases as `skiagram seal` encrypted them; the CSV has none of them",
    )
    task.add_argument(
        "--ignore-unlisted",
        action="store_true",
        help="ignore image files that have no row in the CSV",
    )
    task.add_argument(
        "--most-pixels",
        metavar="N",
        type=int,
        default=2**26,
        help="rows times columns that an image may have (default: 67108864, as 8192 x 8192)",
    )


def read_folder_arguments(arguments: argparse.Namespace) -> FolderArguments:
    """Read the table that the user names, and what is told of it.

    Raises:
        DataError: Folder or table cannot be read, or a column is missing.
        OptionError: The name or a class cannot be used.
    """
    from skiagram.datasets.folder.visits import number_visits

    rows = _table(arguments)
    source = _source(arguments, rows)
    patient, visit = source.columns.patient, source.columns.visit
    if patient is not None and visit is not None:
        rows = number_visits(rows, patient, visit)
    sealed = source.columns.split or source.test_sites
    return FolderArguments(rows, source, "holdout" if sealed else "cv")


def _table(arguments: argparse.Namespace) -> "list[Row]":
    from skiagram.datasets.file_trees import ARCHIVE
    from skiagram.datasets.folder.csv_rows import read_rows
    from skiagram.datasets.image_files import read_file

    folder: Path = arguments.folder
    if not folder.is_dir() and not (folder.is_file() and folder.name.endswith(ARCHIVE)):
        raise DataError(
            "no such folder",
            where=str(folder),
            allowed=f"a folder, or an archive whose name ends with {ARCHIVE}",
            remedy="give the folder of the images",
        )
    if arguments.folder.resolve() == Path(arguments.folder.resolve().anchor):
        raise DataError(
            "the root of the file system",
            where=str(arguments.folder),
            allowed="a folder of images: every file in it is looked at",
            remedy="give the folder of the images",
        )
    return read_rows(read_file(arguments.csv, str(arguments.csv)))


def _source(arguments: argparse.Namespace, rows: "list[Row]") -> "Folder":
    from skiagram.datasets.folder.csv_rows import require_columns
    from skiagram.datasets.folder.source import Folder

    columns = _columns(arguments, rows)
    require_columns(rows, columns.used())
    labels = {row.cells[columns.label] for row in rows}
    classes = tuple(arguments.classes or sorted(labels - {""}))
    if arguments.positive is not None and arguments.positive not in classes:
        raise OptionError(
            f"`{arguments.positive}` was given", where="--positive", allowed=", ".join(classes)
        )
    if arguments.positive is not None and len(classes) != 2:
        raise OptionError(
            f"`{arguments.positive}` was given, and {len(classes)} classes: {', '.join(classes)}",
            where="--positive",
            allowed="a positive class where there are two",
            remedy="correct the labels, name two with --classes, or leave --positive out",
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
        # the manifest lists the chosen modalities; the files of others lie beside them
        most_pixels=_most_pixels(arguments.most_pixels),
        unlisted="ignore" if arguments.ignore_unlisted or arguments.images else "refuse",
        modalities=tuple(arguments.images),
        mask_grid=arguments.mask_grid,
        sealed_labels=None if arguments.sealed_labels is None else str(arguments.sealed_labels),
        licence="not stated",
        citation="none",
        source="own images",
        known_issues=(),
        waived_findings={},
    )


def _most_pixels(number: int) -> int:
    if number < 1:
        raise OptionError(f"{number} was given", where="--most-pixels", allowed="1 or more")
    return number


def _name(arguments: argparse.Namespace) -> str:
    from skiagram.datasets.file_trees import ARCHIVE

    stem = arguments.folder.resolve().name.removesuffix(ARCHIVE)
    name: str = arguments.name or re.sub(r"\W+", "_", stem.lower())
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"`{name}` was given",
            where="--name",
            allowed="lower-case letters, digits and _, starting with a letter",
        )
    return name


def _columns(arguments: argparse.Namespace, rows: "list[Row]") -> "Columns":
    from skiagram.datasets.folder.table import Columns

    header = rows[0].cells

    def first(chosen: str | None, *usual: str) -> str | None:
        return chosen or next((name for name in usual if name in header), None)

    named = {
        "file": str(arguments.file),
        "label": str(arguments.label),
        "patient": first(arguments.patient, "patient_id", "case_id"),
        "split": None if arguments.test_sites else first(arguments.split, "split"),
        "site": first(arguments.site, "site"),
        "mask": first(arguments.mask, "mask"),
        "modality": first(arguments.modality, "modality"),
        "region": first(arguments.region, "region"),
        "label_value": first(arguments.label_value, "label_value"),
        "frame": first(arguments.frame, "frame"),
        "visit": first(arguments.visit, "visit"),
    }
    scores = tuple(arguments.scores)
    forced = _listed(arguments.force_covariates, header)
    covariates = tuple(dict.fromkeys((*_listed(arguments.covariates, header), *forced)))
    return Columns(**named, covariates=covariates, scores=scores, forced_covariates=forced)  # type: ignore[arg-type]


def _listed(words: Iterable[str], header: Collection[str]) -> tuple[str, ...]:
    """Return the columns that some words name, separated by blanks or commas."""
    names: list[str] = []
    for word in words:
        names += [word] if word in header else [name.strip() for name in word.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))
