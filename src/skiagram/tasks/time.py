"""A time to an event that may be censored: columns, calibration, figures, curves of risk groups.

A score is a log hazard ratio up to a factor. Its calibration is a Cox regression on the score with
Efron's baseline hazard (van Houwelingen 2000, *Statistics in Medicine* 19:3401). Where another
event may come first, such as death, it has one Cox regression for each of both, and estimates are
cumulative incidences (Benichou & Gail 1990, *Biometrics* 46:813).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import NotConverged, refusal
from skiagram.statistics.cox import (
    baseline_hazard,
    fit_ridge,
    martingale_residuals,
)
from skiagram.statistics.estimate import Estimate, format_decimal, format_estimate, format_p_value
from skiagram.statistics.linearised import (
    Linearised,
    leave_one_out,
    mean_gain,
    mean_of_cases,
    mean_over_repeats,
    weighed_difference,
)
from skiagram.statistics.survival import (
    StepCurve,
    aalen_johansen,
    auc_at,
    brier_terms,
    d_calibration,
    end_of_follow_up,
    harrell_concordance,
    integrated_brier_terms,
    kaplan_meier,
    positives_at,
    uno_concordance,
)
from skiagram.strict import STRICT, AboveZero
from skiagram.tables.cells import MISSING_CODES
from skiagram.tasks.columns import VALUE, OutcomeTable
from skiagram.tasks.outcome import (
    Finite,
    MeasuredCalibration,
    MeasuredOutcome,
    NotNegative,
    ReadColumns,
    require_unit,
)
from skiagram.tasks.predicted import OutcomeLine, OutcomePlot, Tensor, split_in_fifths
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.time_columns import (
    CENSORED,
    EVENT,
    OTHER,
    is_missing_event,
    read_times,
)

if TYPE_CHECKING:  # commands print their help without pandas
    from skiagram.tables.frames import TableLine

_SHARES = (0.25, 0.5, 0.75)  # of the events that have happened by the usual horizons
_POWERLESS = 0.7  # censored: D-calibration then finds hazards half too high in 2 % (simulated)
_GRID = 20  # times at which survival is estimated, evenly spread over the events
_FEWEST_EVENTS = 10
_FEWEST_OTHERS = 10  # cases, for their hazard and to be in every fold
_ENOUGH_EVENTS = 100  # patients; .04 of C is then about two standard errors
_GROUPS = ("low risk", "middle risk", "high risk")
_SHRINKAGE = (1e-3, 1e-2, 0.1, 1.0)  # of the slope: the least that scores in order allow
_MAX_SLOPE = 8.0
_THRESHOLDS = np.arange(5, 100, 5) / 100  # of the decision curve
_TABLE_THRESHOLDS = np.arange(2, 10, 2) / 10
_DRAWN_SCALE = 1000.0  # mean time of generated cases without the finding
_DRAWN_ENDS = (300.0, 1500.0)  # of their follow-up

_LEAST_BENEFIT = -0.05  # the lower edge of the figure


@dataclass(frozen=True)
class HazardCalibration(MeasuredCalibration):
    """Survival at the times of a grid = exp(−hazard · exp(slope · (score − centre))).

    Attributes:
        slope: ≥ 0, of the log hazard per unit of score.
        centre: Mean score of the cases that it was learned on.
        hazard: Cumulative, of a case of the mean score, at each time of the grid.
        other_slope: As `slope`, of other events; it may fall.
        other_hazard: As `hazard`, of other events; empty where there are none.
    """

    slope: NotNegative
    centre: Finite
    hazard: tuple[NotNegative, ...]
    other_slope: Finite = 0.0
    other_hazard: tuple[NotNegative, ...] = ()

    @property
    def columns(self) -> int:
        """Count the times."""
        return len(self.hazard)

    def probabilities(self, scores: Floats) -> Floats:
        """Turn scores into chances of being without the event.

        With other events these are 1 − the cumulative incidence, Σ S(t−) dH(t) over the times of
        the grid, with H the hazard of this event and S of being without any (Benichou & Gail 1990).

        Args:
            scores: (n, 1) log hazard ratios up to a factor.

        Returns:
            (n, times) from 1 downwards, at the times of the grid.
        """
        # With one kind of event survival follows from its hazard.
        hazard = self._cumulative(scores, self.slope, self.hazard)
        if not self.other_hazard:
            return np.exp(-hazard)
        # Else a case leaves by either event, in proportion to the steps of both hazards.
        both = hazard + self._cumulative(scores, self.other_slope, self.other_hazard)
        ended = -np.diff(np.exp(-both), axis=1, prepend=1.0)
        step, both_step = (np.diff(each, axis=1, prepend=0.0) for each in (hazard, both))
        share = np.divide(step, both_step, out=np.zeros_like(step), where=both_step > 0)
        return 1 - np.cumsum(ended * share, axis=1)

    def _cumulative(self, scores: Floats, slope: float, hazard: Sequence[float]) -> Floats:
        """Compute the cumulative hazard of one of the events.

        A score far off would make it 0 or infinite: the log ratio is kept within ± 8, e⁸ being
        3,000.

        Returns:
            (n, times), ≥ 0.
        """
        ratio = np.exp(np.clip(slope * (scores - self.centre), -_MAX_SLOPE, _MAX_SLOPE))
        cumulative: Floats = ratio * np.array(hazard)
        return cumulative


@dataclass(**STRICT)
class TimeToEvent(MeasuredOutcome):
    """A time to an event, or to the end of follow-up.

    Attributes:
        column: Column of the time, counted from the image on.
        unit: What it counts, for example `days`.
        horizons: Times by which events are predicted; empty takes those by which a quarter, half
            and three quarters of the events have happened.
        grid: Times at which survival is estimated; empty until the cases are known.
        other_causes: Names of other events that may come first, such as a death of another cause;
            they have a label of their own. Scores are then of the hazard of this event alone
            (cause-specific), estimates are shares of patients who will be without it.
        cause: Cells of a table that mean this event, where the column also names others.
        no_event: Cells that mean no event, besides the usual ones.
        other_cause: Cells that mean another event, where they are not the usual ones.
    """

    column: str
    unit: str
    horizons: tuple[AboveZero, ...] = ()
    grid: tuple[AboveZero, ...] = ()
    other_causes: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    no_event: tuple[str, ...] = ()
    other_cause: tuple[str, ...] = ()
    kind: Literal["time"] = "time"

    def __post_init__(self) -> None:
        """Say what follows from the unit, the times and other events."""
        # Survival at each time of the grid; only that at the horizons is told of a new case.
        without = "no event by" if self.other_causes else "survival at"
        estimates = tuple(f"{without} {self._at(time)}" for time in self.grid)
        known = {time: column for column, time in enumerate(self.grid)}
        cells = {"cause": self.cause, "no_event": self.no_event, "other_cause": self.other_cause}
        self.describe(
            classes=("censored", "event", *(["other event"] if self.other_causes else [])),
            estimates=estimates,
            reported={estimates[known[time]]: known[time] for time in self.horizons if known},
            words=f"time to an event, in {self.unit}",
            asked={"unit": self.unit} | {name: [*texts] or None for name, texts in cells.items()},
        )

    @classmethod
    def read_columns(cls, table: OutcomeTable, options: Mapping[str, Any]) -> ReadColumns:
        """Read times and events, by the words of `time_columns`, into times in one unit."""
        times = read_times(table.rows, options)
        outcome = cls(
            column=VALUE,
            unit=times.unit,
            horizons=tuple(sorted(options["horizons"] or ())),
            other_causes=times.other_causes,
            cause=tuple(options["cause"] or ()),
            no_event=tuple(options["no_event"] or ()),
            other_cause=tuple(options["other_cause"] or ()),
        )
        label = [outcome.classes[number] for number in times.label]
        return ReadColumns(outcome, label, times.value, times.note)

    @classmethod
    def is_missing(cls, row: "TableLine", options: Mapping[str, Any]) -> bool:
        """Tell whether a row does not say if the event was seen, or has no time."""
        times = options["time"] or ()
        untimed = bool(times) and not any(row.cells[name] for name in times)
        return untimed or is_missing_event(row.cells[options["event"]], options)

    def of_cohort(self, cohort: MeasuredOutcome) -> Self:
        """Keep the horizons and times that models learned; the column is the cohort's.

        Raises:
            OptionError: The cohort counts in another unit, or has other events and the project has
                none: its estimates would be of another share.
        """
        # Another cohort has the project's unit and no event that the project lacks.
        require_unit(cohort.asked["unit"], self.unit)
        others = getattr(cohort, "other_causes", ())
        if others and not self.other_causes:
            raise refusal("tasks.other_events", events=others)
        return replace(self, column=cohort.column)

    def check(self, value: float, label: int, where: str) -> None:
        """Refuse a time that is missing or lies before the image, with what may be done then."""
        # The message names the user's column, not that of the project.
        remedy = "correct the table, or leave the row out and say so where you report the result"
        if self.column != VALUE:  # that one is no column of the user's table
            where = f"{where}, column `{self.column}`"
        # The time must be there, and must not lie before the image.
        if not np.isfinite(value):
            fault = "an event without a time" if label == EVENT else "no time of follow-up"
            raise refusal("tasks.no_time", where, found=fault, remedy=remedy)
        if value < 0:
            why = "an event before the image cannot be predicted from it"
            if -value in MISSING_CODES:
                why = (
                    f"where {value:g} marks what is missing, add `--missing {value:g} "
                    "--empty-label leave-out`"
                )
            raise refusal("tasks.negative_time", where, value=value, remedy=remedy, why=why)

    def settle(self, value: Floats, label: Whole) -> "TimeToEvent":
        """Take horizons and the times of the grid from the events of the development set.

        Raises:
            DataError: Fewer than 10 events, of this kind or of others: a fold may lack one.
            OptionError: A horizon lies beyond all times of follow-up.
        """
        # Enough events, of this kind and of others, to be in every fold.
        event = label == EVENT
        if event.sum() < _FEWEST_EVENTS:
            raise refusal(
                "tasks.few_events",
                self.where,
                number=int(event.sum()),
                every=len(label),
                least=_FEWEST_EVENTS,
            )
        others = int((label == OTHER).sum())
        if self.other_causes and not self.grid and others < _FEWEST_OTHERS:
            raise refusal(
                "tasks.few_other_events",
                self.where,
                number=others,
                every=len(label),
                causes=self.other_causes,
                least=_FEWEST_OTHERS,
            )
        # Horizons: those asked for, or quarters of the events.
        times = np.sort(value[event & (value > 0)])
        usual = np.unique(np.quantile(times, _SHARES, method="inverted_cdf"))
        horizons = self.horizons or tuple(usual.tolist())
        beyond = [time for time in horizons if not (value > time).any()]
        # A cohort may end before the project's last horizon, and not before all of them.
        if beyond and (not self.grid or len(beyond) == len(horizons)):
            raise refusal(
                "tasks.horizon_beyond", horizon=beyond[0], unit=self.unit, last=value.max()
            )
        # Times between them at which survival is estimated.
        spread = np.quantile(times, np.linspace(0, 1, _GRID + 1)[1:], method="inverted_cdf")
        grid = np.unique(np.concatenate([spread, horizons]))
        return replace(self, horizons=tuple(sorted(horizons)), grid=tuple(grid.tolist()))

    def target(self, value: Floats, label: Whole) -> Floats:
        """Make (n, 2) times and events, 1 or 0; other events end follow-up."""
        return np.stack([value, label == EVENT], axis=1)

    def loss(self, score: Tensor, target: Tensor, learned: Tensor) -> Tensor:
        """Compute the mean negative log partial likelihood (Breslow's for tied times).

        As Katzman et al. 2018, *BMC Medical Research Methodology* 18:24: the risk sets are those of
        the batch. A batch without an event has the loss 0.
        """
        time, event = target[:, 0], target[:, 1] > 0
        sooner = time[None, :] < time[:, None]
        beyond = score.expand(len(score), -1).masked_fill(sooner, -np.inf)
        terms = (beyond.logsumexp(dim=1) - score)[event]
        return terms.sum() / event.sum().clamp(min=1)

    def calibrate(
        self, scores: Floats, value: Floats, label: Whole, patient: NDArray[Any]
    ) -> HazardCalibration:
        """Fit a Cox regression on the score, of the event and of others, with Efron's hazards.

        Scores in perfect order have no largest likelihood: the slope is then shrunk as little as
        lets the fit converge.

        Args:
            scores: (n, 1) of held-out cases.
            value: (n,) times, in the outcome's unit.
            label: (n,) CENSORED, EVENT or OTHER.
            patient: (n,), which the fit does not read.
        """
        # Scores are standardised, so that the penalty means the same for every model.
        score, grid = scores[:, 0], np.array(self.grid)
        centre, spread = float(score.mean()), float(score.std())

        def fit(event: Flags, least: float) -> tuple[float, tuple[float, ...]]:
            slope = 0.0
            if event.any() and spread > 1e-12 * max(1.0, abs(centre)):
                unit = ((score - centre) / spread)[:, None]
                for shrinkage in _SHRINKAGE:  # the first that converges; 0 where none does
                    with suppress(NotConverged):
                        slope = float(fit_ridge(unit, value, event, shrinkage)[0]) / spread
                        break
            slope = max(slope, least)
            hazard = baseline_hazard(slope * (score - centre), value, event, grid)
            return slope, tuple(hazard.tolist())

        slope, hazard = fit(label == EVENT, 0.0)  # the order of scores is never turned round
        others = fit(label == OTHER, -np.inf) if self.other_causes else ()
        return HazardCalibration(slope, centre, hazard, *others)

    def measure_primary(self, cases: ScoredCases) -> Linearised:
        """Measure Harrell's concordance: of two cases the one with the sooner event scores higher.

        Pairs count whose order is known, of one fit each.
        """
        event = cases.label == EVENT
        repeats = zip(cases.score, cases.fit, strict=True)
        return mean_over_repeats(
            [
                harrell_concordance(score, cases.value, event, fit, cases.patient)
                for score, fit in repeats
            ],
            cases.folds,
        )

    def measure_others(self, cases: ScoredCases) -> Iterator[tuple[str, str, Sequence[Linearised]]]:
        """Yield Uno's concordance, AUCs and Brier scores at each horizon, and the integrated gain.

        Beyond the end of follow-up nobody knows who is without the event: figures of such horizons
        are NaN, with the reason. The gain is of the integrated Brier score over one curve for all.
        """
        # Beyond the end of follow-up nobody knows who is without the event.
        event, last, patient = cases.label == EVENT, self.horizons[-1], cases.patient
        end = end_of_follow_up(kaplan_meier(cases.value, cases.label != CENSORED))
        reason = f"follow-up ends at {end:g} {self.unit}"
        unknown = Linearised(np.array([np.nan]), np.zeros((1, len(event))), patient, reason=reason)
        repeats = list(zip(cases.score, cases.fit, strict=True))
        repeated = [unknown] * len(repeats)
        # Concordance up to the last horizon, and AUCs at each.
        pairs, other = (cases.value, event), cases.label == OTHER
        uno = [uno_concordance(score, *pairs, fit, patient, last) for score, fit in repeats]
        yield "uno_concordance", self._at(last), repeated if last > end else uno
        for horizon in self.horizons:
            areas = [auc_at(score, *pairs, fit, patient, horizon, other) for score, fit in repeats]
            yield "auc", self._at(horizon), areas
        # Brier scores, and expected against observed shares.
        for horizon in self.horizons:
            if horizon > end:
                yield "brier", self._at(horizon), repeated
                yield "expected_minus_observed", self._at(horizon), repeated
                continue
            survival = cases.estimate[:, :, self.grid.index(horizon)]
            errors = [brier_terms(each, *pairs, horizon, other) for each in survival]
            brier = [mean_of_cases(each, patient, "log") for each in errors]
            yield "brier", self._at(horizon), brier
            # The mean risk minus the observed share: of all cases, and without each of them.
            parts = [np.ones(len(event), dtype=np.bool_), *~np.eye(len(event), dtype=np.bool_)]
            observed = np.array(
                [_observed_share(cases.value[rows], cases.label[rows], horizon) for rows in parts]
            )
            gaps = []
            for risk in 1 - survival:
                gap = np.array([risk[rows].mean() for rows in parts]) - observed
                gaps.append(leave_one_out(float(gap[0]), gap[1:], patient))
            yield "expected_minus_observed", self._at(horizon), gaps
        # The integrated Brier score against one curve for all.
        grid = np.array([time for time in self.grid if time <= min(last, end)])
        if len(grid) > 1:
            same = _event_free(cases.value, cases.label).at(grid)
            curve = np.broadcast_to(same, (len(event), len(grid)))
            plain = integrated_brier_terms(curve, *pairs, grid, other)
            gains = [
                plain - integrated_brier_terms(each[:, : len(grid)], *pairs, grid, other)
                for each in cases.estimate
            ]
            happened = np.where(event & (cases.value <= grid[-1]), 1, -1)
            means = [mean_gain(gain[None], patient, happened) for gain in gains]
            yield "brier_gain", f"to {self._at(float(grid[-1]))}", means

    def _at(self, horizon: float) -> str:
        return f"{horizon:g} {self.unit}"

    def plot(self, cases: ScoredCases) -> Sequence[OutcomePlot]:
        groups = self._plot_risk_groups(cases)
        plots = (self._plot_calibration(cases), self._plot_net_benefit(cases))
        return plots if groups is None else (groups, *plots)

    def _plot_risk_groups(self, cases: ScoredCases) -> OutcomePlot | None:
        """Draw the shares without the event of thirds of the risk, each fit's own thirds.

        None where so many cases have one risk that a third of them is empty.
        """
        # Thirds of the risk at the middle of the grid.
        middle = len(self.grid) // 2
        risk = 1 - cases.estimate.mean(axis=0)[:, middle]
        cuts = np.quantile(risk, (1 / 3, 2 / 3))
        third = np.searchsorted(cuts, risk, side="left")
        if len(np.unique(third)) < len(_GROUPS):
            return None
        marks = (0.0, *self.horizons)
        # A curve for each third, with the numbers at risk below it.
        lines, rows = [], []
        for number, name in enumerate(_GROUPS):
            members = third == number
            value, label = cases.value[members], cases.label[members]
            curve = _event_free(value, label)
            y = np.array([1.0, *curve.value])
            y = 1 - y if self.other_causes else y
            x = (0.0, *curve.time.tolist())
            lines.append(OutcomeLine(name, x, tuple(y.tolist()), steps=True))
            followed = [str(int((value >= mark).sum())) for mark in marks]
            ends = [EVENT, *((OTHER,) if self.other_causes else ())]
            counts = (str(int((label == end).sum())) for end in ends)
            rows.append((name, *followed, *counts))
        # What the drawing leaves out is said in words.
        words = "Cases were put into thirds by models that never saw them."
        others = ("other events",) if self.other_causes else ()
        if others:
            words += (
                f" Shares are cumulative incidences ({self._estimator}): who had another "
                "event first is not at risk any more."
            )
        return OutcomePlot(
            "risk_groups",
            "Thirds of the estimated risk",
            self.unit,
            "share that had the event" if others else "share without the event",
            tuple(lines),
            ("at risk at", *(f"{mark:g}" for mark in marks), "events", *others),
            tuple(rows),
            words,
        )

    @property
    def _estimator(self) -> str:
        """Whose estimate of a share at a time is meant."""
        return "Aalen–Johansen" if self.other_causes else "Kaplan–Meier"

    def _plot_calibration(self, cases: ScoredCases) -> OutcomePlot:
        """Draw expected against observed shares in fifths of the estimated risk, a line a horizon.

        D-calibration (Haider et al. 2020) compares all times at once; where another event may come
        first the chance of an event does not grow to 1, so it is left out.
        """
        # Fifths of the risk at each horizon within the follow-up.
        estimate, lines = cases.estimate.mean(axis=0), []
        end = end_of_follow_up(kaplan_meier(cases.value, cases.label != CENSORED))
        for horizon in (horizon for horizon in self.horizons if horizon <= end):
            risk = 1 - estimate[:, self.grid.index(horizon)]
            fifths = split_in_fifths(risk)
            observed = [
                _observed_share(cases.value[members], cases.label[members], horizon)
                for members in fifths
            ]
            expected = [float(risk[members].mean()) for members in fifths]
            lines.append(OutcomeLine(self._at(horizon), tuple(expected), tuple(observed)))
        words = "Fifths of the estimated risk."
        if not self.other_causes:  # else the chance of an event does not grow to 1
            survival_at_time = [
                np.interp(time, (0.0, *self.grid), (1.0, *survival))
                for time, survival in zip(cases.value.tolist(), estimate.tolist(), strict=True)
            ]
            event = cases.label == EVENT
            _, p = d_calibration(np.array(survival_at_time), event, cases.patient)
            words += (
                f" D-calibration over all times: p {format_p_value(p)}; a small p speaks "
                "against the estimates."
            )
            censored = float(1 - event.mean())
            if censored > _POWERLESS:
                words += (
                    f" With {censored:.0%} of the cases censored it has next to no power: "
                    "a large p says nothing."
                )
        return OutcomePlot(
            "calibration",
            "Expected and observed events",
            "expected share with the event",
            f"observed share ({self._estimator})",
            tuple(lines),
            words=words,
            diagonal=True,
        )

    def _plot_net_benefit(self, cases: ScoredCases) -> OutcomePlot:
        """Draw the decision curve at the middle horizon (Vickers 2008).

        At a threshold t net benefit is, a case, the events that are acted on minus t / (1 − t)
        times the others that are.
        """
        # The middle horizon stands for the others.
        horizon = self.horizons[len(self.horizons) // 2]
        risk = 1 - cases.estimate.mean(axis=0)[:, self.grid.index(horizon)]
        followed = cases.value, cases.label == EVENT, horizon
        other = cases.label == OTHER

        def benefit_of(predicted: Floats, threshold: float, folds: int) -> Estimate:
            shares = positives_at(predicted, *followed, threshold, cases.patient, other, folds)
            benefit = weighed_difference(*shares, (1.0, threshold / (1 - threshold)))
            # A single patient who is acted on says nothing of others.
            acted = np.unique(cases.patient[predicted >= threshold])
            return benefit if len(acted) > 1 else Estimate(benefit.value)

        # The model, with its interval, and what acting on all, which no fold fits, or on nobody
        # brings.
        model_benefits = [benefit_of(risk, float(at), cases.folds) for at in _THRESHOLDS]
        act_on_all = [benefit_of(np.ones_like(risk), float(at), 0) for at in _THRESHOLDS]
        drawn = {
            "model": [each.value for each in model_benefits],
            "model, low end of 95 %": [each.low for each in model_benefits],
            "model, high end of 95 %": [each.high for each in model_benefits],
            "acting on all": [each.value for each in act_on_all],
            "acting on nobody": [0.0] * len(_THRESHOLDS),
        }
        # What is unknown is not drawn, and what lies far below 0 at the lower edge.
        lines = []
        for name, heights in drawn.items():
            benefit = np.array(heights, dtype=np.float64)
            shown = np.isfinite(benefit)
            x = _THRESHOLDS[shown].tolist()
            y = np.maximum(benefit[shown], _LEAST_BENEFIT).tolist()
            if x:
                lines.append(OutcomeLine(name, tuple(x), tuple(y)))
        # Some thresholds as a table.
        rows = []
        for place in np.flatnonzero(np.isin(_THRESHOLDS, _TABLE_THRESHOLDS)).tolist():
            benefits = (format_estimate(each[place]) for each in (model_benefits, act_on_all))
            acted = f"{(risk >= _THRESHOLDS[place]).mean():.0%}"
            rows.append((f"{_THRESHOLDS[place]:.1f}", *benefits, acted))
        return OutcomePlot(
            "net_benefit",
            f"Net benefit at {self._at(horizon)}",
            "threshold of the risk above which one acts",
            "net benefit, events a case",
            tuple(lines),
            ("threshold", "model (95 %)", "acting on all (95 %)", "acted on by the model"),
            tuple(rows),
            "At a threshold t an event that is acted on counts 1, acting without one costs "
            "t/(1 − t). A model is of use where its curve is above both others (Vickers 2008), and "
            "surely so where the low end is, too. What is lower than the edge is drawn on it.",
        )

    def draw(
        self, hidden: Flags, effect: float, generator: np.random.Generator
    ) -> tuple[Floats, Whole]:
        """Draw times whose log hazard is larger by the effect where the finding is.

        Times are exponential with a mean of 1,000 days without it; follow-up ends at any day from
        300 to 1,500, so that a third or more of the cases are censored.

        Returns:
            (n,) times, and (n,) CENSORED or EVENT.
        """
        time = generator.exponential(_DRAWN_SCALE * np.exp(-effect * hidden))
        end = generator.uniform(*_DRAWN_ENDS, size=len(hidden))
        return np.minimum(time, end), (time <= end).astype(np.int64)

    def asked_of_traits(self, value: Floats, label: Whole) -> dict[str, Whole]:
        """Tell which cases had the event sooner than usual for as long as they were followed.

        By martingale residuals of no model at all: events minus how many were to be expected until
        then.
        """
        early = martingale_residuals(np.zeros(len(value)), value, label == EVENT)
        return {"early event": (early > np.median(early)).astype(np.int64)}

    def count(self, value: Floats, label: Whole) -> tuple[tuple[str, str], ...]:
        """List cases, events of both kinds and how long cases were followed.

        The median follow-up is that by which half would be censored if nobody had the event
        (reverse Kaplan–Meier, Schemper & Smith 1996).
        """
        # The time by which half would be censored, and the shares of both kinds of events.
        followed = kaplan_meier(value, label == CENSORED)  # if nobody had the event
        reached = followed.time[followed.value <= 0.5]
        others = []
        if self.other_causes:
            exchanged = np.array([CENSORED, OTHER, EVENT])[label]
            counted, last = str(int((label == OTHER).sum())), self.horizons[-1]
            shares = [_observed_share(value, each, last) for each in (label, exchanged)]
            share_words = " and ".join(map(format_decimal, shares))
            words = f"share with the event, and with another one, by {self._at(last)}"
            others = [
                (f"other events ({', '.join(self.other_causes)})", counted),
                (f"{words} ({self._estimator})", share_words),
            ]
        return (
            ("cases", str(len(label))),
            ("events", str(int((label == EVENT).sum()))),
            *others,
            (
                "median follow-up (reverse Kaplan–Meier)",
                self._at(float(reached[0])) if len(reached) else "not reached",
            ),
        )

    def doubts(self, value: Floats, label: Whole, patient: Whole) -> tuple[str, ...]:
        """Say what other events mean for each figure, and that few patients had this one."""
        # Other events, and few patients with this one.
        doubts = []
        if self.other_causes:
            doubts.append(
                f"Another event ({', '.join(self.other_causes)}) may come first. C and its "
                "differences are of the hazard of this event alone, and others end follow-up; of "
                "an AUC those without any event are the controls. Estimated and observed shares "
                "are cumulative incidences: of patients who will have this event."
            )
        events = self.count_patients(label, patient)["event"]
        if events < _ENOUGH_EVENTS:
            few = f"{events} patients had the event; with fewer than {_ENOUGH_EVENTS} "
            doubts.append(f"{few}a difference of models is rarely sure.")
        return tuple(doubts)


def _event_free(value: Floats, label: Whole) -> StepCurve:
    """Estimate the share without the event as a curve over times; others may come first.

    Args:
        value: (n,) times.
        label: (n,) CENSORED, EVENT or OTHER.
    """
    return aalen_johansen(value, label == EVENT, label == OTHER)


def _observed_share(value: Floats, label: Whole, horizon: float) -> float:
    """Estimate the share that had the event by a horizon."""
    return 1 - float(_event_free(value, label).at(np.array([horizon]))[0])
