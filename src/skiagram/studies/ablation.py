"""Study `ablation`: what each step of restoration does to images and to models.

On generated data the restored images are compared with the clean ones.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class
from scipy.stats import t
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from skiagram.errors import OptionError
from skiagram.evaluation.results import Estimate
from skiagram.evaluation.scores import ModelScores, Scores
from skiagram.image_store.shards import Image, is_volume
from skiagram.image_store.store import ImageStore
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.cross_validation import Plan
from skiagram.options import STRICT
from skiagram.records import Cases, Design, Outcome, Predictions, read_cases, read_record
from skiagram.studies.pipeline_steps import (
    Arm,
    ClassicalArm,
    DataSet,
    EncoderStudyOptions,
    Options,
    PreparedData,
    ReportedDataSet,
    StudiedModel,
    ingest_data,
    prepare_data,
)
from skiagram.studies.unsealed_data import UnsealedData, unseal
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class Change(StudiedModel):
    """One model under one variant of restoration.

    Attributes:
        auc: AUC on the reported cases.
        difference: AUC minus that under the reference variant, paired.
        efficiency: (d_a / d_ideal)² on generated data, else None.
    """

    auc: Estimate
    difference: Estimate
    efficiency: Estimate | None


@dataclass(frozen=True)
class VariantResult:
    """One variant of restoration on one data set.

    Attributes:
        variant: Name of the variant.
        psnr: Mean PSNR against the clean images, dB; None on real images.
        ssim: Mean SSIM against them; None on real images.
        changes: What became of each model.
    """

    variant: str
    psnr: Estimate | None
    ssim: Estimate | None
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class AblatedDataSet(ReportedDataSet):
    """All variants on one data set.

    Attributes:
        part: Which scores the figures are on: `test` or `out_of_fold`.
        variants: One result per variant; the first is the reference.
    """

    part: str
    variants: tuple[VariantResult, ...]


@dataclass(frozen=True)
class AblationResult:
    """What the study found.

    Attributes:
        variants: Name → options of each variant of restoration, then of classical models; the first
            is the reference.
        datasets: One result per data set.
    """

    variants: dict[str, dict[str, Any]]
    datasets: tuple[AblatedDataSet, ...]


@dataclass(frozen=True)
class _VariantScores:
    """One variant's images and what the models made of them."""

    variant: str
    images: PreparedData
    models: list[ModelScores]


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
        """Refuse variants of one name, and a study that compares nothing.

        Raises:
            OptionError: A name stands twice, or there is one variant alone.
        """
        twice = self.variants.keys() & self.model_variants.keys()
        if twice or len(self.variants) + len(self.model_variants) < 2:
            raise OptionError(
                f"`{min(twice)}` twice" if twice else "one variant",
                where="study.model_variants",
                allowed="two variants or more, each with a name of its own",
            )

    def run(self, workspace: Workspace) -> AblationResult:
        """Run all passes that are not finished yet and compare them."""
        results = tuple(
            self._data_set(workspace, name, design) for name, design in self.datasets.items()
        )
        return AblationResult(self.variants | self.model_variants, results)

    def _data_set(self, workspace: Workspace, name: str, design: Design) -> AblatedDataSet:
        data = ingest_data(workspace, workspace.option_file("dataset", name), design)
        passes = [
            self._pass(workspace, data, variant, options, {})
            for variant, options in self.variants.items()
        ]
        reference_options = next(iter(self.variants.values()))
        passes += [
            self._pass(workspace, data, variant, reference_options, changed)
            for variant, changed in self.model_variants.items()
        ]
        labels = unseal(workspace, data, self, self.plan.seed, self.replicates)
        reference = {
            model.outcome.model: labels.scores(model)
            for model in passes[0].models
            if model.outcome.status == "finished"
        }
        return AblatedDataSet(
            dataset=name,
            title=labels.card.title,
            part=labels.evaluation_set.part,
            cases=len(labels.evaluation_set.cases),
            patients=int(labels.evaluation_set.cases.patient.max()) + 1,
            variants=tuple(_variant(variant, labels, reference) for variant in passes),
        )

    def _pass(
        self,
        workspace: Workspace,
        data: DataSet,
        variant: str,
        restoration: Options,
        changed: Options,
    ) -> _VariantScores:
        images = prepare_data(
            workspace, data, restoration, self.families(workspace), self.frozen(workspace)
        )
        models = [
            train_and_score(
                workspace,
                images,
                name,
                arm,
                dict(arm.options(workspace, name))
                | (dict(changed) if arm.name == ClassicalArm.name else {}),
                self.plan,
            )
            for name, arm in self.members(workspace).items()
        ]
        return _VariantScores(variant, images, models)


def _variant(
    variant: _VariantScores, labels: UnsealedData, reference: Mapping[str, Scores]
) -> VariantResult:
    known = labels.evaluation_set.ideal is not None
    psnr, ssim = (
        estimate_fidelity(variant.images.data.folder, variant.images.images)
        if known
        else (None, None)
    )
    changes = tuple(_change(model, labels, reference) for model in variant.models)
    return VariantResult(variant.variant, psnr, ssim, changes)


def _change(model: ModelScores, labels: UnsealedData, reference: Mapping[str, Scores]) -> Change:
    outcome = model.outcome
    if outcome.status == "failed":
        missing = Estimate(None, reason=outcome.reason)
        return Change(outcome.model, outcome.title, outcome.arm, missing, missing, None)
    scores, other = labels.scores(model), reference.get(outcome.model)
    if other is None:
        change = Estimate(None, reason="failed under the reference")
    else:
        change = labels.difference(scores, other)
    return Change(
        model=outcome.model,
        title=outcome.title,
        arm=outcome.arm,
        auc=labels.auc(scores),
        difference=change,
        efficiency=labels.estimate_efficiency(scores),
    )


def train_and_score(
    workspace: Workspace,
    prepared: PreparedData,
    name: str,
    arm: Arm,
    options: Options,
    plan: Plan,
) -> ModelScores:
    """Train a model of any arm under a plan and return its scores.

    Args:
        workspace: Where to work.
        prepared: Images and features.
        name: Name of the model.
        arm: Its arm.
        options: Its options.
        plan: Folds, repeats and seed.
    """

    def make(folder: Path) -> None:
        cases, task = read_cases(prepared.data.folder / "cases")
        of = arm.reader(prepared, options)
        parts = [of(part.case_id) for part in (cases.development(), cases.test())]
        member = Member(name, arm.model(options, workspace.compute.threads), dict(options), *parts)
        with workspace.compute.limit():
            train(member, cases, task, plan, ArmFolders(folder / "model", folder / "scores", None))

    inputs = arm.inputs(prepared) | {
        "model": options,
        "plan": asdict(plan),
        "threads": workspace.compute.threads,
    }
    folder = workspace.make_once(f"scores-{name}", inputs, make, type(arm))
    outcome = read_record(Outcome, folder / "scores/outcome.json")
    return ModelScores(outcome, Predictions.read(folder / "scores/predictions.parquet"))


def estimate_fidelity(data: Path, restored: ImageStore) -> tuple[Estimate, Estimate]:
    """Estimate the mean PSNR in dB and the mean SSIM of restored test images.

    Peak and range are those of the clean image (SSIM: Wang et al. 2004, IEEE Trans. Image
    Process. 13(4)). Intervals are Student's, over the means of patients.

    Args:
        data: Folder of an ingested data set whose clean images are known.
        restored: Its restored images; pixels still missing count as the least known intensity.
    """
    clean = ImageStore(data / "sealed/clean")
    test = Cases.read(data / "cases/cases.parquet").test()
    figures = np.array(
        [
            _compare(clean.image(case_id), restored.image(case_id))
            for case_id in test.case_id.tolist()
        ]
    )
    psnr, ssim = (_by_patient(column, test.patient_id) for column in figures.T)
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
