"""Whole runs swept by Hydra: what a job returns, and each of the launchers that the page names."""

import json
import os
import shutil
import signal
import sys
import time
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hydra import compose, initialize
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from skiagram.cli import sweep
from skiagram.composition import Composition
from skiagram.errors import OptionError, SkiagramError
from skiagram.records.files import write_record
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps import by_hand
from skiagram.sweeps.by_hand import HYDRA, OBJECTIVE, check_objective, find_model
from skiagram.sweeps.rows import SELECTION, Objective, Sweep, expand_rows
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.table import RESULT, SweepResult
from skiagram.sweeps.workspace import Workspace
from tests.pipeline.project import fork_stages, make_project
from tests.sweeps.made_figures import make_figures

pytestmark = pytest.mark.slow

PLUGINS = {"joblib": "hydra_joblib_launcher", "ray": "hydra_ray_launcher"} | dict.fromkeys(
    ("submitit_local", "submitit_slurm"), "hydra_submitit_launcher"
)


CHOICES = {
    "baselines": ["logistic_regression", "svm", "encoder_ridge"],
    "encoders": ["dino"],
    "networks": ["small_cnn"],
    "combinations": [],
}
_PLAIN = {name: {"strength": 1.0} for name in ("logistic_regression", "svm", "tree")}
MODELS = _PLAIN | {"encoder_ridge": {"strength": 1.0, "encoding": "dino"}}
STRENGTH = "conf.model.logistic_regression.strength"
GRID, OPTUNA = "hydra._internal.BasicSweeper", "hydra_plugins.hydra_optuna_sweeper.OptunaSweeper"


class Rows:
    """Stands for the steps: the weaker the best classical model, the larger the difference."""

    def __init__(self):
        self.asked = {}

    def run(self, _, __, rows, *___):
        self.asked = dict(rows[0].changes)
        strength = self.asked.get(STRENGTH, 1.0)
        values = {"svm": 0.71, "best_classical": 0.74}
        if strength <= 1:  # else the model fails
            values["logistic_regression"] = 0.58 + 0.1 * strength
        models = {
            (model, model, "classical"): {SELECTION: Estimate(value)}
            for model, value in values.items()
        }
        yield RowResult(rows[0], make_figures(models))


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """Return a folder with choices and configs alone."""
    folder = tmp_path_factory.mktemp("options")
    OmegaConf.save({**CHOICES, "seed": 0}, folder / "params.yaml")
    (folder / "conf/model").mkdir(parents=True)
    for name, values in MODELS.items():
        OmegaConf.save(values, folder / f"conf/model/{name}.yaml")
    return folder


@pytest.fixture
def rows(monkeypatch, tmp_path, options):
    stand_in = Rows()
    monkeypatch.setattr(by_hand, "run_rows", stand_in.run)
    places = {"project": str(options), "rows": str(tmp_path)}
    stored = {"objective": OBJECTIVE, "places": places, "hydra": HYDRA}
    ConfigStore.instance().store("sweep", stored)
    monkeypatch.setattr(Workspace, "of_project", lambda _: None)
    yield stand_in
    HydraConfig.instance().cfg = None


def job(*overrides):
    """Return what Hydra would get from a job with these overrides."""
    with initialize(version_base="1.3", config_path=None):
        config = compose("sweep", [*overrides, "hydra.job.num=0"], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    keys = [str(key) for key in config if key != "hydra"]
    return by_hand.run_job(OmegaConf.masked_copy(config, keys))


def test_a_job_returns_the_selection_auc_of_the_swept_model(rows):
    """Crippling the best classical model widens the difference on test cases, and must not win."""
    crippled, sound = job(f"++{STRENGTH}=0.001"), job(f"++{STRENGTH}=1.0")
    assert crippled == pytest.approx(0.5801)
    assert sound == pytest.approx(0.68)


def test_a_job_returns_what_its_objective_names_which_no_step_sees(rows):
    assert job(f"++{STRENGTH}=0.5", "objective.model=svm") == 0.71
    assert job(f"++{STRENGTH}=0.5", "++objective.arm=classical") == 0.74
    assert rows.asked == {STRENGTH: 0.5}


def test_a_failed_model_is_named_in_place_of_a_figure(rows):
    with pytest.raises(SkiagramError, match="logistic_regression has no selection_auc"):
        job(f"++{STRENGTH}=10.0")


@pytest.fixture
def entry(options):
    def find(*changed, sweeper=GRID, **objective):
        return find_model(Composition(options), Objective(**objective), changed, sweeper)

    return find


def test_the_only_model_whose_options_change_is_chosen_by(entry):
    assert entry(STRENGTH, "seed") == "logistic_regression"
    assert entry("conf.model.encoder_ridge.strength") == "encoder_ridge"
    assert entry(STRENGTH, "conf.model.svm.kernel") is None  # a grid needs none
    assert entry("seed") is None
    assert entry("seed", sweeper=OPTUNA, arm="encoder") == "best_encoder"


@pytest.mark.parametrize(
    ("changed", "objective", "words"),
    [
        (("seed",), {}, "does not say by which model"),
        ((STRENGTH, "conf.model.svm.kernel"), {}, "does not say by which model"),
        (("seed",), {"model": "tree"}, "`tree` is not in the run"),
        (("seed",), {"arm": "combined"}, "no arm `combined`"),
        (("seed",), {"arm": "deep", "model": "svm"}, "a model and an arm"),
        (("conf.model.tree.depth",), {}, "`tree` has no part in the row"),
    ],
)
def test_a_sweeper_that_chooses_is_told_by_what(entry, changed, objective, words):
    with pytest.raises(OptionError, match=words):
        entry(*changed, sweeper=OPTUNA, **objective)


def test_models_that_are_swept_are_checked_by_each_job(rows, options):
    check_objective(options, ["++baselines=[tree],[svm]", "objective.model=tree"])
    assert not rows.asked
    with pytest.raises(OptionError, match="`tree` is not in the run"):
        job("++baselines=[svm]", "objective.model=tree")
    assert not rows.asked


def test_a_refused_objective_is_one_line_and_nothing_runs(project):
    """A figure of test cases is no objective: there is no such option."""
    done = project.stage("sweep", "-m", "seed=0,1", "objective.figure=roc_auc", code=2)
    assert done.stderr.count("\n") == 1
    assert "objective.figure" in done.stderr
    assert not (project.folder / "multirun").exists()


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """Return a project of two baselines and no network, whose images are described for rows."""
    project = make_project(tmp_path_factory.mktemp("described") / "project")
    project.edit("params.yaml", baselines=["logistic_regression", "svm"], networks=[])
    project.edit("params.yaml", features="first_order", tracking="sqlite")
    project.run(*ask(project, {"seed": [0]}), code=0)
    for piece in (project.folder / ".work/pieces").iterdir():
        if piece.name.startswith(("model-", "trained-")):
            shutil.rmtree(piece)
    shutil.rmtree(project.folder / "sweeps/regularisation")
    return project


@pytest.fixture
def small(described, tmp_path):
    """Return a copy of that project, in which no model was trained."""
    return described.copy(tmp_path / "project")


STRENGTHS = "conf.model.logistic_regression.C"
SCORES = "scores/predictions.parquet"


def ask(project, axes):
    """Write a sweep over these axes alone; return the command that runs it."""
    question = {"question": "How strongly should models be regularised?", "axes": axes}
    path = project.folder / "conf/sweep/regularisation.yaml"
    OmegaConf.save(question | {"figures": ["roc_auc", "brier"]}, path)
    return "python", "pipeline/sweep.py", "sweep=regularisation"


def table_of(project, name):
    return pd.read_csv(project.folder / f"sweeps/{name}/table.csv")


@pytest.mark.parametrize("launcher", ["basic", *PLUGINS])
def test_a_job_is_a_row_wherever_a_launcher_runs_it(small, launcher):
    if launcher == "submitit_slurm" and shutil.which("sbatch") is None:
        pytest.skip("no SLURM here: there is no command `sbatch`")
    words = ("python", "pipeline/sweep.py", "-m", f"hydra/launcher={launcher}")
    left_to_its_class = "logistic_regression.lasting=null"
    done = small.run(*words, "margin=0.03,0.04", f"{STRENGTHS}=0.1", left_to_its_class)
    if launcher in PLUGINS and find_spec(f"hydra_plugins.{PLUGINS[launcher]}") is None:
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert launcher in done.stderr
        pytest.skip(f"no launcher {launcher}: its plug-in is not installed, which one line says")
    assert done.returncode == 0, done.stderr[-2000:]
    table = table_of(small, "by_hand")
    assert set(table["row"]) == {1, 2}
    assert set(table["margin"]) == {0.03, 0.04}
    page = (small.folder / "sweeps/by_hand/page.html").read_text()
    assert "selection" in page


def test_rows_that_were_done_are_kept_when_a_launcher_fails(rows, monkeypatch, options):
    """A launcher whose second job was cancelled raises an error of its own."""

    def launched(run_job):
        def launch():
            with initialize(version_base="1.3", config_path=None):
                words = [f"++{STRENGTH}=0.5", "hydra.job.num=0", f"places.rows={kept}"]
                config = compose("sweep", words, return_hydra_config=True)
            config.hydra.overrides.task = [f"++{STRENGTH}=0.5"]
            HydraConfig.instance().set_config(config)
            names = [str(key) for key in config if key != "hydra"]
            run_job(OmegaConf.masked_copy(config, names))
            raise RuntimeError("job 2 was cancelled")

        return launch

    kept = options / ".work/sweeps/by_hand"
    written = []
    monkeypatch.setattr("hydra.main", lambda **_: launched)
    monkeypatch.setattr(sweep, "write_sweep", lambda root, name, made: written.append(made))
    monkeypatch.setattr("sys.argv", ["sweep.py", "-m", f"{STRENGTH}=0.5,1.0"])
    with pytest.raises(RuntimeError, match="job 2 was cancelled"):
        sweep.sweep(options)
    assert written[0].rows == ({STRENGTH: 0.5},)


def test_what_a_sweep_prints_does_nothing_to_a_terminal(monkeypatch, capsys, tmp_path):
    workspace = SimpleNamespace(of_project=lambda _: None)
    monkeypatch.setattr(sweep, "Workspace", workspace)
    chosen = SimpleNamespace(row=SimpleNamespace(number=1))
    monkeypatch.setattr(sweep, "run_sweep", lambda *_: SimpleNamespace(chosen=chosen))
    monkeypatch.setattr(sweep, "list_answers", lambda _: ("row 1", "  data set \x1b[2J"))
    monkeypatch.setattr(sweep, "publish", lambda *_: nullcontext(tmp_path))
    for name in ("write_outputs", "find_tracker"):
        monkeypatch.setattr(sweep, name, lambda *_: None)
    monkeypatch.setattr(sweep, "record_sweep", lambda *_: "Recorded in \u202estore")
    sweep.write_sweep(tmp_path, "cohorts", Sweep(question="Which?", rows=({"seed": 0},)))
    first, second, third, *_, last = capsys.readouterr().out.splitlines()
    assert (first, second) == ("row 1", r"  data set \x1b[2J")
    assert "`skiagram apply cohorts 1`" in third
    assert last == r"Recorded in \u202estore"


def test_rows_by_hand_take_the_place_of_no_others(tmp_path):
    def swept(*strengths):
        return Sweep(question="", rows=tuple({STRENGTH: strength} for strength in strengths))

    def write(made):
        name = by_hand.free_name(tmp_path, made)
        results = tuple(RowResult(row) for row in expand_rows(made))
        (tmp_path / "sweeps" / name).mkdir(parents=True, exist_ok=True)
        path = tmp_path / "sweeps" / name / RESULT
        write_record(SweepResult(name, made.question, "", results), path)
        return name

    assert write(swept(0.5)) == "by_hand"
    assert write(swept(0.5)) == "by_hand"
    assert write(swept(0.5, 1.0)) == "by_hand"  # more of the same rows
    assert write(swept(0.5, 2.0)) == "by_hand_2"
    (tmp_path / "sweeps/by_hand_2" / RESULT).write_text("{}")  # of another version
    assert write(swept(2.0)) == "by_hand_3"


def test_optunas_sweeper_chooses_by_selection_auc(small):
    sweeper = ("hydra/sweeper=optuna", "hydra.sweeper.direction=maximize")
    trials = ("hydra.sweeper.n_trials=3", "hydra.sweeper.n_jobs=1")
    words = ("python", "pipeline/sweep.py", "-m", *sweeper, *trials)
    small.run(*words, f"{STRENGTHS}=interval(0.01,100)", code=0)
    assert table_of(small, "by_hand")["row"].nunique() == 3


def test_a_failed_job_is_a_row_of_the_table_and_ends_no_other(small):
    done = small.run("python", "pipeline/sweep.py", "-m", f"{STRENGTHS}=0,1", code=1)
    assert "C" in done.stderr
    table = table_of(small, "by_hand")
    assert table.loc[table["row"] == 1, "reason"].str.contains("greater than 0").all()
    assert "roc_auc" in set(table.loc[table["row"] == 2, "figure"])


def test_rows_have_the_figures_of_whole_runs_and_one_becomes_the_run(small):
    """A row against the stages with its options: figures and bytes of scores."""
    small.run(*ask(small, {STRENGTHS: [0.01, 1.0], "seed": [3]}), code=0)
    table = table_of(small, "regularisation")
    assert set(table["row"]) == {1, 2}
    pieces = small.folder / ".work/pieces"
    scores = {
        model: {path.read_bytes() for path in pieces.glob(f"trained-{model}-*/{SCORES}")}
        for model in ("logistic_regression", "svm")
    }
    small.skiagram("apply", "regularisation", "2", code=0)
    assert fork_stages(small.folder) == 0
    figures = json.loads((small.folder / "reports/metrics.json").read_text())
    of_row = table[table["row"] == 2].set_index(["model", "figure"])["value"]
    assert {"selection_auc", "roc_auc"} <= figures["svm"].keys()
    for model in (*scores, "best_classical"):
        for name in {"selection_auc", "roc_auc"} & figures[model].keys():
            assert round(of_row[model, name], 4) == figures[model][name], (model, name)
    for model, of_rows in scores.items():
        assert (small.folder / f"scores/{model}/predictions.parquet").read_bytes() in of_rows


def test_a_killed_sweep_goes_on_and_ends_in_equal_bytes(small):
    command = ask(small, {"seed": [0, 1, 2]})
    whole = small.copy(small.folder.parent / "whole")
    whole.run(*command, code=0)
    for pieces in (1, 4):
        with small.start(*command) as process:
            while process.poll() is None and _count(small) < pieces:
                time.sleep(0.05)
            process.kill()
    small.run(*command, code=0)
    assert small.hashes("sweeps") == whole.hashes("sweeps")


@pytest.mark.parametrize("words", [("sweep=regularisation",), ("-m", "seed=0,1,2,3,4,5")])
def test_an_interrupted_sweep_says_one_line_and_keeps_what_is_done(small, words, tmp_path):
    ask(small, {"seed": [0, 1, 2, 3, 4, 5]})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = ("setsid", "python", "pipeline/sweep.py", *words)  # as a terminal starts it
    with small.start(*command, TMPDIR=str(temporary)) as process:
        while process.poll() is None and _count(small) < 2:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert len(said.splitlines()) == 1, said
    assert "goes on" in said
    assert _count(small) >= 2
    assert not [*temporary.glob("skiagram-*")]
    assert not [*(small.folder / ".work/staging").glob("*")]


@pytest.mark.parametrize("script", ["sweep", "evaluate"])
def test_ctrl_c_while_a_script_imports_is_one_line(small, script):
    with small.start(sys.executable, f"pipeline/{script}.py") as process:
        loaded = Path(f"/proc/{process.pid}/maps")
        while process.poll() is None and "numpy" not in loaded.read_text():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (130, "Stopped.\n")


def _count(project):
    return len(list((project.folder / ".work/pieces").glob("trained-*")))


def test_a_sweep_whose_rows_all_fail_leaves_nothing(small):
    done = small.run(*ask(small, {STRENGTHS: [0, -1]}), code=1)
    assert "every row failed" in done.stderr
    assert not (small.folder / "sweeps/regularisation").exists()
