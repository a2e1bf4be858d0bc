"""What the commands that read a folder and its table ask alike.

Parsed, the arguments become the options of a data set.
"""

import argparse
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skiagram.cli.named_files import add_name_arguments, compose_table
from skiagram.cli.outcome_arguments import (
    add_outcome_arguments,
    given_columns,
    list_predicted,
    settle_outcome,
)
from skiagram.datasets.folder.csv_rows import (
    FILE_COLUMNS,
    PATIENT_COLUMNS,
    list_columns,
    usual_column,
)
from skiagram.errors import DataError, OptionError, listed

if TYPE_CHECKING:
    from skiagram.datasets.folder.csv_rows import CsvRow
    from skiagram.datasets.folder.mask_names import MaskNames
    from skiagram.datasets.folder.source import Folder, Unlisted
    from skiagram.datasets.folder.survey import Settling
    from skiagram.datasets.folder.table import Columns
    from skiagram.datasets.volumes.case_images import CaseReading
    from skiagram.tasks.task import Design

_TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_ENDINGS = (".tar.age", ".npz", *_TABLES)  # of one file in place of a folder
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COLUMNS = {  # option → what the column holds, its usual names
    "patient": ("patient", *PATIENT_COLUMNS),
    "split": ("train, validation or test", "split"),
    "site": ("where the image was taken", "site"),
    "marks": ("places of lesions, `x y radius` in pixels, separated by semicolons", "marks"),
    "visit": ("number or date of the patient's visit, of which only the order is kept", "visit"),
}
# Arguments that have no say where nothing is trained, with their values.
_NOT_OF_A_COHORT: dict[str, list[str] | None] = {
    "split": None,
    "marks": None,
    "scores": [],
    "test_sites": [],
    "positive": None,
    "sealed_labels": None,
}
_REGION_COLUMNS = {
    "mask": ("column of the file with the region's mask", "mask"),
    "region": (
        "column of the region's name in its file; of a table of features COLUMN=NAME,… whose rows "
        "are read",
        "region",
    ),
    "label_value": ("column of the value of the region's voxels", "label_value"),
    "frame": (
        "column of the frame of a DICOM file, or page of a TIFF; `all` for a volume",
        "frame",
    ),
    "modality": ("column of the kind of image", "modality"),
}


class FolderArguments(NamedTuple):
    """What the arguments name; the manifest of the data set is not there yet."""

    rows: "list[CsvRow]"
    source: "Folder"
    design: "Design"
    notes: list[str]  # what was settled of names, rows and labels, a sentence each
    settling: "Settling"
    of_other_classes: int  # images or rows that --classes leaves out
    predicted: tuple[str, ...]  # columns of an outcome that is no class

    @property
    def left(self) -> list[str]:
        """The columns that stay behind."""
        used = {*self.source.columns.used(), *self.predicted}
        return [name for name in self.rows[0].cells if name not in used]


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


def reading_of(arguments: argparse.Namespace) -> "CaseReading":
    """Return what the arguments say of files that can be read in several ways."""
    from skiagram.datasets.volumes.case_images import CaseReading

    mm = arguments.unstated_spacing
    if mm is not None and not (len(mm) in (2, 3) and all(0 < each <= 1000 for each in mm)):
        fault, allowed = (
            f"{mm} was given",
            "slices, rows and columns, or the last two: above 0 mm",
        )
        raise OptionError(fault, where="--unstated-spacing", allowed=allowed)
    return CaseReading(
        getattr(arguments, "mask_grid", "same"), spacing=None if mm is None else tuple(mm)
    )


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
    """Declare what becomes of patients without a partner where two tables are joined."""
    parser.add_argument(
        "--unmatched",
        choices=("refuse", "leave-out"),
        default="refuse",
        help="patients that only one of the two tables has are refused, or left out (default: "
        "refuse)",
    )


def add_missing(parser: argparse._ActionsContainer) -> None:
    """Declare which cells stand for an empty one."""
    text = "cells that stand for an empty one, for example `NA` or -9999, which is also -9999.0"
    parser.add_argument("--missing", nargs="+", default=[], metavar="CELL", help=text)


def require_new(path: Path, where: str) -> None:
    """Refuse to replace a file."""
    if path.exists():
        raise OptionError(f"{path} exists", where=where, remedy="name another, or remove it")


def add_folder_arguments(parser: argparse.ArgumentParser, *, cohort: bool = False) -> None:
    """Declare the arguments.

    Args:
        cohort: Whether finished models score the folder: nothing is split, and no marks or scores
            of readers are read.
    """
    absent = _NOT_OF_A_COHORT if cohort else {}
    parser.set_defaults(**absent, pattern=None, unmatched="refuse", cohort=cohort)
    add = parser.add_argument
    add("folder", metavar="FOLDER", type=Path, help="folder of image files, or .tar.age")
    table = "table with one row per file; none where each class has a folder (`yes/`, `no/`)"
    add("csv", metavar="CSV", type=Path, nargs="?", help=table)
    add("--name", help="short name of the data set (default: name of the folder)")
    columns = parser.add_argument_group("columns of the CSV")
    names = f"name relative to FOLDER (default: {', else '.join(FILE_COLUMNS)})"
    columns.add_argument("--file", help=names)
    label = "class (default: label); several, separated by commas, where each class has a column "
    columns.add_argument("--label", default="label", help=label + "of 0 and 1")
    empty = "rows without a label: leave them out, or the class that they are of"
    columns.add_argument("--empty-label", metavar="leave-out|CLASS", help=empty)
    header = "names of all columns, in order, of a table without a header"
    columns.add_argument("--columns", nargs="+", metavar="COLUMN", help=header)
    add_missing(columns)
    add_similar_patients(columns)
    regions = parser.add_argument_group("regions of interest")
    for group, of_group in ((columns, _COLUMNS), (regions, _REGION_COLUMNS)):
        for name, (holds, *usual) in of_group.items():
            if name in absent:
                continue
            default = f"default: {', else '.join(usual)}, if present"
            group.add_argument(f"--{name.replace('_', '-')}", help=f"{holds} ({default})")
    task = parser.add_argument_group("task")
    for group, option, text in (
        (columns, "--covariates", "columns to keep, for example `age,density` (default: none)"),
        (columns, "--force-covariates", "columns to keep although they look like identifiers"),
        (columns, "--scores", "scores of readers or devices (higher = rather the positive class)"),
        (regions, "--images", "which modalities to read; several are several images per case"),
        (
            task,
            "--classes",
            "class names in label order; others are left out (default: all, sorted)",
        ),
        (task, "--test-sites", "sites of the test set; the other sites are for training"),
    ):
        if option.removeprefix("--").replace("-", "_") in absent:
            continue
        metavar = "MODALITY" if option == "--images" else None
        group.add_argument(option, nargs="+", default=[], metavar=metavar, help=text)
    add_masks(regions)
    add_mask_grid(regions)
    add_unstated_spacing(parser)
    add = task.add_argument
    if not cohort:
        add("--positive", help="the positive class, where there are two classes")
        sealed = "labels of test cases as `skiagram seal` encrypted them, none of them in the CSV"
        add("--sealed-labels", metavar="FILE", type=Path, help=sealed)
        text = "the table is made as `skiagram table` does, and CSV has labels by patients; "
        text += "--patient, --marks, --masks and --label-value are then those of `table`"
        add_name_arguments(parser.add_argument_group("names of files, with --pattern", text))
    unlisted = "ignore image files that have no row in the CSV"
    add("--ignore-unlisted", action="store_true", help=unlisted)
    pixels = "rows times columns that an image may have (default: 67108864, as 8192 x 8192)"
    add("--most-pixels", metavar="N", type=int, default=2**26, help=pixels)
    text = (
        "turn colour images gray (luma of ITU-R BT.601), transparent pixels on black: all of them, "
    )
    text += "or none, which refuses them among gray images (default: a few among gray images)"
    add("--gray", nargs="?", const="all", choices=("all", "refuse"), help=text)
    if not cohort:
        text = "copies on both sides of the split, or of different patients: stop the run, leave "
        text += "all but one out (of those in the test set the test image stays), move the test "
        text += "copies into training, or make one patient of those who share an image (default: "
        text += "refuse)"
        parser.add_argument("--copies", choices=("refuse", "drop", "move", "join"), help=text)
    add_outcome_arguments(parser)


def read_folder_arguments(given: argparse.Namespace) -> FolderArguments:
    """Read the table that the user names, and what is told of it."""
    from skiagram.datasets.folder.class_folders import add_split, rows_of_classes
    from skiagram.datasets.folder.labels import leave_out_classes
    from skiagram.datasets.folder.mask_names import MaskNames, settle_masks
    from skiagram.datasets.folder.patients import number_visits, settle_patients
    from skiagram.datasets.folder.survey import Settling
    from skiagram.datasets.folder.table import normalise_name

    arguments = argparse.Namespace(**vars(given), outcome=None, content=None)
    _check_folder(arguments.folder)
    notes = _compose_of_names(arguments) if arguments.pattern else []
    choice, where = arguments.masks, str(arguments.folder)
    masks = MaskNames()
    if arguments.csv is None and arguments.content is None:
        for flag in given_columns(arguments):
            allowed = "a CSV after the folder, with a row a file"
            raise OptionError("no table was given", where=flag, allowed=allowed)
        arguments.file = "file"
        names = _pictures_in(arguments.folder)
        masks = settle_masks(names, choice, where)
        mask_files = masks.names
        classes = {*arguments.classes, *filter(None, [arguments.positive])}
        rows = rows_of_classes([name for name in names if name not in mask_files], classes, where)
    else:
        rows, of_table = _read_table(arguments)
        notes += of_table
        if not arguments.test_sites:
            split = arguments.split or usual_column(rows[0].cells, ("split",))
            rows, note = add_split(rows, arguments.file, split)
            notes += [note] if note else []
        listed = _listed_images(arguments, rows)
        if listed is not None:
            masks = settle_masks(listed, choice, where)
            mask_files = masks.names
            rows = [
                row for row in rows if normalise_name(row.cells[arguments.file]) not in mask_files
            ]
    every = len(rows)
    if arguments.outcome is None and not arguments.cohort:
        rows, note = leave_out_classes(rows, arguments.label, arguments.classes)
        arguments.ignore_unlisted |= bool(note)
        notes.append(note)
    of_other_classes = every - len(rows)
    if choice == "regions":
        rows = _with_masks(rows, arguments, masks)
    source = _source(arguments, rows)
    rows, repeated = _without_repeated(rows, source.columns.used())
    patient, visit = source.columns.patient, source.columns.visit
    rows = settle_patients(rows, patient, source.similar_patients)
    if patient is not None and visit is not None:
        rows = number_visits(rows, patient, visit)
    sealed = source.columns.split or source.test_sites
    notes += [repeated, masks.describe(choice)]
    settling = Settling(few_gray=arguments.gray is None, without_lesion=choice == "regions")
    design: Design = "holdout" if sealed else "cv"
    sentences = [*filter(None, notes)]
    predicted = list_predicted(arguments)
    return FolderArguments(rows, source, design, sentences, settling, of_other_classes, predicted)


def _compose_of_names(arguments: argparse.Namespace) -> list[str]:
    """Make the table of the files' names, as `skiagram table` does; return sentences on it.

    The arguments are then those that go with this table.
    """
    arguments.labels = arguments.csv
    table = compose_table(arguments, reading_of(arguments))
    arguments.content = table.text.encode()
    arguments.ignore_unlisted |= arguments.marks == "masks"
    arguments.masks = table.following.get("masks")
    arguments.patient = arguments.marks = arguments.label_value = None
    return table.notes


def _read_table(arguments: argparse.Namespace) -> "tuple[list[CsvRow], list[str]]":
    """Return the table with names of files and labels settled, and sentences on these.

    The arguments then name the columns of files and labels that the table has.
    """
    from collections import Counter

    from skiagram.datasets.file_trees import open_tree
    from skiagram.datasets.folder.csv_rows import (
        describe_missing,
        read_csv,
        read_rows,
        require_columns,
    )
    from skiagram.datasets.folder.file_names import find_listed_files
    from skiagram.datasets.folder.labels import label_of_classes, settle_labels
    from skiagram.datasets.volumes.case_images import is_image_file

    mask = arguments.mask or "mask"
    files = (arguments.file, mask) if arguments.file else (*FILE_COLUMNS, mask)
    emptied: Counter[str] = Counter()
    if arguments.content is None:
        rows = read_csv(arguments.csv, arguments.missing, files, arguments.columns, emptied)
    else:
        rows = read_rows(arguments.content, arguments.missing, files, emptied=emptied)
    mask = _mask_column(arguments, rows)
    file = arguments.file or usual_column(rows[0].cells, FILE_COLUMNS) or FILE_COLUMNS[0]
    _require_file_column(rows, file, arguments)
    tree = open_tree(arguments.folder, str(arguments.folder), is_image_file)
    # A patient's id that is the file's name too stays as it is.
    shared = file in (arguments.patient, usual_column(rows[0].cells, PATIENT_COLUMNS))
    target = FILE_COLUMNS[0] if shared else file
    rows, note = find_listed_files(rows, file, target, tree)
    notes = [*describe_missing(arguments.missing, emptied), note]
    arguments.file = target if note else file
    if mask in rows[0].cells:
        rows, note = find_listed_files(rows, mask, mask, tree)
        notes.append(note)
    settled = settle_outcome(rows, arguments)
    if settled is not None:
        rows, arguments.outcome = settled.rows, settled.outcome
        notes.append(settled.note)
    arguments.label = label_column(arguments.label, rows)
    classes = [arguments.label]
    if arguments.label not in rows[0].cells and "," in arguments.label:
        classes = [name.strip() for name in arguments.label.split(",")]
        rows = label_of_classes(rows, classes)
        arguments.label = "label"
    require_columns(rows, (arguments.label,), "--label")
    if arguments.sealed_labels is None:
        named = [*arguments.classes, *filter(None, [arguments.positive])]
        rows, label_notes = settle_labels(rows, arguments.label, arguments.empty_label, named)
        notes += label_notes
    return rows, [*filter(None, notes)]


def _mask_column(arguments: argparse.Namespace, rows: "list[CsvRow]") -> str:
    return arguments.mask or usual_column(rows[0].cells, ("mask",)) or "mask"


def label_column(named: str, rows: "list[CsvRow]") -> str:
    """Return the column of labels: the one that is named, also as `Label` for `label`."""
    header = rows[0].cells
    return named if named in header else usual_column(header, (named,)) or named


def _require_file_column(rows: "list[CsvRow]", file: str, arguments: argparse.Namespace) -> None:
    from skiagram.datasets.folder.csv_rows import require_columns

    header = rows[0].cells
    if file in header or arguments.file or arguments.columns:
        require_columns(rows, (file,))
        return
    raise DataError(
        f"no column `{file}`",
        where="the CSV",
        allowed=listed(header, "`", near=file),
        remedy="name the column of file names, for example `--file image_name`; where the table "
        "has no header, name all its columns: `--columns file label`",
    )


def _without_repeated(rows: "list[CsvRow]", used: tuple[str, ...]) -> "tuple[list[CsvRow], str]":
    """Return a table without rows that say what an earlier one says, and a sentence on them."""
    single = {tuple(row.cells[name] for name in used): row for row in reversed(rows)}
    repeated = len(rows) - len(single)
    note = f"{repeated} rows repeat another one in every column that is used; they count once."
    return [*reversed(single.values())], note if repeated else ""


def _pictures_in(folder: Path) -> list[str]:
    """Return the image files of a folder, and those that are called so and cannot be read."""
    from skiagram.datasets.file_trees import open_tree
    from skiagram.datasets.folder.class_folders import KINDS
    from skiagram.datasets.volumes.case_images import called_images, is_image_file

    tree = open_tree(folder, str(folder), is_image_file)
    images = {*tree.images(())}
    files = [] if images else sorted(tree.files())
    if files:
        raise DataError(
            f"no image that can be read among {len(files)} files, such as `{files[0]}`",
            where=str(folder),
            allowed=KINDS,
            remedy="convert the images, for example to PNG; MATLAB's .mat with scipy or h5py",
        )
    return sorted(images | called_images(tree) if images else images)


def _listed_images(arguments: argparse.Namespace, rows: "list[CsvRow]") -> list[str] | None:
    """Return the images of which masks may lie beside them; None where the table names masks."""
    from skiagram.datasets.file_trees import open_tree
    from skiagram.datasets.folder.source import list_unlisted_images
    from skiagram.datasets.folder.table import normalise_name
    from skiagram.datasets.volumes.case_images import is_image_file

    mask = _mask_column(arguments, rows)
    if mask in rows[0].cells:
        if arguments.masks is not None:
            allowed = f"either: the table names masks in its column `{mask}`"
            raise OptionError(f"{arguments.masks} was given", where="--masks", allowed=allowed)
        return None
    listed = [normalise_name(row.cells[arguments.file]) for row in rows]
    if arguments.masks is None and _unlisted(arguments) == "ignore":
        return listed
    return listed + list_unlisted_images(
        open_tree(arguments.folder, str(arguments.folder), is_image_file), listed
    )


def _with_masks(
    rows: "list[CsvRow]", arguments: argparse.Namespace, masks: "MaskNames"
) -> "list[CsvRow]":
    """Return a table with the masks that names tell, in the column `mask`."""
    from dataclasses import replace

    from skiagram.datasets.folder.table import join_masks, normalise_name

    drawn = [masks.of_image.get(normalise_name(row.cells[arguments.file]), ()) for row in rows]
    without = [row for row, masks_of_row in zip(rows, drawn, strict=True) if not masks_of_row]
    if without:
        labels = [*dict.fromkeys(row.cells[arguments.label] for row in rows)]
        masked = {
            row.cells[arguments.label] for row, of_row in zip(rows, drawn, strict=True) if of_row
        }
        bare = [f"`{label}`" for label in labels if label and label not in masked]
        remedy = "take the images without masks (`--masks leave-out`), or move these elsewhere"
        if bare and len(masked) > 1:
            others = " ".join(sorted(masked))
            remedy = f"{', '.join(bare)} has no masks at all: `--classes {others}` leaves it out, "
            remedy += "`--masks leave-out` takes all images whole"
        raise DataError(
            f"{len(without)} of {len(rows)} images have no mask by their names, for example "
            f"`{without[0].cells[arguments.file]}`",
            where=str(arguments.folder),
            allowed="a mask for every image",
            remedy=remedy,
        )
    return [
        replace(row, cells=row.cells | {"mask": join_masks(masks_of_row)})
        for row, masks_of_row in zip(rows, drawn, strict=True)
    ]


def _check_folder(folder: Path) -> None:
    from skiagram.datasets.file_trees import ARCHIVE

    root = folder.resolve() == Path(folder.resolve().anchor)
    if root or not (folder.is_dir() or (folder.is_file() and folder.name.endswith(ARCHIVE))):
        fault = "the root of the file system" if root else "no such folder"
        allowed, remedy = f"a folder of images, or an archive whose name ends with {ARCHIVE}", ""
        if folder.is_file():
            fault, remedy = "a file, no folder", "unpack an archive; else name the file's folder"
            if folder.suffix.lower() in (".xlsx", ".xls", ".ods", ".sav", ".rds"):
                remedy = "save the table of features as CSV, and name that file"
        raise DataError(fault, where=str(folder), allowed=allowed, remedy=remedy)


def _source(arguments: argparse.Namespace, rows: "list[CsvRow]") -> "Folder":
    from skiagram.datasets.folder.csv_rows import require_columns
    from skiagram.datasets.folder.labels import as_class
    from skiagram.datasets.folder.source import Folder

    columns = _columns(arguments, rows)
    require_columns(rows, columns.used())
    labels = {row.cells[columns.label] for row in rows}
    classes = tuple(arguments.classes or sorted(labels - {""}))
    positive: str | None = arguments.positive and as_class(arguments.positive, classes)
    if positive is not None and (positive not in classes or len(classes) != 2):
        fault = f"`{positive}` was given, and {len(classes)} classes: {listed(classes)}"
        remedy = "correct it or the labels, name two with --classes, or leave --positive out"
        allowed = "one of two classes"
        raise OptionError(fault, where="--positive", allowed=allowed, remedy=remedy)
    if arguments.most_pixels < 1:
        fault = f"{arguments.most_pixels} was given"
        raise OptionError(fault, where="--most-pixels", allowed="1 or more")
    name = name_of(arguments)
    return Folder(
        name=name,
        title=title_of(arguments),
        modality="not stated",
        folder=str(arguments.folder),
        manifest="",
        manifest_sha256="",
        columns=columns,
        classes=classes,
        positive_class=positive,
        test_sites=tuple(arguments.test_sites),
        channels=1,
        # the manifest lists the chosen modalities; the files of others lie beside them
        most_pixels=arguments.most_pixels,
        gray=arguments.gray == "all",
        unlisted=_unlisted(arguments),
        modalities=tuple(arguments.images),
        mask_grid=arguments.mask_grid,
        unstated_spacing=reading_of(arguments).spacing,
        similar_patients=arguments.similar_patients,
        sealed_labels=None if arguments.sealed_labels is None else str(arguments.sealed_labels),
        licence="not stated",
        citation="none",
        source="own images",
        known_issues=(),
        waived_findings={},
        copies=getattr(arguments, "copies", None) or "refuse",
        outcome=arguments.outcome,
    )


def _unlisted(arguments: argparse.Namespace) -> "Unlisted":
    if arguments.ignore_unlisted or arguments.images or arguments.empty_label == "leave-out":
        return "ignore"
    return "ignore_masks" if arguments.masks in ("regions", "leave-out") else "refuse"


def name_of(arguments: argparse.Namespace) -> str:
    """Return the short name of the data set, given or made of the folder's."""
    plain = unicodedata.normalize("NFKD", _stem(arguments.folder).casefold())
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
    name = arguments.name or (name if name[:1].isalpha() else f"images_{name}".rstrip("_"))
    if not _NAME.fullmatch(name):
        allowed = "lower-case letters, digits and _, starting with a letter"
        raise OptionError(f"`{name}` was given", where="--name", allowed=allowed)
    return name


def title_of(arguments: argparse.Namespace) -> str:
    """Return the name of the data set for people: as its folder is called."""
    title = arguments.name or unicodedata.normalize("NFC", _stem(arguments.folder))
    return re.sub(r"[\s_]+", " ", title).strip()


def _stem(folder: Path) -> str:
    name = folder.resolve().name
    ending = next((end for end in _ENDINGS if name.endswith(end)), "")
    return name.removesuffix(ending)


def _columns(arguments: argparse.Namespace, rows: "list[CsvRow]") -> "Columns":
    from skiagram.datasets.folder.table import Columns

    header = rows[0].cells
    named = {
        option: getattr(arguments, option) or usual_column(header, usual)
        for option, (_, *usual) in (_COLUMNS | _REGION_COLUMNS).items()
    }
    if arguments.test_sites:
        named["split"] = None
    forced = list_columns(arguments.force_covariates, header)
    return Columns(
        **named,
        file=arguments.file,
        label=arguments.label,
        covariates=tuple(dict.fromkeys((*list_columns(arguments.covariates, header), *forced))),
        scores=tuple(arguments.scores),
        forced_covariates=forced,
        value=None if arguments.outcome is None else arguments.outcome.column,
    )
