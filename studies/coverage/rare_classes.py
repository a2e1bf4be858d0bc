"""Intervals where a class is rare: Student's quantile with its patients minus 1.

Scores are normal in each class. The second model of a pair is better by .03 in truth; *no* is said
of it where the whole interval of the difference lies below the margin of .02.
"""

import sys

import numpy as np
from scipy.stats import norm

from skiagram.seeding import stream
from skiagram.statistics.delong import auc_estimate, combination, placements

DESIGNS = ((10, 90), (10, 300), (20, 180))
AUCS = (0.8, 0.95)
GAIN, MARGIN, SHARED = 0.03, 0.02, 0.5


def simulate(positives: int, negatives: int, auc: float, simulations: int) -> list[float]:
    """Return how often the AUC is held and *no* is said."""
    generator = stream(0, "rare classes", positives, negatives, str(auc))
    n = positives + negatives
    positive, patient = np.arange(n) < positives, np.arange(n)
    distances = [float(np.sqrt(2) * norm.ppf(each)) for each in (auc, auc + GAIN)]
    counts = np.zeros(2)
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
        now, gap = auc_estimate(first), combination([(1.0, second), (-1.0, first)])
        counts += (
            (now.low or 0.0) <= auc <= (now.high or 1.0),
            gap.mean + gap.variation.half < MARGIN and gap.variance() > 0,
        )
    return [float(share) for share in counts / simulations]


def rare_classes_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## Rare classes

{simulations:,} data sets per row; Student's quantile with the smaller class's patients minus 1.
*No*: said of a model that is better by {GAIN:g}, margin {MARGIN:g}.

| positive + negative patients | true AUC | held | *no* |
|---|---|---|---|
"""
    for positives, negatives in DESIGNS:
        for auc in AUCS:
            found = simulate(positives, negatives, auc, simulations)
            now, said = (f"{100 * share:.1f} %" for share in found)
            text += f"| {positives} + {negatives} | {auc:g} | {now} | {said} |\n"
    return (
        text
        + """
Of a nearly perfect order ten or twenty positives show too small a variance: there intervals stay
too narrow.
"""
    )


if __name__ == "__main__":
    sys.stdout.write(rare_classes_section(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
