"""Phantoms: no alarm on five clean ones, and every kind of leak that is planted is found."""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest

from skiagram.options import build
from tests import REPOSITORY
from tests.audit.planted import Planted
from tests.cases import make_cases
from tests.yaml_rows import load_yaml

pytestmark = pytest.mark.slow
OPTION_FILE = REPOSITORY / "conf/dataset/phantom.yaml"
PATIENTS = {"train": 60, "validation": 20, "test": 20}


@cache
def generated(seed):
    options = {**load_yaml(OPTION_FILE), "seed": seed, "patients": PATIENTS}
    source = build(options, "dataset")
    opened = source.open(None)
    entries = opened.entries
    return (
        tuple(opened.image(at).pixels for at in range(len(entries))),
        tuple(entries["label"]),
        tuple(entries["split"]),
    )


def phantom(seed):
    """Return 100 patients with two images each, under shuffled ids as ingest gives them."""
    images, label, split = generated(seed)
    draws = np.random.default_rng(seed)
    order = draws.permutation(len(images))
    patient = np.array([f"patient-{at:06d}" for at in draws.permutation(100)])[order // 2]
    cases = make_cases(np.array(label)[order], np.array(split)[order], patient)
    covariates = pd.DataFrame({"case_id": cases.case_id, "age": draws.normal(60, 9, len(images))})
    return Planted([images[at] for at in order], cases, covariates)


def rows(chosen):
    return np.flatnonzero(chosen).tolist()


def abnormal(clean):
    return rows(clean.cases.label == 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_phantom_raises_no_alarm(seed, tmp_path):
    found = phantom(seed).findings(tmp_path, acquisition=("age",))
    assert [name for name, finding in found.items() if finding.severity != "note"] == []


def copied(clean):
    """Plant copies of three training images among the test images."""
    train, test = (rows(clean.cases.split == part) for part in ("train", "test"))
    for one, other in zip(train[:3], test[:3], strict=True):
        clean.images[other] = clean.images[one].copy()


def marked_borders(clean):
    for at in abnormal(clean):
        clean.images[at] = clean.images[at].copy()
        clean.images[at][:2, -4:] = np.nanmax(clean.images[at])


def another_size(clean):
    for at in abnormal(clean):
        clean.images[at] = clean.images[at][:60]


def another_depth(clean):
    for at in abnormal(clean):
        clean.images[at] = np.nan_to_num(clean.images[at]).astype(np.uint16)


def label_as_covariate(clean):
    clean.covariates["room"] = np.where(clean.cases.label == 1, "B", "A")


def ids_by_class(clean):
    ordered = np.argsort(clean.cases.label, kind="stable")
    clean.images = [clean.images[at] for at in ordered]
    moved = clean.cases.select(ordered)
    clean.cases = dataclasses.replace(moved, case_id=clean.cases.case_id)


def conflicting_labels(clean):
    train = clean.cases.split == "train"
    normal, sick = (rows(train & (clean.cases.label == label)) for label in (0, 1))
    for one, other in zip(normal[:3], sick, strict=False):
        clean.images[other] = clean.images[one].copy()


@pytest.mark.parametrize(
    ("plant", "name", "count"),
    [
        (copied, "exact_duplicates_across_splits", 3),
        (marked_borders, "label_from_border", 160),
        (another_size, "label_from_format", 160),
        (another_depth, "label_from_format", 160),
        (label_as_covariate, "label_among_covariates", 1),
        (ids_by_class, "label_from_case_order", 160),
        (conflicting_labels, "label_conflicts", 3),
    ],
)
def test_a_planted_leak_is_found(plant, name, count, tmp_path):
    spoiled = phantom(0)
    plant(spoiled)
    finding = spoiled.findings(tmp_path)[name]
    assert finding.count == count
    assert finding.severity in {"warning", "stop"}
    assert finding.summary.endswith(".")
    assert finding.remedy
    assert not finding.remedy.endswith(".")
    assert 1 <= len(finding.examples) <= 5
