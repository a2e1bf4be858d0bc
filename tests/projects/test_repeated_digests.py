"""Digests are written again where nothing has changed that they rest on, and looked for else."""

import os
import subprocess
import sys

import pytest

from skiagram.projects.repeated_digests import repeat_digests

# A project whose stage digest reads a table, an option, a module of a library and a folder.
STAGE = """
import sys
from pathlib import Path
from skiagram.projects.repeated_digests import Reads, repeat_digests

root = Path(sys.argv[1])
if repeat_digests(root):
    sys.exit("repeated")
reads = Reads(root)
import library
sys.audit("skiagram.seen", root / "image.png")
options = sorted(path.read_text() for path in (root / "conf").glob("*.yaml"))
text = (root / "table.csv").read_text() + repr(options)
(root / "data/code").mkdir(parents=True, exist_ok=True)
(root / "data/code/train").write_text(text)
(root / "dvc.lock").write_text(text)
reads.keep(["models/svm"])
"""


@pytest.fixture
def root(tmp_path):
    for name in ("table.csv", "image.png", "conf/svm.yaml", "libraries/library.py", "dvc.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    return tmp_path


def run_stage(root, **variables):
    """Run the stage; return whether it took its digests from an earlier run."""
    environment = os.environ | {"PYTHONPATH": str(root / "libraries")} | variables
    # No working folder among modules, and no compiled code new beside the library.
    command = [sys.executable, "-BP", "-c", STAGE, str(root)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr in {"", "repeated\n"}
    return done.stderr == "repeated\n"


def rewrite(path):
    """Write another text of the same size, with the time that the file had."""
    status = path.stat()
    path.write_text("b = 2\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_is_as_it_was_is_written_again(root):
    assert not run_stage(root)
    digest = root / "data/code/train"
    before = digest.read_text()
    digest.unlink()  # as DVC does before the stage runs
    (root / "models/svm").mkdir(parents=True)  # as other stages do after it
    (root / "dvc.lock").write_text("another")
    option = root / "conf/svm.yaml"
    option.write_text(option.read_text())
    assert run_stage(root)
    assert digest.read_text() == before


@pytest.mark.parametrize(
    "changed",
    [
        "table.csv",
        "conf/svm.yaml",
        "image.png",
        "libraries/library.py",
        "conf",
        "libraries",
        "model",
        "data",
    ],
)
def test_whatever_changes_is_seen(root, changed):
    run_stage(root)
    assert run_stage(root)
    variables = {}
    if changed == "model":  # one that no stage writes any longer
        (root / "models/dropped").mkdir(parents=True)
    elif changed == "data":
        variables = {"SKIAGRAM_DATA": "/elsewhere"}
    elif (root / changed).is_dir():  # an option, or what an installer leaves
        (root / changed / "new").mkdir()
    else:
        rewrite(root / changed)
    assert not run_stage(root, **variables)


def test_a_cut_note_is_none(root):
    run_stage(root)
    note = root / ".work/digests.json"
    note.write_text(note.read_text()[:-9])
    assert not repeat_digests(root)
