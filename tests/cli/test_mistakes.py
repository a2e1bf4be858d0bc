"""Typical mistakes: each is one line that says what is wrong and what to do, at once."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from skiagram.projects import files, running
from tests.datasets.own_folders import write_films
from tests.terminal import assert_says
from tests.yaml_rows import read_yaml

ROWS = read_yaml(__file__)
MISTAKES = ROWS["mistakes"] | ROWS["faults"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Return what stands for the words in capitals."""
    place = tmp_path_factory.mktemp("data")
    own, rows = write_films(place, 24), place / "rows.csv"
    numbers = np.random.default_rng(0).normal(size=(24, 2))
    lines = [
        f"P{at},{'cancer' if at % 2 else 'normal'},{entropy},{volume}"
        for at, (entropy, volume) in enumerate(numbers)
    ]
    rows.write_text("\n".join(["patient_id,label,entropy,volume", *lines]))
    header, *films = own.csv.read_text().splitlines(keepends=True)
    sets = [f"{header.strip()},split\n", *(f"{film.strip()},tst\n" for film in films)]
    gone = [film.replace("film-", f"gone-{at}-") for film in films for at in range(3)][:60]
    tables = {"TWO": [header, *films[:4:2]], "GONE": [header, *films, *gone], "SETS": sets}
    tables |= {"CASES": [header, *films[1:], films[0].replace("normal", "NORMAL")]}
    for name, text in tables.items():
        (place / name).write_text("".join(text))
    (place / "WORKBOOK").write_bytes(b"PK\3\4")
    (place / "EMPTY").mkdir()
    shutil.copytree(own.folder, place / "CARTOON")
    (place / "CARTOON/film-0.png").write_bytes(b"GIF89a")
    named = (*tables, "WORKBOOK", "EMPTY", "CARTOON")
    known = {"FILMS": own.folder, "TABLE": own.csv, "ROWS": rows, "WRONG": f"{own.folder}m"}
    known |= {"MORE": place / "row.csv"} | {name: place / name for name in named}
    return {name: str(path) for name, path in known.items()}


READ = (  # what is wrong is seen once images or rows are read, or PyTorch is, which takes seconds
    "run FILMS TABLE --positive cancer --networks heat_map_finder",
    "run FILMS TABLE --positive cancer --features glcm --networks heat_map_finder",
    "run FILMS TABLE --positive cancer --baselines encoder_svm",
    "run FILMS TABLE --set small_cnn.lr=1",
    "run FILMS TABLE --positive cancer --folds 40",
    "run FILMS TWO --positive cancer --ignore-unlisted",
    "run ROWS --positive cancer --networks small_cnn",
)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(line, code, marks=[pytest.mark.slow] * (line in READ))
        for code, lines in {2: ROWS["mistakes"], 4: ROWS["faults"]}.items()
        for line in lines
    ],
)
def test_a_mistake_is_one_line_before_anything_runs(
    line,
    code,
    words,
    tmp_path,
    monkeypatch,
    terminal,
):
    monkeypatch.setattr(files, "make_project", lambda folder: pytest.fail("it is made"))
    monkeypatch.setattr(running, "run_stages", lambda project: pytest.fail("it runs"))
    monkeypatch.delenv("SKIAGRAM_DATA", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    shown = terminal([words.get(word, word) for word in line.split()], code)
    error = shown if code == 4 else shown.splitlines()[-1]  # a file's fault stands first
    assert_says(error, MISTAKES[line])
    assert Path.cwd() == tmp_path
    assert not any(tmp_path.iterdir())
