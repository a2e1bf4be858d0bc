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


def contenders_ahead(design: tuple[int, int, int], simulations: int) -> Row:
    """Return how often one or more of equal contenders overtakes the baseline, or does not."""
    contenders, positives, negatives = design
    generator = stream(0, "contenders", str(contenders), f"{positives} + {negatives}")
    patient, told = np.arange(positives + negatives), np.zeros(2)
    positive, noise = patient < positives, partial(generator.normal, size=len(patient))
    shift = separation(0.85) * positive
    for _ in range(simulations):
        seed = int(generator.integers(2**31))
        drawn = draw_patients(patient, min(positives, negatives), RESAMPLES, seed)
        multipliers, common, models = generator.normal(size=(RESAMPLES, DRAWS)), noise(), []
        for number in range(1 + contenders):
            own = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * noise()
            sizes = [
                resampled(
                    np.sqrt(SAME) * own
                    + np.array([np.sqrt(1 - SAME) * noise() for _draw in range(DRAWS)])
                    + shift,
                    positive,
                    drawn,
                )
                for _size in SIZES
            ]
            arm = "deep" if number else "classical"
            areas = np.concatenate([size.areas for size in sizes])
            figures = tuple(size.figures[0] for size in sizes)
            models.append(ResampledModel(f"model {number}", "Model", arm, areas, figures, ()))
        found = find_crossings(models, models[0], SIZES, multipliers, 2 * SIZES[-1])
        told[0] += any(each.side != "open" for each in found)
        told[1] += any(find_side(each.difference) != "open" for each in found)
    return {
        "contenders": contenders,
        "positive + negative patients": f"{positives} + {negatives}",
        **name_shares(("told apart", "by each interval"), told / simulations),
    }


TABLES = (
    Simulation(
        "means-over-draws-of-a-learning-curve", tuple(product(PATIENTS, AUCS)), means_held, 0.25
    ),
    Simulation("several-contenders-of-a-learning-curve", CONTENDERS, contenders_ahead, 0.25),
)
