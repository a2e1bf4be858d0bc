"""Typical mistakes: each is one line that says what is wrong and what to do, at once."""

from pathlib import Path

import numpy as np
import pytest

from skiagram.projects import files, running
from tests.datasets.own_folders import write_films

# A line → fragments of its error. FILMS and TABLE are 24 images of 12 patients, ROWS features.
MISTAKES = {
    # words of the command
    "runn FILMS TABLE": ("`runn` was given", "validate", "did you mean `run`"),
    "run FILMS TABLE --positve cancer": ("no option `--positve`", "did you mean `--positive`"),
    "run FILMS TABLE --quik": ("no option `--quik`", "did you mean `--quick`"),
    "run FILMS TABLE --folds three": ("`three` was given", "a whole number", "--folds"),
    "run FILMS TABLE --copies drp": ("`drp` was given", "refuse, drop", "did you mean `drop`"),
    "run FILMS TABLE more.csv": ("`more.csv` was given too", "did you mean `--join more.csv`?"),
    "check TABLE FILMS": ("a file, where the folder of images stands", "then the table", "write"),
    "check FILMS TABLE --lable view": ("no option `--lable`", "did you mean `--label`"),
    "package models/svm": ("--output: is not given", "add `-o svm.skiagram`"),
    # columns and classes
    "run FILMS TABLE": (
        "--positive: is not given",
        "cancer or normal",
        "that you look for, such as the disease: `--positive cancer` or `--positive normal`.",
    ),
    "run FILMS TABLE --positive cancr": ("no class `cancr`", "did you mean `cancer`"),
    "run FILMS TABLE --positive 1": ("no class `1`", "cancer or normal", "name one of these"),
    "run FILMS TABLE --classes normal": ("`normal` alone", "two classes", "name the others too"),
    "run FILMS TABLE --label lable": ("no column `lable`", "did you mean `label`"),
    "run FILMS TABLE --label diagnosis": ("no column `diagnosis`", "`view`", "`--label COLUMN`"),
    "run FILMS TABLE --label age": ("12 different numbers", "classes", "`--number age`"),
    "run ROWS --label volume": ("24 different numbers", "classes", "`--number volume`"),
    "run FILMS TABLE --positive cancer --number age": ("was given too", "leave one of them out"),
    "run FILMS TABLE --positive cancer --patient person": ("no column `person`", "`patient_id`"),
    "run FILMS TABLE --positive cancer --covariates aeg": ("`aeg`", "did you mean `age`"),
    "run FILMS TABLE --positive cancer --test-sites Leads": ("`Leads`", "did you mean `Leeds`"),
    # names of configs
    "run FILMS TABLE --baselines random_forrest": ("`random_forrest`", "mean `random_forest`"),
    "run FILMS TABLE --networks resnet": ("no `resnet`", "article_cnn", "mean `small_resnet`"),
    "run FILMS TABLE --networks nonne": ("no `nonne`", "did you mean `none`"),
    "run FILMS TABLE --features glmc": ("no `glmc`", "conf/features", "did you mean `glcm`"),
    "run FILMS TABLE --restoration repare": ("no `repare`", "did you mean `repair`"),
    # models against arms and data
    "run FILMS TABLE --networks random_forest": (
        "a classical model",
        "`--baselines random_forest`",
    ),
    "run FILMS TABLE --baselines small_cnn": ("is a network", "`--networks small_cnn`"),
    "run FILMS TABLE --networks none --baselines none": (
        "no model",
        "one model or more",
        "name one",
    ),
    "run FILMS TABLE --positive cancer --networks heat_map_finder": ("no lesion", "--marks"),
    "run ROWS --positive cancer --networks small_cnn": ("no images", "`--networks none`"),
    # options of configs
    "run FILMS TABLE --set svm.kernal=linear": ("svm.kernal: no such", "did you mean `svm.kernel`"),
    "run FILMS TABLE --set svm.kernel=linar": ('svm.kernel: "linar" was given', "'linear'"),
    "run FILMS TABLE --set svm.kernel": ("has no value", "FILE.OPTION=VALUE", "svm.kernel=VALUE"),
    # folds
    "run FILMS TABLE --folds 1": ("folds: 1 was given", "greater than or equal to 2"),
    "run FILMS TABLE --positive cancer --folds 40": ("40 folds", "`cancer`", "2 to 6", "lower"),
    "run FILMS TABLE --repeats 0": ("repeats: 0 was given", "greater than or equal to 1"),
}


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
    return {"FILMS": str(own.folder), "TABLE": str(own.csv), "ROWS": str(rows)}


READ = (  # what is wrong is seen once the images or rows are read, which takes a second
    "run FILMS TABLE --positive cancer --networks heat_map_finder",
    "run FILMS TABLE --positive cancer --folds 40",
    "run ROWS --positive cancer --networks small_cnn",
)


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, marks=[pytest.mark.slow] * (line in READ)) for line in MISTAKES],
)
def test_a_mistake_is_one_line_before_anything_runs(
    line,
    words,
    tmp_path,
    monkeypatch,
    terminal,
):
    def make_project(folder):
        """Make a project without git and DVC, which take seconds."""
        files._write(folder, files.shipped_files())
        files._write_record(folder, files.shipped_files())
        return []

    monkeypatch.setattr(files, "make_project", make_project)
    monkeypatch.setattr(running, "run_stages", lambda project: pytest.fail("it runs"))
    monkeypatch.delenv("SKIAGRAM_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    shown = terminal([words.get(word, word) for word in line.split()], 2)
    error = shown.splitlines()[-1]
    for fragment in MISTAKES[line]:
        assert fragment in error, shown
    assert Path.cwd() == tmp_path
    assert not any(tmp_path.iterdir())
