"""What a network gains when its final fit learns from the cases of early stopping as well.

    SKIAGRAM_DATA=FOLDER python simulations/coverage/final_fit.py [DRAWS]

Trains the small convolutional network on 500 images of skin drawn from `dermamnist_lossy.npz`,
nevus or not, and scores 4,000 others; the table stands in docs/results/phantom.md. In each draw the
fits of three folds choose for how many epochs to train and calibrate the scores, as the pipeline
does. Then four final fits are compared: stopped early on 15 % of the cases, or on all cases until
the chosen epoch, until the end of the schedule, or until the end of a schedule that is squeezed
into the chosen epochs. A draw takes about a minute of one core.
"""

import dataclasses
import os
import sys
from collections.abc import Callable
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skiagram.calibration import Calibration, average_calibrations, fit_calibration
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.contract import FitContext, Fitted, Labelled
from skiagram.models.deep.network_model import NetworkModel
from skiagram.options import build
from skiagram.splits import inner_validation
from skiagram.training.data import ImageSet
from skiagram.training.options import Trainer, Training

KNOWN, NEW, FOLDS, NEVUS = 500, 4_000, 3, 5
MODEL = Path(__file__).resolve().parents[2] / "conf/model/small_cnn.yaml"
VARIANTS = ("stopped early", "all cases, chosen epoch", "all cases, to the end", "squeezed")
CPU = Trainer(
    accelerator="cpu", devices=1, num_nodes=1, strategy="auto", precision="32-true",
    channels_last=True, compile=False,
)  # fmt: skip


def read_skin(folder: Path) -> Labelled[ImageSet]:
    """Return all images of the file as cases; it holds no patients."""
    with np.load(Path(os.environ["SKIAGRAM_DATA"]) / "dermamnist_lossy.npz") as file:
        parts = ("train", "val", "test")
        images = np.concatenate([file[f"{part}_images"] for part in parts])
        label = np.concatenate([file[f"{part}_labels"] for part in parts]).ravel() == NEVUS
    case_id = np.array([f"c{row:06d}" for row in range(len(label))])
    with ShardWriter(folder) as writer:
        for name, image in zip(case_id.tolist(), images, strict=True):
            writer.add(name, image)
    inputs = ImageSet(ImageStore(folder), case_id)
    return Labelled(inputs, case_id, label.astype(np.int64), case_id, 2)


def _learner(training: Training) -> NetworkModel:
    network = build(yaml.safe_load(MODEL.read_text(encoding="utf-8")), "model")
    return NetworkModel(dataclasses.replace(network, training=training), CPU, threads=1)


def _stopped(
    known: Labelled[ImageSet], training: Training, seed: int, draw: int, *name: str
) -> Fitted[ImageSet]:
    part = inner_validation(known.label, known.patient_id, 0.15, draw, *name)
    context = FitContext(seed, validation=known.select(part.held_out))
    return _learner(training).fit(known.select(part.training), context)


def compare_fits(cases: Labelled[ImageSet], seed: int) -> NDArray[np.float64]:
    """Return (4, 2) AUC and Brier score of each variant on new cases."""
    training: Training = build(yaml.safe_load(MODEL.read_text(encoding="utf-8")), "model").training
    order = np.random.default_rng(seed).permutation(len(cases))
    known, new = (
        cases.select(np.sort(order[:KNOWN])),
        cases.select(np.sort(order[KNOWN : KNOWN + NEW])),
    )
    best, calibrations = [], []
    for k in range(FOLDS):
        held_out = np.arange(KNOWN) % FOLDS == k
        rest = known.select(np.flatnonzero(held_out))
        fold = known.select(np.flatnonzero(~held_out))
        fitted = _stopped(fold, training, 10 * seed + k, seed, "f", str(k))
        best.append(int(fitted.summary.curves["validation_loss"].argmin()) + 1)
        calibrations.append(fit_calibration("platt", fitted.scores(rest.inputs), rest.label))
    epochs = ceil(median(best))
    squeezed = dataclasses.replace(training, epochs=epochs, patience=epochs)

    def on_all(options: Training, until: int) -> Fitted[ImageSet]:
        return _learner(options).fit(known, FitContext(seed, epochs=until))

    fits: tuple[Callable[[], Fitted[ImageSet]], ...] = (
        lambda: _stopped(known, training, seed, seed, "v"),
        lambda: on_all(training, epochs),
        lambda: on_all(training, training.epochs),
        lambda: on_all(squeezed, epochs),
    )
    calibration = average_calibrations(calibrations)
    return np.array([_judge(fit(), calibration, new) for fit in fits])


def _judge(
    fitted: Fitted[ImageSet], calibration: Calibration, new: Labelled[ImageSet]
) -> tuple[float, float]:
    scores = fitted.scores(new.inputs)
    probability = calibration.probabilities(scores)[:, 1]
    auc = float(roc_auc_score(new.label, scores[:, 1] - scores[:, 0]))
    return auc, float(np.mean((probability - new.label) ** 2))


def main(draws: int) -> None:
    """Print a table: mean over draws, gain over the first variant, its standard error, spread."""
    with TemporaryDirectory() as folder:
        cases = read_skin(Path(folder))
        aucs = np.array([compare_fits(cases, seed) for seed in range(draws)])
    gain = aucs - aucs[:, :1]
    error = gain.std(axis=0, ddof=1) / np.sqrt(draws)
    spread = aucs.std(axis=0, ddof=1)
    for k, name in enumerate(VARIANTS):
        cells = [
            f"{aucs[:, k, j].mean():.4f} | {gain[:, k, j].mean():+.4f} ({error[k, j]:.4f}) | "
            f"{spread[k, j]:.4f}"
            for j in (0, 1)
        ]
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
