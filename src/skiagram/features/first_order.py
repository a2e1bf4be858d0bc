"""Feature family `first_order`: statistics of the intensities of a region (IBSI 3.3, UHIW)."""

from bisect import bisect_left, bisect_right
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import FeatureBatch
from skiagram.features.family import RegionFamily
from skiagram.features.feature import Column, Floats, ratio
from skiagram.options import STRICT

FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
ROUNDING = 1e-6  # of the intensities, which have seven digits: a smaller mean is none


def between(below: NDArray[Any], above: NDArray[Any], shares: Floats) -> Floats:
    """Return the points at shares in [0, 1) of the way, from the nearer end as NumPy does."""
    way = above.astype(np.float64) - below
    return np.where(shares < 0.5, below + way * shares, above - way * (1 - shares))


def percentiles(ordered: NDArray[Any]) -> Floats:
    """Return the `FRACTIONS`' percentiles of (n, m) sorted values, (5, n).

    Linearly interpolated (Hyndman and Fan, Am. Stat. 50(4), 1996, type 7).
    """
    last = ordered.shape[1] - 1
    rank = (last * FRACTIONS).astype(np.int64)
    below, above = ordered[:, rank], ordered[:, np.minimum(rank + 1, last)]
    return between(below, above, last * FRACTIONS - rank).T


class Moments(NamedTuple):
    """Mean and mean powers of the deviation from it, each (n,)."""

    mean: Column
    second: Column
    third: Column
    fourth: Column


def moments(values: NDArray[Any]) -> Moments:
    """Return the moments of (n, m) values of any depth."""
    constant = values.min(axis=1) == values.max(axis=1)  # its mean may be off by one rounding
    mean = np.where(constant, values[:, 0], values.mean(axis=1, dtype=np.float64))
    deviation = values - mean[:, None]
    third = np.einsum("ij,ij,ij->i", deviation, deviation, deviation)  # makes no copy
    square = np.square(deviation, out=deviation)
    second, fourth = square.mean(axis=1), np.einsum("ij,ij->i", square, square)
    return Moments(mean, second, third / values.shape[1], fourth / values.shape[1])


def _mean_distance(values: NDArray[Any], centre: Column) -> Column:
    distance = values - centre[:, None]
    mean: Column = np.abs(distance, out=distance).mean(axis=1)
    return mean


def _robust_distance(ordered: NDArray[Any], low: Column, high: Column) -> Column:
    """Return the mean distance from their mean of the intensities in [low, high], 0 if none is."""
    distances = np.zeros(len(ordered))
    for row, (values, least, most) in enumerate(zip(ordered, low, high, strict=True)):
        first, end = bisect_left(values, least), bisect_right(values, most)
        if first < end and least < most:
            kept = values[None, first:end]
            distances[row] = _mean_distance(kept, kept.mean(axis=1, dtype=np.float64))[0]
    return distances


def first_order_statistics(values: NDArray[Any]) -> dict[str, Column]:
    """Return the features by name of n regions of m intensities of any depth, (n, m), finite."""
    ordered = np.sort(values, axis=1)
    p_10, p_25, median, p_75, p_90 = percentiles(ordered)
    minimum, maximum = ordered[:, 0].astype(np.float64), ordered[:, -1].astype(np.float64)
    robust = _robust_distance(ordered, p_10, p_90)
    del ordered
    of = moments(values)
    energy = np.einsum("ij,ij->i", values, values, dtype=np.float64)
    root_mean_square = np.sqrt(energy / values.shape[1])
    # A mean that rounding left of intensities scaled to mean 0 tells nothing, nor what is over it.
    zero = np.abs(of.mean) <= ROUNDING * root_mean_square
    mean, middle = (np.where(zero, 0.0, place) for place in (of.mean, p_75 + p_25))
    return {
        "mean": mean,
        "variance": of.second,
        "skewness": ratio(of.third, of.second**1.5),
        "excess_kurtosis": np.where(of.second > 0, ratio(of.fourth, of.second**2) - 3, 0),
        "median": median,
        "minimum": minimum,
        "percentile_10": p_10,
        "percentile_25": p_25,
        "percentile_75": p_75,
        "percentile_90": p_90,
        "maximum": maximum,
        "interquartile_range": p_75 - p_25,
        "range": maximum - minimum,
        "mean_absolute_deviation": _mean_distance(values, of.mean),
        "robust_mean_absolute_deviation": robust,
        "median_absolute_deviation": _mean_distance(values, median),
        "coefficient_of_variation": ratio(np.sqrt(of.second), mean),
        "quartile_coefficient_of_dispersion": ratio(p_75 - p_25, middle),
        "energy": energy,
        "root_mean_square": root_mean_square,
    }


@dataclass(**STRICT)
class FirstOrder(RegionFamily):
    """First-order statistics (IBSI UHIW) and both quartiles."""

    prefix: ClassVar[str] = "first_order"

    def extract(self, batch: FeatureBatch) -> Floats:
        part = batch.cropped()
        inside = part.inside(self.region, self.prefix)
        images = part.images[..., 0] if part.volumes else part.planes(self.prefix)
        if inside is None:
            return self.in_order(first_order_statistics(images.reshape(len(images), -1)))
        rows = [
            self.in_order(first_order_statistics(image[region][None]))
            for image, region in zip(images, inside, strict=True)
        ]
        return np.concatenate(rows)
