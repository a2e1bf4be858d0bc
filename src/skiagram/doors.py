"""What a remedy asks for, in the words of the door where it is shown: rows of `doors.yaml`."""

import re
from functools import cache
from typing import Any

from skiagram.declared import read_declared

_WORD = "'[^']*'|[^ `]+"


def _as_options(found: re.Match[str]) -> str:
    """Return options of a command as `skiagram.run` takes them; `…` is to be filled in."""
    pairs = re.findall(f"--([a-z-]+)((?: (?!--)(?:{_WORD}))*)", found[0])
    values = {name: [each.strip("'") for each in re.findall(_WORD, text)] for name, text in pairs}
    arguments = [f"{name}={values.pop(name)[0]!r}" for name in ("positive",) if values.get(name)]
    options = []
    for name, value in values.items():
        given = repr(value if len(value) > 1 else value[0]) if value else "…"
        given = "True" if name in _declared()["flags"] else given
        options.append(f"{name.replace('-', '_')!r}: {given}")
    arguments += [f"options={{{', '.join(options)}}}"] if options else []
    return f"`{', '.join(arguments)}`"


@cache
def _declared() -> dict[str, Any]:
    rows: dict[str, Any] = read_declared("skiagram", "doors.yaml")
    return rows


def rows_of_doors() -> dict[str, dict[str, str | None]]:
    """Read door → words of a message, as a regular expression → what that door takes instead."""
    rows: dict[str, dict[str, str | None]] = _declared()["doors"]
    return rows


def in_words_of(door: str, text: str) -> str:
    """Return a message as a door says it."""
    for words, own in rows_of_doors().get(door, {}).items():
        text = re.sub(words, _as_options if own is None else own, text)
    return text
