"""Study `robustness`: trained models on images made worse, and on sources they never saw."""

from itertools import pairwise
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from skiagram.models.plan import Plan
from skiagram.options import STRICT
from skiagram.progress import Progress
from skiagram.records import Design, read_cases
from skiagram.studies.passes import Prepared
from skiagram.studies.place import Place
from skiagram.studies.robustness.cohorts import FOLDS, cohorts
from skiagram.studies.robustness.conditions import Condition, conditioned
from skiagram.studies.robustness.corruptions import CORRUPTIONS
from skiagram.studies.robustness.results import CorruptionKind, DataSetResult, RobustnessResult
from skiagram.studies.robustness.setup import DataSet, Setup
from skiagram.studies.robustness.severity import model_results
from skiagram.studies.robustness.shift import Shift
from skiagram.training.options import Trainer

Amounts = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


@dataclass(**STRICT)
class Robustness:
    """Models of data sets of two classes, trained on clean images.

    Attributes:
        datasets: Option file of each data set → its design; `holdout` makes the sealed images
            worse, `cv` those of patients set aside.
        corruptions: Name → amounts, ascending.
        shifts: Sources that models meet untrained.
        fifths: Under `cv`, how many fifths of the patients are set aside in turn.
        restoration: Option file of the restoration.
        features: Option files of the feature families.
        baselines: Option files of classical models.
        networks: Option files of networks.
        margin: Smallest loss of AUC that counts.
        plan: Folds that fix thresholds and calibration, repeats and seed.
        trainer: Where networks are trained.
    """

    datasets: dict[str, Design]
    corruptions: Annotated[dict[str, Amounts], Field(min_length=1)]
    shifts: tuple[Shift, ...]
    fifths: Annotated[int, Field(ge=1, le=FOLDS)]
    restoration: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    margin: Annotated[float, Field(gt=0, lt=0.5)]
    plan: Plan
    trainer: Trainer

    @field_validator("corruptions")
    @classmethod
    def _known_and_ascending(cls, given: dict[str, Amounts]) -> dict[str, Amounts]:
        for name, amounts in given.items():
            if name not in CORRUPTIONS:
                raise ValueError(f"no corruption `{name}`; there are {', '.join(CORRUPTIONS)}")
            if any(one >= other for one, other in pairwise(amounts)):
                raise ValueError(f"amounts of `{name}` must ascend")
            if amounts[-1] > CORRUPTIONS[name].most:
                raise ValueError(f"amounts of `{name}` go up to {CORRUPTIONS[name].most:g}")
        return given

    def run(self, place: Place) -> RobustnessResult:
        """Train, make worse and score what is not finished yet."""
        arms = dict.fromkeys(self.baselines, "classical") | dict.fromkeys(self.networks, "deep")
        setup = Setup(
            place=place,
            restoration=place.option_file("restoration", self.restoration),
            families={name: place.option_file("features", name) for name in self.features},
            models=arms,
            plan=self.plan,
            trainer=self.trainer,
        )
        kinds = tuple(
            CorruptionKind(name, CORRUPTIONS[name].title, CORRUPTIONS[name].unit, amounts)
            for name, amounts in self.corruptions.items()
        )
        return RobustnessResult(
            margin=self.margin,
            corruptions=kinds,
            datasets=tuple(
                self._data_set(setup, name, design, kinds) for name, design in self.datasets.items()
            ),
            shifts=tuple(shift.run(setup) for shift in self.shifts),
        )

    def _data_set(
        self, setup: Setup, name: str, design: Design, kinds: tuple[CorruptionKind, ...]
    ) -> DataSetResult:
        data = setup.data_set(name, design)
        known, task = read_cases(data.prepared.data.folder / "cases")
        groups = cohorts(known, task, self.fifths, self.plan.seed)
        tested = np.sort(np.concatenate([one.cases.test().case_id for one in groups]))
        cases = data.opened.setting.cases.of(tested.tolist(), name)
        views = [data.prepared, *self._worse(setup, data, cases.case_id, kinds)]
        models = setup.judge(data.prepared, groups, views, cases, name)
        return DataSetResult(
            dataset=name,
            title=data.opened.card.title,
            design=design,
            cases=len(cases),
            patients=len(np.unique(cases.patient)),
            models=model_results(models, kinds, cases, self.margin),
        )

    def _worse(
        self,
        setup: Setup,
        data: DataSet,
        case_id: NDArray[np.str_],
        kinds: tuple[CorruptionKind, ...],
    ) -> list[Prepared]:
        conditions = [
            Condition(
                setup.place, data.prepared, setup.restoration, setup.families, case_id, kind.name,
                amount, self.plan.seed,
            )
            for kind in kinds
            for amount in kind.amounts
        ]  # fmt: skip
        found = []
        with Progress("corruptions", len(conditions)) as progress:
            for one in setup.place.compute.map(conditioned, conditions):
                found.append(one)
                progress.advance()
        return found
