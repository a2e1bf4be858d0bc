"""The score table gives each part's columns back as arrays."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.predictions import Predictions


def predictions() -> Predictions:
    """Two cases of the out-of-fold part, one of the test part, three classes."""
    table = pd.DataFrame(
        {
            "part": ["out_of_fold", "test", "out_of_fold"],
            "repeat": [0, 0, 0],
            "fold": [0, -1, 1],
            "case_id": ["c0", "c1", "c2"],
            "threshold": [np.nan, 0.4, np.nan],
        }
    )
    for k in range(3):
        table[f"score_{k}"] = np.arange(3) * 10.0 + k
        table[f"probability_{k}"] = [0.2, 0.3, 0.5][k]
    return Predictions(table)


def test_scores_and_probabilities_are_columns_in_class_order() -> None:
    assert predictions().n_classes == 3
    assert predictions().scores().tolist() == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]
    assert predictions().probabilities()[0].tolist() == [0.2, 0.3, 0.5]


def test_a_part_holds_its_rows_alone() -> None:
    part = predictions().part("out_of_fold")
    assert part.table["case_id"].tolist() == ["c0", "c2"]
    assert part.scores().tolist() == [[0, 1, 2], [20, 21, 22]]
    assert predictions().part("inner").scores().shape == (0, 3)


def test_a_table_comes_back_equal(tmp_path: Path) -> None:
    predictions().write(tmp_path / "predictions.parquet")
    again = Predictions.read(tmp_path / "predictions.parquet")
    pd.testing.assert_frame_equal(again.table, predictions().table)


@pytest.mark.parametrize("n_classes", [2, 12])
def test_more_than_ten_classes_stay_in_order(n_classes: int) -> None:
    table = pd.DataFrame({f"score_{k}": [float(k)] for k in reversed(range(n_classes))})
    assert Predictions(table).scores().tolist() == [list(range(n_classes))]
