"""Trained models on a small phantom are explained by the fits that their scores came from."""

import shutil
import sys
from dataclasses import dataclass, replace

import pytest
import yaml

from skiagram.compute.context import RunContext
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import IN_PROCESS
from skiagram.errors import OptionError
from skiagram.explanation.explained_model import ExplanationOptions
from skiagram.explanation.record import EXPLANATION, Explanation
from skiagram.fitting.arm import ArmFolders
from skiagram.fitting.cross_validation import Plan
from skiagram.models.learner import learner_of
from skiagram.options import build, check
from skiagram.preparation import PreparedData
from skiagram.records.files import read_record, write_record
from skiagram.records.predictions import Outcome
from skiagram.steps.explain import ExplainOptions, explain_model
from skiagram.steps.train import train_model
from skiagram.sweeps.data import ingest_data, prepare_data
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import read_cases
from skiagram.training.options import decide_vertical_flips
from tests.encoders.examples import options as encoder_options
from tests.encoders.examples import weights_file
from tests.stand_ins import CPU
from tests.sweeps.small_phantom import CONF, PLAN, small_place
from tests.yaml_rows import load_yaml

pytestmark = pytest.mark.slow


FAMILIES = ("wavelet", "first_order")


def asked(**changed):
    values = load_yaml(CONF / "explain.yaml")["explanation"]
    few = {"orders": 2, "first": 3, "resamples": 8, "shap_cases": 8, "background": 8}
    values["importance"] |= few
    values["maps"] |= {"cases": 8, "steps": 8, "window": 0.25}
    values["maps"]["exchange"] |= {"cells": 4, "steps": 4}
    return check(ExplanationOptions, values | changed, "explain")


@dataclass(frozen=True)
class Place:
    """A small phantom, prepared, and its models."""

    workspace: Workspace
    prepared: PreparedData
    plan: Plan

    def options(self, name, **changed):
        def read(group, names):
            return {name: self.workspace.options.read_file(group, name) for name in names}

        return ExplainOptions(
            model=decide_vertical_flips(
                self.workspace.options.read_file("model", name), upside_down=True
            ),
            plan=self.plan,
            compute=IN_PROCESS,
            trainer=CPU,
            dataset=self.workspace.options.read_file("dataset", "phantom"),
            features=read("features", FAMILIES),
            encoders=read("encoder", self.prepared.encodings),
            explanation=asked(**changed),
        )

    def folders(self, name):
        return ArmFolders.under(self.workspace.context.require_store().folder.parent, name)

    def train(self, name):
        """Train a model, once for all tests of a place."""
        if self.folders(name).scores.exists():
            return name
        options, (cases, task) = self.options(name), read_cases(self.prepared.cases)
        model = learner_of(build(options.model, "model"), CPU, 1)
        known = (self.prepared, cases, task, self.folders(name), self.workspace.context)
        train_model(name, model, options, *known)
        return name

    def write(self, name, context, **changed):
        target = self.workspace.context.require_store().folder.parent / "explanations" / name
        options, trained = self.options(name, **changed), self.folders(name)
        explain_model(name, options, self.prepared, trained, target, context)
        return target

    def explain(self, name, **changed):
        target = self.write(name, self.workspace.context, **changed)
        return read_record(Explanation, target / EXPLANATION)


def make_place(folder, design="holdout", *encoders, **plan):
    work = small_place(folder)
    conf = work.options.root / "conf"
    models = conf / "model"
    forest = (
        (models / "random_forest.yaml").read_text().replace("n_estimators: 200", "n_estimators: 8")
    )
    (models / "small_forest.yaml").write_text(forest)
    network = (models / "small_cnn.yaml").read_text().replace("epochs: 30", "epochs: 2")
    (models / "short_network.yaml").write_text(network.replace("patience: 30", "patience: 2"))
    if encoders:
        values = encoder_options(weights_file(folder), title="Tiny network")
        (conf / "encoder/tiny.yaml").write_text(
            f"# @package encoders.tiny\n{yaml.safe_dump(values)}"
        )
    data = ingest_data(work, work.options.read_file("dataset", "phantom"), design)
    families = {name: work.options.read_file("features", name) for name in FAMILIES}
    frozen = {name: work.options.read_file("encoder", name) for name in encoders}
    repair = work.options.read_file("restoration", "repair")
    prepared = prepare_data(work, data, repair, families, frozen)
    return Place(work, prepared, replace(PLAN, **plan))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_place(tmp_path_factory.mktemp("explained"))


def test_features_are_explained_by_the_fits_of_the_scores_without_the_seal(place):
    trained = [place.train(name) for name in ("logistic_regression", "small_forest")]
    shutil.rmtree(place.prepared.cases.parent / "sealed")
    linear, forest = (place.explain(training) for training in trained)
    for one in (linear, forest):
        assert one.difference == 0
        assert (one.word, one.fits, one.repeats, one.cases) == ("nodule", 3, 1, 56)
        assert one.maps is None
        assert one.blanking.rest.over_folds.value is not None
    assert {group.group for group in linear.features.families} == {"wavelet", "first_order"}
    assert len(linear.features.features) == len(forest.features.features) == 3
    for feature in linear.features.features:
        assert len(feature.effects) == 3
        assert feature.loss.over_folds.low is not None
        assert feature.loss.over_patients.value == pytest.approx(feature.loss.over_folds.value)
    assert len(linear.features.coefficients) == 3
    assert not forest.features.coefficients
    assert forest.features.shapley
    assert forest.features.clusters is not None
    assert place.explain(trained[0]) == linear


def test_maps_of_a_network_are_tested(place):
    found = place.explain(place.train("short_network"))
    assert found.difference == 0
    assert found.maps.observer.cases == 4
    assert found.maps.centre.hit.above_centre.value == 0
    assert [one.method for one in found.maps.methods] == list(asked().maps.methods)
    for one in found.maps.methods:
        assert [test.name for test in one.tests] == [
            "randomisation", "deletion", "insertion", "repeatability",
        ]  # fmt: skip
        assert one.tests[-1].state == "not tested"  # one training
        assert not one.trustworthy
        # after a few epochs no map of Grad-CAM may be above 0 anywhere
        assert one.location is not None or one.method == "grad_cam"


def test_nested_folds_are_made_again_as_long_as_training_made_them(tmp_path):
    place = make_place(tmp_path, "cv", folds=2, inner_folds=2)
    for name in ("small_forest", "short_network"):
        found = place.explain(place.train(name), blanked=False)
        assert (found.difference, found.fits) == (0, 2)


def test_a_model_that_was_not_trained_is_not_explained(place):
    failed = Outcome("decision_tree", "classical", "Tree", "failed", "out of memory")
    scores = place.folders("decision_tree").scores
    shutil.copytree(place.folders(place.train("small_forest")).scores, scores)
    write_record(failed, scores / "outcome.json")
    assert list(place.write("decision_tree", place.workspace.context).iterdir()) == []


@pytest.mark.parametrize("is_tuned", [False, True])
def test_a_finder_is_refused_by_name_tuned_or_not(place, tmp_path, is_tuned):
    values = place.workspace.options.read_file("model", "candidate_finder")
    if is_tuned:
        values = {
            "_target_": "skiagram.models.tuned.Tuned",
            "model": values,
            "space": {"top": [values["top"], values["top"] + 1]},
            "budget": {"trials": 2, "folds": 2},
        }
    name = f"finder{is_tuned:d}"
    (place.workspace.options.root / "conf" / f"model/{name}.yaml").write_text(
        yaml.safe_dump(values)
    )
    scores = place.folders(name).scores
    shutil.copytree(place.folders(place.train("small_forest")).scores, scores)
    finished = Outcome(name, "classical", "Finder at candidates", "finished")
    write_record(finished, scores / "outcome.json")
    store = PieceStore(tmp_path / "pieces")
    with pytest.raises(OptionError, match="Finder at candidates judges places") as refused:
        place.write(name, RunContext(store=store))
    assert f"explained: {name}" in str(refused.value)
    assert not store.folder.exists()


@pytest.mark.parametrize(
    ("package", "model"), [("shap", "small_forest"), ("captum", "short_network")]
)
def test_a_missing_package_is_said_before_any_work(package, model, place, monkeypatch, tmp_path):
    place.train(model)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    store = PieceStore(tmp_path / "pieces")
    with pytest.raises(OptionError, match="`make setup-dev`"):
        place.write(model, RunContext(store=store))
    assert not store.folder.exists()


def test_an_encoder_with_a_head_has_no_maps_and_is_tried_without_the_region(tmp_path):
    place = make_place(tmp_path, "holdout", "tiny")
    models = place.workspace.options.root / "conf" / "model"
    text = (models / "logistic_regression.yaml").read_text()
    (models / "tiny_head.yaml").write_text(f"encoding: tiny\n{text}")
    fused = text.replace("columns: null", "columns: [encoding, wavelet]")
    (models / "fused.yaml").write_text(f"encoding: tiny\n{fused}")
    for name in ("tiny_head", "fused"):
        found = place.explain(place.train(name))
        assert found.title.startswith("Logistic regression on Tiny network")
        assert found.maps is None
        assert found.features is None
        assert found.blanking is not None
