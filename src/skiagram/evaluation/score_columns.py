"""Labels and scores as users have them become cases to compare, or one line says why not."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from skiagram.arrays import Flags, Floats, Texts, Whole
from skiagram.errors import listed, refusal
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.options import DEFAULTS
from skiagram.tables.cells import are_equal, find_missing_codes, join_codes, same_value
from skiagram.tasks.classes import Classes
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.task import Task


def line_up_columns(
    labels: Any,
    columns: Mapping[str, Any],
    *,
    patients: Any,
    positive: Any,
    readers: Mapping[str, Any] | None,
    subgroups: Any,
    sites: Any,
    folds: Any,
    seed: int,
) -> tuple[EvaluationSet, dict[str, ComparedModel], dict[str, ComparedModel]]:
    """Return checked cases with columns and readers as models of them; see `skiagram.compare`.

    Raises:
        DataError: Unequal lengths, a missing number, labels that are not two classes, or fewer than
            two patients of one.
    """
    # The labels, and how many rows all else must have.
    whether, classes = _labels(labels, positive)
    number = len(whether)
    if len(columns) < 2:
        raise refusal("evaluation.column_alone", number=len(columns))
    # The scores of columns and readers, each checked under its name.
    parts = [
        {name: _numbers(values, name, number) for name, values in part.items()}
        for part in (columns, readers or {})
    ]
    if clash := parts[0].keys() & parts[1].keys():
        raise refusal("evaluation.clash_of_names", name=min(clash))
    # Without a column of patients each case is a patient; folds may not share one.
    patient = np.arange(number) if patients is None else _groups(patients, "patients", number)
    fit = None if folds is None else _groups(folds, "folds", number)
    if fit is not None:
        _refuse_shared_folds(fit, patient, folds, patients)
    # The rows are numbered: they have no ids.
    case_id, patient = np.arange(number).astype(str), patient.astype(np.int64)
    label, value = whether.astype(np.int64), whether.astype(np.float64)
    told, cases = Classes(classes, 1), LabelledCases(case_id, label, patient, classes, 1, value)
    # Intervals by patient need two of each class.
    counted = "cases" if patients is None else "patients"
    for name, patient_count in cases.patients_by_class().items():
        if patient_count < 2:
            raise refusal(
                "evaluation.few_of_a_class", number=patient_count, counted=counted, name=name
            )
    covariates = None
    if subgroups is not None:
        covariates = pd.DataFrame(subgroups).reset_index(drop=True)
        _check_length(covariates, "subgroups", number)
    setting = EvaluationSet(
        task=Task(told, "holdout"),
        development=cases,
        cases=cases,
        draws=cases.draws(DEFAULTS.replicates, seed),
        has_near_duplicate=np.zeros(number, dtype=np.bool_),
        ideal=None,
        seed=seed,
        covariates=covariates,
        site=None if sites is None else pd.Series(read_texts(sites, "sites", number), name="site"),
    )
    models, readers_of = (
        {name: _score(column, cases, told, fit) for name, column in part.items()} for part in parts
    )
    return setting, models, readers_of


def _refuse_shared_folds(fit: Whole, patient: Whole, folds: Any, patients: Any) -> None:
    """Refuse patients of several folds: the fit that scored one image learned from another."""
    folds_of = pd.Series(fit).groupby(patient).nunique()
    several = folds_of.index[folds_of > 1]
    if len(several) == 0:
        return
    # The first of these patients is named, with the folds that hold an image of theirs.
    rows = patient == several[0]
    name = np.asarray(patients).ravel()[rows][0]
    held = sorted({str(fold) for fold in np.asarray(folds).ravel()[rows]})
    raise refusal(
        "evaluation.shared_folds",
        several=len(several),
        patients=len(folds_of),
        patient=name,
        folds=held,
    )


def _score(column: Floats, cases: LabelledCases, told: Classes, fit: Whole | None) -> ComparedModel:
    """Make a model of a column; scores that are no probabilities are ordered alone.

    Args:
        column: (n,) scores.
        cases: In the same order.
        told: The two classes.
        fit: (n,) which fit scored each case; None where one scored all.
    """
    has_probabilities = bool(column.min() >= 0 and column.max() <= 1)
    probability = column if has_probabilities else expit(column - np.median(column))
    both = np.stack([1 - probability, probability], axis=1)[None]
    folds, by_fit = (0, np.zeros_like(cases.label)) if fit is None else (len(np.unique(fit)), fit)
    truth = cases.label, cases.value, cases.patient
    scored = ScoredCases(*truth, column[None], both, by_fit[None], folds)
    return ComparedModel(told, scored, has_probabilities)


def _labels(labels: Any, positive: Any) -> tuple[Flags, tuple[str, str]]:
    # A missing label is refused, with its row.
    label_column = pd.Series(np.asarray(labels).ravel())
    if label_column.isna().any():
        missing = label_column.isna().to_numpy()
        number, row = int(missing.sum()), int(missing.argmax())
        raise refusal("evaluation.missing_labels", number=number, row=row)
    # Two classes, no more and no fewer.
    values = sorted(label_column.unique().tolist(), key=str)
    named = listed(map(str, values))
    if len(values) > 2:
        raise refusal("evaluation.several_classes", number=len(values), named=named)
    if len(values) < 2:
        found = f"one class alone ({named})" if values else "no labels"
        raise refusal("evaluation.one_class", found=found)
    # Without a chosen class only 0 and 1 say which is looked for.
    if positive is None:
        if {same_value(str(value)) for value in values} != {0.0, 1.0}:
            either = " or ".join(f"positive={value!r}" for value in values)
            raise refusal("evaluation.positive_unnamed", named=named, either=either)
        positive = next(value for value in values if same_value(str(value)) == 1)
    # The name as it is written first, then as a number would equal it.
    chosen = [value for value in values if str(value) == str(positive)]
    if not chosen:
        chosen = [value for value in values if are_equal(str(value), str(positive))]
    if not chosen:
        name = getattr(labels, "name", None)
        column = f" of the column `{name}`" if name else ""
        raise refusal("evaluation.unknown_positive", positive=positive, column=column, labels=named)
    other = next(value for value in values if value != chosen[0])
    return (label_column == chosen[0]).to_numpy(dtype=np.bool_), (str(other), str(chosen[0]))


def _numbers(values: Any, name: str, number: int) -> Floats:
    _check_length(values, name, number)
    # A column of two dimensions holds scores of several classes.
    shape = np.shape(values)
    if len(shape) > 1 and np.prod(shape) != number:
        raise refusal("evaluation.matrix_of_scores", name, shape=shape, number=number)
    # Numbers as text count; the first cell that is none is shown.
    cells = pd.Series(np.asarray(values).ravel())
    said = (same_value(str(cell)) for cell in cells)
    numbers = np.array([each if isinstance(each, float) else np.nan for each in said])
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(bad.argmax())
        first: str = "" if pd.isna(cells[row]) else f" (`{cells[row]}`)"
        key = "evaluation.decimal_commas" if "," in first else "evaluation.no_numbers"
        raise refusal(key, name, number=int(bad.sum()), row=row, first=first)
    # A code such as -999 would count as a score.
    codes = find_missing_codes(numbers.tolist(), counts=False)
    if codes:
        coded = int(np.isin(numbers, codes).sum())
        code = join_codes(codes, " or ")
        raise refusal("evaluation.code_of_missing", name, number=coded, code=code)
    return numbers


def read_texts(values: Any, name: str, number: int) -> Texts:
    """Read (n,) texts of a column that has one in every row.

    Raises:
        DataError: Another length, or a row without a value.
    """
    _check_length(values, name, number)
    column = pd.Series(np.asarray(values).ravel())
    if column.isna().any() or (column.astype(str) == "").any():
        raise refusal("evaluation.absent_value", name)
    return column.astype(str).to_numpy(dtype=str)


def _groups(values: Any, name: str, number: int) -> Whole:
    texts = pd.Series(read_texts(values, name, number))
    return pd.factorize(texts, sort=True)[0].astype(np.int64)


def _check_length(values: Any, name: str, number: int) -> None:
    if len(values) != number:
        raise refusal("evaluation.other_length", name, number=len(values), labels=number)
