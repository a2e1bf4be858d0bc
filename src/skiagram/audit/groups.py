"""Groups that differ in how images look and in how often a class occurs.

A model that learns to tell the groups, say the sites, from brightness then tells the class, and no
trait has to tell the class on its own.
"""

from collections.abc import Iterator

import numpy as np
import scipy

from skiagram.arrays import Floats, Whole
from skiagram.audit.contract import Evidence, find
from skiagram.audit.findings import Finding
from skiagram.tasks.cases import Cases

LEVEL = 0.01  # of all comparisons of a data set together
_TRAITS = ("brightness", "sharpness", "noise")
_MAX_GROUPS = 20
_MIN_PATIENTS = 10
_MIN_DIFFERENCE = 0.06  # of the variance of ranks, an effect of medium size (Cohen 1988)
_MIN_PREVALENCE = 0.1  # between the groups with the greatest and the smallest share


def check_groups(evidence: Evidence) -> list[Finding]:
    """Look for covariates whose groups differ in brightness, sharpness or noise, and in classes."""
    # Development cases whose traits were collected.
    traits, predicted = evidence.traits, evidence.task.predicted
    if traits is None:
        return []
    cases = evidence.cases.select(traits.rows)
    looks = {name: traits.images[name] for name in _TRAITS if name in traits.images}
    # the group of each case, −1 for none or a small one, of covariates that have two or more
    groups: dict[str, Whole] = {}
    for name, values in traits.covariates.items():
        column = values[:, 0]
        group = np.full(len(column), -1, dtype=np.int64)
        distinct = np.unique(column[np.isfinite(column)])
        for number, value in enumerate(distinct if len(distinct) <= _MAX_GROUPS else ()):
            inside = column == value
            if len(np.unique(cases.patient_id[inside])) >= _MIN_PATIENTS:
                group[inside] = number
        if len(np.unique(group[group >= 0])) > 1:
            groups[name] = group
    # The level is shared out among all comparisons.
    tests = max(len(groups) * (len(looks) + 1), 1)
    sentences = list(_confounded(groups, looks, cases, LEVEL / tests, predicted.label_words))
    return [find("confounded_groups", count=len(sentences), groups="; ".join(sentences))]


def _confounded(
    groups: dict[str, Whole],
    looks: dict[str, Floats],
    cases: Cases,
    level: float,
    classes: tuple[str, ...],
) -> Iterator[str]:
    # A group is confounded where both its look and its share of a class differ.
    patient = np.unique(cases.patient_id, return_inverse=True)[1]
    for name, group in groups.items():
        grouped = group >= 0
        shares = {
            k: [float((cases.label[group == g] == k).mean()) for g in np.unique(group[grouped])]
            for k in np.unique(cases.label)
        }
        label, apart = max(shares.items(), key=lambda item: max(item[1]) - min(item[1]))
        if max(apart) - min(apart) < _MIN_PREVALENCE:
            continue
        in_class = (cases.label[grouped] == label).astype(np.float64)
        if _tell_apart(in_class, group[grouped], patient[grouped])[1] > level:
            continue
        # Traits that differ between the groups, by enough and not by chance.
        differing = []
        for look, values in looks.items():
            column = values[:, -1]
            rows = grouped & np.isfinite(column)
            if len(np.unique(group[rows])) < 2 or len(np.unique(column[rows])) < 2:
                continue
            size, chance = _tell_apart(column[rows], group[rows], patient[rows])
            if chance <= level and size >= _MIN_DIFFERENCE:
                differing.append(look)
        if differing:
            yield (
                f"`{name}` ({' and '.join(differing)} differ, and `{classes[label]}` is "
                f"{min(apart):.0%} to {max(apart):.0%} of the images)"
            )


def _tell_apart(values: Floats, group: Whole, patient: Whole) -> tuple[float, float]:
    """Compute the share of the variance of ranks between groups, and its chance (Kruskal-Wallis).

    Each patient's mean stands for its images, in the group of most of them.
    """
    # A patient counts once, with the mean of his images and the group of most of them.
    number = np.unique(patient, return_inverse=True)[1]
    means = np.bincount(number, weights=values) / np.bincount(number)
    members = scipy.sparse.coo_array((np.ones(len(number)), (number, group))).toarray()
    home = members.argmax(axis=1)
    samples = [means[home == each] for each in np.unique(home)]
    if len(samples) < 2 or np.ptp(means) == 0:
        return 0.0, 1.0
    # Their statistic is the share of variance between groups times patients less one.
    test = scipy.stats.kruskal(*samples)
    return float(test.statistic) / (len(means) - 1), float(test.pvalue)
