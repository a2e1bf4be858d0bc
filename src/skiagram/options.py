"""Option files become checked, frozen dataclasses; the registry is `_target_`.

Every option group names its dataclass in `_target_` (`module.Class`), so a new member needs no
list to be edited. Declare such a class with `pydantic.dataclasses.dataclass(**STRICT)`.

Option files are people's text: what is no plain YAML is refused with its file and line, before
anything builds it.
"""

import dataclasses
import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import is_pydantic_dataclass

from skiagram.errors import OptionError

T = TypeVar("T")
MOST_BYTES = 2**18  # of an option file
MOST_VALUES = 10_000  # in it, each alias counted as what it stands for
MOST_LEVELS = 30
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}


class _Declaration(TypedDict):
    frozen: bool
    kw_only: bool
    config: ConfigDict


STRICT: _Declaration = {
    "frozen": True,
    "kw_only": True,
    "config": ConfigDict(extra="forbid", strict=True, allow_inf_nan=False),
}


class _Loader(yaml.SafeLoader):
    """Reads numbers and dates as the stages do: `1e-3` is a number, `2024-05-01` is text."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if not pair[0].endswith("timestamp")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_option_file(path: Path, where: str = "") -> dict[str, Any]:
    """Read one option file, plain YAML.

    Args:
        path: The file.
        where: What messages call it; its path when empty.

    Returns:
        Its values; empty for a file that holds only comments.

    Raises:
        OptionError: The file is missing, too large or no text; it is no YAML, or holds what option
            files may not hold: an option twice, tags, and aliases that stand for too much.
    """
    where = where or str(path)
    if not path.is_file():  # a pipe or a device would never end
        raise OptionError("is no file", where=where, remedy="check its name")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OptionError("too large", where=where, allowed=f"at most {MOST_BYTES:,} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise OptionError(
            f"letters that are not UTF-8 (byte {content[error.start]:#x})",
            where=_at(where, content[: error.start].count(b"\n")),
            remedy="save the file as UTF-8",
        ) from None
    return parse_options(text, where)


def parse_options(text: str, where: str) -> dict[str, Any]:
    """Return the values of an option file's text; see `read_option_file`.

    Args:
        text: YAML.
        where: What messages call the file.

    Raises:
        OptionError: As `read_option_file`.
    """
    try:
        _check_yaml(text, where)
        values = yaml.load(text, Loader=_Loader)  # noqa: S506, a SafeLoader
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position)
        raise OptionError(
            f"a character that no text holds (code {int(error.character)})",
            where=_at(where, line),
            remedy="delete it, or write the file anew",
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _explain_yaml(error, text, where) from None
    except ValueError as error:  # a number of thousands of digits
        raise OptionError(f"a value that cannot be read ({error})", where=where) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise OptionError(
            "holds no options", where=where, allowed="lines of the form `option: value`"
        )
    return values


def _check_yaml(text: str, where: str) -> None:
    """Walk over the text's events, which builds nothing, and refuse what is not plain."""
    sizes: dict[str | None, int | None] = {}  # anchor → values below it; None while it is open
    opened: list[_Opened] = []
    total = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            closed = opened.pop()
            sizes[closed.anchor] = total - closed.before
        elif isinstance(event, yaml.NodeEvent):
            line = _at(where, event.start_mark.line if event.start_mark else 0)
            if opened:
                opened[-1].note(event, line)
            if isinstance(event, yaml.AliasEvent):
                total += _size_of(event, sizes, line)
            else:
                _check_tag(event, line)
                sizes[event.anchor] = 0
            total += 1
            if isinstance(event, yaml.CollectionStartEvent):
                sizes[event.anchor] = None
                opened.append(_Opened(event, total))
            _check_limits(total, len(opened), line)


def _size_of(alias: yaml.AliasEvent, sizes: Mapping[str | None, int | None], line: str) -> int:
    size = sizes.get(alias.anchor, 0)
    if size is None:
        raise OptionError(
            f"`*{alias.anchor}` stands inside of what it stands for",
            where=line,
            remedy="write the values out",
        )
    return size


def _check_limits(values: int, levels: int, line: str) -> None:
    if values > MOST_VALUES or levels > MOST_LEVELS:
        raise OptionError(
            "too many values, or too many levels of them",
            where=line,
            allowed=f"at most {MOST_VALUES:,} values, aliases counted as what they stand for, "
            f"and {MOST_LEVELS} levels",
            remedy="write fewer aliases (`*name`) or brackets",
        )


class _Opened:
    """A list or mapping whose end is still to come."""

    def __init__(self, event: yaml.CollectionStartEvent, before: int) -> None:
        self.anchor, self.before = event.anchor, before
        self._names: set[str] | None = set() if isinstance(event, yaml.MappingStartEvent) else None
        self._name_is_next = True

    def note(self, event: yaml.NodeEvent, line: str) -> None:
        """Take in one more entry; the entries of a mapping are names and values in turn."""
        if self._names is None:
            return
        if self._name_is_next:
            if not isinstance(event, yaml.ScalarEvent):
                raise OptionError("an option without a plain name", where=line)
            if event.value in self._names:
                raise OptionError(
                    f"`{event.value}` stands here twice", where=line, remedy="delete one of the two"
                )
            self._names.add(event.value)
        self._name_is_next = not self._name_is_next


def _check_tag(event: Any, line: str) -> None:
    if event.tag not in {None, "!", *_TAGS}:
        raise OptionError(
            f"the tag `{event.tag}`",
            where=line,
            allowed="plain values: text, numbers, true, false, null, lists and mappings",
            remedy="delete the tag, the word after `!`",
        )


def _explain_yaml(error: yaml.MarkedYAMLError, text: str, where: str) -> OptionError:
    mark = error.problem_mark or error.context_mark
    number = mark.line if mark else 0
    lines = text.splitlines()
    line = lines[number] if number < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return OptionError(
            "a tab before the option", where=_at(where, number), remedy="indent with spaces"
        )
    return OptionError(
        f"no YAML ({error.problem})",
        where=_at(where, number),
        allowed="lines of the form `option: value`, indented by spaces",
        remedy="look here and a line above: an open bracket or quote, a colon missing or too much",
    )


def _at(where: str, line: int) -> str:
    return f"{where}, line {line + 1}"


def resolve(target: str, where: str) -> type:
    """Import the dataclass that a `_target_` names.

    Args:
        target: Dotted path, `package.module.Class`.
        where: Option that holds it, for messages.

    Raises:
        OptionError: The path names no importable option dataclass.
    """
    module_name, _, class_name = target.rpartition(".")
    try:
        option_class = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise OptionError(
            f"`{target}` cannot be imported ({error})",
            where=f"{where}._target_",
            allowed="package.module.Class of an installed package",
        ) from error
    if not isinstance(option_class, type) or not is_pydantic_dataclass(option_class):
        raise OptionError(
            f"`{target}` is not an option dataclass",
            where=f"{where}._target_",
            remedy="declare it with pydantic.dataclasses.dataclass(**skiagram.options.STRICT)",
        )
    return option_class


def build(group: Mapping[str, Any], where: str) -> Any:
    """Turn one composed option group into its dataclass, checking names, types and ranges.

    Args:
        group: Plain mapping with a `_target_` and the values.
        where: Name of the group, for messages.

    Raises:
        OptionError: Naming the option, what was given and what is allowed.
    """
    values = {key: value for key, value in group.items() if key != "_target_"}
    if "_target_" not in group:
        raise OptionError("has no `_target_`", where=where, remedy="name the class it configures")
    return check(resolve(str(group["_target_"]), where), values, where)


def composed(options: Any) -> dict[str, Any]:
    """Return the mapping that `build` turns into the same options again."""
    kind = type(options)
    return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **dataclasses.asdict(options)}


def check(target: type[T], values: Mapping[str, Any], where: str) -> T:
    """Validate plain values against one option dataclass.

    Args:
        target: The dataclass.
        values: Plain values as read from YAML (lists stand for tuples).
        where: Name of the group, for messages.

    Raises:
        OptionError: Naming the first wrong option.
    """
    try:
        return TypeAdapter(target).validate_json(json.dumps(values))
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise _explain(error, target, values, where) from None
        raise OptionError(str(error), where=where) from error


def _explain(
    error: ValidationError, target: type, values: Mapping[str, Any], where: str
) -> OptionError:
    errors = error.errors(include_url=False)
    first = errors[0]
    path = _path(first["loc"], values)
    option = ".".join([where, *path])
    if first["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        known = ", ".join(sorted(_fields(target, path[:-1])))
        return OptionError("no such option", where=option, allowed=known)
    if first["type"] in {"missing", "missing_argument"}:
        option = f"{option}.{first['loc'][-1]}"
        return OptionError("is missing", where=option, remedy="give it a value")
    value = json.dumps(first["input"], default=str)
    meant = [error["msg"] for error in errors if _path(error["loc"], values) == path]
    wishes = [text.removeprefix("Input should be ") for text in meant]
    return OptionError(f"{value} was given", where=option, allowed=", or: ".join(wishes))


def _path(loc: tuple[int | str, ...], values: Any) -> list[str]:
    """Return the part of an error's place that names options; the rest are types of a union."""
    path: list[str] = []
    for part in loc:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            break
        path.append(str(part))
    return path


def _fields(target: Any, path: list[str]) -> list[str]:
    """Return the option names of a dataclass, or of the one nested in it at a path."""
    if not dataclasses.is_dataclass(target):
        return []
    types = {field.name: field.type for field in dataclasses.fields(target)}
    return _fields(types[path[0]], path[1:]) if path else list(types)
