"""Feature family `first_order`: statistics of the intensities of a region (IBSI 3.3, UHIW)."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.compiled.loops import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import RegionFamily
from skiagram.features.feature import Column, ratio
from skiagram.strict import STRICT

FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
ROUNDING = 1e-6  # of the intensities, which have seven digits: a smaller mean is none


class Moments(NamedTuple):
    """Mean and mean powers of the deviation from it, each (n,)."""

    mean: Column
    second: Column
    third: Column
    fourth: Column


def moments(values: NDArray[Any]) -> Moments:
    """Compute the moments of values of any depth.

    Args:
        values: (n, m).

    Returns:
        (n,) each, about the mean; of equal values exactly 0.
    """
    constant = values.min(axis=1) == values.max(axis=1)  # its mean may be off by one rounding
    mean = np.where(constant, values[:, 0], values.mean(axis=1, dtype=np.float64))
    deviation = values - mean[:, None]
    third = np.einsum("ij,ij,ij->i", deviation, deviation, deviation)  # makes no copy
    square = np.square(deviation, out=deviation)
    second, fourth = square.mean(axis=1), np.einsum("ij,ij->i", square, square)
    return Moments(mean, second, third / values.shape[1], fourth / values.shape[1])


@compiled
def _summarise(ordered: NDArray[Any], shares: Floats) -> Floats:
    """Summarise (n, m) sorted intensities in one pass, where NumPy would make ten.

    Args:
        shares: The percentiles', (5,), linearly interpolated (Hyndman and Fan, Am. Stat. 50(4),
            1996, type 7).

    Returns:
        (13, n): percentiles; mean; mean second to fourth power of the deviation from it, distance
        from it and from the median; mean distance of what lies within the outer percentiles from
        its own mean; sum of squares.
    """
    last = ordered.shape[1] - 1
    summary = np.zeros((13, len(ordered)))
    for row in range(len(ordered)):
        values = ordered[row]
        # Percentiles between the two ranks around them, as NumPy has them.
        for k in range(len(shares)):
            rank = int(last * shares[k])
            below, above = np.float64(values[rank]), np.float64(values[min(rank + 1, last)])
            share = last * shares[k] - rank
            near = below + (above - below) * share
            summary[k, row] = near if share < 0.5 else above - (above - below) * (1 - share)
        mean, median = _mean(values), summary[2, row]
        # Sums of powers of the deviations.
        second = third = fourth = distance = from_median = energy = 0.0
        for value in values:
            deviation = value - mean
            square = deviation * deviation
            second += square
            third += square * deviation
            fourth += square * square
            distance += abs(deviation)
            from_median += abs(value - median)
            energy += np.float64(value) * value
        sums = (second, third, fourth, distance, from_median)
        # Means of these sums.
        summary[5, row] = mean
        for k in range(5):
            summary[6 + k, row] = sums[k] / len(values)
        # The mean absolute deviation of the values between the outer percentiles.
        low, high = summary[0, row], summary[4, row]
        central_values = values[
            np.searchsorted(values, low) : np.searchsorted(values, high, side="right")
        ]
        if len(central_values) and low < high:
            centre = _mean(central_values)
            for value in central_values:
                summary[11, row] += abs(value - centre) / len(central_values)
        summary[12, row] = energy
    return summary


@compiled
def _mean(ordered: NDArray[Any]) -> float:
    """Average sorted intensities, in the order in which they stand."""
    if ordered[0] == ordered[-1]:  # may else be off by one rounding
        return np.float64(ordered[0])
    total = 0.0
    for value in ordered:
        total += value
    return total / len(ordered)


def first_order_statistics(values: NDArray[Any]) -> dict[str, Column]:
    """Compute the features of n regions, by name.

    Args:
        values: (n, m) intensities of any depth, finite.

    Returns:
        Feature name without prefix → (n,).
    """
    # Sorted once, for percentiles and extremes.
    ordered = np.sort(values, axis=1).astype(np.result_type(values, np.float32), copy=False)
    summary = _summarise(ordered, FRACTIONS)
    p_10, p_25, median, p_75, p_90, mean, second, third, fourth, from_mean, from_median = summary[
        :11
    ]
    robust, energy = summary[11:]
    minimum, maximum = ordered[:, 0].astype(np.float64), ordered[:, -1].astype(np.float64)
    root_mean_square = np.sqrt(energy / values.shape[1])
    # A mean that rounding left of intensities scaled to mean 0 tells nothing, nor what is over it.
    zero = np.abs(mean) <= ROUNDING * root_mean_square
    mean, middle = (np.where(zero, 0.0, place) for place in (mean, p_75 + p_25))
    return {
        "mean": mean,
        "variance": second,
        "skewness": ratio(third, second**1.5),
        "excess_kurtosis": np.where(second > 0, ratio(fourth, second**2) - 3, 0),
        "median": median,
        "minimum": minimum,
        "percentile_10": p_10,
        "percentile_25": p_25,
        "percentile_75": p_75,
        "percentile_90": p_90,
        "maximum": maximum,
        "interquartile_range": p_75 - p_25,
        "range": maximum - minimum,
        "mean_absolute_deviation": from_mean,
        "robust_mean_absolute_deviation": robust,
        "median_absolute_deviation": from_median,
        "coefficient_of_variation": ratio(np.sqrt(second), mean),
        "quartile_coefficient_of_dispersion": ratio(p_75 - p_25, middle),
        "energy": energy,
        "root_mean_square": root_mean_square,
    }


@dataclass(**STRICT)
class FirstOrder(RegionFamily):
    """First-order statistics (IBSI UHIW) and both quartiles."""

    prefix: ClassVar[str] = "first_order"

    def extract(self, batch: FeatureBatch) -> Floats:
        # Without a region all images have as many pixels, and are summarised at once.
        part = batch.cropped()
        inside = part.inside(self.region, self.prefix)
        images = part.grey(self.prefix)
        if inside is None:
            return self.in_order(first_order_statistics(images.reshape(len(images), -1)))
        rows = [
            self.in_order(first_order_statistics(image[region][None]))
            for image, region in zip(images, inside, strict=True)
        ]
        return np.concatenate(rows)
