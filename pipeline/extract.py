"""Stage extract: restored images become a table of named features."""

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, publish, stage
from skiagram.compute import Compute
from skiagram.features.extraction import extract
from skiagram.features.learned import build_unseen, keep
from skiagram.options import STRICT
from skiagram.preparation import Covariate, hand_on
from skiagram.records import read_table
from skiagram.store import ImageStore


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    features: dict[str, dict[str, object]]
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Extract the chosen feature families of images, and chosen covariates."""
    images = ROOT / "data/restored"
    chosen = build_unseen(options.features, images)
    covariates = read_table(ROOT / "data/cases/covariates.parquet")
    with publish("data/features.parquet", "data/preparation") as staging:
        table = extract(ImageStore(images), chosen, covariates, options.compute)
        table.write(staging / "data/features.parquet")
        target = staging / "data/preparation"
        beside = Covariate.of(covariates) if "covariates" in options.features else ()
        hand_on(images, target, features=options.features.values(), covariates=beside)
        keep(chosen, target)


if __name__ == "__main__":
    main()
