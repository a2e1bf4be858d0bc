"""Whole runs swept by Hydra, by each of the launchers that the page names."""

import json
import shutil
from importlib.util import find_spec

import pytest

from tests.pipeline.project import Project

PLUGINS = {"joblib": "hydra_joblib_launcher"} | dict.fromkeys(
    ("submitit_local", "submitit_slurm"), "hydra_submitit_launcher"
)


@pytest.mark.thorough
@pytest.mark.parametrize("launcher", ["basic", *PLUGINS])
def test_a_job_is_an_experiment_of_dvc(project: Project, launcher: str) -> None:
    if launcher in PLUGINS:
        plugins = find_spec("hydra_plugins")
        if plugins is None or find_spec(f"hydra_plugins.{PLUGINS[launcher]}") is None:
            pytest.skip(f"no launcher {launcher}: its plug-in is not installed")
    if launcher == "submitit_slurm" and shutil.which("sbatch") is None:
        pytest.skip("no SLURM here: there is no command `sbatch`")
    project.edit("params.yaml", baselines=["logistic_regression"], features="first_order")
    project.edit("conf/model/small_cnn.yaml", training__epochs=1)
    for command in (
        *("git init -q", "git config user.name a", "git config user.email a@b", "dvc init -q"),
        *("git add -A", "git commit -qm first"),
    ):
        assert project.run(*command.split()).returncode == 0
    sweep = ("python", "pipeline/sweep.py", "-m", f"hydra/launcher={launcher}")
    done = project.run(*sweep, "margin=0.03,0.04")
    assert done.returncode == 0, done.stderr[-2000:]
    found = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps/**/sweep-*")
    assert len(found.stdout.split()) == 2
    for reference in found.stdout.split():
        figures = project.run("git", "show", f"{reference}:reports/metrics.json").stdout
        assert any(name.startswith("best_") for name in json.loads(figures))
    status = project.run("git", "status", "--porcelain").stdout.split()
    assert not [path for path in status if path in ("params.yaml", "dvc.lock")]
