"""Step combine: a model made of others, from their out-of-fold scores and development labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.fitting.arm import ArmFolders, require_classes
from skiagram.fitting.cross_validation import Plan
from skiagram.models.combined import check_combination, combine
from skiagram.options import check
from skiagram.strict import STRICT
from skiagram.tasks.cases import read_cases


@options_class(**STRICT)
class CombineOptions:
    """Options of stage combine.

    Attributes:
        combinations: Name → `_target_` and options of the chosen combination.
        baselines: Classical models that can be members.
        networks: Networks that can be members.
        plan: Options of the plan.
    """

    combinations: dict[str, dict[str, Any]]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    plan: dict[str, Any]


def combine_models(
    root: Path,
    name: str,
    options: dict[str, Any],
    trained: Sequence[str],
    plan: Mapping[str, Any],
    folders: ArmFolders,
) -> None:
    """Write a combination's folders of model and scores.

    Args:
        root: Project in which the members were trained.
        name: Of its config.
        options: Of the combination.
        trained: Models that can be members.
        plan: Options of the plan.
        folders: Where it writes.

    Raises:
        OptionError: The combination, or the plan, is not allowed, or the outcome is no class.
    """
    cases, task = read_cases(root / "data/cases")
    remedy = "set `combinations: []` in params.yaml"
    require_classes(task, "combinations", "combinations", remedy)
    chosen = check_combination(name, options, trained)
    combine(root, chosen, cases, task, check(Plan, plan, "combine.plan"), folders)
