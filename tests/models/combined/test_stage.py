"""A combination goes through the plan as any model does, and no label leaks into its scores."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.errors import DataError, OptionError
from skiagram.fitting.arm import ArmFolders, train
from skiagram.fitting.cross_validation import CrossValidator, Development
from skiagram.models import combined
from skiagram.models.combined import (
    CombinationInputs,
    CombinedMember,
    check_combination,
)
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import write_record
from skiagram.records.predictions import Outcome, probabilities_of, scores_of
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.models.combined.members import CONF, combination, drawn
from tests.models.examples import PLAN, Spy, cases_of, labelled, train_as
from tests.yaml_rows import load_yaml, of_rows

ONCE = replace(PLAN, repeats=1)
KEYS = ["part", "repeat", "fold", "case_id"]


def cohort(design, n_classes=2):
    data = labelled(patients=36, n_classes=n_classes)
    parts = ["train", "train", "train", "test"] if design == "holdout" else ["train"]
    names = tuple(f"class {k}" for k in range(n_classes))
    split = np.resize(np.repeat(parts, 2), len(data))
    return cases_of(data, split), Task(Classes(names, 1 if n_classes == 2 else None), design)


def members(folder, cases, task, plan=ONCE):
    """Train a model on the column that tells the classes, and one on a column that does not."""
    inputs = labelled(patients=36, n_classes=len(task.predicted.classes)).inputs
    first, second = (
        train_as(
            f"member{at}",
            Spy(),
            inputs.columns([column]),
            cases,
            ArmFolders.under(folder / "members", f"member{at}"),
            task=task,
            plan=plan,
        )
        for at, column in enumerate("ab")
    )
    return first, second


def combine(folder, of, cases, task, plan=ONCE):
    one = CombinedMember("combination", combination("stacking"), {"some": "option"}, of)
    return train(one, cases, task, plan, ArmFolders.under(folder, "combination"))


def rows_of(table, part=""):
    rows = table.table[table.table["part"] == part] if part else table.table
    return rows[KEYS].sort_values(KEYS).to_numpy().tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "n_classes", "plan"), [("holdout", 2, PLAN), ("cv", 2, ONCE), ("holdout", 3, ONCE)]
)
def test_it_leaves_the_same_parts_as_its_members(design, n_classes, plan, tmp_path):
    cases, task = cohort(design, n_classes)
    of = members(tmp_path, cases, task, plan)
    found = combine(tmp_path, of, cases, task, plan)
    assert (found.outcome.status, found.outcome.arm) == ("finished", "combined")
    assert rows_of(found) == rows_of(of[0])
    assert_allclose(probabilities_of(found.table).sum(axis=1), 1)


def developed(data, flipped):
    validator = CrossValidator(combination("stacking"), PLAN, positive=1)
    folds = PLAN.make_folds(data.label, data.patient_id, 3, "repeat0")
    fit, label = np.empty(len(data), dtype=np.int64), data.label.copy()
    for k, fold in enumerate(folds):
        fit[fold.held_out] = k
        if f"fold{k}" == flipped:
            label[fold.held_out] = 1 - label[fold.held_out]
    changed = replace(data, inputs=CombinationInputs(data.inputs.scores, fit), label=label)
    part = Development(("repeat0",), changed, np.arange(len(data)), folds)
    of_folds = validator.develop([part])[0].of_folds
    return {f"fold{rows['fold'].iloc[0]}": scores_of(rows) for rows in of_folds}


@pytest.mark.slow
def test_labels_of_held_out_patients_leave_their_own_scores_as_they_are():
    data = drawn((1.0, 0.8))
    before, after = developed(data, None), developed(data, "fold1")
    assert_array_equal(after["fold1"], before["fold1"])
    for other in ("fold0", "fold2"):
        assert not np.allclose(after[other], before[other])


@pytest.mark.slow
def test_a_failed_member_fails_the_combination_by_name(tmp_path):
    cases, task = cohort("holdout")
    first, second = members(tmp_path, cases, task)
    outcome = replace(second.outcome, title="Member1", status="failed", reason="lost")
    found = combine(tmp_path, (first, replace(second, outcome=outcome)), cases, task).outcome
    assert found.status == "failed"
    assert "Member1 could not be trained" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plan", "design"), [(replace(ONCE, seed=8), "holdout"), (replace(ONCE, folds=4), "cv")]
)
def test_members_of_another_plan_are_refused(plan, design, tmp_path):
    cases, task = cohort(design)
    first, _ = members(tmp_path / "one", cases, task)
    _, second = members(tmp_path / "other", cases, task, plan)
    with pytest.raises(DataError, match=r"scores of member1: .*another plan"):
        combine(tmp_path, (first, second), cases, task)


@pytest.mark.slow
def test_all_models_are_those_that_could_be_trained_and_are_no_simple_rule(tmp_path):
    cases, task = cohort("holdout")
    root = tmp_path / "members"
    lost = replace(
        members(tmp_path, cases, task)[1], outcome=Outcome("lost", "deep", "Lost", "failed")
    )
    lost.write(root / "scores" / "lost")
    for name in ("member0", "member1"):
        write_record(Preparation(None), root / "models" / name / PREPARATION)
    options = load_yaml(CONF / "all_models.yaml")
    evaluated = load_yaml(CONF.parent / "evaluate.yaml")
    assert options["without"] == evaluated["analyses"]["simple_rules"]
    two, one = (
        combined.combine(
            root,
            check_combination("all_models", options, trained),
            cases,
            task,
            ONCE,
            ArmFolders.under(tmp_path / trained[-1], "all_models"),
        )
        for trained in (["permuted", "lost", "member1", "member0"], ["member1", "lost"])
    )
    assert two.options["members"] == ["member1", "member0"]
    assert (one.title, one.status) == ("Stacking of all models", "failed")
    assert "fewer than two models" in one.reason


RUN = ("logistic_regression", "svm")


@of_rows(__file__)
def test_a_wrong_combination_is_named(name, changed, words):
    values = load_yaml(CONF / "stacking.yaml")
    with pytest.raises(OptionError, match=words):
        check_combination(name, values | {"members": list(RUN)} | changed, RUN)


@pytest.mark.slow
def test_members_whose_folds_were_sites_keep_them(tmp_path):
    cases, task = cohort("cv")
    of = members(tmp_path, cases, task, replace(ONCE, folds=12))
    left = combine(tmp_path, of, cases, task, replace(ONCE, fold_column="site"))
    assert left.outcome.status == "finished", left.outcome.reason
    assert rows_of(left, "out_of_fold") == rows_of(of[0], "out_of_fold")
