"""Makes combinations from what the train stages left, each with a folder that scores new films."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiagram.errors import OptionError
from skiagram.models.arm import ArmFolders, train
from skiagram.models.combined.combination import Combination
from skiagram.models.combined.folders import MEMBERS
from skiagram.models.combined.member import CombinedMember, Scorecard
from skiagram.models.plan import Plan
from skiagram.options import build
from skiagram.preparation import hand_on
from skiagram.records import Cases, Outcome, Task, write_record

_INDEX = "index.json"


@dataclass(frozen=True)
class Chosen:
    """A checked combination.

    Attributes:
        name: Name of its option file.
        model: The unfitted combination.
        options: The composed options.
    """

    name: str
    model: Combination
    options: dict[str, Any]


@dataclass(frozen=True)
class _Index:
    combinations: tuple[str, ...]


def checked(name: str, options: dict[str, Any], trained: Sequence[str]) -> Chosen:
    """Build the combination of an option file.

    Args:
        name: Name of the option file.
        options: Its values.
        trained: Models of the run.

    Raises:
        OptionError: An option is wrong, a member is not in the run, or a model has the same name.
    """
    where = f"combinations.{name}"
    model: Combination = build(options, where)
    strangers = [one for one in model.members if one not in trained]
    if strangers or len(set(model.members)) < len(model.members):
        raise OptionError(
            f"no model `{strangers[0]}`" if strangers else "a model is named twice",
            where=f"{where}.members",
            allowed=f"models of the run: {', '.join(trained)}",
            remedy="add it to `baselines` or `networks` in params.yaml, or name another",
        )
    if name in trained:
        raise OptionError("a model has the same name", where=where, remedy="rename the option file")
    return Chosen(name, model, options)


def combine_all(
    root: Path, chosen: Sequence[Chosen], cases: Cases, task: Task, plan: Plan, target: Path
) -> list[Outcome]:
    """Run the plan for every combination and write an index, for there may be none.

    Args:
        root: Project folder with `models` and `scores`.
        chosen: What `checked` returned.
        cases: The case table.
        task: What is told apart.
        plan: The plan that the members were trained under.
        target: Where `models` and `scores` go.

    Raises:
        DataError: Scores of a member are missing, damaged or of another plan.
    """
    index = _Index(tuple(one.name for one in chosen))
    for part in ("models", "scores"):
        write_record(index, target / part / _INDEX)
    return [_combine(root, one, cases, task, plan, target) for one in chosen]


def _combine(
    root: Path, chosen: Chosen, cases: Cases, task: Task, plan: Plan, target: Path
) -> Outcome:
    members = chosen.model.members
    cards = tuple(Scorecard.read(root / "scores" / one) for one in members)
    folders = ArmFolders.under(target, chosen.name)
    combined = CombinedMember(chosen.name, chosen.model, chosen.options, cards)
    outcome = train(combined, cases, task, plan, folders)
    if outcome.status == "finished":
        for one in members:
            shutil.copytree(root / "models" / one, folders.model / MEMBERS / one)
    hand_on(root / "models" / members[0], folders.model)
    return outcome
