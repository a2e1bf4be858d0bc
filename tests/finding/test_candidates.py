"""Places that are proposed: where the body is, in mm, and on what stands out."""

import numpy as np
import pytest

from skiagram.errors import OptionError
from skiagram.finding.candidates import (
    Blobs,
    Grid,
    NoProposal,
    check_grid,
    measure_ceiling,
    propose,
)
from skiagram.finding.marks import HitRule
from skiagram.records.places import tabulate_places
from tests.numbered_store import write_images

GRID = Grid(step=2.0, radius=3.0, body="not_darkest")
BLOBS = Blobs(radii=(2.0, 8.0), scales=5, most=3, apart=1.0, body="all")
RULE = HitRule(rule="distance", minimum=0.0, overlap=0.2)


def test_a_grid_has_its_step_in_mm_and_stays_on_the_body():
    image = np.zeros((21, 41), np.float32)
    image[:, :20] = 5
    places = GRID.places(image, (0.5, 0.5))
    rows, columns = (sorted({centre[axis] for centre, _ in places}) for axis in (0, 1))
    assert rows == [2, 6, 10, 14, 18] or rows == [0, 4, 8, 12, 16, 20]
    assert set(np.diff(columns)) == {4.0}
    assert max(columns) < 20
    assert {radius for _, radius in places} == {3.0}


def test_blobs_are_found_where_and_as_large_as_they_are():
    rows, columns = np.mgrid[:96, :96]
    image = np.random.default_rng(0).normal(0, 0.05, (96, 96))
    for row, column, radius in ((30, 30, 3.0), (60, 70, 10.0)):
        image += (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    found = BLOBS.places(image.astype(np.float32), (0.5, 0.5))
    (first, large), (second, small) = sorted(found[:2], key=lambda place: -place[1])
    assert np.linalg.norm(np.subtract(first, (60, 70))) <= 2
    assert np.linalg.norm(np.subtract(second, (30, 30))) <= 1
    assert large == pytest.approx(5.0, rel=0.45)
    assert small == pytest.approx(2.0, rel=0.45)


def test_blobs_of_volumes_count_slices_by_their_distance():
    z, y, x = np.mgrid[:12, :40, :40]
    ball = ((z - 6) * 3.0) ** 2 + (y - 20) ** 2 + (x - 12) ** 2 <= 36
    found = BLOBS.places(ball[..., None].astype(np.float32), (3.0, 1.0, 1.0))
    centre, radius = found[0]
    assert np.linalg.norm(np.subtract(centre, (6, 20, 12))) <= 1.5
    assert radius == pytest.approx(6.0, rel=0.45)


def test_the_ceiling_counts_lesions_that_a_place_reaches(tmp_path):
    images = write_images(
        tmp_path / "images", {f"c{k}": np.ones((9, 9), np.float32) for k in range(2)}
    )
    places = propose(images, Grid(step=4.0, radius=1.0, body="all"))
    assert places["case_id"].tolist() == ["c0"] * 9 + ["c1"] * 9
    lesions = tabulate_places([("c0", (4.5, 4.5), 1.0), ("c1", (2, 2), 1.0)])
    ceiling = measure_ceiling(places, lesions, images, GRID, RULE)
    assert (ceiling.lesions, ceiling.reached, ceiling.places) == (2, 1, 9.0)


def test_images_that_were_resampled_are_not_searched(tmp_path):
    stored = write_images(tmp_path / "a", {"c": np.ones((9, 9), np.float32)})
    restored = write_images(tmp_path / "b", {"c": np.ones((8, 9), np.float32)})
    with pytest.raises(OptionError, match="restored to"):
        check_grid(stored, restored, GRID)
    check_grid(stored, restored, NoProposal())
    assert len(propose(restored, NoProposal())) == 0
