"""What the models of a row cost to train, to keep and to use, and which cheaper ones are as good.

Times hold for one machine: a piece of them is taken up on an equal one alone.
"""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from skiagram.arrays import Flags
from skiagram.encoders.encoder import COLUMN
from skiagram.fitting.cross_validation import Plan
from skiagram.fitting.deployment import repeat_folder
from skiagram.models.classical.estimator import choose_columns
from skiagram.options import split_names
from skiagram.preparation import PreparedData
from skiagram.records.files import read_record, write_record
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.steps.time import (
    Clock,
    TimedEncoder,
    TimedFamily,
    TimedModel,
    Timing,
    describe_processor,
    time_encoder,
    time_family,
    time_model,
)
from skiagram.sweeps.candidates import Candidate, FailedModel, NamedModel, NetworkCandidate
from skiagram.sweeps.figures import ModelFigure, RowFigures
from skiagram.sweeps.rows import BEST, COSTS, SELECTION
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import read_cases

T = TypeVar("T")
_NOTHING = Timing(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class ModelCost(NamedModel):
    """Accuracy and cost of one model of one row.

    Attributes:
        auc: On development cases, that may choose it.
        costs: Name of `COSTS` → figure; without a value where it is not defined.
    """

    auc: Estimate
    costs: dict[str, Estimate]


@dataclass(frozen=True)
class CostComparison:
    """What the models of a sweep cost.

    Attributes:
        machine: Where times were taken.
        margin: Difference in AUC below which the cheaper model is as good.
    """

    clock: Clock
    machine: str
    margin: float
    models: tuple[ModelCost, ...]
    failed: tuple[FailedModel, ...]


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
    front: Flags = np.isfinite(expense) & ~(cheaper & better & strictly).any(axis=0)
    return front


def describe_machine(workspace: Workspace, candidates: Sequence[Candidate]) -> str:
    """Return what times depend on besides the work itself."""
    threads = workspace.compute.threads
    trainers = [each.trainer for each in candidates if isinstance(each, NetworkCandidate)]
    accelerator = f", accelerator {trainers[0].accelerator}" if trainers else ""
    return (
        f"{describe_processor()}, {platform.system()}, Python {platform.python_version()}, "
        f"{threads} thread{'s' if threads > 1 else ''}{accelerator}"
    )


def compare_costs(
    clock: Clock, machine: str, margin: float, rows: Mapping[str, RowFigures]
) -> CostComparison:
    """Return accuracy and cost of all models that were timed.

    Args:
        margin: Difference in AUC below which the cheaper model is as good.
        rows: Name of a row → its figures.
    """
    # Models with a figure to choose by, what stands for an arm left out.
    models, failed = list[ModelCost](), list[FailedModel]()
    for row, figures in rows.items():
        for each in figures.figures:
            if each.figure != SELECTION or each.model.startswith(BEST):
                continue
            title = f"{each.title} ({row})" if len(rows) > 1 else each.title
            costs = {name: cost for name in COSTS if (cost := figures.of(each.model, name))}
            if each.estimate.value is None:
                failed.append(FailedModel(each.model, title, each.arm, each.estimate.reason))
            elif costs:
                models.append(ModelCost(each.model, title, each.arm, each.estimate, costs))
    return CostComparison(clock, machine, margin, tuple(models), tuple(failed))


@dataclass(frozen=True)
class CostTimer:
    """Times the models of a row, and what they read, once on a machine.

    Attributes:
        machine: See `describe_machine`.
    """

    workspace: Workspace
    data: PreparedData
    plan: Plan
    clock: Clock
    machine: str

    def list_figures(
        self, trained: Sequence[tuple[Candidate, Path]], figure_names: Sequence[str]
    ) -> Iterator[ModelFigure]:
        """Yield what models cost that were trained.

        Args:
            trained: Each with the folder of its scores, which stands beside that of its fits.
        """
        for candidate, folder in trained:
            outcome = read_record(Outcome, folder / "outcome.json")
            if outcome.status == "finished":
                costs = self.measure(candidate, outcome, folder.parent)
                for figure_name in figure_names:
                    yield ModelFigure(
                        candidate.name, outcome.title, outcome.arm, figure_name, costs[figure_name]
                    )

    def measure(self, candidate: Candidate, outcome: Outcome, trained: Path) -> dict[str, Estimate]:
        """Return the name of each of `COSTS` → figure."""
        # The model on its own, then what it reads.
        folder, compute = trained / "model" / repeat_folder(0), self.workspace.compute

        def timed(_: Path) -> TimedModel:
            cases, task = read_cases(self.data.cases)
            development_cases = self.plan.limit(cases).development()
            model, fitted = candidate.model(compute.threads), candidate.load(folder)
            with compute.limit():
                return time_model(
                    model, fitted, folder, self.data, development_cases, task, self.plan, self.clock
                )

        model = self._once(TimedModel, candidate.name, {"trained": trained.name}, timed, time_model)
        # What it reads is made first: features, an encoder's numbers, or both.
        inputs: Timing | None = None
        parameters, operations = outcome.parameters, outcome.multiply_adds
        columns, reads_features = candidate.options.get("columns"), candidate.arm == "classical"
        if candidate.encoding is not None:
            encoder = self._read(TimedEncoder, "encoder", candidate.encoding, time_encoder)
            inputs, parameters = encoder.milliseconds, parameters + encoder.parameters
            operations = None if operations is None else operations + encoder.multiply_adds
            reads_features = candidate.read(self.data).is_fused
            columns = [column for column in columns or () if COLUMN not in column]
        if reads_features:
            # The families of which it uses any feature; without `columns` all but traits of files.
            names = split_names(self.workspace.options.choices["features"])
            families = [self._read(TimedFamily, "features", name, time_family) for name in names]
            used = {*choose_columns([name for each in families for name in each.names], columns)}
            taken = [each.milliseconds for each in families if used & set(each.names)]
            inputs = reduce(Timing.plus, taken, inputs or _NOTHING)
        read = inputs or _NOTHING
        # Training counts what was read for all cases, scoring what is read for one.
        not_defined = Estimate(None, reason="not defined: it compares and does not multiply")
        return {
            "training_seconds": _estimate(model.training.plus(read, model.cases / 1000)),
            "case_milliseconds": _estimate(model.scoring.plus(read)),
            "input_milliseconds": Estimate(None, reason="it reads images as they are")
            if inputs is None
            else _estimate(inputs),
            "parameters": Estimate(parameters),
            "multiply_adds": not_defined if operations is None else Estimate(operations),
            "bytes": Estimate(model.size),
        }

    def _read(self, kind: type[T], group: str, name: str, time: Callable[..., T]) -> T:
        """Return the times of a config that says how models' inputs are made."""
        data, options = self.data, self.workspace.options.read_file(group, name)
        cases, _ = read_cases(data.cases)

        def timed(folder: Path) -> T:
            return time(options, data, cases.development().case_id, self.clock, folder / "images")

        inputs = {"restored": data.images.parent.name, "options": options}
        return self._once(kind, name, inputs, timed, time)

    def _once(
        self,
        kind: type[T],
        name: str,
        inputs: Mapping[str, Any],
        timed: Callable[[Path], T],
        code: Callable[..., T],
    ) -> T:
        def make(folder: Path) -> None:
            write_record(timed(folder), folder / "time.json")

        machine = {"clock": asdict(self.clock), "machine": self.machine}
        piece = self.workspace.make_once(f"timed-{name}", {**machine, **inputs}, make, code)
        return read_record(kind, piece / "time.json")


def _estimate(timing: Timing) -> Estimate:
    return Estimate(timing.median, timing.low, timing.high, "median, minimum and maximum")
