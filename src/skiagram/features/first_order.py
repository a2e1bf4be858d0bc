"""Feature family `first_order`: statistics of the intensities of a region (IBSI 3.3, UHIW)."""

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import RegionFamily
from skiagram.features.feature import Column, ratio
from skiagram.features.order_statistics import percentiles
from skiagram.options import STRICT

_FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


class Moments(NamedTuple):
    """What first-order statistics are made of, each (n,) float64.

    `second` to `fourth` are mean powers of the deviation from the mean; `from_mean`, `from_median`
    and `robust` mean absolute deviations, the last among the intensities from the 10th to the 90th
    percentile, from their own mean (0 where there is none).
    """

    minimum: Column
    maximum: Column
    mean: Column
    energy: Column
    mean_square: Column
    second: Column
    third: Column
    fourth: Column
    percentile_10: Column
    percentile_25: Column
    median: Column
    percentile_75: Column
    percentile_90: Column
    from_mean: Column
    from_median: Column
    robust: Column


def moments(images: NDArray[np.float64], inside: NDArray[np.bool_] | None) -> Moments:
    """Return what first-order statistics are made of.

    Args:
        images: (n, ...), finite.
        inside: Of the same shape, true in the region, at least one pixel per image; None for all.
    """
    n = len(images)
    region = np.ones((1, 1), dtype=np.bool_) if inside is None else inside.reshape(n, -1)
    return Moments(*_moments(np.ascontiguousarray(images.reshape(n, -1)), region).T)


@compiled
def _moments(images: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    results = np.empty((len(images), 16))
    for image in range(len(images)):
        values = images[image]
        if inside.shape == images.shape:
            values = _kept(values, inside[image])
        lowest, highest = _central(values, results[image])
        quantiles = percentiles(values, _FRACTIONS, lowest, highest)
        for rank in range(len(quantiles)):
            results[image, 8 + rank] = quantiles[rank]
        _deviations(values, results[image])
    return results


@compiled
def _kept(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    used = 0
    for pixel in range(len(values)):
        used += inside[pixel]
    inner, used = np.empty(used), 0
    for pixel in range(len(values)):
        if inside[pixel]:
            inner[used] = values[pixel]
            used += 1
    return inner


@compiled
def _central(values: NDArray[np.float64], result: NDArray[np.float64]) -> tuple[float, float]:
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
    result[0], result[1], result[2], result[3] = lowest, highest, mean, energy
    result[4], result[5] = energy / len(values), second / len(values)
    result[6], result[7] = third / len(values), fourth / len(values)
    return lowest, highest


@compiled
def _deviations(values: NDArray[np.float64], result: NDArray[np.float64]) -> None:
    mean, low, median, high = result[2], result[8], result[10], result[12]
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
    result[13], result[14], result[15] = from_mean / len(values), from_median / len(values), robust


def first_order_statistics(
    images: NDArray[np.float64], inside: NDArray[np.bool_] | None = None
) -> dict[str, Column]:
    """Return the features of n images by name; arguments as those of `moments`."""
    of = moments(images, inside)
    middle = of.percentile_75 - of.percentile_25
    return {
        "mean": of.mean,
        "variance": of.second,
        "skewness": ratio(of.third, of.second**1.5),
        "excess_kurtosis": np.where(of.second > 0, ratio(of.fourth, of.second**2) - 3, 0),
        "median": of.median,
        "minimum": of.minimum,
        "percentile_10": of.percentile_10,
        "percentile_25": of.percentile_25,
        "percentile_75": of.percentile_75,
        "percentile_90": of.percentile_90,
        "maximum": of.maximum,
        "interquartile_range": middle,
        "range": of.maximum - of.minimum,
        "mean_absolute_deviation": of.from_mean,
        "robust_mean_absolute_deviation": of.robust,
        "median_absolute_deviation": of.from_median,
        "coefficient_of_variation": ratio(np.sqrt(of.second), of.mean),
        "quartile_coefficient_of_dispersion": ratio(middle, of.percentile_75 + of.percentile_25),
        "energy": of.energy,
        "root_mean_square": np.sqrt(of.mean_square),
    }


@dataclass(**STRICT)
class FirstOrder(RegionFamily):
    """First-order statistics (IBSI UHIW) and both quartiles."""

    prefix: ClassVar[str] = "first_order"

    def extract(self, batch: FeatureBatch) -> NDArray[np.float64]:
        """Compute the features of n images or volumes, (n, 20)."""
        images = batch.intensities("first_order")
        inside = batch.inside(self.region, "first_order")
        return self.in_order(first_order_statistics(images, inside))
