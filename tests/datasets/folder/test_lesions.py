"""Lesions from tables and from other programs' files, as marks on the stored image."""

import math
import shlex
from dataclasses import replace

import numpy as np
import pytest

from skiagram.datasets.checks import check_mark
from skiagram.datasets.contract import Mark
from skiagram.datasets.folder.lesions import (
    Lesion,
    lesions_of_region,
    parse_lesions,
)
from skiagram.errors import DataError
from skiagram.images import Region
from skiagram.readers.grid import VoxelGrid
from skiagram.readers.spaced_image import SpacedImage
from skiagram.readers.volume_files import decode_volume
from skiagram.records.files import read_table
from skiagram.records.places import MARKS
from tests.cli.layouts import write_layout
from tests.datasets.own_folders import write_films
from tests.datasets.sources import ingested

GRID = VoxelGrid.of(
    (10, 20, 30), np.diag([2.5, 0.7, 0.7])[:, ::-1], np.array([-100.0, -50.0, 30.0])
)


def test_a_cell_says_lesions_and_comes_back():
    lesions = parse_lesions("12 30.5 4; 1 2 3 4 mm ;")
    assert lesions == [Lesion((12, 30.5), 4), Lesion((1, 2, 3), 4, world=True)]
    assert parse_lesions("; ".join(lesion.text() for lesion in lesions)) == lesions
    assert lesions[0].mark(None) == Mark((30.5, 12), 4)
    assert parse_lesions("") == []


@pytest.mark.parametrize(
    "cell",
    ["1_0 2 3", "1 2 3; 1 2 3", "1 2", "1 2 0", "a b c", "1 2 -3", "1 2 3 4 5", "1 2 nan", "mm"],
)
def test_a_cell_that_says_none_is_refused(cell):
    with pytest.raises(DataError, match="lesion"):
        parse_lesions(cell)


def test_a_place_in_mm_is_that_voxel():
    place = tuple(GRID.positions(np.array([[4.0, 11.0, 8.0]]))[0].tolist())
    mark = Lesion(place, 3.5, world=True).mark(GRID)
    assert mark.centre == pytest.approx((4, 11, 8))
    assert mark.radius == pytest.approx(3.5 / 0.7)
    with pytest.raises(DataError, match="coordinates"):
        Lesion(place, 3.5, world=True).mark(None)


DIRECTIONS = {
    "to the right and front": np.diag([-1.0, -1, 1]),
    "sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    "oblique": np.array([[0.8, 0, 0.6], [0, -1, 0], [0.6, 0, -0.8]]),
}


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=list(DIRECTIONS))
def test_voxels_of_a_lesion_are_those_of_its_file(direction, tmp_path):
    toolkit = pytest.importorskip("SimpleITK")
    voxels = np.zeros((4, 9, 14), np.int16)  # z, y, x
    voxels[1, 7, 3] = 5
    image = toolkit.GetImageFromArray(voxels)
    image.SetSpacing((0.5, 0.8, 3.0))
    image.SetOrigin((-20.0, 8.0, 100.0))
    image.SetDirection(direction.ravel().tolist())
    toolkit.WriteImage(image, str(tmp_path / "scan.nrrd"))
    volume = decode_volume((tmp_path / "scan.nrrd").read_bytes(), "scan")
    world = image.TransformIndexToPhysicalPoint((3, 7, 1))
    by_voxel, by_mm = (
        Lesion((3, 7, 1), 2).mark(volume.grid),
        Lesion(world, 2 * math.sqrt(0.4), world=True).mark(volume.grid),
    )
    [place] = np.argwhere(volume.voxels == 5).tolist()
    for mark in (by_voxel, by_mm):
        assert mark.centre == pytest.approx(place)
        assert mark.radius == pytest.approx(by_mm.radius)
    assert volume.grid.to_file(np.array([place]))[0].tolist() == [1, 7, 3]


def test_each_part_of_a_mask_is_a_lesion_of_its_size():
    rows, columns = np.mgrid[:60, :80]
    inside = (rows - 20) ** 2 + (columns - 50) ** 2 <= 100
    inside[50:54, 5:9] = True
    film = SpacedImage(np.zeros(inside.shape, np.uint8), (0.2, 0.2), region=Region(inside))
    small, large = sorted(lesions_of_region(film), key=lambda lesion: lesion.radius)
    assert large.centre == pytest.approx((50, 20))
    assert large.radius == pytest.approx(10, rel=0.02)
    assert small.centre == pytest.approx((6.5, 51.5))
    assert small.radius == pytest.approx(np.sqrt(16 / np.pi))
    z, y, x = np.mgrid[:20, :40, :40]
    ball = ((z - 10) * 3) ** 2 + (y - 20) ** 2 + (x - 18) ** 2 <= 15**2
    grid = VoxelGrid.of(ball.shape, np.diag([3.0, 1, 1])[:, ::-1], np.array([-7.0, 5, 100]))
    frames = SpacedImage(ball[..., None], region=Region(ball))
    scan = replace(frames, spacing=grid.spacing, grid=grid)
    [lesion] = lesions_of_region(scan)
    assert lesion.world
    assert lesion.centre == pytest.approx((11, 25, 130))
    assert lesion.radius == pytest.approx(15, rel=0.02)
    [lesion] = lesions_of_region(frames)
    assert not lesion.world
    assert lesion.centre == pytest.approx((18, 20, 10))


def test_a_lesion_off_its_image_is_named():
    check_mark(Mark((19.4, 0.0), 2), (20, 30), "one.png")
    for mark, words in (
        (Mark((19.6, 5.0), 2), "outside the image"),
        (Mark((5.0, 30.0), 2), "outside the image"),
        (Mark((1.0, 2.0, 3.0), 2), "3 coordinates"),
        (Mark((5.0, 5.0), 61), "larger than the image"),
        (Mark((0.4, 0.2), 0.06), "a radius of 0.06 pixels"),
    ):
        with pytest.raises(DataError, match=rf"one\.png.*{words}"):
            check_mark(mark, (20, 30), "one.png")


def test_a_lesion_off_its_image_is_said_before_anything_is_written(here, terminal):
    marks = ["5 6 2" if at // 2 % 2 else "" for at in range(12)]
    marks[3] = "5 60 2"
    write_films(here, 12, lambda at: {"marks": marks[at]})
    (here / "conf/dataset").mkdir(parents=True)
    for command in ("check", "init"):
        outside = "film-3.png: a lesion at 60.0, 5.0, outside the image"
        terminal.says(f"{command} films films.csv --positive cancer", outside, 4)
    assert not [*(here / "conf/dataset").iterdir()]


@pytest.mark.slow
def test_scans_in_luna16s_form_become_a_data_set_with_marks_on_their_nodules(here, initialised):
    words = shlex.split(write_layout("LUNA16", here))[1:]
    folders, _ = ingested(initialised(words), here / "out", "cv")
    marks = read_table(folders.cases / MARKS)
    assert len(marks) == 6
    assert marks["radius"].tolist() == pytest.approx([2.1] * 6)
    # of -4.4, -15.1, 15 mm, from -10, -20, 5 mm in steps of 0.7, 0.7, 2.5 mm
    assert marks["column"].tolist() == pytest.approx([8] * 6)
    assert marks["row"].tolist() == pytest.approx([7] * 6)
    assert marks["slice"].tolist() == pytest.approx([4] * 6)
    assert len(read_table(folders.sealed / MARKS)) == 0
