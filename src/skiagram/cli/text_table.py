"""Tables for the terminal."""

from collections.abc import Iterable, Sequence


def text_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return columns of equal width; those that hold figures alone stand to the right."""
    body = [[str(cell) for cell in row] for row in rows]
    columns = []
    for title, *cells in zip(header, *body, strict=True):
        right = all(cell[:1].isdigit() for cell in cells)
        width = max(map(len, [title, *cells]))
        columns.append(
            [cell.rjust(width) if right else cell.ljust(width) for cell in (title, *cells)]
        )
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))
