"""Scores are lined up by id, ranked on the right scale and refused when not finite."""

import dataclasses

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.evaluation.labelled_cases import label_cases
from skiagram.evaluation.scores import align_scores, make_scores_table
from skiagram.records import Predictions
from tests.evaluation.scenario import failed, finished, scenario

KNOWN = scenario()
REPORTED = label_cases(KNOWN.cases.test(), KNOWN.task, KNOWN.sealed)


def test_shuffled_rows_are_lined_up() -> None:
    model = finished(KNOWN, "forest", repeats=2)
    shuffled = Predictions(model.predictions.table.sample(frac=1, random_state=1))
    one = align_scores(model, "test", REPORTED, pooled=False)
    two = align_scores(dataclasses.replace(model, predictions=shuffled), "test", REPORTED, False)
    np.testing.assert_array_equal(one.probability, two.probability)
    assert one.probability.shape == (2, len(REPORTED), 2)


def test_single_fits_rank_by_score_and_pooled_ones_by_probability() -> None:
    model = finished(KNOWN, "forest")
    table = model.predictions.part("test").table
    raw = align_scores(model, "test", REPORTED, pooled=False).ranking
    calibrated = align_scores(model, "test", REPORTED, pooled=True).ranking
    assert raw is not None
    assert calibrated is not None
    np.testing.assert_allclose(raw[0], table["score_1"] - table["score_0"])
    np.testing.assert_allclose(calibrated[0], table["probability_1"] - table["probability_0"])


def test_a_case_scored_twice_in_a_repeat_is_named() -> None:
    model = finished(KNOWN, "forest")
    table = model.predictions.table
    last = int(table.index[table["part"] == "test"][-1])
    table.loc[last, "case_id"] = "case-0120"
    with pytest.raises(
        DataError, match="scores of forest, test: 1 case ids are doubled: case-0120"
    ):
        align_scores(model, "test", REPORTED, pooled=False)


def test_one_row_a_reported_case_with_the_mean_over_repeats() -> None:
    known = scenario()
    forest = finished(known, "forest", repeats=3)
    models = [forest, failed("net", "deep", "out of memory")]
    table = make_scores_table(models, known.cases, known.task, known.sealed)
    assert list(table.columns) == ["case_id", "patient_id", "label", "forest"]
    test = known.cases.split == "test"
    assert table["case_id"].tolist() == known.cases.case_id[test].tolist()
    assert table["label"].tolist() == [known.task.classes[k] for k in known.label[test]]
    means = forest.predictions.part("test").table.groupby("case_id")["probability_1"].mean()
    np.testing.assert_allclose(table["forest"], means.to_numpy())
