"""A table made of the names of a folder's files, and of a table of labels by patients."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from skiagram.datasets.folder.columns import require_columns
from skiagram.datasets.folder.lesions import Lesion, lesions_of_region
from skiagram.datasets.folder.mask_names import settle_masks
from skiagram.datasets.folder.patients import PatientTable, join_patients, require_partners
from skiagram.datasets.folder.roles import ROLES, usual_column
from skiagram.datasets.folder.table import join_masks, split_masks
from skiagram.errors import DataError, OptionError
from skiagram.intake.file_names import FileNames
from skiagram.intake.file_options import FileOptions
from skiagram.intake.file_patterns import (
    PATIENT,
    Patterns,
    add_frames,
    filled_columns,
    find_images,
)
from skiagram.intake.marks import Images, MarkChoice, read_lesions
from skiagram.readers.case_images import (
    ImageReference,
    decode_case,
    is_image_file,
    read_case_files,
)
from skiagram.readers.file_trees import FolderTree
from skiagram.readers.masks import EmptyMask, SeveralRegions
from skiagram.readers.spaced_image import SpacedImage
from skiagram.tables.frames import csv_text, of_table, read_csv, rows_of

_COLUMNS = ("file", "mask", "modality", "region", "label", "split")  # that names of files tell


class ComposedTable(NamedTuple):
    """The table, and what is to be said of it.

    Attributes:
        text: CSV.
        cases: Whose image each row is.
        notes: What it lacks, a sentence each.
        following: Options that the commands that read it need.
    """

    text: str
    cases: list[str]
    notes: list[str]
    following: dict[str, str | bool]


class _ImageRows(NamedTuple):
    """Rows that names of files tell, and their columns; else as of `ComposedTable`."""

    rows: list[dict[str, str]]
    columns: list[str]
    notes: list[str]
    following: dict[str, str | bool]


def compose_table(options: FileOptions) -> ComposedTable:
    """Return the table of a folder whose options give a pattern of its names."""
    folder, written = options.folder, options.pattern
    if not folder.is_dir():
        raise DataError("no such folder", where=str(folder), remedy="give the folder of the images")
    if not written:
        found_none, remedy = "is not given", "for example `--pattern '{patient}.png'`"
        raise OptionError(found_none, where="--pattern", remedy=remedy)
    labels_told = options.marks or all("{label}" in pattern for pattern in written)
    if options.csv is None and not labels_told:
        found_none, remedy = "is not given", "give it, or name {label} in every --pattern"
        raise OptionError(found_none, where="LABELS", allowed="a table of labels", remedy=remedy)
    column = _find_file_column(options)
    labels = None
    if options.csv is not None and column is None:
        table = PatientTable.of(read_csv(options.csv), str(options.csv), options.patient)
        cells = rows_of(table.frame.drop(columns=table.column))
        labels = {patient: cells[at].cells for patient, at in table.by_patient().items()}
    # images, and the labels of these or of their patients
    images = _read_names(options, written)
    columns, notes = images.columns, list[str]()
    cells_of = {row["file"]: {PATIENT: row[PATIENT]} for row in images.rows}
    if labels is not None:
        cells_of, notes = _join_patients(labels, cells_of, options)
    elif options.csv is not None and column is not None:
        cells_of, notes = _join_files(options.csv, column, cells_of, options)
    others = dict.fromkeys(name for cells in cells_of.values() for name in cells)
    if taken := [name for name in columns if name in others]:
        found_column = f"a column `{taken[0]}`, which the names of the files tell"
        remedy = "rename the column, or remove it"
        raise DataError(found_column, where="the table of labels", remedy=remedy)
    # what has no label or mask is left out
    left_out: dict[str, None] = {}
    rows, cases = list[dict[str, str]](), list[str]()
    for row in images.rows:
        unlabelled = row["file"] not in cells_of
        if unlabelled or ("mask" in columns and not row["mask"]):
            left_out[f"Left out, no {'label' if unlabelled else 'mask'}: {row['file']}"] = None
            continue
        rows.append(row | cells_of[row["file"]])
        told = {"patient": row[PATIENT], "region": row["region"], "frame": row["frame"]}
        cases.append(", ".join(f"{name} `{text}`" for name, text in told.items() if text))
    if not rows:
        raise DataError("no image has a mask", where=str(folder), remedy="correct --pattern")
    names = dict.fromkeys([*columns, PATIENT, *others])
    text = csv_text(pd.DataFrame(rows, columns=[*names]))
    return ComposedTable(text, cases, [*left_out, *notes, *images.notes], images.following)


def _read_names(options: FileOptions, written: Sequence[str]) -> _ImageRows:
    """Return a row for each image, or each of its frames, with its mask or its lesions."""
    folder = options.folder
    kinds = (options.image_kind, options.mask_kind)
    patterns = Patterns(written, kinds, options.mask_pattern, options.cut)
    found = find_images(folder, patterns)
    if not found.rows:
        told = any("{kind}" in pattern for pattern in written)
        fault = f"no file with the kind `{options.image_kind}` fits" if told else "no file fits"
        remedy, there = "correct --pattern", sorted(FolderTree(folder, is_image_file).files())
        if there:
            remedy += f"; a file here is `{there[0]}`, and upper and lower case count"
        raise DataError(fault, where=str(folder), allowed=", ".join(written), remedy=remedy)
    # masks beside the images need not fit a pattern to be their regions
    others = patterns.other_images(folder)
    as_regions = options.masks == "regions"
    names = [*(row["file"] for row in found.rows), *(others if as_regions else [])]
    masks = settle_masks(names, options.masks, str(folder))
    mask_files = masks.names
    others = [name for name in others if name not in mask_files]
    rows = [row for row in found.rows if row["file"] not in mask_files]
    for row in rows if as_regions else ():
        row["mask"] = join_masks(masks.of_image.get(row["file"], ())) or row["mask"]
    # lesions in place of regions
    columns, notes = filled_columns(rows, _COLUMNS), [found.note]
    if options.marks is not None:
        rows, sentences = _add_lesions(rows, options)
        columns = [name for name in columns if name != "mask"] + ["marks", "lesion"]
        notes += sentences
        if alone := sorted(found.masks_alone):
            notes.append(f"Masks without an image: {len(alone)}, first {alone[0]}")
    elif options.label_value and "mask" in columns:
        rows = [row | {"label_value": options.label_value} for row in rows]
        columns.append("label_value")
    # frames
    rows = add_frames(folder, rows, options.frames)
    columns += filled_columns(rows, ["frame"])
    if options.marks and any(row["frame"] not in ("", "all") for row in rows):
        where, allowed = "--marks", "files of one image each, or `--frames volume`"
        raise OptionError("lesions of files of several frames", where=where, allowed=allowed)
    notes.append(masks.describe(options.masks))
    following: dict[str, str | bool] = {}
    if others:
        notes.append(f"Image files that fit no pattern: {len(others)}, first {others[0]}")
    if others or options.marks == "masks":
        following["ignore_unlisted"] = True
    if options.masks and "mask" not in columns:
        following["masks"] = options.masks
    return _ImageRows(rows, columns, [note for note in notes if note], following)


def _find_file_column(options: FileOptions) -> str | None:
    """Return the column by which labels are joined to images; None where it is by patients.

    It is the one that the line names, or a usual one where no column tells patients.
    """
    if options.csv is None or options.patient is not None:
        return None
    if options.file is not None:
        return options.file
    with of_table(str(options.csv)):
        header = read_csv(options.csv).columns
    tells_patients = usual_column(header, ROLES["patient"].usual) is not None
    return None if tells_patients else usual_column(header, ROLES["file"].usual)


def _join_files(
    csv: Path, column: str, cells_of: Mapping[str, dict[str, str]], options: FileOptions
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Return image → its cells and those of its row of the labels, and who has no partner.

    A cell names a file as in any table of images; it may also be how the name of one image alone
    begins: `20586908` of `20586908_6c613a14b80a8591_MG_R_CC_ANON.dcm`.

    Raises:
        DataError: Two rows name a file, or some have no partner and are not to be left out.
    """
    with of_table(str(csv)):
        table = read_csv(csv, files=(column,))
        require_columns(table, (column,), "--file")
    files = FileNames([*cells_of])
    begin: dict[str, list[str]] = {}
    for image in cells_of:
        begin.setdefault(re.split(r"[\W_]", PurePosixPath(image).name)[0], []).append(image)
    joined: dict[str, dict[str, str]] = {}
    alone = []
    for row in rows_of(table):
        name, where = row.cells[column], f"{csv}, {row.place}"
        meant = files.meant(name) or files.alike(name) or begin.get(name, [])
        if not meant:
            alone.append(name)
            continue
        if len(meant) > 1:
            choices = " or ".join(f"`{image}`" for image in sorted(meant)[:3])
            remedy = "write the whole name, with its folders; or name the column of patients with "
            remedy += "--patient"
            raise DataError(f"`{name}` may be {choices}", where=where, remedy=remedy)
        (image,) = meant
        if image in joined:
            remedy = "keep the row with the right label"
            raise DataError(f"a second row of `{image}`", where=where, remedy=remedy)
        others = {name: cell for name, cell in row.cells.items() if name != column}
        joined[image] = {**cells_of[image], **others, **cells_of[image]}
    absent = [image for image in cells_of if image not in joined]
    sentences = [
        f"{len(names)} of {number} {what}, first `{names[0]}`"
        for names, number, what in (
            (absent, len(cells_of), "images have no row"),
            (alone, len(table), "rows name no image that fits --pattern"),
        )
        if names
    ]
    if sentences and (options.unmatched == "refuse" or not joined):
        raise DataError(
            "; ".join(sentences),
            where=f"{csv}, column `{column}`",
            allowed="a row for each image",
            remedy="correct the names or --pattern, or leave out what has no partner: `--unmatched "
            "leave-out`; name another column with --file, or with --patient that of patients",
        )
    return joined, sentences


def _join_patients(
    labels: Mapping[str, dict[str, str]],
    cells_of: Mapping[str, dict[str, str]],
    options: FileOptions,
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Return image → its cells and those of its patient's row, and who has no image.

    Raises:
        DataError: No patient has a row, or some have none and are not to be left out.
    """
    patients = dict.fromkeys(sorted(cells[PATIENT] for cells in cells_of.values()))
    tables = (f"the files in {options.folder}", str(options.csv))
    partners = join_patients(patients, labels, options.similar_patients, tables)
    if not partners:
        raise DataError(
            f"no image has a row in {options.csv}",
            where=str(options.folder),
            allowed=f"patients as in the table, such as `{next(iter(labels))}`; the files give "
            f"`{next(iter(patients))}`",
            remedy="correct --pattern or the table of labels, or name its column with --patient",
        )
    if options.unmatched == "refuse":
        require_partners(patients, labels, partners, tables)
    joined = set(partners.values())
    notes = [f"No image of patient {name}" for name in labels if name not in joined]
    rows = {patient: {PATIENT: row, **labels[row]} for patient, row in partners.items()}
    return {
        image: rows[cells[PATIENT]] for image, cells in cells_of.items() if cells[PATIENT] in rows
    }, notes


def _add_lesions(
    rows: Sequence[Mapping[str, str]], options: FileOptions
) -> tuple[list[dict[str, str]], list[str]]:
    """Return rows with the lesions of their image, and sentences on them.

    They are of its mask, or of a file of marks. A case is abnormal where any of its modalities has
    a lesion.
    """
    tree, marks = FolderTree(options.folder, is_image_file), str(options.marks)

    def read(image: str, mask: str = "") -> SpacedImage:
        reference = ImageReference(image, split_masks(mask))
        try:
            return decode_case(read_case_files(tree, reference), reference, options.reading)
        except SeveralRegions as error:
            raise DataError(
                error.found,
                where=error.where,
                allowed="masks of one label, structure or segment: the lesions",
                remedy="save the lesions alone as one, apart from each other, or give a CSV",
            ) from error

    lesions, not_read = dict[str, list[Lesion]](), ""
    if marks == "masks":
        for row in rows:
            with suppress(EmptyMask):  # of an image without a lesion
                if row["mask"]:
                    lesions[row["file"]] = lesions_of_region(read(row["file"], row["mask"]))
    else:
        choice = MarkChoice(tuple(options.mark_class), options.similar_marks, options.mark_unit)
        shape = cache(lambda image: read(image).pixels.shape)
        known = Images([row["file"] for row in rows], shape)
        lesions, not_read = read_lesions(Path(marks), known, choice)
    if not any(lesions.values()):
        remedy = "correct --marks, or leave it out"
        raise DataError("no lesion of any image", where=f"--marks {marks}", remedy=remedy)
    cells = {
        image: "; ".join(lesion.text() for lesion in image_lesions)
        for image, image_lesions in lesions.items()
        if image_lesions
    }
    abnormal = {(row[PATIENT], row["region"]) for row in rows if row["file"] in cells}
    marked = [
        {
            **row,
            "marks": cells.get(row["file"], ""),
            "lesion": "present" if (row[PATIENT], row["region"]) in abnormal else "absent",
        }
        for row in rows
    ]
    count = (
        f"{sum(map(len, lesions.values()))} lesions in {len(cells)} of {len(rows)} images; the "
        "others are taken for images without one."
    )
    return marked, [count, not_read]
