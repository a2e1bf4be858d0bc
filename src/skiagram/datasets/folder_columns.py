"""Which further columns of a table may go on without telling who a patient is."""

from collections.abc import Iterable

from skiagram.datasets.folder_table import Row

_MOST_WORDS = 20
_FEW_ROWS = 20
_MOST_DISTINCT = 0.9


def harmless_columns(rows: list[Row], columns: Iterable[str]) -> list[str]:
    """Return the columns whose values do not look like identifiers.

    Decimal numbers go on; text of at most 20 different values (a view, a device) does; names,
    dates and numbers that nearly every row has for itself do not. A user can name others.

    Args:
        rows: The table.
        columns: Names of columns that have no other part.
    """
    return [name for name in columns if _is_harmless([row.cells[name] for row in rows])]


def _is_harmless(cells: list[str]) -> bool:
    known = [cell for cell in cells if cell]
    distinct = len(set(known))
    if not known:
        return False
    if all(_is_decimal(cell) for cell in known):
        whole = all(float(cell).is_integer() for cell in known)
        return not whole or distinct <= max(_FEW_ROWS, _MOST_DISTINCT * len(known))
    return distinct <= _MOST_WORDS and distinct <= len(known) / 2


def _is_decimal(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
