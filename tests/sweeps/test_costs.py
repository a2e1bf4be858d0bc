"""Costs of real models on a small phantom, and the models that no other beats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagram.report.costs import list_models
from skiagram.sweeps import runs
from skiagram.sweeps.costs import pareto_front
from skiagram.sweeps.rows import OF_COSTS
from tests.sweeps.small_phantom import edit, run, small_place

CLOCK = {"images": 8, "repeats": 3}
BASELINES = ["ridge", "decision_tree", "of_wavelets", "hasty"]


def run_costs(workspace, **changed):
    base = {"restoration": "repair", "features": "wavelet,first_order", "folds": 3}
    base |= {"baselines": BASELINES, "networks": []} | changed
    return run(workspace, base=base, axes={"seed": [0]}, clock=CLOCK, analysis="cost")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    place = small_place(tmp_path_factory.mktemp("cost"))
    edit(place, "model", "ridge", "of_wavelets", columns=["wavelet"])
    edit(place, "model", "logistic_regression", "hasty", max_iter=1)
    return place


@pytest.fixture(scope="module")
def result(workspace):
    return run_costs(workspace)


def cost(result, model, name):
    return result.rows[0].figures.find(model=model, figure=name).value


@pytest.mark.slow
def test_costs_that_no_machine_changes_are_those_of_the_fitted_model(result):
    adds = cost(result, "ridge", "multiply_adds")
    assert cost(result, "ridge", "parameters") == adds + 2  # a coefficient a feature, an intercept
    assert cost(result, "ridge", "parameters") > cost(result, "of_wavelets", "parameters")
    assert cost(result, "decision_tree", "multiply_adds") is None
    assert cost(result, "decision_tree", "parameters") >= 1
    assert cost(result, "decision_tree", "bytes") > 0


@pytest.mark.slow
def test_features_are_part_of_the_time_and_a_family_that_is_not_used_is_not(result):
    described = cost(result, "ridge", "input_milliseconds")
    assert 0 < cost(result, "of_wavelets", "input_milliseconds") < described
    assert described < cost(result, "ridge", "case_milliseconds")
    seconds = described * 37 / 1000  # training cases of a fold: two thirds of 56
    assert cost(result, "ridge", "training_seconds") > seconds * 0.99
    for each in result.rows[0].figures.select(analysis=OF_COSTS).rows:
        if each.low is not None:
            assert 0 < each.low <= each.value <= each.high


@pytest.mark.slow
def test_a_model_that_fails_is_named_and_the_others_stand(result):
    models, failed = list_models(result)
    assert len(models) == len(BASELINES) - 1
    (reason,) = failed.values()
    assert "max_iter" in reason


@pytest.mark.slow
def test_a_rerun_times_nothing_again_but_on_another_machine(result, workspace, monkeypatch):
    assert run_costs(workspace) == result
    monkeypatch.setattr(runs, "describe_processor", lambda: "Processor X, 3 cores")
    again = run_costs(workspace)
    times = [cost(each, "ridge", "case_milliseconds") for each in (result, again)]
    assert times[0] != times[1]
    assert "Processor X" in again.machine


@pytest.mark.slow
def test_a_network_has_multiply_adds_and_no_inputs_to_make(workspace):
    epochs = {f"conf.model.small_cnn.training.{name}": 1 for name in ("epochs", "patience")}
    found = run_costs(workspace, baselines=["ridge"], networks=["small_cnn"], **epochs)
    assert cost(found, "small_cnn", "input_milliseconds") is None
    assert cost(found, "small_cnn", "multiply_adds") > cost(found, "small_cnn", "parameters") > 1000


NUMBERS = st.integers(0, 5).map(float)  # few values, so that ties are common
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


@given(POINTS)
def test_a_point_is_on_the_front_unless_another_dominates_it(points):
    cost, value = zip(*points, strict=True)
    expected = [
        not any(c <= cost[i] and v >= value[i] and (c, v) != (cost[i], value[i]) for c, v in points)
        for i in range(len(points))
    ]
    assert pareto_front(cost, value).tolist() == expected


def test_an_undefined_cost_is_not_on_the_front_and_keeps_nobody_off():
    assert pareto_front([None, 3.0, 1.0], [0.9, 0.8, 0.7]).tolist() == [False, True, True]
