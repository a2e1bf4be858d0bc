"""Ids of patients: how they are spelled and joined, and in which order their visits are."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from skiagram.datasets.choices import SimilarPatients
from skiagram.datasets.folder.columns import require_cells
from skiagram.datasets.folder.identifiers import names_patients, normalise_spelling
from skiagram.datasets.folder.keyed_names import KEYED
from skiagram.datasets.folder.roles import MAX_VISITS, PATIENT, ROLES, usual_column
from skiagram.errors import listed, refusal
from skiagram.tables.cells import are_equal
from skiagram.tables.frames import WHERE, of_table, replace_columns, row_at


def settle_patients(
    frame: pd.DataFrame, column: str | None, similar: SimilarPatients
) -> pd.DataFrame:
    """Refuse ids of patients that differ in spelling alone, take them for one, or leave them."""
    if column is None or similar == "apart":
        return frame
    ids = frame[column][~frame[column].str.startswith(KEYED)].drop_duplicates()
    normalised = ids.map(normalise_spelling)
    several = ids[normalised.duplicated(keep=False)]  # few of many, of which alone groups are made
    alike = [spellings for _, spellings in several.groupby(normalised, sort=False)]
    if alike and similar == "refuse":
        shown = ", ".join(f"{cell!r} in line {line}" for line, cell in alike[0].items())
        raise refusal(
            "datasets.alike_patients",
            f"{WHERE}, column `{column}`",
            n_patients=len(alike),
            shown=shown,
        )
    same = {cell: spellings.iloc[0] for spellings in alike for cell in spellings}
    return replace_columns(frame, {column: frame[column].replace(same)})


@dataclass(frozen=True)
class PatientTable:
    """A table with a column of patients, or of images.

    Attributes:
        where: Its file, for messages.
        column: Of the patients or images.
        noun: Which of the two it is.
    """

    where: str
    frame: pd.DataFrame
    column: str
    noun: Literal["patient", "image"] = "patient"

    @classmethod
    def of(cls, frame: pd.DataFrame, where: str, column: str | None = None) -> "PatientTable":
        """Return a table; without a column of patients, or where one is nobody, refuse.

        Args:
            where: Its file.
            column: Of the patients; None takes the first of the usual names.
        """
        name = column or usual_column(frame.columns, ROLES["patient"].usual) or PATIENT
        with of_table(where):
            if name not in frame:
                allowed = listed(frame.columns, "`", near=name)
                raise refusal("datasets.no_joining_column", WHERE, column=name, allowed=allowed)
            checks = [(name, check) for check in ROLES["patient"].checks]
            require_cells(frame, checks)
        return cls(where, frame, name)

    def joined(
        self, other: "PatientTable", similar: SimilarPatients, *, leave_out: bool
    ) -> "tuple[PatientTable, list[str]]":
        """Return each row with what another table says of its patient, and who was left out.

        Args:
            other: Table with a row a patient.
            similar: What becomes of ids without a partner that differ in spelling alone.
            leave_out: Whether patients without a partner are left out; else they are refused.
        """
        # the one row of each patient there
        there = other.frame[other.column]
        for patient in there[there.duplicated()]:
            lines = there.index[there == patient]
            raise refusal(
                "datasets.rows_of_one_patient",
                other.where,
                number=len(lines),
                noun=other.noun,
                patient=patient,
                lines=lines,
            )
        partner = self._partners(other, similar)
        # who has no partner here or there
        alone = {
            self.where: (partner.index[partner.isna()].tolist(), len(partner)),
            other.where: (there[~there.isin(partner)].tolist(), len(there)),
        }
        notes = [
            f"{len(absent)} {self.noun}s of {table} have no partner and are left out."
            for table, (absent, _) in alone.items()
            if absent
        ]
        has_some = partner.notna().any()
        if notes and not (leave_out and has_some):
            sentences = [
                f"{len(absent)} of {number} {self.noun}s of {table} have no partner"
                + (f", first `{absent[0]}`" if absent else "")
                for table, (absent, number) in alone.items()
            ]
            raise refusal(
                "datasets.patients_without_partner",
                other.where,
                sentences=sentences,
                noun=self.noun,
                either="; or leave out who has none: `--unmatched leave-out`" if has_some else "",
            )
        of_row = self.frame[self.column].map(partner)
        own = self.frame[of_row.notna()]
        places = pd.Index(there).get_indexer(pd.Index(of_row.dropna()))
        added = other.frame.drop(columns=other.column).iloc[places]
        # a column that both tables have must say the same of each patient
        shared = [name for name in added.columns if name in own]
        for name in shared:
            pairs = zip(own[name].tolist(), added[name].tolist(), strict=True)
            for at, (cell, theirs) in enumerate(pairs):
                if not are_equal(cell, theirs):
                    raise refusal(
                        "datasets.contradicting_column",
                        other.where,
                        name=name,
                        table=self.where,
                        theirs=theirs,
                        line=added.index[at],
                        cell=cell,
                        line_there=own.index[at],
                    )
        added = added.drop(columns=shared).set_axis(own.index)
        return replace(self, frame=pd.concat([own, added], axis=1)), notes

    def _partners(self, other: "PatientTable", similar: SimilarPatients) -> "pd.Series[str]":
        """Return id here → that of the same patient in another table; missing without one.

        It is the same id there, else the only one that is spelled alike.
        """
        ids, there = pd.Series(self.frame[self.column].unique()), other.frame[other.column]
        partner = ids.where(ids.isin(there))
        if similar != "apart" and self.noun == "patient":
            further = there[~there.isin(ids)]
            spelled = further.set_axis(further.map(normalise_spelling))
            normalised = ids[partner.isna()].map(normalise_spelling)
            alike = normalised.map(spelled[~spelled.index.duplicated(keep=False)]).dropna()
            if len(alike) and similar == "refuse":
                raise refusal(
                    "datasets.alike_ids",
                    self.where,
                    n_partners=partner.count(),
                    n_left=len(ids),
                    table=other.where,
                    n_alike=len(alike),
                    first=ids[alike.index[0]],
                    second=alike.iloc[0],
                )
            partner = partner.fillna(alike)
        return partner.set_axis(ids)


def join_tables(
    tables: Mapping[str, pd.DataFrame],
    column: str | None,
    similar: SimilarPatients,
    *,
    leave_out: bool,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of the first table with what further ones say of their patients.

    Where a table has no column of patients, an id that all have and none repeats joins them.

    Args:
        tables: File → its rows.
        column: Of the patients; None takes the first of the usual names.
        leave_out: Whether patients without a partner are left out; else they are refused.

    Returns:
        The rows, and sentences on what joined them and who was left out.
    """
    notes: list[str] = []
    (where, first), *others = tables.items()
    if not others:
        return first, notes
    # an id that every table has, where one has no column of patients
    named = [usual_column(each.columns, ROLES["patient"].usual) for each in tables.values()]
    if column is None and None in named:
        shared = [
            str(name)
            for name in first.columns
            if names_patients(str(name), also_cases=True)
            and all(name in each and each[name].is_unique for each in tables.values())
        ]
        if len(shared) == 1:
            (column,) = shared
            notes.append(f"Tables are joined by `{column}`; another column is named by --patient.")
    # each further table has a row a patient
    whole = PatientTable.of(first, where, column)
    for file, table in others:
        further = PatientTable.of(table, file, column if column in table else None)
        whole, left_out = whole.joined(further, similar, leave_out=leave_out)
        notes += left_out
    return whole.frame, notes


def number_visits(frame: pd.DataFrame, patient: str, visit: str) -> pd.DataFrame:
    """Return a table in which the visits of each patient are numbered from 1, in their order.

    So no date goes on, and nothing of how long lay between two visits.
    """
    # the place of each cell among numbers, or among dates
    places = {kind: np.full(len(frame), np.nan) for kind in ("number", "date")}
    for at, cell in enumerate(frame[visit].tolist()):
        if cell.isascii() and cell.isdigit() and int(cell) <= MAX_VISITS:
            places["number"][at] = int(cell)
            continue
        try:
            places["date"][at] = datetime.date.fromisoformat(cell).toordinal()
        except ValueError as error:
            raise refusal(
                "datasets.no_visit",
                f"{row_at(frame, at).where}, column `{visit}`",
                found="no number and no date of a visit" if cell else "no visit",
                most=MAX_VISITS,
            ) from error
    # an unknown patient belongs to no other
    owners = [cell or at for at, cell in enumerate(frame[patient].tolist())]
    of_patient = pd.DataFrame(places).groupby(owners)
    if of_patient.count().all(axis=1).any():
        raise refusal("datasets.dates_and_numbers", f"{WHERE}, column `{visit}`")
    order = of_patient.rank("dense").max(axis=1)
    return replace_columns(frame, {visit: order.astype(int).astype("str").array})
