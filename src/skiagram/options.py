"""Configs become checked, frozen dataclasses; the registry is `_target_`.

Every option group names its dataclass in `_target_` (`module.Class`), so a new member needs no
list to be edited. `strict` says how such a class is declared.
"""

import dataclasses
import importlib
import inspect
import json
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import is_pydantic_dataclass

from skiagram.errors import OptionError, nearest, not_installed, refusal

T = TypeVar("T")
PARAMS, PLAN = "params.yaml", "conf/plan.yaml"
CLASS_OF_GROUP = {  # groups whose files name no class
    "trainer": "skiagram.training.options.Trainer",
    "compute": "skiagram.compute.workers.Compute",
}
_DEEPEST = 100
# Stands for a value of params.yaml.
FROM_PARAMS = re.compile(r"\$\{params\.(\w+)\}")


class OptionLoader(yaml.CSafeLoader):
    """Reads numbers and dates as the stages do: `1e-3` is a number, `2024-05-01` is text."""

    _depth = 0  # of the value that is read now

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:  # the parser calls itself, and would end the process
            problem = f"lists or mappings stand more than {_DEEPEST} deep in one another"
            raise yaml.MarkedYAMLError(problem=problem)

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[str] = set()
        for name in (name for name, _ in node.value if isinstance(name, yaml.ScalarNode)):
            if name.value in names - {"<<"}:
                problem = f"`{name.value}` stands here twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=name.start_mark)
            names.add(name.value)
        return super().construct_mapping(node, deep)


OptionLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if not pair[0].endswith("timestamp")]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
OptionLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


class _OptionDumper(yaml.SafeDumper):
    """Writes text in quotes that would be read as something else."""

    yaml_implicit_resolvers = OptionLoader.yaml_implicit_resolvers


def write_value(value: object) -> str:
    """Write a value in one line of YAML, as `read_option_file` reads it."""
    text: str = yaml.dump(
        [value],
        Dumper=_OptionDumper,
        default_flow_style=True,
        allow_unicode=True,
        sort_keys=False,
        width=10**9,
    )
    return text.strip()[1:-1]


def read_option_file(path: Path, where: str = "") -> dict[str, Any]:
    """Read one config, plain YAML; one that holds only comments has no values.

    Args:
        where: What messages call it; its path when empty.

    Raises:
        OptionError: It is missing, no YAML, or holds an option twice.
    """
    where = where or str(path)
    if not path.is_file():  # a pipe or a device would never end
        raise refusal("base.no_file", where)
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=OptionLoader)  # noqa: S506, a SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise refusal(
            "base.no_yaml",
            f"{where}, line {mark.line + 1}" if mark else where,
            problem=getattr(error, "problem", None) or error,
        ) from None
    if not isinstance(values, dict | None):
        raise refusal("base.no_options", where)
    try:  # YAML can say what no option is: bytes, sets, a list that holds itself
        _check_values(values, set(), set())
    except (TypeError, ValueError, RecursionError) as error:
        raise refusal("base.no_value", where, error=error) from None
    return values or {}


def _check_values(value: object, above: set[int], checked: set[int]) -> None:
    """Refuse a value that is no text, number, true, false, null, list or mapping of them.

    A list that is named at many places is looked into once: some name one another so often that
    nothing could write them out.

    Args:
        above: Lists and mappings that hold the value, by identity.
        checked: Those that were looked into.

    Raises:
        TypeError, ValueError: It holds another kind of value, or itself.
    """
    if value is None or isinstance(value, str | int | float) or id(value) in checked:
        return
    if not isinstance(value, list | dict):
        raise TypeError(f"a value of type {type(value).__name__}")
    if id(value) in above:
        raise ValueError("a list or mapping that holds itself")
    inner = [*value, *value.values()] if isinstance(value, dict) else value
    for each in inner:
        _check_values(each, above | {id(value)}, checked)
    checked.add(id(value))


def find_value(values: Mapping[str, Any], name: str, where: str) -> Any:
    """Return a value that a config must hold.

    Raises:
        OptionError: It is not there; the message names the nearest of those that are.
    """
    if name not in values:
        near = get_close_matches(name, list(values), 1)
        remedy = f"write `{near[0]}`" if near else f"give `{name}` a value"
        raise refusal("base.no_such_value", where, name=name, names=values, remedy=remedy)
    return values[name]


def split_names(choice: object) -> list[str]:
    """Return the names of a choice: a list, or separated by commas."""
    names = choice if isinstance(choice, list) else str(choice).split(",")
    return [str(name).strip() for name in names if str(name).strip()]


def with_choices(values: Any, params: Mapping[str, Any]) -> Any:
    """Return values of a config with those of params.yaml that they refer to."""
    if isinstance(values, dict):
        return {name: with_choices(value, params) for name, value in values.items()}
    if isinstance(values, list):
        return [with_choices(value, params) for value in values]
    reference = FROM_PARAMS.fullmatch(values) if isinstance(values, str) else None
    return find_value(params, reference[1], PARAMS) if reference else values


def merge_options(options: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Put values of another file into options; mappings are merged, all else is replaced."""
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(options.get(name), dict):
            merge_options(options[name], value)
        else:
            options[name] = deepcopy(value)


def set_option(values: dict[str, Any], path: str, value: object, where: str) -> None:
    """Change one option in place.

    Args:
        path: Its name, with dots down to nested options.
        where: What messages call it.

    Raises:
        OptionError: What should hold the option is no mapping.
    """
    *parents, last = path.split(".")
    place: Any = values
    for parent in parents:
        place = place.get(parent) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        group = where.removesuffix(f".{last}")
        raise refusal("base.no_options_to_change", group, group=group)
    place[last] = value


def allow_own_code(project: Path) -> None:
    """Have classes of the files of a project importable: `mine.Net` of `mine.py`, or in `src`.

    They come last on the path, so that no file of a project hides a library.
    """
    if (project / PARAMS).is_file():
        folders = [str(folder) for folder in (project.resolve() / "src", project.resolve())]
        sys.path += [folder for folder in folders if folder not in sys.path]


def find_own_code(target: str, project: Path) -> Path | None:
    """Find the file of a project that a class comes from; None for a class of a library."""
    top = target.partition(".")[0]
    if top == __name__.partition(".")[0] or not (project / PARAMS).is_file():
        return None
    names = (f"{top}.py", f"{top}/__init__.py", f"src/{top}.py", f"src/{top}/__init__.py")
    return next((project / name for name in names if (project / name).is_file()), None)


def resolve(target: str, where: str) -> type:
    """Import the option dataclass that a `_target_`, `package.module.Class`, names."""
    where = f"{where}._target_"
    module_name, _, class_name = target.rpartition(".")
    try:
        option_class = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        if isinstance(error, ImportError) and (package_error := not_installed(error, where)):
            raise package_error from error
        remedy = "`skiagram upgrade` renews files of an earlier version" * (
            target.startswith("skiagram.")
        )
        raise refusal("base.no_class", where, target=target, error=error, remedy=remedy) from error
    if not isinstance(option_class, type) or not is_pydantic_dataclass(option_class):
        raise refusal("base.no_dataclass", where, target=target)
    return option_class


def build(group: Mapping[str, Any], where: str) -> Any:
    """Turn one composed option group into its dataclass, checking names, types and ranges."""
    values = {key: value for key, value in group.items() if key != "_target_"}
    if "_target_" not in group:
        raise refusal("base.no_target", where)
    return check(resolve(str(group["_target_"]), where), values, where)


def composed(options: Any) -> dict[str, Any]:
    """Return the mapping that `build` turns into the same options again."""
    kind = type(options)
    return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **dataclasses.asdict(options)}


def flatten_options(options: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return dotted option name → value as JSON; strings stand bare, `prefix` before each name."""
    flat: dict[str, str] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat |= flatten_options(value, f"{prefix}{name}.")
        else:
            bare = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            flat[f"{prefix}{name}"] = bare
    return flat


def meanings(options: type) -> dict[str, str]:
    """Return option → meaning, as a class and its bases have it: in docstrings or `meaning_of`."""
    texts: dict[str, str] = {}
    for parent in reversed(options.__mro__[:-1]):
        texts |= vars(parent).get("meaning_of", {})
        name, text = "", inspect.cleandoc(vars(parent).get("__doc__") or "")
        for line in text.partition("Attributes:\n")[2].splitlines():
            entry = re.fullmatch(r"    (\w+): (.*)", line)
            if entry:
                name, texts[entry[1]] = entry[1], entry[2]
            elif name and line.startswith("     "):
                texts[name] += f" {line.strip()}"
            else:
                break
    return texts


def check(target: type[T], values: Mapping[str, Any], where: str) -> T:
    """Validate plain values, as read from YAML, against one option dataclass."""
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
    option = ".".join(filter(None, [where, *path]))
    if first["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return no_such_option(path[-1], _find_class(target, path[:-1]), option)
    if first["type"] in {"missing", "missing_argument"}:
        missing = [
            ".".join([*_path(entry["loc"], values), str(entry["loc"][-1])])
            for entry in errors
            if entry["type"] == first["type"]
        ]
        if len(missing) == 1:
            return OptionError(
                "is missing", where=f"{where}.{missing[0]}", remedy="give it a value"
            )
        return OptionError(
            f"{', '.join(missing)} are missing", where=where, remedy="give them values"
        )
    value = json.dumps(first["input"], default=str)
    meant = [error["msg"] for error in errors if _path(error["loc"], values) == path]
    wishes = [text.removeprefix("Input should be ") for text in meant]
    quoted = first["type"] == "string_type" and not isinstance(first["input"], Mapping | list)
    remedy = f"write it in quotation marks: '{first['input']}'" if quoted else ""
    allowed = ", or: ".join(wishes)
    return OptionError(f"{value} was given", where=option, allowed=allowed, remedy=remedy)


def no_such_option(
    name: str,
    target: type | None,
    option: str,
    known: Collection[str] = (),
    nested: Sequence[str] = (),
) -> OptionError:
    """Make the error of an option that is not there: with the nearest one, or why it is refused.

    Args:
        target: Class that has the options; its `refused` has reasons. None where there is none.
        option: What messages call it: its address, which ends with the name.
        known: Options that are there; empty for those of the class.
        nested: Options of this name inside those that are there.
    """
    names = sorted(known or ([] if target is None else list_options(target)))
    if reason := getattr(target, "refused", {}).get(name):
        return OptionError(f"`{name}` is not yours to choose: {reason}", where=option)
    near = [*nested, *nearest(name, names)]
    remedy = f"did you mean `{option.removesuffix(name)}{near[0]}`?" if near else ""
    return OptionError("no such option", where=option, allowed=", ".join(names), remedy=remedy)


def list_options(target: type) -> list[str]:
    """Return the names of the options of an option dataclass."""
    return [field.name for field in dataclasses.fields(target)]


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


def _find_class(target: Any, path: list[str]) -> type | None:
    """Find the dataclass nested in another one at a path; None where there is none."""
    if not isinstance(target, type) or not dataclasses.is_dataclass(target):
        return None
    types = {field.name: field.type for field in dataclasses.fields(target)}
    return _find_class(types.get(path[0]), path[1:]) if path else target
