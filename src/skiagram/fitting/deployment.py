"""What a trained model's folder says of itself, so that new cases can be scored with it alone.

Beside how to score there is a fingerprint of the training data: sums over many patients, never a
figure of a single one, because a model's folder is given away.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skiagram.arrays import Floats, Texts
from skiagram.calibration import (
    Calibration,
    threshold_at_sensitivity,
)
from skiagram.compute.files import sha256_of
from skiagram.errors import DataError, refusal
from skiagram.fitting.contract import Arm
from skiagram.preparation import Covariate, propagate_preparation
from skiagram.records.feature_table import FeatureTable, has_prefix, is_perturbed
from skiagram.records.files import read_record, write_record
from skiagram.records.predictions import Predictions
from skiagram.seeding import stream
from skiagram.tasks.cases import Cases
from skiagram.tasks.class_calibration import Positive, Probability
from skiagram.tasks.outcome import Finite
from skiagram.tasks.task import Task

DEPLOYMENT = "deployment.json"
CHECKSUMS = "checksums.json"
FINGERPRINT = "fingerprint.json"
_NOVELTY_FOLDS = 5
_CASES_PER_AXIS = 5
_BESIDE = ("covariates", "earlier", "site")  # families that no single image holds


@dataclass(frozen=True)
class Decision:
    """Calibration and threshold (of two classes) of one repeat's final fit."""

    calibration: Calibration
    threshold: Probability | None


@dataclass(frozen=True)
class Deployment:
    """What is needed to score new cases besides their preparation and the fitted files.

    Attributes:
        arm: `classical`, `encoder`, `deep`, `combined` or `reader`.
        sensitivity: Share of the positive cases that the thresholds were set to find on out-of-fold
            scores; None with more than two classes.
        decisions: One per repeat; the fitted model of repeat k stands in the folder `repeat<k>`.
    """

    model: str
    arm: Arm
    title: str
    options: dict[str, Any]
    task: Task
    sensitivity: Probability | None
    decisions: tuple[Decision, ...]

    @property
    def reads_encoding(self) -> bool:
        """Whether the record of an encoder stands beside the model's own options."""
        return "_target_" not in self.options

    @property
    def model_options(self) -> dict[str, Any]:
        """Find `_target_` and options of the model itself."""
        # An encoder's arm keeps the options of the model behind it under `head`.
        if not self.reads_encoding:
            return self.options
        head = self.options.get("head")
        if not isinstance(head, dict):
            raise refusal("fitting.no_class", DEPLOYMENT)
        return head

    @property
    def threshold(self) -> float | None:
        """Average the thresholds of all repeats; None with more than two classes."""
        thresholds = [
            decision.threshold for decision in self.decisions if decision.threshold is not None
        ]
        return float(np.mean(thresholds)) if thresholds else None


def repeat_folder(repeat: int) -> str:
    """Name the folder that holds the fitted model of one repeat, counted from 0."""
    return f"repeat{repeat}"


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every file of a finished model's folder into it.

    Args:
        folder: Of the model, to which nothing is added any more.
    """
    (folder / CHECKSUMS).write_text(
        json.dumps(_checksums(folder), indent=1) + "\n", encoding="utf-8"
    )


def verify_checksums(folder: Path) -> str:
    """Refuse a model's folder whose files are not those that training left.

    They guard against damage and mistakes, not against somebody who writes new checksums too. A
    folder without checksums is one of an earlier version, and passes.

    Returns:
        One SHA-256 over names and content of all files.

    Raises:
        DataError: A file is altered, missing or not of training, or the checksums are damaged.
    """
    # A folder of an earlier version has no list: its own digest stands for it.
    path = folder / CHECKSUMS
    checksums = _checksums(folder)
    if not path.exists():
        return _digest(checksums)
    # A list that cannot be read is as bad as a file that differs.
    remedy = "copy the whole folder models/NAME of a finished run again"
    try:
        written = json.loads(path.read_bytes())
        items = dict(written).items()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise refusal("fitting.damaged_file", str(path), remedy=remedy) from error
    # Files that are missing, added or altered.
    for kind, names in {
        "is missing": [name for name, _ in items if name not in checksums],
        "was not written by training": [name for name in checksums if name not in dict(items)],
        "is altered: its checksum is another": [
            name for name, checksum in items if checksums.get(name) != checksum
        ],
    }.items():
        if names:
            raise DataError(kind, where=str(folder / names[0]), remedy=remedy)
    return _digest(checksums)


def _digest(checksums: dict[str, str]) -> str:
    """Compute one SHA-256 of names and checksums, in the lines that `sha256sum` prints."""
    lines = (f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _checksums(folder: Path) -> dict[str, str]:
    """Compute name → SHA-256 of the files below a folder; hidden ones are the system's.

    Names have forward slashes on every system, and the list of checksums is no part of itself.
    """
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path != folder / CHECKSUMS
    }


@dataclass(frozen=True)
class Familiarity:
    """How far a case may lie from the training cases in the space of their features.

    Features are centred and scaled, each is cut at 10 deviations, and the distance is that of
    probabilistic principal components: along each axis in units of its deviation, and off the axes
    in units of what training cases have there (Tipping & Bishop, J. R. Stat. Soc. B 61(3), 1999).

    Attributes:
        centre: (d,) medians.
        scale: (d,) deviations, > 0.
        axes: (k, d) orthonormal.
        variances: (k,) of the training cases along each axis, > 0.
        rest: Variance of the training cases along each direction off the axes, > 0.
        limit: Distance that 99 % of held-out training patients do not exceed; of fewer than 100
            patients, none of them.
    """

    names: tuple[str, ...]
    centre: tuple[Finite, ...]
    scale: tuple[Positive, ...]
    axes: tuple[tuple[Finite, ...], ...]
    variances: tuple[Positive, ...]
    rest: Positive
    limit: Finite

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit one another, of a record that was changed by hand."""
        sizes = {len(self.names), len(self.centre), len(self.scale), *map(len, self.axes)}
        if len(sizes) > 1 or len(self.axes) != len(self.variances) or self.rest <= 0:
            raise ValueError("sizes do not fit")

    def distances(self, table: FeatureTable) -> Floats:
        """Compute root mean square distances, about 1 for cases like those in training.

        Args:
            table: New cases; its columns are found by name.

        Returns:
            (n,) ≥ 0; above `limit` a case is unlike all training cases.
        """
        # Pythagoras: what of a case's squared length no axis explains lies off them.
        units = self._units(table)
        along = units @ np.array(self.axes).reshape(len(self.variances), -1).T
        off = np.maximum(np.square(units).sum(axis=1) - np.square(along).sum(axis=1), 0)
        squared = (np.square(along) / np.array(self.variances)).sum(axis=1) + off / self.rest
        distance: Floats = np.sqrt(squared / len(self.names))
        return distance

    def most_unlike(self, table: FeatureTable) -> list[str]:
        """Find the feature of each case that lies the most deviations from its median.

        Args:
            table: New cases.

        Returns:
            A sentence a case, for the terminal and the table of scores.
        """
        units = np.abs(self._units(table))
        return [
            f"{self.names[column]} {units[row, column]:.0f} deviations from its median"
            for row, column in enumerate(units.argmax(axis=1).tolist())
        ]

    def _units(self, table: FeatureTable) -> Floats:
        """Centre and scale (n, d) features, cut at 10 deviations: one must not say it all."""
        values = table.columns(self.names).values.astype(np.float64)
        units: Floats = np.clip((values - np.array(self.centre)) / np.array(self.scale), -10, 10)
        return np.nan_to_num(units)  # a missing covariate is at the median

    @classmethod
    def of(cls, table: FeatureTable, patient: Texts) -> "Familiarity | None":
        """Learn the space and its limit; None where too few cases or features vary.

        Args:
            table: (n, features) of the training cases; NaN is a gap.
            patient: (n,) patients, who are held out whole to find the limit.
        """
        # Folds of whole patients; the space itself is that of all cases.
        patients = np.unique(patient)
        order = stream(0, "familiarity").permutation(len(patients))
        parts = np.array_split(patients[order], min(_NOVELTY_FOLDS, len(patients)))
        folds = [np.isin(patient, part) for part in parts]
        # The space of all training cases; where it cannot be made there is none.
        whole = cls._fit(table)
        if whole is None or len(folds) < _NOVELTY_FOLDS:
            return None
        # How far the furthest case of each patient lies from the other folds.
        far: dict[str, float] = {}
        for held_out in folds:
            part = cls._fit(table.select(np.flatnonzero(~held_out)))
            if part is None:
                return None
            distances = part.distances(table.select(np.flatnonzero(held_out)))
            for name, distance in zip(patient[held_out].tolist(), distances.tolist(), strict=True):
                far[name] = max(distance, far.get(name, 0.0))
        # 99 % of the held-out training patients count as familiar.
        limit = float(np.quantile(sorted(far.values()), 0.99, method="higher"))
        return replace(whole, limit=limit)

    @classmethod
    def _fit(cls, table: FeatureTable) -> "Familiarity | None":
        """Learn the space of some cases, without a limit; None of fewer than ten cases."""
        # Columns without any value are left out.
        values = table.values.astype(np.float64)
        measured = np.flatnonzero(np.isfinite(values).any(axis=0))  # an empty one tells nothing
        table = table.columns([table.names[column] for column in measured.tolist()])
        values = values[:, measured]
        # Features that vary, centred and scaled.
        centre = np.nan_to_num(np.nanmedian(values, axis=0))
        scale = np.nan_to_num(np.nanstd(values, axis=0))
        varies = scale > 1e-9 * np.maximum(np.abs(centre), 1e-12)
        names = tuple(
            name for name, does_vary in zip(table.names, varies, strict=True) if does_vary
        )
        if len(values) < 2 * _CASES_PER_AXIS or not names:
            return None
        units = np.nan_to_num(np.clip((values - centre)[:, varies] / scale[varies], -10, 10))
        # Principal axes, as many as the cases can tell; what lies off them has one variance.
        _, singular, axes = np.linalg.svd(units, full_matrices=False)
        variances = np.square(singular) / len(units)
        axis_count = min(30, len(units) // _CASES_PER_AXIS, len(names))
        axis_count = min(axis_count, int((variances > 1e-9 * variances[0]).sum()))
        rest = float(variances[axis_count:].sum()) / max(len(names) - axis_count, 1)
        rest = max(rest, 1e-3 * float(variances[axis_count - 1]))
        # The limit is set from outside, by held-out cases.
        return cls(
            names,
            tuple(centre[varies].tolist()),
            tuple(scale[varies].tolist()),
            tuple(tuple(axis) for axis in axes[:axis_count].tolist()),
            tuple(variances[:axis_count].tolist()),
            rest,
            np.inf,
        )


@dataclass(frozen=True)
class Fingerprint:
    """What the training data were like, as sums over many patients.

    Attributes:
        patients: Class name → patients with a case of it, of the development set.
        familiarity: Distance from the training cases; None where it cannot be told.
        threshold: Of the mean probability of several trainings: it keeps the wanted sensitivity on
            out-of-fold cases. None of a single training, whose own decision has one, and in
            packages of earlier versions.
    """

    patients: dict[str, int]
    cases: int
    familiarity: Familiarity | None = None
    threshold: Probability | None = None


def find_threshold(deployment: Deployment, fingerprint: Fingerprint | None) -> float | None:
    """Find the threshold of what a model says of new cases; None with more than two classes.

    A model of several trainings says their mean probability, which has a threshold of its own.

    Args:
        deployment: What was deployed.
        fingerprint: Of its training data; None in folders of earlier versions.
    """
    if fingerprint is not None and fingerprint.threshold is not None:
        return fingerprint.threshold
    return deployment.threshold


def describe_rule(deployment: Deployment, fingerprint: Fingerprint | None) -> str:
    """Say what is called positive; empty with more than two classes.

    Args:
        deployment: What was deployed.
        fingerprint: Of its training data; None in folders of earlier versions.
    """
    threshold, sensitivity = find_threshold(deployment, fingerprint), deployment.sensitivity
    if threshold is None or sensitivity is None or deployment.task.predicted.positive is None:
        return ""
    positive = deployment.task.predicted.classes[deployment.task.predicted.positive]
    return (
        f"Decision: positive where the probability of `{positive}` is at least "
        f"{threshold:.3g}. This threshold was set to find {100 * sensitivity:g} % of the "
        "positive cases in held-out folds."
    )


def complete_folder(
    model: Path,
    predictions: Predictions,
    cases: Cases,
    preparation: Path,
    space: FeatureTable | None = None,
    covariates: Iterable[Covariate] = (),
) -> None:
    """Put beside a trained model what new cases need: preparation, fingerprint, checksums.

    Args:
        model: Folder of the model, which gets no fingerprint where training failed.
        predictions: Its scores, of which those out of fold set the threshold.
        cases: That it was trained on.
        preparation: Folder that says how images become its inputs.
        space: Features of the whole development set by which new ones are told to be unlike; None
            for a model made of others, which have their own.
        covariates: What it reads beside images.
    """
    propagate_preparation(preparation, model, covariates=covariates)
    if (model / DEPLOYMENT).exists():  # of a failed model there is none
        # What was deployed, and its scores of cases it had not seen.
        deployment, known = read_record(Deployment, model / DEPLOYMENT), cases.development()
        task, sensitivity = deployment.task, deployment.sensitivity
        # A mean of trainings is surer of nothing: the threshold of one lies too low for it.
        threshold = None
        if len(deployment.decisions) > 1 and task.predicted.positive is not None and sensitivity:
            by_case = predictions.part("out_of_fold").groupby("case_id")
            mean = by_case[f"probability_{task.predicted.positive}"].mean()
            probability = mean.loc[known.case_id.tolist()].to_numpy(dtype=np.float64)
            positive = known.label == task.predicted.positive
            threshold = threshold_at_sensitivity(
                probability, positive, sensitivity, known.patient_id
            )
        familiarity = None
        if space is not None:  # of what a single image holds
            names = (name for name in space.names if not is_perturbed(name))
            image_features = [n for n in names if not any(has_prefix(n, kind) for kind in _BESIDE)]
            image_space = space.of(known.case_id).columns(image_features)
            familiarity = Familiarity.of(image_space, known.patient_id)
        # What a new case is compared with.
        fingerprint = Fingerprint(
            patients=task.predicted.count_patients(known.label, known.patient_id),
            cases=len(known),
            familiarity=familiarity,
            threshold=threshold,
        )
        write_record(fingerprint, model / FINGERPRINT)
    write_checksums(model)
