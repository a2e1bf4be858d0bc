"""A search that takes seconds."""

from typing import Any

from skiagram.statistics.estimate import Estimate
from skiagram.studies.search.study import NestedEstimate, Search, SearchedModel, SearchResult
from skiagram.studies.search.trials import Budget, Pruning, Trial
from tests.studies.small_phantom import MODELS, ON_PHANTOM


def small_search(**changed: Any) -> Search:
    """Return a search of two quick models on the small phantom."""
    pruning = Pruning(percentile=50.0, trials=2, folds=1)
    values = MODELS | ON_PHANTOM | {"baselines": ("ridge", "decision_tree"), "outer_folds": None}
    values |= {"budget": Budget(trials=9, together=3, startup=3, pruning=pruning)}
    return Search(**(values | changed))


SURE, OPEN = Estimate(0.02, 0.01, 0.03), Estimate(0.01, -0.02, 0.04)
TRIALS = (
    Trial(0, {"rate": 0.1, "choice": None}, (0.7, 0.8), "finished"),
    Trial(1, {"rate": 0.3, "choice": None}, (0.72, 0.82), "finished"),
    Trial(2, {"rate": 0.001, "choice": None}, (0.5,), "pruned"),
    Trial(3, {"rate": 9.0, "choice": None}, (), "failed", "diverged in epoch 3."),
)
NESTED = NestedEstimate(Estimate(0.75), Estimate(0.76), OPEN, ({"rate": 0.3}, {"rate": 0.1}), 20)
SVM = SearchedModel(
    "svm", "SVM <rbf>", "classical", TRIALS, 1, Estimate(0.75, 0.7, 0.8),
    Estimate(0.77, 0.72, 0.82), SURE, NESTED, "# found\nrate: 0.3 # was 0.1\n",
)  # fmt: skip
OWN = Estimate(0.76, 0.7, 0.8)
NET = SearchedModel(
    "net", "Net", "deep", TRIALS[:1], 0, OWN, OWN, Estimate(0.0, 0.0, 0.0), None, "rate: 0.1\n"
)
RESULT = SearchResult(
    "films", "Films", 100, 90, 2, 4, 2, (SVM, NET),
    {"svm": (1.0, 2.0, 0.5, 0.25), "net": (10.0,)},
)  # fmt: skip
