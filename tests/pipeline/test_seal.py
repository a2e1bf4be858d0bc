"""A run whose images and labels of test cases are encrypted, and the ledger of its openings."""

import csv
import io
import json
import tarfile

import numpy as np
import pyrage
import pytest
from PIL import Image
from pyrage import x25519

from skiagram.sealing.ledger import LEDGER, OPENING
from tests.datasets.own_folders import encoded, write_folder
from tests.pipeline.project import list_stages
from tests.terminal import assert_says

BASELINES = ["logistic_regression", "decision_tree"]
ARCHIVE_KEY, CUSTODIAN = x25519.Identity.generate(), x25519.Identity.generate()
ARCHIVE = {"SKIAGRAM_ARCHIVE_KEY": str(ARCHIVE_KEY)}


def clinic(place):
    """Return 48 patients of one striped or plain image each, a third of them for testing."""
    rng = np.random.default_rng(4)
    files, rows = {}, []
    for at in range(48):
        cancer = bool(rng.integers(2)) if at % 3 == 2 else at % 2 == 1
        image = rng.normal(128, 25, (24, 24)) + 40 * cancer * np.sin(np.arange(24) * 1.3)
        name = f"film-{at:02d}.png"
        files[name] = encoded(Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)), "PNG")
        label, split = ("cancer" if cancer else "normal"), ("test" if at % 3 == 2 else "train")
        rows.append({"file": name, "patient_id": f"P{at}", "label": label, "split": split})
    return write_folder(place, files, rows)


@pytest.fixture
def authors(project, tmp_path):
    """Return a project that was given an archive and a table without labels of test cases."""
    own, given = clinic(tmp_path / "custodian"), tmp_path / "given"
    recipient = ("--recipient", str(CUSTODIAN.to_public()), "--output", str(given))
    done = _skiagram(project, "seal", str(own.folder), str(own.csv), *recipient)
    assert done == 0
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(own.folder, ".")
    archive = given / "films.tar.age"
    archive.write_bytes(pyrage.encrypt(buffer.getvalue(), [ARCHIVE_KEY.to_public()]))
    sealed = ("--positive", "cancer", "--sealed-labels", str(given / "films.labels.age"))
    assert _skiagram(project, "init", str(archive), str(given / "films.csv"), *sealed) == 0
    project.edit(
        "params.yaml", dataset="films", features="first_order", baselines=BASELINES, networks=[]
    )
    return project


def _skiagram(project, *words):
    return project.skiagram(*words, **ARCHIVE).returncode


def _evaluate(project, *words, **keys):
    done = project.run("python", "pipeline/evaluate.py", *words, **keys)
    return done.returncode, done.stderr


@pytest.mark.slow
def test_authors_get_figures_from_the_custodian_and_no_label(authors):
    authors.run("python", "pipeline/ingest.py", "dataset=films", **ARCHIVE, code=0)
    _, *stages, _ = list_stages("films", "first_order", BASELINES)  # without any key
    authors.stages(*stages)

    code, said = _evaluate(authors)
    assert code == 4
    assert "ask the custodian" in said
    assert [path.name for path in (authors.folder / "reports").iterdir()] == ["explanations"]
    assert not (authors.folder / LEDGER).exists()

    key = {"SKIAGRAM_SEAL_KEY": str(CUSTODIAN)}
    code, said = _evaluate(authors, **key)
    assert code == 0, said
    with (authors.folder / "reports/scores.csv").open(newline="") as file:
        assert {*next(csv.reader(file))} == {"case_id", "patient_id", "repeat", "fold", *BASELINES}
    page = authors.folder / "reports/report.html"
    assert_says(page.read_text(), "opened for the first time")
    first = authors.hashes("reports")
    assert _evaluate(authors, **key)[0] == 0
    assert authors.hashes("reports") == first
    assert len((authors.folder / LEDGER).read_text().splitlines()) == 1

    assert _evaluate(authors, "margin=0.05", **key)[0] == 0
    assert_says(page.read_text(), "opened for 2 comparisons")
    before = [json.loads(line) for line in (authors.folder / LEDGER).read_text().splitlines()]
    assert [entry["number"] for entry in before] == [1, 2]
    comparison = json.loads((authors.folder / "reports" / OPENING).read_text())
    assert before[1]["comparison"] == comparison
    shown = authors.skiagram("show").stdout
    assert_says(shown, "were opened for 2 comparisons; this is number 2")

    everything = said + shown
    for path in authors.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert str(CUSTODIAN).encode() not in content
            assert str(ARCHIVE_KEY).encode() not in content
    assert str(CUSTODIAN) not in everything
    assert sorted(path.name for path in (authors.folder / "data/sealed").iterdir()) == [
        "labels.age",
        "marks.parquet",  # of images with places marked; empty here
        "tokens.parquet",
    ]
