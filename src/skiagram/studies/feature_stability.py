"""Study `feature_stability`: which features are repeatable under small changes of image and region.

Each kind of change is made alone, and all together as the option file of `perturbed` says. No label
is read: the figures are of all cases, sealed ones among them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.features.perturbed import Perturbation
from skiagram.features.repeatability import correlate_copies
from skiagram.features.table import FeatureTable
from skiagram.options import STRICT, build
from skiagram.records import Cases
from skiagram.studies.pipeline_steps import Options, StudiedDataSet, ingest_data, prepare_data
from skiagram.studies.workspace import Workspace

_FAMILY = "skiagram.features.perturbed.Perturbed"
_KINDS = ("rotation", "shift", "noise", "volume", "supervoxel")
_OF_REGIONS = ("volume", "supervoxel")
_NAMES = dict(zip(_KINDS, (*_KINDS[:-1], "contour"), strict=True))
TOGETHER = "all together"


@dataclass(frozen=True)
class FeatureCorrelation:
    """One feature under one kind of change: ICC(1,1) and ICC(3,1) with 95 % intervals.

    ICC(3,1), the consistency, leaves out what a copy changes in all cases alike.
    """

    feature: str
    family: str
    value: float
    low: float
    high: float
    consistency: float
    consistency_low: float
    consistency_high: float


@dataclass(frozen=True)
class StableDataSet(StudiedDataSet):
    """Patients, one image of each; kind of change → all features, in column order."""

    patients: int
    kinds: dict[str, tuple[FeatureCorrelation, ...]]


@dataclass(frozen=True)
class FeatureStabilityResult:
    """What the study found; `least` is the lower bound of ICC(1,1) of a repeatable feature."""

    perturbation: dict[str, Any]
    copies: int
    least: float
    datasets: tuple[StableDataSet, ...]


@options_class(**STRICT)
class FeatureStability:
    """Intraclass correlations of features under changes of image and region.

    Attributes:
        datasets: Option file of each data set → option file of its restoration.
        features: Option files of the feature families.
        perturbation: The changes; a kind whose size is 0 or null is left out.
        copies: Changed copies of each image.
        least: Lower bound of the 95 % interval of ICC(1,1) of a repeatable feature; Koo and Li
            2016, J. Chiropr. Med. 15(2): from .75 good, from .9 excellent.
        seed: Of the draws.
    """

    datasets: Annotated[dict[str, str], Field(min_length=1)]
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    perturbation: Perturbation
    copies: Annotated[int, Field(ge=2, le=100)]
    least: Annotated[float, Field(ge=0, lt=1)]
    seed: Annotated[int, Field(ge=0)]

    def run(self, workspace: Workspace) -> FeatureStabilityResult:
        datasets = tuple(self._data_set(workspace, *names) for names in self.datasets.items())
        return FeatureStabilityResult(asdict(self.perturbation), self.copies, self.least, datasets)

    def _data_set(self, workspace: Workspace, name: str, restoration: str) -> StableDataSet:
        options = workspace.option_file("dataset", name)
        data = ingest_data(workspace, options, "cv")
        cases = Cases.read(data.folder / "cases/cases.parquet")
        first = cases.case_id[0]
        kinds = self._kinds(regions=data.images.region(first) is not None)
        correlations = {}
        for kind, changes in kinds.items():
            prepared = prepare_data(
                workspace,
                data,
                workspace.option_file("restoration", restoration),
                {"perturbed": self._family(workspace, changes)},
            )
            table = FeatureTable.read(prepared.features).of(cases.case_id)
            correlations[kind] = self._correlate(workspace, table, cases)
        patients = len(set(cases.patient_id.tolist()))
        return StableDataSet(name, str(options["title"]), patients, correlations)

    def _kinds(self, *, regions: bool) -> dict[str, dict[str, Any]]:
        """Return each kind of change → its options, the others off; then all together."""
        off = {kind: None if kind == "supervoxel" else 0.0 for kind in _KINDS}
        changes = {
            kind: size
            for kind, size in asdict(self.perturbation).items()
            if size and (regions or kind not in _OF_REGIONS)
        }
        alone = {_NAMES[kind]: off | {kind: size} for kind, size in changes.items()}
        return alone | ({TOGETHER: off | changes} if len(alone) > 1 else {})

    def _family(self, workspace: Workspace, changes: Mapping[str, Any]) -> Options:
        return {
            "_target_": _FAMILY,
            "name": "perturbed",
            "copies": self.copies,
            "perturbation": dict(changes),
            "families": [workspace.option_file("features", name) for name in self.features],
            "seed": self.seed,
        }

    def _correlate(
        self, workspace: Workspace, table: FeatureTable, cases: Cases
    ) -> tuple[FeatureCorrelation, ...]:
        agreement = correlate_copies(table, cases.patient_id)
        consistency = correlate_copies(table, cases.patient_id, "ICC(3,1)")
        family = {
            feature: name
            for name in self.features
            for feature in build(workspace.option_file("features", name), name).names()
        }
        return tuple(
            FeatureCorrelation(
                feature, family[feature], estimate.value, estimate.low, estimate.high,
                consistency[feature].value, consistency[feature].low, consistency[feature].high,
            )
            for feature, estimate in agreement.items()
        )  # fmt: skip
