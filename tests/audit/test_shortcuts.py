"""Planted shortcuts: each is found under its own name, in words and with cases to look at."""

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage
from scipy.ndimage import gaussian_filter
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from skiagram.audit.shortcuts import (
    bin_values,
    deal_out,
    predict_out_of_fold,
    probe_label,
)
from skiagram.near_duplicates.pairs import duplicate_pairs
from tests.audit.planted import Planted, patients
from tests.cases import make_cases


@pytest.fixture(autouse=True)
def without_transformed_copies(monkeypatch):
    """Leave out the search for them, three quarters of an audit's time; it has tests of its own."""
    search = "skiagram.audit.run.find_case_copies"
    monkeypatch.setattr(search, lambda stores: duplicate_pairs(*stores))


def alarms(findings):
    return {name for name, finding in findings.items() if finding.severity != "note"}


def positives(planted):
    return np.flatnonzero(planted.cases.label == 1).tolist()


def exposed(clean, at):
    return np.asarray(np.clip(clean.images[at] // 2, 5, 120))


def padded(clean, at):
    image = clean.images[at].copy()
    image[10:14, 10:20] = 0
    return image


def blurred(clean, at):
    return np.asarray(gaussian_filter(clean.images[at].astype(np.float32), 0.7))


def noisy(clean, at):
    smooth = gaussian_filter(clean.images[at].astype(np.float32), 2)
    noise = np.random.default_rng(at).normal(0, 3 if clean.cases.label[at] == 1 else 1, (28, 28))
    return np.asarray(smooth + noise, dtype=np.float32)


def compressed(clean, at):
    smooth = gaussian_filter(np.random.default_rng(at).normal(size=(64, 64)), 3)
    image = np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8)
    stored = io.BytesIO()
    quality = 15 if clean.cases.label[at] == 1 else 95
    PillowImage.fromarray(image).save(stored, "JPEG", quality=quality)
    return np.asarray(PillowImage.open(stored))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "every", "named"),
    [
        (exposed, False, {"brightness", "clipping"}),
        (padded, False, {"empty_pixels"}),
        (blurred, False, {"sharpness"}),
        (noisy, True, {"noise"}),
        (compressed, True, {"compression"}),
        (lambda clean, at: clean.images[at] // 3 * 3, False, {"gray_levels"}),
        (lambda clean, at: clean.images[at] & np.uint8(254), False, {"lowest_bits"}),
    ],
)
def test_what_goes_with_the_class_is_named(change, every, named, clean, tmp_path):
    for at in range(48) if every else positives(clean):
        clean.images[at] = change(clean, at)
    assert {f"label_from_{name}" for name in named} <= alarms(clean.findings(tmp_path))


@pytest.mark.slow
def test_a_spacing_that_goes_with_the_class_alone_is_named(clean, tmp_path):
    clean.spacing = [(0.2, 0.2) if label == 1 else (0.1, 0.1) for label in clean.cases.label]
    assert alarms(clean.findings(tmp_path)) == {"label_from_spacing"}


@pytest.mark.slow
def test_a_device_that_only_leans_to_a_class_is_named_whatever_its_name(clean, tmp_path):
    device = np.where(clean.cases.label == 1, "new", "old").astype(object)
    device[:6] = "old"
    clean.covariates = pd.DataFrame({"case_id": clean.cases.case_id, "device": device})
    unnamed = clean.findings(tmp_path / "unnamed")
    assert alarms(unnamed) == {"label_from_covariates"}
    assert "device (AUC 0." in unnamed["label_from_covariates"].summary
    named = clean.findings(tmp_path / "named", acquisition=("device", "site"))
    assert alarms(named) == {"label_from_acquisition", "label_from_covariates"}


@pytest.mark.slow
def test_a_covariate_that_is_called_as_a_trait_is_listed_beside_it(clean, tmp_path):
    ids = clean.cases.case_id
    clean.covariates = pd.DataFrame({"case_id": ids, "brightness": np.arange(len(ids)) % 7})
    assert clean.findings(tmp_path)["shortcut_probes"].summary.count("brightness") == 2


@pytest.mark.slow
def test_sites_that_differ_in_brightness_and_prevalence_are_named(tmp_path):
    """Neither needs to tell the class so well that a probe would warn."""
    draws = np.random.default_rng(3)
    site = np.arange(120) % 2
    label = (draws.uniform(size=120) < np.where(site, 0.65, 0.35)).astype(int)
    cases = make_cases(label, patient=draws.permutation(patients(120)))
    images = [
        np.clip(draws.normal(100 + 20 * one, 20, (28, 28)), 0, 255).astype(np.uint8) for one in site
    ]
    names = np.where(site, "Leeds", "York")
    covariates = pd.DataFrame({"case_id": cases.case_id, "hospital_name": names})
    found = Planted(images, cases, covariates).findings(tmp_path)
    assert "`hospital_name` (brightness differ" in found["confounded_groups"].summary


@pytest.mark.slow
def test_sites_of_equal_prevalence_may_differ_in_brightness(clean, tmp_path):
    site = np.arange(48) // 2 % 2
    clean.images = [
        (image // (1 + one)).astype(np.uint8) for image, one in zip(clean.images, site, strict=True)
    ]
    clean.covariates = pd.DataFrame({"case_id": clean.cases.case_id, "site": site})
    assert not alarms(clean.findings(tmp_path))


@pytest.mark.slow
def test_labels_of_test_cases_do_not_matter(clean, tmp_path):
    """Probes see development labels alone, so nothing in the seal could change a finding."""
    cases = clean.cases
    label = np.append(cases.label[:36], np.arange(12) % 2)
    other = dataclasses.replace(cases, label=label)
    turned = Planted(clean.images, other).findings(tmp_path / "other")
    assert turned == clean.findings(tmp_path / "same")


def test_the_auc_is_that_of_out_of_fold_scores_by_scikit_learn():
    draws = np.random.default_rng(0)
    label, patient = np.repeat(np.arange(100) % 2, 2), patients(100, 2)
    values = draws.normal(size=(200, 3)) + label[:, None] * [1.0, 0.0, 0.5]
    found = probed(values, label, patient)
    assert found.auc == pytest.approx(roc_auc_score(label == 1, found.score), abs=1e-12)
    assert found.auc > found.chance


def probed(values, label, patient):
    return probe_label(bin_values(values), label, patient, deal_out(label, patient))


def test_two_sides_tell_together_what_neither_tells_alone():
    draws = np.random.default_rng(4)
    sides = draws.choice([480.0, 512.0], size=(200, 2))
    label = (sides[:, 0] == sides[:, 1]).astype(np.int64)
    label[::10] = 1 - label[::10]
    patient = patients(200, 1)
    formats = np.column_stack([sides, np.ones(200), np.zeros(200)])
    dealt = deal_out(label, patient)
    alone = probe_label(bin_values(formats), label, patient, dealt)
    together = probe_label(bin_values(formats, pairs=True), label, patient, dealt)
    assert not alone.tells
    assert together.auc > 0.85


def test_a_score_never_saw_its_patient():
    draws = np.random.default_rng(1)
    columns, patient = draws.normal(size=(60, 4)), np.repeat(np.arange(20), 3)
    target = draws.normal(size=(60, 1))
    before = predict_out_of_fold(columns, target, patient)
    own = patient == 7
    target[own] += 100
    after = predict_out_of_fold(columns, target, patient)
    np.testing.assert_array_equal(before[own], after[own])
    assert not np.allclose(before, after)


@pytest.mark.slow
def test_chance_raises_alarm_as_rarely_as_the_shufflings_promise():
    """One alarm in 500 is promised; among 60 sets more than 2 have a chance below one in 4,000."""
    alarms = 0
    for seed in range(60):
        draws = np.random.default_rng(seed)
        label = np.repeat(draws.permutation(np.arange(20) % 2), 2)
        shared = np.repeat(draws.normal(size=(20, 2)), 2, axis=0)
        found = probed(shared + 0.1 * draws.normal(size=(40, 2)), label, patients(20, 2))
        alarms += found.auc > found.chance
    assert alarms <= 2


def test_many_images_of_few_patients_do_not_pass_for_many_patients():
    """A trait of the patient splits 600 images by luck; by image the p of Mann–Whitney is tiny."""
    draws = np.random.default_rng(17)
    label = np.repeat(draws.permutation(np.arange(24) % 2), 25)
    trait = np.repeat(draws.normal(size=24) + 0.6 * label[::25], 25)
    assert mannwhitneyu(trait[label == 1], trait[label == 0]).pvalue < 1e-6
    found = probed(trait[:, None], label, patients(24, 25))
    assert found.auc < found.chance


def test_the_class_that_is_told_is_named_even_when_it_is_small():
    draws = np.random.default_rng(3)
    label = draws.choice([0, 1, 2], p=[0.6, 0.32, 0.08], size=400)
    trait = draws.normal(size=400) + 4 * (label == 2)
    found = probed(trait[:, None], label, patients(400, 1))
    assert found.label == 2
    assert found.auc > max(0.9, found.chance)


def test_missing_values_may_be_what_tells():
    label = np.arange(100) % 2
    trait = np.where(label == 1, np.nan, np.random.default_rng(4).normal(size=100))
    found = probed(trait[:, None], label, patients(100, 1))
    assert found.auc == 1


@pytest.mark.parametrize("smaller", [9, 10])
def test_a_class_of_fewer_than_ten_patients_is_not_tried(smaller):
    label = (np.arange(60) < smaller).astype(np.int64)
    found = probed(label[:, None].astype(np.float64), label, patients(60, 1))
    assert (found is None) == (smaller < 10)
