"""A folder of images and its table, or its names alone, become rows and the options of a data set.

What was guessed or left out on the way is told, a sentence each.
"""

import shlex
from dataclasses import replace
from pathlib import Path, PurePath

import pandas as pd

from skiagram.datasets.folder.columns import Columns, require_columns
from skiagram.datasets.folder.mask_names import settle_masks
from skiagram.datasets.folder.patients import number_visits
from skiagram.datasets.folder.roles import ROLES, column_of, part_of, usual_column
from skiagram.datasets.folder.source import Folder, list_unlisted_images
from skiagram.datasets.folder.table import normalise_name
from skiagram.errors import listed, refusal
from skiagram.intake.class_folders import rows_of_classes
from skiagram.intake.described_tables import DescribedTable, SettledTable
from skiagram.intake.file_names import FileNames, find_files_alone, find_listed_files
from skiagram.intake.file_options import FileOptions
from skiagram.intake.named_files import compose_table
from skiagram.intake.outcomes import list_outcome_columns
from skiagram.intake.settled_tables import (
    count_once,
    describe_source,
    follow_project,
    read_tables,
    settle_table,
)
from skiagram.readers.case_images import called_images


def read_folder(options: FileOptions, at_home: Columns | None = None) -> DescribedTable[Folder]:
    """Read the table of a folder, or the names of its files, and what the line says of them.

    Args:
        at_home: Columns of the project whose models are to score the images; None for no project.

    Raises:
        DataError: A table, a column or a file is not there, or cannot be used.
        OptionError: Options that do not go together.
    """
    # all of a disk is refused, as an empty variable of a shell names it
    folder = options.folder
    if folder.resolve() == Path(folder.resolve().anchor):
        raise refusal("intake.root_as_folder", str(folder))
    # the rows, each with its file
    in_class_folders = options.csv is None and not options.pattern
    if in_class_folders:
        table = _read_class_folders(options)
    else:
        table = _find_files(_read_table(options, at_home))
    table = settle_table(table, labels_told=in_class_folders)
    # the masks that names tell
    frame, options = table.frame, table.options
    if options.masks == "regions":
        names = frame[options.file]
        drawn = names.map(table.masks.cell)
        bare = names[drawn == ""]
        if len(bare):
            raise refusal(
                "intake.no_mask",
                str(folder),
                n_bare=len(bare),
                n_images=len(frame),
                example=bare.iloc[0],
            )
        table = table.with_rows(frame.assign(mask=drawn))
    source = _describe_folder(table)
    # rows that say what another one says count once
    table = count_once(table, source.columns.used())
    frame, patient, visit = table.frame, source.columns.patient, source.columns.visit
    if patient and visit:
        frame = number_visits(frame, patient, visit)
        if any(table.left_out.values()):
            table = table.with_rows(
                frame,
                "The visit before is the last one among the rows that stay: for the same scores, "
                "leave the others out of a table for `skiagram predict`, too.",
            )
    table = table.with_rows(frame, table.masks.describe(table.options.masks))
    return DescribedTable(**vars(table), source=source)


def _read_class_folders(options: FileOptions) -> SettledTable:
    """Return a row for each image in a folder of its class, and the masks among the images."""
    for flag in list_outcome_columns(options):
        raise refusal("intake.outcome_without_table", flag)
    # images, also those that are called so and cannot be read
    where = str(options.folder)
    names = {*_require_images(options)} | called_images(options.tree)
    masks = settle_masks(names, options.masks, where)
    classes = {*options.classes, *filter(None, [options.positive])}
    frame, inner_folders = rows_of_classes(sorted(names - masks.names), classes, where)
    folders = {folder for file in frame["file"] for folder in file.split("/")[:-1]}
    folders -= {*frame["label"]}
    note = "Folders tell parts of the data, but no test set: folds score every image."
    without_test_set = any(map(part_of, folders)) and "split" not in frame
    table = SettledTable(frame, options, masks=masks).with_options(file="file", label="label")
    return table.with_rows(frame, note if without_test_set else "", inner_folders)


def _require_images(options: FileOptions) -> list[str]:
    """Return the images of a folder.

    Raises:
        DataError: There is no file, or none is an image that can be read.
    """
    images = [*options.tree.images(())]
    if not images:
        where, files = str(options.folder), sorted(options.tree.files())
        if not files:
            raise refusal("intake.empty_folder", where)
        raise refusal("intake.no_image_among", where, n_files=len(files), example=files[0])
    return images


def _read_table(options: FileOptions, at_home: Columns | None) -> SettledTable:
    """Return the table that the line names, or that of the files' names where it gives a pattern.

    The latter is made as `skiagram table` makes it.
    """
    if not options.pattern:
        named = [options.file, options.mask, *ROLES["file"].usual, "mask"]
        named += [] if at_home is None else [at_home.file, at_home.mask]
        paths = (options.csv or options.folder, *options.join)
        table = read_tables(options, paths, [name for name in named if name])
        return follow_project(table, at_home)
    made = compose_table(options)
    table = read_tables(options, options.join, made=made.frame)
    return replace(table, options=made.options, notes=(*made.notes, *table.notes))


def _find_file_column(frame: pd.DataFrame, options: FileOptions) -> str:
    """Return the column of files; of several usual ones the first whose names have an ending.

    A column `image` beside one of paths may hold running numbers, which are names of other files.
    """
    if options.file is not None:
        return options.file
    usual = (usual_column(frame.columns, (name,)) for name in ROLES["file"].usual)
    columns = [*filter(None, usual)]
    with_ending = [
        column for column in columns if all(PurePath(cell).suffix for cell in frame[column])
    ]
    if columns or options.columns:
        return [*with_ending, *columns, "file"][0]
    # none is there: what may be one
    images = _require_images(options)
    known = FileNames([*images, *find_files_alone(images)])
    called = [
        str(name) for name in frame if {len(known.meant(cell)) for cell in frame[name]} == {1}
    ]
    allowed = listed(filter(None, frame.columns), "`", near="file")
    ending = "".join(PurePath(images[0]).suffixes)
    if called:
        # A name that is a file's too is a cell of the first row: the table has no header.
        is_header = len(known.meant(called[0])) != 1
        option = shlex.join(["--file", called[0]]) if is_header else "--columns file label"
        raise refusal("intake.other_file_column", allowed=allowed, option=option, ending=ending)
    pattern = "{patient}" + "/{any}" * max(1, images[0].count("/")) + ending
    raise refusal("intake.no_file_column", allowed=allowed, example=images[0], pattern=pattern)


def _find_files(table: SettledTable) -> SettledTable:
    """Return a table with the names that its files have on the disk, without masks among images.

    The options then name the column of files that the table has.
    """
    frame, options = table.frame, table.options
    file = _find_file_column(frame, options)
    require_columns(frame, (file,))
    # A patient's id that is the file's name too stays as it is.
    tree = options.tree
    shared = file in (options.patient, usual_column(frame.columns, ROLES["patient"].usual))
    target = "file" if shared else file
    frame, note = find_listed_files(frame, file, target, tree, options.masks)
    table = table.with_rows(frame, note).with_options(file=target if note else file)
    # rows without a file are left out, where the line says so; else it is said what they lack
    names = table.frame[table.options.file].map(normalise_name)
    stay = (
        "; `--unmatched leave-out` leaves such rows out." if options.unmatched == "refuse" else ""
    )
    table = _leave_out(table, ~names.map(tree.exists), "name no file of the folder", stay)
    table = replace(table, left_out={"have no file": len(names) - len(table.frame)})
    mask = column_of(frame.columns, options, "mask")
    if mask is not None and mask in frame:
        if options.masks is not None:
            raise refusal("intake.masks_twice", choice=options.masks, column=mask)
        return table.with_rows(*find_listed_files(table.frame, mask, mask, tree, "images"))
    # masks among the images, and among the files that no row names
    frame, options = table.frame, table.options
    images = [normalise_name(cell) for cell in frame[options.file]]
    if options.masks is not None or options.unlisted != "ignore":
        images += list_unlisted_images(tree, images)
    masks = settle_masks(images, options.masks, str(options.folder))
    is_mask = frame[options.file].map(normalise_name).isin([*masks.names])
    return _leave_out(replace(table, masks=masks), is_mask, "name a mask")


def _leave_out(
    table: SettledTable, found: "pd.Series[bool]", why: str, stay: str = ""
) -> SettledTable:
    """Return a table without some rows, and a sentence on them.

    Args:
        stay: What the sentence says where they stay after all.

    Raises:
        DataError: They are all rows.
    """
    frame, options = table.frame, table.options
    if not found.any():
        return table
    counted = (
        f"{found.sum()} of {len(frame)} rows {why}, the first "
        f"`{frame[options.file][found].iloc[0]}`"
    )
    if found.all():
        _require_images(options)
        raise refusal("intake.no_file_of_rows", str(options.folder), counted=counted)
    return table.with_rows(
        frame if stay else frame[~found], counted + (stay or "; they are left out.")
    )


def _describe_folder(table: SettledTable) -> Folder:
    """Return the options of the data set; what only a look at the images tells is not settled."""
    options = table.options
    if options.most_pixels < 1:
        raise refusal("intake.most_pixels", number=options.most_pixels)
    return Folder(
        **describe_source(table, of_images=True),
        folder=str(options.folder),
        manifest="",
        manifest_sha256="",
        channels=1,
        most_pixels=options.most_pixels,
        gray=options.gray == "all",
        # the manifest lists the chosen modalities; the files of others lie beside them
        unlisted=options.unlisted,
        modalities=tuple(options.images),
        mask_grid=options.mask_grid,
        unstated_spacing=options.reading.spacing,
        sealed_labels=None if options.sealed_labels is None else str(options.sealed_labels),
        source="own images",
    )
