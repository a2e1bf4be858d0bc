"""The script of MedMNIST writes what is in the file, with its split, and nothing of other files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from examples import medmnist
from skiagram.cli.main import main
from skiagram.readers.case_images import CaseReading, ImageReference, decode_case, read_case_files
from skiagram.sealing.archive import open_tree
from tests.yaml_rows import read_yaml

SIZES = {"train": 24, "val": 8, "test": 8}
NAMES = [f"{part}-{at:05d}" for part, number in SIZES.items() for at in range(number)]


def arrays(shape=(12, 10), sizes=SIZES):
    """Return a small sound set whose labels alternate."""
    generator, found = np.random.default_rng(0), {}
    for key, n in sizes.items():
        found[f"{key}_images"] = generator.integers(0, 256, (n, *shape), dtype=np.uint8)
        found[f"{key}_labels"] = (np.arange(n, dtype=np.uint8) % 2)[:, None]
    return found


def written(folder, content, *classes):
    """Run the script on a file; return its table and the pixels that skiagram reads."""
    np.savez(folder / "set.npz", **content)
    medmnist.write(folder / "set.npz", folder / "images", classes)
    rows = pd.read_csv(folder / "images.csv")
    are_volumes = rows["file"][0].endswith(".nii")
    reading = CaseReading(spacing=(1.0, 1.0, 1.0) if are_volumes else None)
    tree = open_tree(folder / "images", "images", lambda _: True)
    references = map(ImageReference, rows["file"])
    return rows, [decode_case(read_case_files(tree, one), one, reading) for one in references]


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3), (9, 12, 10)])
def test_every_image_comes_back_with_label_and_split_in_the_order_of_the_file(shape, tmp_path):
    content = arrays(shape)
    rows, images = written(tmp_path, content)
    assert [Path(name).stem for name in rows["file"]] == NAMES
    assert rows["split"].tolist() == ["train"] * 24 + ["validation"] * 8 + ["test"] * 8
    labels = np.concatenate([content[f"{part}_labels"][:, 0] for part in SIZES])
    assert rows["label"].tolist() == labels.tolist()
    expected = np.concatenate([content[f"{part}_images"] for part in SIZES])
    found = np.stack([image.pixels for image in images])
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_classes_get_the_names_that_are_typed(tmp_path):
    rows, _ = written(tmp_path, arrays(), "malignant", "benign")
    assert rows["label"][:3].tolist() == ["malignant", "benign", "malignant"]
    with pytest.raises(SystemExit, match=r"no class is named for the labels \[1\]"):
        medmnist.write(tmp_path / "set.npz", tmp_path / "others", ["malignant"])
    assert not (tmp_path / "others").exists()


@pytest.mark.parametrize("row", read_yaml(__file__)["refused"], ids=str)
def test_a_file_of_another_form_is_refused_and_nothing_is_written(row, tmp_path):
    content = arrays((9, 9))
    if "array" in row:
        zeros = np.zeros(row.get("shape", 1), row.get("type", "uint8"))
        content[row["array"]] = np.array(row["values"]) if "values" in row else zeros
    content.pop(row.get("without"), None)
    np.savez(tmp_path / "set.npz", **content)
    if "bytes" in row:
        (tmp_path / "set.npz").write_bytes(row["bytes"].encode())
    with pytest.raises(SystemExit, match=row["said"]):
        medmnist.write(tmp_path / "set.npz", tmp_path / "images")
    assert [path.name for path in tmp_path.iterdir()] == ["set.npz"]


@pytest.mark.parametrize(
    ("after", "distance"),
    [(b"train_images.npy", 100), (b"PK\x01\x02", 6)],
    ids=["compressed pixels", "compression method"],
)
def test_a_damaged_file_is_refused(after, distance, tmp_path):
    np.savez_compressed(tmp_path / "set.npz", **arrays())
    content = bytearray((tmp_path / "set.npz").read_bytes())
    content[content.index(after) + len(after) + distance] ^= 0xFF
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(SystemExit, match="no MedMNIST file"):
        medmnist.read(tmp_path / "set.npz")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "words"), [((28, 28), []), ((28, 28, 3), []), ((9, 12, 10), ["1", "1", "1"])]
)
def test_what_it_writes_can_be_run(shape, words, tmp_path, monkeypatch, capsys):
    written(tmp_path, arrays(shape))
    monkeypatch.chdir(tmp_path)
    stated = ["--unstated-spacing", *words] if words else []
    assert main(["check", "images", "images.csv", "--positive", "0", *stated]) == 0
    assert "This data set can be run" in capsys.readouterr().out


@pytest.mark.slow
def test_the_real_file_has_its_published_split(real_data, tmp_path):
    medmnist.write(real_data / "breastmnist.npz", tmp_path / "breast")
    rows = pd.read_csv(tmp_path / "breast.csv")
    counts = rows.groupby("split")["label"].value_counts().to_dict()
    assert counts == {
        ("train", 1): 399, ("train", 0): 147, ("validation", 1): 57, ("validation", 0): 21,
        ("test", 1): 114, ("test", 0): 42,
    }  # fmt: skip
