"""Costs of real models on a small phantom, and the models that no other beats."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagram.studies.cost import Cost, CostResult, pareto_front
from tests.studies.small_phantom import MODELS, ON_PHANTOM, TIMED, small_place

pytestmark = pytest.mark.thorough


def study(**changed: Any) -> Cost:
    baselines = ("ridge", "decision_tree", "of_wavelets")
    return Cost(**(MODELS | ON_PHANTOM | TIMED | {"baselines": baselines} | changed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cost")
    models = small_place(folder).conf / "model"
    text = (models / "ridge.yaml").read_text()
    (models / "of_wavelets.yaml").write_text(text.replace("columns: null", "columns: [wavelet]"))
    return folder


@pytest.fixture(scope="module")
def result(folder: Path) -> CostResult:
    return study().run(small_place(folder))


def test_costs_that_no_machine_changes_are_those_of_the_fitted_model(result: CostResult) -> None:
    ridge, tree, wavelets = result.models
    assert ridge.parameters == ridge.multiply_adds + 2  # a coefficient a feature, an intercept
    assert ridge.parameters > wavelets.parameters
    assert tree.multiply_adds is None
    assert tree.parameters >= 1


def test_features_are_part_of_the_time_and_a_family_that_is_not_used_is_not(
    result: CostResult,
) -> None:
    ridge, _, wavelets = result.models
    assert 0 < wavelets.features.median < ridge.features.median < ridge.inference.median
    seconds = ridge.features.median * 37 / 1000  # training cases of a fold: two thirds of 56
    assert ridge.training.median > seconds * 0.99
    for one in result.models:
        for timing in (one.training, one.inference):
            assert 0 < timing.low <= timing.median <= timing.high


def test_the_seal_stays_closed_and_a_rerun_measures_nothing_again(
    result: CostResult, folder: Path
) -> None:
    for sealed in (folder / "work").glob("ingested-*/sealed"):
        shutil.rmtree(sealed)
    assert study().run(small_place(folder)) == result


def test_a_model_that_fails_is_named_and_the_others_stand(folder: Path) -> None:
    models = small_place(folder).conf / "model"
    text = (models / "logistic_regression.yaml").read_text()
    (models / "hasty.yaml").write_text(text.replace("5000", "1"))
    found = study(baselines=("hasty", "ridge")).run(small_place(folder))
    assert [one.model for one in found.models] == ["ridge"]
    assert "max_iterations" in found.failed[0].reason


def test_a_network_has_multiply_adds_and_no_features(folder: Path) -> None:
    models = small_place(folder).conf / "model"
    text = (models / "small_cnn.yaml").read_text().replace("epochs: 30", "epochs: 1")
    (models / "short.yaml").write_text(text.replace("patience: 30", "patience: 1"))
    (net,) = study(baselines=(), networks=("short",)).run(small_place(folder)).models
    assert net.features is None
    assert net.multiply_adds > net.parameters > 1000


NUMBERS = st.integers(0, 5).map(float)  # few values, so that ties are common
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


@given(POINTS)
def test_a_point_is_on_the_front_unless_another_dominates_it(
    points: list[tuple[float, float]],
) -> None:
    cost, value = zip(*points, strict=True)
    expected = [
        not any(c <= cost[i] and v >= value[i] and (c, v) != (cost[i], value[i]) for c, v in points)
        for i in range(len(points))
    ]
    assert pareto_front(cost, value).tolist() == expected


def test_an_undefined_cost_is_not_on_the_front_and_keeps_nobody_off() -> None:
    assert pareto_front([None, 3.0, 1.0], [0.9, 0.8, 0.7]).tolist() == [False, True, True]
