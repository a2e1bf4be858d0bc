"""Full disks, missing rights, two runs at once, a home nobody may write: a line, nothing lost."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from skiagram.notices import STEP
from skiagram.projects.lock import repair
from tests.pipeline.project import REPOSITORY, STAGES

pytestmark = pytest.mark.slow

OUTPUTS = ("data", "models", "scores", "combined", "reports")
# Runs every stage with a few kB left on the disk or none; prints what came of it, as JSON.
FILL_AND_RUN = """
import json, os, shutil, subprocess, sys
from pathlib import Path
from tests.pipeline.project import Project
outputs, stages = json.loads(sys.argv[1])
project = Project(Path.cwd())
found = []
for at, stage in enumerate(stages):
    kilobytes = (0, 40)[at % 2]
    before = project.hashes(*outputs)
    free = shutil.disk_usage(".").free
    with open("filler", "wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, max(1, free - 1024 * kilobytes))
    done = project.stage(*stage)
    os.unlink("filler")
    found.append([stage[0], kilobytes, done.returncode, done.stderr,
                  project.hashes(*outputs) == before])
print(json.dumps(found))
"""


def mounted(script, *arguments):
    """Run a shell script where it may mount file systems that nobody else sees, else skip."""
    own = ["unshare", "--user", "--mount", "--map-root-user", "sh", "-euc"]
    trial = [*own, "mount -t tmpfs -o size=64k none /mnt"]
    if not shutil.which("unshare") or subprocess.run(trial, capture_output=True).returncode:
        pytest.skip("this system lets no user mount a file system")
    folders = (REPOSITORY, REPOSITORY / "src", REPOSITORY / "pipeline")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    command = [*own, script, "sh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_full_disk_costs_one_line_and_no_output_in_every_stage(finished, tmp_path):
    script = 'mount -t tmpfs -o size=200m none "$1"; cp -a "$2/." "$1"; cd "$1"; "$3" -c "$4" "$5"'
    wanted = json.dumps([OUTPUTS, STAGES])
    folder = tmp_path / "disk"
    folder.mkdir()
    done = mounted(script, str(folder), str(finished.folder), sys.executable, FILL_AND_RUN, wanted)
    assert done.returncode == 0, done.stderr
    for stage, left, code, said, unchanged in json.loads(done.stdout):
        case = f"{stage} with {left} kB left: {code} {said}"
        # The audit takes its `passed` back first: training then stops until it has run again.
        assert unchanged or stage == "audit", case
        lines = [line for line in said.splitlines() if not line.startswith(STEP)]
        assert code == 0 or (len(lines) == 1 and "space" in lines[0]), case


def test_a_read_only_folder_costs_one_line(finished, tmp_path):
    script = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; cd "$1"; exec "$2" "$3"'
    copy = tmp_path / "project"
    shutil.copytree(finished.folder, copy, symlinks=True)
    done = mounted(script, str(copy), sys.executable, "pipeline/restore.py")
    assert done.returncode == 1
    assert done.stderr.startswith("restore: Read-only file system"), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_locked_database_costs_a_warning_and_no_result(copy):
    before = copy.hashes("reports")
    holder = sqlite3.connect(copy.folder / "mlflow.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    done = copy.stage("record")
    holder.close()
    assert done.returncode == 0
    assert "database is locked" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    changed = dict(copy.hashes("reports").items() - before.items())
    assert set(changed) == {"reports/receipt.json"}
    again = copy.stage("record")
    assert "ecorded" in again.stdout, again.stderr
    assert copy.hashes("reports") == before


def test_without_a_run_there_is_no_receipt_and_the_next_one_records(copy):
    receipt = copy.folder / "reports/receipt.json"
    recorded = receipt.read_bytes()
    copy.edit("conf/tracking/sqlite.yaml", uri="http://127.0.0.1:9")  # nobody listens there
    done = copy.stage("record", code=0)
    assert "python pipeline/record.py" in done.stderr
    assert json.loads(receipt.read_text()) == {"models": [], "sha256": {}}
    repair(copy.folder)
    assert not receipt.exists()  # so the stage is out of date
    copy.edit("conf/tracking/sqlite.yaml", uri=None)
    assert "ecorded" in copy.stage("record").stdout
    repair(copy.folder)
    assert receipt.read_bytes() == recorded


def test_code_that_a_full_disk_cut_short_breaks_no_later_run(project, tmp_path):
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}
    digest = (sys.executable, "pipeline/digest.py")
    project.run(*digest, **compiled, code=0)
    project.run(sys.executable, "pipeline/audit.py", **compiled)  # it compiles what stages share
    cut = [*(tmp_path / "compiled" / str(project.folder).lstrip("/")).rglob("*.pyc")]
    assert any("projects/stage" in str(path) for path in cut)
    for path in cut:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for command in (digest, (sys.executable, "pipeline/audit.py"), ("skiagram", "--version")):
        done = project.run(*command, **compiled)
        assert "marshal" not in done.stderr, (command, done.stderr)
        assert "Traceback" not in done.stderr, (command, done.stderr)


def test_a_run_that_fails_half_way_is_recorded_as_failed(copy):
    copy.edit("params.yaml", restoration="refuses")
    steps = (copy.folder / "conf/restoration/repair.yaml").read_text()
    (copy.folder / "conf/restoration/refuses.yaml").write_text(
        steps.replace("radius: 1", "radius: 0")
    )
    done = copy.run("dvc", "repro")
    assert done.returncode != 0
    with sqlite3.connect(copy.folder / "mlflow.db") as database:
        tags = (
            "select value from tags join runs using (run_uuid) where status = 'FAILED' and key = ?"
        )
        ((stage,),) = database.execute(tags, ["skiagram.failed"]).fetchall()
        ((error,),) = database.execute(tags, ["mlflow.note.content"]).fetchall()
    assert stage == "restore"
    assert "an option or a choice" in error or "radius" in error
    assert "radius" in done.stderr
