"""Finding from tables of marks: which marks count, between which images, and what is concluded."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from skiagram.evaluation.evaluation_record import Evaluation, FindingEvaluation
from skiagram.evaluation.finding import FindingTables
from skiagram.evaluation.scores import ModelScores
from skiagram.finding.marks import HitRule
from skiagram.records import Design, tabulate_places
from tests.evaluation.scenario import Scenario, evaluated, finished, scenario

RADIUS = 3.0
HIT = HitRule(rule="distance", minimum=2.0, overlap=0.2)


def place_lesions(known: Scenario, unplaced: int = 0) -> pd.DataFrame:
    """One lesion in each positive image, at (10, 10), but the first ones."""
    positive = known.cases.case_id[known.label == 1][unplaced:]
    return tabulate_places([(case, (10.0, 10.0), RADIUS) for case in positive.tolist()])


def find(
    known: Scenario, model: ModelScores, lesions: pd.DataFrame, strength: float, seed: int = 0
) -> pd.DataFrame:
    """Two false marks an image, and one 1 mm from each lesion, with scores of unit deviation.

    Every fit has its own offset and scale.
    """
    generator = np.random.default_rng(seed)
    table = model.predictions.table
    table = table[table["part"].isin(["out_of_fold", "test"])]
    placed = set(lesions["case_id"])
    rows = []
    for part, repeat, fold, case in table[["part", "repeat", "fold", "case_id"]].itertuples(
        index=False
    ):
        places = [(30.0, 30.0, 0.0), (50.0, 50.0, 0.0)]
        places += [(10.0, 11.0, strength)] if case in placed else []
        for row, column, mean in places:
            score = (2.0 + fold) * (generator.normal(mean) + 3 * fold)
            rows.append((part, repeat, fold, case, np.nan, row, column, RADIUS, score))
    names = ["part", "repeat", "fold", "case_id", "slice", "row", "column", "radius", "score"]
    return pd.DataFrame(rows, columns=names)


class Searched(NamedTuple):
    known: Scenario
    models: tuple[ModelScores, ...]
    tables: FindingTables
    evaluation: Evaluation
    found: FindingEvaluation


def searched(
    design: Design = "cv",
    unplaced: int = 0,
    repeats: int = 1,
    strengths: tuple[float, ...] = (1, 3),
    ideal: float | None = None,
) -> Searched:
    known = scenario(120, 0 if design == "cv" else 80, design=design)
    names = ("candidate_forest", "window_network")
    models = [
        finished(known, names[0], strength=1.0, repeats=repeats),
        finished(known, names[1], arm="deep", strength=1.0, seed=1, repeats=repeats),
    ]
    lesions = place_lesions(known, unplaced)
    marks = {
        name: find(known, model, lesions, strength, seed=k)
        for k, (name, model, strength) in enumerate(zip(names, models, strengths, strict=True))
    }
    spacing = dict.fromkeys(known.cases.case_id.tolist(), (1.0, 1.0))
    tables, truth = FindingTables(lesions, marks, spacing, 0.9), None
    if ideal is not None:
        own = find(known, models[0], lesions, ideal, seed=9)
        own = own[own["part"].isin(["test"])].drop(columns=["part", "repeat", "fold"])
        highest = own.groupby("case_id")["score"].max()
        truth = pd.DataFrame({"case_id": highest.index, "ideal_score": highest.to_numpy()})
        tables = replace(tables, ideal=own)
    evaluation = evaluated(known, models, finding=tables, truth=truth, hit=HIT)
    assert evaluation.finding
    return Searched(known, tuple(models), tables, evaluation, evaluation.finding)


@pytest.mark.slow
@pytest.mark.parametrize("design", ["cv", "holdout"])
def test_marks_are_ranked_within_a_fit_and_the_better_finder_is_told(design: Design) -> None:
    run = searched(design)
    known, found = run.known, run.found
    reported = known.label[known.cases.split == ("train" if design == "cv" else "test")]
    assert (found.images, found.lesions) == (len(reported), int((reported == 1).sum()))
    assert (found.normal, found.unplaced, found.ceiling) == (int((reported == 0).sum()), 0, 0.9)
    assert (found.unit, found.variant) == ("mm", "JAFROC")
    weak, strong = found.finders
    # Probability that N(3, 1) is above the higher of two N(0, 1), in pairs of one fit
    assert strong.merit.value == pytest.approx(0.96, abs=0.03)
    assert weak.merit.value == pytest.approx(0.63, abs=0.08)
    assert strong.sensitivity["2"].value == 1.0
    assert strong.distance == (1.0, 1.0)
    assert strong.found.value == 1.0
    assert set(found.arms) == {"classical", "deep"}
    for difference in (found.difference, found.sensitivity_difference):
        assert difference
        assert (difference.low or 0) > 0.05
    assert found.relation == "better"


def test_positive_images_without_a_known_place_are_left_out() -> None:
    found = searched(unplaced=10).found
    assert (found.unplaced, found.images, found.lesions) == (10, 110, 50)


@pytest.mark.slow
def test_several_trainings_widen_the_interval_and_equal_finders_are_not_told_apart() -> None:
    found = searched("holdout", repeats=3, strengths=(2.0, 2.0)).found
    assert found.difference
    assert "3 trainings" in found.difference.method
    assert (found.difference.low or 0) < 0 < (found.difference.high or 0)


@pytest.mark.slow
def test_the_verdict_names_finding_with_its_margin() -> None:
    evaluation = searched().evaluation
    assert evaluation.verdict.startswith("Use a network to find lesions: yes. For whole images, ")
    _, told = evaluation.verdict.split("In finding, ", 1)
    assert "more than the default of 0.020" in told
    assert "figure of merit 0.97" in told


@pytest.mark.slow
def test_a_finder_above_the_ideal_observer_has_no_verdict() -> None:
    honest = searched("holdout", strengths=(1.0, 2.0), ideal=2.2)
    assert not any(finder.leaked for finder in honest.found.finders)
    weak = honest.found.finders[0]
    assert weak.efficiency
    assert 0.2 < (weak.efficiency.value or 0) < 1
    leaking = searched("holdout", strengths=(1.0, 8.0), ideal=1.0)
    assert [finder.leaked for finder in leaking.found.finders] == [False, True]
    assert "Window Network, in finding, scored above the ideal" in leaking.evaluation.verdict
