"""How well a few numbers tell the label, and how well they would by chance.

An additive classifier (ridge regression on the values' bins) is cross-validated by patient. Chance
is what the same classifier reaches on labels that were shuffled among patients: a permutation test
that needs no large numbers (Ojala & Garriga 2010, JMLR 11:1833, test 1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold

from skiagram.seeding import derived_seed, stream

SHUFFLINGS = 499
FEWEST_PATIENTS = 10
_FOLDS = 5
_DISTINCT = 20
_QUANTILES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
_PENALTY = 10.0
_NUMBERS_AT_ONCE = 1_000_000
_DIGITS = 6  # beyond them the number of threads shows
_SEED = 20_100_611

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """How well the label is told.

    Attributes:
        auc: One-vs-rest AUC of the class that is told best, out of fold.
        label: That class.
        chance: What the luckiest shuffling of the labels allows it, any class counted.
        score: (m,) out-of-fold score of that class.
    """

    auc: float
    label: int
    chance: float
    score: Scores


def probe(
    values: NDArray[np.float64], label: NDArray[np.int64], patient: NDArray[np.str_]
) -> Probe | None:
    """Try to tell the label from some numbers.

    Args:
        values: (m, k), NaN where missing.
        label: (m,) class labels.
        patient: (m,) patients, who are never split.

    Returns:
        The class that is told best; None where all values are equal or no class has ten patients
        inside and ten outside.
    """
    number = np.unique(patient, return_inverse=True)[1]
    columns, classes = binned(values), _classes(label, number)
    if not columns.shape[1] or not len(classes):
        return None
    found = out_of_fold(columns, _indicators(label[:, None], classes), number)
    areas = _areas(found, label[:, None], classes)[0]
    luck = _luck(columns, label, number, classes) * _spread(label, classes) + 0.5
    best = int(np.where(areas > luck, areas, areas - 1).argmax())
    return Probe(float(areas[best]), int(classes[best]), float(luck[best]), found[:, best])


def _luck(
    columns: Scores,
    label: NDArray[np.int64],
    patient: NDArray[np.int64],
    classes: NDArray[np.int64],
) -> float:
    """Return how many spreads above ½ the best class comes in the luckiest shuffling."""
    generator, reached = stream(_SEED, "shufflings"), []
    at_once = max(1, _NUMBERS_AT_ONCE // (len(label) * len(classes)))
    for start in range(0, SHUFFLINGS, at_once):
        stop = min(start + at_once, SHUFFLINGS)
        dealt = [_shuffled(label, patient, generator) for _ in range(start, stop)]
        block = np.stack(dealt, axis=1)
        areas = _areas(out_of_fold(columns, _indicators(block, classes), patient), block, classes)
        reached.append(((areas - 0.5) / _spread(label, classes)).max())
    return float(max(reached))


def _spread(label: NDArray[np.int64], classes: NDArray[np.int64]) -> Scores:
    """Return (classes,) the standard deviation of an AUC by chance, a case a patient."""
    inside = (label[:, None] == classes).sum(axis=0)
    spread: Scores = np.sqrt((len(label) + 1) / (12 * inside * (len(label) - inside)))
    return spread


def binned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (m, d) 0 or 1: a column a value where these are few, else a column a bin.

    Missing values have a column of their own; columns that are equal in all rows are left out.
    """
    indicators = []
    for column in values.T:
        missing = np.isnan(column)
        distinct = np.unique(column[~missing])
        if len(distinct) > _DISTINCT:
            edges = np.unique(np.quantile(column[~missing], _QUANTILES, method="lower"))
        else:
            edges = distinct[:-1]
        place = np.where(missing, len(edges) + 1, np.searchsorted(edges, column, side="left"))
        indicators.append(place[:, None] == np.arange(len(edges) + 2))
    whole = np.concatenate(indicators, axis=1)
    return whole[:, whole.any(axis=0) & ~whole.all(axis=0)].astype(np.float64)


def out_of_fold(columns: Scores, targets: Scores, patient: NDArray[np.int64]) -> Scores:
    """Return (m, targets) predictions by fits that did not see the case's patient."""
    predicted = np.empty_like(targets)
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=derived_seed(_SEED, "folds"))
    for training, held_out in folds.split(columns, groups=patient):
        fitted = Ridge(_PENALTY, solver="cholesky").fit(columns[training], targets[training])
        predicted[held_out] = fitted.predict(columns[held_out]).reshape(len(held_out), -1)
    rounded: Scores = np.round(predicted, _DIGITS)
    return rounded


def _classes(label: NDArray[np.int64], patient: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes worth telling; of two only one, for the other is its mirror image."""
    present = np.unique(label)
    inside = [len(np.unique(patient[label == one])) for one in present]
    outside = [len(np.unique(patient[label != one])) for one in present]
    enough = present[np.minimum(inside, outside) >= FEWEST_PATIENTS]
    return enough[-1:] if len(present) == 2 else enough


def _indicators(labels: NDArray[np.int64], classes: NDArray[np.int64]) -> Scores:
    """Return (m, labelings × classes) 0 or 1."""
    whole: Scores = (labels[:, :, None] == classes).astype(np.float64)
    return whole.reshape(len(labels), -1)


def _areas(scores: Scores, labels: NDArray[np.int64], classes: NDArray[np.int64]) -> Scores:
    """Return (labelings, classes) AUC of each class against all others."""
    positive = _indicators(labels, classes)
    count = positive.sum(axis=0)
    ranks = (rankdata(scores, axis=0) * positive).sum(axis=0)
    areas = (ranks - count * (count + 1) / 2) / (count * (len(labels) - count))
    return np.asarray(areas.reshape(-1, len(classes)))


def _shuffled(
    label: NDArray[np.int64], patient: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Deal the labels out again, those of a patient together."""
    order = generator.permutation(int(patient.max()) + 1)
    dealt = np.empty_like(label)
    dealt[np.argsort(patient, kind="stable")] = label[np.argsort(order[patient], kind="stable")]
    return dealt
