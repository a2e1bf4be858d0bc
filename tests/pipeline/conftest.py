"""One finished run that the tests of this folder share."""

from pathlib import Path

import pytest

from tests.pipeline.project import Project, make_project, stack

# Notes what each stage imported, and which functions of the project it called once imports were
# over: a line each, in a file per stage and member.
WATCH = """
import atexit, os, sys
words = sys.orig_argv[1:]
if words and words[0].startswith("pipeline/"):
    called, root = set(), os.getcwd()
    def note(frame, event, _):
        code = frame.f_code
        own = code.co_filename.startswith((root + "/src/skiagram", root + "/pipeline", "pipeline/"))
        if event != "call" or not own or code in called or not code.co_filename.endswith(".py"):
            return
        above = frame
        while above:
            if above.f_code.co_filename == "<frozen importlib._bootstrap>":
                return
            above = above.f_back
        called.add(code)
    def write():
        sys.setprofile(None)
        name = "-".join([os.path.basename(words[0])[:-3], *(w.split("=")[1] for w in words[1:])])
        os.makedirs("watched", exist_ok=True)
        with open(f"watched/{name}", "w") as file:
            file.writelines(f"import {module}\\n" for module in list(sys.modules))
            for code in called:
                path = os.path.relpath(code.co_filename, root).removesuffix(".py")
                module = ".".join(path.split("/")[1:])
                file.write(f"call {module} {code.co_qualname.partition('.')[0]}\\n")
    atexit.register(write)
    sys.setprofile(note)
"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project on which `dvc repro` has run; do not change it."""
    place = tmp_path_factory.mktemp("finished")
    project = make_project(place / "project")
    stack(project)
    (place / "hook").mkdir()
    (place / "hook" / "sitecustomize.py").write_text(WATCH)
    assert project.run("dvc", "init", "--no-scm", "-q").returncode == 0
    watching = f"{place / 'hook'}:{project.folder / 'src'}"
    done = project.run("dvc", "repro", PYTHONPATH=watching)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return project


def watched(project: Project, stage: str) -> list[tuple[set[str], set[tuple[str, str]]]]:
    """Return, per run of a stage, the imported modules, and module and name of what was called."""
    found = []
    for path in sorted((project.folder / "watched").glob(f"{stage}*")):
        lines = [line.split() for line in path.read_text().splitlines()]
        imported = {line[1] for line in lines if line[0] == "import"}
        found.append((imported, {(line[1], line[2]) for line in lines if line[0] == "call"}))
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of its own on which nothing has run."""
    return make_project(tmp_path / "project")
