"""Finding from tables of marks: which marks count, between which images, and what is concluded."""

from dataclasses import replace
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from skiagram.evaluation.criteria import (
    decide_by_margin,
    is_above_ideal,
    is_contradicted,
    judge_finding,
)
from skiagram.evaluation.evaluation_record import (
    FINDING,
    MEAN_SENSITIVITY,
    MERIT,
    Evaluation,
    FindingEvaluation,
)
from skiagram.evaluation.finder_selection import measure_for_selection
from skiagram.evaluation.finding import FindingTables
from skiagram.evaluation.verdict import describe_finding, state_verdict
from skiagram.finding.marks import HitRule
from skiagram.records.places import tabulate_places
from skiagram.records.predictions import Predictions
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import with_rows
from tests.evaluation.scenario import Scenario, evaluated, finished, scenario
from tests.evaluation.situations import FIGURES, with_difference

RADIUS = 3.0
HIT = HitRule(rule="distance", minimum=2.0, overlap=0.2)
Place = tuple[float, float, float]  # row, column, score


def place_lesions(known, unplaced=0):
    """One lesion in each positive image, at (10, 10), but the first ones."""
    positive = known.cases.case_id[known.label == 1][unplaced:]
    return tabulate_places([(case, (10.0, 10.0), RADIUS) for case in positive.tolist()])


def find(known, model, lesions, strength, seed=0):
    """Two false marks an image, and one 1 mm from each lesion, with scores of unit deviation."""
    generator, placed = np.random.default_rng(seed), set(lesions["case_id"])

    def mark(case):
        means = [(30.0, 30.0, 0.0), (50.0, 50.0, 0.0)]
        means += [(10.0, 11.0, strength)] if case in placed else []
        return [(row, column, generator.normal(mean)) for row, column, mean in means]

    return tabulate_marks(model, mark)


def tabulate_marks(model, mark):
    """Return marks of all images by all fits; every fit has its own offset and scale."""
    table = model.table
    keys = ["part", "repeat", "fold", "inner_fold", "case_id"]
    rows = []
    for parts in (["out_of_fold", "test"], ["inner"]):
        own = table[table["part"].isin(parts)]
        for part, repeat, fold, inner, case in own[keys].itertuples(index=False):
            fit = inner if part == "inner" else fold
            for row, column, value in mark(case):
                score = (2.0 + fit) * (value + 3 * fit)
                rows.append((part, repeat, fold, case, np.nan, row, column, RADIUS, score))
    names = ["part", "repeat", "fold", "case_id", "slice", "row", "column", "radius", "score"]
    return pd.DataFrame(rows, columns=names)


class Searched(NamedTuple):
    known: Scenario
    models: tuple[Predictions, ...]
    tables: FindingTables
    evaluation: Evaluation
    found: FindingEvaluation


@cache
def searched(
    design="cv",
    unplaced=0,
    repeats=1,
    strengths=(1, 3),
    ideal=None,
):
    known = scenario(120, 0 if design == "cv" else 80, design=design)
    names = ("candidate_forest", "window_network")
    models = [
        finished(known, names[0], strength=1.0, repeats=repeats),
        finished(known, names[1], arm="deep", strength=1.0, seed=1, repeats=repeats),
    ]
    lesions = place_lesions(known, unplaced)
    models = [
        replace(model, marks=find(known, model, lesions, strength, seed=k))
        for k, (model, strength) in enumerate(zip(models, strengths, strict=True))
    ]
    if ideal is None:
        return evaluate_finders(known, models, lesions)
    own = find(known, models[0], lesions, ideal, seed=9)
    own = own[own["part"].isin(["test"])].drop(columns=["part", "repeat", "fold"])
    highest = own.groupby("case_id")["score"].max()
    truth = pd.DataFrame({"case_id": highest.index, "ideal_score": highest.to_numpy()})
    return evaluate_finders(known, models, lesions, truth=truth, ideal=own)


def evaluate_finders(known, models, lesions, truth=None, ideal=None):
    spacing = dict.fromkeys(known.cases.case_id.tolist(), (1.0, 1.0))
    tables = replace(FindingTables(lesions, lesions, spacing, 0.9), ideal=ideal)
    evaluation = evaluated(known, models, finding=tables, truth=truth, hit=HIT)
    return Searched(known, tuple(models), tables, evaluation, evaluation.finding)


@pytest.mark.slow
@pytest.mark.parametrize("design", ["cv", "holdout"])
def test_marks_are_ranked_within_a_fit_and_the_better_finder_is_told(design):
    run = searched(design)
    known, found = run.known, run.found
    reported = known.label[known.cases.split == ("train" if design == "cv" else "test")]
    assert (found.images, found.lesions) == (len(reported), int((reported == 1).sum()))
    assert (found.normal, found.unplaced, found.ceiling) == (int((reported == 0).sum()), 0, 0.9)
    assert (found.unit, found.variant) == ("mm", "JAFROC")
    weak, strong = found.finders
    # Probability that N(3, 1) is above the higher of two N(0, 1), in pairs of one fit
    assert strong.find(MERIT).value == pytest.approx(0.96, abs=0.03)
    assert weak.find(MERIT).value == pytest.approx(0.63, abs=0.08)
    assert strong.find("sensitivity", "2").value == 1.0
    assert [strong.find("distance", of).value for of in ("median", "90 %")] == [1.0, 1.0]
    assert strong.find("found").value == 1.0
    assert set(found.arms) == {"classical", "deep"}
    for figure in (MERIT, MEAN_SENSITIVITY):
        difference = run.evaluation.gain_in_finding(figure)
        assert difference.low > 0.05
    assert run.evaluation.verdict.startswith("Use a network to find lesions: yes. For whole ")
    assert f"figure of merit {strong.find(MERIT).value:.3f}" in run.evaluation.verdict


def test_positive_images_without_a_known_place_are_left_out():
    found = searched(unplaced=10).found
    assert (found.unplaced, found.images, found.lesions) == (10, 110, 50)


@pytest.mark.slow
def test_several_trainings_widen_the_interval_and_equal_finders_are_not_told_apart():
    run = searched("holdout", repeats=3, strengths=(2.0, 2.0))
    difference = run.evaluation.gain_in_finding(MERIT)
    assert "3 trainings" in difference.method
    assert difference.low < 0 < difference.high


@pytest.mark.slow
def test_a_finder_above_the_ideal_observer_has_no_verdict():
    honest = searched("holdout", strengths=(1.0, 2.0), ideal=2.2)
    assert not any(is_above_ideal(finder.figures) for finder in honest.found.finders)
    weak = honest.found.finders[0]
    assert 0.2 < weak.find("efficiency").value < 1
    leaking = searched("holdout", strengths=(1.0, 8.0), ideal=1.0)
    assert [is_above_ideal(finder.figures) for finder in leaking.found.finders] == [False, True]
    assert "Window Network, in finding, scored above the ideal" in leaking.evaluation.verdict


Kind = Literal["cells", "film"]
CELLS = 16


def mark_cells(known, model, lesions, kind, strength):
    """Mark each of 16 cells, one of which holds the nodule of a film, known by a noisy value.

    With unit noise the log likelihood ratio of a nodule of strength d in a cell of value x is
    d x - d²/2. The ideal mark of a cell has its own; `film` gives each cell the film's: the log of
    their mean, which ranks films best and says nothing of places.
    """
    placed, generator = set(lesions["case_id"]), np.random.default_rng(5)
    known_of = {}
    for case in known.cases.case_id.tolist():
        value = generator.normal(size=CELLS)
        value[0] += strength * (case in placed)
        ratio = strength * value - strength**2 / 2
        whole = np.full(CELLS, logsumexp(ratio) - np.log(CELLS))
        known_of[case] = ratio if kind == "cells" else whole
    return tabulate_marks(
        model,
        lambda case: [
            (10.0 + 20 * (cell // 4), 10.0 + 20 * (cell % 4), float(score))
            for cell, score in enumerate(known_of[case])
        ],
    )


@cache
def films(design, *finders):
    """Evaluate finders: name, arm, strength of the scores of whole films, marks, their strength."""
    known = scenario(160, 0 if design == "cv" else 160, design=design)
    lesions = place_lesions(known)
    models = []
    for seed, (name, arm, of_films, kind, strength) in enumerate(finders):
        model = finished(known, name, arm=arm, strength=of_films, seed=seed)
        models.append(replace(model, marks=mark_cells(known, model, lesions, kind, strength)))
    return evaluate_finders(known, models, lesions)


def measure_choice(run, model, marks, lesions):
    """Return what a finder is chosen by, of marks and of lesions that are known."""
    setting = run.known.opened()
    return measure_for_selection(model, marks, lesions, setting, HIT, run.tables.spacing)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "forest", "network", "by_merit", "words"),
    [
        ("cv", "cells", "film", "yes", "not shown to find more"),
        ("holdout", "cells", "film", "yes", "not shown to find more"),
        ("holdout", "film", "cells", "no", "But the network is shown to find more"),
    ],
)
def test_the_film_s_odds_in_every_cell_win_the_merit_and_not_the_verdict(
    design, forest, network, by_merit, words
):
    arms = ("forest", "classical", 1.5, forest, 2.0), ("network", "deep", 1.5, network, 2.0)
    run = films(design, *arms)
    assert decide_by_margin(run.evaluation.gain_in_finding(MERIT), 0.02) == by_merit
    for arm, marked in (("classical", forest), ("deep", network)):
        found = run.found.arms[arm].find(MEAN_SENSITIVITY).value
        assert (found < 0.3) if marked == "film" else (found > 0.6)
    assert judge_finding(run.evaluation).decision == "open"
    assert words in run.evaluation.verdict


def test_a_finder_that_is_worse_than_no_marks_is_never_recommended():
    run = searched("holdout", strengths=(-5.0, -0.3))
    gain = run.evaluation.gain_in_finding(MERIT)
    assert decide_by_margin(gain, 0.02) == "yes"
    assert not is_contradicted(run.evaluation)
    assert judge_finding(run.evaluation).decision == "no"
    assert "not shown to beat a detector that marks nothing" in run.evaluation.verdict


def test_a_finder_that_does_not_beat_a_simple_baseline_is_not_recommended():
    run = searched("holdout")
    assert judge_finding(run.evaluation).decision == "yes"
    simple = finished(run.known, "brightest_spot", strength=1.0, seed=2)
    simple = replace(simple, marks=find(run.known, simple, run.tables.lesions, 3.0, seed=7))
    evaluation = evaluated(
        run.known,
        [*run.models, simple],
        finding=run.tables,
        hit=HIT,
        simple_rules=("brightest_spot",),
    )
    assert "brightest_spot" not in {arm.model for arm in evaluation.finding.arms.values()}
    assert judge_finding(evaluation).decision != "yes"
    assert "In finding, the network is not shown to beat" in evaluation.verdict


def test_no_network_to_find_lesions_is_said_by_all_differences_together():
    evaluation = searched("holdout").evaluation
    # A bound of .019 excludes .02 alone; one baseline more, and 1.14 times as long it does not.
    for high, decision in ((0.0, "no"), (0.019, "open")):
        gains = {MERIT: (-0.05, -0.1, high), MEAN_SENSITIVITY: (0.0, -0.05, 0.05)}
        found = evaluation
        for figure, gain in gains.items():
            found = with_difference(found, FINDING, figure, Estimate(*gain))
        assert decide_by_margin(found.gain_in_finding(MERIT), 0.02) == "no"
        assert judge_finding(found).decision == decision
        said = {sentence.key for sentence in describe_finding(found)}
        assert ("finding.together" in said) == (decision == "open")


def test_a_shift_of_a_finder_is_said_first():
    evaluation = searched("holdout").evaluation
    chosen = evaluation.finding.chosen | {"deep": {"other_network": 1}}
    shifted = replace(evaluation, finding=replace(evaluation.finding, chosen=chosen))
    rows = [replace(row, model="other_network") for row in FIGURES["shifted"]]
    answer = state_verdict(with_rows(shifted, *rows))
    assert "other_network 0.969 instead of 0.994" in " ".join(answer.openings)


@pytest.mark.slow
@pytest.mark.parametrize("design", ["cv", "holdout"])
def test_finders_are_chosen_by_what_they_find_and_not_by_the_images_auc(design):
    run = films(
        design,
        ("film_forest", "classical", 3.0, "film", 3.0),
        ("cell_forest", "classical", 0.5, "cells", 2.0),
        ("cell_network", "deep", 1.5, "cells", 3.5),
    )
    chosen, found = run.evaluation.arms["classical"].chosen, run.found
    assert set(chosen) == {"film_forest"}
    assert set(found.chosen["classical"]) == {"cell_forest"}
    before = [each.find("selection_sensitivity").value for each in found.finders]
    assert before[0] < 0.3 < before[1] < before[2]
    assert judge_finding(run.evaluation).decision == "yes"


@pytest.mark.slow
def test_folds_that_choose_other_finders_than_by_images_have_a_mixture_of_their_own():
    known = scenario(120, 0, design="cv")
    lesions, models = place_lesions(known, 0), []
    for number, name in enumerate(("one_finder", "other_finder", "window_network")):
        arm = "deep" if name == "window_network" else "classical"
        model = finished(known, name, arm=arm, strength=3.0 - number, seed=number)
        marks = find(known, model, lesions, 3, seed=number)
        # Inner marks of one fold tell nothing, so that the other finder is chosen there.
        spoilt = (marks["part"] == "inner") & (marks["fold"] == number)
        models.append(replace(model, marks=marks.assign(score=marks["score"].mask(spoilt, 0.0))))
    run = evaluate_finders(known, models, lesions)
    evaluation, standing = run.evaluation, run.found.arms["classical"].model
    assert set(run.found.chosen["classical"]) == {"one_finder", "other_finder"}
    assert standing == "best_classical_model_of_each_fold_in_finding"
    assert evaluation.titles[standing] == "Best classical model of each fold in finding"
    assert evaluation.find_result(standing).find("roc_auc").value is not None
    assert standing != evaluation.arms["classical"].model


@pytest.mark.slow
def test_the_choice_knows_no_lesion_that_it_is_reported_on():
    run = films("cv", ("cell_forest", "classical", 1.5, "cells", 2.0))
    (model,) = run.models
    table = model.part("out_of_fold")
    held_out = set(table[table["fold"] == 1]["case_id"])
    lesions, marks = run.tables.lesions, model.marks

    def measure(known, made):
        return dict(measure_choice(run, model, made, known))

    whole = measure(lesions, marks)
    elsewhere = lesions["row"] + 40 * lesions["case_id"].isin(held_out)
    moved = measure(lesions.assign(row=elsewhere), marks)
    assert moved[0, 1] == whole[0, 1]
    assert moved[0, 0] < whole[0, 0]
    scored = marks[marks["part"] == "out_of_fold"].assign(score=0.0)
    assert measure(lesions, pd.concat([marks[marks["part"] == "inner"], scored])) == whole


@pytest.mark.slow
def test_sealed_lesions_have_no_say_in_the_choice():
    run = searched("holdout")
    sealed = set(run.known.cases.test().case_id.tolist())
    open_ones = run.tables.known[~run.tables.known["case_id"].isin(sealed)]
    figure = measure_choice(run, run.models[1], run.models[1].marks, open_ones)
    (value,) = figure.values()
    assert value == run.found.finders[1].find("selection_sensitivity").value
    assert 0.8 < value < 1
