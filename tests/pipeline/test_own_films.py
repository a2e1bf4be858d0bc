"""DICOM mammograms of one's own: from the folder to a model, and new ones scored with it."""

import csv

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skiagram.image_store.store import ImageStore
from skiagram.records.predictions import Predictions, probabilities_of
from skiagram.tasks.cases import Cases
from tests.datasets.own_folders import dicom, pixels_of, write_folder
from tests.pipeline.project import list_stages

pytestmark = pytest.mark.slow

SHAPE = (144, 112)
MODELS = ("logistic_regression", "covariates")


def mammogram(at, cancer):
    """Return a 12-bit film of a breast at the left edge; every second one shows white as dark."""
    rng = np.random.default_rng(at)
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    inside = ((row - 72) / 66) ** 2 + (column / 90) ** 2 < 1
    lesion = np.exp(-((row - rng.uniform(45, 99)) ** 2 + (column - 36) ** 2) / 100)
    tissue = 1500 + 150 * rng.standard_normal(SHAPE) + 900 * lesion * cancer
    stored = np.where(inside, np.clip(tissue, 1, 4095), 0).astype(np.uint16)
    turned = at % 2 == 1
    spacing = "ImagerPixelSpacing" if turned else "PixelSpacing"
    return dicom(
        at,
        Modality="MG",
        Rows=SHAPE[0],
        Columns=SHAPE[1],
        BitsStored=12,
        HighBit=11,
        PhotometricInterpretation="MONOCHROME1" if turned else "MONOCHROME2",
        PixelData=(4095 - stored if turned else stored).tobytes(),
        **{"PixelSpacing": None, spacing: [0.1, 0.1]},
    )


def clinic(place):
    """Return 32 women with two views each and the table that a clinic would write."""
    files, rows = {}, []
    for at in range(64):
        woman, name = at // 2, f"woman-{at // 2:02d}/view-{at % 2}.dcm"
        files[name] = mammogram(at, cancer=woman % 2 == 1)
        rows.append(
            {
                "file": name,
                "patient_id": f"MRN-{woman:04d}",
                "label": "cancer" if woman % 2 else "normal",
                "split": "test" if woman >= 24 else "train",
                "age": 50 + woman % 9 / 4 if woman % 5 else "",
                "view": "MLO" if at % 2 else "CC",
            }
        )
    return write_folder(place, files, rows)


def trained(project, own, *words, design):
    """Go the way of the how-to: init, then the stages up to two classical models."""
    line = ["init", str(own.folder), str(own.csv), "--positive", "cancer", *words]
    done = project.skiagram(*line)
    assert done.returncode == 0, done.stderr
    project.edit("params.yaml", inner_folds=2)
    (_, dataset), *stages, _ = list_stages("films", "first_order,wavelet,covariates", MODELS)
    project.stages(("ingest", dataset, f"design={design}"), *stages)


def predicted(project, model, own, files):
    """Score films as a user does; return the probabilities, a row a file."""
    table = project.folder / f"{model}.csv"
    films = [str(own.folder / name) for name in files]
    named = project.folder / "named.csv"
    with own.csv.open(newline="") as file:
        rows = [row | {"file": str(own.folder / row["file"])} for row in csv.DictReader(file)]
    with named.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    words = [f"models/{model}", *films, "-o", str(table), "--covariates", str(named)]
    done = project.skiagram("predict", *words)
    assert done.returncode == 0, done.stderr
    with table.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["file"] for row in found] == films
    return np.array([[float(row[f"probability_{name}"]) for name in CLASSES] for row in found])


CLASSES = ("cancer", "normal")


def test_dicom_films_come_through_and_new_ones_get_the_same_scores(project, tmp_path):
    own = clinic(tmp_path / "own")
    trained(project, own, "--covariates", "age", "view", design="holdout")
    store = ImageStore(project.folder / "data/images")
    cases = Cases.read(project.folder / "data/cases/cases.parquet")
    assert {store.spacing(case) for case in cases.case_id} == {(0.1, 0.1)}
    assert {store.image(case).dtype.name for case in cases.case_id} == {"uint16"}
    names = [f"woman-{woman:02d}/view-{view}.dcm" for woman in range(24, 32) for view in (0, 1)]
    of_pixels = {pixels_of(own.folder / name): name for name in names}
    for model in MODELS:
        test = Predictions.read(project.folder / f"scores/{model}").part("test")
        order = [of_pixels[store.image(case).tobytes()] for case in test["case_id"]]
        assert sorted(order) == names
        found = predicted(project, model, own, order)
        assert_allclose(found, probabilities_of(test), rtol=0, atol=1e-12)
    for path in (project.folder / "models").rglob("*"):
        assert not path.is_file() or b"MRN-" not in path.read_bytes()
