"""`skiagram run` up to its first stage; `tests/projects/test_wheel.py` runs the stages too."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path
from time import sleep

import numpy as np
import pandas as pd
import pytest
import yaml

import skiagram
from skiagram.cli import show
from skiagram.cli.main import main
from skiagram.composition import Composition
from skiagram.compute.files import locked
from skiagram.errors import AuditStop, DataError, ModelFailure, OptionError
from skiagram.evaluation.sentences import say
from skiagram.intake.in_memory import written_images
from skiagram.options import check
from skiagram.projects import files, running
from skiagram.readers.image_files import decode_image
from skiagram.records.files import write_record
from skiagram.steps import presets
from skiagram.steps.audit import AuditOptions, audit_project
from skiagram.steps.ingest import IngestOptions, ingest_project
from tests import REPOSITORY
from tests.datasets.own_folders import sound_folder
from tests.models.classical.families import model
from tests.pipeline.project import write_project
from tests.report.examples_of_results import binary
from tests.yaml_rows import load_yaml

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Work in an empty folder beside `films` and `films.csv`.

    Projects are made without git and DVC, and none is run.
    """
    monkeypatch.setattr(files, "make_project", write_project)
    monkeypatch.setattr(running, "run_stages", lambda project: 0)
    monkeypatch.setattr(show, "show_results", lambda project, shown: 0)
    monkeypatch.setattr(presets, "_has_pretrained", lambda: True)
    sound_folder(tmp_path)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for name in ("PATH", "DVC_ROOT"):
        monkeypatch.setenv(name, "/usr/bin")
    return tmp_path / "empty"


FILMS = "run ../films ../films.csv"
CANCER = f"{FILMS} --positive cancer"


def chosen(line, terminal):
    """Run a line; return the choices that it wrote."""
    place = Path.cwd()
    with chdir(place):
        terminal(line)
    return load_yaml(place / "films-project/params.yaml")


def test_a_line_sets_what_the_run_chooses(empty, terminal):
    quick = chosen(f"{CANCER} --quick", terminal)
    whole = chosen(f"{CANCER} --networks none --repeats 5", terminal)
    named = chosen(f"{CANCER} --baselines svm,pretrained_svm --set networks=tiny_cnn", terminal)
    assert (quick["dataset"], quick["design"], quick["folds"]) == ("films", "cv", 2)
    assert quick["networks"] == ["tiny_cnn"]
    assert (whole["networks"], whole["repeats"], whole["folds"]) == ([], 5, 3)
    assert len(whole["baselines"]) > 5
    assert whole["encoders"] == quick["encoders"] == ["efficientnet_lite0"]
    assert quick["baselines"][-1] == "pretrained_logistic_regression"
    assert named["networks"] == ["tiny_cnn"]  # by `--set`, too, what there is time for or not
    assert named["encoders"] == ["efficientnet_lite0"]  # what the named models read, and no other


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("", "a frozen network"),
        ("--baselines svm,random_forest", "!a frozen network"),
        ("--baselines pretrained_svm", "a frozen network"),
    ],
)
def test_a_line_without_the_frozen_network_is_not_told_of_it(empty, terminal, more, says):
    terminal.says(f"{CANCER} --networks none {more}", says)


def test_a_quick_line_trains_models_of_its_outcome(empty, terminal):
    sound_folder(empty.parent, 64)
    line = f"{FILMS} --number age --quick"
    models = chosen(line, terminal)
    assert models["baselines"][0] == "logistic_regression"
    assert models["baselines"][-1] == "pretrained_logistic_regression"
    assert "null_model" in models["baselines"]
    assert all("number" in model(name).tasks for name in models["baselines"])
    assert models["encoders"] == ["efficientnet_lite0"]
    terminal.says(f"{line} --project again", "This was a first look")


def test_of_the_table_a_project_gets_the_named_columns_alone(empty, terminal):
    assert "Mary" in Path("../films.csv").read_text()  # its column `name`, which nobody names
    terminal(f"{CANCER} --covariates age --networks none")
    written = [path for path in (empty / "films-project").rglob("*") if path.is_file()]
    assert empty / "films-project/tables/films.cases.csv" in written
    for path in written:
        assert b"Mary" not in path.read_bytes(), path


def test_a_run_that_the_audit_would_stop_is_not_begun(empty, terminal):
    first, *_, last = sorted(Path("../films").rglob("*.png"))
    shutil.copyfile(first, last)
    shown = terminal(CANCER, 3)
    names = [path.relative_to("../films").as_posix() for path in (first, last)]
    assert any(" and ".join(pair) in shown for pair in (names, names[::-1]))
    assert "Or waive it in films-project/conf/dataset/films.yaml" in shown


def test_a_line_sets_any_option_by_its_address(empty, terminal):
    line = f"{CANCER} --networks none --set svm.gamma=0.5 --set plan.subset=null --set seed=7"
    assert chosen(line, terminal)["seed"] == 7
    text = (empty / "films-project/conf/model/svm.yaml").read_text()
    assert yaml.safe_load(text)["gamma"] == 0.5
    assert "# or poly, linear" in text


def test_a_line_takes_back_what_the_one_before_has_set_and_nobody_has_changed(empty, terminal):
    line = f"{FILMS} --positive cancer --networks none"
    terminal(f"{line} --covariates age --set svm.gamma=0.5 --set svm.C=3 --set seed=7")
    svm = Path("films-project/conf/model/svm.yaml")
    svm.write_text(svm.read_text().replace("C: 3", "C: 4"))
    assert chosen(line, terminal)["seed"] == 0
    came = load_yaml(REPOSITORY / "conf/model/svm.yaml")
    assert load_yaml(svm) == {**came, "C": 4}
    frozen = load_yaml(Path("films-project/conf/model/pretrained_svm.yaml"))
    assert frozen["columns"] is None


@pytest.mark.parametrize(
    "change",
    ["", "another option", "../films.csv", "an image", "films-project/params.yaml", "a key"],
)
def test_nothing_is_read_again_where_all_is_as_the_line_left_it(
    empty, terminal, monkeypatch, change
):
    line = f"{CANCER} --networks none"
    terminal(line)
    changed = sorted(Path("../films").rglob("*.png"))[0] if change == "an image" else Path(change)
    if changed.is_file():
        changed.write_bytes(changed.read_bytes() + b"\n")
    if change == "a key":
        monkeypatch.setenv("SKIAGRAM_PATIENT_KEY", "k" * 32)
    more = " --repeats 5" if change == "another option" else ""
    assert ("have checked them before" in terminal(line + more)) is (change == "")
    assert ("have checked them before" in terminal(line + more)) is (change != "a key")


@pytest.mark.parametrize(
    ("more", "environment", "is_taken"),
    [
        (["--positive", "cancer", "--covariates", "age", "site"], {}, True),
        (["--number", "age"], {}, True),
        (["--positive", "cancer", "--copies", "drop"], {}, True),
        (["--positive", "cancer", "--set", "conf.dataset.films.title=Films"], {}, False),
        (["--positive", "cancer"], {"SKIAGRAM_PATIENT_KEY": "k" * 32}, False),
    ],
    ids=["classes", "number", "copies", "changed", "keyed"],
)
def test_stages_take_over_what_was_checked_where_they_would_write_the_same(
    empty, tmp_path, monkeypatch, more, environment, is_taken
):
    sound_folder(tmp_path, 64)
    taken, read = tmp_path / "taken", empty / "films-project/data"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run_stages(project):
        options = {name: Composition(project).compose_stage(name) for name in ("ingest", "audit")}
        ingesting = check(IngestOptions, options["ingest"], "ingest")
        auditing = check(AuditOptions, options["audit"], "audit")
        (project / "data/code").mkdir(parents=True)
        (project / "data/code/ingest").touch()
        for target in (taken, project / "data"):
            ingest_project(project, ingesting, target)
            assert (project / ".work/checked").exists() is is_taken
            if is_taken or target != taken:
                audit_project(project, auditing, target / "audit")
        return 0

    monkeypatch.setattr(running, "run_stages", run_stages)
    assert main([*FILMS.split(), "--networks", "none", *more]) == 0
    assert not (empty / "films-project/.work/checked").exists()
    written = [path.relative_to(taken) for path in taken.rglob("*") if path.is_file()]
    assert Path("sealed") in {path.parent for path in written}
    for path in written:
        assert (taken / path).read_bytes() == (read / path).read_bytes(), path


IMAGES = np.random.default_rng(0).integers(0, 200, (24, 20, 20), dtype=np.uint8)
LABELS = np.tile(["benign", "cancer"], 12)
PATIENTS = np.arange(24) // 2
CALL = {"labels": LABELS, "patients": PATIENTS, "positive": "cancer"}


@pytest.fixture
def evaluated(empty, monkeypatch):
    """Work in an empty folder, in which a run writes a figure and no more."""

    def run_stages(project):
        (project / "reports").mkdir(exist_ok=True)
        write_record(binary(), project / "reports/evaluation.json")
        return 0

    monkeypatch.setattr(running, "run_stages", run_stages)
    monkeypatch.setattr("skiagram.cli.python_call.show_results", lambda project, shown: 0)
    return empty


def test_a_call_makes_the_project_that_the_line_makes(evaluated, capfd):
    options = {"baselines": ["svm"], "networks": [], "svm.gamma": 0.5, "missing": "unknown"}
    result = skiagram.run(IMAGES, **CALL, folder="mine", options=options)
    assert capfd.readouterr() == ("", "")
    assert result.verdict == binary().verdict
    assert result.page == result.folder / "reports/report.html"
    line = "run mine/images mine/images.csv --positive cancer --project line --baselines svm "
    line += "--networks none --set svm.gamma=0.5 --missing unknown"
    assert main(line.split()) == 0
    for name in ("params.yaml", "conf/dataset/images.yaml", "conf/model/svm.yaml"):
        assert (result.folder / name).read_text() == (evaluated / "line" / name).read_text()
    (result.folder / "models/svm").mkdir(parents=True)
    (result.folder / "models/svm/deployment.json").touch()
    with pytest.raises(OptionError, match=r"no trained model `svn`.*did you mean `svm`"):
        result.predict(IMAGES, model="svn")
    assert skiagram.run(IMAGES, **CALL, folder="mine").folder == result.folder  # goes on there
    assert skiagram.run(IMAGES, **CALL, options=options).folder.parent.name == "skiagram-run"
    with pytest.raises(DataError, match="other images or labels"):
        skiagram.run(IMAGES, LABELS[::-1], positive="cancer", folder="mine")
    capfd.readouterr()
    (result.folder / "reports/evaluation.json").write_text(say("answer.nothing_works"))
    with pytest.raises(DataError):  # the model is an empty file
        result.predict(IMAGES, model="svm")
    assert "No model is shown to work" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("change", "kind", "fragment"),
    [
        ({"positive": None}, OptionError, "`positive='benign'` or `positive='cancer'`"),
        ({"positive": "cancr"}, OptionError, "did you mean `cancer`"),
        ({"labels": LABELS[1:]}, DataError, "labels: 23 values. Allowed: 24"),
        ({"patients": [1, 2]}, DataError, "patients: 2 values. Allowed: 24"),
        ({"hours": 0}, OptionError, "hours: `0` is no time"),
        ({"images": "films"}, OptionError, "images: a path. Allowed: with the path of a folder"),
        ({"images": [*IMAGES[1:], "film.png"]}, OptionError, "images: 1 paths among 24"),
        (
            {"images": IMAGES[..., None, None]},
            DataError,
            r"images\[0\]: an array of \(20, 20, 1, 1\)",
        ),
        ({"options": {"svm.gama": 1}}, OptionError, "did you mean `svm.gamma`"),
        ({"options": {"networks": ["svm"]}}, OptionError, "a classical model"),
        ({"images": IMAGES[[0, 1, 2, 0, *range(4, 24)]]}, AuditStop, "stops this run"),
    ],
)
def test_a_wrong_call_is_one_error_and_leaves_nothing(evaluated, change, kind, fragment):
    with pytest.raises(kind, match=fragment) as caught:
        skiagram.run(**{"images": IMAGES} | CALL | change)
    if kind is AuditStop:  # its notes say what was found, and the option file may waive it
        assert "image-03.tif" in "".join(caught.value.__notes__)
    else:
        assert not any(evaluated.iterdir())
    assert Path.cwd() == evaluated


@pytest.mark.parametrize(("code", "kind"), [(4, DataError), (5, ModelFailure)])
def test_a_failed_stage_is_an_error_of_its_kind(evaluated, monkeypatch, code, kind):
    def run_stages(project):
        sys.stderr.write("train: no room. Do this: free space.\nERROR: failed to reproduce\n")
        return code

    monkeypatch.setattr(running, "run_stages", run_stages)
    with pytest.raises(kind, match="images-project: train: no room"):
        skiagram.run(IMAGES, **CALL, options={"networks": []})
    assert len([*(evaluated / "skiagram-run/images").iterdir()]) == 24  # to go on with


@pytest.mark.parametrize(
    "image",
    [
        IMAGES[0],
        IMAGES[0].astype(np.uint16) * 300,
        IMAGES[0].astype(np.int16) * -100,
        IMAGES[0].astype(np.float64) / 8,
        IMAGES[:3].T,
        IMAGES[0][..., None],
    ],
    ids=["8 bits", "16 bits", "below zero", "fractions", "colour", "one channel"],
)
def test_images_in_memory_are_read_back_as_they_are(image):
    with written_images([image]) as files:
        ((name, path),) = files.items()
        read = decode_image(path.read_bytes(), name).pixels
    np.testing.assert_array_equal(read, image.squeeze())


def test_files_by_their_paths_stay_where_they_are(evaluated):
    films = evaluated.parent / "films"
    paths = sorted(films.rglob("*.png"))[1:]
    options = {"networks": []}
    labels = LABELS[: len(paths)]
    result = skiagram.run(paths, labels, positive="cancer", folder="mine", options=options)
    written = {path.name for path in (evaluated / "mine").iterdir()}
    assert written == {"images.csv", "films-project"}
    assert str(films) in (result.folder / "conf/dataset/films.yaml").read_text()
    # a whole folder and its table, as the command takes them
    table = films.with_suffix(".csv")
    result = skiagram.run(films, table, positive="cancer", folder="whole", options=options)
    assert [path.name for path in (evaluated / "whole").iterdir()] == ["films-project"]
    assert str(films) in (result.folder / "conf/dataset/films.yaml").read_text()


def test_two_lines_at_once_make_a_project_one_after_the_other(empty, capfd):
    line = f"{CANCER} --quick".split()
    with ThreadPoolExecutor() as other:
        with locked(empty / "films-project" / files.AT_WORK):  # as the first one holds it
            second = other.submit(main, line)
            while not (said := capfd.readouterr().err) and not second.done():
                sleep(0.1)
            assert "is at work in this project" in said
            assert not (empty / "films-project/params.yaml").exists()
        assert second.result() == 0


def test_a_data_frame_has_outcomes_covariates_and_sites_and_masks_are_regions(
    evaluated,
):
    table = pd.DataFrame({"PatientID": PATIENTS, "days": np.arange(24) + 10, "died": LABELS})
    table = table.assign(age=50 + PATIENTS, hospital=np.repeat(["a", "b", "c"], 8))
    options = {"time": "days", "event": "died", "cause": "cancer", "no_event": "benign"}
    options |= {"covariates": ["age"], "site": "hospital", "networks": []}
    masks = np.zeros(IMAGES.shape, dtype=bool)
    masks[:, 5:15, 5:15] = True
    result = skiagram.run(IMAGES, table, masks=masks, folder="mine", options=options)
    written = load_yaml(result.folder / "conf/dataset/images.yaml")
    assert written["outcome"]["kind"] == "time"
    columns = {"mask": "mask", "patient": "PatientID", "site": "hospital"}
    assert columns.items() <= written["columns"].items()
    mask = decode_image((evaluated / "mine/images/mask-00.tif").read_bytes(), "mask").pixels
    np.testing.assert_array_equal(mask.squeeze() > 0, masks[0])
    assert {"analysis", "figure", "value", "low", "high"} <= {*result.figures.columns}
    with pytest.raises(DataError, match="masks: 23 values"):
        skiagram.run(IMAGES, table, masks=masks[1:], options=options)


def test_a_data_frame_in_place_of_images_is_a_table_of_features(evaluated):
    values = np.random.default_rng(0).normal(size=(24, 3))
    features = pd.DataFrame(values, columns=["volume", "mean", "entropy"])
    result = skiagram.run(features, LABELS, patients=PATIENTS, positive="cancer", folder="mine")
    assert result.folder == evaluated / "mine/features-project"
    written = load_yaml(result.folder / "conf/dataset/features.yaml")
    assert written["columns"]["features"] == ["volume", "mean", "entropy"]
    with pytest.raises(DataError, match="labels: 23 values"):
        skiagram.run(features, LABELS[1:], folder="other")
