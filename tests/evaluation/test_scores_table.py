"""The table for R or a spreadsheet."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.evaluation.scores_table import scores_table
from tests.evaluation.scenario import failed, finished, scenario


def test_one_row_a_reported_case_with_the_mean_over_repeats() -> None:
    known = scenario()
    forest = finished(known, "forest", repeats=3)
    models = [forest, failed("net", "deep", "out of memory")]
    table = scores_table(models, known.cases, known.task, known.sealed)
    assert list(table.columns) == ["case_id", "patient_id", "label", "forest"]
    test = known.cases.split == "test"
    assert table["case_id"].tolist() == known.cases.case_id[test].tolist()
    assert table["label"].tolist() == [known.task.classes[k] for k in known.label[test]]
    means = forest.predictions.part("test").table.groupby("case_id")["probability_1"].mean()
    np.testing.assert_allclose(table["forest"], means.to_numpy())


def test_more_classes_have_a_column_each_under_cross_validation() -> None:
    known = scenario(90, 0, design="cv", classes=("a", "b", "c"))
    table = scores_table([finished(known, "svm")], known.cases, known.task, known.sealed)
    assert list(table.columns[3:]) == ["svm: a", "svm: b", "svm: c"]
    assert len(table) == 90
    np.testing.assert_allclose(table.iloc[:, 3:].sum(axis=1), 1)


def test_labels_of_other_cases_are_refused() -> None:
    known = scenario()
    with pytest.raises(DataError, match="missing: case-0120"):
        scores_table([finished(known, "svm")], known.cases, known.task, known.sealed.iloc[1:])
