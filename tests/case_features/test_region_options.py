"""Configs that hold all families of regions of a kind of image."""

from pathlib import Path

import numpy as np
import pytest

from skiagram.case_features.extraction import build_families
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import LevelFamily, families_of_images
from skiagram.options import read_option_file

CONF = Path(__file__).resolve().parents[2] / "conf"
INTENSITIES = {"ct": (40, 80), "pet": (6, 1), "mr": (0, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", INTENSITIES)
def test_a_region_of_its_kind_is_described(kind):
    families = build_families(read_option_file(CONF / f"features/region/{kind}.yaml"))
    levels = {family.levels for family in families if isinstance(family, LevelFamily)}
    kept = read_option_file(CONF / f"restoration/region_{kind}.yaml")["region"]["resegmentation"]
    assert len(levels) == 1
    assert kind != "ct" or levels.pop().lowest == kept["lowest"]
    mean, deviation = INTENSITIES[kind]
    volume = np.random.default_rng(0).normal(mean, deviation, (1, 9, 12, 10, 1))
    volume = (volume.round() if kind == "ct" else volume).astype(np.float32)
    mask = np.zeros(volume.shape[:4], dtype=np.bool_)
    mask[:, 2:7, 2:9, 3:8] = True
    batch = FeatureBatch(volume, mask, np.full((1, 3), 2.0))
    for family in families_of_images(families):
        assert np.isfinite(family.extract(batch)).all()
