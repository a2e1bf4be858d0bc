"""What every classical model with an option file promises; a new one is found by its file alone."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.errors import ModelFailure
from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.contract import FitContext, Labelled
from skiagram.tasks.findings import ABSENT, Findings
from tests.models.classical.families import (
    EVERY,
    NAMES,
    OPTION_FILES,
    cohort,
    has_option,
    model,
)
from tests.tasks.cohort import (
    labelled,
    make_cases,
    make_findings,
    make_grades,
    make_numbers,
)

CONTEXT = FitContext(seed=2**32 - 1, positive=1)
MADE = {"time": make_cases, "number": make_numbers, "grade": make_grades, "findings": make_findings}
# Of every family that an option file names; the first case column of each tells the outcome.
COLUMNS = (
    *("acquisition_width", "covariates_age", "encoding_0", "glcm_contrast", "first_order_maximum"),
    *("morphology_volume_mesh", "permuted.glcm_contrast", "wavelet_energy", "glcm_empty"),
)


def cases_of(kind: str) -> Labelled[FeatureTable]:
    """Return cases of a kind of outcome: cells of a column are empty, and all of the last."""
    cases = cohort(2) if kind == "class" else labelled(MADE[kind]())
    noise = np.random.default_rng(0).normal(0, 0.3, (len(cases), len(COLUMNS)))
    signal = cases.label if kind == "class" else cases.inputs.values[:, 0]
    values = (noise + signal[:, None]).astype(np.float32)
    values[::7, 1] = np.nan
    values[:, -1] = np.nan
    return replace(cases, inputs=FeatureTable(cases.case_id, COLUMNS, values))


def is_of_classes(untrained: ClassicalModel) -> bool:
    """Return whether an option has a meaning for classes alone."""
    return untrained.selection is not None and untrained.selection.method != "variance"


LEARNT = [
    (name, kind)
    for name in EVERY
    for kind in model(name).tasks
    if kind == "class" or not is_of_classes(model(name))
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), LEARNT)
def test_keeps_the_contract(name: str, kind: str, tmp_path: Path) -> None:
    """What it tells, what it costs, its files, and new cases with more empty cells."""
    cases, untrained = cases_of(kind), model(name)
    fitted = untrained.fit(cases, CONTEXT)
    scores = fitted.scores(cases.inputs)
    of_classes = kind == "class"
    given = 1 if cases.outcome is None else cases.outcome.scores
    assert scores.shape == (len(cases), cases.n_classes if of_classes else given)
    assert scores.dtype == np.float64
    if of_classes:
        assert roc_auc_score(cases.label, scores[:, 1] - scores[:, 0]) > 0.9
    elif name != "null_model":
        assert np.corrcoef(scores[:, 0], np.nanmean(cases.inputs.values, axis=1))[0, 1] > 0.8
    assert fitted.summary.parameters > 0
    normal = int(np.sum(cases.label == 0))
    assert fitted.summary.images_seen == (normal if name == "one_class" else len(cases))
    # What is saved scores as before, and saves to the same bytes.
    fitted.save(tmp_path / "first")
    loaded = untrained.load(tmp_path / "first")
    assert loaded.scores(cases.inputs).tobytes() == scores.tobytes()
    assert loaded.features == fitted.features
    assert loaded.summary.parameters == fitted.summary.parameters
    loaded.save(tmp_path / "second")
    for file in ("model.skops", "model.json"):
        first, second = (tmp_path / folder / file for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    emptier = cases.inputs.values.copy()
    emptier[::2] = np.nan
    assert np.isfinite(fitted.scores(replace(cases.inputs, values=emptier))).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_of_seven_classes_the_own_one_scores_highest(name: str) -> None:
    """Of 84 cases a feature is constant, one 0, one tells each class; scales span many orders."""
    cases = cohort(7)
    own = 10 * np.eye(7, dtype=np.float32)[cases.label]
    names = tuple(f"class_{k}" for k in range(7))
    table = FeatureTable(
        cases.case_id, (*cases.inputs.names, *names), np.hstack([cases.inputs.values, own])
    )
    scores = model(name).fit(replace(cases, inputs=table), CONTEXT).scores(table)
    assert scores.shape == (len(cases), 7)
    assert np.isfinite(scores).all()
    areas = [roc_auc_score(cases.label == k, scores[:, k]) for k in range(7)]
    assert np.mean(areas) > 0.6


@pytest.mark.parametrize("name", NAMES)
def test_a_model_on_some_columns_is_that_on_a_table_without_the_rest(name: str) -> None:
    cases = cohort(2)
    few = replace(cases, inputs=cases.inputs.columns(("a", "b")))
    chosen = model(name, columns=["b", "a"])
    assert chosen.title == f"{model(name).title} on b, a"
    fitted = chosen.fit(cases, CONTEXT)
    assert fitted.features == ("a", "b")
    alone = model(name).fit(few, CONTEXT)
    assert fitted.scores(cases.inputs).tobytes() == alone.scores(few.inputs).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_missing_covariates_take_the_training_median_and_are_told_apart(
    name: str, tmp_path: Path
) -> None:
    cases = cohort(2)
    values = cases.inputs.values.copy()
    values[cases.label == 1, 2] = np.nan  # who lacks it is of class 1
    values[:, 3] = np.nan
    names = ("a", "b", "covariates_age", "covariates_empty", "constant", "zero")
    table = replace(cases.inputs, names=names, values=values)
    fitted = model(name).fit(replace(cases, inputs=table), CONTEXT)
    scores = fitted.scores(table)
    assert roc_auc_score(cases.label, scores[:, 1] - scores[:, 0]) > 0.99
    median = np.nanmedian(values[:, 2].astype(np.float64))
    assert fitted.pipeline["imputation"].statistics_[2] == median
    fitted.save(tmp_path)
    assert model(name).load(tmp_path).scores(table).tobytes() == scores.tobytes()
    whole = replace(table, values=np.nan_to_num(values))
    assert np.isfinite(fitted.scores(whole)).all()


@pytest.mark.parametrize("name", [name for name in NAMES if has_option(name, "class_weight")])
def test_balanced_classes_raise_the_rare_class(name: str) -> None:
    cases = cohort(2)
    rows = np.concatenate([np.flatnonzero(cases.label == 0), np.flatnonzero(cases.label == 1)[:8]])
    rare = cases.select(rows)
    plain, balanced = (
        np.diff(model(name, class_weight=weight).fit(rare, CONTEXT).scores(rare.inputs))
        for weight in (None, "balanced")
    )
    assert balanced.mean() > plain.mean()


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"selection": {"method": "auc", "keep": 1}}, "chooses columns by classes"),
        ({"class_weight": "balanced"}, "weighs classes"),
    ],
)
@pytest.mark.parametrize("kind", ["time", "number", "grade"])
def test_without_classes_an_option_of_classes_is_refused(
    kind: str, options: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ModelFailure, match=fault):
        model("logistic_regression", **options).fit(cases_of(kind), CONTEXT)


def test_several_findings_are_learnt_by_one_classifier_each_of_known_cases() -> None:
    """Each score is that of the same model fitted to classes, present and absent, alone."""
    cases = cases_of("findings")
    assert cases.outcome is not None
    target = cases.outcome.target(*cases.truth)
    untrained = model("logistic_regression", class_weight="balanced", normalisation="none")
    filled = np.nan_to_num(cases.inputs.values[:, :1])  # a single column: nothing is imputed
    alone = replace(cases, inputs=FeatureTable(cases.case_id, ("glcm_a",), filled))
    scores = untrained.fit(alone, CONTEXT).scores(alone.inputs)
    for number in range(cases.outcome.scores):
        known = np.flatnonzero(target[:, number] >= 0)
        label = target[known, number].astype(np.int64)
        one = replace(alone.select(known), label=label, n_classes=2, outcome=None, value=None)
        expected = untrained.fit(one, CONTEXT).scores(alone.inputs)
        assert scores[:, number] == pytest.approx(expected[:, 1], rel=1e-6)


def test_a_finding_that_no_training_case_has_is_scored_zero() -> None:
    cases = cases_of("findings")
    assert isinstance(cases.outcome, Findings)
    states = cases.outcome.states(cases.truth[0])
    states[:, 2] = ABSENT
    without = replace(cases, value=cases.outcome.encode(states))
    for name in ("logistic_regression", "elastic_net", "random_forest"):
        fitted = model(name).fit(without, CONTEXT)
        assert (fitted.scores(cases.inputs)[:, 2] == 0).all()
        assert fitted.summary.parameters > 0


SCRIPT = """
import sys
from pathlib import Path
from skiagram.models import arm
from skiagram.models.contract import FitContext
from tests.models.classical.families import NAMES, cohort, model

for name in NAMES:
    model(name).fit(cohort(3), FitContext(5)).save(Path(sys.argv[1]) / name)
    model(name).load(Path(sys.argv[1]) / name)
heavy = {"torch", "mlflow", "hydra", "pytorch_lightning"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.thorough
def test_fits_in_two_processes_are_equal_bytes_and_import_nothing_heavy(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    root = OPTION_FILES.parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        model(name).fit(cohort(3), FitContext(5)).save(tmp_path / "here" / name)
        for file in ("model.skops", "model.json"):
            there, here = tmp_path / name / file, tmp_path / "here" / name / file
            assert there.read_bytes() == here.read_bytes(), name
