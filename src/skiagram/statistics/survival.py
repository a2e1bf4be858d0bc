"""Times to an event that may be censored: curves, concordance, prediction error, calibration.

Everywhere `time` is (n,) float64 ≥ 0, `event` (n,) bool (False: censored), `risk` (n,) float64,
higher = earlier event, `patient` (n,) int64 from 0, and `fit` (n,) int64 the fit that scored a
case: pairs of cases of one fit alone are compared, since fits share no scale. An event counts as
before a censoring at the same time. `other` (n,) bool says who had another event first, such as
death, after which this one cannot come or is not counted; None: nobody.
"""

from dataclasses import dataclass, replace

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.statistics.distributions import chi2_p_value
from skiagram.statistics.linearised import Linearised, ratio_of_sums, share

_BLOCK = 4_000_000  # pairs held at a time
# Independent cases that one with an event may stand for among many without: with more, no is said
# too often where C is nearly 1; with fewer, intervals are longer for nothing (simulated).
MOST_CASES = 7.0
_TENTHS = 10


@dataclass(frozen=True)
class StepCurve:
    """A curve that is level between its steps; 1 before the first.

    Attributes:
        time: (k,) ascending times of steps.
        value: (k,) from each step on.
        at_risk: (k,) cases that were followed up to each step.
    """

    time: Floats
    value: Floats
    at_risk: Whole

    def at(self, time: Floats) -> Floats:
        """Read the curve at times, steps at them taken.

        Args:
            time: Of any shape; 1 comes before the first step, the last value behind the last one.
        """
        taken = np.searchsorted(self.time, time, side="right")
        return np.asarray(np.append(1.0, self.value)[taken])

    def before(self, time: Floats) -> Floats:
        """Read the curve just before times."""
        taken = np.searchsorted(self.time, time, side="left")
        return np.asarray(np.append(1.0, self.value)[taken])


def kaplan_meier(time: Floats, event: Flags) -> StepCurve:
    """Estimate the share without an event (Kaplan & Meier 1958, J. Am. Stat. Assoc. 53:457).

    Args:
        time: (n,).
        event: (n,) bool.
    """
    steps, place = np.unique(time, return_inverse=True)
    events = np.bincount(place, weights=event, minlength=len(steps))
    leaving = np.bincount(place, minlength=len(steps))
    at_risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    return StepCurve(steps, np.cumprod(1 - events / at_risk), at_risk.astype(np.int64))


def aalen_johansen(time: Floats, event: Flags, other: Flags | None = None) -> StepCurve:
    """Estimate the share that has not had the event: 1 minus its cumulative incidence.

    Who had another event first counts as without it from then on. Without others it is Kaplan and
    Meier's curve (Aalen & Johansen 1978, *Scandinavian Journal of Statistics* 5:141).

    Args:
        time: (n,).
        event: (n,) bool.
        other: (n,) who had another event first; None: nobody.
    """
    any_event = kaplan_meier(time, _ended(event, other))
    if other is None or not other.any():
        return any_event
    place = np.searchsorted(any_event.time, time)
    events = np.bincount(place, weights=event, minlength=len(any_event.time))
    before = any_event.before(any_event.time)
    return replace(any_event, value=1 - np.cumsum(before * events / any_event.at_risk))


def _ended(event: Flags, other: Flags | None) -> Flags:
    """Tell who had any event, and so was not censored."""
    return event if other is None else event | other


def censoring_curve(time: Floats, event: Flags) -> StepCurve:
    """Estimate the share that is not censored; events at a time leave before its censorings.

    Args:
        time: (n,).
        event: (n,) bool, events of any kind.
    """
    steps, place = np.unique(time, return_inverse=True)
    events = np.bincount(place, weights=event, minlength=len(steps))
    censored = np.bincount(place, weights=~event, minlength=len(steps))
    at_risk = len(time) - np.concatenate([[0], np.cumsum(events + censored)[:-1]])
    survivors = at_risk - events
    share = np.divide(censored, survivors, out=np.zeros(len(steps)), where=survivors > 0)
    return StepCurve(steps, np.cumprod(1 - share), at_risk.astype(np.int64))


def _count_pairs(
    risk: Floats,
    time: Floats,
    event: Flags,
    fit: Whole,
    patient: Whole,
    weight: Floats,
    horizon: float | None = None,
) -> Linearised:
    """Compute the weighted share of comparable pairs whose earlier event has the higher risk.

    Args:
        risk: (n,) higher = earlier event.
        time: (n,).
        event: (n,) bool.
        fit: (n,) which scored a case.
        patient: (n,) from 0.
        weight: (n,) of the pairs that a case's event begins; 0 where it begins none.
        horizon: The later case of a pair is one followed beyond it; None: beyond the earlier's
            event.
    """
    # Only an event makes the earlier one of a pair.
    concordant, comparable = np.zeros((2, len(time)))
    totals = np.zeros(2)
    first = np.flatnonzero(event & (weight > 0))
    rows = max(1, _BLOCK // len(time))
    # In blocks, since all pairs would not fit into memory.
    for start in range(0, len(first), rows):
        i = first[start : start + rows, None]
        # Later means a longer time, or one without event as long; with a horizon, beyond it.
        if horizon is None:
            later = (time > time[i]) | ((time == time[i]) & ~event)
        else:
            later = np.broadcast_to(time > horizon, (len(i), len(time)))
        pairs = (later & (fit == fit[i])) * weight[i]
        # Equal risks count by half; either case of a pair gets the pair.
        right = pairs * ((risk[i] > risk) + 0.5 * (risk[i] == risk))
        for sums, terms in ((concordant, right), (comparable, pairs)):
            sums[i[:, 0]] += terms.sum(axis=1)
            sums += terms.sum(axis=0)
        totals += right.sum(), pairs.sum()
    whole = float(totals[0]), float(totals[1])
    # Patients with and without event are the two kinds that limit what can be known.
    kind = np.where(event & (weight > 0), 1, -1)
    if horizon is not None:
        kind = np.where(time > horizon, 0, kind)
    ratio = ratio_of_sums(concordant, comparable, whole, patient, "logit", kind)
    return replace(ratio, chance=(0.0, 1.0), most_cases=MOST_CASES)


def harrell_concordance(
    risk: Floats, time: Floats, event: Flags, fit: Whole, patient: Whole
) -> Linearised:
    """Estimate Harrell's C (Harrell, Lee & Mark 1996, *Statistics in Medicine* 15:361).

    All pairs count in which the earlier time is that of an event.

    Args:
        risk: (n,) higher = earlier event.
        time: (n,).
        event: (n,) bool.
        fit: (n,) which scored a case.
        patient: (n,) from 0.
    """
    return _count_pairs(risk, time, event, fit, patient, np.ones(len(time)))


def uno_concordance(
    risk: Floats, time: Floats, event: Flags, fit: Whole, patient: Whole, horizon: float
) -> Linearised:
    """Estimate Uno's C up to a horizon, which censoring does not bias where it is independent.

    Uno et al. 2011, *Statistics in Medicine* 30:1105. The censoring curve is that of all cases and
    taken as known in the interval.

    Args:
        risk: (n,) higher = earlier event.
        time: (n,).
        event: (n,) bool.
        fit: (n,) which scored a case.
        patient: (n,) from 0.
        horizon: Later events begin no pair; those at it do, as they count in the AUC there.
    """
    uncensored = censoring_curve(time, event).before(time)
    weight = np.divide(
        1.0, uncensored**2, out=np.zeros(len(time)), where=(time <= horizon) & (uncensored > 0)
    )
    return _count_pairs(risk, time, event, fit, patient, weight)


def auc_at(
    risk: Floats,
    time: Floats,
    event: Flags,
    fit: Whole,
    patient: Whole,
    horizon: float,
    other: Flags | None = None,
) -> Linearised:
    """Estimate the chance that of a case with an event by the horizon the risk is the higher.

    Cumulative cases, dynamic controls, weighted against censoring (Hung & Chiang 2010, *Canadian
    Journal of Statistics* 38:8). Controls are without any event.

    Args:
        risk: (n,) higher = earlier event.
        time: (n,).
        event: (n,) bool.
        fit: (n,) which scored a case.
        patient: (n,) from 0.
        horizon: In the unit of `time`.
        other: (n,) who had another event first; None: nobody.
    """
    uncensored = censoring_curve(time, _ended(event, other)).before(time)
    weight = np.divide(
        1.0, uncensored, out=np.zeros(len(time)), where=(time <= horizon) & (uncensored > 0)
    )
    return _count_pairs(risk, time, event, fit, patient, weight, horizon)


def auc_above(score: Floats, value: Floats, fit: Whole, patient: Whole, cut: float) -> Linearised:
    """Estimate the chance that a case whose value is above a cut-off is scored above one below it.

    Pairs are of one fit, as of a time to an event that everybody has, the higher the sooner.

    Args:
        score: (n,).
        value: (n,) what was measured.
        fit: (n,) which scored a case.
        patient: (n,) from 0.
        cut: No value is equal to it.
    """
    everybody = np.ones(len(value), dtype=np.bool_)
    above = (value > cut).astype(np.float64)
    return _count_pairs(score, -value, everybody, fit, patient, above, -cut)


def brier_terms(
    survival: Floats, time: Floats, event: Flags, horizon: float, other: Flags | None = None
) -> Floats:
    """Compute squared errors of survival at a horizon, weighted against censoring.

    Their mean is the Brier score (Graf et al. 1999, *Statistics in Medicine* 18:2529). Who had
    another event first is known to be without this one.

    Args:
        survival: (n,) chance of being without the event at the horizon.
        time: (n,).
        event: (n,) bool.
        horizon: In the unit of `time`.
        other: (n,) who had another event first; None: nobody.

    Returns:
        (n,) ≥ 0.
    """
    ended = _ended(event, other)
    curve = censoring_curve(time, ended)
    within, beyond = ended & (time <= horizon), time > horizon
    weight = np.divide(1.0, curve.before(time), out=np.zeros(len(time)), where=within)
    seen_beyond = max(float(curve.at(np.array([horizon]))[0]), np.finfo(np.float64).tiny)
    terms: Floats = weight * np.where(event, survival, 1 - survival) ** 2
    return terms + beyond * (1 - survival) ** 2 / seen_beyond


def integrated_brier_terms(
    survival: Floats, time: Floats, event: Flags, grid: Floats, other: Flags | None = None
) -> Floats:
    """Compute the mean of `brier_terms` between the first and the last time of a grid.

    Args:
        survival: (n, k) at each time of the grid.
        time: (n,).
        event: (n,) bool.
        grid: (k,) ascending, two or more.
        other: (n,) who had another event first; None: nobody.

    Returns:
        (n,) by trapezoids.
    """
    terms = np.stack(
        [brier_terms(survival[:, k], time, event, at, other) for k, at in enumerate(grid.tolist())],
        axis=1,
    )
    integrated: Floats = np.trapezoid(terms, grid, axis=1) / (grid[-1] - grid[0])
    return integrated


def end_of_follow_up(curve: StepCurve) -> float:
    """Find until when the share without any event is known; inf where it ends at 0."""
    return float(curve.time[-1]) if curve.value[-1] > 0 else np.inf


def incidence_by(
    time: Floats, event: Flags, horizon: float, other: Flags | None
) -> tuple[float, Floats]:
    """Estimate the share with the event by a horizon, and what each case is worth to it.

    The influences have the mean 0; they are the derivatives of `aalen_johansen` by the weight of a
    case, times the number of cases (Jaeckel 1972, *The infinitesimal jackknife*).

    Args:
        time: (n,).
        event: (n,) bool.
        horizon: In the unit of `time`.
        other: (n,) who had another event first; None: nobody.

    Returns:
        The share and (n,) influences; NaN and NaNs where follow-up ends before the horizon.
    """
    # Kaplan and Meier's curve of having had no event of any kind.
    curve = kaplan_meier(time, _ended(event, other))
    place, at_risk = np.searchsorted(curve.time, time), curve.at_risk
    if end_of_follow_up(curve) < horizon:
        return np.nan, np.full(len(time), np.nan)
    # The share grows at each event by those at risk before it, up to the horizon.
    steps, before = len(at_risk), np.concatenate([[1.0], curve.value[:-1]])
    counted = np.where(curve.time <= horizon, before, 0.0)
    happened = np.bincount(place, weights=event, minlength=steps)
    ended = np.bincount(place, weights=_ended(event, other), minlength=steps)
    grown = np.cumsum(counted * happened / at_risk)
    # Who has any event leaves fewer for what is still to come.
    survivors = at_risk - ended
    to_come = np.divide(grown[-1] - grown, survivors, out=np.zeros(steps), where=survivors > 0)
    # What each case is worth is its own part less what is expected of those at risk.
    expected = np.cumsum(counted * happened / at_risk**2 - to_come * ended / at_risk)
    own = event * (counted / at_risk)[place] - _ended(event, other) * to_come[place]
    return float(grown[-1]), len(time) * (own - expected[place])


def positives_at(
    risk: Floats,
    time: Floats,
    event: Flags,
    horizon: float,
    threshold: float,
    patient: Whole,
    other: Flags | None = None,
    folds: int = 0,
) -> tuple[Linearised, Linearised]:
    """Estimate the shares of cases whose risk reaches a threshold: with an event by then, without.

    The share of events among those acted on is that of their own Kaplan–Meier curve, or of their
    cumulative incidence where another event may come first (Vickers, Cronin, Elkin & Gonen 2008,
    *BMC Medical Informatics and Decision Making* 8:53). It is NaN where follow-up of those acted on
    ends before the horizon.

    Args:
        risk: (n,) of an event by the horizon.
        time: (n,).
        event: (n,) bool.
        horizon: In the unit of `time`.
        threshold: In (0, 1).
        patient: (n,) from 0.
        other: (n,) who had another event first; None: nobody.
        folds: Fits of a repeat that share training cases; 0 for none.
    """
    # Nobody is a positive of a threshold that nobody reaches.
    acted, (true, false) = risk >= threshold, np.zeros((2, len(risk)))
    if acted.any():
        competing = None if other is None else other[acted]
        happened, influence = incidence_by(time[acted], event[acted], horizon, competing)
        # What a case is worth to either share of those acted on.
        true[acted], false[acted] = happened + influence, 1 - happened - influence
    return share(true[None], patient, folds), share(false[None], patient, folds)


def d_calibration(survival: Floats, event: Flags, patient: Whole) -> tuple[Floats, float]:
    """Compute the share of patients in each tenth of survival at their own time, and its p value.

    A censored case counts in all tenths that it may still reach, in proportion (Haider et al. 2020,
    *Journal of Machine Learning Research* 21:85). Cases of a patient share his weight.

    Args:
        survival: (n,) that was estimated for the case's own time.

    Returns:
        (10,) shares from the lowest survival on, and the p value of equal shares (χ²).
    """
    # Each patient weighs 1 in all, however many cases there are.
    edges = np.linspace(0, 1, _TENTHS + 1)
    bin_of = np.clip(np.floor(survival * _TENTHS).astype(np.int64), 0, _TENTHS - 1)
    weight = 1 / np.bincount(patient)[patient]
    # Events lie in the tenth of their own time.
    counts = np.bincount(bin_of[event], weights=weight[event], minlength=_TENTHS)
    # Censored ones are spread over the tenths still to come (Haider et al. 2020).
    for case in np.flatnonzero(~event).tolist():
        reached, place, case_weight = survival[case], bin_of[case], weight[case]
        if reached <= 0:
            counts[0] += case_weight
            continue
        counts[place] += case_weight * (reached - edges[place]) / reached
        counts[:place] += case_weight * (1 / _TENTHS) / reached
    # The χ² of equal tenths.
    patients = len(np.unique(patient))
    expected = patients / _TENTHS
    p = chi2_p_value(((counts - expected) ** 2 / expected).sum(), _TENTHS - 1)
    return counts / patients, p
