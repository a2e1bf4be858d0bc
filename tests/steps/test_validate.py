"""What a cohort shares with a project is found by patients' ids and by images."""

import numpy as np
import pytest

from skiagram.image_store.shards import ShardWriter
from skiagram.records.files import read_table
from skiagram.sealing.labels import seal_labels
from skiagram.steps.validate import Project, find_shared, leave_out
from skiagram.tasks.cases import SEALED, Cases, DataCard
from tests.cases import make_cases

pytestmark = pytest.mark.slow
NAMES = "case-{}"


def store(folder, images):
    with ShardWriter(folder / "images") as writer:
        for name, image in images.items():
            writer.add(name, image)


def drawn(seed):
    return np.random.default_rng(seed).integers(0, 255, (24, 24)).astype(np.uint8)


@pytest.fixture
def project(tmp_path):
    cases, nothing = make_cases([0, 1, 1], ["train", "train", "test"], name=NAMES), None
    images = {name: drawn(at) for at, name in enumerate(cases.case_id.tolist())}
    store(tmp_path / "data", images)
    card = DataCard("home", "Home", "CT", "CC0", "none", "drawn", patients_known=True)
    return Project(tmp_path, cases, nothing, card, nothing, nothing, ())


def test_patients_and_images_of_development_cases_are_told(project, tmp_path):
    brighter = np.clip(drawn(0).astype(int) // 2 + 60, 0, 255).astype(np.uint8)
    images = {"case-0": brighter, "case-1": drawn(2), "case-2": drawn(7), "case-3": drawn(8)}
    store(tmp_path / "cohort", images)
    known = {"case-0": "A1", "case-1": "095", "case-2": "77"}
    cohort = {"case-0": "B1", "case-1": "B2", "case-2": "95", "case-3": "77"}
    shared = find_shared(project, tmp_path / "cohort", known, cohort)
    assert shared.patients == {"case-2"}  # written otherwise; 77 is a patient of the test cases
    assert shared.images == {"case-0"}
    assert shared.tested == 1
    assert not find_shared(project, tmp_path / "cohort", {}, cohort).patients


def test_what_is_left_out_leaves_labels_and_cases_alike(tmp_path):
    for folder in ("cases", "sealed"):
        (tmp_path / folder).mkdir()
    cases = make_cases([0, 1, 1], "test", name=NAMES)
    cases.write(tmp_path / "cases/cases.parquet")
    seal_labels(tmp_path / "sealed", cases.case_id, np.array([0, 1, 1]))
    leave_out(tmp_path, {"case-1"})
    left = Cases.read(tmp_path / "cases/cases.parquet")
    labels = read_table(tmp_path / "sealed/labels.parquet")
    assert left.case_id.tolist() == labels["case_id"].tolist() == ["case-0", "case-2"]
    assert labels["label"].tolist() == [0, 1]
    assert set(left.label.tolist()) == {SEALED}
