"""A fit: its bytes depend on its cases, options, seed and threads alone, wherever it is made.

Where a store is given, a fit that took a second or more is a piece of it until its training is
finished: a run that was killed goes on where it was, and no fit takes room for ever. Networks keep
themselves, epoch by epoch.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Generic, NamedTuple

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Whole
from skiagram.compute.context import RunContext
from skiagram.compute.pieces import DIGITS, UNFINISHED, PieceStore
from skiagram.errors import ModelFailure, refusal
from skiagram.fitting.contract import (
    FitContext,
    FitSummary,
    Fitted,
    Labelled,
    Model,
)
from skiagram.fitting.reading import I
from skiagram.records.files import read_table, write_table
from skiagram.records.places import MARKS

MIN_SECONDS = 1.0  # of a fit that is kept; others are made again sooner than found
_RESULT, _MODEL = "fit.json", "model"


@dataclass(frozen=True)
class FitPieces:
    """Where the fits of one training are kept until it is finished.

    Attributes:
        training: Digest of all that they depend on but their place in the plan.
        checkpoints: Folder for those of networks under way; None to keep none.
    """

    store: PieceStore
    training: str
    checkpoints: Path | None


@contextmanager
def keep_fits(context: RunContext, training: str) -> Iterator[FitPieces]:
    """Yield where the fits of a training are kept; they go when it ends without an error.

    Who trains the same waits.

    Args:
        context: Has the store.
        training: What it depends on, as the name of a piece.
    """
    store = context.require_store()
    with store.unfinished(training, alone=context.alone) as checkpoints:
        fits = FitPieces(store, training[-DIGITS:], checkpoints)
        yield fits
        # Of several processes that train one network the last one clears up.
        if context.is_last():
            parts = store.parts(f"fit-{fits.training}")
            store.remove(*(part.name for part in parts), f"{UNFINISHED}-{training}")


@dataclass(frozen=True)
class Fit(Generic[I]):
    """A fit to make; inputs are read in the process that makes it.

    Attributes:
        scored: Inputs, and rows of them, that it scores once it is made; a finder's marks of the
            first of them are kept.
        saved: Folder for the fitted model; None where its scores are all that is asked for.
        pieces: Where it is kept; None to keep it nowhere.
    """

    title: str
    model: Model[I]
    cases: Labelled[I]
    training: Whole
    validation: Whole | None
    context: FitContext
    scored: tuple[tuple[I, Whole], ...] = ()
    saved: Path | None = None
    pieces: FitPieces | None = None


class FitResult(NamedTuple):
    """What came of a fit: its cost and (n, n_classes) scores of each of the scored inputs.

    Attributes:
        marks: A finder's marks of the first of them; None of other models.
    """

    summary: FitSummary
    scores: tuple[Floats, ...]
    marks: pd.DataFrame | None = None


def fit_model(fit: Fit[I]) -> Fitted[I]:
    """Fit a model to the training rows of its cases, beside those that decide when it ends.

    Args:
        fit: The fit to make.

    Raises:
        ModelFailure: The model cannot be trained; names the fit.
    """
    with named_failures(fit.title):
        held_out = None if fit.validation is None else fit.cases.select(fit.validation)
        context = replace(fit.context, validation=held_out)
        return fit.model.fit(fit.cases.select(fit.training), context)


def make_fit(fit: Fit[Any]) -> FitResult:
    """Fit, score and save, or take up what an earlier run kept.

    Args:
        fit: The fit to make.

    Returns:
        Its cost, scores of all that it is to score, and a finder's marks. A fit that only trains
        ahead returns nothing of these.

    Raises:
        ModelFailure: The model cannot be trained, or its scores are not finite; names the fit.
    """
    if fit.context.ahead:
        # Whether it fails depends on how long it trains: the fit that is asked for says so.
        with suppress(ModelFailure):
            fit_model(fit)
        return FitResult(FitSummary(0, None, 0), ())
    pieces = fit.pieces
    if pieces is not None:
        piece = f"fit-{pieces.training}-{fit.title}"
        folder = pieces.store.find(piece)
        if folder is not None:
            # An earlier run made it: what it left is taken up.
            made = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
            if fit.saved is not None and (folder / _MODEL).is_dir():
                shutil.copytree(folder / _MODEL, fit.saved, dirs_exist_ok=True)
            scores = tuple(np.load(folder / f"{number}.npy") for number in range(made["scored"]))
            marks = read_table(folder / MARKS) if (folder / MARKS).exists() else None
            return FitResult(FitSummary(**made["cost"]), scores, marks)
    # Made anew, scored on what was asked for, and saved.
    started = perf_counter()
    fitted = fit_model(fit)
    with named_failures(fit.title):
        scored = [fitted.scores_and_marks(inputs.select(rows)) for inputs, rows in fit.scored]
        columns = fit.cases.predicted.scores
        expected = [(len(rows), columns) for _, rows in fit.scored]
        found = [case_scores for case_scores, _ in scored]
        scores = tuple(map(finite, found, expected))
        marks = scored[0][1] if scored else None
        if fit.saved is not None:
            fitted.save(fit.saved)
    result = FitResult(fitted.summary, scores, marks)
    # Fits of a second or more are kept, but for those with curves, which keep their own.
    slow = perf_counter() - started >= MIN_SECONDS
    if pieces is not None and slow and fitted.summary.curves.empty:

        def write(folder: Path) -> None:
            for number, case_scores in enumerate(scores):
                np.save(folder / f"{number}.npy", case_scores, allow_pickle=False)
            if marks is not None:
                write_table(marks, folder / MARKS)
            if fit.saved is not None and fit.saved.is_dir():
                shutil.copytree(fit.saved, folder / _MODEL)
            cost = {k: v for k, v in vars(result.summary).items() if k not in {"curves", "epochs"}}
            left = json.dumps({"scored": len(scores), "cost": cost})
            (folder / _RESULT).write_text(left, encoding="utf-8")

        pieces.store.keep(piece, write)
    return result


@contextmanager
def named_failures(title: str) -> Iterator[None]:
    """Give failures of a fit its name, and one for want of memory.

    Args:
        title: Name of the fit in the plan, such as `repeat0-outer1-fold2`.

    Raises:
        ModelFailure: What the fit raised, or for a MemoryError.
    """
    try:
        yield
    except MemoryError as error:
        raise refusal("fitting.out_of_memory", f"fit {title}", error=error) from error
    except ModelFailure as error:
        where = f"fit {title}" + (f", {error.where}" if error.where else "")
        raise error.restated(ModelFailure, where=where, detail=error.detail) from error


def finite(scores: Floats, expected: tuple[int, int] | None = None) -> Floats:
    """Pass scores on, or refuse those that are not finite, or of another shape.

    Args:
        scores: (n, n_classes) float64.
        expected: The shape, where it is known.

    Raises:
        ModelFailure: Some case has NaN or an infinite score, as diverged networks give, or there
            are not as many scores as a model of one's own was asked for.
    """
    if expected is not None and np.shape(scores) != expected:
        shape = str(np.shape(scores))
        raise refusal("fitting.other_scores", shape=shape, expected=str(expected))
    if not np.isfinite(scores).all():
        count = int((~np.isfinite(scores)).any(axis=1).sum())
        raise refusal("fitting.infinite_scores", count=count)
    return scores


def in_order(name: str) -> tuple[tuple[bool, int], ...]:
    """Make a key that sorts the names of fits as the plan lists them, final fits last.

    Numbers count as numbers, so that `fold10` comes after `fold9`.
    """
    return tuple((part == "final", int(re.sub(r"\D", "", part) or 0)) for part in name.split("-"))
