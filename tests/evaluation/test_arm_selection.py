"""What stands for an arm: one model beforehand, or in each fold the one its inner folds prefer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from skiagram.evaluation.arm_selection import choose_within_folds
from skiagram.evaluation.clinical_utility import UTILITY
from skiagram.evaluation.criteria import find_comparison
from skiagram.evaluation.evaluation_record import ARM_PAIRS, ARMS, PRIMARY, SECONDARY
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.stability import inner_auc_by_fold
from skiagram.statistics.significance import correct_by_holm
from tests.evaluation.scenario import auc_within, evaluated, finished, scenario


def with_inner_strength(known, name, strengths, *, arm="classical", seed=0):
    """Return a model whose inner scores have in each outer fold a strength of their own."""
    model = finished(known, name, arm=arm, strength=1.0, seed=seed)
    is_inner = model.table["part"] == "inner"
    inner = model.table[is_inner]
    strength = np.array(strengths)[inner["fold"], None]
    noise = np.random.default_rng(9).normal(size=(len(inner), 2))
    scores = strength * np.eye(2)[known.label_of(inner)] + 0.3 * noise
    model.table.loc[is_inner, ["score_0", "score_1"]] = scores
    model.table.loc[is_inner, ["probability_0", "probability_1"]] = softmax(scores, axis=1)
    return model


def run(known, models, deep_arm="either", preferred=()):
    return evaluated(known, models, replicates=200, deep_arm=deep_arm, preferred=preferred)


@pytest.fixture
def known():
    return scenario(120, 0, design="cv")


def two_forests(known):
    return [
        with_inner_strength(known, "one", [3, 0, 3], seed=1),
        with_inner_strength(known, "two", [0, 3, 0], seed=2),
    ]


def test_the_labels_of_a_fold_have_no_say_in_its_own_choice(known):
    models = two_forests(known)
    before = known.opened().development
    own = set(models[0].part("out_of_fold").query("fold == 1")["case_id"])
    turned = np.isin(before.case_id, list(own))
    after = replace(before, label=np.where(turned, 1 - before.label, before.label))
    first, second = (
        choose_within_folds({one.outcome.model: inner_auc_by_fold(one, of) for one in models})
        for of in (before, after)
    )
    assert first[0, 1] == second[0, 1]


def test_inner_scores_of_two_fits_are_not_ranked_together(known):
    """Each inner fit orders its own cases perfectly, on a scale of its own."""
    model = with_inner_strength(known, "one", [30, 30, 30])
    apart = (model.table["part"] == "inner") & (model.table["inner_fold"] == 1)
    model.table.loc[apart, "score_1"] += 100.0
    found = inner_auc_by_fold(model, known.opened().development)
    assert found == dict.fromkeys([(0, 0), (0, 1), (0, 2)], 1.0)


def area_of(found, arm):
    return found.table.find(analysis=ARMS, figure="roc_auc", model=arm).value


@pytest.mark.slow
def test_the_primary_comparison_is_of_procedures_and_the_record_says_which(known):
    network = finished(known, "net", arm="deep", strength=2.0, seed=3)
    found = run(known, [*two_forests(known), network])
    assert found.arms["classical"].chosen == {"one": 2, "two": 1}
    mixture = "best_classical_model_of_each_fold"
    assert (found.arms["classical"].choices, found.arms["classical"].model) == (3, mixture)
    assert found.arms["deep"].chosen == {"net": 3}
    chosen_by = found.table.find(analysis=ARMS, figure="selection_auc", model="classical")
    areas = [  # of both models, in the inner folds of each outer one
        [
            auc_within(known.label_of(rows), rows["probability_1"], rows["inner_fold"])
            for _, rows in model.part("inner").groupby("fold", sort=True)
        ]
        for model in two_forests(known)
    ]
    assert chosen_by.value == pytest.approx(np.max(areas, axis=0).mean())
    assert found.best == {"classical": mixture, "deep": "net"}
    (own,) = found.mixtures  # a row of its own, with the very figure of the answer
    assert own.outcome.title == found.titles[mixture] == "Best classical model of each fold"
    assert own.find("roc_auc").value == area_of(found, "classical")
    assert "of each fold (One in 2 folds and Two in 1)" in found.verdict
    primary = find_comparison(found)
    assert primary.trainings
    gap = area_of(found, "deep") - area_of(found, "classical")
    assert primary.difference.value == pytest.approx(gap)
    assert gap != pytest.approx(
        found.models[2].find("roc_auc").value - found.models[0].find("roc_auc").value
    )
    named = {frozenset((one.model, one.versus)) for one in found.pairs(SECONDARY)}
    assert frozenset(("net", "one")) in named  # the two models are another comparison


def three_arms(known):
    return [
        finished(known, "forest", strength=1.0, seed=1),
        finished(known, "net", arm="deep", strength=1.2, seed=2),
        finished(known, "head", arm="encoder", strength=2.0, seed=3),
        finished(known, "other_head", arm="encoder", strength=0.5, seed=4),
    ]


@pytest.mark.slow
def test_the_better_of_network_and_encoder_stands_against_the_classical_models():
    known = scenario(120, 120)
    found = run(known, three_arms(known))
    assert found.contender == "encoder"
    assert found.contender_words == "frozen encoder"
    assert found.best == {"classical": "forest", "deep": "net", "encoder": "head"}
    assert found.difference.model == "encoder"
    assert [found.arms[arm].model for arm in ("encoder", "classical")] == ["head", "forest"]
    assert found.answer.headline.startswith("Use a frozen encoder:")
    of_arms = found.pairs(ARM_PAIRS)
    pairs = [(pair.model, pair.versus) for pair in of_arms]
    assert pairs == [("deep", "classical"), ("encoder", "deep")]
    raw = np.array([pair.p for pair in of_arms])
    assert [pair.p_holm for pair in of_arms] == correct_by_holm(raw.tolist())
    listed = {frozenset((pair.model, pair.versus)): pair.p_holm for pair in found.pairs(SECONDARY)}
    assert all(
        listed[frozenset(found.arms[arm].model for arm in pair)] == of.p_holm
        for pair, of in zip(pairs, of_arms, strict=True)
    )
    assert frozenset(("head", "forest")) not in listed


@pytest.mark.slow
def test_the_labels_that_are_reported_have_no_say_in_what_stands():
    known = scenario(120, 120)
    is_test = known.cases.split == "test"
    turned = replace(known, label=np.where(is_test, 1 - known.label, known.label))
    models = three_arms(known)
    before, after = run(known, models), run(turned, models)
    assert before.contender == after.contender == "encoder"
    assert before.arms["encoder"].chosen == after.arms["encoder"].chosen
    assert area_of(before, "encoder") != area_of(after, "encoder")


@pytest.mark.slow
@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_the_option_takes_the_choice_away(design):
    known = scenario(120, 0 if design == "cv" else 120, design=design)
    models = three_arms(known)
    networks, alone = run(known, models, "networks"), run(known, models[:2])
    assert networks.contender == alone.contender == "deep"
    assert networks.difference == alone.difference
    settle = {"analysis": PRIMARY, "figure": "patients_to_settle"}
    planned = [run.figures.select(**settle) for run in (networks, alone)]
    assert planned[0] == planned[1] != FigureTable()
    utility = [run.figures.select(analysis=UTILITY) for run in (networks, alone)]
    assert utility[0] == utility[1]
    assert networks.contender_words == "trained network"
    assert alone.contender_words == "network"
    assert alone.pairs(ARM_PAIRS) == ()
    encoders = run(known, models, "encoders")
    assert encoders.contender == "encoder"
    assert encoders.arms["encoder"].chosen == {"head": encoders.arms["encoder"].choices}


@pytest.mark.slow
def test_folds_may_choose_a_network_here_and_an_encoder_there(known):
    models = [
        finished(known, "forest", strength=1.0, seed=5),
        with_inner_strength(known, "net", [3, 0, 3], arm="deep", seed=1),
        with_inner_strength(known, "head", [0, 3, 0], arm="encoder", seed=2),
    ]
    found = run(known, models)
    assert found.contender == "either"
    assert found.arms["either"].chosen == {"net": 2, "head": 1}
    assert "either" not in found.best
    rows = [model.part("out_of_fold") for model in (models[1], models[2], models[1])]
    joined = pd.concat([table[table["fold"] == fold] for fold, table in enumerate(rows)])
    own = auc_within(known.label_of(joined), joined["probability_1"], joined["fold"])
    assert area_of(found, "either") == pytest.approx(own)
    gap = area_of(found, "either") - area_of(found, "classical")
    assert found.difference.value == pytest.approx(gap)
    assert len(found.pairs(ARM_PAIRS)) == 3
    assert {row.model for row in found.simple_baselines} == {
        "classical",
        "deep",
        "encoder",
        "either",
    }
    assert "Net in 2 folds and Head in 1" in found.verdict


def test_a_preferred_model_stands_unless_another_is_surely_better(known):
    alike = [
        with_inner_strength(known, "one", [3, 3, 3], seed=1),
        with_inner_strength(known, "two", [0.8, 0.8, 0.8], seed=2),
    ]
    found = run(known, two_forests(known), preferred=("two",))
    assert found.arms["classical"].chosen == {"one": 2, "two": 1}  # .5 against nearly 1
    # Held against a network, the better one stands: the lead may be larger than the margin.
    network = finished(known, "net", arm="deep", strength=1.0, seed=3)
    for preferred, models, chosen in (
        (("two",), alike, "two"),
        ((), alike, "one"),
        (("two",), [*alike, network], "one"),
    ):
        found = run(known, models, preferred=preferred)
        assert found.arms["classical"].chosen == {chosen: 3}
