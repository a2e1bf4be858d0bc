"""`make repro` shares train stages out among several DVCs and leaves what one DVC would."""

import shutil
import sys
from pathlib import Path

import pytest

from repro import share_out, sort_lock
from tests.pipeline.project import BASELINES, NETWORK, Project

ORDER = (
    *("ingest", "audit", "restore", "extract"),
    *(f"train_baseline@{name}" for name in BASELINES),
    *(f"train_network@{NETWORK}", "combine", "evaluate", "record"),
)
STAGES = [
    *(f"train_baseline@model{k}" for k in range(7)),
    *(f"train_network@network{k}" for k in range(2)),
]


def test_networks_are_begun_first_and_each_lane_has_its_share() -> None:
    lanes = share_out(STAGES, 2)
    assert sorted(name for lane in lanes for name in lane) == sorted(STAGES)
    assert [lane[0].split("@")[0] for lane in lanes] == ["train_network"] * 2
    assert abs(len(lanes[0]) - len(lanes[1])) <= 1
    assert share_out(STAGES, 1) == [[*STAGES[7:], *STAGES[:7]]]
    assert share_out([], 4) == []
    assert len(share_out(STAGES[:2], 4)) == 2


def test_the_lock_has_the_order_of_the_stages_whichever_ended_first() -> None:
    entries = [
        "  a@x:\n    cmd: run\n",
        "  b:\n    deps:\n    - path: c\n",
        "  gone:\n    cmd: d\n",
    ]
    head = "schema: '2.0'\nstages:\n"
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1]):
        lock = head + "".join(entries[k] for k in order)
        assert sort_lock(lock, ["a@x", "absent", "b"]) == head + "".join(entries)
    assert sort_lock(head, ["b"]) == head
    assert sort_lock("schema: '2.0'\n", []) == "schema: '2.0'\n"


@pytest.mark.thorough
def test_stages_side_by_side_leave_equal_bytes(finished: Project, tmp_path: Path) -> None:
    copy = Project(tmp_path / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    before = copy.hashes("models", "scores", "reports")
    for folder in ("models", "scores"):
        shutil.rmtree(copy.folder / folder)
    shutil.rmtree(copy.folder / ".dvc/cache/runs")
    lock = sort_lock((copy.folder / "dvc.lock").read_text(), ORDER)
    (copy.folder / "dvc.lock").unlink()
    copy.edit("conf/compute/local.yaml", workers=2)
    done = copy.run(sys.executable, "pipeline/repro.py")
    assert done.returncode == 0, done.stderr
    assert f"train_network@{NETWORK}" in done.stdout
    assert copy.hashes("models", "scores", "reports") == before
    assert (copy.folder / "dvc.lock").read_text() == lock
    again = copy.run(sys.executable, "pipeline/repro.py")
    assert "Running stage" not in again.stdout


@pytest.mark.thorough
def test_a_stage_that_fails_ends_the_run_with_its_code(finished: Project, tmp_path: Path) -> None:
    copy = Project(tmp_path / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    copy.edit("conf/compute/local.yaml", workers=2)
    copy.edit("conf/model/decision_tree.yaml", max_depth=-3)
    done = copy.run(sys.executable, "pipeline/repro.py")
    assert done.returncode != 0
    assert "model.max_depth" in done.stderr
    copy.edit("params.yaml", compute="absent")
    done = copy.run(sys.executable, "pipeline/repro.py")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
