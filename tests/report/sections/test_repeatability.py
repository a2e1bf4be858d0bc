"""The section of repeatable features: counts of what the run's `perturbed` families measured."""

import numpy as np

from skiagram.case_features.repeatability import IntraclassCorrelation, Repeatability
from skiagram.preparation import ImageKinds, Preparation
from skiagram.records.feature_table import FeatureTable
from skiagram.report.material import read_repeatability
from skiagram.tasks.cases import SEALED, Cases

SURE, UNSURE = IntraclassCorrelation(0.9, 0.8, 0.95), IntraclassCorrelation(0.8, 0.7, 0.9)
KINDS = {
    "perturbed_noise": (
        Repeatability("glcm_a", "glcm", SURE, SURE),
        Repeatability("glcm_b", "glcm", UNSURE, SURE),
        Repeatability("shape_a", "shape", SURE, SURE),
    )
}


def test_copies_are_measured_by_the_kind_of_their_family(tmp_path):
    def family(name):
        inner = {"_target_": "skiagram.features.first_order.FirstOrder", "region": "whole"}
        changes = {"rotation": 0.0, "shift": 0.0, "noise": 1.0, "volume": 0.0, "supervoxel": None}
        return {
            "_target_": "skiagram.features.perturbed.Perturbed",
            "name": name, "copies": 2, "seed": 0, "perturbation": changes, "families": [inner],
        }  # fmt: skip

    kinds = ImageKinds((1,), ("uint8",), (8, 8), (8, 8))
    families = (family("perturbed"), family("perturbed_noise"))
    preparation = Preparation(kinds, features=families)
    generator = np.random.default_rng(0)
    truth = generator.normal(size=(20, 1))
    copies = [truth + spread * generator.normal(size=(20, 2)) for spread in (0.01, 5.0)]
    names = [
        f"{kind}_{k}.first_order_mean" for kind in ("perturbed", "perturbed_noise") for k in (1, 2)
    ]
    ids = np.array([f"c{k:02d}" for k in range(20)])
    FeatureTable(ids, tuple(names), np.hstack(copies).astype(np.float32)).write(
        tmp_path / "features.parquet"
    )
    cases = Cases(ids, ids, np.full(20, "test"), np.full(20, SEALED))
    found = read_repeatability(preparation, tmp_path / "features.parquet", cases)
    assert list(found) == ["perturbed", "perturbed_noise"]
    assert found["perturbed"][0].agreement.low > 0.9 > found["perturbed_noise"][0].agreement.low
