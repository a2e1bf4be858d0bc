"""Bootstrap intervals of an AUC, compared with one call of scikit-learn per resample.

    python -m benchmarks.bootstrap

10,000 cases with their own patients and 10,000 resamples. Own time holds drawing, sorting and the
interval; scikit-learn's holds 20 of the same resamples, drawn beforehand.
"""

import time
from collections.abc import Iterator
from functools import partial

import numpy as np
from benchmarks.ratio import Ratio, Side, Table, compare, show
from numpy.typing import NDArray
from sklearn import __version__
from sklearn.metrics import roc_auc_score

from skiagram.statistics.bootstrap import (
    Kind,
    PatientDraws,
    Statistic,
    bootstrap_estimate,
    draw_patients,
)
from skiagram.statistics.discrimination import hand_till_auc, one_vs_rest_auc, roc_auc

CASES = 10_000
REPLICATES = 10_000
SLOW_PART = 20
CLASSES = 7
IMAGES = 2_000
DRAWS = 2_000


def estimate(statistic: Statistic, cases: int, replicates: int, kind: Kind) -> None:
    """Draw and estimate; every case is a patient of its own."""
    draws = draw_patients(np.arange(cases), cases // 3, replicates, seed=0)
    bootstrap_estimate(statistic, draws, kind=kind)


def plain_loop(
    score: NDArray[np.float64], positive: NDArray[np.bool_], draws: PatientDraws
) -> None:
    """Call scikit-learn once per resample."""
    for counts in draws.counts:
        rows = np.repeat(np.arange(len(score)), counts)
        roc_auc_score(positive[rows], score[rows])


def ratios() -> Iterator[Ratio]:
    """Yield the speed of both kinds of interval, per resample."""
    generator = np.random.default_rng(0)
    positive = generator.random(CASES) < 0.3
    score = generator.normal(size=CASES) + positive
    few = draw_patients(np.arange(CASES), CASES // 3, SLOW_PART, seed=0)
    peer = Side(
        f"scikit-learn {__version__}, a loop", partial(plain_loop, score, positive, few), SLOW_PART
    )
    area = partial(roc_auc, score, positive)
    kinds: tuple[Kind, ...] = ("percentile", "BCa")
    for kind in kinds:
        work = partial(estimate, area, CASES, REPLICATES, kind)
        title = f"{kind} interval of an AUC, {CASES:,} cases, {REPLICATES:,} resamples"
        yield compare(title, Side("skiagram", work, REPLICATES), peer)


def tables() -> Iterator[Table]:
    """Yield seconds of whole intervals with several classes."""
    generator = np.random.default_rng(0)
    label = generator.integers(CLASSES, size=IMAGES)
    probability = generator.dirichlet(np.ones(CLASSES), size=IMAGES)
    rows = []
    for name, metric in (("one-vs-rest", one_vs_rest_auc), ("Hand–Till", hand_till_auc)):
        started = time.perf_counter()
        estimate(partial(metric, probability, label), IMAGES, DRAWS, "BCa")
        rows.append((name, f"{time.perf_counter() - started:.2f} s"))
    title = f"BCa interval of an AUC of {CLASSES} classes, {IMAGES:,} images, {DRAWS:,} resamples"
    yield Table(title, ("AUC", "seconds"), tuple(rows))


if __name__ == "__main__":
    show(ratios(), tables())
