"""Transformed copies: each kind is found and named, and nothing else is."""

import io

import numpy as np
import pytest
from PIL import Image as PillowImage
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter, rotate
from skimage.transform import resize

from skiagram.near_duplicates import nearest, search
from skiagram.near_duplicates.pairs import clusters
from skiagram.near_duplicates.registration import details_of
from skiagram.near_duplicates.search import find_copies
from tests.near_duplicates.tissue import store_of, wide_tissue


def found(store):
    """Return the transformed copies, without near duplicates."""
    pairs = find_copies(store)
    pairs = pairs.chosen(~pairs.near)
    places = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return dict(zip(places, pairs.kind.tolist(), strict=True))


def compressed(image):
    low, high = image.min(), image.max()
    stored = io.BytesIO()
    scaled = ((image - low) / (high - low) * 255).astype(np.uint8)
    PillowImage.fromarray(scaled).save(stored, "JPEG", quality=10)
    return np.asarray(PillowImage.open(stored))


def turned(wide, degrees):
    return np.asarray(rotate(wide, degrees, reshape=False, order=1)[8:72, 8:72])


KINDS = {
    "mirrored": [lambda wide: wide[8:72, 71:7:-1], lambda wide: wide[71:7:-1, 8:72]],
    "turned by 90°": [lambda wide: np.rot90(wide[8:72, 8:72])],
    "turned by 180°": [lambda wide: np.rot90(wide[8:72, 8:72], 2)],
    "turned by 270°": [lambda wide: np.rot90(wide[8:72, 8:72], 3)],
    "mirrored, turned by 90°": [lambda wide: np.rot90(wide[8:72, 71:7:-1])],
    "mirrored, turned by 270°": [lambda wide: wide[71:7:-1, 71:7:-1].T],
    "turned by a few degrees": [lambda wide: turned(wide, 10), lambda wide: turned(wide, -5)],
    "cropped": [
        lambda wide: wide[8:60, 20:72],
        lambda wide: resize(wide[15:69, 12:66], (64, 64), order=1),
    ],
    "shifted": [lambda wide: wide[0:64, 14:78]],
    "inverted": [lambda wide: 9 - wide[8:72, 8:72]],
    "recompressed": [lambda wide: compressed(wide[8:72, 8:72])],
    "mirrored, inverted": [lambda wide: -wide[8:72, 71:7:-1]],
    "mirrored, cropped": [
        lambda wide: wide[10:66, 66:10:-1],
        lambda wide: wide[71:19:-1, 20:72],
    ],
    "turned by 90°, turned by a few degrees": [lambda wide: np.rot90(turned(wide, -9))],
}


@pytest.mark.slow
@pytest.mark.parametrize("most_compared", [nearest.MOST_COMPARED, 40], ids=["all pairs", "trees"])
def test_each_kind_of_copy_is_found_and_named(most_compared, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "MOST_COMPARED", most_compared)
    monkeypatch.setattr(nearest, "_LEAF", 8)
    wide = wide_tissue(30)
    wide += 0.4 * np.random.default_rng(3).normal(size=wide.shape).astype(np.float32)
    images = list(wide[:, 8:72, 8:72])
    expected, source = {}, 0
    for kind, copies in KINDS.items():
        for copy in copies:
            expected[source, len(images)] = kind
            images.append(copy(wide[source]).astype(np.float32))
            source += 1
    assert found(store_of(tmp_path, images)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "change"),
    [((1, 0), "none"), ((0, 2), "noise"), ((3, -2), "brighter"), ((-4, 3), "tiny")],
)
def test_a_shifted_cut_that_was_changed_is_found(shift, change, tmp_path):
    wide = wide_tissue(30)
    images = list(wide[:, 8:72, 8:72])
    copy = wide[4, 8 + shift[0] : 72 + shift[0], 8 + shift[1] : 72 + shift[1]].copy()
    if change == "brighter":
        copy = 30 + 7 * copy
    if change == "tiny":
        copy *= np.float32(1e-7)
    if change == "noise":
        copy += 0.05 * np.random.default_rng(1).normal(size=copy.shape).astype(np.float32)
    assert list(found(store_of(tmp_path, [*images, copy]))) == [(4, 30)]


@pytest.mark.slow
@pytest.mark.parametrize("offset", [(10, 0), (-10, 10)])
def test_a_small_image_moved_by_a_third_of_its_side_is_found(offset, tmp_path):
    wide = gaussian_filter(np.random.default_rng(1).normal(size=(40, 80, 80)), (0, 1, 1))
    images = list(wide[:, 26:54, 26:54].astype(np.float32))
    down, across = (26 + one for one in offset)
    copy = wide[4, down : down + 28, across : across + 28].astype(np.float32)
    assert found(store_of(tmp_path, [*images, copy])) == {(4, 40): "shifted"}


@pytest.mark.slow
def test_smooth_images_that_share_a_straight_border_are_no_copies(tmp_path):
    draws = np.random.default_rng(7)
    smooth = gaussian_filter(draws.normal(size=(60, 64, 64)), (0, 10, 10))
    smooth /= smooth.std(axis=(1, 2), keepdims=True)
    down, across = np.mgrid[-1:1:64j, -1:1:64j]
    images = []
    for image in smooth:
        angle = draws.uniform(0, 2 * np.pi)
        shown = down * np.sin(angle) + across * np.cos(angle) < draws.uniform(0.2, 0.8)
        images.append(np.where(shown, image + 9, 0).astype(np.float32))
    copy = np.ascontiguousarray(images[3][:, ::-1])
    assert found(store_of(tmp_path, [*images, copy])) == {(3, 60): "mirrored"}


@pytest.mark.slow
def test_a_volume_shifted_along_depth_is_found(tmp_path):
    draws = np.random.default_rng(0)
    smooth = gaussian_filter(draws.normal(size=(20, 20, 32, 32)), (0, 1, 1, 1))
    wide = smooth[..., None].astype(np.float32)
    images = [*wide[:, 2:18], wide[3, 3:19].copy()]
    assert list(found(store_of(tmp_path, images))) == [(3, 20)]


@pytest.mark.slow
def test_images_that_share_an_outline_are_no_copies(tmp_path):
    rim = np.hypot(*np.mgrid[-32:32, -32:32]) < 28
    images = [np.where(rim, 100 + 10 * one[:64, :64], 0) for one in wide_tissue(40, seed=2)]
    assert not found(store_of(tmp_path, [image.astype(np.uint8) for image in images]))


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 5])
def test_constant_and_missing_images_are_no_copies(number, tmp_path):
    blank = [np.full((30, 20), at, dtype=np.float32) for at in range(number)]
    missing = [np.full((9, 9, 3), np.nan, dtype=np.float32)]
    assert not found(store_of(tmp_path, blank + missing))


@pytest.mark.slow
def test_transformed_copies_and_near_duplicates_share_a_cluster(tmp_path):
    images = list(wide_tissue(20)[:, :64, :64])
    store = store_of(tmp_path, [*images, images[3][::-1], images[3] * 2])
    pairs = find_copies(store)
    cluster = clusters(pairs, len(store))
    assert cluster[3] == cluster[20] == cluster[21]
    assert len(np.unique(cluster)) == 20
    assert len(pairs.first) == 3  # none is told twice


@pytest.mark.parametrize("seed", range(8))
def test_detail_is_nothing_where_a_pixel_is_the_same_as_all_around_it(seed):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 1 + 2 ** (seed % 3), (3, 17, 17)).astype(np.float64)
    images[0, 4:12, :9] = images[1] = 5.0
    around = (1, 3, 3)
    empty = maximum_filter(images, around) == minimum_filter(images, around)
    assert (details_of(images)[empty] == 0).all()
    assert empty[0].any()
    assert details_of(images)[~empty].any()
