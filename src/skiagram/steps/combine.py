"""Step combine: every chosen combination of models, and an index that says which there are.

Most runs choose none: what a combination takes is imported where there is one.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skiagram.options import check

INDEX = "index.json"


def combine_models(
    root: Path,
    combinations: Mapping[str, dict[str, Any]],
    trained: Sequence[str],
    plan: Mapping[str, Any],
    target: Path,
) -> None:
    """Write folders of models and scores, in which each combination has a folder.

    Args:
        root: Project in which the members were trained.
        combinations: Name → options of each.
        trained: Models that can be members.
        plan: Options of the plan; unread where there is no combination.

    Raises:
        OptionError: A combination, or the plan, is not allowed, or the outcome is no class.
    """
    index = json.dumps({"combinations": list(combinations)}, indent=2)
    for part in ("models", "scores"):
        (target / part).mkdir(parents=True, exist_ok=True)
        (target / part / INDEX).write_text(f"{index}\n")
    if not combinations:
        return
    from skiagram.models.arm import require_classes
    from skiagram.models.combined import check_combination, combine_all
    from skiagram.models.cross_validation import Plan
    from skiagram.records.cases import read_cases

    cases, task = read_cases(root / "data/cases")
    remedy = 'set `combinations: ""` in params.yaml'
    require_classes(task, "combinations", "combinations", remedy)
    checked = check(Plan, plan, "combine.plan")
    chosen = [check_combination(name, options, trained) for name, options in combinations.items()]
    combine_all(root, chosen, cases, task, checked, target)
