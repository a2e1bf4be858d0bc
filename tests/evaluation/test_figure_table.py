"""The one long table: every estimate of a record is one of its rows, and decisions read it."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from skiagram.evaluation.criteria import find_side, is_told_apart
from skiagram.evaluation.evaluation_record import SECONDARY, Evaluation
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


def estimates(of: Any) -> Iterator[Estimate]:
    """Yield all estimates that stand anywhere in a record."""
    if isinstance(of, Estimate):
        yield of
    elif is_dataclass(of):
        for field in fields(of):
            yield from estimates(getattr(of, field.name))
    elif isinstance(of, dict):
        yield from estimates(tuple(of.values()))
    elif isinstance(of, tuple):
        for each in of:
            yield from estimates(each)


def test_every_estimate_of_a_model_is_a_row_of_the_table(found: Evaluation) -> None:
    def told(of: Estimate) -> tuple[Any, ...]:
        return tuple(getattr(of, field.name) for field in fields(Estimate))

    for model in found.models:
        name = model.outcome.model
        rows = {told(row) for row in found.table.select(model=name).rows}
        missing = [each for each in estimates(model) if told(each) not in rows]
        assert missing == []


def test_a_figure_is_selected_by_what_it_is(found: Evaluation) -> None:
    cnn = found.models[1]
    of_cnn = found.table.select(model="cnn")
    auc, point = cnn.metrics["roc_auc"], cnn.operating_points[0]
    assert of_cnn.find(analysis=METRICS, figure="roc_auc").value == auc.value
    at = of_cnn.select(analysis=OPERATING_POINTS, group="sensitivity 0.9")
    assert at.find(figure="threshold").value == point.threshold
    assert at.find(figure="specificity").value == point.metrics["specificity"].value
    assert cnn.calibration is not None
    slope = of_cnn.find(analysis=CALIBRATION, figure="slope")
    assert slope.low == cnn.calibration.slope.low
    assert not of_cnn.select(analysis=SUBGROUPS)  # no column was asked for


def test_the_table_ends_with_what_was_found_of_the_run(found: Evaluation) -> None:
    assert found.table.rows[-len(found.figures.rows) :] == found.figures.rows


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
