"""Choices that no run can follow are refused before anything runs."""

import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from pydantic.dataclasses import dataclass

from skiagram.composition import Composition
from skiagram.errors import OptionError
from skiagram.models.classical.finder import CandidateFinder
from skiagram.options import build
from skiagram.steps.preflight import _OF_OTHER_OUTCOMES, DataSetFacts, check_run
from skiagram.strict import STRICT
from skiagram.tasks.classes import Classes
from skiagram.tasks.number import Number
from tests import REPOSITORY
from tests.cases import make_cases
from tests.yaml_rows import load_yaml

PATIENTS = [f"P{at}" for at in range(20)]
ROWS = load_yaml(REPOSITORY / "tests/option_rows.yaml")
CASES = make_cases([0, 1] * 10, patient=PATIENTS)
DATA = DataSetFacts(Classes(("normal", "cancer"), 1), CASES, ("site",))


@dataclass(**STRICT)
class OwnFinder(CandidateFinder):
    """A finder of a user, outside the package."""


def test_the_choices_of_a_new_project_are_followed():
    check_run(Composition(REPOSITORY), DATA)


@pytest.mark.parametrize("row", ROWS["choices"], ids=str)
def test_a_choice_that_no_run_or_no_such_data_set_can_follow_is_refused(row):
    facts = []
    if "data" in row:
        known = dict(row["data"])
        cases = replace(CASES, patient_id=np.array(known.pop("patient_id", PATIENTS)))
        facts = [replace(DATA, cases=cases, **known)]
    with pytest.raises(OptionError, match=row["said"]):
        check_run(Composition(REPOSITORY, row["changes"]), *facts)


def test_models_of_another_outcome_are_refused():
    data = replace(DATA, predicted=Number(column="size", unit="mm"))
    with pytest.raises(OptionError, match=r"none of `svm` learns.*kind number"):
        check_run(Composition(REPOSITORY, {"baselines": ["svm"]}), data)


def test_what_explains_a_classical_model_is_installed_before_a_model_is_trained(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    asked = {"explained": ["logistic_regression"]}
    with pytest.raises(OptionError, match=r"the package shap is not installed.*set it to 0"):
        check_run(Composition(REPOSITORY, asked), DATA)
    check_run(Composition(REPOSITORY, {"explained": ["small_cnn"]}), DATA)
    asked["conf.explain.explanation.importance.shap_cases"] = 0
    check_run(Composition(REPOSITORY, asked), DATA)


@pytest.mark.slow  # imports PyTorch
def test_preflight_knows_the_models_that_do_not_learn_classes():
    options = Composition(REPOSITORY)
    for name in options.list_files("model"):
        values = options.read_file("model", name)
        learns = "class" in getattr(build(values, name), "tasks", ("class",))
        assert learns is not str(values["_target_"]).startswith(_OF_OTHER_OUTCOMES), name


@pytest.mark.parametrize(("line", "words"), ROWS["unread"])
def test_a_name_of_params_yaml_that_nothing_reads_is_refused(line, words, tmp_path):
    (tmp_path / "conf").symlink_to(REPOSITORY / "conf")
    (tmp_path / "params.yaml").write_text(f"{(REPOSITORY / 'params.yaml').read_text()}{line}\n")
    with pytest.raises(OptionError, match=words):
        check_run(Composition(tmp_path))


def test_a_value_of_params_yaml_that_a_config_refers_to_is_taken(tmp_path):
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    (tmp_path / "params.yaml").write_text(f"{(REPOSITORY / 'params.yaml').read_text()}width: 2\n")
    (tmp_path / "conf/model/own.yaml").write_text("width: ${params.width}\n")
    check_run(Composition(tmp_path))
