"""The phantom as a source: determinism, statistics, faults, options, the DICOM form."""

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import roc_auc_score

from skiagram.readers.dicom import read_dicom
from skiagram.sources.phantom.image_model import (
    HIGHEST,
    INTERCEPT,
    LOWEST,
    PADDING,
    SLOPE,
    SPACING,
    Faults,
    add_faults,
    write_dicom,
)
from tests.sources.phantoms import data_set, phantom, small_phantom

NO_FAULTS = {"missing_pixels": 0, "hot_pixels": 0, "dead_rows": 0}


def test_splits_and_classes_are_by_patient():
    options = small_phantom()
    entries = options.open(None).entries
    assert len(entries) == 24
    for split, patients in (("train", 6), ("validation", 2), ("test", 4)):
        part = entries[entries["split"] == split]
        assert part["patient"].nunique() == patients
        assert part["label"].mean() == 0.5
    assert len(entries.drop_duplicates(["patient", "label"])) == 12


def test_digitisation_errs_by_half_a_step_at_most():
    opened = phantom(faults=NO_FAULTS).open(None)
    for position in (0, 3):
        image, noisy = opened.image(position).pixels, opened.exposure(position).noisy
        assert image.dtype == np.float32
        assert np.abs(image - noisy).max() <= 2.0**-12


def small_volumes(nodule={}):  # noqa: B006
    patients = {"train": 6, "validation": 2, "test": 4}
    shape = {"places": 3, "radius": 3.0}
    return data_set("phantom_volumes", size=12, patients=patients, nodule=shape | nodule)


@pytest.mark.parametrize("make", [small_phantom, small_volumes])
def test_nodule_stands_where_the_truth_says(make):
    with_nodule, without = (
        make(nodule={"amplitude": amplitude}).open(None) for amplitude in (1.4, 0.0)
    )
    for position, entry in enumerate(with_nodule.entries.itertuples()):
        truth = with_nodule.truth(position)
        difference = np.squeeze(truth.clean - without.truth(position).clean)
        assert len(truth.place) == difference.ndim
        if entry.label == 0:
            assert np.isnan(truth.place).all()
            assert not difference.any()
        else:
            assert difference[tuple(map(int, truth.place))] == difference.max()
            assert difference.max() == pytest.approx(1.4, abs=1e-6)


@pytest.mark.slow
def test_tissue_of_a_patient_correlates_as_asked_and_of_two_patients_not_at_all():
    opened = phantom(
        size=16,
        patients={"train": 400},
        tissue={"normal_exponent": 1.0, "abnormal_exponent": 1.0, "shared": 0.3},
        nodule={"amplitude": 0.0, "radius": 2.0, "places": 1},
        faults=NO_FAULTS,
        seed=0,
    ).open(None)
    first, second = (
        np.stack([opened.exposure(2 * patient + number).clean for patient in range(400)])
        for number in (0, 1)
    )
    assert first.var() == pytest.approx(1, abs=0.03)
    assert (first * second).mean() == pytest.approx(0.3, abs=0.03)
    assert (first[1:] * second[:-1]).mean() == pytest.approx(0, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "auc"),
    [
        ({}, 0.955),
        ({"nodule": {"amplitude": 0.0}}, 0.91),
        ({"tissue": {"abnormal_exponent": 3.0}}, 0.86),
    ],
)
def test_known_limit(changes, auc):
    opened = phantom(patients={"train": 1000}, **changes).open(None)
    labels = opened.entries["label"][:2000]
    scores = [opened.truth(at).ideal_score for at in range(2000)]
    assert roc_auc_score(labels, scores) == pytest.approx(auc, abs=0.02)


@pytest.mark.slow
def test_a_site_shows_the_same_image_otherwise_and_its_score_is_the_same():
    scanners = {"A": {"gain": 1.0, "offset": 0.0}, "B": {"gain": 1.5, "offset": 1.0}}
    sited = small_phantom(faults=NO_FAULTS, sites=scanners).open(None)
    plain = small_phantom(faults=NO_FAULTS).open(None)
    label, sites = sited.entries["label"], sited.known["covariates"]["site"].tolist()
    assert [*zip(label, sites, strict=True)][:8:2] == [
        (0, "A"),
        (1, "A"),
        (0, "B"),
        (1, "B"),
    ]
    for position, site in enumerate(sites):
        gain, offset = scanners[str(site)].values()
        expected = gain * plain.image(position).pixels + offset
        assert_allclose(sited.image(position).pixels, expected, atol=2**-10)
        assert sited.truth(position).ideal_score == plain.truth(position).ideal_score


@pytest.mark.slow
def test_the_mark_is_where_the_nodule_is_and_the_observer_finds_it():
    source = phantom(nodule={"amplitude": 6.0}, faults=NO_FAULTS)
    opened, found = source.open(None), []
    for position in range(40):
        marks = opened.marks(position)
        assert bool(marks) == (opened.entries["label"][position] == 1)
        if marks:
            probability = opened.observer.place_probability(opened.image(position).pixels)
            assert probability.sum() == pytest.approx(1)
            place = np.unravel_index(probability.argmax(), probability.shape)
            found.append(np.hypot(*np.subtract(place, marks[0].centre)) <= marks[0].radius)
    assert np.mean(found) > 0.9


FLAT = np.full((32, 32), 30_000, dtype=np.uint16)


@settings(deadline=None, max_examples=20)
@given(
    missing=st.integers(0, 200),
    hot=st.integers(0, 200),
    rows=st.integers(0, 10),
    seed=st.integers(0, 99),
)
def test_faults_are_as_many_as_asked(missing, hot, rows, seed):
    faults = Faults(missing_pixels=missing, hot_pixels=hot, dead_rows=rows)
    faulty = add_faults(FLAT, faults, np.random.default_rng(seed))
    assert (faulty == PADDING).sum() == missing
    assert (faulty == HIGHEST).sum() == hot
    assert np.all(faulty != FLAT, axis=1).sum() == rows
    untouched = (faulty != PADDING) & (faulty != HIGHEST) & (faulty != LOWEST)
    assert (faulty[untouched] == 30_000).all()
    assert (FLAT == 30_000).all()


def test_faults_reach_the_pipeline_on_the_right_pixels():
    faults = Faults(missing_pixels=9, hot_pixels=5, dead_rows=1)
    faulty = add_faults(FLAT, faults, np.random.default_rng(0))
    film = read_dicom(write_dicom(faulty, 0, 0))
    image = film.pixels
    assert film.spacing == (SPACING, SPACING)
    assert_array_equal(np.isnan(image), faulty == PADDING)
    assert (image[faulty == HIGHEST] == HIGHEST * SLOPE + INTERCEPT).all()
    assert (image[faulty == LOWEST] == LOWEST * SLOPE + INTERCEPT).all()


def test_file_is_plain_dicom_with_identifiers_of_its_own():
    one, two = (pydicom.dcmread(write_dicom(FLAT, at, at)) for at in (0, 1))
    assert str(one.PatientName) == "SYNTHETIC^PHANTOM-0001"
    assert two.PatientID == "PHANTOM-0002"
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert_array_equal(one.pixel_array, FLAT)
