"""Whether the sealed test cases are like the development cases, and what tells the two apart.

Two questions. *Does it matter?* Each model's AUC on the test cases is compared with its out-of-fold
AUC. *Why?* A classifier without labels, single features, and what is known of the cases (classes,
covariates, brightness, size) are compared between the two sides. Under `cv` every case is on both
sides, so there is nothing to compare.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from skiagram.evaluation.auc_difference import ComparedModel
from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.delong import auc_estimate, placements
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.proportions import Z, effective_size, wilson_interval
from skiagram.evaluation.results import DomainShift, Estimate, Shift, TraitShift
from skiagram.evaluation.scores import ModelScores, align_scores
from skiagram.evaluation.significance import LEVEL, correct_by_holm
from skiagram.seeding import stream

Floats = NDArray[np.float64]
_REPLICATES = 400  # of a standard error, with more than two classes
_FOLDS = 5
_LARGEST_SIDE = 4_000  # cases
_CATEGORIES = 8
_NAMED_FEATURES = 5
_FEWEST_PATIENTS = 10  # of a side


def find_shifts(
    models: Sequence[ModelScores], compared: Mapping[str, ComparedModel], setting: EvaluationSet
) -> tuple[Shift, ...]:
    """Compare each model's AUC on the test cases with its out-of-fold AUC.

    No patient is on both sides, so the variances add (Hanley & McNeil 1982, *Radiology* 143:29).
    That of the out-of-fold AUC is widened for the overlap of the folds' training sets, as no
    unbiased estimate exists; the test errs towards silence. The model behind the test scores saw
    more cases than those of the folds, which raises its AUC a little: a small sealed gain is no
    alarm, and a loss is found in spite of it. With more than two classes the AUCs are one-vs-rest
    and their variances are those of resampled patients.

    Args:
        models: All models, in the order of the report.
        compared: Model that was trained → what of it is compared.
        setting: What the models are measured against.

    Returns:
        One a model with both figures; empty under `cv`, or where a class is absent.
    """
    if setting.design == "cv":
        return ()
    found = [
        shift
        for model in models
        if model.outcome.arm != "reader" and model.outcome.model in compared
        if (shift := _shift(model, compared[model.outcome.model], setting)) is not None
    ]
    return correct_shifts(found)


def _shift(model: ModelScores, tested: ComparedModel, setting: EvaluationSet) -> Shift | None:
    known = setting.development
    if 0 in (*known.patients_by_class(), *setting.cases.patients_by_class()):
        return None
    scores = align_scores(model, "out_of_fold", known, pooled=True)
    smallest, degrees = min(known.patients_by_class()), known.degrees_of_freedom()
    draws = draw_patients(known.patient, smallest, _REPLICATES, setting.seed, degrees)
    held_out = ComparedModel(scores, known, draws)
    variance = held_out.variation.variance + tested.variation.variance
    if not variance > 0:
        return None
    error = float(np.sqrt(variance))
    value = tested.auc - held_out.auc
    low, high = max(-1.0, value - Z * error), min(1.0, value + Z * error)
    difference = Estimate(value, low, high, "variances of the two sides added")
    p = float(2 * norm.sf(abs(value) / error))
    return Shift(model.outcome.model, tested.auc, held_out.auc, difference, p, p, False)


def correct_shifts(shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    """Return the shifts with p values corrected over all of them, and which are beyond chance."""
    corrected = correct_by_holm(np.array([one.p for one in shifts], dtype=np.float64)).tolist()
    return tuple(
        replace(one, p_holm=p, disagrees=p < LEVEL)
        for one, p in zip(shifts, corrected, strict=True)
    )


def compare_sides(
    setting: EvaluationSet, features: pd.DataFrame | None, known: pd.DataFrame | None
) -> DomainShift | None:
    """Tell test cases from development cases, and say what differs.

    The classifier is a linear discriminant with Ledoit and Wolf's shrinkage on the features' normal
    scores, in folds by patient; it sees no label of the task. Its interval is widened for the
    overlap of the training sets. All p values of features and of what is known are corrected
    together. Of larger sides the cases of patients drawn up to 4,000 are looked at.

    Args:
        setting: What the models are measured against.
        features: `case_id` and the extracted features of all cases; None where there are none.
        known: `case_id` and what else is known of each case: numbers or texts.

    Returns:
        None under `cv`, or with fewer than ten patients on a side.
    """
    if setting.design == "cv":
        return None
    sides = (setting.development, setting.cases)
    if min(len(np.unique(side.patient)) for side in sides) < _FEWEST_PATIENTS:
        return None
    rows = [_sample(side.patient, setting.seed, str(at)) for at, side in enumerate(sides)]
    case_id = np.concatenate([side.case_id[row] for side, row in zip(sides, rows, strict=True)])
    tested = np.repeat([False, True], [len(row) for row in rows])
    apart = int(setting.development.patient.max()) + 1
    patient = np.concatenate([sides[0].patient[rows[0]], sides[1].patient[rows[1]] + apart])
    label = np.concatenate([side.label[row] for side, row in zip(sides, rows, strict=True)])
    columns = {} if features is None else _columns(features, case_id)
    traits = [
        *_class_shares(label, setting.cases.classes, setting.cases.positive, tested, patient),
        *(_known_traits(known, case_id, tested, patient) if known is not None else ()),
    ]
    numbers = [_number_trait(name, values, tested, patient) for name, values in columns.items()]
    corrected = _correct([*traits, *numbers])
    told = corrected[len(traits) :]
    named = sorted((one for one in told if one.differs), key=lambda one: -_distance(one))
    return DomainShift(
        auc=_domain_auc(columns, tested, patient, setting.seed),
        features=tuple(named[:_NAMED_FEATURES]),
        differing_features=len(named),
        all_features=len(told),
        traits=tuple(corrected[: len(traits)]),
    )


def _sample(patient: NDArray[np.int64], seed: int, side: str) -> NDArray[np.int64]:
    """Return the rows of all cases, or of patients drawn until there are enough cases."""
    place = stream(seed, "sides", side).permutation(int(patient.max()) + 1)[patient]
    return np.sort(np.argsort(place, kind="stable")[:_LARGEST_SIDE])


def _columns(table: pd.DataFrame, case_id: NDArray[np.str_]) -> dict[str, Floats]:
    rows = table.set_index("case_id").loc[case_id.tolist()]
    columns = {str(name): rows[name].to_numpy(dtype=np.float64) for name in rows.columns}
    return {name: own for name, own in columns.items() if np.ptp(own) > 0}


def _domain_auc(
    columns: Mapping[str, Floats],
    tested: NDArray[np.bool_],
    patient: NDArray[np.int64],
    seed: int,
) -> Estimate:
    if not columns:
        return Estimate(None, reason="no feature that varies")
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    values = np.column_stack(list(columns.values()))
    normal = ndtri(rankdata(values, axis=0) / (len(values) + 1))
    score, fold = np.empty(len(values)), _folds(tested, patient, seed)
    for k in range(_FOLDS):
        training, held_out = fold != k, fold == k
        rule = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
        rule.fit(normal[training], tested[training])
        score[held_out] = rule.decision_function(normal[held_out])
    return auc_estimate(placements(score[None], tested, patient, _FOLDS))


def _folds(tested: NDArray[np.bool_], patient: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return (n,) the fold of each case, by patient, each side dealt out on its own."""
    fold = np.empty(len(patient), dtype=np.int64)
    for side in (tested, ~tested):
        whose = np.unique(patient[side], return_inverse=True)[1]
        dealt = stream(seed, "sides", "folds").permutation(int(whose.max()) + 1) % _FOLDS
        fold[side] = dealt[whose]
    return fold


def _class_shares(
    label: NDArray[np.int64],
    classes: Sequence[str],
    positive: int | None,
    tested: NDArray[np.bool_],
    patient: NDArray[np.int64],
) -> Iterator[TraitShift]:
    """Yield the share of each class; of two classes only that of the condition looked for."""
    for k in range(len(classes)) if positive is None else [positive]:
        yield _share_trait(f"share of {classes[k]}", label == k, tested, patient)


def _known_traits(
    known: pd.DataFrame,
    case_id: NDArray[np.str_],
    tested: NDArray[np.bool_],
    patient: NDArray[np.int64],
) -> Iterator[TraitShift]:
    """Yield numbers as they are, and of texts the share of each of the most common values."""
    table = known.set_index("case_id").loc[case_id.tolist()]
    for name in table.columns:
        column = table[name]
        if column.isna().all() or column.nunique(dropna=True) < 2:
            continue
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            seen = column.notna().to_numpy()
            values = column.to_numpy(dtype=np.float64)[seen]
            if tested[seen].any() and (~tested[seen]).any():
                yield _number_trait(str(name), values, tested[seen], patient[seen])
            continue
        for value in column.value_counts().index[:_CATEGORIES]:
            yield _share_trait(
                f"share of {name} {value}", (column == value).to_numpy(), tested, patient
            )


def _number_trait(
    name: str, values: Floats, tested: NDArray[np.bool_], patient: NDArray[np.int64]
) -> TraitShift:
    """Compare a number: how often a test case has the larger one, ties half."""
    whose = np.unique(patient, return_inverse=True)[1].astype(np.int64)
    found = placements(values[None], tested, whose)
    estimate = auc_estimate(found)
    variance = found.variation.variance
    if variance > 0:
        p = found.variation.p(found.mean - 0.5)
    else:  # the two sides do not overlap: any order of the patients was as likely
        p = 2 * 0.5 ** min(found.smaller_class, 1_000) if found.mean in (0.0, 1.0) else 1.0
    centre = (float(np.median(values[side])) for side in (~tested, tested))
    return TraitShift(name, "number", *centre, estimate, 1.0 if p is None else p)


def _share_trait(
    name: str, own: NDArray[np.bool_], tested: NDArray[np.bool_], patient: NDArray[np.int64]
) -> TraitShift:
    """Compare a share: test minus development, by Newcombe's interval on effective patients.

    (Newcombe 1998, *Statistics in Medicine* 17:873, method 10; p by the pooled share.)
    """
    success = own.astype(np.float64)
    shares, sizes = [], []
    for side in (~tested, tested):
        whose = np.unique(patient[side], return_inverse=True)[1].astype(np.int64)
        shares.append(float(success[side].mean()))
        sizes.append(effective_size(success[side], whose))
    (low, high), (test_low, test_high) = (
        wilson_interval(share, size) for share, size in zip(shares, sizes, strict=True)
    )
    value = shares[1] - shares[0]
    below = float(np.hypot(shares[1] - test_low, high - shares[0]))
    above = float(np.hypot(test_high - shares[1], shares[0] - low))
    estimate = Estimate(value, value - below, value + above, "Newcombe, by patient")
    pooled = float(np.average(shares, weights=sizes))
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1])))
    p = float(2 * norm.sf(abs(value) / error)) if error > 0 else 1.0
    return TraitShift(name, "share", shares[0], shares[1], estimate, p)


def _correct(traits: Sequence[TraitShift]) -> list[TraitShift]:
    corrected = correct_by_holm(np.array([one.p for one in traits], dtype=np.float64)).tolist()
    return [
        replace(one, p_holm=p, differs=p < LEVEL) for one, p in zip(traits, corrected, strict=True)
    ]


def _distance(trait: TraitShift) -> float:
    return abs((trait.difference.value or 0.0) - (0.5 if trait.kind == "number" else 0.0))
