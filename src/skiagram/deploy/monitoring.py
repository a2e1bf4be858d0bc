"""A model in use: whether new cases are like those in training, and whether its scores still hold.

Drift is told by the fingerprint in the model's folder alone. Where labels arrive, discrimination
and calibration are estimated month by month, and a model can be calibrated anew.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from skiagram.calibration import (
    ScalingCalibration,
    conformal_limits,
    fit_platt,
    threshold_at_sensitivity,
)
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets.folder.csv_rows import Row as TableRow
from skiagram.deploy.inputs import NO_COVARIATES, CovariateTable, PreparedImages
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prediction import Row, score_cases
from skiagram.errors import DataError
from skiagram.evaluation.calibration_assessment import (
    calibration_intercept,
    calibration_slope,
    expected_to_observed,
)
from skiagram.models.deployment import (
    DEPLOYMENT,
    FINGERPRINT,
    LEVELS,
    Decision,
    Deployment,
    Fingerprint,
    write_checksums,
)
from skiagram.records import read_record, write_record
from skiagram.seeding import stream
from skiagram.statistics.delong import auc_estimate, placements
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.statistics.significance import correct_by_holm

Floats = NDArray[np.float64]
ALL = "all"
LEAST_PATIENTS = 20  # of each class, to calibrate anew
_MONTH = re.compile(r"(\d{4})-(\d{2})(?:-\d{2})?")
_FOLDS = 5
_SHOWN = 10


@dataclass(frozen=True)
class Seen:
    """New cases as the model saw them.

    Attributes:
        rows: What became of each case, those that could not be scored too.
        names: The n cases that were scored.
        probability: (n, n_classes).
        scores: (repeats, n, n_classes) raw scores.
        features: Feature → (n,) its values.
        distance: (n,) from the training cases; NaN where that is unknown.
    """

    rows: tuple[Row, ...]
    names: tuple[str, ...]
    probability: Floats
    scores: Floats
    features: Mapping[str, Floats]
    distance: Floats


def look_at(
    model: DeployedModel,
    cases: Sequence[NewCase],
    covariates: CovariateTable = NO_COVARIATES,
    compute: Compute = IN_PROCESS,
) -> Seen:
    """Score new cases and keep what monitoring needs of them.

    Args:
        model: The model.
        cases: The cases.
        covariates: What the model reads besides the images.
        compute: Where the work is done.

    Raises:
        DataError: None of the cases can be scored.
    """
    rows_of: dict[str, tuple[list[float], list[Floats], float]] = {}
    fingerprint, familiarity = model.fingerprint, model.scorer.familiarity
    columns = () if fingerprint is None else tuple(fingerprint.features)

    def watch(names: Sequence[str], images: PreparedImages) -> None:
        space = model.scorer.space(images)
        values = space.columns([name for name in columns if name in space.names]).values
        distance = np.full(len(names), np.nan)
        if familiarity is not None:
            distance = familiarity.distances(space)
        for row, name in enumerate(names):
            raw = [scores[row] for scores in images.scores]
            rows_of[name] = (values[row].tolist(), raw, float(distance[row]))

    rows = tuple(score_cases(model, cases, covariates, compute, watch=watch))
    scored = [row for row in rows if not row.error]
    if not scored:
        raise DataError("none of the cases can be scored", where=rows[0].error if rows else "")
    names = tuple(row.file for row in scored)
    values = np.array([rows_of[name][0] for name in names], dtype=np.float64)
    return Seen(
        rows,
        names,
        np.array([row.probability for row in scored]),
        np.array([rows_of[name][1] for name in names]).swapaxes(0, 1),
        {name: values[:, k] for k, name in enumerate(columns) if k < values.shape[1]},
        np.array([rows_of[name][2] for name in names]),
    )


@dataclass(frozen=True)
class Drift:
    """How a number differs between new cases and those in training.

    Attributes:
        name: Feature, or `probability of <class>`.
        larger: Probability that a new case has the larger value; .5 where they are alike.
        p: Two-sided p value of no difference.
        p_holm: The same, corrected over all numbers.
    """

    name: str
    larger: Estimate
    p: float
    p_holm: float = 1.0


@dataclass(frozen=True)
class Labels:
    """What was found out about new cases later.

    Attributes:
        label: Case → index of its class.
        patient: Case → patient.
        month: Case → `YYYY-MM`; empty where no date is known.
    """

    label: Mapping[str, int]
    patient: Mapping[str, str]
    month: Mapping[str, str]

    @classmethod
    def read(cls, rows: Sequence[TableRow], classes: Sequence[str]) -> "Labels":
        """Read a table with the columns `file`, `label`, and perhaps `patient_id` and `date`.

        Raises:
            DataError: A column is missing, a label is no class, or a date no day or month.
        """
        label, patient, month = {}, {}, {}
        for row in rows:
            cells = row.cells
            missing = [name for name in ("file", "label") if not cells.get(name)]
            if missing:
                raise DataError(f"no `{missing[0]}`", where=row.where, allowed="file and label")
            if cells["label"] not in classes:
                raise DataError(
                    f"label `{cells['label']}`", where=row.where, allowed=", ".join(classes)
                )
            date = _MONTH.fullmatch(cells.get("date", "") or "0000-00")
            if date is None:
                raise DataError(
                    f"date `{cells['date']}`", where=row.where, allowed="2026-05 or 2026-05-31"
                )
            name = cells["file"]
            if name in label:
                raise DataError(
                    f"a second row of `{name}`",
                    where=row.where,
                    allowed="one row per file",
                    remedy="keep the row with the right label",
                )
            label[name] = list(classes).index(cells["label"])
            patient[name] = cells.get("patient_id") or name
            month[name] = f"{date[1]}-{date[2]}" if cells.get("date") else ""
        return cls(label, patient, month)


NO_LABELS = Labels({}, {}, {})


@dataclass(frozen=True)
class Month:
    """What labels say of the scores of a month.

    Attributes:
        name: `YYYY-MM`, or `all`.
        patients: Patients of all labelled cases.
        positives: Positive cases among them.
        cases: Labelled cases.
        auc: With its interval by patient.
        intercept: Calibration in the large, log-odds; 0 is perfect.
        slope: Of the true log-odds on the predicted ones; 1 is perfect.
        expected_to_observed: Expected over observed positives; 1 is perfect.
    """

    name: str
    patients: int
    positives: int
    cases: int
    auc: Estimate
    intercept: Estimate
    slope: Estimate
    expected_to_observed: Estimate


@dataclass(frozen=True)
class MonitorReport:
    """What monitoring found.

    Attributes:
        cases: New cases.
        refused: Those that could not be scored.
        unlike: Share unlike the training data, of those scored.
        referred: Share to be referred to a person.
        drifts: Of the scores first, then of the features that differ most.
        differing: Numbers that differ beyond chance, after correction.
        compared: Numbers that were compared.
        months: Overall and month by month; empty without labels.
        label_next: Cases most worth labelling, the first one first.
    """

    cases: int
    refused: int
    unlike: Estimate
    referred: Estimate
    drifts: tuple[Drift, ...]
    differing: int
    compared: int
    months: tuple[Month, ...] = ()
    label_next: tuple[str, ...] = ()


def monitor(
    model: DeployedModel, seen: Seen, labels: Labels = NO_LABELS, wanted: int = 0
) -> MonitorReport:
    """Compare new cases with the fingerprint and, where there are labels, scores with these.

    Args:
        model: The model.
        seen: New cases as it saw them.
        labels: What was found out about them later.
        wanted: How many cases to name that are most worth labelling.

    Raises:
        DataError: The model's folder holds no fingerprint.
    """
    if model.fingerprint is None:
        raise DataError("no fingerprint of the training data", remedy="train the model again")
    patients = [labels.patient.get(name, name) for name in seen.names]
    patient = np.unique(patients, return_inverse=True)[1].astype(np.int64)
    scored = [row for row in seen.rows if not row.error]
    drifts = find_drifts(model.fingerprint, seen, patient)
    of_scores = len(model.fingerprint.scores)
    features = sorted(drifts[of_scores:], key=lambda drift: (drift.p, drift.name))
    return MonitorReport(
        cases=len(seen.rows),
        refused=len(seen.rows) - len(scored),
        unlike=proportion(np.array([float(bool(row.unusual)) for row in scored]), patient),
        referred=proportion(np.array([float(bool(row.refer)) for row in scored]), patient),
        drifts=(*drifts[:of_scores], *features[:_SHOWN]),
        differing=sum(drift.p_holm < 0.05 for drift in drifts),
        compared=len(drifts),
        months=judge_months(model, seen, labels),
        label_next=choose_next(model, seen, labels, wanted),
    )


def find_drifts(fingerprint: Fingerprint, seen: Seen, patient: NDArray[np.int64]) -> list[Drift]:
    """Return how scores, then features, differ from those in training.

    A case's place among the training cases is read off the fingerprint's quantiles, straight lines
    between them. The mean place is the probability that a new case has the larger value; its
    variance is that over new patients plus that of as many uniform places as there were training
    patients.

    Args:
        fingerprint: What the training data were like.
        seen: New cases.
        patient: (n,) patients numbered from 0.
    """
    trained = sum(fingerprint.patients.values())
    of_class = list(fingerprint.scores.items())
    numbers = {
        f"probability of {name}": (seen.probability[:, k], quantiles)
        for k, (name, quantiles) in enumerate(of_class)
    }
    numbers |= {
        name: (values, fingerprint.features[name]) for name, values in seen.features.items()
    }
    drifts = []
    for name, (values, quantiles) in numbers.items():
        places = place_among(values, quantiles)
        mean = float(places.mean())
        sums = np.bincount(patient, weights=places - mean)
        new = len(sums)
        own = np.square(sums).sum() / len(values) ** 2 * new / max(new - 1, 1)
        deviation = math.sqrt(max(float(own), 1 / (12 * new)) + 1 / (12 * trained))
        low, high = (min(max(mean + side * 1.96 * deviation, 0.0), 1.0) for side in (-1, 1))
        p = float(2 * norm.sf(abs(mean - 0.5) / deviation))
        estimate = Estimate(mean, low, high, "normal, by patient")
        drifts.append(Drift(name, estimate, p))
    corrected = correct_by_holm(np.array([drift.p for drift in drifts])).tolist()
    return [replace(drift, p_holm=p) for drift, p in zip(drifts, corrected, strict=True)]


def place_among(values: Floats, quantiles: Sequence[float]) -> Floats:
    """Return (n,) the share of the training cases below each value, ties half.

    Args:
        values: (n,) of new cases.
        quantiles: Of the training cases, at `LEVELS`; equal ones are ties.
    """
    known, levels = np.array(quantiles), np.array(LEVELS)
    ends = (np.concatenate([[0.0], levels]), np.concatenate([levels, [1.0]]))
    below, above = np.searchsorted(known, values, "left"), np.searchsorted(known, values, "right")
    tied = (ends[0][below] + ends[1][above]) / 2
    between = np.interp(values, *_distinct(known, levels))
    inside = (values > known[0]) & (values < known[-1]) & (below == above)
    places: Floats = np.where(inside, between, tied)
    return places


def _distinct(known: Floats, levels: Floats) -> tuple[Floats, Floats]:
    value, place = np.unique(known, return_inverse=True)
    return value, np.bincount(place, weights=levels) / np.bincount(place)


def judge_months(model: DeployedModel, seen: Seen, labels: Labels) -> tuple[Month, ...]:
    """Return discrimination and calibration of the labelled cases, overall and by month."""
    positive = model.task.positive
    rows = [row for row, name in enumerate(seen.names) if name in labels.label]
    if not rows or positive is None:
        return ()
    names = [seen.names[row] for row in rows]
    months = np.array([labels.month[name] for name in names])
    truth = np.array([labels.label[name] == positive for name in names])
    patients = np.array([labels.patient[name] for name in names])
    probability = seen.probability[rows, positive]
    judged = [_judge(ALL, probability, truth, patients)]
    for name in sorted(set(months.tolist()) - {""}):
        own = months == name
        judged.append(_judge(name, probability[own], truth[own], patients[own]))
    return tuple(judged)


def _judge(
    name: str, probability: Floats, truth: NDArray[np.bool_], patients: NDArray[np.str_]
) -> Month:
    patient = np.unique(patients, return_inverse=True)[1].astype(np.int64)
    if truth.all() or not truth.any():
        auc = Estimate(None, reason="a class has no case")
    else:
        auc = auc_estimate(placements(probability[None], truth, patient))
    return Month(
        name,
        int(patient.max()) + 1,
        int(truth.sum()),
        len(truth),
        auc,
        calibration_intercept(probability[None], truth, patient),
        calibration_slope(probability[None], truth, patient),
        expected_to_observed(probability[None], truth, patient),
    )


def choose_next(model: DeployedModel, seen: Seen, labels: Labels, wanted: int) -> tuple[str, ...]:
    """Return the cases without a label that are most worth one, by doubt and by novelty.

    Doubt is the nearness of the probability to the threshold, with more classes the lead of the
    most probable one; novelty the distance from the training cases. Cases are ranked by both and
    taken by the mean rank.

    Args:
        model: The model.
        seen: New cases.
        labels: Cases that have a label already.
        wanted: How many.
    """
    rows = [row for row, name in enumerate(seen.names) if name not in labels.label]
    probability = seen.probability[rows]
    if model.threshold is not None and model.task.positive is not None:
        sure = np.abs(probability[:, model.task.positive] - model.threshold)
    else:
        ranked = np.sort(probability, axis=1)
        sure = ranked[:, -1] - ranked[:, -2]
    order = order_by_worth(sure, np.nan_to_num(seen.distance[rows]))
    return tuple(seen.names[rows[place]] for place in order[:wanted].tolist())


def order_by_worth(sure: Floats, far: Floats) -> NDArray[np.int64]:
    """Return (n,) the cases in the order of what a label of theirs is worth.

    Args:
        sure: (n,) how sure the model is of each.
        far: (n,) distance from the training cases.
    """
    return np.argsort(_ranks(sure) + _ranks(-far), kind="stable")


def _ranks(values: Floats) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def recalibrate(
    model: DeployedModel, seen: Seen, labels: Labels, folder: Path
) -> tuple[Month, Month]:
    """Write calibration, thresholds and set limits fit on new labelled cases into a model's folder.

    Each repeat's scores get a new slope and new intercepts (Platt). Thresholds and limits come
    from patients that the calibration did not see, five folds of them.

    Args:
        model: The model, loaded from that folder.
        seen: New cases.
        labels: Their labels.
        folder: The model's folder, which is changed.

    Returns:
        What labels say of the old probabilities, and of the new ones on unseen folds.

    Raises:
        DataError: A class has fewer than `LEAST_PATIENTS` labelled patients, or the model has more
            than two classes.
    """
    positive, fingerprint = model.task.positive, model.fingerprint
    rows = np.array([row for row, name in enumerate(seen.names) if name in labels.label], np.int64)
    names = [seen.names[row] for row in rows.tolist()]
    label = np.array([labels.label[name] for name in names], dtype=np.int64)
    patient = np.array([labels.patient[name] for name in names], dtype=str)
    counts = [len(set(patient[label == k].tolist())) for k in range(len(model.task.classes))]
    if positive is None or fingerprint is None or min(counts) < LEAST_PATIENTS:
        raise DataError(
            f"{min(counts)} labelled patients of a class"
            if positive is not None
            else f"{len(counts)} classes",
            where="--recalibrate",
            allowed=f"two classes, {LEAST_PATIENTS} labelled patients of each",
        )
    raw = seen.scores[:, rows]
    unseen = _cross_fitted(raw, label, patient)
    mean = unseen.mean(axis=0)
    sensitivity = model.deployment.sensitivity or 0.9
    decisions = tuple(
        Decision(
            fit_platt(raw[repeat], label),
            threshold_at_sensitivity(unseen[repeat][:, positive], label == positive, sensitivity),
        )
        for repeat in range(len(raw))
    )
    limits = conformal_limits(mean, label, patient, fingerprint.level)
    deployment = read_record(Deployment, folder / DEPLOYMENT)
    write_record(replace(deployment, decisions=decisions), folder / DEPLOYMENT)
    quantiles = np.quantile(mean, LEVELS, axis=0)
    changed = replace(
        read_record(Fingerprint, folder / FINGERPRINT),
        limits=tuple(float(limit) if np.isfinite(limit) else None for limit in limits),
        scores={name: tuple(quantiles[:, k].tolist()) for k, name in enumerate(model.task.classes)},
    )
    write_record(changed, folder / FINGERPRINT)
    write_checksums(folder)
    truth = label == positive
    before = _judge("before", seen.probability[rows, positive], truth, patient)
    return before, _judge("after", mean[:, positive], truth, patient)


def _cross_fitted(raw: Floats, label: NDArray[np.int64], patient: NDArray[np.str_]) -> Floats:
    """Return (repeats, n, n_classes) probabilities by calibrations that did not see the patient."""
    names = np.unique(patient)
    order = stream(0, "recalibration").permutation(len(names))
    probability = np.empty_like(raw)
    for part in np.array_split(names[order], _FOLDS):
        held_out = np.isin(patient, part)
        for repeat in range(len(raw)):
            fitted: ScalingCalibration = fit_platt(raw[repeat][~held_out], label[~held_out])
            probability[repeat][held_out] = fitted.probabilities(raw[repeat][held_out])
    return probability
