"""A finder of candidates: what it learns from, what it says of images it never saw."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist

from skiagram.errors import ModelFailure, OptionError
from skiagram.finding.inputs import CANDIDATES, FindingInputs
from skiagram.fitting.arm import ArmFolders, Member, train
from skiagram.fitting.contract import FitContext, FittedFinder, Labelled
from skiagram.models.classical.finder import describe_candidates, share_of_other
from skiagram.options import build, composed
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_table, write_table
from skiagram.records.places import MARKS, tabulate_places
from skiagram.records.predictions import Predictions
from skiagram.tasks.cases import Cases
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.models.classical.families import read_options
from tests.numbered_store import write_images
from tests.stand_ins import PLAN

CASES, SIDE, STEP = 24, 7, 10.0
VALUES = read_options("candidate_finder")
CONTEXT = FitContext(seed=3, positive=1)


def finder(**options):
    judge = VALUES["classifier"] | {"C": 1.0}
    small = {
        "classifier": judge,
        "normal_places": 5,
        "lesion_least": 4.0,
        "margin": 4.0,
        "apart": 15.0,
    }
    return build(VALUES | small | options, "model")


def inputs(folder):
    """Return films of a grid of places; every fourth has a lesion, at the place that is brightest
    relative to the other side."""
    generator = np.random.default_rng(0)
    ids = [f"c{k:02d}" for k in range(CASES)]
    grid = [(STEP * (place // SIDE), STEP * (place % SIDE)) for place in range(SIDE**2)]
    shared = np.repeat(generator.normal(0, 3, (CASES // 2, SIDE**2)), 2, axis=0)
    values = shared + generator.normal(0, 0.3, shared.shape)
    label = (np.arange(CASES) % 4 == 1).astype(np.int64)
    marks = []
    for case in np.flatnonzero(label):
        place = generator.integers(SIDE**2)
        values[case, place] += 8
        marks.append((ids[case], grid[place], 3.0))
    table = np.stack([values.ravel(), generator.normal(size=values.size)], axis=1)
    films = dict.fromkeys(ids, np.ones((70, 70), np.float32))
    names = ("first_order_mean", "glcm_noise")
    whole = FindingInputs(
        case_id=np.array(ids),
        images=write_images(folder, films, (1.0, 1.0)),
        candidates=tabulate_places([(case, place, 5.0) for case in ids for place in grid]),
        features=FeatureTable(np.repeat(ids, len(grid)), names, table.astype(np.float32)),
        marks=tabulate_places(marks),
        spacing=dict.fromkeys(ids, (1.0, 1.0)),
        partner={case: ids[number ^ 1] for number, case in enumerate(ids)},
    )
    return whole, label


def labelled(whole, label):
    patient = np.array([f"p{number // 2}" for number in range(len(label))])
    return Labelled(whole, whole.case_id, label, patient, Classes(("0", "1")))


def test_lesions_of_unseen_films_are_found_and_their_films_score_highest(tmp_path):
    whole, label = inputs(tmp_path)
    model, training = finder(), labelled(whole, label).select(np.arange(16))
    fitted = model.fit(training, CONTEXT)
    unseen = whole.select(np.arange(16, CASES))
    scores, found = fitted.scores(unseen), fitted.find(unseen)
    assert scores[label[16:] == 1, 1].min() > scores[label[16:] == 0, 1].max()
    highest = found.loc[found.groupby("case_id")["score"].idxmax()].set_index("case_id")
    lesions = unseen.lesions.set_index("case_id")
    place = ["row", "column"]
    assert_array_equal(highest.loc[lesions.index, place], lesions[place])
    for _, own in found.groupby("case_id"):
        assert pdist(own[place]).min() > 15


def test_an_abnormal_film_without_a_place_teaches_nothing(tmp_path):
    whole, label = inputs(tmp_path)
    model = finder()
    unplaced = replace(whole, marks=whole.marks.iloc[1:])
    split = model.split_candidates(labelled(unplaced, label), label == 1)
    case = str(whole.marks["case_id"].iloc[0])
    taught = {str(whole.candidates["case_id"].iloc[row]) for rows in split for row in rows}
    assert case not in taught
    assert len(taught) == CASES - 1


def test_a_lesion_far_from_every_candidate_teaches_nothing(tmp_path):
    whole, label = inputs(tmp_path)
    model, first = finder(), whole.marks.iloc[0]
    for row, taught in ((0.0, 1), (-7.0, 1), (-9.0, 0)):  # up to 4 and 4 mm; the grid ends at 0
        mark = (first["case_id"], (row, 0.0), 3.0)
        one = replace(whole, marks=tabulate_places([mark])).of(np.array([first["case_id"]]))
        cases = Labelled(one, one.case_id, np.ones(1, int), one.case_id, Classes(("0", "1")))
        assert len(model.split_candidates(cases, np.ones(1, bool))[0]) == taught
    far = whole.marks.assign(row=-50.0)
    with pytest.raises(ModelFailure, match="0 candidates at the 6 lesions"):
        model.fit(labelled(replace(whole, marks=far), label), CONTEXT)


def test_the_other_side_is_taken_off_at_the_same_relative_place(tmp_path):
    whole, _ = inputs(tmp_path)
    table = describe_candidates(whole.select(np.array([1])), ("relative", "contralateral", "place"))
    lesion = whole.marks.iloc[0]
    assert lesion["case_id"] == "c01"
    place = lesion[["row", "column"]].to_numpy(dtype=float) / STEP
    row = int(place @ (SIDE, 1))
    difference = table.columns(["contralateral.first_order_mean"]).values[:, 0]  # noqa: PD011
    assert difference.argmax() == row
    alone = replace(whole, partner={}).select(np.array([1]))
    assert not describe_candidates(alone, ("contralateral",)).values.any()  # noqa: PD011


def test_marks_are_lowered_by_the_score_of_the_other_side_as_images_are(tmp_path):
    whole, label = inputs(tmp_path)
    marks, scores = {}, {}
    alone = replace(whole, partner={"c00": "c01", "c01": "c00"})
    for share in (0.0, 0.5):
        fitted = finder(other_share=share).fit(labelled(whole, label), CONTEXT)
        marks[share], scores[share] = fitted.find(alone), fitted.scores(alone)
        assert_array_equal(fitted.scores_of(marks[share], whole.case_id), scores[share])
    high = marks[0.0].groupby("case_id")["score"].max()
    assert_allclose(scores[0.0][:, 1] - scores[0.0][:, 0], high)
    other = high.rename({"c00": "c01", "c01": "c00"})  # an image without another is its own
    assert_allclose(scores[0.5][:, 1] - scores[0.5][:, 0], high - 0.5 * other[high.index])
    lowered = marks[0.0]["score"] - 0.5 * other[marks[0.0]["case_id"]].to_numpy()
    assert_allclose(marks[0.5]["score"], lowered)
    own = marks[0.5][marks[0.5]["case_id"] == "c00"]
    one = fitted.find(alone.select(np.array([0])))
    pd.testing.assert_frame_equal(one, own.reset_index(drop=True))


def test_the_share_of_the_other_side_is_learnt_where_patients_have_one(tmp_path):
    """What both sides show alike is no lesion: the share is near 1; unseen films decide nothing."""
    whole, label = inputs(tmp_path / "images")
    model, training = finder(other_share="learnt", views=["own"]), labelled(whole, label)
    fitted = model.fit(training, CONTEXT)
    assert 0.3 < fitted.other_share <= 1
    given = finder(other_share=fitted.other_share, views=["own"]).fit(training, CONTEXT)
    assert_array_equal(fitted.scores(whole), given.scores(whole))
    assert fitted.summary.images_seen > given.summary.images_seen
    fitted.save(tmp_path / "model")
    assert model.load(tmp_path / "model").other_share == fitted.other_share
    alone = replace(training, inputs=replace(whole, partner={}))
    assert model.fit(alone, CONTEXT).other_share == 0
    assert share_of_other({"a": 1.0, "b": 1.0}, {"a": "b", "b": "a"}, np.array(["a"])) == 0


def test_an_encoding_without_places_and_candidates_that_were_not_proposed_are_named(tmp_path):
    whole, label = inputs(tmp_path / "images")
    split = np.full(CASES, "train")
    Cases(whole.case_id, whole.case_id, split, label).write(tmp_path / "cases.parquet")
    write_table(whole.marks, tmp_path / MARKS)
    read = (tmp_path, whole.images, tmp_path, tmp_path / "none.parquet")
    with pytest.raises(OptionError, match=r"no candidates for a detector.*`proposal`"):
        FindingInputs.read(*read)
    write_table(whole.candidates, tmp_path / CANDIDATES)
    with pytest.raises(OptionError, match=r"encoder did not keep.*efficientnet_lite0_places"):
        FindingInputs.read(*read)


def test_without_candidates_there_is_a_score(tmp_path):
    whole, label = inputs(tmp_path)
    fitted = finder().fit(labelled(whole, label), CONTEXT)
    kept = np.flatnonzero(whole.features.case_id != "c00")
    candidates = whole.candidates.iloc[kept].reset_index(drop=True)
    features = whole.features.select(kept)
    scores = fitted.scores(replace(whole, candidates=candidates, features=features, partner={}))
    assert scores[0, 1] <= scores[1:, 1].min()


@pytest.mark.slow
def test_cross_validation_keeps_the_marks_of_fits_that_did_not_see_the_film(tmp_path):
    whole, label = inputs(tmp_path / "images")
    cases = labelled(whole, label)
    known = Cases(cases.case_id, cases.patient_id, np.full(CASES, "train"), label)
    plan, task = replace(PLAN, repeats=1), Task(Classes(("no", "yes"), 1), "cv")
    folders = ArmFolders.under(tmp_path, "finder")
    member = Member("finder", finder(), {}, whole, whole)
    assert train(member, known, task, plan, folders).outcome.status == "finished"
    scores = Predictions.read(folders.scores).table
    marks = read_table(folders.scores / MARKS)
    assert set(marks["part"]) == {"inner", "out_of_fold"}
    keys = ["repeat", "fold", "case_id"]
    for part in ("inner", "out_of_fold"):
        scored, marked = (table[table["part"] == part] for table in (scores, marks))
        highest = marked.groupby(keys)["score"].max()
        rows = scored.set_index(keys)
        odds = rows["score_1"] - rows["score_0"]
        pd.testing.assert_series_equal(highest.sort_index(), odds.sort_index(), check_names=False)
    inner = scores[scores["part"] == "inner"]
    assert not inner.duplicated(keys).any()
    assert set(inner["inner_fold"]) == {0, 1}
    assert set(scores[scores["part"] != "inner"]["inner_fold"]) == {-1}


@pytest.mark.slow
def test_a_tuned_finder_marks_as_the_finder_of_its_chosen_values(tmp_path):
    whole, label = inputs(tmp_path / "images")
    training, name = labelled(whole, label), "classifier.C"
    options = {
        "_target_": "skiagram.models.tuned.Tuned",
        "model": composed(finder()),
        "space": {name: [0.01, 0.1, 1.0, 10.0], "top": [1, 2]},
        "budget": {"trials": 2, "folds": 2},
    }
    model = build(options, "model")
    fitted = model.fit(training, CONTEXT)
    assert [len(trial.fold_auc) for trial in fitted.tuning.trials] == [2, 2]
    plain = model.having(fitted.tuning.chosen).fit(training, CONTEXT)
    fitted.save(tmp_path / "model")
    scores, marks = fitted.scores_and_marks(whole)
    assert_array_equal(scores, plain.scores(whole))
    pd.testing.assert_frame_equal(marks, plain.find(whole))
    loaded = model.load(tmp_path / "model")
    assert isinstance(loaded, FittedFinder)
    pd.testing.assert_frame_equal(loaded.find(whole), marks)
