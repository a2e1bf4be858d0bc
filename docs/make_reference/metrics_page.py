"""The page of figures: definition, range, interval, source, and where they stand."""

from dataclasses import dataclass

from make_reference.docstrings import attributes, summary
from make_reference.markdown import code, table
from skiagram.evaluation import discrimination
from skiagram.evaluation.results import Comparison, Estimate, Evaluation, ModelResult, Stability

_DELONG = "logit DeLong"
_BOOTSTRAP = "percentile bootstrap by patient"
_AUC_SOURCE = "DeLong et al. 1988; Sun & Xu 2014; Obuchowski 1997"


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        name: Its name in `reports/evaluation.json`.
        definition: What it is.
        range: Its values; which are good.
        interval: How its 95 % interval is made.
        source: Where that is from.
    """

    name: str
    definition: str
    range: str
    interval: str
    source: str


METRICS = (
    Metric("roc_auc", summary(discrimination.roc_auc), "0 to 1, chance .5", _DELONG, _AUC_SOURCE),
    Metric(
        "roc_auc, more than two classes",
        summary(discrimination.one_vs_rest_auc),
        "0 to 1, chance .5",
        _BOOTSTRAP,
        "Efron 1979",
    ),
    Metric(
        "class_auc",
        "AUC of one class against all others, by its probability.",
        "0 to 1, chance .5",
        _DELONG,
        _AUC_SOURCE,
    ),
    Metric(
        "hand_till_auc",
        summary(discrimination.hand_till_auc),
        "0 to 1, chance .5",
        _BOOTSTRAP,
        "Hand & Till 2001",
    ),
    Metric(
        "roc_auc_off_twins",
        "AUC on the reported cases without a near duplicate among the development cases.",
        "0 to 1, chance .5",
        "as `roc_auc`",
        "",
    ),
    Metric(
        "average_precision",
        summary(discrimination.average_precision),
        "0 to 1, chance: the positives' share",
        _BOOTSTRAP,
        "",
    ),
    Metric(
        "accuracy",
        "Share of cases whose most probable class is the true one.",
        "0 to 1",
        "Wilson",
        "Wilson 1927; Rao & Scott 1992",
    ),
    Metric(
        "balanced_accuracy",
        summary(discrimination.balanced_accuracy),
        "0 to 1, chance 1 / classes",
        _BOOTSTRAP,
        "",
    ),
    Metric(
        "sensitivity",
        "Share of positive cases whose probability reaches the threshold that kept a sensitivity "
        "of .9 on out-of-fold scores. Two classes only.",
        "0 to 1",
        "Wilson",
        "Wilson 1927; Rao & Scott 1992",
    ),
    Metric(
        "specificity",
        "Share of negative cases below that threshold. Two classes only.",
        "0 to 1",
        "Wilson",
        "Wilson 1927; Rao & Scott 1992",
    ),
    Metric(
        "brier",
        summary(discrimination.brier),
        "0 to 1; 0 to 2 with more classes",
        _BOOTSTRAP,
        "Brier 1950",
    ),
    Metric(
        "efficiency",
        "(d_a / d_ideal)², d_a = √2 Φ⁻¹(AUC): the share of the phantom's information that is used.",
        "from 0, limit 1",
        "delta method on paired DeLong",
        "Barrett & Myers 2004, §13.2",
    ),
    Metric(
        "above_ideal",
        "AUC minus the ideal observer's; surely above 0 only if the model has leaked.",
        "−1 to 1",
        "paired DeLong",
        _AUC_SOURCE,
    ),
    Metric(
        "difference",
        "AUC of the best network minus that of the best baseline, on the same cases.",
        "−1 to 1",
        "paired DeLong; bootstrap with more classes",
        _AUC_SOURCE,
    ),
)
_RECORDS = (Evaluation, ModelResult, Stability, Comparison, Estimate)
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
