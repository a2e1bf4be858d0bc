"""Files that vanish, links in circles, odd names, a full disk: named, and nothing is lost."""

import csv
from pathlib import Path

import pytest

from skiagram.errors import DataError
from tests.datasets.own_folders import (
    png,
    sound_folder,
    source_of,
    write_folder,
)
from tests.datasets.sources import ingested

pytestmark = pytest.mark.slow

NAMES = (
    "with space.png",
    "Größe ß.png",
    "it's.png",
    'say "x".png',
    "x" * 246 + ".png",
    "sub dir/ü.png",
    "semi;colon.png",
    "com,ma.png",
    "per%cent.png",
    "-dash.png",
    "$HOME.png",
    "plain.png",
)


def odd_folder(place):
    """Write a sound folder of files with odd names, and links that lead in a circle."""
    rows = [
        {"file": name, "label": ("normal", "cancer")[at // 2 % 2], "patient_id": f"P{at}"}
        for at, name in enumerate(NAMES)
    ]
    own = write_folder(place, {name: png(at) for at, name in enumerate(NAMES)}, rows)
    (own.folder / "loop").symlink_to(".")
    (own.folder / "itself").symlink_to("itself")
    return own


def test_odd_names_and_circles_of_links_go_from_check_to_ingest(here, initialised, terminal):
    own = odd_folder(here)
    line = f"{own.folder} {own.csv}"
    source = initialised([*line.split(), "--positive", "cancer"], here / "project")
    terminal(f"check {line}")
    with Path(source.manifest).open(newline="") as file:
        assert {row["file"] for row in csv.DictReader(file)} == set(NAMES)
    _, cases = ingested(source, here / "out", "cv")
    assert len(cases) == len(NAMES)


def test_a_file_that_vanishes_after_the_folder_was_opened_is_named(tmp_path):
    own = sound_folder(tmp_path)
    source = source_of(own)
    opened = source.open(None)
    names = opened.entries["name"].tolist()
    (own.folder / names[1]).unlink()
    with pytest.raises(DataError, match="cannot be opened") as error:
        opened.image(1)
    assert error.value.where == names[1]
    assert opened.image(0).pixels.size
    with pytest.raises(DataError):
        ingested(source, tmp_path / "out", "cv")
