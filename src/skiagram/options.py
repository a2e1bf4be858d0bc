"""Option files become checked, frozen dataclasses; the registry is `_target_`.

Every option group names its dataclass in `_target_` (`module.Class`), so a new member needs no
list to be edited. Declare such a class with `pydantic.dataclasses.dataclass(**STRICT)`.
"""

import dataclasses
import importlib
import json
from collections.abc import Mapping
from typing import Any, TypedDict, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import is_pydantic_dataclass

from skiagram.errors import OptionError

T = TypeVar("T")


class _Declaration(TypedDict):
    frozen: bool
    kw_only: bool
    config: ConfigDict


STRICT: _Declaration = {
    "frozen": True,
    "kw_only": True,
    "config": ConfigDict(extra="forbid", strict=True, allow_inf_nan=False),
}


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
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise OptionError(
            f"`{target}` cannot be imported ({error})",
            where=f"{where}._target_",
            allowed="package.module.Class of an installed package",
        ) from error
    if not isinstance(found, type) or not is_pydantic_dataclass(found):
        raise OptionError(
            f"`{target}` is not an option dataclass",
            where=f"{where}._target_",
            remedy="declare it with pydantic.dataclasses.dataclass(**skiagram.options.STRICT)",
        )
    return found


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
    given = json.dumps(first["input"], default=str)
    wishes = [one["msg"] for one in errors if _path(one["loc"], values) == path]
    return OptionError(f"{given} was given", where=option, allowed=", or: ".join(wishes))


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
    types = {one.name: one.type for one in dataclasses.fields(target)}
    return _fields(types[path[0]], path[1:]) if path else list(types)
