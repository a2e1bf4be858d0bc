"""How near restored images come to the clean ones that a generator knows."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from skiagram.evaluation.results import Estimate
from skiagram.records import Cases
from skiagram.store import Image, ImageStore, is_volume


def fidelity(data: Path, restored: ImageStore) -> tuple[Estimate, Estimate]:
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
        [_compare(clean.image(one), restored.image(one)) for one in test.case_id.tolist()]
    )
    psnr, ssim = (_by_patient(column, test.patient_id) for column in figures.T)
    return psnr, ssim


def _compare(clean: Image, restored: Image) -> tuple[float, float]:
    if is_volume(clean):
        clean, restored = clean[..., 0], restored[..., 0]
    found = np.where(np.isfinite(restored), restored, np.nanmin(restored)).astype(np.float64)
    truth = clean.astype(np.float64)
    peak = float(np.ptp(truth))
    return (
        peak_signal_noise_ratio(truth, found, data_range=peak),
        structural_similarity(truth, found, data_range=peak),
    )


def _by_patient(values: NDArray[np.float64], patient: NDArray[np.str_]) -> Estimate:
    _, number = np.unique(patient, return_inverse=True)
    means = np.bincount(number, weights=values) / np.bincount(number)
    half = float(t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
    value = float(values.mean())
    return Estimate(value, value - half, value + half, "Student's t over patients")
