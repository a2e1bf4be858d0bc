"""Choices that no run can follow are refused before anything runs."""

import shutil
from dataclasses import replace
from pathlib import Path

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

REPOSITORY = Path(__file__).parents[2]
PATIENTS = [f"P{at}" for at in range(20)]
SIZE = Number(column="size", unit="mm")
DATA = DataSetFacts(Classes(("normal", "cancer"), 1), [0, 1] * 10, PATIENTS, ("site",))


@dataclass(**STRICT)
class OwnFinder(CandidateFinder):
    """A finder of a user, outside the package."""


def test_the_choices_of_a_new_project_are_followed():
    check_run(Composition(REPOSITORY), DATA)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": "phantm"}, "no `phantm`.*did you mean `phantom`"),
        ({"baselines": ["logistic_regresion"]}, "did you mean `logistic_regression`"),
        ({"baselines": ["svm", "svm"]}, "`svm` is named 2 times"),
        ({"baselines": ["encoder_svm"]}, "reads the encoder `dinov2_small`.*add it to `encoders`"),
        ({"baselines": ["candidate_finder"]}, "none are proposed.*blobs, grid"),
        (
            {
                "baselines": ["candidate_finder"],
                "conf.model.candidate_finder._target_": f"{__name__}.OwnFinder",
            },
            "none are proposed.*blobs, grid",
        ),
        ({"explained": ["forest"]}, "explained: `forest` is no model of the run.*svm"),
        ({"compare": [["svm", "small_cn"]]}, "compare: `small_cn`.*did you mean `small_cnn`"),
        ({"combinations": ["late"]}, "late.members: `covariates` is no model of the run"),
        ({"calibration": "plat"}, "calibration: .*platt.*isotonic"),
        ({"fold_column": "site"}, "fold_column: .*design holdout.*design: cv"),
    ],
)
def test_a_choice_that_no_run_can_follow_is_refused(changes, words):
    with pytest.raises(OptionError, match=words):
        check_run(Composition(REPOSITORY, changes))


@pytest.mark.parametrize(
    ("changes", "data", "words"),
    [
        ({"folds": 11}, {}, "11 folds, and 10 patients of the class `normal`.*2 to 10"),
        ({"design": "cv", "inner_folds": 7}, {}, "inner_folds: 7 folds.*2 to 6"),
        ({"folds": 3}, {"patient_id": ["P0", "P1", "P2", "P3"] * 5}, "3 folds.*Allowed: 2\\. "),
        ({"design": "cv", "fold_column": "sites"}, {}, "no column `sites`.*did you mean `site`"),
        ({}, {"has_images": False}, "networks: `article_cnn`.*no images.*--networks none"),
        (
            {"baselines": ["svm"]},
            {"predicted": SIZE},
            "none of `svm` learns.*kind number",
        ),
        ({"baselines": ["cox_boosted"]}, {}, "none of `cox_boosted` learns.*kind class"),
        (
            {"features": "first_order,shape"},
            {"shape": (9, 64, 64, 1)},
            "features: `shape` is not defined for volumes \\(here 9 slices\\).*leave `shape` out",
        ),
        ({}, {"shape": (64, 64), "has_regions": True}, "`zones` is not defined in a region"),
        ({"features": "morphology"}, {"shape": (64, 64)}, "`morphology`.*plane images"),
        ({"features": "region/ct"}, {"shape": (64, 64)}, "`morphology`.*plane images"),
    ],
)
def test_a_choice_that_the_data_set_does_not_carry_is_refused(changes, data, words):
    with pytest.raises(OptionError, match=words):
        check_run(Composition(REPOSITORY, changes), replace(DATA, **data))


def test_preflight_knows_the_models_that_do_not_learn_classes():
    options = Composition(REPOSITORY)
    for name in options.list_files("model"):
        values = options.read_file("model", name)
        learns = "class" in getattr(build(values, name), "tasks", ("class",))
        assert learns is not str(values["_target_"]).startswith(_OF_OTHER_OUTCOMES), name


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("svm: {C: 2}", "`svm` is no choice.*conf/model/svm.yaml:OPTION=VALUE"),
        ("fold: 5", "`fold` is no choice.*did you mean `folds`"),
        ("colour: red", "`colour` is no choice.*remove it"),
        ("heads: [svm]", "`heads` is no choice.*remove it"),
    ],
)
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
