"""What every source must offer, whichever data set a config names."""

from typing import get_type_hints

import numpy as np
import pytest
import yaml
from hydra.utils import get_class

from skiagram.errors import OptionError
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_table
from tests.datasets.sources import ingested
from tests.sources.phantoms import CONF, data_set


@pytest.mark.parametrize("option_file", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_source_says_what_it_does_to_pixels(option_file):
    source = get_class(yaml.safe_load(option_file.read_text())["_target_"])
    opened = get_type_hints(source.open)["return"]
    assert opened.acquisition is None  # pixels are stored as they are drawn or read
    assert not opened.__abstractmethods__


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("phantom", {"size": 8}, "dataset.size"),
        ("phantom", {"noise": 0.0}, "dataset.noise"),
        ("phantom", {"tissue": {"shared": 1.5}}, "dataset.tissue.shared"),
        ("phantom", {"patients": {"train": 0}}, "dataset.patients.train"),
        ("phantom", {"nodule": {"radius": 40.0}}, "dataset.nodule"),
        ("phantom", {"nodule": {"spacing": 4}}, "dataset.nodule"),
        ("phantom", {"faults": {"dead_rows": 64}}, "dataset.faults.dead_rows"),
        ("phantom", {"faults": {"hot_pixels": 5000}}, "dataset.faults"),
        ("phantom", {"faults": {"dust": 1}}, "dataset.faults.dust"),
        ("phantom", {"positive_class": "normal"}, "dataset.positive_class"),
        ("phantom_regions", {"lesion": {"radii": [7.0]}}, "the lesion reaches 13 voxels"),
        ("phantom_regions", {"lesion": {"radii": []}}, "radii"),
        ("phantom_regions", {"positive_class": "normal"}, "'normal' was given"),
        ("phantom_finding", {"nodules": {"apart": 30}}, "pixels from the centre"),
        ("phantom_finding", {"nodules": {"offsets": [-4, 4]}}, "cell's centre"),
        ("phantom_finding", {"nodules": {"apart": 12}}, "cells lie 12 pixels apart"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_named(name, changes, words):
    with pytest.raises(OptionError) as refused:
        data_set(name, **changes)
    assert words in str(refused.value)


GENERATED = {
    "phantom": {"size": 32, "nodule": {"places": 7}},
    "phantom_volumes": {"size": 12, "nodule": {"places": 3, "radius": 3.0}},
    "phantom_regions": {"size": 12, "lesion": {"places": 3, "spacing": 1, "radii": [2.0, 3.0]}},
    "phantom_visits": {"size": 16, "lesion": {"radius": 5.0}},
    "phantom_finding": {
        "size": 20,
        "nodules": {"radius": 2.0, "cells": 2, "apart": 7, "offsets": [-1, 1], "amplitude": 1.5},
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_set_is_the_same_in_any_order_and_its_truth_is_sealed(name, tmp_path):
    patients = {"train": 6, "validation": 2, "test": 4}
    source = data_set(name, patients=patients, **GENERATED[name])
    opened, again = source.open(None), source.open(None)
    entries = opened.entries()
    images = [opened.image(at).pixels for at in range(len(entries))]
    for at in reversed(range(len(entries))):
        np.testing.assert_array_equal(again.image(at).pixels, images[at])
        assert again.truth(at).ideal_score == opened.truth(at).ideal_score
    assert len({(entry.patient, entry.split) for entry in entries}) == 12
    folders, cases = ingested(source, tmp_path)
    clean = ImageStore(folders.sealed / "clean")
    for case_id, image in ImageStore(folders.images):
        assert np.nanmedian(np.abs(image - clean.image(case_id))) < source.noise
    truth = read_table(folders.sealed / "truth.parquet")
    assert truth["case_id"].tolist() == cases.case_id.tolist()
    assert np.isfinite(truth["ideal_score"]).all()
    in_the_open = [path for path in tmp_path.rglob("*") if "sealed" not in path.parts]
    assert not {path.stem for path in in_the_open} & {"truth", "clean", "ideal_marks"}
