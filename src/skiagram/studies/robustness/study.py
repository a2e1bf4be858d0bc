"""Study `robustness`: trained models on images made worse, and on sources they never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import OptionError
from skiagram.options import STRICT
from skiagram.records import Cases, Design, read_table
from skiagram.studies.candidates import EncoderStudyOptions, StudiedModel
from skiagram.studies.cohorts import FOLDS, Cohort, Flags
from skiagram.studies.pipeline_steps import ReportedDataSet, encode_prepared
from skiagram.studies.robustness.corruptions import CORRUPTIONS, Condition, prepare_condition
from skiagram.studies.robustness.fits import Setup, StudyDataSet
from skiagram.studies.robustness.severity import (
    CorruptedModel,
    CorruptionKind,
    Figures,
    compute_figures,
    model_results,
    place_conditions,
)
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class CorruptedDataSet(ReportedDataSet):
    """All corruptions of one data set."""

    design: str
    models: tuple[CorruptedModel, ...]


@dataclass(frozen=True)
class ShiftedModel(StudiedModel):
    """One model on the cases of one source, trained with and without cases of that source."""

    reason: str

    own: Figures | None
    foreign: Figures | None


@dataclass(frozen=True)
class SourceResult:
    """Models that meet one source they were not trained on."""

    source: str
    cases: int
    patients: int
    own_training: int
    foreign_training: int
    models: tuple[ShiftedModel, ...]


@dataclass(frozen=True)
class ShiftResult:
    """One shift: title of the training data set, what tells sources apart, a result per source."""

    title: str
    kind: str
    sources: tuple[SourceResult, ...]


@dataclass(frozen=True)
class RobustnessResult:
    """What the study found."""

    margin: float
    corruptions: tuple[CorruptionKind, ...]
    datasets: tuple[CorruptedDataSet, ...]
    shifts: tuple[ShiftResult, ...]


_MIN_PATIENTS = 10  # patients of each class, of the source and of all others


@options_class(**STRICT)
class Shift:
    """What tells sources apart: a covariate, or one data set from another.

    Attributes:
        dataset: Option file of the data set that models are trained on.
        column: Its covariate; each value with enough patients is left out in turn. All its cases
            count as one pool, whatever split was published. Null with `other`.
        other: Option file of a data set with the same classes whose sealed cases are the other
            source; null with `column`.
    """

    dataset: str
    column: str | None
    other: str | None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.column is None) == (self.other is None):
            raise ValueError("name a `column` or an `other` data set, and null the one not meant")
        return self

    def run(self, setup: Setup) -> ShiftResult:
        if self.column is not None:
            return self._left_out(setup, self.column)
        return self._other(setup, str(self.other))

    def _left_out(self, setup: Setup, column: str) -> ShiftResult:
        data = setup.data_set(self.dataset, "cv")
        whole = Cohort.of(data.prepared)
        covariates = read_table(data.prepared.cases / "covariates.parquet")
        source = _sources(covariates, column, whole.cases)
        known = source != ""
        pool, source = Cohort(whole.cases.select(known), whole.task), source[known]
        values = [value for value in np.unique(source).tolist() if _enough(pool, source == value)]
        if not values:
            raise OptionError(
                f"no value of `{column}` has {_MIN_PATIENTS} patients of each class",
                where="study.shifts.column",
                remedy="choose a column with fewer values",
            )
        sources = []
        for value in values:
            own = source == value
            groups = [pool.without_source(own)], pool.with_source(own, setup.study.plan.seed)
            sources.append(_compare(setup, str(value), data, *groups, data))
        return ShiftResult(data.opened.card.title, column, tuple(sources))

    def _other(self, setup: Setup, name: str) -> ShiftResult:
        data, other = (setup.data_set(each, "holdout") for each in (self.dataset, name))
        classes = [each.opened.evaluation_set.cases.classes for each in (data, other)]
        if classes[0] != classes[1]:
            raise OptionError(
                f"classes {', '.join(classes[1])}",
                where="study.shifts.other",
                allowed=", ".join(classes[0]),
            )
        foreign, own = ([Cohort.of(each.prepared)] for each in (data, other))
        source = _compare(setup, other.opened.card.title, data, foreign, own, other)
        return ShiftResult(data.opened.card.title, "data set", (source,))


def _sources(covariates: pd.DataFrame, column: str, cases: Cases) -> NDArray[np.str_]:
    """Return the source of each case, empty where it is unknown."""
    if column not in covariates or column == "case_id":
        allowed = [str(name) for name in covariates if name != "case_id"]
        raise OptionError(
            f"no covariate `{column}`",
            where="study.shifts.column",
            allowed=", ".join(allowed) or "none: the data set has no covariates",
        )
    values = covariates.set_index("case_id")[column].reindex(cases.case_id.tolist())
    text = values.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    return np.where(values.isna(), "", text).astype(str)


def _enough(pool: Cohort, own: Flags) -> bool:
    cases = pool.cases
    return all(
        len(np.unique(cases.patient_id[side & (cases.label == k)])) >= _MIN_PATIENTS
        for side in (own, pool.strangers(own))
        for k in range(2)
    )


def _compare(
    setup: Setup,
    name: str,
    data: StudyDataSet,
    foreign: Sequence[Cohort],
    own: Sequence[Cohort],
    target: StudyDataSet,
) -> SourceResult:
    """Compare training without a source with training with it, on the source's cases."""
    cases, views = target.tested_by(own, name), [target.prepared]
    models = []
    for unseen, seen in zip(
        setup.score_models(data.prepared, foreign, views, cases, f"{name}, unseen"),
        setup.score_models(target.prepared, own, views, cases, f"{name}, seen"),
        strict=True,
    ):
        (outcome, scores), (other, scores_unseen) = seen, unseen
        reason = other.reason or outcome.reason
        figures: list[Figures | None] = [None, None]
        if not reason:
            (placed,) = place_conditions(scores, cases)
            (placed_unseen,) = place_conditions(scores_unseen, cases)
            figures = [
                compute_figures(scores[0], placed, placed, cases),
                compute_figures(scores_unseen[0], placed_unseen, placed, cases),
            ]
        models.append(ShiftedModel(outcome.model, outcome.title, outcome.arm, reason, *figures))
    own_size, foreign_size = (
        round(float(np.mean([len(cohort.cases.development()) for cohort in group])))
        for group in (own, foreign)
    )
    patients = len(np.unique(cases.patient))
    return SourceResult(name, len(cases), patients, own_size, foreign_size, tuple(models))


Amounts = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


@options_class(**STRICT)
class Robustness(EncoderStudyOptions):
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
    def _known_and_ascending(cls, corruptions: dict[str, Amounts]) -> dict[str, Amounts]:
        for name, amounts in corruptions.items():
            if name not in CORRUPTIONS:
                raise ValueError(f"no corruption `{name}`; there are {', '.join(CORRUPTIONS)}")
            if any(amount >= next_amount for amount, next_amount in pairwise(amounts)):
                raise ValueError(f"amounts of `{name}` must ascend")
            if amounts[-1] > CORRUPTIONS[name].most:
                raise ValueError(f"amounts of `{name}` go up to {CORRUPTIONS[name].most:g}")
        return corruptions

    def run(self, workspace: Workspace) -> RobustnessResult:
        setup = Setup(workspace, self, self.restoration)
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
        workspace, data = setup.workspace, setup.data_set(name, design)
        cohorts = Cohort.of(data.prepared).fifths(self.fifths, self.plan.seed)
        cases = data.tested_by(cohorts, name)
        restoration = workspace.option_file("restoration", self.restoration)
        conditions = [
            Condition(
                workspace, data.prepared, restoration, self.families(workspace), cases.case_id,
                kind.name, amount, self.plan.seed,
            )
            for kind in kinds
            for amount in kind.amounts
        ]  # fmt: skip
        worse = workspace.run("corruptions", prepare_condition, conditions, fits=False)
        encoders = self.frozen(workspace)
        views = [data.prepared, *(encode_prepared(workspace, view, encoders) for view in worse)]
        models = setup.score_models(data.prepared, cohorts, views, cases, name)
        return CorruptedDataSet(
            dataset=name,
            title=data.opened.card.title,
            cases=len(cases),
            patients=len(np.unique(cases.patient)),
            design=design,
            models=model_results(models, kinds, cases, self.margin),
        )
