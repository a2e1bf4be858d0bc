"""How repeatable a feature is from one measurement of a case to the next, and which are kept.

The intraclass correlation says which share of a feature's variance is between cases (Shrout and
Fleiss 1979, Psychological Bulletin 86(2)); the measurements are those on changed copies of each
image (the feature family `perturbed`). No label is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass as record
from typing import Literal

import numpy as np
import scipy
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Texts
from skiagram.records.feature_table import FeatureTable, original_feature
from skiagram.statistics.variation import UPPER
from skiagram.strict import STRICT, ShareBelowOne


@record(frozen=True)
class IntraclassCorrelation:
    """Which share of a feature's variance is between cases, with a 95 % interval.

    Attributes:
        value: Estimate, at most 1; 0 of a feature without any variance.
    """

    value: float
    low: float
    high: float


Form = Literal["ICC(1,1)", "ICC(3,1)"]


def intraclass_correlation(values: Floats, form: Form = "ICC(1,1)") -> IntraclassCorrelation:
    """Estimate the intraclass correlation of single measurements, with its 95 % interval.

    `ICC(1,1)` counts every difference between the measurements of a case against a feature,
    `ICC(3,1)` leaves out what all cases share in one measurement (Shrout and Fleiss 1979; intervals
    after McGraw and Wong 1996, Psychological Methods 1(1)).

    Args:
        values: (n, k) measurements: n ≥ 2 cases, k ≥ 2 of each, finite.
    """
    n, k = values.shape
    total = values - values.mean()
    cases = total.mean(axis=1, keepdims=True)
    rest = total - cases
    freedom = n * (k - 1)
    if form == "ICC(3,1)":
        rest = rest - total.mean(axis=0)
        freedom = (n - 1) * (k - 1)
    between = k * float((cases**2).sum()) / (n - 1)
    within = float((rest**2).sum()) / freedom
    tiny = 1e-24 * float((values**2).mean())  # what rounding leaves of a constant
    if between <= tiny:
        return IntraclassCorrelation(0.0, 0.0, 0.0)
    if within <= tiny:
        return IntraclassCorrelation(1.0, 1.0, 1.0)
    ratio = between / within
    bounds = (
        ratio / float(scipy.special.fdtri(n - 1, freedom, UPPER)),
        ratio * float(scipy.special.fdtri(freedom, n - 1, UPPER)),
    )
    value, low, high = ((x - 1) / (x + k - 1) for x in (ratio, *bounds))
    return IntraclassCorrelation(value, low, high)


def correlate_copies(
    table: FeatureTable, patient: Texts, form: Form = "ICC(1,1)"
) -> dict[str, IntraclassCorrelation]:
    """Return the name of each feature that has changed copies → its intraclass correlation.

    Cases must be independent, so the first of each patient counts alone.
    """
    columns: dict[str, list[int]] = {}
    for column, name in enumerate(table.names):
        if feature := original_feature(name):
            columns.setdefault(feature, []).append(column)
    rows = np.sort(np.unique(patient, return_index=True)[1])
    if len(rows) < 2:
        return {}
    values = table.select(rows).values.astype(np.float64)
    return {
        name: intraclass_correlation(values[:, places], form) for name, places in columns.items()
    }


@dataclass(**STRICT)
class Repeatable:
    """Which features are repeatable: those whose intraclass correlation is surely high enough.

    It is learned from changed copies of the training cases (the feature family `perturbed`), never
    from a label. A feature without changed copies, such as a covariate, is kept.

    Attributes:
        least: Lower bound of the 95 % interval that a feature must reach, below 1.
        form: `ICC(1,1)` or `ICC(3,1)`, see `intraclass_correlation`.
    """

    least: ShareBelowOne
    form: Form = "ICC(1,1)"

    def choose(self, table: FeatureTable, patient: Texts, names: Sequence[str]) -> tuple[str, ...]:
        correlations = correlate_copies(table, patient, self.form)
        return tuple(
            name
            for name in names
            if name not in correlations or correlations[name].low >= self.least
        )
