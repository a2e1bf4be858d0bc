"""One finished run that the tests of this folder share."""

from pathlib import Path

import pytest

from tests.pipeline.project import Project, make_project, stack


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project on which `dvc repro` has run; do not change it."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    stack(project)
    assert project.run("dvc", "init", "--no-scm", "-q").returncode == 0
    done = project.run("dvc", "repro")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of its own on which nothing has run."""
    return make_project(tmp_path / "project")
