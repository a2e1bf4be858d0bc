"""A finished pipeline's outputs in a folder, as the record stage finds them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.evaluation.evaluation_record import ARMS, PRIMARY, ArmChoice, Evaluation, Verdict
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.image_store.shards import ShardWriter
from skiagram.records.files import write_record, write_table
from skiagram.records.predictions import Outcome
from skiagram.report.write import headline_figures
from skiagram.sealing.ledger import OPENING, Comparison
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.cases import DataCard
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from skiagram.tracking.execution import read_execution
from tests.evaluation.model_results import make_result

MODELS = ("svm", "small_cnn", "broken_cnn")
COMPARISON = Comparison("made", "5" * 64, "evaluate", MODELS, "c" * 64)


def _results():
    fine = Estimate(0.8, 0.7, 0.9, "logit DeLong")
    none = Estimate(None, reason="the model failed")
    stability = {
        "fold_auc_mean": Estimate(0.8, 0.6, 1.0),
        "training_gap": Estimate(0.05),
        "fold_auc_sd": Estimate(0.1),
    }
    limits = {"efficiency": Estimate(0.5)}
    spread = {"fold_auc": (0.7, 0.9), "by_repeat": (0.8,)}
    options = {
        "kernel": "rbf",
        "scaling": {"method": "robust", "columns": [1, 2]},
        "note": "x" * 9000,
    }
    svm = Outcome("svm", "classical", "SVM", "finished", parameters=12, fits=4, options=options)
    net = Outcome("small_cnn", "deep", "Small CNN", "finished", multiply_adds=5, fits=4)
    broken = Outcome("broken_cnn", "deep", "Broken CNN", "failed", "diverged in epoch 3")
    return (
        make_result(svm, {"roc_auc": fine, "brier": none}, fine, stability, **spread),
        make_result(net, {"roc_auc": fine}, fine, stability, limits, **spread),
        make_result(broken, {"roc_auc": none}, none),
    )


@pytest.fixture
def home(tmp_path, empty_database):
    """Return a lasting folder with a database to which nothing was recorded."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    return folder


@pytest.fixture
def client(home):
    """Return MLflow's client, which reads what was recorded back."""
    return client_of(home / "mlflow.db")


def client_of(database):
    """Return MLflow's client for a file, or at an address."""
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{database}" if isinstance(database, Path) else database
    return MlflowClient(tracking_uri=uri)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project of its own whose models were evaluated."""
    monkeypatch.delenv("DVC_ROOT", raising=False)  # or the ledger would lie there
    return write_project(tmp_path / "project")


@pytest.fixture
def execution(project):
    """Return the run of that project."""
    return read_execution(project, MODELS, {})


def write_project(folder):
    """Write what the stages before record leave."""
    gap = Estimate(0.02, -0.1, 0.1)
    difference = make_row(gap, PRIMARY, "roc_auc", model="deep", versus="classical")
    chosen_by = (
        make_row(Estimate(value), ARMS, "selection_auc", model=arm)
        for arm, value in (("classical", 0.7), ("deep", 0.72))
    )
    evaluation = Evaluation(
        task=Task(Classes(("benign", "malignant"), 1), "holdout"),
        cases={"development": {"benign": 5}},
        patients={"development": 5},
        near_duplicates=3,
        models=_results(),
        arms={
            "classical": ArmChoice("svm", {"svm": 1}, 1),
            "deep": ArmChoice("small_cnn", {"small_cnn": 1}, 1),
        },
        figures=FigureTable((*chosen_by, difference)),
        answer=Verdict("open", "No network is shown to be worth it here."),
    )
    write_record(evaluation, folder / "reports/evaluation.json")
    (folder / "reports/metrics.json").write_text(json.dumps(headline_figures(evaluation)))
    write_record(COMPARISON, folder / "reports" / OPENING)
    card = DataCard("made", "Made", "none", "CC0", "none", "none", patients_known=True)
    write_record(card, folder / "data/cases/card.json")
    with ShardWriter(folder / "data/images") as writer:
        writer.add("case-000000", np.zeros((2, 2), dtype=np.uint8))
    for name in ("plots", "checklists"):
        (folder / "reports" / name).mkdir()
    for name in ("report.html", "scores.csv", "plots/roc.svg", "checklists/claim.csv"):
        (folder / "reports" / name).write_text(name)
    for result in evaluation.models:
        name = result.outcome.model
        write_record(result.outcome, folder / "scores" / name / "outcome.json")
        write_table(_curves(result.outcome.arm), folder / "scores" / name / "curves.parquet")
        (folder / "models" / name / "repeat0").mkdir(parents=True)
        (folder / "models" / name / "repeat0/model.json").write_text(name)
    seconds = folder / ".work/seconds/train_network-small_cnn.json"
    seconds.parent.mkdir(parents=True)
    seconds.write_text(json.dumps({"began": 1000.0, "seconds": 12.5, "host": "workstation"}))
    return folder


def _curves(arm):
    if arm == "classical":
        return pd.DataFrame({"fit": [], "epoch": []})
    return pd.DataFrame(
        {
            "fit": ["repeat0-final"] * 3,
            "epoch": [0, 1, 2],
            "training_loss": [0.7, 0.5, 0.4],
            "validation_loss": [0.8, 0.6, np.nan],
        }
    )
