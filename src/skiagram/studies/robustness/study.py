"""Study `robustness`: trained models on images made worse, and on sources they never saw."""

from itertools import pairwise
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from skiagram.compute.progress import Progress
from skiagram.options import STRICT
from skiagram.records import Design, read_cases
from skiagram.studies.cohorts import FOLDS, make_cohorts
from skiagram.studies.pipeline_steps import PreparedData, StudyOptions
from skiagram.studies.robustness.corruptions import CORRUPTIONS, Condition, prepare_condition
from skiagram.studies.robustness.fits import Setup, StudyDataSet
from skiagram.studies.robustness.results import CorruptedDataSet, CorruptionKind, RobustnessResult
from skiagram.studies.robustness.severity import model_results
from skiagram.studies.robustness.shift import Shift
from skiagram.studies.workspace import Workspace

Amounts = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


@dataclass(**STRICT)
class Robustness(StudyOptions):
    """Models of data sets of two classes, trained on clean images.

    Attributes:
        datasets: Option file of each data set → its design; `holdout` makes the sealed images
            worse, `cv` those of patients set aside.
        corruptions: Name → amounts, ascending.
        shifts: Sources that models meet untrained.
        fifths: Under `cv`, how many fifths of the patients are set aside in turn.
        restoration: Option file of the restoration.
        margin: Smallest loss of AUC that counts.
    """

    datasets: dict[str, Design]
    corruptions: Annotated[dict[str, Amounts], Field(min_length=1)]
    shifts: tuple[Shift, ...]
    fifths: Annotated[int, Field(ge=1, le=FOLDS)]
    restoration: str
    margin: Annotated[float, Field(gt=0, lt=0.5)]

    @field_validator("corruptions")
    @classmethod
    def _known_and_ascending(cls, given: dict[str, Amounts]) -> dict[str, Amounts]:
        for name, amounts in given.items():
            if name not in CORRUPTIONS:
                raise ValueError(f"no corruption `{name}`; there are {', '.join(CORRUPTIONS)}")
            if any(amount >= next_amount for amount, next_amount in pairwise(amounts)):
                raise ValueError(f"amounts of `{name}` must ascend")
            if amounts[-1] > CORRUPTIONS[name].most:
                raise ValueError(f"amounts of `{name}` go up to {CORRUPTIONS[name].most:g}")
        return given

    def run(self, workspace: Workspace) -> RobustnessResult:
        """Train, make worse and score what is not finished yet."""
        setup = Setup(
            workspace=workspace,
            restoration=workspace.option_file("restoration", self.restoration),
            families=self.families(workspace),
            models=self.arms,
            plan=self.plan,
            study=self,
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
    ) -> CorruptedDataSet:
        data = setup.data_set(name, design)
        known, task = read_cases(data.prepared.data.folder / "cases")
        groups = make_cohorts(known, task, self.fifths, self.plan.seed)
        tested = np.sort(np.concatenate([cohort.cases.test().case_id for cohort in groups]))
        cases = data.opened.evaluation_set.cases.of(tested.tolist(), name)
        views = [data.prepared, *self._worse(setup, data, cases.case_id, kinds)]
        models = setup.score_models(data.prepared, groups, views, cases, name)
        return CorruptedDataSet(
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
        data: StudyDataSet,
        case_id: NDArray[np.str_],
        kinds: tuple[CorruptionKind, ...],
    ) -> list[PreparedData]:
        conditions = [
            Condition(
                setup.workspace, data.prepared, setup.restoration, setup.families, case_id,
                kind.name, amount, self.plan.seed,
            )
            for kind in kinds
            for amount in kind.amounts
        ]  # fmt: skip
        prepared = []
        with Progress("corruptions", len(conditions)) as progress:
            for view in setup.workspace.compute.map(prepare_condition, conditions):
                prepared.append(view)
                progress.advance()
        return prepared
