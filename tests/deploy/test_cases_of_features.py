"""Rows of a table of features become cases that a model on such a table scores."""

from argparse import Namespace
from types import SimpleNamespace

import numpy as np
import pytest

from skiagram.cli.predict import cases_of
from skiagram.deploy.inputs import Preparer
from skiagram.deploy.new_cases import cases_of_features
from skiagram.errors import DataError
from skiagram.preparation import Covariate, ImageKinds, Preparation

COLUMNS = ("shape_volume", "glcm_contrast")


def write(folder, *rows):
    path = folder / "features.csv"
    path.write_text("\n".join(("PatientID,shape_volume,glcm_contrast,age", *rows)) + "\n")
    return path


def test_a_row_is_a_case_named_by_its_patient(tmp_path):
    first, second = cases_of_features(write(tmp_path, "p1,2.5,1,60", "p2,3,,70"), COLUMNS)
    assert (first.name, second.name) == ("p1", "p2")
    assert first.measured == {"shape_volume": 2.5, "glcm_contrast": 1.0}
    assert np.isnan(second.measured["glcm_contrast"])
    assert second.cells["age"] == "70"
    assert not first.images


def test_of_a_row_no_image_is_read_by_models_of_any_version(tmp_path):
    """Packages of earlier versions know kinds of images that stood for rows."""
    (row,) = cases_of_features(write(tmp_path, "p1,2.5,1,60"), COLUMNS)
    kinds = ImageKinds((1,), ("uint8",), (16, 16), (16, 16))
    for images in (None, kinds):
        preparer = Preparer(Preparation(images), None, None, None)
        assert Preparer.prepare(preparer, row, {}).images == {}


def test_rows_of_one_patient_are_named_by_their_line(tmp_path):
    cases = cases_of_features(write(tmp_path, "p1,2,1,60", "p1,3,1,60"), COLUMNS)
    assert len({case.name for case in cases}) == 2


def test_a_row_is_named_by_the_column_of_patients_wherever_it_stands(tmp_path):
    path = tmp_path / "features.csv"
    path.write_text("shape_volume,glcm_contrast,MRN\n2.5,1,p1\n3.5,2,p2\n")
    assert [case.name for case in cases_of_features(path, COLUMNS, (), "MRN")] == ["p1", "p2"]
    names = [case.name for case in cases_of_features(path, COLUMNS)]
    assert all("line" in name for name in names)  # never a feature's value


def test_a_feature_that_is_not_there_or_no_number_is_refused(tmp_path):
    path = write(tmp_path, "p1,large,1,60")
    with pytest.raises(DataError, match="shape_volume"):
        cases_of_features(path, COLUMNS)
    with pytest.raises(DataError, match="glrlm"):
        cases_of_features(path, (*COLUMNS, "glrlm"))


def test_a_covariate_that_nobody_measured_is_unknown_as_in_a_run(tmp_path):
    """A row with the age `nan` was refused, though `run` takes it for an empty cell."""
    cases = cases_of_features(write(tmp_path, "p1,2.5,1,60", "p2,3,2,nan"), COLUMNS)
    assert [case.cells["age"] for case in cases] == ["60", ""]


def test_points_that_may_separate_thousands_are_refused(tmp_path):
    """1.359 mm³ was read as a decimal beside 963 mm³, as `run` and `validate` never did."""
    table = write(tmp_path, "p1,963,1,60", "p2,1.359,2,70")
    with pytest.raises(DataError, match=r"column `shape_volume`: points that may separate"):
        cases_of_features(table, COLUMNS)


def test_a_table_of_images_may_call_its_columns_as_in_training(tmp_path):
    """A covariate of the model that is called as a role stays what it is."""
    path = tmp_path / "images.csv"
    table = "file,pat,taken_on,side,{}\na.png,p,2024-02-01,L,1\nb.png,p,2023-02-01,L,2\n"
    path.write_text(table.format("dose"))
    columns = {"patient": "pat", "visit": "taken_on", "region": "side"}
    preparation = SimpleNamespace(columns=columns, modalities=())
    scorer = SimpleNamespace(measured=None, covariates=())
    model = SimpleNamespace(scorer=scorer, preparer=SimpleNamespace(preparation=preparation))
    arguments = Namespace(files=[str(tmp_path)], table=path, pattern=(), missing=())
    late, early = cases_of(arguments, model)
    assert [case.name for case in late.earlier] == [early.name] == ["b.png (L)"]
    path.write_text(table.format("region"))
    with pytest.raises(DataError, match="the columns `side`, `region` say different things"):
        cases_of(arguments, model)
    scorer.covariates = (Covariate("region", None),)
    assert [case.cells["region"] for case in cases_of(arguments, model)] == ["1", "2"]


@pytest.mark.parametrize("recorded", [{"columns": {"patient": "PatientID"}}, {"columns": {}}])
def test_rows_of_several_structures_of_each_patient_are_refused(recorded, tmp_path):
    """A model trained on tumours scored the rows of nodes as tumours."""
    path = tmp_path / "features.csv"
    rows = [f"p{k},{kind},{k},1" for k in range(4) for kind in ("tumour", "node")]
    path.write_text("\n".join(("PatientID,structure,shape_volume,glcm_contrast", *rows)) + "\n")
    scorer = SimpleNamespace(measured=COLUMNS, covariates=())
    preparation = SimpleNamespace(patient_column="PatientID", **recorded)  # or as it was before
    preparer = SimpleNamespace(preparation=preparation)
    model = SimpleNamespace(scorer=scorer, preparer=preparer)
    arguments = Namespace(files=[str(path)], missing=())
    with pytest.raises(DataError, match=r"`structure` tells .* apart: tumour \(4\), node \(4\)"):
        cases_of(arguments, model)
    scorer.covariates = (Covariate("structure", ("node", "tumour")),)
    assert len(cases_of(arguments, model)) == 8  # a model that knows which is which
