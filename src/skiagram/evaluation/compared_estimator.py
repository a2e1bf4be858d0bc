"""A model of a time, a number or a grade, compared by the primary figure of its outcome."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.calibration import split_patients
from skiagram.evaluation.arm_selection import Fold, SelectionFigure
from skiagram.evaluation.evaluation_record import OFF_NEAR_DUPLICATES
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.results import LIMIT, METRICS, SELECTION, ModelResult, Named
from skiagram.evaluation.scores import list_repeats
from skiagram.records.predictions import Outcome, Part, Predictions, probabilities_of, scores_of
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.variation import Variation
from skiagram.tasks.outcome import MeasuredOutcome, OutcomePlot, ScoredCases


@dataclass(frozen=True)
class ComparedEstimator:
    """One model on the reported cases.

    Attributes:
        scored: What it says of them, and what is true.
    """

    outcome: MeasuredOutcome
    cases: LabelledCases
    scored: ScoredCases

    @property
    def primary(self) -> str:
        """Return the name of the primary figure."""
        return self.outcome.primary

    @property
    def lower_is_better(self) -> bool:
        """Return whether the primary figure is an error."""
        return self.outcome.lower_is_better

    @property
    def chance(self) -> float | None:
        """Return the primary figure without any knowledge; None where only a rule says it."""
        return self.outcome.chance

    @property
    def chance_rule(self) -> str:
        """Return the model without any feature that stands for chance; empty where none does."""
        return self.outcome.chance_rule

    @cached_property
    def figure(self) -> Linearised:
        """Return the primary figure."""
        return self.outcome.measure_primary(self.scored)

    @property
    def variation(self) -> Variation:
        """Return how the primary figure varies over patients and trainings."""
        return self.figure.variation

    @property
    def above_chance(self) -> float | None:
        """Return the two-sided p value of chance; None where it cannot be told."""
        if self.chance is None or not np.isfinite(self.figure.value):
            return None
        return self.figure.variation.p(self.figure.value - self.chance)

    @classmethod
    def on(cls, setting: EvaluationSet, model: Predictions) -> "ComparedEstimator":
        """Line the scores of a model up with the reported cases."""
        if setting.outcome is None:
            raise ValueError("classes are told apart")
        return cls._of_part(model, setting.part, setting.cases, setting.outcome)

    def out_of_fold(self, setting: EvaluationSet, model: Predictions) -> "ComparedEstimator":
        """Line the held-out scores of the same model up with the development cases."""
        return self._of_part(model, "out_of_fold", setting.development, self.outcome)

    @classmethod
    def _of_part(
        cls, model: Predictions, part: Part, cases: LabelledCases, outcome: MeasuredOutcome
    ) -> "ComparedEstimator":
        repeats = list_repeats(model, part, cases, outcome.bounds)
        return cls(outcome, cases, _score(cases, repeats, "fold"))

    def select(self, rows: NDArray[np.bool_], setting: EvaluationSet) -> "ComparedEstimator":
        """Return the same on some of the cases."""
        return replace(self, cases=self.cases.select(rows), scored=self.scored.select(rows))

    def on_site(self, rows: NDArray[np.bool_]) -> Linearised | None:
        """Return the primary figure of cases that one fit of each repeat scored; None for none."""
        figure = self.outcome.measure_primary(self.scored.select(rows))
        return figure if np.isfinite(figure.value) else None

    def ideal(self, setting: EvaluationSet) -> Linearised | None:
        """Return the primary figure of the ideal observer; None but on generated data.

        Its calibration is fitted to the reported cases themselves, which errs to the good side.
        """
        if setting.ideal is None:
            return None
        scored = self.scored
        score = self.outcome.as_score(setting.ideal).reshape(len(setting.ideal), -1)
        calibration = self.outcome.calibrate(score, scored.value, scored.label, scored.patient)
        repeats, estimate = len(scored.score), calibration.probabilities(score)
        of_ideal = replace(
            scored,
            score=np.repeat(_squeezed(score)[None], repeats, axis=0),
            estimate=np.tile(estimate, (repeats, 1, 1)),
        )
        return self.outcome.measure_primary(of_ideal)

    def estimate(self) -> Estimate:
        """Return the primary figure with its interval, or why there is none."""
        return self.figure.estimate()

    def list_parts(self) -> dict[str, Linearised]:
        """Return the figures by name whose mean the primary one is; empty where it is no mean."""
        return dict(self.outcome.measure_parts(self.scored))

    def list_plots(self) -> tuple[OutcomePlot, ...]:
        """Return what the outcome draws of the model."""
        return tuple(self.outcome.plot(self.scored))

    def subtract(self, other: "ComparedEstimator") -> Linearised:
        """Return the difference from another model of the same outcome."""
        return self.figure - other.figure

    def compare_decisions(self, other: "ComparedEstimator") -> None:
        """Return nothing: such a model decides nothing."""

    def list_figures(self) -> list[Named]:
        """Return all figures of the outcome."""
        figures = self.outcome.measure(self.scored)
        return [(each.name, each.group, each.figure.estimate()) for each in figures]

    def recalibrated(self) -> "ComparedEstimator":
        """Return the same scores after the calibration was fitted anew to these very cases.

        In five folds by patient: no case is judged by a calibration that saw its patient.
        """
        scored = self.scored
        estimate = np.empty_like(scored.estimate)
        for held_out in split_patients(scored.patient):
            others = scored.select(~held_out)
            for repeat, score in enumerate(scored.score):
                known = others.score[repeat].reshape(len(others.value), -1)
                fitted = self.outcome.calibrate(known, others.value, others.label, others.patient)
                of_fold = score[held_out].reshape(int(held_out.sum()), -1)
                estimate[repeat, held_out] = fitted.probabilities(of_fold)
        return replace(self, scored=replace(scored, estimate=estimate))


def measure_estimator(
    outcome: Outcome,
    compared: ComparedEstimator,
    setting: EvaluationSet,
    chosen_by: SelectionFigure,
) -> ModelResult:
    """Return the figures of a model on the reported cases."""
    metrics, measured = compared.list_figures(), compared.outcome
    if setting.has_near_duplicate.any():
        others = ~setting.has_near_duplicate
        clean = Estimate(None, reason="each case has a near duplicate")
        if others.any():
            clean = compared.select(others, setting).estimate()
        metrics.append((f"{measured.primary}_{OFF_NEAR_DUPLICATES}", "", clean))
    value = None if chosen_by.value is None else measured.direct(chosen_by.value)
    reason = "" if value is not None else "no inner fold defines it"
    of_selection = (measured.selection, "", Estimate(value, reason=reason))
    repeated = compared.figure.values.tolist()  # noqa: PD011 - of no data frame
    result = ModelResult(outcome, by_repeat=tuple(repeated))
    result = result.with_figures(METRICS, metrics).with_figures(SELECTION, [of_selection])
    ideal = compared.ideal(setting)
    if ideal is None:
        return result
    above = (compared.figure - ideal).estimate()
    gap = above.negate() if compared.lower_is_better else above
    return result.with_figures(LIMIT, [("above_ideal", "", gap)])


def choose_estimator(
    model: Predictions, compared: ComparedEstimator, setting: EvaluationSet
) -> SelectionFigure:
    """Return the primary figure of development cases that chooses a model; an error below 0.

    Where a test set is sealed it is that of out-of-fold scores, under `cv` the mean over outer
    folds of those of their inner folds.
    """
    outcome = compared.outcome
    if setting.design == "holdout":
        known = compared.out_of_fold(setting, model).figure.value
        return SelectionFigure(outcome.direct(known))
    of_folds: dict[Fold, float] = {}
    for key, rows in model.part("inner").groupby(["repeat", "fold"], sort=True):
        where = f"inner scores of {model.outcome.model}, repeat and fold {key}"
        cases = setting.development.of(rows["case_id"].tolist(), where)
        patient = np.unique(cases.patient, return_inverse=True)[1].astype(np.int64)
        scored = _score(replace(cases, patient=patient), [rows], "inner_fold")
        repeat, fold = (int(number) for number in key)  # type: ignore[call-overload]
        of_folds[repeat, fold] = outcome.direct(outcome.measure_primary(scored).value)
    defined = [value for value in of_folds.values() if np.isfinite(value)]
    return SelectionFigure(float(np.mean(defined)) if defined else None, of_folds)


def _squeezed(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) where a model gives one score, else (n, scores)."""
    return scores[:, 0] if scores.shape[1] == 1 else scores


def _score(cases: LabelledCases, repeats: list[pd.DataFrame], fit: str) -> ScoredCases:
    """Return the cases with the scores of each repeat; `fit` is the column of who scored them."""
    if cases.value is None:
        raise ValueError("cases without values")
    return ScoredCases(
        cases.label,
        cases.value,
        cases.patient,
        np.stack([_squeezed(scores_of(rows)) for rows in repeats]),
        np.stack([probabilities_of(rows) for rows in repeats]),
        np.stack([rows[fit].to_numpy(dtype=np.int64) for rows in repeats]),
    )
