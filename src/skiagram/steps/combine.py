"""Step combine: a model made of others, from their out-of-fold scores and development labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skiagram.models.arm import ArmFolders
from skiagram.models.combined import check_combination, combine
from skiagram.models.cross_validation import Plan
from skiagram.options import check
from skiagram.records.cases import read_cases


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
        name: Of its option file.
        options: Of the combination.
        trained: Models that can be members.
        plan: Options of the plan.
        folders: Where it writes.

    Raises:
        OptionError: The combination, or the plan, is not allowed.
    """
    chosen = check_combination(name, options, trained)
    checked = check(Plan, plan, "combine.plan")
    combine(root, chosen, *read_cases(root / "data/cases"), checked, folders)
