"""Networks are planned for the time that there is, the most valuable first."""

import itertools
import time
from dataclasses import replace

import pytest

from skiagram.models.deep.time_budget import (
    ImageSeconds,
    NetworkTime,
    _measure,
    add_members,
    foresee_time,
    measure_training,
    plan_networks,
)
from skiagram.options import read_option_file
from tests.pipeline.project import REPOSITORY

pytestmark = pytest.mark.slow  # imports PyTorch

# 600 and 300 seconds, of which processes take 12 to start
WANTED = [NetworkTime("large", 6, 90.0, 48.0), NetworkTime("small", 30, 9.0, 18.0)]


@pytest.mark.parametrize(
    ("budget", "epochs"),
    [
        (1000, {"large": 6, "small": 30}),
        (770, {"large": 5, "small": 25}),  # all the same share, in steps of a sixth
        (760, {"large": 4, "small": 20}),
        (500, {"large": 3, "small": 15}),
        (480, {"large": 4}),  # less than half of their epochs is too few
        (250, {"small": 20}),
        (165, {"small": 15}),
        (50, {}),
    ],
)
def test_networks_share_the_time_and_the_least_valuable_is_left_out_first(budget, epochs):
    planned = plan_networks(WANTED, budget, keeps_one=False)
    assert {each.name: each.epochs for each in planned} == epochs
    assert sum(each.seconds for each in planned) <= budget


@pytest.mark.parametrize(
    ("budget", "members"),
    [
        (2952, (1, 3)),  # 600 seconds, and three times 288 and a start
        (2951, (1, 1)),
    ],
)
def test_a_small_network_becomes_a_mean_where_most_of_the_time_is_spare(budget, members):
    planned = add_members(WANTED, budget, {"small": 30})
    assert tuple(each.members for each in planned) == members
    assert planned[1].seconds == 12 + 288 * members[1]
    shorter = [replace(each, epochs=5) for each in WANTED]
    assert add_members(shorter, 6000, {"small": 30}) == shorter


def test_one_network_stays_where_nothing_else_is_deep():
    assert plan_networks(WANTED, 1, keeps_one=True) == [replace(WANTED[1], epochs=15)]


@pytest.mark.parametrize(("slowness", "planned"), [(1.9, 1.0), (40.0, 20.0)])
def test_a_busy_machine_plans_as_an_idle_one_and_a_slow_one_less(slowness, planned, monkeypatch):
    def measure(factor):
        # by the clock, a call takes 0.05 s on an idle core, and the standard step 0.03 s
        taken = itertools.cycle([0.05 * factor, 0.0, 0.03 * factor, 0.0])
        readings = itertools.accumulate(taken, initial=0.0)
        monkeypatch.setattr(time, "thread_time", lambda: next(readings))
        return _measure(lambda: None, "cpu")

    assert measure(1.0) == pytest.approx(0.05)
    assert measure(slowness) == pytest.approx(planned * 0.05)


def test_an_accelerator_is_measured_by_the_time_that_it_takes():
    waiting, accelerator = (_measure(lambda: time.sleep(0.05), kind) for kind in ("cpu", "cuda"))
    assert waiting < 0.01 < 0.05 <= accelerator


def test_validation_cases_are_scored_after_each_epoch_and_all_at_both_ends():
    planned = foresee_time("small", 5, ImageSeconds(1.0, 0.5, 0.25), 80, 20)
    assert planned.seconds == pytest.approx(12 + 5 * (80 * 1.0 + 20 * 0.5) + 100 - 80 * 0.25)


def test_epochs_of_the_head_alone_are_known_to_be_quicker():
    network = read_option_file(REPOSITORY / "conf/model/fine_tuned_efficientnet.yaml")
    network["training"]["batch_size"] = 4
    network |= {"weights": "none", "frozen_epochs": 2}
    seconds = measure_training(network, (1, 32, 32), 2)
    assert 0 < seconds.saved < 2 * seconds.learning
