"""What every table of cases goes through, of images or of features: parts, labels, patients.

What was guessed or left out on the way is told, a sentence each.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skiagram.datasets.folder.columns import (
    Columns,
    require_columns,
    settle_numbers,
)
from skiagram.datasets.folder.patients import join_tables, settle_patients
from skiagram.datasets.folder.roles import (
    NO_COLUMN,
    ROLES,
    SINGLE,
    column_of,
    list_columns,
    option_of,
    part_of,
    usual_column,
)
from skiagram.datasets.folder.table import values_of
from skiagram.datasets.telling_columns import TELLING_AUC
from skiagram.errors import refusal
from skiagram.intake.class_folders import add_split, unite_development
from skiagram.intake.described_tables import SettledTable
from skiagram.intake.file_options import FileOptions
from skiagram.intake.header_patients import agree_with_headers
from skiagram.intake.labels import (
    MOST_NUMBERS,
    OF_OTHER_CLASSES,
    label_column,
    label_of_classes,
    leave_out_classes,
    record_left_out,
    settle_labels,
    settle_positive,
)
from skiagram.intake.outcomes import list_predicted, rows_to_look_at, settle_outcome
from skiagram.intake.patient_columns import describe_last_parts, find_patient_column
from skiagram.tables.cells import describe_codes, names_nobody
from skiagram.tables.frames import (
    are_numbers,
    count_cases,
    describe_missing,
    empty_missing,
    numbers_of,
    of_table,
    read_csv,
    texts_of,
)
from skiagram.tasks.columns import VALUE

_FOLDER = re.compile(r"[/\\]")


def follow_project(table: SettledTable, columns: Columns | None) -> SettledTable:
    """Return a table whose options name the columns which a project's models read.

    Args:
        columns: Of the project's table; a column that the line names comes before. None where no
            project is followed.
    """
    if columns is None:
        return table
    options, header = table.options, table.frame.columns
    # a site would tell several cohorts apart, which nobody has asked for
    roles = [role for role in SINGLE if role != "site" and ROLES[role].of_cohort]
    named = {
        role: column
        for role in roles
        if getattr(options, role) is None and (column := getattr(columns, role)) in header
    }
    taken = [name for name in columns.covariates if name in header]
    covariates = [*options.covariates, *taken]
    forced = [*options.forced_covariates, *taken]
    return table.with_options(covariates=covariates, forced_covariates=forced, **named)


def read_tables(
    options: FileOptions,
    paths: Sequence[Path],
    files: Collection[str] = (),
    made: pd.DataFrame | None = None,
) -> SettledTable:
    """Return the rows of the first table with what further ones say of their patients.

    Args:
        files: Columns that name files.
        made: The first table, where names of files made it; None reads all of them.
    """
    tables = {} if made is None else {str(options.folder): made}
    for path in paths:
        with of_table(str(path)) if len(paths) > 1 else nullcontext():
            header = None if tables else options.columns
            tables[str(path)] = read_csv(path, files=files, columns=header)
    emptied: Counter[str] = Counter()
    for name, table in tables.items():
        tables[name], counts = empty_missing(table, options.missing)
        emptied.update(counts)
    frame, notes = join_tables(
        tables,
        options.patient if made is None or options.patient in made else None,
        options.similar_patients,
        leave_out=options.unmatched == "leave-out",
    )
    own = tuple(map(str, next(iter(tables.values())).columns))
    notes = describe_missing(options.missing, emptied) + notes
    return SettledTable(frame, options, tuple(notes), own)


def settle_table(table: SettledTable, *, labels_told: bool = False) -> SettledTable:
    """Settle parts of the data, what is predicted, patients and covariates.

    Args:
        table: `file` of its options is the column of names of files; None where a row has features.
        labels_told: Whether folders told the labels, so that no column has to be read.

    Raises:
        DataError: A column is not there, or its cells cannot be used.
        OptionError: Options that do not go together.
    """
    options = table.options
    predicted = (*list_predicted(options), *_words(options.label_name))
    table = replace(settle_outcome(_settle_split(table)), predicted=predicted)
    table = _settle_patients(_settle_classes(table, labels_told=labels_told))
    # covariates
    frame, options = table.frame, table.options
    forced = list_columns(options.forced_covariates, frame.columns)
    covariates = [*dict.fromkeys([*list_columns(options.covariates, frame.columns), *forced])]
    require_columns(frame, covariates, "--covariates")
    frame, note = settle_numbers(frame, {*covariates}.intersection(texts_of(frame)))
    table = table.with_rows(frame, note)
    table = table.with_options(covariates=covariates, forced_covariates=forced)
    # a site that nothing would be asked of
    if options.site in frame and not options.test_sites and options.site not in covariates:
        note = (
            f"Nothing is asked of the sites in `{options.site}`, nor does the audit see them: "
            "`--test-sites` names those to test on, `--covariates` shows each one's figures."
        )
        table = table.with_rows(frame, note)
    # those that are the same in all rows, in the order of the outcome, or may mark missing values
    outcome = _values_to_look_at(table)
    for name in covariates:
        note, cells = "", frame[name]
        if len(frame) > 1 and cells.iloc[0] and (cells == cells.iloc[0]).all():
            note = f" every row has `{cells.iloc[0]}`, so it tells nothing."
        elif are_numbers(cells):
            numbers = pd.Series(numbers_of(cells))
            note = describe_codes(numbers.dropna().tolist(), further="")
            if abs(numbers.corr(outcome, "spearman", min_periods=10)) >= TELLING_AUC:
                note += (
                    " its order is that of the outcome: leave it out unless it was known before."
                )
        table = table.with_rows(frame, f"Covariate `{name}`:{note}" if note else "")
    # parts that share patients
    split, patient = (column_of(frame.columns, options, role) for role in ("split", "patient"))
    require_columns(frame, filter(None, [split]), "--split")
    frame, note = unite_development(frame, None if options.test_sites else split, patient)
    return table.with_rows(frame, note)


def _values_to_look_at(table: SettledTable) -> "pd.Series[float]":
    """Return what is predicted of each row, in their order; NaN of test rows and of classes."""
    values = np.full(len(table.frame), np.nan)
    if table.outcome is not None and VALUE in table.frame:
        told = values_of(table.frame[VALUE])
        if told.ndim == 1:  # several findings have no order
            values = np.where(rows_to_look_at(table.frame, table.options), told, np.nan)
    return pd.Series(values)


def describe_source(table: SettledTable, *, of_images: bool) -> dict[str, Any]:
    """Return the options that a data set of images and one of features have alike, by name.

    Args:
        of_images: Whether a row is an image; rows of features have none of the roles of images.

    Raises:
        OptionError: A column that is named is not there, or classes do not go together.
    """
    # the columns by their roles
    frame, options, outcome = table.frame, table.options, table.outcome
    named = dict[str, Any]()
    for name, role in ROLES.items():
        if of_images or not role.of_images:
            one = [column_of(frame.columns, options, name)] if role.usual else []
            many = one or list_columns(getattr(options, name), frame.columns)
            require_columns(frame, filter(None, many), f"--{option_of(name)}")
            named[name] = many[0] if role.usual else many
    if options.test_sites:
        named["split"] = None
    if named["patient"] is None and options.visit is None:  # a visit is that of a patient
        named["visit"] = None
    columns = Columns(**named, value=None if outcome is None else outcome.column)
    # the classes, and the one that is looked for
    classes = tuple(options.classes or sorted({*frame[columns.label]} - {""}))
    if len(options.classes) == 1:
        raise refusal("intake.one_class", label=classes[0])
    return {
        "name": options.short_name,
        "title": options.title,
        # what the files do not say
        **{"modality": "not stated", "licence": "not stated", "citation": "none"},
        "known_issues": tuple(
            issue
            for why, number in sorted(table.left_out.items())
            for issue in record_left_out(number, count_cases(frame), why)
        ),
        "columns": columns,
        "classes": classes,
        "positive_class": settle_positive(options.positive, classes),
        "test_sites": tuple(options.test_sites),
        "similar_patients": options.similar_patients,
        "copies": options.copies or "refuse",
        "outcome": outcome,
    }


def count_once(table: SettledTable, columns: Iterable[str]) -> SettledTable:
    """Return a table without the rows that repeat another one in some columns."""
    repeated = table.frame.duplicated([*columns])
    if not repeated.any():
        return table
    note = "rows repeat another one in every column that is used; they count once."
    return table.with_rows(table.frame[~repeated], f"{repeated.sum()} {note}")


def _words(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


def _settle_split(table: SettledTable) -> SettledTable:
    """Return a table whose options name the column of its parts.

    Where none is named and none has a usual name, it is a column of names of parts alone, or the
    folders in names of files tell them. Parts without a test set do not count.
    """
    frame, options = table.frame, table.options
    column = column_of(frame.columns, options, "split")
    is_whole = not (options.test_sites or options.cohort or options.sealed_labels)
    if column in frame and is_whole:
        parts = {part_of(cell) or cell for cell in frame[column]}
        if parts <= {"train", "validation"}:
            note = f"The column `{column}` has no test set, so that folds test every case."
            return table.with_rows(frame, note).with_options(split=NO_COLUMN)
    if column or options.split == NO_COLUMN or options.test_sites:
        return table
    # a column of names of parts alone, among them those of training and of test
    taken = taken_columns(options, frame.columns)
    for name in (each for each in texts_of(frame) if each not in taken and not options.cohort):
        parts = {*map(part_of, frame[name].unique())}
        if None not in parts and {"train", "test"} <= parts:
            note = f"The column `{name}` tells the parts of the data; another is named by --split."
            return table.with_rows(frame, note).with_options(split=name)
    with_folders = (name for name in texts_of(frame) if all(map(_FOLDER.search, frame[name])))
    for name in [options.file] if options.file else with_folders:
        frame, note = add_split(frame, name)
        if note:
            return table.with_rows(frame, note)
    return table


def _settle_classes(table: SettledTable, *, labels_told: bool) -> SettledTable:
    """Return a table in which each class has one spelling, without those that are left out."""
    frame, options = table.frame, table.options
    label = label_column(options.label_name, frame.columns)
    if label not in frame and "," in label:
        frame, label = label_of_classes(frame, _words(label)), "label"
    require_columns(frame, (label,), "--label")
    is_class, every = table.outcome is None and not options.cohort, count_cases(frame)
    notes: list[str] = []
    if not labels_told and options.sealed_labels is None:
        named = [*options.classes, *filter(None, [options.positive])]
        frame, notes = settle_labels(frame, label, options.empty_label, named)
        # many different numbers are a measurement rather than a class
        number = frame.loc[frame[label] != "", label].nunique()
        if is_class and not options.classes and number > MOST_NUMBERS and are_numbers(frame[label]):
            raise refusal("intake.label_of_numbers", column=label, number=number, most=MOST_NUMBERS)
    table = table.with_rows(frame, *notes).with_options(label=label)
    if not is_class:
        return table
    labelled = count_cases(frame)
    frame, note = leave_out_classes(frame, label, options.classes)
    ignored = options.ignore_unlisted or bool(note)
    table = table.with_rows(frame, note).with_options(ignore_unlisted=ignored)
    left_out = {"have no label": every - labelled, OF_OTHER_CLASSES: labelled - count_cases(frame)}
    return replace(table, left_out={**table.left_out, **left_out})


def _settle_patients(table: SettledTable) -> SettledTable:
    """Return a table in which each patient has one spelling, in the column that options name.

    Where the line names none, it is found, and headers of DICOM files may tell patients too.
    """
    frame, options, note = table.frame, table.options, ""
    patient = options.patient
    if not patient:
        taken = taken_columns(options, frame.columns)
        patient, note = find_patient_column(frame, taken, joined=bool(options.pattern))
    if not options.patient and options.file is not None:
        frame, patient, header_note = agree_with_headers(frame, options, patient)
        note = header_note or note
        nobody = sum(map(names_nobody, frame[patient])) if patient else 0
        if nobody:
            note += (
                f"{' ' if note else ''}The column `{patient}` was chosen as the patients' by its "
                f"name, and {nobody} of {len(frame)} rows have no id in it: name another column "
                "with --patient; where none tells patients, `--patient none`."
            )
    if patient is None and usual_column(frame.columns, ROLES["patient"].usual):
        patient = NO_COLUMN  # of which the note says why
    table = table.with_options(patient=patient)
    patient = column_of(frame.columns, table.options, "patient")
    require_columns(frame, filter(None, [patient]), "--patient")
    frame = settle_patients(frame, patient, options.similar_patients)
    return table.with_rows(frame, note, describe_last_parts(frame[patient]) if patient else "")


def taken_columns(options: FileOptions, header: Collection[str]) -> set[str]:
    """Return the columns to which the line gives a meaning, but for that of patients."""
    single = {getattr(options, role) for role in SINGLE if role != "patient"} - {None}
    covariates = list_columns([*options.covariates, *options.forced_covariates], header)
    several = {*covariates, *options.scores, *options.not_features, *list_predicted(options)}
    return {*single, label_column(options.label_name, header), *several}
