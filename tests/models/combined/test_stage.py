"""A combination goes through the plan as any model does, and no label leaks into its scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from skiagram.errors import DataError, OptionError
from skiagram.models.arm import ArmFolders, train
from skiagram.models.combined import CombinationInputs, CombinedMember, check_combination
from skiagram.models.contract import Labelled
from skiagram.models.cross_validation import CrossValidator, Development, Plan
from skiagram.records.cases import Design
from skiagram.records.predictions import Predictions, probabilities_of, scores_of
from tests.models.combined.members import (
    CONF,
    Floats,
    cases_of,
    combination,
    drawn,
    member,
    outcome,
)
from tests.models.examples import PLAN


def result(folder: Path, design: Design, n_classes: int = 2) -> Predictions:
    data = drawn((1.0, 0.8), n_classes)
    cases, task = cases_of(data, design)
    one = member(combination("stacking"), data, cases, design)
    train(one, cases, task, PLAN, ArmFolders.under(folder, "combination"))
    return Predictions.read(folder / "scores/combination")


@pytest.mark.slow
@pytest.mark.parametrize(("design", "n_classes"), [("holdout", 2), ("cv", 2), ("holdout", 3)])
def test_it_leaves_the_same_parts_as_its_members(
    design: Design, n_classes: int, tmp_path: Path
) -> None:
    predictions = result(tmp_path, design, n_classes)
    found = predictions.outcome
    assert (found.status, found.arm) == ("finished", "combined"), found.reason
    data = drawn((1.0, 0.8), n_classes)
    cases, _ = cases_of(data, design)
    own = member(combination("stacking"), data, cases, design).predictions[0].table
    keys = ["part", "repeat", "fold", "case_id"]
    expected = own[keys].sort_values(keys, ignore_index=True)
    left = predictions.table[keys].sort_values(keys, ignore_index=True)
    assert left.values.tolist() == expected.values.tolist()
    np.testing.assert_allclose(probabilities_of(predictions.table).sum(axis=1), 1)


@pytest.mark.thorough
@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_two_runs_leave_equal_bytes(design: Design, tmp_path: Path) -> None:
    for name in ("first", "second"):
        result(tmp_path / name, design)
    files = [path for path in (tmp_path / "first").rglob("*") if path.is_file()]
    assert len(files) >= 5
    for path in files:
        twin = tmp_path / "second" / path.relative_to(tmp_path / "first")
        assert twin.read_bytes() == path.read_bytes()


def developed(data: Labelled[CombinationInputs], flipped: str | None) -> dict[str, Floats]:
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
def test_labels_of_held_out_patients_leave_their_own_scores_as_they_are() -> None:
    data = drawn((1.0, 0.8))
    before, after = developed(data, None), developed(data, "fold1")
    np.testing.assert_array_equal(after["fold1"], before["fold1"])
    for other in ("fold0", "fold2"):
        assert not np.allclose(after[other], before[other])


def test_a_failed_member_fails_the_combination_by_name(tmp_path: Path) -> None:
    data = drawn((1.0, 0.8))
    cases, task = cases_of(data, "holdout")
    one = member(combination("stacking"), data, cases, "holdout")
    lost = replace(one.predictions[1], outcome=outcome("member1", "failed"))
    broken = CombinedMember("combination", one.model, {}, (one.predictions[0], lost))
    found = train(broken, cases, task, PLAN, ArmFolders.under(tmp_path, "combination")).outcome
    assert found.status == "failed"
    assert "Member1 could not be trained" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plan", "design"), [(replace(PLAN, seed=8), "holdout"), (replace(PLAN, folds=4), "cv")]
)
def test_members_of_another_plan_are_refused(plan: Plan, design: Design, tmp_path: Path) -> None:
    data = drawn((1.0, 0.8))
    cases, task = cases_of(data, design)
    one = member(combination("stacking"), data, cases, design)
    other = member(combination("stacking"), data, cases, design, plan)
    mixed = CombinedMember("combination", one.model, {}, (one.predictions[0], other.predictions[1]))
    with pytest.raises(DataError, match=r"scores of member1: .*another plan"):
        train(mixed, cases, task, PLAN, ArmFolders.under(tmp_path, "combination"))


RUN = ("logistic_regression", "svm")


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("stacking", {"members": ["svm", "nope"]}, r"members: no model `nope`.*logistic_regr"),
        ("stacking", {"members": ["svm", "svm"]}, "named twice"),
        ("svm", {}, r"a model has the same name.*rename the option file"),
        ("stacking", {"inverse_regularisation": 0.0}, r"combinations.stacking.inverse_reg"),
    ],
)
def test_a_wrong_combination_is_refused_by_name(
    name: str, changed: dict[str, object], words: str
) -> None:
    values = yaml.safe_load((CONF / "stacking.yaml").read_text())
    with pytest.raises(OptionError, match=words):
        check_combination(name, values | {"members": list(RUN)} | changed, RUN)


@pytest.mark.thorough
def test_members_whose_folds_were_sites_keep_them(tmp_path: Path) -> None:
    data, plan = drawn((1.0, 0.8)), replace(PLAN, folds=12)
    cases, task = cases_of(data, "cv")
    one = member(combination("stacking"), data, cases, "cv", plan)
    by_site = replace(plan, folds=3, fold_column="site")
    left = train(one, cases, task, by_site, ArmFolders.under(tmp_path, "combination"))
    assert left.outcome.status == "finished", left.outcome.reason
    keys = ["repeat", "fold", "case_id"]
    own = one.predictions[0].part("out_of_fold")[keys]
    kept = left.part("out_of_fold")[keys]
    expected = own.sort_values(keys).to_numpy().tolist()
    assert kept.sort_values(keys).to_numpy().tolist() == expected
