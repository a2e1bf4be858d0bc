"""Stage combine: a model made of others, from their out-of-fold scores and development labels."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.models.arm import ArmFolders
from skiagram.options import STRICT
from skiagram.records.predictions import COMBINED
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
    """Make the chosen combination."""
    name, trained = choice("combination"), (*options.baselines, *options.networks)
    with publish(f"{COMBINED}/models/{name}", f"{COMBINED}/scores/{name}") as staging:
        folders = ArmFolders.under(staging / COMBINED, name)
        combine_models(ROOT, name, options.combinations[name], trained, options.plan, folders)


if __name__ == "__main__":
    main()
