"""A table of features without images becomes a data set whose features are the table's."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.extraction import extract
from skiagram.case_features.measured import Measured
from skiagram.datasets.feature_table import NO_IMAGES, FeatureFile
from skiagram.errors import DataError, OptionError
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_table
from skiagram.sealing.labels import open_labels
from skiagram.tasks.cases import SEALED, read_cases
from skiagram.tasks.time import TimeToEvent
from tests.datasets.sources import ingested
from tests.sources.phantoms import data_set

OF_COLUMNS = ("label", "split", "covariates", "features")
AGES = (31, 18, 44, 18, 59, 93, 25, 67, 59, 31, 53)  # in no order


def source(**changed: Any) -> FeatureFile:
    columns = {name: changed.pop(name) for name in OF_COLUMNS if name in changed}
    columns |= {"value": changed["outcome"]["column"]} if "outcome" in changed else {}
    made: FeatureFile = data_set("feature_table", columns=columns, **changed)
    return made


def write(folder: Path, **columns: Any) -> pd.DataFrame:
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "patient": [f"p{number // 2}" for number in range(12)],
            "label": ["benign", "malignant"] * 6,
            "original_glcm_Contrast": random.normal(size=12),
            "wavelet-LLH_glcm_Id": random.normal(size=12).astype(np.float32) * 1e6,
            "diagnostics_Versions_Numpy": 1.0,
            "site": np.repeat(["x", "y", "z"], 4),
            **columns,
        }
    )
    table.to_csv(folder / "features.csv", index=False)
    return table


def test_its_features_reach_the_models_and_no_image_does(tmp_path: Path) -> None:
    table = write(tmp_path, weight=[None, *np.random.default_rng(1).normal(size=11)])
    chosen = source(covariates=("site",))
    folders, cases = ingested(chosen, tmp_path, "cv", tmp_path)
    histories = CaseHistories.read(folders.cases)
    found = extract(ImageStore(folders.images), [Measured()], histories)
    assert found.names == ("original_glcm_Contrast", "wavelet-LLH_glcm_Id", "weight")
    by_contrast = pd.DataFrame(found.values, columns=found.names).sort_values(found.names[0])
    expected = table[list(found.names)].sort_values(found.names[0])
    np.testing.assert_allclose(by_contrast, expected.astype(np.float32))
    assert len(set(cases.patient_id.tolist())) == 6
    assert read_table(folders.cases / "covariates.parquet")["site"].nunique() == 3
    assert chosen.card().known_issues == (NO_IMAGES,)


def test_how_an_image_was_taken_is_no_feature(tmp_path: Path) -> None:
    """MIRP writes size of voxels, noise and turns beside its features: traits of the scanner."""
    taken = ("image_voxel_size_x", "image_noise_level", "image_rotation_angle", "image_mask_label")
    write(tmp_path, **dict.fromkeys(taken, range(12)), morph_volume=[*AGES, 3])
    opened = source().open(tmp_path)
    names = {*opened.features}
    assert "morph_volume" in names
    assert not names & {*taken}


def test_equal_rows_alone_have_equal_patterns(tmp_path: Path) -> None:
    table = write(tmp_path)
    table.iloc[1, 2:4] = table.iloc[0, 2:4]
    table.to_csv(tmp_path / "features.csv", index=False)
    opened = source().open(tmp_path)
    patterns = [opened.image(row).pixels.tobytes() for row in range(12)]
    assert patterns[0] == patterns[1]
    assert len(set(patterns)) == 11


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"label": ["benign", "cyst"] * 6}, {}, "label `cyst`"),
        ({}, {"features": ("site",)}, "`x` in the column `site`"),
        ({}, {"features": ("entropy",)}, "entropy"),
        ({"original_glcm_Contrast": 1e39}, {}, "32 bits"),
        ({"age": ["NA", *AGES]}, {}, "11 numbers and 1 texts, such as `NA`"),
        ({"age": ["1,5", *["2,25"] * 11]}, {}, "numbers with a decimal comma"),
        ({"age": [f"12_{at}" for at in range(12)]}, {"features": ("age",)}, "`12_0` in the column"),
        ({"split": "hidden"}, {"split": "split"}, "split `hidden`"),
        ({}, {"file": "absent.csv"}, "absent.csv"),
        ({}, {"md5": "0" * 32}, "checksum"),
        (
            {name: [None, *AGES] for name in ("original_glcm_Contrast", "wavelet-LLH_glcm_Id")}
            | {"diagnostics_Versions_Numpy": "1.0.0"},
            {},
            "no feature has a value",
        ),
    ],
)
def test_a_bad_table_is_one_line(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    write(tmp_path, **columns)
    with pytest.raises(DataError) as caught:
        source(**options).open(tmp_path)
    assert said in str(caught.value)


def test_cells_that_stand_for_nothing_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, age=["NA", *AGES])
    opened = source(missing=("NA",)).open(tmp_path)
    measured = [entry.measured[opened.features.index("age")] for entry in opened.entries()]
    np.testing.assert_array_equal(measured, [np.nan, *AGES])


def test_a_data_set_of_images_has_no_features_of_its_own() -> None:
    table = pd.DataFrame({"case_id": ["a"]})
    with pytest.raises(OptionError, match="came without features"):
        Measured().encode(table)
    with pytest.raises(OptionError, match="no feature `b`"):
        Measured(columns=("b",)).encode(table.assign(a=1.0))


TIMES: dict[str, Any] = {"label": "died", "classes": ("0", "1"), "positive_class": "1"}


def write_times(folder: Path, **columns: Any) -> None:
    days = [f"{10 * number + 5}" for number in range(12)]
    write(folder, days=days, died=["1"] * 11 + ["0"], **columns)


def of_times(**changed: Any) -> FeatureFile:
    return source(**TIMES, outcome={"column": "days", "unit": "days"}, **changed)


def test_a_time_to_an_event_is_the_value_of_a_case_and_no_feature(tmp_path: Path) -> None:
    write_times(tmp_path)
    opened = of_times().open(tmp_path)
    first = opened.entries()[0]
    assert (first.value, first.label) == (5.0, 1)
    assert "days" not in opened.features
    folders, _ = ingested(of_times(), tmp_path, "cv", tmp_path)
    cases, task = read_cases(folders.cases)
    assert sorted(cases.value.tolist()) == [10.0 * number + 5 for number in range(12)]
    assert task.predicted is not None
    assert len(task.estimates) == len(task.predicted.estimates) > 3


@pytest.mark.parametrize(
    ("days", "words"), [("-4", "the time -4"), ("", "event without a time"), ("soon", "without")]
)
def test_a_time_that_cannot_be_is_one_line(tmp_path: Path, days: str, words: str) -> None:
    write_times(tmp_path)
    table = pd.read_csv(tmp_path / "features.csv", dtype=str)
    table.loc[0, "days"] = days
    table.to_csv(tmp_path / "features.csv", index=False)
    with pytest.raises(DataError, match=words):
        ingested(of_times(), tmp_path, "cv", tmp_path)


def test_sealed_times_are_in_no_table_of_cases_and_settle_nothing(tmp_path: Path) -> None:
    days = [10 * number + 5 for number in range(24)]
    table = pd.DataFrame(
        {
            "patient": [f"p{number}" for number in range(24)],
            "original_glcm_Contrast": np.random.default_rng(0).normal(size=24),
            "days": days,
            "died": [1, 1, 1, 0] * 6,
            "set": ["train"] * 15 + ["test"] * 9,
        }
    )
    table.to_csv(tmp_path / "features.csv", index=False)
    of_split = of_times(split="set")
    folders, _ = ingested(of_split, tmp_path, "holdout", tmp_path)
    cases, task = read_cases(folders.cases)
    assert cases.value is not None
    sealed = cases.split == "test"
    assert np.isnan(cases.value[sealed]).all()
    assert (cases.label[sealed] == SEALED).all()
    opened = open_labels(folders.sealed, task.classes).set_index("case_id")
    assert sorted(opened["value"]) == [float(number) for number in days[15:]]
    assert task.predicted is not None
    assert isinstance(task.predicted, TimeToEvent)
    assert max(task.predicted.horizons) < 150  # of the development cases


def test_the_order_of_the_rows_is_no_feature_unless_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, X=range(1, 13))
    with pytest.raises(OptionError, match=r"`X` counts the rows.*name the features"):
        source().open(tmp_path)
    assert source(features=("X",)).open(tmp_path).entries()[3].measured.tolist() == [4.0]


def test_a_table_counts_by_its_content(tmp_path: Path) -> None:
    write(tmp_path)
    before = source().changed_files(tmp_path, {})
    path = tmp_path / "features.csv"
    path.write_text(path.read_text().replace("benign", "malignant", 1))
    after = source().changed_files(tmp_path, {})
    assert before.keys() == after.keys() == {"features.csv"}
    assert before != after
    told = source(md5=after["features.csv"])
    assert told.changed_files(tmp_path, {}) == {}
    path.unlink()
    assert told.changed_files(tmp_path, {}) == {}
