"""How often studies of a time, as large as `skiagram plan --concordance` says, settle the margin.

Studies are drawn as the plan assumes them: normal scores, a log hazard that is their sum,
exponential times and follow-up that ends at random. `run.py` writes its rows as CSV; `python
benchmarks/coverage/planned_times.py [SIMULATIONS]` prints it alone.
"""

import sys

import numpy as np

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


def simulate(
    model: tuple[float, float, float], events: float, simulations: int
) -> tuple[int, float, float]:
    """Return the planned patients, and how often the interval settles the margin and holds."""
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
        if found.low is not None and found.high is not None:
            settled[number] = found.low > MARGIN
            held[number] = found.low <= gain <= found.high
    return patients, float(settled.mean()), float(held.mean())


def planned_times_section(simulations: int) -> str:
    """Simulate every design and return its title, what it asks, and its rows."""
    text = f"""
## Planned studies of a time

{simulations} data sets per row, each of as many patients as `skiagram plan --concordance` says that
a difference of two C indices takes to lie above a margin of {MARGIN:g} with a chance of 80 %.
*Settled*: the whole interval does. *Held*: the interval contains the true difference, promised
95 %.

| C indices, correlation of the scores | events | patients | with the event | settled | held |
|---|---|---|---|---|---|
"""
    for model in MODELS:
        value, gain, correlation = model
        for events in EVENTS:
            patients, settled, held = simulate(model, events, simulations)
            text += (
                f"| {value:.2f} and {value + gain:.2f}, {correlation:g} | {100 * events:g} % "
                f"| {patients:,} | {round(patients * events)} | {100 * settled:.1f} % "
                f"| {100 * held:.1f} % |\n"
            )
    error = 100 * float(np.sqrt(0.8 * 0.2 / simulations))
    return f"""{text}
A share near 80 % has a standard error of {error:.1f} points.
"""


if __name__ == "__main__":
    sys.stdout.write(planned_times_section(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
