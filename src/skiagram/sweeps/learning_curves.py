"""Learning curves with bands from a sweep over `plan.subset`, and where two of them cross.

A mean over draws, and a difference of two, have the interval of a run that was trained several
times. Bands and crossings come from resampling the test patients and the draws, the same for all
models, so that two curves are compared on the same resamples. A curve is a power law,
AUC(n) = limit − scale · n^(−rate), as of errors (Cortes et al. 1994, NIPS 6; Figueroa et al. 2012,
BMC Med. Inform. Decis. Mak. 12:8).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.evaluation.criteria import find_told_side
from skiagram.evaluation.evaluation_record import IDEAL_OBSERVER
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.metrics import resample_auc
from skiagram.fitting.cross_validation import Subset
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import LEVELS
from skiagram.statistics.delong import find_efficiency
from skiagram.statistics.distributions import t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised, mean_over_repeats
from skiagram.statistics.significance import correct_by_holm
from skiagram.statistics.variation import UPPER, Z
from skiagram.sweeps.figures import AUC, EFFICIENCY, MeasuredRow, NamedModel
from skiagram.sweeps.rows import BEST
from skiagram.sweeps.runs import TrainedRow

BASELINE = f"{BEST}classical"
CURVES = "learning_curves"  # an analysis
_REACH = 2  # nothing is said beyond this many times the most cases tried


@dataclass(frozen=True)
class CurveBand:
    """A fitted learning curve at some numbers of training cases, with its 95 % band."""

    cases: tuple[float, ...]
    auc: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class LearningCurve(NamedModel):
    """One model at every number of training cases; `best_classical` is chosen by each row.

    Attributes:
        band: None where no curve could be fitted.
        failures: Why it could not be fitted everywhere.
    """

    band: CurveBand | None
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Crossing:
    """Whether a contender overtakes the best classical model, and where their fitted curves cross.

    Attributes:
        cases: Number of cases from which its fitted curve stays above; None where it does not
            within reach. Beyond the most cases tried it holds if both go on as a power law.
        share: Resamples whose fitted curves cross within reach; None where the measured differences
            leave the fitted ones, so that nothing is said of a crossing.
        compared: Numbers of cases at which two draws or more have a fit of both, ascending.
        fits: Draws that have a fit of both, at each; no other draw is compared.
        difference: In AUC with the most cases compared, as measured: no curve stands behind it. Its
            p is corrected over all contenders of the sweep; without one the interval decides.
    """

    title: str
    cases: float | None
    low: float | None
    high: float | None
    share: float | None
    compared: tuple[int, ...]
    fits: tuple[int, ...]
    difference: FigureRow

    @property
    def side(self) -> Literal["above", "below", "open"]:
        """Tell on which side it lies with most cases; open where that can be chance.

        Of several equal contenders one is ahead by its own interval in 12 to 15 % of sweeps, so
        that their p values are corrected.
        """
        return find_told_side(self.difference)


@dataclass(frozen=True)
class LearningCurves:
    """Learning curves of all models of a sweep.

    Attributes:
        least: Fewest training cases tried.
        most: Most training cases tried.
        reach: Cases beyond which nothing is said.
        draws: Draws of nested subsets.
        cases: Reported cases, which every fit scored, or every fold of fits together.
        patients: Of how many patients these are.
        figures: Of each model by the number of training cases, which is the group: `roc_auc`, the
            mean over the draws that have a fit, with an interval where two draws have; `fits`, in
            how many draws there is one; on generated data `efficiency`, (d_a / d_ideal)² by that
            mean, and the AUC of the ideal observer.
    """

    least: int
    most: int
    reach: int
    draws: int
    cases: int
    patients: int
    figures: FigureTable
    curves: tuple[LearningCurve, ...]
    crossings: tuple[Crossing, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of training cases at which any model has a fit, ascending."""
        return tuple(sorted(map(int, self.figures.list_distinct("group"))))

    @property
    def ideal(self) -> FigureRow | None:
        """The ideal observer's AUC on generated data; None on real images."""
        return self.figures.get(model=IDEAL_OBSERVER)


@dataclass(frozen=True)
class PowerLaw:
    """One curve a row."""

    limit: Floats  # (b,) AUC that endless cases would give, at most 1
    scale: Floats  # (b,) ≥ 0
    rate: Floats  # (b,) > 0

    def at(self, cases: Floats) -> Floats:
        """Compute (b, k) AUC at k numbers of cases."""
        fallen: Floats = self.scale[:, None] * cases ** -self.rate[:, None]
        return self.limit[:, None] - fallen


def fit_power_law(cases: Floats, auc: Floats, weight: Floats) -> PowerLaw:
    """Fit a power law to each row of (b, k) AUC by weighted least squares, k ≥ 3.

    For each rate of a fixed grid limit and scale have a closed form; a limit above 1 is held at 1
    and a falling curve is made level, so the curve never falls.
    """
    # The best rate is searched on a grid, all resamples at once.
    best = np.full(len(auc), np.inf)
    limit, scale, rate = (np.zeros(len(auc)) for _ in range(3))
    share = weight / weight.sum()
    mean = auc @ share
    for candidate in np.geomspace(0.05, 3, 60):
        # At this rate the curve is a line in x, limit − scale · x, with limit ≤ 1 and scale ≥ 0.
        x = cases**-candidate
        x_mean = float(share @ x)
        slope = (auc - mean[:, None]) @ (share * (x - x_mean)) / float(share @ (x - x_mean) ** 2)
        free_scale = np.maximum(0, -slope)
        free_limit = mean + free_scale * x_mean
        held_scale = np.maximum(0, (1 - auc) @ (share * x) / float(share @ x**2))
        above = free_limit > 1
        one_limit = np.where(above, 1.0, free_limit)
        one_scale = np.where(above, held_scale, free_scale)
        # The rate whose curve lies nearest to the points is taken.
        residual = auc - one_limit[:, None] + one_scale[:, None] * x
        loss = residual**2 @ share
        better = loss < best
        best[better], rate[better] = loss[better], candidate
        limit[better], scale[better] = one_limit[better], one_scale[better]
    return PowerLaw(limit, scale, rate)


def crossing(curve: PowerLaw, other: PowerLaw, least: float, reach: float) -> Floats:
    """Find (b,) the number of cases from which one curve stays above the other.

    It lies between `least` and `reach`; infinity stands where the curve is not above at `reach`.
    """
    points = 400  # numbers of cases at which curves are compared
    grid = np.geomspace(least, reach, points)
    above = curve.at(grid) > other.at(grid)
    last_below = points - 1 - np.argmin(above[:, ::-1], axis=1)
    first = np.where(above.all(axis=1), 0, last_below + 1)
    never = first >= points
    return np.where(never, np.inf, grid[np.minimum(first, points - 1)])


@dataclass(frozen=True)
class ResampledModel(NamedModel):
    """One model at every number of training cases.

    Attributes:
        areas: (sizes, draws, 1 + replicates) AUC; NaN where a fit failed, or where a resample of
            the test patients lacks a class.
        figures: The same of each size and draw as a mean over test cases, all of the same cases;
            None where a fit failed.
    """

    areas: Floats
    figures: tuple[tuple[Linearised | None, ...], ...]
    failures: tuple[str, ...]

    @property
    def fitted(self) -> Flags:
        """Return (sizes, draws) whether there is a fit."""
        return np.isfinite(self.areas[:, :, 0])

    def over_draws(self, size: int, draws: Flags) -> Linearised:
        """Compute the mean over some draws that have a fit, as a run has that over trainings.

        Under `cv` the overlap of training sets widens each draw by itself, as the spread between
        draws stands beside it.

        Args:
            size: Place of the number of training cases.
            draws: (draws,) which ones.
        """
        # Each draw's figure, as a mean over its trainings.
        drawn = []
        for figure in (self.figures[size][draw] for draw in np.flatnonzero(draws)):
            if figure is None:
                continue
            averaged, patients = figure.averaged(), figure.variance()
            if figure.folds and patients > 0:
                widened = averaged.influence * np.sqrt(figure.variation.variance / patients)
                averaged = replace(averaged, influence=widened)
            drawn.append(averaged)
        return mean_over_repeats(drawn)

    def mean(self, multipliers: Floats) -> Floats:
        """Compute (sizes, 1 + replicates) the mean over draws that have a fit, then of resamples.

        A resample is the mean over draws on resampled patients, plus what other draws would add:
        Σ gₖ dₖ / √(k (k − 1)) of the draws' k deviations, whose variance is s²/k (multiplier
        bootstrap; Wu 1986, Ann. Stat. 14:1261). The part of the draws' spread that their test
        patients make (the same patients judge each fit by chance differently, or other patients do)
        is taken off before, as the resampled patients hold it. What is left is lengthened for draws
        being few, see `split_spread`. Resamples are NaN with fewer than two fits.

        Args:
            multipliers: (replicates, draws) gₖ, standard normal.
        """
        # The mean over draws that have a fit, of the figure and of each resample.
        fits, means = self.fitted.sum(axis=1), _mean(self.areas, axis=1)
        point, by_patient = means[:, 0], means[:, 1:]
        # Draws vary too: their deviations are added at random.
        deviation = np.where(self.fitted, self.areas[:, :, 0] - point[:, None], 0)
        share, lengthened = split_spread(self.areas)
        factor = share * lengthened / np.sqrt(np.maximum(fits * (fits - 1), 1))
        added = factor[:, None] * (deviation @ multipliers.T)
        replicates = np.where((fits > 1)[:, None], by_patient + added, np.nan)
        return np.column_stack([point, replicates])


def split_spread(areas: Floats) -> tuple[float, Floats]:
    """Tell what is the draws' own in the spread of a mean over draws, and lengthen it.

    Args:
        areas: (sizes, draws, 1 + replicates) AUCs or differences of AUCs; NaN without a fit.

    Returns:
        √(1 − w / s²): s² is the variance between draws, w what resampling test patients makes of
        it, both summed over sizes. Then (sizes,) the factor on the draws' part that makes up for
        draws being few: the whole standard error is longer by Student's quantile over the normal
        one, with Satterthwaite's degrees of freedom (1946, Biometrics Bulletin 2:110), those of the
        draws where they are all of it, endless ones where the patients are.
    """
    # Spread between draws, beyond what patients by chance make.
    fits = np.isfinite(areas[:, :, 0]).sum(axis=1)
    degrees = np.maximum(fits - 1.0, 1)
    means = _mean(areas, axis=1)
    # The variance of the mean over patients.
    by_patient = means[:, 1:]
    patients = _mean((by_patient - _mean(by_patient, axis=1)[:, None]) ** 2, axis=1)
    deviation = areas - means[:, None]
    between = np.nansum(deviation[:, :, 0] ** 2, axis=1) / degrees
    apart = deviation[:, :, 1:]
    variance = _mean(apart**2, axis=2) - _mean(apart, axis=2) ** 2
    by_chance = np.nansum(variance, axis=1) / degrees
    whole, chance = float(between[fits > 1].sum()), float(by_chance[fits > 1].sum())
    share = float(np.sqrt(max(0.0, 1 - chance / whole))) if whole > 0 else 0.0
    # With few draws the normal distribution is too narrow: Student's quantile lengthens it.
    draws = share**2 * between / np.maximum(fits, 1)
    some = (draws > 0) & np.isfinite(patients)
    both = patients[some] + draws[some]
    quantile = t_quantile(UPPER, degrees[some] * (both / draws[some]) ** 2) / Z
    factor = np.ones_like(draws)
    longer = (quantile**2 * both - patients[some]) / draws[some]
    factor[some] = np.sqrt(np.maximum(longer, 1))  # below 1 by rounding alone
    return share, factor


def _mean(values: Floats, axis: int) -> Floats:
    """Compute the mean of the finite values, NaN where there are none."""
    mean: Floats = np.ma.masked_invalid(values).mean(axis=axis).filled(np.nan)
    return mean


def fit_learning_curve(
    model: ResampledModel, sizes: Floats, multipliers: Floats, reach: float, ideal: float | None
) -> tuple[LearningCurve, list[FigureRow]]:
    """Return the curve of one model, and its figures.

    A number of cases is part of the curve where at least two draws have a fit.

    Args:
        multipliers: (replicates, draws) of the draws' deviations.
    """
    # The mean curve, and the law that fits it.
    means = model.mean(multipliers)
    _, laws = _fit_laws(sizes, means)
    # The band shows the fitted curve and what it would be on the resamples.
    band = None
    if laws:
        grid = np.geomspace(sizes[0], reach, 60)
        curves = laws[0].at(grid)
        low, high = np.quantile(curves[1:], LEVELS, axis=0)
        columns = (grid, curves[0], low, high)
        band = CurveBand(*(tuple(column.tolist()) for column in columns))
    # Figures where any draw has a fit; on generated data each is set against the best possible one.
    rows = []
    for size in np.flatnonzero(np.isfinite(means[:, 0])).tolist():
        fitted = model.fitted[size]
        point = _estimate(model.over_draws(size, fitted))
        figures: dict[str, Estimate | float] = {AUC: point, "fits": float(fitted.sum())}
        if ideal is not None and point.value is not None:
            figures[EFFICIENCY] = find_efficiency(point.value, ideal)
        place = partial(make_row, analysis=CURVES, model=model.model, group=f"{sizes[size]:.0f}")
        rows += [place(figure, figure=name) for name, figure in figures.items()]
    return LearningCurve(model.model, model.title, model.arm, band, model.failures), rows


def _fit_laws(sizes: Floats, *means: Floats) -> tuple[Floats, tuple[PowerLaw, ...]]:
    """Fit a power law to each of some models, on the sizes and resamples that all of them have.

    Returns:
        (k,) sizes at which half of the resamples or more have figures; a law of each model there,
        on the resamples that have figures at all of them, or none where three sizes or the
        resamples are lacking.
    """
    # Sizes at which both have a figure in most resamples.
    is_defined = np.logical_and.reduce([np.isfinite(mean) for mean in means])
    rows = is_defined[:, 0] & (is_defined[:, 1:].mean(axis=1) >= 0.5)
    columns = is_defined[rows].all(axis=0)
    compared, figures = sizes[rows], tuple(mean[rows][:, columns] for mean in means)
    if len(compared) < 3 or figures[0].shape[1] <= 1:
        return compared, ()
    # A point weighs by its variance, below 1e-6 no more.
    laws = (
        fit_power_law(compared, mean.T, 1 / (mean[:, 1:].var(axis=1) + 1e-6)) for mean in figures
    )
    return compared, tuple(laws)


def _estimate(figure: Linearised) -> Estimate:
    """Estimate a mean over draws with its interval; a single draw says nothing of others."""
    if len(figure.values) < 2:
        return Estimate(figure.value, method="no interval: fewer than two fits")
    return figure.estimate()


def find_crossing(
    contender: ResampledModel,
    baseline: ResampledModel,
    sizes: Floats,
    multipliers: Floats,
    reach: float,
) -> Crossing | None:
    """Find where a contender's curve overtakes the baseline's, both on the draws that both have.

    None where fewer than three sizes have fits of both in two draws; arguments are those of
    `fit_learning_curve`.
    """
    # Both are compared on the draws that have a fit of both.
    both = contender.fitted & baseline.fitted
    means = [
        replace(model, areas=np.where(both[:, :, None], model.areas, np.nan)).mean(multipliers)
        for model in (contender, baseline)
    ]
    compared, laws = _fit_laws(sizes, *means)
    if not laws:
        return None
    # A curve that falls is no power law: its measured differences leave the fitted ones, at one of
    # the sizes, by intervals for all of them (Bonferroni).
    measured = (means[0] - means[1])[np.isin(sizes, compared)]
    fitted = laws[0].at(compared) - laws[1].at(compared)
    residual = measured[:, np.isfinite(measured).all(axis=0)].T - fitted
    level = LEVELS[0] / len(compared)
    lowest, highest = np.quantile(residual[1:], (level, 1 - level), axis=0)
    is_law = bool(((lowest <= 0) & (highest >= 0)).all())
    # The curves cross where they do by the figures; resamples say how sure that is.
    crossings = crossing(laws[0], laws[1], float(sizes[0]), reach)
    low, high = np.quantile(crossings[1:], LEVELS, method="inverted_cdf")
    number, least, most = (
        float(cases) if is_law and np.isfinite(cases) else None
        for cases in (crossings[0], low, high)
    )
    # The difference at the most cases.
    last = int(np.flatnonzero(np.isin(sizes, compared))[-1])
    difference = contender.over_draws(last, both[last]) - baseline.over_draws(last, both[last])
    return Crossing(
        title=contender.title,
        cases=number,
        low=least,
        high=most,
        share=float(np.isfinite(crossings[1:]).mean()) if is_law else None,
        compared=tuple(int(size) for size in compared),
        fits=tuple(int(fits) for fits in both[np.isin(sizes, compared)].sum(axis=1)),
        difference=make_row(
            _estimate(difference),
            CURVES,
            AUC,
            model=contender.model,
            versus=baseline.model,
            group=f"{sizes[last]:.0f}",
            p=difference.p() if len(difference.values) > 1 else None,
        ),
    )


def find_crossings(
    models: Sequence[ResampledModel],
    baseline: ResampledModel,
    sizes: Floats,
    multipliers: Floats,
    reach: float,
) -> tuple[Crossing, ...]:
    """Find where each model of another arm overtakes the baseline, corrected for their number."""
    found = [
        find_crossing(model, baseline, sizes, multipliers, reach)
        for model in models
        if model.arm != baseline.arm
    ]
    crossings = [crossing for crossing in found if crossing is not None]
    corrected = correct_by_holm(crossing.difference.p for crossing in crossings)
    return tuple(
        replace(each, difference=replace(each.difference, p_holm=p))
        for each, p in zip(crossings, corrected, strict=True)
    )


def find_learning_curves(rows: Sequence[TrainedRow]) -> LearningCurves:
    """Find the learning curves of rows that differ in `plan.subset` alone.

    `check_curves` refuses rows that learn from all cases, or from the same, before they are
    trained; other outcomes than classes are refused there, too.

    Raises:
        OptionError: Rows report different cases, or have no baseline.
    """
    # Rows by number of cases and by draw.
    subsets = ((row.prepared.plan.subset, row) for row in rows)
    by_place = {(subset.cases, subset.draw): row for subset, row in subsets if subset is not None}
    sizes, draws = (sorted(set(numbers)) for numbers in zip(*by_place, strict=True))
    measured = {at: row.measure(()) for at, row in by_place.items()}
    # All rows must report the same cases.
    setting = measured[next(iter(measured))].setting
    if any(
        not np.array_equal(row.setting.cases.case_id, setting.cases.case_id)
        for row in measured.values()
    ):
        raise refusal("sweeps.differing_cases")
    # The classical curve is that of the best model, chosen anew at each size.
    models = _resample_models(measured, sizes, draws)
    baseline = replace(models.pop(BASELINE), title="Best classical model, chosen out-of-fold")
    numbers, reach = np.array(sizes, dtype=np.float64), _REACH * sizes[-1]
    # (replicates, draws) standard normal, shared by all models and sizes
    generator = stream(rows[0].prepared.plan.seed, "crossover", "draws")
    multipliers = generator.normal(size=(setting.draws.replicates, len(draws)))
    # The best possible score, where the data were generated.
    trained = (model.compared for row in measured.values() for model in row.models.values())
    compared = next((each for each in trained if each), None)
    limit = compared.ideal(setting) if compared else None
    ideal = None if limit is None else limit.estimate()
    best = None if ideal is None else ideal.value
    fitted = [
        fit_learning_curve(model, numbers, multipliers, reach, best)
        for model in (*models.values(), baseline)
    ]
    figures = [row for _, rows in fitted for row in rows]
    if ideal is not None:
        figures.append(make_row(ideal, CURVES, AUC, model=IDEAL_OBSERVER))
    return LearningCurves(
        least=sizes[0],
        most=sizes[-1],
        reach=reach,
        draws=len(draws),
        cases=len(setting.cases),
        patients=setting.cases.patients,
        figures=FigureTable(tuple(figures)),
        curves=tuple(curve for curve, _ in fitted),
        crossings=find_crossings([*models.values()], baseline, numbers, multipliers, reach),
    )


def check_curves(subsets: Iterable[Subset | None], arms: Collection[str]) -> None:
    """Refuse rows that are no learning curves.

    Args:
        subsets: Of each row; None for all cases.
        arms: That rows have a model of.

    Raises:
        OptionError: A row learns from all cases, two learn from the same, or none has a baseline.
    """
    # Each row needs a subset of its own.
    placed: set[Subset] = set()
    for subset in subsets:
        if subset is None:
            raise refusal("sweeps.all_cases")
        if subset in placed:
            raise refusal("sweeps.same_subset")
        placed.add(subset)
    if "classical" not in arms:
        raise refusal("sweeps.no_classical_model")


def _resample_models(
    measured: Mapping[tuple[int, int], MeasuredRow], sizes: Sequence[int], draws: Sequence[int]
) -> dict[str, ResampledModel]:
    """Return every model, resampled at every size; what stands for an arm only of the baseline.

    Args:
        measured: Size and draw → the row that learned from it.
    """
    # What stands for an arm is of interest for classical models alone.
    names = dict.fromkeys(name for row in measured.values() for name in row.models)
    if BASELINE not in names:
        raise refusal("sweeps.no_classical_model")
    replicates = next(iter(measured.values())).setting.draws.replicates
    models: dict[str, ResampledModel] = {}
    for name in names:
        if name.startswith(BEST) and name != BASELINE:
            continue
        # Resamples of each model at each size and in each draw.
        fits = [(at, row.models[name]) for at, row in measured.items() if name in row.models]
        areas = np.full((len(sizes), len(draws), 1 + replicates), np.nan)
        figures: list[list[Linearised | None]] = [[None] * len(draws) for _ in sizes]
        for (size, draw), model in fits:
            if model.compared is not None:
                row = measured[size, draw].setting
                resampled = resample_auc(model.compared, row.draws)
                place, drawn = sizes.index(size), draws.index(draw)
                areas[place, drawn] = model.compared.figure.value, *resampled
                figures[place][drawn] = model.compared.figure
        # Why a model failed is told once.
        failed = [model for _, model in fits if model.compared is None]
        reasons = dict.fromkeys(model.rows[0].reason for model in failed)
        _, first = fits[0]
        models[name] = ResampledModel(
            name, first.title, first.arm, areas, tuple(map(tuple, figures)), tuple(reasons)
        )
    return models
