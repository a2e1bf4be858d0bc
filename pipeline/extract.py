"""Stage extract: restored images, and windows at candidates, become tables of named features."""

from dataclasses import asdict

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.features.case_histories import CaseHistories
from skiagram.features.extraction import build_families, extract_modalities
from skiagram.features.windows import Windows, describe_places
from skiagram.finding.inputs import read_candidates
from skiagram.image_store.store import ImageStore
from skiagram.options import STRICT
from skiagram.preparation import propagate_preparation


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    features: dict[str, dict[str, object]]
    windows: Windows
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Extract the chosen feature families of images, and chosen covariates."""
    images = ROOT / "data/restored"
    chosen = build_families(options.features)
    histories = CaseHistories.read(ROOT / "data/cases")
    places = read_candidates(ROOT / "data")
    outputs = ("data/candidates_features.parquet", "data/features.parquet", "data/preparation")
    with publish(*outputs) as staging:
        kept = home(ROOT) / ".work/kept/features"
        table = extract_modalities(images, chosen, histories, options.compute, kept)
        table.write(staging / "data/features.parquet")
        at_places = describe_places(
            ImageStore(images), places, chosen, options.windows, options.compute
        )
        at_places.write(staging / "data/candidates_features.parquet")
        propagate_preparation(
            ROOT / "data/candidates",
            staging / "data/preparation",
            features=options.features.values(),
            covariates=histories.describe(chosen),
            windows=asdict(options.windows),
        )


if __name__ == "__main__":
    main()
