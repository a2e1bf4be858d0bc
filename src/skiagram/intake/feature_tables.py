"""A table of features, as PyRadiomics or R writes it, becomes a data set by its name alone."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa

from skiagram.arrays import Whole
from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.columns import (
    Columns,
    find_number_problem,
    find_thousands_problem,
    refuse_thousands,
    require_columns,
    settle_numbers,
)
from skiagram.datasets.folder.identifiers import is_packed_date, names_patients, suspect_column
from skiagram.datasets.folder.roles import NO_COLUMN, ROLES, column_of, list_columns, option_of
from skiagram.datasets.folder.table import values_of
from skiagram.datasets.telling_columns import PYRADIOMICS, codes_of_feature, find_telling_columns
from skiagram.errors import listed, refusal
from skiagram.intake.described_tables import DescribedTable, SettledTable
from skiagram.intake.file_options import FileOptions
from skiagram.intake.outcomes import rows_to_look_at
from skiagram.intake.patient_columns import are_ids
from skiagram.intake.settled_tables import (
    count_once,
    describe_source,
    follow_project,
    read_tables,
    settle_table,
    taken_columns,
)
from skiagram.intake.structures import find_structures
from skiagram.records.feature_table import READ_BY_NAME, is_perturbed, is_read_by_name
from skiagram.tables.cells import join_codes, stands_for_missing
from skiagram.tables.frames import are_numbers, find_texts, numbers_of, replace_columns, texts_of

_TYPED = 8  # columns in a remedy
# Columns in which PyRadiomics and MIRP say how an image was taken and prepared: no features.
_DIAGNOSTICS = re.compile(
    r"diagnostics_.*|image_(voxel_size|noise|rotation|translation|mask|settings|study|pet_suv)_.+"
)


def read_features(
    options: FileOptions, at_home: Columns | None = None
) -> DescribedTable[FeatureFile]:
    """Read a table of features and, where the labels are in another one, join it by patients.

    Args:
        at_home: Columns of the project whose models are to score this table: its features are read,
            and its columns where this table calls them the same.
    """
    for name, role in ROLES.items():
        if role.of_images and getattr(options, name):
            raise refusal("intake.role_of_images", f"--{option_of(name)}")
    # `site` may be a part of the body here, so that it is a hospital only where the line says so
    if options.site is None and not options.test_sites:
        options = replace(options, site=NO_COLUMN)
    # the rows of all tables, what is predicted, and whose they are
    paths = [path for path in (options.folder, options.csv, *options.join) if path is not None]
    table = follow_project(read_tables(options, paths), at_home)
    # measurements become numbers, but no ids and parts; and what nobody measured is empty
    header = table.frame.columns
    named = taken_columns(table.options, header)
    named |= {str(column_of(header, table.options, role)) for role in ("patient", "split")}
    table = table.with_rows(*settle_numbers(table.frame, table.own, {*table.own} - named))
    pa.default_memory_pool().release_unused()  # the texts of columns that became numbers
    table = settle_table(table)
    source = FeatureFile(
        **describe_source(table, of_images=False),
        file=str(options.folder),
        md5=None,
    )
    columns, patient = source.columns, source.columns.patient
    # a row of a patient that says what another one says counts once
    if patient is not None and table.frame[patient].duplicated().any():
        table = count_once(table, table.frame.columns)
    # several structures of each patient, until they are said to be alike
    apart = list_columns(table.options.not_features, table.frame.columns)
    told = {columns.label, columns.split, columns.site, columns.value}
    if found := find_structures(table.frame, patient, {*told, *columns.covariates, *apart}):
        column, structures = found
        first = table.frame[column].mode()[0]
        raise refusal(
            "intake.several_structures", column=column, structures=structures, first=first
        )
    # their features: those that the models of the project read, or what the columns hold
    if at_home is None:
        table, features = _settle_features(table, source)
    else:
        features = at_home.features
        missing = [
            name for name in features if name not in table.frame or (table.frame[name] == "").all()
        ]
        if missing:
            raise refusal(
                "intake.features_missing",
                n_missing=len(missing),
                n_features=len(features),
                missing=missing,
            )
        refuse_thousands(table.frame, features)
        measured = {name: numbers_of(table.frame[name]) for name in features}
        coded = {
            name: codes
            for name, values in measured.items()
            if (codes := codes_of_feature(name, values[np.isfinite(values)]))
        }
        table = table.with_rows(table.frame, _describe_gaps(pd.DataFrame(measured)))
        if coded:
            typed = join_codes(sorted({*chain(*coded.values())}))
            note = f"{listed(coded, '`')}: some rows have {typed}, far from all others: where it "
            table = table.with_rows(
                table.frame, note + f"marks missing values, add `--missing {typed}`."
            )
    source = replace(source, columns=replace(columns, features=features))
    return DescribedTable(**vars(table), source=source)


def _settle_features(
    table: SettledTable, source: FeatureFile
) -> tuple[SettledTable, tuple[str, ...]]:
    """Return a table whose features are numbers, and their columns.

    Its notes say what is no feature, and which cells are empty.

    Raises:
        DataError: A column tells the label or looks like a number of the row, and is not forced.
    """
    frame, options = table.frame, table.options
    others = {*source.columns.used(), *table.predicted}
    columns = [name for name in table.own if name not in others and name in frame]
    left_out = list_columns(options.not_features, frame.columns)
    forced = list_columns(options.force_features, frame.columns)
    require_columns(frame, left_out, "--not-features")
    require_columns(frame, forced, "--force-features")
    features, notes = _feature_columns(frame, [name for name in columns if name not in left_out])
    texts = {*features}.intersection(texts_of(frame))
    frame = replace_columns(frame, {name: numbers_of(frame[name]) for name in texts})
    # what is probably no feature; labels of test cases are not looked at
    asked = [name for name in features if name not in forced]
    number = pd.Index(source.classes).get_indexer(pd.Index(frame[source.columns.label]))
    open_rows = (number >= 0) & rows_to_look_at(frame, options)
    value, answers = None, dict[str, Whole]()
    if source.outcome is not None:
        value = values_of(frame[source.outcome.column])
        answers = source.outcome.asked_of_traits(value[open_rows], number[open_rows])
    values = frame[asked].to_numpy(dtype=np.float64)
    telling = find_telling_columns(asked, values, number, value, open_rows, answers.values())
    if telling:
        by_reason: dict[str, list[str]] = {}
        for name, why in telling.items():
            by_reason.setdefault(why, []).append(name)
        reasons = "; ".join(f"{listed(some, '`')} {why}" for why, some in by_reason.items())
        typed = shlex.join([*telling][:_TYPED]) + (" …" if len(telling) > _TYPED else "")
        count = "1 column" if len(telling) == 1 else f"{len(telling)} columns"
        raise refusal("intake.telling_columns", count=count, reasons=reasons, typed=typed)
    if unread := [name for name in features if is_perturbed(name) or is_read_by_name(name)]:
        notes.append(
            f"{listed(unread, '`')}: models leave out what is called as the families "
            f"{', '.join(READ_BY_NAME)}, perturbed. Rename it where it is a feature."
        )
    return table.with_rows(frame, *notes, _describe_gaps(frame[features])), tuple(features)


def _describe_gaps(features: pd.DataFrame) -> str:
    """Say which features have empty cells; empty text without any."""
    gaps = features.isna().sum().sort_values(ascending=False, kind="stable")
    gaps = gaps[gaps > 0]
    if gaps.empty:
        return ""
    shown = listed(f"{name} ({number})" for name, number in gaps.items())
    number = len(features.columns)
    return (
        f"{gaps.sum()} cells of {len(gaps)} of {number} features are empty: {shown}. "
        "Each model fills them with the median of its training cases, and sees which were empty."
    )


def _feature_columns(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that hold numbers alone and are no ids, and sentences on what is not one.

    Where PyRadiomics wrote some, another column of numbers and texts is no feature; else such a
    column is refused, as a cell of it may be wrong. Nobody can say what a column without a name is.
    """
    features, mixed = list[str](), list[str]()
    with_pyradiomics = any(map(PYRADIOMICS.fullmatch, columns))
    for name in (name for name in columns if name and not _DIAGNOSTICS.fullmatch(name)):
        if frame[name].dtype.kind == "f":
            features.append(name)
            continue
        # A number that was measured, such as GLCM's `Id`, is no id whatever it is called.
        is_pyradiomics = PYRADIOMICS.fullmatch(name) is not None
        called = suspect_column(name, ()) is not None or names_patients(name)
        filled = frame[name][frame[name] != ""]
        dates = len(filled) > 0 and all(map(is_packed_date, filled))
        if not is_pyradiomics and (dates or (called and are_ids(filled))):
            continue
        # A word for what is missing makes no text of a column: it is asked for, as `--missing NA`.
        texts = filled[find_texts(filled, numbers_of(filled))]
        may_differ = with_pyradiomics and not is_pyradiomics
        problem = find_number_problem(frame, name)
        if problem is None:
            features += [name] if are_numbers(frame[name]) else []
        elif (
            may_differ
            and find_thousands_problem(frame, name) is None
            and not all(map(stands_for_missing, texts))
        ):
            mixed.append(name)
        else:
            raise problem
    if not features:
        raise refusal("intake.no_feature_column")
    note = f"{listed(sorted(mixed), '`')}: numbers and texts in one column, which is no feature."
    return features, [note] if mixed else []
