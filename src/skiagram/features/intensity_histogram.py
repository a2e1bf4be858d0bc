"""Feature family `intensity_histogram`: statistics of a region's grey levels (IBSI 3.4, ZVCW)."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.features.discretisation import GreyLevels, count_levels, entropy
from skiagram.features.family import LevelFamily
from skiagram.features.feature import Column, ratio
from skiagram.features.first_order import FRACTIONS
from skiagram.strict import STRICT


def histogram_statistics(counts: Whole) -> dict[str, Column]:
    """Compute statistics of the levels of n images, by feature.

    Args:
        counts: (n, levels) pixels of each level, from 1.

    Returns:
        Feature name without prefix → (n,).
    """
    # Moments of the levels.
    number = counts.shape[1]
    levels = np.arange(1.0, number + 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ levels
    deviation = levels - mean[:, None]
    square = deviation**2
    variance = np.sum(shares * square, axis=1)
    fourth = np.sum(shares * square * square, axis=1)
    # percentiles, interpolated from the nearer of two levels as NumPy does
    upto = np.cumsum(counts, axis=1)[:, None]
    last = upto[..., -1] - 1
    rank = (last * FRACTIONS).astype(np.int64)
    below, above = (
        1 + np.sum(upto <= ranks[..., None], axis=2) for ranks in (rank, np.minimum(rank + 1, last))
    )
    way, share = above - below, last * FRACTIONS - rank
    percentiles = np.where(share < 0.5, below + way * share, above - way * (1 - share))
    low, lower, median, upper, high = percentiles.T
    # Extremes, the mode, and what lies between the outer percentiles.
    minimum = 1.0 + np.argmax(counts > 0, axis=1)
    maximum = number - np.argmax(counts[:, ::-1] > 0, axis=1).astype(np.float64)
    most = counts == counts.max(axis=1, keepdims=True)
    inner = np.where((levels >= low[:, None]) & (levels <= high[:, None]), counts, 0)
    centre = ratio(inner @ levels, inner.sum(axis=1))
    return {
        "mean": mean,
        "variance": variance,
        "skewness": ratio(np.sum(shares * square * deviation, axis=1), variance**1.5),
        "excess_kurtosis": np.where(variance > 0, ratio(fourth, variance**2) - 3, 0),
        "median": median,
        "minimum": minimum,
        "percentile_10": low,
        "percentile_90": high,
        "maximum": maximum,
        "mode": 1.0 + np.argmin(np.where(most, np.abs(deviation), np.inf), axis=1),
        "interquartile_range": upper - lower,
        "range": maximum - minimum,
        "mean_absolute_deviation": _mean_distance(levels, mean, counts),
        "robust_mean_absolute_deviation": _mean_distance(levels, centre, inner),
        "median_absolute_deviation": _mean_distance(levels, median, counts),
        "coefficient_of_variation": np.sqrt(variance) / mean,
        "quartile_coefficient_of_dispersion": (upper - lower) / (lower + upper),
        "entropy": entropy(shares),
        "uniformity": np.sum(shares**2, axis=1),
    }


def _mean_distance(levels: Floats, centre: Column, counts: Whole) -> Column:
    """Average |level − centre| over the pixels that are counted; 0 where none is."""
    distance = np.sum(counts * np.abs(levels - centre[:, None]), axis=1)
    return ratio(distance, counts.sum(axis=1))


def histogram_gradients(counts: Whole) -> dict[str, Column]:
    """Measure how steeply the histograms of n images rise and fall, by feature.

    Args:
        counts: (n, levels) pixels of each level, from 1.

    Returns:
        Feature name without prefix → (n,), in pixels a level.
    """
    # A single level has no neighbours.
    n, number = counts.shape
    gradients = np.zeros((n, 1))
    if number > 1:
        gradients = np.gradient(counts, axis=1)
        # one-sided at the highest level of an image; there is none above it
        last = number - 1 - np.argmax(counts[:, ::-1] > 0, axis=1)
        row = np.arange(n)
        gradients[row, last] = counts[row, last] - counts[row, np.maximum(last - 1, 0)]
        gradients[np.arange(number) > last[:, None]] = np.nan
    return {
        "maximum_histogram_gradient": np.nanmax(gradients, axis=1),
        "maximum_histogram_gradient_intensity": 1.0 + np.nanargmax(gradients, axis=1),
        "minimum_histogram_gradient": np.nanmin(gradients, axis=1),
        "minimum_histogram_gradient_intensity": 1.0 + np.nanargmin(gradients, axis=1),
    }


@dataclass(**STRICT)
class IntensityHistogram(LevelFamily):
    """Intensity histogram features (IBSI ZVCW)."""

    prefix: ClassVar[str] = "intensity_histogram"
    sections: ClassVar[tuple[str, ...]] = ("intensity_histogram", "intensity_histogram_gradients")

    def describe(self, grey: GreyLevels) -> Floats:
        counts = count_levels(grey.levels, grey.number)
        return self.in_order(histogram_statistics(counts) | histogram_gradients(counts))
