"""Volumes with masks, several a case, get the scores of the run; what ingest reads is read here."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skiagram.fitting.arm import ArmFolders
from skiagram.options import build, composed
from skiagram.readers.grid import VoxelGrid
from skiagram.records.predictions import Predictions
from skiagram.restoration.regions import RegionPreparation, Resampling
from skiagram.restoration.restore import ByModality
from skiagram.restoration.steps import Steps
from skiagram.sealing.encryption import Purpose
from tests.deploy.trained import options, prepare, read_rows, train, write_rows
from tests.readers.examples import nifti_bytes, series_files
from tests.sealing.test_archive import KEY, encrypted, tar_bytes
from tests.stand_ins import PLAN
from tests.terminal import assert_says
from tests.two_modalities import AXES, GRIDS, HEADER, ingest_study, write_study

pytestmark = pytest.mark.slow

PATIENTS, TEST = 40, 8
STEPS = Steps(
    missing=None,
    outliers=None,
    denoising=None,
    region=RegionPreparation(
        resampling=Resampling(spacing=(3.0, 3.0, 3.0), order="linear", rounding=False,
                              threshold=0.5),
        normalisation=None,
        resegmentation=None,
        margin=6.0,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return a folder with a study, a model trained on it and the scores of its test cases."""
    root = tmp_path_factory.mktemp("study")
    write_study(root, PATIENTS, TEST)
    ingest_study(root, "holdout")
    restoration = composed(ByModality(modalities={"PET": STEPS, "MR": STEPS}))
    features = {name: options(f"features/{name}.yaml") for name in ("first_order", "morphology")}
    prepare(root, restoration, features)
    chosen = options("model/logistic_regression.yaml")
    train(root, build(chosen, "model"), chosen)
    return root


def expected(root):
    """Return the sorted probabilities of the positive class of the test cases."""
    test = Predictions.read(root / "scores").part("test")
    mean = test.groupby("case_id")["probability_1"].mean().to_numpy()
    return np.sort(mean)


def held_out_rows(root):
    """Return the rows of the test cases as `skiagram table` would write them."""
    rows = read_rows(root / "study.csv")
    return [[*row.values()] for row in rows if row["split"] == "test"]


@pytest.fixture
def new(study, tmp_path):
    """Return the table of the test cases."""
    return write_rows(tmp_path / "new.csv", held_out_rows(study), HEADER)


@pytest.fixture
def predict(terminal):
    """Return what scores the cases of a table into `t.csv` beside it."""

    def run(model, place, table, code=0, flags=""):
        target = table.with_name("t.csv")
        terminal(f"predict {model} {place} --table {table} -o {target} {flags}", code)

    return run


def assert_scored(folder, root, **tolerance):
    """Assert that the test cases have the scores that the run of a folder gave them."""
    found = np.sort([float(row["probability_b"]) for row in read_rows(folder / "t.csv")])
    assert_allclose(found, expected(root), **{"rtol": 0, "atol": 1e-12} | tolerance)


def test_the_test_cases_of_a_study_get_the_scores_of_the_run(study, new, tmp_path, predict):
    predict(study / "model", study / "study", new, flags=f"--page {tmp_path}/page.html")
    rows = read_rows(tmp_path / "t.csv")
    assert [row["file"] for row in rows] == [f"p{n:02d}" for n in range(PATIENTS - TEST, PATIENTS)]
    assert_scored(tmp_path, study)
    text = (tmp_path / "page.html").read_text()
    assert text.count("data:image/png") == TEST


def test_names_of_files_tell_cases_too(study, tmp_path, terminal):
    place = tmp_path / "new"
    for number in range(PATIENTS - TEST, PATIENTS):
        shutil.copytree(study / "study" / f"p{number:02d}", place / f"p{number:02d}")
    pattern = "{patient}/{modality}_{kind}.nii"  # masks of one label need no number
    terminal(f"predict {study}/model {place} --pattern {pattern} -o {tmp_path}/t.csv")
    assert_scored(tmp_path, study)


def test_an_encrypted_archive_gives_the_same_scores(study, new, tmp_path, monkeypatch, predict):
    monkeypatch.setenv(Purpose.ARCHIVE.variable, str(KEY))
    monkeypatch.delenv(Purpose.ARCHIVE.file_variable, raising=False)
    place = study / "study"
    files = {one.relative_to(place).as_posix(): one.read_bytes() for one in place.glob("*/*")}
    archive = encrypted(tmp_path / "study.tar.age", tar_bytes(files))
    predict(study / "model", archive, new)
    assert_scored(tmp_path, study)


def test_each_faulty_case_has_its_reason_and_the_others_their_scores(study, tmp_path, predict):
    place = tmp_path / "study"
    shutil.copytree(study / "study", place)
    first, second, third, fourth, fifth, sixth, *_ = (
        f"p{number:02d}" for number in range(PATIENTS - TEST, PATIENTS)
    )
    (place / first / "MR_mask.nii").write_bytes(nifti_bytes(np.zeros((5, 16, 18), np.uint8)))
    (place / second / "PET_image.nii").write_bytes(b"no volume")
    rows = [row for row in held_out_rows(study) if not (row[3] == third and row[2] == "MR")]
    rows = [[*row[:1], "", *row[2:]] if row[3] == fourth else row for row in rows]
    rows += [row for row in rows if row[3] == fifth and row[2] == "PET"]
    rows = [[f"../{row[0]}", *row[1:]] if row[3] == sixth else row for row in rows]
    table = write_rows(tmp_path / "new.csv", rows, HEADER)
    predict(study / "model", place, table, 4)
    said = {row["file"]: row["error"] for row in read_rows(tmp_path / "t.csv")}
    assert len(said) == TEST
    for name, words in {
        first: "MR_mask.nii",
        second: "not an image",
        third: "no image of `MR`",
        fourth: "without a mask",
        fifth: "two rows",
        sixth: "outside the folder",
    }.items():
        assert words in said[name]
        assert said[name].startswith(name)
    assert [name for name, words in said.items() if not words] == ["p38", "p39"]


def test_each_modality_is_compared_with_its_own_training_images(study, new, tmp_path, predict):
    """A brightness that is usual in one is unusual in the other; depth, size and spacing too."""
    place = tmp_path / "study"
    shutil.copytree(study / "study", place)
    for name, modality in (("p32", "PET"), ("p33", "MR")):
        file = place / name / f"{modality}_image.nii"
        dark = np.random.default_rng(1).normal(20, 2, GRIDS[modality].shape)
        file.write_bytes(nifti_bytes(dark.astype(np.int16), GRIDS[modality]))
    grid = VoxelGrid((7, 18, 18), (3.0, 1.0, 2.0), (0.0, 0.0, 0.0), AXES)
    mask = np.zeros(grid.shape, np.uint8)
    mask[1:4, 2:-2, 2:-2] = 3
    voxels = np.random.default_rng(2).normal(200, 20, grid.shape)
    (place / "p34/MR_image.nii").write_bytes(nifti_bytes(voxels.astype(np.float32), grid))
    (place / "p34/MR_mask.nii").write_bytes(nifti_bytes(mask, grid))
    predict(study / "model", place, new)
    said = {row["file"]: row["unusual"] for row in read_rows(tmp_path / "t.csv")}
    for name, modality, other in (("p32", "PET", "MR"), ("p33", "MR", "PET")):
        assert f"{modality}: brightness 19" in said[name]
        assert f"{other}: " not in said[name]
    unlike = (
        "MR: depth 7 pixels, in training 5 to 5 | MR: height 18 pixels, in training 16 to 16 | "
        "MR: pixels of type float32, in training int16 | MR: row spacing 1, in training 2 to 2"
    )
    assert_says(said["p34"], unlike)
    assert not re.search("(PET|MR): ", said["p39"])


def test_a_series_of_dicom_files_is_one_volume(study, tmp_path):
    from skiagram.deploy.new_cases import find_cases

    for number in range(2):
        place = tmp_path / "new" / f"p{number}"
        place.mkdir(parents=True)
        for name, content in series_files():
            (place / name).write_bytes(content)
    (tmp_path / "new/alone.nii").write_bytes(nifti_bytes(np.ones((5, 8, 9), np.int16)))
    cases = find_cases([str(tmp_path / "new")], volumes=True)
    names = [Path(case.name).relative_to(tmp_path / "new").as_posix() for case in cases]
    assert names == ["alone.nii", "p0", "p1"]
    assert len(find_cases([str(tmp_path / "new")], volumes=False)) == 2 * len(series_files()) + 1


def test_a_network_on_boxes_of_both_modalities_scores_as_in_the_run(study, new, tmp_path, predict):
    """The region is cut out and stands beside the images as a channel, in training and here."""
    from skiagram.models.deep.network_model import NetworkModel
    from skiagram.options import check
    from skiagram.training.options import Trainer

    described = options("model/cnn_3d.yaml")
    box = {"margin": 6.0, "unit": "mm", "equal_sides": True}
    described["training"] |= {"epochs": 1, "image_size": [4, 8, 8], "batch_size": 8}
    described["training"]["input"] |= {"box": box, "mask_channel": True, "modalities": None}
    trainer = check(Trainer, options("trainer/default.yaml"), "trainer")
    learner = NetworkModel(build(described, "model"), trainer, threads=1)
    folders = ArmFolders(tmp_path / "model", tmp_path / "scores", None)
    train(study, learner, described, folders, replace(PLAN, repeats=1))
    predict(tmp_path / "model", study / "study", new)
    assert_scored(tmp_path, tmp_path, atol=1e-6)
