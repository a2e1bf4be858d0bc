"""Fits: what each is made of, what comes of it, and how several are asked for together.

`Steps` ask for fits, wait for what came of them, and ask for more. What is asked for at a time does
not depend on one another, so it may be made side by side. A fit depends on its cases, its options,
its seed and its threads alone: wherever it is made, its bytes are equal.

Where a folder is given, a fit that took a second or more is kept there until its model is finished,
so that a run that was killed goes on where it was. Networks keep themselves, epoch by epoch.
"""

import hashlib
import re
import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import ModelFailure
from skiagram.models.contract import FitContext, FitSummary, Fitted, I, Labelled, Model
from skiagram.records import Cases, read_record, write_record

T = TypeVar("T")
LEAST_SECONDS = 1.0  # of a fit that is kept; others are made again sooner than found
_RESULT, _MODEL = "fit.json", "model"


@dataclass(frozen=True)
class LazyInputs(Generic[I]):
    """Some cases of inputs; the process that needs them reads them.

    Attributes:
        inputs: Of many cases.
        rows: (n,) which of them.
    """

    inputs: I
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, inputs: "I | LazyInputs[I]") -> "LazyInputs[I]":
        """Return all cases of some inputs."""
        if isinstance(inputs, LazyInputs):
            return inputs
        return cls(inputs, np.arange(len(inputs)))

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.rows)

    def select(self, rows: NDArray[np.int64]) -> "LazyInputs[I]":
        """Return the given rows, in the given order."""
        return LazyInputs(self.inputs, self.rows[rows])

    def read(self) -> I:
        """Return the inputs of these cases."""
        return self.inputs.select(self.rows)


def as_lazy(cases: "Labelled[I] | Labelled[LazyInputs[I]]") -> Labelled[LazyInputs[I]]:
    """Return labelled cases whose inputs are read where a fit is made."""
    return cast(
        Labelled[LazyInputs[I]], replace(cast(Any, cases), inputs=LazyInputs.of(cases.inputs))
    )


@dataclass(frozen=True)
class Fit(Generic[I]):
    """A fit to make; what comes of it depends on nothing else.

    Attributes:
        title: Its name among the fits of the model.
        model: The untrained model.
        training: Cases to learn from.
        validation: Cases that decide when to stop; None for none.
        context: Its seed, and what else it may use.
        scored: What it scores once it is made.
        saved: Folder for the fitted model; None where its scores are all that is asked for.
        returned: Whether the fitted model itself is asked for, by this process.
    """

    title: str
    model: Model[I]
    training: Labelled[LazyInputs[I]]
    validation: Labelled[LazyInputs[I]] | None
    context: FitContext
    scored: tuple[LazyInputs[I], ...] = ()
    saved: Path | None = None
    returned: bool = False

    @property
    def parts(self) -> list[LazyInputs[I]]:
        """Return all inputs that it reads."""
        validation = () if self.validation is None else (self.validation.inputs,)
        return [self.training.inputs, *validation, *self.scored]

    def make(self) -> "FitResult":
        """Fit, score and save, or take up what an earlier run kept.

        Raises:
            ModelFailure: The model cannot be trained; names the fit.
        """
        folder = None if self.returned else self.context.folder
        if folder is not None and (folder / _RESULT).is_file():
            return _take_up(folder, self.saved)
        started = perf_counter()
        result = self._make()
        slow = perf_counter() - started >= LEAST_SECONDS
        if folder is not None and slow and result.summary.curves.empty:
            with suppress(OSError):  # what finds no space is made again
                _keep(result, self.saved, folder)
        return result

    def _make(self) -> "FitResult":
        try:
            training, validation = (
                None if part is None else replace(cast(Any, part), inputs=part.inputs.read())
                for part in (self.training, self.validation)
            )
            fitted = self.model.fit(cast(Labelled[I], training), validation, self.context)
            scores = tuple(finite(fitted.scores(inputs.read())) for inputs in self.scored)
            if self.saved is not None:
                fitted.save(self.saved)
        except MemoryError as error:
            raise ModelFailure(f"out of memory: {error}", where=f"fit {self.title}") from error
        except ModelFailure as error:
            where = f"fit {self.title}" + (f", {error.where}" if error.where else "")
            raise ModelFailure(
                error.found, where=where, allowed=error.allowed, remedy=error.remedy
            ) from error
        return FitResult(fitted.summary, scores, fitted if self.returned else None)


@dataclass(frozen=True)
class FitResult:
    """What came of a fit.

    Attributes:
        summary: What it cost.
        scores: (n, n_classes) of each of the inputs that it was to score.
        fitted: The fitted model, where it was asked for.
    """

    summary: FitSummary
    scores: tuple[NDArray[np.float64], ...]
    fitted: Fitted[Any] | None = None


@dataclass(frozen=True)
class _Kept:
    """What is kept of a fit beside its scores and its model; a network's curves are not."""

    parameters: int
    multiply_adds: int | None
    images_seen: int
    scored: int
    features: dict[str, bool] = field(default_factory=dict)


def _keep(result: FitResult, saved: Path | None, folder: Path) -> None:
    """Keep what came of a fit, whole or not at all."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for number, scores in enumerate(result.scores):
        np.save(unfinished / f"{number}.npy", scores, allow_pickle=False)
    if saved is not None and saved.is_dir():
        shutil.copytree(saved, unfinished / _MODEL)
    cost = result.summary
    kept = _Kept(
        cost.parameters, cost.multiply_adds, cost.images_seen, len(result.scores), cost.features
    )
    write_record(kept, unfinished / _RESULT)
    unfinished.rename(folder)


def _take_up(folder: Path, saved: Path | None) -> FitResult:
    kept = read_record(_Kept, folder / _RESULT)
    if saved is not None and (folder / _MODEL).is_dir():
        shutil.copytree(folder / _MODEL, saved, dirs_exist_ok=True)
    summary = FitSummary(
        kept.parameters, kept.multiply_adds, kept.images_seen, features=kept.features
    )
    scores = tuple(np.load(folder / f"{number}.npy") for number in range(kept.scored))
    return FitResult(summary, scores)


@contextmanager
def kept_fits(
    root: Path, cases: Cases, inputs: str, tables: Iterable[Path], code: str
) -> Iterator[Path]:
    """Yield the folder of the fits that belong to these inputs; it goes once the work is done.

    Other inputs or other code give another folder, so that no fit is taken up by a run that would
    not have made it. After a failure the folder stays.

    Args:
        root: Parent of all such folders.
        cases: The case table.
        inputs: Task and options.
        tables: Files that features come from; their content counts.
        code: `code_digest` of what fits.
    """
    contents = []
    for path in tables:
        with path.open("rb") as file:
            contents.append(hashlib.file_digest(file, "sha256").hexdigest())
    folder = root / cases.digest(code, inputs, *contents)[:32]
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # a second run that waited for this one is done too


Steps = Generator[list[Fit[Any]], list[FitResult], T]


def interleave(steps: Sequence[Steps[T]]) -> Steps[list[T]]:
    """Go through several at once: what all ask for at a time is asked for together."""
    values: dict[int, T] = {}
    requested: dict[int, list[Fit[Any]]] = {}

    def advance(number: int, results: list[FitResult] | None) -> None:
        try:
            requested[number] = (
                next(steps[number]) if results is None else steps[number].send(results)
            )
        except StopIteration as end:
            values[number] = end.value

    for number in range(len(steps)):
        advance(number, None)
    while requested:
        waiting, requested = requested, {}
        results = yield [fit for fits in waiting.values() for fit in fits]
        for number, fits in waiting.items():
            own, results = results[: len(fits)], results[len(fits) :]
            advance(number, own)
    return [values[number] for number in range(len(steps))]


def finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scores, or refuse those that are not finite.

    Raises:
        ModelFailure: A score is NaN or infinite.
    """
    if not np.isfinite(scores).all():
        raise ModelFailure(
            f"scores of {int((~np.isfinite(scores)).any(axis=1).sum())} cases are not finite",
            remedy="lower the learning rate or strengthen the regularisation",
        )
    return scores


def in_order(name: str) -> tuple[tuple[bool, int], ...]:
    """Return a key that sorts the names of fits as the plan lists them, final fits last."""
    return tuple((part == "final", int(re.sub(r"\D", "", part) or 0)) for part in name.split("-"))
