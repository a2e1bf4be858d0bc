"""The page of figures: definition, range, interval, source, and where they stand."""

from make_reference.docstrings import attributes, summary
from make_reference.markdown import code, table
from make_reference.metrics_listed import METRICS
from skiagram.evaluation.records.calibration import (
    BrierParts,
    CalibrationResult,
    DecisionCurve,
    ReliabilityBin,
)
from skiagram.evaluation.records.comparison import AgainstTrivial, Comparison, McNemar
from skiagram.evaluation.records.doubt import PredictionSets, RiskCoverage
from skiagram.evaluation.records.estimate import Estimate
from skiagram.evaluation.records.operating import OperatingPoint
from skiagram.evaluation.records.stability import Ranking, Stability, VarianceSplit
from skiagram.evaluation.records.subgroup import Subgroup
from skiagram.evaluation.results import Evaluation, ModelResult

_RECORDS = (
    Evaluation,
    ModelResult,
    Estimate,
    Stability,
    VarianceSplit,
    OperatingPoint,
    CalibrationResult,
    ReliabilityBin,
    BrierParts,
    DecisionCurve,
    PredictionSets,
    RiskCoverage,
    Subgroup,
    Comparison,
    McNemar,
    AgainstTrivial,
    Ranking,
)
_WITHOUT_FIGURE = """\
Beside an interval stands its method, as above; `, clustered by patient` or `, by patient` is added
where a patient has several cases. Wilson's interval on patients steps in where an AUC is 0 or 1,
where all scores are equal or a class has one patient. A figure that cannot be computed is null
and says why.
"""
_INTRODUCTION = """\
# Figures

All intervals are at 95 % and by patient: cases of one patient are never counted as independent.
With several repeats a figure is the mean over them. What the intervals mean, and where they are
weak, is on [a page of its own](../explanation/intervals.md).

"""


def metrics_page() -> str:
    """Return the page."""
    rows = [
        [code(one.name), one.definition, one.range, one.interval, one.source] for one in METRICS
    ]
    header = ["figure", "definition", "range", "interval", "source"]
    parts = [
        _INTRODUCTION + table(header, rows),
        _WITHOUT_FIGURE,
        "## `reports/evaluation.json`\n\nThe whole record; `reports/metrics.json` holds the few "
        "figures that `dvc metrics` compares.\n",
        *map(_record, _RECORDS),
    ]
    return "\n".join(parts)


def _record(cls: type) -> str:
    rows = [[code(name), meaning] for name, meaning in attributes(cls).items()]
    return f"### {cls.__name__}\n\n{summary(cls)}\n\n" + table(["field", "meaning"], rows)
