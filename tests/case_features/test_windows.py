"""Windows around places: what is cut, and that its features are those of a small image."""

import numpy as np
from numpy.testing import assert_allclose

from skiagram.case_features.windows import Windows, describe_places
from skiagram.features.batch import FeatureBatch
from skiagram.records.places import tabulate_places
from tests.features.families import family
from tests.numbered_store import write_images

FAMILY = family("first_order")


def test_a_window_is_the_mean_of_its_pixels():
    image = np.random.default_rng(0).normal(size=(64, 80)).astype(np.float32)
    cut = Windows(widths=(16.0,), side=8).cut(image, (0.5, 0.5), np.array([[31.5, 39.5]]), 16.0)
    expected = image[16:48, 24:56].reshape(8, 4, 8, 4).mean(axis=(1, 3))
    assert_allclose(cut[0], expected, rtol=1e-5, atol=1e-6)


def test_beyond_the_edge_the_image_is_mirrored():
    image = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    cut = Windows(widths=(8.0,), side=8).cut(image, None, np.array([[0.0, 16.0]]), 8.0)[0]
    assert_allclose(cut[:4], cut[4:][::-1], atol=1e-6)


def test_rows_are_those_of_the_places_whatever_the_number_of_widths(tmp_path):
    generator = np.random.default_rng(0)
    images = {f"c{k}": generator.normal(size=(40, 40)).astype(np.float32) for k in range(3)}
    store = write_images(tmp_path / "images", images, (1.0, 1.0))
    places = tabulate_places(
        [("c0", (20.5, 20.5), 1.0), ("c2", (15.5, 20.5), 1.0), ("c2", (20.5, 15.5), 1.0)]
    )
    table = describe_places(store, places, [FAMILY], Windows(widths=(8.0, 16.0), side=8))
    assert table.case_id.tolist() == ["c0", "c2", "c2"]
    assert {name.split(".")[0] for name in table.names} == {"8mm", "16mm"}
    near = np.stack([images["c0"][17:25, 17:25], images["c2"][12:20, 17:25]])
    own = FAMILY.extract(FeatureBatch(near, spacing=np.ones((2, 2))))
    assert_allclose(table.values[:2, : own.shape[1]], own, rtol=1e-5)
    volumes = np.stack([images[case] for case in images])[..., None]
    assert Windows(widths=(8.0,), side=8).cut(volumes, None, np.array([[1, 9, 9]]), 8.0).shape == (
        *(1, 8, 8, 8, 1),
    )


def test_without_places_there_is_no_row(tmp_path):
    store = write_images(tmp_path, {"c0": np.ones((20, 20), np.float32)})
    windows = Windows(widths=(8.0,), side=8)
    table = describe_places(store, tabulate_places([]), [FAMILY], windows)
    table.write(tmp_path / "table.parquet")
    assert len(type(table).read(tmp_path / "table.parquet")) == 0
