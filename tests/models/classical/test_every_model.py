"""What every classical model does with columns, gaps, weights of classes and kinds of outcome."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.errors import ModelFailure
from skiagram.fitting.contract import FitContext
from skiagram.records.feature_table import FeatureTable
from skiagram.tasks.classes import Classes
from skiagram.tasks.findings import ABSENT
from tests.models.classical.families import NAMES, cohort, has_option, model
from tests.models.test_contract import cases_of

CONTEXT = FitContext(seed=2**32 - 1, positive=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_on_some_columns_is_that_on_a_table_without_the_rest(name):
    cases = cohort(2)
    few = replace(cases, inputs=cases.inputs.columns(("a", "b")))
    chosen = model(name, columns=["b", "a"])
    assert chosen.title == f"{model(name).title} on b, a"
    fitted = chosen.fit(cases, CONTEXT)
    assert fitted.features == ("a", "b")
    alone = model(name).fit(few, CONTEXT)
    assert fitted.scores(cases.inputs).tobytes() == alone.scores(few.inputs).tobytes()


@pytest.mark.parametrize("name", [name for name in NAMES if has_option(name, "class_weight")])
def test_balanced_classes_raise_the_rare_class(name):
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
def test_an_option_of_classes_is_refused(kind, options, fault):
    with pytest.raises(ModelFailure, match=fault):
        model("logistic_regression", **options).fit(cases_of(kind), CONTEXT)


def test_several_findings_are_learnt_by_one_classifier_each_of_known_cases():
    """Each score is that of the same model fitted to classes, present and absent, alone."""
    cases = cases_of("findings")
    target = cases.predicted.target(*cases.truth)
    untrained = model("logistic_regression", class_weight="balanced", normalisation="none")
    filled = np.nan_to_num(cases.inputs.values[:, :1])  # a single column: nothing is imputed
    alone = replace(cases, inputs=FeatureTable(cases.case_id, ("glcm_a",), filled))
    scores = untrained.fit(alone, CONTEXT).scores(alone.inputs)
    for number in range(cases.predicted.scores):
        known = np.flatnonzero(target[:, number] >= 0)
        label = target[known, number].astype(np.int64)
        one = replace(alone.select(known), label=label, predicted=Classes(("0", "1")), value=None)
        expected = untrained.fit(one, CONTEXT).scores(alone.inputs)
        assert scores[:, number] == pytest.approx(expected[:, 1], rel=1e-6)


def test_a_finding_that_no_training_case_has_is_scored_zero():
    cases = cases_of("findings")
    states = cases.truth[0].copy()
    states[:, 2] = ABSENT
    without = replace(cases, value=states)
    for name in ("logistic_regression", "elastic_net", "random_forest"):
        fitted = model(name).fit(without, CONTEXT)
        assert (fitted.scores(cases.inputs)[:, 2] == 0).all()
        assert fitted.summary.parameters > 0
    nothing = replace(cases, value=np.full_like(states, ABSENT))
    assert not model("logistic_regression").fit(nothing, CONTEXT).scores(cases.inputs).any()
