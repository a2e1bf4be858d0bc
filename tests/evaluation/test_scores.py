"""Scores are lined up by id, ranked on the right scale and refused when not finite."""

import dataclasses

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.evaluation.labelled_cases import label_cases
from skiagram.evaluation.scores import ModelScores, align_scores, make_scores_table
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


@pytest.mark.parametrize(
    ("column", "value"),
    [("score_0", np.nan), ("score_1", np.inf), ("probability_1", 1.2), ("probability_0", np.nan)],
)
def test_numbers_that_are_none_are_refused(column: str, value: float) -> None:
    model = finished(KNOWN, "forest")
    model.predictions.table.loc[5, column] = value
    with pytest.raises(DataError, match="scores of forest: 1 rows hold"):
        align_scores(model, "test", REPORTED, pooled=False)


def test_a_case_scored_twice_in_a_repeat_is_named() -> None:
    model = finished(KNOWN, "forest")
    table = model.predictions.table
    last = int(table.index[table["part"] == "test"][-1])
    table.loc[last, "case_id"] = "case-0120"
    with pytest.raises(
        DataError, match="scores of forest, test: 1 case ids are doubled: case-0120"
    ):
        align_scores(model, "test", REPORTED, pooled=False)


def test_a_part_that_is_absent_is_an_error() -> None:
    model = finished(KNOWN, "forest")
    empty = ModelScores(model.outcome, model.predictions.part("inner"))
    with pytest.raises(DataError, match="80 case ids are missing"):
        align_scores(empty, "test", REPORTED, pooled=False)


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


def test_more_classes_have_a_column_each_under_cross_validation() -> None:
    known = scenario(90, 0, design="cv", classes=("a", "b", "c"))
    table = make_scores_table([finished(known, "svm")], known.cases, known.task, known.sealed)
    assert list(table.columns[3:]) == ["svm: a", "svm: b", "svm: c"]
    assert len(table) == 90
    np.testing.assert_allclose(table.iloc[:, 3:].sum(axis=1), 1)


def test_labels_of_other_cases_are_refused() -> None:
    known = scenario()
    with pytest.raises(DataError, match="missing: case-0120"):
        make_scores_table([finished(known, "svm")], known.cases, known.task, known.sealed.iloc[1:])
