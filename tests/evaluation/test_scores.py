"""Scores are lined up by id, ranked on the right scale and refused when not finite."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.evaluation.compared_model import SAME_ORDER, ComparedModel
from skiagram.evaluation.metrics import resample_auc
from skiagram.evaluation.scores import make_scores_table, mean_over_repeats
from tests.evaluation.scenario import auc_within, failed, finished, scenario

KNOWN = scenario()
SETTING = KNOWN.opened()


def test_shuffled_rows_are_lined_up():
    model = finished(KNOWN, "forest", repeats=2)
    shuffled = model.table.sample(frac=1, random_state=1)
    one, two = (ComparedModel.on(SETTING, each) for each in (model, replace(model, table=shuffled)))
    assert_array_equal(one.scored.estimate, two.scored.estimate)
    assert one.scored.estimate.shape == (2, len(SETTING.cases), 2)


@pytest.mark.parametrize("arm", ["classical", "reader"])
def test_only_cases_of_one_fit_are_ranked(arm):
    known = scenario(120, 0, design="cv")
    setting, model = known.opened(200), finished(known, "forest", arm=arm, repeats=2)
    first = ComparedModel.on(setting, model)
    table = model.table
    for k in range(2):  # scores of a fit on another scale, which no calibration mends
        table[f"score_{k}"] = (1 + table["fold"]) * table[f"score_{k}"] + 10 * k * table["fold"]
    second = ComparedModel.on(setting, model)
    assert first.estimate() == second.estimate()
    resampled, again = (resample_auc(one, setting.draws) for one in (first, second))
    assert_allclose(resampled, again)
    assert first.subtract(second).estimate().method.startswith(SAME_ORDER)
    pairs = zip(first.scored.score, first.scored.fit, strict=True)
    per_fit = [auc_within(first.scored.label, ranking, fit) for ranking, fit in pairs]
    assert first.figure.value == pytest.approx(np.mean(per_fit))
    assert first.scored.folds == (0 if arm == "reader" else 3)


def test_folds_of_one_class_each_have_no_auc():
    known = scenario(120, 0, design="cv", images=1)
    model = finished(known, "forest")
    rows = model.table.set_index("case_id")
    rows["fold"] = pd.Series(known.label, known.cases.case_id)
    table = rows.loc[rows["part"] == "out_of_fold"].reset_index()
    found = ComparedModel.on(known.opened(), replace(model, table=table)).estimate()
    assert found.value is None
    assert "no fold has scored cases of class normal" in found.reason


def test_one_row_a_reported_case_with_the_mean_over_repeats():
    known = scenario()
    forest = finished(known, "forest", repeats=3)
    models = [forest, failed("net", "deep", "out of memory")]
    table = make_scores_table(models, known.cases, known.task, known.sealed)
    assert list(table.columns) == ["case_id", "patient_id", "label", "repeat", "fold", "forest"]
    assert (len(table), set(table["fold"])) == (3 * len(SETTING.cases), {-1})
    table = mean_over_repeats(table)
    assert list(table.columns) == ["case_id", "patient_id", "label", "forest"]
    test = known.cases.split == "test"
    assert table["case_id"].tolist() == known.cases.case_id[test].tolist()
    assert table["label"].tolist() == [known.task.predicted.classes[k] for k in known.label[test]]
    means = forest.part("test").groupby("case_id")["probability_1"].mean()
    assert_allclose(table["forest"], means.to_numpy())
