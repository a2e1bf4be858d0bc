"""What a search may change, one file per model in conf/search, and option files with new values."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Discriminator, Field, Tag, model_validator
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError
from skiagram.options import STRICT

Scale = Literal["linear", "log"]


@dataclass(**STRICT)
class Range:
    """A range of numbers, both ends included; of whole numbers alone if both ends are written so.

    Attributes:
        low: Least value.
        high: Greatest value.
        scale: `log` tries each order of magnitude as often as any other; then `low` > 0.
    """

    low: int | float
    high: int | float
    scale: Scale

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.low >= self.high:
            raise ValueError("`low` must lie below `high`")
        if self.scale == "log" and self.low <= 0:
            raise ValueError("`scale: log` needs a `low` above 0")
        return self

    @property
    def whole(self) -> bool:
        return type(self.low) is int and type(self.high) is int

    def holds(self, value: object) -> bool:
        """Return whether a value lies within, and is whole where only whole numbers are tried."""
        kinds = (int,) if self.whole else (int, float)
        return type(value) in kinds and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(**STRICT)
class Choice:
    """Some values of any kind, at least two."""

    choices: Annotated[tuple[Any, ...], Field(min_length=2)]

    def holds(self, value: object) -> bool:
        return value in self.choices


def _kind(value: Any) -> str:
    """Return which kind of values an option file means, so that an error is about that kind."""
    if isinstance(value, Mapping):
        return "choice" if "choices" in value else "range"
    return "choice" if isinstance(value, Choice) else "range"


Dimension = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choice, Tag("choice")], Discriminator(_kind)
]


@dataclass(**STRICT)
class Space:
    """What a search of one model may change; its first trial has the values of the option file.

    Attributes:
        options: Option, with dots down to nested ones → the values to choose from.
    """

    options: Annotated[dict[str, Dimension], Field(min_length=1)]

    def defaults(self, options: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return the option file's own values of the options searched."""
        values = {name: _value(options, name, where) for name in self.options}
        for name, value in values.items():
            if not self.options[name].holds(value):
                raise OptionError(
                    f"the model's own value {value!r} lies outside",
                    where=f"{where}.options.{name}",
                    remedy="widen the range: the first trial has the values of the option file",
                )
        return values


def _value(options: Mapping[str, Any], name: str, where: str) -> Any:
    value: Any = options
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            known = ", ".join(sorted(map(str, value))) if isinstance(value, Mapping) else "nothing"
            raise OptionError("no such option", where=f"{where}.options.{name}", allowed=known)
        value = value[part]
    return value


def apply_values(options: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with some values in place of their own; the given mapping stays as it is."""
    changed = deepcopy(dict(options))
    for name, value in values.items():
        *path, last = name.split(".")
        inner = changed
        for part in path:
            inner = inner[part]
        inner[last] = value
    return changed


def rewrite_option_file(text: str, values: Mapping[str, Any], heading: str) -> str:
    """Return an option file with other values, each marked with what it was, below a heading."""
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
        nodes = [value for key, value in pairs if key.value == part]
        if not nodes:
            raise OptionError("no such option in the option file", where=name)
        node = nodes[0]
    return node


def _inline(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return text.removesuffix("...\n").strip()
