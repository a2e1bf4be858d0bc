"""Cross-validation where each fit chooses: how often equal procedures are told apart.

Two arms have features of their own, equally good in truth: one of 25 tells a hidden trait, or five
of 500, the others nothing. In every fold each arm learns by the same rule: it takes the feature
that goes best with the outcome, or the best five, or fits all of them. What chance made good in the
data set is chosen in nearly all folds, and no fold can tell that another data set would have chosen
otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rules_of_tasks import KINDS, decide_by_rules
from simulation import Row, Simulation
from sklearn.linear_model import Lasso
from sklearn.tree import DecisionTreeRegressor

from skiagram.evaluation.compared_model import ComparedModel
from skiagram.seeding import stream
from skiagram.tasks.scored_cases import ScoredCases

Floats = NDArray[np.float64]
Learner = Callable[[Floats, Floats], Callable[[Floats], Floats]]
CENSORED = 0.5
OUTCOMES = {"AUC": "classes", "C": "time", "error": "number"}  # figure → the kind of outcome
RIDGE = 20.0


def fit_columns(features: Floats, target: Floats, columns: NDArray[np.intp]) -> Floats:
    """Return (features,) the weights of the mean of some columns, each with its sign and scale."""
    centred = features - features.mean(axis=0)
    scale = centred.std(axis=0)
    weights = np.zeros(features.shape[1])
    weights[columns] = np.sign(centred.T @ target)[columns] / scale[columns]
    return weights


def take_best(number: int) -> Learner:
    """Return a learner that takes the columns that go best with the target."""

    def learn(features: Floats, target: Floats) -> Callable[[Floats], Floats]:
        centred = features - features.mean(axis=0)
        strength = np.abs(centred.T @ target) / centred.std(axis=0)
        weights = fit_columns(features, target, np.argsort(-strength)[:number])
        return lambda held_out: held_out @ weights

    return learn


def fit_ridge(features: Floats, target: Floats) -> Callable[[Floats], Floats]:
    """Fit all columns, each a little."""
    centred = features - features.mean(axis=0)
    gram = centred.T @ centred + RIDGE * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, centred.T @ target)
    return lambda held_out: held_out @ weights


def fit_lasso(features: Floats, target: Floats) -> Callable[[Floats], Floats]:
    """Fit few columns."""
    fitted = Lasso(alpha=0.1, max_iter=300, tol=1e-3).fit(features, target)
    return lambda held_out: np.asarray(fitted.predict(held_out))


def fit_tree(features: Floats, target: Floats) -> Callable[[Floats], Floats]:
    """Fit a tree of depth 2."""
    fitted = DecisionTreeRegressor(max_depth=2, random_state=0).fit(features, target)
    return lambda held_out: np.asarray(fitted.predict(held_out))


# Name → features of an arm, how many of them tell the trait, and the way to learn from them
LEARNERS: dict[str, tuple[int, int, Learner]] = {
    "best of 25 features": (25, 1, take_best(1)),
    "best 5 of 500 features": (500, 5, take_best(5)),
    "tree of 25 features": (25, 1, fit_tree),
    "lasso of 25 features": (25, 1, fit_lasso),
    "ridge of 25 features": (25, 1, fit_ridge),
}


@dataclass(frozen=True)
class ChoosingFits:
    """What is predicted by which learner, of how many patients, in how many folds and repeats.

    Attributes:
        strength: How far a feature goes with the trait, in units of its noise.
    """

    figure: str
    learner: str
    patients: int
    folds: int
    repeats: int
    strength: float = 0.4

    @property
    def title(self) -> str:
        """Return the design in words."""
        weak = "weak signal" if self.strength < 0.5 else "strong signal"
        times = f"{self.repeats} × {self.folds} folds"
        return f"{self.figure}, {self.learner}, {self.patients} patients, {weak}, {times}"


SINGLE = "best of 25 features"
DESIGNS = (
    *(
        ChoosingFits(figure, SINGLE, 100, folds, repeats)
        for figure in ("AUC", "C", "error")
        for folds, repeats in ((5, 1), (5, 5), (10, 10))
    ),
    *(ChoosingFits("AUC", learner, 100, 5, 5) for learner in LEARNERS if learner != SINGLE),
    ChoosingFits("AUC", SINGLE, 200, 5, 5),
    ChoosingFits("AUC", SINGLE, 100, 5, 5, 1.0),
)


def draw_outcome(
    figure: str, trait: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return what learners are fitted to, the value, and who is positive or has an event."""
    patients = len(trait)
    if figure == "AUC":
        positive = np.argsort(np.argsort(trait)) >= patients // 2
        return positive - 0.5, positive.astype(np.float64), positive
    if figure == "error":
        return trait - trait.mean(), trait, np.ones(patients, dtype=np.bool_)
    time, end = generator.exponential(size=(2, patients)) * np.exp(-trait)
    end *= CENSORED / (1 - CENSORED)
    seen, event = np.minimum(time, end), time <= end
    # Events minus what the Nelson–Aalen hazard expects, as learners of a time start from.
    order = np.argsort(seen)
    hazard = np.empty(patients)
    hazard[order] = np.cumsum(event[order] / np.arange(patients, 0, -1))
    return event - hazard, seen, event


def draw_arms(design: ChoosingFits, generator: np.random.Generator) -> list[ComparedModel]:
    """Draw a data set and return both arms, cross-validated on it."""
    columns, telling, learn = LEARNERS[design.learner]
    n = design.patients
    trait = generator.normal(size=n)
    slopes = design.strength * (np.arange(columns) < telling)
    arms = [slopes * trait[:, None] + generator.normal(size=(n, columns)) for _ in range(2)]
    target, value, event = draw_outcome(design.figure, trait, generator)
    scores = np.empty((2, design.repeats, n))
    fits = np.empty((design.repeats, n), dtype=np.int64)
    for repeat in range(design.repeats):
        # Folds have equal shares of those with and without an event.
        order = np.lexsort((generator.random(n), event))
        fits[repeat, order] = np.arange(n) % design.folds
        for fold in range(design.folds):
            held_out = fits[repeat] == fold
            for arm, features in enumerate(arms):
                known = target[~held_out]
                predict = learn(features[~held_out], known)
                raw = predict(features[held_out])
                if design.figure == "error":  # a line from scores to the value
                    fitted = predict(features[~held_out])
                    slope, constant = np.polyfit(fitted, value[~held_out], 1)
                    raw = slope * raw + constant
                scores[arm, repeat, held_out] = raw
    kind, label = KINDS[OUTCOMES[design.figure]], event.astype(np.int64)
    estimates = kind.estimate(scores[..., None], 1.0)
    return [
        ComparedModel(
            kind.predicted,
            ScoredCases(label, value, np.arange(n), score, estimate, fits, design.folds),
        )
        for score, estimate in zip(scores, estimates, strict=True)
    ]


def tell_apart(design: ChoosingFits, simulations: int) -> Row:
    """Return how often equal arms are told apart, and how often one gets a *yes*.

    And the true variance over the one assumed.
    """
    generator = stream(0, "choosing fits", design.title)
    apart, yes, values, assumed = 0, 0, np.empty(simulations), 0.0
    for number in range(simulations):
        arms = draw_arms(design, generator)
        difference = arms[0].subtract(arms[1])
        estimate = difference.estimate()
        apart += not (estimate.low or 0.0) <= 0 <= (estimate.high or 0.0)
        yes += decide_by_rules(arms)[0] == "yes"
        values[number] = difference.value
        assumed += difference.variation.variance / simulations
    return {
        "design": design.title,
        "told apart %": apart / simulations,
        "false yes %": yes / simulations,
        "variance": f"{np.mean(values**2) / assumed:.2f}",
    }


TABLES = (Simulation("where-each-fit-chooses", DESIGNS, tell_apart, 0.25),)
