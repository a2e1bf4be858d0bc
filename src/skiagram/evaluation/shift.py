"""Whether the sealed test cases are like the development cases, and what tells the two apart.

Two questions. *Does it matter?* Each model's primary figure of the test cases is compared with its
out-of-fold one. *Why?* A classifier without labels, single features, and what is known of the cases
(classes, covariates, brightness, size) are compared between the two sides. Under `cv` every case is
on both sides, so there is nothing to compare.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import ndtri

from skiagram.arrays import Flags, Floats, Texts, Whole
from skiagram.case_features.covariates import SITE_PREFIX
from skiagram.evaluation.arm_selection import MeasuredRun
from skiagram.evaluation.compared_model import ComparedModel, measure_alike
from skiagram.evaluation.comparisons import correct
from skiagram.evaluation.criteria import is_beyond_chance
from skiagram.evaluation.evaluation_record import (
    DEVELOPMENT,
    DOMAIN,
    FEATURES,
    NUMBERS,
    SHARES,
    SHIFTS,
)
from skiagram.evaluation.evaluation_set import CaseTraits, EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.results import SELECTION
from skiagram.seeding import stream
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.distributions import t_p_value, t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import join_intervals, share
from skiagram.statistics.score_intervals import wilson_interval
from skiagram.statistics.variation import UPPER, effective_patients, error_of_shift

# Folds of the classifier that tells both sides apart, and how much of a column is named.
_FOLDS = 5
_CATEGORIES = 8
_NAMED_FEATURES = 5
_MIN_PATIENTS = 10  # of a side


def find_shifts(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Compare each model's primary figure on the test cases with its out-of-fold one.

    The standard error is that of `error_of_shift`, and the test errs towards silence. The
    model behind the test scores saw more cases than those of the folds, which makes it a little
    better: a small sealed gain is no alarm, and a loss is found in spite of it. Of several
    findings those count that both sides define. With more than two
    classes the AUCs are one-vs-rest and their variances are those of resampled patients.

    Returns:
        Of each model both figures and their difference, whose patients are others, so that the
        variances add; nothing under `cv`, or where the cases of a side do not define the figure.
    """
    if run.setting.task.design == "cv":
        return ()
    setting, development = run.setting, run.setting.development
    rows: list[FigureRow] = []
    # Each model on both sides, measured alike.
    for model in run.models:
        tested = model.compared
        chosen_by = model.result.find(run.task.predicted.selection, SELECTION).value
        if model.arm == "reader" or tested is None or chosen_by is None:
            continue
        held_out, test_figure = measure_alike(
            (ComparedModel.out_of_fold(setting, model.predictions), tested)
        )
        out_of_fold, reached = held_out.estimate().value, test_figure.estimate().value
        if reached is None or out_of_fold is None:
            continue
        # The error of the difference, with the spread of the folds in it.
        patients = development.patients, setting.cases.patients
        folds = model.predictions.part("out_of_fold")["fold"].nunique()
        error = error_of_shift(
            held_out.variation, test_figure.variation, patients, folds if folds > 1 else 0
        )
        if not error > 0:
            continue
        value, bound = reached - out_of_fold, np.inf if run.task.predicted.lower_is_better else 1.0
        # Few events of one side tell the variance badly.
        degrees = min(held_out.variation.degrees, test_figure.variation.degrees)
        reach = float(t_quantile(UPPER, degrees)) * error
        low, high = max(-bound, value - reach), min(bound, value + reach)
        difference = Estimate(value, low, high, "variances of the two sides added")
        p = t_p_value(value / error, degrees)
        sides = out_of_fold, reached
        rows += _of_sides(SHIFTS, run.task.predicted.primary, difference, p, sides, model.name)
    return correct(rows)


def _of_sides(
    analysis: str,
    figure: str,
    difference: Estimate,
    p: float | None,
    sides: tuple[float, float],
    model: str = "",
) -> list[FigureRow]:
    """Return the rows of a difference, of what test cases reach and of what development ones do."""
    row = partial(make_row, analysis=analysis, figure=figure, model=model)
    development, test = map(Estimate, sides)
    return [
        row(difference, versus=DEVELOPMENT, p=p),
        row(test),
        row(development, group=DEVELOPMENT),
    ]


def compare_sides(setting: EvaluationSet, least: int) -> FigureTable:
    """Tell test cases from development cases, and say what differs; see `compare_cases`.

    Args:
        least: Patients that must share a text for it to be named.

    Returns:
        Rows; none under `cv`, or with fewer than ten patients on a side.
    """
    traits, site = setting.traits, setting.site
    if traits is None or setting.task.design == "cv":
        return FigureTable()
    # The column of the sites tells the two sides apart by design.
    if site is not None:
        traits = replace(traits, known=traits.known.drop(columns=site.name, errors="ignore"))
    sides = (setting.development, setting.cases)
    apart = int(setting.development.patient.max()) + 1
    # Both sides as one table, no patient number in common.
    case_id, label = (
        np.concatenate([getattr(side, name) for side in sides]) for name in ("case_id", "label")
    )
    patient = np.concatenate([sides[0].patient, sides[1].patient + apart])
    tested = np.repeat([False, True], [len(side) for side in sides])
    classes, positive = setting.cases.classes, setting.cases.positive
    if setting.task.predicted.labels_group_values:  # whose groups each cohort may have cut anew
        value = np.concatenate([side.value for side in sides])
        outcome = [_number_trait(NUMBERS, setting.task.predicted.words, value, tested, patient)]
    else:
        # Of two classes, the share of the condition looked for says all.
        compared = (
            [positive] if positive is not None else range(len(classes)) if len(classes) > 1 else ()
        )
        outcome = [
            share_trait(f"share of {classes[k]}", label == k, tested, patient) for k in compared
        ]
    return compare_cases(traits, case_id, tested, patient, setting.seed, outcome, least)


def compare_cases(
    traits: CaseTraits,
    case_id: Texts,
    tested: Flags,
    patient: Whole,
    seed: int,
    shares: Sequence[list[FigureRow]],
    least: int,
) -> FigureTable:
    """Tell the tested cases from the others, and say what differs.

    The classifier is a linear discriminant with Ledoit and Wolf's shrinkage on the features' normal
    scores, in folds by patient; it sees no label of the task. Its interval is widened for the
    overlap of the training sets. All p values of features and of what is known are corrected
    together.

    Args:
        shares: Shares of the classes, or the number, where labels of both sides are known.
        least: Patients that must share a text for it to be named.

    Returns:
        Rows; none with fewer than ten patients on a side.
    """
    # Too few patients on a side say nothing.
    if min(len(np.unique(patient[side])) for side in (tested, ~tested)) < _MIN_PATIENTS:
        return FigureTable()
    case_traits = [*shares, *_known_traits(_rows(traits.known, case_id), tested, patient, least)]
    measured = np.isin(case_id, traits.features["case_id"].to_numpy(dtype=str))
    # Features that vary among the cases at hand; sites are known of a case, not measured in it.
    table = _rows(traits.features, case_id[measured])
    table = table.fillna(table.median())  # a gap says nothing of either side
    values_of = {str(name): table[name].to_numpy(dtype=np.float64) for name in table.columns}
    columns = {
        name: values
        for name, values in values_of.items()
        if len(values) and np.ptp(values) > 0 and not name.startswith(SITE_PREFIX)
    }
    mine, theirs = tested[measured], patient[measured]
    numbers = [
        _number_trait(FEATURES, name, values, mine, theirs) for name, values in columns.items()
    ]
    # All traits are corrected together; of features the most different are named.
    rows = correct([row for trait in (*case_traits, *numbers) for row in trait])
    features = [row for row in rows if row.analysis == FEATURES]
    differing = [row for row in features if row.versus and is_beyond_chance(row.p_holm)]
    differing.sort(key=lambda difference: -abs((difference.value or 0.0) - 0.5))
    named = [difference.figure for difference in differing[:_NAMED_FEATURES]]
    make = partial(make_row, analysis=DOMAIN)
    return FigureTable(
        (
            make(_domain_auc(columns, mine, theirs, seed), figure="roc_auc"),
            make(len(numbers), figure="features"),
            make(len(differing), figure="differing_features"),
            *(row for row in rows if row.analysis != FEATURES),
            *(row for name in named for row in features if row.figure == name),
        )
    )


def _rows(table: pd.DataFrame, case_id: Texts) -> pd.DataFrame:
    """Line a table up with cases, without its id; gaps where the table lacks a case."""
    return table.set_index("case_id").reindex(case_id.tolist())


def _domain_auc(
    columns: Mapping[str, Floats],
    tested: Flags,
    patient: Whole,
    seed: int,
) -> Estimate:
    if not columns:
        return Estimate(None, reason="no feature that varies")
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # Ranks as normal scores, so that no outlier rules.
    values = np.column_stack(list(columns.values()))
    normal = ndtri(pd.DataFrame(values).rank().to_numpy() / (len(values) + 1))
    # Folds by patient, each side dealt out on its own.
    fold = np.empty(len(patient), dtype=np.int64)
    for side in (tested, ~tested):
        whose = np.unique(patient[side], return_inverse=True)[1]
        dealt = stream(seed, "sides", "folds").permutation(int(whose.max()) + 1) % _FOLDS
        fold[side] = dealt[whose]
    # Each fold is scored by a rule that learned from the others.
    score = np.empty(len(values))
    for k in range(_FOLDS):
        training, held_out = fold != k, fold == k
        rule = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
        rule.fit(normal[training], tested[training])
        score[held_out] = rule.decision_function(normal[held_out])
    return auc_of_scores(score[None], tested, patient, _FOLDS, fold[None]).estimate()


def _known_traits(
    table: pd.DataFrame, tested: Flags, patient: Whole, least: int
) -> Iterator[list[FigureRow]]:
    """Yield numbers as they are, and of texts the share of each of the most common values.

    A text that fewer patients than `least` share is passed over: it could tell who they are.
    """
    for name in table.columns:
        column, is_present = table[name], table[name].notna().to_numpy()
        sides, whose = tested[is_present], patient[is_present]
        if column.nunique() < 2 or sides.all() or not sides.any():
            continue
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            yield _number_trait(
                NUMBERS, str(name), column.to_numpy(dtype=np.float64)[is_present], sides, whose
            )
            continue
        values = column.value_counts().index
        for value in values[: 1 if len(values) == 2 else _CATEGORIES]:
            has_value = (column == value).to_numpy(dtype=bool)[is_present]
            if len(np.unique(whose[has_value])) < least:
                continue
            yield share_trait(f"share of {name} {value}", has_value, sides, whose)


def _number_trait(
    analysis: str, name: str, values: Floats, tested: Flags, patient: Whole
) -> list[FigureRow]:
    """Compare a number: how often a test case has the larger one, ties half.

    By the placements of patients (DeLong), as a patient's cases go together. Where the two sides do
    not overlap the variance is 0, and the p value is that of so extreme an order: 2 · ½ᵐ for the m
    patients of the smaller side.

    Args:
        values: (n,) of both sides; gaps were left out.
        tested: (n,) which cases are of the test set.
        patient: (n,).
    """
    whose = np.unique(patient, return_inverse=True)[1].astype(np.int64)
    separation = auc_of_scores(values[None], tested, whose)
    estimate = separation.estimate()
    variance = separation.variation.variance
    if variance > 0:
        p = separation.variation.p(separation.value - 0.5)
    else:  # the two sides do not overlap: any order of the patients was as likely
        p = (
            2 * 0.5 ** min(separation.fewest_patients, 1_000)
            if separation.value in (0.0, 1.0)
            else 1.0
        )
    before, now = (float(np.median(values[side])) for side in (~tested, tested))
    return _of_sides(analysis, name, estimate, 1.0 if p is None else p, (before, now))


def share_trait(name: str, has_trait: Flags, tested: Flags, patient: Whole) -> list[FigureRow]:
    """Compare a share: test minus development, by Newcombe's interval on effective patients.

    (Newcombe 1998, *Statistics in Medicine* 17:873, method 10; p by the pooled share, Student's.)
    """
    success = has_trait.astype(np.float64)
    # The share on each side, and its size in effective patients.
    shares, sizes, patients = [], [], []
    for side in (~tested, tested):
        whose = np.unique(patient[side], return_inverse=True)[1].astype(np.int64)
        shares.append(float(success[side].mean()))
        sizes.append(share(success[side][None], whose).effective_sample_size)
        patients.append(effective_patients(whose))
    intervals = [
        wilson_interval(*share_and_size) for share_and_size in zip(shares, sizes, strict=True)
    ]
    value = shares[1] - shares[0]
    below, above = join_intervals(shares[1], shares[0], intervals[1], intervals[0])
    estimate = Estimate(value, value - below, value + above, "Newcombe, by patient")
    # The p value: pooled share under no difference.
    pooled = float(np.average(shares, weights=sizes))
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1])))
    degrees = max(1.0, min(patients) - 1)
    p = t_p_value(value / error, degrees) if error > 0 else 1.0
    return _of_sides(SHARES, name, estimate, p, (shares[0], shares[1]))
