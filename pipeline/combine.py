"""Stage combine: models made of others, from their out-of-fold scores and development labels."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.models.combined import check_combination, combine_all
from skiagram.models.cross_validation import Plan
from skiagram.options import STRICT
from skiagram.records import read_cases


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    combinations: dict[str, dict[str, Any]]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    plan: Plan


@stage(Options)
def main(options: Options) -> None:
    """Make every chosen combination."""
    trained = (*options.baselines, *options.networks)
    chosen = [
        check_combination(name, combination, trained)
        for name, combination in options.combinations.items()
    ]
    cases, task = read_cases(ROOT / "data/cases")
    with publish("combined/models", "combined/scores") as staging:
        combine_all(ROOT, chosen, cases, task, options.plan, staging / "combined")


if __name__ == "__main__":
    main()
