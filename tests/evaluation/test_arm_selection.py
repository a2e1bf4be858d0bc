"""What stands for an arm: one model beforehand, or in each fold the one its inner folds prefer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.arm_selection import choose_within_folds, compose
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.labelled_cases import label_cases
from skiagram.evaluation.results import Evaluation
from skiagram.evaluation.scores import ModelScores
from skiagram.evaluation.stability import inner_auc
from skiagram.records import Predictions, write_record
from tests.evaluation.scenario import FOLDS, Scenario, finished, scenario

CLASSES = ("a", "b", "c")


def with_inner_strength(model: ModelScores, known: Scenario, strengths: list[float]) -> ModelScores:
    """Give the inner scores of each outer fold a strength of their own; the others stay."""
    table = model.predictions.table.copy()
    rng = np.random.default_rng(9)
    n_classes = len(known.task.classes)
    truth = dict(zip(known.cases.case_id.tolist(), known.label.tolist(), strict=True))
    for fold, strength in enumerate(strengths):
        rows = ((table["part"] == "inner") & (table["fold"] == fold)).to_numpy()
        label = np.array([truth[name] for name in table.loc[rows, "case_id"]])
        scores = np.eye(n_classes)[label] * strength + 0.3 * rng.normal(
            size=(len(label), n_classes)
        )
        for k, column in enumerate(softmax(scores, axis=1).T):
            table.loc[rows, f"probability_{k}"] = column
    return replace(model, predictions=Predictions(table))


def run(known: Scenario, models: list[ModelScores]) -> Evaluation:
    return evaluate(models, known.cases, known.task, known.sealed, seed=0, replicates=200)


@pytest.fixture
def known() -> Scenario:
    return scenario(120, 0, design="cv")


def two_forests(known: Scenario) -> list[ModelScores]:
    return [
        with_inner_strength(finished(known, "one", strength=1.0, seed=1), known, [3, 0, 3]),
        with_inner_strength(finished(known, "two", strength=1.0, seed=2), known, [0, 3, 0]),
    ]


def test_each_fold_is_scored_by_the_model_that_its_inner_folds_prefer(known: Scenario) -> None:
    models = two_forests(known)
    development = label_cases(known.cases, known.task, known.sealed)
    chosen = choose_within_folds(models, development)
    assert chosen == {(0, 0): "one", (0, 1): "two", (0, 2): "one"}
    joined = compose(models, chosen).predictions.part("out_of_fold").table
    for fold, model in ((0, models[0]), (1, models[1]), (2, models[0])):
        table = model.predictions.part("out_of_fold").table
        expected = table[table["fold"] == fold].set_index("case_id")["score_1"]
        found = joined[joined["fold"] == fold].set_index("case_id")["score_1"]
        pd.testing.assert_series_equal(found.sort_index(), expected.sort_index())


def test_the_labels_of_a_fold_have_no_say_in_its_own_choice(known: Scenario) -> None:
    models = two_forests(known)
    before = label_cases(known.cases, known.task, known.sealed)
    own = set(models[0].predictions.part("out_of_fold").table.query("fold == 1")["case_id"])
    turned = np.isin(before.case_id, list(own))
    label = np.where(turned, 1 - before.label, before.label)
    after = replace(before, label=label.astype(np.int64))
    assert choose_within_folds(models, after)[0, 1] == choose_within_folds(models, before)[0, 1]


def test_the_primary_comparison_is_of_procedures_and_the_record_says_which(
    known: Scenario, tmp_path: Path
) -> None:
    network = finished(known, "net", arm="deep", strength=2.0, seed=3)
    found = run(known, [*two_forests(known), network])
    assert found.arms["classical"].chosen == {"one": 2, "two": 1}
    assert (found.arms["classical"].choices, found.arms["classical"].model) == (3, "one")
    assert found.arms["deep"].chosen == {"net": 3}
    assert found.best == {"classical": "one", "deep": "net"}
    assert found.primary is not None
    assert found.primary.scope == "procedure"
    gap = (found.arms["deep"].auc.value or 0) - (found.arms["classical"].auc.value or 0)
    assert found.primary.difference.value == pytest.approx(gap)
    assert gap != pytest.approx(
        (found.models[2].metrics["roc_auc"].value or 0)
        - (found.models[0].metrics["roc_auc"].value or 0)
    )
    named = {frozenset((one.model, one.other)) for one in found.secondary}
    assert frozenset(("net", "one")) in named  # the two models are another comparison
    write_record(found, tmp_path / "evaluation.json")
    record = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert record["arms"]["classical"]["chosen"] == {"one": 2, "two": 1}
    assert not any("chosen with labels" in one for one in found.warnings)


def test_the_procedures_auc_is_that_of_its_pooled_probabilities(known: Scenario) -> None:
    models = two_forests(known)
    found = run(known, models).arms["classical"]
    development = label_cases(known.cases, known.task, known.sealed)
    joined = compose(models, choose_within_folds(models, development))
    table = joined.predictions.part("out_of_fold").table.set_index("case_id")
    order = table.loc[known.cases.case_id.tolist(), "probability_1"].to_numpy()
    assert found.auc.value == pytest.approx(roc_auc_score(known.label, order))
    assert "widened for overlapping training sets" in found.auc.method


@pytest.mark.parametrize("classes", [("normal", "abnormal"), CLASSES])
@pytest.mark.parametrize("repeats", [1, 2])
def test_any_number_of_classes_and_repeats_with_a_reader(
    classes: tuple[str, ...], repeats: int
) -> None:
    known = scenario(120, 0, design="cv", classes=classes)
    models = [
        finished(known, "one", strength=1.0, seed=1, repeats=repeats),
        finished(known, "two", strength=1.0, seed=2, repeats=repeats),
        finished(known, "net", arm="deep", strength=1.5, seed=3, repeats=repeats),
    ]
    reader = finished(known, "reader", arm="reader", strength=2.0, seed=4)
    table = reader.predictions.table
    scored = Predictions(table[table["part"] == "out_of_fold"].reset_index(drop=True))
    found = run(known, [*models, replace(reader, predictions=scored)])
    assert set(found.arms) == {"classical", "deep"}
    assert found.arms["classical"].choices == FOLDS * repeats
    assert found.primary is not None
    assert found.primary.repeats == repeats
    assert (found.primary.difference.low or 0) < (found.primary.difference.high or 0)
    beside = [one for one in found.secondary if "reader" in (one.model, one.other)]
    assert len(beside) == 3
    assert all(one.p is not None for one in beside)


def noisy_inner(known: Scenario, name: str, seed: int) -> ModelScores:
    """A model whose inner scores are its held-out ones and noise, drawn anew in each outer fold."""
    rng = np.random.default_rng(seed)
    model = finished(known, name, strength=1.0, seed=seed)
    table = model.predictions.table.copy()
    held = table[table["part"] == "out_of_fold"].set_index("case_id")["score_1"]
    for fold in range(FOLDS):
        rows = ((table["part"] == "inner") & (table["fold"] == fold)).to_numpy()
        own: NDArray[np.float64] = held.loc[table.loc[rows, "case_id"]].to_numpy()
        table.loc[rows, "probability_1"] = 1 / (1 + np.exp(-own - 0.3 * rng.normal(size=len(own))))
        table.loc[rows, "probability_0"] = 1 - table.loc[rows, "probability_1"]
    return replace(model, predictions=Predictions(table))


def pooled_auc(known: Scenario, model: ModelScores) -> float:
    table = model.predictions.part("out_of_fold").table.set_index("case_id")
    return float(
        roc_auc_score(known.label, table.loc[known.cases.case_id.tolist(), "probability_1"])
    )


@pytest.mark.slow
def test_a_choice_within_folds_gains_nothing_by_chance_where_one_over_all_folds_does() -> None:
    within, overall = [], []
    for draw in range(25):
        known = scenario(90, 0, images=1, design="cv")
        models = [noisy_inner(known, f"m{k}", 1000 * draw + k) for k in range(5)]
        development = label_cases(known.cases, known.task, known.sealed)
        joined = compose(models, choose_within_folds(models, development))
        usual = np.mean([pooled_auc(known, model) for model in models])
        best = max(models, key=lambda one: inner_auc(one.predictions, development).value or 0.0)
        within.append(pooled_auc(known, joined) - usual)
        overall.append(pooled_auc(known, best) - usual)
    error = np.std(within) / 5
    assert abs(np.mean(within)) < 3 * error
    assert np.mean(overall) > 0.02
