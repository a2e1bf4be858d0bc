"""The one long table: every estimate of a record is one of its rows, and decisions read it."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from skiagram.evaluation.criteria import find_side, is_told_apart
from skiagram.evaluation.evaluation_record import ARMS, MAJORITY, SECONDARY, Evaluation
from skiagram.evaluation.figure_table import make_row
from skiagram.evaluation.options import OperatingTarget
from skiagram.evaluation.results import CALIBRATION, METRICS, OPERATING_POINTS, SUBGROUPS
from skiagram.statistics.estimate import Estimate
from tests.evaluation.scenario import evaluated, finished, scenario


@pytest.fixture(scope="module")
def found() -> Evaluation:
    known = scenario()
    models = [finished(known, "svm"), finished(known, "cnn", arm="deep", seed=1, repeats=2)]
    aims = (OperatingTarget(aim="sensitivity", level=0.9),)
    return evaluated(known, models, operating_points=aims)


def list_scalars(of: Any) -> Iterator[object]:
    """Yield what stands alone in a record; numbers in a sequence are those of a curve or list."""
    if is_dataclass(of):
        for field in fields(of):
            yield from list_scalars(getattr(of, field.name))
    elif not isinstance(of, tuple | None):
        yield of


def test_no_figure_of_a_model_stands_outside_the_table(found: Evaluation) -> None:
    for model in found.models:
        beside = [field.name for field in fields(model) if field.name not in ("outcome", "figures")]
        assert [one for name in beside for one in list_scalars(getattr(model, name))] == []
        rows = found.table.select(model=model.outcome.model).rows
        assert model.figures.rows == rows[: len(model.figures.rows)]


def test_a_figure_is_selected_by_what_it_is(found: Evaluation) -> None:
    cnn, of_cnn = found.models[1], found.table.select(model="cnn")
    assert of_cnn.find(analysis=METRICS, figure="roc_auc") == cnn.find("roc_auc")
    at = of_cnn.select(analysis=OPERATING_POINTS, group="sensitivity 0.9")
    assert 0 < at.find(figure="threshold").value < 1
    assert at.find(figure="sensitivity").value > at.find(figure="specificity").low
    slope = of_cnn.find(analysis=CALIBRATION, figure="slope")
    assert slope == cnn.find("slope", CALIBRATION)
    assert slope.low is not None
    bins = of_cnn.select(analysis=CALIBRATION, figure="reliability").rows
    assert [row.value for row in bins] == [each.observed.value for each in cnn.reliability]
    assert not of_cnn.select(analysis=SUBGROUPS)  # no column was asked for


def test_the_table_ends_with_what_was_found_of_the_run(found: Evaluation) -> None:
    assert found.table.rows[-len(found.figures.rows) :] == found.figures.rows
    of_arm = found.table.find(analysis=ARMS, figure="roc_auc", model="deep")
    assert of_arm.value == found.models[1].find("roc_auc").value
    assert found.table.get(analysis=MAJORITY) == found.majority_accuracy


@pytest.mark.parametrize(
    ("low", "high", "side"),
    [(0.01, 0.1, "above"), (-0.1, -0.01, "below"), (-0.1, 0.1, "open"), (None, None, "open"),
     (0.0, 0.1, "open")],
)  # fmt: skip
def test_the_side_of_0_is_that_of_the_whole_interval(
    low: float | None, high: float | None, side: str
) -> None:
    assert find_side(Estimate(0.0, low, high)) == side


@pytest.mark.parametrize(
    ("p", "p_holm", "apart"), [(0.01, 0.2, False), (0.01, 0.04, True), (0.04, None, True)]
)
def test_the_corrected_p_decides_where_there_is_one(
    p: float, p_holm: float | None, *, apart: bool
) -> None:
    assert is_told_apart(make_row(Estimate(0.1), SECONDARY, "auc", p=p, p_holm=p_holm)) is apart
