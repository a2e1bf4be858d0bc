"""The fixed rules: every situation has its decision and its sentence, as the docs show them."""

import csv
import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from skiagram.evaluation.criteria import is_nothing_of_use
from skiagram.evaluation.evaluation_record import DECISION_WORDS
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.verdict import state_verdict
from skiagram.evaluation.warnings import state_warnings
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.evaluation.model_results import make_result
from tests.evaluation.scenario import reference
from tests.evaluation.situations import SITUATIONS, record

PROJECT = Path(__file__).resolve().parents[2]
TABLE = PROJECT / "docs/results/tables/verdicts.csv"


def read_table():
    """Read the table of the documentation: situation → its verdict."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return dict(rows)


def test_the_table_shows_every_situation_once():
    assert list(read_table()) == list(SITUATIONS)
    assert len(SITUATIONS) >= 20


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_has_the_decision_and_the_words_of_its_row(situation):
    verdict, shown = state_verdict(SITUATIONS[situation]), read_table()[situation]
    assert shown.startswith(verdict.headline)
    rest = shown
    for part in (verdict.headline, *verdict.openings, *verdict.reasons):
        rest = rest.replace(part, "")
        assert part in verdict.text
    assert not rest.strip()
    if verdict.headline.startswith("Use a "):
        assert re.search(rf": {DECISION_WORDS[verdict.decision]}\b", verdict.headline)
    elif verdict.headline.startswith("No model is shown to work"):
        assert is_nothing_of_use(SITUATIONS[situation])
        assert verdict.decision != "yes"
    else:
        assert verdict.headline.startswith(("No comparison", "No verdict", "The best"))
        assert verdict.decision == "none"


MANY = reference(np.arange(200) % 2)
OUTCOME = Outcome("net", "deep", "Small CNN", "finished")
NET = make_result(OUTCOME, {}, Estimate(0.8), by_repeat=(0.8, 0.81, 0.8))


def on(cases, design="holdout", *, near_duplicates=0, label_conflicts=0):
    return EvaluationSet(
        task=Task(Classes(cases.classes, cases.positive), design),
        development=cases,
        cases=cases,
        draws=cases.draws(10, 0),
        has_near_duplicate=np.arange(len(cases)) < near_duplicates,
        ideal=None,
        seed=0,
        label_conflicts=label_conflicts,
    )


def test_rules_that_both_do_not_beat_stand_in_one_sentence():
    """A time to an event has three: the same sentence stood there three times."""
    found = record(0.03, 0.09, rules=((-0.01, 0.05), (-0.06, 0.01)))
    named = [row for row in found.figures.rows if row.versus == "single_feature"]
    others = [dataclasses.replace(row, versus="region_volume") for row in named]
    rows = FigureTable((*found.figures.rows, *others))
    volume = dataclasses.replace(found.models[2].outcome, model="region_volume")
    models = (*found.models, dataclasses.replace(found.models[2], outcome=volume))
    verdict = state_verdict(dataclasses.replace(found, figures=rows, models=models))
    (sentence,) = (each for each in verdict.openings if "simple baseline" in each)
    assert sentence.startswith("Neither is shown to beat simple baselines: ")


def test_nothing_is_said_when_all_is_well():
    assert list(state_warnings([NET], on(MANY))) == []


def test_two_trainings_are_said_to_tell_little():
    twice = dataclasses.replace(NET, by_repeat=(0.8, 0.81))
    (found,) = state_warnings([twice], on(MANY))
    assert found.startswith("Every model was trained twice")


def test_leaks_and_failures_are_named():
    lost = Outcome("cnn", "deep", "Article CNN", "failed", "out of memory.")
    above = {"above_ideal": Estimate(0.04, 0.01, 0.07)}
    leaked = make_result(OUTCOME, {}, Estimate(0.8), limits=above, by_repeat=NET.by_repeat)
    found = list(state_warnings([ModelResult(lost), leaked], on(MANY)))
    assert found[0] == "Article CNN could not be trained and is not compared: out of memory."
    assert found[1].startswith("Small CNN may have leaked: its AUC is +0.040 above")
    assert "1 honest model in 40" in found[1]


def test_data_and_design_are_named():
    few = reference(np.repeat([0, 1], [60, 12]))
    alone = dataclasses.replace(NET, by_repeat=(0.8,))
    found = list(state_warnings([alone], on(few, "cv", near_duplicates=5, label_conflicts=1)))
    assert found[0].startswith("5 of 72 cases have a near duplicate among")
    assert found[1].startswith("Pairs of near duplicates with different labels: 1.")
    assert found[2].startswith("Few patients of class abnormal: 12;")
    assert found[3].startswith("Every model was trained with one seed")
    assert found[4].startswith("Intervals are approximate: the folds of a cross")


def test_small_classes_take_one_warning():
    few = reference(np.repeat([0, 1], [20, 12]))
    (found,) = state_warnings([], on(few))
    for words in ("class normal: 20", "class abnormal: 12", "below 40"):
        assert words in found
