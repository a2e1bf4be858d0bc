"""A search that takes seconds."""

from typing import Any

from skiagram.models.plan import Plan
from skiagram.studies.search.rounds import Budget
from skiagram.studies.search.study import Search
from skiagram.studies.search.trials import Pruning
from skiagram.training.options import Trainer

TRAINER = Trainer(
    accelerator="cpu",
    devices=1,
    num_nodes=1,
    strategy="auto",
    precision="32-true",
    channels_last=True,
    compile=False,
)


def small_search(**changed: Any) -> Search:
    """Return a search of two quick models on the small phantom."""
    values: dict[str, Any] = {
        "dataset": "phantom",
        "design": "holdout",
        "restoration": "repair",
        "features": ("wavelet",),
        "baselines": ("ridge", "decision_tree"),
        "networks": (),
        "budget": Budget(
            trials=9, together=3, startup=3, pruning=Pruning(percentile=50.0, trials=2, folds=1)
        ),
        "outer_folds": None,
        "storage": None,
        "plan": Plan(
            repeats=1, folds=3, inner_folds=2, calibration="platt", validation_fraction=0.2, seed=0
        ),
        "trainer": TRAINER,
    }
    return Search(**(values | changed))
