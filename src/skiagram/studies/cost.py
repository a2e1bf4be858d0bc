"""Study `cost`: what each model's accuracy costs to train, to keep and to use.

All times are measured in one process that does nothing else. They depend on the machine; no other
figure does.
"""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.progress import Progress
from skiagram.encoders.encoder import COLUMN
from skiagram.errors import DataError, ModelFailure
from skiagram.features.case_histories import CaseHistories
from skiagram.features.extraction import extract
from skiagram.features.table import FeatureTable
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.classical.estimator import choose_columns
from skiagram.options import STRICT, build
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import read_record, write_record
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import (
    Candidate,
    EncoderStudyOptions,
    FailedModel,
    StudiedModel,
)
from skiagram.studies.cross_validation import (
    CrossValidatedDataSet,
    CrossValidatedStudy,
    CrossValidation,
)
from skiagram.studies.pipeline_steps import Options
from skiagram.studies.workspace import Workspace

Time = Literal["wall", "processor"]


@dataclass(frozen=True)
class Timing:
    """Median, least and greatest time of some repeats."""

    median: float
    low: float
    high: float

    def plus(self, other: "Timing", times: float = 1.0) -> "Timing":
        """Return this time and so many times another; bounds add up, so the spread is wide."""
        return Timing(
            self.median + times * other.median,
            self.low + times * other.low,
            self.high + times * other.high,
        )


@dataclass(frozen=True)
class ModelCost(StudiedModel):
    """Accuracy and cost of one model.

    Attributes:
        parameters: Learned numbers: coefficients, nodes of trees, support vectors, weights; those
            of a frozen encoder too.
        multiply_adds: Multiply–adds to score a case, features not counted, a frozen encoder
            counted; None for a family that compares instead of multiplying.
        training: Seconds to train on the training cases of a fold, their features or encodings
            included.
        inference: Milliseconds to score a case, its features or encoding included.
        features: Milliseconds to describe or encode a case, part of `inference`; None for a
            network.
    """

    auc: Estimate
    parameters: int
    multiply_adds: int | None
    training: Timing
    inference: Timing
    features: Timing | None


@dataclass(frozen=True)
class CostResult(CrossValidatedDataSet):
    """What the study found on one data set.

    Attributes:
        margin: Difference in AUC below which the cheaper model is as good.
    """

    images: int
    repeats: int
    time: Time
    machine: str
    threads: int
    accelerator: str
    margin: float
    models: tuple[ModelCost, ...]
    failed: tuple[FailedModel, ...]


def pareto_front(cost: Sequence[float | None], value: Sequence[float]) -> NDArray[np.bool_]:
    """Mark what no other dominates: at most as dear and at least as good, and one of both strictly.

    Args:
        cost: Lower is better; None where it is not defined, which is never on the front.
    """
    known = np.array([np.nan if each is None else each for each in cost], dtype=np.float64)
    worth = np.asarray(value, dtype=np.float64)
    cheaper = known[:, None] <= known[None, :]
    better = worth[:, None] >= worth[None, :]
    strictly = (known[:, None] < known[None, :]) | (worth[:, None] > worth[None, :])
    front: NDArray[np.bool_] = np.isfinite(known) & ~(cheaper & better & strictly).any(axis=0)
    return front


T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """How times are taken."""

    images: int
    repeats: int
    time: Time
    machine: str

    def measure(self, call: Callable[[], T]) -> tuple[T, float]:
        """Return what a call gives, and the seconds that it took."""
        now = perf_counter if self.time == "wall" else process_time
        started = now()
        value = call()
        return value, now() - started

    def measure_repeated(self, call: Callable[[], object], cases: int) -> Timing:
        """Return milliseconds per case of a call on some cases; the first call warms up."""
        call()
        return summarise_times([self.measure(call)[1] for _ in range(self.repeats)], 1000 / cases)


def summarise_times(seconds: Sequence[float], scale: float = 1.0) -> Timing:
    """Return median, least and greatest of some repeats, in seconds over `scale`."""
    taken = scale * np.array(seconds)
    return Timing(float(np.median(taken)), float(taken.min()), float(taken.max()))


def describe_processor() -> str:
    """Return the processor's name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.machine()}, {cores} cores"


_NOTHING = Timing(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class TimedFamily:
    """One feature family on its own, kept as a piece: its features, and milliseconds per case."""

    names: tuple[str, ...]
    milliseconds: Timing


@dataclass(frozen=True)
class TimedEncoder:
    """One frozen encoder, kept as a piece."""

    parameters: int
    multiply_adds: int
    milliseconds: Timing


def time_families(
    cv: CrossValidation, families: Mapping[str, Options], clock: Clock
) -> tuple[TimedFamily, ...]:
    """Time each feature family, each computed on its own."""

    def timed(options: Options, folder: Path) -> TimedFamily:
        number = _write_images(cv, clock, folder / "images", regions=False)
        family, store = build(dict(options), "features"), ImageStore(folder / "images")
        histories = CaseHistories.read(cv.prepared.cases)

        def work() -> FeatureTable:
            return extract(store, [family], histories)

        return TimedFamily(work().names, clock.measure_repeated(work, number))

    return tuple(
        _time_once(cv, TimedFamily, name, options, clock, timed)
        for name, options in families.items()
    )


def time_encoder(cv: CrossValidation, name: str, options: Options, clock: Clock) -> TimedEncoder:
    """Time a frozen encoder on images of which none was encoded before."""

    def timed(options: Options, folder: Path) -> TimedEncoder:
        from skiagram.encoders.encoding import encode_folder, resolve_preprocessing
        from skiagram.training.classifier import multiply_adds

        number = _write_images(cv, clock, folder / "images", regions=True)
        images, case = cv.prepared.store, str(cv.case_id[0])
        encoder = build(dict(options), "encoder")
        loaded = encoder.load()
        seen = read_record(Preparation, cv.prepared.images / PREPARATION)
        ready = resolve_preprocessing(seen.images, encoder, loaded)
        scaled = ready.preprocessing.intensity.scale(images.image(case))
        pictures = ready.see(scaled, images.region(case), images.spacing(case), loaded.channels)
        network: Any = loaded.network
        return TimedEncoder(
            parameters=sum(weight.numel() for weight in network.parameters()),
            multiply_adds=len(pictures) * multiply_adds(network, tuple(pictures[0].shape)),
            milliseconds=clock.measure_repeated(
                lambda: encode_folder(folder / "images", ready, loaded), number
            ),
        )

    return _time_once(cv, TimedEncoder, name, options, clock, timed)


def _time_once(
    cv: CrossValidation,
    kind: type[T],
    name: str,
    options: Options,
    clock: Clock,
    timed: Callable[[Options, Path], T],
) -> T:
    """Return what takes time on restored images; it is timed once for its options and machine."""

    def make(folder: Path) -> None:
        write_record(timed(options, folder), folder / "time.json")

    inputs = asdict(clock) | {"restored": cv.prepared.images.parent.name, "options": options}
    piece = cv.workspace.make_once(f"timed-{name}", inputs, make, timed)
    return read_record(kind, piece / "time.json")


def _write_images(cv: CrossValidation, clock: Clock, folder: Path, regions: bool) -> int:
    """Write the restored images that are timed into a store of their own; return their number."""
    images, few = cv.prepared.store, cv.case_id[: clock.images].tolist()
    with ShardWriter(folder) as writer:
        for case_id in few:
            region = images.region(case_id) if regions else None
            writer.add(case_id, images.image(case_id), images.spacing(case_id), region)
    return len(few)


def feature_time(described: Sequence[TimedFamily], columns: Sequence[str] | None) -> Timing:
    """Return the milliseconds per case of all families that a classical model uses any feature of.

    Args:
        columns: Starts of the names that the model uses; None for all but traits of the file.
    """
    used = set(choose_columns([name for family in described for name in family.names], columns))
    taken = (family.milliseconds for family in described if used & set(family.names))
    return reduce(Timing.plus, taken, _NOTHING)


def time_model(cv: CrossValidation, candidate: Candidate, clock: Clock) -> ModelCost | FailedModel:
    """Fit a model on every fold and take its times, without those of features."""

    def make(folder: Path) -> None:
        timed: ModelCost | FailedModel
        try:
            timed = _time_fits(cv, candidate, clock)
        except (ModelFailure, DataError) as error:
            timed = FailedModel(**vars(candidate.studied(cv.prepared)), reason=str(error))
        write_record(timed, folder / "cost.json")

    inputs = cv.inputs(candidate) | asdict(clock)
    piece = cv.workspace.make_once(f"cost-{candidate.name}", inputs, make, type(candidate))
    either: Any = ModelCost | FailedModel
    timed: ModelCost | FailedModel = read_record(either, piece / "cost.json")
    return timed


def _time_fits(cv: CrossValidation, candidate: Candidate, clock: Clock) -> ModelCost:
    areas: list[float] = []
    taken: list[float] = []
    for number, fold in enumerate(cv.folds()):
        fitted, seconds = clock.measure(
            lambda: cv.fit(candidate, fold.training, "cost", f"fold{number}")  # noqa: B023
        )
        taken.append(seconds)
        scores = cv.scores(candidate, fitted, cv.case_id[fold.held_out])
        areas.append(cv.auc(scores, fold.held_out))
    few = candidate.read(cv.prepared).of(cv.case_id[: clock.images])
    with cv.workspace.compute.limit():
        scoring = clock.measure_repeated(lambda: fitted.scores(few), len(few))
    return ModelCost(
        **vars(candidate.studied(cv.prepared)),
        auc=cv.mean(np.array(areas), 0.0, 1.0),
        parameters=fitted.summary.parameters,
        multiply_adds=fitted.summary.multiply_adds,
        training=summarise_times(taken),
        inference=scoring,
        features=None,
    )


def _with_inputs(
    cost: ModelCost, encoder: TimedEncoder | None, families: Timing | None, training_cases: float
) -> ModelCost:
    """Add what a model's inputs take: milliseconds per case of features, an encoder's costs."""
    operations, parameters, features = cost.multiply_adds, cost.parameters, families
    if encoder is not None:
        operations = None if operations is None else operations + encoder.multiply_adds
        parameters += encoder.parameters
        features = encoder.milliseconds.plus(families or _NOTHING)
    if features is None:
        return cost
    return replace(
        cost,
        training=cost.training.plus(features, training_cases / 1000),
        inference=cost.inference.plus(features),
        features=features,
        parameters=parameters,
        multiply_adds=operations,
    )


@options_class(**STRICT)
class TimedStudy(CrossValidatedStudy):
    """Options of a study that cross-validates models and takes times.

    Attributes:
        images: Images that are scored or described when this is timed.
        repeats: Times that it is repeated.
        time: `wall`, for a machine that does nothing else and for accelerators; or `processor`
            time of all threads, which other work delays less.
    """

    images: Annotated[int, Field(ge=1)]
    repeats: Annotated[int, Field(ge=3)]
    time: Time

    def clock(self, cv: CrossValidation) -> Clock:
        """Return how times are taken; a small data set may have fewer images than asked for."""
        python = f"{platform.system()}, Python {platform.python_version()}"
        machine = f"{describe_processor()}, {python}"
        return Clock(min(self.images, len(cv)), self.repeats, self.time, machine)


@options_class(**STRICT)
class Cost(EncoderStudyOptions, TimedStudy):
    """Accuracy of every model on folds of development cases, against what it costs.

    Models are timed one after the other in one process, whatever `compute.workers` says.

    Attributes:
        restoration: Option file of the restoration, which every arm needs and no time counts.
        margin: Difference in AUC below which the cheaper model is as good.
    """

    margin: Annotated[float, Field(ge=0, lt=1)]

    def run(self, workspace: Workspace) -> CostResult:
        cv, data_set = self.cross_validation(workspace)
        clock = self.clock(cv)
        described = time_families(cv, self.families(workspace), clock)
        frozen = {
            name: time_encoder(cv, name, options, clock)
            for name, options in self.frozen(workspace).items()
        }
        candidates = self.candidates(workspace)
        training = float(np.mean([len(fold.training) for fold in cv.folds()]))
        costs: list[ModelCost] = []
        failed: list[FailedModel] = []
        with Progress("cost", len(candidates)) as progress:
            for candidate in candidates:
                cost = time_model(cv, candidate, clock)
                progress.advance()
                if isinstance(cost, FailedModel):
                    failed.append(cost)
                    continue
                columns, encoder = candidate.options.get("columns"), None
                reads_features = candidate.arm == "classical"
                if candidate.encoding is not None:
                    encoder = frozen[candidate.encoding]
                    reads_features = candidate.read(cv.prepared).is_fused
                    columns = [column for column in columns or () if COLUMN not in column]
                families = feature_time(described, columns) if reads_features else None
                costs.append(_with_inputs(cost, encoder, families, training))
        return CostResult(
            **vars(data_set),
            images=clock.images,
            repeats=clock.repeats,
            time=clock.time,
            machine=clock.machine,
            threads=workspace.compute.threads,
            accelerator=self.trainer.accelerator,
            margin=self.margin,
            models=tuple(costs),
            failed=tuple(failed),
        )
