"""`make repro` runs stages side by side, a DVC for each, and leaves what one DVC would."""

import shutil
import sys
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from repro import Stage, read_stages, run_all, sort_lock
from tests.pipeline.project import BASELINES, NETWORK, Project, stages_run

ORDER = (
    *("digest", "ingest", "audit", "restore", "propose", "extract", "encode"),
    *(f"train_baseline@{name}" for name in BASELINES),
    *(f"train_network@{NETWORK}", "combine", "evaluate", "record"),
)
FIRST = """
stages:
  ingest: {cmd: python ingest.py, deps: [source], outs: [data/images: {persist: true}]}
  audit: {cmd: python audit.py, deps: [data/images], outs: [data/audit/passed]}
  restore: {cmd: python restore.py, deps: [data/images/index.json], outs: [data/restored]}
  extract: {cmd: python extract.py, deps: [data/restored], outs: [data/features]}
  train_baseline:
    matrix: {model: "${baselines}"}
    cmd: python train_baseline.py
    deps: [data/audit/passed, data/features]
    outs: ["scores/${item.model}"]
  train_network:
    matrix: {model: "${networks}"}
    cmd: python train_network.py
    deps: [data/audit/passed, data/restored]
    outs: ["scores/${item.model}"]
  evaluate:
    cmd: python evaluate.py
    deps: [scores]
    outs: [reports]
    metrics: [metrics.json: {cache: false}]
  record: {cmd: python record.py, deps: [metrics.json], outs: [receipt]}
"""
CHOSEN = {"baselines": ["svm", "tree", "forest"], "networks": ["small", "large"]}


class Run:
    """Starts processes that end at once, and notes what stood and what ran beside each stage."""

    def __init__(self, failing: str = "") -> None:
        self.failing = failing
        self.begun: list[str] = []
        self.together: list[int] = []
        self.running: list[tuple[Stage, BaseProcess]] = []

    def start(self, stage: Stage, together: int) -> BaseProcess:
        still = [earlier for earlier, process in self.running if process.is_alive()]
        assert not any(stage.needs(other) for other in still), f"{stage.name} began too early"
        code = 3 if stage.name == self.failing else 0
        process = get_context("fork").Process(target=sys.exit, args=(code,))
        process.start()
        self.running.append((stage, process))
        self.begun.append(stage.name)
        self.together.append(together)
        return process


def test_a_stage_begins_once_all_that_it_reads_stands() -> None:
    stages = list(read_stages(FIRST, CHOSEN))
    needs = {one.name: {other.name for other in stages if one.needs(other)} for one in stages}
    trained = {name for name in needs if name.startswith("train_")}
    assert needs["ingest"] == set()
    assert needs["audit"] == needs["restore"] == {"ingest"}
    assert needs["train_network@large"] == {"audit", "restore"}
    assert needs["train_baseline@svm"] == {"audit", "extract"}
    assert needs["evaluate"] == trained
    assert len(trained) == 5
    assert needs["record"] == {"evaluate"}


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_every_stage_runs_once_in_an_order_that_its_needs_allow(lanes: int) -> None:
    stages, run = list(read_stages(FIRST, CHOSEN)), Run()
    assert run_all(stages, lanes, run.start) == 0
    assert sorted(run.begun) == sorted(stage.name for stage in stages)
    place = {name: number for number, name in enumerate(run.begun)}
    for one in stages:
        assert all(place[other.name] < place[one.name] for other in stages if one.needs(other))
    share = dict(zip(run.begun, run.together, strict=True))
    assert share["ingest"] == share["evaluate"] == share["record"] == 1  # the whole machine
    assert share["audit"] == share["restore"] == min(2, lanes)


@pytest.mark.slow
def test_networks_are_begun_before_other_models() -> None:
    run = Run()
    of_models = [one for one in read_stages(FIRST, CHOSEN) if one.name.startswith("train_")]
    run_all(of_models, 2, run.start)
    assert run.begun[:2] == ["train_network@small", "train_network@large"]


@pytest.mark.slow
def test_no_stage_begins_after_one_that_failed() -> None:
    run = Run(failing="restore")
    assert run_all(list(read_stages(FIRST, CHOSEN)), 2, run.start) == 3
    assert set(run.begun) == {"ingest", "audit", "restore"}


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


def without_digest(lock: str) -> str:
    """Return a lock without its first stage, which notes that the option of workers was edited."""
    return lock[: lock.index("  digest:")] + lock[lock.index("  ingest:") :]


@pytest.mark.thorough
def test_stages_side_by_side_leave_equal_bytes(finished: Project, tmp_path: Path) -> None:
    copy = finished.copy(tmp_path / "project")
    before = copy.hashes("models", "scores", "reports")
    for folder in ("models", "scores"):
        shutil.rmtree(copy.folder / folder)
    shutil.rmtree(copy.folder / ".dvc/cache/runs")
    path = copy.folder / "dvc.lock"
    lock = without_digest(sort_lock(path.read_text(), ORDER))
    path.unlink()
    copy.edit("conf/compute/local.yaml", workers=2)
    done = copy.run(sys.executable, "pipeline/repro.py")
    assert done.returncode == 0, done.stderr
    assert f"train_network@{NETWORK}" in done.stdout
    assert copy.hashes("models", "scores", "reports") == before
    assert without_digest(path.read_text()) == lock
    again = copy.run(sys.executable, "pipeline/repro.py")
    assert stages_run(again.stdout) == ["digest"]


@pytest.mark.thorough
def test_a_stage_that_fails_ends_the_run_with_its_code(finished: Project, tmp_path: Path) -> None:
    copy = finished.copy(tmp_path / "project")
    copy.edit("conf/compute/local.yaml", workers=2)
    copy.edit("conf/model/decision_tree.yaml", max_depth=-3)
    done = copy.run(sys.executable, "pipeline/repro.py")
    assert done.returncode != 0
    assert "model.max_depth" in done.stderr
    copy.edit("params.yaml", compute="absent")
    done = copy.run(sys.executable, "pipeline/repro.py")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
