"""Moments, percentiles and deviations of the intensities of a region, a few passes an image."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled
from skiagram.features.kernels.order_statistics import percentiles

_FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


class Moments(NamedTuple):
    """What first-order statistics are made of, each (n,) float64.

    Attributes:
        minimum: Smallest intensity.
        maximum: Largest intensity.
        mean: Mean intensity.
        energy: Sum of the squared intensities.
        mean_square: Mean of the squared intensities.
        second: Mean squared deviation from the mean.
        third: Mean cubed deviation from the mean.
        fourth: Mean deviation from the mean to the fourth power.
        percentile_10: 10th percentile, linearly interpolated like the others.
        percentile_25: Lower quartile.
        median: Median.
        percentile_75: Upper quartile.
        percentile_90: 90th percentile.
        from_mean: Mean absolute deviation from the mean.
        from_median: Mean absolute deviation from the median.
        robust: Mean absolute deviation among the intensities from the 10th to the 90th percentile,
            from their own mean; 0 where there is none.
    """

    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    energy: NDArray[np.float64]
    mean_square: NDArray[np.float64]
    second: NDArray[np.float64]
    third: NDArray[np.float64]
    fourth: NDArray[np.float64]
    percentile_10: NDArray[np.float64]
    percentile_25: NDArray[np.float64]
    median: NDArray[np.float64]
    percentile_75: NDArray[np.float64]
    percentile_90: NDArray[np.float64]
    from_mean: NDArray[np.float64]
    from_median: NDArray[np.float64]
    robust: NDArray[np.float64]


def moments(images: NDArray[np.float64], inside: NDArray[np.bool_] | None) -> Moments:
    """Return what first-order statistics are made of.

    Args:
        images: (n, ...), finite.
        inside: Of the same shape, true in the region, at least one pixel an image; None for all.
    """
    n = len(images)
    region = np.ones((1, 1), dtype=np.bool_) if inside is None else inside.reshape(n, -1)
    return Moments(*_moments(np.ascontiguousarray(images.reshape(n, -1)), region).T)


@compiled
def _moments(images: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    found = np.empty((len(images), 16))
    for image in range(len(images)):
        values = images[image]
        if inside.shape == images.shape:
            values = _kept(values, inside[image])
        lowest, highest = _central(values, found[image])
        quantiles = percentiles(values, _FRACTIONS, lowest, highest)
        for at in range(len(quantiles)):
            found[image, 8 + at] = quantiles[at]
        _deviations(values, found[image])
    return found


@compiled
def _kept(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    kept = np.empty(inside.sum())
    used = 0
    for pixel in range(len(values)):
        if inside[pixel]:
            kept[used] = values[pixel]
            used += 1
    return kept


@compiled
def _central(values: NDArray[np.float64], found: NDArray[np.float64]) -> tuple[float, float]:
    lowest = highest = values[0]
    total = energy = 0.0
    for value in values:
        lowest, highest = min(lowest, value), max(highest, value)
        total += value
        energy += value * value
    mean = total / len(values)
    if lowest == highest:  # their mean may be off by one rounding
        mean = lowest
    second = third = fourth = 0.0
    for value in values:
        square = (value - mean) * (value - mean)
        second += square
        third += square * (value - mean)
        fourth += square * square
    found[0], found[1], found[2], found[3] = lowest, highest, mean, energy
    found[4], found[5] = energy / len(values), second / len(values)
    found[6], found[7] = third / len(values), fourth / len(values)
    return lowest, highest


@compiled
def _deviations(values: NDArray[np.float64], found: NDArray[np.float64]) -> None:
    mean, low, median, high = found[2], found[8], found[10], found[12]
    from_mean = from_median = total = robust = 0.0
    count = 0
    for value in values:
        from_mean += abs(value - mean)
        from_median += abs(value - median)
        if low <= value <= high:
            total += value
            count += 1
    if count > 0:
        centre = low if low == high else total / count
        for value in values:
            if low <= value <= high:
                robust += abs(value - centre)
        robust /= count
    found[13], found[14], found[15] = from_mean / len(values), from_median / len(values), robust
