"""Options written into the files of a project, whose other text and comments stay."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from skiagram.compute.files import write_files
from skiagram.options import read_option_file, write_value


def find_place(option: str) -> tuple[Path, str]:
    """Find the file of an option as sweeps name it, and its dotted name there."""
    if not option.startswith("conf."):
        return Path("params.yaml"), option
    _, group, *rest = option.split(".")
    if Path("conf", group).is_dir():
        return Path("conf", group, f"{rest[0]}.yaml"), ".".join(rest[1:])
    return Path("conf", f"{group}.yaml"), ".".join(rest)


def find_dotted(values: Any, dotted: str) -> Any:
    """Return an option of a file, whose groups are named before it; None where none is there."""
    for name in dotted.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def put(values: Any, dotted: str, value: Any) -> None:
    """Set an option of a file, whose groups are named before it: `training.epochs`."""
    *parents, last = dotted.split(".")
    for parent in parents:
        values = values[parent]
    values[last] = value


def edit_option_file(path: Path, changes: Mapping[str, Any]) -> None:
    """Set dotted options of a file, each in its line; all other text stays."""
    values, text = read_option_file(path), path.read_text(encoding="utf-8")
    for dotted, value in changes.items():
        # What is as asked stays as it was written; only None may stand for an option not there.
        if value is None or find_dotted(values, dotted) != value:
            put(values, dotted, value)
            text = _set_line(text, dotted, values)
    write_files({path: text.encode()})


def _set_line(text: str, dotted: str, values: Mapping[str, Any]) -> str:
    """Return the text of an option file in which one option is as in the values."""
    # The group that the option stands in, and what stands there now.
    *parents, last = dotted.split(".")
    group: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for parent in parents:
        group = next(node for key, node in group.value if key.value == parent)
    options = group.value if group else []
    found = next((each for each in options if each[0].value == last), None)
    written = f": {write_value(find_dotted(values, dotted))}"
    # A new option stands below the others of its group; a group in one line is written anew.
    if found is None and group and group.flow_style:
        return _set_line(text, ".".join(parents), values)
    if found is None:
        end = _find_end(group, text) if group else len(text.rstrip())
        indent = " " * options[0][0].start_mark.column if group else ""
        below = text[end:].removeprefix("\n")
        return f"{text[:end]}\n{indent}{last}{written}\n{below}"
    # A comment between name and value, as of a block, comes after the value.
    key, node = found
    between = text[key.end_mark.index : node.start_mark.index]
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        between += text[node.start_mark.index :].partition("\n")[0]
    comment = re.search(r"#.*", between)
    written += f" {comment[0]}" if comment else ""
    return text[: key.end_mark.index] + written + text[_find_end(node, text) :]


def _find_end(node: yaml.Node, text: str) -> int:
    """Find where the text of a value ends, without comments and empty lines below it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _find_end(last[1] if isinstance(last, tuple) else last, text)
    return len(text[: node.end_mark.index].rstrip())
