"""Study `cost`: what each model's accuracy costs to train, to keep and to use."""

from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.progress import Progress
from skiagram.options import STRICT
from skiagram.studies.cost.results import CostResult, FailedModel, ModelCost, Time
from skiagram.studies.cost.timing import (
    Clock,
    add_feature_time,
    describe_machine,
    feature_time,
    time_families,
    time_model,
)
from skiagram.studies.cross_validation import CrossValidatedStudy
from skiagram.studies.workspace import Workspace


@options_class(**STRICT)
class Cost(CrossValidatedStudy):
    """Accuracy of every model on folds of development cases, against what it costs.

    Models are timed one after the other in one process, whatever `compute.workers` says.

    Attributes:
        restoration: Option file of the restoration, which both arms need and no time counts.
        images: Images that are scored or described when this is timed.
        repeats: Times that it is repeated.
        time: `wall`, for a machine that does nothing else and for accelerators; or `processor`
            time of all threads, which other work delays less.
        margin: Difference in AUC below which the cheaper model is as good.
    """

    images: Annotated[int, Field(ge=1)]
    repeats: Annotated[int, Field(ge=3)]
    time: Time
    margin: Annotated[float, Field(ge=0, lt=1)]

    def run(self, workspace: Workspace) -> CostResult:
        """Fit and time all models that are not timed yet on this machine."""
        cv, title = self.cross_validation(workspace)
        clock = Clock(min(self.images, len(cv)), self.repeats, self.time, describe_machine())
        described = time_families(cv, self.families(workspace), clock)
        training = float(np.mean([len(fold.training) for fold in cv.folds()]))
        costs: list[ModelCost | FailedModel] = []
        with Progress("cost", len(self.arms)) as progress:
            for name, arm in self.arms.items():
                options = workspace.option_file("model", name)
                cost = time_model(cv, name, arm, options, clock)
                if arm.name == "classical" and isinstance(cost, ModelCost):
                    cost = add_feature_time(
                        cost, feature_time(described, options["columns"]), training
                    )
                costs.append(cost)
                progress.advance()
        return CostResult(
            dataset=self.dataset,
            title=title,
            cases=len(cv),
            patients=len(set(cv.patient_id.tolist())),
            folds=len(cv.folds()),
            images=clock.images,
            repeats=clock.repeats,
            time=clock.time,
            machine=clock.machine,
            threads=workspace.compute.threads,
            accelerator=self.trainer.accelerator,
            margin=self.margin,
            models=tuple(cost for cost in costs if isinstance(cost, ModelCost)),
            failed=tuple(cost for cost in costs if isinstance(cost, FailedModel)),
        )
