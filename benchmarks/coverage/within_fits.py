"""Cross-validated AUCs: only pairs of cases that one fit scored count.

Linear discriminants on features of their own, equally good in truth, are trained in every fold. The
true AUC is that of the very fits on endless new patients, averaged over data sets; each fold weighs
by its number of pairs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from procedures import area, discriminant, grouped
from scipy.stats import norm, rankdata
from simulation import Row, Simulation

from skiagram.seeding import stream
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.linearised import combination

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
INNER = 3


@dataclass(frozen=True)
class Design:
    """Patients of one or several sites, and how they are cross-validated.

    Attributes:
        sites: (positive, negative) patients of each site; several are left out one by one.
        folds: Of a single site.
        offset: Of a site's features, standard deviation in noise units; a new one for each arm.
        images: Most images of a patient; their numbers are drawn, few have most.
        models: Of either arm; in each fold the best by inner folds stands.
        distance: Of the classes; of one feature, where the model is one, that of the best.
        too_short: Whether the page says that its intervals are: it is not simulated again.
        single: Whether a model is the one feature that orders its training cases best. The features
            then separate the classes by less and less, the last by nothing.
    """

    title: str
    sites: tuple[tuple[int, int], ...]
    folds: int = 0
    repeats: int = 1
    offset: float = 0.0
    images: int = 1
    models: tuple[int, int] = (1, 1)
    features: int = 8
    distance: float = 1.2
    shared: float = 0.5
    single: bool = False
    too_short: bool = False

    @property
    def shifts(self) -> Floats:
        """Return (features,) how far each feature separates the classes."""
        if self.single:
            return np.linspace(self.distance, 0, self.features)
        return np.full(self.features, self.distance / np.sqrt(self.features))


DESIGNS = (
    Design("20 + 20, 3 × 1", ((20, 20),), 3),
    Design("50 + 50, 5 × 1", ((50, 50),), 5),
    Design("50 + 50, 5 × 5", ((50, 50),), 5, 5),
    Design("10 + 90, 5 × 5", ((10, 90),), 5, 5),
    Design("10 + 90, 5 × 1, 1 + 5 models", ((10, 90),), 5, models=(1, 5)),
    Design("30 + 30 of 1 to 12 images, 3 × 3", ((30, 30),), 3, 3, images=12),
    Design("2 sites, 20 and 80 %", ((20, 80), (80, 20))),
    Design("3 sites, 10, 30 and 60 %", ((10, 90), (30, 70), (60, 40))),
    Design("3 sites, 50 %, offset 0.5", ((40, 40),) * 3, offset=0.5),
    Design("4 sites, 20 to 60 %, offset 0.5", ((8, 32), (60, 60), (36, 24), (20, 60)), offset=0.5),
    Design(
        "3 sites, 10 to 60 %, offset 1, 1 to 6 images", ((10, 50), (20, 30), (36, 24)), 0, 1, 1.0, 6
    ),
    Design("50 + 50, 5 × 1, 100 features", ((50, 50),), 5, features=100, distance=1.5),
    Design("50 + 50, 5 × 5, 100 features", ((50, 50),), 5, 5, features=100, distance=1.5),
    Design("200 + 200, 5 × 1, 100 features", ((200, 200),), 5, features=100),
    Design("50 + 50, 5 × 1, best of 50 features", ((50, 50),), 5, features=50, single=True),
    Design("50 + 50, 5 × 5, best of 50 features", ((50, 50),), 5, 5, features=50, single=True),
    Design(
        "50 + 50, 10 × 10, best of 50 features",
        ((50, 50),),
        10,
        10,
        features=50,
        single=True,
        too_short=True,
    ),
)


def simulate(design: Design, simulations: int, *again: str) -> Row:
    """Return biases, coverage and false findings."""
    generator = stream(0, "within fits", design.title, *again)
    rows = [_once(design, generator) for _ in range(simulations)]
    true = np.array([row.pop("true") for row in rows])
    truth, apart = true[:, 0].mean(), (true[:, 1] - true[:, 0]).mean()
    auc = [row["auc"] for row in rows]
    gap = np.array([(row["gap"].value, row["gap"].variation.half_width) for row in rows])
    assumed = np.mean([row["gap"].variation.variance for row in rows])
    intervals = [one.estimate() for one in auc]
    held = [(one.low or 0.0) <= truth <= (one.high or 1.0) for one in intervals]
    return {
        "design": design.title,
        "bias": f"{np.mean([one.value for one in auc]) - truth:+.3f}",
        "held %": np.mean(held),
        "difference": f"{gap[:, 0].mean() - apart:+.3f}",
        "first better %": (gap[:, 0] - gap[:, 1] > 0).mean(),
        "second better %": (gap[:, 0] + gap[:, 1] < 0).mean(),
        "variance": f"{gap[:, 0].var(ddof=1) / assumed:.2f}",
    }


@dataclass(frozen=True)
class DataSet:
    """Images of a design, and which of its patients are alike in class and site.

    Attributes:
        features: (n, features) of each model.
        positive: (n,) true class.
        patient: (n,) patient of each image.
        site: (n,) site of each image.
        of_class: (patients,) True for the positive ones.
    """

    features: list[Floats]
    positive: Flags
    patient: Whole
    site: Whole
    of_class: Flags


@dataclass(frozen=True)
class Linear:
    """A fit of the arm's model that inner folds chose: (features,) weights, and a constant."""

    model: int
    weights: Floats
    constant: float

    def score(self, features: list[Floats], rows: Flags) -> Floats:
        """Return the scores of some rows."""
        scores: Floats = features[self.model][rows] @ self.weights + self.constant
        return scores

    def true_auc(self, design: Design) -> float:
        """Return the AUC on endless new patients."""
        spread = np.sqrt(2 * self.weights @ self.weights)
        return float(norm.cdf(design.shifts @ self.weights / spread))


def _once(design: Design, generator: np.random.Generator) -> dict[str, Any]:
    drawn = draw(design, generator)
    repeats = []
    for _ in range(design.repeats):
        fold = draw_folds(design, drawn, generator)
        repeats.append((fold, _scored(design, drawn, fold, generator)))
    fit = np.array([fold for fold, _ in repeats])
    overlapping = len(np.unique(fit))
    first, second = (
        auc_of_scores(
            np.array([scored[0][arm] for _, scored in repeats]),
            drawn.positive,
            drawn.patient,
            overlapping,
            fit,
        )
        for arm in (0, 1)
    )
    true = np.mean([scored[1] for _, scored in repeats], axis=0)
    return {"true": true, "auc": first, "gap": combination([(1.0, second), (-1.0, first)])}


def draw(design: Design, generator: np.random.Generator) -> DataSet:
    """Draw a data set."""
    counts = np.concatenate([[positive, negative] for positive, negative in design.sites])
    of_patient = np.repeat(np.arange(len(counts)), counts)
    images = np.ones(len(of_patient), dtype=np.int64)
    if design.images > 1:  # geometric: most patients have few images, a few have many
        images = np.minimum(generator.geometric(0.4, len(of_patient)), design.images)
    patient = np.repeat(np.arange(len(of_patient)), images)
    site, positive = of_patient[patient] // 2, of_patient[patient] % 2 == 0
    features = _features(design, patient, site, positive, generator)
    return DataSet(features, positive, patient, site, of_patient % 2 == 0)


def draw_folds(design: Design, drawn: DataSet, generator: np.random.Generator) -> Whole:
    """Return (n,) the outer fold of each image: drawn by patient, or its site."""
    if not design.folds:
        return drawn.site
    return grouped(drawn.of_class, design.folds, generator)[drawn.patient]


def _features(
    design: Design, patient: Whole, site: Whole, positive: Flags, generator: np.random.Generator
) -> list[Floats]:
    """Return the (n, features) of each model."""
    n, size = len(patient), design.features

    def noise() -> Floats:
        of_images = generator.normal(size=(n, size))
        if design.images == 1:
            return of_images
        of_patients = generator.normal(size=(patient[-1] + 1, size))[patient]
        mixed: Floats = np.sqrt(0.5) * of_patients + np.sqrt(0.5) * of_images
        return mixed

    common = np.sqrt(design.shared) * noise()
    offsets = [design.offset * generator.normal(size=(site[-1] + 1, size)) for _ in range(2)]
    return [
        design.shifts * positive[:, None]
        + offsets[number >= design.models[0]][site]
        + common
        + np.sqrt(1 - design.shared) * noise()
        for number in range(sum(design.models))
    ]


def arms(design: Design, drawn: DataSet) -> tuple[list[Floats], list[Floats]]:
    """Return the features of the models of either arm."""
    return drawn.features[: design.models[0]], drawn.features[design.models[0] :]


def train(
    design: Design,
    features: list[Floats],
    rows: Flags,
    positive: Flags,
    generator: np.random.Generator,
) -> Linear:
    """Fit an arm's models on some rows, and return the one that inner folds choose."""
    best = 0
    if len(features) > 1:
        inner = [_inner(one[rows], positive[rows], generator) for one in features]
        best = int(np.argmax(inner))
    if design.single:
        return Linear(best, _best_feature(features[best][rows], positive[rows]), 0.0)
    weights, constant, _ = discriminant(features[best][rows], positive[rows])
    return Linear(best, weights, constant)


def count_pairs(positive: Flags, fold: Whole) -> Whole:
    """Return (folds,) pairs of a positive and a negative of the same fold."""
    return np.array(
        [(positive & (fold == k)).sum() * (~positive & (fold == k)).sum() for k in np.unique(fold)]
    )


def _scored(
    design: Design, drawn: DataSet, fold: Whole, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return (2, n) scores of the arms, and (2,) their true AUCs."""
    raw = np.empty((2, len(fold)))
    true = []
    for rows in (fold == k for k in np.unique(fold)):
        fits = [
            train(design, features, ~rows, drawn.positive, generator)
            for features in arms(design, drawn)
        ]
        for arm, (fit, features) in enumerate(zip(fits, arms(design, drawn), strict=True)):
            raw[arm, rows] = fit.score(features, rows)
        true.append([fit.true_auc(design) for fit in fits])
    return raw, np.average(true, axis=0, weights=count_pairs(drawn.positive, fold))


def _best_feature(values: Floats, positive: Flags) -> Floats:
    """Return (features,) 0 but for the feature with the AUC farthest from ½, which has its sign."""
    above = rankdata(values, axis=0)[positive].sum(axis=0) - positive.sum() * (len(values) + 1) / 2
    weights, best = np.zeros(values.shape[1]), np.abs(above).argmax()
    weights[best] = np.sign(above[best])
    return weights


def _inner(values: Floats, positive: Flags, generator: np.random.Generator) -> float:
    fold, areas = grouped(positive, INNER, generator), []
    for k in range(INNER):
        weights, _, _ = discriminant(values[fold != k], positive[fold != k])
        areas.append(area(values[fold == k] @ weights, positive[fold == k]))
    return float(np.mean(areas))


TABLES = (
    Simulation(
        "cross-validation-only-pairs-that-one-fit-scored",
        DESIGNS,
        simulate,
        0.5,
        lambda design, row: (
            not design.too_short and max(row["first better %"], row["second better %"]) > 0.025
        ),
    ),
)
