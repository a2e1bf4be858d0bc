"""`skiagram validate` where no project is finished; `tests/pipeline/test_validate.py` has one."""

from pathlib import Path

import pytest

from skiagram.cli.main import main


def test_options_of_a_run_that_a_cohort_has_no_use_for_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for option in ("--test-sites", "--scores", "--split", "--marks", "--positive"):
        assert main(["validate", "project", "images", option, "x"]) == 2
        assert option in capsys.readouterr().err


@pytest.mark.slow
def test_a_project_that_is_not_finished_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PATH", "DVC_ROOT", "DVC_NO_ANALYTICS"):
        monkeypatch.setenv(name, "/usr/bin")
    for folder in ("images", "project"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "project", "images"]) == 4
    assert "dvc repro" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "nowhere", "images"]) == 4
