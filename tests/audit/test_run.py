"""The audit on planted faults: each is found by name, gravely enough, and sealed labels are not."""

import dataclasses
import weakref

import numpy as np
import pandas as pd
import pytest

from examples import medmnist
from skiagram.audit.composition import describe_region, described_regions
from skiagram.audit.contract import Appearance, Evidence
from skiagram.audit.features import check_features
from skiagram.errors import DataError, OptionError
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.images import Region
from skiagram.near_duplicates.pairs import EXACT, NEAR, Pairs, unite_pairs
from skiagram.records.files import read_record, write_record
from skiagram.tasks.cases import DataCard
from skiagram.tasks.classes import Classes
from skiagram.tasks.findings import Findings
from skiagram.tasks.task import Task
from tests.audit.planted import CARD, TASK, audit, clean_set
from tests.datasets.own_folders import LABELS, OwnFolder, source_of
from tests.datasets.sources import ingested


@pytest.mark.slow
def test_a_clean_set_has_only_notes(clean, tmp_path):
    findings = clean.findings(tmp_path)
    assert list(findings) == ["class_counts", "shortcut_probes"]
    assert "benign: 18 images of 18 patients" in findings["class_counts"].summary
    assert findings["class_counts"].count == 36


@pytest.mark.slow
@pytest.mark.parametrize(("design", "severity"), [("holdout", "warning"), ("cv", "stop")])
def test_twins_of_different_patients_break_the_folds(clean, tmp_path, design, severity):
    clean.images[4] = clean.images[2].copy()
    task = dataclasses.replace(TASK, design=design)
    assert clean.findings(tmp_path, task)["near_duplicates_across_patients"].severity == severity


@pytest.mark.slow
def test_a_patient_in_development_and_test_stops(clean, tmp_path):
    clean.cases.patient_id[[2, 30, 40, 41]] = clean.cases.patient_id[2]
    findings = clean.findings(tmp_path)
    assert findings["patients_across_splits"].stops
    assert findings["patients_across_splits"].examples == ("case-000040", "case-000041")
    assert findings["patients_across_training_and_validation"].severity == "warning"


@pytest.mark.slow
def test_few_and_absent_classes(clean, tmp_path):
    development = clean.cases.split != "test"
    clean.cases.label[development] = np.where(np.arange(36) < 4, 1, 0)
    task = Task(Classes(("benign", "malignant", "unsure"), None), "holdout")
    findings = clean.findings(tmp_path, task)
    assert findings["absent_classes"].stops
    assert "unsure" in findings["absent_classes"].summary
    assert findings["tiny_classes"].examples == tuple(f"case-{at:06d}" for at in range(4))


@pytest.mark.slow
def test_a_group_without_any_finding_may_be_absent(clean, tmp_path):
    """Where every image has a finding, the last group is one of the program's own."""
    names = ("effusion", "nodule")
    task = Task(Findings(column="findings", findings=names, balanced_by=names), "holdout")
    assert len(task.predicted.classes) == 3
    findings = clean.findings(tmp_path, task)
    assert "none of these: 0 images" in findings["class_counts"].summary
    assert "absent_classes" not in findings


@pytest.mark.slow
def test_images_without_content_and_a_mask_among_images_warn(clean, tmp_path):
    clean.images[0] = np.full((28, 28), 9, dtype=np.uint8)
    clean.images[1] = np.full((28, 28), np.nan, dtype=np.float32)
    clean.images[2] = np.tile(np.array([1, 2, 3], dtype=np.uint8), (5, 5, 1))
    clean.images[3] = (clean.images[3] // 64 * 64).astype(np.uint8)
    found = clean.findings(tmp_path / "few")
    constant = ("case-000000", "case-000001", "case-000002")
    assert found["constant_images"].examples == constant
    assert found["two_valued_images"].examples == ("case-000003",)
    assert found["two_valued_images"].severity == "warning"
    clean.images = [np.where(image > 128, 255, 0).astype(np.uint8) for image in clean.images]
    assert "two_valued_images" not in clean.findings(tmp_path / "all")


@pytest.mark.slow
def test_the_gravest_finding_is_first_whatever_the_order_of_cases(clean, tmp_path):
    clean.images[40] = clean.images[3].copy()
    clean.images[30] = clean.images[2].copy()
    store = clean.store(tmp_path)
    report, twins = audit([store], clean.cases, TASK, CARD)
    order = [finding.severity for finding in report.findings]
    assert order == sorted(order, key=("stop", "warning", "note").index)
    write_record(report, tmp_path / "findings.json")
    assert read_record(type(report), tmp_path / "findings.json") == report
    assert twins["first"].tolist() == ["case-000002", "case-000003"]
    assert twins["second"].tolist() == ["case-000030", "case-000040"]
    assert twins["exact"].all()
    turned, same_twins = audit([store], clean.cases.select(np.arange(48)[::-1]), TASK, CARD)
    assert turned == report
    assert same_twins.equals(twins)
    with pytest.raises(DataError, match="48 images for 47 cases"):
        audit([store], clean.cases.select(np.arange(47)), TASK, CARD)


@pytest.mark.slow
def test_a_waiver_lets_the_run_go_on_and_keeps_its_reason(clean, tmp_path):
    clean.images[40] = clean.images[3].astype(np.uint16)
    store = clean.store(tmp_path)
    report, _ = audit([store], clean.cases, TASK, CARD)
    assert "near_duplicates_across_splits" in [finding.name for finding in report.stopping]
    told = report.explain_stop({"case-000040": "b.png"})
    assert "waived_findings:\n  near_duplicates_across_splits: " in told
    assert "b.png and case-000003" in told

    card = dataclasses.replace(CARD, waived_findings={"near_duplicates_across_splits": "published"})
    waived, _ = audit([store], clean.cases, TASK, card)
    assert not waived.stopping
    assert waived.findings[0].waived == "published"
    unknown = dataclasses.replace(CARD, waived_findings={"near_duplicates": "published"})
    with pytest.raises(OptionError, match="near_duplicates_across_splits"):
        audit([store], clean.cases, TASK, unknown)


@pytest.mark.slow
def test_what_only_the_second_kind_of_image_shows_is_found(clean, tmp_path):
    second = clean_set(seed=1)
    abnormal = np.flatnonzero(clean.cases.label == 1).tolist()
    for row in abnormal:
        second.images[row] = (second.images[row] // 2 + 128).astype(np.uint8)
    second.images[40] = second.images[3].copy()
    second.images[41] = np.fliplr(second.images[5]).copy()
    second.images[0] = np.full((28, 28), 9, dtype=np.uint8)
    stores = [clean.store(tmp_path / "PET"), second.store(tmp_path / "MR")]
    alone, _ = audit(stores[:1], clean.cases, TASK, CARD)
    report, table = audit(stores, clean.cases, TASK, CARD)
    named = {finding.name: finding for finding in report.findings}
    new = set(named) - {finding.name for finding in alone.findings}
    assert {"exact_duplicates_across_splits", "constant_images", "label_from_brightness"} <= new
    assert named["constant_images"].examples == ("case-000000",)
    assert named["exact_duplicates_across_splits"].examples == ("case-000040 and case-000003",)
    assert ("case-000005", "case-000041", "mirrored") in set(
        zip(table["first"], table["second"], table["kind"], strict=True)
    )


def test_a_pair_in_several_kinds_of_images_counts_once_as_the_most_alike():
    near = {(0, 4): (0.99, NEAR), (2, 3): (0.985, NEAR)}
    pet = {**near, (1, 2): (0.9, "a"), (2, 5): (0.7, "b")}
    mr = {(1, 2): (0.99, NEAR), (0, 4): (1.0, EXACT), (2, 5): (0.8, "c"), (0, 3): (0.7, "d")}
    united = unite_pairs([Pairs.of(pet), Pairs.of(mr)])
    found = zip(*(column.tolist() for column in united), strict=True)
    assert list(found) == [
        (0, 3, 0.7, "d"),
        (0, 4, 1.0, EXACT),
        (1, 2, 0.99, NEAR),
        (2, 3, 0.985, NEAR),
        (2, 5, 0.8, "c"),
    ]


@pytest.mark.slow
def test_breastmnist_twins_are_found(real_data, tmp_path):
    own = OwnFolder(tmp_path / "breast", tmp_path / "breast.csv")
    medmnist.write(real_data / "breastmnist.npz", own.folder)
    described = {"classes": ("0", "1"), "positive_class": "0"}
    columns = dataclasses.replace(LABELS, split="split")
    folders, cases = ingested(source_of(own, columns, **described), tmp_path)
    report, twins = audit(
        [ImageStore(folders.images)],
        cases,
        read_record(Task, folders.cases / "task.json"),
        read_record(DataCard, folders.cases / "card.json"),
    )
    counts = {finding.name: finding.count for finding in report.findings}
    assert counts["near_duplicates_across_splits"] == 52
    assert counts["exact_duplicates_across_splits"] == twins["exact"].sum() == 1
    assert counts["unknown_patients"] == 780


def test_regions_are_held_one_at_a_time(tmp_path, monkeypatch):
    with ShardWriter(tmp_path / "images") as writer:
        for side in (2, 3, 4, 5):
            inside = np.ones((side, side), dtype=np.bool_)
            writer.add(
                f"c{side}", np.zeros((6, 6), np.uint8), region=Region(np.pad(inside, (0, 6 - side)))
            )
    alive = []

    def watched(inside):
        alive.append(weakref.ref(inside))
        assert sum(region() is not None for region in alive) <= 2  # the next, before one is let go
        return describe_region(inside)

    monkeypatch.setattr("skiagram.audit.composition.describe_region", watched)
    described = described_regions(ImageStore(tmp_path / "images"))
    assert described[:, 0].tolist() == [4, 9, 16, 25]


def test_features_that_tell_the_label_and_empty_cells_are_found(clean):
    cases = clean.cases
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"case_id": cases.case_id, "texture": generator.normal(size=len(cases))})
    table["copy"] = cases.label * 2.5 + 1
    table["row"] = generator.permutation(len(cases))
    table.loc[3:9, "texture"] = np.nan
    nobody = np.zeros(0, dtype=np.int64)
    pairs = Pairs(nobody, nobody, np.zeros(0), np.zeros(0, dtype=np.str_))
    appearance = Appearance(pairs, np.full(len(cases), 3), None)
    evidence = Evidence(cases, TASK, CARD, appearance, None, table)
    empty, telling = check_features(evidence)
    assert (empty.name, empty.count, empty.severity) == ("empty_features", 1, "note")
    assert "texture (7)" in empty.summary
    assert (telling.count, telling.severity) == (2, "warning")
    assert "`copy` repeats the label" in telling.summary
    nothing = check_features(Evidence(cases, TASK, CARD, appearance))
    assert [finding.count for finding in nothing] == [0, 0]
