"""Options of a row: those that it changes, and the configs that it reads."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from skiagram.composition import GROUPS
from skiagram.errors import refusal
from skiagram.fitting.cross_validation import Plan
from skiagram.options import check, split_names
from skiagram.sweeps.rows import SCORED, Row, short_name
from skiagram.sweeps.workspace import Workspace

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
    """Read how the models of a row are fitted."""
    return check(Plan, workspace.options.compose_stage("train_baseline")["plan"], "plan")


def list_files(choices: Mapping[str, Any]) -> dict[str, list[str]]:
    """List group → its configs that a row reads."""
    files = defaultdict[str, list[str]](list)
    for choice, group in GROUPS.items():
        if group not in ("compute", "tracking", "sweep"):  # which all rows share
            files[group] += split_names(choices[choice])
    return dict(files)


def describe_used(workspace: Workspace, rows: Sequence[Row]) -> dict[str, Any]:
    """Return all options of a project that figures of rows depend on, without what rows change."""
    options = workspace.options
    used = defaultdict[str, set[str]](set)
    for row in rows:
        for group, names in list_files({**options.choices, **row.changes}).items():
            used[group].update(names)
    # A name that no file has fails in its row.
    files = {
        f"{group}/{name}": options.read_file(group, name)
        for group, names in sorted(used.items())
        for name in sorted(names & {*options.list_files(group)})
    }
    of_stages = sorted((options.root / "conf").glob("*.yaml"))
    stages = {path.name: path.read_text(encoding="utf-8") for path in of_stages}
    return {"choices": dict(options.choices), "files": files, "stages": stages}


def check_changes(changed: Iterable[str], used: Mapping[str, Sequence[str]]) -> None:
    """Refuse a change of a config that has no part in the row.

    Args:
        changed: Names of options.
        used: Group → its configs that the row reads.
    """
    # Options of stages, then those of members that the row has.
    for option in (name for name in changed if name.startswith("conf.")):
        _, group, *rest = option.split(".")
        if group in _STAGES and rest:
            continue
        if group not in used or len(rest) < 2:
            raise refusal("sweeps.no_option", option)
        if rest[0] not in used[group]:
            by = " or ".join(f"`{choice}`" for choice, named in GROUPS.items() if named == group)
            there = ", ".join(used[group]) or f"none: the row has no {group}"
            raise refusal(
                "sweeps.no_part",
                short_name(option),
                name=rest[0],
                used=there,
                choices=by,
            )
