"""The page of options: every choice, every value, its type, range and meaning."""

import dataclasses
import json
import re
import types
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic.fields import FieldInfo

from make_reference.markup import code, summary, table, type_name
from skiagram.datasets.folder.source import Folder
from skiagram.explanation.explained_model import ExplanationOptions
from skiagram.fitting.cross_validation import Plan
from skiagram.options import CLASS_OF_GROUP, meanings, resolve

_GROUPS = (
    "dataset", "restoration", "features", "encoder", "model", "combination", "trainer", "compute",
    "tracking",
)  # fmt: skip
_WITHOUT_TARGET = {group: resolve(name, group) for group, name in CLASS_OF_GROUP.items()}
_LONGEST = 90
_SEVERAL = 3  # classes of a group from which an option is told once
_IN_THE_FILE = "*in the file*"
_COMMENTED = re.compile(r"(\w+): *(.*?) *# (.*)")
_INTRODUCTION = """\
# Options

`params.yaml` holds the choices, `conf/<group>/<choice>.yaml` the values of each choice. Every
option must stand in its file: there are no hidden defaults. A wrong name, type or range ends a
stage with one line and exit code 2 before anything is written. A group can be `null` where its type
says so; the options below it then fall away.

"""


def options_page(project: Path) -> str:
    """Return the page.

    Args:
        project: Folder of `conf/` and `params.yaml`.
    """
    parts = [_INTRODUCTION, _choices(project / "params.yaml"), _stages(project / "conf")]
    parts += [_group(project / "conf" / group, group) for group in _GROUPS]
    return "\n".join(parts)


def _choices(path: Path) -> str:
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = [
        [code(name), meaning, _shown(values[name])] for name, meaning in _comments(path).items()
    ]
    return "## Choices: `params.yaml`\n\n" + table(["choice", "meaning", "as committed"], rows)


def _comments(path: Path) -> dict[str, str]:
    """Return option → the comment behind it, for the options that stand at the margin."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {line.split(":")[0]: "" for line in lines if re.match(r"\w+:", line)}
    return found | {one[1]: one[3] for one in map(_COMMENTED.fullmatch, lines) if one}


def _stages(conf: Path) -> str:
    values = yaml.safe_load((conf / "plan.yaml").read_text(encoding="utf-8"))
    plan = _list((*row.what, row.value) for row in _rows(Plan, [values["plan"]]))
    evaluate = conf / "evaluate.yaml"
    given, meaning = yaml.safe_load(evaluate.read_text(encoding="utf-8")), _comments(evaluate)
    own = [[code(name), meaning[name], _shown(given[name])] for name in ("margin", "replicates")]
    given = yaml.safe_load((conf / "explain.yaml").read_text(encoding="utf-8"))["explanation"]
    explanation = _list((*row.what, row.value) for row in _rows(ExplanationOptions, [given]))
    return (
        "## Stages\n\n`conf/plan.yaml`, how every model is trained; `${params:NAME}` is the value "
        "of `params.yaml`:\n\n"
        + plan
        + "\n`conf/evaluate.yaml`:\n\n"
        + table(["option", "meaning", "value"], own)
        + "\n`conf/explain.yaml`, below `explanation`:\n\n"
        + explanation
    )


def _group(folder: Path, group: str) -> str:
    by_class: dict[type, dict[str, dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.yaml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        target = values.pop("_target_", None)
        cls = resolve(target, group) if target else _WITHOUT_TARGET[group]
        by_class.setdefault(cls, {})[path.stem] = values
    if group == "dataset":
        by_class[Folder] = {}
    rows = {
        cls: list(_rows(cls, [*by_class[cls].values()]))
        for cls in sorted(by_class, key=lambda one: one.__name__)
    }
    counts = Counter(row.what for own in rows.values() for row in own)
    shared = {what for what, count in counts.items() if count >= _SEVERAL}
    return "".join(
        [
            f"## `conf/{group}`\n",
            _shared(row.what for own in rows.values() for row in own if row.what in shared),
            *(_class(cls, [*by_class[cls]], own, shared) for cls, own in rows.items()),
        ]
    )


def _shared(rows: Iterable["_What"]) -> str:
    """Return the options that several classes of a group have, each told once."""
    told = list(dict.fromkeys(rows))
    if not told:
        return ""
    return (
        "\n### Options that several share\n\nWhich of them a config has stands in the file, "
        "with its value.\n\n" + _list((*what, "") for what in told)
    )


def _class(cls: type, files: list[str], rows: list["_Row"], shared: set["_What"]) -> str:
    named = ", ".join(map(code, files)) or "written by `skiagram init`"
    own = _list((*row.what, row.value) for row in rows if row.what not in shared)
    return f"\n### {named}\n\n{code(cls.__name__)}: {summary(cls)}\n\n{own}"


def _list(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """Return an option a line: name, type and range, meaning, value."""
    return "".join(
        f"- {option}, {kind}: {' '.join(meaning.split())} {value}".rstrip() + "\n"
        for option, kind, meaning, value in rows
    )


class _What(NamedTuple):
    option: str
    kind: str
    meaning: str


class _Row(NamedTuple):
    what: _What
    value: str


def _rows(cls: type, given: list[Any], prefix: str = "", whole: str = "") -> Iterator[_Row]:
    """Yield a row an option, nested groups below their own row.

    Args:
        cls: Option dataclass.
        given: The group's values in each config; None or a word where it has no options.
        prefix: Names of the groups above.
        whole: Meaning of the group above, for members that need no words of their own.
    """
    hints, told = get_type_hints(cls, include_extras=True), meanings(cls)
    for field in dataclasses.fields(cls):
        default = _default(field)
        values = [one.get(field.name, default) for one in given if isinstance(one, Mapping)]
        hint, option = hints[field.name], f"{prefix}{field.name}"
        nested = _nested(hint, values)
        shown = (
            "" if nested and any(isinstance(one, Mapping) for one in values) else _together(values)
        )
        meaning = told.get(field.name, whole).replace("None ", "null ")
        yield _Row(_What(code(option), type_name(hint), meaning), shown)
        for one, own in nested.items():
            yield from _rows(one, own, f"{option}.", meaning)


def _default(field: "dataclasses.Field[Any]") -> Any:
    """Return the value of an option that a file does not name, however the class declares it."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default.default if isinstance(field.default, FieldInfo) else field.default


def _nested(hint: Any, values: list[Any]) -> dict[type, list[Any]]:
    """Return the groups that a type allows, of several those in use, and the values given."""
    groups = list(_groups(hint))
    if len(groups) < 2:
        return dict.fromkeys(groups, values)
    own = {
        group: [one for one in values if isinstance(one, Mapping) and one.keys() == names]
        for group in groups
        for names in [{field.name for field in dataclasses.fields(group)}]
    }
    return {group: given for group, given in own.items() if given}


def _groups(hint: Any) -> Iterator[Any]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for one in get_args(hint) if get_origin(hint) in (Annotated, Union, types.UnionType) else ():
        yield from _groups(one)


def _together(values: list[Any]) -> str:
    """Return what the configs say; where they differ, each value once."""
    shown = list(dict.fromkeys(_shown(value) for value in values))
    return ", ".join(shown) if len(shown) <= 3 and _IN_THE_FILE not in shown else _IN_THE_FILE


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return code(text.replace('"', "")) if text and len(text) <= _LONGEST else _IN_THE_FILE
