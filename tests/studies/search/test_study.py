"""A whole search on the small phantom: fair, blind to sealed cases, repeatable, resumable."""

import shutil
from dataclasses import replace
from multiprocessing import Value
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from skiagram.compute.workers import Compute
from skiagram.errors import ModelFailure
from skiagram.options import build
from skiagram.records import Cases
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.search import trials
from skiagram.studies.search.study import SearchResult
from skiagram.studies.search.trials import Budget
from skiagram.studies.workspace import Workspace
from tests.studies.search.examples import small_search
from tests.studies.small_phantom import small_place

pytestmark = pytest.mark.thorough


class Killed(BaseException):
    """What a signal does to a search."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="module")
def result(folder: Path) -> SearchResult:
    return small_search().run(small_place(folder))


@pytest.fixture
def workspace(result: SearchResult, folder: Path, tmp_path: Path) -> Workspace:
    """A place of its own with the images and features at hand, and no trial made."""
    workspace = small_place(tmp_path)
    for piece in (folder / "work").iterdir():
        if piece.name.startswith(("ingested", "restored", "features")):
            shutil.copytree(piece, workspace.work / piece.name)
    return workspace


def test_every_model_has_the_same_trials_and_starts_from_its_option_file(
    result: SearchResult, folder: Path
) -> None:
    assert [one.model for one in result.models] == ["ridge", "decision_tree"]
    for one in result.models:
        options = yaml.safe_load((folder / f"conf/model/{one.model}.yaml").read_text())
        assert [trial.number for trial in one.trials] == list(range(9))
        assert one.trials[0].values.items() <= options.items()
        assert len(result.processor_seconds[one.model]) == 9
    assert (result.folds, result.budget, result.cases) == (3, 9, 56)


def test_the_best_trial_is_the_highest_finished_one_and_fills_the_option_file(
    result: SearchResult,
) -> None:
    for one in result.models:
        means = {
            trial.number: np.mean(trial.fold_auc) for trial in one.trials if trial.end == "finished"
        }
        assert means[one.best] == max(means.values())
        assert one.tuned.value == pytest.approx(means[one.best])
        assert one.gain.value == pytest.approx(means[one.best] - means[0])
        options = yaml.safe_load(one.option_file)
        assert one.trials[one.best].values.items() <= options.items()
        build(options, "model")


def test_a_pruned_trial_lay_below_its_elders_and_is_never_the_best(result: SearchResult) -> None:
    pruned = [trial for one in result.models for trial in one.trials if trial.end == "pruned"]
    assert pruned
    for one in result.models:
        for trial in one.trials:
            if trial.end == "pruned":
                done = len(trial.fold_auc)
                first = trial.number // 3 * 3
                elders = [
                    np.mean(elder.fold_auc[:done])
                    for elder in one.trials[:first]
                    if elder.end == "finished"
                ]
                assert np.mean(trial.fold_auc) < np.median(elders)


def test_a_search_never_opens_the_seal(workspace: Workspace, result: SearchResult) -> None:
    for sealed in workspace.work.glob("ingested-*/sealed"):
        shutil.rmtree(sealed)
    assert small_search(baselines=("ridge",)).run(workspace).models == result.models[:1]


def test_no_fit_sees_or_scores_a_test_case(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    real = CrossValidation.held_out_auc

    def watched(self: CrossValidation, candidate: Any, fold: Any, *name: str) -> float:
        seen.update(self.case_id[fold.training].tolist(), self.case_id[fold.held_out].tolist())
        assert not set(self.patient_id[fold.training]) & set(self.patient_id[fold.held_out])
        return real(self, candidate, fold, *name)

    monkeypatch.setattr(CrossValidation, "held_out_auc", watched)
    small_search(baselines=("ridge",), outer_folds=2).run(workspace)
    (data,) = workspace.work.glob("ingested-*")
    cases = Cases.read(data / "cases/cases.parquet")
    assert seen == set(cases.development().case_id.tolist())
    assert not seen & set(cases.test().case_id.tolist())


@pytest.mark.parametrize(("step", "calls"), [("run_trial", 4), ("suggest", 3)], ids=str)
def test_a_search_that_was_killed_ends_with_the_same_trials(
    workspace: Workspace,
    result: SearchResult,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    calls: int,
) -> None:
    real, left = getattr(trials, step), Value("i", calls)  # forked processes share it

    def dies(*given: Any) -> Any:
        with left:
            left.value -= 1
            if left.value < 0:
                raise Killed
        return real(*given)

    study = small_search(baselines=("ridge",))
    monkeypatch.setattr(trials, step, dies)
    with pytest.raises(Killed):
        study.run(workspace)
    monkeypatch.setattr(trials, step, real)
    assert study.run(workspace).models == result.models[:1]


def test_more_trials_go_on_from_those_there_are(workspace: Workspace, result: SearchResult) -> None:
    budget = small_search().budget
    few = small_search(budget=replace(budget, trials=6), baselines=("ridge",)).run(workspace)
    more = small_search(baselines=("ridge",)).run(workspace)
    assert more.models[0].trials[:6] == few.models[0].trials
    assert more.models == result.models[:1]


@pytest.mark.parametrize("backend", ["local", pytest.param("ray", marks=pytest.mark.thorough)])
def test_workers_change_no_figure(workspace: Workspace, result: SearchResult, backend: Any) -> None:
    compute = Compute(threads=1, workers=2, backend=backend, address=None)
    budget = replace(small_search().budget, trials=3)
    study = small_search(baselines=("ridge",), budget=budget)
    found = study.run(replace(workspace, compute=compute))
    assert found.models[0].trials == result.models[0].trials[:3]


def test_a_trial_that_fails_keeps_its_reason_and_the_search_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = CrossValidation.held_out_auc

    def picky(self: CrossValidation, candidate: Any, fold: Any, *name: str) -> float:
        if candidate.options["penalty"] > 200:
            raise ModelFailure("too strong a penalty")
        return real(self, candidate, fold, *name)

    monkeypatch.setattr(CrossValidation, "held_out_auc", picky)
    (ridge,) = small_search(baselines=("ridge",)).run(workspace).models
    failed = [trial for trial in ridge.trials if trial.end == "failed"]
    assert failed
    assert all(trial.reason == "too strong a penalty." for trial in failed)
    assert ridge.trials[ridge.best].values["penalty"] <= 200


def test_the_nested_estimate_tests_each_choice_on_patients_it_never_saw(
    workspace: Workspace,
) -> None:
    budget = Budget(trials=4, together=2, startup=2, pruning=None)
    (ridge,) = (
        small_search(baselines=("ridge",), budget=budget, outer_folds=2).run(workspace).models
    )
    assert len(ridge.nested.values) == 2
    assert ridge.nested.fits == 2 * (4 * 3 + 2)
    gain, tuned, default = (
        one.value or 0.0 for one in (ridge.nested.gain, ridge.nested.tuned, ridge.nested.default)
    )
    assert gain == pytest.approx(tuned - default)


def test_a_network_is_searched_like_any_model(workspace: Workspace) -> None:
    path = workspace.conf / "model/small_cnn.yaml"
    text = (
        path.read_text().replace("epochs: 30", "epochs: 2").replace("patience: 30", "patience: 2")
    )
    path.write_text(text)
    budget = Budget(trials=2, together=2, startup=2, pruning=None)
    found = small_search(baselines=(), networks=("small_cnn",), budget=budget).run(workspace)
    assert [trial.end for trial in found.models[0].trials] == ["finished", "finished"]
    assert "widths" in found.models[0].trials[1].values
