"""Models that meet a source they were not trained on, against training with that source."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import model_validator
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError
from skiagram.options import STRICT
from skiagram.records import Cases, read_cases, read_table
from skiagram.studies.cohorts import Cohort, cohort_without_source, cohorts_with_source
from skiagram.studies.robustness.fits import ScoredModel, Setup, StudyDataSet
from skiagram.studies.robustness.results import ShiftedModel, ShiftResult, SourceResult
from skiagram.studies.robustness.severity import compute_figures

_FEWEST = 10  # patients of each class, of the source and of all others


@dataclass(**STRICT)
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
        """Train with and without each source and score its cases.

        Raises:
            OptionError: There is no such column, no source has enough patients, or the two data
                sets have different classes.
        """
        if self.column is not None:
            return self._left_out(setup, self.column)
        return self._other(setup, str(self.other))

    def _left_out(self, setup: Setup, column: str) -> ShiftResult:
        data = setup.data_set(self.dataset, "cv")
        folder = data.prepared.data.folder / "cases"
        cases, task = read_cases(folder)
        source = _sources(read_table(folder / "covariates.parquet"), column, cases)
        known = source != ""
        cases, source = cases.select(known), source[known]
        values = [value for value in np.unique(source).tolist() if _enough(cases, source == value)]
        if not values:
            raise OptionError(
                f"no value of `{column}` has {_FEWEST} patients of each class",
                where="study.shifts.column",
                remedy="choose a column with fewer values",
            )
        found = []
        for value in values:
            own = source == value
            groups = (
                [cohort_without_source(cases, task, own)],
                cohorts_with_source(cases, task, own, setup.plan.seed),
            )
            found.append(_source(setup, str(value), data, groups, data))
        return ShiftResult(data.opened.card.title, column, tuple(found))

    def _other(self, setup: Setup, name: str) -> ShiftResult:
        data, other = (setup.data_set(each, "holdout") for each in (self.dataset, name))
        classes = [each.opened.evaluation_set.cases.classes for each in (data, other)]
        if classes[0] != classes[1]:
            raise OptionError(
                f"classes {', '.join(classes[1])}",
                where="study.shifts.other",
                allowed=", ".join(classes[0]),
            )
        groups = tuple(
            [Cohort(*read_cases(each.prepared.data.folder / "cases"))] for each in (data, other)
        )
        title = other.opened.card.title
        found = _source(setup, title, data, groups, other)
        return ShiftResult(data.opened.card.title, "data set", (found,))


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


def _enough(cases: Cases, own: NDArray[np.bool_]) -> bool:
    strangers = ~np.isin(cases.patient_id, cases.patient_id[own])
    return all(
        len(np.unique(cases.patient_id[side & (cases.label == k)])) >= _FEWEST
        for side in (own, strangers)
        for k in range(2)
    )


def _source(
    setup: Setup,
    name: str,
    data: StudyDataSet,
    groups: Sequence[list[Cohort]],
    target: StudyDataSet,
) -> SourceResult:
    """Compare training without a source with training with it, on the source's cases.

    Args:
        setup: What the study shares.
        name: Name of the source.
        data: What models without the source are trained on.
        groups: Cohorts without, then with the source.
        target: Where the source's cases are.
    """
    foreign, own = groups
    tested = np.sort(np.concatenate([cohort.cases.test().case_id for cohort in own]))
    cases = target.opened.evaluation_set.cases.of(tested.tolist(), name)
    views = [target.prepared]
    pairs = zip(
        setup.score_models(data.prepared, foreign, views, cases, f"{name}, unseen"),
        setup.score_models(target.prepared, own, views, cases, f"{name}, seen"),
        strict=True,
    )
    sizes = [[len(cohort.cases.development()) for cohort in group] for group in (own, foreign)]
    return SourceResult(
        source=name,
        cases=len(cases),
        patients=len(np.unique(cases.patient)),
        own_training=round(float(np.mean(sizes[0]))),
        foreign_training=round(float(np.mean(sizes[1]))),
        models=tuple(_model(unseen, seen, target, tested) for unseen, seen in pairs),
    )


def _model(
    foreign: ScoredModel, own: ScoredModel, target: StudyDataSet, tested: NDArray[np.str_]
) -> ShiftedModel:
    outcome = own.outcome
    reason = foreign.outcome.reason or outcome.reason
    head = (outcome.model, outcome.title, outcome.arm, reason)
    if reason:
        return ShiftedModel(*head, None, None)
    cases = target.opened.evaluation_set.cases.of(tested.tolist(), outcome.model)
    reference = own.placements[0]
    of_own, of_foreign = (
        compute_figures(model.scores[0], model.placements[0], reference, cases)
        for model in (own, foreign)
    )
    return ShiftedModel(*head, of_own, of_foreign)
