"""Generated volumes: what is planted, what is refused, and how they are ingested."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from skiagram.datasets.phantom.source import PhantomVolumes
from skiagram.image_store.store import ImageStore
from skiagram.options import build
from tests.datasets.sources import ingested

OPTION_FILE = Path(__file__).parents[3] / "conf" / "dataset" / "phantom_volumes.yaml"
SMALL = {"size": 12, "patients": {"train": 6, "validation": 2, "test": 4}}


def volumes(**changes: Any) -> PhantomVolumes:
    """Return the project's volumes with some options changed; groups are merged."""
    values = yaml.safe_load(OPTION_FILE.read_text())
    for name, change in changes.items():
        values[name] = {**values[name], **change} if isinstance(change, dict) else change
    made = build(values, "dataset")
    assert isinstance(made, PhantomVolumes)
    return made


def small(**changes: Any) -> PhantomVolumes:
    nodule = {"places": 3, "radius": 3.0} | changes.pop("nodule", {})
    return volumes(**SMALL, nodule=nodule, **changes)


def test_a_nodule_stands_where_the_truth_says() -> None:
    with_nodule, without = (
        small(nodule={"amplitude": amplitude}).open(None) for amplitude in (1.8, 0.0)
    )
    for position, entry in enumerate(with_nodule.entries()):
        truth = with_nodule.truth(position)
        difference = (truth.clean - without.truth(position).clean)[..., 0]
        place = np.array([truth.slice, truth.row, truth.column])
        if entry.label == 0:
            assert np.isnan(place).all()
            assert not difference.any()
        else:
            assert difference[tuple(place.astype(int))] == pytest.approx(1.8, abs=1e-6)
            assert difference.max() == pytest.approx(1.8, abs=1e-6)


def test_volumes_are_ingested_with_their_truth_under_seal(tmp_path: Path) -> None:
    folders, cases = ingested(small(), tmp_path)
    images, clean = ImageStore(folders.images), ImageStore(folders.sealed / "clean")
    assert {image.shape for _, image in images} == {(12, 12, 12, 1)}
    truth = pd.read_parquet(folders.sealed / "truth.parquet")
    assert list(truth.columns) == ["case_id", "ideal_score", "slice", "row", "column"]
    assert set(truth["case_id"]) == set(cases.case_id)
    noise = [image - clean.image(case_id) for case_id, image in images]
    assert np.std(noise) == pytest.approx(0.5, rel=0.05)
    again, _ = ingested(small(), tmp_path / "again")
    assert ImageStore(again.images).sha256 == images.sha256
