"""A folder of images and its table, or its names alone, become rows and the options of a data set.

What was guessed or left out on the way is told, a sentence each.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from skiagram.datasets.folder.csv_rows import (
    FILE_COLUMNS,
    PATIENT_COLUMNS,
    USUAL_COLUMNS,
    CsvRow,
    count_rows,
    describe_missing,
    list_columns,
    read_csv,
    read_rows,
    require_columns,
    usual_column,
)
from skiagram.datasets.folder.mask_names import MaskNames, settle_masks
from skiagram.datasets.folder.patients import find_patient_problem, number_visits, settle_patients
from skiagram.datasets.folder.source import Folder, list_unlisted_images
from skiagram.datasets.folder.table import (
    SPLITS,
    Columns,
    describe_covariates,
    join_masks,
    normalise_name,
)
from skiagram.errors import DataError, OptionError, listed, nearest
from skiagram.intake.class_folders import (
    KINDS,
    add_split,
    describe_depths,
    find_split_column,
    rows_of_classes,
    unite_development,
)
from skiagram.intake.file_names import FileNames, find_listed_files, refuse_findings_in_names
from skiagram.intake.file_options import FileOptions
from skiagram.intake.file_patterns import propose_pattern
from skiagram.intake.header_patients import (
    add_header_patients,
    agree_with_headers,
    read_header_patients,
)
from skiagram.intake.labels import (
    label_column,
    label_of_classes,
    leave_out_classes,
    refuse_measurements,
    settle_labels,
    settle_positive,
)
from skiagram.intake.named_files import compose_table
from skiagram.intake.outcomes import list_outcome_columns, list_predicted, settle_outcome
from skiagram.intake.patient_columns import find_patient_column
from skiagram.readers.case_images import called_images, is_image_file
from skiagram.readers.file_trees import FileTree
from skiagram.sealing.archive import ARCHIVE, open_tree
from skiagram.tasks.kinds import AnyOutcome
from skiagram.tasks.task import Design


class Settling(NamedTuple):
    """What a check may settle, where it would else be a problem.

    Attributes:
        few_gray: Whether a few images in colour or with transparent pixels become gray.
        without_lesion: Whether images whose mask is empty are left out.
    """

    few_gray: bool = False
    without_lesion: bool = False


class DescribedFolder(NamedTuple):
    """A folder of images as it will be read; the manifest of the data set is not there yet.

    Attributes:
        notes: What was settled of names, rows and labels, a sentence each.
        of_other_classes: Images or rows that `--classes` leaves out.
        without_file: Rows that were left out since the folder lacks their file.
        predicted: Columns that the label or outcome was made of.
    """

    rows: list[CsvRow]
    source: Folder
    design: Design
    notes: list[str]
    settling: Settling
    of_other_classes: int
    without_file: int
    predicted: tuple[str, ...]

    @property
    def unused(self) -> list[str]:
        """The columns that stay behind."""
        used = {*self.source.columns.used(), *self.predicted}
        return [name for name in self.rows[0].cells if name not in used]


class _Table(NamedTuple):
    """Rows with the options that name the columns that they have, and how many have no file."""

    rows: list[CsvRow]
    options: FileOptions
    notes: list[str]
    outcome: AnyOutcome | None = None
    without_file: int = 0


def read_folder(options: FileOptions) -> DescribedFolder:
    """Read the table of a folder, or the names of its files, and what the line says of them.

    Raises:
        DataError: A table, a column or a file is not there, or cannot be used.
        OptionError: Options that do not go together.
    """
    # a folder, or an encrypted archive
    folder, masks = options.folder, MaskNames()
    of_label = [name.strip() for name in options.label_name.split(",")]
    root = folder.resolve() == Path(folder.resolve().anchor)
    if root or not (folder.is_dir() or (folder.is_file() and folder.name.endswith(ARCHIVE))):
        fault = "the root of the file system" if root else "no such folder"
        allowed = f"a folder of images, or an archive whose name ends with {ARCHIVE}"
        beside = folder.resolve().parent
        names = [each.name for each in beside.iterdir() if each.is_dir()] if beside.is_dir() else []
        near = nearest(folder.name, names)
        remedy = f"did you mean `{folder.parent / near[0]}`?" if near else ""
        if options.is_called_table and not folder.exists():
            fault, allowed, remedy = "no such file", "a table of features", "check its name"
        if folder.is_file():
            fault, remedy = "a file, no folder", "unpack an archive; else name the file's folder"
            if folder.suffix.lower() in (".xlsx", ".xls", ".ods", ".sav", ".rds"):
                remedy = "save the table of features as CSV, and name that file"
        raise DataError(fault, where=str(folder), allowed=allowed, remedy=remedy)
    # its rows
    if options.csv is None and not options.pattern:
        table, masks = _read_class_folders(options)
    else:
        # the table, made of the files' names where there is a pattern, without masks among images
        table = _settle_table(_read_table(options))
        images = _list_images(table)
        if images is not None:
            masks = settle_masks(images, table.options.masks, str(folder))
            rows = [
                row
                for row in table.rows
                if normalise_name(row.cells[table.options.file or ""]) not in masks.names
            ]
            table = table._replace(rows=rows)
    rows, options, notes, outcome, without_file = table
    every = count_rows(rows)
    if outcome is None and not options.cohort:
        rows, note = leave_out_classes(rows, options.label_name, options.classes)
        options = replace(options, ignore_unlisted=options.ignore_unlisted or bool(note))
        notes = [*notes, note]
    n_other_classes = every - count_rows(rows)
    # patients, by their column or by headers
    if not options.patient:
        rows, patient, note = _settle_patient_column(rows, options)
        options, notes = replace(options, patient=patient), [*notes, note]
    if options.masks == "regions":
        rows = _add_masks(rows, options, masks)
    source = _describe_source(rows, options, outcome)
    notes = [*notes, *describe_covariates(rows, source.columns.covariates)]
    # rows that say what another one says count once
    used = source.columns.used()
    single = {tuple(row.cells[name] for name in used): row for row in reversed(rows)}
    repeated = len(rows) - len(single)
    rows = [*reversed(single.values())]
    if repeated:
        note = "rows repeat another one in every column that is used; they count once."
        notes = [*notes, f"{repeated} {note}"]
    patient, visit = source.columns.patient, source.columns.visit
    rows = settle_patients(rows, patient, source.similar_patients)
    rows, note = unite_development(rows, source.columns.split, patient)
    notes = [*notes, note]
    if patient is not None and visit is not None:
        rows = number_visits(rows, patient, visit)
    design: Design = "holdout" if source.columns.split or source.test_sites else "cv"
    settling = Settling(few_gray=options.gray is None, without_lesion=options.masks == "regions")
    sentences = [note for note in (*notes, masks.describe(options.masks)) if note]
    predicted = (*list_predicted(options), *of_label)
    return DescribedFolder(
        rows, source, design, sentences, settling, n_other_classes, without_file, predicted
    )


def _read_class_folders(options: FileOptions) -> tuple[_Table, MaskNames]:
    """Return a row for each image in a folder of its class, and the masks among the images."""
    for flag in list_outcome_columns(options):
        allowed = "a CSV after the folder, with a row a file"
        raise OptionError("no table was given", where=flag, allowed=allowed)
    # images, also those that are called so and cannot be read
    where = str(options.folder)
    tree = open_tree(options.folder, where, is_image_file)
    images = {*tree.images(())}
    files = [] if images else sorted(tree.files())
    if files:
        raise DataError(
            f"no image that can be read among {len(files)} files, such as `{files[0]}`",
            where=where,
            allowed=KINDS,
            remedy="convert the images, for example to PNG; MATLAB's .mat with scipy or h5py",
        )
    names = sorted(images | called_images(tree) if images else images)
    masks = settle_masks(names, options.masks, where)
    classes = {*options.classes, *filter(None, [options.positive])}
    mask_files = masks.names
    rows = rows_of_classes([name for name in names if name not in mask_files], classes, where)
    parts = {part.lower() for row in rows for part in row.cells["file"].split("/")[:-1]}
    notes = [describe_depths(rows)]
    if parts & SPLITS.keys() and "split" not in rows[0].cells:
        notes += ["Folders tell parts of the data, but no test set: folds score every image."]
    return _Table(rows, replace(options, file="file"), notes), masks


def _read_table(options: FileOptions) -> _Table:
    """Return the table that the line names, or that of the files' names where it gives a pattern.

    The latter is made as `skiagram table` makes it, and the options are those that go with it.
    """
    emptied: Counter[str] = Counter()
    mask = options.mask or "mask"
    if not options.pattern:
        csv = options.csv or options.folder
        columns = (*([options.file] if options.file else FILE_COLUMNS), mask)
        rows = read_csv(csv, options.missing, columns, options.columns, emptied)
        return _Table(rows, options, describe_missing(options.missing, emptied))
    table = compose_table(options)
    columns = (FILE_COLUMNS[0], mask)
    rows = read_rows(table.text.encode(), options.missing, columns, emptied=emptied)
    rows = [replace(row, case=case) for row, case in zip(rows, table.cases, strict=True)]
    following = replace(
        options,
        file=FILE_COLUMNS[0],
        ignore_unlisted=options.ignore_unlisted or options.marks == "masks",
        masks=options.masks if table.following.get("masks") else None,
        patient=None,
        marks=None,
        label_value=None,
    )
    return _Table(rows, following, [*table.notes, *describe_missing(options.missing, emptied)])


def _find_file_column(rows: list[CsvRow]) -> str:
    """Return the usual column of files, of several the first whose names have an ending.

    A column `image` beside one of paths may hold running numbers, which are names of other files.
    """
    usual = [usual_column(rows[0].cells, (name,)) for name in FILE_COLUMNS]
    columns = [column for column in usual if column is not None]
    with_ending = [
        column for column in columns if all(PurePath(row.cells[column]).suffix for row in rows)
    ]
    return next(iter([*with_ending, *columns]), FILE_COLUMNS[0])


def _settle_table(table: _Table) -> _Table:
    """Return a table with names of files, labels and splits settled, and sentences on these.

    The options then name the columns of files and labels that the table has.
    """
    rows, options, notes = table.rows, table.options, [*table.notes]
    header = rows[0].cells
    mask = _mask_column(options, rows)
    file = options.file or _find_file_column(rows)
    if file not in header and not options.file and not options.columns:
        remedy = "name the column of file names, for example `--file image_name`; where the table "
        remedy += "has no header, name all its columns: `--columns file label`"
        columns = {name: [row.cells[name] for row in rows] for name in header}
        tree = open_tree(options.folder, str(options.folder), is_image_file)
        files = FileNames([*tree.images(())])
        for name, cells in columns.items():
            refuse_findings_in_names(cells, files, name)
        by_patient = propose_pattern(options.folder, columns) if options.folder.is_dir() else ""
        if by_patient:
            remedy = f"where a row is a patient, add `{by_patient}`; where it is a file, {remedy}"
        raise DataError(
            f"no column `{file}`",
            where="the CSV",
            allowed=listed(header, "`", near=file),
            remedy=remedy,
        )
    require_columns(rows, (file,))
    # A patient's id that is the file's name too stays as it is.
    tree = open_tree(options.folder, str(options.folder), is_image_file)
    shared = file in (options.patient, usual_column(header, PATIENT_COLUMNS))
    target = FILE_COLUMNS[0] if shared else file
    rows, note = find_listed_files(rows, file, target, tree)
    notes.append(note)
    options = replace(options, file=target if note else file)
    every = len(rows)
    rows, note = _leave_out_without_file(rows, target if note else file, tree, options)
    notes.append(note)
    without_file = every - len(rows)
    if mask in rows[0].cells:
        rows, note = find_listed_files(rows, mask, mask, tree)
        notes.append(note)
    # parts of the data, which say too what an outcome is learnt from
    if not (options.split or options.test_sites or options.cohort):
        split, note = _find_split(rows, options)
        options = replace(options, split=split)
        notes.append(note)
    # what is predicted
    settled = settle_outcome(rows, options)
    if settled is not None:
        rows, options = settled.rows, settled.options
        notes.append(settled.note)
    label = label_column(options.label_name, rows)
    if label not in rows[0].cells and "," in label:
        rows = label_of_classes(rows, [name.strip() for name in label.split(",")])
        label = "label"
    require_columns(rows, (label,), "--label")
    if options.sealed_labels is None:
        named = [*options.classes, *filter(None, [options.positive])]
        rows, label_notes = settle_labels(rows, label, options.empty_label, named)
        if settled is None and not options.classes and not options.cohort:
            refuse_measurements(rows, label)
        notes += label_notes
    options = replace(options, label=label)
    if not options.test_sites:
        split = options.split or usual_column(rows[0].cells, ("split",))
        rows, note = add_split(rows, options.file or file, split)
        notes.append(note)
    outcome = None if settled is None else settled.outcome
    return _Table(rows, options, [note for note in notes if note], outcome, without_file)


def _leave_out_without_file(
    rows: list[CsvRow], file: str, tree: FileTree, options: FileOptions
) -> tuple[list[CsvRow], str]:
    """Return the rows whose file is there, where the line says so, and a sentence on the others."""
    absent = [row for row in rows if not tree.exists(normalise_name(row.cells[file]))]
    if not absent:
        return rows, ""
    counted = f"{len(absent)} of {len(rows)} rows name no file of the folder"
    counted += f", the first `{absent[0].cells[file]}`"
    if options.unmatched == "refuse":
        return rows, f"{counted}; `--unmatched leave-out` leaves such rows out."
    if len(absent) == len(rows):
        remedy = "name the folder of the images, or the column of their names with --file"
        raise DataError(counted, where=str(options.folder), remedy=remedy)
    lines = {row.line for row in absent}
    return [row for row in rows if row.line not in lines], f"{counted}; they are left out."


def _find_split(rows: list[CsvRow], options: FileOptions) -> tuple[str | None, str]:
    """Return the column of the parts of the data where the line names none, and a sentence."""
    header = rows[0].cells
    if split := usual_column(header, ("split",)):
        return split, ""
    taken = {*_taken_columns(options, header), label_column(options.label_name, rows)}
    return find_split_column(rows, [name for name in header if name not in taken])


def _settle_patient_column(
    rows: list[CsvRow], options: FileOptions
) -> tuple[list[CsvRow], str | None, str]:
    """Return a table, its column of patients where the line names none, and a sentence."""
    header_patients = read_header_patients(rows, options.file or "", options.folder)
    patient, note = None, ""
    if usual_column(rows[0].cells, PATIENT_COLUMNS):
        taken, joined = _taken_columns(options, rows[0].cells), bool(options.pattern)
        patient, note = find_patient_column(rows, taken, joined=joined)
    if patient is None:
        rows, note = add_header_patients(rows, header_patients)
        return rows, usual_column(rows[0].cells, PATIENT_COLUMNS), note
    rows, patient, header_note = agree_with_headers(rows, header_patients, patient)
    note = header_note or note
    nobody = sum(find_patient_problem(row.cells[patient], "") is not None for row in rows)
    if nobody:
        note += f"{' ' if note else ''}The column `{patient}` was chosen as the patients' by its "
        note += f"name, and {nobody} of {len(rows)} rows have no id in it: name another column "
        note += "with --patient; where none tells patients, rename or remove this one."
    return rows, patient, note


def _taken_columns(options: FileOptions, header: Collection[str]) -> set[str]:
    """Return the columns to which the line gives a meaning, but for that of patients."""
    single = {getattr(options, option) for option in USUAL_COLUMNS if option != "patient"}
    listed_columns = list_columns([*options.covariates, *options.force_covariates], header)
    several = {*listed_columns, *options.scores, *list_predicted(options)}
    return {*filter(None, single), options.file or "", options.label_name, *several}


def _mask_column(options: FileOptions, rows: list[CsvRow]) -> str:
    return options.mask or usual_column(rows[0].cells, ("mask",)) or "mask"


def _list_images(table: _Table) -> list[str] | None:
    """Return the images of which masks may lie beside them; None where the table names masks."""
    rows, options = table.rows, table.options
    mask = _mask_column(options, rows)
    if mask in rows[0].cells:
        if options.masks is not None:
            allowed = f"either: the table names masks in its column `{mask}`"
            raise OptionError(f"{options.masks} was given", where="--masks", allowed=allowed)
        return None
    names = [normalise_name(row.cells[options.file or ""]) for row in rows]
    if options.masks is None and options.unlisted == "ignore":
        return names
    tree = open_tree(options.folder, str(options.folder), is_image_file)
    return names + list_unlisted_images(tree, names)


def _add_masks(rows: list[CsvRow], options: FileOptions, masks: MaskNames) -> list[CsvRow]:
    """Return a table with the masks that names tell, in the column `mask`."""
    file = options.file or ""
    drawn = [masks.of_image.get(normalise_name(row.cells[file]), ()) for row in rows]
    without = [row for row, row_masks in zip(rows, drawn, strict=True) if not row_masks]
    if without:
        labels = [*dict.fromkeys(row.cells[options.label_name] for row in rows)]
        masked = {
            row.cells[options.label_name]
            for row, row_masks in zip(rows, drawn, strict=True)
            if row_masks
        }
        bare = [f"`{label}`" for label in labels if label and label not in masked]
        remedy = "take the images without masks (`--masks leave-out`), or move these elsewhere"
        if bare and len(masked) > 1:
            others = " ".join(sorted(masked))
            remedy = f"{', '.join(bare)} has no masks at all: `--classes {others}` leaves it out, "
            remedy += "`--masks leave-out` takes all images whole"
        raise DataError(
            f"{len(without)} of {len(rows)} images have no mask by their names, for example "
            f"`{without[0].cells[file]}`",
            where=str(options.folder),
            allowed="a mask for every image",
            remedy=remedy,
        )
    return [
        replace(row, cells=row.cells | {"mask": join_masks(row_masks)})
        for row, row_masks in zip(rows, drawn, strict=True)
    ]


def _describe_source(
    rows: list[CsvRow], options: FileOptions, outcome: AnyOutcome | None
) -> Folder:
    """Return the options of the data set; what only a look at the images tells is not settled."""
    for option in (*USUAL_COLUMNS, "covariates", "force_covariates", "scores"):
        names = getattr(options, option) or ()
        names = [names] if isinstance(names, str) else list_columns(names, rows[0].cells)
        require_columns(rows, names, f"--{option.replace('_', '-')}")
    columns = _settle_columns(rows, options, outcome)
    require_columns(rows, columns.used())
    labels = {row.cells[columns.label] for row in rows}
    classes = tuple(options.classes or sorted(labels - {""}))
    if len(options.classes) == 1:
        remedy = "name the others too, or leave `--classes` out for all"
        fault = f"`{classes[0]}` alone was given"
        raise OptionError(fault, where="--classes", allowed="two classes or more", remedy=remedy)
    positive = settle_positive(options.positive, classes)
    if options.most_pixels < 1:
        fault = f"{options.most_pixels} was given"
        raise OptionError(fault, where="--most-pixels", allowed="1 or more")
    return Folder(
        name=options.short_name,
        title=options.title,
        modality="not stated",
        folder=str(options.folder),
        manifest="",
        manifest_sha256="",
        columns=columns,
        classes=classes,
        positive_class=positive,
        test_sites=tuple(options.test_sites),
        channels=1,
        most_pixels=options.most_pixels,
        gray=options.gray == "all",
        # the manifest lists the chosen modalities; the files of others lie beside them
        unlisted=options.unlisted,
        modalities=tuple(options.images),
        mask_grid=options.mask_grid,
        unstated_spacing=options.reading.spacing,
        similar_patients=options.similar_patients,
        sealed_labels=None if options.sealed_labels is None else str(options.sealed_labels),
        licence="not stated",
        citation="none",
        source="own images",
        copies=options.copies or "refuse",
        outcome=outcome,
    )


def _settle_columns(
    rows: list[CsvRow], options: FileOptions, outcome: AnyOutcome | None
) -> Columns:
    """Return which column holds what: as the line names it, else as it is usually called."""
    header = rows[0].cells
    named: dict[str, Any] = {
        option: getattr(options, option) or usual_column(header, usual)
        for option, usual in USUAL_COLUMNS.items()
    }
    if options.test_sites:
        named["split"] = None
    forced = list_columns(options.force_covariates, header)
    covariates = (*list_columns(options.covariates, header), *forced)
    return Columns(
        **named,
        file=options.file or "",
        label=options.label_name,
        covariates=tuple(dict.fromkeys(covariates)),
        scores=tuple(options.scores),
        forced_covariates=forced,
        value=None if outcome is None else outcome.column,
    )
