"""What fitted models, feature families and frozen encoders take, on this machine.

All times are measured in one process that should do nothing else.
"""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.arrays import Texts
from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.extraction import extract
from skiagram.fitting.contract import Fitted, Labelled, ReadsData
from skiagram.fitting.cross_validation import CrossValidator, Plan
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.options import build
from skiagram.preparation import PREPARATION, Preparation, PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record
from skiagram.strict import STRICT, OneOrMore
from skiagram.tasks.cases import Cases
from skiagram.tasks.task import Task

T = TypeVar("T")


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


@options_class(**STRICT)
class Clock:
    """How times are taken.

    Attributes:
        images: Images that are scored or described when this is timed.
        repeats: Times that it is repeated; a model is trained once in each fold.
        time: `wall`, for a machine that does nothing else and for accelerators; or `processor`
            time of all threads, which other work delays less.
    """

    images: OneOrMore = 64
    repeats: Annotated[int, Field(ge=3)] = 7
    time: Literal["wall", "processor"] = "processor"

    def measure(self, call: Callable[[], T]) -> tuple[T, float]:
        """Return what a call gives, and the seconds that it took."""
        now = perf_counter if self.time == "wall" else process_time
        started = now()
        value = call()
        return value, now() - started

    def measure_repeated(self, call: Callable[[], object], cases: int) -> Timing:
        """Measure milliseconds per case of a call on some cases; the first call warms up."""
        call()
        return summarise_times([self.measure(call)[1] for _ in range(self.repeats)], 1000 / cases)


def summarise_times(seconds: Sequence[float], scale: float = 1.0) -> Timing:
    """Find median, least and greatest of some repeats, in seconds over `scale`."""
    taken = scale * np.array(seconds)
    return Timing(float(np.median(taken)), float(taken.min()), float(taken.max()))


def describe_processor() -> str:
    """Describe the processor: its name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.machine()}, {cores} cores"


@dataclass(frozen=True)
class TimedModel:
    """What a model takes without its features or encoding.

    Attributes:
        training: Seconds of a fit on the training cases of a fold.
        cases: Mean number of these.
        scoring: Milliseconds a case.
        size: Bytes of the fitted model's files.
    """

    training: Timing
    cases: float
    scoring: Timing
    size: int


@dataclass(frozen=True)
class TimedFamily:
    """One feature family on its own: its features, and milliseconds per case."""

    names: tuple[str, ...]
    milliseconds: Timing


@dataclass(frozen=True)
class TimedEncoder:
    """One frozen encoder: learned numbers, multiply–adds per case, milliseconds per case."""

    parameters: int
    multiply_adds: int
    milliseconds: Timing


def time_model(
    model: ReadsData[Any],
    fitted: Fitted[Any],
    folder: Path,
    prepared: PreparedData,
    development_cases: Cases,
    task: Task,
    plan: Plan,
    clock: Clock,
) -> TimedModel:
    """Time a fitted model as it scores, and fits of the same on the folds of the plan.

    Args:
        folder: Of the fitted model.
        development_cases: Development cases that it learned from.
    """
    reading = model.read(prepared, task)
    validator = CrossValidator(model, plan, task.predicted.positive)
    folds = plan.make_folds(
        development_cases.label, development_cases.patient_id, plan.folds, "repeat0"
    )
    taken = []
    for number, fold in enumerate(folds):
        part = development_cases.select(fold.training)
        inputs, ids = reading.of(part.case_id), (part.case_id, part.label, part.patient_id)
        cases = Labelled(inputs, *ids, task.predicted.unnamed)
        name = "time", f"fold{number}"
        taken.append(clock.measure(lambda: validator.fit(cases, *name))[1])  # noqa: B023
    few = reading.of(development_cases.case_id[: clock.images])
    return TimedModel(
        training=summarise_times(taken),
        cases=float(np.mean([len(fold.training) for fold in folds])),
        scoring=clock.measure_repeated(lambda: fitted.scores(few), len(few)),
        size=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    )


def time_family(
    options: dict[str, Any],
    prepared: PreparedData,
    case_id: Texts,
    clock: Clock,
    folder: Path,
) -> TimedFamily:
    """Time a feature family alone, on images that are written into a folder before."""
    number = _write_images(prepared, case_id[: clock.images], folder, regions=False)
    family, store = build(options, "features"), ImageStore(folder)
    histories = CaseHistories.read(prepared.cases)

    def work() -> FeatureTable:
        return extract(store, [family], histories)

    return TimedFamily(work().names, clock.measure_repeated(work, number))


def time_encoder(
    options: dict[str, Any],
    prepared: PreparedData,
    case_id: Texts,
    clock: Clock,
    folder: Path,
) -> TimedEncoder:
    """Time a frozen encoder, on images that are written into a folder before."""
    from skiagram.encoders.encoding import FolderEncoder, resolve_preprocessing
    from skiagram.training.classifier import multiply_adds

    # The images that are timed, and the encoder as a run uses it.
    number = _write_images(prepared, case_id[: clock.images], folder, regions=True)
    images, case = prepared.store, str(case_id[0])
    encoder = build(options, "encoder")
    loaded = encoder.load()
    # One image as the network sees it, of which operations are counted.
    preparation = read_record(Preparation, prepared.images / PREPARATION)
    ready = resolve_preprocessing(preparation, encoder, loaded)
    scaled = ready.preprocessing.intensity.scale(images.image(case))
    pictures = ready.see(scaled, images.region(case), images.spacing(case), loaded.channels)
    network: Any = loaded.network
    return TimedEncoder(
        parameters=sum(weight.numel() for weight in network.parameters()),
        multiply_adds=len(pictures) * multiply_adds(network, tuple(pictures[0].shape)),
        milliseconds=clock.measure_repeated(
            lambda: FolderEncoder(ready, loaded).encode(folder), number
        ),
    )


def _write_images(prepared: PreparedData, case_id: Texts, folder: Path, *, regions: bool) -> int:
    """Write restored images into a store of their own; return their number."""
    images = prepared.store
    with ShardWriter(folder) as writer:
        for case in case_id.tolist():
            region = images.region(case) if regions else None
            writer.add(case, images.image(case), images.spacing(case), region)
    return len(case_id)
