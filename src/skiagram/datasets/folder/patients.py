"""Ids of patients: how they are spelled and joined, and in which order their visits are."""

import datetime
import re
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from skiagram.datasets.folder.csv_rows import (
    PATIENT_COLUMNS,
    WHERE,
    CsvRow,
    of_table,
    read_csv,
    refuse_units,
    usual_column,
)
from skiagram.datasets.folder.identifiers import fold_id
from skiagram.datasets.folder.keyed_names import KEYED
from skiagram.errors import DataError, listed, nearest
from skiagram.tasks.columns import are_equal, stands_for_missing

MAX_VISITS = 999  # of a patient; longer numbers can be dates
_NO_NUMBERS = {"-1", "-9", "-99", "-999", "-9999"}  # by which data sets mark a missing one
_NOBODY = {
    *("unknown", "unkown", "anonymous", "anonymized", "anonymised", "anon", "missing", "nobody"),
    *("xxx", "xxxx", "unbekannt", "anonym", "inconnu", "anonyme"),
    *("desconocido", "sconosciuto", "onbekend", "notknown", "notavailable", "notstated"),
    *("notrecorded", "notgiven", "nodata", "noid", "noname", "withheld", "redacted"),
}
_PATIENT_WORD = re.compile(r"(patient|subject|case|person|name|id)s?")
_ROUNDED = re.compile(r"(?i)\d([.,]\d+)?e\+?\d+")
SimilarPatients = Literal["refuse", "same", "apart"]


def find_patient_problem(cell: str, where: str) -> DataError | None:
    """Return why a cell is no patient's id: many rows would become one patient."""
    # words that say of nobody who it is, as `Anonymous^Patient` or `PATIENT`; a number in it may
    # tell patients apart: `unknown-1` is one of them
    words = re.findall(r"\w+", cell.casefold().replace("_", " "))
    bare = "".join(word for word in words if not _PATIENT_WORD.fullmatch(word))
    nobody = not bare or bool({"".join(words), bare} & _NOBODY)
    if not cell or stands_for_missing(cell) or cell in _NO_NUMBERS or nobody:
        return DataError(
            f"patient `{cell}`" if cell else "an empty patient",
            where=where,
            allowed="ids of patients",
            remedy="give each patient who is not known an id of its own, such as `unknown-1`, or "
            "leave the column out",
        )
    if _ROUNDED.fullmatch(cell):
        return DataError(
            f"patient `{cell}`, a number that a spreadsheet has rounded",
            where=where,
            allowed="ids with all their digits",
            remedy="let the spreadsheet take this column as text, and save the table again",
        )
    return None


def settle_patients(
    rows: list[CsvRow], column: str | None, similar: SimilarPatients
) -> list[CsvRow]:
    """Refuse ids of patients that differ in spelling alone, take them for one, or leave them."""
    if column is None or similar == "apart":
        return rows
    spelled: dict[str, dict[str, int]] = {}
    for row in rows:
        cell = row.cells[column]
        if not cell.startswith(KEYED):
            spelled.setdefault(fold_id(cell), {}).setdefault(cell, row.line)
    alike = [spellings for spellings in spelled.values() if len(spellings) > 1]
    if alike and similar == "refuse":
        shown = ", ".join(f"{cell!r} in line {line}" for cell, line in alike[0].items())
        raise DataError(
            f"ids of {len(alike)} patients differ in spelling alone: {shown}",
            where=f"{WHERE}, column `{column}`",
            allowed="one spelling per patient",
            remedy="correct them, or say that they are the `same` patient, or kept `apart`, with "
            "`--similar-patients` (`similar_patients` in the config)",
        )
    same = {cell: next(iter(spellings)) for spellings in alike for cell in spellings}
    return [
        replace(row, cells=row.cells | {column: same.get(row.cells[column], row.cells[column])})
        for row in rows
    ]


def join_patients(
    left: Collection[str],
    right: Collection[str],
    similar: SimilarPatients,
    tables: tuple[str, str],
) -> dict[str, str]:
    """Return id on the left → id of the same patient on the right; without a partner none.

    Args:
        similar: What becomes of ids without a partner that differ in spelling alone.
        tables: What the ids on the left and on the right are of, for messages.

    Raises:
        DataError: There are such ids, and `similar` refuses them.
    """
    partners = {each: each for each in left if each in right}
    if similar == "apart":
        return partners
    spelled: dict[str, list[str]] = {}
    for each in right:
        if each not in partners:
            spelled.setdefault(fold_id(each), []).append(each)
    alike = {
        each: spelled[fold_id(each)][0]
        for each in left
        if each not in partners and len(spelled.get(fold_id(each), ())) == 1
    }
    if alike and similar == "refuse":
        first, second = next(iter(alike.items()))
        raise DataError(
            f"{len(partners)} of {len(left)} patients have the same id in {tables[1]}, and "
            f"{len(alike)} one that differs in spelling alone: {first!r} here, {second!r} there",
            where=tables[0],
            allowed="one spelling per patient",
            remedy="say with `--similar-patients` whether they are the `same` or stay `apart`",
        )
    return partners | alike


def require_partners(
    left: Collection[str],
    right: Collection[str],
    partners: Mapping[str, str],
    tables: tuple[str, str],
) -> None:
    """Refuse a join in which an id of either side has no partner; both sides are counted."""
    joined = set(partners.values())
    alone = [
        [each for each in left if each not in partners],
        [each for each in right if each not in joined],
    ]
    if not any(alone):
        return
    sentences = [
        f"{len(absent)} of {len(every)} patients of {table} have no partner"
        + (f", first `{absent[0]}`" if absent else "")
        for absent, every, table in zip(alone, (left, right), tables, strict=True)
    ]
    raise DataError(
        "; ".join(sentences),
        where=tables[1],
        allowed="the same patients on both sides",
        remedy="correct the ids, or leave out who has no partner: `--unmatched leave-out`",
    )


def _lacking_patients(rows: list[CsvRow], column: str) -> DataError:
    """Return that a table has no column of patients, with one whose texts could be their ids."""
    header = rows[0].cells
    ids = [
        name
        for name in header
        if len({row.cells[name] for row in rows}) == len(rows)
        and not any(row.number(name) is not None or not row.cells[name] for row in rows)
        and not any("/" in row.cells[name] or "\\" in row.cells[name] for row in rows)
    ]
    near = nearest(column, header)
    question = f"did you mean `{near[0]}`? Else " if near else ""
    named = shlex.quote(ids[0]) if ids and not near else "COLUMN"
    remedy = f"{question}name the column of patients' ids: `--patient {named}`"
    if not ids and not near:
        remedy += "; where there is none, add it, with the ids as the other table has them"
    allowed = listed(header, "`", near=column)
    return DataError(f"no column `{column}`", where=WHERE, allowed=allowed, remedy=remedy)


@dataclass(frozen=True)
class PatientTable:
    """A table with a column of patients.

    Attributes:
        where: Its file, for messages.
        column: Of the patients.
    """

    where: str
    rows: list[CsvRow]
    column: str

    @classmethod
    def read(
        cls,
        path: Path,
        column: str | None = None,
        missing: Collection[str] = (),
        emptied: Counter[str] | None = None,
        *,
        joined: bool = False,
    ) -> "PatientTable":
        """Read a table; without a column of patients, or where one is nobody, refuse.

        Args:
            column: Of the patients; None takes the first of the usual names.
            joined: Whether it is joined to a table that has such a column, so that its own may
                have a usual name instead.
        """
        with of_table(str(path)):
            rows = read_csv(path, missing, emptied=emptied)
            usual = usual_column(rows[0].cells, PATIENT_COLUMNS)
            name = column or usual or "patient_id"
            if joined and name not in rows[0].cells:
                name = usual or name
            if name not in rows[0].cells:
                raise _lacking_patients(rows, name)
            refuse_units(rows)
            for row in rows:
                if problem := find_patient_problem(row.cells[name], row.where):
                    raise problem
        return cls(str(path), rows, name)

    def by_patient(self) -> dict[str, dict[str, str]]:
        """Return patient → the other cells of its one row.

        Raises:
            DataError: A patient has several rows.
        """
        count = Counter(row.cells[self.column] for row in self.rows)
        ((patient, number),) = count.most_common(1)
        if number > 1:
            lines = [str(r.line) for r in self.rows if r.cells[self.column] == patient]
            single = [
                name
                for name in self.rows[0].cells
                if len({row.cells[name] for row in self.rows}) == len(self.rows)
                and not any("." in row.cells[name] or not row.cells[name] for row in self.rows)
            ]
            remedy = "make one row of a patient's, such as whether any of the lesions is malignant"
            if single:
                remedy = "keep the row with the right label; where a row is a study or an image, "
                remedy += "whose files have its name, join by it with --pattern: "
                remedy += f"`--patient {shlex.quote(single[0])}`, {{patient}} being this name"
            raise DataError(
                f"{number} rows of patient `{patient}`, in lines {', '.join(lines)}",
                where=self.where,
                allowed="one row per patient",
                remedy=remedy,
            )
        return {
            row.cells[self.column]: {
                name: cell for name, cell in row.cells.items() if name != self.column
            }
            for row in self.rows
        }

    def joined(
        self, other: "PatientTable", similar: SimilarPatients, *, leave_out: bool
    ) -> "tuple[PatientTable, list[str]]":
        """Return each row with what another table says of its patient, and who was left out.

        Args:
            other: Table with a row a patient.
            leave_out: Whether patients without a partner are left out; else they are refused.
        """
        added = other.by_patient()
        patients = {row.cells[self.column]: None for row in self.rows}
        tables = (self.where, other.where)
        partners = join_patients(patients, added, similar, tables)
        if not partners or not leave_out:
            require_partners(patients, added, partners, tables)
        # a column that both tables have must say the same of each patient
        twice = [name for name in next(iter(added.values())) if name in self.rows[0].cells]
        line_of = {row.cells[other.column]: row.line for row in other.rows}
        for row in self.rows:
            partner = partners.get(row.cells[self.column])
            if partner is None:
                continue
            for name in twice:
                cell, theirs = row.cells[name], added[partner][name]
                if not are_equal(cell, theirs):
                    raise DataError(
                        f"a column `{name}`, as {self.where} has too, which says something else: "
                        f"`{theirs}` in line {line_of[partner]}, `{cell}` in line {row.line} there",
                        where=other.where,
                        allowed="other columns than those of the first table, or the same cells",
                        remedy="rename or remove the column in one of the two, or correct it",
                    )
        rows = [
            replace(row, cells=row.cells | added[partners[row.cells[self.column]]] | row.cells)
            for row in self.rows
            if row.cells[self.column] in partners
        ]
        alone = len(patients) - len(partners), len(added) - len(set(partners.values()))
        notes = [
            f"{number} patients of {table} have no partner and are left out."
            for number, table in zip(alone, tables, strict=True)
            if number
        ]
        return replace(self, rows=rows), notes


def number_visits(rows: Sequence[CsvRow], patient: str, visit: str) -> list[CsvRow]:
    """Return a table in which the visits of each patient are numbered from 1, in their order.

    So no date goes on, and nothing of how long lay between two visits.
    """
    # whether each cell is a number or a date, and what orders it
    order: list[tuple[str, int]] = []
    for row in rows:
        cell = row.cells[visit]
        if cell.isascii() and cell.isdigit() and int(cell) <= MAX_VISITS:
            order.append(("number", int(cell)))
            continue
        try:
            order.append(("date", datetime.date.fromisoformat(cell).toordinal()))
        except ValueError as error:
            raise DataError(
                "no number and no date of a visit" if cell else "no visit",
                where=f"{row.where}, column `{visit}`",
                allowed=f"whole numbers up to {MAX_VISITS}, or dates such as 2026-05-31",
                remedy="number the visits of each patient from 1, or leave the column out",
            ) from error
    moments_by_patient: dict[str, set[tuple[str, int]]] = {}
    for row, moment in zip(rows, order, strict=True):
        moments_by_patient.setdefault(row.cells[patient], set()).add(moment)
    for moments in moments_by_patient.values():
        if len({kind for kind, _ in moments}) > 1:
            raise DataError(
                "dates and numbers of visits for one patient",
                where=f"the CSV, column `{visit}`",
                allowed="one or the other",
                remedy="number the visits of each patient from 1",
            )
    place = {name: sorted(moments) for name, moments in moments_by_patient.items()}
    return [
        replace(row, cells=row.cells | {visit: str(place[row.cells[patient]].index(moment) + 1)})
        for row, moment in zip(rows, order, strict=True)
    ]
