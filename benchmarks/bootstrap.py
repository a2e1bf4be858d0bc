"""How much faster resampled AUCs are than scikit-learn's, one call a resample.

    python benchmarks/bootstrap.py [CASES [REPLICATES]]

The same resamples of patients for both; the slow one takes a part of them and its time is scaled
to all. Both take turns over nine rounds on one core; the ratio's median, least and most are
printed. Own time holds drawing, sorting and the percentile interval; then BCa's, with its
jackknife; then one-vs-rest with seven classes.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from skiagram.evaluation.bootstrap import (
    Kind,
    PatientDraws,
    Statistic,
    bootstrap_estimate,
    draw_patients,
)
from skiagram.evaluation.discrimination import one_vs_rest_auc, roc_auc

ROUNDS = 9
SLOW_PART = 20
CLASSES = 7
MULTICLASS = (2_000, 2_000)


def spent(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def estimate(statistic: Statistic, cases: int, replicates: int, kind: Kind) -> None:
    """Draw and estimate, a case a patient."""
    draws = draw_patients(np.arange(cases), cases // 3, replicates, seed=0)
    bootstrap_estimate(statistic, draws, kind=kind)


def plain_loop(
    score: NDArray[np.float64], positive: NDArray[np.bool_], draws: PatientDraws
) -> None:
    """Call scikit-learn once a resample."""
    for counts in draws.counts:
        rows = np.repeat(np.arange(len(score)), counts)
        roc_auc_score(positive[rows], score[rows])


def main() -> None:
    """Measure and print."""
    words = [int(word) for word in sys.argv[1:]]
    cases, replicates = [*words, *(10_000, 10_000)[len(words) :]]
    generator = np.random.default_rng(0)
    positive = generator.random(cases) < 0.3
    score = generator.normal(size=cases) + positive
    few = draw_patients(np.arange(cases), cases // 3, SLOW_PART, seed=0)
    binary = partial(roc_auc, score, positive)
    label = generator.integers(CLASSES, size=MULTICLASS[0])
    probability = generator.dirichlet(np.ones(CLASSES), size=MULTICLASS[0])
    several = partial(one_vs_rest_auc, probability, label)
    binary(np.ones((1, cases)))  # compiles, or loads what was compiled before
    own, corrected, classes, theirs = [], [], [], []
    with threadpool_limits(1):
        for _ in range(ROUNDS):
            own.append(spent(lambda: estimate(binary, cases, replicates, "percentile")))
            theirs.append(spent(lambda: plain_loop(score, positive, few)) / SLOW_PART * replicates)
            corrected.append(spent(lambda: estimate(binary, cases, replicates, "BCa")))
            classes.append(spent(lambda: estimate(several, *MULTICLASS, "percentile")))
    ratio = np.array(theirs) / np.array(own)
    print(f"AUC of {cases} cases, {replicates} resamples, one core")
    print(f"percentile interval  {np.median(own):7.2f} s")
    print(f"BCa interval         {np.median(corrected):7.2f} s")
    print(f"scikit-learn, a loop {np.median(theirs):7.2f} s (from {SLOW_PART} resamples)")
    print(f"ratio {np.median(ratio):.0f} ({ratio.min():.0f} to {ratio.max():.0f})")
    images, draws = MULTICLASS
    print(f"{CLASSES} classes, {images} images, {draws} resamples {np.median(classes):.2f} s")


if __name__ == "__main__":
    main()
