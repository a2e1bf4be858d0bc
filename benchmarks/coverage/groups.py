"""What intervals hold between subgroups, over sites and over readers.

Scores are normal, so every true figure is known. Of three classes the true macro AUC is that of
many cases, as no closed form is at hand.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax
from scipy.stats import norm
from simulation import Row, Simulation, exceeds, holds, separation

from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.reader_study import MEAN_READER, study_readers
from skiagram.evaluation.sites import summarise_sites
from skiagram.seeding import stream
from skiagram.statistics.delong import auc_of_scores, macro_auc_of_scores
from skiagram.statistics.linearised import Linearised, difference_of_groups, share
from skiagram.statistics.random_effects import summarise_random_effects

Floats = NDArray[np.float64]
SENSITIVITY = 0.85


@dataclass(frozen=True)
class Parts:
    """Two parts of the cases.

    Attributes:
        inside: Patients of each of two classes in the part; of three classes all.
        outside: The same of the rest.
        auc: True AUC in the part; of three classes the macro AUC.
        rest: The same in the rest.
        shared: Whether the same patients have an image in both, half of its noise in common.
    """

    inside: int
    outside: int
    auc: float
    rest: float
    shared: bool = False

    @property
    def title(self) -> str:
        """Return the design in words."""
        counts = f"{self.inside} + {self.inside} against {self.outside} + {self.outside}"
        return self.describe(counts)

    def describe(self, patients: str) -> str:
        """Return how a row names its patients."""
        return f"{patients}, the same patients" if self.shared else patients

    def draw(self, generator: np.random.Generator) -> tuple[Linearised, ...]:
        """Draw scores and patients of both parts."""
        found, first, common = [], 0, generator.normal(size=2 * self.inside)
        for patients, auc in ((self.inside, self.auc), (self.outside, self.rest)):
            positive = np.arange(2 * patients) < patients
            noise = generator.normal(size=2 * patients)
            if self.shared:
                noise = (noise + common) / np.sqrt(2)
            score = noise + separation(auc) * positive
            patient = np.arange(2 * patients) + first
            found.append(auc_of_scores(score[None], positive, patient))
            first += 0 if self.shared else 2 * patients
        return tuple(found)


PARTS = tuple(
    Parts(inside, outside, auc, rest, shared)
    for inside, outside, shared in (
        (10, 100, False), (25, 100, False), (60, 60, True),
    )
    for auc, rest in ((0.85, 0.85), (0.95, 0.95), (0.75, 0.9))
)  # fmt: skip


def parts_held(design: Parts, simulations: int) -> Row:
    """Return how often the difference is held, of AUCs and of shares."""
    generator = stream(0, "parts", design.title, str(design.auc))
    counts, true = np.zeros(2), design.auc - design.rest
    for _ in range(simulations):
        inside, outside = design.draw(generator)
        counts[0] += holds(difference_of_groups(inside, outside)[0], true)
        called = [
            (generator.random(one) < SENSITIVITY).astype(np.float64)
            for one in (design.inside, design.outside)
        ]
        shares = (
            share(one[None], np.arange(len(one)) + first)
            for one, first in zip(called, (0, 10_000), strict=True)
        )
        counts[1] += holds(difference_of_groups(*shares)[0], 0.0)
    of_auc, of_sensitivity = counts / simulations
    aucs = f"{design.auc:g} and {design.rest:g}"
    return {
        "patients": design.title,
        "true AUCs": aucs,
        "AUC %": of_auc,
        "sensitivity %": of_sensitivity,
    }


@dataclass(frozen=True)
class SiteDesign:
    """Sites whose true AUCs are normal on the logit.

    Attributes:
        sites: Number of sites.
        patients: Patients of each class at a site, on average; they vary fourfold.
        spread: Standard deviation of the true logit between sites.
    """

    sites: int
    patients: int
    spread: float

    def describe(self, patients: str, shares: Floats) -> Row:
        """Return a row of the shares in which the mean and the next site were held."""
        mean, following = shares
        return {
            "sites": self.sites,
            patients: self.patients,
            "spread of the logit": f"{self.spread:g}",
            "mean %": mean,
            "next %": following,
        }


SITES = tuple(
    SiteDesign(sites, patients, spread)
    for sites in (3, 5, 10)
    for patients in (60,)
    for spread in (0.0, 0.7)
)
MEAN = float(logit(0.85))


def sites_held(design: SiteDesign, simulations: int) -> Row:
    """Return how often the mean and the AUC of the next site are held."""
    generator = stream(0, "sites", *map(str, (design.sites, design.patients, design.spread)))
    counts = np.zeros(2)
    for _ in range(simulations):
        value, variance = np.empty(design.sites), np.empty(design.sites)
        for site in range(design.sites):
            patients = max(5, round(design.patients * 2 ** generator.uniform(-1, 1)))
            positive = np.arange(2 * patients) < patients
            auc = expit(MEAN + design.spread * generator.normal())
            score = generator.normal(size=2 * patients) + separation(auc) * positive
            placed = auc_of_scores(score[None], positive, np.arange(2 * patients))
            area, spread = placed.value, placed.variance()
            if spread == 0 or area in (0.0, 1.0):  # as `skiagram.evaluation.sites` does
                area = (area * patients + 0.5) / (patients + 1)
                spread = area * (1 - area) / patients
            value[site], variance[site] = logit(area), spread / (area * (1 - area)) ** 2
        now = summarise_random_effects(value, variance)
        counts[0] += now.low <= MEAN <= now.high
        if now.next_low is None or now.next_high is None:
            raise ValueError(f"{design}: two sites say nothing of the next")
        counts[1] += now.next_low <= MEAN + design.spread * generator.normal() <= now.next_high
    return design.describe("patients of each class", counts / simulations)


MIX = (0.5, 0.3, 0.2)  # shares of three classes
DISTANCES = np.arange(0.0, 6.01, 0.25)
MANY = 100_000


def draw_labels(patients: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return (n,) classes of patients, at random by `MIX`, two patients at least of each."""
    label: NDArray[np.int64] = generator.choice(3, patients, p=MIX)
    label[:6] = np.repeat([0, 1, 2], 2)
    return label


def read_classes(
    label: NDArray[np.int64],
    apart: float,
    generator: np.random.Generator,
    common: Floats | None = None,
) -> Floats:
    """Return (n, 3) probabilities of cases of three classes.

    Args:
        label: (n,) true class.
        apart: How far a class lies from the others on its own axis.
        generator: Draws the noise.
        common: (n, 3) half of the noise; None draws all of it.
    """
    noise = generator.normal(size=(len(label), 3))
    if common is not None:
        noise = (noise + common) / np.sqrt(2)
    probability: Floats = softmax(noise + apart * np.eye(3)[label], axis=1)
    return probability


@cache
def macro_aucs() -> Floats:
    """Return the macro AUC of many cases at each of `DISTANCES`."""
    areas = []
    for apart in DISTANCES.tolist():
        generator = stream(0, "macro AUC")
        label = draw_labels(MANY, generator)
        probability = read_classes(label, apart, generator)
        areas.append(macro_auc_of_scores(probability[None], label, np.arange(MANY)).value)
    return np.array(areas)


def macro_distance(auc: float) -> float:
    """Return the distance at which three classes have a macro AUC."""
    return float(np.interp(auc, macro_aucs(), DISTANCES))


CLASS_PARTS = tuple(
    Parts(inside, outside, auc, rest, shared)
    for inside, outside, shared in ((60, 400, False), (200, 200, True))
    for auc, rest in ((0.85, 0.85), (0.95, 0.95), (0.75, 0.9))
)


def class_parts_held(design: Parts, simulations: int) -> Row:
    """Return how often the difference of the macro AUCs is held."""
    generator = stream(0, "parts of three classes", *map(str, vars(design).values()))
    true, held = design.auc - design.rest, 0
    distances = macro_distance(design.auc), macro_distance(design.rest)
    for _ in range(simulations):
        common = generator.normal(size=(design.inside, 3)) if design.shared else None
        label, first, figures = draw_labels(design.inside, generator), 0, []
        for patients, apart in zip((design.inside, design.outside), distances, strict=True):
            if first:
                label = draw_labels(patients, generator)
            probability = read_classes(label, apart, generator, common)
            patient = np.arange(patients) + first
            figures.append(macro_auc_of_scores(probability[None], label, patient))
            first += 0 if design.shared else patients
        held += holds(difference_of_groups(*figures)[0], true)
    return {
        "patients": design.describe(f"{design.inside} against {design.outside}"),
        "true macro AUCs": f"{design.auc:g} and {design.rest:g}",
        "difference %": held / simulations,
    }


CLASS_SITES = tuple(
    SiteDesign(sites, patients, spread)
    for sites in (3, 5)
    for patients in (60, 180)
    for spread in (0.0, 0.5)
)


def class_sites_held(design: SiteDesign, simulations: int) -> Row:
    """Return how often the mean of the macro AUC's logit is held, and the next site's."""
    generator = stream(0, "sites of three classes", *map(str, vars(design).values()))
    counts = np.zeros(2)
    for _ in range(simulations):
        areas = []
        for _ in range(design.sites):
            patients = max(15, round(design.patients * 2 ** generator.uniform(-1, 1)))
            apart = macro_distance(float(expit(MEAN + design.spread * generator.normal())))
            label = draw_labels(patients, generator)
            probability = read_classes(label, apart, generator)
            areas.append(macro_auc_of_scores(probability[None], label, np.arange(patients)))
        summary = summarise_sites(areas, (0.0, 1.0))
        counts[0] += holds(summary["mean"], float(expit(MEAN)))
        following = float(expit(MEAN + design.spread * generator.normal()))
        counts[1] += holds(summary["next_site"], following)
    return design.describe("patients", counts / simulations)


@dataclass(frozen=True)
class ReaderDesign:
    """Readers of the same cases, half of every score's noise in common.

    Attributes:
        readers: Number of readers.
        patients: Patients of each class.
        spread: Standard deviation of the readers' distance of the classes; .3 spreads the AUC by
            about .05.
    """

    readers: int
    patients: int
    spread: float


READERS = tuple(
    ReaderDesign(readers, patients, spread)
    for readers, patients in ((2, 50), (5, 50), (5, 200), (10, 50))
    for spread in (0.0, 0.3)
)


def readers_held(design: ReaderDesign, simulations: int, *again: str) -> Row:
    """Return how often the mean AUC is held, and an equal model told apart."""
    named_by = map(str, (design.readers, design.patients, design.spread))
    generator = stream(0, "readers", *named_by, *again)
    n, mean = 2 * design.patients, separation(0.85)
    positive = np.arange(n) < design.patients
    true = float(norm.cdf(mean / np.sqrt(2 + design.spread**2)))
    counts = np.zeros(2)
    for _ in range(simulations):
        common = generator.normal(size=n)
        apart = mean + design.spread * generator.normal(size=design.readers)
        apart = np.append(apart, separation(true))
        scores = (generator.normal(size=(design.readers + 1, n)) + common) / np.sqrt(2)
        every = [
            auc_of_scores((one + each * positive)[None], positive, np.arange(n))
            for one, each in zip(scores, apart, strict=True)
        ]
        readers, model = every[:-1], every[-1]
        named = {str(k): reader for k, reader in enumerate(readers)}
        figures = FigureTable(study_readers(named, {"model": model})).select(figure="roc_auc")
        counts[0] += holds(figures.find(group=MEAN_READER), true)
        counts[1] += not holds(figures.find(versus=MEAN_READER), 0.0)
    mean, told_apart = counts / simulations
    return {
        "readers": design.readers,
        "patients of each class": design.patients,
        "spread": f"{design.spread:g}",
        "mean %": mean,
        "model told apart %": told_apart,
    }


TABLES = (
    Simulation("differences-between-subgroups", PARTS, parts_held, 0.5),
    Simulation("sites-the-mean-and-the-next-one", SITES, sites_held, 0.5),
    Simulation("subgroups-and-sites-with-three-classes", CLASS_PARTS, class_parts_held, 0.5),
    Simulation("subgroups-and-sites-with-three-classes-2", CLASS_SITES, class_sites_held, 0.25),
    Simulation("several-readers", READERS, readers_held, 0.5, exceeds(0.05, "model told apart %")),
)
