"""A table of features, as PyRadiomics or R writes it, becomes a data set by its name alone."""

import fnmatch
import re
import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from skiagram.datasets.feature_table import (
    FeatureFile,
    empty_unmeasured,
    numeric_columns,
    telling_columns_of,
)
from skiagram.datasets.folder.csv_rows import (
    PATIENT_COLUMNS,
    CsvRow,
    describe_missing,
    list_columns,
    of_table,
    read_csv,
    refuse_units,
    require_columns,
    usual_column,
)
from skiagram.datasets.folder.identifiers import is_packed_date, names_patients, suspect_column
from skiagram.datasets.folder.patients import PatientTable, settle_patients
from skiagram.datasets.folder.table import (
    describe_covariates,
    find_number_problem,
    find_thousands_problem,
    is_number,
)
from skiagram.datasets.telling_columns import PYRADIOMICS, refuse_telling_columns
from skiagram.errors import DataError, OptionError, listed, nearest
from skiagram.intake.class_folders import add_split, find_split_column
from skiagram.intake.combined_regions import (
    ALL,
    COMBINATIONS,
    COUNT,
    ask_for_structure,
    choose_structures,
    combine_regions,
    find_structures,
    has_combination,
    has_several,
    list_structures,
    originals_of,
)
from skiagram.intake.file_options import FileOptions
from skiagram.intake.labels import (
    OF_OTHER_CLASSES,
    label_column,
    leave_out_classes,
    record_left_out,
    refuse_measurements,
    require_positive,
    settle_labels,
    settle_positive,
)
from skiagram.intake.outcomes import list_outcome_columns, settle_outcome
from skiagram.intake.patient_columns import find_patient_column, is_whole
from skiagram.tasks.columns import stands_for_missing
from skiagram.tasks.kinds import AnyOutcome
from skiagram.tasks.task import Design

_TYPED = 8  # columns in a remedy
_VOLUME = re.compile(r"(?i)volume$|volume_mesh$")
# Numbers that no program reads as such: 1,234.5, 1.234,5, 45 %, <0.1, and a sign for minus.
_WRITTEN = re.compile(
    r"[+\-−]?\d{1,3}([.,'’ \u00a0\u202f]\d{3})+([.,]\d+)?|[+\-−]?\d+([.,]\d+)?\s*%"
    r"|[<>≤≥]\s*\d+([.,]\d+)?|−\d+([.,]\d+)?"
)
_SEVERAL = (
    "Patients have several rows with one label: each row is a case. `--per-patient combined` makes "
    "one case of the rows of a patient."
)


class DescribedFeatures(NamedTuple):
    """A table of features as it will be read; `file` of its source is not there yet."""

    rows: list[CsvRow]
    source: FeatureFile
    notes: list[str]

    @property
    def design(self) -> Design:
        return "cv" if self.source.split is None else "holdout"

    @property
    def volume(self) -> str | None:
        """The feature that is the region's volume, by its name; None where none is."""
        named = (name for name in self.source.features or () if _VOLUME.search(name))
        return next(named, None)


def read_features(
    options: FileOptions, project_table: FeatureFile | None = None
) -> DescribedFeatures:
    """Read a table of features and, where the labels are in another one, join it by patients.

    Args:
        project_table: The table of the project whose models are to score this one: its features are
            read, and its columns where this table calls them the same.
    """
    # the rows of all tables, and what is predicted
    rows, measured, options, notes = _read_rows(options, project_table)
    settled = settle_outcome(rows, options)
    if settled is not None:
        rows, options = settled.rows, settled.options
        notes.append(settled.note)
    # the other columns, and the rows that are cases
    outcome, is_new = None if settled is None else settled.outcome, project_table is None
    rows, source, column_notes, label_notes = _settle_columns(
        rows, measured, options, outcome, is_new=is_new
    )
    notes += column_notes
    patient = source.patient
    constant = [source.label, *filter(None, [source.split]), *source.covariates]
    constant += [] if outcome is None else [outcome.column]
    rows, region_notes = _choose_region(options, rows, patient, constant)
    notes += region_notes
    # whether those of a patient are one case
    combined = _is_combined(options, rows, patient, constant, project_table)
    has_choice = options.per_patient is not None or not is_new
    if not (combined or has_choice or patient is None) and has_several(rows, patient, constant):
        notes.append(_SEVERAL)
    # their features
    if project_table is not None:
        names = project_table.features or ()
        features = originals_of(names) if combined else [*names]
        missing = [name for name in features if name not in rows[0].cells]
        if missing:
            fault = f"{len(missing)} of {len(features)} features of the project are not there: "
            raise DataError(
                fault + listed(missing),
                where="the table of features",
                allowed="all features that the project's models may read, under the same names",
                remedy="compute them with the same settings, or correct the names of the columns",
            )
        for problem in filter(None, (find_thousands_problem(rows, name) for name in features)):
            raise problem
    else:
        others = {patient, source.label, source.split, *source.covariates}
        others |= set() if settled is None else {*settled.columns}
        free = [name for name in measured if name not in others]
        features, feature_notes = _settle_features(rows, free, source, options)
        notes += feature_notes
    if combined and patient is not None:
        regions, volume = len(rows), next(filter(_VOLUME.search, features), None)
        rows, features = combine_regions(rows, patient, features, constant, volume)
        kinds = [words for kind, words in COMBINATIONS.items() if has_combination(features, kind)]
        notes.append(
            f"{regions} rows of {len(rows)} patients: each patient is one case, with "
            f"{listed(kinds)} of every feature, and the number of regions. `--per-patient rows` "
            "keeps each row a case."
        )
    return DescribedFeatures(rows, replace(source, features=tuple(features)), notes + label_notes)


def _read_rows(
    options: FileOptions, project_table: FeatureFile | None
) -> tuple[list[CsvRow], list[str], FileOptions, list[str]]:
    """Return the rows of all tables, the columns of the first one, and sentences.

    The options then name the columns that these tables have, as the project's table does where the
    line names no others.
    """
    # one table, or several joined by patients
    emptied: Counter[str] = Counter()
    if options.csv is None:
        with of_table(str(options.folder)):
            rows = read_csv(options.folder, options.missing, emptied=emptied)
            refuse_units(rows)
        measured, join_notes = [*rows[0].cells], list[str]()
    else:
        whole = PatientTable.read(options.folder, options.patient, options.missing, emptied)
        measured, join_notes = [*whole.rows[0].cells], []
        leave_out = options.unmatched == "leave-out"
        for path in (options.csv, *options.join):
            further = PatientTable.read(
                path, options.patient, options.missing, emptied, joined=True
            )
            whole, left_out = whole.joined(further, options.similar_patients, leave_out=leave_out)
            join_notes += left_out
        rows = whole.rows
    notes = describe_missing(options.missing, emptied) + join_notes
    # the columns that the project's table has
    header, taken = rows[0].cells, list[str]()
    if project_table is not None:
        if project_table.label in header and options.label is None:
            options = replace(options, label=project_table.label)
        if project_table.patient in header and options.patient not in header:
            options = replace(options, patient=project_table.patient)
        taken = [name for name in project_table.covariates if name in header]
    forced = list_columns([*options.force_covariates, *taken], header)
    covariates = list_columns([*options.covariates, *taken, *forced], header)
    options = replace(options, covariates=covariates, force_covariates=forced)
    # numbers that nobody measured
    numbers = dict.fromkeys([*measured, *(name for name in covariates if name in header)])
    rows, n_emptied = empty_unmeasured(rows, numbers)
    if n_emptied:
        notes.append(f"{n_emptied} cells of numbers are infinite or `nan`; they count as empty.")
    return rows, measured, options, notes


def _settle_columns(
    rows: list[CsvRow],
    measured: Sequence[str],
    options: FileOptions,
    outcome: AnyOutcome | None,
    *,
    is_new: bool,
) -> tuple[list[CsvRow], FeatureFile, list[str], list[str]]:
    """Return a table, what its columns are but for the features, and sentences on these.

    Labels have one spelling then, and ids of patients. Sentences on labels stand by themselves.

    Args:
        measured: Columns of the table of features.
        is_new: Whether it is the table of a new data set; else models of a project score it.
    """
    rows, patient, split, notes = _find_patients_and_split(rows, measured, options, is_new=is_new)
    covariates = tuple(options.covariates)
    label = label_column(options.label_name, rows)
    require_columns(rows, (label,), "--label")
    require_columns(rows, filter(None, [patient]), "--patient")
    require_columns(rows, filter(None, [split]), "--split")
    require_columns(rows, covariates, "--covariates")
    # labels, without those of classes that are not asked for
    named = [*options.classes, *filter(None, [options.positive])]
    rows, label_notes = settle_labels(rows, label, options.empty_label, named)
    every = len(rows)
    if outcome is None and is_new:
        if not options.classes:
            refuse_measurements(rows, label)
        rows, note = leave_out_classes(rows, label, options.classes)
        label_notes += [note] if note else []
    rows = settle_patients(rows, patient, options.similar_patients)
    notes += describe_covariates(rows, covariates)
    classes, positive = _settle_classes(options, label, rows)
    source = FeatureFile(
        name=options.short_name,
        title=options.title,
        modality="not stated",
        licence="not stated",
        citation="none",
        known_issues=record_left_out(every - len(rows), len(rows), OF_OTHER_CLASSES),
        file=str(options.folder),
        md5=None,
        label=label,
        classes=classes,
        positive_class=positive,
        patient=patient,
        split=split,
        covariates=covariates,
        forced_covariates=tuple(options.force_covariates),
        features=None,
        missing=tuple(options.missing),
        copies=options.copies or "refuse",
        outcome=outcome,
    )
    return rows, source, notes, label_notes


def _settle_features(
    rows: list[CsvRow], columns: Sequence[str], source: FeatureFile, options: FileOptions
) -> tuple[list[str], list[str]]:
    """Return the columns that are features, and sentences on what is none and on empty cells.

    Raises:
        DataError: A column tells the label or looks like a number of the row, and is not forced.
    """
    header = rows[0].cells
    left_out = _named_columns(options.not_features, header, "--not-features")
    features, notes = _feature_columns(rows, [name for name in columns if name not in left_out])
    forced = _named_columns(options.force_features, header, "--force-features")
    asked_of = [name for name in features if name not in forced]
    telling = telling_columns_of(
        rows, asked_of, source.label, source.classes, source.outcome, source.split
    )
    typed = shlex.join([*telling][:_TYPED]) + (" …" if len(telling) > _TYPED else "")
    refuse_telling_columns(
        telling,
        "the table of features",
        f"leave them out with `--not-features {typed}`, or keep what is a feature after all with "
        "`--force-features`",
    )
    # what is empty
    empty = {name: sum(not row.cells[name] for row in rows) for name in features}
    gappy = sorted((name for name in features if empty[name]), key=lambda name: -empty[name])
    if gappy:
        shown = [f"{name} ({empty[name]})" for name in gappy]
        notes.append(
            f"{sum(empty.values())} cells of {len(gappy)} of {len(features)} features are empty: "
            f"{listed(shown)}. Each model fills them with the median of its training cases, and "
            "sees which were empty."
        )
    return features, notes


def _find_patients_and_split(
    rows: list[CsvRow], measured: Sequence[str], options: FileOptions, *, is_new: bool
) -> tuple[list[CsvRow], str | None, str | None, list[str]]:
    """Return a table, its columns of patients and of the parts of the data, and sentences.

    Where no column is named, `find_patient_column` tells that of patients; a column of names of
    parts, or folders in a column of file names, tell the parts.
    """
    notes: list[str] = []
    header = rows[0].cells
    patient = options.patient or usual_column(header, PATIENT_COLUMNS)
    split = options.split or usual_column(header, ("split",))
    if not is_new:
        return rows, patient, split, notes
    if options.patient is None:
        taken = {options.label_name, *options.not_features, *options.covariates}
        patient, note = find_patient_column(rows, taken)
        notes += [note] if note else []
    # a column of names of parts
    if split is None:
        split, note = find_split_column(rows, measured)
        if split is not None:
            return rows, patient, split, [*notes, note]
    # folders in names of files
    for name in measured:
        if all(re.search(r"[/\\]", row.cells[name]) for row in rows):
            rows, note = add_split(rows, name, split)
            notes += [note] if note else []
            split = "split" if note else split
    return rows, patient, split, notes


def _settle_classes(
    options: FileOptions, label: str, rows: list[CsvRow]
) -> tuple[tuple[str, ...], str | None]:
    """Return the classes, and the positive one as the table writes it.

    Raises:
        DataError: A row has no label.
        OptionError: There are two classes and none is named, or one of another number is.
    """
    unlabelled = sum(not row.cells[label] for row in rows)
    if unlabelled:
        raise DataError(
            f"{unlabelled} of {len(rows)} rows have no label",
            where=f"the table of features, column `{label}`",
            allowed="a label in every row",
            remedy="fill in the cells; `--empty-label leave-out` leaves such rows out, and "
            "`--empty-label CLASS` names their class",
        )
    classes = tuple(options.classes or sorted({row.cells[label] for row in rows}))
    require_positive(options.positive, classes)
    return classes, settle_positive(options.positive, classes)


def _choose_region(
    options: FileOptions,
    rows: list[CsvRow],
    patient: str | None,
    constant: Sequence[str],
) -> tuple[list[CsvRow], list[str]]:
    """Return the rows of the structures that `--region COLUMN=NAME,…` names, and a sentence.

    Raises:
        DataError: A column tells a patient's rows apart, and nobody said which are meant.
    """
    if options.region is None:
        column = find_structures(rows, patient, {*constant, *options.not_features})
        if column is None:
            return rows, []
        raise DataError(
            f"the column `{column}` tells a patient's rows apart: {list_structures(rows, column)}",
            where="the table of features",
            allowed="rows of one structure, or of several that are alike, such as lesions",
            remedy=ask_for_structure(rows, column),
        )
    column, _, names = options.region.partition("=")
    require_columns(rows, (column,), "--region")
    if names == ALL:
        return rows, []
    structures = {row.cells[column] for row in rows}
    chosen = [names] if names in structures else [*filter(None, map(str.strip, names.split(",")))]
    structure_rows = choose_structures(rows, column, chosen)
    sentence = f"{len(structure_rows)} of {len(rows)} rows are of {', '.join(chosen)} (`{column}`)."
    return structure_rows, [sentence]


def _is_combined(
    options: FileOptions,
    rows: list[CsvRow],
    patient: str | None,
    constant: Sequence[str],
    project_table: FeatureFile | None,
) -> bool:
    """Return whether the regions of a patient become one case."""
    choice: str | None = options.per_patient
    if patient is None:
        if choice == "combined":
            raise OptionError(
                "patients are unknown", where="--per-patient", remedy="name --patient"
            )
        return False
    if project_table is not None:
        return COUNT in (project_table.features or ()) and COUNT not in rows[0].cells
    if choice is not None:
        return choice == "combined"
    return bool(list_outcome_columns(options)) and has_several(rows, patient, constant)


def _feature_columns(rows: list[CsvRow], columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that hold numbers alone and are no ids, and sentences on what is not one.

    Where PyRadiomics wrote some, another column of numbers and texts is no feature; else such a
    column is refused, as a cell of it may be wrong.
    """
    ids, mixed = set(), set()
    with_pyradiomics = any(map(PYRADIOMICS.fullmatch, columns))
    for name in columns:
        cells = {row.cells[name] for row in rows} - {""}
        # A number that was measured, such as GLCM's `Id`, is no id whatever it is called.
        called = suspect_column(name, ()) is not None or names_patients(name) or not name
        dates = bool(cells) and all(map(is_packed_date, cells))
        if not PYRADIOMICS.fullmatch(name) and (dates or (called and all(map(is_whole, cells)))):
            ids.add(name)
            continue
        # All of its cells are numbers to people, and some to no program. So is a feature of
        # PyRadiomics without any number, such as of `np.float64(1.5)`.
        written = sorted(cell for cell in cells if not is_number(cell))
        is_unread = bool(PYRADIOMICS.fullmatch(name)) and len(written) == len(cells)
        if written and (is_unread or all(map(_WRITTEN.fullmatch, written))):
            raise DataError(
                f"`{written[0]}` is a number to people alone",
                where=f"the table of features, column `{name}`",
                allowed="numbers such as -1234.5, without separators of thousands, `%` or `<`",
                remedy="write the column so, or leave it out: "
                f"`--not-features {shlex.quote(name)}`",
            )
        if PYRADIOMICS.fullmatch(name):
            continue
        # A word for what is missing makes no text of a column: it is asked for, as `--missing NA`.
        texts = [cell for cell in cells if not is_number(cell) and not stands_for_missing(cell)]
        if with_pyradiomics and texts and find_number_problem(rows, name) is not None:
            mixed.add(name)
    features = numeric_columns(rows, [name for name in columns if name not in ids | mixed])
    if not features:
        raise DataError(
            "no column that holds numbers alone",
            where="the table of features",
            allowed="one feature or more, beside label and patient",
        )
    note = f"{listed(sorted(mixed), '`')}: numbers and texts in one column, which is no feature."
    return features, [note] if mixed else []


def _named_columns(words: Sequence[str], header: Collection[str], option: str) -> list[str]:
    """Return the columns that an option names, also by `*`; one that is not there is refused."""
    names: list[str] = []
    for word in words:
        alike = [word] if word in header else fnmatch.filter(header, word)
        if not alike:
            near = nearest(word, header)
            raise OptionError(
                f"no column `{word}`",
                where=option,
                allowed=listed(header, "`", near=word),
                remedy=f"did you mean `{near[0]}`?" if near else "",
            )
        names += alike
    return names
