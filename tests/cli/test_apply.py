"""`skiagram apply`: a row of a sweep becomes the project's own run."""

from pathlib import Path

import pytest

from skiagram.records.files import write_record
from skiagram.sweeps.rows import Row
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.table import SweepResult
from tests.yaml_rows import load_yaml

CHANGES = {"seed": 3, "conf.model.svm.gamma": 0.1, "conf.plan.plan.validation_fraction": 0.2}


@pytest.fixture
def project(here):
    """Return a folder with three configs, and a sweep of which one row is fit to be a run."""
    for name, text in {
        "params.yaml": "seed: 0 # of folds\nfolds: 3\n",
        "conf/model/svm.yaml": "kernel: rbf\ngamma: scale # or a number\n",
        "conf/plan.yaml": "plan:\n  validation_fraction: 0.15\n",
    }.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    scored = {"scored": {"corruption": "noise", "amount": 0.1}}
    rows = (
        RowResult(Row(1, CHANGES, CHANGES, 1)),
        RowResult(Row(2, {}, {}, 1), reason="diverged"),
        RowResult(Row(3, scored, scored, 1)),
        RowResult(Row(4, {"seed": 4}, {"seed": 4}, 1)),
    )
    result = SweepResult("try", "What changes?", "svm", rows)
    write_record(result, here / "sweeps/try/result.json")
    return here


def read(path):
    return load_yaml(Path(path))


def test_the_options_of_a_row_are_written_where_they_belong_and_comments_stay(project, terminal):
    terminal.says("apply try 1", "params.yaml: seed = 3")
    assert read("params.yaml") == {"seed": 3, "folds": 3}
    assert read("conf/model/svm.yaml") == {"kernel": "rbf", "gamma": 0.1}
    assert read("conf/plan.yaml") == {"plan": {"validation_fraction": 0.2}}
    assert "# of folds" in (project / "params.yaml").read_text()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("try 7", "Allowed: 1 to 4"),
        ("try 2", "diverged"),
        ("try 3", "other images"),
        ("other 1", "Allowed: try"),
    ],
)
def test_a_row_that_cannot_be_applied_is_refused(project, terminal, row, named):
    terminal.says(f"apply {row}", named, 2)
    assert read("params.yaml")["seed"] == 0


def test_a_row_is_not_applied_beside_what_another_row_set(project, terminal):
    """`apply` of two rows in turn made a run that was no row of the sweep."""
    terminal("apply try 4")
    terminal("apply try 1")
    terminal.says("apply try 4", "as another row has it; row 4 was run without", 2)
    assert read("params.yaml")["seed"] == 3
    (project / "conf/model/svm.yaml").write_text("kernel: rbf\ngamma: scale\n")
    (project / "conf/plan.yaml").write_text("plan:\n  validation_fraction: 0.15\n")
    terminal("apply try 4")
    assert read("params.yaml")["seed"] == 4


def test_an_option_file_that_is_gone_changes_nothing(project, terminal):
    (project / "conf/plan.yaml").unlink()
    terminal("apply try 1", 2)
    assert read("params.yaml")["seed"] == 0


def test_a_full_disk_cuts_no_option_file_short(project, terminal):
    before = (project / "conf/model/svm.yaml").read_text()
    (project / "conf/model/svm.partial.yaml").mkdir()  # nothing can be written there
    terminal("apply try 1", 1)
    assert (project / "conf/model/svm.yaml").read_text() == before
