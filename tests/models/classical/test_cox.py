"""Cox regression as a model: what it learns, refuses, and leaves."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.fitting.arm import ArmFolders, Member, train
from skiagram.models.classical.cox import BoostedCoxTrees
from skiagram.records.predictions import Predictions
from tests.models.classical.families import model
from tests.models.examples import PLAN
from tests.statistics import times
from tests.tasks.cohort import make_cases, make_features


def test_boosted_trees_are_those_of_scikit_survival():
    target = np.stack([times.TIME, times.EVENT], axis=1)
    fitted = BoostedCoxTrees(20, 0.1, 2, 5, 1.0, seed=0).fit(times.VALUES, target)
    found = fitted.predict(times.VALUES)[[0, 1, 2, 30, 59]]
    assert found == pytest.approx(times.BOOSTED, abs=1e-9)


def test_each_tree_of_a_share_has_its_own_draw_and_a_seed_repeats_it():
    target = np.stack([times.TIME, times.EVENT], axis=1)

    def scores(seed):
        fitted = BoostedCoxTrees(20, 0.1, 2, 5, 0.5, seed).fit(times.VALUES, target)
        return [float(score) for score in fitted.predict(times.VALUES)]

    assert scores(0) == scores(0)
    assert scores(0) != scores(1)


def trained(name, folder):
    """Train a model on cases with a time to an event; return where it left what."""
    (cases, task), features = make_cases(), make_features()
    folders = ArmFolders.under(folder, name)
    member = Member(name, model(name), {}, features, features.select(np.arange(0)))
    train(member, cases, task, replace(PLAN, repeats=1, folds=2), folders)
    return folders


def test_a_model_of_classes_is_a_named_failure(tmp_path):
    outcome = Predictions.read(trained("svm", tmp_path).scores).outcome
    assert outcome.status == "failed"
    said = "is fitted to the kind class, and what is predicted is of the kind time"
    assert said in outcome.reason
