"""How near restored volumes come to the truth, against scikit-image on three axes."""

from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from skiagram.store import ImageStore
from skiagram.studies.fidelity import fidelity
from tests.datasets.phantom.test_volumes import small
from tests.datasets.sources import ingested


def test_volumes_are_compared_in_three_dimensions(tmp_path: Path) -> None:
    folders, cases = ingested(small(), tmp_path)
    images, clean = ImageStore(folders.images), ImageStore(folders.sealed / "clean")
    psnr, ssim = fidelity(tmp_path, images)
    expected = np.empty((len(cases.test()), 2))
    for row, case_id in enumerate(cases.test().case_id.tolist()):
        truth, seen = (store.image(case_id)[..., 0].astype(float) for store in (clean, images))
        span = float(np.ptp(truth))
        expected[row] = (
            peak_signal_noise_ratio(truth, seen, data_range=span),
            structural_similarity(truth, seen, data_range=span),
        )
    assert [psnr.value, ssim.value] == pytest.approx(expected.mean(axis=0).tolist())
