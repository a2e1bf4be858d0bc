"""Duplicates against brute-force correlation, and what must never hide or make one."""

import tempfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Picture
from scipy.ndimage import gaussian_filter

from examples import mini_mias
from skiagram.near_duplicates import pairs as pairs_module
from skiagram.near_duplicates.pairs import (
    EXACT,
    THRESHOLD,
    clusters,
    correlated_pairs,
    duplicate_pairs,
    local_detail,
    stack_blocks,
    thumbnail,
)
from tests.near_duplicates.tissue import store_of


def random_images(n, shape, seed=0):
    draws = np.random.default_rng(seed)
    return [draws.integers(0, 256, shape).astype(np.uint8) for _ in range(n)]


def found(store):
    pairs = duplicate_pairs(store)
    keys = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    values = zip(pairs.correlation.tolist(), (pairs.kind == EXACT).tolist(), strict=True)
    return dict(zip(keys, values, strict=True))


def volumes_of(n, shape, seed=0):
    """Return smooth volumes with a bright middle that all share."""
    draws = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(-1, 1, side) for side in shape], indexing="ij")
    outline = np.exp(-4 * sum(axis**2 for axis in axes))
    smooth = gaussian_filter(draws.normal(size=(n, *shape)), (0, 1, 1, 1))
    return [(outline + each)[..., None].astype(np.float32) for each in smooth]


@pytest.mark.parametrize("shape", [(28, 28, 28), (5, 40, 44)])
def test_a_copy_of_a_volume_is_found_whatever_its_contrast(tmp_path, shape):
    volumes = volumes_of(20, shape)
    noise = np.random.default_rng(1).normal(size=(*shape, 1)) * 0.01
    copy = (3 * volumes[4] + 7 + noise).astype(np.float32)
    pairs = found(store_of(tmp_path, [*volumes, copy, volumes[2].copy()]))
    assert {pair: exact for pair, (_, exact) in pairs.items()} == {(2, 21): True, (4, 20): False}


def test_a_resized_copy_is_a_near_duplicate(tmp_path):
    large = gaussian_filter(np.random.default_rng(2).normal(size=(112, 84)), 3).astype(np.float32)
    small = large.reshape(56, 2, 42, 2).mean(axis=(1, 3))
    correlation, exact = found(store_of(tmp_path, [large, small]))[0, 1]
    assert correlation > 0.995
    assert not exact


def test_identical_constant_images_are_exact_copies(tmp_path):
    blank = [np.full((30, 30), value, dtype=np.uint8) for value in (7, 7, 8)]
    assert found(store_of(tmp_path, blank)) == {(0, 1): (1.0, True)}


@pytest.mark.parametrize("value", [0, 1e-6, 0.1, 1e6])
@pytest.mark.parametrize("shape", [(40, 30), (300, 5), (31, 33, 3), (9, 11, 13, 1)])
def test_a_constant_image_of_any_value_has_no_thumbnail(value, shape):
    constant = np.full(shape, value, dtype=np.float32)
    assert not thumbnail(constant).any()
    assert not local_detail(constant, 28).any()


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_a_near_duplicate_is_found_whatever_the_range_of_its_pixels(tmp_path, offset):
    draws = np.random.default_rng(5)
    image, other = (gaussian_filter(draws.normal(size=(2, 56, 56)), (0, 2, 2))) + offset
    images = [gain * each for each in (image, other) for gain in (1e-6, 1, 1e30)]
    images += [np.full((56, 56), value) for value in (1e-6, 1.0, 1e6)]
    store = store_of(tmp_path, [each.astype(np.float32) for each in images])
    assert set(found(store)) == {(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)}


def test_depth_and_shape_keep_copies_from_being_exact(tmp_path):
    image = random_images(1, (28, 28))[0]
    pairs = found(store_of(tmp_path, [image, image.astype(np.uint16), image.copy()]))
    assert {pair: exact for pair, (_, exact) in pairs.items()} == {
        (0, 1): False,
        (0, 2): True,
        (1, 2): False,
    }


def test_a_few_missing_pixels_do_not_hide_a_copy(tmp_path):
    image = gaussian_filter(np.random.default_rng(4).normal(size=(40, 40)), 2).astype(np.float32)
    holed = image.copy()
    holed[3, 5:9] = np.nan
    assert (0, 1) in found(store_of(tmp_path, [image, holed]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3, 3), (40, 30, 3), (300, 5)])
def test_every_shape_has_a_finite_thumbnail(shape):
    made = thumbnail(random_images(1, shape)[0])
    assert made.shape == (28 * 28,)
    assert np.isfinite(made).all()
    missing = np.full(shape, np.nan, dtype=np.float32)
    assert not thumbnail(missing).any()


def test_clusters_chain_near_duplicates(tmp_path):
    draws = np.random.default_rng(6)
    start, end, other = draws.normal(size=(3, 28, 28))
    chain = [np.cos(turn) * start + np.sin(turn) * end for turn in (0, 0.19, 0.38)]
    store = store_of(tmp_path, [image.astype(np.float32) for image in (*chain, other)])
    assert (0, 2) not in found(store)
    cluster = clusters(duplicate_pairs(store), 4)
    assert cluster[0] == cluster[1] == cluster[2] != cluster[3]


def breasts(count):
    """Return smooth tissue of different breasts within one outline on black ground."""
    row, column = np.mgrid[:160, :128]
    inside = ((row - 80) / 70) ** 2 + (column / 100) ** 2 < 1
    draws = np.random.default_rng(9).normal(size=(count, 160, 128))
    tissue = [gaussian_filter(draw, 2) for draw in draws]
    return [np.where(inside, 150 + 60 * one, 0).astype(np.float32) for one in tissue]


def test_a_shared_outline_alone_makes_no_near_duplicate(tmp_path):
    images = breasts(4)
    first, other = (thumbnail(image) for image in images[:2])
    assert first @ other > THRESHOLD
    assert not found(store_of(tmp_path, [*images]))


@pytest.mark.parametrize("export", ["8 bits", "noise", "half the size", "darker", "JPEG"])
def test_an_export_of_a_film_with_a_shared_outline_is_found(export, tmp_path):
    film, other, *_ = breasts(3)
    encoded = BytesIO()
    Picture.fromarray(film.astype(np.uint8)).save(encoded, "JPEG", quality=75)
    noise = np.random.default_rng(10).normal(size=film.shape)
    copy = {
        "8 bits": (film / film.max() * 255).astype(np.uint8),
        "noise": (film + 3 * noise).astype(np.float32),
        "half the size": film.reshape(80, 2, 64, 2).mean(axis=(1, 3)),
        "darker": np.sqrt(film),
        "JPEG": np.asarray(Picture.open(encoded)),
    }[export]
    assert set(found(store_of(tmp_path, [film, other, copy]))) == {(0, 2)}


@pytest.mark.slow
def test_no_film_of_mini_mias_is_taken_for_another(real_data, tmp_path):
    films = mini_mias.read_films(real_data / "mini-mias").values()
    images = [mini_mias.average(np.where(one.breast, one.pixels, 0), 4) for one in films]
    assert not found(store_of(tmp_path, images))


def test_blocks_and_trees_join_without_a_seam(monkeypatch):
    """More vectors than a block has rows or columns, and pairs across every border."""
    draws = np.random.default_rng(0)
    vectors = draws.normal(size=(2500, 40)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    copies = draws.permutation(2500)[:600]
    vectors[copies[:300]] = vectors[copies[300:]]
    products = np.triu(vectors.astype(np.float64) @ vectors.T, k=1)
    expected = set(zip(*(places.tolist() for places in np.nonzero(products > 0.98)), strict=True))
    assert len(expected) >= 300
    assert set(correlated_pairs(vectors)) == expected
    monkeypatch.setattr(pairs_module, "MOST_COMPARED", 1000)
    assert set(correlated_pairs(vectors)) == expected


def test_very_many_rows_lie_in_a_file_that_nobody_can_leave_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(pairs_module, "MOST_COMPARED", 3)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float16)
    stacked = stack_blocks(iter([rows[:3], rows[3:]]), rows.shape, np.float16)
    np.testing.assert_array_equal(stacked, rows)
    owner = stacked
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    assert isinstance(owner, np.memmap)
    assert not [*tmp_path.iterdir()]
