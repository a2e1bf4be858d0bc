"""What a smaller picture for the frozen network costs on small images, on development images alone.

    python -m benchmarks.encoder_size DATASET [DATASET ...]

in a clone to which `skiagram init` added the data sets, as their pages of results say.
Out-of-fold AUC of a logistic regression on EfficientNet-Lite0, the mean of five seeds of five folds
by patient, the paired difference from 224 pixels, and seconds of processor for the encoding.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from benchmarks.augmentation import CONF, out_of_fold_auc, read_development
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skiagram.encoders.encoding import FolderEncoder, resolve_preprocessing
from skiagram.encoders.timm_encoder import TimmMaps
from skiagram.fitting.contract import Labelled
from skiagram.options import build, read_option_file
from skiagram.preparation import ImageKinds
from skiagram.splits import grouped_folds
from skiagram.statistics.estimate import format_difference

SIZES, SEEDS, FOLDS = (224, 160, 112), 5, 5


def encode(images: Path, pixels: NDArray[Any], size: int) -> tuple[NDArray[np.float64], float]:
    """Return (n, d) numbers of all images and the seconds of processor that they took."""
    encoder: TimmMaps = build(read_option_file(CONF / "encoder/efficientnet_lite0.yaml"), "encoder")
    encoder = replace(encoder, preprocessing=replace(encoder.preprocessing, size=size))
    loaded = encoder.load()
    ready = resolve_preprocessing(ImageKinds.of(pixels), encoder, loaded)
    began = time.process_time()
    table = FolderEncoder(ready, loaded).encode(images)
    return table.values.astype(np.float64), time.process_time() - began


def score(cases: Labelled[Any], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2, seeds, n): out-of-fold score of each case, and its fold."""
    options = read_option_file(CONF / "model/pretrained_logistic_regression.yaml")
    scores = np.zeros((2, SEEDS, len(cases)))
    for seed in range(SEEDS):
        folds = grouped_folds(cases.label, cases.patient_id, FOLDS, seed, "fold")
        for k, fold in enumerate(folds):
            estimator = make_pipeline(
                StandardScaler(), build(options, "model").estimator(seed, "classification")
            )
            estimator.fit(values[fold.training], cases.label[fold.training])
            scores[0, seed, fold.held_out] = estimator.decision_function(values[fold.held_out])
            scores[1, seed, fold.held_out] = k
    return scores


def main() -> None:
    """Print the AUC of each size and its difference from the largest."""
    for name in sys.argv[1:]:
        with TemporaryDirectory() as folder:
            cases = read_development(name, Path(folder))
            pixels = np.stack([np.asarray(cases.inputs.store.image(c)) for c in cases.case_id])
            areas = []
            for size in SIZES:
                values, seconds = encode(Path(folder), pixels, size)
                scores, fold = score(cases, values)
                areas.append(out_of_fold_auc(cases, scores, fold, FOLDS))
                difference = format_difference((areas[-1] - areas[0]).estimate())
                line = f"{name} {size}: {areas[-1].value:.4f}, {difference}, {seconds:.0f} s"
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
