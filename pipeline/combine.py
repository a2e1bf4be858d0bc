"""Stage combine: models made of others, from their out-of-fold scores and development labels."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.options import STRICT
from skiagram.steps.combine import combine_models


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    combinations: dict[str, dict[str, Any]]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    plan: dict[str, Any]


@stage(Options)
def main(options: Options) -> None:
    """Make every chosen combination."""
    trained = (*options.baselines, *options.networks)
    with publish("combined/models", "combined/scores") as staging:
        target = staging / "combined"
        combine_models(ROOT, options.combinations, trained, options.plan, target)


if __name__ == "__main__":
    main()
