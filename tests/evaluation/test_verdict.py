"""The fixed rules: every situation has its decision and its sentence, as the docs show them."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest

from skiagram.evaluation.criteria import is_nothing_of_use
from skiagram.evaluation.evaluation_record import (
    DECISION_WORDS,
    OFF_NEAR_DUPLICATES,
    SIMPLE_BASELINES,
    VERSUS_CHANCE,
)
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.verdict import recommend, state_verdict
from skiagram.evaluation.warnings import state_warnings
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests import REPOSITORY
from tests.evaluation.model_results import make_result
from tests.evaluation.scenario import reference
from tests.evaluation.situations import (
    SITUATIONS,
    changed,
    estimated,
    record,
    with_baseline,
    with_duplicates,
)
from tests.yaml_rows import of_rows

TABLE = REPOSITORY / "docs/results/tables/verdicts.csv"


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


def test_baselines_that_a_side_does_not_beat_stand_in_one_sentence():
    """A time to an event has three: the same sentence stood there three times."""
    found = record(0.03, 0.09, baselines=((-0.01, 0.05), (-0.06, 0.01)))
    named = [row for row in found.figures.rows if row.versus == "single_feature"]
    others = [replace(row, versus="region_volume") for row in named]
    rows = FigureTable((*found.figures.rows, *others))
    volume = replace(found.models[2].outcome, model="region_volume")
    models = (*found.models, replace(found.models[2], outcome=volume))
    verdict = state_verdict(replace(found, figures=rows, models=models))
    network, classical = verdict.openings
    assert network.startswith("The best network (Small CNN) is not shown to beat ")
    assert classical.startswith("The best classical model (Random forest) is not shown to beat ")
    assert " or " in network


def test_a_baseline_that_one_side_beats_is_not_what_to_use():
    found = record(0.01, 0.10, baselines=((0.05, 0.20), (-0.02, 0.09)))
    [sentence] = recommend(found)
    assert sentence.startswith("Until that is settled use Small CNN")
    found = record(-0.10, -0.02, baselines=((0.05, 0.20), (-0.02, 0.09)))
    [sentence] = recommend(found)
    assert sentence.startswith("Until that is settled use Random forest")


def test_a_figure_of_several_models_is_not_that_of_the_one_named():
    found = record(0.03, 0.09)
    arms = {name: replace(arm, chosen=arm.chosen | {"svm": 1}) for name, arm in found.arms.items()}
    [alone], [of_folds] = recommend(found), recommend(replace(found, arms=arms))
    assert " its AUC is expected" in alone
    assert " the AUC of the model that each fold chose is expected" in of_folds


def test_a_combination_is_what_to_use_where_it_alone_beats_a_baseline():
    found = record(0.01, 0.10, baselines=((-0.03, 0.03), (-0.04, 0.02)))
    both = replace(found.models[0].outcome, model="both", arm="combined", title="Both")
    rows = [replace(row, model="combined") for row in found.figures.rows if row.model == "deep"]
    rows = [replace(row, low=0.05, value=0.1, high=0.15) if row.versus else row for row in rows]
    found = replace(
        found,
        models=(*found.models, replace(found.models[0], outcome=both)),
        arms=found.arms
        | {"combined": replace(found.arms["deep"], model="both", chosen={"both": 1})},
        figures=FigureTable((*found.figures.rows, *rows)),
    )
    [sentence] = recommend(found)
    assert sentence.startswith("Until that is settled use Both")


def test_a_simple_baseline_is_what_to_use_where_no_side_beats_chance():
    def at_chance(row):
        return replace(row, value=0.03, low=-0.05, high=0.11)

    found = SITUATIONS["One feature is better than both"]
    found = changed(found, lambda row: at_chance(row) if row.versus == VERSUS_CHANCE else row)
    [sentence] = recommend(found)
    assert sentence.key == "use.baseline"


def test_traits_of_the_machine_are_no_model_to_use(monkeypatch):
    situation = SITUATIONS["One feature is better than both"]
    [sentence] = recommend(situation)
    assert sentence.key == "use.baseline"
    monkeypatch.setitem(Classes.simple_baselines, "acquisition", "single_feature")
    [sentence] = recommend(situation)
    assert sentence.key == "use.acquisition"


@pytest.mark.parametrize("chance", [VERSUS_CHANCE, None])
def test_what_is_at_chance_without_near_duplicates_is_not_recommended(chance):
    """A model may remember copies: what all cases say of it is no reason to use it."""

    def forget(row):
        is_clean = (row.group, row.model) == (OFF_NEAR_DUPLICATES, "classical")
        at_chance = is_clean and row.versus == chance
        return replace(row, value=0.03, low=-0.05, high=0.11) if at_chance else row

    found = changed(with_duplicates(record(0.03, 0.09), -0.02, 0.05), forget)
    [sentence] = recommend(found)
    assert sentence.startswith(f"Until that is settled use {'Small CNN' if chance else 'Random'}")


def test_a_combination_that_remembers_copies_makes_no_models_of_use():
    at_chance = Estimate(0.52, 0.44, 0.6)
    models = {"network": at_chance, "classical": at_chance}
    found = with_baseline(
        with_duplicates(record(-0.04, 0.04, **models), -0.04, 0.04), 0.5, 0.4, 0.6
    )
    found = changed(
        found,
        lambda row: (
            replace(row, value=0.02, low=-0.06, high=0.1)
            if row.analysis == SIMPLE_BASELINES
            else row
        ),
    )
    mean = Outcome("mean", "combined", "Mean", "finished")
    areas = {"roc_auc": estimated(0.9), found.off_copies: at_chance}
    combined = make_result(mean, areas, estimated(0.9))
    assert is_nothing_of_use(replace(found, models=(*found.models, combined)))


def trained(*areas, **limits):
    """Return a network by the areas of its trainings, and what it has beside them."""
    outcome = Outcome("net", "deep", "Small CNN", "finished")
    return make_result(outcome, {}, Estimate(0.8), by_repeat=areas, limits=limits)


MODELS = {
    "sound": trained(0.8, 0.81, 0.8),
    "trained once": trained(0.8),
    "trained twice": trained(0.8, 0.81),
    "leaked": trained(0.8, 0.81, 0.8, above_ideal=Estimate(0.04, 0.01, 0.07)),
    "lost": ModelResult(Outcome("cnn", "deep", "Article CNN", "failed", "out of memory.")),
}


@of_rows(__file__, name="warnings.yaml")
def test_warnings_name_what_is_to_be_doubted_and_nothing_else(models, cases, setting, known, said):
    own = reference(np.repeat([0, 1], cases or [100, 100]))
    setting = {"design": "holdout", "near_duplicates": 0, "label_conflicts": 0} | (setting or {})
    task = Task(Classes(own.classes, own.positive), setting["design"])
    copied = np.arange(len(own)) < setting["near_duplicates"]
    on = EvaluationSet(task, own, own, own.draws(10, 0), copied, ideal=None, seed=0)
    on = replace(on, label_conflicts=setting["label_conflicts"])
    found = list(state_warnings([MODELS[name] for name in models], on, **known or {}))
    assert len(found) == len(said)
    for warning, words in zip(found, said, strict=True):
        assert warning.startswith(words)
