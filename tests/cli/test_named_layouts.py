"""Public data sets as people download them, in stand-ins, by the line that the docs name."""

import re
import shlex

import pytest

from tests import REPOSITORY
from tests.cli.layouts import LAYOUTS, write_layout
from tests.cli.test_feature_tables import DEATH, SAME
from tests.pipeline.project import Project

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_public_layout_passes_the_check_by_the_documented_line(name, here, terminal):
    terminal.says(write_layout(name, here), LAYOUTS[name]["says"])


def test_matlabs_files_are_refused_by_name(here, terminal):
    for name in ("1", "2"):
        (here / "figshare" / name).mkdir(parents=True)
        (here / f"figshare/{name}/{name}.mat").write_bytes(b"MATLAB 7.3 MAT-file")
    said = "no image that can be read among 2 files, such as `1/1.mat`"
    terminal.says("check figshare --positive 1", said, 4)


def test_each_documented_line_is_one_of_these():
    page = REPOSITORY / "docs/how-to/own-data.md"
    section = page.read_text(encoding="utf-8").split("### Public data sets")[1].split("###")[0]
    documented = re.findall(r"`(check [^`]+)`", section)
    assert len(documented) > 20
    lines = [layout["line"] for layout in LAYOUTS.values()]
    lines.append(f"check {DEATH} {SAME}")  # PyRadiomics: in test_feature_tables.py
    for line in documented:
        words = shlex.split(line)
        assert any(set(words) <= {*shlex.split(known)} for known in lines), line


# A way in each: masks beside images, lesions, modalities with masks, a published split.
TO_A_REPORT = {
    "BUSI": "--baselines logistic_regression",
    "RSNA pneumonia, places": "",  # finders, which the line chooses
    "BraTS": "--baselines logistic_regression",
    "MedMNIST": "--baselines logistic_regression",
}


@pytest.mark.parametrize("layout", TO_A_REPORT)
def test_a_public_layout_comes_to_a_report_by_the_same_line(layout, here):
    line = write_layout(layout, here).replace("check", "run", 1)
    line += (
        f" --quick --networks none --project project --features first_order {TO_A_REPORT[layout]}"
    )
    shown = Project(here).shown(*shlex.split(line))
    assert "project/reports/report.html" in shown
    assert "<h1" in (here / "project/reports/report.html").read_text()
