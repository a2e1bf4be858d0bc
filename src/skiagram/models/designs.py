"""The two designs of evaluation, the same for every model of every arm.

`holdout` develops once a repeat and scores the sealed test set; `cross_validate` develops once in
each outer fold and scores that fold's held-out patients (nested cross-validation).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skiagram.calibration.methods import average
from skiagram.models.contract import I, Labelled
from skiagram.models.resampling import FINAL, Developed, Resampling, Scored
from skiagram.splits import Partition


def holdout(
    resampling: Resampling[I],
    development: Labelled[I],
    marked: NDArray[np.bool_],
    test: I,
    test_id: NDArray[np.str_],
) -> Iterator[tuple[Developed[I], list[Scored]]]:
    """Develop once a repeat and score the sealed cases; yields the final fit and all scores.

    Args:
        resampling: Model and plan.
        development: Labelled development cases.
        marked: (n,) True for the published validation split; all False where there is none.
        test: Sealed cases.
        test_id: Their ids.
    """
    for repeat in range(resampling.plan.repeats):
        yield within_repeat(resampling, repeat, development, marked, test, test_id)


def within_repeat(
    resampling: Resampling[I],
    repeat: int,
    development: Labelled[I],
    marked: NDArray[np.bool_],
    test: I,
    test_id: NDArray[np.str_],
) -> tuple[Developed[I], list[Scored]]:
    """Do one repeat of `holdout`."""
    name = f"repeat{repeat}"
    folds = resampling.folds(development, resampling.plan.folds, name)
    developed, scored = resampling.develop(development, marked, folds, name, score_training=True)
    rows = [replace(one, repeat=repeat) for one in scored]
    return developed, [*rows, developed.score(test, test_id, "test", repeat, FINAL)]


def cross_validate(
    resampling: Resampling[I], development: Labelled[I], folds: list[list[Partition]] | None = None
) -> Iterator[tuple[Developed[I], list[Scored]]]:
    """Nested cross-validation; yields, once a repeat, a fit on all cases and all scores.

    Args:
        resampling: Model and plan.
        development: All labelled cases.
        folds: Outer folds of each repeat; the plan's own when None.
    """
    plan = resampling.plan
    for repeat in range(plan.repeats):
        own = folds[repeat] if folds else None
        outer = own or resampling.folds(development, plan.folds, f"repeat{repeat}")
        rows: list[Scored] = []
        fits: list[Developed[I]] = []
        for k, fold in enumerate(outer):
            known, rest = development.select(fold.training), development.select(fold.held_out)
            developed, scored = within_outer_fold(resampling, repeat, k, known, rest)
            fits.append(developed)
            rows += scored
        yield whole_fit(resampling, repeat, development, fits), rows


def within_outer_fold(
    resampling: Resampling[I], repeat: int, k: int, known: Labelled[I], rest: Labelled[I]
) -> tuple[Developed[I], list[Scored]]:
    """Develop on the training cases of an outer fold and score those it holds out."""
    name = (f"repeat{repeat}", f"outer{k}")
    inner = resampling.folds(known, resampling.plan.inner_folds, *name)
    developed, scored = resampling.develop(known, None, inner, *name, score_training=False)
    rows = [replace(one, part="inner", repeat=repeat, fold=k) for one in scored]
    rows.append(developed.score(rest.inputs, rest.case_id, "out_of_fold", repeat, k))
    rows.append(developed.score(known.inputs, known.case_id, "training", repeat, k))
    return developed, rows


def whole_fit(
    resampling: Resampling[I], repeat: int, cases: Labelled[I], folds: list[Developed[I]]
) -> Developed[I]:
    """Fit on all cases; calibration and threshold are the means of the outer folds'."""
    fitted = resampling.fit(cases, None, f"repeat{repeat}", "final")
    thresholds = [one.threshold for one in folds if one.threshold is not None]
    threshold = float(np.mean(thresholds)) if thresholds else None
    return Developed(fitted, average([one.calibration for one in folds]), threshold)
