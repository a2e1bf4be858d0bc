"""How often studies of a time, as large as `skiagram plan --concordance` says, settle the margin.

Studies are drawn as the plan assumes them: normal scores, a log hazard that is their sum,
exponential times and follow-up that ends at random.
"""

from itertools import product

import numpy as np
from simulation import Row, Simulation, holds

from skiagram.evaluation.event_planning import (
    assume_study,
    concordances_of,
    spread_of_concordance,
)
from skiagram.evaluation.planning import plan_difference
from skiagram.seeding import stream

MARGIN = 0.02
EVENTS = (0.05, 0.1, 0.2, 0.4)
MODELS = ((0.65, 0.08, 0.6), (0.75, 0.05, 0.8), (0.6, 0.08, 0.3))  # C, gain, correlation of scores


def simulate(design: tuple[tuple[float, float, float], float], simulations: int) -> Row:
    """Return the planned patients, and how often the interval settles the margin and holds."""
    model, events = design
    value, gain, correlation = model
    concordance = value, value + gain
    other, better = concordances_of(concordance, correlation, events)
    spread = spread_of_concordance(better - other, events)
    patients = plan_difference(MARGIN, gain, spread, events).patients
    study = assume_study(concordance, correlation, events)
    generator = stream(0, "planned times", str(model), str(events))
    settled, held = np.zeros((2, simulations), dtype=np.bool_)
    for number in range(simulations):
        other, better = study.concordances(generator.random((patients, 4)))
        found = (better - other).estimate()
        settled[number] = found.low is not None and found.low > MARGIN
        held[number] = holds(found, gain)
    return {
        "C indices, correlation of the scores": (
            f"{value:.2f} and {value + gain:.2f}, {correlation:g}"
        ),
        "events %": f"{100 * events:g}",
        "patients": patients,
        "with the event": round(patients * events),
        "settled %": settled.mean(),
        "held %": held.mean(),
    }


TABLES = (Simulation("planned-studies-of-a-time", tuple(product(MODELS, EVENTS)), simulate, 0.25),)
