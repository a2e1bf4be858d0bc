"""Extraction of a whole store: rows keep their case, faults are named, workers change nothing."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.covariates import Covariates
from skiagram.case_features.extraction import extract
from skiagram.errors import DataError, OptionError
from skiagram.features.batch import FeatureBatch
from skiagram.features.first_order import FirstOrder
from skiagram.features.wavelet import Wavelet
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.images import Region
from tests.features.families import family, of_cases
from tests.numbered_store import write_images


@dataclass(frozen=True)
class Brightness:
    """Energy and mean of the intensities; very bright images are refused."""

    def names(self):
        return ("brightness_energy", "brightness_mean")

    def definitions(self):
        return ()

    def extract(self, batch):
        grey = batch.luminance("brightness")
        if (grey.max(axis=(1, 2)) > 1e30).any():
            raise DataError("too bright", where="features", allowed="up to 1e30")
        return np.stack([(grey**2).sum(axis=(1, 2)), grey.mean(axis=(1, 2))], axis=1)


BRIGHTNESS = Brightness()
WAVELET = Wavelet(wavelet="haar", levels=2, boundary="symmetric")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, size=shape).astype(np.float32)


def test_images_of_mixed_sizes_keep_their_rows(tmp_path):
    shapes = [(8, 8), (8, 8), (5, 9), (8, 8), (1, 1), (600, 600), (600, 600), (8, 8)]
    images = {f"case-{at}": noise(*shape, seed=at) for at, shape in enumerate(shapes)}
    table = extract(write_images(tmp_path, images), [BRIGHTNESS, WAVELET])
    assert table.case_id.tolist() == list(images)
    assert table.names == BRIGHTNESS.names() + WAVELET.names()
    for row, image in enumerate(images.values()):
        assert table.values[row, 1] == pytest.approx(image.mean(dtype=np.float64), rel=1e-6)
        expected = WAVELET.extract(FeatureBatch(image[None]))[0]
        assert_allclose(table.values[row, 2:], expected.astype(np.float32), rtol=1e-5)


def test_missing_pixels_name_the_case(tmp_path):
    images = {"whole": noise(6, 6), "holed": noise(6, 6)}
    images["holed"][2, 2] = np.nan
    with pytest.raises(DataError, match=r"^holed: missing pixels.*fills missing values"):
        extract(write_images(tmp_path, images), [WAVELET])


def test_pixels_missing_far_from_the_region_take_no_part(tmp_path):
    inside = np.zeros((20, 24), dtype=np.bool_)
    inside[8:12, 10:15] = True
    whole, padded, holed = noise(20, 24), noise(20, 24), noise(20, 24)
    padded[:2] = np.nan
    holed[9, 11] = np.nan

    def table(name, families, *images):
        cases = {f"case-{at}": image for at, image in enumerate(images)}
        regions = dict.fromkeys(cases, Region(inside))
        return extract(write_images(tmp_path / name, cases, None, regions), families)

    found = table("padded", [FirstOrder(region="whole")], whole, padded).values
    assert_array_equal(found[0], found[1])
    with pytest.raises(DataError, match=r"case-1: 1 voxels of the region"):
        table("holed", [FirstOrder(region="whole")], whole, holed)


@pytest.mark.parametrize(
    ("name", "reach"), [("gradient", 1), ("lbp", 8), ("local_intensity", 3), ("log_3mm", 6)]
)
def test_pixels_may_be_missing_farther_away_than_a_family_looks(tmp_path, name, reach):
    inside = np.zeros((40, 44), dtype=np.bool_)
    inside[18:22, 18:25] = True
    whole, far, near = (noise(40, 44) for _ in range(3))
    far[17 - reach, 20] = near[18 - reach, 20] = np.nan

    def table(part, *images):
        cases = {f"case-{at}": image for at, image in enumerate(images)}
        regions = dict.fromkeys(cases, Region(inside))
        return extract(write_images(tmp_path / part, cases, (2.0, 2.0), regions), [family(name)])

    found = table("far", whole, far).values
    assert_array_equal(found[0], found[1])
    with pytest.raises(DataError, match="case-1: 1 voxels near the region"):
        table("near", whole, near)


def test_the_first_image_that_a_family_refuses_is_named(tmp_path):
    images = {name: noise(6, 6) for name in "abcd"}
    images["c"][1, 1] = images["d"][1, 1] = 2e30
    with pytest.raises(DataError, match=r"^c: too bright. Allowed: up to 1e30"):
        extract(write_images(tmp_path, images), [WAVELET, BRIGHTNESS])


def test_a_value_too_large_for_the_table_names_feature_and_case(tmp_path):
    images = {"small": noise(6, 6), "huge": np.full((6, 6), 1e29, dtype=np.float32)}
    with pytest.raises(DataError, match=r"^huge: feature `brightness_energy` is inf"):
        extract(write_images(tmp_path, images), [BRIGHTNESS])


class Careless:
    """A family of somebody's own."""

    prefix = "careless"

    def __init__(self, extract):
        self.extract = extract

    def names(self):
        return ("careless_mean",)

    def definitions(self):
        return ()


def centred(batch):
    images = batch.images
    images -= images.mean()
    return images.mean(axis=(1, 2))[:, None]


@pytest.mark.parametrize(
    ("faulty", "found"),
    [
        (centred, "the family `Careless` changes the images"),
        (lambda batch: batch.images.mean(axis=(1, 2)), r"of shape \(2,\)\. Allowed: \(2, 1\)"),
        (lambda batch: np.zeros((1, 1)), r"of shape \(1, 1\)"),
    ],
)
def test_a_family_that_breaks_its_contract_is_named(tmp_path, faulty, found):
    images = {"first": noise(6, 6), "second": noise(6, 6)}
    with pytest.raises(OptionError, match=found):
        extract(write_images(tmp_path, images), [Careless(faulty), WAVELET])


def test_a_family_twice_is_refused(tmp_path):
    store = write_images(tmp_path, {"a": noise(6, 6)})
    with pytest.raises(DataError, match="column of the same name"):
        extract(store, [WAVELET, WAVELET])


def test_covariates_stand_beside_the_features_of_their_own_case(tmp_path):
    store = write_images(tmp_path, {name: noise(6, 6, seed=at) for at, name in enumerate("abc")})
    known = of_cases("cab", diameter_mm=[3.0, 1.0, None])
    table = extract(store, [Covariates(columns=None), WAVELET], CaseHistories(known))
    assert table.names == (*WAVELET.names(), "covariates_diameter_mm")
    assert_array_equal(table.values[:, -1], np.array([1, np.nan, 3], np.float32))


def test_categories_are_those_of_the_data_set_not_of_the_images_at_hand(tmp_path):
    store = write_images(tmp_path, {name: noise(6, 6) for name in "ab"})
    known = of_cases("abc", side=["left", None, "right"])
    table = extract(store, [Covariates(columns=("side",), least_patients=1)], CaseHistories(known))
    assert table.names == ("covariates_side_left", "covariates_side_right")
    assert table.values.tolist() == [[1, 0], [0, 0]]


def test_a_case_without_a_row_of_covariates_is_named(tmp_path):
    store = write_images(tmp_path, {name: noise(6, 6) for name in "ab"})
    known = CaseHistories(of_cases("a", age=[61.0]))
    with pytest.raises(DataError, match=r"^b: 1 cases have no features"):
        extract(store, [Covariates(columns=None)], known)


def test_a_store_of_volumes_becomes_a_table_and_a_refusal_names_the_case(tmp_path):
    volumes = np.random.default_rng(0).normal(size=(5, 8, 9, 10, 1)).astype(np.float32)
    with ShardWriter(tmp_path) as writer:
        for at, volume in enumerate(volumes):
            writer.add(f"c{at}", volume, (2.0, 0.5, 0.5) if at else None)
    store, glcm = ImageStore(tmp_path), family("glcm")
    table = extract(store, [glcm, family("acquisition")])
    expected = glcm.extract(FeatureBatch(volumes))
    assert_allclose(table.values[:, : expected.shape[1]], expected, rtol=1e-6)
    found = dict(zip(table.names, table.values.T, strict=True))
    assert found["acquisition_height"].tolist() == [9] * 5
    assert found["acquisition_pixel_spacing"].tolist() == [0, *[0.5] * 4]
    with pytest.raises(DataError, match="c0: `gabor` is not defined for volumes"):
        extract(store, [family("gabor")])
