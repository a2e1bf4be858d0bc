"""A table whose rows have an outcome that is no class, such as a time, by the options of a line."""

from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from skiagram.arrays import Flags
from skiagram.datasets.folder.columns import refuse_thousands, require_columns
from skiagram.datasets.folder.roles import NamedColumns, column_of, list_columns
from skiagram.datasets.folder.table import splits_of
from skiagram.errors import refusal
from skiagram.intake.described_tables import SettledTable
from skiagram.intake.file_options import FileOptions
from skiagram.intake.labels import LEAVE_OUT
from skiagram.tables.frames import count_cases, rows_of
from skiagram.tasks.columns import COLUMN, VALUE, OutcomeTable
from skiagram.tasks.kinds import KINDS, AnyOutcome

GROUP = "outcome_group"  # column of the labels in the table that the project keeps


def list_outcome_columns(options: FileOptions) -> dict[str, list[str]]:
    """Return flag → columns, of the options of outcomes that name some."""
    named = {
        option.flag: options.outcome.get(option.name)
        for kind in KINDS
        for option in kind.options
        if option.metavar == COLUMN
    }
    return {
        flag: [columns] if isinstance(columns, str) else columns
        for flag, columns in named.items()
        if columns is not None
    }


def list_predicted(options: FileOptions) -> tuple[str, ...]:
    """Return the columns that hold an outcome which is no class."""
    return tuple(name for names in list_outcome_columns(options).values() for name in names)


def rows_to_look_at(frame: pd.DataFrame, options: FileOptions) -> Flags:
    """Tell which rows' outcomes may be looked at: (n,) all but those of test cases."""
    split, site = (column_of(frame.columns, options, role) for role in ("split", "site"))
    parts = splits_of(frame, NamedColumns(split=split, site=site), options.test_sites)
    return np.array([part != "test" for part in parts], np.bool_)


def settle_outcome(table: SettledTable) -> SettledTable:
    """Return a table with values and labels settled; as it is where classes are told apart.

    Its label then belongs to the outcome.

    Raises:
        OptionError: A column is not named, or two outcomes or classes are asked for too.
        DataError: A column is not there, or its cells are nothing that can be predicted.
    """
    frame, options = table.frame, table.options
    # the kind of outcome whose options are given
    names = [option.name for kind in KINDS for option in kind.options]
    flag_of = {
        kind: option.flag
        for kind in KINDS
        for option in reversed(kind.options)
        if names.count(option.name) == 1 and options.outcome.get(option.name) is not None
    }
    if not flag_of:
        return table
    has_classes = options.positive is not None or bool(options.classes)
    if len(flag_of) + has_classes > 1:
        where = "--positive, --classes" if has_classes else [*flag_of.values()][-1]
        kinds = ", ".join(" ".join(f"--{name}" for name in kind.named_by) for kind in KINDS)
        raise refusal("intake.two_questions", where, kinds=kinds)
    (kind,) = flag_of
    # its columns, which tell nothing else
    columns = list_predicted(options)
    require_columns(frame, columns)
    refuse_thousands(frame, columns)
    covariates = list_columns(options.covariates, frame.columns)
    if predicted_covariates := sorted({*covariates} & {*columns}):
        raise refusal("intake.predicted_covariate", columns=predicted_covariates)
    # the rows that say it, where others are left out
    left_out, number = "", 0
    if options.empty_label == LEAVE_OUT and options.outcome.get(kind.named_by[-1]) is not None:
        said = " or ".join(f"`{name}`" for name in columns)
        rows = rows_of(frame, columns)
        is_missing = np.array([kind.is_missing(row, options.outcome) for row in rows], np.bool_)
        valued = frame[~is_missing]
        if not len(valued):
            raise refusal("intake.no_value", f"column {said}")
        if number := count_cases(frame) - count_cases(valued):
            left_out = f"{number} of {count_cases(frame)} rows say nothing in {said}: left out. "
        frame = valued
    # what development cases say of it, of which each is a row, or several by names of files
    cases = frame[~frame.index.duplicated()]
    known = rows_to_look_at(cases, options).tolist()
    read = kind.read_columns(OutcomeTable(rows_of(cases, columns), known), options.outcome)
    of_case = pd.DataFrame({VALUE: read.value, GROUP: read.label}, index=cases.index).astype("str")
    settled = frame.assign(
        **{name: of_case[name].loc[frame.index].array for name in (VALUE, GROUP)}
    )
    classes = read.outcome.classes
    positive = classes[-1] if len(classes) == 2 else None
    labelled = table.with_options(label=GROUP, classes=classes, positive=positive)
    outcome = cast("AnyOutcome", read.outcome)
    reasons = {**table.left_out, "say nothing of what is predicted": number}
    labelled = replace(labelled, outcome=outcome, left_out=reasons)
    return labelled.with_rows(settled, left_out + read.note)
