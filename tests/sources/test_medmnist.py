"""Files as MedMNIST's: the real BreastMNIST, and files that cannot be used."""

import hashlib

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.preparation import PREPARATION, ImageKinds, Preparation
from skiagram.records.files import read_record
from skiagram.sources.medmnist import MedMNIST
from tests.datasets.sources import ingested
from tests.yaml_rows import read_yaml

SIZES = {"train": 8, "val": 4, "test": 4}


def arrays(shape=(12, 10), sizes=SIZES):
    """Return a small sound set whose labels alternate."""
    generator, found = np.random.default_rng(0), {}
    for key, n in sizes.items():
        found[f"{key}_images"] = generator.integers(0, 256, (n, *shape), dtype=np.uint8)
        found[f"{key}_labels"] = (np.arange(n, dtype=np.uint8) % 2)[:, None]
    return found


def source_of(path, classes=("malignant", "normal or benign"), positive="malignant", **changes):
    """Return a file as a data set."""
    described = dict.fromkeys(("name", "title", "modality", "licence", "citation"), "breast")
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    return MedMNIST(
        **described, file=str(path), md5=md5, classes=classes, positive_class=positive, **changes
    )


def written(folder, **changes):
    np.savez_compressed(folder / "set.npz", **(arrays() | changes))
    return folder / "set.npz"


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3), (9, 12, 10)])
def test_every_image_comes_back_with_label_and_split(shape, tmp_path):
    content = arrays(shape)
    opened = source_of(written(tmp_path, **content)).open(tmp_path)
    names = {"train": "train", "validation": "val", "test": "test"}
    counted = dict.fromkeys(SIZES, 0)
    for position, entry in enumerate(opened.entries.itertuples()):
        key = names[str(entry.split)]
        at = counted[key]
        counted[key] += 1
        expected = content[f"{key}_images"][at]
        expected = expected[..., None] if shape == (9, 12, 10) else expected
        np.testing.assert_array_equal(opened.image(position).pixels, expected)
        assert entry.label == content[f"{key}_labels"][at, 0]
        assert entry.name == f"set.npz {key}/{at}"
        assert opened.truth(position) is None
    assert counted == SIZES


@pytest.mark.parametrize("row", read_yaml(__file__)["refused"], ids=str)
def test_unusable_content_is_named(row, tmp_path):
    zeros = np.zeros(row.get("shape", 1), row.get("type", "uint8"))
    array = np.array(row["values"], row.get("type")) if "values" in row else zeros
    source = source_of(written(tmp_path, **{row["array"]: array}))
    with pytest.raises(DataError, match=row["said"]) as raised:
        source.open(tmp_path)
    assert raised.value.where == row["where"]
    assert raised.value.allowed


@pytest.mark.slow
def test_volumes_are_ingested(tmp_path):
    path = written(tmp_path, **arrays((9, 12, 10)))
    folders, _ = ingested(source_of(path), tmp_path)
    store = ImageStore(folders.images)
    assert [image.shape for _, image in store] == [(9, 12, 10, 1)] * 16
    kinds = read_record(Preparation, folders.images / PREPARATION).images
    assert kinds == ImageKinds((1,), ("uint8",), (12, 12), (10, 10), slices=(9, 9))


def test_missing_array_is_named(tmp_path):
    content = arrays()
    del content["test_labels"]
    np.savez(tmp_path / "set.npz", **content)
    with pytest.raises(DataError, match=r"^set\.npz: no array `test_labels`"):
        source_of(tmp_path / "set.npz").open(tmp_path)


@pytest.mark.parametrize(
    ("after", "distance"),
    [(b"train_images.npy", 100), (b"PK\x01\x02", 6)],
    ids=["compressed pixels", "compression method"],
)
def test_damaged_file_is_refused(after, distance, tmp_path):
    path = written(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(after) + len(after) + distance] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^set\.npz: `train_images` cannot be read"):
        source_of(path).open(tmp_path)
