"""How often intervals hold where few events, or next to no error, tell of a figure.

C indices and AUCs at a horizon of two models, of few events among many patients and nearly perfect;
κ, errors and shares of grades that are nearly all right; AUCs where some positives look like
negatives, so that a sample without one of these is in perfect order.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm, rankdata
from simulation import Patients, Row, Simulation, holds, is_apart, name_shares, separation

from skiagram.seeding import stream
from skiagram.statistics.agreement import grade_error, quadratic_kappa
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.linearised import Linearised, share
from skiagram.statistics.survival import auc_at, harrell_concordance

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
SHARED = 0.5  # of the noise, by both models
TRUTH_PATIENTS, TRUTH_SETS = 20_000, 8
MANY = 200_000  # patients by whom the follow-up is set
GRADES = 3
COLUMNS = ("held", "difference", "no", "yes", "apart", "held, alone", "no, alone")
GRADE_COLUMNS = (
    *("κ held", "mean error held", "exact agreement held"),
    *("difference of κ held", "difference of mean errors held", "κ apart"),
)


@dataclass(frozen=True)
class EventDesign:
    """Patients and expected events, how far the log hazard reaches, and both models' noise.

    Attributes:
        early: Share of the events by the horizon of an AUC; None: a C index.
    """

    patients: int
    events: int
    hazard: float
    noise: tuple[float, float]
    early: float | None = None

    @property
    def title(self) -> str:
        """Return the design in words."""
        if self.early is None:
            return f"C, {self.events} events of {self.patients:,}"
        return f"AUC, {self.events * self.early:g} events by the horizon, of {self.patients}"

    def draw(
        self, patients: int, end: float, generator: np.random.Generator
    ) -> tuple[Floats, NDArray[np.bool_], list[Floats]]:
        """Return times, events and both scores; follow-up ends about `end`."""
        trait, shared = generator.normal(size=(2, patients))
        time = generator.exponential(np.exp(-self.hazard * trait))
        last = end * generator.uniform(0.5, 1.5, size=patients)
        scores = []
        for noise in self.noise:
            own = generator.normal(size=patients)
            scores.append(trait + noise * (np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own))
        return np.minimum(time, last), time <= last, scores

    def follow_up(self) -> tuple[float, float]:
        """Return when follow-up ends, and the horizon."""
        generator = stream(0, "near bounds", "follow-up", self.title)
        trait = generator.normal(size=MANY)
        time = generator.exponential(np.exp(-self.hazard * trait))
        last = generator.uniform(0.5, 1.5, size=MANY)
        wanted = self.events / self.patients

        def excess(log_end: float) -> float:
            return float((time <= np.exp(log_end) * last).mean()) - wanted

        end = float(np.exp(brentq(excess, -30, 10)))
        return end, float(np.quantile(time[time <= end * last], self.early or 1.0))

    def measure(
        self, time: Floats, event: NDArray[np.bool_], score: Floats, horizon: float
    ) -> Linearised:
        """Return the figure of a score."""
        one_fit, patient = np.zeros(len(time), dtype=np.int64), np.arange(len(time))
        seen = score, time, event, one_fit, patient
        return harrell_concordance(*seen) if self.early is None else auc_at(*seen, horizon)

    def truth(self, end: float, horizon: float) -> Floats:
        """Return the true figures of both models: C under this follow-up, an AUC without."""
        generator = stream(0, "near bounds", "truth", self.title, str(self.noise))
        found = []
        for _ in range(TRUTH_SETS):
            if self.early is None:
                time, event, scores = self.draw(TRUTH_PATIENTS, end, generator)
                found.append([_concordance(score, time, event) for score in scores])
            else:
                time, _, scores = self.draw(MANY, np.inf, generator)
                found.append([_area(score, time <= horizon) for score in scores])
        true: Floats = np.mean(found, axis=0)
        return true


EVENTS = (
    EventDesign(1000, 30, 4.0, (0.28, 0.54)),
    EventDesign(300, 15, 2.5, (0.34, 0.58)),
    EventDesign(300, 15, 1.4, (0.3, 0.72)),
    EventDesign(1000, 30, 4.0, (0.4, 0.4)),
    EventDesign(300, 15, 2.5, (0.45, 0.45)),
    EventDesign(300, 15, 1.4, (0.5, 0.5)),
    EventDesign(100, 50, 1.4, (0.3, 0.72)),
    EventDesign(100, 24, 1.0, (0.8, 1.2), 0.25),
    EventDesign(100, 24, 2.0, (0.4, 0.7), 0.25),
    EventDesign(100, 24, 3.0, (0.3, 0.5), 0.25),
    EventDesign(200, 32, 2.0, (0.3, 0.5), 0.25),
)


def _concordance(score: Floats, time: Floats, event: NDArray[np.bool_]) -> float:
    right = pairs = 0.0
    for case in np.flatnonzero(event).tolist():
        later = time > time[case]
        right += float((score[later] < score[case]).sum())
        pairs += float(later.sum())
    return right / pairs


def _area(score: Floats, positive: NDArray[np.bool_]) -> float:
    n, m = int(positive.sum()), int((~positive).sum())
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def simulate_events(design: EventDesign, simulations: int) -> Row:
    """Return both true figures, and shares (held, of the difference, above it, below it, apart).

    Then the first and the third by the variances alone, with as many degrees of freedom as
    patients, and the length of the difference's interval beside that one's.
    """
    end, horizon = design.follow_up()
    true = design.truth(end, horizon)
    equal = design.noise[0] == design.noise[1]
    gap = 0.0 if equal else float(true[0] - true[1])
    true = np.full(2, true.mean()) if equal else true
    generator = stream(0, "near bounds", design.title, str(design.noise))
    counts, lengths, drawn = np.zeros(7), np.zeros(2), 0
    while drawn < simulations:
        time, event, scores = design.draw(design.patients, end, generator)
        if (event & (time <= horizon)).sum() < 2:
            continue
        figures = [design.measure(time, event, score, horizon) for score in scores]
        held = [holds(each.estimate(), value) for each, value in zip(figures, true, strict=True)]
        difference = figures[0] - figures[1]
        estimate = difference.estimate()
        low, high = estimate.low or 0.0, estimate.high or 0.0
        alone = [replace(each, chance=None, kind=None) for each in figures]
        held_alone = [holds(each.estimate(), at) for each, at in zip(alone, true, strict=True)]
        without = (alone[0] - alone[1]).estimate()
        end_alone, start_alone = without.high or 0.0, without.low or 0.0
        shares = [np.mean(held), low <= gap <= high, high < gap, low > gap, is_apart(difference)]
        counts += np.array([*shares, np.mean(held_alone), end_alone < gap])
        lengths += high - low, end_alone - start_alone
        drawn += 1
    return {
        "figure": design.title,
        "true": " and ".join(f"{value:.3f}" for value in true),
        **name_shares(COLUMNS, counts / simulations),
        "length": f"{lengths[0] / lengths[1]:.2f}",
    }


@dataclass(frozen=True)
class GradeDesign(Patients):
    """Patients, images of each, and the share of grades told one too high or too low."""

    wrong: float

    @property
    def title(self) -> str:
        """Return the design in words."""
        return f"{self.described}, {100 * self.wrong:g} % wrong"

    def draw(self, patient: Labels, generator: np.random.Generator) -> tuple[Floats, list[Floats]]:
        """Return true grades, and those of two models."""
        given = generator.integers(1, GRADES + 1, size=len(patient)).astype(np.float64)
        told = []
        for _ in range(2):
            step = generator.choice([-1.0, 1.0], size=len(patient))
            step = np.where((given + step < 1) | (given + step > GRADES), -step, step)
            told.append(given + step * (generator.uniform(size=len(patient)) < self.wrong))
        return given, told


GRADE_DESIGNS = (
    GradeDesign(50, 1, 0.01),
    GradeDesign(50, 1, 0.03),
    GradeDesign(50, 1, 0.1),
    GradeDesign(200, 1, 0.01),
    GradeDesign(60, 3, 0.01),
)


def simulate_grades(design: GradeDesign, simulations: int) -> Row:
    """Return shares: held of κ, mean error and exact agreement; of both differences; apart."""
    generator = stream(0, "near bounds", design.title)
    given, told = design.draw(np.arange(MANY), generator)
    true = quadratic_kappa(told[0], given, np.arange(MANY)).value
    patient, counts = design.patient, np.zeros(6)
    for _ in range(simulations):
        given, told = design.draw(patient, generator)
        kappa = [quadratic_kappa(each, given, patient) for each in told]
        error = [grade_error(each, given, patient) for each in told]
        exact = share((told[0] == given).astype(np.float64)[None], patient)
        gaps = kappa[0] - kappa[1], error[0] - error[1]
        counts += [
            holds(kappa[0].estimate(), true),
            holds(error[0].estimate(), design.wrong),
            holds(exact.estimate(), 1 - design.wrong),
            *(holds(gap.estimate(), 0.0) for gap in gaps),
            (gaps[0].p() or 1.0) < 0.05,
        ]
    return {"patients": design.title, **name_shares(GRADE_COLUMNS, counts / simulations)}


@dataclass(frozen=True)
class MixedDesign:
    """Positives among patients, and two models: the AUC of each, and how far its positives lie.

    Attributes:
        apart: Deviations between negatives and those positives that do not look like them; None:
            all positives lie as far away as the AUC says.
    """

    positives: int
    auc: tuple[float, float]
    apart: tuple[float | None, float | None]
    patients: int = 300

    @property
    def title(self) -> str:
        """Return the design in words."""
        models = (
            f"{auc:g} {'normal' if apart is None else f'mixed at {apart:g}'}"
            for auc, apart in zip(self.auc, self.apart, strict=True)
        )
        return f"{self.positives} positives of {self.patients}, AUCs {' and '.join(models)}"

    def draw(self, generator: np.random.Generator) -> list[Linearised]:
        """Return both AUCs."""
        positive, patient = np.arange(self.patients) < self.positives, np.arange(self.patients)
        shared, areas = generator.normal(size=self.patients), []
        for auc, apart in zip(self.auc, self.apart, strict=True):
            own = generator.normal(size=self.patients)
            noise = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
            if apart is None:
                shift = separation(auc) * positive
            else:
                best = norm.cdf(apart / np.sqrt(2))
                alike = generator.random(self.patients) < (best - auc) / (best - 0.5)
                shift = apart * (positive & ~alike)
            areas.append(auc_of_scores((noise + shift)[None], positive, patient))
        return areas


MIXED = (
    MixedDesign(20, (0.95, 0.95), (8, 8)),
    MixedDesign(20, (0.95, 0.95), (None, 8)),
    MixedDesign(20, (0.95, 0.93), (None, 8)),
    MixedDesign(10, (0.95, 0.95), (8, 8)),
    MixedDesign(40, (0.97, 0.97), (8, None)),
    MixedDesign(60, (0.95, 0.95), (8, 8)),
    MixedDesign(20, (0.95, 0.95), (3, 3)),
    MixedDesign(20, (0.95, 0.95), (None, 3)),
    MixedDesign(20, (0.95, 0.95), (None, None)),
    MixedDesign(20, (0.99, 0.9), (None, None)),
    MixedDesign(20, (0.99, 0.85), (None, None), 100),
    MixedDesign(10, (0.98, 0.75), (None, None), 20),
)


def simulate_mixtures(design: MixedDesign, simulations: int) -> Row:
    """Return shares: the difference held, below and above its interval, told apart; its length."""
    generator = stream(0, "near bounds", design.title)
    counts, length = np.zeros(4), 0.0
    for _ in range(simulations):
        first, second = design.draw(generator)
        difference, gap = first - second, design.auc[0] - design.auc[1]
        estimate = difference.estimate()
        low, high = estimate.low or 0.0, estimate.high or 0.0
        counts += [holds(estimate, gap), gap < low, gap > high, is_apart(difference)]
        length += high - low
    names = ("difference", "truth below", "truth above", "apart")
    return {
        "positives and AUCs": design.title,
        **name_shares(names, counts / simulations),
        "length": f"{length / simulations:.3f}",
    }


TABLES = (
    Simulation("few-events-and-figures-near-a-bound", EVENTS, simulate_events, 0.25),
    Simulation("few-events-and-figures-near-a-bound-2", GRADE_DESIGNS, simulate_grades, 0.25),
    Simulation("few-events-and-figures-near-a-bound-3", MIXED, simulate_mixtures),
)
