"""Options and figures as a tracker takes them."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagram.evaluation.results import Estimate
from skiagram.tracking.contract import Point
from skiagram.tracking.values import curve_points, estimate_points, flatten

KEYS = st.text("abcdefgh_", min_size=1, max_size=4)
LEAVES = st.integers() | st.booleans() | st.text("xyz", max_size=3) | st.none()


@given(options=st.dictionaries(KEYS, st.dictionaries(KEYS, LEAVES) | LEAVES))
def test_every_option_keeps_its_place(options: dict[str, object]) -> None:
    expected = {
        f"{group}.{name}" if name else group: str(value)
        for group, values in options.items()
        for name, value in (values.items() if isinstance(values, dict) else [("", values)])
    }
    assert flatten(options) == expected


def test_lists_are_readable() -> None:
    assert flatten({"layers": [32, 64], "pad": ()}) == {"layers": "32, 64", "pad": ""}


def test_a_figure_without_value_or_bounds_leaves_no_point() -> None:
    assert estimate_points("auc", None) == []
    assert estimate_points("auc", Estimate(None, reason="one class")) == []
    assert estimate_points("auc", Estimate(0.8)) == [Point("auc", 0.8)]
    bounded = estimate_points("auc", Estimate(0.8, 0.7, 0.9))
    assert bounded == [Point("auc", 0.8), Point("auc_low", 0.7), Point("auc_high", 0.9)]


def test_curves_have_the_epoch_as_step() -> None:
    curves = pd.DataFrame(
        {"fit": ["a", "a", "b"], "epoch": [0, 1, 0], "loss": [0.5, float("nan"), 0.25]}
    )
    assert curve_points(curves) == [Point("loss/a", 0.5, 0), Point("loss/b", 0.25, 0)]


@pytest.mark.parametrize("columns", [("fit", "epoch"), ("epoch", "fit")])
def test_models_without_epochs_have_no_curves(columns: tuple[str, str]) -> None:
    assert curve_points(pd.DataFrame({name: [] for name in columns})) == []
