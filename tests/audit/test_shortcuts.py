"""Planted shortcuts: each is found under its own name, in words and with cases to look at."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.audit.contract import Finding
from skiagram.records import Cases
from tests.audit.planted import CARD, TASK, Planted


def alarms(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.severity != "note"}


def positives(planted: Planted) -> list[int]:
    return np.flatnonzero(planted.cases.label == 1).tolist()


def test_a_mark_at_the_border_of_one_class(clean: Planted, tmp_path: Path) -> None:
    for at in positives(clean):
        clean.images[at] = clean.images[at].copy()
        clean.images[at][-2:, :2] = 255
    found = clean.findings(tmp_path)
    assert alarms(found) == {"label_from_border"}
    finding = found["label_from_border"]
    assert (finding.severity, finding.count, len(finding.examples)) == ("warning", 36, 5)
    assert "`malignant` is told with an AUC of " in finding.summary
    assert "small images" in finding.summary
    labels = dict(zip(clean.cases.case_id.tolist(), clean.cases.label.tolist(), strict=True))
    assert {labels[name] for name in finding.examples} == {1}


def test_a_depth_that_goes_with_the_class(clean: Planted, tmp_path: Path) -> None:
    for at in positives(clean):
        clean.images[at] = clean.images[at].astype(np.uint16)
    assert alarms(clean.findings(tmp_path)) == {"label_from_format"}


def test_a_size_that_goes_with_the_class(clean: Planted, tmp_path: Path) -> None:
    for at in positives(clean):
        clean.images[at] = clean.images[at][:, :27]
    assert "label_from_format" in alarms(clean.findings(tmp_path))


def test_a_spacing_that_goes_with_the_class(clean: Planted, tmp_path: Path) -> None:
    clean.spacing = [(0.2, 0.2) if label == 1 else (0.1, 0.1) for label in clean.cases.label]
    assert alarms(clean.findings(tmp_path)) == {"label_from_spacing"}


def test_an_exposure_that_goes_with_the_class(clean: Planted, tmp_path: Path) -> None:
    for at in positives(clean):
        clean.images[at] = np.clip(clean.images[at] // 2, 5, 120)
    assert {"label_from_brightness", "label_from_clipping"} <= alarms(clean.findings(tmp_path))


def test_padding_that_goes_with_the_class(clean: Planted, tmp_path: Path) -> None:
    for at in positives(clean):
        clean.images[at] = clean.images[at].copy()
        clean.images[at][10:14, 10:20] = 0
    assert "label_from_empty_pixels" in alarms(clean.findings(tmp_path))


def test_ids_in_the_order_of_the_classes(clean: Planted, tmp_path: Path) -> None:
    known = clean.cases
    known.label[:36] = np.arange(36) >= 20
    assert alarms(clean.findings(tmp_path)) == {"label_from_case_order"}


def test_a_covariate_that_is_the_label(clean: Planted, tmp_path: Path) -> None:
    age = np.random.default_rng(0).normal(60, 9, 48)
    kind = np.where(clean.cases.label == 1, "biopsy", "screening")
    clean.covariates = pd.DataFrame({"case_id": clean.cases.case_id, "age": age, "visit": kind})
    found = clean.findings(tmp_path)
    assert alarms(found) == {"label_among_covariates"}
    assert found["label_among_covariates"].count == 1
    assert "visit (AUC 1.00)" in found["label_among_covariates"].summary
    assert "age 0." in found["shortcut_probes"].summary


def test_a_device_that_only_leans_to_a_class_is_found_where_it_is_named(
    clean: Planted, tmp_path: Path
) -> None:
    device = np.where(clean.cases.label == 1, "new", "old").astype(object)
    device[:6] = "old"
    clean.covariates = pd.DataFrame({"case_id": clean.cases.case_id, "device": device})
    assert not alarms(clean.findings(tmp_path / "unnamed"))
    named = clean.findings(tmp_path / "named", acquisition=("device", "site"))
    assert alarms(named) == {"label_from_acquisition"}


def test_every_alarm_says_what_how_many_where_and_what_to_do(
    clean: Planted, tmp_path: Path
) -> None:
    for at in positives(clean):
        clean.images[at] = np.clip(clean.images[at][:, :27], 0, 150)
    for finding in clean.findings(tmp_path).values():
        assert finding.count > 0
        assert finding.summary.endswith(".")
        assert not finding.remedy.endswith(".")
        if finding.severity != "note":
            assert finding.remedy
            assert finding.examples


@pytest.mark.parametrize("label", ["sealed", "turned"])
def test_labels_of_test_cases_do_not_matter(clean: Planted, tmp_path: Path, label: str) -> None:
    """Probes see development labels alone, so nothing in the seal could change a finding."""
    cases = clean.cases
    other = Cases(cases.case_id, cases.patient_id, cases.split, cases.label.copy())
    other.label[36:] = -1 if label == "sealed" else np.arange(12) % 2
    turned = Planted(clean.images, other).findings(tmp_path / "other", TASK, CARD)
    assert turned == clean.findings(tmp_path / "same")
