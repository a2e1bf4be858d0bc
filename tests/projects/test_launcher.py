"""A process is a helper only where its whole group is told, and no stage ends well for nothing."""

import os
import sys
from pathlib import Path

import pytest

from skiagram.errors import SkiagramError
from skiagram.projects.files import environment
from skiagram.projects.launcher import HELPED, find_rank
from skiagram.projects.stage import StageRun
from tests.yaml_rows import read_rows

LAUNCHERS = read_rows(__file__, "launchers")
TOGETHER = {name: text for variables in LAUNCHERS.values() for name, text in variables.items()}
GROUPS = ("torchrun", "Lightning", "SLURM")  # whose processes PyTorch can bring together


def set_variables(monkeypatch, variables):
    for name in (*TOGETHER, "DVC_STAGE", HELPED):
        monkeypatch.delenv(name, raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)


@pytest.mark.parametrize("name", TOGETHER)
def test_one_variable_alone_makes_no_helper_and_goes(monkeypatch, name):
    # a step of srun has all of its variables, of which the number of tasks tells that it is one
    for text in (TOGETHER[name], "0", "", "no number"):
        set_variables(monkeypatch, {name: text})
        assert name not in environment(Path())
        assert find_rank() is None
        assert name not in os.environ


@pytest.mark.parametrize("launcher", [*LAUNCHERS, "all"])
def test_a_whole_group_is_told_to_a_stage_that_dvc_did_not_start(monkeypatch, launcher):
    told = LAUNCHERS.get(launcher, TOGETHER)
    rank = 1 if launcher in (*GROUPS, "all") else None
    for around, expected in (
        ({}, rank),
        ({"DVC_STAGE": "train_network@a"}, None),
        ({"DVC_STAGE": "train_network@a", HELPED: "1"}, rank),  # started by Lightning
    ):
        set_variables(monkeypatch, told | around)
        assert find_rank() == expected
        assert (told.keys() <= os.environ.keys()) == (expected is not None)


def test_a_batch_script_is_no_step(monkeypatch):
    set_variables(monkeypatch, {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"})
    assert find_rank() is None
    assert os.environ["SLURM_JOB_ID"] == "7"


def test_no_stage_ends_well_without_outputs(tmp_path):
    for code in (0, None):
        with (
            pytest.raises(SkiagramError, match="ingest: the stage came to its end without outputs"),
            StageRun({}, tmp_path).required("ingest"),
        ):
            sys.exit(code)
    with pytest.raises(SystemExit), StageRun({}, tmp_path).required("ingest"):
        sys.exit(3)
    run = StageRun({}, tmp_path)
    with run.required("ingest"), run.publish("data/images") as folder:
        (folder / "data/images").mkdir(parents=True)
