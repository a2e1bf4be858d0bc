"""How often intervals of expected minus observed events hold where another event may come first.

A risk that is right is compared with the cumulative incidence that was seen (Aalen–Johansen), so
that the true difference is 0. Both events have a hazard of their own; images of a patient share the
time. Follow-up ends at random, or sooner where the risk is high, which biases what is seen.
`run.py` writes its rows as CSV; `python benchmarks/coverage/cumulative_incidence.py
[SIMULATIONS]` prints it alone.
"""

import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
from again import AGAIN, describe_error, describe_patients, simulate_again

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
class IncidenceDesign:
    """Patients, images of each, hazard of the other event, end of follow-up."""

    patients: int
    images: int | None
    others: str
    follow_up: str

    @property
    def title(self) -> str:
        return f"{describe_patients(self.patients, self.images)}, {self.others}, {self.follow_up}"


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
    number = np.full(len(first), design.images or 1)
    if design.images is None:
        number[::EVERY] = IMAGES
    patient = np.repeat(np.arange(len(first)), number)
    risk = hazard / both * (1 - np.exp(-both * HORIZON))
    return ScoredCases(
        np.where(first > end, CENSORED, label)[patient].astype(np.int64),
        np.minimum(first, end)[patient],
        patient,
        score[patient][None],
        (1 - risk)[patient][None, :, None],
        np.zeros((1, len(patient)), dtype=np.int64),
    )


def simulate(
    design: IncidenceDesign, simulations: int, again: str = ""
) -> tuple[float, tuple[float, ...]]:
    """Return the share that held, and means: risk, share censored, difference, interval's width."""
    generator = stream(0, "cumulative incidence", design.title, *([again] if again else []))
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
        held += gap.low <= 0 <= gap.high
        censored = ((cases.value < HORIZON) & (cases.label == CENSORED)).mean()
        risk = 1 - cases.estimate.mean()
        sums += (risk, censored, gap.value, gap.high - gap.low)
    return held / simulations, tuple((sums / simulations).tolist())


def is_below(simulated: tuple[float, tuple[float, ...]]) -> bool:
    """Return whether intervals hold less often than is promised."""
    return simulated[0] < PROMISED


def cumulative_incidence_section(simulations: int) -> str:
    """Simulate every design and return its title, what it asks, and its rows."""
    text = f"""
## Expected and observed events where another may come first

{simulations} data sets per row. *Held*: the interval of expected minus observed events by a horizon
(jackknife by patient; observed is the cumulative incidence of Aalen and Johansen) contains 0, which
is the true difference, as the risks are right. *Censored*: share whose follow-up ends before the
horizon, at random or sooner where the risk is high. One fit scores all patients. Rows with a star
held less often than {100 * PROMISED:g} %: they are of {AGAIN} times as many other data sets.

| patients, other events, follow-up | with the event | censored | mean difference | width | held |
|---|---|---|---|---|---|
"""
    for design in DESIGNS:
        (held, means), mark = simulate_again(partial(simulate, design), simulations, is_below)
        event, censored, difference, width = means
        text += f"| {design.title}{mark} | {event:.2f} | {censored:.2f} | {difference:+.3f} | "
        text += f"{width:.2f} | {100 * held:.1f} % |\n"
    return f"""{text}
{describe_error(0.95, simulations)}
"""


if __name__ == "__main__":
    sys.stdout.write(cumulative_incidence_section(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
