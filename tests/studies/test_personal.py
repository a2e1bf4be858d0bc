"""The study of personal models: right where a change tells the label, silent where it does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.records import write_record
from skiagram.report.index import render_study
from skiagram.report.studies.personal import describe_model, summarise
from skiagram.studies.personal import IMAGE, LATER, Personal, PersonalDataSet, PersonalModel
from skiagram.studies.workspace import Workspace
from tests.studies.small_phantom import PLAN, TRAINER, small_place

pytestmark = pytest.mark.thorough

TELLING, SILENT = "phantom_visits", "phantom_visits_unrelated"


def study(**changed: Any) -> Personal:
    values: dict[str, Any] = {
        "datasets": {TELLING: "holdout", SILENT: "holdout"},
        "restoration": "none",
        "features": ("first_order",),
        "baselines": ("logistic_regression",),
        "networks": (),
        "plan": PLAN,
        "trainer": TRAINER,
        "replicates": 100,
    }
    return Personal(**(values | changed))


def place(folder: Path) -> Workspace:
    """Return a place whose phantoms of visits have small images and 100 sealed patients."""
    workspace = small_place(folder)
    for name in (TELLING, SILENT):
        file = workspace.conf / f"dataset/{name}.yaml"
        values = yaml.safe_load(file.read_text())
        values["patients"] = {"train": 160, "validation": 20, "test": 120}
        values["size"], values["lesion"]["radius"] = 24, 9.0
        file.write_text(yaml.safe_dump(values))
    return workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return place(tmp_path_factory.mktemp("personal"))


@pytest.fixture(scope="module")
def results(workspace: Workspace) -> dict[str, PersonalDataSet]:
    """Return data set → what the study finds on it."""
    return {dataset.dataset: dataset for dataset in study().run(workspace).datasets}


def variants(dataset: PersonalDataSet) -> dict[str, PersonalModel]:
    return {model.knows: model for model in dataset.models}


def test_an_earlier_image_helps_where_growth_tells_the_label(
    results: dict[str, PersonalDataSet],
) -> None:
    telling = results[TELLING]
    assert (telling.cases, telling.patients, telling.later) == (240, 120, 120)
    known = variants(telling)
    parts = {part.part: part for part in known["with earlier image"].parts}
    gain = parts[LATER].difference
    assert gain.low > 0
    for model in telling.models:
        assert model.auc.value < telling.ideal.value
    assert "An earlier image helps" in describe_model(telling, known["with earlier image"])
    alone = known[IMAGE]
    assert (alone.difference.value, alone.decided.value, alone.moved.value) == (0, 0, 0)
    for model in telling.models[1:]:
        assert model.moved.value is not None
        assert 0 < model.moved_typically < model.moved_rarely < 1
        right, wrong = model.righted.value, model.wronged.value
        assert model.decided.value == pytest.approx(right + wrong)
        assert model.decided.value <= model.patients.value


def test_nothing_is_shown_where_nothing_lasts(results: dict[str, PersonalDataSet]) -> None:
    known = variants(results[SILENT])
    for part in known["with earlier image"].parts:
        assert part.difference.high is not None
        assert part.difference.low < 0.02
    words = describe_model(results[SILENT], known["with earlier image"])
    assert "not shown to help" in words or "harms" in words


def test_a_page_says_it_and_the_record_reads_back(
    workspace: Workspace, results: dict[str, PersonalDataSet], tmp_path: Path
) -> None:
    result = study().run(workspace)  # of finished pieces
    page = render_study(result)
    assert page == render_study(result)
    assert "Phantom of two visits" in page
    assert "cases with an earlier image" in page
    assert len(summarise(result).answers) == 6
    write_record(result, tmp_path / "result.json")
    assert result.datasets == tuple(results.values())


def test_data_that_know_nothing_of_the_patient_are_refused(workspace: Workspace) -> None:
    with pytest.raises(OptionError, match="neither covariates nor visits"):
        study(datasets={"phantom": "holdout"}).run(workspace)


def test_covariates_alone_are_compared_where_there_are_no_visits(tmp_path: Path) -> None:
    workspace = place(tmp_path)
    file = workspace.conf / f"dataset/{TELLING}.yaml"
    values = yaml.safe_load(file.read_text()) | {"visits": 1, "size": 16, "marker": 3.0}
    values["lesion"]["radius"], values["patients"] = 5.0, {"train": 60, "validation": 0, "test": 40}
    file.write_text(yaml.safe_dump(values))
    (dataset,) = study(datasets={TELLING: "cv"}).run(workspace).datasets
    assert [model.knows for model in dataset.models] == [IMAGE, "with covariates"]
    gain = dataset.models[1].difference
    assert gain.low > 0
    assert np.isclose(dataset.later, 0)
    assert dataset.models[1].parts == ()
