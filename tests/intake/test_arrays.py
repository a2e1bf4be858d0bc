"""A file of arrays is what its line says, whatever config has its name already."""

from typing import Any

import numpy as np
import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.intake.arrays import array_source, renewed_source
from skiagram.intake.file_options import FileOptions
from skiagram.options import composed


def write_arrays(path, seed=0):
    generator, arrays = np.random.default_rng(seed), dict[str, Any]()
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = generator.integers(0, 256, (4, 28, 28), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(4) % 2)[:, None].astype(np.uint8)
    np.savez(path, **arrays)
    return path


def write_config(path, **values):
    path.write_text(yaml.safe_dump(values))
    return path


def test_a_file_keeps_the_description_that_people_wrote(tmp_path):
    options = FileOptions(write_arrays(tmp_path / "breast.npz"), positive="0")
    source = array_source(options)
    published = composed(source) | {
        "title": "BreastMNIST",
        "file": "breast.npz",
        "classes": ["malignant", "benign"],
        "positive_class": "benign",
        "waived_findings": {"near_duplicates_across_splits": "published"},
    }
    config = write_config(tmp_path / "breast.yaml", **published)
    renewed = renewed_source(source, options, config)
    assert (renewed.title, renewed.classes) == ("BreastMNIST", ("malignant", "benign"))
    assert renewed.waived_findings == {"near_duplicates_across_splits": "published"}
    # the file and the positive class are those of the line
    assert renewed.file == str(tmp_path / "breast.npz")
    assert renewed.positive_class == "malignant"


def test_a_config_of_another_data_set_is_not_taken(tmp_path):
    options = FileOptions(write_arrays(tmp_path / "phantom.npz"), positive="0")
    source = array_source(options)
    other = array_source(FileOptions(write_arrays(tmp_path / "other.npz", 1), positive="0"))
    for values in ({"_target_": "skiagram.sources.phantom.source.Phantom"}, composed(other)):
        config = write_config(tmp_path / "phantom.yaml", **values)
        with pytest.raises(OptionError, match=r"of another data set.*`--name own_phantom`"):
            renewed_source(source, options, config)


def test_a_file_that_changed_is_described_anew(tmp_path):
    path = write_arrays(tmp_path / "own.npz")
    source = array_source(FileOptions(path, positive="0"))
    config = write_config(tmp_path / "own.yaml", **composed(source) | {"title": "Our films"})
    write_arrays(path, 1)
    options = FileOptions(path, positive="1", copies="drop")
    renewed = renewed_source(array_source(options), options, config)
    assert renewed.md5 != source.md5
    assert (renewed.title, renewed.positive_class, renewed.copies) == ("Our films", "1", "drop")


@pytest.mark.parametrize(
    ("named", "classes", "positive"),
    [
        ((), ("0", "1"), "1"),
        (("1", "0"), ("0", "1"), "1"),  # a stored 0 was called 1
        (("benign", "malignant"), ("benign", "malignant"), "malignant"),
        (("2", "0", "1"), ("0", "1", "2"), None),  # training lacks a class
    ],
)
def test_stored_labels_keep_their_meaning_in_any_order(named, classes, positive, tmp_path):
    options = FileOptions(write_arrays(tmp_path / "own.npz"), classes=named, positive=positive)
    source = array_source(options)
    assert (source.classes, source.positive_class) == (classes, positive)


@pytest.mark.parametrize("named", [("1", "benign"), ("benign", "0"), ("0", "5")])
def test_stored_labels_among_other_names_are_refused(named, tmp_path):
    options = FileOptions(write_arrays(tmp_path / "own.npz"), classes=named, positive=named[0])
    with pytest.raises(OptionError, match=r"`[01]` among 2 names.*stored label \(0, 1\)"):
        array_source(options)
