"""A tuned model chooses by its training cases alone, and is otherwise a model like any other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pydantic.dataclasses import dataclass

from skiagram.errors import ModelFailure, OptionError
from skiagram.fitting.contract import Arm, FitContext
from skiagram.models.arm_of_file import fitted_options
from skiagram.models.tuned import TUNING
from skiagram.options import build
from skiagram.splits import grouped_folds
from skiagram.strict import STRICT
from tests.models.classical.families import OPTION_FILES, read_options
from tests.models.examples import labelled
from tests.yaml_rows import load_yaml

CASES = labelled(patients=40)
CONTEXT = FitContext(5, positive=1)
SPACES = load_yaml(Path(__file__).with_name("spaces.yaml"))
OWN, BETTER = ["b"], ["a"]  # of the cases' features, `a` alone tells the classes apart


def tuned(space=None, *, trials=6, folds=2, **changed):
    """Return a logistic regression that reads a feature which says nothing, by its own options."""
    options = read_options("logistic_regression") | {"columns": OWN} | changed
    group = {
        "_target_": "skiagram.models.tuned.Tuned",
        "model": options,
        "space": space or {"columns": [OWN, BETTER]},
        "budget": {"trials": trials, "folds": folds},
    }
    return build(group, "model")


def test_the_better_of_two_settings_is_found_by_the_training_cases_alone():
    fold = grouped_folds(CASES.label, CASES.patient_id, 3, 0)[0]
    label = CASES.label.copy()
    label[fold.held_out] = np.random.default_rng(0).permutation(label[fold.held_out])
    found = [
        tuned().fit(cases.select(fold.training), CONTEXT).tuning
        for cases in (CASES, replace(CASES, label=label))
    ]
    assert found[0] == found[1]
    assert found[0].chosen == {"columns": BETTER}


def test_the_first_trial_has_the_models_own_values_and_no_two_are_alike():
    space = {"C": [0.001, 0.01, 0.1, 0.12345, 1.0, 3.0, 10.0]}
    first, *others = tuned(space, C=0.12345).fit(CASES, CONTEXT).tuning.trials
    assert first.options == {"C": 0.12345}
    assert len({each.options["C"] for each in others}) == 5
    trials = tuned().fit(CASES, CONTEXT).tuning.trials
    assert [trial.options["columns"] for trial in trials] == [OWN, BETTER]
    assert {(len(trial.fold_auc), trial.images_seen) for trial in trials} == {(2, 80)}


def test_the_chosen_values_are_fitted_on_all_cases_as_without_a_search():
    fitted = tuned().fit(CASES, CONTEXT)
    plain = build(read_options("logistic_regression") | {"columns": BETTER}, "model").fit(
        CASES, CONTEXT
    )
    assert_array_equal(fitted.scores(CASES.inputs), plain.scores(CASES.inputs))
    # Two trials were fitted, each in two folds of half the cases.
    assert fitted.summary.images_seen == len(CASES) + 2 * len(CASES)
    assert fitted.summary.parameters == plain.summary.parameters


def test_a_saved_model_scores_the_same_and_equal_searches_have_equal_bytes(tmp_path):
    for name in ("once", "again"):
        fitted = tuned().fit(CASES, CONTEXT)
        fitted.save(tmp_path / name)
    loaded = tuned().load(tmp_path / "once")
    assert_array_equal(loaded.scores(CASES.inputs), fitted.scores(CASES.inputs))
    once, again = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("once", "again")
    )
    assert once == again
    record = json.loads(once[TUNING])
    assert record["trials"][record["best"]]["options"] == {"columns": BETTER}


@dataclass(**STRICT)
class Fails:
    """A logistic regression that fails at levels above its limit."""

    arm: ClassVar[Arm] = "classical"
    title: ClassVar[str] = "Fails"
    uses_validation: ClassVar[bool] = False

    level: int
    limit: int

    def fit(self, training, context):
        if self.level > self.limit:
            raise ModelFailure(f"diverged at level {self.level}")
        return build(read_options("logistic_regression"), "model").fit(training, context)


def failing(limit):
    model = {"_target_": f"{__name__}.Fails", "level": 1, "limit": limit}
    space = {"level": [*range(10)]}
    group = {"_target_": "skiagram.models.tuned.Tuned", "model": model, "space": space}
    return build(group | {"budget": {"trials": 8, "folds": 2}}, "model")


def test_a_failed_trial_has_its_reason_and_a_search_without_any_other_is_a_failed_model():
    tuning = failing(4).fit(CASES, CONTEXT).tuning
    failed = [trial for trial in tuning.trials if trial.reason]
    assert {trial.options["level"] > 4 for trial in failed} == {True}
    assert "diverged at level" in failed[0].reason
    assert tuning.chosen["level"] <= 4
    with pytest.raises(ModelFailure, match=r"Fails, tuned: all 7 trials failed.*diverged at level"):
        failing(-1).fit(CASES, CONTEXT)


@pytest.mark.parametrize("row", SPACES, ids=str)
def test_a_space_that_does_not_fit_is_refused(row):
    options = read_options("svm") | {"encoding": None}
    group = {"_target_": "skiagram.models.tuned.Tuned", "model": options, "space": row["space"]}
    with pytest.raises(OptionError, match=row["said"]):
        build(group | {"budget": {"trials": 2, "folds": 2}}, "model")


TUNED = sorted(path.stem for path in OPTION_FILES.glob("tuned_*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", TUNED)
def test_a_shipped_file_tunes_the_file_of_that_name_with_the_budget_of_all(name):
    options = read_options(name)
    build(options, "model")
    assert options["model"] == read_options(name.removeprefix("tuned_"))
    assert options["budget"] == read_options(TUNED[0])["budget"]
    assert fitted_options(options) == fitted_options(options["model"]) == options["model"]


@pytest.mark.slow
def test_a_network_is_tuned_and_stops_early_like_any_other(tmp_path):
    from skiagram.fitting.contract import TrainedByEpochs
    from skiagram.models.learner import learner_of
    from tests.models.deep.spots import halves
    from tests.stand_ins import CPU

    options = read_options("tuned_small_cnn")
    options["model"]["training"] |= {"epochs": 2, "patience": 2}
    options["model"]["widths"] = [6, 12]
    options["space"] = {"dropout": [0.0, 0.3, 0.6]}
    options["budget"] = {"trials": 2, "folds": 2}
    model = learner_of(build(options, "model"), CPU, threads=1)
    assert (model.arm, model.title) == ("deep", "Small convolutional network, tuned")
    assert model.uses_validation
    assert isinstance(model, TrainedByEpochs)
    assert (model.gpus, model.one_by_one, model.final_epochs) == (None, False, "chosen")
    assert model.epochs_ahead is None
    training, validation = halves(tmp_path, 48)
    context = FitContext(3, tmp_path / "fit", 1, validation=validation)
    fitted = model.fit(training, context)
    assert len(fitted.tuning.trials) == 2
    assert fitted.summary.epochs == (2,)
    assert fitted.summary.set_aside == len(validation)
    assert fitted.summary.images_seen == 2 * len(training) * 3
    assert not list(tmp_path.glob("fit/trial*"))
    shutil.rmtree(tmp_path / "fit")
    again = model.fit(training, replace(context, validation=None, epochs=1))
    assert again.summary.epochs != ()
    assert again.summary.set_aside == 0


@pytest.mark.slow
def test_a_network_on_several_devices_is_refused():
    from skiagram.models.learner import learner_of
    from tests.stand_ins import CPU

    with pytest.raises(OptionError, match=r"trainer.devices: a search by several processes"):
        learner_of(
            build(read_options("tuned_small_cnn"), "model"), replace(CPU, devices=2), threads=1
        )
