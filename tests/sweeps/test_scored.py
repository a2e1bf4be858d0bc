"""Trained models score images made worse and those of another data set, untrained by either."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.deploy.new_cases import MemoryTree, NewCase
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.options import check
from skiagram.preparation import ImageKinds, Preparation
from skiagram.records.files import read_table
from skiagram.records.predictions import Predictions
from skiagram.restoration.steps import Steps
from skiagram.steps.score import Scored, StoredPreparer, score_images
from skiagram.sweeps.figures import DIFFERENCE
from skiagram.sweeps.rows import SELECTION
from skiagram.sweeps.severity import list_worse_images
from tests.sweeps.small_phantom import CHOICES, REFUSED, edit, run, small_place

pytestmark = pytest.mark.slow

MODEL = "logistic_regression"
NOISE = {"scored": {"corruption": "noise", "amount": 0.5}}
OTHER = {"scored": {"dataset": "other"}}
VOTING = {"combinations": ["voting"], "conf.combination.voting.members": [*CHOICES["baselines"]]}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Return a place with two small phantoms, small visits and a network of two epochs."""
    place = small_place(tmp_path_factory.mktemp("scored"), (28, 4, 24), **CHOICES)
    edit(place, "dataset", "phantom", "other", name="other", title="Other", seed=5, noise=0.9)
    few = {"train": 36, "validation": 4, "test": 20}
    small = {"patients": few, "size": 16, "lesion__radius": 5.0}
    edit(place, "dataset", "phantom_visits", "visits", **small)
    edit(place, "model", "small_cnn", "hasty", training__epochs=2)
    return place


@pytest.fixture(scope="module")
def result(workspace):
    images = {"unchanged": {}, "noisy": NOISE}
    return run(workspace, axes={"images": images}, analysis="severity")


@pytest.mark.parametrize(
    ("dataset", "options"),
    [
        ("phantom", VOTING),
        ("phantom", {"baselines": [], "networks": ["hasty"]}),
        ("visits", {"features": "first_order,earlier,covariates", "baselines": [MODEL]}),
    ],
)  # fmt: skip
def test_unchanged_images_score_as_they_did_in_training(workspace, tmp_path, dataset, options):
    (row,) = run(workspace, rows=[{"dataset": dataset, **options}]).rows
    assert not row.reason
    pieces = sorted(
        workspace.context.require_store().folder.iterdir(), key=lambda path: path.stat().st_mtime
    )
    newest = [each for each in pieces if each.name.startswith(("trained-", "combined-"))][-1]
    ingested = [each for each in pieces if each.name.startswith("ingested-")][-1]
    model, scores = newest / "model", newest / "scores"
    score_images(model, scores, ingested, Scored(), 0, tmp_path)
    trained, found = (Predictions.read(folder) for folder in (scores, tmp_path / "scores"))
    assert trained.outcome == found.outcome
    keys = ["part", "repeat", "fold", "inner_fold", "case_id"]
    pd.testing.assert_frame_equal(
        found.table.sort_values(keys).reset_index(drop=True),
        trained.table.sort_values(keys).reset_index(drop=True),
        rtol=1e-5,
    )


def test_figures_are_those_of_the_worse_images_and_nothing_is_trained_anew(workspace, result):
    clean, noisy = result.rows
    assert not noisy.reason
    pieces = [
        Predictions.read(path / "scores")
        for path in workspace.context.require_store().folder.glob(f"scored-{MODEL}*")
    ]
    scored = [piece.part("test").set_index("case_id") for piece in pieces]
    labels = [
        read_table(path).set_index("case_id")["label"]
        for path in workspace.context.require_store().folder.glob(
            "ingested-*/sealed/labels.parquet"
        )
    ]
    theirs = [
        roc_auc_score(label.loc[rows.index] == 1, rows["score_1"] - rows["score_0"])
        for label in labels
        for rows in scored
        if set(rows.index) <= set(label.index)
    ]
    before, after = (each.figures.get(model=MODEL, figure="roc_auc") for each in (clean, noisy))
    assert any(after.value == pytest.approx(each) for each in theirs)
    change = noisy.figures.get(model=MODEL, figure=DIFFERENCE)
    assert change.value == pytest.approx(after.value - before.value)
    assert clean.figures.get(model=MODEL, figure=SELECTION) == noisy.figures.get(
        model=MODEL, figure=SELECTION
    )
    trained = set(workspace.context.require_store().folder.glob("trained-*"))
    run(workspace, rows=[{"scored": {"corruption": "blur", "amount": 1.0}}])
    assert set(workspace.context.require_store().folder.glob("trained-*")) == trained


def test_the_curves_of_the_sweep_are_its_rows(result):
    (data,) = list_worse_images(result.rows)
    assert data.clean == result.rows[0]
    assert data.rows == {"noise": [result.rows[1]]}


def test_another_data_set_is_scored_and_compared_with_training_on_it(workspace):
    found = run(workspace, axes={"trained on": {"its own": {"dataset": "other"}, "others": OTHER}})
    own, foreign = found.rows
    assert not foreign.reason
    assert own.figures.cases == foreign.figures.cases == 48
    change = foreign.figures.get(model=MODEL, figure=DIFFERENCE)
    areas = [each.figures.get(model=MODEL, figure="roc_auc") for each in (foreign, own)]
    assert change.value == pytest.approx(areas[0].value - areas[1].value)
    assert own.figures.get(model=MODEL, figure=SELECTION) != foreign.figures.get(
        model=MODEL, figure=SELECTION
    )


def test_cases_of_two_data_sets_are_never_paired(workspace):
    """Their ids and numbers are equal, and mean nothing beyond their data set."""
    images = {"unchanged": {}, "of another device": OTHER, "trained there": {"dataset": "other"}}
    _, *others = run(workspace, axes={"images": images}).rows
    for row in others:
        assert row.figures.get(model=MODEL, figure="roc_auc") is not None
        assert row.figures.get(model=MODEL, figure=DIFFERENCE) is None
        assert "other cases" in row.figures.reason


@pytest.mark.parametrize("name", REFUSED["scored"])
def test_what_cannot_be_scored_is_a_row_with_its_reason(workspace, name):
    (row,) = run(workspace, rows=[REFUSED["scored"][name]["row"]]).rows
    assert REFUSED["scored"][name]["words"] in row.reason


def test_equal_films_get_noise_of_their_own_that_no_other_case_moves(tmp_path):
    film = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    with ShardWriter(tmp_path) as writer:
        for name in ("a", "b"):
            writer.add(name, film, (0.2, 0.3))
    steps = check(Steps, {"missing": None, "outliers": None, "denoising": None}, "restoration")
    preparation = Preparation(ImageKinds.of([film]))

    def noisy(name, seed=0):
        preparer = StoredPreparer(
            preparation=preparation, restoration=steps, training_mean=None,
            shape=None, stores={"": ImageStore(tmp_path)}, seed=seed,
            scored=Scored(corruption="noise", amount=0.2),
        )  # fmt: skip
        image = preparer.read(NewCase(name, MemoryTree({}), {}), "")
        assert image.spacing == (0.2, 0.3)
        return image.pixels

    assert not np.array_equal(noisy("a"), noisy("b"))
    np.testing.assert_array_equal(noisy("b"), noisy("b"))
    assert not np.array_equal(noisy("b"), noisy("b", seed=1))
