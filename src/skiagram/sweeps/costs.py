"""What the models of a row cost to train, to keep and to use; times hold for one machine."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import TypeVar

import numpy as np

from skiagram.arrays import Flags
from skiagram.compute.scratch import scratch_folder
from skiagram.encoders.encoder import COLUMN
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.fitting.cross_validation import Plan
from skiagram.fitting.deployment import repeat_folder
from skiagram.models.classical.estimator import choose_columns
from skiagram.options import split_names
from skiagram.preparation import PreparedData
from skiagram.records.files import read_record
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.candidates import Candidate
from skiagram.sweeps.rows import OF_COSTS
from skiagram.sweeps.time import (
    Clock,
    TimedEncoder,
    TimedFamily,
    Timing,
    time_encoder,
    time_family,
    time_model,
)
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import read_cases

T = TypeVar("T")
_NOTHING = Timing(0.0, 0.0, 0.0)


def pareto_front(cost: Sequence[float | None], value: Sequence[float]) -> Flags:
    """Mark what no other dominates: at most as dear and at least as good, and one of both strictly.

    Args:
        cost: Lower is better; None where it is not defined, which is never on the front.
    """
    expense = np.array([np.nan if each is None else each for each in cost], dtype=np.float64)
    worth = np.asarray(value, dtype=np.float64)
    cheaper = expense[:, None] <= expense[None, :]
    better = worth[:, None] >= worth[None, :]
    strictly = (expense[:, None] < expense[None, :]) | (worth[:, None] > worth[None, :])
    return np.isfinite(expense) & ~(cheaper & better & strictly).any(axis=0)


def measure_costs(
    workspace: Workspace,
    data: PreparedData,
    plan: Plan,
    clock: Clock,
    trained: Sequence[tuple[Candidate, Path]],
    figure_names: Sequence[str],
) -> Iterator[FigureRow]:
    """Yield what models cost that were trained; what they read is timed once for all of them.

    Args:
        trained: Each with the folder of its fits, `model`, and of its scores.
        figure_names: Of `COSTS`.
    """
    outcomes = {
        candidate.name: read_record(Outcome, folder / "scores/outcome.json")
        for candidate, folder in trained
    }
    finished = [each for each in trained if outcomes[each[0].name].status == "finished"]
    cases, task = read_cases(data.cases)

    def time_input(time: Callable[..., T], group: str, name: str) -> T:
        """Time what a config makes of images, which are written into a folder before."""
        options, development = workspace.options.read_file(group, name), cases.development()
        with scratch_folder("time") as folder:
            return time(options, data, development.case_id, clock, folder / "images")

    encoders = {
        name: time_input(time_encoder, "encoder", name)
        for name in dict.fromkeys(each.encoding for each, _ in finished)
        if name is not None
    }
    reads_features = {
        each.name
        for each, _ in finished
        if each.arm == "classical" or (each.encoding and each.read(data).is_fused)
    }
    names = split_names(workspace.options.choices["features"]) if reads_features else []
    families = [time_input(time_family, "features", name) for name in names]
    for candidate, folder in finished:
        outcome, fits = outcomes[candidate.name], folder / "model" / repeat_folder(0)
        read = families if candidate.name in reads_features else []
        inputs = _time_inputs(candidate, encoders.get(candidate.encoding or ""), read)
        # The model on its own.
        threads = workspace.context.compute.threads
        model, fitted = candidate.model(threads), candidate.load(fits)
        with workspace.context.compute.limit():
            development = plan.limit(cases).development()
            timed = time_model(model, fitted, fits, data, development, task, plan, clock)
        # Training counts what was read for all cases, scoring what is read for one.
        encoder = encoders.get(candidate.encoding or "")
        parameters, operations = outcome.parameters, outcome.multiply_adds
        if encoder is not None:
            parameters += encoder.parameters
            operations = None if operations is None else operations + encoder.multiply_adds
        not_defined = Estimate(None, reason="not defined: it compares and does not multiply")
        as_they_are = Estimate(None, reason="it reads images as they are")
        before = inputs or _NOTHING
        costs = {
            "training_seconds": _estimate(timed.training.plus(before, timed.cases / 1000)),
            "case_milliseconds": _estimate(timed.scoring.plus(before)),
            "input_milliseconds": as_they_are if inputs is None else _estimate(inputs),
            "parameters": Estimate(parameters),
            "multiply_adds": not_defined if operations is None else Estimate(operations),
            "bytes": Estimate(timed.size),
        }
        for name in figure_names:
            yield make_row(costs[name], OF_COSTS, name, model=candidate.name)


def _time_inputs(
    candidate: Candidate, encoder: TimedEncoder | None, families: Sequence[TimedFamily]
) -> Timing | None:
    """Return what making a model's inputs takes; None where it reads images as they are."""
    columns = candidate.options.get("columns")
    if encoder is not None:
        columns = [column for column in columns or () if COLUMN not in column]
    inputs = None if encoder is None else encoder.milliseconds
    if not families:
        return inputs
    # The families of which it uses any feature; without `columns` all but traits of files.
    used = {*choose_columns([name for each in families for name in each.names], columns)}
    taken = [each.milliseconds for each in families if used & set(each.names)]
    return reduce(Timing.plus, taken, inputs or _NOTHING)


def _estimate(timing: Timing) -> Estimate:
    return Estimate(timing.median, timing.low, timing.high, "median, minimum and maximum")
