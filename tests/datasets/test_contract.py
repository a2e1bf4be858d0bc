"""What every source must offer, whichever data set a config names."""

from typing import get_type_hints

import numpy as np
import pytest
from hydra.utils import get_class

from skiagram.datasets.contract import OpenSource, tabulate_entries
from skiagram.errors import DataError, OptionError
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_table
from tests.datasets.sources import ingested
from tests.sources.phantoms import CONF, data_set
from tests.yaml_rows import load_yaml, read_yaml

OPTIONS = read_yaml(__file__)


@pytest.mark.parametrize("option_file", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_source_is_whole(option_file):
    source = get_class(load_yaml(option_file)["_target_"])
    opened = get_type_hints(source.open)["return"]
    assert issubclass(opened, OpenSource)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    OPTIONS["wrong"],
)
def test_an_option_that_cannot_be_is_named(name, changes, words):
    with pytest.raises(OptionError) as refused:
        data_set(name, **changes)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("label", "split", "found"),
    [([0, 1], ["train", "Test"], "`Test` as the split"), ([0, 0.4], "train", "`0.4` as the label")],
)
def test_a_source_of_ones_own_gives_known_parts_and_whole_labels(label, split, found):
    with pytest.raises(DataError, match=found):
        tabulate_entries(["first", "second"], None, label, split)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS["small"])
def test_a_generated_set_is_the_same_in_any_order_and_its_truth_is_sealed(name, tmp_path):
    patients = {"train": 6, "validation": 2, "test": 4}
    source = data_set(name, patients=patients, **OPTIONS["small"][name])
    opened, again = source.open(None), source.open(None)
    entries = opened.entries
    images = [opened.image(at).pixels for at in range(len(entries))]
    for at in reversed(range(len(entries))):
        np.testing.assert_array_equal(again.image(at).pixels, images[at])
        assert again.truth(at).ideal_score == opened.truth(at).ideal_score
    assert len(entries.drop_duplicates(["patient", "split"])) == 12
    folders, cases = ingested(source, tmp_path)
    clean = ImageStore(folders.sealed / "clean")
    for case_id, image in ImageStore(folders.images):
        assert np.nanmedian(np.abs(image - clean.image(case_id))) < source.noise
    truth = read_table(folders.sealed / "truth.parquet")
    assert truth["case_id"].tolist() == cases.case_id.tolist()
    assert np.isfinite(truth["ideal_score"]).all()
    in_the_open = [path for path in tmp_path.rglob("*") if "sealed" not in path.parts]
    assert not {path.stem for path in in_the_open} & {"truth", "clean", "ideal_marks"}
