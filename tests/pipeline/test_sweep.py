"""Whole runs swept by Hydra: what a job returns, and each of the launchers that the page names."""

import json
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest
from hydra import compose, initialize
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

import sweep
from objective import OBJECTIVE, find_entry
from skiagram.errors import OptionError, SkiagramError
from tests.pipeline.project import Project

PLUGINS = {"joblib": "hydra_joblib_launcher"} | dict.fromkeys(
    ("submitit_local", "submitit_slurm"), "hydra_submitit_launcher"
)


CHOICES = {
    "baselines": ["logistic_regression", "svm", "encoder_ridge"],
    "encoders": ["dino"],
    "networks": ["small_cnn"],
    "combinations": "",
}
_PLAIN = {name: {"strength": 1.0} for name in ("logistic_regression", "svm", "tree")}
CONF = {"model": _PLAIN | {"encoder_ridge": {"strength": 1.0, "encoding": "dino"}}}
STRENGTH = "conf.model.logistic_regression.strength"
GRID, OPTUNA = "hydra._internal.BasicSweeper", "hydra_plugins.hydra_optuna_sweeper.OptunaSweeper"


class Runs:
    """Stands for DVC and git: the weaker the best baseline, the larger the difference."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def run(self, command: Sequence[str], **_: Any) -> SimpleNamespace:
        if "run" in command:
            self.asked = [word for word in command if "=" in word]
        return SimpleNamespace(returncode=0)

    def git(self, *words: str) -> str:
        if words[0] == "for-each-ref":
            return "refs/exps/sweep-0"
        (strength,) = (float(word.partition("=")[2]) for word in self.asked if "strength" in word)
        figures: dict[str, dict[str, float]] = {
            "svm": {"roc_auc": 0.7, "selection_auc": 0.71},
            "best_classical": {"selection_auc": 0.74},
            "best_network_minus_baseline": {"roc_auc": 0.12 if strength < 1 else -0.01},
        }
        if strength <= 1:  # else the model fails
            areas = {"roc_auc": 0.6, "selection_auc": 0.58 + 0.1 * strength}
            figures["logistic_regression"] = areas
        return json.dumps(figures)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    stand_in = Runs()
    monkeypatch.setattr(sweep, "subprocess", stand_in)
    monkeypatch.setattr(sweep, "_git", stand_in.git)
    options = {**CHOICES, "seed": 0, "conf": CONF, "objective": OBJECTIVE}
    ConfigStore.instance().store("sweep", {**options, "hydra": sweep._HYDRA})
    yield stand_in
    HydraConfig.instance().cfg = None


def job(*overrides: str) -> float | None:
    """Return what Hydra would get from a job with these overrides."""
    with initialize(version_base="1.3", config_path=None):
        config = compose("sweep", [*overrides], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    return sweep.run(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]))


def test_a_job_returns_the_selection_auc_of_the_swept_model(runs: Runs) -> None:
    """Crippling the best baseline widens the difference on test cases, and must not win."""
    crippled, sound = job(f"{STRENGTH}=0.001"), job(f"{STRENGTH}=1.0")
    assert crippled == pytest.approx(0.5801)
    assert sound == pytest.approx(0.68)


def test_a_job_returns_what_its_objective_names_which_dvc_never_sees(runs: Runs) -> None:
    assert job(f"{STRENGTH}=0.5", "objective.model=svm") == 0.71
    assert job(f"{STRENGTH}=0.5", "++objective.arm=classical") == 0.74
    assert runs.asked == ["conf/model/logistic_regression.yaml:strength=0.5"]


@pytest.mark.slow
def test_optuna_never_takes_a_job_that_failed_for_the_best(runs: Runs) -> None:
    import optuna

    def objective(trial: Any) -> float | None:
        strength = trial.suggest_categorical("strength", [0.001, 1.0, 10.0])
        return job(f"{STRENGTH}={strength}")

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.GridSampler({"strength": [0.001, 1.0, 10.0]}, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=3, catch=(SkiagramError,))
    assert study.best_params == {"strength": 1.0}
    states = {trial.params["strength"]: trial.state.name for trial in study.trials}
    assert states == {0.001: "COMPLETE", 1.0: "COMPLETE", 10.0: "FAIL"}


def test_a_failed_model_is_named_in_place_of_a_figure(runs: Runs) -> None:
    with pytest.raises(SkiagramError, match="logistic_regression has no selection_auc"):
        job(f"{STRENGTH}=10.0")


@pytest.mark.parametrize("figure", ["roc_auc", "difference", "balanced_accuracy"])
def test_an_objective_of_test_cases_is_refused_before_any_run(runs: Runs, figure: str) -> None:
    with pytest.raises(OptionError) as refused:
        sweep.check_sweep([f"objective.figure={figure}", f"{STRENGTH}=0.1,1.0"])
    assert refused.value.exit_code == 2
    assert all(words in str(refused.value) for words in (figure, "test cases", "selection_auc"))
    assert "\n" not in str(refused.value)


def entry(*changed: str, sweeper: str = GRID, **objective: str) -> str | None:
    config = {**CHOICES, "conf": CONF, "objective": OBJECTIVE | objective}
    return find_entry(config, changed, sweeper)


def test_the_only_model_whose_options_change_is_chosen_by() -> None:
    assert entry(STRENGTH, "seed") == "logistic_regression"
    assert entry("conf.model.encoder_ridge.strength") == "encoder_ridge"
    assert entry(STRENGTH, "conf.model.svm.kernel") is None  # a grid needs none
    assert entry("seed") is None
    assert entry("seed", sweeper=OPTUNA, arm="encoder") == "best_encoder"


@pytest.mark.parametrize(
    ("changed", "objective", "words"),
    [
        (("seed",), {}, "does not say which model"),
        ((STRENGTH, "conf.model.svm.kernel"), {}, "does not say which model"),
        (("seed",), {"model": "tree"}, "`tree` is not in the run"),
        (("seed",), {"arm": "combined"}, "no arm `combined`"),
        (("seed",), {"arm": "deep", "model": "svm"}, "a model and an arm"),
        (("conf.model.tree.depth",), {}, "conf.model.tree: is changed, but not used"),
    ],
)
def test_a_sweeper_that_chooses_is_told_by_what(
    changed: Sequence[str], objective: dict[str, str], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        entry(*changed, sweeper=OPTUNA, **objective)


def test_models_that_are_swept_are_checked_by_each_job(runs: Runs) -> None:
    sweep.check_sweep(["baselines=[tree],[svm]", "objective.model=tree"])
    assert not runs.asked
    with pytest.raises(OptionError, match="`tree` is not in the run"):
        job("baselines=[svm]", "objective.model=tree")
    assert not runs.asked


@pytest.mark.slow
def test_a_refused_objective_is_one_line_and_nothing_runs(project: Project) -> None:
    words = ("-m", "seed=0,1", "objective.figure=roc_auc")
    done = project.run("python", "pipeline/sweep.py", *words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "objective.figure" in done.stderr
    assert not (project.folder / "multirun").exists()


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
    words = ("python", "pipeline/sweep.py", "-m", f"hydra/launcher={launcher}")
    done = project.run(*words, "margin=0.03,0.04", "objective.arm=classical")
    assert done.returncode == 0, done.stderr[-2000:]
    found = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps/**/sweep-*")
    assert len(found.stdout.split()) == 2
    for reference in found.stdout.split():
        figures = json.loads(project.run("git", "show", f"{reference}:reports/metrics.json").stdout)
        assert figures["best_classical"] == {
            "selection_auc": figures["logistic_regression"]["selection_auc"]
        }
    status = project.run("git", "status", "--porcelain").stdout.split()
    assert not [path for path in status if path in ("params.yaml", "dvc.lock")]
