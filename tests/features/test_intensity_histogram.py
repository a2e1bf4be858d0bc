"""The family of histogram features: published values."""

import numpy as np
import pytest

from skiagram.features.batch import Batch
from skiagram.features.discretisation import Discretisation
from skiagram.features.intensity_histogram import IntensityHistogram
from tests.features.ibsi_phantom import PHANTOM

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
    batch = Batch(slices_below_each_other, slices_below_each_other > 0)
    values = six_levels().extract(batch)[0]
    found = dict(zip(six_levels().names(), values, strict=True))
    assert f"{found[f'intensity_histogram_{name}']:.3g}" == f"{PUBLISHED[name]:.3g}"


def test_published_names_are_all_names() -> None:
    assert six_levels().names() == tuple(f"intensity_histogram_{name}" for name in PUBLISHED)


def test_levels_of_other_images_of_the_batch_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    images = np.stack([generator.integers(0, top, (9, 9)) for top in (3, 30, 1)]).astype(np.float32)
    alone = np.vstack([six_levels().extract(Batch(image[None])) for image in images])
    np.testing.assert_allclose(six_levels().extract(Batch(images)), alone, rtol=1e-12)
