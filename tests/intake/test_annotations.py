"""Lesions as other programs write them: the same place, one class, each once."""

import json
import math
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from skiagram.cli.main import main
from skiagram.datasets.folder.lesions import Lesion
from skiagram.errors import DataError
from skiagram.intake.annotations import Images, MarkChoice, read_lesions
from tests.datasets.own_folders import png, write_films
from tests.terminal import Terminal

# from column 20 to 40 and row 10 to 50 of an image of 200 rows and 100 columns
EXPECTED = Lesion((29.5, 29.5), math.sqrt(20 * 40 / math.pi))
CORNERS = [[20.0, 10.0], [40.0, 50.0]]
OUTLINE = [[20.0, 10.0], [40.0, 10.0], [40.0, 50.0], [20.0, 50.0]]


def images(*files: str) -> Images:
    return Images(files, lambda _: (200, 100))


def _csv(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(path / "boxes.csv", index=False)
    return path / "boxes.csv"


def _saved(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def _yolo(path: Path) -> Path:
    (path / "labels/train").mkdir(parents=True)
    (path / "labels/train/one.txt").write_text("1 .3 .15 .2 .2\n")
    (path / "labels/classes.txt").write_text("breast\nmass\n")
    return path / "labels"


def _voc(path: Path, kind: str = "mass", *, times: int = 1) -> Path:
    tree = ElementTree.Element("annotation")
    ElementTree.SubElement(tree, "filename").text = "one.png"
    size = ElementTree.SubElement(tree, "size")
    for side, length in (("width", 100), ("height", 200), ("depth", 1)):
        ElementTree.SubElement(size, side).text = str(length)
    for _ in range(times):
        item = ElementTree.SubElement(tree, "object")
        ElementTree.SubElement(item, "name").text = kind
        box = ElementTree.SubElement(item, "bndbox")
        for corner, at in zip(("xmin", "ymin", "xmax", "ymax"), (20, 10, 40, 50), strict=True):
            ElementTree.SubElement(box, corner).text = str(at)
    ElementTree.ElementTree(tree).write(path / "one.xml")
    return path


def _labelme(path: Path, form: str, points: list[list[float]]) -> Path:
    shape = {"label": "mass", "points": points, "shape_type": form, "flags": {}}
    content = {"version": "5.4", "shapes": [shape], "imagePath": "..\\films\\one.png"}
    _saved(path / "one.json", {**content, "imageHeight": 200, "imageWidth": 100})
    return path


def _coco(*kinds: str, boxes: list[list[float]] | None = None) -> dict[str, Any]:
    categories = [{"id": 10 + at, "name": kind} for at, kind in enumerate(dict.fromkeys(kinds))]
    ids = {each["name"]: each["id"] for each in categories}
    boxes = boxes or [[20 + 30 * at, 10, 20, 40] for at in range(len(kinds))]
    annotations = [
        {"image_id": 1, "category_id": ids[kind], "bbox": box}
        for kind, box in zip(kinds, boxes, strict=True)
    ]
    listed = [{"id": 1, "file_name": "one.png"}]
    return {"images": listed, "categories": categories, "annotations": annotations}


PROGRAMS: dict[str, Callable[[Path], Path]] = {
    "xmin": lambda path: _csv(path, file=["one.png"], xmin=[20], ymin=[10], xmax=[40], ymax=[50]),
    "x1": lambda path: _csv(path, image_id=["one"], x1=[20.0], y1=[10.0], x2=[40.0], y2=[50.0]),
    "RSNA": lambda path: _csv(
        path, patientId=["two", "one"], x=[None, 20], y=[None, 10], width=[None, 20],
        height=[None, 40], Target=[0, 1],
    ),
    "VinDr-CXR": lambda path: _csv(
        path, image_id=["two", "one"], class_name=["No finding", "Mass"], class_id=[14, 3],
        x_min=[None, 20], y_min=[None, 10], x_max=[None, 40], y_max=[None, 50],
    ),
    "a box of no finding": lambda path: _csv(
        path, image_id=["two", "one"], finding_categories=["['No Finding']", "['Mass']"],
        x_min=[0, 20], y_min=[0, 10], x_max=[1, 40], y_max=[1, 50],
    ),
    "COCO": lambda path: _saved(path / "coco.json", _coco("mass")),
    "YOLO": _yolo,
    "Pascal VOC": _voc,
    "LabelMe, rectangle": lambda path: _labelme(path, "rectangle", CORNERS[::-1]),
    "LabelMe, polygon": lambda path: _labelme(path, "polygon", OUTLINE),
    "LabelMe, circle": lambda path: _labelme(
        path, "circle", [[30, 30], [30 + EXPECTED.radius, 30]]
    ),
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_say_the_same_box(program: str, tmp_path: Path) -> None:
    path = PROGRAMS[program](tmp_path)
    lesions = read_lesions(path, images("train/one.png", "train/two.png"))
    [(file, [lesion])] = lesions.items()
    assert file == "train/one.png"
    assert lesion.centre == pytest.approx(EXPECTED.centre)
    assert lesion.radius == pytest.approx(EXPECTED.radius)


def test_classes_are_not_mixed(tmp_path: Path) -> None:
    path = _saved(tmp_path / "coco.json", _coco("breast", "mass"))
    with pytest.raises(DataError, match=r"2 classes: `breast` .*1.*`mass`.*--mark-class"):
        read_lesions(path, images("one.png"))
    [lesion] = read_lesions(path, images("one.png"), MarkChoice(("mass",)))["one.png"]
    assert lesion.centre == pytest.approx((59.5, 29.5))
    both = read_lesions(path, images("one.png"), MarkChoice(("mass", "breast")))
    assert len(both["one.png"]) == 2
    with pytest.raises(DataError, match="no lesion of the class `masses`"):
        read_lesions(path, images("one.png"), MarkChoice(("masses",)))
    (tmp_path / "yolo").mkdir()
    (tmp_path / "yolo/one.txt").write_text("0 .3 .3 .2 .2\n1 .7 .7 .2 .2\n")
    (tmp_path / "yolo/data.yaml").write_text(yaml.safe_dump({"names": {0: "breast", 1: "mass"}}))
    with pytest.raises(DataError, match="2 classes: `breast`"):
        read_lesions(tmp_path / "yolo", images("one.png"))


def test_what_several_readers_drew_is_one_lesion_when_somebody_says_so(tmp_path: Path) -> None:
    boxes: list[list[float]] = [
        [20, 10, 20, 40],
        [22, 12, 20, 40],
        [20, 10, 20, 40],
        [70, 150, 20, 20],
    ]
    path = _saved(tmp_path / "coco.json", _coco(*["mass"] * 4, boxes=boxes))
    with pytest.raises(DataError, match="twice"):
        read_lesions(path, images("one.png"), MarkChoice(similar="apart"))
    lesions = read_lesions(path, images("one.png"), MarkChoice(similar="join"))["one.png"]
    assert [lesion.centre for lesion in lesions] == [
        pytest.approx((30.5 - 1 / 3, 30.5 - 1 / 3)),
        pytest.approx((79.5, 159.5)),
    ]
    path = _saved(path, _coco("mass", "mass", boxes=boxes[:2]))
    with pytest.raises(DataError, match=r"share half of their area.*--similar-marks join"):
        read_lesions(path, images("one.png"))
    assert len(read_lesions(path, images("one.png"), MarkChoice(similar="apart"))["one.png"]) == 2


def test_shares_of_an_image_are_named_and_read_when_somebody_says_so(tmp_path: Path) -> None:
    shares = {"x_min": [0.2], "y_min": [0.05], "x_max": [0.4], "y_max": [0.25]}
    path = _csv(tmp_path, file=["one.png"], **shares)
    with pytest.raises(DataError, match=r"no larger than a pixel.*--mark-unit shares"):
        read_lesions(path, images("one.png"))
    [lesion] = read_lesions(path, images("one.png"), MarkChoice(unit="shares"))["one.png"]
    assert lesion.centre == pytest.approx(EXPECTED.centre)
    assert lesion.radius == pytest.approx(EXPECTED.radius)


@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_slicers_markups_are_places_in_the_patient(system: str, tmp_path: Path) -> None:
    sign = -1 if system == "RAS" else 1
    at = [sign * 12.5, sign * -7.0, 30.0]
    ends = [[at[0], at[1] - 4, at[2]], [at[0], at[1] + 4, at[2]]]
    point = {"type": "Fiducial", "coordinateSystem": system}
    not_placed = {"position": [0, 0, 0], "positionStatus": "undefined"}
    line = {"type": "Line", "coordinateSystem": system}
    box = {"type": "ROI", "coordinateSystem": system, "center": at, "size": [2, 4, 8]}
    markups = (
        ({**point, "controlPoints": [{"position": at}, not_placed]}, 4.0),
        ({**line, "controlPoints": [{"position": end} for end in ends]}, 4.0),
        (box, (3 * 64 / (4 * math.pi)) ** (1 / 3)),
    )
    for markup, radius in markups:
        path = _saved(tmp_path / "scan.mrk.json", {"markups": [markup]})
        [lesion] = read_lesions(path, images("a/scan.nii.gz"), MarkChoice(radius=4))[
            "a/scan.nii.gz"
        ]
        assert lesion.world
        assert [*lesion.centre, lesion.radius] == pytest.approx([12.5, -7, 30, radius])
    table = tmp_path / "scan.fcsv"
    table.write_text(
        f"# Markups fiducial file version = 4.11\n# CoordinateSystem = {system}\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
        f"vtkMRMLMarkupsFiducialNode_0,{at[0]},{at[1]},{at[2]},0,0,0,1,1,1,0,F-1,,\n"
    )
    with pytest.raises(DataError, match=r"scan\.fcsv, line 4: a point.*--mark-radius"):
        read_lesions(table, images("scan.nrrd"))
    [lesion] = read_lesions(table, images("scan.nrrd"), MarkChoice(radius=4))["scan.nrrd"]
    assert [*lesion.centre, lesion.radius] == pytest.approx([12.5, -7, 30, 4])


VIA = {
    "filename": "one.png",
    "regions": [{"shape_attributes": {"name": "rect", "x": 2, "y": 1, "width": 2, "height": 4}}],
}
CVAT = "<annotations><image name='one.png'><box label='a'/></image></annotations>"
BOX = {"image_id": 1, "category_id": 1, "bbox": [20, 10, 20, 40]}
ONE = {"id": 1, "file_name": "one.png"}


def _boxes(*boxes: dict[str, Any], listed: tuple[dict[str, Any], ...] = (ONE,)) -> str:
    return json.dumps({"images": listed, "annotations": boxes})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("one.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "a document type"),
        ("one.xml", "<annotation>", "no lesions of a known program"),
        ("one.xml", "<Annotations/>", "no lesions of a known program .<Annotations>"),
        ("one.mrk.json", '{"markups": [{"type": "Fiducial", "coordinateUnits": "m"}]}', "in `m`"),
        ("one.json", "[1]", "no lesions of a known program .a list"),
        ("one.json", '{"a": 1}', "no lesions of a known program"),
        ("one.json", '{"shapes": [{"label": "a", "points": [[1, 2]]}]}', "`polygon` of 1 points"),
        ("one.fcsv", "a,b,c,d\n", "no lesions of a known program"),
        ("via.json", json.dumps({"_via_img_metadata": {"one.png10": VIA}}), "VIA.*COCO"),
        ("via.json", json.dumps({"one.png10": VIA}), "VIA.*COCO"),
        ("via.csv", "filename,file_size,region_shape_attributes\none.png,1,{}\n", "VIA.*COCO"),
        ("cvat.xml", CVAT, "CVAT.*COCO 1.0"),
        ("coco.json", _boxes(BOX, listed=(ONE, ONE | {"file_name": "two.png"})),
         "annotation 1: a box of .* 2 images"),
        ("coco.json", _boxes(BOX, BOX | {"image_id": 8}),
         "annotation 2: a box of image 8, an id of 0 images"),
        ("coco.json", _boxes(BOX, listed=(ONE | {"width": 200, "height": 400},)),
         "400 × 200 pixels, which has 200 × 100"),
        ("coco.json", _boxes(BOX | {"bbox": [float("nan"), 1, 2, 3]}),
         "annotation 1: a box of 2 × 3 at nan"),
        ("coco.json", _boxes(BOX | {"bbox": [1, 2, 3]}), "no lesions of a known program"),
        ("coco.json", _boxes(BOX, BOX), "one.png`: the lesion `29.5 .*` twice"),
        ("a.csv", "file,x,y,radius\none.png,1,2,-3\n", "line 2"),
        ("a.csv", "file,x,y,radius\none.png,1,b,3\n", "line 2"),
        ("a.csv", "file,x,y,z,radius\none.png,1,,2,3\n", "line 2"),
        ("a.csv", "file,x,y\none.png,1,2\n", "columns file, x, y"),
        ("a.csv", "file,x,y,diameter_mm\none.png,1,2,3\n", "columns file, x, y, diameter_mm"),
        ("a.csv", "file,x,y,radius\nnone.png,1,2,3\n", "none.png"),
        ("a.csv", "file,x,y,radius\ntwice.png,1,2,3\n", "several"),
        ("a.csv", "file,x,y,radius\nb/one.png,1,2,3\n", "line 2: .*another folder here: a/one.png"),
        ("a.csv", "file;x;y;radius\none.png;1,5;2.5;3\n",
         "line 2: `1,5` in column `x`.* decimal point"),
        ("a.csv", "file,x,y,radius\none.png,1,2,3\none.png,1,2,3\n", "the lesion .* twice"),
        ("a.csv", "file,x,y,radius\none.png,1,2\n", "a.csv, line 2: 3 cells"),
        ("one.txt", "0 .3 .15 .2 .2 .97\n0 .1 .1 .3 .1 .3 .5\n", "line 2: no box of YOLO"),
        ("one.txt", "0 .3 .15 .2 .2 .97\n0 .3 .15 .2 .2 .1 .2 2\n", "line 2: .*no polygons"),
        ("one.txt", "0 .3 .15 .2 .2 .97\n0 .3 .15 .2\n", "line 2: no box of YOLO"),
    ],
)  # fmt: skip
def test_what_is_no_lesion_or_has_no_place_is_named(
    name: str, text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    path = tmp_path if name.endswith(".txt") else tmp_path / name  # a folder of YOLO's
    with pytest.raises(DataError, match=words):
        read_lesions(path, images("a/one.png", "two.png", "a/twice.png", "b/twice.png"))


def test_yolos_files_are_found_in_the_folders_of_their_images(tmp_path: Path) -> None:
    for patient, share in (("a", 0.3), ("b", 0.6)):
        (tmp_path / patient).mkdir()
        (tmp_path / patient / "left.txt").write_text(f"0 {share} .15 .2 .2\n")
    found = read_lesions(tmp_path, images("a/left.png", "b/left.png"))
    assert [own[0].centre[0] for own in found.values()] == pytest.approx([29.5, 59.5])


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
def test_a_name_means_a_file_whose_folders_do_not_contradict_it(name: str, file: str) -> None:
    files = ("a/one.png", "two.png", "b/c/scan.nii.gz", "1.3.6.1.mhd", "a/x.png", "b/x.png")
    assert images(*files).find(name) == file


def test_luna16_names_series_and_gives_mm(tmp_path: Path) -> None:
    path = tmp_path / "annotations.csv"
    path.write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.3.6.1,-128.7,-175.3,-298.4,5.6\n"
    )
    [lesion] = read_lesions(path, images("subset0/1.3.6.1.mhd"))["subset0/1.3.6.1.mhd"]
    assert lesion == Lesion((-128.7, -175.3, -298.4), 2.8, world=True)


def test_boxes_of_an_image_that_was_scaled_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="200 × 100 pixels, which has 400 × 200 here"):
        read_lesions(_voc(tmp_path), Images(["one.png"], lambda _: (400, 200)))
    sides = {"width": [100], "height": [200]}
    path = _csv(tmp_path, filename=["one"], **sides, xmin=[20], ymin=[10], xmax=[40], ymax=[50])
    assert len(read_lesions(path, images("one.png"))) == 1
    with pytest.raises(DataError, match="200 × 100 pixels, which has 400 × 200 here"):
        read_lesions(path, Images(["one.png"], lambda _: (400, 200)))


def test_a_copied_file_that_names_another_image_is_refused(tmp_path: Path) -> None:
    (_voc(tmp_path) / "one.xml").rename(tmp_path / "two.xml")
    with pytest.raises(DataError, match=r"of `one\.png` by the content, of `two` by the name"):
        read_lesions(tmp_path, images("one.png", "two.png"))


def test_lesions_of_normal_images_stop(tmp_path: Path, terminal: Terminal) -> None:
    own = write_films(tmp_path, 12, lambda at: {"marks": "5 6 2" if at in (2, 3, 4) else ""})
    shown = terminal(["check", str(own.folder), str(own.csv), "--positive", "cancer"], 4)
    assert "images of the class `normal` have lesions" in shown


def test_the_command_takes_the_choices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "films").mkdir()
    for name in ("one.png", "two.png"):
        (tmp_path / "films" / name).write_bytes(png(1))
    _saved(tmp_path / "coco.json", _coco("breast", "mass", boxes=[[1, 1, 6, 6], [2, 3, 4, 4]]))
    monkeypatch.chdir(tmp_path)
    command = ["table", "films", "films.csv", "--pattern", "{patient}.png", "--marks", "coco.json"]
    assert main(command) != 0
    assert "--mark-class" in capsys.readouterr().err
    assert main([*command, "--mark-class", "mass"]) == 0
    table = pd.read_csv(StringIO((tmp_path / "films.csv").read_text()), dtype=str)
    assert table["lesion"].tolist() == ["present", "absent"]
    x, y, radius = map(float, str(table["marks"][0]).split())
    assert (x, y, radius) == pytest.approx((3.5, 4.5, np.sqrt(16 / np.pi)))
