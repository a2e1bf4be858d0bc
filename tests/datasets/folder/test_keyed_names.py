"""File names under a key: the run finds the same files, and names what it does not find."""

from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest

from skiagram.datasets.folder.keyed_names import KEYED, OF_FILE, key_name
from skiagram.datasets.folder.option_file import OptionFiles
from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.options import build
from skiagram.tables.frames import read_table
from tests.datasets.own_folders import png, row, sound_folder, source_of, write_folder
from tests.datasets.sources import ingested
from tests.yaml_rows import load_yaml

KEY = b"0123456789abcdef"


def keyed(own):
    """Return the data set of a folder, its manifest under a key."""
    source = source_of(own)
    rows = read_table(Path(source.manifest).read_bytes())
    checksums = dict(zip(rows["file"], rows["sha256"], strict=True))
    files = OptionFiles("films", patient_key=KEY)
    with chdir(own.folder.parent):
        files.write(source, rows, checksums)
        written = build(load_yaml(files.options), "dataset")
        return replace(written, manifest=str(files.manifest.resolve()))


@pytest.mark.slow
def test_the_same_images_arrive_and_no_name_stands_in_the_manifest(tmp_path):
    own = sound_folder(tmp_path)
    plain, plain_cases = ingested(source_of(own), tmp_path / "plain", "cv")
    source = keyed(own)
    folders, cases = ingested(source, tmp_path / "out", "cv")
    assert ImageStore(folders.images).sha256 == ImageStore(plain.images).sha256
    assert list(cases.label) == list(plain_cases.label)
    text = Path(source.manifest).read_text()
    assert text.count(KEYED) == 2 * len(cases)
    for path in own.folder.rglob("*"):
        assert path.name not in text


@pytest.mark.slow
def test_equal_files_are_each_found(tmp_path):
    """Byte-identical files cannot be told apart, and need not be."""
    files = {f"film-{at}.png": png(at // 2) for at in range(8)}
    own = write_folder(tmp_path, files, [row(at, name) for at, name in enumerate(files)])
    _, cases = ingested(keyed(own), tmp_path / "out", "cv")
    assert len(cases) == 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "no file has the checksum"),
        (lambda path: path.unlink(), "no file has the checksum"),
        (lambda path: path.with_name("new.png").write_bytes(png(77)), "without a row in the table"),
    ],
)
def test_a_changed_a_missing_and_a_new_file_are_named(tmp_path, harm, words):
    own = sound_folder(tmp_path)
    source = keyed(own)
    harm(next(own.folder.rglob("MRN*")))
    with pytest.raises(DataError, match=words):
        ingested(source, tmp_path / "out", "cv")


def test_a_file_may_be_renamed_since_its_content_tells_it(tmp_path):
    own = sound_folder(tmp_path)
    source = keyed(own)
    path = next(own.folder.rglob("MRN*"))
    path.rename(own.folder / "another.png")
    ingested(source, tmp_path / "out", "cv")


def test_a_patient_and_a_file_of_one_name_have_two_hashes():
    assert key_name("4711", KEY) != key_name("4711", KEY, OF_FILE)
    assert key_name("4711", KEY, OF_FILE) != key_name("4711", KEY[::-1], OF_FILE)
