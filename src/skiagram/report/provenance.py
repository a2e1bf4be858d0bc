"""Options as flat lines, so that two reports can be compared line by line."""

import json
from collections.abc import Mapping
from typing import Any


def flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return dotted option name → value as JSON; strings stand bare.

    Args:
        params: Nested mappings of choices and values.
        prefix: Name of the enclosing option, with its dot.
    """
    lines: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            lines |= flat(value, f"{prefix}{name}.")
        else:
            bare = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            lines[f"{prefix}{name}"] = bare
    return lines
