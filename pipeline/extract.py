"""Stage extract: restored images become a table of named features."""

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.features.case_histories import CaseHistories
from skiagram.features.extraction import build_families, extract_modalities
from skiagram.options import STRICT
from skiagram.preparation import propagate_preparation


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    features: dict[str, dict[str, object]]
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Extract the chosen feature families of images, and chosen covariates."""
    images = ROOT / "data/restored"
    chosen = build_families(options.features)
    histories = CaseHistories.read(ROOT / "data/cases")
    with publish("data/features.parquet", "data/preparation") as staging:
        kept = home(ROOT) / ".work/kept/features"
        table = extract_modalities(images, chosen, histories, options.compute, kept)
        table.write(staging / "data/features.parquet")
        target = staging / "data/preparation"
        beside = histories.describe(chosen)
        propagate_preparation(images, target, features=options.features.values(), covariates=beside)


if __name__ == "__main__":
    main()
