"""Stage extract: restored images become a table of named features."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, publish, stage
from skiagram.compute import Compute
from skiagram.features.extraction import extract
from skiagram.features.learned import check_unseen, keep
from skiagram.options import STRICT, build
from skiagram.preparation import Covariate, hand_on
from skiagram.records import read_table
from skiagram.store import ImageStore


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    features: dict[str, Any]
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Extract the chosen feature families of images, and chosen covariates."""
    families = options.features
    chosen = [build(group, f"features.{name}") for name, group in families.items()]
    store = ImageStore(ROOT / "data/restored")
    check_unseen(chosen, store.folder)
    covariates = read_table(ROOT / "data/cases/covariates.parquet")
    with publish("data/features.parquet", "data/preparation") as staging:
        table = extract(store, chosen, covariates, options.compute)
        table.write(staging / "data/features.parquet")
        beside = Covariate.of(covariates) if "covariates" in families else ()
        source, target = ROOT / "data/restored", staging / "data/preparation"
        hand_on(source, target, features=families.values(), covariates=beside)
        keep(chosen, target)


if __name__ == "__main__":
    main()
