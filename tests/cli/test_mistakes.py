"""Typical mistakes: each is one line that says what is wrong and what to do, at once."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from skiagram.projects import files, running
from tests.datasets.own_folders import write_films

# A line → fragments of its error. FILMS and TABLE are 24 images of 12 patients, ROWS features.
MISTAKES = {
    # words of the command
    "": ("skiagram: the following arguments are required: COMMAND", "skiagram --help"),
    "run FILMS TABLE --folds": ("--folds: expected one argument", "skiagram run --help"),
    "runn FILMS TABLE": ("`runn` was given", "validate", "did you mean `run`"),
    "sweep": ("`sweep` was given", "did you mean `python pipeline/sweep.py -m svm.C=1,10`?"),
    "train FILMS TABLE": ("`train` was given", "did you mean `run`?"),
    "run FILMS TABLE --seed 3": ("no option `--seed`", "did you mean `--set seed=3`?"),
    "run FILMS TABLE --epochs 3": ("did you mean `--set small_cnn.training.epochs=20`?",),
    "run FILMS TABLE --cv 5": ("no option `--cv`", "did you mean `--folds 5`?"),
    "run FILMS TABLE --outcome view": ("no option `--outcome`", "did you mean `--label`?"),
    "run FILMS svm.C=1": ("`svm.C=1` was given as a file", "write `--set svm.C=1`"),
    "run FILMS TABLE --gpus 2": ("did you mean `--set trainer.devices=2`?",),
    "run FILMS TABLE --target view": ("did you mean `--label`?",),
    "run FILMS TABLE --positve cancer": ("no option `--positve`", "did you mean `--positive`"),
    "run FILMS TABLE --quik": ("no option `--quik`", "did you mean `--quick`"),
    "run FILMS TABLE --folds three": ("`three` was given", "a whole number", "--folds"),
    "run FILMS TABLE --hours many": ("`many` is no time", "a number above 0"),
    "run FILMS TABLE --project FILMS": ("is not an empty folder", "name a new folder"),
    "run FILMS TABLE --copies drp": ("`drp` was given", "refuse, drop", "did you mean `drop`"),
    "run FILMS TABLE more.csv": ("`more.csv` was given too", "did you mean `--join more.csv`?"),
    "check TABLE FILMS": ("a file, where the folder of images stands", "then the table", "write"),
    "check FILMS TABLE --lable view": ("no option `--lable`", "did you mean `--label`"),
    "check FILMS TABLE --name My": ("`My` was given", "lower-case letters"),
    "init FILMS TABLE --positive cancer": ("no folder conf/dataset here", "go to the project"),
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
    "run FILMS TABLE --classes cancer,normal": ("`cancer,normal`", "`--classes cancer normal`"),
    "run FILMS TABLE --label lable": ("no column `lable`", "did you mean `label`"),
    "run FILMS TABLE --label diagnosis": ("no column `diagnosis`", "`view`", "`--label COLUMN`"),
    "run FILMS TABLE --label age": ("12 different numbers", "classes", "`--number age`"),
    "run ROWS --label volume": ("24 different numbers", "classes", "`--number volume`"),
    "run FILMS TABLE --positive cancer --number age": ("was given too", "leave one of them out"),
    "run FILMS TABLE --positive cancer --patient person": ("no column `person`", "`patient_id`"),
    "run FILMS TABLE --positive cancer --covariates aeg": ("`aeg`", "did you mean `age`"),
    "check FILMS TABLE --covariates label": ("covariates: `label` was given",),
    "run FILMS CASES --positive cancer": ("3 classes", "`NORMAL` and `normal` differ in case"),
    "run FILMS TABLE --positive cancer --test-sites Leads": ("`Leads`", "did you mean `Leeds`"),
    # names of configs
    "run FILMS TABLE --baselines random_forrest": ("`random_forrest`", "mean `random_forest`"),
    "run FILMS TABLE --networks resnet": ("no `resnet`", "article_cnn", "mean `small_resnet`"),
    "run FILMS TABLE --networks nonne": ("no `nonne`", "did you mean `none`"),
    "run FILMS TABLE --features pyradiomics": ("its classes are `first_order,glcm,",),
    "run FILMS TABLE --set small_cnn.lr=1": ("did you mean `small_cnn.training.optimizer.lr`?",),
    "run FILMS TABLE --set model=svm": ("did you mean `baselines` or `networks`?",),
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
    "run FILMS TABLE --set trainer.devices=two": ('trainer.devices: "two" was given', "'auto'"),
    "run FILMS TABLE --set model.c=1": ("no config `model`", "name a file of conf/model"),
    "run FILMS TABLE --set svm.kernel": ("has no value", "FILE.OPTION=VALUE", "svm.kernel=VALUE"),
    # folds
    "run FILMS TABLE --folds 1": ("folds: 1 was given", "greater than or equal to 2"),
    "run FILMS TABLE --positive cancer --folds 40": ("40 folds", "`cancer`", "2 to 6", "lower"),
    "run FILMS TWO --positive cancer --ignore-unlisted": ("1 patient", "among 2 images", "more"),
    "run FILMS TABLE --repeats 0": ("repeats: 0 was given", "greater than or equal to 1"),
}
# The same for files: each ends with code 4. WRONG is FILMS with a letter too many, GONE lists 60
# files more, SETS names a set `tst`, CARTOON has a GIF.
FAULTS = {
    "run WRONG TABLE": ("no such file or folder", "a folder of images", "did you mean `films`?"),
    "run FILMS films.cvs": ("no such file or folder", "a table", "check its name"),
    "run FILMS TABLE --join MORE": ("no such file or folder", "a table", "did you mean `rows.csv`"),
    "check WRONG TABLE": ("no such file or folder", "did you mean `films`?"),
    "run phantom": ("no such file or folder", "`dvc exp run -S dataset=phantom`"),
    "run FILMS WORKBOOK": ("a workbook or an archive", "CSV", "save the sheet as `CSV UTF-8`"),
    "run FILMS GONE --positive cancer": (
        "no file of the folder",
        "the same 59 times more",
        "nothing was written",
    ),
    "run FILMS SETS --positive cancer": (
        "split `tst`",
        "did you mean `test`?",
        "the same 23 times more",
    ),
    "run CARTOON TABLE --positive cancer": ("film-0.png: a GIF picture", "convert the file"),
    "check / TABLE": ("the root of the file system", "a folder of images"),
    "run EMPTY": ("an empty folder", "PNG", "name another one"),
    "run EMPTY TABLE": ("an empty folder", "name another one"),
    "run FILMS TABLE --grade label": ("no numbers: cancer, normal", "the lowest first: --grades"),
    "run FILMS TABLE --time age --event died": ("no column `died`", "`view`", "rename the column"),
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


READ = (  # what is wrong is seen once the images or rows are read, which takes a second
    "run FILMS TABLE --positive cancer --networks heat_map_finder",
    "run FILMS TABLE --positive cancer --folds 40",
    "run FILMS TWO --positive cancer --ignore-unlisted",
    "run ROWS --positive cancer --networks small_cnn",
)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(line, code, marks=[pytest.mark.slow] * (line in READ))
        for code, lines in {2: MISTAKES, 4: FAULTS}.items()
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
    monkeypatch.chdir(tmp_path)
    shown = terminal([words.get(word, word) for word in line.split()], code)
    error = shown if line in FAULTS else shown.splitlines()[-1]  # a file's fault stands first
    for fragment in (MISTAKES | FAULTS)[line]:
        assert fragment in error, shown
    assert Path.cwd() == tmp_path
    assert not any(tmp_path.iterdir())
