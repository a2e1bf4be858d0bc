"""Volumes through every family: finite features, or a refusal by name."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.extraction import extract
from skiagram.features.family import FeatureFamily
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.options import build

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "features"
FAMILIES = {
    path.stem: path
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.stem not in ("covariates", "earlier", "measured", "site")  # of the table
}
VOLUME_FAMILIES = (
    *("first_order", "intensity_histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"),
    "acquisition",
)
small = st.integers(0, 3).map(float) | st.floats(-(2.0**100), 2.0**100, width=32)


def family(name: str) -> FeatureFamily:
    built: FeatureFamily = build(yaml.safe_load(FAMILIES[name].read_text()), name)
    return built


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - set(VOLUME_FAMILIES)))
def test_a_family_describes_volumes_or_refuses_them_by_name(name: str) -> None:
    volumes = FeatureBatch(np.zeros((1, 3, 16, 16, 1), dtype=np.float32), spacing=np.ones((1, 3)))
    try:
        assert np.isfinite(family(name).extract(volumes)).all()
    except DataError as error:
        assert f"`{name}` is not defined for volumes (here 3 slices)" in str(error)  # noqa: PT017
        assert f"leave `{name}` out of `features`" in str(error)  # noqa: PT017


def test_the_page_on_volumes_lists_the_families_that_describe_them() -> None:
    page = (FOLDER.parents[1] / "docs" / "how-to" / "volumes.md").read_text(encoding="utf-8")
    assert f"features: {','.join(VOLUME_FAMILIES)}\n" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", VOLUME_FAMILIES)
@settings(max_examples=20, deadline=None)
@given(arrays(np.float32, array_shapes(min_dims=4, max_dims=4, max_side=5), elements=small))
def test_every_feature_of_every_finite_volume_is_finite(name: str, volumes: np.ndarray) -> None:
    values = family(name).extract(FeatureBatch(volumes[..., None]))
    assert values.shape == (len(volumes), len(family(name).names()))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", VOLUME_FAMILIES)
def test_a_volume_of_one_slice_is_described_as_the_image(name: str) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 9, 11)).astype(np.float32)
    as_volumes = FeatureBatch(images[:, None, :, :, None])
    np.testing.assert_allclose(
        family(name).extract(as_volumes), family(name).extract(FeatureBatch(images))
    )


def test_bright_voxels_of_a_volume_are_those_of_its_slices_side_by_side() -> None:
    volumes = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)
    found = FeatureBatch(volumes[..., None]).region("bright", "a")
    beside = FeatureBatch(volumes.reshape(2, 20, 6)).region("bright", "a")
    np.testing.assert_array_equal(found, beside.reshape(volumes.shape))


def test_a_store_of_volumes_becomes_a_table_and_a_refusal_names_the_case(tmp_path: Path) -> None:
    volumes = np.random.default_rng(0).normal(size=(5, 8, 9, 10, 1)).astype(np.float32)
    with ShardWriter(tmp_path) as writer:
        for at, volume in enumerate(volumes):
            writer.add(f"c{at}", volume, (2.0, 0.5, 0.5) if at else None)
    store, chosen = ImageStore(tmp_path), [family("glcm"), family("acquisition")]
    table = extract(store, chosen)
    expected = [one.extract(FeatureBatch(volumes)) for one in chosen[:1]]
    np.testing.assert_allclose(table.values[:, : expected[0].shape[1]], expected[0], rtol=1e-6)
    found = dict(zip(table.names, table.values.T, strict=True))
    assert found["acquisition_height"].tolist() == [9] * 5
    assert found["acquisition_pixel_spacing"].tolist() == [0, *[0.5] * 4]
    with pytest.raises(DataError, match="c0: `gabor` is not defined for volumes"):
        extract(store, [family("gabor")])
