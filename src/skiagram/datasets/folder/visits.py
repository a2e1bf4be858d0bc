"""Visits of a patient: dates become numbers before anything is written."""

import datetime
from collections.abc import Sequence
from dataclasses import replace

from skiagram.datasets.folder.csv_rows import Row
from skiagram.datasets.folder.table import MAX_VISITS
from skiagram.errors import DataError


def number_visits(rows: Sequence[Row], patient: str, visit: str) -> list[Row]:
    """Return a table in which the visits of each patient are numbered from 1, in their order.

    So no date goes on, and nothing of how long lay between two visits.

    Raises:
        DataError: A cell is neither; it is not quoted.
    """
    order = [_order_of_visit(row, visit) for row in rows]
    known: dict[str, set[tuple[str, int]]] = {}
    for row, moment in zip(rows, order, strict=True):
        known.setdefault(row.cells[patient], set()).add(moment)
    for moments in known.values():
        if len({kind for kind, _ in moments}) > 1:
            raise DataError(
                "dates and numbers of visits for one patient",
                where=f"the CSV, column `{visit}`",
                allowed="one or the other",
                remedy="number the visits of each patient from 1",
            )
    place = {name: sorted(moments) for name, moments in known.items()}
    return [
        replace(row, cells=row.cells | {visit: str(place[row.cells[patient]].index(moment) + 1)})
        for row, moment in zip(rows, order, strict=True)
    ]


def _order_of_visit(row: Row, column: str) -> tuple[str, int]:
    """Return whether a cell is a number or a date, and what orders it."""
    cell = row.cells[column]
    if cell.isascii() and cell.isdigit() and int(cell) <= MAX_VISITS:
        return "number", int(cell)
    try:
        return "date", datetime.date.fromisoformat(cell).toordinal()
    except ValueError as error:
        raise DataError(
            "no number and no date of a visit" if cell else "no visit",
            where=f"{row.where}, column `{column}`",
            allowed=f"whole numbers up to {MAX_VISITS}, or dates such as 2026-05-31",
            remedy="number the visits of each patient from 1, or leave the column out",
        ) from error
