"""What every feature family of grey images promises, tried on every option file."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily
from skiagram.options import build

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "features"


def family(name: str) -> FeatureFamily:
    built: FeatureFamily = build(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()), name)
    return built


CHANGED = {
    "perturbed",
    "permuted",
}  # by an image's bytes; their families refuse by their names
ANY_CHANNELS = {"acquisition"}  # of the file, not of what it shows
OTHERS = {
    *(
        "colour",
        "covariates",
        "earlier",
        "measured",
        "site",
    ),  # channels, no single image
    *("morphology", "local_intensity", "log_3mm"),  # need volumes, or a spacing
}
FAMILIES = {
    path.stem: family(path.stem)
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.stem not in OTHERS
}
pytestmark = pytest.mark.parametrize("name", FAMILIES)
any_finite = st.floats(-(2.0**100), 2.0**100, width=32)
flat_or_ragged = st.one_of(any_finite, st.integers(0, 3).map(float))


def test_names_carry_the_family_and_are_distinct(name: str) -> None:
    names = FAMILIES[name].names()
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(rf"{name}[._]([0-9]+\.)?[a-z0-9_]+", feature) for feature in names)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    arrays(np.float32, array_shapes(min_dims=3, max_dims=3, max_side=9), elements=flat_or_ragged)
)
def test_every_feature_of_every_finite_image_is_finite(name: str, images: np.ndarray) -> None:
    values = FAMILIES[name].extract(FeatureBatch(images))
    assert values.shape == (len(images), len(FAMILIES[name].names()))
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


def test_a_region_of_interest_counts_or_is_refused_by_name(name: str) -> None:
    images = np.random.default_rng(1).normal(size=(2, 20, 24)).astype(np.float32)
    masks = np.zeros(images.shape, dtype=np.bool_)
    masks[:, 4:15, 3:17] = True
    try:
        found = FAMILIES[name].extract(FeatureBatch(images, masks))
    except DataError as error:
        assert f"`{name}` is not defined in a region of interest" in str(error)  # noqa: PT017
        return
    same = np.array_equal(found, FAMILIES[name].extract(FeatureBatch(images)))
    assert same == (name in ANY_CHANNELS)


@pytest.mark.parametrize("value", [0.1, 1e30])
@pytest.mark.parametrize("shape", [(1, 1), (17, 9)])
def test_constant_image_is_described(name: str, shape: tuple[int, int], value: float) -> None:
    assert np.isfinite(
        FAMILIES[name].extract(FeatureBatch(np.full((1, *shape), value, np.float32)))
    ).all()


def test_a_batch_equals_its_images_one_by_one(name: str) -> None:
    images = np.random.default_rng(0).integers(0, 255, size=(5, 20, 13)).astype(np.float32)
    images[1] = 3
    images[2] /= 16
    alone = np.vstack([FAMILIES[name].extract(FeatureBatch(image[None])) for image in images])
    np.testing.assert_allclose(
        FAMILIES[name].extract(FeatureBatch(images)), alone, rtol=1e-12, atol=1e-12
    )


@pytest.mark.slow
def test_sixteen_bit_films_fit_the_table(name: str) -> None:
    film = np.full((1, 512, 512), 65535, dtype=np.float32)
    film[0, ::2] = 0
    assert np.isfinite(FAMILIES[name].extract(FeatureBatch(film)).astype(np.float32)).all()


@pytest.mark.slow
def test_colour_is_described_by_its_luminance(name: str) -> None:
    if name in CHANGED:
        pytest.skip("each channel is changed by itself")
    grey = np.random.default_rng(0).integers(0, 255, size=(2, 16, 16)).astype(np.float32)
    colour = np.repeat(grey[..., None], 3, axis=-1)
    found, expected = (
        FAMILIES[name].extract(FeatureBatch(colour)),
        FAMILIES[name].extract(FeatureBatch(grey)),
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_four_channels_are_refused_by_name_or_described(name: str) -> None:
    if name in ANY_CHANNELS:
        assert FAMILIES[name].extract(FeatureBatch(np.zeros((1, 8, 8, 4), dtype=np.float32))).any()
        return
    who = "first_order" if name in CHANGED else name
    with pytest.raises(DataError, match=f"`{who}` is not defined for 4 channels"):
        FAMILIES[name].extract(FeatureBatch(np.zeros((1, 8, 8, 4), dtype=np.float32)))
