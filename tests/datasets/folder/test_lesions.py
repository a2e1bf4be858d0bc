"""Lesions from tables and from other programs' files, as marks on the stored image."""

import json
from pathlib import Path

import numpy as np
import pytest

from skiagram.cli.main import main
from skiagram.datasets.checks import check_mark
from skiagram.datasets.contract import Mark
from skiagram.datasets.folder.lesions import (
    Lesion,
    lesions_of_mask,
    match_names,
    parse_lesions,
    read_lesions,
)
from skiagram.datasets.volumes.grid import Grid
from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.records import MARKS, read_table
from tests.datasets.own_folders import initialised
from tests.datasets.sources import ingested

GRID = Grid.of((10, 20, 30), np.diag([2.5, 0.7, 0.7])[:, ::-1], np.array([-100.0, -50.0, 30.0]))


def no_image(name: str) -> tuple[int, ...]:
    raise LookupError(name)


def test_a_cell_says_lesions_and_comes_back() -> None:
    lesions = parse_lesions("12 30.5 4; 1 2 3 4 mm ;")
    assert lesions == [Lesion((12, 30.5), 4), Lesion((1, 2, 3), 4, world=True)]
    assert parse_lesions("; ".join(lesion.text() for lesion in lesions)) == lesions
    assert lesions[0].mark(None) == Mark((30.5, 12), 4)
    assert parse_lesions("") == []


@pytest.mark.parametrize(
    "cell", ["1_0 2 3", "1 2", "1 2 0", "a b c", "1 2 -3", "1 2 3 4 5", "1 2 nan", "mm"]
)
def test_a_cell_that_says_none_is_refused(cell: str) -> None:
    with pytest.raises(DataError, match="lesions"):
        parse_lesions(cell)


def test_a_place_in_mm_is_that_voxel() -> None:
    place = tuple(GRID.positions(np.array([[4.0, 11.0, 8.0]]))[0].tolist())
    mark = Lesion(place, 3.5, world=True).mark(GRID)
    assert mark.centre == pytest.approx((4, 11, 8))
    assert mark.radius == pytest.approx(3.5 / 0.7)
    with pytest.raises(DataError, match="coordinates"):
        Lesion(place, 3.5, world=True).mark(None)


def test_each_part_of_a_mask_is_a_lesion_of_its_size() -> None:
    rows, columns = np.mgrid[:60, :80]
    inside = (rows - 20) ** 2 + (columns - 50) ** 2 <= 100
    inside[50:54, 5:9] = True
    small, large = sorted(lesions_of_mask(inside, (0.2, 0.2)), key=lambda lesion: lesion.radius)
    assert large.centre == pytest.approx((50, 20))
    assert large.radius == pytest.approx(10, rel=0.02)
    assert small.centre == pytest.approx((6.5, 51.5))
    assert small.radius == pytest.approx(np.sqrt(16 / np.pi))
    z, y, x = np.mgrid[:20, :40, :40]
    ball = ((z - 10) * 3) ** 2 + (y - 20) ** 2 + (x - 18) ** 2 <= 15**2
    [lesion] = lesions_of_mask(ball, (3.0, 1.0, 1.0))
    assert lesion.centre == pytest.approx((18, 20, 10))
    assert lesion.radius == pytest.approx(15, rel=0.02)


def test_files_of_other_programs_say_the_same_box(tmp_path: Path) -> None:
    """One box from column 20 to 40 and row 10 to 50 of an image of 200 × 100 pixels."""
    expected = Lesion((29.5, 29.5), np.sqrt(20 * 40 / np.pi))
    table, coco, yolo = tmp_path / "boxes.csv", tmp_path / "coco.json", tmp_path / "labels"
    table.write_text("file,x_min,y_min,x_max,y_max\na/one.png,20,10,40,50\n")
    image = {"id": 7, "file_name": "one.png"}
    box = {"image_id": 7, "bbox": [20, 10, 20, 40]}
    coco.write_text(json.dumps({"images": [image], "annotations": [box]}))
    yolo.mkdir()
    (yolo / "one.txt").write_text("0 0.3 0.15 0.2 0.2\n")
    for path in (table, coco, yolo):
        read = read_lesions(path, lambda _: (200, 100))
        found = match_names(read, ["a/one.png", "a/two.png"], "marks")
        [lesion] = found["a/one.png"]
        assert lesion.centre == pytest.approx(expected.centre), path
        assert lesion.radius == pytest.approx(expected.radius)


@pytest.mark.parametrize("row", ["0 .1 .1 .3 .1 .3 .5", "0 .3 .15 .2 .2 .1 .2 2", "0 .3 .15 .2"])
def test_a_polygon_of_yolo_is_no_box(tmp_path: Path, row: str) -> None:
    (tmp_path / "one.txt").write_text(f"0 .3 .15 .2 .2 .97\n{row}\n")
    with pytest.raises(DataError, match=r"one\.txt, line 2: no box of YOLO.*no polygons"):
        read_lesions(tmp_path, lambda _: (200, 100))


def test_an_id_of_two_images_of_coco_is_refused(tmp_path: Path) -> None:
    images = [{"id": 7, "file_name": name} for name in ("one.png", "two.png")]
    box = {"image_id": 7, "bbox": [20, 10, 20, 40]}
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": [box]}))
    with pytest.raises(DataError, match=r"coco\.json: no annotations of COCO .*too many values"):
        read_lesions(tmp_path / "coco.json", no_image)


def test_luna16_names_series_and_gives_mm(tmp_path: Path) -> None:
    path = tmp_path / "annotations.csv"
    path.write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.3.6.1,-128.7,-175.3,-298.4,5.6\n"
    )
    found = match_names(read_lesions(path, no_image), ["subset0/1.3.6.1.mhd"], "annotations.csv")
    [lesion] = found["subset0/1.3.6.1.mhd"]
    assert lesion == Lesion((-128.7, -175.3, -298.4), 2.8, world=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,x,y,radius\none.png,1,2,-3\n", "line 2"),
        ("file,x,y,radius\none.png,1,b,3\n", "line 2"),
        ("file,x,y,z,radius\none.png,1,,2,3\n", "line 2"),
        ("file,x,y\none.png,1,2\n", "columns file, x, y"),
        ("file,x,y,diameter_mm\none.png,1,2,3\n", "columns file, x, y, diameter_mm"),
        ("file,x,y,radius\nnone.png,1,2,3\n", "none.png"),
        ("file,x,y,radius\ntwice.png,1,2,3\n", "several"),
    ],
)
def test_what_cannot_be_placed_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "lesions.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        match_names(
            read_lesions(path, no_image), ["one.png", "a/twice.png", "b/twice.png"], "marks"
        )


def test_a_lesion_off_its_image_is_named() -> None:
    image = np.zeros((20, 30), np.float32)
    check_mark(Mark((19.4, 0.0), 2), image, "one.png")
    for centre in ((19.6, 5.0), (5.0, 30.0), (1.0, 2.0, 3.0)):
        with pytest.raises(DataError, match=r"one\.png.*outside the image"):
            check_mark(Mark(centre, 2), image, "one.png")


@pytest.mark.slow
def test_scans_in_luna16s_form_become_a_data_set_with_marks_on_their_nodules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolkit = pytest.importorskip("SimpleITK")
    generator = np.random.default_rng(0)
    scans, rows = tmp_path / "luna", ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    scans.mkdir()
    for number in range(12):
        voxels = generator.normal(-800, 20, (12, 24, 28)).astype(np.int16)
        place = generator.integers(3, 9, 3)
        if number % 2:
            voxels[tuple(place)] = 300
        image = toolkit.GetImageFromArray(voxels)
        image.SetSpacing((0.7, 0.7, 2.5))
        image.SetOrigin((-150.0, 80.5, -300.0))
        if number % 3 == 0:  # as scans lying on the belly are
            image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
        toolkit.WriteImage(image, str(scans / f"1.3.{number}.mhd"))
        if number % 2:
            world = image.TransformIndexToPhysicalPoint([int(at) for at in place[::-1]])
            rows.append(f"1.3.{number},{world[0]},{world[1]},{world[2]},4.2")
    (tmp_path / "annotations.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    pattern = ["--pattern", "{patient}.mhd", "--marks", "annotations.csv"]
    assert main(["table", "luna", "scans.csv", *pattern]) == 0
    label = ["--label", "lesion", "--positive", "present"]
    source = initialised(tmp_path, monkeypatch, "luna", "scans.csv", *label)
    folders, _ = ingested(source, tmp_path / "out", "cv")
    marks, store = read_table(folders.cases / MARKS), ImageStore(folders.images)
    assert len(marks) == 6
    assert marks["radius"].tolist() == pytest.approx([2.1] * 6)
    for row in marks.to_dict("records"):
        at = [round(float(row[axis])) for axis in ("slice", "row", "column")]
        assert store.image(str(row["case_id"]))[tuple(at)] == 300
    assert len(read_table(folders.sealed / MARKS)) == 0
