"""Models that MLflow logs, serves over HTTP and registers give the numbers of `predict`."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from skiagram.cli.main import main
from skiagram.deploy import prediction
from skiagram.deploy.model import load_model
from skiagram.deploy.package import pack
from skiagram.deploy.prediction import CaseResult
from skiagram.errors import DataError
from skiagram.fitting.deployment import verify_checksums, write_checksums
from skiagram.options import build, flatten_options
from skiagram.preparation import Covariate
from skiagram.tracking.contract import Execution, NotRecorded, Point, Receipt, Run
from skiagram.tracking.mlflow_store import MLflowStore, save_pyfunc
from tests.deploy.odd import write_odd_films
from tests.deploy.scored import predict
from tests.deploy.trained import TASK, trained_baseline
from tests.servers import await_answer, find_free_port

pytestmark = pytest.mark.slow  # importing MLflow takes seconds
PATIENCE = 120  # seconds until a server on a busy machine answers
LOGGING = MLflowStore(uri=None, experiment="skiagram", pyfunc=True)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    trained = trained_baseline(tmp_path_factory.mktemp("baseline"))
    write_checksums(trained.model)
    return trained


@pytest.fixture(scope="module")
def saved(baseline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    pack(baseline.model, folder / "a.skiagram")
    place = folder / "model"
    assert main(["package", str(folder / "a.skiagram"), "--mlflow", str(place)]) == 0
    return place


def test_a_model_whose_files_are_links_is_saved(baseline, tmp_path):
    linked = tmp_path / "linked"
    for path in baseline.model.rglob("*"):
        if path.is_file():
            place = linked / path.relative_to(baseline.model)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
    save_pyfunc(linked, tmp_path / "saved")
    (model,) = (tmp_path / "saved/artifacts").iterdir()
    assert verify_checksums(model) == verify_checksums(baseline.model)


def request_of(files):
    data = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
    return {"dataframe_split": {"columns": ["file", "image"], "data": data}}


def probabilities(answer):
    names = [f"probability_{name}" for name in TASK.classes]
    return [[row[name] for name in names] for row in answer["predictions"]]


def test_nothing_of_a_logged_model_is_pickled_and_it_scores_as_predict(saved, baseline):
    import mlflow
    import pandas as pd

    kinds = {path.suffix for path in saved.rglob("*") if path.is_file()}
    assert not kinds & {".pkl", ".pickle", ".joblib"}
    assert "skiagram==" in (saved / "requirements.txt").read_text()
    loaded = mlflow.pyfunc.load_model(str(saved))
    frame = pd.DataFrame({"image": [film.read_bytes() for film in baseline.films]})
    found = loaded.predict(frame)
    names = [f"probability_{name}" for name in TASK.classes]
    expected = predict(load_model(baseline.model), baseline.films).rows
    np.testing.assert_array_equal(found[names].to_numpy(), expected)


def test_what_a_served_case_lacks_stands_in_the_answer_as_in_a_table_of_predict(monkeypatch):
    import pandas as pd

    from skiagram.tracking.pyfunc import score_frame

    result = CaseResult("row 1", (0.8,), missing=("`age` is unknown",), without_covariates=(0.6,))
    monkeypatch.setattr(prediction, "score_cases", lambda *_: iter([result]))
    scorer = SimpleNamespace(
        covariates=(Covariate("age", None),),
        reads_earlier=False,
        requires=SimpleNamespace(reads_other=False),
    )
    preparation = SimpleNamespace(modalities=(), regions=False)
    model = SimpleNamespace(
        scorer=scorer,
        preparer=SimpleNamespace(preparation=preparation),
        task=SimpleNamespace(reported={"yes": 0}),
        threshold=0.5,
    )
    (row,) = score_frame(model, pd.DataFrame({"image": [b"bytes"]})).to_dict("records")
    assert (row["missing"], row["without_covariates_yes"]) == ("`age` is unknown", 0.6)


def test_a_model_of_a_table_of_features_is_not_made_for_a_server_that_takes_images(
    baseline, tmp_path, monkeypatch
):
    """It was written, and every request was answered with an error."""
    measured = SimpleNamespace(scorer=SimpleNamespace(measured=("volume",)))
    monkeypatch.setattr("skiagram.deploy.model.load_model", lambda _: measured)
    with pytest.raises(DataError, match=r"a model of a table of features\. .*`skiagram predict`"):
        save_pyfunc(baseline.model, tmp_path / "saved")
    assert not list(tmp_path.iterdir())


def test_a_recorded_run_has_its_model_in_the_registry(
    baseline, home, client, tmp_path, monkeypatch
):
    import mlflow

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    store = replace(LOGGING, register="skiagram")
    child = Run("logistic_regression", artefacts={baseline.model: "model"})
    execution = Execution("workspace", Run("run"), (child,), Receipt((child.name,), {}))
    assert store.record(execution, home).startswith("Recorded 1 runs")
    assert store.record(execution, home).startswith("Already recorded")
    again = execution._replace(name="the same model in another experiment")
    assert store.record(again, home).startswith("Recorded 1 runs")
    assert "MLFLOW_TRACKING_URI" not in os.environ
    (version,) = client.search_model_versions("name='skiagram-logistic_regression'")
    try:
        mlflow.set_tracking_uri(f"sqlite:///{home / 'mlflow.db'}")
        loaded = mlflow.pyfunc.load_model(f"models:/{version.name}/{version.version}")
    finally:
        mlflow.set_tracking_uri(None)
    assert loaded.metadata.signature.inputs.input_names() == ["file", "image"]
    assert not list(elsewhere.iterdir())
    assert list((home / "mlartifacts").rglob("MLmodel"))


def copy_titled(model, target, title):
    """Return a copy of a model's folder that differs by its title alone."""
    shutil.copytree(model, target)
    deployment = json.loads((target / "deployment.json").read_text())
    (target / "deployment.json").write_text(json.dumps(deployment | {"title": title}))
    write_checksums(target)
    return target


def execution_of(models, results):
    children = tuple(
        Run(name, points=(Point("roc_auc", 0.8), Point("loss", 0.5), Point("loss", 0.4, 1)))
        for name in models
    )
    filled = (replace(run, artefacts={models[run.name]: "model"}) for run in children)
    return Execution("workspace", Run("run"), tuple(filled), Receipt((), {"scores": results}))


def test_a_model_is_logged_once_and_runs_that_have_it_point_at_it(baseline, home, client, tmp_path):
    """Of three recordings the second changes one of two models, the third changes figures alone."""
    other = copy_titled(baseline.model, tmp_path / "other", "Other")
    changed = copy_titled(baseline.model, tmp_path / "changed", "Changed")
    LOGGING.record(execution_of({"kept": baseline.model, "swept": other}, "first"), home)
    LOGGING.record(execution_of({"kept": baseline.model, "swept": changed}, "second"), home)
    LOGGING.record(execution_of({"kept": baseline.model, "swept": changed}, "third"), home)

    found = client.get_experiment_by_name("skiagram")
    models = {model.model_id: model for model in client.search_logged_models([found.experiment_id])}
    assert {model.tags["skiagram.sha256"] for model in models.values()} == {
        verify_checksums(folder) for folder in (baseline.model, other, changed)
    }
    deployment = json.loads((baseline.model / "deployment.json").read_text())
    for model in models.values():
        assert model.name == f"{deployment['model']}-{model.tags['skiagram.sha256'][:6]}"
    assert {str(model.status) for model in models.values()} == {"READY"}
    for model in models.values():
        assert {metric.key: metric.value for metric in model.metrics} == {"roc_auc": 0.8}
        assert set(model.params) == set(flatten_options(deployment["options"]))

    runs = client.search_runs([found.experiment_id], "tags.`mlflow.parentRunId` != ''")
    outputs = {
        run.info.run_id: [each.model_id for each in run.outputs.model_outputs] for run in runs
    }
    assert [len(of_run) for of_run in outputs.values()] == [1] * 6
    assert {model for of_run in outputs.values() for model in of_run} == set(models)
    kept = {outputs[run.info.run_id][0] for run in runs if run.info.run_name == "kept"}
    assert len(kept) == 1
    assert all(run.data.metrics == {"roc_auc": 0.8, "loss": 0.4} for run in runs)
    for run_id in outputs:  # a run keeps its model though the logged one is deleted
        files = {file.path for file in client.list_artifacts(run_id, "model")}
        assert "model/deployment.json" in files


def test_a_model_whose_logging_was_cut_short_is_logged_again(baseline, home, client, monkeypatch):
    from mlflow.tracking import MlflowClient

    def full_disk(*arguments):
        raise OSError("no space left")

    execution = execution_of({"kept": baseline.model}, "first")
    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "log_model_artifacts", full_disk)
        with pytest.raises(NotRecorded, match="no space left"):
            LOGGING.record(execution, home)
    assert LOGGING.record(execution, home).startswith("Recorded")
    found = client.get_experiment_by_name("skiagram")
    (run,) = client.search_runs(
        [found.experiment_id], "attributes.run_name = 'kept' and attributes.status = 'FINISHED'"
    )
    (output,) = run.outputs.model_outputs
    models = client.search_logged_models([found.experiment_id])
    statuses = {model.model_id: str(model.status) for model in models}
    assert statuses.pop(output.model_id) == "READY"
    assert list(statuses.values()) == ["FAILED"]


def test_recording_in_a_new_process_says_nothing_of_mlflow(baseline, tmp_path):
    code = """
import sys
from pathlib import Path
from skiagram.tracking.contract import Execution, Receipt, Run
from skiagram.tracking.mlflow_store import MLflowStore, save_pyfunc
model, home = map(Path, sys.argv[1:])
run = Run("kept", artefacts={model: "model"})
execution = Execution("workspace", Run("run"), (run,), Receipt((), {}))
print(MLflowStore(uri=None, experiment="skiagram", pyfunc=True).record(execution, home))
"""
    words = [sys.executable, "-c", code, str(baseline.model), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith("Recorded 1 runs in")
    assert done.stderr == ""


def test_a_name_in_the_registry_needs_a_logged_model():
    with pytest.raises(ValidationError, match="needs `pyfunc: true`"):
        MLflowStore(uri=None, experiment="skiagram", register="x")
    options = {"uri": None, "experiment": "skiagram", "pyfunc": True, "register": "x"}
    build({"_target_": "skiagram.tracking.mlflow_store.MLflowStore", **options}, "tracking")


@contextmanager
def served(model):
    port = find_free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model),
            "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port), "-w", "1",
        ],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": _path()},
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        await_answer(process, f"{address}/ping", PATIENCE)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _path():
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def post(address, content):
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps(content).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_server_on_loopback_gives_the_same_numbers_and_says_what_is_wrong(
    saved, baseline, tmp_path
):
    expected = [row.tolist() for row in predict(load_model(baseline.model), baseline.films).rows]
    odd = write_odd_films(tmp_path / "odd")
    with served(saved) as address:
        status, answer = post(address, request_of(baseline.films))
        assert status == 200
        assert probabilities(answer) == expected
        status, answer = post(address, request_of([baseline.films[0], odd["colour"]]))
        assert status == 200
        assert "3 channels" in answer["predictions"][1]["error"]
        for wrong, words in (
            (request_of([odd["text"]]), "not an image"),
            (request_of([odd["colour"]]), "3 channels"),
            ({"dataframe_split": {"columns": ["file"], "data": [["a"]]}}, "missing inputs"),
            ({"nonsense": 1}, "dataframe_split"),
        ):
            status, answer = post(address, wrong)
            assert status == 400
            assert words in answer["message"]
