"""Covariates that come in a table count as they did in training."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from skiagram.datasets.folder.columns import Columns
from skiagram.datasets.folder.table import list_entries
from skiagram.deploy.inputs import (
    Preparer,
    check_covariates,
    list_outlying,
    list_unknown,
    require_covariates,
)
from skiagram.deploy.model import load_model
from skiagram.deploy.new_cases import MemoryTree, NewCase, list_cases
from skiagram.deploy.page import write_page
from skiagram.deploy.prediction import CaseResult
from skiagram.errors import DataError, OptionError
from skiagram.preparation import Covariate, ImageKinds, Preparation
from skiagram.readers.case_images import ImageReference
from skiagram.readers.spaced_image import SpacedImage
from skiagram.restoration.steps import Steps
from skiagram.tables.frames import read_csv, read_table
from tests.deploy.scored import predict
from tests.deploy.trained import TASK, trained_baseline, write_rows

KNOWN = (Covariate("age", None), Covariate("side", ("left", "right")))
READ = KNOWN[::-1]


@pytest.mark.slow
def test_a_network_scores_a_film_of_which_nothing_is_known_and_needs_its_preparation(tmp_path):
    from tests.deploy.networks import trained_network

    trained = trained_network(tmp_path, "image_and_table", columns=["side", "age"])
    loaded, film = load_model(trained.model), trained.films[0]
    assert np.isfinite(predict(loaded, [film], {str(film): {"side": "", "age": ""}}).rows).all()
    restored = (tmp_path / "restored/preparation.json").read_bytes()
    (trained.model / "preparation.json").write_bytes(restored)
    with pytest.raises(DataError, match="reads covariates that its preparation does not know"):
        load_model(trained.model)


@pytest.mark.slow
def test_a_cell_that_is_no_number_is_named_and_an_unknown_text_is_said(tmp_path, terminal):
    trained = trained_baseline(tmp_path, covariates=("side", "age"))
    first, second, *_ = trained.films
    rows = [
        {"file": first.name, "side": "middle", "age": "50"},
        {"file": second.name, "side": "left", "age": "5_0"},
    ]
    table = write_rows(tmp_path / "women.csv", rows)
    line = f"predict {trained.model} {first.parent} --table {table}"
    said = (
        f"{second.name}: `5_0` in column `age`. Allowed: a finite number, or an empty cell | "
        "1 of 2 cases have a covariate text that too few cases for training had, first "
        f"{first.name}: side `middle`"
    )
    terminal.says(f"{line} -o {tmp_path}/scores.csv", said, 4)
    # a text that is missing is 0 in all columns too
    loaded = load_model(trained.model)
    found = []
    for side in ("middle", ""):
        known = {str(first): {"side": side, "age": "50"}}
        found.append(predict(loaded, [first], known).rows)
    np.testing.assert_array_equal(*found)


def test_a_model_of_covariates_asks_for_a_table_that_has_them(tmp_path):
    table = write_rows(tmp_path / "women.csv", [{"file": "a.png", "age": "1"}])
    for cases in ([NewCase.of_file(Path("a.png"))], list_cases(tmp_path, read_csv(table), ())):
        with pytest.raises(OptionError, match="the model reads `side`, `age` besides images"):
            require_covariates(READ, cases)


def test_a_row_of_a_region_is_that_of_its_case(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(
        "file,mask,region,patient_id,age,side\n"
        "a.nii,m.nii,left,p1,40,left\na.nii,m.nii,right,p1,50,NA\nb.nii,n.nii,left,p2,60,left\n"
    )
    cases = list_cases(table.parent, read_csv(table, ["NA"]), ())
    require_covariates(READ, cases)
    assert [case.cells["age"] for case in cases] == ["40", "50", "60"]
    assert list_unknown(READ, cases[1].cells) == ["`side` is unknown"]


def test_a_table_of_new_cases_names_what_ingest_reads_of_the_same_table(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(
        "file,mask,label_value,frame,label\n"
        "./a.nii,m.nii,2.0,,no\na.nii,m.nii;n.nii,all,,no\nb.tif,m.nii,,all,no\nb.tif,m.nii,,3,no\n"
        "c.nii,m.nii,two,,no\nd.nii,m.nii,,0,no\n../e.nii,m.nii,,,no\n"
    )
    rows = read_table(table.read_bytes())
    values = dict.fromkeys(("patient", "split", "site"))
    values |= {name: name for name in ("file", "mask", "label_value", "frame", "label")}
    listing = list_entries(rows, Columns(**values, covariates=(), scores=()), ["no"], ())
    sound, refused = (cases := list_cases(tmp_path, rows, ()))[:4], cases[4:]
    assert [case.images[""] for case in sound] == listing.references[:4]
    assert [case.name for case in sound] == listing.entries["name"][:4].tolist()
    assert not any(case.problem for case in sound)
    of_ingest = {str(problem) for problem in listing.problems}
    for case in refused:
        assert any(case.problem.found in problem for problem in of_ingest)


def test_cases_of_several_modalities_find_the_rows_of_their_table(tmp_path):
    table = tmp_path / "t.csv"
    rows = "p.nii,PET,p1,40,left\nm.nii,MR,p1,40,left\nq.nii,PET,p2,50,left\nn.nii,MR,p2,50,left\n"
    table.write_text(f"file,modality,patient_id,age,side\n{rows}")
    cases = list_cases(tmp_path, read_table(table.read_bytes()), ("PET", "MR"))
    require_covariates(READ, cases)
    assert [case.cells["age"] for case in cases] == ["40", "50"]


def test_a_site_unseen_in_training_is_refused_by_name_where_the_model_asks_for_it():
    site = Covariate("site", ("A", "B"), "site_")
    known, other = (
        NewCase(f"{name}.png", MemoryTree({}), {}, {"site": name}) for name in ("A", "C")
    )
    check_covariates([site], other)
    check_covariates([site], known, refuses_sites=True)
    with pytest.raises(DataError, match=r"C\.png: site `C`, which training did not see"):
        check_covariates([site], other, refuses_sites=True)


def test_a_number_far_from_those_of_training_is_said():
    """Such as an age in months: a model of ages in years is then sure of nonsense."""
    age = Covariate("age", None, usual=(40.0, 80.0))
    ages = {"years": "45", "older": "99.5", "months": "720", "birth": "0.6", "none": ""}
    far = {case: list_outlying([age], {"age": cell}) for case, cell in ages.items()}
    assert far["months"] == ("age 720 (training: 40 to 80)",)
    assert far["birth"]
    assert not far["years"] + far["older"] + far["none"]
    before = Covariate("age", None)  # of a package of an earlier version
    assert not list_outlying([before], {"age": "720"})


def test_a_gray_image_for_a_model_of_colour_is_marked():
    kinds = ImageKinds((3,), ("uint8",), (8, 8), (8, 8))
    steps = Steps(missing=None, outliers=None, denoising=None)
    preparer = Preparer(Preparation(kinds), steps, None, None)
    gray = SpacedImage(np.zeros((8, 8), np.uint8)).in_colour()
    colour = SpacedImage(np.zeros((8, 8, 3), np.uint8))
    assert preparer._examine(gray, "") == ("gray, where training had colour",)
    assert preparer._examine(colour, "") == ()


def test_a_page_shows_the_first_modality_of_training_whatever_a_table_names_first(tmp_path):
    read = []

    def record(case, modality):
        read.append(modality)
        return SpacedImage(np.zeros((8, 8, 1), np.float32), None)

    kinds = ImageKinds((1,), ("float32",), (8, 8), (8, 8))
    preparer = SimpleNamespace(
        preparation=Preparation(kinds, modalities=("CT", "PET")), read=record
    )
    deployment = SimpleNamespace(title="")
    model = SimpleNamespace(
        preparer=preparer, task=TASK, threshold=0.5, rule="", deployment=deployment
    )
    images = {name: ImageReference(f"{name}.png") for name in ("PET", "CT")}
    case = NewCase("case", MemoryTree({}), images)
    write_page([CaseResult("case", (0.5, 0.5))], [case], model, tmp_path / "page.html")
    assert read == ["CT"]
