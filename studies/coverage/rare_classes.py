"""Intervals where a class is rare: a normal quantile against Student's with its patients minus 1.

Scores are normal in each class. The second model of a pair is better by .03 in truth; *no* is said
of it where the whole interval of the difference lies below the margin of .02.
"""

import sys

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from skiagram.seeding import stream
from skiagram.statistics.delong import auc_estimate, combination, placements
from skiagram.statistics.variation import Z

DESIGNS = ((10, 90), (10, 300), (20, 180))
AUCS = (0.8, 0.95)
GAIN, MARGIN, SHARED = 0.03, 0.02, 0.5


def simulate(positives: int, negatives: int, auc: float, simulations: int) -> list[float]:
    """Return how often the AUC is held and *no* is said: with a normal, then Student's quantile."""
    generator = stream(0, "rare classes", positives, negatives, str(auc))
    n = positives + negatives
    positive, patient = np.arange(n) < positives, np.arange(n)
    distances = [float(np.sqrt(2) * norm.ppf(each)) for each in (auc, auc + GAIN)]
    counts = np.zeros(4)
    for _ in range(simulations):
        shared = np.sqrt(SHARED) * generator.normal(size=n)
        first, second = (
            placements(
                (shared + np.sqrt(1 - SHARED) * generator.normal(size=n) + distance * positive)[
                    None
                ],
                positive,
                patient,
            )
            for distance in distances
        )
        now, before = auc_estimate(first), (0.0, 1.0)
        value = first.mean
        if 0 < value < 1:
            half = Z * np.sqrt(first.variance()) / (value * (1 - value))
            before = expit(logit(value) - half), expit(logit(value) + half)
        gap = combination([(1.0, second), (-1.0, first)])
        normal = Z * float(np.sqrt(gap.variance()))
        counts += (
            before[0] <= auc <= before[1],
            (now.low or 0.0) <= auc <= (now.high or 1.0),
            gap.mean + normal < MARGIN and normal > 0,
            gap.mean + gap.variation.half < MARGIN and normal > 0,
        )
    return [float(share) for share in counts / simulations]


def rare_classes_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## Rare classes

{simulations:,} data sets per row; a normal quantile → Student's with the smaller class's patients
minus 1. *No*: said of a model that is better by {GAIN:g}, margin {MARGIN:g}.

| positive + negative patients | true AUC | held | *no* |
|---|---|---|---|
"""
    for positives, negatives in DESIGNS:
        for auc in AUCS:
            found = simulate(positives, negatives, auc, simulations)
            before, now, said, says = (f"{100 * share:.1f}" for share in found)
            text += f"| {positives} + {negatives} | {auc:g} "
            text += f"| {before} → {now} % | {said} → {says} % |\n"
    return text


if __name__ == "__main__":
    sys.stdout.write(rare_classes_section(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
