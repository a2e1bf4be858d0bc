"""The whole evaluation: from scores to a verdict, by both designs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from skiagram.evaluation.criteria import is_above_ideal
from skiagram.evaluation.evaluation_record import SECONDARY
from skiagram.evaluation.results import LIMIT
from skiagram.records.predictions import Predictions
from tests.evaluation.scenario import (
    CARD,
    auc_within,
    evaluated,
    failed,
    finished,
    scenario,
)


def run(known, models, truth=None):
    return evaluated(known, models, truth=truth, replicates=200)


DOUBTS = ("No patient is identified", "chose features anew", "This is a first look")


def arms(known):
    return [
        finished(known, "weak_tree", strength=0.3, seed=1),
        finished(known, "strong_forest", strength=1.0, seed=2),
        finished(known, "net", arm="deep", strength=3.0, seed=3),
        failed("big_net", "deep", "out of memory"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_a_reader_is_measured_on_its_raw_score_and_never_the_best_of_an_arm(design):
    known = scenario(design=design, test=80 if design == "holdout" else 0)
    signal = known.label * 4.0 + np.random.default_rng(7).normal(size=len(known.label))
    reader = finished(known, "reader", arm="reader", signal=signal)
    table = reader.table
    of_fold = 1 + table["fold"] ** 2  # calibrations of folds put cases out of order
    table["probability_1"] = expit(2 * table["score_1"] * of_fold)
    table["probability_0"] = 1 - table["probability_1"]
    found = run(known, [*arms(known), reader])
    assert found.best == {"classical": "strong_forest", "deep": "net"}
    reported = known.cases.split == ("test" if design == "holdout" else "train")
    auc = found.models[-1].find("roc_auc").value
    label, score = known.label[reported], signal[reported]
    fold = np.zeros(len(label), dtype=np.int64)
    if design == "cv":  # in the pairs in which the models have an AUC, to be compared with them
        own = reader.part("out_of_fold").set_index("case_id")["fold"]
        fold = own.loc[known.cases.case_id.tolist()].to_numpy()
    assert auc == pytest.approx(auc_within(label, score, fold))
    assert "reader" not in found.verdict.lower()


@pytest.mark.slow
def test_a_combination_is_best_of_its_own_arm_and_the_verdict_is_on_the_two_others():
    known = scenario()
    alone = run(known, arms(known))
    found = run(known, [*arms(known), finished(known, "both", arm="combined", strength=5.0)])
    assert found.cases["reported"] == {"normal": 40, "abnormal": 40}
    assert found.patients == {"development": 60, "reported": 40}
    assert alone.best == {"classical": "strong_forest", "deep": "net"}
    assert found.best == alone.best | {"combined": "both"}
    assert (found.verdict, found.difference) == (alone.verdict, alone.difference)
    assert {one.model for one in found.simple_baselines} >= {"combined", "deep", "classical"}
    assert any({one.model, one.versus} == {"both", "net"} for one in found.pairs(SECONDARY))


@pytest.mark.slow
def test_cross_validation_reports_held_out_cases_and_selects_by_inner_folds():
    known = scenario(120, 0, design="cv")
    models = arms(known)
    table = models[0].table
    is_inner = table["part"] == "inner"
    table.loc[is_inner, "score_1"] += 99 * known.label_of(table[is_inner])
    found = run(known, models)
    assert found.task.part == "out_of_fold"
    assert found.best["classical"] == "weak_tree"
    assert found.cases["development"] == found.cases["reported"] == {"normal": 60, "abnormal": 60}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cases", "folds", "kept", "doubts"),
    [
        (120, 3, "x", ["chose features anew"]),
        (120, 3, "xy", []),
        (420, 3, "x", []),
        (120, 2, "xy", ["No patient is identified", "This is a first look"]),
    ],
)
def test_two_folds_fits_that_choose_features_and_unknown_patients_are_doubted(
    cases, folds, kept, doubts
):
    known = scenario(cases, 0, design="cv")
    fits = [f"repeat0-outer{fold}-final" for fold in range(3)]
    chosen = [(fit, feature, feature in kept) for fit in fits for feature in "xy"]
    selection = pd.DataFrame(chosen, columns=["fit", "feature", "chosen"])
    forest = replace(finished(known, "forest"), selection=selection)
    models = [forest, finished(known, "net", arm="deep")]
    for each in models:
        each.table["fold"] %= folds
    card = replace(CARD, patients_known=folds == 3)
    said = " ".join(evaluated(known, models, card=card).warnings)
    assert [each for each in DOUBTS if each in said] == doubts


@pytest.mark.slow
def test_fit_on_the_sealed_cases_is_flagged_against_the_ideal():
    known = scenario(120, 200)
    rng = np.random.default_rng(0)
    ideal = 2.4 * known.label + rng.normal(size=len(known.label))
    truth = pd.DataFrame({"case_id": known.cases.case_id, "ideal_score": ideal})
    leak = known.label + 0.1 * rng.normal(size=len(known.label))
    models = [
        finished(known, "forest", strength=1.0),
        finished(known, "leak", arm="deep", signal=leak),
        finished(known, "honest", arm="deep", signal=ideal + rng.normal(size=len(ideal))),
    ]
    found = run(known, models, truth=truth)
    assert [is_above_ideal(one.figures) for one in found.models] == [False, True, False]
    assert found.verdict.startswith("No verdict: Leak")
    assert found.ideal.value == pytest.approx(0.955, abs=0.03)
    efficiency = found.models[2].find("efficiency", LIMIT)
    assert efficiency.low < 0.5 < efficiency.high


def test_a_subset_of_the_development_cases_is_counted_and_said():
    known = scenario()
    models = [finished(known, name) for name in ("forest", "svm")]
    kept = ~np.isin(known.cases.patient_id, known.cases.patient_id[:60])  # of 120
    ids = known.cases.case_id[kept].tolist()
    result = evaluated(
        known,
        [Predictions(each.outcome, each.table[each.table["case_id"].isin(ids)]) for each in models],
    )
    assert sum(result.cases["development"].values()) == 60
    assert sum(result.cases["reported"].values()) == 80
    assert "learned from 60 of 120 cases" in result.warnings[0]
