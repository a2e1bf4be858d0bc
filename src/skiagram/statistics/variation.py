"""How much a figure varies over patients and over trainings, and the interval that follows.

Patients with several cases are clusters of unequal size; repeats are trainings from other seeds;
the fits of a cross-validation share training cases. Each widens an interval by a rule of its own.
`patient` (n,) is always the patient of each value, numbered from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats, Whole
from skiagram.statistics.distributions import t_p_value, t_quantile
from skiagram.statistics.estimate import Estimate, Scope

Z = 1.959963984540054
UPPER = 0.975
UPPER_CORRELATION = 0.95
_LEAST_EFFECTIVE_SHARE = 0.75  # of the patients; below it few of them have most of the cases
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Variation:
    """Variance of a figure, and how well it is known.

    Attributes:
        variance: Of the figure; 0 where it cannot be told.
        degrees: Degrees of freedom of the variance; infinite: a normal quantile.
        trainings: The part of the variance that more patients would not lessen: that of the seed.
        scope: Whether it is the figure of these fits or of the procedure that made them.
        standard_errors: Downwards and upwards, where the interval is lopsided; else both are
            the root of the variance.
    """

    variance: float
    degrees: float = np.inf
    trainings: float = 0.0
    scope: Scope = "fits"
    repeats: int = 1
    standard_errors: tuple[float, float] | None = None

    @property
    def quantile(self) -> float:
        """Compute how many standard errors the 95 % interval reaches to each side."""
        return float(t_quantile(UPPER, self.degrees))

    @property
    def half_width(self) -> float:
        """Compute half the length of the 95 % interval of the figure itself."""
        return self.quantile * float(np.sqrt(self.variance))

    @property
    def words(self) -> str:
        """Say what the interval holds besides single patients, for the name of a method."""
        return f", over {self.repeats} trainings" if self.repeats > 1 else ""

    def p(self, value: float) -> float | None:
        """Compute the two-sided p value of 0, or None where it cannot be told.

        Args:
            value: The figure, whose error is that of the side on which 0 lies.
        """
        if self.variance > 0:
            return t_p_value(value / self.standard_error(upwards=value < 0), self.degrees)
        return 1.0 if value == 0 else None

    def standard_error(self, *, upwards: bool) -> float:
        """Compute the standard error on one side of the figure."""
        return (
            self.standard_errors[upwards] if self.standard_errors else float(np.sqrt(self.variance))
        )

    def of_patients(self, factor: float) -> "Variation":
        """Estimate the variation that a study of so many times as many patients has.

        The variance over patients falls as 1/n and its degrees of freedom grow; that of the seed
        stays, with those of the trainings, so that Satterthwaite's of both may also fall.

        Args:
            factor: > 0.
        """
        # What the degrees of freedom say of either part, trainings and patients.
        seed_term = self.trainings**2 / max(self.repeats - 1, 1)
        patient_term = self.variance**2 / self.degrees - seed_term
        patients = self.variance - self.trainings
        # The patients' part shrinks with their number; that of trainings stays.
        variance = patients / factor
        if patient_term > 0:
            grown = (patients**2 / patient_term + 1) * factor - 1
            seed_term += variance**2 / max(grown, 1.0)
        whole = variance + self.trainings
        degrees = whole**2 / seed_term if seed_term > 0 else np.inf
        return replace(self, variance=whole, degrees=degrees, standard_errors=None)


def count_cases(patient: Whole) -> Whole:
    """Count the cases of each patient who has one, by their number: (patients,).

    Args:
        patient: (n,) from 0; some numbers may be absent.
    """
    cases = np.bincount(patient)  # unlike a search for unique numbers, fast for a million
    return cases[cases > 0]


def is_clustered(patient: Whole) -> bool:
    """Tell whether a patient has several of the cases."""
    return len(count_cases(patient)) < len(patient)


def effective_patients(patient: Whole) -> float:
    """Compute (Σm)² / Σm²: as many patients with equally many cases m would weigh alike.

    The number of patients where all have equally many cases, less where a few have most (Kish
    1965, *Survey Sampling*, §11.7).
    """
    sizes = count_cases(patient).astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def has_unequal_clusters(patient: Whole) -> bool:
    """Tell whether a few patients have most of the cases.

    Their effective number is then below three quarters of them, a convention of this project.
    """
    return effective_patients(patient) < _LEAST_EFFECTIVE_SHARE * len(count_cases(patient))


def independent_cases(patient: Whole) -> float:
    """Estimate how many independent cases patients may stand for, were their cases not alike.

    The cases where all patients have equally many; no more than the patients where few have most.
    """
    patients = len(count_cases(patient))
    return max(float(patients), effective_patients(patient) * len(patient) / max(patients, 1))


def degrees_of_freedom(patient: Whole, label: NDArray[Any] | None = None) -> float:
    """Compute the degrees of freedom of a variance over patients.

    Effective patients of the class that has fewest, minus 1; infinite where every patient has one
    case, as DeLong's and Wilson's intervals are made.

    Args:
        patient: (n,) of each case.
        label: (n,) class of each case; None where they are one sample.
    """
    if not is_clustered(patient):
        return np.inf
    samples = [patient] if label is None else [patient[label == k] for k in np.unique(label)]
    return max(1.0, min(map(effective_patients, samples)) - 1)


def variance_of_mean(value: Floats, patient: Whole) -> float:
    """Estimate the variance, over patients, of the mean of clustered values.

    The mean of two estimates. One leaves out each patient in turn; few large patients make it vary
    much: (I − 1) / I Σ (dₖ / (1 − hₖ))², dₖ being the patient's sum of deviations over n and hₖ his
    share of the cases (Bell & McCaffrey 2002, *Survey Methodology* 28:169). The other takes cases
    of every patient to be equally alike, and reads that from all of them (analysis of variance;
    Donner & Klar 2000, §1.4). With equally many cases per patient both are the usual variance of
    the patients' sums, I / (I − 1) Σ dₖ².

    Args:
        value: (n,).
        patient: (n,) patient of each value; at least two patients.
    """
    return variance_of_means([(value, patient)])


def variance_of_means(samples: Sequence[tuple[Floats, Whole]]) -> float:
    """Estimate the variance, over patients, of the sum of the means of some samples.

    As `variance_of_mean`; a patient with cases in two samples ties their means together. Both
    estimates are of the sum as a whole, so that neither is below 0.

    Args:
        samples: Values of each, and the patient of each value; at least two patients.
    """
    left_out, analysed = np.sum([_estimate_variance(*sample) for sample in samples], axis=0)
    for first, second in combinations(samples, 2):
        both = _estimate_covariance(*first, *second)
        left_out, analysed = left_out + 2 * both[0], analysed + 2 * both[1]
    return float(max(left_out, 0.0) + max(analysed, 0.0)) / 2


def _estimate_variance(value: Floats, patient: Whole) -> tuple[float, float]:
    """Estimate the variance of a mean by leaving out patients, and by analysis of variance."""
    # The number of cases of each patient who has any.
    cases = np.bincount(patient)
    sizes = cases[cases > 0]
    n, patients = len(value), len(sizes)
    # Leaving out each patient moves the mean by its own sum.
    deviation = value - value.mean()
    sums = np.bincount(patient, weights=deviation)[cases > 0]
    left_out = (patients - 1) / patients * float(((sums / (n - sizes)) ** 2).sum())
    # Of equal numbers of cases the jackknife alone is right.
    if n == patients or sizes.min() == sizes.max():
        return left_out, left_out
    # Else the analysis of variance within and between patients says how alike cases are.
    between = float((sums**2 / sizes).sum()) / (patients - 1)
    means = np.zeros(len(cases))
    means[cases > 0] = sums / sizes
    within = float(((deviation - means[patient]) ** 2).sum()) / (n - patients)
    squares = float((sizes.astype(np.float64) ** 2).sum())
    alike = (between - within) * (patients - 1) / (n - squares / n)
    return left_out, max(0.0, within * n + alike * squares) / n**2


def ratio_of_design_effects(value: Floats, patient: Whole) -> float:
    """Estimate how much larger the variance of a mean may be, were images as alike as they may be.

    The ratio of that variance at the upper bound of the correlation within a patient to that at the
    correlation itself; bounds of 95 %, one-sided, by F of the analysis of variance (Donner & Klar
    2000, §1.4). Of few patients who err the images differ by chance as often as not, and a variance
    is then too small. 1 where few patients have most cases: `variance_of_mean` sees to these.

    Args:
        value: (n,).
        patient: (n,) from 0.
    """
    # Patients with a case each, or one patient with most of them, say nothing of likeness.
    sizes = count_cases(patient).astype(np.float64)
    n, patients = len(value), len(sizes)
    if n == patients or patients < 2 or has_unequal_clusters(patient):
        return 1.0
    # Mean squares between and within patients.
    deviation = value - value.mean()
    cases = np.bincount(patient)
    sums = np.bincount(patient, weights=deviation)[cases > 0]
    squares = float((sizes**2).sum()) / n
    between = float((sums**2 / sizes).sum())
    within = (float((deviation**2).sum()) - between) / (n - patients)
    if not within > _ROUNDING:  # all cases of each patient are alike
        return 1.0
    # Their ratio, and the largest one that the F distribution allows beside it.
    ratio, average = between / (patients - 1) / within, (n - squares) / (patients - 1)
    least = scipy.special.fdtri(patients - 1, n - patients, 1 - UPPER_CORRELATION)
    effects = [
        1 + (squares - 1) * float(np.clip((f - 1) / (f - 1 + average), 0, 1))
        for f in (ratio, ratio / least)
    ]
    return effects[1] / effects[0]


def covariance_of_means(
    value: Floats, patient: Whole, other: Floats, other_patient: Whole
) -> float:
    """Estimate the covariance, over the patients in both, of the means of two samples.

    The mean of two estimates, as in `variance_of_mean`: N / (N − 1) Σ dₖ eₖ (Obuchowski 1997), each
    sum weighed up where its patient has more than an average share of the sample; and that of cases
    of which every pair of one patient goes together alike.

    Args:
        value: (n,).
        patient: (n,) patient of each value.
        other: (m,) the other sample.
        other_patient: (m,) patient of each of its values.
    """
    return sum(_estimate_covariance(value, patient, other, other_patient)) / 2


def _estimate_covariance(
    value: Floats, patient: Whole, other: Floats, other_patient: Whole
) -> tuple[float, float]:
    """Estimate a covariance of means by leaving out patients, and by pairs of their cases."""
    samples = (value, patient), (other, other_patient)
    numbers = 1 + max(int(whose.max()) for _, whose in samples)
    cases = [np.bincount(whose, minlength=numbers) for _, whose in samples]
    if not np.minimum(*cases).any():  # nobody is in both
        return 0.0, 0.0
    weighed, means, shares = [], [], []
    for (values, whose), sizes in zip(samples, cases, strict=True):
        sums = np.bincount(whose, weights=values - values.mean(), minlength=numbers)
        weighed.append(sums * (1 - 1 / int((sizes > 0).sum())) / (len(values) - sizes))
        means.append(sums / np.maximum(sizes, 1))
        shares.append(sizes / len(values))
    together = len(count_cases(np.concatenate([patient, other_patient])))
    left_out = together / (together - 1) * float(weighed[0] @ weighed[1])
    # How a pair of cases goes together; the means, from which they deviate, go together, too.
    weight = np.sqrt(shares[0] * shares[1])
    both = float(shares[0] @ shares[1])
    expected = float(weight @ (1 - shares[0] - shares[1] + both))
    alike = float(weight @ (means[0] * means[1])) / expected if expected > 0 else 0.0
    return left_out, alike * both


def overlap_factor(folds: int, repeats: int) -> float:
    """Compute by how much overlapping training sets raise the variance of a cross-validated figure.

    1/R + K / (K − 1), for K outer folds and R repeats, of the variance over patients of a single
    repeat. Nadeau & Bengio (2003, *Machine Learning* 52:239) take (1/J + n₂/n₁) s² for J fold
    figures; J = KR, n₂/n₁ = 1 / (K − 1), and a fold has a K-th of the patients, so s² is about K
    times that variance. It is a rule that errs to the wide side: no unbiased estimate exists
    (Bengio & Grandvalet 2004, *JMLR* 5:1089).

    Args:
        folds: Outer folds, ≥ 2.
    """
    return 1 / repeats + folds / (folds - 1)


def error_of_shift(
    held_out: Variation, tested: Variation, patients: tuple[int, int], folds: int
) -> float:
    """Compute the standard error of a figure of test cases minus that of held-out cases.

    No patient is on both sides, so the variances add (Hanley & McNeil 1982, *Radiology* 143:29). Of
    a patient the larger variance of the two sides is taken for both: that of few, nearly perfectly
    ordered patients is too small. Overlapping training sets count K / (K − 1) alone: with 1 / R
    besides, as in `overlap_factor`, most shifts are missed (simulated).

    Args:
        held_out: Variation of the figure of held-out cases.
        tested: That of test cases.
        patients: On the two sides.
        folds: Of the held-out cases; 0 where one fit scored them.
    """
    assumed = overlap_factor(folds, held_out.repeats) if folds else 1.0
    patient_variance = max(held_out.variance / assumed * patients[0], tested.variance * patients[1])
    overlap = folds / (folds - 1) if folds else 1.0
    return float(np.sqrt(patient_variance * (overlap / patients[0] + 1 / patients[1])))


def pair_repeats(values: NDArray[np.generic], others: NDArray[np.generic]) -> tuple[Floats, Floats]:
    """Pair the repeats of two models.

    What was scored once stands beside each repeat of the other; where both were trained several
    times, but not equally often, the trainings of each are averaged first.

    Args:
        values: (repeats, n) of one model.
        others: (repeats, n) of the other.

    Returns:
        (repeats, n) float64 of both, with equally many repeats.
    """
    first, second = np.asarray(values, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if len({len(first), len(second)} - {1}) > 1:
        return first.mean(axis=0, keepdims=True), second.mean(axis=0, keepdims=True)
    first, second = np.broadcast_arrays(first, second)
    return first, second


def over_folds(repeat_variance: float, degrees: float, folds: int, repeats: int) -> Variation:
    """Estimate the variation of a cross-validated procedure.

    Args:
        repeat_variance: Over patients, of a single repeat.
        degrees: Of freedom of that variance.
        folds: Outer folds.
        repeats: Of the whole cross-validation.
    """
    variance = overlap_factor(folds, repeats) * repeat_variance
    return Variation(variance, degrees, scope="procedure", repeats=repeats)


def join_degrees(parts: Sequence[tuple[float, float]]) -> float:
    """Compute Satterthwaite's (1946) degrees of freedom of a sum of variances with their own.

    Args:
        parts: Variance and degrees of freedom of each.

    Returns:
        Infinite where no part has a finite number.
    """
    variance = sum(part for part, _ in parts)
    denominator = sum(part**2 / degrees for part, degrees in parts)
    return variance**2 / denominator if denominator > 0 else np.inf


def over_trainings(mean_variance: float, degrees: float, figures: Floats) -> Variation:
    """Estimate the variation of a procedure that was trained several times, or of one training.

    The variance over patients of the mean over R trainings, plus s²/R of their figures. What seed
    and patients do together stands in both, which is a little too wide. Degrees of freedom are
    Satterthwaite's (1946). One training tells nothing of others.

    Args:
        mean_variance: Over patients, of the mean over trainings.
        degrees: Of freedom of that variance.
        figures: (repeats,) the figure of each training.
    """
    repeats = len(figures)
    if repeats < 2:
        return Variation(mean_variance, degrees)
    seed = float(figures.var(ddof=1)) / repeats
    joined = join_degrees([(mean_variance, degrees), (seed, repeats - 1)])
    return Variation(mean_variance + seed, joined, seed, "procedure", repeats)


def corrected_mean(values: Floats, ratio: float, low: float) -> Estimate:
    """Average fold figures with the corrected resampled t interval (Nadeau & Bengio 2003).

    Folds share training cases, so s²/J is too small: the variance is (1/J + n₂/n₁) s², with J − 1
    degrees of freedom.

    Args:
        values: (j,) a figure a fold.
        ratio: n₂/n₁, cases that a fold holds out over those that it learns from.
        low: Lower bound of the figure, whose upper bound is 1.
    """
    folds = len(values)
    if folds == 0:
        return Estimate(None, reason="no fold has every class both in training and held out")
    mean = float(values.mean())
    if folds < 2:
        return Estimate(mean, method="one fold")
    half_width = float(
        t_quantile(UPPER, folds - 1) * np.sqrt((1 / folds + ratio) * values.var(ddof=1))
    )
    return Estimate(
        mean, max(low, mean - half_width), min(1.0, mean + half_width), "Nadeau–Bengio over folds"
    )


def selection_stability(selected: Flags) -> Estimate:
    """Estimate the stability of feature selections, corrected for chance.

    1 − (mean over features of their unbiased selection variance) / (k̄/d)(1 − k̄/d), k̄ being the mean
    number of chosen features: 1 when every selection is the same, 0 on average when they are drawn
    at random. Interval by the asymptotic variance (Nogueira, Sechidis & Brown 2018, *JMLR* 18(174),
    definition 4 and theorem 7).

    Args:
        selected: (m, d), row after row the features that a fold or repeat chose; m ≥ 2.
    """
    # Selections are rows, features columns.
    m, d = selected.shape
    sizes = selected.sum(axis=1)
    mean_size = float(sizes.mean())
    if m < 2:
        return Estimate(None, reason="a single selection")
    if mean_size in (0, d):
        return Estimate(None, reason="no feature or every feature was chosen each time")
    # How often each feature was chosen, beside what chance would give (Nogueira et al. 2018).
    frequency = selected.mean(axis=0)
    chance = mean_size / d * (1 - mean_size / d)
    value = 1 - float((m / (m - 1) * frequency * (1 - frequency)).mean()) / chance
    if not frequency[(frequency > 0) & (frequency < 1)].size:
        return Estimate(1.0, method="no interval: every selection is the same")
    # φ of theorem 7: how each selection moves the stability.
    shared = (selected * frequency).mean(axis=1)
    sized = value / 2 * (2 * mean_size * sizes / d**2 - sizes / d - mean_size / d + 1)
    influence = (shared - sizes * mean_size / d**2 + sized) / chance
    half_width = Z * float(np.sqrt(4 / m**2 * ((influence - influence.mean()) ** 2).sum()))
    if half_width < _ROUNDING:  # two of equal size, or features that no two selections share
        return Estimate(value, method="no interval: all selections are equally unlike the others")
    return Estimate(value, max(-1.0, value - half_width), min(1.0, value + half_width), "Nogueira")
