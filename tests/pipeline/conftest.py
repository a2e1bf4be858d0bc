"""One finished run that the tests of this folder share."""

from pathlib import Path

import pytest

from tests.pipeline.project import STAGES, Project, make_project, stack

# Notes, in a file per stage and member, what the stage had imported when it ended.
LIST_MODULES = """
import atexit, os, sys
words = sys.orig_argv[1:]
def write():
    name = "-".join([os.path.basename(words[0])[:-3], *(word.split("=")[1] for word in words[1:])])
    os.makedirs("imported", exist_ok=True)
    with open(f"imported/{name}", "w") as file:
        file.write("\\n".join(list(sys.modules)))
if words and words[0].startswith("pipeline/"):
    atexit.register(write)
"""


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project whose stages have run one by one, without DVC; do not change it."""
    project = make_project(tmp_path_factory.mktemp("staged") / "project")
    stack(project)
    project.stages(*STAGES)
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project on which `dvc repro` has run; do not change it."""
    place = tmp_path_factory.mktemp("finished")
    project = make_project(place / "project")
    stack(project)
    (place / "hook").mkdir()
    (place / "hook" / "sitecustomize.py").write_text(LIST_MODULES)
    assert project.run("dvc", "init", "--no-scm", "-q").returncode == 0
    watching = f"{place / 'hook'}:{project.folder / 'src'}"
    done = project.run("dvc", "repro", PYTHONPATH=watching)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of its own on which nothing has run."""
    return make_project(tmp_path / "project")
