"""What the study of restoration found, as plain records."""

from dataclasses import dataclass
from typing import Any

from skiagram.evaluation.results import Estimate
from skiagram.studies.results import ReportedDataSet, StudiedModel


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
        variants: Name → options of each variant of restoration; the first is the reference.
        datasets: One result per data set.
    """

    variants: dict[str, dict[str, Any]]
    datasets: tuple[AblatedDataSet, ...]
