"""New films get the scores that the pipeline gave the same films; a bad one is named."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from skiagram.deploy.model import load_model
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prediction import CaseResult, score_cases, write_table
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record, write_record
from skiagram.tasks.classes import Classes
from tests.datasets.own_folders import dicom
from tests.deploy.scored import predict, with_kinds
from tests.deploy.trained import Trained, trained_baseline

NOTHING = {}


@pytest.fixture(params=["baseline", pytest.param("network", marks=pytest.mark.slow)])
def trained(request):
    return request.getfixturevalue(request.param)


def test_odd_files_are_named_and_the_others_scored(trained, odd_films):
    files = [*odd_films.values(), *trained.films]
    prediction = predict(load_model(trained.model), files)
    assert prediction.files == trained.films
    assert_allclose(prediction.rows, trained.expected(), rtol=0, atol=1e-6)
    messages = {
        str(path): said for path, said in zip(odd_films.values(), prediction.refused, strict=True)
    }
    assert all(said.startswith(name) for name, said in messages.items())
    for odd, words in {
        "colour": "3 channels. Allowed: 1, as in training",
        "deep": "pixels of type uint16. Allowed: uint8",
        "tiny": "4 × 4 pixels",
        "empty": "empty",
        "text": "not an image",
        "truncated": "damaged",
        "absent": "cannot be opened",
        "folder": "no DICOM files",
    }.items():
        assert words in messages[str(odd_films[odd])]
        assert "\n" not in messages[str(odd_films[odd])]


def test_a_dicom_film_keeps_its_spacing_through_restoration(baseline, tmp_path):
    film = tmp_path / "film.dcm"
    film.write_bytes(dicom(1, PixelSpacing=[0.1, 0.3], BitsStored=8, HighBit=7))
    model = load_model(baseline.model)
    seen = with_kinds(model, depths=("int16",)).preparer.prepare(NewCase.of_file(film), NOTHING)
    assert seen.image.spacing == (0.1, 0.3)
    assert model.preparer.prepare(NewCase.of_file(baseline.films[0]), NOTHING).image.spacing is None


@pytest.mark.slow
def test_another_size_is_scored_by_features_and_refused_by_a_network(baseline, network, tmp_path):
    film = tmp_path / "large.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 20)).astype(np.uint8)).save(film)
    unusual = predict(load_model(baseline.model), [film]).unusual
    assert unusual[film][0] == "height 24 pixels, in training 20 to 20"
    (refused,) = predict(load_model(network.model), [film]).refused
    assert "large.png: 24 × 20 pixels. Allowed: 20 × 20 pixels" in str(refused)
    assert "image_size" in str(refused)


@pytest.mark.slow
def test_a_network_that_resizes_takes_any_size(network, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(network.model, copy)
    path = copy / "deployment.json"
    path.write_text(path.read_text().replace('"image_size": null', '"image_size": 20'))
    film = tmp_path / "large.png"
    with Image.open(network.films[0]) as image:
        image.resize((40, 50)).save(film)
    prediction = predict(load_model(copy), [film, network.films[0]])
    assert list(prediction.unusual) == [film]
    assert_allclose(prediction.rows[1], network.expected()[0], rtol=0, atol=1e-6)


def test_a_film_whose_features_overflow_costs_no_other_its_scores(baseline, tmp_path):
    model = load_model(baseline.model)
    lenient = with_kinds(model, depths=("float32", "uint8"))
    film = tmp_path / "bright.tiff"
    Image.fromarray(np.random.default_rng(0).uniform(0, 1e30, (20, 20)).astype(np.float32)).save(
        film
    )
    prediction = predict(lenient, [baseline.films[0], film, baseline.films[1]])
    assert prediction.files == baseline.films[:2]
    assert_allclose(prediction.rows, baseline.expected()[:2], rtol=0, atol=1e-12)
    (refused,) = prediction.refused
    assert "bright.tiff: feature `first_order_variance` is inf" in str(refused)


@pytest.mark.slow
def test_new_images_are_turned_gray_as_those_of_training_were(tmp_path):
    trained = trained_baseline(tmp_path, gray=True)
    prediction = predict(load_model(trained.model), trained.films)
    assert_allclose(prediction.rows, trained.expected(), rtol=0, atol=1e-12)


def read(path):
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))


MODEL = SimpleNamespace(  # what a table of its cases asks of a model
    task=SimpleNamespace(predicted=Classes(("normal", "malignant"), positive=1)),
    threshold=0.5,
    scorer=SimpleNamespace(
        covariates=(),
        measured=None,
        reads_earlier=False,
        requires=SimpleNamespace(reads_other=False),
    ),
)


def test_awkward_names_and_every_digit_come_back(tmp_path):
    names = ["a,b.png", 'say "a".png', "two\nlines.png", "süß.png", "not \udce9 text.png"]
    drawn = np.random.default_rng(0).dirichlet((1, 1), len(names))
    rows = [CaseResult(name, tuple(one.tolist())) for name, one in zip(names, drawn, strict=True)]
    write_table(rows, MODEL, tmp_path / "t.csv")
    header, *found = read(tmp_path / "t.csv")
    columns = ["probability_normal", "probability_malignant", "decision"]
    assert header == ["file", *columns, "unusual", "error"]
    assert [row[0] for row in found] == names
    assert_array_equal([[float(v) for v in row[1:3]] for row in found], drawn)


def test_the_threshold_itself_is_positive(baseline):
    model = load_model(baseline.model)
    assert model.fingerprint is not None  # of two trainings, whose mean has its own threshold
    cases = [NewCase.of_file(baseline.films[0])]
    (scored,) = score_cases(model, cases)
    at = scored.probability[model.task.predicted.positive]
    for threshold, decision in ((at, "positive"), (np.nextafter(at, 1), "negative")):
        changed = replace(model.fingerprint, threshold=float(threshold))
        (scored,) = score_cases(replace(model, fingerprint=changed), cases)
        assert scored.decision == decision


def test_a_full_disk_leaves_the_earlier_table(tmp_path, monkeypatch):
    table = tmp_path / "t.csv"
    table.write_text("mine\n")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_table([CaseResult("f", (0.5, 0.5))], MODEL, table)
    assert table.read_text() == "mine\n"
    assert list(tmp_path.iterdir()) == [table]


@pytest.fixture(scope="session")
def mammogram_model(baseline, tmp_path_factory):
    """Return the logistic regression as if its films had come as DICOM files of 0.1 mm, MG."""
    copy = tmp_path_factory.mktemp("mammogram") / "model"
    shutil.copytree(baseline.model, copy)
    preparation = read_record(Preparation, copy / PREPARATION)
    traits = replace(
        preparation.traits, modality=("MG",), spacing=((0.1, 0.2), (0.1, 0.2)), unspaced=False
    )
    write_record(replace(preparation, traits=traits), copy / PREPARATION)
    return Trained(copy, baseline.films, baseline.test)


def spaced(path, pixels, spacing, modality="MG"):
    """Write a DICOM file of 8 bits; the model's folder is told that it knows such."""
    depth = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "RescaleSlope": 1}
    rows, columns = pixels.shape
    shape = {"Rows": rows, "Columns": columns, "PixelSpacing": [spacing, spacing]}
    content = dicom(1, **depth, **shape, Modality=modality, PixelData=pixels.tobytes())
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({}, []),
        ({"spacing": float(np.float32(0.2)) + 1e-5}, []),  # as other programs round the greatest
        ({"modality": "CT"}, ["modality CT, in training MG"]),
        ({"modality": "MUELLER"}, ["modality not named, in training MG"]),
        (
            {"spacing": 0.7},
            [f"{of} spacing 0.7, in training 0.1 to 0.2" for of in ("row", "column")],
        ),
        ({"dark": True}, ["brightness 0.", "contrast 0.", "distance "]),
    ],
)
def test_another_modality_spacing_or_brightness_is_named_in_the_table(
    changed, reasons, mammogram_model, tmp_path
):
    model = load_model(mammogram_model.model)
    with Image.open(mammogram_model.films[0]) as film:
        pixels = np.asarray(film)
    pixels = pixels // 100 if changed.pop("dark", False) else pixels
    file = spaced(tmp_path / "new.dcm", pixels, **{"spacing": 0.15} | changed)
    prediction = predict(model, [file, mammogram_model.films[1]])
    found = prediction.unusual.get(file, ())
    assert len(found) == len(reasons)
    assert all(one.startswith(reason) for one, reason in zip(found, reasons, strict=True))
    unknown = ("modality not named, in training MG", "pixel spacing unknown, in training known")
    assert prediction.unusual[mammogram_model.films[1]] == unknown
