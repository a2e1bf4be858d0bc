"""A network's stage can be stopped and taken up again, and several processes can share it."""

import signal
import sys
import time
from datetime import timedelta
from importlib.util import find_spec

import numpy as np
import psutil
import pytest

from skiagram.compute.pieces import PieceStore
from skiagram.records.predictions import Predictions
from skiagram.tasks.cases import read_cases
from tests.pipeline.project import source_arrays, write_source
from tests.projects.test_launcher import LAUNCHERS, TOGETHER

pytestmark = pytest.mark.slow


def restored(project):
    for stage, overrides in (("ingest", ["dataset=tiny"]), ("restore", []), ("propose", [])):
        project.stage(stage, *overrides, code=0)
    return project


LONGER = ("plan.folds=2", "model.training.epochs=10", "model.training.patience=10")
UNDER_WAY = ".work/pieces/unfinished-*/repeat0-fold0/last.ckpt"


def start_longer(project, *words):
    """Start a training of ten epochs; return its process when a fit has ended an epoch."""
    process = project.start(sys.executable, "pipeline/train_network.py", *LONGER, *words)
    deadline = time.monotonic() + 120
    while not list(project.folder.glob(UNDER_WAY)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


@pytest.mark.skipif(find_spec("triton") is None, reason="this PyTorch comes without Triton")
def test_a_stage_with_pytorch_ends_in_silence(project):
    """Parts of PyTorch print of leaks where what a stage imported is not let go of at its end."""
    script = project.folder / "pipeline/silent.py"
    script.write_text(
        "import gc, sys\n\nimport project\nfrom skiagram.projects import stage\n"
        "import atexit, torch._dynamo\n\natexit.register(stage._skip_last_collection)\n"
        "gc.freeze()\ngc.enable()\nassert 'triton' in sys.modules\n"
    )
    done = project.run(sys.executable, "pipeline/silent.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_leaves_the_outputs_and_the_next_run_goes_on(project):
    restored(project)
    project.stage("train_network", "plan.folds=2", "model.training.epochs=1", code=0)
    earlier = project.hashes("models", "scores")

    process = start_longer(project)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert project.hashes("models", "scores") == earlier
    assert list(project.folder.glob(UNDER_WAY))

    project.stage("train_network", *LONGER, code=0)
    assert not list(project.folder.glob(UNDER_WAY))
    assert project.hashes("models", "scores") != earlier


def test_a_fit_that_is_killed_goes_on_where_it_was_and_leaves_equal_bytes(project):
    restored(project)
    project.stage("train_network", *LONGER, "compute.workers=1", code=0)
    serial = project.hashes("models", "scores")

    process = start_longer(project, "compute.workers=2")
    below = psutil.Process(process.pid).children()
    fits = [child for child in below if "popen_loky" in " ".join(child.cmdline())]
    assert len(fits) == 2
    fits[0].kill()
    _, errors = process.communicate()
    assert process.returncode == 1, errors
    assert "a worker ended before its work was done" in errors
    project.stage("train_network", *LONGER, "compute.workers=1", code=0)  # as well as two
    assert project.hashes("models", "scores") == serial


def test_two_processes_of_one_stage_score_every_case_once(project):
    restored(project)
    short = ("plan.folds=2", "model=article_cnn", "model.training.epochs=2", "trainer.devices=2")
    # This returns once every process has closed its end of the pipes: none is left behind.
    done = project.stage("train_network", *short, CUDA_VISIBLE_DEVICES="", code=0)
    assert "Traceback" not in done.stderr
    cases, _ = read_cases(project.folder / "data/cases")
    scores = Predictions.read(project.folder / "scores/article_cnn")
    test, held_out = scores.part("test"), scores.part("out_of_fold")
    for rows, expected in ((test, cases.test()), (held_out, cases.development())):
        np.testing.assert_array_equal(np.sort(rows["case_id"]), np.sort(expected.case_id))
    work = project.folder / ".work"
    left = [path.relative_to(work).parts[0] for path in work.rglob("*") if path.is_file()]
    assert set(left) - {"mlflow.lock"} == {"running", "seconds"}  # the lock of who shows epochs
    assert "unfinished" not in {held.kind for held in PieceStore(work / "pieces").held()}


@pytest.mark.parametrize("launcher", ["torchrun", "Lightning", "SLURM"])
def test_a_helper_whose_first_process_does_not_come_ends_with_an_error(
    project, monkeypatch, launcher
):
    from skiagram.training import fit

    monkeypatch.setattr(fit, "PATIENCE", timedelta(seconds=3))
    told = LAUNCHERS[launcher] | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    told.pop("TORCHELASTIC_USE_AGENT_STORE", None)
    two = ("trainer.accelerator=cpu", "trainer.devices=2", "trainer.strategy=ddp")
    done = project.stage("train_network", *two, **told, code=1)
    assert "not all of 2 processes have met" in done.stderr.splitlines()[-1]
    assert not (project.folder / "scores").exists()


def test_what_a_launcher_left_in_the_shell_changes_no_figure(project):
    """Where DVC runs the stages, with each launcher's variables and with all of them."""
    ingest, network = ("ingest", "dataset=tiny"), ("train_network", "plan.folds=2")
    project.stages(ingest, ("restore",), ("propose",), network)
    outputs = ("data/cases", "data/sealed", "models", "scores")
    clean = project.hashes(*outputs)

    def run_with(left, *stages):
        for name, override in stages:
            project.stage(name, override, DVC_STAGE=name, **left, code=0)
        return project.hashes(*outputs)

    for left in LAUNCHERS.values():
        assert run_with(left, ingest) == clean
    assert run_with(TOGETHER, ingest, network) == clean
    write_source(project, source_arrays(permute_test_labels=True))
    assert run_with(TOGETHER, ingest) != clean  # nothing stale stays


def test_processes_that_would_not_meet_are_refused(project):
    restored(project)
    of_two = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
    of_two |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29512"}
    for launched, trainer, named in (
        ({}, "trainer.num_nodes=2", "torchrun or by srun"),
        (of_two, "trainer.devices=1", "2 processes"),
    ):
        done = project.stage("train_network", trainer, **launched, code=2)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert named in done.stderr
        assert not (project.folder / "scores").exists()
