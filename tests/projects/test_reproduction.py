"""Stages that are forked from DVC, and those that are not."""

import subprocess
import sys

import pytest
from dvc.utils.serialize._yaml import dumps_yaml, parse_yaml_for_update

from skiagram.projects.files import environment

PIPELINE = """\
stages:
  first:
    cmd: python pipeline/first.py
    params: [words]
  second:
    cmd: python pipeline/second.py model=a
    deps: [said]
  shell:
    cmd: echo "shell" >> said && python pipeline/second.py model=b
    deps: [said]
  evaluate:
    cmd: python pipeline/evaluate.py
    deps: [said]
  record:
    cmd: python pipeline/record.py
    deps: [said]
  refused:
    cmd: python pipeline/refused.py
    deps: [said]
"""
FIRST = """\
import taken
if __name__ == "__main__":
    open("said", "w").write("first\\n")
"""
SECOND = """\
import os, sys
is_there = "taken" in sys.modules
if __name__ == "__main__":
    words = sys.argv[1], os.environ["DVC_STAGE"], is_there, sys.argv[0]
    print(*words, file=open("said", "a"))
"""
RECORD = """\
import sys
if __name__ == "__main__":
    print("mlflow.tracking" in sys.modules, file=open("said", "a"))
"""
SCRIPTS = {
    "first": FIRST,
    "second": SECOND,
    "taken": "",
    "evaluate": "",
    "record": RECORD,
    "refused": "import sys\nif __name__ == '__main__':\n    sys.exit(3)",
}


@pytest.mark.slow
def test_a_stage_finds_imported_what_earlier_ones_imported(tmp_path):
    (tmp_path / "pipeline").mkdir()
    for name, text in SCRIPTS.items():
        (tmp_path / f"pipeline/{name}.py").write_text(text)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("words: ['yes', '012', '1e5', 1e-5, 0.10]")
    settings = {"cwd": tmp_path, "env": environment(tmp_path), "capture_output": True, "text": True}
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm"], check=True, **settings)
    line = [sys.executable, "-m", "skiagram.projects.reproduction", "repro"]
    done = subprocess.run(line, check=False, **settings)
    # a command of a shell is a Python of its own
    assert (tmp_path / "said").read_text().splitlines() == [
        "first",
        "model=a second True pipeline/second.py",
        "shell",
        "model=b shell False pipeline/second.py",
        "True",  # imported while an earlier stage was at work
    ]
    assert done.returncode == 255
    assert "failed to run: python pipeline/refused.py, exited with 3" in done.stderr + done.stdout
    # the lock is as DVC writes it, which keeps comments and takes seven times as long
    lock = (tmp_path / "dvc.lock").read_text()
    assert "first" in lock
    assert lock == dumps_yaml(parse_yaml_for_update(lock, "dvc.lock"))
