"""A finished project's models on the labelled cohort of another hospital, as a user validates."""

import csv
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.evaluation_record import DOMAIN, Evaluation
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_record
from skiagram.sealing.ledger import read_ledger
from skiagram.tasks.cases import Cases
from tests.pipeline.project import BASELINES, NETWORK, Project
from tests.terminal import assert_says

pytestmark = pytest.mark.slow
WORDS = ("nein", "ja")  # of the hospital, for `plain` and `striped`


@dataclass(frozen=True)
class Cohort:
    """A project and the images of another hospital, with what validating them gave."""

    project: Project
    folder: Path
    table: Path
    results: Path


def write_cohort(folder, cases=72, seed=3):
    """Write brighter, noisier images with fainter stripes, and their table; return the table."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    rows = []
    for number in range(cases):
        label = number % 2
        stripes = label * 24 * np.sin(np.arange(20) * 1.3 + rng.uniform(0, 6))
        image = rng.normal(140, 30, (20, 20)) + stripes
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        rows.append((f"{number}.png", WORDS[label], f"woman {number}", "ABC"[number % 3]))
    return write_table(folder.with_suffix(".csv"), rows)


def write_table(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "label", "patient", "hospital"), *rows])
    return path


def validate(project, folder, table, *words, code=0):
    given = "validate", ".", str(folder), str(table), "--classes", *WORDS, "--workers", "1"
    return project.skiagram(*given, *words, code=code)


@pytest.fixture(scope="module")
def validated(finished, tmp_path_factory):
    """Return three hospitals' images that every model of a finished project has scored."""
    place = tmp_path_factory.mktemp("validated")
    project = finished.copy(place / "project")
    table = write_cohort(place / "leeds")
    done = validate(project, place / "leeds", table, "--site", "hospital")
    assert "of another cohort" in done.stdout
    assert f"project's classes: `{WORDS[0]}` is `plain`, `{WORDS[1]}` is `striped`." in done.stderr
    return Cohort(project, place / "leeds", table, project.folder / "reports/validations/leeds")


def test_its_scores_are_those_of_predict_and_its_figures_are_of_them(validated):
    scores = pd.read_csv(validated.results / "scores.csv")
    figures = pd.read_csv(validated.results / "figures.csv")
    truth = scores["label"] == "striped"
    for model in (*BASELINES, NETWORK, "stacking"):
        own = figures[(figures.model == model) & (figures.figure == "roc_auc")]
        here = own[own.group == "cohort"].iloc[0]
        assert here.value == pytest.approx(roc_auc_score(truth, scores[model]), abs=0.01)
        assert set(own.group) == {"out_of_fold", "held_out", "cohort"}
        assert here.low < here.value < here.high or here.value == 1
    table = validated.results.parent / "predicted.csv"
    model = str(validated.project.folder / "models" / BASELINES[0])
    validated.project.skiagram("predict", model, str(validated.folder), "-o", str(table), code=0)
    predicted = pd.read_csv(table).set_index("file")["probability_striped"]
    told = pd.read_csv(validated.project.folder / "tables/validation_leeds.cases.csv")
    file_of = dict(zip(told["case_id"], told["file"], strict=True))
    names = [f"{validated.folder}/{file_of[case]}" for case in scores["case_id"]]
    expected = predicted.loc[names]
    np.testing.assert_allclose(scores[BASELINES[0]], expected, rtol=0, atol=1e-9)


def test_page_and_record_show_what_is_asked_of_a_cohort(validated):
    asked = (
        "Another cohort beside the project | Calibration slope | calibration updated | "
        "Spread between sites | The cohort beside the development set | "
        "tells the cohort from the development set | Net benefit per 1,000 cases"
    )
    # no test cases, neither at home nor on the cohort, and nothing of its own
    nothing = f"!est cases are | !woman | !{validated.folder}"
    assert_says((validated.results / "report.html").read_text(), f"{asked} | {nothing}")
    evaluation = read_record(Evaluation, validated.results / "evaluation.json")
    assert evaluation.test_sites == ("A", "B", "C")
    area = evaluation.figures.find(analysis=DOMAIN, figure="roc_auc")
    assert area.low > 0.5
    with sqlite3.connect(validated.project.folder / "mlflow.db") as database:
        names = [name for (name,) in database.execute("SELECT name FROM runs")]
        of_project = "SELECT value FROM tags WHERE key = 'skiagram.project_run'"
        (project_run,) = {name for (name,) in database.execute(of_project)}
    assert "validation leeds" in names
    assert project_run in names


def test_its_labels_are_opened_once_by_the_ledger(validated):
    project, folder = validated.project, validated.folder
    openings = read_ledger(project.folder).openings
    assert [one.comparison.opened_by for one in openings].count("validate") == 1
    words = "--site", "hospital"
    assert "--force" in validate(project, folder, validated.table, *words, code=2).stderr
    validate(project, folder, validated.table, *words, "--force")
    assert read_ledger(project.folder).openings == openings
    # a look after labels were changed is another one, though every score is as before
    table = pd.read_csv(validated.table)
    table.loc[[0, 1], "label"] = table.loc[[1, 0], "label"].to_numpy()
    table.to_csv(changed := folder.with_name("changed.csv"), index=False)
    again = validate(project, folder, changed, *words, "--force")
    assert "opened for 2 comparisons; this is number 2" in again.stdout
    assert len(read_ledger(project.folder).openings) == len(openings) + 1


def test_what_fails_after_scoring_leaves_the_labels_closed(validated, tmp_path):
    project = validated.project.copy(tmp_path / "project")
    before = read_ledger(project.folder).openings
    (project.folder / "data/restored/treatment.parquet").unlink()  # the page alone reads it
    table = write_cohort(tmp_path / "york", 40)
    failed = validate(project, tmp_path / "york", table, code=4)
    assert "treatment.parquet" in failed.stderr
    assert read_ledger(project.folder).openings == before
    assert not (project.folder / "reports/validations/york").exists()


def test_development_images_are_refused_or_left_out(validated, tmp_path):
    project, folder = validated.project, tmp_path / "leeds"
    rows = list(csv.reader(write_cohort(folder).open(newline="")))[1:]
    store = ImageStore(project.folder / "data/images")
    cases = Cases.read(project.folder / "data/cases/cases.parquet").development()
    known = zip(cases.case_id[:3].tolist(), cases.label[:3].tolist(), strict=True)
    for case, label in known:
        Image.fromarray(store.image(case)).save(folder / f"{case}.png")
        rows.append([f"{case}.png", WORDS[label], case, "A"])
    table = write_table(tmp_path / "leeds.csv", rows)
    words = folder, table, "--name", "known"
    refused = validate(project, *words, code=4)
    assert "3 cases have a near duplicate among the development cases" in refused.stderr
    assert not (project.folder / "reports/validations/known").exists()
    validate(project, *words, "--shared", "leave-out")
    scores = pd.read_csv(project.folder / "reports/validations/known/scores.csv")
    assert len(scores) == 72
    # nothing but known images
    table = write_table(tmp_path / "leeds.csv", rows[72:])
    words = folder, table, "--name", "same", "--ignore-unlisted", "--shared", "leave-out"
    assert "and no other case" in validate(project, *words, code=4).stderr


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        (1, "unclear", ("`unclear`", "nein, ja", "--classes")),
        (0, "elsewhere.png", ("72 of 72 rows name no file", "--file")),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_help(validated, tmp_path, column, cell, words):
    rows = list(csv.reader(validated.table.open(newline="")))[1:]
    for number, row in enumerate(rows):
        row[column] = f"{number}-{cell}" if column == 0 else cell
    table = write_table(tmp_path / "other.csv", rows)
    given = validated.folder, table, "--name", "other", "--ignore-unlisted"
    refused = validate(validated.project, *given, code=4)
    for word in words:
        assert word in refused.stderr
