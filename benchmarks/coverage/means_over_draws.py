"""Points of a learning curve: means over draws of training cases, judged by the same patients.

Scores are normal within a class. Of their noise, patients share most over the draws of a model and
half over two models, which are equal in truth. Percentiles of resampled patients and draws, which
stood here before, are simulated beside the intervals.
"""

from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray
from simulation import Row, Simulation, holds, name_shares, separation

from skiagram.evaluation.criteria import find_side
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import LEVELS, PatientDraws, draw_patients
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.discrimination import roc_auc
from skiagram.sweeps.learning_curves import ResampledModel, find_crossings

Floats = NDArray[np.float64]
DRAWS = 3
REPLICATES = 400
SAME = 0.8  # of the noise, over the draws of a model
SHARED = 0.5  # of that, over the two models
PATIENTS = ((10, 10), (20, 20), (20, 40), (40, 60))
AUCS = (0.97, 0.9)
COLUMNS = ("mean", "percentiles", "no width", "gain", "percentiles of the gain")


def resampled(score: Floats, positive: NDArray[np.bool_], patients: PatientDraws) -> ResampledModel:
    """Return a model of (draws, n) scores at one number of training cases."""
    weights = np.concatenate([np.ones((1, len(positive))), *patients.weights()])
    areas = np.array([[roc_auc(row, positive, weights) for row in score]])
    figures = tuple(auc_of_scores(row[None], positive, patients.patient) for row in score)
    return ResampledModel("model", "Model", "deep", areas, (figures,), ())


def percentiles(figure: Floats) -> tuple[float, float]:
    """Return the percentile interval of a figure, which stands before its resamples."""
    low, high = np.quantile(figure[1:][np.isfinite(figure[1:])], LEVELS)
    return float(low), float(high)


def means_held(design: tuple[tuple[int, int], float], simulations: int) -> Row:
    """Return the shares of a row: held, and percentiles without width."""
    (positives, negatives), auc = design
    generator = stream(0, "means over draws", f"{positives} + {negatives}", str(auc))
    patient, all_draws = np.arange(positives + negatives), np.ones(DRAWS, dtype=np.bool_)
    positive, counts = patient < positives, np.zeros(5)
    noise = partial(generator.normal, size=len(patient))
    for _ in range(simulations):
        seed = int(generator.integers(2**31))
        drawn = draw_patients(patient, min(positives, negatives), REPLICATES, seed)
        multipliers, common = generator.normal(size=(REPLICATES, DRAWS)), noise()
        models = []
        for _model in range(2):
            own = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * noise()
            rest = np.array([np.sqrt(1 - SAME) * noise() for _draw in range(DRAWS)])
            score = np.sqrt(SAME) * own + rest + separation(auc) * positive
            models.append(resampled(score, positive, drawn))
        first, second = (model.over_draws(0, all_draws) for model in models)
        mean, other = (model.mean(multipliers)[0] for model in models)
        (low, high), (below, above) = percentiles(mean), percentiles(mean - other)
        counts += [
            holds(first.estimate(), auc),
            low <= auc <= high,
            low == high,
            holds((first - second).estimate(), 0.0),
            below <= 0 <= above,
        ]
    return {
        "positive + negative patients": f"{positives} + {negatives}",
        "true AUC": f"{auc:g}",
        **name_shares(COLUMNS, counts / simulations),
    }


SIZES = np.array([50.0, 100.0, 200.0])
RESAMPLES = 20  # no answer rests on them, but curves are fitted to them
CONTENDERS = tuple((number, *patients) for number in (2, 5) for patients in PATIENTS[1::2])


def draw_models(
    generator: np.random.Generator, aucs: Floats, patients: tuple[int, int], replicates: int
) -> tuple[list[ResampledModel], Floats]:
    """Draw models of (models, sizes) true AUCs for the same patients; the first is classical.

    Returns:
        The models, and the multipliers of their draws.
    """
    patient = np.arange(sum(patients))
    positive, noise = patient < patients[0], partial(generator.normal, size=len(patient))
    seed = int(generator.integers(2**31))
    drawn = draw_patients(patient, min(patients), replicates, seed)
    multipliers, common, models = generator.normal(size=(replicates, DRAWS)), noise(), []
    for number, of_sizes in enumerate(aucs.tolist()):
        own = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * noise()
        sizes = [
            resampled(
                np.sqrt(SAME) * own
                + np.array([np.sqrt(1 - SAME) * noise() for _draw in range(DRAWS)])
                + separation(auc) * positive,
                positive,
                drawn,
            )
            for auc in of_sizes
        ]
        arm = "deep" if number else "classical"
        areas = np.concatenate([size.areas for size in sizes])
        figures = tuple(size.figures[0] for size in sizes)
        models.append(ResampledModel(f"model {number}", "Model", arm, areas, figures, ()))
    return models, multipliers


def contenders_ahead(design: tuple[int, int, int], simulations: int) -> Row:
    """Return how often one or more of equal contenders overtakes the baseline, or does not."""
    contenders, positives, negatives = design
    generator = stream(0, "contenders", str(contenders), f"{positives} + {negatives}")
    told, aucs = np.zeros(2), np.full((1 + contenders, len(SIZES)), 0.85)
    for _ in range(simulations):
        models, multipliers = draw_models(generator, aucs, (positives, negatives), RESAMPLES)
        found = find_crossings(models, models[0], SIZES, multipliers, 2 * SIZES[-1])
        told[0] += any(each.side != "open" for each in found)
        told[1] += any(find_side(each.difference) != "open" for each in found)
    return {
        "contenders": contenders,
        "positive + negative patients": f"{positives} + {negatives}",
        **name_shares(("told apart", "by each interval"), told / simulations),
    }


MORE_SIZES = np.array([50.0, 100.0, 200.0, 400.0])
# the contender's AUC at each size, of power laws (limit, scale, rate) or as it stands; a baseline
LAWS = {
    "two power laws": ((0.9, 2.0, 0.5), (0.82, 0.6, 0.5)),
    "two power laws that are close": ((0.85, 1.0, 0.4), (0.8, 0.2, 0.3)),
    "two power laws near 1": ((0.98, 1.5, 0.45), (0.93, 0.5, 0.6)),
}
OTHERS = {
    "falls": ((0.9, 0.86, 0.8, 0.74), (0.7, 0.76, 0.79, 0.8)),
    "falls a little": ((0.84, 0.82, 0.8, 0.78), (0.7, 0.74, 0.78, 0.81)),
    "dips": ((0.9, 0.7, 0.7, 0.9), (0.8, 0.8, 0.8, 0.8)),
    "baseline falls": ((0.7, 0.74, 0.78, 0.8), (0.85, 0.83, 0.78, 0.74)),
}
CURVES = tuple(product([*LAWS, *OTHERS], ((40, 60), (200, 200))))


def curves_refused(design: tuple[str, tuple[int, int]], simulations: int) -> Row:
    """Return how often nothing is said of a crossing, as the curves are no power laws."""
    name, (positives, negatives) = design
    generator = stream(0, "power laws", name, f"{positives} + {negatives}")
    if name in LAWS:
        contender, baseline = (
            limit - scale * MORE_SIZES**-rate for limit, scale, rate in LAWS[name]
        )
    else:
        contender, baseline = map(np.array, OTHERS[name])
    refused, aucs = 0, np.stack([baseline, contender])
    for _ in range(simulations):
        models, multipliers = draw_models(generator, aucs, (positives, negatives), 200)
        (found,) = find_crossings(models, models[0], MORE_SIZES, multipliers, 800.0)
        refused += found.share is None
    return {
        "curves": name,
        "positive + negative patients": f"{positives} + {negatives}",
        "nothing is said of a crossing %": refused / simulations,
    }


TABLES = (
    Simulation(
        "means-over-draws-of-a-learning-curve", tuple(product(PATIENTS, AUCS)), means_held, 0.25
    ),
    Simulation("several-contenders-of-a-learning-curve", CONTENDERS, contenders_ahead, 0.25),
    Simulation("curves-that-are-no-power-laws", CURVES, curves_refused, 0.1),
)
