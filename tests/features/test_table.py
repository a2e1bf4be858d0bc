"""The feature table: extraction from a store, selection, file form."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.features.batch import Batch
from skiagram.features.covariates import Covariates
from skiagram.features.discretisation import Discretisation
from skiagram.features.statistics import Statistics
from skiagram.features.table import FeatureTable, extract
from skiagram.features.wavelet import Wavelet
from skiagram.store import Image, ImageStore, ShardWriter
from tests.features.covariate_table import of_cases

STATISTICS = Statistics(histogram=Discretisation(bin_number=8, bin_width=None), zones=2)
WAVELET = Wavelet(wavelet="haar", levels=2, boundary="symmetric")


def stored(folder: Path, images: dict[str, Image]) -> ImageStore:
    with ShardWriter(folder) as writer:
        for case_id, image in images.items():
            writer.add(case_id, image)
    return ImageStore(folder)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0, 255, size=shape).astype(np.float32)


def test_images_of_mixed_sizes_keep_their_rows(tmp_path: Path) -> None:
    shapes = [(8, 8), (8, 8), (5, 9), (8, 8), (1, 1), (600, 600), (600, 600)]
    images = {f"case-{at}": noise(*shape, seed=at) for at, shape in enumerate(shapes)}
    table = extract(stored(tmp_path, images), [STATISTICS, WAVELET])
    assert table.case_id.tolist() == list(images)
    assert table.names == STATISTICS.names() + WAVELET.names()
    for row, image in enumerate(images.values()):
        expected = np.hstack(
            [family.extract(Batch(image[None])) for family in (STATISTICS, WAVELET)]
        )
        np.testing.assert_allclose(table.values[row], expected[0].astype(np.float32), rtol=1e-5)


def test_table_survives_its_file(tmp_path: Path) -> None:
    images = {"b": noise(6, 6), "a": noise(6, 6, seed=1)}
    table = extract(stored(tmp_path / "store", images), [STATISTICS])
    table.write(tmp_path / "features.parquet")
    read = FeatureTable.read(tmp_path / "features.parquet")
    assert read.names == table.names
    assert read.values.dtype == np.float32
    assert read.case_id.tolist() == ["b", "a"]
    np.testing.assert_array_equal(read.values, table.values)


def test_rows_are_found_by_case(tmp_path: Path) -> None:
    images = {name: noise(6, 6, seed=at) for at, name in enumerate("abc")}
    table = extract(stored(tmp_path, images), [STATISTICS])
    chosen = table.of(np.array(["c", "a"]))
    np.testing.assert_array_equal(chosen.values, table.values[[2, 0]])
    with pytest.raises(DataError, match=r"d: 1 cases without features"):
        table.of(np.array(["a", "d"]))


def test_missing_pixels_name_the_case(tmp_path: Path) -> None:
    images = {"whole": noise(6, 6), "holed": noise(6, 6)}
    images["holed"][2, 2] = np.nan
    with pytest.raises(DataError, match=r"holed: missing pixels.*fills missing values"):
        extract(stored(tmp_path, images), [STATISTICS])


def test_a_value_too_large_for_the_table_names_feature_and_case(tmp_path: Path) -> None:
    images = {"small": noise(6, 6), "huge": np.full((6, 6), 1e30, dtype=np.float32)}
    with pytest.raises(DataError, match=r"huge: feature `statistics_energy` is inf"):
        extract(stored(tmp_path, images), [STATISTICS])


def test_a_family_twice_is_refused(tmp_path: Path) -> None:
    store = stored(tmp_path, {"a": noise(6, 6)})
    with pytest.raises(DataError, match="share a name"):
        extract(store, [STATISTICS, STATISTICS])


def test_covariates_stand_beside_the_features_of_their_own_case(tmp_path: Path) -> None:
    store = stored(tmp_path, {name: noise(6, 6, seed=at) for at, name in enumerate("abc")})
    known = of_cases("cab", diameter_mm=[3.0, 1.0, None])
    table = extract(store, [Covariates(columns=None), STATISTICS], known)
    assert table.names == (*STATISTICS.names(), "covariates_diameter_mm")
    np.testing.assert_array_equal(table.values[:, -1], np.array([1, np.nan, 3], np.float32))
    table.write(tmp_path / "features.parquet")
    read = FeatureTable.read(tmp_path / "features.parquet")
    np.testing.assert_array_equal(read.values, table.values)


def test_covariates_need_no_feature_of_the_image(tmp_path: Path) -> None:
    table = extract(
        stored(tmp_path, {"a": noise(6, 6)}),
        [Covariates(columns=("age",))],
        of_cases("a", age=[61.0]),
    )
    assert table.names == ("covariates_age",)
    assert table.values.tolist() == [[61.0]]


def test_columns_are_chosen_by_name_in_the_order_asked_for(tmp_path: Path) -> None:
    table = extract(stored(tmp_path, {"a": noise(6, 6)}), [STATISTICS])
    some = (table.names[3], table.names[0])
    np.testing.assert_array_equal(table.columns(some).values, table.values[:, [3, 0]])
    with pytest.raises(DataError, match=r"no feature `age`.*extract the feature sets"):
        table.columns(("age",))
