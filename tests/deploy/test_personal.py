"""New cases of a model that knows a patient's covariates and earlier image."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skiagram.cli.main import main
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.deploy.model import load_model
from skiagram.deploy.new_cases import list_cases
from skiagram.deploy.package import pack
from skiagram.deploy.prediction import score_cases
from skiagram.image_store.store import ImageStore
from skiagram.options import build
from skiagram.records.files import read_table
from skiagram.tables.frames import read_csv
from skiagram.tasks.cases import read_cases
from tests.deploy.trained import options, prepare, read_rows, train, write_rows
from tests.sources.phantom.test_visits import visits
from tests.terminal import assert_says

pytestmark = pytest.mark.slow
POSITIVE = "probability_growing"


@dataclass(frozen=True)
class Screened:
    """A finished model of two visits.

    Attributes:
        model: Its folder.
        films: Folder of the test cases' images.
        rows: File, patient, visit and marker of each.
        expected: File → probability that the run gave it.
    """

    model: Path
    films: Path
    rows: list[dict[str, Any]]
    expected: dict[str, float]


@pytest.fixture(scope="module")
def screened(tmp_path_factory):
    """Train on 60 patients of the phantom of two visits, as the stages do."""
    place = tmp_path_factory.mktemp("screened")
    patients = {"train": 50, "validation": 10, "test": 20}
    source = visits(size=24, patients=patients, lesion={"radius": 8.0, "growth": 2.0})
    images, cases_folder = place / "images", place / "cases"
    ingest(source, "holdout", None, IngestFolders(images, cases_folder, place / "sealed"))
    names = ("first_order", "earlier", "covariates")
    features = {name: options(f"features/{name}.yaml") for name in names}
    prepare(place, options("restoration/none.yaml"), features)
    chosen = options("model/logistic_regression.yaml")
    scores = train(place, build(chosen, "model"), chosen).part("test")
    cases, _ = read_cases(cases_folder)
    known, table = (
        read_table(cases_folder / f"{name}.parquet") for name in ("covariates", "visits")
    )
    films = place / "films"
    films.mkdir()
    test = cases.test()
    for case in test.case_id.tolist():
        Image.fromarray(ImageStore(images).image(case)).save(films / f"{case}.tif")
    listed = pd.DataFrame({"case_id": test.case_id, "patient_id": test.patient_id})
    listed = listed.merge(table).merge(known).assign(file=listed["case_id"] + ".tif")
    rows = listed[["file", "patient_id", "visit", "marker"]].to_dict("records")
    mean = scores.groupby("case_id")["probability_1"].mean()
    expected = {f"{case}.tif": float(value) for case, value in mean.items()}
    return Screened(place / "model", films, rows, expected)


def scored(screened, place, rows):
    """Return file → row of the table that predict writes."""
    table, target = write_rows(place / "cases.csv", rows), place / "scores.csv"
    words = [screened.model, screened.films, "--table", table, "-o", target, "--force"]
    assert main(["predict", *map(str, words)]) == 0
    return {row["file"]: row for row in read_rows(target)}


def test_scores_with_earlier_images_are_those_of_the_run(screened, tmp_path, capsys):
    """Also where dates stand for numbers, rows are mixed and work is shared out."""
    dated = [row | {"visit": f"202{row['visit']}-03-01"} for row in screened.rows[::-1]]
    for rows in (screened.rows, dated):
        table = scored(screened, tmp_path, rows)
        found = [float(table[name][POSITIVE]) for name in screened.expected]
        np.testing.assert_allclose(found, list(screened.expected.values()), atol=1e-6)
    first = {row["file"] for row in screened.rows if row["visit"] == 1}
    assert {name for name, row in table.items() if row["missing"]} == first
    assert {table[name]["missing"] for name in first} == {"no earlier image"}
    loaded = load_model(screened.model)
    known = replace(loaded.preparer.preparation, columns={"region": "side"})
    model = replace(loaded, preparer=replace(loaded.preparer, preparation=known))
    cases = list_cases(screened.films, read_csv(tmp_path / "cases.csv"), ())
    assert {"; ".join(result.missing) for result in score_cases(model, cases)} == {
        *("no earlier image", "`region` is unknown"),
    }
    said = capsys.readouterr().err
    assert f"{len(first)} of {len(dated)} cases lack what the model reads" in said


def test_a_package_says_what_it_reads_and_its_page_what_is_missing(screened, tmp_path, terminal):
    package, table = tmp_path / "model.skiagram", tmp_path / "cases.csv"
    pack(screened.model, package)
    terminal.says(f"show {package}", "earlier image | of the visit before")
    write_rows(table, screened.rows)
    line = f"predict {package} {screened.films} --table {table}"
    terminal(f"{line} -o {tmp_path}/scores.csv --page {tmp_path}/scores.html")
    assert_says((tmp_path / "scores.html").read_text(), "Missing: no earlier image")
