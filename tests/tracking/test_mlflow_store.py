"""Recording in a real MLflow database, read back through MLflow's own client."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import traceback
from contextlib import closing
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skiagram.sealing.ledger import LEDGER, note_opening, read_ledger
from skiagram.tracking.contract import Execution, NotRecorded
from skiagram.tracking.execution import failed_execution, read_execution, share_ledger
from skiagram.tracking.mlflow_store import ADDRESS, MLflowStore, shown_uri
from tests.tracking.conftest import COMPARISON, MODELS, client_of, write_project

pytestmark = pytest.mark.slow  # importing MLflow and making a database take seconds
STORE = MLflowStore(uri=None, experiment="skiagram")


def kept_in(database):
    """Return the store that keeps runs in a file."""
    return replace(STORE, uri=f"sqlite:///{database}")


def _runs(client):
    found = client.get_experiment_by_name("skiagram")
    return list(client.search_runs([found.experiment_id])) if found else []


class Recorded(NamedTuple):
    """An execution that was recorded once; do not record again."""

    execution: Execution
    home: Path
    client: Any
    said: str


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, empty_database):
    home = tmp_path_factory.mktemp("recorded")
    shutil.copy(empty_database, home / "mlflow.db")
    with pytest.MonkeyPatch().context() as patched:
        patched.delenv("DVC_ROOT", raising=False)
        project = write_project(home / "project")
        execution = read_execution(project, MODELS, {"dataset": "made", "seed": 0})
        said = STORE.record(execution, home)
    return Recorded(execution, home, client_of(home / "mlflow.db"), said)


def test_a_parent_and_a_child_a_model(recorded):
    execution, client = recorded.execution, recorded.client
    assert recorded.said.startswith("Recorded 3 runs in sqlite:///")

    runs = {run.info.run_name: run for run in _runs(client)}
    parent = runs.pop(execution.parent.name)
    assert set(runs) == set(MODELS)
    assert parent.data.params["dataset"] == "made"
    assert parent.data.metrics["best_network_minus_baseline_low"] == -0.1
    assert parent.data.tags["mlflow.note.content"].startswith("No network")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert runs["broken_cnn"].info.status == "FAILED"
    assert runs["broken_cnn"].data.tags["mlflow.note.content"] == "diverged in epoch 3"

    same_run = "params.`run.dataset` = 'made' and params.`run.seed` = '0'"
    assert len(client.search_runs([parent.info.experiment_id], same_run)) == len(MODELS)

    svm = runs["svm"]
    assert svm.data.params["scaling.method"] == "robust"
    assert svm.data.params["note"].startswith("x" * 500)
    assert len(svm.data.params["data.sha256"]) == 64
    assert svm.data.metrics["roc_auc_high"] == 0.9
    assert "brier" not in svm.data.metrics


def test_curves_and_folds_have_steps(recorded):
    client = recorded.client
    network = next(run for run in _runs(client) if run.info.run_name == "small_cnn")

    def history(name):
        found = client.get_metric_history(network.info.run_id, name)
        return [(point.step, point.value) for point in found]

    assert history("training_loss/repeat0-final") == [(0, 0.7), (1, 0.5), (2, 0.4)]
    assert history("validation_loss/repeat0-final") == [(0, 0.8), (1, 0.6)]
    assert history("fold_auc") == [(0, 0.7), (1, 0.9)]
    assert history("seconds") == [(0, 12.5)]
    assert (network.info.start_time, network.info.end_time) == (1_000_000, 1_012_500)


def test_artefacts_lie_beside_the_database(recorded):
    execution, home, client = recorded.execution, recorded.home, recorded.client
    runs = {run.info.run_name: run.info for run in _runs(client)}
    assert runs["svm"].artifact_uri.startswith((home / "mlartifacts").as_uri())
    inside = [file.path for file in client.list_artifacts(runs["svm"].run_id, "model/repeat0")]
    assert inside == ["model/repeat0/model.json"]
    reports = {file.path for file in client.list_artifacts(runs[execution.parent.name].run_id)}
    files = {"evaluation.json", "metrics.json", "opening.json", "report.html", "scores.csv"}
    assert reports == files | {"plots", "checklists"}


def test_artefacts_of_a_moved_project_lie_beside_its_database(recorded, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(recorded.home, moved)
    STORE.record(recorded.execution._replace(name="moved"), moved)
    runs = _runs(client_of(moved / "mlflow.db"))
    assert len(runs) == 8
    assert {run.info.artifact_uri.partition("/mlartifacts/")[0] for run in runs} == {moved.as_uri()}


def test_the_same_results_are_recorded_once_an_experiment(project, execution, home, client, capfd):
    STORE.record(execution, home)
    assert STORE.record(execution, home).startswith("Already recorded")
    assert capfd.readouterr().err == ""
    assert len(_runs(client)) == 4

    STORE.record(execution._replace(name="sunny-film"), home)
    assert len(_runs(client)) == 8
    (project / "reports/scores.csv").write_text("other results")
    STORE.record(read_execution(project, MODELS, {}), home)
    assert len(_runs(client)) == 12


@pytest.mark.parametrize(
    ("lost", "left"),
    [
        (("log_artifacts",), "FAILED"),
        (("log_artifacts", "set_terminated"), "RUNNING"),  # nobody could end it, as after a kill
    ],
)
def test_a_recording_cut_short_is_made_anew_and_what_it_left_has_failed(
    lost, left, execution, home, client, monkeypatch
):
    from mlflow.tracking import MlflowClient

    def fail(*arguments, **options):
        raise ConnectionResetError("the server is gone")

    with monkeypatch.context() as broken:
        for name in lost:
            broken.setattr(MlflowClient, name, fail)
        with pytest.raises(NotRecorded, match="the server is gone"):
            STORE.record(execution, home)
    assert [run.info.status for run in _runs(client)] == [left]
    assert STORE.record(execution, home).startswith("Recorded")
    assert sorted(run.info.status for run in _runs(client)) == ["FAILED"] * 2 + ["FINISHED"] * 3
    finished = [run for run in _runs(client) if run.info.status == "FINISHED"]
    assert [run.info.run_name for run in finished].count(execution.parent.name) == 1
    assert len(STORE.list_runs(home)) == 1

    (other := home / "elsewhere").mkdir()
    found = client.get_experiment_by_name("skiagram").experiment_id
    begun = client.create_run(found, tags={"skiagram.writer": "another project"}).info.run_id
    kept_in(home / "mlflow.db").record(execution, other)
    assert client.get_run(begun).info.status == "RUNNING"


def test_outputs_that_dvc_links_to_its_cache_are_recorded(project, home, client, tmp_path):
    link_to_a_cache(project, tmp_path / "cache")
    execution = read_execution(project, MODELS, {"seed": 0})
    assert STORE.record(execution, home).startswith("Recorded 3 runs")
    (svm,) = (run for run in _runs(client) if run.info.run_name == "svm")
    assert [each.path for each in client.list_artifacts(svm.info.run_id)] == ["model", "scores"]
    recorded = client.download_artifacts(svm.info.run_id, "scores", str(tmp_path))
    assert {path.name for path in Path(recorded).iterdir()} == {
        path.name for path in (project / "scores/svm").iterdir()
    }


def link_to_a_cache(folder, cache):
    """Replace files by links to another place, as `dvc config cache.type symlink` has them."""
    cache.mkdir()
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if path.is_file():
            path.rename(cache / str(number))
            path.symlink_to(cache / str(number))


def record_with(options, project, home):
    """Record results that came of some options."""
    (project / "data/code").mkdir(exist_ok=True)
    (project / "data/code/options").write_text(json.dumps(options))
    (project / "reports/scores.csv").write_text(f"of {options}")
    STORE.record(read_execution(project, MODELS, {"seed": 0}), home)


def test_a_run_has_its_options_and_a_failed_one_what_it_ended_on(project, home, client):
    for levels in (16, 32):
        options = {"seed": "0", "margin": "0.02", "features.glcm.levels": str(levels)}
        record_with(options, project, home)
    STORE.record(failed_execution(project, {"seed": 0}, "extract: case-7: no pixels"), home)
    assert len(STORE.list_runs(home)) == 3
    (failed,) = (run for run in _runs(client) if "skiagram.failed" in run.data.tags)
    assert failed.info.status == "FAILED"
    assert failed.data.tags["mlflow.note.content"] == "extract: case-7: no pixels"
    assert failed.data.params["features.glcm.levels"] == "32"
    difference = "best_network_minus_baseline_roc_auc"
    whole = [run for run in _runs(client) if difference in run.data.metrics]
    assert {run.data.params["features.glcm.levels"] for run in whole} == {"16", "32"}
    assert {run.data.metrics["best_deep_selection_auc"] for run in whole} == {0.72}
    children = [run for run in _runs(client) if "mlflow.parentRunId" in run.data.tags]
    assert {run.data.params["run.margin"] for run in children} == {"0.02"}
    assert {run.data.tags["skiagram.experiment"] for run in children} == {"workspace"}


def do_together(*calls):
    """Do what several processes begin at one time; each must end well."""
    fork = get_context("fork")  # MLflow is imported already
    begin = fork.Barrier(len(calls))

    def call(number):
        begin.wait()
        calls[number]()

    started = [fork.Process(target=call, args=(number,)) for number in range(len(calls))]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * len(calls)


def test_what_is_recorded_at_once_into_a_new_database_is_recorded_once_each(execution, tmp_path):
    names = ("run-0", "workspace", "workspace")  # the last two are one result
    do_together(*(partial(STORE.record, execution._replace(name=name), tmp_path) for name in names))
    found = _runs(client_of(tmp_path / "mlflow.db"))
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    assert sorted(run.data.tags["DVC_EXP_NAME"] for run in parents) == sorted(set(names))
    assert {run.info.status for run in found} == {"FINISHED", "FAILED"}
    assert len(found) == len(set(names)) * (1 + len(MODELS))


def test_projects_that_begin_one_database_together_find_it_whole_and_what_another_left_half_made(
    execution, tmp_path
):
    database = tmp_path / "shared" / "mlflow.db"
    database.parent.mkdir()
    (database.parent / ".mlflow.db.partial").write_text("cut off")  # as a kill leaves it
    record = kept_in(database).record
    do_together(*(partial(record, execution, tmp_path / str(at)) for at in range(3)))
    assert sorted(path.name for path in database.parent.iterdir()) == [
        ".mlflow.db.lock",
        "mlflow.db",
    ]
    with closing(sqlite3.connect(tmp_path / "half.db")) as half:
        half.execute("CREATE TABLE _alembic_tmp_metrics (key TEXT)")
        half.execute("CREATE TABLE alembic_version (version_num TEXT)")
        half.execute("INSERT INTO alembic_version VALUES ('90e64c465722')")
    with pytest.raises(NotRecorded, match=r"left half made.*move the file away"):
        kept_in(tmp_path / "half.db").record(execution, tmp_path)


def _share_often(store, home, start):
    for number in range(20):
        start.wait(timeout=60)  # where one has failed, the others end with an error
        store.share_openings({str(number): "entry"}, home)


def test_projects_that_write_one_tag_together_lose_nothing(empty_database, tmp_path):
    database = shutil.copy(empty_database, tmp_path / "mlflow.db")
    store, start = kept_in(database), get_context("fork").Barrier(3)
    store.share_openings({}, tmp_path)
    do_together(*(partial(_share_often, store, tmp_path / str(at), start) for at in range(3)))
    assert len(store.share_openings({}, tmp_path)) == 20


def test_runs_go_where_mlflow_is_told_to_when_no_address_is_chosen(
    execution, home, tmp_path, monkeypatch
):
    address = f"sqlite:///{home / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert address in STORE.record(execution, tmp_path)
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize("name", ["what?", "My%20Study", "a#b"])
def test_a_folder_keeps_its_database_whatever_it_is_called(name, execution, tmp_path):
    home = tmp_path / name
    home.mkdir()
    assert "Recorded" in STORE.record(execution, home)
    assert (home / "mlflow.db").stat().st_size
    outside = [path.name for path in tmp_path.iterdir() if path.is_file()]
    assert outside == []
    assert len(STORE.list_runs(home)) == 1


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("sqlite:////a/b/mlflow.db", "sqlite:////a/b/mlflow.db"),
        ("https://user:secret@host:5000/a", "https://host:5000/a"),
        ("mysql://u:secret/x", "mysql://u/x"),
        ("postgresql://u:s/ec@ret@host/x?password=secret#secret", "postgresql://host/x"),
        ("http://host:5000?token=secret", "http://host:5000"),
        ("databricks", "databricks"),
    ],
)
def test_an_address_is_shown_without_what_opens_it(uri, shown):
    assert shown_uri(uri) == shown


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("mysql://u:secret/x", "mysql://u/x, .*a database without a server"),
        ("http://127.0.0.1:1/?token=secret", "Connection refused"),
        ("http://u:secret@127.0.0.1:1", "Connection refused"),  # no letter is hidden in a word
    ],
)
def test_an_address_out_of_reach_costs_one_line_without_what_opens_it(
    uri, said, execution, tmp_path, capfd
):
    with pytest.raises(NotRecorded, match=said) as refused:
        replace(STORE, uri=uri).record(execution, tmp_path)
    assert "\n" not in str(refused.value)
    assert "secret" not in "".join(traceback.format_exception(refused.value))
    assert capfd.readouterr().err == ""


def test_a_server_that_does_not_answer_is_given_up(execution, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri, started = f"http://127.0.0.1:{silent.getsockname()[1]}", time.monotonic()
        with pytest.raises(NotRecorded):
            replace(STORE, uri=uri).record(execution, tmp_path)
    assert time.monotonic() - started < 30


def test_an_experiment_that_another_machine_makes_at_the_same_time_is_shared(
    execution, home, client, monkeypatch
):
    from mlflow.tracking import MlflowClient

    create = MlflowClient.create_experiment

    def made_twice(own, *arguments):
        create(own, *arguments)
        return str(create(own, *arguments))

    monkeypatch.setattr(MlflowClient, "create_experiment", made_twice)
    STORE.record(execution, home)
    assert len(_runs(client)) == 1 + len(MODELS)


def test_openings_are_shared_and_a_deleted_ledger_comes_back(home, tmp_path, monkeypatch):
    """Two people with one tracker: each gets the other's openings, and those that were deleted."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    store = kept_in(home / "mlflow.db")
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    note_opening(mine, COMPARISON, mine)
    note_opening(theirs, replace(COMPARISON, digest="d" * 64), theirs)
    assert share_ledger(store, mine) == ()
    (told,) = share_ledger(store, theirs)
    assert "1 opening was missing here" in told
    assert len(read_ledger(theirs).of_seal(COMPARISON.seal)) == 2
    share_ledger(store, mine)
    assert len(read_ledger(mine).of_seal(COMPARISON.seal)) == 2

    before = read_ledger(mine)
    (mine / LEDGER).unlink()
    (mine / ".work" / LEDGER).unlink()
    assert "2 openings were missing here" in share_ledger(store, mine)[0]
    assert set(read_ledger(mine).heads) == set(before.heads)


def test_an_edited_entry_is_told_though_the_tracker_has_the_true_one(home, tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    store = kept_in(home / "mlflow.db")
    note_opening(tmp_path, COMPARISON, tmp_path)
    share_ledger(store, tmp_path)
    text = (tmp_path / LEDGER).read_text()
    (tmp_path / LEDGER).write_text(text.replace('"number": 1', '"number": 0'))
    (tmp_path / ".work" / LEDGER).unlink()
    put_back, fault = share_ledger(store, tmp_path)
    assert "put back" in put_back
    assert "line 1 was edited" in fault


def test_runs_are_listed_without_libraries_of_tables_which_stay_at_hand(tmp_path):
    (tmp_path / "mlflow.db").touch()
    code = (
        "import sys; from pathlib import Path\n"
        "from skiagram.tracking.mlflow_store import MLflowStore\n"
        "assert MLflowStore(uri=None, experiment='films').list_runs(Path().resolve()) == []\n"
        "assert not {'numpy', 'pandas'} & sys.modules.keys()\nimport pandas"
    )
    environment = {name: value for name, value in os.environ.items() if name != ADDRESS}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
