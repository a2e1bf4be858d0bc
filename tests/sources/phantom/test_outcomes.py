"""Phantoms of outcomes that are no classes: their limit is that of a simulation, and watched."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS
from skiagram.seeding import stream
from skiagram.statistics.survival import harrell_concordance
from tests.sources.phantoms import data_set
from tests.tasks.cohort import scored as scored_by
from tests.tasks.cohort import train_models

pytestmark = pytest.mark.slow
KINDS = ("times", "numbers", "grades", "findings")
PATIENTS = {"train": 300, "validation": 0, "test": 100}


def small(kind):
    phantom = data_set(f"phantom_{kind}")
    nodule = replace(phantom.phantom.nodule, places=3, radius=3.0)
    faults = replace(phantom.phantom.faults, missing_pixels=2, hot_pixels=1, dead_rows=0)
    patients = replace(phantom.phantom.patients, **PATIENTS)
    images = replace(phantom.phantom, size=16, nodule=nodule, faults=faults, patients=patients)
    return replace(phantom, phantom=images)


def scored(of, score, value, label):
    outcome = of.outcome.settle(value, label)
    return scored_by(outcome, outcome.as_score(score), value, label)


def chances(opened):
    ratio = [
        opened.observer.log_likelihood_ratio(opened.exposure(position).noisy)
        for position in range(len(opened.entries))
    ]
    return 1 / (1 + np.exp(-np.array(ratio)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_is_that_of_values_drawn_again_by_the_chance_of_the_nodule(kind):
    of = small(kind)
    opened = of.open(None)
    entries, chance = opened.entries, chances(opened)
    value, label = np.array(entries["value"].tolist()), entries["label"].to_numpy()
    best = np.array([opened.truth(place).ideal_score for place in range(len(entries))])
    outcome = of.outcome.settle(value, label)
    reached = outcome.measure_primary(scored(of, best, value, label))
    generator = stream(0, "test", kind)
    drawn = []
    for _ in range(40):
        hidden = generator.random(len(chance)) < chance
        again = of.outcome.draw(hidden, of.effect, generator)
        drawn.append(outcome.measure_primary(scored(of, best, *again)).value)
    assert abs(reached.value - np.mean(drawn)) < 3 * reached.variation.standard_error(upwards=True)
    blurred = best + generator.normal(0, 2 * best.std(), size=len(best))
    worse = outcome.measure_primary(scored(of, blurred, value, label)).value
    sign = -1 if outcome.lower_is_better else 1
    assert sign * (reached.value - worse) > 0


def test_the_best_number_is_the_median_given_the_image():
    of = small("numbers")
    generator = stream(0, "test", "median")
    chance = generator.random(40_000)
    value, _ = of.outcome.draw(generator.random(len(chance)) < chance, of.effect, generator)
    error = np.abs(value - of.outcome.best_score(chance, of.effect)).mean()
    assert error < np.abs(value - of.effect * chance).mean()
    assert error < np.abs(value - of.effect * (chance > 0.5)).mean()


def test_the_best_number_is_predicted_in_its_own_unit():
    """Without, the ideal observer erred by more than the mean, and every model raised an alarm."""
    of = small("numbers")
    chance, label = np.linspace(0, 1, 101), np.arange(101) % 4
    best = of.outcome.best_score(chance, of.effect)
    predicted = scored(of, best, best, label).estimate[0, :, 0]
    np.testing.assert_allclose(predicted, best, atol=1e-12)


def test_a_hazard_is_that_of_the_nodule_alone():
    of = small("times")
    hidden = np.arange(4000) % 2 == 1
    time, event = of.outcome.draw(hidden, of.effect, stream(0, "test", "hazard"))
    followed = [time[hidden == there].sum() / event[hidden == there].sum() for there in (0, 1)]
    assert np.log(followed[0] / followed[1]) == pytest.approx(of.effect, abs=0.15)
    alone = np.zeros(len(time), dtype=np.int64)
    told = harrell_concordance(hidden.astype(float), time, event > 0, alone, np.arange(4000))
    assert 0.6 < told.value < 0.75


def test_a_model_above_the_limit_raises_an_alarm(tmp_path):
    inputs = train_models(tmp_path, cox=None)
    options = replace(DEFAULTS, analyses=replace(NO_REQUESTS, simple_rules=()))
    cases = inputs.cases
    noise = np.random.default_rng(0).normal(size=len(cases))

    def warnings(ideal):
        truth = pd.DataFrame({"case_id": cases.case_id, "ideal_score": ideal})
        evaluation = evaluate(replace(inputs, truth=truth), options, seed=0)
        return [words for words in evaluation.warnings if "leaked" in words]

    assert warnings(noise)
    known = cases.value
    assert not warnings(-known)
