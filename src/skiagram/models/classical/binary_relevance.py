"""One classifier a finding, of cases in which the finding is known.

Findings are fitted apart (binary relevance; Zhang & Zhou 2014, *IEEE Transactions on Knowledge and
Data Engineering* 26:1819, §3.2.1), so that a case teaches all findings that are known of it.
"""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from skiagram.arrays import Floats


class BinaryRelevance(BaseEstimator):  # type: ignore[misc]
    """Copies of a classifier of two classes, one a finding.

    Attributes:
        estimators_: Fitted copies; None of a finding that all training cases have, or none has.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, values: Floats, target: Floats) -> "BinaryRelevance":
        """Fit a classifier for each finding, of the cases in which it is known.

        Args:
            values: (n, features) without gaps.
            target: (n, findings): 1 present, 0 absent, −1 not known.
        """
        self.n_features_in_ = values.shape[1]
        self.estimators_ = []
        # A classifier for each finding, of the cases in which it is known.
        for state in target.T:
            observed = state >= 0
            both = len(np.unique(state[observed])) == 2
            self.estimators_.append(
                clone(self.estimator).fit(values[observed], state[observed].astype(np.int64))
                if both
                else None
            )
        return self

    def predict(self, values: Floats) -> Floats:
        """Score (n, features): decision functions, or the probability of the finding.

        Returns:
            (n, findings) float64; 0 of a finding without a classifier.
        """
        # A finding that training saw in one state only has score 0 everywhere.
        scores = np.zeros((len(values), len(self.estimators_)))
        for number, fitted in enumerate(self.estimators_):
            if fitted is None:
                continue
            if hasattr(fitted, "decision_function"):
                scores[:, number] = fitted.decision_function(values)
            else:
                scores[:, number] = fitted.predict_proba(values)[:, 1]
        return scores

    @property
    def coef_(self) -> Floats:
        """Stack (findings, features) coefficients of linear classifiers, 0 where there is none."""
        nothing = np.zeros((1, self.n_features_in_))
        return np.vstack([nothing if each is None else each.coef_ for each in self.estimators_])

    @property
    def intercept_(self) -> Floats:
        """Join the intercepts of the linear classifiers that there are."""
        estimators = (estimator for estimator in self.estimators_ if estimator is not None)
        return np.concatenate([np.empty(0), *(estimator.intercept_ for estimator in estimators)])
