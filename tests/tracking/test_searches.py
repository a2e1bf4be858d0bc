"""Every trial of a search is a child run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from skiagram.tracking.contract import Execution, NotRecorded
from skiagram.tracking.mlflow_store import MLflowStore
from skiagram.tracking.searches import record_study, search_execution
from tests.studies.search.examples import RESULT, SVM


def test_a_trial_carries_its_values_its_figures_and_its_end(tmp_path: Path) -> None:
    children = search_execution(RESULT, tmp_path).children
    assert [one.name for one in children] == ["svm 0", "svm 1", "svm 2", "svm 3", "net 0"]
    best, pruned, failed = children[1:4]
    assert best.params == {"rate": "0.3", "choice": "null"}
    assert best.tags["skiagram.best"] == "yes"
    points = {(point.name, point.step): point.value for point in best.points}
    assert points[("fold_auc", 1)] == 0.82
    assert points[("mean_auc", 0)] == pytest.approx(0.77)
    assert points[("processor_seconds", 0)] == 2.0
    assert (pruned.tags["skiagram.trial"], pruned.failed) == ("pruned", False)
    assert failed.failed
    assert failed.tags["mlflow.note.content"] == "diverged in epoch 3."


@dataclass(frozen=True)
class Unreachable:
    def record(self, execution: Execution, home: Path) -> str:
        raise NotRecorded("not recorded in nowhere")

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        return {}


def test_a_tracker_out_of_reach_costs_a_warning(tmp_path: Path) -> None:
    (line,) = record_study(Unreachable(), RESULT, tmp_path)
    assert line.startswith("Warning: not recorded in nowhere")


@pytest.mark.thorough
def test_mlflow_shows_the_trials_below_one_parent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    store = MLflowStore(uri=None, experiment="searches", pyfunc=True)  # as conf/tracking has it
    monkeypatch.delenv("DVC_ROOT", raising=False)
    for words in ("Recorded 5 runs in", "Already recorded"):
        (line,) = record_study(store, RESULT, tmp_path)
        assert line.startswith(words)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    found = client.get_experiment_by_name("searches")
    assert found is not None
    runs = {run.info.run_name: run for run in client.search_runs([found.experiment_id])}
    parent = runs.pop("search films")
    assert len(runs) == 5
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert runs["svm 3"].info.status == "FAILED"
    assert runs["svm 2"].info.status == "FINISHED"
    assert parent.data.metrics["gain_auc/svm"] == SVM.gain.value
