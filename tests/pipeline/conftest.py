"""One finished run that the tests of this folder share."""

import shutil
from textwrap import indent

import pytest

from tests.forked_python import binaries
from tests.pipeline.project import make_project, stack

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

# Every unpickled name raises the event. Allowed is what the program itself made a moment ago and
# handed to its own workers, and Numba's compiled kernels beside their source.
FORBID = """
import os, sys
ALLOWED = ("/numba/core/", "/joblib/externals/loky/", "/multiprocessing/")
def forbid(event, arguments):
    if event == "pickle.find_class":
        frame, files = sys._getframe(1), []
        while frame:
            files.append(frame.f_code.co_filename)
            frame = frame.f_back
        if not any(part in file for part in ALLOWED for file in files):
            print("unpickled", arguments, "by", files[:6], file=sys.stderr, flush=True)
            os._exit(86)
sys.addaudithook(forbid)
"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory, empty_database):
    """Return a project on which `dvc repro` has run, nothing unpickled; do not change it."""
    place = tmp_path_factory.mktemp("finished")
    project = make_project(place / "project")
    shutil.copy(empty_database, project.folder / "mlflow.db")
    stack(project)
    (place / "hook").mkdir()
    hook = f"import sys\nif 'pipeline/' in ' '.join(sys.orig_argv):\n{indent(FORBID, '    ')}"
    (place / "hook" / "sitecustomize.py").write_text(LIST_MODULES + hook)
    project.run("dvc", "init", "--no-scm", "-q", code=0)
    watching = f"{place / 'hook'}:{project.folder / 'src'}"
    own = project.environment["PATH"]  # each stage in a Python of its own, which is watched
    project.run(f"{binaries()}/dvc", "repro", PYTHONPATH=watching, PATH=own, code=0)
    return project


@pytest.fixture
def project(tmp_path):
    """Return a project of its own on which nothing has run."""
    return make_project(tmp_path / "project")


@pytest.fixture
def copy(finished, tmp_path):
    """Return a copy of the finished run, which a test may change."""
    return finished.copy(tmp_path / "project")
