"""What labels of chosen cases are worth on the phantom, beside as many drawn at random."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skiagram.deploy.monitoring import order_by_worth
from skiagram.features.extraction import extract
from skiagram.features.table import FeatureTable
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.contract import FitContext, Labelled
from skiagram.models.deployment import Familiarity
from skiagram.options import build
from tests.datasets.phantoms import phantom
from tests.deploy.trained import options

pytestmark = pytest.mark.thorough
PATIENTS = 700
BEGUN, ADDED, POOL, STARTS, DRAWS = 60, 60, 400, 20, 10


def features(folder: Path) -> tuple[FeatureTable, NDArray[np.int64]]:
    """Return features and labels of phantom images, one a patient."""
    source = phantom(
        size=32,
        images_per_patient=1,
        patients={"train": PATIENTS, "validation": 0, "test": 2},
        nodule={"places": 7},
        faults={"missing_pixels": 0, "hot_pixels": 0, "dead_rows": 0},
    ).open(None)
    entries = source.entries()[:PATIENTS]
    with ShardWriter(folder) as writer:
        for at, _ in enumerate(entries):
            writer.add(f"{at:05d}", source.image(at).pixels.astype(np.float32), None)
    families = [build(options(f"features/{name}.yaml"), "features") for name in ("wavelet", "glcm")]
    table = extract(ImageStore(folder), families)
    return table, np.array([entry.label for entry in entries], dtype=np.int64)


def test_doubt_and_novelty_beside_chance(tmp_path: Path) -> None:
    table, label = features(tmp_path / "images")
    model = build(options("model/logistic_regression.yaml"), "model")

    def probability_after(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        names = table.case_id[rows]
        cases = Labelled(table.select(rows), names, label[rows], names, 2)
        scores = model.fit(cases, None, FitContext(0)).scores(table)
        difference: NDArray[np.float64] = scores[:, 1] - scores[:, 0]
        return difference

    gains = []
    for start in range(STARTS):
        draw = np.random.default_rng([7, start])
        order = draw.permutation(PATIENTS)
        begun, pool, test = np.split(order, [BEGUN, BEGUN + POOL])
        first = probability_after(begun)
        familiarity = Familiarity.of(table.select(begun), table.case_id[begun])
        assert familiarity is not None
        far = familiarity.distances(table.select(pool))
        chosen = pool[order_by_worth(np.abs(first[pool]), far)[:ADDED]]

        def auc(
            added: NDArray[np.int64], begun: NDArray[np.int64], test: NDArray[np.int64]
        ) -> float:
            scores = probability_after(np.concatenate([begun, added]))
            return float(roc_auc_score(label[test], scores[test]))

        random = [auc(draw.permutation(pool)[:ADDED], begun, test) for _ in range(DRAWS)]
        before = float(roc_auc_score(label[test], first[test]))
        gains.append((before, float(np.mean(random)), auc(chosen, begun, test)))
    before, chance, chosen_auc = np.mean(gains, axis=0)
    differences = np.array([after - random for _, random, after in gains])
    half = 2.09 * differences.std(ddof=1) / np.sqrt(STARTS)
    print(  # noqa: T201 - the figures of the how-to
        f"AUC {before:.3f} with {BEGUN} labels; {ADDED} more at random {chance:.3f}, by doubt and "
        f"novelty {chosen_auc:.3f}; difference {differences.mean():+.4f} ± {half:.4f}"
    )
    assert chance > before
    assert differences.mean() > -0.02  # choosing does no harm to speak of
