"""Statistics of grey levels against those of the same levels as intensities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation, count_levels
from skiagram.features.first_order import first_order_statistics
from skiagram.features.intensity_histogram import (
    IntensityHistogram,
    histogram_gradients,
    histogram_statistics,
)


@pytest.mark.slow
@given(arrays(np.uint16, (2, 1, 4, 7), elements=st.integers(1, 12)))
def test_levels_have_the_statistics_of_intensities(levels: np.ndarray) -> None:
    found = histogram_statistics(count_levels(levels, 12))
    expected = first_order_statistics(levels.reshape(len(levels), -1).astype(np.float64))
    shared = set(found) & set(expected)
    assert len(shared) == 16
    for name in shared:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-9, err_msg=name)


def test_of_several_modes_the_nearest_to_the_mean_counts() -> None:
    counts = np.array([[4, 0, 1, 4, 1], [5, 0, 5, 0, 0]])
    assert histogram_statistics(counts)["mode"].tolist() == [4, 1]


@pytest.mark.parametrize("levels", [2, 8, 32])
def test_equally_frequent_levels_have_most_bits_and_least_uniformity(levels: int) -> None:
    found = histogram_statistics(np.full((1, levels), 3))
    assert found["entropy"][0] == pytest.approx(np.log2(levels))
    assert found["uniformity"][0] == pytest.approx(1 / levels)


@pytest.mark.slow
@given(arrays(np.int64, (9,), elements=st.integers(0, 20)), st.integers(0, 4))
def test_empty_levels_above_the_highest_do_not_count(counts: np.ndarray, more: int) -> None:
    counts[-1] += 1
    gradient = np.gradient(counts)
    found = histogram_gradients(np.pad(counts, (0, more))[None])
    assert [column[0] for column in found.values()] == [
        gradient.max(),
        1 + gradient.argmax(),
        gradient.min(),
        1 + gradient.argmin(),
    ]


def test_a_single_level_has_no_gradient() -> None:
    for counts in ([[7]], [[7, 0, 0]]):
        found = histogram_gradients(np.array(counts))
        assert [column[0] for column in found.values()] == [0, 1, 0, 1]


def six_levels(region: str = "whole") -> IntensityHistogram:
    return IntensityHistogram(
        levels=Discretisation(bin_number=None, bin_width=1.0),
        region=region,  # type: ignore[arg-type]
    )


def test_levels_of_other_images_of_the_batch_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    images = np.stack([generator.integers(0, top, (9, 9)) for top in (3, 30, 1)]).astype(np.float32)
    alone = np.vstack([six_levels().extract(FeatureBatch(image[None])) for image in images])
    np.testing.assert_allclose(six_levels().extract(FeatureBatch(images)), alone, rtol=1e-12)
