"""Columns of a table of features that are no features: row numbers, outcomes, copies of the label.

They are found by what they hold, and outcomes by their names too. A model that reads one of them
has learned nothing of the disease.
"""

import math
import re
import warnings
from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from skiagram.arrays import Flags, Floats, Whole
from skiagram.datasets.folder.identifiers import says, words_of
from skiagram.tables.cells import find_missing_codes, join_codes, same_value

PYRADIOMICS = re.compile(
    r"[\w.-]+_(shape|shape2D|firstorder|glcm|glrlm|glszm|gldm|ngtdm|gldzm|ngldm)_\w+"
)
TELLING_AUC = 0.99
_MIN_ROWS = 10
_MIN_NUMBERS = 30  # rows from which on whole numbers without a repeat are no chance
_MIN_OF_CLASS = 5
_MOST_VALUES, _MOST_ROWS = 10, 0.8  # of a copy of the label, and that have its values
_BLOCK = 128  # columns that are ranked at a time: a rank takes several copies of its values
_CHANCE = 0.01  # that any of all columns tells the classes apart by chance
_LETTER = re.compile(
    r"[Yy]([_.]?(true|test|train|pred))?|[Cc]ancer|(y?[cp])?[TNM]"
)  # an outcome, or a part of a stage as in `pT`


def find_telling_columns(
    names: Sequence[str],
    values: Floats,
    label: Whole,
    outcome: Floats | None,
    development: Flags | None = None,
    besides: Collection[Whole] = (),
) -> dict[str, str]:
    """Return column → why it is no feature, those that are surest by their values first.

    Args:
        values: (n, k) in the order of the table's rows, NaN where missing.
        label: (n,) class of each row.
        outcome: (n,) a time, number or grade, which has an order; none of several findings, or
            None where classes are told apart.
        development: (n,) rows whose labels may be looked at; None for all.
        besides: Of each further question, such as each of several findings, its labels in the rows
            of `development`.
    """
    rows = np.ones(len(values), dtype=np.bool_) if development is None else development
    value_reasons: dict[str, str] = {}
    known = values if rows.all() else values[rows]  # a large table is not held twice
    telling = _columns_that_tell(known, label[rows])
    for other in besides:
        telling = _columns_that_tell(known, other) | telling
    # the ranks of some are almost those of the outcome, or its reverse
    agreement = [0.0] * len(names)
    has_order = outcome is not None and outcome.ndim == 1
    of_rows = pd.Series(np.asarray(outcome)[rows] if has_order else [], dtype=np.float64)
    if of_rows[np.isfinite(of_rows)].nunique() >= _MIN_ROWS:
        with warnings.catch_warnings(action="ignore"):  # of constant columns
            agreement = [
                of_rows.corr(pd.Series(column), method="spearman", min_periods=_MIN_ROWS)
                for column in known.T
            ]
    name_reasons: dict[str, str] = {}
    for column, name in enumerate(names):
        present = values[np.isfinite(values[:, column]), column]
        if len(present) and (present == present[0]).all() and column not in telling:
            continue  # a constant tells nothing
        # called like a number of the row, and no two rows share one
        words = words_of(name)
        whole = len(present) >= _MIN_ROWS and bool((present == np.round(present)).all())
        called = whole and bool(words) and all(says([word], "row_number") for word in words)
        if counts_rows(values[:, column]) or (called and len({*present}) == len(present)):
            value_reasons[name] = "counts the rows, or is in their order"
        elif column in telling:
            value_reasons[name] = telling[column]
        elif abs(agreement[column]) >= TELLING_AUC:
            value_reasons[name] = "is in the order of the outcome"
        elif codes := codes_of_feature(name, present):
            value_reasons[name] = (
                f"holds {join_codes(codes, ' and ')}, as tables mark what is missing (then add "
                f"`--missing {join_codes(codes)}`)"
            )
        elif names_an_outcome(name):
            name_reasons[name] = "is called like an outcome, a score or a fold"
    return value_reasons | name_reasons


def counts_rows(values: Floats) -> bool:
    """Return whether (n,) values number the rows, say their order, or number their patients."""
    numbers = values[np.isfinite(values)]
    if len(numbers) < _MIN_ROWS or len(numbers) < 0.9 * len(values):
        return False
    steps = np.diff(numbers)
    if (steps > 0).all() or (steps < 0).all():
        return True
    ordered = np.sort(numbers)
    gaps = np.diff(ordered)
    if gaps[0] > 0 and np.allclose(gaps, gaps[0], rtol=1e-6, atol=0):
        return True  # each row once, in another order
    if not (numbers == np.round(numbers)).all():
        return False
    compact = ordered[-1] - ordered[0] < 2 * len(numbers)
    if len(numbers) >= _MIN_NUMBERS and compact and bool((gaps > 0).all()):
        return True  # what is left of a numbering after some rows went
    return bool(np.isin(steps, (0, 1)).all()) and len(np.unique(numbers)) >= _MIN_ROWS


def codes_of_feature(name: str, values: Floats) -> tuple[float, ...]:
    """Return the numbers by which a feature's column marks what is missing; none without one."""
    codes = find_missing_codes(values.tolist(), counts=False)
    # PyRadiomics measures such as -1 itself.
    return () if PYRADIOMICS.fullmatch(name) and max(map(abs, codes), default=0) < 10 else codes


def names_an_outcome(name: str) -> bool:
    """Return whether a column's name is that of an outcome, such as `Survival.time`."""
    if PYRADIOMICS.fullmatch(name):
        return False
    words = [*words_of(name), *words_of(name.casefold())]  # of `pCR` also `pcr`
    if _LETTER.fullmatch(name):
        return True
    if not {"age", "at"}.isdisjoint(words):  # what was known when the disease was found
        words = [word for word in words if word != "diagnosis"]
    is_time = says(words, "time_alone") and (len({*words}) == 1 or "to" in words)
    return is_time or says(words, "outcome")


def is_of_one_label(
    cells: Sequence[object], label: "pd.Series[str]", patients: "pd.Series[str] | range"
) -> bool:
    """Return whether a column beside a table's labels may be made of them, whatever it holds.

    A class has a column of its own, or each of few values that several patients share is of one
    label; these values are those of most rows.

    Args:
        cells: (n,) of the column.
        label: (n,) of each row.
        patients: (n,) whose each row is.
    """
    value = pd.Series([same_value(str(cell)) for cell in cells], label.index)
    met = label.to_frame("label").assign(patient=patients).groupby(value).nunique()
    met = met[(met["patient"] > 1) & (met.index != "")]
    told = (met["label"] == 1) & (len({*label}) > 1)
    has_most = value.isin(met.index).sum() > _MOST_ROWS * (value != "").sum()
    is_copy = 1 < len(told) <= _MOST_VALUES and has_most and bool(told.all())
    return is_copy or bool(told.get(1, default=False))


def tell_alone(values: Floats, positive: Flags, of_pair: Flags) -> Floats:
    """Return (k,) the AUC of each column of (n, k) alone, either way up; .5 where it is not known.

    Rows without a value play no part; a column needs five of each class.

    Args:
        of_pair: (n,) rows of the two classes.
    """
    areas = np.full(values.shape[1], 0.5)
    of_class = positive[of_pair, None]
    for start in range(0, values.shape[1], _BLOCK):
        block = values[of_pair, start : start + _BLOCK]  # a few columns at a time are copied
        present = np.isfinite(block)
        hits, misses = (present & of_class).sum(axis=0), (present & ~of_class).sum(axis=0)
        ranks = pd.DataFrame(block).rank().to_numpy()
        above = np.where(present & of_class, ranks, 0).sum(axis=0) - hits * (hits + 1) / 2
        enough = np.minimum(hits, misses) >= _MIN_OF_CLASS
        areas[start : start + _BLOCK][enough] = (above / np.maximum(hits * misses, 1))[enough]
    either: Floats = np.maximum(areas, 1 - areas)
    return either


def _columns_that_tell(values: Floats, label: Whole) -> dict[int, str]:
    """Return column → how it alone tells the classes: as a copy, by its values or by its gaps."""
    telling: dict[int, str] = {}
    classes, counts = np.unique(label, return_counts=True)
    if len(classes) < 2 or len(label) < _MIN_ROWS or not values.shape[1]:
        return telling
    each_alone = [label == each for each in classes]
    for column in range(values.shape[1]):
        if _repeats(values[:, column], label, len(classes)):
            telling[column] = "repeats the label"
        elif any(_repeats(values[:, column], alone, 2) for alone in each_alone):
            telling[column] = "tells one class from the others"
    # each two classes have so many rows that no one of the columns tells them apart by chance
    pairs = [*combinations(range(len(classes)), 2)]
    for pair in pairs:
        first, second = (int(counts[place]) for place in pair)
        orders = math.lgamma(first + second + 1) - math.lgamma(first + 1) - math.lgamma(second + 1)
        # An AUC of .99 leaves a hundredth of the pairs the wrong way round: each order that does so
        # is a partition of their number, and no number has more than exp(π √(2 n / 3)) partitions
        # (Hardy & Ramanujan 1918).
        wrong = int(first * second * (1 - TELLING_AUC))
        allowed = math.log(wrong + 1) + math.pi * math.sqrt(2 * wrong / 3)
        chance = math.log(2 * values.shape[1]) + allowed - orders
        if min(first, second) < _MIN_OF_CLASS or chance >= math.log(_CHANCE):
            return telling
    least = np.ones(values.shape[1])
    for first, second in pairs:
        of_pair = np.isin(label, classes[[first, second]])
        least = np.minimum(least, tell_alone(values, label == classes[second], of_pair))
    for column in np.flatnonzero(least >= TELLING_AUC).tolist():
        telling.setdefault(column, "tells the classes apart alone (AUC .99 or more)")
    if len(classes) == 2:
        gaps = np.isnan(values)
        some = np.flatnonzero(gaps.any(axis=0) & ~gaps.all(axis=0))
        every_row = np.ones(len(label), dtype=np.bool_)
        by_gaps = tell_alone(gaps[:, some].astype(np.float64), label == classes[1], every_row)
        for column in some[by_gaps >= TELLING_AUC].tolist():
            telling.setdefault(column, "is empty in one class alone")
    return telling


def _repeats(values: Floats, label: Whole | Flags, classes: int) -> bool:
    """Return whether each value goes with one class and each class with one value."""
    present = np.isfinite(values)
    few = len(np.unique(values[present][: 10 * classes])) <= classes  # soon seen of measurements
    if not few or present.sum() < 0.8 * len(values):
        return False
    pairs = np.unique(np.stack([values[present], label[present]]), axis=1)
    sizes = {pairs.shape[1], len(np.unique(pairs[0])), len(np.unique(pairs[1]))}
    return sizes == {classes}
