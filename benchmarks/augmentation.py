"""What random views of training images, and several trainings, are worth, on development images.

    python -m benchmarks.augmentation DATASET NETWORK SEED [SEED ...]

in a clone to which `skiagram init` added the data set, as its page of results says.
Out-of-fold AUC of two classes in three folds a seed, by patient, and the paired difference of each
kind of views from the first.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.contract import RealDataSet
from skiagram.fitting.contract import FitContext, Labelled
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.deep.network_model import NetworkModel
from skiagram.options import build, check, read_option_file
from skiagram.seeding import derived_seed, stream
from skiagram.splits import grouped_folds, inner_validation
from skiagram.statistics.delong import placements
from skiagram.statistics.estimate import format_difference
from skiagram.statistics.linearised import Linearised
from skiagram.tasks.classes import Classes
from skiagram.training.data import ImageSet
from skiagram.training.options import Trainer

CONF = Path(__file__).resolve().parents[1] / "conf"
FOLDS = 3
CHOSEN = {  # data set → its two classes, negative first, and images of each at most
    "breastmnist": ((1, 0), None),
    "dermamnist_lossy": ((5, 4), 400),
    "nodules": ((0, 1), 200),
}
FLIPPED = {"vertical_flip": True, "rotation": 0.0, "zoom": 0.0, "contrast": 0.0}
TURNED = {"rotation": 10.0, "zoom": 0.1, "contrast": 0.15}
VIEWS: dict[str, dict[str, Any]] = {  # in place of what the config of the network says
    "upside down": FLIPPED,
    "upright": FLIPPED | {"vertical_flip": False},
    "upright, turned and zoomed": TURNED | {"vertical_flip": False},
    "upside down, turned and zoomed": TURNED | {"vertical_flip": True},
    "upright, turned and zoomed, mean of three": TURNED | {"vertical_flip": False, "members": 3},
}
SIZES = {"fine_tuned_efficientnet": 112}  # as `skiagram run` chooses them


def read_development(name: str, folder: Path) -> Labelled[ImageSet]:
    """Write the chosen images that are in no test set into a store; return their cases."""
    dataset: RealDataSet = build(read_option_file(CONF / f"dataset/{name}.yaml"), name)
    data = os.environ.get("SKIAGRAM_DATA")
    source = dataset.open(data and Path(data))
    entries, (classes, most) = source.entries(), CHOSEN[name]
    rows: list[int] = []
    for kind in classes:
        of_kind = [k for k, one in enumerate(entries) if one.label == kind and one.split != "test"]
        drawn = stream(0, "benchmark", classes.index(kind)).permutation(of_kind)
        rows += sorted(drawn[:most].tolist())
    case_id = np.array([f"case{row:05d}" for row in rows])
    with ShardWriter(folder) as writer:
        for row, case in zip(rows, case_id.tolist(), strict=True):
            writer.add(case, np.nan_to_num(np.asarray(source.image(row).pixels, np.float32)))
    patient = np.array([entries[row].patient or f"case{row:05d}" for row in rows])
    label = np.array([classes.index(entries[row].label) for row in rows], dtype=np.int64)
    inputs = ImageSet(ImageStore(folder), case_id)
    return Labelled(inputs, case_id, label, patient, Classes(("negative", "positive")))


def score_cases(
    cases: Labelled[ImageSet], network: str, views: dict[str, Any], seed: int
) -> NDArray[np.float64]:
    """Return (2, n): score of each case, by a network that never saw its patient, and its fold."""
    options = read_option_file(CONF / f"model/{network}.yaml")
    options["training"]["image_size"] = SIZES.get(network)
    options["training"]["members"] = views.get("members", 1)
    options["training"]["augmentation"] |= {k: v for k, v in views.items() if k != "members"}
    trainer = check(Trainer, read_option_file(CONF / "trainer/default.yaml"), "trainer")
    model = NetworkModel(build(options, network), trainer, threads=1)
    scores = np.zeros((2, len(cases)))
    for k, fold in enumerate(grouped_folds(cases.label, cases.patient_id, FOLDS, seed, "fold")):
        known, unseen = cases.select(fold.training), cases.select(fold.held_out)
        parts = inner_validation(known.label, known.patient_id, 0.15, seed, "inner", k)
        context = FitContext(derived_seed(seed, "fit", k), validation=known.select(parts.held_out))
        logits = model.fit(known.select(parts.training), context).scores(unseen.inputs)
        scores[:, fold.held_out] = logits[:, 1] - logits[:, 0], np.full(len(unseen), k)
    return scores


def out_of_fold_auc(
    cases: Labelled[ImageSet], score: NDArray[np.float64], fold: NDArray[np.float64], folds: int
) -> Linearised:
    """Return the AUC within folds, the mean over seeds, by patient.

    Args:
        score: (seeds, n) of each case; higher where the second class is more likely.
        fold: (seeds, n) number of the fold that scored it.
        folds: Number of folds.
    """
    patient = np.unique(cases.patient_id, return_inverse=True)[1]
    return placements(score, cases.label == 1, patient, folds, fold.astype(int))


def main() -> None:
    """Print the AUC of each kind of views, of every seed, and its difference from the first."""
    name, network, *seeds = sys.argv[1:]
    areas = []
    with TemporaryDirectory() as folder:
        cases = read_development(name, Path(folder))
        for title, views in VIEWS.items():
            scored = [score_cases(cases, network, views, int(seed)) for seed in seeds]
            score, fold = np.stack(scored, axis=1)
            areas.append(out_of_fold_auc(cases, score, fold, FOLDS))
            each = " ".join(f"{area:.3f}" for area in areas[-1].repeated)
            difference = format_difference((areas[-1] - areas[0]).estimate())
            line = f"{title}: {areas[-1].value:.3f} ({each}), minus the first {difference}"
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
