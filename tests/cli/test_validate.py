"""`skiagram validate` where no project is finished; `tests/pipeline/test_validate.py` has one."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from skiagram.cli.cohorts import read_cohort, take_over
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from skiagram.records.files import write_table
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.datasets.own_folders import png


def test_options_of_a_run_that_a_cohort_has_no_use_for_are_refused(terminal):
    for option in ("--test-sites", "--scores", "--split", "--marks", "--positive"):
        terminal.says(f"validate project images {option} x", option, 2)


@pytest.mark.slow
def test_a_project_that_is_not_finished_is_refused(tmp_path, monkeypatch, terminal):
    for name in ("PATH", "DVC_ROOT", "DVC_NO_ANALYTICS"):
        monkeypatch.setenv(name, "/usr/bin")
    for folder in ("images", "project"):
        (tmp_path / folder).mkdir()
    (tmp_path / "project/params.yaml").touch()
    first = "images: no project. | name the project first, then images"
    for words, said in (
        ("project images", "dvc repro"),
        ("nowhere images", ""),
        ("projekt images", "did you mean `project`?"),
        ("images images.csv", first),
    ):
        monkeypatch.chdir(tmp_path)
        terminal.says(f"validate {words}", said, 4)


def test_a_column_of_months_is_not_read_as_the_projects_days():
    """Without --unit, months of `OS_MONTHS` were taken for days, in silence."""
    asked = {"unit": "days", "cause": None}
    assert take_over(asked, {"time": ["OS_MONTHS"]})["unit"] == "months"
    assert take_over(asked, {"time": ["survival"]})["unit"] == "days"
    assert take_over(asked, {"time": ["OS_MONTHS"], "unit": "days"})["unit"] == "days"
    assert take_over(asked, {"time": ["last_month"], "since": "scan"})["unit"] == "days"
    assert take_over({"unit": "mm"}, {"number": "size"}) == {"unit": "mm", "number": "size"}


def test_columns_called_as_the_findings_are_these_in_whatever_order_the_line_names_them():
    """`--findings effusion mass` judged each finding of the project by the other's labels."""
    asked = {"finding_names": ["mass", "effusion"], "balanced_by": ()}
    assert take_over(asked, {"findings": ["effusion", "mass"]})["findings"] == ["mass", "effusion"]
    renamed = {"findings": ["effusion", "mass"], "finding_names": ["mass", "effusion"]}
    assert take_over(asked, renamed)["findings"] == ["effusion", "mass"]
    assert take_over(asked, {"findings": ["labels"]})["findings"] == ["labels"]


def test_the_projects_column_of_labels_is_read_unless_the_line_names_another(tmp_path):
    """`label`, which the line did not name, won over the column that the models were trained on."""
    (tmp_path / "films").mkdir()
    rows = []
    for at in range(12):
        (tmp_path / f"films/{at}.png").write_bytes(png(at))
        rows.append(
            (f"{at}.png", f"patient {at}", "no" if at % 2 else "yes", "no" if at % 3 else "yes")
        )
    table = pd.DataFrame(rows, columns=["file", "patient", "diagnosis", "label"])
    table.to_csv(tmp_path / "films.csv", index=False)
    files = FileOptions(tmp_path / "films", tmp_path / "films.csv", cohort=True)
    at_home = read_folder(FileOptions(files.folder, files.csv, label="diagnosis", positive="yes"))
    for name in ("covariates", "measured"):
        write_table(pd.DataFrame({"case_id": ["a"]}), tmp_path / f"data/cases/{name}.parquet")
    preparation = SimpleNamespace(modalities=(), in_colour=False, gray=False)
    task = Task(Classes(("no", "yes"), 1), "cv")
    project = SimpleNamespace(root=tmp_path, task=task, preparation=preparation)
    own = read_cohort(files, project, at_home.source)
    assert own.source.columns.label == "diagnosis"
    named = read_cohort(replace(files, label="label"), project, at_home.source)
    assert named.source.columns.label == "label"
