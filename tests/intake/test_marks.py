"""Lesions of a CSV or of COCO: the same place, the classes that are meant, each once."""

import json
import math
from io import StringIO

import pandas as pd
import pytest

from skiagram.cli.main import main
from skiagram.datasets.folder.lesions import Lesion
from skiagram.errors import DataError
from skiagram.intake.file_names import FileNames
from skiagram.intake.file_options import FileOptions
from skiagram.intake.marks import read_lesions
from tests.datasets.own_folders import png, write_films
from tests.yaml_rows import read_yaml

# from column 20 to 40 and row 10 to 50 of an image of 200 rows and 100 columns
EXPECTED = Lesion((29.5, 29.5), math.sqrt(20 * 40 / math.pi))
FILES = ("a/one.png", "two.png", "a/twice.png", "b/twice.png")
BOX = {"image_id": 1, "bbox": [20, 10, 20, 40]}
ONE = {"id": 1, "file_name": "one.png"}
KINDS = {"categories": [{"id": 10, "name": "breast"}, {"id": 11, "name": "mass"}]}


def read(path, *, files=FILES, **options):
    return read_lesions(path, FileNames(files), lambda _: (200, 100), FileOptions(path, **options))


def coco(*boxes, listed=(ONE,), **more):
    return json.dumps({"images": listed, "annotations": boxes, **more})


ROWS = read_yaml(__file__)


def write(folder, content, name=""):
    text = content if isinstance(content, str) else json.dumps(content)
    path = folder / (name or ("coco.json" if text.startswith("{") else "marks.csv"))
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("form", ROWS["forms"])
def test_forms_say_the_same_box(form, tmp_path):
    [(file, [lesion])] = read(write(tmp_path, ROWS["forms"][form])).items()
    assert file == "a/one.png"
    assert [*lesion.centre, lesion.radius] == pytest.approx([*EXPECTED.centre, EXPECTED.radius])


def test_luna16_names_series_and_gives_mm(tmp_path):
    text = "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.3.6.1,-128.7,-175.3,-298.4,5.6\n"
    lesions = read(write(tmp_path, text), files=("subset0/1.3.6.1.mhd",))
    assert lesions == {"subset0/1.3.6.1.mhd": [Lesion((-128.7, -175.3, -298.4), 2.8, world=True)]}


@pytest.mark.parametrize(("text", "classes", "expected"), ROWS["choices"])
def test_classes_are_not_mixed_in_whatever_column_they_are(text, classes, expected, tmp_path):
    path = write(tmp_path, text)
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            read(path, mark_class=classes)
        return
    [lesions] = read(path, mark_class=classes).values()
    assert [lesion.centre[0] for lesion in lesions] == pytest.approx(expected)


def test_lesions_that_nearly_coincide_are_refused_until_somebody_says_that_they_differ(tmp_path):
    shifted = BOX | {"bbox": [22, 12, 20, 40]}
    with pytest.raises(DataError, match="twice"):
        read(write(tmp_path, coco(BOX, shifted, BOX)), similar_marks=True)
    path = write(tmp_path, coco(BOX, shifted))
    with pytest.raises(DataError, match=r"share half of their area.*--similar-marks"):
        read(path)
    assert len(read(path, similar_marks=True)["a/one.png"]) == 2


NESTED = ["one.json", '{"a": ' + "[" * 200_000, "no lesions of COCO"]


@pytest.mark.parametrize(("name", "text", "words"), [*ROWS["refused"], NESTED])
def test_what_is_no_lesion_or_has_no_place_is_named(name, text, words, tmp_path):
    path = write(tmp_path, text, name)
    with pytest.raises(DataError, match=f"(?s){words}"):
        read(path.parent if "/" in name else path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a/one.png", "a/one.png"),
        ("one", "a/one.png"),
        ("/data/films/a/one.png", "a/one.png"),
        ("films\\a\\one.png", "a/one.png"),
        ("two.png", "two.png"),
        ("b/two", "two.png"),
        ("scan", "b/c/scan.nii.gz"),
        ("c/scan.nii.gz", "b/c/scan.nii.gz"),
        ("1.3.6.1", "1.3.6.1.mhd"),
    ],
)
def test_a_name_means_a_file_whose_folders_do_not_contradict_it(name, file):
    files = ("a/one.png", "two.png", "b/c/scan.nii.gz", "1.3.6.1.mhd", "a/x.png", "b/x.png")
    assert FileNames(files).find(name) == file


def test_lesions_of_normal_images_stop(tmp_path, terminal):
    own = write_films(tmp_path, 12, lambda at: {"marks": "5 6 2" if at in (2, 3, 4) else ""})
    shown = terminal(["check", str(own.folder), str(own.csv), "--positive", "cancer"], 4)
    assert "images of the class `normal` have lesions" in shown


def test_the_command_takes_the_choices(tmp_path, monkeypatch, capsys):
    (tmp_path / "films").mkdir()
    for name in ("one.png", "two.png"):
        (tmp_path / "films" / name).write_bytes(png(1))
    boxes = [BOX | {"category_id": 10, "bbox": [1, 1, 6, 6]}]
    boxes += [BOX | {"category_id": 11, "bbox": [2, 3, 4, 4]}]
    write(tmp_path, coco(*boxes, **KINDS))
    monkeypatch.chdir(tmp_path)
    command = ["table", "films", "films.csv", "--pattern", "{patient}.png", "--marks", "coco.json"]
    assert main(command) != 0
    assert "--mark-class" in capsys.readouterr().err
    assert main([*command, "--mark-class", "mass"]) == 0
    table = pd.read_csv(StringIO((tmp_path / "films.csv").read_text()), dtype=str)
    assert table["lesion"].tolist() == ["present", "absent"]
    x, y, radius = map(float, str(table["marks"][0]).split())
    assert (x, y, radius) == pytest.approx((3.5, 4.5, math.sqrt(16 / math.pi)))
