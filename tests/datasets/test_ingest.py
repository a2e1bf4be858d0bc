"""Ingest: opaque ids, sealed labels, and nothing of a patient in any byte."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skiagram.datasets.contract import Mark
from skiagram.datasets.ingest import task_of
from skiagram.errors import DataError, OptionError
from skiagram.image_store.store import ImageStore
from skiagram.preparation import PREPARATION, ImageKinds, Preparation, join_digests
from skiagram.records.files import read_record, read_table
from skiagram.records.places import MARKS
from skiagram.tasks.cases import SEALED
from tests.datasets.sources import balanced, entries, ingested, noise
from tests.folders import digest_files


def test_every_image_keeps_its_label_split_and_pixels(tmp_path):
    source = balanced()
    folders, cases = ingested(source, tmp_path)
    sealed = read_table(folders.sealed / "labels.parquet").set_index("case_id")["label"]
    store = ImageStore(folders.images)
    seen = set()
    for case_id, split, label in zip(cases.case_id, cases.split, cases.label, strict=True):
        at = next(
            at
            for at, image in enumerate(source.images)
            if np.array_equal(image, store.image(case_id))
        )
        seen.add(at)
        assert split == source.entries["split"][at]
        assert (sealed[case_id] if split == "test" else label) == source.entries["label"][at]
    assert seen == set(range(8))
    assert (cases.test().label == SEALED).all()
    assert sorted(sealed.index) == sorted(cases.test().case_id)


def test_what_a_source_does_to_pixels_is_left_for_new_films(tmp_path):
    as_read, _ = ingested(balanced(), tmp_path / "plain")
    found = read_record(Preparation, as_read.images / PREPARATION)
    digests = join_digests(ImageStore(as_read.images).digests())
    kinds = ImageKinds((1,), ("uint8",), (16, 16), (16, 16))
    means = [float(image.mean()) for image in balanced().images]
    assert found.traits.brightness == pytest.approx((min(means), max(means)))
    assert found == Preparation(kinds, image_digests=digests, traits=found.traits)
    changed, _ = ingested(balanced(in_gray=True), tmp_path / "films")
    assert read_record(Preparation, changed.images / PREPARATION).gray


def test_permuted_test_labels_move_nothing_outside_the_seal(tmp_path):
    source = balanced()
    label, is_test = source.entries["label"], source.entries["split"] == "test"
    swapped = balanced(entries=source.entries.assign(label=label.mask(is_test, 1 - label)))
    ingested(source, tmp_path / "one")
    ingested(swapped, tmp_path / "other")
    one, other = digest_files(tmp_path / "one"), digest_files(tmp_path / "other")
    assert {name for name in one if one[name] != other[name]} == {"sealed/labels.parquet"}


def test_marks_are_mm_beside_development_cases_and_those_of_test_cases_are_sealed(
    tmp_path,
):
    lesions = {at: (Mark((4.0, 9.5), 3.0),) for at in (1, 7)}
    source = balanced(lesions=lesions, spacing=(0.5, 0.5))
    folders, cases = ingested(source, tmp_path / "one")
    known, sealed = (read_table(folder / MARKS) for folder in (folders.cases, folders.sealed))
    for placed, kind in ((known, cases.development()), (sealed, cases.test())):
        [mark] = placed.to_dict("records")
        assert mark["case_id"] in kind.case_id
        assert (mark["row"], mark["column"], mark["radius"]) == (4.0, 9.5, 1.5)
        assert np.isnan(mark["slice"])
    moved = {**lesions, 7: (Mark((8.0, 2.0), 1.0), Mark((1.0, 1.0), 1.0))}
    ingested(replace(source, lesions=moved), tmp_path / "other")
    one, other = (digest_files(tmp_path / name) for name in ("one", "other"))
    assert {name for name in one if one[name] != other[name]} == {f"sealed/{MARKS}"}
    outside = {1: (Mark((4.0, 16.5), 3.0),)}
    with pytest.raises(DataError, match=r"film-1\.dcm.*outside the image"):
        ingested(replace(source, lesions=outside), tmp_path / "bad")


def test_cross_validation_seals_no_label(tmp_path):
    folders, cases = ingested(balanced(), tmp_path, "cv")
    assert set(cases.split) == {"train"}
    assert (cases.label != SEALED).all()
    assert len(read_table(folders.sealed / "labels.parquet")) == 0


def test_order_of_cases_tells_nothing_of_the_order_in_the_source(tmp_path):
    labels = [0] * 50 + [1] * 50
    listed = entries(labels, [None] * 100)
    source = balanced(entries=listed, images=noise(100))
    _, cases = ingested(source, tmp_path, "cv")
    assert list(cases.case_id) == sorted(cases.case_id)
    assert abs(np.corrcoef(np.arange(100), cases.label)[0, 1]) < 0.3
    patient = [int(name.removeprefix("patient-")) for name in cases.patient_id]
    assert abs(np.corrcoef(patient, cases.label)[0, 1]) < 0.3


def test_images_of_a_patient_stay_together(tmp_path):
    patients = [f"P{at // 2}" for at in range(8)]
    listed = entries([0, 0, 1, 1] * 2, ["test"] * 4 + ["train"] * 4, patients)
    _, cases = ingested(balanced(entries=listed), tmp_path)
    assert len(set(cases.patient_id)) == 4
    for patient in set(cases.patient_id):
        assert (cases.patient_id == patient).sum() == 2


def test_covariates_travel_with_their_case(tmp_path):
    source = balanced()
    known = [{"age": 40.0 + at, "view": "MLO" if at else None} for at in range(8)]
    folders, cases = ingested(balanced(known={"covariates": pd.DataFrame(known)}), tmp_path)
    table = read_table(folders.cases / "covariates.parquet")
    assert list(table["case_id"]) == list(cases.case_id)
    store = ImageStore(folders.images)
    for case_id, age, view in table[["case_id", "age", "view"]].itertuples(index=False):
        at = int(age) - 40
        np.testing.assert_array_equal(store.image(case_id), source.images[at])
        assert view == "MLO" if at else pd.isna(view)


@pytest.mark.slow
def test_near_duplicates_stand_in_for_unknown_patients(tmp_path):
    images = noise(8)
    images[3] = np.clip(images[0].astype(int) + 1, 0, 255).astype(np.uint8)
    listed = entries([0, 1] * 4, [None] * 8, [None] * 8)
    folders, cases = ingested(balanced(entries=listed, images=images), tmp_path, "cv")
    assert len(set(cases.patient_id)) == 7
    store = ImageStore(folders.images)
    of_image = {
        store.image(case_id).tobytes(): patient
        for case_id, patient in zip(cases.case_id, cases.patient_id, strict=True)
    }
    assert of_image[images[0].tobytes()] == of_image[images[3].tobytes()]


@pytest.mark.parametrize(
    ("classes", "positive", "where"),
    [
        (("one",), "one", "dataset.classes"),
        (("one", "one"), "one", "dataset.classes"),
        (("one", "two"), None, "dataset.positive_class"),
        (("one", "two"), "three", "dataset.positive_class"),
    ],
)
def test_task_needs_classes_and_a_positive_one(classes, positive, where):
    with pytest.raises(OptionError) as raised:
        task_of(balanced(classes=classes, positive_class=positive), "cv")
    assert raised.value.where == where
