"""Another cohort beside the project: each side's own figures, and calibration updated there."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from skiagram.evaluation.evaluation_record import EXTERNAL
from skiagram.evaluation.external import (
    COHORT,
    HELD_OUT,
    NET_BENEFIT_AT,
    OUT_OF_FOLD,
    UPDATED,
    compare_with_development,
)
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.options import DEFAULTS
from skiagram.evaluation.results import SELECTION
from tests.evaluation.scenario import CARD, COMPARISON, evaluated, finished, scenario

pytestmark = pytest.mark.slow
OPTIONS = replace(DEFAULTS, replicates=100, analyses=replace(DEFAULTS.analyses, thresholds=(0.2,)))


def compared(known, *models):
    """Return what the project found, and the same models on the cohort beside it."""
    home = evaluated(known, models, thresholds=(0.2,))
    inputs = EvaluationInputs(
        known.cases, known.task, known.sealed, models=models, card=CARD, comparison=COMPARISON
    )
    return home, compare_with_development(home, home, inputs, OPTIONS, 0)


def too_sure(model):
    """Return a model whose probabilities of test cases are far too extreme, and too high."""
    table, test = model.table.copy(), model.table["part"] == "test"
    odds = 3 * logit(np.clip(table.loc[test, "probability_1"], 1e-6, 1 - 1e-6)) + 2
    table.loc[test, "probability_1"] = expit(odds)
    table.loc[test, "probability_0"] = 1 - expit(odds)
    return replace(model, table=table)


def test_each_side_has_the_figures_of_its_own_cases():
    known = scenario(240, 160)
    models = finished(known, "svm"), finished(known, "small_cnn", arm="deep", seed=1)
    home, found = compared(known, *models)
    rows = found.figures.select(analysis=EXTERNAL)
    for result in home.models:
        own = rows.select(model=result.outcome.model, versus="")
        for side in (HELD_OUT, COHORT):  # the cohort stands for the test cases here
            assert own.find(group=side, figure="roc_auc").value == result.find("roc_auc").value
        folds = own.find(group=OUT_OF_FOLD, figure="roc_auc")
        assert folds.value == pytest.approx(result.find("selection_auc", SELECTION).value)
        assert folds.low is not None
        curve = result.decision_curve
        gain = own.find(group=COHORT, figure=f"{NET_BENEFIT_AT}0.2")
        assert gain.value == pytest.approx(1000 * curve.net_benefit[19])
    paired = rows.select(versus="classical")
    assert paired.find(group=COHORT).value == home.difference.value
    assert "of another cohort" in found.verdict
    assert "est cases" not in found.verdict


def test_updating_mends_a_calibration_that_is_off_and_keeps_the_order():
    known = scenario(240, 600)
    _, found = compared(known, too_sure(finished(known, "svm")))
    own = found.figures.select(analysis=EXTERNAL, model="svm")
    before, after = own.select(group=COHORT), own.select(group=UPDATED)
    slope = before.find(figure="slope")
    assert slope.high < 0.7
    for figure, ideal in (("slope", 1), ("intercept", 0)):
        updated = after.find(figure=figure)
        assert updated.low < ideal < updated.high
    assert after.find(figure="brier").value < before.find(figure="brier").value
    assert not after.select(figure="roc_auc")


def test_updating_tells_nothing_of_noise():
    """A fit that had seen the patients that it is judged on would promise a gain."""
    known = scenario(240, 160)
    noise = finished(known, "svm", strength=0.0)
    _, found = compared(known, noise)
    own = found.figures.select(analysis=EXTERNAL, model="svm", figure="brier")
    assert own.find(group=UPDATED).value > 0.245


def test_a_few_patients_do_not_update():
    known = scenario(240, 60)
    _, found = compared(known, finished(known, "svm"))
    updated = found.figures.select(analysis=EXTERNAL, group=UPDATED).find(figure="slope")
    assert updated.value is None
    assert "fewer than 20 patients" in updated.reason


def test_more_classes_have_their_calibration_updated_too():
    known = scenario(240, 240, classes=("a", "b", "c"))
    _, found = compared(known, finished(known, "svm"))
    rows = found.figures.select(analysis=EXTERNAL, model="svm")
    assert rows.find(group=UPDATED, figure="brier").value is not None
    assert pd.notna(rows.find(group=COHORT, figure="roc_auc").value)
