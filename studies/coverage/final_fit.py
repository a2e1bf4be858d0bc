"""What a network gains when its final fit learns from the cases of early stopping as well.

    python studies/coverage/final_fit.py PATIENTS SEEDS [MODEL]

Run it in a project where `dvc repro restore` has made a phantom; the table stands in
docs/results/phantom.md. In each training, folds of some development patients choose for how many
epochs to train. Then both final fits are made on equal cases, one without and one with early
stopping, and score the sealed cases. A network takes some ten seconds for 600 images of 64 × 64.
"""

import sys
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from skiagram.calibration import Calibration, average_calibrations, fit_calibration
from skiagram.evaluation.discrimination import roc_auc
from skiagram.models.contract import FitSummary, Fitted, Labelled
from skiagram.models.deep.inputs import NetworkInputs
from skiagram.models.deep.network_model import NetworkModel
from skiagram.models.resampling import Plan, Resampling
from skiagram.options import build
from skiagram.records import read_cases, read_table
from skiagram.training.data import ImageSet
from skiagram.training.options import Trainer

POSITIVE = 1
CPU = Trainer(
    accelerator="cpu", devices=1, num_nodes=1, strategy="auto", precision="32-true",
    channels_last=True, compile=False,
)  # fmt: skip


def figures(
    fitted: Fitted[ImageSet],
    calibration: Calibration,
    test: ImageSet,
    positive: NDArray[np.bool_],
) -> tuple[float, float]:
    """Return AUC and Brier score on the sealed cases."""
    scores = fitted.scores(test)
    probability = calibration.probabilities(scores)[:, POSITIVE]
    ranking, weights = scores[:, POSITIVE] - scores[:, 1 - POSITIVE], np.ones((1, len(scores)))
    auc = float(roc_auc(ranking, positive, weights)[0])
    return auc, float(np.mean((probability - positive) ** 2))


def main(patients: int, seeds: int, name: str) -> None:
    """Train, score, print a row a training and the mean difference with its spread."""
    cases, _ = read_cases(Path("data/cases"))
    network = build(yaml.safe_load(Path(f"conf/model/{name}.yaml").read_text()), "model")
    seen = NetworkInputs.of(network, Path("data/restored"), Path("data/cases"))
    known, sealed = cases.development(), cases.test()
    truth = read_table(Path("data/sealed/labels.parquet")).set_index("case_id")["label"]
    positive = truth.loc[sealed.case_id.tolist()].to_numpy() == POSITIVE
    test = seen.cases(sealed.case_id)
    found = []
    for seed in range(seeds):
        plan = Plan(
            repeats=1, folds=3, inner_folds=3, calibration="platt", sensitivity=0.9,
            validation_fraction=0.15, seed=seed,
        )  # fmt: skip
        generator = np.random.default_rng(seed)
        label_of = dict(zip(known.patient_id.tolist(), known.label.tolist(), strict=True))
        chosen = [
            patient
            for label in (0, 1)
            for patient in generator.permutation(
                [one for one, own in label_of.items() if own == label]
            )[: patients // 2]
        ]
        part = known.select(np.flatnonzero(np.isin(known.patient_id, chosen)))
        inputs = seen.cases(part.case_id)
        labelled = Labelled(inputs, part.case_id, part.label, part.patient_id, 2)
        run = Resampling(NetworkModel(network, CPU, threads=1), plan, POSITIVE)
        summaries: list[FitSummary] = []
        calibrations = []
        for k, fold in enumerate(run.folds(labelled, plan.folds, f"repeat{seed}")):
            fitted = run.fit(labelled.select(fold.training), None, f"fold{k}")
            rest = labelled.select(fold.held_out)
            calibrations.append(fit_calibration("platt", fitted.scores(rest.inputs), rest.label))
            summaries.append(fitted.summary)
        calibration = average_calibrations(calibrations)
        epochs = run.chosen_epochs(summaries)
        stopped = run.fit(labelled, None, "final")
        whole = run.fit(labelled, None, "final", epochs=epochs)
        row = (*figures(stopped, calibration, test, positive),
               *figures(whole, calibration, test, positive))  # fmt: skip
        found.append(row)
        shown = " ".join(f"{value:.4f}" for value in row)
        sys.stdout.write(f"{seed} {epochs} {stopped.summary.epochs} {shown}\n")
    values = np.array(found)
    for title, at in (("AUC", 0), ("Brier score", 1)):
        gain = values[:, at + 2] - values[:, at]
        error = gain.std(ddof=1) / np.sqrt(seeds)
        means = f"stopped {values[:, at].mean():.4f}, all {values[:, at + 2].mean():.4f}"
        spread = f"{values[:, at].std(ddof=1):.4f} and {values[:, at + 2].std(ddof=1):.4f}"
        sys.stdout.write(
            f"{title}: {means}, gain {gain.mean():+.4f}, standard error {error:.4f}; spread over "
            f"trainings {spread}\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *(sys.argv[3:] or ["small_cnn"]))
