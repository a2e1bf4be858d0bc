"""What docstrings in Google's style say: a summary, and a meaning for each attribute."""

import inspect
import re
from typing import Any

_ENTRY = re.compile(r"    (\w+): (.*)")


def summary(documented: Any) -> str:
    """Return the first paragraph as one line."""
    return " ".join(_text(documented).split("\n\n")[0].split())


def attributes(cls: type) -> dict[str, str]:
    """Return attribute → meaning, those of base classes included."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__[:-1]):
        found |= _section(_text(one), "Attributes:")
    return found


def _section(text: str, title: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    _, _, rest = text.partition(f"{title}\n")
    for line in rest.splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry and not line.startswith("     "):
            name = entry[1]
            found[name] = entry[2]
        elif name and line.startswith("     "):
            found[name] += " " + line.strip()
        else:
            break
    return found


def _text(documented: Any) -> str:
    """Return the docstring; of a class its own alone."""
    if isinstance(documented, type):
        return inspect.cleandoc(vars(documented).get("__doc__") or "")
    return inspect.getdoc(documented) or ""
