"""How often the verdict says yes, or that an arm beats every baseline, where the truth forbids it.

Several arms of equal models meet simple baselines of which one is as good as they are, for an AUC
and for the C of a time; in two designs the network truly gains.
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
    find_comparison,
    is_unbeaten,
)
from skiagram.evaluation.evaluation_record import (
    PRIMARY,
    SIMPLE_BASELINES,
    VERSUS_CHANCE,
    Decision,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.seeding import stream
from skiagram.statistics.delong import auc_of_scores
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
        network: True figure of the network.
        baselines: How many simple baselines there are.
        gain: Of the network over one baseline.
        apart: Its gain over the classical model and the other baselines.
        arms: How many there are; those besides the classical one are as good as the network.
    """

    figure: str
    patients: int
    network: float
    baselines: int
    gain: float
    apart: float
    arms: int

    @property
    def title(self) -> str:
        """Return the design in words."""
        title = (
            f"{self.figure} {self.network:g} of {self.patients} patients, {self.baselines} rules"
        )
        return f"{title}, {self.apart:+g} over all but one, {self.arms} arms"

    @property
    def noises(self) -> list[float]:
        """Return the noise of the network, the classical model, the baselines and further arms."""
        level, away = self.network - self.gain, self.network - self.apart
        noise = {value: self.noise_of(value) for value in {self.network, level, away}}
        baselines = [level, *[away] * (self.baselines - 1)]
        values = [self.network, away, *baselines, *[self.network] * (self.arms - 2)]
        return [noise[value] for value in values]

    def draw(self, patients: int, noise: list[float], name: str) -> list[Linearised]:
        """Return the figure of the network, of the classical model and of each baseline.

        Args:
            noise: Deviation of each one's scores around what tells the outcome.
        """
        draw = stream(0, "decisions", self.title, name)
        trait, shared = draw.normal(size=(2, patients))
        apart = [np.sqrt(1 - SHARED) * draw.normal(size=patients) for _ in noise]
        scores = [
            trait + own * (np.sqrt(SHARED) * shared + each)
            for own, each in zip(noise, apart, strict=True)
        ]
        patient, one_fit = np.arange(patients), np.zeros(patients, dtype=np.int64)
        if self.figure == "AUC":
            positive = draw.normal(size=patients) < trait
            return [auc_of_scores(score[None], positive, patient) for score in scores]
        time, end = draw.exponential(size=(2, patients)) * np.exp(-trait)
        end *= CENSORED / (1 - CENSORED)
        seen = np.minimum(time, end), time <= end
        return [harrell_concordance(score, *seen, one_fit, patient) for score in scores]

    def noise_of(self, value: float) -> float:
        """Return the deviation at which scores have this true figure."""

        def above(log_noise: float) -> float:
            noise = [float(np.exp(log_noise))]
            found = [self.draw(MANY, noise, f"truth {number}") for number in range(TRUTH_SETS)]
            return float(np.mean([figure.value for (figure,) in found])) - value

        return float(np.exp(brentq(above, -4, 5, xtol=1e-3)))


DESIGNS = (  # that is as good as the network, or less so than the others are
    DecisionDesign("AUC", 100, 0.8, 3, 0.0, 0.15, 4),
    DecisionDesign("AUC", 400, 0.8, 3, 0.0, 0.15, 4),
    DecisionDesign("AUC", 400, 0.8, 5, 0.0, 0.15, 2),
    DecisionDesign("AUC", 2000, 0.8, 5, 0.0, 0.15, 4),
    DecisionDesign("C", 400, 0.7, 3, 0.0, 0.15, 4),
    DecisionDesign("AUC", 200, 0.8, 4, 0.1, 0.12, 4),
    DecisionDesign("AUC", 400, 0.8, 3, 0.05, 0.1, 4),
)


def decide(figures: list[Linearised], baselines: int) -> tuple[Decision, Decision, bool]:
    """Return the decision, and what else might be said of the same figures.

    Returns:
        The decision; that with p values corrected over the baselines too; whether any arm is said
        to beat every baseline.
    """
    network, classical, *others = figures
    arms = {"deep": network, "classical": classical}
    arms |= dict(zip(("encoder", "combined"), others[baselines:], strict=False))
    row = partial(make_row, figure="roc_auc")
    gap = network - classical
    primary = row(gap.estimate(), PRIMARY, model="deep", versus="classical", p=gap.p())
    compared: list[FigureRow] = []
    for arm, figure in arms.items():
        against_baseline = partial(row, analysis=SIMPLE_BASELINES, model=arm)
        chance = figure.estimate().subtract(0.5)
        p = None if chance.value is None else figure.variation.p(chance.value)
        compared.append(against_baseline(chance, versus=VERSUS_CHANCE, p=p))
        for number, baseline in enumerate(others[:baselines]):
            difference = figure - baseline
            named = {"versus": f"baseline {number}"}
            compared.append(against_baseline(difference.estimate(), p=difference.p(), **named))
    comparison = compare((primary, *correct_over_arms(compared)))
    unbeaten = {each.model for each in comparison.figures.rows if is_unbeaten(each)}
    over_all = compare((primary, *correct(compared))).judge().decision
    return comparison.judge().decision, over_all, not set(arms) <= unbeaten


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
    """Return the shares of *yes*, and of what else might be said."""
    noise = design.noises
    found = [
        decide(design.draw(design.patients, noise, str(number)), design.baselines)
        for number in range(simulations)
    ]
    decisions, over_all, any_arm = map(np.array, zip(*found, strict=True))
    return {
        "figure of the network": design.title,
        "gain": f"{design.gain:+.2f}",
        "yes %": np.mean(decisions == "yes"),
        "yes, over rules %": np.mean(over_all == "yes"),
        "any arm %": np.mean(any_arm),
    }


TABLES = (Simulation("beating-every-simple-baseline", DESIGNS, find_shares, 0.25),)
