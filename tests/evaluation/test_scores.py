"""Scores are lined up by id, ranked on the right scale and refused when not finite."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.evaluation.compared_model import SAME_ORDER, ComparedModel
from skiagram.evaluation.labelled_cases import label_cases
from skiagram.evaluation.metrics import resample_auc
from skiagram.evaluation.scores import align_scores, make_scores_table, mean_over_repeats
from tests.evaluation.scenario import auc_within, failed, finished, scenario

KNOWN = scenario()
REPORTED = label_cases(KNOWN.cases.test(), KNOWN.task, KNOWN.sealed)


def test_shuffled_rows_are_lined_up():
    model = finished(KNOWN, "forest", repeats=2)
    shuffled = model.table.sample(frac=1, random_state=1)
    one = align_scores(model, "test", REPORTED, KNOWN.task.predicted)
    two = align_scores(replace(model, table=shuffled), "test", REPORTED, KNOWN.task.predicted)
    assert_array_equal(one.estimate, two.estimate)
    assert one.estimate.shape == (2, len(REPORTED), 2)


@pytest.mark.parametrize("arm", ["classical", "reader"])
def test_only_cases_of_one_fit_are_ranked(arm):
    known = scenario(120, 0, design="cv")
    cases = label_cases(known.cases, known.task, known.sealed)
    model = finished(known, "forest", arm=arm, repeats=2)
    before = align_scores(model, "out_of_fold", cases, known.task.predicted)
    table = model.table
    for k in range(2):  # scores of a fit on another scale, which no calibration mends
        table[f"score_{k}"] = (1 + table["fold"]) * table[f"score_{k}"] + 10 * k * table["fold"]
    after = align_scores(model, "out_of_fold", cases, known.task.predicted)
    first, second = (ComparedModel(known.task.predicted, one) for one in (before, after))
    assert first.estimate() == second.estimate()
    draws = cases.draws(200, 0)
    resampled, again = (resample_auc(one, draws) for one in (first, second))
    assert_allclose(resampled, again)
    assert first.subtract(second).estimate().method.startswith(SAME_ORDER)
    pairs = zip(before.score, before.fit, strict=True)
    per_fit = [auc_within(cases.label, ranking, fit) for ranking, fit in pairs]
    assert first.figure.value == pytest.approx(np.mean(per_fit))
    assert before.folds == (0 if arm == "reader" else 3)


def test_folds_of_one_class_each_have_no_auc():
    known = scenario(120, 0, design="cv", images=1)
    cases = label_cases(known.cases, known.task, known.sealed)
    model = finished(known, "forest")
    rows = model.table.set_index("case_id")
    rows["fold"] = pd.Series(known.label, known.cases.case_id)
    table = rows.loc[rows["part"] == "out_of_fold"].reset_index()
    task = known.task.predicted
    scores = align_scores(replace(model, table=table), "out_of_fold", cases, task)
    found = ComparedModel(task, scores).estimate()
    assert found.value is None
    assert "no fold has scored cases of class normal" in found.reason


def test_one_row_a_reported_case_with_the_mean_over_repeats():
    known = scenario()
    forest = finished(known, "forest", repeats=3)
    models = [forest, failed("net", "deep", "out of memory")]
    table = make_scores_table(models, known.cases, known.task, known.sealed)
    assert list(table.columns) == ["case_id", "patient_id", "label", "repeat", "fold", "forest"]
    assert (len(table), set(table["fold"])) == (3 * len(REPORTED), {-1})
    table = mean_over_repeats(table)
    assert list(table.columns) == ["case_id", "patient_id", "label", "forest"]
    test = known.cases.split == "test"
    assert table["case_id"].tolist() == known.cases.case_id[test].tolist()
    assert table["label"].tolist() == [known.task.classes[k] for k in known.label[test]]
    means = forest.part("test").groupby("case_id")["probability_1"].mean()
    assert_allclose(table["forest"], means.to_numpy())
