"""Study `ablation`: what each step of restoration does to images and to models.

On generated data the restored images are compared with the clean ones.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class
from scipy.stats import t
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from skiagram.errors import OptionError
from skiagram.evaluation.scores import Scores
from skiagram.image_store.shards import Image, is_volume
from skiagram.image_store.store import ImageStore
from skiagram.options import STRICT
from skiagram.preparation import PreparedData
from skiagram.records import Cases, Design, Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import EncoderStudyOptions, StudiedModel
from skiagram.studies.cohorts import train_and_score
from skiagram.studies.pipeline_steps import (
    ReportedDataSet,
    ingest_data,
    prepare_data,
)
from skiagram.studies.unsealed_data import UnsealedData, unseal
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class Change(StudiedModel):
    """One model under one variant of restoration.

    Attributes:
        difference: AUC minus that under the reference variant, paired.
        efficiency: (d_a / d_ideal)² on generated data, else None.
    """

    auc: Estimate
    difference: Estimate
    efficiency: Estimate | None


@dataclass(frozen=True)
class VariantResult:
    """One variant of restoration: PSNR (dB) and SSIM where the clean images are known."""

    variant: str
    psnr: Estimate | None
    ssim: Estimate | None
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class AblatedDataSet(ReportedDataSet):
    """All variants on the `test` or `out_of_fold` scores; the first variant is the reference."""

    part: str
    variants: tuple[VariantResult, ...]


@dataclass(frozen=True)
class AblationResult:
    """Variants by name with their options, of restoration and then of models; data sets."""

    variants: dict[str, dict[str, Any]]
    datasets: tuple[AblatedDataSet, ...]


@options_class(**STRICT)
class Ablation(EncoderStudyOptions):
    """Every variant of restoration on every data set, each model trained anew.

    Attributes:
        datasets: Option file of each data set → its design.
        variants: Name → `_target_` and options of a restoration; the first is the reference.
        model_variants: Name → options laid over those of every classical model of features, on
            images restored as under the reference; for example `harmonisation`. Others stay as they
            are.
        replicates: Bootstrap resamples where an interval needs them.
    """

    datasets: Annotated[dict[str, Design], Field(min_length=1)]
    variants: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    replicates: Annotated[int, Field(ge=100)]
    model_variants: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        twice = self.variants.keys() & self.model_variants.keys()
        if twice or len(self.variants) + len(self.model_variants) < 2:
            raise OptionError(
                f"`{min(twice)}` twice" if twice else "one variant",
                where="study.model_variants",
                allowed="two variants or more, each with a name of its own",
            )

    def run(self, workspace: Workspace) -> AblationResult:
        results = tuple(
            self._data_set(workspace, name, design) for name, design in self.datasets.items()
        )
        return AblationResult(self.variants | self.model_variants, results)

    def _data_set(self, workspace: Workspace, name: str, design: Design) -> AblatedDataSet:
        data = ingest_data(workspace, workspace.option_file("dataset", name), design)
        families, encoders = self.families(workspace), self.frozen(workspace)
        first = next(iter(self.variants.values()))
        made: dict[str, tuple[PreparedData, list[Predictions]]] = {}
        for variant in (*self.variants, *self.model_variants):
            restoration = self.variants.get(variant, first)
            images = prepare_data(workspace, data, restoration, families, encoders)
            models = []
            for candidate in self.candidates(workspace):
                if candidate.arm == "classical":
                    candidate = candidate.having(self.model_variants.get(variant, {}))
                models.append(train_and_score(workspace, images, candidate, self.plan))
            made[variant] = images, models
        labels = unseal(workspace, data, self, self.replicates)
        reference: dict[str, Scores] = {}
        results: list[VariantResult] = []
        for variant, (images, models) in made.items():
            known = labels.evaluation_set.ideal is not None
            psnr, ssim = estimate_fidelity(data.folder, images.store) if known else (None, None)
            changes = tuple(_change(model, labels, reference, not results) for model in models)
            results.append(VariantResult(variant, psnr, ssim, changes))
        cases = labels.evaluation_set.cases
        return AblatedDataSet(
            dataset=name,
            title=labels.card.title,
            cases=len(cases),
            patients=int(cases.patient.max()) + 1,
            part=labels.evaluation_set.part,
            variants=tuple(results),
        )


def _change(
    model: Predictions, labels: UnsealedData, reference: dict[str, Scores], is_reference: bool
) -> Change:
    """Compare a model with itself under the reference variant, which is noted when it is met."""
    outcome = model.outcome
    named = (outcome.model, outcome.title, outcome.arm)
    if outcome.status == "failed":
        missing = Estimate(None, reason=outcome.reason)
        return Change(*named, missing, missing, None)
    scores = labels.scores(model)
    if is_reference:
        reference[outcome.model] = scores
    other = reference.get(outcome.model)
    difference = Estimate(None, reason="failed under the reference")
    if other is not None:
        difference = labels.difference(scores, other)
    return Change(*named, labels.auc(scores), difference, labels.estimate_efficiency(scores))


def estimate_fidelity(data: Path, restored: ImageStore) -> tuple[Estimate, Estimate]:
    """Estimate the mean PSNR in dB and the mean SSIM of restored test images.

    Peak and range are those of the clean image (SSIM: Wang et al. 2004, IEEE Trans. Image
    Process. 13(4)). Intervals are Student's, over the means of patients.

    Args:
        restored: Its restored images; pixels still missing count as the least known intensity.
    """
    clean = ImageStore(data / "sealed/clean")
    test = Cases.read(data / "cases/cases.parquet").test()
    cases = test.case_id.tolist()
    figures = [_compare(clean.image(case), restored.image(case)) for case in cases]
    psnr, ssim = (_by_patient(column, test.patient_id) for column in np.array(figures).T)
    return psnr, ssim


def _compare(clean: Image, restored: Image) -> tuple[float, float]:
    if is_volume(clean):
        clean, restored = clean[..., 0], restored[..., 0]
    known = np.where(np.isfinite(restored), restored, np.nanmin(restored)).astype(np.float64)
    truth = clean.astype(np.float64)
    peak = float(np.ptp(truth))
    return (
        peak_signal_noise_ratio(truth, known, data_range=peak),
        structural_similarity(truth, known, data_range=peak),
    )


def _by_patient(values: NDArray[np.float64], patient: NDArray[np.str_]) -> Estimate:
    _, number = np.unique(patient, return_inverse=True)
    means = np.bincount(number, weights=values) / np.bincount(number)
    half = float(t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
    value = float(values.mean())
    return Estimate(value, value - half, value + half, "Student's t over patients")
