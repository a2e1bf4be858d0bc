"""What an outer fold chooses by: pairs of one inner fit, or all pairs ranked by probability.

Sites are left out one by one, inner folds are the other sites. A *plain* model learns from features
that say as much at every site; a *rival* from more telling ones that a site moves by an offset of
its own. Probabilities are Platt's of a fit's own training scores. The better model of an outer fold
is the one of the higher true AUC at its site, among patients without end.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from procedures import area, discriminant
from scipy.stats import norm

from skiagram.seeding import stream

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FEATURES = 4


@dataclass(frozen=True)
class Design:
    """Sites and two models.

    Attributes:
        sites: (positive, negative) patients of each.
        distance: Of the classes on the features of the plain model and of the rival.
        offset: Standard deviation of a site's offset of the rival's features.
    """

    title: str
    sites: tuple[tuple[int, int], ...]
    distance: tuple[float, float]
    offset: float


ALIKE, MIXED = ((40, 40),) * 4, ((8, 72), (24, 56), (56, 24), (72, 8))
DESIGNS = (
    Design("sites alike, no offset", ALIKE, (1.2, 1.6), 0.0),
    Design("sites alike, offset 1", ALIKE, (1.2, 1.6), 1.0),
    Design("10 to 90 % positive, no offset", MIXED, (1.2, 1.6), 0.0),
    Design("10 to 90 % positive, offset 1", MIXED, (1.2, 1.6), 1.0),
    Design("10 to 90 % positive, offset 1, equal models", MIXED, (1.4, 1.4), 1.0),
)


def simulate(design: Design, simulations: int) -> Floats:
    """Return (2, 3) by either rule: rival chosen, better one chosen, mean true AUC."""
    generator = stream(0, "inner choice", design.title)
    averaged: Floats = np.mean([_once(design, generator) for _ in range(simulations)], axis=0)
    return averaged


def _once(design: Design, generator: np.random.Generator) -> Floats:
    counts = np.array(design.sites)
    site = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    positive = np.concatenate([np.arange(p + n) < p for p, n in design.sites])
    offset = design.offset * generator.normal(size=(len(counts), FEATURES))
    models = []
    for distance, moved in zip(design.distance, (0.0, 1.0), strict=True):
        noise = generator.normal(size=(len(site), FEATURES))
        shift = distance / np.sqrt(FEATURES)
        models.append(noise + shift * positive[:, None] + moved * offset[site])
    picks = []
    for outer in range(len(counts)):
        known = site != outer
        inner = np.array([_inner(one[known], positive[known], site[known]) for one in models])
        true = np.array(
            [
                _true_auc(one[known], positive[known], distance)
                for one, distance in zip(models, design.distance, strict=True)
            ]
        )
        chosen = inner.argmax(axis=0)
        picks.append([(pick, true[pick] == true.max(), true[pick]) for pick in chosen])
    averaged: Floats = np.mean(np.array(picks, dtype=np.float64), axis=0)
    return averaged


def _inner(values: Floats, positive: Flags, site: NDArray[np.int64]) -> tuple[float, float]:
    """Return the AUC of pairs of one fit, and of all pairs by probability."""
    probability, areas, pairs = np.empty(len(site)), [], []
    for one in np.unique(site):
        rows = site == one
        weights, constant, _ = discriminant(values[~rows], positive[~rows])
        score = values[rows] @ weights + constant
        prior = positive[~rows].mean()
        probability[rows] = score + np.log(prior / (1 - prior))
        areas.append(area(score, positive[rows]))
        pairs.append(positive[rows].sum() * (~positive[rows]).sum())
    return float(np.average(areas, weights=pairs)), area(probability, positive)


def _true_auc(values: Floats, positive: Flags, distance: float) -> float:
    weights, _, _ = discriminant(values, positive)
    shift = distance / np.sqrt(FEATURES)
    return float(norm.cdf(shift * weights.sum() / np.sqrt(2 * weights @ weights)))


def inner_choice_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## What an outer fold chooses by

Two linear discriminants, four sites left out one by one, the inner folds of a fit being the other
sites; {simulations:,} data sets per row. The plain model's features mean the same at every site;
the rival's separate the classes by more and are moved by an offset of each site's own, which the
order within a site does not feel. How often an outer fold chooses the rival, how often the model
that is truly better at its site, and the mean true AUC of the chosen: by pairs of one inner fit,
as it is done, and by all pairs ranked by probability, as it was.

| design | rival: within | pooled | better: within | pooled | true AUC: within | pooled |
|---|---|---|---|---|---|---|
"""
    for design in DESIGNS:
        within, pooled = simulate(design, simulations)
        cells = [f"{100 * one[k]:.1f} %" for k in (0, 1) for one in (within, pooled)]
        cells += [f"{one[2]:.3f}" for one in (within, pooled)]
        text += f"| {design.title} | {' | '.join(cells)} |\n"
    return text


if __name__ == "__main__":
    sys.stdout.write(inner_choice_section(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
