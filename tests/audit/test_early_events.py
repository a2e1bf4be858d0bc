"""Times to an event: traits that tell an early event."""

import numpy as np
import pytest

from skiagram.audit.contract import Appearance, Evidence, ProbedTraits
from skiagram.audit.groups import check_groups
from skiagram.audit.shortcuts import check_shortcuts
from skiagram.near_duplicates.pairs import Pairs
from skiagram.tasks.task import Task
from tests.audit.planted import CARD
from tests.cases import make_cases
from tests.tasks.cohort import OUTCOME

PATIENTS = 240
pytestmark = pytest.mark.slow


def look(value, label, images, columns):
    """Return the findings of both checks on cases of a patient each."""
    cases = make_cases(label, value=value)
    task = Task(OUTCOME.settle(value, label), "cv")
    rows = np.arange(len(value))
    nothing = np.empty(0, dtype=np.int64)
    pairs = Pairs(nothing, nothing, nothing.astype(np.float64), nothing.astype(str))
    shown = Appearance(pairs, np.full(len(value), 3), None)
    traits = ProbedTraits(rows, images, columns)
    evidence = Evidence(cases, task, CARD, shown, traits)
    return {found.name: found for found in (*check_groups(evidence), *check_shortcuts(evidence))}


def draw(log_hazard, end, seed=0):
    time = np.random.default_rng(seed).exponential(500 * np.exp(-log_hazard))
    return np.minimum(time, end), (time <= end).astype(np.int64)


def test_a_trait_that_tells_when_the_event_comes_is_named_though_all_have_it():
    generator = np.random.default_rng(2)
    brightness = generator.normal(size=PATIENTS)
    time, label = draw(1.5 * brightness, np.full(PATIENTS, 1e9))
    label[generator.choice(PATIENTS, 24, replace=False)] = 0  # censored, whatever the brightness
    found = look(time, label, {"brightness": brightness[:, None]}, {})["label_from_brightness"]
    assert found.count == PATIENTS
    assert "`early event`" in found.summary


def test_a_trait_that_tells_nothing_raises_no_alarm():
    alarms = 0
    for seed in range(10):
        generator = np.random.default_rng(seed)
        ends = generator.uniform(200, 1500, size=PATIENTS)
        time, label = draw(np.zeros(PATIENTS), ends, seed)
        traits = {"brightness": generator.normal(size=(PATIENTS, 1))}
        columns = {"site": (generator.random((PATIENTS, 1)) < 0.5).astype(np.float64)}
        found = look(time, label, traits, columns)
        alarms += sum(each.count > 0 for each in found.values() if each.severity != "note")
    assert alarms <= 1
