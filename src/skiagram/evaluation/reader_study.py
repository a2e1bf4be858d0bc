"""Several readers of the same cases: their mean, and models against it.

Readers are a sample as patients are: the interval is of other readers and other patients of the
same kind (Obuchowski & Rockette 1995, with the degrees of freedom of Hillis 2007).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.delong import Placements, auc_estimate, combination
from skiagram.evaluation.evaluation_record import ReaderStudy
from skiagram.evaluation.results import Estimate, TestedDifference
from skiagram.evaluation.significance import correct_by_holm
from skiagram.evaluation.variation import Variation, degrees_of_freedom, overlap_factor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReaderMean:
    """A mean over readers.

    Attributes:
        value: The mean.
        variation: Its variation over readers and patients.
        between: Standard deviation of the readers' true figures.
    """

    value: float
    variation: Variation
    between: float


METHOD = "Obuchowski–Rockette, readers and patients random"


def mean_over_readers(
    figure: Floats,
    covariance: Floats,
    case_degrees: float = np.inf,
    trainings: Variation | None = None,
) -> ReaderMean:
    """Average a figure over readers who are a sample of others, on cases that are one too.

    The variance is (MS + r max(cov, 0)) / r: MS the mean square between the r readers, cov the mean
    covariance of two readers' figures on the same cases. Its degrees of freedom are Hillis's (2007,
    *Statistics in Medicine* 26:596, eq. 9 for a single modality), (r − 1) (MS + r cov)² / MS²;
    with differences of two modalities as figures it is his test of these.

    Args:
        figure: (r,) a figure a reader, r ≥ 2.
        covariance: (r, r) of the figures over patients, the readers given.
        case_degrees: Degrees of freedom of the covariance; infinite: known.
        trainings: What trainings of a model add to every figure alike; None without one.
    """
    readers = len(figure)
    between = float(figure.var(ddof=1))
    own = float(np.diag(covariance).mean())
    shared = float(covariance[~np.eye(readers, dtype=np.bool_)].mean())
    cases = max(shared, 0.0)
    seed = trainings.variance if trainings else 0.0
    parts = [(between / readers, readers - 1.0), (cases, case_degrees)]
    if trainings:
        parts.append((seed, trainings.degrees))
    variance = sum(part for part, _ in parts)
    spread = sum(part**2 / degrees for part, degrees in parts)
    degrees = variance**2 / spread if spread > 0 else np.inf
    variation = Variation(variance, degrees, seed)
    return ReaderMean(
        float(figure.mean()), variation, float(np.sqrt(max(0.0, between - own + shared)))
    )


def covariance_of_readers(figures: Sequence[Placements]) -> Floats:
    """Return (r, r) the covariance, over patients, of AUCs or of differences of AUCs.

    By DeLong's placements, clustered by patient: cov(x, y) = (var(x + y) − var(x − y)) / 4. A
    figure is a mean over repeats. Where a repeat's fits share training cases, the covariance is
    that of a single repeat, widened as the interval of one model is.

    Args:
        figures: A reader's AUC each, or the AUC of a model minus it, on the same cases.
    """
    folds, repeats = figures[0].folds, len(figures[0].values)
    if not folds:
        return _covariance(figures)
    single = [
        _covariance(
            [replace(figure, values=figure.values[repeat : repeat + 1]) for figure in figures]
        )
        for repeat in range(repeats)
    ]
    widened: Floats = overlap_factor(folds, repeats) * np.mean(single, axis=0)
    return widened


def _covariance(figures: Sequence[Placements]) -> Floats:
    covariance = np.diag([figure.variance() for figure in figures])
    for j, figure in enumerate(figures):
        for k, other in enumerate(figures[:j]):
            total, apart = (combination([(1.0, figure), (sign, other)]) for sign in (1.0, -1.0))
            covariance[j, k] = covariance[k, j] = (total.variance() - apart.variance()) / 4
    return covariance


def study_readers(
    readers: Mapping[str, Placements], models: Mapping[str, Placements]
) -> ReaderStudy | None:
    """Average two or more readers and hold models against their mean; None with fewer.

    P values of the models are corrected together (Holm 1979).

    Args:
        readers: Reader → placements on the reported cases.
        models: Model → placements on the same cases.
    """
    if len(readers) < 2:
        return None
    own = list(readers.values())
    mean = _mean(own)
    compared = {name: _against(model, own) for name, model in models.items()}
    p = {name: difference.variation.p(difference.value) for name, difference in compared.items()}
    known = [name for name, value in p.items() if value is not None]
    corrected = correct_by_holm(np.array([p[name] for name in known], dtype=np.float64)).tolist()
    holm = dict(zip(known, corrected, strict=True))
    return ReaderStudy(
        readers={name: auc_estimate(placements) for name, placements in readers.items()},
        mean=_estimate(mean, 0.0),
        between=mean.between,
        models={
            name: TestedDifference(_estimate(difference, -1.0), p[name], holm.get(name))
            for name, difference in compared.items()
        },
    )


def _mean(figures: Sequence[Placements], trainings: Variation | None = None) -> ReaderMean:
    return mean_over_readers(
        np.array([figure.mean for figure in figures]),
        covariance_of_readers(figures),
        degrees_of_freedom(*_sides(figures[0])),
        trainings,
    )


def _against(model: Placements, readers: Sequence[Placements]) -> ReaderMean:
    differences = [combination([(1.0, model), (-1.0, reader)]) for reader in readers]
    repeats = len(model.values)
    if model.folds or repeats < 2:
        return _mean(differences)
    areas = model.values[:, model.positive].mean(axis=1)
    return _mean(differences, Variation(float(areas.var(ddof=1)) / repeats, repeats - 1))


def _sides(placements: Placements) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return placements.patient[placements.positive], placements.patient[~placements.positive]


def _estimate(mean: ReaderMean, least: float) -> Estimate:
    if mean.variation.variance <= 0:
        return Estimate(mean.value, method="no interval: no spread can be seen")
    half = mean.variation.half
    return Estimate(mean.value, max(least, mean.value - half), min(1.0, mean.value + half), METHOD)
