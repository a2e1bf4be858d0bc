"""`skiagram predict` as a user meets it."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skiagram.deploy.inputs import Preparer
from skiagram.deploy.model import load_model
from skiagram.evaluation.sentences import say
from tests.datasets.folder.test_frames import tiff_of_pages
from tests.deploy.trained import TASK, trained_baseline
from tests.readers.examples import cine

RUN_AND_LIST_MODULES = """
import sys
from skiagram.cli.main import main
code = main(sys.argv[1:])
print(*sys.modules)
sys.exit(code)
"""
COLUMNS = [f"probability_{name}" for name in TASK.predicted.classes]


@pytest.fixture(scope="session")
def baseline(tmp_path_factory):
    """Return a logistic regression with the films of its test cases."""
    return trained_baseline(tmp_path_factory.mktemp("baseline"))


@pytest.fixture
def predict(baseline, terminal, here):
    """Return what scores files, by default into `scores.csv`, and gives all that is shown."""

    def run(files, *flags, code=0, output="scores.csv"):
        words = ["predict", baseline.model, *files, "-o", output, *flags]
        return terminal([str(word) for word in words], code)

    return run


def rows(table="scores.csv"):
    with Path(table).open(newline="") as file:
        return list(csv.DictReader(file))


def probabilities(table="scores.csv"):
    return pd.read_csv(table)[COLUMNS].dropna().to_numpy()


def test_the_table_holds_names_probabilities_and_decisions(baseline, predict):
    shown = predict(baseline.films)
    found, values = rows(), probabilities()
    assert [row["file"] for row in found] == [str(path) for path in baseline.films]
    np.testing.assert_array_equal(values, baseline.expected())
    threshold = load_model(baseline.model).threshold  # of the mean of two trainings
    positive = np.array([row["decision"] == "positive" for row in found])
    np.testing.assert_array_equal(positive, values[:, 1] >= threshold)
    assert 0 < positive.sum() < len(found)
    caution, rule, *_ = shown.splitlines()
    assert "no medical device" in caution
    assert f"at least {threshold:.3g}" in rule
    assert "to find 90 %" in rule


def test_an_earlier_table_is_replaced_only_when_forced(baseline, predict, here):
    table = here / "scores.csv"
    table.write_text("mine\n")
    assert "--force" in predict(baseline.films[:1], code=2)
    assert table.read_text() == "mine\n"
    predict(baseline.films[:1], "--force")
    assert len(rows()) == 1
    assert list(here.iterdir()) == [table]


@pytest.mark.parametrize("target", ["film.png", ".", "none/a.csv"])
def test_a_table_never_lands_where_it_should_not(target, baseline, predict, here):
    film = here / "film.png"
    film.write_bytes(baseline.films[0].read_bytes())
    assert predict([film], "--force", code=2, output=here / target).count("\n") == 1
    assert film.read_bytes() == baseline.films[0].read_bytes()
    assert list(here.iterdir()) == [film]


def test_ctrl_c_leaves_the_earlier_table_and_nothing_beside_it(
    baseline, predict, here, monkeypatch
):
    table, scratch = here / "scores.csv", here / "scratch"
    table.write_text("mine\n")
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    read, last = Preparer.prepare, baseline.films[-1]

    def interrupted(self, case, covariates):
        if case.name == str(last):
            raise KeyboardInterrupt
        return read(self, case, covariates)

    monkeypatch.setattr(Preparer, "prepare", interrupted)
    predict(baseline.films, "--force", "--workers", "1", code=130)
    assert table.read_text() == "mine\n"
    assert sorted(here.iterdir()) == [table, scratch]
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
def test_classical_models_predict_without_torch(baseline, here):
    words = [baseline.model, *baseline.films, "-o", "scores.csv"]
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST_MODULES, "predict", *words],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
    )
    unwanted = {"torch", "torchvision", "pytorch_lightning", "mlflow", "hydra", "matplotlib"}
    assert not unwanted & set(done.stdout.split())


@pytest.mark.slow
def test_the_page_says_too_that_no_model_worked(baseline, here, terminal):
    shutil.copytree(baseline.model, "models/copied")
    line = f"predict models/copied {baseline.films[0]} -o a.csv --page scores.html"
    nothing_works = say("answer.nothing_works")
    terminal(line)
    assert nothing_works not in Path("scores.html").read_text()
    (here / "reports").mkdir()
    verdict = json.dumps({"verdict": nothing_works})
    (here / "reports/evaluation.json").write_text(verdict)
    terminal(f"{line} --force")
    assert nothing_works in Path("scores.html").read_text()


@pytest.mark.slow
def test_folders_and_patterns(baseline, predict, here):
    place = here / "new"
    (place / "more").mkdir(parents=True)
    for number, film in enumerate(baseline.films):
        shutil.copy(film, place / "more" if number % 2 else place)
    (place / "notes.txt").write_text("no film\n")
    for name in (".hidden.png", "empty.png"):
        (place / name).write_bytes(b"")
    words = ("--page", "scores.html")
    predict(["new", "new/**/*.png"], *words, code=4)
    lines = rows()
    by_name = {Path(line["file"]).name: line for line in lines}
    assert len(lines) == len(baseline.films) + 1  # each once
    assert "empty file" in by_name["empty.png"]["error"]
    for film, expected in zip(baseline.films, baseline.expected(), strict=True):
        found = [float(by_name[film.name][name]) for name in COLUMNS]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert "empty.png" in Path("scores.html").read_text()
    predict(["none/*.png"], code=2)
    predict(baseline.films[:1], "--workers", "0", code=2)


def test_a_dark_film_is_unlike_the_training_data(baseline, predict):
    with Image.open(baseline.films[0]) as film:
        film.point(lambda value: value // 8).save("dark.png")
    predict([*baseline.films, "dark.png"])
    assert "distance" in rows()[-1]["unusual"]


@pytest.fixture
def loops(baseline, here):
    """Write the films of the model as frames of a DICOM file and as pages of a TIFF."""
    films = np.stack([np.asarray(Image.open(path)) for path in baseline.films])
    (here / "loops").mkdir()
    (here / "loops/loop.dcm").write_bytes(cine(films[:4]))
    (here / "loops/pages.tif").write_bytes(tiff_of_pages(films[4:]))
    return ["loops/loop.dcm", "loops/pages.tif"]


@pytest.mark.slow
def test_frames_are_told_by_a_table(baseline, loops, predict):
    cells = [f"loop.dcm,{frame}" for frame in ("3", "1", "9", "none")]
    Path("loops.csv").write_text("\n".join(["file,frame", *cells]))
    by_table = ("--table", "loops.csv")
    said = predict(["loops"], *by_table, code=4)
    assert "frame 9 of 4" in said
    assert "`none`, column `frame`" in said
    scored = [row["file"] for row in rows() if not row["error"]]
    assert scored == ["loop.dcm (frame 3)", "loop.dcm (frame 1)"]
    np.testing.assert_allclose(probabilities(), baseline.expected()[[2, 0]], rtol=1e-12)
    said = predict([*loops, *baseline.films], "--force", code=4)
    for name, frames in zip(loops, ("4 frames", f"{len(baseline.films) - 4} pages"), strict=True):
        assert f"{name}: {frames} without a place in the patient" in said
