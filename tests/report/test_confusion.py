import dataclasses

import pytest

from skiagram.evaluation.results import Estimate
from skiagram.report.confusion import frequencies, matrices
from tests.report.examples_of_results import binary, several_classes, with_failure


def test_every_trained_model_has_a_matrix() -> None:
    assert len(matrices(binary())) == 7
    assert len(matrices(with_failure("diverged"))) == 6


def test_shares_are_of_the_true_class_and_the_diagonal_is_right() -> None:
    (matrix,) = matrices(several_classes())
    assert [name for name, _ in matrix.rows] == ["melanoma", "nevus", "keratosis"]
    for true, (_, squares) in enumerate(matrix.rows):
        assert sum(square.share for square in squares) == pytest.approx(1)
        assert [square.right for square in squares] == [named == true for named in range(3)]
    assert matrix.rows[0][1][0].count == "30"
    assert matrix.rows[0][1][0].share == pytest.approx(0.75)


def test_hits_and_false_alarms_are_counted_out_of_a_hundred() -> None:
    evaluation = binary()
    forest = next(one for one in evaluation.models if one.outcome.model == "random_forest")
    metrics = {"sensitivity": Estimate(0.914), "specificity": Estimate(0.706)}
    changed = dataclasses.replace(
        evaluation, models=(dataclasses.replace(forest, metrics=metrics),)
    )
    (sentence,) = frequencies(changed)
    assert "of 100 cases that are abnormal, it marks 91 and misses 9" in sentence
    assert "of 100 cases that are not, it marks 29 by mistake" in sentence


def test_no_frequencies_without_a_condition_looked_for() -> None:
    assert frequencies(several_classes()) == ()
