"""Net benefit and paired differences: against R's Tango interval, dcurves, counts, simulations."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import brier_score_loss

from skiagram.evaluation.clinical_utility import (
    assess_clinical_utility,
    threshold_on_own_probability,
)
from skiagram.evaluation.figure_table import FigureTable
from skiagram.statistics.linearised import gained_share
from skiagram.statistics.score_intervals import tango_interval
from tests.evaluation.scenario import reference, scored
from tests.statistics.paired import LABEL, OTHER_PROBABILITY, POSITIVE, PROBABILITY


def scores(*probability, threshold=0.4, folds=0):
    own = np.stack(probability)
    cases = reference(np.arange(own.shape[1]) % 2)  # what is true is given to `compared`
    return scored(cases, np.stack([1 - own, own], axis=2), own, threshold, folds)


def compared(
    one,
    other,
    label,
    prevalence=None,
    thresholds=(0.1, 0.25, 0.5, 0.75),
    patient=None,
):
    cases = reference(label, patient)
    truth = {"label": cases.label, "patient": cases.patient}
    both = (replace(model, scored=replace(model.scored, **truth)) for model in (one, other))
    return FigureTable(assess_clinical_utility(*both, cases, thresholds, prevalence))


def differences(found):
    return {row.figure: row for row in found.select(versus="classical", group="").rows}


def gain(found):
    return found.find(versus="classical", figure="net_benefit")


def bounds(estimate):
    return estimate.low, estimate.high


def test_equals_tango_in_r():
    # Fagerland, Lydersen & Laake 2014, table II: 1, 1, 7, 12; as R's ratesci::rdpairci has it
    assert tango_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_copies_of_a_case_are_one_patient():
    rng = np.random.default_rng(0)
    difference = rng.choice([-1.0, 0.0, 1.0], (1, 80), p=[0.1, 0.6, 0.3])
    once = gained_share(difference, np.arange(80)).estimate()
    copied = gained_share(np.repeat(difference, 4, axis=1), np.repeat(np.arange(80), 4)).estimate()
    assert copied.value == pytest.approx(once.value)
    assert bounds(copied) == pytest.approx(bounds(once), abs=0.01)
    assert bounds(once) == pytest.approx(
        tango_interval((difference > 0).sum(), (difference < 0).sum(), 80), abs=0.002
    )


def test_equals_counts_and_rs_net_benefit():
    found = compared(scores(PROBABILITY), scores(OTHER_PROBABILITY), LABEL)
    of_network = found.select(model="deep", versus="", figure="net_benefit").rows
    # R 4.2.2, by counting at thresholds .1, .25, .5, .75
    expected = [343.055555556, 320.833333333, 262.5, 100]
    assert [row.value for row in of_network] == pytest.approx(expected)
    assert found.find(figure="prevalence").value == POSITIVE.mean()
    for row in of_network:
        at = found.select(group=row.group)
        classical = at.find(model="classical").value
        assert at.find(figure="own_risk").value == float(row.group)
        assert gain(at).value == pytest.approx(row.value - classical)
    right = [(each >= 0.4) == POSITIVE for each in (PROBABILITY, OTHER_PROBABILITY)]
    difference = {
        "sensitivity": right[0][POSITIVE].mean() - right[1][POSITIVE].mean(),
        "specificity": right[0][~POSITIVE].mean() - right[1][~POSITIVE].mean(),
        "brier": brier_score_loss(LABEL, PROBABILITY) - brier_score_loss(LABEL, OTHER_PROBABILITY),
    }
    assert {name: of.value for name, of in differences(found).items()} == pytest.approx(difference)


def test_a_stated_prevalence_weighs_the_classes():
    """Cases of one class drawn twice as often: the net benefit there is that of the plain cases."""
    rng = np.random.default_rng(4)
    label = (rng.random(400) < 0.5).astype(np.int64)
    share = float(label.mean())
    own = scores(expit(2 * label - 1 + rng.normal(size=400))), scores(rng.random(400))
    stated = compared(*own, label, prevalence=share / (share + 3 * (1 - share)), thresholds=(0.2,))
    limit = stated.find(figure="own_risk").value
    times = np.where(label == 1, 1, 3)
    many, worth = np.repeat(label, times), []
    for one in own:
        acted = np.repeat(one.probability[0], times) >= limit
        hits, false_alarms = (acted & (many == 1)).sum(), (acted & (many == 0)).sum()
        worth.append(1000 * (hits - false_alarms * 0.25) / len(many))
    found = stated.select(versus="", figure="net_benefit").by_model("net_benefit")
    assert [found[name].value for name in ("deep", "classical")] == pytest.approx(worth)


def test_the_threshold_moves_with_the_prevalence_as_bayes_has_it():
    # one in two, likelihood ratio 99 · 1/9 = 11: at 1 in 100 a risk of .1
    limit = threshold_on_own_probability(0.1, 0.01, 0.5)
    assert limit / (1 - limit) == pytest.approx(11)
    assert threshold_on_own_probability(0.1, 0.01, None) == 0.1
    assert threshold_on_own_probability(0.3, 0.2, 0.2) == pytest.approx(0.3)


def test_trainings_that_differ_widen_the_interval():
    rng = np.random.default_rng(5)
    label = np.arange(400) % 2
    good = expit(3 * label - 1.5 + rng.normal(size=400))
    bad = expit(rng.normal(size=400))
    mixed = compared(scores(good, bad), scores(bad), label)
    plain = compared(scores(good, good), scores(bad), label)
    for name in ("sensitivity", "brier"):
        wide, narrow = bounds(differences(mixed)[name]), bounds(differences(plain)[name])
        assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])
        assert "over 2 trainings" in differences(mixed)[name].method


def test_what_cannot_be_computed_says_why():
    unset = scores(PROBABILITY, threshold=np.nan)
    found = compared(unset, scores(PROBABILITY), LABEL)
    assert "no threshold was fixed" in differences(found)["sensitivity"].reason
    healthy = compared(scores(PROBABILITY), scores(OTHER_PROBABILITY), np.zeros(80, dtype=np.int64))
    assert gain(healthy).reason == "no scored case of class abnormal"
    assert differences(healthy)["sensitivity"].reason == "no case to estimate it from"
    assert differences(healthy)["specificity"].value is not None
    one = compared(scores(PROBABILITY), scores(OTHER_PROBABILITY), np.arange(80) // 79)
    assert differences(one)["brier"].reason.startswith("fewer than two")
