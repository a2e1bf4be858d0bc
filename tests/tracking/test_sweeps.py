"""Every row of a sweep is a child run; its columns are the options that differ."""

from dataclasses import dataclass, replace

import pytest

from skiagram.projects.stage_times import note_time
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.rows import SELECTION
from skiagram.sweeps.runs import stage_of_row
from skiagram.tracking.contract import NotRecorded
from skiagram.tracking.mlflow_store import MLflowStore
from skiagram.tracking.sweeps import record_sweep, sweep_execution
from tests.report.test_sweep import LINE, SVM
from tests.sweeps.made_figures import make_figures

CHOSEN_BY = {SELECTION: Estimate(0.9, 0.8, 1.0)}


def test_a_row_carries_its_options_its_figures_and_whether_it_was_chosen(tmp_path):
    note_time(tmp_path, stage_of_row(LINE.rows[0].row), {}, 40.0)
    execution = sweep_execution(LINE, tmp_path)
    first, chosen, _ = execution.children
    # A row has the time that its training took, and the sweep that of its rows.
    assert first.ended - first.began == pytest.approx(40)
    assert (chosen.began, execution.parent.began) == (None, first.began)
    assert [child.name for child in execution.children] == [f"strength {n}" for n in (1, 2, 3)]
    assert chosen.params == {"svm.C": "1.0"}
    assert {point.name: point.value for point in chosen.points}["selection_auc"] == 0.9
    assert (first.tags["skiagram.chosen"], chosen.tags["skiagram.chosen"]) == ("no", "yes")
    parent = {point.name: point.value for point in execution.parent.points}
    assert parent["selection_auc"] == 0.9


@dataclass(frozen=True)
class Unreachable:
    def record(self, execution, home):
        raise NotRecorded("not recorded in nowhere")

    def share_openings(self, openings, home):
        return {}


def test_a_tracker_out_of_reach_costs_a_warning(tmp_path):
    assert record_sweep(Unreachable(), LINE, tmp_path).startswith("Warning: not recorded")


@pytest.mark.slow
def test_mlflow_shows_the_rows_below_one_parent_once(home, client, monkeypatch):
    store = MLflowStore(uri=None, experiment="sweeps")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert record_sweep(store, LINE, home).startswith("Recorded 3 runs")
    assert record_sweep(store, LINE, home).startswith("Already recorded")
    experiment = client.get_experiment_by_name("sweeps")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    parent = runs.pop("sweep strength")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    # a sweep is no run beside others, though it has the figures of the best models
    figures = make_figures(dict.fromkeys((SVM, ("best_classical", *SVM[1:])), CHOSEN_BY))
    best = replace(LINE, rows=tuple(replace(each, figures=figures) for each in LINE.rows))
    assert record_sweep(store, best, home).startswith("Recorded")
    assert store.list_runs(home) == []
