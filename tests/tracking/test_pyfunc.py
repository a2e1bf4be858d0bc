"""Models that MLflow serves over HTTP give the numbers of `predict`."""

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from skiagram.cli.main import main
from skiagram.deploy import prediction
from skiagram.deploy.model import load_model
from skiagram.deploy.package import pack
from skiagram.deploy.prediction import CaseResult
from skiagram.errors import DataError
from skiagram.fitting.deployment import verify_checksums, write_checksums
from skiagram.preparation import Covariate
from skiagram.tracking.mlflow_store import save_pyfunc
from tests.deploy.odd import write_odd_films
from tests.deploy.scored import predict
from tests.deploy.trained import TASK, trained_baseline
from tests.servers import await_answer, find_free_port

pytestmark = pytest.mark.slow  # importing MLflow takes seconds
PATIENCE = 120  # seconds until a server on a busy machine answers


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
    names = [f"probability_{name}" for name in TASK.predicted.classes]
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
    names = [f"probability_{name}" for name in TASK.predicted.classes]
    expected = predict(load_model(baseline.model), baseline.films).rows
    np.testing.assert_array_equal(found[names].to_numpy(), expected)


def test_what_a_served_case_lacks_stands_in_the_answer_as_in_a_table_of_predict(monkeypatch):
    import pandas as pd

    from skiagram.tracking.pyfunc import score_frame

    result = CaseResult("row 1", (0.8,), missing=("`age` is unknown",), unseen=("sex `x`",))
    monkeypatch.setattr(prediction, "score_cases", lambda *_: iter([result]))
    scorer = SimpleNamespace(
        covariates=(Covariate("age", None),),
        measured=None,
        reads_earlier=False,
        requires=SimpleNamespace(reads_other=False),
    )
    preparation = SimpleNamespace(modalities=(), regions=False)
    told = SimpleNamespace(reported={"yes": 0}, told_columns=["probability_yes"])
    model = SimpleNamespace(
        scorer=scorer,
        preparer=SimpleNamespace(preparation=preparation),
        task=SimpleNamespace(predicted=told),
        threshold=0.5,
    )
    (row,) = score_frame(model, pd.DataFrame({"image": [b"bytes"]})).to_dict("records")
    assert (row["missing"], row["unseen"]) == ("`age` is unknown", "sex `x`")


def test_a_model_of_a_table_of_features_is_not_made_for_a_server_that_takes_images(
    baseline, tmp_path, monkeypatch
):
    """It was written, and every request was answered with an error."""
    measured = SimpleNamespace(scorer=SimpleNamespace(measured=("volume",)))
    monkeypatch.setattr("skiagram.deploy.model.load_model", lambda _: measured)
    with pytest.raises(DataError, match=r"a model of a table of features\. .*`skiagram predict`"):
        save_pyfunc(baseline.model, tmp_path / "saved")
    assert not list(tmp_path.iterdir())


def test_recording_in_a_new_process_says_nothing_of_mlflow(baseline, tmp_path):
    code = """
import sys
from pathlib import Path
from skiagram.tracking.contract import Execution, Receipt, Run
from skiagram.tracking.mlflow_store import MLflowStore
model, home = map(Path, sys.argv[1:])
run = Run("kept", artefacts={model: "model"})
execution = Execution("workspace", Run("run"), (run,), Receipt((), {}))
print(MLflowStore(uri=None, experiment="skiagram").record(execution, home))
"""
    words = [sys.executable, "-c", code, str(baseline.model), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith("Recorded 1 runs in")
    assert done.stderr == ""


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
