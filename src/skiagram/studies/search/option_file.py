"""An option file with some values in place of its own; comments stay where they are."""

from collections.abc import Mapping
from typing import Any

import yaml

from skiagram.errors import OptionError


def rewritten(text: str, values: Mapping[str, Any], heading: str) -> str:
    """Return an option file with other values, each of them marked with what it was.

    Args:
        text: The option file.
        values: Option, with dots down to nested ones → its value.
        heading: Comment that goes on top.

    Raises:
        OptionError: The file lacks an option, or writes its value on several lines.
    """
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for name, value in values.items():
        node = _find(root, name)
        start, end = node.start_mark, node.end_mark
        if start.line != end.line:
            raise OptionError("a value on several lines cannot be searched", where=name)
        line = lines[start.line]
        old = line[start.column : end.column]
        if yaml.safe_load(old) == value:
            continue
        rest = line[end.column :].rstrip()
        mark = f"{rest}; was {old}" if "#" in rest else f"{rest} # was {old}"
        lines[start.line] = line[: start.column] + _inline(value) + mark
    return "\n".join([f"# {heading}", *lines]) + "\n"


def _find(root: Any, name: str) -> Any:
    node = root
    for part in name.split("."):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = [value for key, value in pairs if key.value == part]
        if not found:
            raise OptionError("no such option in the option file", where=name)
        node = found[0]
    return node


def _inline(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return text.removesuffix("...\n").strip()
