"""Traits of images: what they measure, and that no test label or test image is looked at."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.audit.composition import count_levels
from skiagram.audit.traits import MAX_SAMPLE, collect_image_traits, image_traits, sample_cases
from skiagram.near_duplicates.pairs import thumbnail
from tests.audit.planted import patients
from tests.cases import make_cases


def test_each_trait_by_hand():
    image = np.full((40, 64), 100, dtype=np.uint16)
    image[:2, :2] = 7  # a corner
    image[10, -1] = 0  # the right side
    image[20, 20:30] = 900
    found = image_traits(image, (0.2, 0.3))
    by_hand = {
        "format": [40, 64, 1, 1],
        "spacing": [0.2, 0.3],
        "brightness": [image.mean()],
        "clipping": [1 / 2560, 10 / 2560],
        "empty_pixels": [1 / 2560, 0],
    }
    for name, values in by_hand.items():
        assert list(found[name]) == pytest.approx(values), name
    border = np.array(found["border"]).reshape(8, 3)
    assert border[0].tolist() == [7, 7, 7]
    assert border[1:4].tolist() == [[100, 100, 100]] * 3
    assert border[7].tolist() == pytest.approx([100 - 100 / 72, 0, 100])


def test_the_middle_of_an_image_is_no_border():
    image = np.random.default_rng(0).normal(size=(64, 96, 3)).astype(np.float32)
    other = image.copy()
    other[2:-2, 3:-3] += 5
    assert image_traits(image, None)["border"] == image_traits(other, None)["border"]
    assert image_traits(image, None)["format"] == (64, 96, 3, 3)


def test_a_volume_has_its_slices_among_its_traits_and_the_border_of_its_mean_slice():
    volume = np.random.default_rng(0).normal(size=(6, 40, 64, 1)).astype(np.float32)
    found = image_traits(volume, (2.0, 0.5, 0.5))
    by_hand = {
        "format": [6, 40, 64, 1, 3],
        "spacing": [2.0, 0.5, 0.5],
        "border": list(image_traits(volume[..., 0].mean(axis=0), None)["border"]),
        "brightness": [volume.mean()],
    }
    for name, values in by_hand.items():
        assert list(found[name]) == pytest.approx(values, abs=1e-6), name
    assert np.isnan(image_traits(volume, None)["spacing"]).tolist() == [True] * 3


def test_a_volume_is_constant_only_if_all_its_slices_are_one_value():
    volume = np.broadcast_to(np.arange(6, dtype=np.uint8)[:, None, None, None], (6, 8, 8, 1))
    assert count_levels(volume) == count_levels(np.moveaxis(volume, 0, 2)) == 6
    assert count_levels(volume > 2) == 2
    assert count_levels(np.full((6, 8, 8, 1), 3, dtype=np.uint8)) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 3, 3), (5, 2)])
def test_every_shape_has_all_traits(shape):
    lengths = {"border": 24, "brightness": 1, "clipping": 2, "empty_pixels": 2, "format": 4}
    missing = np.full(shape, np.nan, dtype=np.float32)
    for image in (missing, np.ones(shape, dtype=np.uint8)):
        found = image_traits(image, None)
        assert {name: len(found[name]) for name in lengths} == lengths
    assert image_traits(missing, None)["empty_pixels"] == (0, 1)


def test_test_cases_are_not_looked_at(clean, tmp_path):
    table = pd.DataFrame({"case_id": clean.cases.case_id, "age": np.arange(48.0)})
    first = collect_image_traits([clean.store(tmp_path / "one")], clean.cases, table, ())
    for at in range(36, 48):
        clean.images[at] = clean.images[at] + np.uint8(9)
    second = collect_image_traits([clean.store(tmp_path / "other")], clean.cases, table, ())
    assert first.rows.tolist() == second.rows.tolist() == list(range(36))
    for name, values in first.images.items():
        assert_array_equal(values, second.images[name])
    assert first.covariates["age"][:, 0].tolist() == list(range(36))


def test_texts_become_places_and_named_columns_stand_together(clean, tmp_path):
    site = np.array(["Leeds", "York", "Leeds", None] * 12, dtype=object)
    table = pd.DataFrame(
        {"case_id": clean.cases.case_id, "site": site, "kv": np.arange(48.0), "age": 50.0}
    ).sample(frac=1, random_state=0)
    found = collect_image_traits(
        [clean.store(tmp_path)], clean.cases, table, ("kv", "site", "unheard_of")
    )
    assert found.covariates["site"][:4, 0].tolist() == pytest.approx([0, 1, 0, np.nan], nan_ok=True)
    assert found.images["acquisition"].shape == (36, 2)
    assert found.images["acquisition"][5].tolist() == [5, 1]


def test_a_large_set_is_sampled_by_patient():
    n = 3 * MAX_SAMPLE
    patient, split = patients(n // 2, 2), np.where(np.arange(n) < 10, "test", "train")
    cases = make_cases(np.zeros(n, int), split, patient)
    rows = sample_cases(cases)
    assert len(rows) == MAX_SAMPLE == len(np.unique(rows))
    assert (split[rows] == "train").all()
    assert len(np.unique(patient[rows])) == MAX_SAMPLE // 2


@pytest.mark.slow
def test_a_large_picture_needs_no_copies_in_double_precision():
    picture = np.random.default_rng(0).integers(0, 60_000, (4200, 4200), dtype=np.uint16)
    tracemalloc.start()
    for look in (lambda each: image_traits(each, None), thumbnail):
        look(picture)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * picture.nbytes  # differences in single precision are four of them
    small = thumbnail(picture.astype(np.float32))  # not in bands of rows
    assert_allclose(thumbnail(picture), small, rtol=0, atol=1e-6)
