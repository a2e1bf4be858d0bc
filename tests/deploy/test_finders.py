"""Finders mark new images as the project marked its test images, each beside its other side."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skiagram.deploy import page
from skiagram.deploy.model import load_model
from skiagram.errors import DataError
from skiagram.finding.candidates import Grid
from skiagram.image_store.pictures import encode_circles
from skiagram.options import build, composed
from skiagram.readers.case_images import (
    ImageReference,
    decode_case,
    is_image_file,
    read_case_files,
)
from skiagram.readers.file_trees import FolderTree
from skiagram.records.files import read_table
from skiagram.records.places import MARKS
from skiagram.steps.encode import encode
from skiagram.tasks.cases import SEALED, Cases
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.deploy.test_model import edited
from tests.deploy.trained import options, prepare, train, write_ingested, write_rows
from tests.encoders.test_timm_maps import maps
from tests.finding.films import LAST_COLUMN, ORIGIN, PATIENTS, write_films

pytestmark = pytest.mark.slow

TEST = 4  # patients
JUDGE = {"C": 1.0}
FINDER = {"normal_places": 5, "lesion_least": 4.0, "margin": 2.0, "apart": 10.0, "top": 2}
SEARCH = {
    "space": {"classifier.C": [0.01, 0.1, 1.0, 10.0]},
    "budget": {"trials": 2, "folds": 2},
}


class Trained(NamedTuple):
    """A trained finder, its test images as files, and what the project said of them."""

    model: Path
    films: Path
    table: Path
    probability: pd.Series
    marks: pd.DataFrame


def trained_finder(folder, name, depth):
    """Ingest, propose, describe and train as the stages do."""
    names, lesions = write_films(folder / "films", depth, whole=not name.startswith("tuned "))
    tree, images = FolderTree(folder / "films", is_image_file), []
    for film in names:
        reference = ImageReference(film)
        images.append((film, decode_case(read_case_files(tree, reference), reference)))
    at = np.arange(len(names))
    split, label = np.where(at < 2 * (PATIENTS - TEST), "train", "test"), (at + 1) % 2
    patient = np.array([film[:2] for film in names])
    cases = Cases(np.array(names), patient, split, np.where(split == "test", SEALED, label))
    task = Task(Classes(("absent", "present"), 1), "holdout")
    write_ingested(folder, cases, task, images, marks=lesions)
    features = {"first": options("features/first_order.yaml")}
    grid = composed(Grid(step=6.0, radius=4.0, body="all"))
    prepare(folder, options("restoration/none.yaml"), features, grid)
    model, chosen = learner(name.removeprefix("head of "), depth)
    if name.startswith("head of "):
        read = (folder / "restored", folder / "candidates")
        encode(composed(maps(folder)), *read, folder / "encodings/tiny")
        model, chosen = replace(model, encoding="tiny"), chosen | {"encoding": "tiny"}
    test = train(folder, model, chosen).part("test")
    rows = [{"file": film, "patient_id": film[:2]} for film in cases.test().case_id.tolist()]
    table = write_rows(folder / "films.csv", rows)
    marks = read_table(folder / "scores" / MARKS)
    return Trained(
        folder / "model",
        folder / "films",
        table,
        test.groupby("case_id")["probability_1"].mean(),
        marks[marks["part"] == "test"],
    )


def learner(name, depth):
    if name.startswith("tuned "):
        _, values = learner(name.removeprefix("tuned "), depth)
        chosen = {"_target_": "skiagram.models.tuned.Tuned", "model": values, **SEARCH}
        return build(chosen, "model"), chosen
    if name == "candidate_finder":
        chosen = options(f"model/{name}.yaml", **FINDER)
        chosen["classifier"] |= JUDGE
        return build(chosen, "model"), chosen
    if name == "fused_finder":
        member, _ = learner("candidate_finder", depth)
        fused = {"by_encoding": composed(member), "by_features": composed(member)}
        chosen = options(f"model/{name}.yaml", apart=10.0, top=2, **fused)
        return build(chosen, "model"), chosen
    from tests.models.deep import test_finders

    chosen = test_finders.options(name, depth) | {"pixel": 1.0, "apart": 6.0, "steps": 6}
    return test_finders.learner(name, depth, **chosen), chosen


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("candidate_finder", None),
        ("tuned candidate_finder", None),  # on images of floating point
        ("heat_map_finder", 8),
        ("head of candidate_finder", None),
        ("head of fused_finder", None),
    ],
)
def test_new_images_are_marked_as_the_project_marked_them(
    name, depth, tmp_path, monkeypatch, terminal
):
    drawn = []

    def draw(image, spacing, circles):
        drawn.extend(circles)
        return encode_circles(image, spacing, circles)

    monkeypatch.setattr(page, "encode_circles", draw)
    project = trained_finder(tmp_path, name, depth)
    line = f"predict {project.model} {project.films} --table {project.table}"
    terminal(f"{line} -o {tmp_path}/scores.csv --page {tmp_path}/page.html")
    found = pd.read_csv(tmp_path / "scores.csv", index_col="file").sort_index()
    assert {*found["decision"]} <= {"positive", "negative"}
    assert_allclose(found["probability_present"], project.probability, rtol=1e-9)
    marks = pd.read_csv(tmp_path / "scores.marks.csv")
    assert (marks.groupby(["file", "repeat"])["score"].diff().dropna() <= 0).all()
    columns = {"x": "column", "y": "row", "z": "slice", "radius": "radius", "score": "score"}
    order = ["file", "repeat", "score", "x", "y"]
    expected = project.marks.rename(columns={old: new for new, old in columns.items()})
    expected = expected.rename(columns={"case_id": "file"})
    if depth:
        expected["x"] = LAST_COLUMN - expected["x"]
    expected = expected.sort_values(order)
    for column in ("repeat", *columns):
        own = marks.sort_values(order)[column].to_numpy(dtype=np.float64)
        assert_allclose(own, expected[column], rtol=1e-9, atol=1e-9)
    if depth:
        steps = np.array([-1.5, 1.5, 1.0])
        placed = ORIGIN + steps * marks[["x", "y", "z"]]
        assert_allclose(marks[["x_mm", "y_mm", "z_mm"]], placed)
        places = project.marks[["slice", "row", "column"]].to_numpy()
        assert all(np.abs(places - circle.centre).max(axis=1).min() < 1e-6 for circle in drawn)
    else:
        assert marks[["z", "x_mm", "y_mm", "z_mm"]].isna().all(axis=None)
    written = (tmp_path / "page.html").read_text()
    assert written.count("data:image/png") == len(found)
    assert "Mark 1: x" in written
    package, lines = tmp_path / "finder.skiagram", tmp_path / "alone.csv"
    terminal(f"package {project.model} -o {package}")
    terminal(f"predict {package} {next(project.films.glob('15-0.*'))} -o {lines}")
    (row,) = pd.read_csv(lines).to_dict("records")
    assert row["missing"] == "no other image of the patient"
    if name == "candidate_finder":
        _refuses_what_is_not_its_own(project.model, tmp_path)


def _refuses_what_is_not_its_own(model, folder):
    foreign = ("deployment.json", "options.classifier._target_", "skiagram.options.build")
    lost = ("preparation.json", "proposal", None)
    for words, edit in {"names the class": foreign, "does not say where": lost}.items():
        copy = edited(model, folder / words, *edit)
        (copy / "checksums.json").unlink()
        with pytest.raises(DataError, match=words):
            load_model(copy)
