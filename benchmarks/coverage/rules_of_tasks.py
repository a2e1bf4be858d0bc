"""How often the rules of the verdict are wrong, for every kind of outcome.

Each kind is drawn from hidden traits that the scores of all models tell with shared noise, and goes
the project's own way: the primary figure of the task, the comparisons of arms and of simple
baselines, the decision. *Yes* is wrong to equal procedures and to models at chance, *no* to a
network that gains just the margin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
from decisions import MARGIN, SHARED, record_of
from free_response import Design as Marks
from free_response import draw as draw_marks
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from simulation import Row, Simulation

from skiagram.evaluation.arm_selection import ArmChoice
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.comparisons import compare_arms, compare_with_baselines
from skiagram.evaluation.criteria import is_nothing_of_use, judge, judge_finding
from skiagram.evaluation.evaluation_record import METRICS, Decision, Evaluation
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.evaluation.finding import FindingSearch
from skiagram.evaluation.results import ModelResult
from skiagram.records.predictions import Outcome
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.variation import effective_patients
from skiagram.tasks.classes import Classes
from skiagram.tasks.findings import Findings
from skiagram.tasks.grade import Grade
from skiagram.tasks.number import Number
from skiagram.tasks.predicted import Predicted
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.task import Task
from skiagram.tasks.time import TimeToEvent

Floats = NDArray[np.float64]
MANY, SETS = 4_000, 6  # patients and data sets by which the strength of a true figure is set
CENSORED = 0.5
REPLICATES = 200
STRENGTH = 0.6  # correlation of a model's scores with the trait
NOISE = 0.15  # of a number's prediction at chance, which no fit keeps at the mean itself
GRADES = np.array([-0.6, 0.3, 1.2])  # between four grades
OFFSETS = np.array([0.0, 0.8, 1.4])  # of three findings, the last of 12 %


@dataclass(frozen=True)
class Kind:
    """What is predicted, how many scores a model gives, and how values follow from traits."""

    predicted: Predicted
    traits: int
    outcome: Callable[[Floats, np.random.Generator], tuple[Floats, NDArray[np.int64]]]
    estimate: Callable[[Floats, float], Floats]


def draw_class(trait: Floats, generator: np.random.Generator) -> tuple[Floats, Any]:
    """Return the values and labels of two classes."""
    positive = (generator.normal(size=len(trait)) < trait[:, 0] - 0.5).astype(np.int64)
    return positive.astype(np.float64), positive


def draw_findings(trait: Floats, generator: np.random.Generator) -> tuple[Floats, Any]:
    """Return the values of three findings."""
    present = generator.normal(size=trait.shape) < trait - OFFSETS
    return present.astype(np.float64), np.zeros(len(trait), dtype=np.int64)


def draw_time(trait: Floats, generator: np.random.Generator) -> tuple[Floats, Any]:
    """Return times and whether they end with an event."""
    time, end = generator.exponential(size=(2, len(trait))) * np.exp(-trait[:, 0])
    end *= CENSORED / (1 - CENSORED)
    return np.minimum(time, end), (time <= end).astype(np.int64)


def draw_grade(trait: Floats, _: np.random.Generator) -> tuple[Floats, Any]:
    """Return grades."""
    place = np.searchsorted(GRADES, trait[:, 0])
    return place.astype(np.float64), place


FINDINGS = Findings(column="findings", findings=("a", "b", "c"))
KINDS: dict[str, Kind] = {
    "classes": Kind(
        Classes(("without", "with"), 1), 1, draw_class, lambda score, _: norm.cdf(score * [-1, 1])
    ),
    "several findings": Kind(FINDINGS, 3, draw_findings, lambda score, _: norm.cdf(score)),
    "time": Kind(TimeToEvent(column="time", unit="days"), 1, draw_time, lambda score, _: 0 * score),
    "number": Kind(
        Number(column="number"),
        1,
        lambda trait, _: (trait[:, 0], np.zeros(len(trait), dtype=np.int64)),
        lambda score, strength: (strength or NOISE) * score,
    ),
    "grade": Kind(
        Grade(column="grade", grades=("a", "b", "c", "d")),
        1,
        draw_grade,
        lambda score, _: np.searchsorted(GRADES, score).astype(np.float64),
    ),
}


def draw_models(
    kind: Kind, patients: int, strengths: Sequence[float], generator: np.random.Generator
) -> list[ComparedModel]:
    """Return models that tell the traits so well, on the same new patients."""
    trait, common = generator.normal(size=(2, patients, kind.traits))
    value, label = kind.outcome(trait, generator)
    patient, models = np.arange(patients), []
    for strength in strengths:
        own = generator.normal(size=trait.shape)
        noise = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own
        score = strength * trait + np.sqrt(1 - strength**2) * noise
        estimate = kind.estimate(score, strength)
        # A single score a case is one number, several findings have one each.
        order = score[None] if kind.traits > 1 else score[None, :, 0]
        one_fit = np.zeros((1, patients), dtype=np.int64)
        scored = ScoredCases(label, value, patient, order, estimate[None], one_fit)
        models.append(ComparedModel(kind.predicted, scored))
    return models


@cache
def set_strength(name: str, strength: float, gain: float) -> float:
    """Return how well a model tells the traits whose true figure is better by a gain."""
    if not gain:
        return strength
    kind = KINDS[name]
    sign = -1 if kind.predicted.lower_is_better else 1

    def measure(tried: float) -> float:
        found = [
            draw_models(kind, MANY, [strength, tried], stream(0, "truth of tasks", str(number)))
            for number in range(SETS)
        ]
        return float(np.mean([other.figure.value - one.figure.value for one, other in found]))

    return float(brentq(lambda tried: sign * measure(tried) - gain, strength, 0.9, xtol=1e-4))


def decide_by_rules(models: Sequence[ComparedModel]) -> tuple[Decision, bool]:
    """Return the decision on a network, a classical model and simple baselines.

    And whether no model is said to work on these data.
    """
    network, classical, *simple_baselines = models
    predicted = network.predicted
    arms = {"deep": network, "classical": classical}
    baselines = {f"baseline {number}": model for number, model in enumerate(simple_baselines)}
    if predicted.chance is None:  # a model that says the same of every case
        baselines[predicted.chance_model] = ComparedModel(predicted, _say_the_same(network.scored))
    # nothing is decided by single cases
    primary = compare_arms(
        {arm: replace(model, has_probabilities=False) for arm, model in arms.items()}, MARGIN
    )
    results = tuple(
        ModelResult(
            Outcome(name, arm, name, "finished"),
            FigureTable(
                (make_row(model.estimate(), METRICS, predicted.primary, model=name),),
            ),
        )
        for name, arm, model in (
            ("deep", "deep", network),
            ("classical", "classical", classical),
            *((name, "classical", model) for name, model in baselines.items()),
        )
    )
    evaluation = Evaluation(
        task=Task(predicted, "cv" if network.scored.folds else "holdout"),
        cases={},
        patients={},
        near_duplicates=0,
        models=results,
        margin=MARGIN,
        arms={arm: ArmChoice(arm, {arm: 1}, 1) for arm in arms},
        figures=FigureTable((*primary, *compare_with_baselines(arms, baselines))),
    )
    return judge(evaluation).decision, is_nothing_of_use(evaluation)


def _say_the_same(scored: ScoredCases) -> ScoredCases:
    return ScoredCases(
        scored.label,
        scored.value,
        scored.patient,
        0 * scored.score,
        0 * scored.estimate,
        scored.fit,
        scored.folds,
    )


def decide_finding(distances: tuple[float, float], design: Marks, number: int) -> Decision:
    """Return the decision on two detectors whose ratings of lesions lie so far above others."""
    generator = stream(0, "rules of finding", design.title, str(number))
    first, second = draw_marks(design, generator, distances)
    lesion_image = first.repeats[0].lesion_image
    placed = np.isin(np.arange(len(first.patient)), lesion_image)
    whose = first.patient[lesion_image]
    degrees = effective_patients(whose) - 1
    draws = draw_patients(first.patient, len(np.unique(whose)), REPLICATES, number, degrees)
    judged: Any = SimpleNamespace(placed=placed)
    rows = FindingSearch(judged, draws, "test").compare(
        {}, {"deep": first, "classical": second}, "deep", ()
    )
    return judge_finding(record_of(rows)).decision


# What is true → strength of the classical model and its baseline, the network's gain, what is wrong
TRUTHS: dict[str, tuple[float, float, Decision]] = {
    "equal": (STRENGTH, 0.0, "yes"),
    "gain of the margin": (STRENGTH, MARGIN, "no"),
    "at chance": (0.0, 0.0, "yes"),
}
BASELINES = 3  # simple ones, each as good as the classical model
PATIENTS = (100, 400)
LESIONS = "lesions searched for"
RATED = 1.5  # mean rating of a lesion above that of other places


@cache
def set_rating(gain: float) -> float:
    """Return the mean rating of lesions by a detector whose figure of merit is better by a gain."""
    design = Marks("many", MANY)

    def more(rating: float) -> float:
        first, second = draw_marks(design, stream(0, "truth of finding"), (rating, RATED))
        return first.merit().value - second.merit().value - gain

    return float(brentq(more, RATED, RATED + 1, xtol=1e-3)) if gain else RATED


def count_decisions(
    name: str, truth: str, patients: int, simulations: int
) -> tuple[list[Decision], list[bool]]:
    """Return the decisions on new data sets, and whether no model was said to work."""
    strength, gain, _ = TRUTHS[truth]
    if name == LESIONS:
        ratings = (set_rating(gain), RATED) if strength else (0.0, 0.0)
        design = Marks(f"{patients} patients, {truth}", patients)
        return [decide_finding(ratings, design, number) for number in range(simulations)], []
    kind = KINDS[name]
    strengths = [set_strength(name, strength, gain), *[strength] * (1 + BASELINES)]
    generator = stream(0, "rules of tasks", name, truth, str(patients))
    found = [
        decide_by_rules(draw_models(kind, patients, strengths, generator))
        for _ in range(simulations)
    ]
    return [decision for decision, _ in found], [nothing for _, nothing in found]


def judge_decisions(design: tuple[str, str, int], simulations: int) -> Row:
    """Return the shares of decisions, and of `none works` where it is asked."""
    name, truth, patients = design
    decisions, nothing = count_decisions(name, truth, patients, simulations)
    share = {word: decisions.count(word) / simulations for word in ("yes", "no", "open")}
    wrong = share[TRUTHS[truth][2]]
    return {
        "outcome": name,
        "truth": truth,
        "patients": patients,
        "wrong %": wrong,
        "standard error %": np.sqrt(wrong * (1 - wrong) / simulations),
        **{f"{word} %": each for word, each in share.items()},
        **({"none works %": np.mean(nothing)} if nothing else {}),
    }


TABLES = tuple(
    Simulation(name, tuple(product(outcomes, TRUTHS, PATIENTS)), judge_decisions, 0.125)
    for name, outcomes in (
        ("the-rules-of-the-verdict-by-outcome", (*KINDS,)),
        ("the-rules-of-the-verdict-by-outcome-2", (LESIONS,)),
    )
)
