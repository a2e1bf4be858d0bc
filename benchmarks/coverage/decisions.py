"""How often the verdict says yes or no where the truth forbids it.

*No* to a network that gains just the margin over the classical model and over several simple
baselines, and *yes* to one that gains nothing or is at chance, for an AUC and for the C of a time.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from simulation import Row, Simulation

from skiagram.evaluation.comparisons import correct, correct_over_arms
from skiagram.evaluation.criteria import (
    DecisiveComparison,
    decide_by_margin,
    find_comparison,
    is_unbeaten,
)
from skiagram.evaluation.evaluation_record import (
    PREVALENCE,
    PRIMARY,
    SIMPLE_RULES,
    Decision,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.seeding import stream
from skiagram.statistics.delong import placements
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.survival import harrell_concordance
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task

Floats = NDArray[np.float64]
MARGIN = 0.02
SHARED = 0.5  # of the noise, by all models
MANY = 4_000  # patients of each of the data sets by which the noise of a true figure is set
TRUTH_SETS = 8
CENSORED = 0.5


@dataclass(frozen=True)
class DecisionDesign:
    """Patients with one image each, and the true figures of what is compared.

    Attributes:
        figure: `AUC` or `C`.
        network: True figure of the network; 0.5 reads nothing.
        rules: How many simple baselines there are.
        gain: Of the network over the classical model and every rule; with `apart` over one rule.
        apart: Its gain over the classical model and the other rules, where that is another.
        arms: How many there are; those besides the classical one are as good as the network.
    """

    figure: str
    patients: int
    network: float
    rules: int
    gain: float
    apart: float | None = None
    arms: int = 2

    @property
    def title(self) -> str:
        """Return the design in words."""
        title = f"{self.figure} {self.network:g} of {self.patients} patients, {self.rules} rules"
        if self.apart is None:
            return title
        return f"{title}, {self.apart:+g} over all but one, {self.arms} arms"

    @property
    def noises(self) -> list[float]:
        """Return the noise of the network, the classical model, each rule and each further arm."""
        level = self.network - self.gain
        away = level if self.apart is None else self.network - self.apart
        noise = {value: self.noise_of(value) for value in {self.network, away, level}}
        others = [noise[self.network]] * (self.arms - 2)
        return [
            noise[self.network],
            noise[away],
            *[noise[level]] * min(self.rules, 1),
            *[noise[away]] * (self.rules - 1),
            *others,
        ]

    def draw(self, patients: int, noise: list[float], name: str) -> list[Linearised]:
        """Return the figure of the network, of the classical model and of each rule.

        Args:
            noise: Deviation of each one's scores around what tells the outcome; below 0 reversed.
        """
        draw = stream(0, "decisions", self.title, name)
        trait, shared = draw.normal(size=(2, patients))
        apart = [np.sqrt(1 - SHARED) * draw.normal(size=patients) for _ in noise]
        scores = [
            np.sign(own) * trait + abs(own) * (np.sqrt(SHARED) * shared + each)
            for own, each in zip(noise, apart, strict=True)
        ]
        patient, one_fit = np.arange(patients), np.zeros(patients, dtype=np.int64)
        if self.figure == "AUC":
            positive = draw.normal(size=patients) < trait
            return [placements(score[None], positive, patient) for score in scores]
        time, end = draw.exponential(size=(2, patients)) * np.exp(-trait)
        end *= CENSORED / (1 - CENSORED)
        seen = np.minimum(time, end), time <= end
        return [harrell_concordance(score, *seen, one_fit, patient) for score in scores]

    def noise_of(self, value: float) -> float:
        """Return the deviation at which scores have this true figure."""
        if value == 0.5:
            return 1e3
        sign = 1.0 if value > 0.5 else -1.0

        def above(log_noise: float) -> float:
            noise = [sign * float(np.exp(log_noise))]
            found = [self.draw(MANY, noise, f"truth {number}") for number in range(TRUTH_SETS)]
            return sign * (float(np.mean([figure.value for (figure,) in found])) - value)

        return sign * float(np.exp(brentq(above, -4, 5, xtol=1e-3)))


DESIGNS = (
    DecisionDesign("AUC", 100, 0.75, 3, MARGIN),
    DecisionDesign("AUC", 400, 0.75, 3, MARGIN),
    DecisionDesign("AUC", 400, 0.75, 5, MARGIN),
    DecisionDesign("AUC", 2000, 0.75, 3, MARGIN),
    DecisionDesign("C", 400, 0.7, 3, MARGIN),
    DecisionDesign("C", 2000, 0.7, 5, MARGIN),
    DecisionDesign("AUC", 400, 0.75, 3, 0.0),
    DecisionDesign("C", 400, 0.7, 3, 0.0),
    DecisionDesign("AUC", 400, 0.5, 0, 0.2),
    DecisionDesign("C", 400, 0.5, 0, 0.2),
)
ONE_BASELINE = (  # that is as good as the network, or less so than the others are
    DecisionDesign("AUC", 100, 0.8, 3, 0.0, 0.15, 4),
    DecisionDesign("AUC", 400, 0.8, 3, 0.0, 0.15, 4),
    DecisionDesign("AUC", 400, 0.8, 5, 0.0, 0.15, 2),
    DecisionDesign("AUC", 2000, 0.8, 5, 0.0, 0.15, 4),
    DecisionDesign("C", 400, 0.7, 3, 0.0, 0.15, 4),
    DecisionDesign("AUC", 200, 0.8, 4, 0.1, 0.12, 4),
    DecisionDesign("AUC", 400, 0.8, 3, 0.05, 0.1, 4),
)


def decide(figures: list[Linearised], rules: int) -> tuple[Decision, Decision, Decision, bool]:
    """Return the verdict's decision, and what else might be said of the same figures.

    Returns:
        The decision; that of each interval by itself; that with p values corrected over the rules
        too; whether any arm is said to beat every rule.
    """
    network, classical, *others = figures
    arms = {"deep": network, "classical": classical}
    arms |= dict(zip(("encoder", "combined"), others[rules:], strict=False))
    row = partial(make_row, figure="roc_auc")
    gap = network - classical
    primary = row(gap.estimate(), PRIMARY, model="deep", versus="classical", p=gap.p())
    compared: list[FigureRow] = []
    for arm, figure in arms.items():
        against_rule = partial(row, analysis=SIMPLE_RULES, model=arm)
        chance = figure.estimate().subtract(0.5)
        p = None if chance.value is None else figure.variation.p(chance.value)
        compared.append(against_rule(chance, versus=PREVALENCE, p=p))
        for number, rule in enumerate(others[:rules]):
            difference = figure - rule
            named = {"versus": f"rule {number}"}
            compared.append(against_rule(difference.estimate(), p=difference.p(), **named))
    comparison = compare((primary, *correct_over_arms(compared)))
    # What recommends least, of the difference and of those from rules that are not beaten.
    apart = [primary]
    apart += [row for row in compared if row.model == "deep" and row.versus]
    alone = [
        decide_by_margin(row, MARGIN)
        for row in apart
        if row is primary or comparison.fails("contender", row.versus)
    ]
    by_each = min(alone, key=("no", "open", "yes").index)
    unbeaten = {each.model for each in comparison.figures.rows if is_unbeaten(each)}
    over_all = compare((primary, *correct(compared))).judge().decision
    return comparison.judge().decision, by_each, over_all, not set(arms) <= unbeaten


def record_of(rows: tuple[FigureRow, ...]) -> Evaluation:
    """Return a record of two classes with these figures."""
    return Evaluation(
        task=Task(Classes(("without", "with"), 1), "holdout"),
        cases={},
        patients={},
        near_duplicates=0,
        models=(),
        margin=MARGIN,
        figures=FigureTable(rows),
    )


def compare(rows: tuple[FigureRow, ...]) -> DecisiveComparison:
    """Return the comparison of a record with these figures."""
    comparison = find_comparison(record_of(rows))
    if comparison is None:
        raise ValueError("the two cannot be compared")
    return comparison


def find_shares(design: DecisionDesign, simulations: int) -> Row:
    """Return the shares of *no*, *yes* and open, and of what else might be said."""
    noise = design.noises
    found = [
        decide(design.draw(design.patients, noise, str(number)), design.rules)
        for number in range(simulations)
    ]
    decisions, by_each, over_all, any_arm = map(np.array, zip(*found, strict=True))
    row: Row = {"figure of the network": design.title, "gain": f"{design.gain:+.2f}"}
    if design in ONE_BASELINE:
        row |= {
            "yes %": np.mean(decisions == "yes"),
            "yes, over rules %": np.mean(over_all == "yes"),
        }
        return row | {"any arm %": np.mean(any_arm)}
    row |= {f"{word} %": np.mean(decisions == word) for word in ("no", "yes", "open")}
    return row | {"no, by each %": np.mean(by_each == "no")}


TABLES = (
    Simulation("yes-and-no-of-the-verdict", DESIGNS, find_shares, 0.25),
    Simulation("beating-every-simple-baseline", ONE_BASELINE, find_shares, 0.25),
)
