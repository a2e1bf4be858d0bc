"""`skiagram predict` as a user meets it."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from skiagram.cli.main import main
from skiagram.deploy.inputs import Preparer
from skiagram.deploy.model import load_model
from skiagram.deploy.new_cases import NewCase
from skiagram.evaluation.sentences import say
from tests.datasets.folder.test_frames import tiff_of_pages
from tests.deploy.trained import TASK, Trained, trained_baseline
from tests.readers.examples import cine

RUN_AND_LIST_MODULES = """
import sys
from skiagram.cli.main import main
code = main(sys.argv[1:])
print(*sys.modules)
sys.exit(code)
"""


@pytest.fixture(scope="session")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return a logistic regression with the films of its test cases."""
    return trained_baseline(tmp_path_factory.mktemp("baseline"))


def predict(trained: Trained, files: list[Path], output: Path, *flags: str) -> int:
    return main(["predict", str(trained.model), *map(str, files), "-o", str(output), *flags])


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_holds_names_probabilities_and_decisions(
    baseline: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "scores.csv"
    assert predict(baseline, baseline.films, table) == 0
    found = rows(table)
    assert [row["file"] for row in found] == [str(path) for path in baseline.films]
    columns = [f"probability_{name}" for name in TASK.classes]
    values = np.array([[float(row[name]) for name in columns] for row in found])
    np.testing.assert_array_equal(values, baseline.expected())
    threshold = load_model(baseline.model).threshold  # of the mean of two trainings
    assert threshold is not None
    positive = np.array([row["decision"] == "positive" for row in found])
    np.testing.assert_array_equal(positive, values[:, 1] >= threshold)
    assert 0 < positive.sum() < len(found)
    shown = capsys.readouterr()
    assert shown.out == ""
    caution, rule, *_ = shown.err.splitlines()
    assert "no medical device" in caution
    assert f"at least {threshold:.3g}" in rule
    assert "to find 90 %" in rule


def test_an_earlier_table_is_replaced_only_when_forced(
    baseline: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("mine\n")
    assert predict(baseline, baseline.films[:1], table) == 2
    assert "--force" in capsys.readouterr().err
    assert table.read_text() == "mine\n"
    assert predict(baseline, baseline.films[:1], table, "--force") == 0
    assert len(rows(table)) == 1
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize("place", ["a film", "a folder", "no folder"])
def test_a_table_never_lands_where_it_should_not(
    place: str, baseline: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "film.png"
    film.write_bytes(baseline.films[0].read_bytes())
    target = {"a film": film, "a folder": tmp_path, "no folder": tmp_path / "none" / "a.csv"}[place]
    assert predict(baseline, [film], target, "--force") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert film.read_bytes() == baseline.films[0].read_bytes()
    assert list(tmp_path.iterdir()) == [film]


def test_ctrl_c_leaves_the_earlier_table_and_nothing_beside_it(
    baseline: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, scratch = tmp_path / "scores.csv", tmp_path / "scratch"
    table.write_text("mine\n")
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    read, last = Preparer.prepare, baseline.films[-1]

    def interrupted(self: Preparer, case: NewCase, covariates: Any) -> object:
        if case.name == str(last):
            raise KeyboardInterrupt
        return read(self, case, covariates)

    monkeypatch.setattr(Preparer, "prepare", interrupted)
    assert predict(baseline, baseline.films, table, "--force", "--workers", "1") == 130
    assert table.read_text() == "mine\n"
    assert sorted(tmp_path.iterdir()) == [table, scratch]
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
def test_classical_models_predict_without_torch(baseline: Trained, tmp_path: Path) -> None:
    words = [str(baseline.model), *map(str, baseline.films), "-o", str(tmp_path / "scores.csv")]
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
def test_the_page_says_too_that_no_model_worked(baseline: Trained, tmp_path: Path) -> None:
    model, page = tmp_path / "models/copied", tmp_path / "scores.html"
    shutil.copytree(baseline.model, model)
    words = [str(model), str(baseline.films[0]), "-o", str(tmp_path / "a.csv"), "--page", str(page)]
    assert main(["predict", *words]) == 0
    assert say("answer.nothing_works") not in page.read_text()
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/evaluation.json").write_text(
        json.dumps({"verdict": say("answer.nothing_works")})
    )
    assert main(["predict", *words, "--force"]) == 0
    assert say("answer.nothing_works") in page.read_text()


@pytest.mark.slow
def test_folders_patterns_and_lines_of_json(baseline: Trained, tmp_path: Path) -> None:
    place = tmp_path / "new"
    (place / "more").mkdir(parents=True)
    for number, film in enumerate(baseline.films):
        target = place / "more" if number % 2 else place
        (target / film.name).write_bytes(film.read_bytes())
    (place / "notes.txt").write_text("no film\n")
    (place / ".hidden.png").write_bytes(b"")
    (place / "empty.png").write_bytes(b"")
    table, page = tmp_path / "scores.jsonl", tmp_path / "scores.html"
    words = [str(place), f"{place}/**/*.png", "-o", str(table), "--page", str(page)]
    assert main(["predict", str(baseline.model), *words]) == 4
    lines = [json.loads(line) for line in table.read_text().splitlines()]
    by_name = {Path(line["file"]).name: line for line in lines}
    assert len(lines) == len(baseline.films) + 1  # each once
    assert "empty file" in by_name["empty.png"]["error"]
    assert by_name["empty.png"]["probability"] is None
    for film, expected in zip(baseline.films, baseline.expected(), strict=True):
        found = list(by_name[film.name]["probability"].values())
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert "empty.png" in page.read_text()
    assert main(["predict", str(baseline.model), "none/*.png", "-o", str(tmp_path / "a.csv")]) == 2
    words = [str(baseline.films[0]), "--workers", "0", "-o", str(tmp_path / "a.csv")]
    assert main(["predict", str(baseline.model), *words]) == 2


def test_sets_and_doubt_follow_the_limits_of_the_model(baseline: Trained, tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    odd = tmp_path / "dark.png"
    with Image.open(baseline.films[0]) as film:
        film.point(lambda value: value // 8).save(odd)
    assert predict(baseline, [*baseline.films, odd], table) == 0
    fingerprint = json.loads((baseline.model / "fingerprint.json").read_text())
    found = rows(table)
    for row in found:
        left = [
            name
            for name, limit in zip(TASK.classes, fingerprint["limits"], strict=True)
            if limit is None or 1 - float(row[f"probability_{name}"]) <= limit
        ]
        assert row["set"] == "; ".join(left)
        assert ("fit" in row["refer"]) == (len(left) != 1)
        assert ("unlike the training data" in row["refer"]) == bool(row["unusual"])
    assert "distance" in found[-1]["unusual"]


def in_frames(trained: Trained, folder: Path) -> list[Path]:
    """Write the films of a model as frames of a DICOM file and as pages of a TIFF."""
    folder.mkdir()
    films = np.stack([np.asarray(Image.open(path)) for path in trained.films])
    (folder / "loop.dcm").write_bytes(cine(films[:4]))
    (folder / "pages.tif").write_bytes(tiff_of_pages(films[4:]))
    return [folder / "loop.dcm", folder / "pages.tif"]


def probabilities(table: Path) -> NDArray[np.float64]:
    columns = [f"probability_{name}" for name in TASK.classes]
    return np.array([[float(row[name]) for name in columns] for row in rows(table)])


@pytest.mark.slow
def test_frames_and_pages_are_scored_as_cases_of_their_own(
    baseline: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop, pages = in_frames(baseline, tmp_path / "loops")
    for number, words in enumerate([[loop, pages], [tmp_path / "loops"]]):
        table = tmp_path / f"{number}.csv"
        assert predict(baseline, words, table, "--frames", "cases") == 0
        np.testing.assert_array_equal(probabilities(table), baseline.expected())
        assert [row["file"] for row in rows(table)][3:5] == [
            f"{loop} (frame 4)",
            f"{pages} (frame 1)",
        ]
    capsys.readouterr()
    assert predict(baseline, [loop, pages, *baseline.films], tmp_path / "unsaid.csv") == 4
    said = capsys.readouterr().err
    for name, frames in ((loop, "4 frames"), (pages, f"{len(baseline.films) - 4} pages")):
        assert f"{name}: {frames} without a place in the patient" in said
    assert "`--frames cases` (or `volume`)" in said
    assert predict(baseline, [loop], tmp_path / "volume.csv", "--frames", "volume") == 4
    assert "a volume, but the model was trained on images" in capsys.readouterr().err


@pytest.mark.slow
def test_frames_are_told_by_a_table_or_by_names(
    baseline: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_frames(baseline, tmp_path / "loops")
    cells = [f"loop.dcm,{frame}" for frame in (3, 1)]
    listed = tmp_path / "loops.csv"
    listed.write_text("\n".join(["file,frame", *cells, "loop.dcm,9", "loop.dcm,none"]))
    table = tmp_path / "scores.csv"
    assert predict(baseline, [tmp_path / "loops"], table, "--table", str(listed)) == 4
    said = capsys.readouterr().err
    assert "frame 9 of 4" in said
    assert "`none`, column `frame`" in said
    scored = [row for row in rows(table) if not row["error"]]
    assert [row["file"] for row in scored] == ["loop.dcm (frame 3)", "loop.dcm (frame 1)"]
    column = f"probability_{TASK.classes[1]}"
    values = [float(row[column]) for row in scored]
    np.testing.assert_allclose(values, baseline.expected()[[2, 0], 1], rtol=1e-12)
    both = ("--table", str(listed), "--frames", "cases")
    assert predict(baseline, [tmp_path / "loops"], table, *both, "--force") == 2
    assert "column `frame`" in capsys.readouterr().err
    named = ("--pattern", "{patient}.tif", "--frames", "cases", "--force")
    assert predict(baseline, [tmp_path / "loops"], table, *named) == 0
    np.testing.assert_array_equal(probabilities(table), baseline.expected()[4:])
