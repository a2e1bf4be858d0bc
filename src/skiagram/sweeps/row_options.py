"""Options of a row: those that it changes, and those that its choices and configs have."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from skiagram.errors import OptionError, SkiagramError
from skiagram.models.cross_validation import Plan
from skiagram.options import check, flatten_options, split_names
from skiagram.sweeps.rows import SCORED, Row, short_name, show_value
from skiagram.sweeps.workspace import Workspace

_ONE_OF_GROUP = ("dataset", "restoration", "proposal", "trainer")  # a row has one file of each
_CHOSEN_BY = {  # group of configs → choices of params.yaml
    **{name: (name,) for name in (*_ONE_OF_GROUP, "features")},
    **{"encoder": ("encoders",), "model": ("baselines", "networks")},
    "combination": ("combinations",),
}
_STAGES = {  # config beside the groups that a row may change → a stage that reads it
    "encode": "encode",
    "evaluate": "evaluate",
    "extract": "extract",
    "hit": "propose",
    "plan": "train_baseline",
}


def change(workspace: Workspace, row: Row) -> Workspace:
    """Return the workspace with the options of a row."""
    changes = {name: value for name, value in row.changes.items() if name != SCORED}
    return replace(workspace, options=replace(workspace.options, changes=changes))


def read_plan(workspace: Workspace) -> Plan:
    """Return how the models of a row are fitted."""
    return check(Plan, workspace.options.compose_stage("train_baseline")["plan"], "plan")


def resolve_options(row: Row, differing: Sequence[str], workspace: Workspace) -> dict[str, str]:
    """Return column → value of options that a row has without changing them.

    They are those that other rows change (`svm.kernel`), and all of configs that rows choose
    by name: `dataset.noise` where a row has one file of the group, else `svm.kernel`. A row whose
    options cannot be read has none; it says why.

    Args:
        differing: Names of the options that rows change, each in its way.
    """
    workspace = change(workspace, row)
    resolved: dict[str, str] = {}
    with suppress(SkiagramError):
        choices = workspace.options.choices
        used = list_files(choices)
        for group, names in used.items():
            if {*_CHOSEN_BY[group]} & {*differing}:
                for name in names:
                    prefix = group if group in _ONE_OF_GROUP else name
                    file = workspace.options.read_file(group, name)
                    resolved |= flatten_options(file, f"{prefix}.")
        for option in differing:
            if option in row.changes:
                continue
            # An option is a choice, or stands in a stage's file or in that of a member of a group.
            value: Any = choices
            parts = [option]
            with suppress(LookupError, TypeError):  # what the row lacks
                if option.startswith("conf."):
                    _, group, *parts = option.split(".")
                    if group in _STAGES:
                        value = workspace.options.compose_stage(_STAGES[group])
                    else:
                        name = parts.pop(0)
                        is_read = name in used[group]
                        value = workspace.options.read_file(group, name) if is_read else {}
                for part in parts:
                    value = value[part]
                resolved[short_name(option)] = show_value(value)
    return resolved


def list_files(choices: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return group → its configs that a row reads."""
    return {
        group: [name for choice in chosen for name in split_names(choices[choice])]
        for group, chosen in _CHOSEN_BY.items()
    }


def check_changes(changed: Iterable[str], used: Mapping[str, Sequence[str]]) -> None:
    """Refuse a change of a config that has no part in the row.

    Args:
        changed: Names of options.
        used: Group → its configs that the row reads.
    """
    for option in (name for name in changed if name.startswith("conf.")):
        _, group, *rest = option.split(".")
        if group in _STAGES and rest:
            continue
        if group not in used or len(rest) < 2:
            allowed = "a choice of params.yaml, FILE.OPTION, or STAGE.OPTION, such as `svm.kernel`"
            raise OptionError("no such option", where=option, allowed=allowed)
        if rest[0] not in used[group]:
            by = " or ".join(f"`{name}`" for name in _CHOSEN_BY[group])
            raise OptionError(
                f"`{rest[0]}` has no part in the row",
                where=short_name(option),
                allowed=", ".join(used[group]) or f"none: the row has no {group}",
                remedy=f"choose it by {by}, in `base` or as an axis",
            )
