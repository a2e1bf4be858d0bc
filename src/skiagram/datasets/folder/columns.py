"""Which further columns of a table may go on without telling who a patient is."""

from collections.abc import Iterable

from skiagram.datasets.folder.table import Row

_MOST_WORDS = 20
_FEW_NUMBERS = 20
_MOST_DISTINCT = 0.9
_LONG_NUMBER = 1000


def harmless_columns(rows: list[Row], columns: Iterable[str]) -> list[str]:
    """Return the columns whose values do not look like identifiers.

    Decimal numbers go on, and text of at most 20 different values (a view, a device). Names and
    dates do not, nor do more than 20 different whole numbers of four digits or more, or that nearly
    every row has for itself. A user can name others.

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
        numbers = [float(cell) for cell in known]
        whole = all(number.is_integer() for number in numbers)
        small = max(map(abs, numbers)) < _LONG_NUMBER and distinct <= _MOST_DISTINCT * len(known)
        return not whole or small or distinct <= _FEW_NUMBERS
    return distinct <= _MOST_WORDS and distinct <= len(known) / 2


def _is_decimal(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
