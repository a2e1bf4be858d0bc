"""Labels of test cases under a custodian's key: who lacks it has none of them, anywhere."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyrage
import pytest
from pyrage import x25519

from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_record, read_table
from skiagram.sealing.labels import are_encrypted, encrypt_labels, open_labels
from skiagram.tasks.cases import SEALED
from skiagram.tasks.task import Task
from tests.cli.test_check_and_init import data_sets, init, project
from tests.datasets.own_folders import film, png, write_films
from tests.datasets.sources import ingested

__all__ = ["project"]
KEY = x25519.Identity.generate()
SPLITS = ("train", "validation", "test")
CLASSES = ("cancer", "normal")
SEAL = f"seal ../films ../films.csv --recipient {KEY.to_public()} --output"
INIT = "../films {} --positive cancer --sealed-labels ../authors/films.labels.age"
LABELS = "films.labels.age"


@pytest.fixture
def own(project, tmp_path):
    """Work beside 24 files of 12 patients in three splits; the label of a test case is drawn."""
    drawn = np.random.default_rng(3).permutation(np.arange(24) % 2)

    def change(at):
        split = SPLITS[at // 2 % 3]
        label = {"label": ("normal", "cancer")[drawn[at]]} if split == "test" else {}
        return {"split": split, **label}

    return write_films(tmp_path, 24, change)


@pytest.fixture
def source(own, terminal):
    """Return the data set that the authors made of what they were given."""
    terminal(f"{SEAL} ../authors")
    return init(INIT.format("../authors/films.csv"))


@pytest.fixture
def sealed(source, tmp_path):
    """Return the folder of sealed labels after ingest, the classes and the cases."""
    folders, cases = ingested(source, tmp_path / "data")
    task = read_record(Task, folders.cases / "task.json")
    return folders.sealed, task.predicted.classes, cases


@pytest.mark.slow
def test_the_custodian_reads_the_labels_and_nobody_else(sealed, own, tmp_path, monkeypatch):
    folder, classes, cases = sealed
    test = cases.test()
    assert set(test.label) == {SEALED}
    assert are_encrypted(folder)
    with pytest.raises(DataError, match=r"SKIAGRAM_SEAL_KEY_FILE.*ask the custodian"):
        open_labels(folder, classes)
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY", str(x25519.Identity.generate()))
    with pytest.raises(DataError, match="another key is needed"):
        open_labels(folder, classes)

    (tmp_path / "key").write_text(f"# created\n{KEY}\n")
    monkeypatch.delenv("SKIAGRAM_SEAL_KEY")
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY_FILE", str(tmp_path / "key"))
    opened = open_labels(folder, classes).set_index("case_id")["label"]
    labels = pd.read_csv(own.csv)["label"]
    true = {film(at).tobytes(): CLASSES.index(label) for at, label in enumerate(labels)}
    images = ImageStore(tmp_path / "data/images")
    assert len(opened) == len(test) == 8
    for case_id in test.case_id:
        assert opened[case_id] == true[images.image(case_id).tobytes()]


@pytest.mark.slow
def test_no_byte_that_the_authors_have_depends_on_a_test_label(source, own, tmp_path, terminal):
    """All labels of test cases turned round: only the encrypted file differs."""
    table = pd.read_csv(own.csv, dtype=str)
    is_test = table["split"] == "test"
    table.loc[is_test, "label"] = table["label"].map(dict(zip(CLASSES, CLASSES[::-1], strict=True)))
    table.to_csv(own.csv, index=False)
    terminal(f"{SEAL} ../other")
    before, after = tmp_path / "authors", tmp_path / "other"
    assert (after / "films.csv").read_bytes() == (before / "films.csv").read_bytes()
    one, other = (pyrage.decrypt((place / LABELS).read_bytes(), [KEY]) for place in (before, after))
    assert one != other
    assert len(one) == len(other)


@pytest.mark.slow
def test_marks_of_test_cases_are_not_given_to_the_authors(own, terminal):
    pd.read_csv(own.csv).assign(marks="12 12 3").to_csv(own.csv, index=False)
    terminal(f"{SEAL} ../authors")
    table = pd.read_csv("../authors/films.csv", keep_default_na=False)
    found = {*zip(table["split"] == "test", table["marks"], strict=True)}
    assert found == {(True, ""), (False, "12 12 3")}


@pytest.mark.slow
def test_a_label_left_in_the_table_is_refused(own, terminal):
    terminal(f"{SEAL} ../authors")
    left = "a test case with its label in the CSV"
    terminal.says(f"init {INIT.format('../films.csv')}", left, 4)
    assert data_sets() == ["phantom.yaml"]


@pytest.mark.slow
def test_an_altered_file_of_labels_is_named(sealed, source, project, tmp_path, monkeypatch):
    folder, classes, _ = sealed
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY", str(KEY))
    content = (folder / "labels.age").read_bytes()
    for damaged in (content[:-1], content[:-20] + bytes([content[-20] ^ 1]) + content[-19:], b""):
        (folder / "labels.age").write_bytes(damaged)
        with pytest.raises(DataError, match="altered or cut short"):
            open_labels(folder, classes)
    committed = project / "conf/dataset" / LABELS
    committed.write_bytes(committed.read_bytes()[:-1])
    with pytest.raises(DataError, match="changed since it was written"):
        ingested(source, tmp_path / "again")


@pytest.mark.parametrize(
    ("more", "words", "code"),
    [
        ("--recipient SECRET", "no public key of age", 2),
        ("--recipient age1nonsense", "no public key of age", 2),
        ("--split view", "split `CC`", 4),
        ("--number age", "of the kind number, and labels of classes alone are sealed", 2),
    ],
)
def test_what_cannot_be_sealed_is_named_and_nothing_is_written(own, terminal, more, words, code):
    line = f"{SEAL} ../out {more}".replace("SECRET", str(KEY))
    terminal.says(line, f"{words} | !{KEY}", code)
    assert not Path("../out").exists()


def test_names_of_files_that_tell_a_label_are_refused(own, terminal):
    for part in ("train", "test"):
        for name in CLASSES:
            folder = Path("../folders") / part / name
            folder.mkdir(parents=True)
            for number in range(3):
                (folder / f"{number}.png").write_bytes(png(number))
    line = SEAL.replace("films ../films.csv", "folders")
    terminal.says(f"{line} ../out", "names of test files tell their labels, such as `test/", 4)
    assert not Path("../out").exists()


def test_two_equal_test_images_with_two_labels_are_refused(own, terminal):
    table = pd.read_csv(own.csv)
    test = table[table["split"] == "test"].groupby("label")["file"].first()
    one, other = (own.folder / test[name] for name in CLASSES)
    other.write_bytes(one.read_bytes())
    equal = "equal to another test image, with another label"
    terminal.says(f"{SEAL} ../out", equal, 4)


@pytest.mark.slow
def test_a_key_opens_a_file_of_other_images_to_no_avail(sealed, monkeypatch):
    folder, classes, _ = sealed
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY", str(KEY))
    tokens = read_table(folder / "tokens.parquet")["token"].astype(str)
    for labels, named, words in (
        ({"0" * 64: 1}, CLASSES, "8 of 8 test cases have no label"),
        (
            dict.fromkeys(tokens, 0),
            ("cyst", *CLASSES),
            "1 classes that the data set does not have",
        ),
    ):
        content = encrypt_labels(labels, named, str(KEY.to_public()), "test")
        (folder / "labels.age").write_bytes(content)
        with pytest.raises(DataError, match=words):
            open_labels(folder, classes)
