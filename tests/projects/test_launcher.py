"""A process is a helper only where its whole group is told, and no stage ends well for nothing."""

import os
import sys
from pathlib import Path

import pytest

from skiagram.errors import SkiagramError
from skiagram.projects.files import environment
from skiagram.projects.launcher import HELPED, find_rank
from skiagram.projects.stage import StageRun

ADDRESS = {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}
# What each sets for the second of two processes, as its manual lists it.
LAUNCHERS = {
    "torchrun": {
        **{"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"},
        **{"GROUP_RANK": "0", "GROUP_WORLD_SIZE": "1", "ROLE_RANK": "1", "ROLE_WORLD_SIZE": "2"},
        **{"ROLE_NAME": "default", "TORCHELASTIC_RUN_ID": "none", **ADDRESS},
        **{"TORCHELASTIC_MAX_RESTARTS": "0", "TORCHELASTIC_USE_AGENT_STORE": "True"},
    },
    "Lightning": {"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2", **ADDRESS},
    "SLURM": {
        **{"SLURM_PROCID": "1", "SLURM_LOCALID": "1", "SLURM_NODEID": "0", "SLURM_NTASKS": "2"},
        **{"SLURM_NPROCS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_ID": "0"},
        **{"SLURM_NTASKS_PER_NODE": "2", "SLURM_TASKS_PER_NODE": "2"},
    },
    "Open MPI": {
        **{"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_UNIVERSE_SIZE": "2"},
        **{"OMPI_COMM_WORLD_LOCAL_RANK": "1", "OMPI_COMM_WORLD_NODE_RANK": "1"},
    },
    "MPICH": {
        **{"PMI_RANK": "1", "PMI_SIZE": "2", "PMI_FD": "6", "MPI_LOCALRANKID": "1"},
        **{"MPI_LOCALNRANKS": "2", "HYDI_CONTROL_FD": "7"},
    },
    "PMIx": {"PMIX_RANK": "1", "PMIX_NAMESPACE": "job", "PMIX_SERVER_URI41": "job.0;tcp4://a:1"},
}
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
