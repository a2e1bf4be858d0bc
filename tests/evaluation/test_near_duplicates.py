"""Twins across the two sides, and labels that contradict each other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.clinical_utility import UTILITY, UTILITY_OFF_COPIES
from skiagram.evaluation.criteria import find_decisive
from skiagram.evaluation.evaluation_record import SIMPLE_BASELINES
from skiagram.evaluation.evaluation_set import mark_near_duplicates
from skiagram.evaluation.labelled_cases import count_label_conflicts
from skiagram.evaluation.results import DECISIONS_OFF_COPIES
from skiagram.report.sections.answer import describe_use, state_answer
from skiagram.statistics.estimate import format_signed
from tests.evaluation.scenario import evaluated, finished, reference, scenario


def pairs(*rows):
    return pd.DataFrame(rows, columns=["first", "second"])


def test_only_twins_among_development_cases_count():
    known = scenario(development=6, test=4, images=1)
    found = mark_near_duplicates(
        known.cases.test().case_id,
        known.cases,
        pairs(
            ("case-0001", "case-0006"),
            ("case-0008", "case-0009"),  # both sealed
            ("case-0002", "case-0003"),  # both development
        ),
    )
    assert found.tolist() == [True, False, False, False]


def test_under_cross_validation_only_another_patient_counts():
    known = scenario(development=8, test=0, images=2, design="cv")
    case_id = known.cases.case_id
    found = mark_near_duplicates(
        case_id, known.cases, pairs(("case-0000", "case-0001"), ("case-0002", "case-0005"))
    )
    assert np.flatnonzero(found).tolist() == [2, 5]


def test_contradicting_labels_are_counted():
    label = np.array([0, 1, 1])
    one, other = (
        replace(reference(label), case_id=np.array(list(names))) for names in ("abc", "def")
    )
    assert count_label_conflicts(one, other, pairs(("a", "b"), ("b", "c"))) == 1


def remembered():
    """Return a network that knows 30 of 80 test cases by heart and is at chance on the others."""
    known = scenario(images=1)
    test = np.flatnonzero(known.cases.split == "test")
    copied = test[:30]
    signal = np.random.default_rng(0).normal(size=len(known.label))
    signal[copied] = 6.0 * (2 * known.label[copied] - 1)
    models = [
        finished(known, "forest", strength=1.0, seed=5),
        finished(known, "net", arm="deep", signal=signal),
    ]
    rows = [(f"case-{k:04d}", known.cases.case_id[one]) for k, one in enumerate(copied)]
    return known, models, pairs(*rows)


@pytest.fixture(scope="module")
def run():
    """Return the scenario of a network that remembers, its models, and their evaluation."""
    known, models, duplicates = remembered()
    return known, models, evaluated(known, models, duplicates=duplicates, thresholds=(0.5,))


@pytest.mark.slow
def test_the_verdict_follows_the_cases_without_near_duplicates(run):
    known, models, found = run
    clean, everything = find_decisive(found), found.difference
    assert clean.without_near_duplicates
    assert clean.cases == clean.patients == 50
    assert found.near_duplicates == 30
    table = {model.outcome.model: model.part("test") for model in models}
    kept = slice(30, None)
    auc = {
        name: roc_auc_score(known.sealed["label"][kept], (own["score_1"] - own["score_0"])[kept])
        for name, own in table.items()
    }
    assert clean.reached("contender").value == pytest.approx(auc["net"])
    for model in found.models:
        off = model.find("roc_auc_off_near_duplicates").value
        assert off == pytest.approx(auc[model.outcome.model])
    assert clean.difference.value == pytest.approx(auc["net"] - auc["forest"])
    assert clean.difference.value < everything.value
    assert f"the difference is {format_signed(everything.value)}" in found.verdict
    of_baselines = clean.figures.select(analysis=SIMPLE_BASELINES)
    assert of_baselines.list_distinct("model") == ("deep", "classical")


def test_the_first_page_counts_without_near_duplicates(run):
    known, models, found = run
    # Counted by hand on the 50 cases that no development case looks like.
    hits, alarms = {}, {}
    for model in models:
        table = model.part("test").iloc[30:]
        called, positive = table["probability_1"] >= table["threshold"], known.label_of(table) == 1
        hits[model.outcome.model] = called[positive].mean()
        alarms[model.outcome.model] = called[~positive].mean()
        own = found.find_result(model.outcome.model)
        sensitivity = own.find("sensitivity", DECISIONS_OFF_COPIES)
        assert sensitivity.value == pytest.approx(hits[model.outcome.model])
    told = " ".join(state_answer(found))
    for each in (hits, alarms):
        assert f"({each['net']:.0%} instead of {each['forest']:.0%}; ".replace("%", "") in told
    # Differences and net benefit are there for both sets of cases, and the page has the latter.
    clean = found.figures.select(analysis=UTILITY_OFF_COPIES)
    gain = clean.find(figure="sensitivity", versus="classical")
    assert gain.value == pytest.approx(hits["net"] - hits["forest"])
    every = found.figures.select(analysis=UTILITY)
    assert every.list_distinct("figure") == clean.list_distinct("figure")
    assert clean.find(figure="net_benefit", versus="classical").high < 0
    assert any("near duplicates included" in sentence for sentence in describe_use(found))


@pytest.mark.parametrize("copied", [range(80), range(1, 80, 2)])
def test_no_count_stands_on_near_duplicates_alone(copied):
    known, models, _ = remembered()
    test = known.cases.case_id[known.cases.split == "test"]
    rows = [(f"case-{k:04d}", test[k]) for k in copied]
    found = evaluated(known, models, duplicates=pairs(*rows), thresholds=(0.5,))
    assert not any("Of 100" in sentence for sentence in state_answer(found))
    sensitivity = found.find_result("net").find("sensitivity", DECISIONS_OFF_COPIES)
    assert sensitivity.value is None
    assert sensitivity.reason
