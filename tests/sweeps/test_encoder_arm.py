"""Frozen encoders are an arm of their own in the sweeps that compare models."""

import pytest
import yaml
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import roc_auc_score

from skiagram.encoders.encoding import FolderEncoder
from skiagram.options import build
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record, read_table
from skiagram.records.predictions import Predictions
from skiagram.report.costs import list_models
from skiagram.report.sweep import render_sweep
from tests.encoders.examples import count_encoded, network, options, weights_file
from tests.sweeps.small_phantom import edit, run, run_curves, small_place

pytestmark = pytest.mark.slow


HEAD = "tiny_logistic_regression"
FILLED = {"missing": {"method": "nearest", "radius": 1}, "outliers": None}
AGAIN = FILLED | {"missing": {"method": "nearest", "radius": 2}}  # nearest needs no radius
REPAIRED = FILLED | {"outliers": {"threshold": 6.0, "radius": 2}}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    workspace = small_place(folder, (28, 4, 20))
    values = options(weights_file(folder), title="Tiny network")
    text = f"# @package encoders.tiny\n{yaml.safe_dump(values)}"
    (workspace.options.root / "conf/encoder/tiny.yaml").write_text(text)
    for name in ("logistic_regression", "ridge", "decision_tree"):
        edit(workspace, "model", name, f"tiny_{name}", encoding="tiny")
    return workspace


def choose(*baselines):
    """Return the choices of rows with a frozen encoder."""
    choices = {"features": "wavelet", "encoders": ["tiny"], "folds": 2, "networks": []}
    return choices | {"baselines": [*baselines]}


def crossover(place, *baselines):
    """Run the rows of learning curves."""
    return run_curves(place, 24, 40, 64, **choose(*baselines), restoration="repair")


def find_curve(result, model):
    return next(each for each in result.curves.curves if each.model == model)


def restorations(place, *baselines):
    """Run the rows of a sweep over three restorations."""
    variants = {"filled": FILLED, "again": AGAIN, "repaired": REPAIRED}
    steps = {
        name: {f"conf.restoration.repair.{step}": value for step, value in of.items()}
        for name, of in variants.items()
    }
    return run(place, base=choose(*baselines), axes={"steps": steps})


def test_a_draw_is_the_auc_of_the_head_on_what_the_encoder_gives(place):
    result = crossover(place, "logistic_regression", HEAD)
    curve = find_curve(result, HEAD)
    assert (curve.arm, curve.title) == ("encoder", "Logistic regression on Tiny network")
    assert [crossing.difference.model for crossing in result.curves.crossings] == [HEAD]
    (data,) = place.context.require_store().folder.glob("ingested-*")
    (restored,) = place.context.require_store().folder.glob("restored-*")
    encoder = build(place.options.read_file("encoder", "tiny"), "encoder")
    seen = read_record(Preparation, data / "images" / PREPARATION)
    images = restored / "restored"
    table = FolderEncoder.of_images(images, encoder, preparation=seen).encode(images)
    (piece,) = place.context.require_store().folder.glob("encoded-*")
    assert_array_equal(
        FeatureTable.read(piece / "encoding.parquet").of(table.case_id).values, table.values
    )
    label = read_table(data / "sealed/labels.parquet").set_index("case_id")["label"]
    tables = [
        Predictions.read(folder / "scores").part("test").set_index("case_id")
        for folder in place.context.require_store().folder.glob(f"trained-{HEAD}-*")
    ]
    theirs = sorted(
        roc_auc_score(label.loc[table.index] == 1, table["score_1"] - table["score_0"])
        for table in tables
    )
    areas = (row.figures.get(model=HEAD, figure="roc_auc") for row in result.rows)
    ours = sorted(area.value for area in areas if area is not None)
    assert_allclose(ours, theirs)
    assert curve.title in render_sweep(result)


def test_each_image_is_encoded_once_for_all_rows_and_sweeps(place, monkeypatch):
    crossover(place, "logistic_regression", HEAD)
    encoded = count_encoded(monkeypatch)
    crossover(place, "logistic_regression", HEAD)
    assert encoded == []
    result = restorations(place, "logistic_regression", HEAD)
    areas = [row.figures.get(model=HEAD, figure="roc_auc") for row in result.rows]
    assert None not in areas
    assert areas[0] == areas[1]
    arms = {row.figures.named(HEAD).arm for row in result.rows}
    assert arms == {"encoder"}
    assert len(encoded) == 2 * len(set(encoded)) == 2 * 104  # `again` leaves the same pixels
    encoded.clear()
    more = restorations(place, "logistic_regression", HEAD, "tiny_ridge")
    titles = {each.title for each in more.rows[0].figures.models}
    assert "Ridge regression on Tiny network" in titles
    assert encoded == []


def test_a_head_meets_corrupted_images(place):
    noise = {"scored": {"corruption": "noise", "amount": 5.0}}
    result = run(place, base=choose(HEAD), axes={"images": {"unchanged": {}, "noisy": noise}})
    noisy = result.rows[1].figures
    change, area = (noisy.find(model=HEAD, figure=each) for each in ("difference", "roc_auc"))
    assert change.value != 0
    assert area.value == pytest.approx(0.5, abs=0.25)  # nothing is left under the noise


def test_a_tuned_head_and_one_that_reads_features_too_are_of_the_arm_of_their_encoder(place):
    head, budget = place.options.read_file("model", HEAD), {"trials": 2, "folds": 2}
    edit(place, "model", "tuned_logistic_regression", "tiny_tuned", model=head, budget=budget)
    both = {"columns": ["encoding", "wavelet"], "encoding": "tiny"}
    edit(place, "model", "logistic_regression", "both", **both)
    result = crossover(place, "logistic_regression", "tiny_tuned", "both")
    for name, words in {"tiny_tuned": ", tuned", "both": " and features"}.items():
        curve = find_curve(result, name)
        assert curve.arm == "encoder"
        assert curve.title == f"Logistic regression on Tiny network{words}"
        most = result.curves.figures.select(model=name, group=str(result.curves.most))
        assert most.find(figure="fits").value == result.curves.draws


def test_a_heads_costs_hold_those_of_its_encoder(place):
    clock = {"images": 8, "repeats": 3}
    asked = {"axes": {"seed": [0]}, "analysis": "cost", "clock": clock}
    result = run(place, base=choose("tiny_ridge", "tiny_decision_tree"), **asked)
    costs = {each.title: each.costs.rows for each in list_models(result)[0]}
    ridge, tree = (
        {row.figure: row.value or 0 for row in costs[f"{title} on Tiny network"]}
        for title in ("Ridge regression", "Decision tree")
    )
    weights = sum(weight.numel() for weight in network().parameters())
    assert ridge["parameters"] == weights + 128 + 2  # a coefficient a column, an intercept
    assert ridge["multiply_adds"] > weights  # each weight of a layer serves every place
    assert tree["multiply_adds"] == 0
    assert 0 < ridge["input_milliseconds"] < ridge["case_milliseconds"]
    seconds = ridge["input_milliseconds"] * 32 / 1000  # training cases of a fold: half of 64
    assert ridge["training_seconds"] > seconds * 0.99
    assert "diamonds are frozen encoders" in render_sweep(result)
