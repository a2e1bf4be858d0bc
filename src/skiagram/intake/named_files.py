"""A table made of the names of a folder's files, and of a table of labels by patients."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath

import pandas as pd

from skiagram.datasets.folder.columns import require_columns
from skiagram.datasets.folder.lesions import Lesion, lesions_of_region
from skiagram.datasets.folder.mask_names import settle_masks
from skiagram.datasets.folder.patients import PatientTable
from skiagram.datasets.folder.roles import PATIENT, column_of
from skiagram.datasets.folder.table import split_masks
from skiagram.errors import DataError, listed, refusal
from skiagram.intake.described_tables import SettledTable
from skiagram.intake.file_names import FileNames
from skiagram.intake.file_options import FileOptions
from skiagram.intake.file_patterns import find_images
from skiagram.intake.marks import read_lesions
from skiagram.readers.case_images import ImageReference, decode_case, read_case_files
from skiagram.readers.masks import EmptyMask, SeveralRegions
from skiagram.readers.spaced_image import SpacedImage
from skiagram.tables.frames import of_table, read_csv, replace_columns


def compose_table(options: FileOptions) -> SettledTable:
    """Return the table of a folder whose options give a pattern of its names.

    Its index says whose image each row is, and its options are those of the commands that read it.
    """
    folder, written = options.folder, options.pattern
    if not written:
        raise refusal("intake.no_pattern")
    labels_told = options.marks or all("{label}" in pattern for pattern in written)
    if options.csv is None and not labels_told:
        raise refusal("intake.no_labels")
    images = _read_names(options, written)
    frame, notes = images.frame, list[str]()
    if options.csv is not None:
        # the labels, which have a row for each patient or for each image: of images where the line
        # names a column of files, or where none tells patients and one is called like files
        read = read_csv(options.csv, columns=options.columns)
        where = str(options.csv)
        patient, file = (column_of(read.columns, options, role) for role in ("patient", "file"))
        of_files = file if options.patient is None and (options.file or not patient) else None
        if of_files is None:
            labels = PatientTable.of(read, where, options.patient)
        else:  # a cell names a file as in any table of images
            with of_table(where):
                require_columns(read, (of_files,), "--file")
                known = FileNames([*dict.fromkeys(frame["file"])])
                meant = [known.find(name) or name for name in read[of_files]]
            read = replace_columns(read, {of_files: meant})
            labels = PatientTable(where, read, of_files, "image")
        column = "file" if labels.noun == "image" else PATIENT
        if column == PATIENT and PATIENT not in frame:
            raise refusal("intake.pattern_without_patient")
        if column == PATIENT != labels.column and PATIENT in labels.frame:  # of studies
            column = labels.column
            frame = frame.rename(columns={PATIENT: column})
        table = PatientTable(f"the files in {folder}", frame, column, labels.noun)
        leave_out = options.unmatched == "leave-out"
        joined, notes = table.joined(labels, options.similar_patients, leave_out=leave_out)
        frame = joined.frame
    # an image without a mask among others
    bare = frame.get("mask", frame["file"]) == ""
    left_out = dict.fromkeys(f"Left out, no mask: {file}" for file in frame["file"][bare])
    if bare.all():
        raise refusal("intake.no_image_with_mask", str(folder))
    return images.with_rows(frame[~bare], *left_out, *notes)


def _read_names(options: FileOptions, written: Sequence[str]) -> SettledTable:
    """Return a row for each image, with its mask or its lesions."""
    folder = options.folder
    tree = options.tree
    found = find_images(folder, written, options.mask_pattern, options.cut)
    # image files that fit no pattern, nor lie in a folder that fits one: masks beside the images
    # need not fit one to be their regions
    frame = found.frame
    others = sorted(
        name
        for name in tree.images(found.fitting)
        if found.fitting.isdisjoint(map(str, PurePosixPath(name).parents))
    )
    names = frame["file"].tolist() + (others if options.masks else [])
    masks = settle_masks(names, options.masks, str(folder))
    others = sorted({*others} - masks.names)
    frame = frame[~frame["file"].isin([*masks.names])]
    if frame.empty:
        there = listed((others or sorted(tree.files()))[:1], "`") or "none"
        raise refusal("intake.nothing_fits", str(folder), patterns=written, there=there)
    if options.masks == "regions":
        drawn = frame["file"].map(masks.cell)
        frame = frame.assign(mask=drawn.where(drawn != "", frame["mask"]))
    # lesions in place of regions
    has_masks, notes = options.marks is None and (frame["mask"] != "").any(), [found.note]
    if options.marks is not None:
        frame, sentence = _add_lesions(frame, options)
        notes.append(sentence)
    elif options.label_value and has_masks:
        frame = frame.assign(label_value=options.label_value)
    frame = frame.loc[:, (frame != "").any()]  # without columns that hold nothing
    notes.append(masks.describe(options.masks))
    if alone := sorted(found.masks_alone):
        notes.append(f"Masks without an image: {len(alone)}, first {alone[0]}")
    if others:
        notes.append(f"Image files that fit no pattern: {len(others)}, first {others[0]}")
    following = replace(
        options,
        file="file",
        patient=None,
        marks=None,
        label_value=None,
        masks=None if has_masks else options.masks,
        ignore_unlisted=(
            options.ignore_unlisted
            or options.marks == "masks"
            or (options.masks == "regions" and not others)
        ),
    )
    # whose image each row is
    parts = (("patient", PATIENT), ("region", "region"))
    index = [
        ", ".join(f"{name} `{row[part]}`" for name, part in parts if row.get(part)) or row["file"]
        for row in frame.to_dict("records")
    ]
    return SettledTable(frame.set_axis(index), following, tuple(filter(None, notes)))


def _add_lesions(frame: pd.DataFrame, options: FileOptions) -> tuple[pd.DataFrame, str]:
    """Return rows with the lesions of their image in place of a mask, and a sentence on them.

    They are of its mask, or of a file of marks. A case is abnormal where any of its modalities has
    a lesion.
    """
    marks = str(options.marks)

    def read(image: str, mask: str = "") -> SpacedImage:
        reference = ImageReference(image, split_masks(mask))
        try:
            return decode_case(read_case_files(options.tree, reference), reference, options.reading)
        except SeveralRegions as error:
            raise error.restated(
                DataError,
                allowed="masks of one label, structure or segment: the lesions",
                remedy="save the lesions alone as one, apart from each other, or give a CSV",
            ) from error

    lesions, files = dict[str, list[Lesion]](), frame["file"].tolist()
    if marks == "masks":
        for image, mask in zip(files, frame["mask"], strict=True):
            with suppress(EmptyMask):  # of an image without a lesion
                if mask:
                    lesions[image] = lesions_of_region(read(image, mask))
    else:
        shape_of = cache(lambda image: read(image).pixels.shape)
        lesions = read_lesions(Path(marks), FileNames(files), shape_of, options)
    if not any(lesions.values()):
        raise refusal("intake.no_lesion", f"--marks {marks}")
    cells = {
        image: "; ".join(lesion.text() for lesion in image_lesions)
        for image, image_lesions in lesions.items()
        if image_lesions
    }
    patients = frame[PATIENT].where(frame[PATIENT] != "", frame["file"])
    whose = [*zip(patients, frame["region"], strict=True)]
    abnormal = {key for key, image in zip(whose, files, strict=True) if image in cells}
    marked = frame.drop(columns="mask").assign(
        marks=[cells.get(image, "") for image in files],
        lesion=["present" if key in abnormal else "absent" for key in whose],
    )
    count = (
        f"{sum(map(len, lesions.values()))} lesions in {len(cells)} of {len(files)} images; the "
        "others are taken for images without one."
    )
    return marked, count
