"""From scores of many fits to learning curves with bands, and to where two of them cross.

Bands come from resampling the test patients and the draws together, the same for all models, so
that two curves are compared on the same resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.bootstrap import PatientDraws
from skiagram.evaluation.discrimination import roc_auc
from skiagram.evaluation.ideal import detectability
from skiagram.evaluation.learning_curve import PowerLaw, crossing, fit_power_law
from skiagram.evaluation.results import Estimate
from skiagram.seeding import stream
from skiagram.studies.crossover.points import Measured
from skiagram.studies.crossover.results import Band, Crossing, LearningCurve

Floats = NDArray[np.float64]
_BAND_POINTS = 60
_FEWEST = 3  # numbers of cases that a power law can be fitted to
_FLOOR = 1e-6  # variance below which a point gets no more weight


@dataclass(frozen=True)
class TestCases:
    """The test cases of one draw.

    Attributes:
        positive: (n,) true class.
        draws: Patient resamples.
    """

    positive: NDArray[np.bool_]
    draws: PatientDraws

    def areas(self, scores: Floats) -> Floats:
        """Return the AUC, then that of each resample: (1 + replicates,)."""
        whole = np.ones((1, len(self.positive)))
        blocks = [roc_auc(scores, self.positive, one) for one in (whole, *self.draws.weights())]
        return np.concatenate(blocks)


@dataclass(frozen=True)
class Sampled:
    """One model at every number of training cases.

    Attributes:
        model: Name of its option file.
        title: Name for people.
        arm: `classical` or `deep`.
        areas: (sizes, draws, 1 + replicates) AUC; NaN where a fit failed.
        failures: Why fits failed, each reason once.
    """

    model: str
    title: str
    arm: str
    areas: Floats
    failures: tuple[str, ...]

    def mean(self, resampled: NDArray[np.int64]) -> Floats:
        """Return (sizes, 1 + replicates) the mean over draws, first of all, then of resamples.

        Args:
            resampled: (replicates, draws) draws that each replicate takes.
        """
        point = _mean(self.areas[:, :, 0], axis=1)
        replicate = np.arange(1, self.areas.shape[2])[:, None]
        return np.column_stack([point, _mean(self.areas[:, resampled, replicate], axis=2)])


def _mean(values: Floats, axis: int) -> Floats:
    """Return the mean of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    total, count = np.where(known, values, 0).sum(axis=axis), known.sum(axis=axis)
    mean: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def sampled(
    model: str, arm: str, measured: Sequence[Sequence[Measured]], tests: Sequence[TestCases]
) -> Sampled:
    """Compute the AUC of every fit of one model and its resamples.

    Args:
        model: Name of the option file.
        arm: `classical` or `deep`.
        measured: Fits by number of cases, then by draw.
        tests: Test cases of each draw.
    """
    nothing = np.full(1 + len(tests[0].draws.counts), np.nan)
    areas = [
        [nothing if one.scores is None else test.areas(one.scores)
         for one, test in zip(row, tests, strict=True)]
        for row in measured
    ]  # fmt: skip
    reasons = dict.fromkeys(one.fate.reason for row in measured for one in row if one.fate.reason)
    return Sampled(model, measured[0][0].fate.title, arm, np.array(areas), tuple(reasons))


def best_baseline(
    baselines: Sequence[Sampled], measured: Sequence[Sequence[Sequence[Measured]]]
) -> Sampled:
    """Return the baseline that is chosen out-of-fold anew for each subset.

    Args:
        baselines: The baselines.
        measured: Their fits, in the same order: by number of cases, then by draw.
    """
    choice = np.array(
        [[[one.fate.selection_auc or -np.inf for one in row] for row in fits] for fits in measured]
    ).argmax(axis=0)
    areas = np.stack([one.areas for one in baselines])
    sizes, draws = np.indices(choice.shape)
    title = "Best baseline, chosen out-of-fold"
    return Sampled("best_baseline", title, "classical", areas[choice, sizes, draws], ())


def resampled_draws(draws: int, replicates: int, seed: int) -> NDArray[np.int64]:
    """Return (replicates, draws) which draws each replicate takes."""
    return stream(seed, "crossover", "draws").integers(draws, size=(replicates, draws))


def learning_curve(
    one: Sampled, sizes: Floats, resampled: NDArray[np.int64], reach: float, ideal: float | None
) -> tuple[LearningCurve, PowerLaw | None]:
    """Return the record of one model and its fitted curves: first of all, then of resamples."""
    means = one.mean(resampled)
    known = np.isfinite(means).all(axis=1)
    law = _fit(means[known], sizes[known])
    grid = np.geomspace(sizes[0], reach, _BAND_POINTS)
    points = tuple(
        Estimate(float(row[0]), *_interval(row[1:]), "percentile bootstrap by patient and draw")
        for row in means[known]
    )
    effective = [
        (max(0.0, detectability(point.value or 0.5)) / detectability(ideal)) ** 2
        for point in points
        if ideal is not None
    ]
    record = LearningCurve(
        model=one.model,
        title=one.title,
        arm=one.arm,
        cases=tuple(int(size) for size in sizes[known]),
        auc=points,
        draws=tuple(
            tuple(float(area) if np.isfinite(area) else None for area in row)
            for row in one.areas[known, :, 0]
        ),
        efficiency=tuple(effective),
        band=None if law is None else _band(law, grid),
        failures=one.failures,
    )
    return record, law


def _fit(means: Floats, sizes: Floats) -> PowerLaw | None:
    if len(sizes) < _FEWEST:
        return None
    weight = 1 / (means[:, 1:].var(axis=1) + _FLOOR)
    return fit_power_law(sizes, means.T, weight)


def _band(law: PowerLaw, grid: Floats) -> Band:
    curves = law.at(grid)
    low, high = np.percentile(curves[1:], (2.5, 97.5), axis=0)
    columns = (grid, curves[0], low, high)
    return Band(*(tuple(column.tolist()) for column in columns))


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def overtaking(
    network: Sampled,
    baseline: Sampled,
    laws: tuple[PowerLaw, PowerLaw],
    resampled: NDArray[np.int64],
    span: tuple[float, float],
) -> Crossing:
    """Return where a network's curve overtakes the baseline's.

    Args:
        network: The network.
        baseline: The chosen baseline.
        laws: Their fitted curves.
        resampled: Draws of each replicate.
        span: Fewest and most cases that a statement is made about.
    """
    found = crossing(*laws, *span)
    low, high = np.quantile(found[1:], (0.025, 0.975), method="inverted_cdf")
    apart = network.mean(resampled)[-1] - baseline.mean(resampled)[-1]
    difference = Estimate(
        float(apart[0]), *_interval(apart[1:]), "percentile bootstrap by patient and draw"
    )
    share = float(np.isfinite(found[1:]).mean())
    number, least, most = (_within(bound) for bound in (found[0], low, high))
    return Crossing(network.model, network.title, number, least, most, share, difference)


def _within(cases: float) -> float | None:
    return float(cases) if np.isfinite(cases) else None
