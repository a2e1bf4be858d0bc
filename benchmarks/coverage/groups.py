"""What intervals hold between subgroups, over sites and over readers.

Scores are normal, so every true figure is known. Of three classes the true macro AUC is that of
many cases, as no closed form is at hand.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from again import STARRED, simulate_again
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax
from scipy.stats import norm

from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.reader_study import MEAN_READER, study_readers
from skiagram.evaluation.sites import summarise_sites
from skiagram.seeding import stream
from skiagram.statistics.delong import macro_placements, placements
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised, difference_of_groups, share
from skiagram.statistics.random_effects import summarise_random_effects

Floats = NDArray[np.float64]
SENSITIVITY = 0.85


def holds(value: float, one: Estimate) -> bool:
    """Return whether an interval holds a value."""
    return one.low is not None and one.high is not None and one.low <= value <= one.high


def distance(auc: float) -> float:
    """Return how far the classes lie apart, in standard deviations."""
    return float(np.sqrt(2) * norm.ppf(auc))


@dataclass(frozen=True)
class Parts:
    """Two parts of the cases.

    Attributes:
        inside: Patients of each class in the part.
        outside: Patients of each class in the rest.
        auc: True AUC in the part.
        rest: True AUC in the rest.
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
        return f"{counts}, the same patients" if self.shared else counts

    def draw(self, generator: np.random.Generator) -> tuple[Linearised, ...]:
        """Draw scores and patients of both parts."""
        found, first, common = [], 0, generator.normal(size=2 * self.inside)
        for patients, auc in ((self.inside, self.auc), (self.outside, self.rest)):
            positive = np.arange(2 * patients) < patients
            noise = generator.normal(size=2 * patients)
            if self.shared:
                noise = (noise + common) / np.sqrt(2)
            score = noise + distance(auc) * positive
            patient = np.arange(2 * patients) + first
            found.append(placements(score[None], positive, patient))
            first += 0 if self.shared else 2 * patients
        return tuple(found)


PARTS = tuple(
    Parts(inside, outside, auc, rest, shared)
    for inside, outside, shared in (
        (10, 100, False), (25, 100, False), (60, 60, True),
    )
    for auc, rest in ((0.85, 0.85), (0.95, 0.95), (0.75, 0.9))
)  # fmt: skip


def parts_held(design: Parts, simulations: int) -> Floats:
    """Return (2,) how often the difference is held, of AUCs and of shares."""
    generator = stream(0, "parts", design.title, str(design.auc))
    counts, true = np.zeros(2), design.auc - design.rest
    for _ in range(simulations):
        inside, outside = design.draw(generator)
        counts[0] += holds(true, difference_of_groups(inside, outside)[0])
        called = [
            (generator.random(one) < SENSITIVITY).astype(np.float64)
            for one in (design.inside, design.outside)
        ]
        shares = (
            share(one[None], np.arange(len(one)) + first)
            for one, first in zip(called, (0, 10_000), strict=True)
        )
        counts[1] += holds(0.0, difference_of_groups(*shares)[0])
    return counts / simulations


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


SITES = tuple(
    SiteDesign(sites, patients, spread)
    for sites in (3, 5, 10)
    for patients in (60,)
    for spread in (0.0, 0.7)
)
MEAN = float(logit(0.85))


def sites_held(design: SiteDesign, simulations: int) -> Floats:
    """Return (2,) how often the mean and the AUC of the next site are held."""
    generator = stream(0, "sites", *map(str, (design.sites, design.patients, design.spread)))
    counts = np.zeros(2)
    for _ in range(simulations):
        value, variance = np.empty(design.sites), np.empty(design.sites)
        for site in range(design.sites):
            patients = max(5, round(design.patients * 2 ** generator.uniform(-1, 1)))
            positive = np.arange(2 * patients) < patients
            auc = expit(MEAN + design.spread * generator.normal())
            score = generator.normal(size=2 * patients) + distance(auc) * positive
            placed = placements(score[None], positive, np.arange(2 * patients))
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
    return counts / simulations


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
        areas.append(macro_placements(probability[None], label, np.arange(MANY)).value)
    return np.array(areas)


def macro_distance(auc: float) -> float:
    """Return the distance at which three classes have a macro AUC."""
    return float(np.interp(auc, macro_aucs(), DISTANCES))


@dataclass(frozen=True)
class ClassParts:
    """Two parts of cases of three classes.

    Attributes:
        inside: Patients in the part.
        outside: Patients in the rest.
        auc: True macro AUC in the part.
        rest: True macro AUC in the rest.
        shared: Whether the same patients have an image in both, half of its noise in common.
    """

    inside: int
    outside: int
    auc: float
    rest: float
    shared: bool = False


CLASS_PARTS = tuple(
    ClassParts(inside, outside, auc, rest, shared)
    for inside, outside, shared in ((60, 400, False), (200, 200, True))
    for auc, rest in ((0.85, 0.85), (0.95, 0.95), (0.75, 0.9))
)


def class_parts_held(design: ClassParts, simulations: int) -> float:
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
            figures.append(macro_placements(probability[None], label, patient))
            first += 0 if design.shared else patients
        held += holds(true, difference_of_groups(*figures)[0])
    return held / simulations


CLASS_SITES = tuple(
    SiteDesign(sites, patients, spread)
    for sites in (3, 5)
    for patients in (60, 180)
    for spread in (0.0, 0.5)
)


def class_sites_held(design: SiteDesign, simulations: int) -> Floats:
    """Return (2,) how often the mean of the macro AUC's logit is held, and the next site's."""
    generator = stream(0, "sites of three classes", *map(str, vars(design).values()))
    counts = np.zeros(2)
    for _ in range(simulations):
        areas = []
        for _ in range(design.sites):
            patients = max(15, round(design.patients * 2 ** generator.uniform(-1, 1)))
            apart = macro_distance(float(expit(MEAN + design.spread * generator.normal())))
            label = draw_labels(patients, generator)
            probability = read_classes(label, apart, generator)
            areas.append(macro_placements(probability[None], label, np.arange(patients)))
        summary = summarise_sites(areas, (0.0, 1.0))
        counts[0] += holds(float(expit(MEAN)), summary["mean"])
        following = float(expit(MEAN + design.spread * generator.normal()))
        counts[1] += holds(following, summary["next_site"])
    return counts / simulations


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


def readers_held(design: ReaderDesign, simulations: int, again: str = "") -> Floats:
    """Return (2,) how often the mean AUC is held, and an equal model told apart."""
    names = (
        *map(str, (design.readers, design.patients, design.spread)),
        *([again] if again else []),
    )
    generator = stream(0, "readers", *names)
    n, mean = 2 * design.patients, distance(0.85)
    positive = np.arange(n) < design.patients
    true = float(norm.cdf(mean / np.sqrt(2 + design.spread**2)))
    counts = np.zeros(2)
    for _ in range(simulations):
        common = generator.normal(size=n)
        apart = mean + design.spread * generator.normal(size=design.readers)
        apart = np.append(apart, distance(true))
        scores = (generator.normal(size=(design.readers + 1, n)) + common) / np.sqrt(2)
        every = [
            placements((one + each * positive)[None], positive, np.arange(n))
            for one, each in zip(scores, apart, strict=True)
        ]
        readers, model = every[:-1], every[-1]
        named = {str(k): reader for k, reader in enumerate(readers)}
        figures = FigureTable(study_readers(named, {"model": model})).select(figure="roc_auc")
        counts[0] += holds(true, figures.find(group=MEAN_READER))
        counts[1] += not holds(0.0, figures.find(versus=MEAN_READER))
    return counts / simulations


def groups_section(simulations: int) -> str:
    """Simulate every design and return its title, what it asks, and its rows."""
    text = f"""
## Differences between subgroups

A part of the cases against the rest, patients of each class; {simulations:,} data sets per row. How
often the interval contains the true difference: of AUCs, put together from both logit intervals,
and of a sensitivity of {SENSITIVITY:g} in both, from Wilson's intervals.

| patients | true AUCs | AUC | sensitivity |
|---|---|---|---|
"""
    for parts in PARTS:
        now, share = 100 * parts_held(parts, simulations)
        aucs = f"{parts.auc:g} and {parts.rest:g}"
        text += f"| {parts.title} | {aucs} | {now:.1f} % | {share:.1f} % |\n"
    text += f"""
## Sites: the mean, and the next one

True AUCs of the sites are normal on the logit about .85; sites differ fourfold in size;
{simulations:,} sets of sites per row (Paule and Mandel, Hartung and Knapp). *Next*: how often the
prediction interval contains the true AUC of another site.

| sites | patients of each class | spread of the logit | mean | next |
|---|---|---|---|---|
"""
    for sites in SITES:
        now, following = 100 * sites_held(sites, simulations)
        cells = f"{sites.sites} | {sites.patients} | {sites.spread:g}"
        text += f"| {cells} | {now:.1f} % | {following:.1f} % |\n"
    text += f"""
## Subgroups and sites with three classes

Classes of 50, 30 and 20 % of the patients, drawn at random; macro one-vs-rest AUC. How often the
interval of part minus rest contains the true difference ({simulations:,} data sets per row); below,
as above, the mean over sites about .85, and the next site ({simulations // 2:,} per row).

| patients | true macro AUCs | difference |
|---|---|---|
"""
    for classes in CLASS_PARTS:
        held = 100 * class_parts_held(classes, simulations)
        title = f"{classes.inside} against {classes.outside}"
        title += ", the same patients" if classes.shared else ""
        text += f"| {title} | {classes.auc:g} and {classes.rest:g} | {held:.1f} % |\n"
    text += """
| sites | patients | spread of the logit | mean | next |
|---|---|---|---|---|
"""
    for sites in CLASS_SITES:
        now, following = 100 * class_sites_held(sites, max(1, simulations // 2))
        cells = f"{sites.sites} | {sites.patients} | {sites.spread:g}"
        text += f"| {cells} | {now:.1f} % | {following:.1f} % |\n"
    text += f"""
## Several readers

Readers of a mean AUC of .85 read the same patients; {simulations:,} studies per row (Obuchowski and
Rockette). How often the interval contains the mean over all such readers, and how often a model of
just that AUC is told apart from the readers' mean, promised at most 5 %.
{STARRED}

| readers | patients of each class | spread | mean | model told apart |
|---|---|---|---|---|
"""
    for readers in READERS:
        shares, mark = simulate_again(
            partial(readers_held, readers), simulations, lambda held: held[1] > 0.05
        )
        mean_held, told_apart = 100 * shares
        cells = f"{readers.readers}{mark} | {readers.patients} | {readers.spread:g}"
        text += f"| {cells} | {mean_held:.1f} % | {told_apart:.1f} % |\n"
    return text
