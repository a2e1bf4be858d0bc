"""Where fits are made changes no byte: one after the other, side by side, or on Ray."""

import os
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from skiagram.compute.context import RunContext
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import IN_PROCESS
from skiagram.errors import ModelFailure, SkiagramError
from skiagram.fitting.arm import ArmFolders
from skiagram.fitting.contract import FitContext
from skiagram.fitting.cross_validation import CrossValidator
from skiagram.fitting.fits import Fit, keep_fits, make_fit
from skiagram.options import build
from tests.folders import digest_files
from tests.models.classical.families import read_options
from tests.models.examples import PLAN, cases_of, labelled, train_as
from tests.numbered_store import write_images

TWO = replace(IN_PROCESS, workers=2)
RAY = replace(TWO, backend="ray")
DATA = labelled(patients=30)


@pytest.fixture(autouse=True)
def quick_fits_too(monkeypatch):
    """Have fits made in processes as soon as the first one is made."""
    monkeypatch.setattr("skiagram.compute.workers._WORTH_PROCESSES", 0.0)


WHERE = {"serial": IN_PROCESS, "side by side": TWO, "ray": RAY}


SPLIT = np.repeat(np.array(["train", "validation", "test"]), [40, 8, 12])


def made(folder, model, where, plan, epochs=1):
    inputs, values = DATA.inputs, read_options(model)
    untrained: Any
    if "training" in values:
        from skiagram.training.data import ImageSet
        from tests.models.deep.spots import short_network

        untrained = short_network(model, epochs)
        draw = np.random.default_rng(0)
        images = {
            case: draw.normal(20 * label, 30, (24, 24)).astype(np.float32)
            for case, label in zip(DATA.case_id.tolist(), DATA.label.tolist(), strict=True)
        }
        store = write_images(folder / "images", images)
        inputs = SimpleNamespace(of=lambda case_id: ImageSet(store, case_id))
    else:
        untrained = build(values | {"n_estimators": 20}, "model")
    out = folder / "out"
    cases, how = cases_of(DATA, SPLIT), WHERE.get(where, where)
    with keep_fits(RunContext(store=PieceStore(folder / "work")), f"model-{model}-1f") as fits:
        folders = replace(ArmFolders.under(out, model), fits=fits)
        train_as(model, untrained, inputs, cases, folders, plan=plan, compute=how)
    return digest_files(out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "repeats", "weights", "places"),
    [
        ("random_forest", 2, "model.skops", ["side by side"]),
        ("small_cnn", 1, "weights.safetensors", ["side by side", "ray"]),
    ],
    ids=["random_forest", "small_cnn"],
)
def test_fits_leave_equal_bytes_wherever_they_are_made(model, repeats, weights, places, tmp_path):
    plan = replace(PLAN, repeats=repeats, folds=2)
    serial = made(tmp_path / "serial", model, "serial", plan)
    assert f"models/{model}/repeat{repeats - 1}/{weights}" in serial
    for where in places:
        assert made(tmp_path / where, model, where, plan) == serial


@pytest.mark.slow
def test_a_final_fit_that_trains_before_the_folds_choose_leaves_equal_bytes(tmp_path, monkeypatch):
    """With three folds on two places it trains beside the third, instead of after it."""
    asked = []
    make = CrossValidator.make

    def note(self, fits):
        asked.extend(fit.title for fit in fits if fit.context.ahead)
        return make(self, fits)

    monkeypatch.setattr(CrossValidator, "make", note)
    plan, model = replace(PLAN, repeats=1, folds=3), "small_cnn"
    serial = made(tmp_path / "serial", model, "serial", plan, epochs=3)
    assert asked == []
    assert made(tmp_path / "side by side", model, "side by side", plan, epochs=3) == serial
    assert asked == ["repeat0-final"]


def test_what_fails_before_the_folds_choose_is_left_to_the_fit_that_is_asked_for(monkeypatch):
    """It may train for longer than the folds choose, and where one place is it is not made."""

    def diverge(fit):
        raise ModelFailure("the loss is no longer finite", where=fit.title)

    monkeypatch.setattr("skiagram.fitting.fits.fit_model", diverge)
    asked = Fit("final", None, DATA, np.arange(4), None, FitContext(0))
    assert make_fit(replace(asked, context=FitContext(0, ahead=True))).scores == ()
    with pytest.raises(ModelFailure, match="no longer finite"):
        make_fit(asked)


@pytest.mark.slow
def test_a_ray_cluster_that_loses_a_machine_is_named(tmp_path):
    # Both sides must agree, and a process keeps what its first start of Ray found: not undone.
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    os.environ.setdefault("RAY_worker_niceness", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=1, **_ports())
        second = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.2", **_ports())
        raylet = psutil.Process(second.all_processes["raylet"][0].process.pid)

        def kill_at_work():
            while not any("ray::PoolActor" in child.name() for child in raylet.children()):
                time.sleep(0.05)
            cluster.remove_node(second, allow_graceful=False)

        Thread(target=kill_at_work, daemon=True).start()
        there = replace(RAY, address=cluster.address)
        with pytest.raises(SkiagramError, match="a worker ended before its work was done"):
            made(tmp_path / "ray", "article_cnn", there, PLAN)
    finally:
        cluster.shutdown()


def _ports():
    """Return free ports of a machine's own Ray: where they are named, it waits for no file."""
    names = ("metrics_agent_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
    with ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return {name: one.getsockname()[1] for name, one in zip(names, free, strict=True)}


@pytest.mark.slow
def test_a_failed_fit_is_named_and_the_fits_before_it_count(tmp_path):
    values = read_options("logistic_regression") | {"max_iter": 1}
    outcomes = []
    for where in ("serial", "side by side"):
        folders, how = ArmFolders.under(tmp_path / where, "failing"), WHERE[where]
        model, cases = build(values, "model"), cases_of(DATA, SPLIT)
        left = train_as("failing", model, DATA.inputs, cases, folders, compute=how)
        outcomes.append(left.outcome)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].reason.startswith("fit repeat0-fold0, ")
