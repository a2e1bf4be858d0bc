"""Labels of test cases under a custodian's key: who lacks it has none of them, anywhere."""

import csv
from pathlib import Path

import numpy as np
import pyrage
import pytest
from pyrage import x25519

from skiagram.cli.main import main
from skiagram.datasets.folder.source import Folder
from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_record, read_table
from skiagram.sealing.labels import are_encrypted, encrypt_labels, open_labels
from skiagram.tasks.cases import SEALED
from skiagram.tasks.task import Task
from tests.cli.test_check_and_init import project, written
from tests.datasets.own_folders import OwnFolder, film, write_films
from tests.datasets.sources import ingested
from tests.terminal import Terminal

__all__ = ["project"]
KEY = x25519.Identity.generate()
SPLITS = ("train", "validation", "test")
CLASSES = ("cancer", "normal")


@pytest.fixture
def own(tmp_path: Path) -> OwnFolder:
    """Return 24 files of 12 patients in three splits; the label of a test case is drawn."""
    drawn = np.random.default_rng(3).permutation(np.arange(24) % 2)

    def change(at: int) -> dict[str, object]:
        split = SPLITS[at // 2 % 3]
        label = {"label": ("normal", "cancer")[drawn[at]]} if split == "test" else {}
        return {"split": split, **label}

    return write_films(tmp_path / "custodian", 24, change)


def seal(own: OwnFolder, output: Path, *more: str) -> int:
    recipient = ("--recipient", str(KEY.to_public()))
    return main(["seal", str(own.folder), str(own.csv), *recipient, "--output", str(output), *more])


@pytest.fixture
def source(project: Path, own: OwnFolder, tmp_path: Path) -> Folder:
    """Return the data set that the authors made of what they were given."""
    given = tmp_path / "authors"
    assert seal(own, given) == 0
    sealed = ("--sealed-labels", str(given / "films.labels.age"))
    words = ["init", str(own.folder), str(given / "films.csv"), "--positive", "cancer", *sealed]
    assert main(words) == 0
    return written(project)


@pytest.mark.slow
def test_the_custodian_reads_the_labels_and_nobody_else(
    source: Folder, own: OwnFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, cases = ingested(source, tmp_path / "data")
    test = cases.test()
    assert set(test.label) == {SEALED}
    assert are_encrypted(folders.sealed)
    task = read_record(Task, folders.cases / "task.json")
    with pytest.raises(DataError, match="ask the custodian") as absent:
        open_labels(folders.sealed, task.classes)
    assert "SKIAGRAM_SEAL_KEY_FILE" in str(absent.value)
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY", str(x25519.Identity.generate()))
    with pytest.raises(DataError, match="another key is needed"):
        open_labels(folders.sealed, task.classes)

    (tmp_path / "key").write_text(f"# created\n{KEY}\n")
    monkeypatch.delenv("SKIAGRAM_SEAL_KEY")
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY_FILE", str(tmp_path / "key"))
    opened = open_labels(folders.sealed, task.classes).set_index("case_id")["label"]
    true = {
        film(at).tobytes(): CLASSES.index(line.split(",")[2])
        for at, line in enumerate(own.csv.read_text().splitlines()[1:])
    }
    images = ImageStore(folders.images)
    assert len(opened) == len(test) == 8
    for case_id in test.case_id:
        assert opened[case_id] == true[images.image(case_id).tobytes()]


@pytest.mark.slow
def test_no_byte_that_the_authors_have_depends_on_a_test_label(
    project: Path, own: OwnFolder, source: Folder, tmp_path: Path
) -> None:
    """All labels of test cases turned round: only the encrypted file differs."""
    ingested(source, tmp_path / "data")
    before = _bytes(project, tmp_path / "data", tmp_path / "authors")
    text = own.csv.read_text().splitlines()
    turned = {"normal": "cancer", "cancer": "normal"}
    lines = [
        line.replace(cells[2], turned[cells[2]]) if cells[-1] == "test" else line
        for line in text[1:]
        for cells in [line.split(",")]
    ]
    own.csv.write_text("\n".join([text[0], *lines]) + "\n")
    assert lines != text[1:]
    other = tmp_path / "other"
    assert seal(own, other) == 0
    assert (other / "films.csv").read_bytes() == before["films.csv"]
    name = "films.labels.age"
    sealed = [
        pyrage.decrypt(content, [KEY]) for content in ((other / name).read_bytes(), before[name])
    ]
    assert sealed[0] != sealed[1]
    assert len(sealed[0]) == len(sealed[1])


@pytest.mark.slow
def test_marks_of_test_cases_are_not_given_to_the_authors(own: OwnFolder, tmp_path: Path) -> None:
    head, *lines = own.csv.read_text().splitlines()
    own.csv.write_text("\n".join([f"{head},marks", *(f"{line},12 12 3" for line in lines)]))
    assert seal(own, tmp_path / "authors") == 0
    with (tmp_path / "authors/films.csv").open() as file:
        found = {(row["split"] == "test", row["marks"]) for row in csv.DictReader(file)}
    assert found == {(True, ""), (False, "12 12 3")}


def _bytes(*folders: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.slow
def test_a_label_left_in_the_table_is_refused(
    project: Path, own: OwnFolder, tmp_path: Path, terminal: Terminal
) -> None:
    given = tmp_path / "authors"
    assert seal(own, given) == 0
    sealed = ("--sealed-labels", str(given / "films.labels.age"))
    words = ["init", str(own.folder), str(own.csv), "--positive", "cancer", *sealed]
    assert "a test case with its label in the CSV" in terminal(words, 4)
    assert not (project / "conf/dataset/films.yaml").exists()


@pytest.mark.slow
def test_an_altered_file_of_labels_is_named(
    project: Path, source: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, _ = ingested(source, tmp_path / "data")
    task = read_record(Task, folders.cases / "task.json")
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY", str(KEY))
    content = (folders.sealed / "labels.age").read_bytes()
    for damaged in (content[:-1], content[:-20] + bytes([content[-20] ^ 1]) + content[-19:], b""):
        (folders.sealed / "labels.age").write_bytes(damaged)
        with pytest.raises(DataError, match="altered or cut short"):
            open_labels(folders.sealed, task.classes)
    committed = project / "conf/dataset/films.labels.age"
    committed.write_bytes(committed.read_bytes()[:-1])
    with pytest.raises(DataError, match="changed since it was written"):
        ingested(source, tmp_path / "again")


@pytest.mark.parametrize(
    ("more", "words", "code"),
    [
        (["--recipient", str(KEY)], "no public key of age", 2),
        (["--recipient", "age1nonsense"], "no public key of age", 2),
        (["--split", "view"], "split `CC`", 4),
    ],
)
def test_what_cannot_be_sealed_is_named_and_nothing_is_written(
    project: Path,
    own: OwnFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    words: str,
    code: int,
) -> None:
    assert seal(own, tmp_path / "out", *more) == code
    said = capsys.readouterr().err
    assert words in said
    assert str(KEY) not in said
    assert not (tmp_path / "out").exists()


def test_two_equal_test_images_with_two_labels_are_refused(
    project: Path, own: OwnFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line.split(",") for line in own.csv.read_text().splitlines()]
    test = [cells[0] for cells in lines if cells[-1] == "test"]
    labels = {cells[0]: cells[2] for cells in lines}
    other = next(name for name in test if labels[name] != labels[test[0]])
    (own.folder / other).write_bytes((own.folder / test[0]).read_bytes())
    assert seal(own, tmp_path / "out") == 4
    assert "equal to another test image, with another label" in capsys.readouterr().err


@pytest.mark.slow
def test_a_key_opens_a_file_of_other_images_to_no_avail(
    source: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, _ = ingested(source, tmp_path / "data")
    task = read_record(Task, folders.cases / "task.json")
    monkeypatch.setenv("SKIAGRAM_SEAL_KEY", str(KEY))
    path = folders.sealed / "labels.age"
    path.write_bytes(encrypt_labels({"0" * 64: 1}, CLASSES, str(KEY.to_public()), "test"))
    with pytest.raises(DataError, match="8 of 8 test cases have no label"):
        open_labels(folders.sealed, task.classes)
    tokens = _tokens(folders.sealed)
    path.write_bytes(
        encrypt_labels(dict.fromkeys(tokens, 0), ("cyst", *CLASSES), str(KEY.to_public()), "test")
    )
    with pytest.raises(DataError, match="1 classes that the data set does not have"):
        open_labels(folders.sealed, task.classes)


def _tokens(sealed: Path) -> list[str]:
    return [str(token) for token in read_table(sealed / "tokens.parquet")["token"]]
