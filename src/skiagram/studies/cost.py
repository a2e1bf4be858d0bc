"""Study `cost`: what each model's accuracy costs to train, to keep and to use.

All times are measured in one process that does nothing else. They depend on the machine; no other
figure does.
"""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from skiagram.models.contract import Fitted
from skiagram.models.fits import finite
from skiagram.options import STRICT, build
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import read_record, write_record
from skiagram.splits import Partition
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import corrected_mean
from skiagram.studies.cross_validation import CrossValidatedStudy, CrossValidation
from skiagram.studies.pipeline_steps import (
    Arm,
    CrossValidatedDataSet,
    EncoderArm,
    EncoderStudyOptions,
    Options,
    StudiedModel,
)
from skiagram.studies.workspace import Workspace

Time = Literal["wall", "processor"]


@dataclass(frozen=True)
class Timing:
    """Time of some repeats.

    Attributes:
        median: Median.
        low: Least.
        high: Greatest.
    """

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
        auc: Mean AUC over folds of development cases.
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
class FailedModel:
    """A model that could not be trained.

    Attributes:
        title: Name for people.
        reason: Why.
    """

    title: str
    reason: str


@dataclass(frozen=True)
class CostResult(CrossValidatedDataSet):
    """What the study found on one data set.

    Attributes:
        images: Images that were scored and described when it was timed.
        repeats: Times that each of these was repeated.
        time: `wall`, or `processor` time of all threads, which other work delays less.
        machine: What times were measured on, without its name.
        threads: Threads of linear algebra and networks.
        accelerator: Kind of device that networks were trained on, as chosen.
        margin: Difference in AUC below which the cheaper model is as good.
        models: One per trained model.
        failed: The others.
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
        value: Higher is better.
    """
    known = np.array(
        [np.nan if each is None else each for each in cost],
        dtype=np.float64,
    )
    worth = np.asarray(value, dtype=np.float64)
    cheaper = known[:, None] <= known[None, :]
    better = worth[:, None] >= worth[None, :]
    strictly = (known[:, None] < known[None, :]) | (worth[:, None] > worth[None, :])
    front: NDArray[np.bool_] = np.isfinite(known) & ~(cheaper & better & strictly).any(axis=0)
    return front


T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """How times are taken.

    Attributes:
        images: Images that are scored or described at a time.
        repeats: Times that this is repeated.
        time: `wall`, or `processor` time of all threads of this process.
        machine: What times are measured on.
    """

    images: int
    repeats: int
    time: Time
    machine: str

    def inputs(self) -> dict[str, object]:
        """Return all that a time depends on besides what is timed."""
        return asdict(self)

    def measure(self, call: Callable[[], T]) -> tuple[T, float]:
        """Return what a call gives, and the seconds that it took."""
        now = perf_counter if self.time == "wall" else process_time
        started = now()
        value = call()
        return value, now() - started

    def measure_repeated(self, call: Callable[[], object], cases: int) -> Timing:
        """Return milliseconds per case of a call; a first call that warms up is not counted.

        Args:
            call: What handles all cases.
            cases: Cases that a call handles.
        """
        call()
        return summarise_times([self.measure(call)[1] for _ in range(self.repeats)], 1000 / cases)


def summarise_times(seconds: Sequence[float], scale: float = 1.0) -> Timing:
    """Return median, least and greatest of some repeats.

    Args:
        seconds: Seconds of each.
        scale: What they are multiplied with.
    """
    taken = scale * np.array(seconds)
    return Timing(float(np.median(taken)), float(taken.min()), float(taken.max()))


def describe_machine() -> str:
    """Return processor, cores, system and Python in one line."""
    return f"{describe_processor()}, {platform.system()}, Python {platform.python_version()}"


def describe_processor() -> str:
    """Return the processor's name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_name()}, {cores} cores"


def _name() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


_NOTHING = Timing(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class TimedFamily:
    """One family on its own, kept as a piece.

    Attributes:
        names: Its features.
        milliseconds: Time per case.
    """

    names: tuple[str, ...]
    milliseconds: Timing


def time_families(
    cv: CrossValidation, families: Mapping[str, Options], clock: Clock
) -> tuple[TimedFamily, ...]:
    """Time each feature family, each computed on its own.

    Args:
        cv: Cases and images.
        families: Name → `_target_` and options of each family.
        clock: How times are taken.
    """
    return tuple(_time_family(cv, name, options, clock) for name, options in families.items())


def _time_family(cv: CrossValidation, name: str, options: Options, clock: Clock) -> TimedFamily:
    def take_time(folder: Path) -> TimedFamily:
        return _extract_timed(cv, options, clock, folder)

    return _time_once(cv, TimedFamily, name, {"family": options}, clock, take_time)


def _time_once(
    cv: CrossValidation,
    kind: type[T],
    name: str,
    described: Mapping[str, Options],
    clock: Clock,
    take_time: Callable[[Path], T],
) -> T:
    """Return what takes time on restored images; it is timed once for its options and machine."""

    def make(folder: Path) -> None:
        write_record(take_time(folder), folder / "time.json")

    inputs = clock.inputs() | {"restored": cv.prepared.restored.name} | dict(described)
    piece = cv.workspace.make_once(f"timed-{name}", inputs, make, take_time)
    return read_record(kind, piece / "time.json")


def _extract_timed(
    cv: CrossValidation, options: Options, clock: Clock, folder: Path
) -> TimedFamily:
    cases_timed = _write_images(cv, clock, folder / "images", regions=False)
    family = build(dict(options), "features")
    histories = CaseHistories.read(cv.prepared.data.folder / "cases")
    store = ImageStore(folder / "images")

    def work() -> FeatureTable:
        return extract(store, [family], histories)

    return TimedFamily(work().names, clock.measure_repeated(work, cases_timed))


def _write_images(cv: CrossValidation, clock: Clock, folder: Path, regions: bool) -> int:
    """Write the restored images that are timed into a store of their own; return their number."""
    images, few = cv.prepared.images, cv.case_id[: clock.images].tolist()
    with ShardWriter(folder) as writer:
        for case_id in few:
            region = images.region(case_id) if regions else None
            writer.add(case_id, images.image(case_id), images.spacing(case_id), region)
    return len(few)


def feature_time(described: Sequence[TimedFamily], columns: Sequence[str] | None) -> Timing:
    """Return the milliseconds per case of all families that a classical model uses any feature of.

    Args:
        described: Every family.
        columns: Starts of the names that the model uses; None for all but traits of the file.
    """
    used = set(choose_columns([name for family in described for name in family.names], columns))
    total = _NOTHING
    for family in described:
        if used & set(family.names):
            total = total.plus(family.milliseconds)
    return total


@dataclass(frozen=True)
class TimedEncoder:
    """One frozen encoder, kept as a piece.

    Attributes:
        parameters: Its weights.
        multiply_adds: To encode a case, all pictures of it.
        milliseconds: Time per case.
    """

    parameters: int
    multiply_adds: int
    milliseconds: Timing


def time_encoder(cv: CrossValidation, name: str, options: Options, clock: Clock) -> TimedEncoder:
    """Time a frozen encoder on images of which none was encoded before.

    Args:
        cv: Cases and images.
        name: Name of its option file.
        options: Its `_target_` and options.
        clock: How times are taken.
    """

    def take_time(folder: Path) -> TimedEncoder:
        return _encode_timed(cv, options, clock, folder)

    return _time_once(cv, TimedEncoder, name, {"encoder": options}, clock, take_time)


def _encode_timed(
    cv: CrossValidation, options: Options, clock: Clock, folder: Path
) -> TimedEncoder:
    from skiagram.encoders.encoding import encode_folder, resolve_preprocessing
    from skiagram.training.classifier import multiply_adds

    cases_timed = _write_images(cv, clock, folder / "images", regions=True)
    images, first_case = cv.prepared.images, str(cv.case_id[0])
    encoder = build(dict(options), "encoder")
    loaded = encoder.load()
    seen = read_record(Preparation, cv.prepared.data.folder / "images" / PREPARATION)
    ready = resolve_preprocessing(seen.images, encoder, loaded)
    scaled = ready.preprocessing.intensity.scale(images.image(first_case))
    first = ready.see(
        scaled, images.region(first_case), images.spacing(first_case), loaded.channels
    )
    network: Any = loaded.network
    return TimedEncoder(
        parameters=sum(weight.numel() for weight in network.parameters()),
        multiply_adds=len(first) * multiply_adds(network, tuple(first[0].shape)),
        milliseconds=clock.measure_repeated(
            lambda: encode_folder(folder / "images", ready, loaded), cases_timed
        ),
    )


@dataclass(frozen=True)
class TimedModel:
    """A model's costs but for its features, kept as a piece; one of the two is None."""

    cost: ModelCost | None
    failure: FailedModel | None


def time_model(
    cv: CrossValidation, model: str, arm: Arm, options: Options, clock: Clock
) -> ModelCost | FailedModel:
    """Fit a model on every fold and take its times, without those of features.

    Args:
        cv: Cases and folds.
        model: Its name.
        arm: Its arm.
        options: Its options.
        clock: How times are taken.
    """

    def make(folder: Path) -> None:
        title = arm.model(options, cv.workspace.compute.threads).title
        try:
            timed = TimedModel(_time_fits(cv, model, title, arm, options, clock), None)
        except (ModelFailure, DataError) as error:
            timed = TimedModel(None, FailedModel(title, str(error)))
        write_record(timed, folder / "cost.json")

    inputs = cv.inputs(arm) | clock.inputs() | {"model": options}
    piece = cv.workspace.make_once(f"cost-{model}", inputs, make, type(arm))
    timed_model = read_record(TimedModel, piece / "cost.json")
    if timed_model.cost is not None:
        return timed_model.cost
    return timed_model.failure or FailedModel(model, "")


def _time_fits(
    cv: CrossValidation, model: str, title: str, arm: Arm, options: Options, clock: Clock
) -> ModelCost:
    of = arm.reader(cv.prepared, options)

    def fit(number: int, fold: Partition) -> tuple[Fitted[Any], float]:
        return clock.measure(lambda: cv.fit(arm, options, fold.training, "cost", f"fold{number}"))

    areas: list[float] = []
    taken: list[float] = []
    for number, fold in enumerate(cv.folds()):
        fitted, seconds = fit(number, fold)
        taken.append(seconds)
        scores = finite(fitted.scores(of(cv.case_id[fold.held_out])))
        areas.append(cv.auc(scores, fold.held_out))
    few = of(cv.case_id[: clock.images])
    with cv.workspace.compute.limit():
        scoring = clock.measure_repeated(lambda: fitted.scores(few), len(few))
    auc = corrected_mean(np.array(areas), 1 / (cv.plan.folds - 1), 0.0, 1.0)
    cost = fitted.summary
    return ModelCost(
        model,
        title,
        arm.name,
        auc,
        cost.parameters,
        cost.multiply_adds,
        summarise_times(taken),
        scoring,
        None,
    )


def add_feature_time(cost: ModelCost, features: Timing, training_cases: float) -> ModelCost:
    """Add the time that the features of a classical model, or the encodings of a head, take.

    Args:
        cost: The model's costs without it.
        features: Milliseconds per case.
        training_cases: Cases that a fit is trained on.
    """
    return replace(
        cost,
        training=cost.training.plus(features, training_cases / 1000),
        inference=cost.inference.plus(features),
        features=features if cost.features is None else cost.features.plus(features),
    )


def _add_encoder(cost: ModelCost, encoder: TimedEncoder, training_cases: float) -> ModelCost:
    """Add to a head's costs those of its encoder."""
    operations = None if cost.multiply_adds is None else cost.multiply_adds + encoder.multiply_adds
    return replace(
        add_feature_time(cost, encoder.milliseconds, training_cases),
        parameters=cost.parameters + encoder.parameters,
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
        return Clock(min(self.images, len(cv)), self.repeats, self.time, describe_machine())


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
        """Fit and time all models that are not timed yet on this machine."""
        cv, data_set = self.cross_validation(workspace)
        clock = self.clock(cv)
        described = time_families(cv, self.families(workspace), clock)
        frozen = {
            name: time_encoder(cv, name, options, clock)
            for name, options in self.frozen(workspace).items()
        }
        arms = self.members(workspace)
        training = float(np.mean([len(fold.training) for fold in cv.folds()]))
        costs: list[ModelCost | FailedModel] = []
        with Progress("cost", len(arms)) as progress:
            for name, arm in arms.items():
                options = arm.options(workspace, name)
                cost = time_model(cv, name, arm, options, clock)
                if isinstance(cost, ModelCost) and isinstance(arm, EncoderArm):
                    cost = _add_encoder(cost, frozen[arm.encoder], training)
                    if arm.fused:
                        beside = [column for column in options["columns"] if COLUMN not in column]
                        cost = add_feature_time(cost, feature_time(described, beside), training)
                elif isinstance(cost, ModelCost) and arm.name == "classical":
                    cost = add_feature_time(
                        cost, feature_time(described, options["columns"]), training
                    )
                costs.append(cost)
                progress.advance()
        return CostResult(
            **vars(data_set),
            images=clock.images,
            repeats=clock.repeats,
            time=clock.time,
            machine=clock.machine,
            threads=workspace.compute.threads,
            accelerator=self.trainer.accelerator,
            margin=self.margin,
            models=tuple(cost for cost in costs if isinstance(cost, ModelCost)),
            failed=tuple(cost for cost in costs if isinstance(cost, FailedModel)),
        )
