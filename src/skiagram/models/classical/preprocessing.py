"""The steps before a classical estimator: missing values, normalisation, selection of columns.

Each step learns from the training rows of one fit alone: selection outside the folds flatters every
figure (Ambroise and McLachlan 2002, PNAS 99(10)). A constant column never gives NaN: its spread
counts as 1.
"""

from dataclasses import dataclass as plain_dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_selection import RFE, mutual_info_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC

from skiagram.arrays import Floats, Whole
from skiagram.statistics.permutation import auc_of_ranks
from skiagram.strict import STRICT, OneOrMore

Normalisation = Literal["standard", "min_max", "robust", "maximum_then_sum", "none"]
_COST = 0.1  # C of the linear models that choose
_ITERATIONS = 50_000
_CLOSEST = 1 - 1e-12  # squared correlation of copies, whose information would be infinite


def imputer() -> Any:
    """Build the unfitted pipeline step that fills missing values with the training cases' median.

    Columns without a gap stay as they are, and a new case may have gaps where training had none. A
    column that has gaps among the training cases gets an indicator beside it, 1 where it was
    filled; one that is empty there is 0.
    """
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


class MaximumThenSumScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Divides each column by its maximum, then by the column sum of what that gave.

    Features may be negative, so both are taken of magnitudes: x ↦ (x / m) / Σ(|x| / m) with
    m = max |x| over the training rows. The training column then has unit 1-norm, so its values are
    of the order 1 / n. A column of zeros is left as it is.
    """

    def fit(self, values: Floats, target: object = None) -> "MaximumThenSumScaler":
        """Learn the largest magnitude m of each column and the sum Σ(|x| / m) of (n, features)."""
        magnitude = np.abs(values)
        maximum = magnitude.max(axis=0)
        self.maximum_ = np.where(maximum > 0, maximum, 1.0)
        total = (magnitude / self.maximum_).sum(axis=0)
        self.total_ = np.where(total > 0, total, 1.0)
        return self

    def transform(self, values: Floats) -> Floats:
        return values / self.maximum_ / self.total_


def scaler(normalisation: Normalisation) -> Any:
    """Build the unfitted pipeline step of a normalisation."""
    steps: dict[Normalisation, Any] = {
        "standard": StandardScaler(),
        "min_max": MinMaxScaler(),
        "robust": RobustScaler(),
        "maximum_then_sum": MaximumThenSumScaler(),
        "none": "passthrough",
    }
    return steps[normalisation]


@dataclass(**STRICT)
class Selection:
    """How many columns are kept, and by what.

    Attributes:
        method: `auc` of the column alone, either way up, one class against the rest; `variance` of
            the column scaled to its training range; `mutual_information` with the
            class (Kraskov et al. 2004, Phys. Rev. E 69); `mrmr`, that information less the mean
            information with the columns already chosen (Peng et al. 2005, IEEE Trans. PAMI 27(8));
            between columns it is that of normal variables, −½ ln(1 − ρ²); `l1`, the largest
            coefficients of a linear support vector machine with an L1 penalty (Zhu et al. 2003,
            NIPS 16); `recursive` elimination by logistic regression (Guyon et al. 2002, Machine
            Learning 46).
        keep: Columns kept; all where there are fewer.
    """

    method: Literal["auc", "variance", "mutual_information", "mrmr", "l1", "recursive"]
    keep: OneOrMore


@plain_dataclass(eq=False, repr=False)
class ColumnSelector(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Keeps the chosen columns, in their order; `Selection` says how."""

    method: str
    keep: int
    seed: int

    def fit(self, values: Floats, target: NDArray[np.float64 | np.int64]) -> "ColumnSelector":
        """Choose columns by what they tell of the classes, and mark them in `chosen_`.

        Of equal columns the first one is chosen.

        Args:
            values: (n, columns), normalised.
            target: (n,) labels or (n, n_classes) one-hot labels.
        """
        # Labels come as numbers or one-hot.
        label = (target.argmax(axis=1) if target.ndim == 2 else target).astype(np.int64)
        chosen = np.zeros(values.shape[1], dtype=np.bool_)
        keep = min(self.keep, values.shape[1])
        if self.method == "mrmr":
            # One column after the other: the most information less the mean redundancy.
            information = self._information(values, label)
            centred = values - values.mean(axis=0)
            norm = np.linalg.norm(centred, axis=0)
            unit = centred / np.where(norm > 0, norm, 1)
            redundancy = np.zeros(values.shape[1])
            for number in range(keep):
                gain = information - redundancy / max(1, number)
                best = int(np.flatnonzero(~chosen)[gain[~chosen].argmax()])
                chosen[best] = True
                squared = np.minimum((unit.T @ unit[:, best]) ** 2, _CLOSEST)
                redundancy -= np.log1p(-squared) / 2
        else:
            chosen[np.argsort(-self._worth(values, label, keep), kind="stable")[:keep]] = True
        self.chosen_ = chosen
        return self

    def _information(self, values: Floats, label: Whole) -> Floats:
        """Estimate (columns,) mutual information with the class, by at most three neighbours.

        A class needs one case more than there are neighbours.
        """
        neighbours = min(3, int(np.bincount(label).min()) - 1)
        information: Floats = mutual_info_classif(
            values, label, n_neighbors=max(1, neighbours), random_state=self.seed
        )
        return information

    def _worth(self, values: Floats, label: Whole, keep: int) -> Floats:
        """Measure what each column alone, or in a sparse model, is worth.

        Args:
            values: (n, columns), normalised.
            label: (n,) classes.
            keep: Columns that elimination stops at.

        Returns:
            (columns,) higher = rather kept, in a unit of the method.
        """
        # Variance, as a share of the squared range, so that units do not count.
        if self.method == "variance":
            spread = np.ptp(values, axis=0)
            worth: Floats = values.var(axis=0) / np.where(spread > 0, spread, 1) ** 2
            return worth
        if self.method == "auc":
            # The sum over classes of |AUC − .5| of each column, which ranks as their mean does.
            ranks = rankdata(values, axis=0)
            area = np.zeros(values.shape[1])
            for class_ in np.unique(label):
                area += np.abs(auc_of_ranks(ranks, (label == class_)[:, None]) - 0.5)
            return area
        if self.method == "mutual_information":
            return self._information(values, label)
        if self.method == "recursive":
            estimator = LogisticRegression(C=_COST, max_iter=_ITERATIONS)
            # a fifth of the columns is dropped at a time
            ranks = RFE(estimator, n_features_to_select=keep, step=0.2).fit(values, label)
            rank: Floats = ranks.ranking_.astype(np.float64)
            return -rank
        # Columns with the largest coefficients of a sparse support vector machine.
        sparse = LinearSVC(
            C=_COST, penalty="l1", dual=False, max_iter=_ITERATIONS, random_state=self.seed
        )
        coefficients: Floats = sparse.fit(values, label).coef_
        largest: Floats = np.abs(coefficients).max(axis=0)
        return largest

    def transform(self, values: Floats) -> Floats:
        return values[:, self.chosen_]
