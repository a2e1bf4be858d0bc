"""Study `cost`: what each model's accuracy costs to train, to keep and to use."""

from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.models.plan import Plan
from skiagram.options import STRICT
from skiagram.progress import Progress
from skiagram.records import DataCard, Design, read_cases, read_record
from skiagram.studies.cost.description import descriptions, features_of
from skiagram.studies.cost.machine import machine
from skiagram.studies.cost.measured import measured, with_features
from skiagram.studies.cost.results import CostResult, ModelCost, Time, Uncosted
from skiagram.studies.cost.timing import Clock
from skiagram.studies.ground import Ground
from skiagram.studies.passes import ingested, prepared
from skiagram.studies.place import Place
from skiagram.training.options import Trainer


@options_class(**STRICT)
class Cost:
    """Accuracy of every model on folds of development cases, against what it costs.

    Models are timed one after the other in one process, whatever `compute.workers` says.

    Attributes:
        dataset: Option file of the data set.
        design: Its design; sealed cases are not opened.
        restoration: Option file of the restoration, which both arms need and no time counts.
        features: Option files of the feature families.
        baselines: Option files of classical models.
        networks: Option files of networks.
        images: Images that are scored or described when this is timed.
        repeats: Times that it is repeated.
        time: `wall`, for a machine that does nothing else and for accelerators; or `processor`
            time of all threads, which other work delays less.
        margin: Difference in AUC below which the cheaper model is as good.
        plan: Repeats, folds and seed; training is timed on every fold.
        trainer: Where networks are trained.
    """

    dataset: str
    design: Design
    restoration: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    images: Annotated[int, Field(ge=1)]
    repeats: Annotated[int, Field(ge=3)]
    time: Time
    margin: Annotated[float, Field(ge=0, lt=1)]
    plan: Plan
    trainer: Trainer

    def run(self, place: Place) -> CostResult:
        """Fit and time all models that are not timed yet on this machine."""
        families = {name: place.option_file("features", name) for name in self.features}
        data = ingested(place, place.option_file("dataset", self.dataset), self.design)
        restoration = place.option_file("restoration", self.restoration)
        images = prepared(place, data, restoration, families)
        cases, task = read_cases(data.folder / "cases")
        ground = Ground.of(place, images, self.trainer, self.plan, cases.development(), task)
        clock = Clock(min(self.images, len(ground)), self.repeats, self.time, machine())
        described = descriptions(ground, families, clock)
        training = float(np.mean([len(fold.training) for fold in ground.folds()]))
        found: list[ModelCost | Uncosted] = []
        arms = dict.fromkeys(self.baselines, "classical") | dict.fromkeys(self.networks, "deep")
        with Progress("cost", len(arms)) as progress:
            for name, arm in arms.items():
                options = place.option_file("model", name)
                one = measured(ground, name, arm, options, clock)
                if arm == "classical" and isinstance(one, ModelCost):
                    one = with_features(one, features_of(described, options["columns"]), training)
                found.append(one)
                progress.advance()
        return CostResult(
            dataset=self.dataset,
            title=read_record(DataCard, data.folder / "cases/card.json").title,
            cases=len(ground),
            patients=len(set(ground.patient_id.tolist())),
            folds=len(ground.folds()),
            images=clock.images,
            repeats=clock.repeats,
            time=clock.time,
            machine=clock.machine,
            threads=place.compute.threads,
            accelerator=self.trainer.accelerator,
            margin=self.margin,
            models=tuple(one for one in found if isinstance(one, ModelCost)),
            failed=tuple(one for one in found if isinstance(one, Uncosted)),
        )
