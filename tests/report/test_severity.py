"""Severity curves on the page of a sweep: rules make their words."""

from skiagram.report.severity import describe_endurance, show_severity, tabulate_changes
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.rows import Row
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.severity import (
    Condition,
    CorruptedCases,
    CorruptedModel,
    Severity,
    SeverityCurve,
)
from skiagram.sweeps.table import SweepResult
from tests.report.examples_of_results import texts

ZERO = Estimate(0.0, -0.01, 0.01)
LOSS = Estimate(-0.1, -0.15, -0.05)


def condition(amount: float, change: Estimate = ZERO, sensitivity: float = 0.9) -> Condition:
    auc = Estimate(0.8 + change.value, 0.7, 0.9)
    shares = Estimate(sensitivity, 0.1, 0.95), Estimate(0.7, 0.6, 0.8)
    return Condition(amount, auc, change, *shares)


CURVES = (
    SeverityCurve("noise", (condition(0.1), condition(0.2, LOSS)), -0.05, 0.1, 0.2),
    SeverityCurve("jpeg", (condition(50, sensitivity=0.2),), 0.0, 50, None),
    SeverityCurve("blur", (condition(1, Estimate(-0.05, -0.1, 0.0)),), -0.05, None, None),
)
MODEL = CorruptedModel("Model <A>", "classical", condition(0), CURVES)
MISSING = Estimate(None, reason="diverged")
NOTHING = Condition(0, MISSING, MISSING, MISSING, MISSING)
NONE = [(each.corruption, (NOTHING,) * len(each.conditions)) for each in CURVES]
LOST = CorruptedModel(
    "Lost", "deep", NOTHING, tuple(SeverityCurve(*each, None, None, None) for each in NONE)
)
FILMS = CorruptedCases("films", 20, 10, (MODEL, LOST))
RESULT = Severity(0.02, (FILMS,))


def test_a_model_breaks_holds_or_is_open_under_each_corruption() -> None:
    assert describe_endurance(MODEL) == (
        "breaks under noise from 0.2 on; holds under JPEG; open under blur."
    )
    assert "diverged" in describe_endurance(LOST)


def test_changes_stand_by_amount_behind_their_mean() -> None:
    noise, *_ = tabulate_changes(FILMS).groups
    assert noise.columns == ("mean", "0.1", "0.2")
    assert texts(noise.rows[0])[0] == "−0.050"


def test_decisions_have_a_part_of_their_own_where_they_were_asked_for() -> None:
    changes, decisions = show_severity(RESULT)
    assert changes.figure is not None
    assert "Sensitivity" in decisions.caption
    assert "0.20" in str(decisions.table.groups[1].rows[0].cells[1])


ROW = RowResult(Row(1, {"images": "unchanged"}, {}, 1), reason="none was run")
PAGE = SweepResult("worse", "What do they do?", "", (ROW,), RESULT)
