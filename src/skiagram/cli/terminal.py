"""What people read in a terminal: tables and sentences that fit its width, in colour.

In a pipe or a file the text is plain and 80 columns wide; `NO_COLOR` and `COLUMNS` are respected.
"""

import sys
from collections.abc import Collection, Sequence
from io import TextIOWrapper

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from skiagram.errors import printable


def print_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], whole: Collection[str]
) -> None:
    """Print a table that is no wider than the terminal; long cells take several lines.

    Args:
        whole: Heads of columns whose cells are never wrapped.
    """
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0, header_style="bold")
    for head in heads:
        table.add_column(printable(head), no_wrap=head in whole, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    _console().print(table)


def print_wrapped(*sentences: str, style: str = "") -> None:
    """Print sentences, each from a new line on, wrapped between words."""
    console = _console()
    for sentence in sentences:
        console.print(Text(printable(sentence), style))


def _console() -> Console:
    """Return a console on standard output, whose commands for colours are let through."""
    stream = getattr(sys.stdout, "coloured", sys.stdout)
    if isinstance(stream, TextIOWrapper):  # in a locale without a letter it is escaped
        stream.reconfigure(errors="backslashreplace")
    # A notebook is written to as any stream: Rich would show its own cell, past a redirection.
    return Console(file=stream, highlight=False, markup=False, emoji=False, force_jupyter=False)
