"""The script of LIDC writes one scale for all scanners, and what `skiagram check` reads."""

import ast
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from examples import lidc
from skiagram.cli.main import main
from tests.examples.lidc_files import lung, stored, table, write

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def written(folder):
    """Run the script on eight nodules; return its table and CT numbers in HU."""
    write(folder, table())
    lidc.write(folder, folder / "nodules")
    rows = pd.read_csv(folder / "nodules.csv")
    images = [np.asarray(Image.open(folder / "nodules" / name)) for name in rows["file"]]
    return rows, [image.astype(float) - 1000 for image in images]


def test_the_table_has_the_usual_task_and_no_rating(tmp_path):
    rows, _ = written(tmp_path)
    assert [name[0] for name in rows["label"]] == [*"bmbmbmb"]
    assert rows["patient_id"].tolist() == ["Doe^John", "Doe^John", "B", "C", "C", "D", "D"]
    assert rows["diameter_mm"][:2].tolist() == [5.0, 10.0]
    assert rows["slice_thickness_mm"][:2].tolist() == [2.5, 2.5]  # known from the series
    assert rows["manufacturer"][:3].tolist() == ["GE", "GE", "SIEMENS"]
    assert not {"malignancy", "spiculation", "series_uid"} & {*rows}


def test_every_scanner_gives_the_same_ct_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(lidc, "resample", lambda image, _: image)
    for image in written(tmp_path)[1]:
        expected = np.clip(lung(), *lidc.WINDOW)
        expected[0, 0] = image[0, 0]  # outside the field of view of some
        assert_array_equal(image, expected)


def test_images_share_a_grid_and_a_window(tmp_path):
    _, images = written(tmp_path)
    assert {image.shape for image in images} == {(lidc.SIDE, lidc.SIDE)}
    assert all(-1000 <= image.min() < image.max() <= 400 for image in images)
    disc = [int((image > -400).sum()) for image in images]  # radius 5 pixels of 0.5 to 0.8 mm
    assert disc[0] < disc[3] < disc[5]
    at = (np.arange(71) - 35) * 0.6
    plane = 3 * at[:, None] - 2 * at[None, :]
    new = (np.arange(lidc.SIDE) - (lidc.SIDE - 1) / 2) * lidc.SPACING
    found = lidc.resample(plane, 0.6)
    inside = np.abs(new) < at[-1]
    expected = 3 * new[:, None] - 2 * new[None, :]
    assert_allclose(found[inside][:, inside], expected[inside][:, inside], atol=1e-9)


def test_a_table_of_other_nodules_is_refused(tmp_path):
    write(tmp_path, table().iloc[::-1])
    with pytest.raises(SystemExit, match="are not the nodules"):
        lidc.write(tmp_path, tmp_path / "nodules")


@pytest.mark.slow
def test_what_it_writes_can_be_run(tmp_path, monkeypatch, capsys):
    rows = pd.concat([table()] * 6, ignore_index=True)
    rows["nodule_id"] = np.arange(1, len(rows) + 1)
    rows["patient_id"] = [f"P{at // 2}" for at in rows.index]
    blocks = np.random.default_rng(0).integers(-100, 500, (len(rows), 8, 8))
    noise = blocks.repeat(4, axis=1).repeat(4, axis=2)[:, :31, :31]  # no two nodules are alike
    images = (np.concatenate([stored()] * 6) + noise).astype(np.int16)
    np.savez(tmp_path / "lidc_nodules.npz", images=images, nodule_id=rows["nodule_id"])
    rows.to_csv(tmp_path / "lidc_nodules.csv", index=False)
    monkeypatch.chdir(tmp_path)
    lidc.write(tmp_path, Path("nodules"))
    assert main(["check", "nodules", "nodules.csv", "--positive", "malignant"]) == 0
    printed = capsys.readouterr().out
    assert "This data set can be run" in printed
    assert "uint16" in printed


@pytest.mark.slow
def test_the_real_file_is_the_usual_task(real_data, tmp_path):
    lidc.write(real_data, tmp_path / "nodules")
    rows = pd.read_csv(tmp_path / "nodules.csv")
    assert rows["label"].value_counts().to_dict() == {"benign": 897, "malignant": 591}
    assert rows["patient_id"].nunique() == 686
    # the rule agrees with every series whose intercept is known, up to −1000 or −1024
    table = pd.read_csv(real_data / "lidc_nodules.csv")
    known = table[table["rescale_intercept"].notna()]
    with np.load(real_data / "lidc_nodules.npz") as archive:
        found = np.array([lidc.find_intercept(archive["images"][at]) for at in known.index[:40]])
    assert np.abs(found - known["rescale_intercept"].to_numpy()[:40]).max() <= 24


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_a_script_needs_nothing_that_skiagram_does_not_bring(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    names = [
        each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names
    ]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= {
        *sys.stdlib_module_names, "numpy", "pandas", "PIL", "scipy", "skimage", "skiagram"
    }  # fmt: skip
