"""Files and tables as they come: doubled rows, links to nowhere, labels in two spellings."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiagram.deploy.new_cases import find_cases


def _images(folder):
    folder.mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p{number}.png")
    return folder


@pytest.mark.parametrize(
    ("labels", "fragment"),
    [
        ("patient_id,label\np0,a\np1,b\np0,b\n", "2 rows of patient `p0`, in lines 2, 4"),
        ("patient_id,label,file\np0,a,x\np1,b,y\np2,b,z\np3,b,z\n", "a column `file`"),
        ("patient_id,label\nq0,a\nq1,b\n", "4 of 4 patients of the files"),
        ("who,label\np0,a\n", "labels.csv: no column `patient_id`"),
        ("patient,label\nUnknown,a\np0,b\n", "labels.csv, line 2: patient `Unknown`"),
        ("PatientID,label\n1.23457E+11,a\n", "a number that a spreadsheet has rounded"),
    ],
)
def test_table_refuses_labels_that_fit_in_two_ways_or_not_at_all(
    labels, fragment, tmp_path, terminal
):
    folder, table, output = _images(tmp_path / "i"), tmp_path / "labels.csv", tmp_path / "o.csv"
    table.write_text(labels)
    words = ["table", str(folder), str(table), str(output), "--pattern", "{patient}.png"]
    assert fragment in terminal(words, 4)
    assert not output.exists()


@pytest.mark.parametrize("command", ["check", "run", "init"])
def test_a_file_of_arrays_is_refused_with_the_line_that_makes_a_folder(command, here, terminal):
    (here / "set.npz").write_bytes(b"PK")
    said = "`python examples/medmnist.py | set.npz set` of the repository | name `set set.csv`"
    terminal.says(f"{command} set.npz --positive 1", said, 4)
    assert [path.name for path in here.iterdir()] == ["set.npz"]


def test_table_names_images_that_fit_no_pattern(tmp_path, terminal):
    folder, table = _images(tmp_path / "i"), tmp_path / "labels.csv"
    (folder / "p3.png").rename(folder / "p3.other")
    table.write_text("patient_id,label\np0,a\np1,b\np2,b\n")
    words = ["table", str(folder), str(table), str(tmp_path / "o"), "--pattern", "{patient}.png"]
    assert "fit no pattern: 1, first p3.other" in terminal(words)


def test_a_link_to_nowhere_is_a_case_that_cannot_be_read(tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "gone.png")
    assert [case.name for case in find_cases([str(link)], volumes=False)] == [str(link)]


def test_pictures_of_another_kind_and_broken_links_in_a_folder_are_cases(tmp_path):
    folder = _images(tmp_path / "i")
    (folder / "q.gif").write_bytes(b"GIF89a")
    (folder / "r.png").symlink_to(tmp_path / "gone.png")
    (folder / "notes.txt").write_text("no picture")
    found = [Path(case.name).name for case in find_cases([str(folder)], volumes=False)]
    assert found == ["p0.png", "p1.png", "p2.png", "p3.png", "q.gif", "r.png"]


def test_masks_beside_new_images_are_no_cases_to_score(tmp_path):
    folder = _images(tmp_path / "i")
    (folder / "p1.png").rename(folder / "p0_mask.png")
    problems = {
        Path(case.name).name: case.problem for case in find_cases([str(folder)], volumes=False)
    }
    assert problems["p0.png"] is None
    assert "a mask of another image" in str(problems["p0_mask.png"])
