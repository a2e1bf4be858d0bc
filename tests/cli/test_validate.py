"""`skiagram validate` where no project is finished; `tests/pipeline/test_validate.py` has one."""

from pathlib import Path

import pytest

from skiagram.cli.cohorts import take_over
from skiagram.cli.main import main
from tests.terminal import Terminal


def test_options_of_a_run_that_a_cohort_has_no_use_for_are_refused(terminal: Terminal) -> None:
    for option in ("--test-sites", "--scores", "--split", "--marks", "--positive"):
        assert option in terminal(["validate", "project", "images", option, "x"], 2)


@pytest.mark.slow
def test_a_project_that_is_not_finished_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    for name in ("PATH", "DVC_ROOT", "DVC_NO_ANALYTICS"):
        monkeypatch.setenv(name, "/usr/bin")
    for folder in ("images", "project"):
        (tmp_path / folder).mkdir()
    (tmp_path / "project/params.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert "dvc repro" in terminal(["validate", "project", "images"], 4)
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "nowhere", "images"]) == 4
    monkeypatch.chdir(tmp_path)
    assert "did you mean `project`?" in terminal(["validate", "projekt", "images"], 4)
    shown = terminal(["validate", "images", "images.csv"], 4)
    assert "images: no project." in shown
    assert "name the project first, then images" in shown


def test_a_column_of_months_is_not_read_as_the_projects_days() -> None:
    """Without --unit, months of `OS_MONTHS` were taken for days, in silence."""
    asked = {"unit": "days", "cause": None}
    assert take_over(asked, {"time": ["OS_MONTHS"]})["unit"] == "months"
    assert take_over(asked, {"time": ["survival"]})["unit"] == "days"
    assert take_over(asked, {"time": ["OS_MONTHS"], "unit": "days"})["unit"] == "days"
    assert take_over(asked, {"time": ["last_month"], "since": "scan"})["unit"] == "days"
    assert take_over({"unit": "mm"}, {"number": "size"}) == {"unit": "mm", "number": "size"}


def test_columns_called_as_the_findings_are_these_in_whatever_order_the_line_names_them() -> None:
    """`--findings effusion mass` judged each finding of the project by the other's labels."""
    asked = {"finding_names": ["mass", "effusion"], "balanced_by": ()}
    assert take_over(asked, {"findings": ["effusion", "mass"]})["findings"] == ["mass", "effusion"]
    renamed = {"findings": ["effusion", "mass"], "finding_names": ["mass", "effusion"]}
    assert take_over(asked, renamed)["findings"] == ["effusion", "mass"]
    assert take_over(asked, {"findings": ["labels"]})["findings"] == ["labels"]
