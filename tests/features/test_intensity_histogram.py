"""Statistics of grey levels against those of the same levels as intensities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.first_order import FirstOrderStatistics
from skiagram.features.intensity_histogram import (
    HistogramGradients,
    HistogramStatistics,
    IntensityHistogram,
    count_levels,
)
from tests.features.ibsi_phantom import PHANTOM

SHARED = sorted({*HistogramStatistics.names("x")} & {*FirstOrderStatistics.names("x")})


@given(arrays(np.uint16, (2, 1, 4, 7), elements=st.integers(1, 12)))
def test_levels_have_the_statistics_of_intensities(levels: np.ndarray) -> None:
    found = HistogramStatistics(count_levels(levels, 12))
    expected = FirstOrderStatistics(levels.astype(np.float64))
    assert len(SHARED) == 16
    for name in (name.removeprefix("x_") for name in SHARED):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), atol=1e-9, err_msg=name
        )


def test_of_several_modes_the_nearest_to_the_mean_counts() -> None:
    counts = np.array([[4, 0, 1, 4, 1], [5, 0, 5, 0, 0]])
    assert HistogramStatistics(counts).mode.tolist() == [4, 1]


@pytest.mark.parametrize("levels", [2, 8, 32])
def test_equally_frequent_levels_have_most_bits_and_least_uniformity(levels: int) -> None:
    found = HistogramStatistics(np.full((1, levels), 3))
    assert found.entropy[0] == pytest.approx(np.log2(levels))
    assert found.uniformity[0] == pytest.approx(1 / levels)


@given(arrays(np.int64, (9,), elements=st.integers(0, 20)), st.integers(0, 4))
def test_empty_levels_above_the_highest_do_not_count(counts: np.ndarray, more: int) -> None:
    counts[-1] += 1
    gradient = np.gradient(counts)
    found = HistogramGradients(np.pad(counts, (0, more))[None]).columns()[0]
    assert found.tolist() == [
        gradient.max(),
        1 + gradient.argmax(),
        gradient.min(),
        1 + gradient.argmin(),
    ]


def test_a_single_level_has_no_gradient() -> None:
    for counts in ([[7]], [[7, 0, 0]]):
        assert HistogramGradients(np.array(counts)).columns().tolist() == [[0, 1, 0, 1]]


# Reference values of the digital phantom, IBSI reference manual, section 3.4.
PUBLISHED = {
    "mean": 2.15,
    "variance": 3.05,
    "skewness": 1.08,
    "excess_kurtosis": -0.355,
    "median": 1,
    "minimum": 1,
    "percentile_10": 1,
    "percentile_90": 4,
    "maximum": 6,
    "mode": 1,
    "interquartile_range": 3,
    "range": 5,
    "mean_absolute_deviation": 1.55,
    "robust_mean_absolute_deviation": 1.11,
    "median_absolute_deviation": 1.15,
    "coefficient_of_variation": 0.812,
    "quartile_coefficient_of_dispersion": 0.6,
    "entropy": 1.27,
    "uniformity": 0.512,
    "maximum_histogram_gradient": 8,
    "maximum_histogram_gradient_intensity": 3,
    "minimum_histogram_gradient": -50,
    "minimum_histogram_gradient_intensity": 1,
}


def six_levels(region: str = "whole") -> IntensityHistogram:
    return IntensityHistogram(
        levels=Discretisation(bin_number=None, bin_width=1.0),
        region=region,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_digital_phantom_gives_the_published_value(name: str) -> None:
    slices_below_each_other = PHANTOM.reshape(1, 16, 5).astype(np.float32)
    batch = FeatureBatch(slices_below_each_other, slices_below_each_other > 0)
    values = six_levels().extract(batch)[0]
    found = dict(zip(six_levels().names(), values, strict=True))
    assert f"{found[f'intensity_histogram_{name}']:.3g}" == f"{PUBLISHED[name]:.3g}"


def test_published_names_are_all_names() -> None:
    assert six_levels().names() == tuple(f"intensity_histogram_{name}" for name in PUBLISHED)


def test_levels_of_other_images_of_the_batch_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    images = np.stack([generator.integers(0, top, (9, 9)) for top in (3, 30, 1)]).astype(np.float32)
    alone = np.vstack([six_levels().extract(FeatureBatch(image[None])) for image in images])
    np.testing.assert_allclose(six_levels().extract(FeatureBatch(images)), alone, rtol=1e-12)
