"""A train stage leaves the same files whether its model finished or failed."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from skiagram.errors import ModelFailure, OptionError
from skiagram.fitting.arm import ArmFolders, Member, read_fold_groups, train
from skiagram.fitting.deployment import DEPLOYMENT, Deployment
from skiagram.records.files import read_record, read_table, write_table
from skiagram.records.predictions import Outcome, Predictions, scores_of
from tests.folders import digest_files
from tests.models.examples import PLAN, TASK, Spy, cases_of, labelled, train_as

DATA = labelled(patients=30)
SPLIT = np.repeat(np.array(["train", "validation", "test"]), [40, 8, 12])


def run(spy, folder):
    folders = ArmFolders(folder / "models" / "spy", folder / "scores" / "spy", None)
    return train_as("spy", spy, DATA.inputs, cases_of(DATA, SPLIT), folders).outcome


def test_a_finished_model_leaves_models_scores_curves_and_its_cost(tmp_path):
    outcome = run(Spy(curves=2), tmp_path)
    assert (outcome.status, outcome.reason, outcome.fits) == ("finished", "", 8)
    assert (outcome.parameters, outcome.multiply_adds) == (4, 3)
    assert outcome.images_seen == 2 * (2 * 48 + 48)
    assert outcome.options == {"depth": 3}
    scores = tmp_path / "scores" / "spy"
    assert read_record(Outcome, scores / "outcome.json") == outcome
    model = tmp_path / "models" / "spy"
    assert [*digest_files(model)] == [DEPLOYMENT, "repeat0/centre.txt", "repeat1/centre.txt"]
    deployment = read_record(Deployment, model / DEPLOYMENT)
    assert deployment.options == {"depth": 3}
    assert deployment.sensitivity == PLAN.sensitivity
    test = Predictions.read(scores).part("test")
    assert [one.threshold for one in deployment.decisions] == test["threshold"].unique().tolist()
    curves = read_table(scores / "curves.parquet")
    assert curves["fit"].nunique() == 8
    assert curves["epoch"].tolist() == [0, 1] * 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spy", "reason"),
    [
        (Spy(failure=ModelFailure("the loss is NaN", remedy="lower lr")), "the loss is NaN."),
        (Spy(failure=MemoryError("8 GiB")), "out of memory: 8 GiB"),
        (Spy(infinite=True), "not finite"),
        (Spy(spare=1), "Allowed: (16, 2), cases by scores"),
        (Spy(failure=ModelFailure("late"), fails_at=6, curves=1), "late"),
    ],
    ids=["failure", "memory", "infinite", "shape", "second repeat"],
)
def test_a_model_that_fails_leaves_a_named_outcome_and_empty_files_of_the_same_schema(
    spy, reason, tmp_path
):
    outcome = run(spy, tmp_path / "failed")
    assert outcome.status == "failed"
    assert reason in outcome.reason
    assert "\n" not in outcome.reason
    written = json.loads((tmp_path / "failed/scores/spy/outcome.json").read_text())
    assert written["reason"] == outcome.reason
    assert list((tmp_path / "failed/models/spy").iterdir()) == []
    run(Spy(), tmp_path / "whole")
    name = "scores/spy/predictions.parquet"
    assert pq.read_schema(tmp_path / "failed" / name) == pq.read_schema(tmp_path / "whole" / name)
    empty = Predictions.read(tmp_path / "failed/scores/spy")
    assert scores_of(empty.part("test")).shape == (0, 2)


def test_curves_of_the_fits_before_a_failure_are_kept(tmp_path):
    outcome = run(Spy(failure=ModelFailure("late"), fails_at=3, curves=5), tmp_path)
    assert outcome.fits == 3
    curves = read_table(tmp_path / "scores/spy/curves.parquet")
    assert set(curves["fit"]) == {f"repeat0-fold{k}" for k in range(3)}


def test_the_features_that_each_fit_kept_are_written(tmp_path):
    run(Spy(features={"a": True, "b": False}), tmp_path)
    table = read_table(tmp_path / "scores/spy/selection.parquet")
    assert table["fit"].nunique() == 8
    assert table.groupby("feature")["chosen"].mean().to_dict() == {"a": 1.0, "b": 0.0}


def test_a_programming_error_is_not_taken_for_a_failed_model(tmp_path):
    with pytest.raises(TypeError, match="bug"):
        run(Spy(failure=TypeError("bug")), tmp_path)


@pytest.mark.slow
def test_folds_by_a_column_score_each_of_its_values_unseen(tmp_path):
    data = labelled(patients=36)
    site = np.array(["Basel", "Leeds", "Porto", "Turin"])[np.arange(72) // 4 % 4]
    table = pd.DataFrame({"case_id": data.case_id, "site": site}).sample(frac=1, random_state=0)
    write_table(table, tmp_path / "covariates.parquet")
    cases, task = cases_of(data, np.full(72, "train")), replace(TASK, design="cv")
    plan = replace(PLAN, fold_column="site")
    groups = read_fold_groups(plan, tmp_path / "covariates.parquet", cases, task)
    member = Member("spy", Spy(), {}, data.inputs, data.inputs.select(np.arange(0)), groups)
    folders = ArmFolders.under(tmp_path, "spy")
    predicted = train(member, cases, task, plan, folders)
    assert plan.count_fits("cv", groups) == predicted.outcome.fits != plan.count_fits("cv")
    rows = predicted.part("out_of_fold")
    where = rows["case_id"].map(dict(zip(data.case_id.tolist(), site.tolist(), strict=True)))
    for _, sites in where.groupby([rows["repeat"], rows["fold"]]):
        assert len(set(sites)) == 1
    assert rows["fold"].nunique() == 4
    assert read_fold_groups(PLAN, tmp_path / "covariates.parquet", cases, task) is None
    with pytest.raises(OptionError, match="`site` under design holdout"):
        read_fold_groups(plan, tmp_path / "covariates.parquet", cases, TASK)
