"""What every table of cases goes through, of images or of features: parts, labels, patients.

What was guessed or left out on the way is told, a sentence each.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple

import pandas as pd

from skiagram.datasets.folder.columns import (
    Columns,
    describe_unmeasured,
    empty_unmeasured,
    require_columns,
    settle_columns,
)
from skiagram.datasets.folder.patients import settle_patients
from skiagram.datasets.folder.roles import (
    NO_COLUMN,
    ROLES,
    SINGLE,
    column_of,
    list_columns,
    part_of,
)
from skiagram.datasets.listed import S
from skiagram.errors import OptionError, refusal
from skiagram.intake.class_folders import add_split, find_split_column, unite_development
from skiagram.intake.file_options import FileOptions
from skiagram.intake.header_patients import (
    add_header_patients,
    agree_with_headers,
    read_header_patients,
)
from skiagram.intake.labels import (
    OF_OTHER_CLASSES,
    label_column,
    label_of_classes,
    leave_out_classes,
    record_left_out,
    refuse_measurements,
    settle_labels,
    settle_positive,
)
from skiagram.intake.outcomes import list_predicted, settle_outcome
from skiagram.intake.patient_columns import find_patient_column
from skiagram.tables.cells import describe_code, names_nobody
from skiagram.tables.frames import are_numbers, count_cases, numbers_of, texts_of
from skiagram.tasks.kinds import AnyOutcome

_FOLDER = re.compile(r"[/\\]")


class Settling(NamedTuple):
    """What a check may settle of images, where it would else be a problem.

    Attributes:
        few_gray: Whether a few images in colour or with transparent pixels become gray.
        without_lesion: Whether images whose mask is empty are left out.
    """

    few_gray: bool = False
    without_lesion: bool = False


AS_TABLE_SAYS = Settling()


@dataclass(frozen=True)
class DescribedTable(Generic[S]):
    """A table of images or of features as it will be read; its copy in the project is not there.

    Attributes:
        frame: Its features are numbers, all other cells texts.
        notes: What was settled of names, rows and labels, a sentence each.
        predicted: Columns that the label or outcome was made of.
    """

    frame: pd.DataFrame
    source: S
    notes: list[str]
    predicted: tuple[str, ...]
    settling: Settling = AS_TABLE_SAYS

    @property
    def unused(self) -> list[str]:
        """The columns that stay behind."""
        used = {*self.source.columns.used(), *self.predicted}
        return [name for name in self.frame.columns if name not in used]


class SettledTable(NamedTuple):
    """A table in which each class and each patient has one spelling.

    Attributes:
        options: Those of the line, which name the columns that the table has.
        notes: What was settled, a sentence each.
        predicted: Columns that the label or outcome was made of.
        of_other_classes: Cases that `--classes` leaves out.
    """

    frame: pd.DataFrame
    options: FileOptions
    notes: list[str]
    outcome: AnyOutcome | None
    predicted: tuple[str, ...]
    of_other_classes: int

    def describe(self, *, of_images: bool) -> dict[str, Any]:
        """Return the options that a data set of images and one of features have alike, by name.

        Raises:
            OptionError: A column that is named is not there, or classes do not go together.
        """
        # the columns by their roles
        options, outcome = self.options, self.outcome
        named = settle_columns(self.frame, options, of_images=of_images)
        if options.test_sites:
            named["split"] = None
        if named["patient"] is None and options.visit is None:  # a visit is that of a patient
            named["visit"] = None
        columns = Columns(**named, value=None if outcome is None else outcome.column)
        # the classes, and the one that is looked for
        classes = tuple(options.classes or sorted({*self.frame[columns.label]} - {""}))
        if len(options.classes) == 1:
            raise refusal("intake.one_class", kind=OptionError, label=classes[0])
        # what the files do not say
        unstated = {"modality": "not stated", "licence": "not stated", "citation": "none"}
        return unstated | {
            "name": options.short_name,
            "title": options.title,
            "known_issues": record_left_out(
                self.of_other_classes, count_cases(self.frame), OF_OTHER_CLASSES
            ),
            "columns": columns,
            "classes": classes,
            "positive_class": settle_positive(options.positive, classes),
            "test_sites": tuple(options.test_sites),
            "similar_patients": options.similar_patients,
            "copies": options.copies or "refuse",
            "outcome": outcome,
        }


def follow_project(
    options: FileOptions, header: Collection[str], columns: Columns | None
) -> FileOptions:
    """Return options that name the columns which a project's models read.

    Args:
        columns: Of the project's table; a column that the line names comes before. None where no
            project is followed.
    """
    if columns is None:
        return options
    # a site would tell several cohorts apart, which nobody has asked for
    roles = [role for role in SINGLE if role != "site" and ROLES[role].of_cohort]
    named = {role: column for role in roles if (column := getattr(columns, role)) in header}
    named = {role: column for role, column in named.items() if getattr(options, role) is None}
    taken = [name for name in columns.covariates if name in header]
    covariates = [*options.covariates, *taken]
    forced = [*options.forced_covariates, *taken]
    return replace(options, covariates=covariates, forced_covariates=forced, **named)


def settle_table(
    frame: pd.DataFrame, options: FileOptions, *, labels_told: bool = False
) -> SettledTable:
    """Settle parts of the data, what is predicted, and patients.

    Args:
        options: `file` is the column of names of files; None where a row has features.
        labels_told: Whether folders told the labels, so that no column has to be read.

    Raises:
        DataError: A column is not there, or its cells cannot be used.
        OptionError: Options that do not go together.
    """
    frame, options, notes = _settle_split(frame, options)
    # what is predicted
    predicted = (*list_predicted(options), *_words(options.label_name))
    settled = settle_outcome(frame, options)
    if settled is not None:
        frame, options = settled.frame, settled.options
        notes.append(settled.note)
    label = label_column(options.label_name, frame.columns)
    if label not in frame and "," in label:
        frame, label = label_of_classes(frame, _words(label)), "label"
    require_columns(frame, (label,), "--label")
    is_class = settled is None and not options.cohort
    if not labels_told and options.sealed_labels is None:
        named = [*options.classes, *filter(None, [options.positive])]
        frame, label_notes = settle_labels(frame, label, options.empty_label, named)
        if is_class and not options.classes:
            refuse_measurements(frame, label)
        notes += label_notes
    options = replace(options, label=label)
    every = count_cases(frame)
    if is_class:
        frame, note = leave_out_classes(frame, label, options.classes)
        options = replace(options, ignore_unlisted=options.ignore_unlisted or bool(note))
        notes.append(note)
    of_other_classes = every - count_cases(frame)
    # patients
    if not options.patient:
        frame, patient, note = _find_patients(frame, options)
        options = replace(options, patient=patient)
        notes.append(note)
    patient = column_of(frame.columns, options, "patient")
    require_columns(frame, filter(None, [patient]), "--patient")
    frame = settle_patients(frame, patient, options.similar_patients)
    split = column_of(frame.columns, options, "split")
    require_columns(frame, filter(None, [split]), "--split")
    frame, note = unite_development(frame, None if options.test_sites else split, patient)
    forced = list_columns(options.forced_covariates, frame.columns)
    covariates = [*dict.fromkeys([*list_columns(options.covariates, frame.columns), *forced])]
    require_columns(frame, covariates, "--covariates")
    frame, n_emptied = empty_unmeasured(frame, {*covariates}.intersection(texts_of(frame)))
    notes += [describe_unmeasured(n_emptied), *_describe_covariates(frame, covariates), note]
    outcome = None if settled is None else settled.outcome
    notes = [note for note in notes if note]
    return SettledTable(frame, options, notes, outcome, predicted, of_other_classes)


def count_once(frame: pd.DataFrame, columns: Iterable[str]) -> tuple[pd.DataFrame, str]:
    """Return a table without the rows that repeat another one in some columns, and a sentence."""
    repeated = frame.duplicated([*columns])
    if not repeated.any():
        return frame, ""
    note = "rows repeat another one in every column that is used; they count once."
    return frame[~repeated], f"{repeated.sum()} {note}"


def _words(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


def _settle_split(
    frame: pd.DataFrame, options: FileOptions
) -> tuple[pd.DataFrame, FileOptions, list[str]]:
    """Return a table, options that name the column of its parts, and sentences.

    Where none is named and none has a usual name, it is a column of names of parts alone, or the
    folders in names of files tell them. Parts without a test set do not count.
    """
    column = column_of(frame.columns, options, "split")
    is_whole = not (options.test_sites or options.cohort or options.sealed_labels)
    if column in frame and is_whole:
        parts = {part_of(cell) or cell for cell in frame[column]}
        if parts <= {"train", "validation"}:
            note = f"The column `{column}` has no test set, so that folds test every case."
            return frame, replace(options, split=NO_COLUMN), [note]
    known = column or options.split == NO_COLUMN
    if known or options.test_sites:
        return frame, options, []
    notes: list[str] = []
    if not options.cohort:
        taken = taken_columns(options, frame.columns)
        names = [name for name in texts_of(frame) if name not in taken]
        split, note = find_split_column(frame, names)
        if split is not None:
            return frame, replace(options, split=split), [note]
    with_folders = (name for name in texts_of(frame) if all(map(_FOLDER.search, frame[name])))
    for name in [options.file] if options.file else with_folders:
        frame, note = add_split(frame, name)
        notes.append(note)
        if note:
            break
    return frame, options, notes


def _find_patients(
    frame: pd.DataFrame, options: FileOptions
) -> tuple[pd.DataFrame, str | None, str]:
    """Return a table, its column of patients where the line names none, and a sentence.

    Headers of DICOM files may tell patients too.
    """
    taken = taken_columns(options, frame.columns)
    patient, note = find_patient_column(frame, taken, joined=bool(options.pattern))
    if options.file is None:
        return frame, patient, note
    headers = read_header_patients(frame, options.file, options.folder)
    if patient is None:
        frame, note = add_header_patients(frame, headers)
        return frame, column_of(frame.columns, options, "patient"), note
    frame, patient, header_note = agree_with_headers(frame, headers, patient)
    note = header_note or note
    nobody = sum(map(names_nobody, frame[patient]))
    if nobody:
        note += f"{' ' if note else ''}The column `{patient}` was chosen as the patients' by its "
        note += f"name, and {nobody} of {len(frame)} rows have no id in it: name another column "
        note += "with --patient; where none tells patients, `--patient none`."
    return frame, patient, note


def taken_columns(options: FileOptions, header: Collection[str]) -> set[str]:
    """Return the columns to which the line gives a meaning, but for that of patients."""
    single = {getattr(options, role) for role in SINGLE if role != "patient"} - {None}
    covariates = list_columns([*options.covariates, *options.forced_covariates], header)
    several = {*covariates, *options.scores, *options.not_features, *list_predicted(options)}
    return {*single, label_column(options.label_name, header), *several}


def _describe_covariates(frame: pd.DataFrame, names: Collection[str]) -> list[str]:
    """Return a sentence on each covariate that is the same in all rows, or may mark missing values.

    Args:
        names: Columns that the table has.
    """
    notes = []
    for name in names:
        counts = Counter(frame[name].tolist())
        (cell, _), *others = counts.most_common(2)
        if len(frame) > 1 and not others and cell:
            notes.append(f"Covariate `{name}`: every row has `{cell}`, so it tells nothing.")
        elif are_numbers(frame[name]):
            numbers = numbers_of(frame[name][frame[name] != ""])
            code = describe_code(numbers.tolist(), further="")
            notes += [f"Covariate `{name}`:{code}"] if code else []
    return notes
