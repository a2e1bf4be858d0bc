"""What the scores of a pilot run tell about how many patients the study itself takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError, OptionError
from skiagram.evaluation.evaluation_record import Evaluation, read_class_evaluation
from skiagram.evaluation.planning import Trainings
from skiagram.statistics.delong import (
    Placements,
    combination,
    difference_variation,
    placements,
)
from skiagram.statistics.distributions import chi2_quantile
from skiagram.statistics.significance import POWER
from skiagram.statistics.variation import (
    Variation,
    covariance_of_means,
    effective_patients,
    over_folds,
    variance_of_mean,
)

_KEYS = {"case_id", "patient_id", "label", "repeat", "fold"}
_AGAIN = "run `dvc repro` in the pilot's folder, or plan from assumptions"
_ENDLESS = 10**12  # patients; what is left is the trainings'


@dataclass(frozen=True)
class PilotSpread:
    """A figure's variation as the pilot shows it, carried over to other numbers of patients.

    Attributes:
        raised: How many times the variance of patients is what the sample shows, where that is too
            little to be believed (`difference_variation`).
    """

    positive: float
    negative: float
    between: float
    prevalence: float
    effective_share: float
    trainings: Trainings
    folds: int
    raised: float = 1.0

    def at(self, patients: int) -> Variation:
        """Return the variation with so many patients, with as many folds and repeats."""
        positives, negatives = patients * self.prevalence, patients * (1 - self.prevalence)
        variance = self.positive / positives + self.negative / negatives + self.between / patients
        variance *= self.raised
        degrees = max(1.0, min(positives, negatives) * self.effective_share - 1)
        if self.folds:
            return over_folds(variance, degrees, self.folds, self.trainings.repeats)
        return self.trainings.add_to(variance, degrees)


@dataclass(frozen=True)
class Pilot:
    """Two models of a run that was made before.

    Attributes:
        auc: Name of a model → its AUC.
        prevalence: Share of them with the condition; a patient with images of both classes counts
            half.
        models: Name → spread of its AUC.
    """

    model: str
    other: str
    auc: dict[str, float]
    patients: int
    smaller_class: int
    prevalence: float
    correlation: float
    models: dict[str, PilotSpread]
    difference: PilotSpread
    repeats: int
    folds: int

    @property
    def caution(self) -> float:
        """Return how many times larger a variance may be than so small a pilot shows.

        The upper limit of a one-sided interval at 80 % (Browne 1995, *Statistics in Medicine*
        14:1933), with the degrees of freedom of the smaller class.
        """
        degrees = self.smaller_class - 1
        return float(degrees / chi2_quantile(1 - POWER, degrees))


def read_pilot(
    folder: Path, names: Sequence[str] | None = None, prevalence: float | None = None
) -> Pilot:
    """Read a run's scores on its reported cases.

    Args:
        names: Two models; None: the run's primary comparison.
    """
    record = read_class_evaluation(folder / "reports" / "evaluation.json")
    table = folder / "reports" / "scores.csv"
    try:
        scores = pd.read_csv(table, dtype={"case_id": str, "patient_id": str, "label": str})
    except (OSError, ValueError) as error:
        raise DataError(f"unreadable ({error})", where=str(table), remedy=_AGAIN) from error
    if not set(scores.columns) >= _KEYS:
        fault = "no column " + ", ".join(sorted(_KEYS - set(scores.columns)))
        raise DataError(fault, where=str(table), remedy=_AGAIN)
    if record.task.positive is None:
        raise DataError(
            f"the pilot has {len(record.task.classes)} classes",
            where=str(folder),
            allowed="two classes, one of them positive",
            remedy="plan from assumptions",
        )
    model, other = _names(record, scores, names)
    repeats = [rows for _, rows in scores.groupby("repeat")]
    ranking = np.array([rows[[model, other]].to_numpy(dtype=np.float64).T for rows in repeats])
    fit = np.array([rows["fold"].to_numpy(dtype=np.int64) for rows in repeats])
    first = repeats[0]
    positive = (first["label"] == record.task.classes[record.task.positive]).to_numpy(dtype=bool)
    patient = np.unique(first["patient_id"], return_inverse=True)[1].astype(np.int64)
    smaller = min(len(np.unique(patient[side])) for side in (positive, ~positive))
    if smaller < 2 or not np.isfinite(ranking).all():
        raise DataError(
            f"{smaller} patients in the smaller class" if smaller < 2 else "a score is missing",
            where=str(table),
            allowed="at least two patients of each class and a score for every case",
            remedy="plan from assumptions",
        )
    folds = len(np.unique(fit)) if record.task.design == "cv" else 0
    both = {
        name: placements(ranking[:, number], positive, patient, folds, fit)
        for number, name in enumerate((model, other))
    }
    return _measure(both, _correlation(ranking[0], positive), prevalence)


def _names(
    record: Evaluation, scores: pd.DataFrame, names: Sequence[str] | None
) -> tuple[str, str]:
    if names is None and record.difference is not None:
        # of folds that chose different models the one that most of them did
        names = [next(iter(record.arms[arm].chosen)) for arm in (record.contender, "classical")]
    there = [name for name in scores.columns if name not in _KEYS]
    if names is None:
        raise OptionError(
            "the pilot has no network beside a classical model",
            where="--models",
            allowed=f"two of {', '.join(there)}",
        )
    first, second = names
    for name in names:
        if name not in there or first == second:
            raise OptionError(
                f"`{name}` is named twice" if name in there else f"no model `{name}`",
                where="--models",
                allowed=f"two of {', '.join(there)}",
            )
    return first, second


def _measure(both: Mapping[str, Placements], correlation: float, prevalence: float | None) -> Pilot:
    model, other = both
    paired = combination([(1.0, both[model]), (-1.0, both[other])])
    counts = [len(np.unique(paired.patient[side])) for side in paired.sides]
    share = counts[0] / sum(counts) if prevalence is None else prevalence
    return Pilot(
        model,
        other,
        auc={name: placed.mean for name, placed in both.items()},
        patients=len(np.unique(paired.patient)),
        smaller_class=min(counts),
        prevalence=share,
        correlation=correlation,
        models={name: _spread(placed, share) for name, placed in both.items()},
        difference=replace(_spread(paired, share), raised=_raised(both[model], both[other])),
        repeats=len(paired.values),
        folds=paired.folds,
    )


def _raised(model: Placements, other: Placements) -> float:
    """Return how many times the variance of patients is what the sample shows."""
    paired = combination([(1.0, model), (-1.0, other)])
    counts = [len(np.unique(paired.patient[side])) for side in paired.sides]
    patients = len(np.unique(paired.patient))
    spread = _spread(paired, counts[0] / sum(counts))
    beyond = difference_variation(model, other).variance - paired.variation.variance
    of_patients = spread.at(patients).variance - spread.at(_ENDLESS).variance
    return 1.0 + beyond / of_patients


def _spread(values: Placements, prevalence: float) -> PilotSpread:
    """Take the variance of placements apart into what a patient of each class adds.

    Under cross-validation it is that of a single repeat, as `Placements.variation` has it.
    """
    whose = [values.patient[side] for side in values.sides]
    counts = [len(np.unique(numbers)) for numbers in whose]
    patients = len(np.unique(values.patient))
    parts = []
    for single in values.single() if values.folds else [values]:
        (first, second), clustered = single.samples, single.clustered
        between = 2 * covariance_of_means(*first, *second) * patients if clustered else 0.0
        within = [
            variance_of_mean(*side) * count
            for side, count in zip((first, second), counts, strict=True)
        ]
        parts.append([*within, between])
    *each, between = np.mean(parts, axis=0).tolist()
    effective = min(
        effective_patients(numbers) / count for numbers, count in zip(whose, counts, strict=True)
    )
    figures = values.areas
    seed = float(figures.std(ddof=1)) if len(figures) > 1 else 0.0
    trainings = Trainings(seed, len(figures))
    if values.variance() <= 0:
        raise DataError(
            "nothing varies: the two models rank all cases alike, or perfectly",
            where="pilot",
            remedy="plan from assumptions",
        )
    # a patient with images of both classes counts in each: halves, so that the shares add up to 1
    twice = patients / sum(counts)
    return PilotSpread(
        each[0] * twice, each[1] * twice, between, prevalence, effective, trainings, values.folds
    )


def _correlation(ranking: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    ranks = [
        pd.DataFrame(ranking[:, side].T).corr(method="spearman").to_numpy()[0, 1]
        for side in (positive, ~positive)
    ]
    return float(np.nanmean(ranks)) if not np.isnan(ranks).all() else 0.0
