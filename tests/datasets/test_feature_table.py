"""A table of features without images becomes a data set whose features are the table's."""

import numpy as np
import pandas as pd
import pytest

from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.extraction import extract
from skiagram.case_features.measured import Measured
from skiagram.datasets.copies import find_case_copies
from skiagram.errors import DataError, OptionError, SkiagramError
from skiagram.image_store.index import has_images
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_table
from skiagram.sealing.labels import open_labels
from skiagram.tasks.cases import SEALED, read_cases
from tests.datasets.sources import ingested
from tests.sources.phantoms import data_set

OF_COLUMNS = ("label", "split", "covariates", "features")
AGES = (31, 18, 44, 18, 59, 93, 25, 67, 59, 31, 53)  # in no order
CONTRAST, ID = "original_glcm_Contrast", "wavelet-LLH_glcm_Id"


def source(**changed):
    changed = {"features": (CONTRAST, ID)} | changed
    columns = {name: changed.pop(name) for name in OF_COLUMNS if name in changed}
    columns |= {"value": changed["outcome"]["column"]} if "outcome" in changed else {}
    return data_set("feature_table", columns=columns, **changed)


def of_times(**changed):
    died = {"label": "died", "classes": ("0", "1"), "positive_class": "1"}
    return source(outcome={"column": "days", "unit": "days"}, **died, **changed)


def write(folder, rows=12, **columns):
    """Write a table, two rows a patient."""
    random = np.random.default_rng(0)
    whole = {
        "patient": [f"p{number // 2}" for number in range(rows)],
        "label": ["benign", "malignant"] * (rows // 2),
        CONTRAST: random.normal(size=rows),
        ID: random.normal(size=rows).astype(np.float32) * 1e6,
        "diagnostics_Versions_Numpy": 1.0,
        "site": np.repeat([*"xyz"], rows // 3),
    }
    table = pd.DataFrame(whole | columns)
    table.to_csv(folder / "features.csv", index=False)
    return table


def test_its_features_reach_the_models_and_no_image_does(tmp_path):
    table = write(tmp_path, weight=[None, *np.random.default_rng(1).normal(size=11)])
    chosen = source(covariates=("site",), features=(CONTRAST, ID, "weight"))
    folders, cases = ingested(chosen, tmp_path, "cv", tmp_path)
    histories = CaseHistories.read(folders.cases)
    found = extract(ImageStore(folders.images), [Measured()], histories)
    assert found.names == (CONTRAST, ID, "weight")
    by_contrast = pd.DataFrame(found.values, columns=found.names).sort_values(CONTRAST)
    expected = table[list(found.names)].sort_values(CONTRAST)
    np.testing.assert_allclose(by_contrast, expected.astype(np.float32))
    assert len(set(cases.patient_id.tolist())) == 6
    assert read_table(folders.cases / "covariates.parquet")["site"].nunique() == 3
    store = ImageStore(folders.images)
    assert not chosen.card().has_images
    assert not [*folders.images.glob("images-*")]
    assert not has_images(folders.images)
    with pytest.raises(DataError, match="the cases have no images"):
        store.image(store.case_ids[0])


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_equal_rows_alone_are_copies(tmp_path, value):
    table = write(tmp_path)
    table.iloc[:2, 2:4] = [[value, 1.25]] * 2
    table.to_csv(tmp_path / "features.csv", index=False)
    folders, _ = ingested(source(), tmp_path, "cv", tmp_path)
    store = ImageStore(folders.images)
    pairs = find_case_copies([store])
    (both,) = zip(pairs.first, pairs.second, strict=True)
    rows = read_table(folders.cases / "measured.parquet").set_index("case_id")
    assert (rows.loc[[store.case_ids[at] for at in both], ID] == 1.25).all()


GAPS = [None, *AGES]
TIMES = {"days": range(5, 125, 10), "died": [1] * 11 + [0]}


@pytest.mark.parametrize(
    ("columns", "chosen", "said"),
    [
        ({"label": ["benign", "cyst"] * 6}, {}, "label `cyst`"),
        ({}, {"features": ("site",)}, "`x` in the column `site`"),
        ({}, {"features": ("entropy",)}, "entropy"),
        ({CONTRAST: 1e39}, {}, "32 bits"),
        ({"age": ["none", *AGES]}, {"features": ("age",)}, "`none` in the column `age`"),
        ({}, {"features": ()}, "no feature is named"),
        ({"age": [f"12_{at}" for at in range(12)]}, {"features": ("age",)}, "`12_0` in the column"),
        ({"split": "hidden"}, {"split": "split"}, "split `hidden`"),
        ({"patient": [*"pPqrstuvwxyz"]}, {}, "differ in spelling alone: 'p' in line 2, 'P'"),
        ({}, {"file": "absent.csv"}, "absent.csv: is missing"),
        ({}, {"md5": "0" * 32}, "checksum"),
        (
            {CONTRAST: GAPS, ID: GAPS, "diagnostics_Versions_Numpy": "1.0.0"},
            {},
            "no feature has a value",
        ),
        *(
            (TIMES | {"days": [days, *TIMES["days"][1:]]}, None, said)
            for days, said in {
                "-4": "the time -4",
                "": "event without a time",
                "soon": "without",
            }.items()
        ),
    ],
)
def test_a_bad_table_is_one_line(tmp_path, columns, chosen, said):
    write(tmp_path, **columns)
    with pytest.raises(SkiagramError) as caught:
        ingested(of_times() if chosen is None else source(**chosen), tmp_path, "cv", tmp_path)
    assert said in str(caught.value)


def test_what_a_program_writes_of_no_measurement_is_empty(tmp_path):
    write(tmp_path, age=["NA", *AGES], X=range(1, 13))
    opened = source(features=("age", "X")).open(tmp_path)
    measured = opened.known["measured"].to_numpy()
    np.testing.assert_array_equal(measured, np.transpose([[np.nan, *AGES], range(1, 13)]))


def test_a_data_set_of_images_has_no_features_of_its_own():
    table = pd.DataFrame({"case_id": ["a"]})
    with pytest.raises(OptionError, match="came without features"):
        Measured().encode(table)
    with pytest.raises(OptionError, match="no feature `b`"):
        Measured(columns=("b",)).encode(table.assign(a=1.0))


def test_a_time_to_an_event_is_the_value_of_a_case_and_no_feature(tmp_path):
    write(tmp_path, **TIMES)
    opened = of_times().open(tmp_path)
    first = opened.entries.iloc[0]
    assert (first["value"], first["label"]) == (5.0, 1)
    assert "days" not in opened.known["measured"]
    folders, _ = ingested(of_times(), tmp_path, "cv", tmp_path)
    cases, task = read_cases(folders.cases)
    assert sorted(cases.value.tolist()) == [*TIMES["days"]]
    assert len(task.predicted.estimates) == len(task.predicted.estimates) > 3


def test_sealed_times_are_in_no_table_of_cases_and_settle_nothing(tmp_path):
    days, parts = range(5, 245, 10), ["train"] * 15 + ["test"] * 9
    own = [f"p{number}" for number in range(24)]
    write(tmp_path, 24, patient=own, days=days, died=[1, 1, 1, 0] * 6, set=parts)
    folders, _ = ingested(of_times(split="set"), tmp_path, "holdout", tmp_path)
    cases, task = read_cases(folders.cases)
    sealed = cases.split == "test"
    assert np.isnan(cases.value[sealed]).all()
    assert (cases.label[sealed] == SEALED).all()
    opened = open_labels(folders.sealed, task.predicted.classes).set_index("case_id")
    assert sorted(opened["value"]) == [*days[15:]]
    assert max(task.predicted.horizons) < 150  # of the development cases


def test_a_table_counts_by_its_content(tmp_path):
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
