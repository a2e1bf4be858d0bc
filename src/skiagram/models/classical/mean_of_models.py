"""Linear models and forests that vote: their probabilities are averaged.

With few patients, which of several models has the highest inner AUC is mostly luck; the mean of
unlike models is about as good as the best of them (Kittler et al. 1998, *On Combining Classifiers*,
IEEE Trans. PAMI 20:226, the sum rule).
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic.dataclasses import dataclass
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.strict import STRICT, AboveZero, OneOrMore
from skiagram.tasks.predicted import Loss

_ITERATIONS = 5000


@dataclass(**STRICT)
class MeanOfModels(ClassicalModel):
    """The mean probability of two penalised logistic regressions and two forests.

    Attributes:
        ridge_C: `C` of the logistic regression that shrinks all coefficients.
        lasso_C: `C` of the one that sets most of them to 0.
        n_estimators: Number of trees of the random forest, and of the extremely randomised trees.
        min_samples_leaf: Training cases a leaf holds at least.
    """

    titles: ClassVar[Mapping[Loss, str]] = {
        "classification": "Mean of four models",
        "multilabel": "Mean of four models",
    }

    ridge_C: AboveZero  # noqa: N815 - scikit-learn's name of it
    lasso_C: AboveZero  # noqa: N815
    n_estimators: OneOrMore
    min_samples_leaf: OneOrMore

    def estimator(self, seed: int, loss: Loss) -> VotingClassifier:
        # Two linear models and two of trees, whose probabilities are averaged.
        forest = {
            "n_estimators": self.n_estimators,
            "min_samples_leaf": self.min_samples_leaf,
            "random_state": seed,
        }
        ridge = LogisticRegression(C=self.ridge_C, max_iter=_ITERATIONS)
        lasso = LogisticRegression(
            C=self.lasso_C,
            l1_ratio=1.0,
            solver="saga",
            tol=1e-3,
            max_iter=_ITERATIONS,
            random_state=seed,
        )
        members = [
            ("ridge", ridge),
            ("lasso", lasso),
            ("random_forest", RandomForestClassifier(**forest)),
            ("extra_trees", ExtraTreesClassifier(**forest)),
        ]
        return VotingClassifier(members, voting="soft")
