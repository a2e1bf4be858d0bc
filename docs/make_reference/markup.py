"""Words for the pages: what docstrings and types say, and Markdown made of plain values."""

import dataclasses
import inspect
import re
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as limits
from pydantic.fields import FieldInfo


def summary(documented: Any) -> str:
    """Return the first paragraph as one line."""
    return " ".join(_text(documented).split("\n\n")[0].split())


def explanation(documented: Any) -> str:
    """Return what stands between the first paragraph and the list of attributes, as one line."""
    _, _, rest = _text(documented).partition("\n\n")
    return " ".join(re.split(r"^Attributes:$", rest, flags=re.MULTILINE)[0].split())


def _text(documented: Any) -> str:
    """Return the docstring; of a class its own alone."""
    if isinstance(documented, type):
        return inspect.cleandoc(vars(documented).get("__doc__") or "")
    return inspect.getdoc(documented) or ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; line breaks in a cell become spaces."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(_table_cell, line))} |\n" for line in lines)


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`"


def _table_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


_PLAIN = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "`true` or `false`",
    type(None): "`null`",
    Any: "anything",
}


def type_name(hint: Any) -> str:
    """Return a type and its range in words, for example `whole number ≥ 1 or null`."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return "group"
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _limited(arguments[0], arguments[1:])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_name(one) for one in arguments))
    if origin is tuple:
        return _describe_list(arguments, "")
    if origin is dict:
        return f"mapping of {type_name(arguments[0])} to {type_name(arguments[1])}"
    raise TypeError(f"no words for {hint}")


def _describe_list(arguments: tuple[Any, ...], least: str) -> str:
    if arguments[-1] is Ellipsis:
        return f"list of {least}{type_name(arguments[0])}"
    return "list of " + " and ".join(type_name(one) for one in arguments)


def _limited(hint: Any, metadata: tuple[Any, ...]) -> str:
    given = [
        one
        for data in metadata
        for one in (data.metadata if isinstance(data, FieldInfo) else [data])
    ]
    least = [str(one.min_length) for one in given if isinstance(one, limits.MinLen)]
    if get_origin(hint) is tuple:
        most = [str(one.max_length) for one in given if isinstance(one, limits.MaxLen)]
        count = least if least == most else [f"at least {one}" for one in least]
        return _describe_list(get_args(hint), "".join(f"{one} " for one in count))
    return f"{type_name(hint)} {' and '.join(_bounds(given))}".rstrip()


def _bounds(given: list[Any]) -> list[str]:
    words = []
    for one in given:
        match one:
            case limits.Ge():
                words.append(f"≥ {one.ge}")
            case limits.Gt():
                words.append(f"> {one.gt}")
            case limits.Le():
                words.append(f"≤ {one.le}")
            case limits.Lt():
                words.append(f"< {one.lt}")
            case limits.MinLen():
                words.append("that is not empty")
    return words
