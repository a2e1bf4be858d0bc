"""A table of features, as PyRadiomics or R writes it, becomes a data set by its name alone."""

import argparse
import fnmatch
import re
import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skiagram.cli.folder_arguments import add_unmatched, label_column, name_of, title_of
from skiagram.cli.outcome_arguments import given_columns, settle_outcome
from skiagram.errors import DataError, OptionError, listed, nearest

if TYPE_CHECKING:
    from skiagram.audit.run import AuditReport
    from skiagram.datasets.feature_table import FeatureTable
    from skiagram.datasets.folder.csv_rows import CsvRow
    from skiagram.models.cross_validation import Plan
    from skiagram.tasks.task import Design

_TYPED = 8  # columns in a remedy
_VOLUME = re.compile(r"(?i)volume$|volume_mesh$")
# Numbers that no program reads as such: 1,234.5, 1.234,5, 45 %, <0.1, and a sign for minus.
_WRITTEN = re.compile(
    r"[+\-−]?\d{1,3}([.,'’ \u00a0\u202f]\d{3})+([.,]\d+)?|[+\-−]?\d+([.,]\d+)?\s*%"
    r"|[<>≤≥]\s*\d+([.,]\d+)?|−\d+([.,]\d+)?"
)
_PATIENTS = re.compile(  # a name without marks, of a column whose rows share values
    r"(info|bcr|study|anon)?(patients?|pat|subjects?|subj|case|person|proband|pid|mrn|id)"
    r"(id|name|no|nr|num|number|code|key|barcode|identifier|uid)?"
)
_SEVERAL = (
    "Patients have several rows with one label: each row is a case. `--per-patient combined` makes "
    "one case of the rows of a patient."
)


class DescribedFeatures(NamedTuple):
    """A table of features as it will be read; `file` of its source is not there yet."""

    rows: "list[CsvRow]"
    source: "FeatureTable"
    notes: list[str]

    @property
    def design(self) -> "Design":
        return "cv" if self.source.split is None else "holdout"

    @property
    def columns(self) -> list[str]:
        """The columns that are read; the others stay behind."""
        source = self.source
        value = None if source.outcome is None else source.outcome.column
        named = (source.patient, source.label, value, source.split, *source.covariates)
        return [name for name in (*named, *(source.features or ())) if name is not None]

    @property
    def volume(self) -> str | None:
        """The feature that is the region's volume, by its name; None where none is."""
        named = (name for name in self.source.features or () if _VOLUME.search(name))
        return next(named, None)

    def text(self) -> str:
        """Return counts of classes and patients, and what is taken for a feature."""
        from skiagram.cli.check_report import text_table
        from skiagram.datasets.telling_columns import PYRADIOMICS

        source, features = self.source, self.source.features or ()
        counts = Counter(row.cells[source.label] for row in self.rows)
        body = [[name, counts[name], self._patients(name)] for name in source.classes]
        body.append(["all", len(self.rows), self._patients(None)])
        left_columns = [name for name in self.rows[0].cells if name not in self.columns]
        # those that are not called like PyRadiomics' come first
        strange_first = sorted(features, key=lambda name: bool(PYRADIOMICS.fullmatch(name)))
        lines = [
            text_table(["class", "rows", "patients"], body),
            f"Features ({len(features)}): {listed(strange_first)}.",
        ]
        if left_columns:
            lines.append(
                f"Columns that are left out ({len(left_columns)}): {listed(left_columns)}."
            )
        if source.patient is None:
            lines.append(
                "Patients are unknown: each row counts as one. Name their column: --patient"
            )
        return "\n\n".join(["\n".join(self.notes), *lines] if self.notes else lines)

    def _patients(self, label: str | None) -> int | str:
        source = self.source
        if source.patient is None:
            return "unknown"
        rows = (row for row in self.rows if label is None or row.cells[source.label] == label)
        return len({row.cells[source.patient] for row in rows})


def audit_rows(described: DescribedFeatures) -> "tuple[str, AuditReport]":
    """Return what is done with rows of equal features, and what the audit will say of them.

    Raises:
        DataError: A row cannot be used.
    """
    import numpy as np

    from skiagram.audit.contract import Appearance, Evidence
    from skiagram.audit.copies import check_near_duplicates
    from skiagram.audit.run import AuditReport
    from skiagram.datasets.checks import check_entries
    from skiagram.datasets.copies import settle_copies
    from skiagram.datasets.feature_table import OpenFeatureTable, find_equal_rows
    from skiagram.datasets.ingest import shuffle_cases, tabulate_cases, task_of

    source, design = described.source, described.design
    entries = OpenFeatureTable(source, described.rows, source.features or ()).entries()
    # In the order in which ingest stores the rows, so that the same ones stay.
    ordered = [entries[at] for at in shuffle_cases(len(entries))[0]]
    settled = settle_copies(source.copies, ordered, find_equal_rows(ordered), design)
    task, entries_left = task_of(source, design), settled.entries
    if settled.sentence:
        check_entries(entries_left, task, f"data set {source.name}")
    pairs = find_equal_rows(entries_left)
    names = np.array([entry.name for entry in entries_left], dtype=str)
    unknown = np.arange(len(entries_left)) if source.patient is None else None
    cases = tabulate_cases(entries_left, names, unknown, design)
    if source.patient is None:  # rows of equal features are one patient then
        pairs = pairs.chosen(cases.split[pairs.first] != cases.split[pairs.second])
    seen = Appearance(pairs, np.full(len(entries_left), 3), None)
    found = check_near_duplicates(Evidence(cases, task, source.card(), seen))
    met = tuple(finding for finding in found if finding.count)
    return settled.sentence, AuditReport(met, ())


def is_table(path: Path) -> bool:
    """Return whether a path is a table, by its name; gzip may have packed it."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.suffix.lower() in (".csv", ".tsv", ".txt") and path.is_file()


def add_feature_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is asked of tables of features alone."""
    group = add_joined_tables(parser)
    text = "columns of numbers that are no features; `'clinical_*'` names several (default: none)"
    group.add_argument("--not-features", nargs="+", default=[], metavar="COLUMN", help=text)
    text = "columns that are features although they look like a number of the row, an outcome or a "
    text += "copy of the label"
    group.add_argument("--force-features", nargs="+", default=[], metavar="COLUMN", help=text)


def add_joined_tables(parser: argparse.ArgumentParser) -> "argparse._ArgumentGroup":
    """Declare how tables are joined, and return the group of these arguments."""
    group = parser.add_argument_group("table of features, in place of FOLDER")
    add_unmatched(group)
    join = "further tables, joined by patients too, such as one of clinical columns"
    group.add_argument("--join", nargs="+", default=[], type=Path, metavar="CSV", help=join)
    several = "several rows of a patient, such as lesions: each row a case, or one case of them "
    several += "all (default: one case where they have one outcome that is no class)"
    group.add_argument("--per-patient", choices=("rows", "combined"), help=several)
    return group


def read_features(
    given: argparse.Namespace, known: "FeatureTable | None" = None
) -> DescribedFeatures:
    """Read a table of features and, where the labels are in another one, join it by patients.

    Args:
        known: A table whose models are to score this one: its features are read, and its columns
            where this one calls them the same.
    """
    from skiagram.datasets.combined_regions import combine_regions, has_several, originals_of
    from skiagram.datasets.feature_table import (
        FeatureTable,
        empty_unmeasured,
        telling_columns_of,
    )
    from skiagram.datasets.folder.csv_rows import PATIENT_COLUMNS, require_columns, usual_column
    from skiagram.datasets.folder.labels import (
        OF_OTHER_CLASSES,
        leave_out_classes,
        record_left_out,
        settle_labels,
    )
    from skiagram.datasets.folder.patients import settle_patients
    from skiagram.datasets.telling_columns import refuse_telling_columns

    arguments = argparse.Namespace(**vars(given))
    rows, measured, notes = _joined(arguments)
    rows, emptied = empty_unmeasured(rows, measured)
    if emptied:
        notes.append(f"{emptied} cells of numbers are infinite or `nan`; they count as empty.")
    if known is not None:
        _name_as_known(arguments, rows[0].cells, known)
    settled = settle_outcome(rows, arguments)
    if settled is not None:
        rows = settled.rows
        notes.append(settled.note)
    header = rows[0].cells
    patient = arguments.patient or usual_column(header, PATIENT_COLUMNS)
    split = arguments.split or usual_column(header, ("split",))
    if patient is None and known is None:
        named = [arguments.label, *getattr(arguments, "not_features", ())]
        patient, of_patients = _find_patients(rows, named)
        notes += of_patients
    if known is None:
        rows, split, of_names = _split_of_names(rows, measured, split)
        notes += of_names
    covariates = tuple(name for word in arguments.covariates for name in word.split(","))
    arguments.label = label_column(arguments.label, rows)
    require_columns(rows, (arguments.label,), "--label")
    require_columns(rows, [*filter(None, (patient, split)), *covariates])
    named = [*arguments.classes, *filter(None, [arguments.positive])]
    rows, label_notes = settle_labels(rows, arguments.label, arguments.empty_label, named)
    every = len(rows)
    if settled is None and known is None:
        rows, note = leave_out_classes(rows, arguments.label, arguments.classes)
        label_notes += [note] if note else []
    issues = record_left_out(every - len(rows), len(rows), OF_OTHER_CLASSES)
    rows = settle_patients(rows, patient, arguments.similar_patients)
    classes = _settle_classes(arguments, rows)
    constant = [arguments.label, *filter(None, [split]), *covariates]
    constant += [] if settled is None else [settled.outcome.column]
    rows, of_regions = _choose_region(arguments, rows, patient, constant)
    notes += of_regions
    combined = _is_combined(arguments, rows, patient, constant, known)
    asked = arguments.per_patient is not None or known is not None
    if not (combined or asked or patient is None) and has_several(rows, patient, constant):
        notes.append(_SEVERAL)
    if known is not None:
        names = known.features or ()
        features = _features_of(originals_of(names) if combined else names, rows)
    else:
        others = {patient, arguments.label, split, *covariates}
        others |= {*_named_columns(arguments.not_features, header, "--not-features")}
        others |= set() if settled is None else {*settled.columns}
        free = [name for name in measured if name not in others]
        features, told_of_features = _feature_columns(rows, free)
        notes += told_of_features
        forced = _named_columns(arguments.force_features, header, "--force-features")
        asked_of = [name for name in features if name not in forced]
        outcome = None if settled is None else settled.outcome
        telling = telling_columns_of(rows, asked_of, arguments.label, classes, outcome, split)
        refuse_telling_columns(
            telling,
            "the table of features",
            f"leave them out with `--not-features {_typed(telling)}`, or keep what is a feature "
            "after all with `--force-features`",
        )
        notes += filter(None, [_describe_gaps(rows, features)])
    if combined and patient is not None:
        regions = len(rows)
        volume = next(filter(_VOLUME.search, features), None)
        rows, features = combine_regions(rows, patient, features, constant, volume)
        notes.append(_explain_combined(regions, len(rows), features))
    name = name_of(arguments)
    source = FeatureTable(
        name=name,
        title=title_of(arguments),
        modality="not stated",
        licence="not stated",
        citation="none",
        known_issues=issues,
        file=str(arguments.folder),
        md5=None,
        label=arguments.label,
        classes=classes,
        positive_class=arguments.positive,
        patient=patient,
        split=split,
        covariates=covariates,
        features=tuple(features),
        missing=tuple(arguments.missing),
        copies=getattr(arguments, "copies", None) or "refuse",
        outcome=None if settled is None else settled.outcome,
    )
    return DescribedFeatures(rows, source, notes + label_notes)


def require_runnable(described: DescribedFeatures, plan: "Plan | None" = None) -> None:
    """Refuse all that the stages of a run would refuse of a table.

    Args:
        plan: Whose folds are tried; None tries none.

    Raises:
        DataError: A row cannot be used, or the cases cannot carry an evaluation.
    """
    import numpy as np

    from skiagram.datasets.checks import check_entries
    from skiagram.datasets.feature_table import OpenFeatureTable
    from skiagram.datasets.ingest import settle_outcome, task_of

    source, design = described.source, described.design
    task = task_of(source, design)
    entries = OpenFeatureTable(source, described.rows, source.features or ()).entries()
    check_entries(entries, task, f"data set {source.name}")
    settle_outcome(task, entries)
    if plan is not None:
        development_entries = [
            entry for entry in entries if design == "cv" or entry.split != "test"
        ]
        patients = np.array([entry.patient or entry.name for entry in development_entries])
        label = np.array([entry.label for entry in development_entries], dtype=np.int64)
        plan.check_folds(design, label, patients)


def add_feature_table(arguments: argparse.Namespace) -> DescribedFeatures:
    """Write the option file and the columns that are read into the project; return what they say.

    Raises:
        DataError: A row cannot be used.
    """
    import json
    from dataclasses import replace

    import yaml

    from skiagram.compute.files import write_files
    from skiagram.datasets.folder.csv_rows import csv_text
    from skiagram.options import composed
    from skiagram.projects.left_out import leave_out

    described = read_features(arguments)
    require_runnable(described)
    table = Path(f"tables/{described.source.name}.csv").resolve()
    source = replace(described.source, file=str(table))
    given = [path for path in (arguments.folder, arguments.csv, *arguments.join) if path]
    leave_out(Path(), arguments.folder, [*given, table])
    table.parent.mkdir(exist_ok=True)
    text = csv_text(described.columns, (row.cells for row in described.rows))
    values = json.loads(json.dumps(composed(source)))
    options = Path(f"conf/dataset/{source.name}.yaml")
    options_text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    write_files({table: text.encode(), options: options_text.encode()})
    source.open(None)
    return described._replace(source=source)


def _joined(arguments: argparse.Namespace) -> "tuple[list[CsvRow], list[str], list[str]]":
    """Return the rows, the columns of the first table, and who was left out."""
    from skiagram.datasets.folder.csv_rows import describe_missing, of_table, read_csv
    from skiagram.datasets.folder.patients import PatientTable

    emptied: Counter[str] = Counter()
    if arguments.csv is None:
        with of_table(str(arguments.folder)):
            rows = read_csv(arguments.folder, arguments.missing, emptied=emptied)
        return rows, [*rows[0].cells], describe_missing(arguments.missing, emptied)
    first, second = (
        PatientTable.read(path, arguments.patient, arguments.missing, emptied)
        for path in (arguments.folder, arguments.csv)
    )
    leave_out = arguments.unmatched == "leave-out"
    whole, notes = first.joined(second, arguments.similar_patients, leave_out=leave_out)
    for path in arguments.join:
        further = PatientTable.read(path, arguments.patient, arguments.missing, emptied)
        whole, join_notes = whole.joined(further, arguments.similar_patients, leave_out=leave_out)
        notes += join_notes
    return whole.rows, [*first.rows[0].cells], describe_missing(arguments.missing, emptied) + notes


def _name_as_known(
    arguments: argparse.Namespace, header: Collection[str], known: "FeatureTable"
) -> None:
    """Name columns as those of a known table are called, where the line does not name others."""
    for option in ("label", "patient"):
        column, given = getattr(known, option), getattr(arguments, option)
        if column in header and (given is None or given not in header):
            setattr(arguments, option, column)
    taken = [name for name in known.covariates if name in header]
    arguments.covariates = [*dict.fromkeys([*arguments.covariates, *taken])]


def _settle_classes(arguments: argparse.Namespace, rows: "list[CsvRow]") -> tuple[str, ...]:
    """Return the classes, and let the arguments name the positive one as the table writes it.

    Raises:
        DataError: A row has no label.
        OptionError: There are two classes and none is named, or one of another number is.
    """
    from skiagram.datasets.folder.labels import as_class

    unlabelled = sum(not row.cells[arguments.label] for row in rows)
    if unlabelled:
        raise DataError(
            f"{unlabelled} of {len(rows)} rows have no label",
            where=f"the table of features, column `{arguments.label}`",
            allowed="a label in every row",
            remedy="fill in the cells; `--empty-label leave-out` leaves such rows out, and "
            "`--empty-label CLASS` names their class",
        )
    classes = tuple(arguments.classes or sorted({row.cells[arguments.label] for row in rows}))
    given = arguments.positive
    if given is not None:
        arguments.positive = as_class(given, classes)
    if len(classes) == 2 and arguments.positive not in classes:
        fault = "is not given" if given is None else f"`{given}` was given"
        raise OptionError(fault, where="--positive", allowed=" or ".join(classes))
    if given is not None and len(classes) != 2:
        fault = f"`{given}` was given, and {len(classes)} classes: {listed(classes)}"
        remedy = "correct it or the labels, name two with --classes, or leave --positive out"
        raise OptionError(fault, where="--positive", allowed="one of two classes", remedy=remedy)
    return classes


def _find_patients(rows: "list[CsvRow]", others: Collection[str]) -> tuple[str | None, list[str]]:
    """Return the column that is called like patients' ids and that rows share, and a sentence."""
    for name in (name for name in rows[0].cells if name not in others):
        patients = {row.cells[name] for row in rows}
        called = _PATIENTS.fullmatch(re.sub(r"[\W\d_]+", "", name.casefold()))
        if called and 1 < len(patients) < len(rows) and all(map(_is_whole, patients)):
            note = f"Patients are those of `{name}`, {len(patients)} in {len(rows)} rows; another "
            return name, [f"{note}column is named by --patient."]
    return None, []


def _split_of_names(
    rows: "list[CsvRow]", columns: Sequence[str], split: str | None
) -> "tuple[list[CsvRow], str | None, list[str]]":
    """Return a table, its column of the parts of the data, and sentences.

    A column of names of parts, or folders in a column of file names, tells them where no column is
    named.
    """
    from skiagram.datasets.folder.class_folders import add_split
    from skiagram.datasets.folder.table import SPLITS

    notes: list[str] = []
    for name in columns if split is None else ():
        parts = {SPLITS.get(row.cells[name].casefold()) for row in rows}
        if None not in parts and {"train", "test"} <= parts:
            told = f"The column `{name}` tells the parts of the data; another is named by --split."
            return rows, name, [told]
    for name in columns:
        if all(re.search(r"[/\\]", row.cells[name]) for row in rows):
            rows, note = add_split(rows, name, split)
            notes += [note] if note else []
            split = "split" if note else split
    return rows, split, notes


def _choose_region(
    arguments: argparse.Namespace,
    rows: "list[CsvRow]",
    patient: str | None,
    constant: Sequence[str],
) -> "tuple[list[CsvRow], list[str]]":
    """Return the rows of the structures that `--region COLUMN=NAME,…` names, and a sentence.

    Raises:
        DataError: A column tells a patient's rows apart, and nobody said which are meant.
    """
    from skiagram.datasets.combined_regions import (
        ALL,
        ask_for_structure,
        choose_structures,
        find_structures,
        list_structures,
    )
    from skiagram.datasets.folder.csv_rows import require_columns

    if arguments.region is None:
        others = getattr(arguments, "not_features", ())  # no argument of `validate`
        column = find_structures(rows, patient, {*constant, *others})
        if column is None:
            return rows, []
        raise DataError(
            f"the column `{column}` tells a patient's rows apart: {list_structures(rows, column)}",
            where="the table of features",
            allowed="rows of one structure, or of several that are alike, such as lesions",
            remedy=ask_for_structure(rows, column),
        )
    column, _, names = arguments.region.partition("=")
    require_columns(rows, (column,), "--region")
    if names == ALL:
        return rows, []
    there = {row.cells[column] for row in rows}
    chosen = [names] if names in there else [*filter(None, map(str.strip, names.split(",")))]
    kept = choose_structures(rows, column, chosen)
    return kept, [f"{len(kept)} of {len(rows)} rows are of {', '.join(chosen)} (`{column}`)."]


def _is_combined(
    arguments: argparse.Namespace,
    rows: "list[CsvRow]",
    patient: str | None,
    constant: Sequence[str],
    known: "FeatureTable | None",
) -> bool:
    """Return whether the regions of a patient become one case."""
    from skiagram.datasets.combined_regions import COUNT, has_several

    asked: str | None = arguments.per_patient
    if patient is None:
        if asked == "combined":
            raise OptionError(
                "patients are unknown", where="--per-patient", remedy="name --patient"
            )
        return False
    if known is not None:
        return COUNT in (known.features or ()) and COUNT not in rows[0].cells
    if asked is not None:
        return asked == "combined"
    return bool(given_columns(arguments)) and has_several(rows, patient, constant)


def _explain_combined(regions: int, patients: int, features: Sequence[str]) -> str:
    from skiagram.datasets.combined_regions import COMBINATIONS, has_combination

    read = [words for kind, words in COMBINATIONS.items() if has_combination(features, kind)]
    return (
        f"{regions} rows of {patients} patients: each patient is one case, with {listed(read)} of "
        "every feature, and the number of regions. `--per-patient rows` keeps each row a case."
    )


def _features_of(known: Sequence[str], rows: "list[CsvRow]") -> list[str]:
    """Return the features of a known table.

    Raises:
        DataError: The rows lack one.
    """
    features = [*known]
    missing = [name for name in features if name not in rows[0].cells]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(features)} features of the project are not there: "
            f"{listed(missing)}",
            where="the table of features",
            allowed="all features that the project's models may read, under the same names",
            remedy="compute them with the same settings, or correct the names of the columns",
        )
    return features


def _feature_columns(rows: "list[CsvRow]", columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that hold numbers alone and are no ids, and sentences on what is not one.

    Where PyRadiomics wrote some, another column of numbers and texts is no feature; else such a
    column is refused, as a cell of it may be wrong.
    """
    from skiagram.datasets.feature_table import numeric_columns
    from skiagram.datasets.folder.identifiers import (
        is_packed_date,
        names_patients,
        suspect_column,
    )
    from skiagram.datasets.folder.table import find_number_problem, is_number
    from skiagram.datasets.telling_columns import PYRADIOMICS
    from skiagram.tasks.columns import stands_for_missing

    ids, mixed = set(), set()
    with_pyradiomics = any(map(PYRADIOMICS.fullmatch, columns))
    for name in columns:
        cells = {row.cells[name] for row in rows} - {""}
        # A number that was measured, such as GLCM's `Id`, is no id whatever it is called.
        called = suspect_column(name, ()) is not None or names_patients(name) or not name
        dates = bool(cells) and all(map(is_packed_date, cells))
        if not PYRADIOMICS.fullmatch(name) and (dates or (called and all(map(_is_whole, cells)))):
            ids.add(name)
            continue
        # all of its cells are numbers to people, and some to no program
        written = sorted(cell for cell in cells if not is_number(cell))
        if written and all(map(_WRITTEN.fullmatch, written)):
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


def _is_whole(cell: str) -> bool:
    """Return whether a cell is a text or a whole number, as an id is."""
    try:
        return float(cell).is_integer()
    except ValueError:
        return True


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


def _typed(names: Collection[str]) -> str:
    """Return the first of some columns as they are typed in a shell."""
    shown = [*names][:_TYPED]
    return shlex.join(shown) + (" …" if len(names) > len(shown) else "")


def _describe_gaps(rows: "list[CsvRow]", features: Sequence[str]) -> str:
    """Return a sentence on the empty cells of features; empty where there is none."""
    empty = {name: sum(not row.cells[name] for row in rows) for name in features}
    gappy = sorted((name for name in features if empty[name]), key=lambda name: -empty[name])
    if not gappy:
        return ""
    shown = [f"{name} ({empty[name]})" for name in gappy]
    return (
        f"{sum(empty.values())} cells of {len(gappy)} of {len(features)} features are empty: "
        f"{listed(shown)}. Each model fills them with the median of its training cases, and sees "
        "which were empty."
    )
