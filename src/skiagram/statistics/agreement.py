"""Errors of numbers and agreement with measured ones, each with its value without each case.

Every figure follows from sums over cases, so a case is left out by taking its terms
away. `predicted`, `measured` and `patient` are (n,) of the cases; patients count from 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from skiagram.arrays import Floats, Whole
from skiagram.statistics.linearised import Linearised, Scale, leave_one_out, mean_of_cases, share

FAR = 10.0  # median absolute deviations
LIMIT = 1.96  # standard deviations from the bias to a limit (Bland & Altman 1986, Lancet 327:307)


def count_far(values: Floats) -> int:
    """Count how many values are more than ten median absolute deviations off the median.

    Of normal values next to none is; 0 where half of the values or more are equal.

    Args:
        values: (n,) finite, in any unit.
    """
    off = np.abs(values - np.median(values))
    usual = float(np.median(off))
    return int((off > FAR * usual).sum()) if usual > 0 else 0


def _figure_of_sums(
    terms: Sequence[Floats],
    patient: Whole,
    figure: Callable[..., Floats],
    scale: Scale = "plain",
) -> Linearised:
    """Estimate a figure of the number of cases and of the sums of terms; NaN where it has none.

    A case's part in each sum is taken away to leave it out, which costs as much as one look at all
    cases.

    Args:
        terms: (n,) each, whose sums tell the figure.
        patient: (n,) from 0.
        figure: Takes the number of cases and the sums, one or many at once.
        scale: On which the interval is symmetric.
    """
    case_terms = np.stack([np.ones(len(patient)), *terms])
    whole = case_terms.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, without = figure(*whole), figure(*(whole - case_terms))
    return leave_one_out(float(value[0]), without, patient, scale)


def absolute_error(predicted: Floats, measured: Floats, patient: Whole) -> Linearised:
    """Estimate the mean absolute error, in the unit of the numbers.

    Args:
        predicted: (n,).
        measured: (n,).
        patient: (n,) from 0.
    """
    return mean_of_cases(np.abs(predicted - measured), patient, "log")


def mean_difference(predicted: Floats, measured: Floats, patient: Whole) -> Linearised:
    """Estimate the bias, the mean of predicted minus measured, in their unit.

    Args:
        predicted: (n,).
        measured: (n,).
        patient: (n,) from 0.
    """
    return _figure_of_sums([predicted - measured], patient, lambda cases, total: total / cases)


def root_mean_square_error(predicted: Floats, measured: Floats, patient: Whole) -> Linearised:
    """Estimate the root mean square error, in the unit of the numbers.

    Args:
        predicted: (n,).
        measured: (n,).
        patient: (n,) from 0.
    """
    return _figure_of_sums(
        [np.square(predicted - measured)],
        patient,
        lambda cases, squares: np.sqrt(np.maximum(squares, 0) / cases),
        "log",
    )


def agreement_limit(predicted: Floats, measured: Floats, patient: Whole, side: float) -> Linearised:
    """Estimate a limit of agreement: the bias plus or minus 1.96 standard deviations.

    Args:
        predicted: (n,).
        measured: (n,).
        patient: (n,) from 0.
        side: −1 for the lower limit, 1 for the upper one.
    """
    gap = predicted - measured
    centre = gap.mean()  # far sums lose digits

    # From the numbers, sums and sums of squares of the cases that a resample holds.
    def limit(cases: Floats, total: Floats, squares: Floats) -> Floats:
        variance = (squares - total**2 / cases) / (cases - 1)
        reach: Floats = LIMIT * np.sqrt(np.maximum(variance, 0))
        at: Floats = centre + total / cases + side * reach
        return at

    return _figure_of_sums([gap - centre, np.square(gap - centre)], patient, limit)


def calibration_slope(
    predicted: Floats, measured: Floats, patient: Whole, fit: Whole | None = None
) -> Linearised:
    """Estimate the slope of measured on predicted numbers by least squares.

    It is not defined where every fit predicts one number alone: the numbers of two fits then differ
    by their training cases, and by no trait of a case.

    Args:
        fit: (n,) which fit predicted a case; None where one did.
    """
    # The slope does not depend on the means, and products of centred numbers keep their digits.
    x, y = predicted - predicted.mean(), measured - measured.mean()
    fit_number = np.zeros_like(patient) if fit is None else fit
    # Where no fit's predictions vary, the slope would be that of differences between fits.
    reach = max(np.ptp(predicted[fit_number == number]) for number in np.unique(fit_number))
    constant = bool(reach <= 1e-9 * np.abs(predicted).max())
    least = 1e-12 * max(float(np.square(y).sum()), np.finfo(float).tiny)

    def slope(
        cases: Floats, sum_x: Floats, sum_y: Floats, product: Floats, square: Floats
    ) -> Floats:
        spread = square - sum_x**2 / cases
        defined = (spread > least) & (not constant)
        return np.where(defined, (product - sum_x * sum_y / cases) / spread, np.nan)

    return _figure_of_sums([x, y, x * y, x**2], patient, slope)


def intraclass_correlation(predicted: Floats, measured: Floats, patient: Whole) -> Linearised:
    """Estimate ICC(A,1): two-way, absolute agreement, a single measurement of each of two.

    McGraw & Wong 1996, *Psychological Methods* 1:30, table 4; ICC(2,1) of Shrout and Fleiss.

    Args:
        predicted: (n,).
        measured: (n,), in the same unit.
        patient: (n,) from 0.
    """
    centre = measured.mean()
    # Means of both measurements and their gaps hold all that the analysis of variance needs.
    middle, gap = (predicted + measured) / 2 - centre, predicted - measured

    def correlation(
        cases: Floats, middles: Floats, squares: Floats, gaps: Floats, square_gaps: Floats
    ) -> Floats:
        # Mean squares of rows, columns and error; two columns make them short sums.
        between_rows = 2 * (squares - middles**2 / cases) / (cases - 1)
        between_columns = gaps**2 / cases / 2
        error = (square_gaps - gaps**2 / cases) / 2 / (cases - 1)
        return (between_rows - error) / (
            between_rows + error + 2 * (between_columns - error) / cases
        )

    return _figure_of_sums([middle, middle**2, gap, gap**2], patient, correlation, "fisher")


def quadratic_kappa(predicted: Floats, measured: Floats, patient: Whole) -> Linearised:
    """Estimate Cohen's κ of grades whose disagreements count by their square.

    Cohen 1968, *Psychological Bulletin* 70:213. It is 1 − E(predicted − measured)² over the same of
    grades drawn at random from both, which follows from sums of grades and of their squares.

    Args:
        predicted: (n,) places of grades.
        measured: (n,) places of grades.
        patient: (n,) from 0.
    """
    centre = measured.mean()
    x, y = predicted - centre, measured - centre

    def kappa(
        cases: Floats, sum_x: Floats, sum_y: Floats, squares: Floats, square_gaps: Floats
    ) -> Floats:
        # The mean square of two grades that have nothing to do with each other.
        by_chance = squares / cases - 2 * sum_x * sum_y / cases**2
        return np.where(by_chance > 1e-12, 1 - square_gaps / cases / by_chance, np.nan)

    found = _figure_of_sums([x, y, x**2 + y**2, (x - y) ** 2], patient, kappa, "fisher")
    # A κ of 1 has no spread of its own: what one wrong case would cost stands for it.
    by_chance = float((x**2 + y**2).mean() - 2 * x.mean() * y.mean())
    if not np.isfinite(found.value):
        return found
    # κ is 1 − the share of cases that disagree · their mean square over that by chance.
    unit = -_mean_of_wrong(np.square(x - y)) / by_chance
    return replace(found, chance=(1.0, unit), most_cases=1.0)


def grade_error(predicted: Floats, measured: Floats, patient: Whole) -> Linearised:
    """Estimate the mean absolute error of grades: the share of wrong ones · their mean error.

    Where no grade is wrong its interval is Wilson's of that share, an error of one grade each.

    Args:
        predicted: (n,) places of grades.
        measured: (n,) places of grades.
        patient: (n,) from 0.
    """
    error = np.abs(predicted - measured)
    found = mean_of_cases(error, patient, "log")
    return replace(found, chance=(0.0, _mean_of_wrong(error)), most_cases=1.0)


def _mean_of_wrong(error: Floats) -> float:
    """Compute the mean of errors of grades that are none of 0; 1, the least, where all are."""
    wrong = error > 0
    return float(error[wrong].mean()) if wrong.any() else 1.0


def interval_coverage(low: Floats, high: Floats, measured: Floats, patient: Whole) -> Linearised:
    """Estimate the share of numbers inside their intervals, bounds included.

    Args:
        low: (n,) lower bounds.
        high: (n,) upper bounds.
        measured: (n,).
        patient: (n,) from 0.
    """
    inside = ((low <= measured) & (measured <= high)).astype(np.float64)
    return share(inside[None], patient)
