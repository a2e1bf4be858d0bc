"""Scores are lined up by id, ranked on the right scale and refused when not finite."""

import dataclasses

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.evaluation.reference import reference
from skiagram.evaluation.reported import ModelScores, scores_on
from skiagram.predictions import Predictions
from tests.evaluation.scenario import finished, scenario

KNOWN = scenario()
REPORTED = reference(KNOWN.cases.test(), KNOWN.task, KNOWN.sealed)


def test_shuffled_rows_are_lined_up() -> None:
    model = finished(KNOWN, "forest", repeats=2)
    shuffled = Predictions(model.predictions.table.sample(frac=1, random_state=1))
    one = scores_on(model, "test", REPORTED, pooled=False)
    two = scores_on(dataclasses.replace(model, predictions=shuffled), "test", REPORTED, False)
    np.testing.assert_array_equal(one.probability, two.probability)
    assert one.probability.shape == (2, len(REPORTED), 2)


def test_single_fits_rank_by_score_and_pooled_ones_by_probability() -> None:
    model = finished(KNOWN, "forest")
    table = model.predictions.part("test").table
    raw = scores_on(model, "test", REPORTED, pooled=False).ranking
    calibrated = scores_on(model, "test", REPORTED, pooled=True).ranking
    assert raw is not None
    assert calibrated is not None
    np.testing.assert_allclose(raw[0], table["score_1"] - table["score_0"])
    np.testing.assert_allclose(calibrated[0], table["probability_1"] - table["probability_0"])


@pytest.mark.parametrize(
    ("column", "value"),
    [("score_0", np.nan), ("score_1", np.inf), ("probability_1", 1.2), ("probability_0", np.nan)],
)
def test_numbers_that_are_none_are_refused(column: str, value: float) -> None:
    model = finished(KNOWN, "forest")
    model.predictions.table.loc[5, column] = value
    with pytest.raises(DataError, match="scores of forest: 1 rows hold"):
        scores_on(model, "test", REPORTED, pooled=False)


def test_a_case_scored_twice_in_a_repeat_is_named() -> None:
    model = finished(KNOWN, "forest")
    table = model.predictions.table
    last = int(table.index[table["part"] == "test"][-1])
    table.loc[last, "case_id"] = "case-0120"
    with pytest.raises(
        DataError, match="scores of forest, test: 1 case ids are doubled: case-0120"
    ):
        scores_on(model, "test", REPORTED, pooled=False)


def test_a_part_that_is_absent_is_an_error() -> None:
    model = finished(KNOWN, "forest")
    empty = ModelScores(model.outcome, model.predictions.part("inner"))
    with pytest.raises(DataError, match="80 case ids are missing"):
        scores_on(empty, "test", REPORTED, pooled=False)
