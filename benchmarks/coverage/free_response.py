"""Finding: intervals of JAFROC's figure of merit and of sensitivities, and false findings.

Two detectors, equally good in truth, rate the same places: lesions with a mean of 2 or more, of
which a part is never marked, and some others in each image with mean 0, all of unit variance. A
quarter of it belongs to the patient, half of the rest to both detectors alike. The truth is that of
40,000 patients.
"""

from dataclasses import dataclass, replace

import numpy as np
from simulation import Row, Simulation, holds, name_shares

from skiagram.seeding import stream
from skiagram.statistics.bootstrap import bootstrap_difference, bootstrap_estimate, draw_patients
from skiagram.statistics.froc import (
    MOST_LESIONS,
    RATES,
    FreeResponse,
    Ratings,
    compare_found,
)
from skiagram.statistics.variation import effective_patients

PLACES = 3.0
REPLICATES = 400
ONE = np.array([1.0])
COLUMNS = (
    *("merit held", "at one held", "mean held"),
    *("false findings, merit", "false findings, mean"),
)


@dataclass(frozen=True)
class Design:
    """Patients, every so many with lesions in one image.

    Attributes:
        images: Of a patient; or the most, their numbers drawn, few having most.
        every: One patient in so many has a lesion, or up to three.
        folds: Fits that share the patients; 0 for one fit.
        distance: Mean rating of a marked lesion.
        unmarked: Share of the lesions that no mark hits.
    """

    title: str
    patients: int
    images: int = 1
    unequal: bool = False
    every: int = 2
    folds: int = 0
    distance: float = 2.0
    unmarked: float = 0.1


DESIGNS = (
    Design("24 patients, 12 with lesions", 24),
    Design("40 patients, 20 with lesions", 40),
    Design("100 patients, 50 with lesions", 100),
    Design("60 patients of 2 images, 20 with lesions", 60, 2, every=3),
    Design("60 patients of 1 to 8 images, 30 with lesions", 60, 8, unequal=True),
    Design("160 patients of 2 images, 80 with lesions, 5 fits", 160, 2, folds=5),
    Design("40 patients, 20 with lesions, 5 % missed", 40, distance=3.5, unmarked=0.05),
    Design("60 patients of 2 images, 20 with lesions, 5 % missed", 60, 2, False, 3, 0, 4.0, 0.05),
    Design("40 patients of 1 to 8 images, 20 with lesions, 5 % missed", 40, 8, True, 2, 0, 4, 0.05),
    Design("100 patients, 10 with lesions, 5 % missed", 100, 1, False, 10, 0, 4.0, 0.05),
    Design("100 patients, 10 with lesions, 10 % missed", 100, 1, False, 10, 0, 4.0, 0.1),
)


def draw(
    design: Design, generator: np.random.Generator, distances: tuple[float, float] | None = None
) -> tuple[FreeResponse, FreeResponse]:
    """Return the marks of both detectors on new patients.

    Args:
        distances: Mean rating of a marked lesion by each, where it is not the design's.
    """
    count = np.full(design.patients, design.images)
    if design.unequal:
        count = np.minimum(generator.geometric(0.4, design.patients), design.images)
    patient = np.repeat(np.arange(design.patients), count)
    first = np.r_[0, np.cumsum(count)[:-1]]
    lesions = np.zeros(len(patient), dtype=np.int64)
    abnormal = first[:: design.every]
    lesions[abnormal] = generator.integers(1, 4, len(abnormal))
    images = np.arange(len(patient))
    lesion_image = np.repeat(images, lesions)
    place_image = np.repeat(images, generator.poisson(PLACES, len(patient)))
    image = np.r_[lesion_image, place_image]
    common = np.sqrt(0.25) * generator.normal(size=design.patients)[patient[image]]
    common += np.sqrt(0.375) * generator.normal(size=len(image))
    fit = (patient % design.folds)[None] if design.folds else None
    models = []
    for distance in distances or (design.distance, design.distance):
        score = common + np.sqrt(0.375) * generator.normal(size=len(image))
        lesion = score[: len(lesion_image)] + distance
        lesion[generator.random(len(lesion)) < design.unmarked] = -np.inf
        ratings = Ratings(lesion, lesion_image, score[len(lesion_image) :], place_image)
        models.append(FreeResponse((ratings,), patient, fit, design.folds))
    return models[0], models[1]


def simulate(design: Design, simulations: int) -> Row:
    """Return how often the truth is held, and how often one of equal detectors is called better."""
    generator = stream(0, "finding", design.title)
    many = draw(replace(design, patients=40_000, folds=0), generator)[0]
    ones = np.ones((1, len(many.patient)))
    truth = [many.merit().value, *(many.share_found(rates)(ones)[0] for rates in (ONE, RATES))]
    held, called = [], []
    for number in range(simulations):
        one, other = draw(design, generator)
        patient = one.patient[one.repeats[0].lesion_image]
        degrees = effective_patients(patient) - 1
        draws = draw_patients(
            one.patient, len(np.unique(patient)), REPLICATES, number, degrees=degrees
        )
        estimates = [
            one.merit().estimate(),
            *(
                bootstrap_estimate(
                    one.share_found(rates), draws, kind="percentile", most_cases=MOST_LESIONS
                )
                for rates in (ONE, RATES)
            ),
        ]
        held.append([holds(*pair) for pair in zip(estimates, truth, strict=True)])
        differences = [
            (one.merit() - other.merit()).estimate(),
            bootstrap_difference(compare_found(one, other), draws),
        ]
        called.append([not holds(each, 0.0) for each in differences])
    shares = np.r_[np.mean(held, axis=0), np.mean(called, axis=0)]
    return {"design": design.title, **name_shares(COLUMNS, shares)}


TABLES = (Simulation("finding-lesions", DESIGNS, simulate, 0.25),)
