"""What the commands that read files, tables and their columns ask alike; `FileOptions` holds it."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiagram.datasets.folder.roles import NO_COLUMN, ROLES, option_of
from skiagram.errors import OptionError

if TYPE_CHECKING:
    from skiagram.intake.file_options import FileOptions

USUAL = (  # what `--help` of the commands that read a folder shows
    *("--positive", "--label", "--patient", "--site", "--split", "--covariates", "--masks"),
    *("--pattern", "--time", "--event", "--number", "--grade", "--findings", "--name"),
)


def require_new(path: Path, where: str) -> None:
    """Refuse to replace a file."""
    if path.exists():
        raise OptionError(f"{path} exists", where=where, remedy="name another, or remove it")


def add_mask_grid(parser: argparse._ActionsContainer) -> None:
    """Declare what becomes of a mask that lies on a grid of its own."""
    parser.add_argument(
        "--mask-grid",
        choices=("same", "resample"),
        default="same",
        help="a mask on other voxels than its image's: refuse it, or resample it (default: same)",
    )


def add_masks(parser: argparse._ActionsContainer) -> None:
    """Declare what becomes of files that are masks by their names."""
    parser.add_argument(
        "--masks",
        choices=("regions", "leave-out", "images"),
        help="files that are masks of others by their names, such as `a_mask.png` of `a.png`: the "
        "images' regions, left out, or images after all (default: refuse)",
    )


def add_unstated_spacing(parser: argparse._ActionsContainer) -> None:
    """Declare the distance of pixels where files say none."""
    text = "distance of slices, rows and columns in mm, of images whose file says none"
    parser.add_argument("--unstated-spacing", type=float, nargs="+", metavar="MM", help=text)


def add_similar_patients(parser: argparse._ActionsContainer) -> None:
    """Declare what becomes of ids of patients that differ in spelling alone."""
    parser.add_argument(
        "--similar-patients",
        choices=("refuse", "same", "apart"),
        default="refuse",
        help="ids of patients that differ in case, zeros, blanks or hyphens alone are refused, the "
        "same patient, or different ones (default: refuse)",
    )


def add_unmatched(parser: argparse._ActionsContainer) -> None:
    """Declare what becomes of patients and images that only one side has."""
    parser.add_argument(
        "--unmatched",
        choices=("refuse", "leave-out"),
        default="refuse",
        help="patients or images that only one of two tables has, or the table and not the folder, "
        "are refused, or left out (default: refuse)",
    )


def add_missing(parser: argparse._ActionsContainer) -> None:
    """Declare which cells stand for an empty one."""
    text = "cells that stand for an empty one, for example `NA` or -9999, which is also -9999.0"
    parser.add_argument("--missing", nargs="+", default=[], metavar="CELL", help=text)


def add_name_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare how names of files are read."""
    add = parser.add_argument
    add(
        "--pattern",
        nargs="+",
        help="names relative to FOLDER, with {patient} and, where there are some, {modality}, "
        "{region}, {kind}, {label} and {split}; {any} stands for parts without a meaning",
    )
    add_cut(parser)
    add("--image-kind", default="image", help="{kind} of images (default: image)")
    add("--mask-kind", default="mask", help="{kind} of masks (default: mask)")
    add_frames(parser)
    add(
        "--mark-class",
        nargs="+",
        default=(),
        metavar="CLASS",
        help="classes of lesions in --marks that count, COLUMN=CLASS for those of a further "
        "column; `all` for every one",
    )
    add(
        "--similar-marks",
        choices=("join", "apart"),
        help="lesions of --marks that nearly coincide, as of several readers: one, or several",
    )
    add(
        "--mark-unit",
        choices=("pixels", "shares"),
        default="pixels",
        help="unit of boxes in a CSV of --marks: pixels, or shares of the image's sides",
    )
    add(
        "--mask-pattern",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="names of masks that --pattern does not tell by {kind}; a mask is that of all images "
        "whose {modality} or {region} it does not tell",
    )


def add_cut(parser: argparse._ActionsContainer) -> None:
    """Declare where a name is cut that fits a pattern in several ways."""
    text = "where a name fits --pattern in several ways: each field ends at the first place that "
    text += "fits, or at the last (default: refuse)"
    parser.add_argument("--cut", choices=("first", "last"), help=text)


def add_frames(parser: argparse._ActionsContainer) -> None:
    """Declare what the frames of a file are."""
    parser.add_argument(
        "--frames",
        choices=("cases", "volume"),
        help="whether frames of a DICOM file, or pages of a TIFF, are a case each or one volume",
    )


def add_outcome_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what each kind of outcome asks; several may ask the same."""
    from skiagram.tasks.kinds import KINDS

    *kinds, last = (kind.kind for kind in KINDS)
    title = f"{', '.join(kinds)} or {last}, in place of classes"
    group = parser.add_argument_group(title)
    for option in {option.name: option for kind in KINDS for option in kind.options}.values():
        taken: dict[str, Any] = {"nargs": "+"} if option.several else {}
        taken |= {"type": option.type, "metavar": option.metavar}
        group.add_argument(option.flag, help=option.words, **taken)


def add_file_arguments(
    parser: argparse.ArgumentParser, *, cohort: bool = False, tables: bool = False
) -> None:
    """Declare the arguments.

    Args:
        cohort: Whether finished models score the folder: nothing is split, and no marks or scores
            of readers are read.
        tables: Whether a table of features may stand in place of the folder.
    """
    parser.set_defaults(cohort=cohort)
    folder = "folder of image files, or .tar.age"
    parser.add_argument("folder", metavar="FOLDER", type=Path, help=folder)
    table = "table with one row per file; none where each class has a folder (`yes/`, `no/`)"
    parser.add_argument("csv", metavar="CSV", type=Path, nargs="?", help=table)
    # what becomes of files, whatever a table says of them
    files = parser.add_argument_group("files")
    files.add_argument("--name", help="short name of the data set (default: name of the folder)")
    text = "ignore image files that have no row in the CSV"
    files.add_argument("--ignore-unlisted", action="store_true", help=text)
    add_unmatched(files)
    text = "rows times columns that an image may have (default: 67108864, as 8192 x 8192)"
    files.add_argument("--most-pixels", metavar="N", type=int, default=2**26, help=text)
    text = "turn colour images gray (luma of ITU-R BT.601), transparent pixels on black: all of "
    text += "them, or none, which refuses them among gray images (default: a few among gray images)"
    files.add_argument("--gray", nargs="?", const="all", choices=("all", "refuse"), help=text)
    add_unstated_spacing(files)
    if not cohort:
        text = "copies on both sides of the split, or of different patients: stop the run, leave "
        text += "all but one out (of those in the test set the test image stays), move the test "
        text += "copies into training, or make one patient of those who share an image (default: "
        text += "refuse)"
        files.add_argument("--copies", choices=("refuse", "drop", "move", "join"), help=text)
    # columns, and what is predicted
    _add_column_arguments(parser, cohort=cohort)
    task = parser.add_argument_group("task")
    text = "class names in label order; others are left out (default: all, sorted)"
    task.add_argument("--classes", nargs="+", default=[], help=text)
    if not cohort:
        text = "sites of the test set; the other sites are for training"
        task.add_argument("--test-sites", nargs="+", default=[], help=text)
        words = "the positive class, where there are two classes"
        task.add_argument("--positive", type=str.strip, help=words)  # of a shell's CRLF too
        text = "labels of test cases as `skiagram seal` encrypted them, none of them in the CSV"
        task.add_argument("--sealed-labels", metavar="FILE", type=Path, help=text)
    add_outcome_arguments(parser)
    if not cohort:
        text = (
            "the table is made as `skiagram table` does, and CSV has labels by patients or images; "
        )
        text += "--patient, --marks, --masks and --label-value are then those of `table`"
        add_name_arguments(parser.add_argument_group("names of files, with --pattern", text))
    if tables:
        _add_table_arguments(parser, cohort=cohort)


def _add_column_arguments(parser: argparse.ArgumentParser, *, cohort: bool) -> None:
    """Declare an option for each role of a column, and what becomes of cells and masks."""
    columns = parser.add_argument_group("columns of the CSV, by what they hold")
    regions = parser.add_argument_group("regions of interest")
    for name, role in ROLES.items():
        if cohort and not role.of_cohort:
            continue
        taken: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "COLUMN"}
        text = f"{role.words} (default: none)"
        if role.usual:
            taken = {}
            text = f"{role.words} (default: {', else '.join(role.usual)}; `{NO_COLUMN}` for none)"
        group = regions if role.in_regions else columns
        group.add_argument(f"--{option_of(name)}", dest=name, help=text, **taken)
    text = "rows without a label: leave them out, or the class that they are of"
    columns.add_argument("--empty-label", metavar="leave-out|CLASS", help=text)
    text = "names of all columns, in order, of a table without a header"
    columns.add_argument("--columns", nargs="+", metavar="COLUMN", help=text)
    add_missing(columns)
    add_similar_patients(columns)
    text = "which modalities to read; several are several images per case"
    regions.add_argument("--images", nargs="+", default=[], metavar="MODALITY", help=text)
    add_masks(regions)
    add_mask_grid(regions)


def _add_table_arguments(parser: argparse.ArgumentParser, *, cohort: bool) -> None:
    """Declare what is asked of tables of features, and how they are joined."""
    group = parser.add_argument_group("table of features, in place of FOLDER")
    join = "further tables, joined by patients too, such as one of clinical columns"
    group.add_argument("--join", nargs="+", default=[], type=Path, metavar="CSV", help=join)
    several = "several rows of a patient, such as lesions: each row a case, or one case of them "
    several += "all (default: one case where they have one outcome that is no class)"
    group.add_argument("--per-patient", choices=("rows", "combined"), help=several)
    if cohort:
        return
    text = "columns of numbers that are no features; `'clinical_*'` names several (default: none)"
    group.add_argument("--not-features", nargs="+", default=[], metavar="COLUMN", help=text)
    text = "columns that are features although they look like a number of the row, an outcome or a "
    text += "copy of the label"
    group.add_argument("--force-features", nargs="+", default=[], metavar="COLUMN", help=text)


def read_file_options(arguments: argparse.Namespace) -> "FileOptions":
    """Read what the arguments of `add_file_arguments` say; others play no part.

    Raises:
        OptionError: The table stands before the folder.
    """
    from dataclasses import fields

    from skiagram.intake.file_options import FileOptions
    from skiagram.tasks.kinds import KINDS

    # Folder and table in the wrong order are told apart by what they are.
    said = vars(arguments)
    folder, csv = said["folder"], said.get("csv")
    if csv is not None and csv.is_dir() and folder.is_file():
        raise OptionError(
            "a file, where the folder of images stands",
            where=str(folder),
            allowed="the folder first, then the table",
            remedy=f"write `{shlex.quote(str(csv))} {shlex.quote(str(folder))}`",
        )
    # What belongs to an outcome, and all other fields by their names.
    outcome = {
        option.name: said[option.name]
        for kind in KINDS
        for option in kind.options
        if option.name in said
    }
    taken = {field.name: said[field.name] for field in fields(FileOptions) if field.name in said}
    return FileOptions(**taken | {"outcome": outcome})
