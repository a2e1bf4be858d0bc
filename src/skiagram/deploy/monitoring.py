"""A model in use: whether new cases are like those in training, and whether its scores still hold.

Drift is told by the fingerprint in the model's folder alone. Where labels arrive, discrimination
and calibration are estimated month by month, and a model can be calibrated anew.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from skiagram.calibration import (
    conformal_limits,
    cross_fit_platt,
    fit_platt,
    threshold_at_sensitivity,
)
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets.folder.csv_rows import TableRow
from skiagram.datasets.folder.labels import as_class
from skiagram.deploy.inputs import NO_COVARIATES, CovariateTable
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prediction import CaseResult, score_cases
from skiagram.deploy.prepared_cases import PreparedCases
from skiagram.errors import DataError
from skiagram.evaluation.calibration_assessment import (
    calibration_intercept,
    calibration_slope,
    expected_to_observed,
)
from skiagram.evaluation.criteria import is_beyond_chance
from skiagram.models.deployment import (
    DEPLOYMENT,
    FINGERPRINT,
    LEVELS,
    Decision,
    Deployment,
    Fingerprint,
    write_checksums,
)
from skiagram.records.files import read_record, write_record
from skiagram.statistics.delong import auc_estimate, placements
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.statistics.significance import correct_by_holm

Floats = NDArray[np.float64]
ALL = "all"
MIN_PATIENTS = 20  # of each class, to calibrate anew
_MONTH = re.compile(r"(\d{4})-(\d{2})(?:-\d{2})?")
_SHOWN = 10


@dataclass(frozen=True)
class Seen:
    """New cases as the model saw them.

    Attributes:
        probability: (n, n_classes).
        scores: (repeats, n, n_classes) raw scores.
    """

    results: tuple[CaseResult, ...]
    names: tuple[str, ...]
    probability: Floats
    scores: Floats
    features: Mapping[str, Floats]


def look_at(
    model: DeployedModel,
    cases: Sequence[NewCase],
    covariates: CovariateTable = NO_COVARIATES,
    compute: Compute = IN_PROCESS,
) -> Seen:
    """Score new cases and keep what monitoring needs of them."""
    columns = () if model.fingerprint is None else tuple(model.fingerprint.features)
    raw: dict[str, tuple[list[float], list[Floats]]] = {}  # features, scores of each repeat

    def watch(names: Sequence[str], cases: PreparedCases) -> None:
        space = model.scorer.space(cases)
        values = space.columns([name for name in columns if name in space.names]).values
        for row, name in enumerate(names):
            raw[name] = (values[row].tolist(), [scores[row] for scores in cases.scores])

    results = tuple(score_cases(model, cases, covariates, compute, watch=watch))
    scored = [result for result in results if not result.error]
    if not scored:
        where = results[0].error if results else ""
        raise DataError("none of the cases can be scored", where=where)
    names = tuple(result.file for result in scored)
    values = np.array([raw[name][0] for name in names], dtype=np.float64)
    return Seen(
        results,
        names,
        np.array([result.probability for result in scored]),
        np.array([raw[name][1] for name in names]).swapaxes(0, 1),
        {name: values[:, k] for k, name in enumerate(columns) if k < values.shape[1]},
    )


@dataclass(frozen=True)
class Drift:
    """The probability that a new case has the `larger` value of a feature or class probability."""

    name: str
    larger: Estimate
    p: float
    p_holm: float = 1.0


@dataclass(frozen=True)
class Labels:
    """What was found out about new cases later; a month is `YYYY-MM`, empty where not known."""

    label: dict[str, int] = field(default_factory=dict)
    patient: dict[str, str] = field(default_factory=dict)
    month: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, rows: Sequence[TableRow], classes: Sequence[str]) -> "Labels":
        """Read a table with the columns `file`, `label`, and perhaps `patient_id` and `date`."""
        labels = cls()
        for row in rows:
            name, label, date = (row.cells.get(cell, "") for cell in ("file", "label", "date"))
            label = as_class(label, classes)
            month = _MONTH.fullmatch(date)
            rules = {
                "no `file`": not name,
                "no `label`": not label,
                f"label `{label}`": label not in classes,
                f"date `{date}`": bool(date) and month is None,
                f"a second row of `{name}`": name in labels.label,
            }
            for fault, broken in rules.items():
                if broken:
                    kinds = f"labels {', '.join(classes)}, dates as 2026-05 or 2026-05-31"
                    raise DataError(fault, where=row.where, allowed=f"one row per file, {kinds}")
            labels.label[name] = list(classes).index(label)
            labels.patient[name] = row.cells.get("patient_id") or name
            labels.month[name] = "" if month is None else f"{month[1]}-{month[2]}"
        return labels

    def require_cases(self, names: Collection[str]) -> None:
        """Refuse labels of which none is of a case that was scored.

        Raises:
            DataError: There are labels, and no name is that of a case.
        """
        if self.label and not self.label.keys() & {*names}:
            first, case = next(iter(self.label)), min(names)
            raise DataError(
                f"none of {len(self.label)} labels is of a case that was scored: the first is of "
                f"`{first}`, cases are called as `{case}`",
                where="--labels",
                allowed="names in the column `file` as `skiagram predict` writes them",
                remedy="correct the column `file` of the labels",
            )


NO_LABELS = Labels()


@dataclass(frozen=True)
class Month:
    """What labels say of the scores of a month.

    Attributes:
        name: `YYYY-MM`, or `all`.
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
    """What monitoring found; drifts of the scores come first, then of features that differ most."""

    cases: int
    refused: int
    unlike: Estimate
    referred: Estimate
    drifts: tuple[Drift, ...]
    differing: int
    compared: int
    months: tuple[Month, ...] = ()


def monitor(model: DeployedModel, seen: Seen, labels: Labels = NO_LABELS) -> MonitorReport:
    """Compare new cases with the fingerprint and, where there are labels, scores with these."""
    if model.fingerprint is None:
        raise DataError("no fingerprint of the training data", remedy="train the model again")
    labels.require_cases(seen.names)
    patient = _numbered([labels.patient.get(name, name) for name in seen.names])
    scored = [result for result in seen.results if not result.error]
    drifts = find_drifts(model.fingerprint, seen, patient)
    of_scores = len(model.fingerprint.scores)
    features = sorted(drifts[of_scores:], key=lambda drift: (drift.p, drift.name))
    return MonitorReport(
        cases=len(seen.results),
        refused=len(seen.results) - len(scored),
        unlike=proportion(np.array([float(bool(case.unusual)) for case in scored]), patient),
        referred=proportion(np.array([float(bool(case.refer)) for case in scored]), patient),
        drifts=(*drifts[:of_scores], *features[:_SHOWN]),
        differing=sum(is_beyond_chance(drift.p_holm) for drift in drifts),
        compared=len(drifts),
        months=judge_months(model, seen, labels),
    )


def _numbered(patients: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(patients, return_inverse=True)[1].astype(np.int64)


def find_drifts(fingerprint: Fingerprint, seen: Seen, patient: NDArray[np.int64]) -> list[Drift]:
    """Return how scores, then features, differ from those in training.

    A case's place among the training cases is read off the fingerprint's quantiles, straight lines
    between them. The mean place is the probability that a new case has the larger value; its
    variance is that over new patients, numbered from 0, plus that of as many uniform places as
    there were training patients.
    """
    trained = sum(fingerprint.patients.values())
    numbers = {
        f"probability of {name}": (seen.probability[:, k], quantiles)
        for k, (name, quantiles) in enumerate(fingerprint.scores.items())
    }
    numbers |= {
        name: (values, fingerprint.features[name]) for name, values in seen.features.items()
    }
    drifts = []
    for name, (every, quantiles) in numbers.items():
        measured = np.isfinite(every)  # a table of features may have gaps
        if not measured.any():
            continue
        values, whose = every[measured], np.unique(patient[measured], return_inverse=True)[1]
        places = place_among(values, quantiles)
        mean = float(places.mean())
        sums = np.bincount(whose, weights=places - mean)
        new = len(sums)
        variance = np.square(sums).sum() / len(values) ** 2 * new / max(new - 1, 1)
        deviation = math.sqrt(max(float(variance), 1 / (12 * new)) + 1 / (12 * trained))
        low, high = (min(max(mean + side * 1.96 * deviation, 0.0), 1.0) for side in (-1, 1))
        p = float(2 * ndtr(-abs(mean - 0.5) / deviation))
        drifts.append(Drift(name, Estimate(mean, low, high, "normal, by patient"), p))
    corrected = correct_by_holm(drift.p for drift in drifts)
    return [replace(drift, p_holm=p) for drift, p in zip(drifts, corrected, strict=True)]


def place_among(values: Floats, quantiles: Sequence[float]) -> Floats:
    """Return (n,) the share of the training cases below each value, ties half.

    Equal ones of the training cases' quantiles at `LEVELS` are ties.
    """
    known, levels = np.array(quantiles), np.array(LEVELS)
    ends = (np.concatenate([[0.0], levels]), np.concatenate([levels, [1.0]]))
    below, above = np.searchsorted(known, values, "left"), np.searchsorted(known, values, "right")
    tied = (ends[0][below] + ends[1][above]) / 2
    distinct, place = np.unique(known, return_inverse=True)
    middle = np.bincount(place, weights=levels) / np.bincount(place)
    inside = (values > known[0]) & (values < known[-1]) & (below == above)
    places: Floats = np.where(inside, np.interp(values, distinct, middle), tied)
    return places


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
        in_month = months == name
        judged.append(_judge(name, probability[in_month], truth[in_month], patients[in_month]))
    return tuple(judged)


def _judge(
    name: str, probability: Floats, truth: NDArray[np.bool_], patients: NDArray[np.str_]
) -> Month:
    patient = _numbered(patients.tolist())
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


def recalibrate(
    model: DeployedModel, seen: Seen, labels: Labels, folder: Path
) -> tuple[Month, Month]:
    """Write calibration, thresholds and set limits fit on new labelled cases into a model's folder.

    Each repeat's scores get a new slope and new intercepts (Platt). Thresholds and limits come from
    patients that the calibration did not see, five folds of them. Returns what labels say of the
    old probabilities, and of the new ones on unseen folds.
    """
    positive, fingerprint = model.task.positive, model.fingerprint
    rows = np.array([row for row, name in enumerate(seen.names) if name in labels.label], np.int64)
    names = [seen.names[row] for row in rows.tolist()]
    label = np.array([labels.label[name] for name in names], dtype=np.int64)
    patient = np.array([labels.patient[name] for name in names], dtype=str)
    counts = [len(set(patient[label == k].tolist())) for k in range(len(model.task.classes))]
    if positive is None or fingerprint is None or min(counts) < MIN_PATIENTS:
        fault = f"{len(counts)} classes, {min(counts)} labelled patients of one"
        allowed = f"two classes, {MIN_PATIENTS} labelled patients of each"
        raise DataError(fault, where="--recalibrate", allowed=allowed)
    raw = seen.scores[:, rows]
    unseen = cross_fit_platt(raw, label, patient)
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
