"""How often intervals of expected minus observed events hold where another event may come first.

A risk that is right is compared with the cumulative incidence that was seen (Aalen–Johansen), so
that the true difference is 0. Both events have a hazard of their own; images of a patient share the
time. Follow-up ends at random, or sooner where the risk is high, which biases what is seen.
"""

from dataclasses import dataclass

import numpy as np
from simulation import Patients, Row, Simulation, holds, number_patients

from skiagram.seeding import stream
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.time import TimeToEvent
from skiagram.tasks.time_columns import CENSORED, EVENT, OTHER

HORIZON = 1.0
PROMISED = 0.93  # share of intervals that hold, below which a row is simulated again
EVERY, IMAGES = 20, 10  # every 20th patient has so many images where few have most
OTHERS = {"few others": 0.2, "many others": 1.0}  # their hazard; that of the event is near .7
MEAN_FOLLOW_UP = 2.0
TIMES = TimeToEvent(
    column="time", unit="years", horizons=(HORIZON,), grid=(HORIZON,), other_causes=("other",)
)


@dataclass(frozen=True)
class IncidenceDesign(Patients):
    """Patients, images of each, hazard of the other event, end of follow-up."""

    others: str
    follow_up: str

    @property
    def title(self) -> str:
        return f"{self.described}, {self.others}, {self.follow_up}"


DESIGNS = tuple(
    IncidenceDesign(patients, images, others, follow_up)
    for patients, images in ((60, 1), (200, 1), (200, None))
    for others in OTHERS
    for follow_up in ("at random", "sooner with risk")
)


def draw(design: IncidenceDesign, generator: np.random.Generator) -> ScoredCases:
    """Return new cases with their right risks."""
    score = generator.normal(size=design.patients)
    hazard, other = 0.7 * np.exp(0.7 * score), OTHERS[design.others]
    both = hazard + other
    first = generator.exponential(1 / both)
    label = np.where(generator.uniform(size=len(first)) < hazard / both, EVENT, OTHER)
    end = generator.exponential(MEAN_FOLLOW_UP, size=len(first))
    if design.follow_up == "sooner with risk":
        end *= np.exp(-0.4 * score)
    patient = number_patients(design.patients, design.images, EVERY, IMAGES)
    risk = hazard / both * (1 - np.exp(-both * HORIZON))
    return ScoredCases(
        np.where(first > end, CENSORED, label)[patient].astype(np.int64),
        np.minimum(first, end)[patient],
        patient,
        score[patient][None],
        (1 - risk)[patient][None, :, None],
        np.zeros((1, len(patient)), dtype=np.int64),
    )


def simulate(design: IncidenceDesign, simulations: int, *again: str) -> Row:
    """Return the share that held, and means: risk, share censored, difference, interval's width."""
    generator = stream(0, "cumulative incidence", design.title, *again)
    held, sums = 0, np.zeros(4)
    for _ in range(simulations):
        cases = draw(design, generator)
        gap = next(
            measured.figure.estimate()
            for measured in TIMES.measure(cases)
            if measured.name == "expected_minus_observed"
        )
        if gap.value is None or gap.low is None or gap.high is None:
            raise AssertionError(f"no interval: {design.title}")
        held += holds(gap, 0.0)
        censored = ((cases.value < HORIZON) & (cases.label == CENSORED)).mean()
        risk = 1 - cases.estimate.mean()
        sums += (risk, censored, gap.value, gap.high - gap.low)
    event, censored, difference, width = sums / simulations
    return {
        "patients, other events, follow-up": design.title,
        "with the event": f"{event:.2f}",
        "censored": f"{censored:.2f}",
        "mean difference": f"{difference:+.3f}",
        "width": f"{width:.2f}",
        "held %": held / simulations,
    }


TABLES = (
    Simulation(
        "expected-and-observed-events-where-another-may-come-first",
        DESIGNS,
        simulate,
        0.25,
        lambda _, row: row["held %"] < PROMISED,
    ),
)
