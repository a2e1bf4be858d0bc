"""How far estimates are off that the calibrations of five folds make together.

One normal feature tells as much as its slope says. A ridge model of each fold scores the cases that
it holds out, and one of all cases scores new ones. The calibrations of the folds are averaged as
`weigh_folds` weighs them, and alike. Where the feature tells little, some folds have next to no
weights, and their calibrations slopes of hundreds.
"""

import numpy as np
from scipy.special import expit, logit
from simulation import Row, Simulation
from sklearn.linear_model import LogisticRegression

from skiagram.arrays import Floats
from skiagram.calibration import Calibration, average_calibrations
from skiagram.seeding import stream
from skiagram.statistics.cox import fit_ridge
from skiagram.tasks.class_calibration import fit_platt
from skiagram.tasks.outcome import weigh_folds
from skiagram.tasks.time import TimeToEvent

FOLDS, NEW = 5, 1000
ABSURD = 0.5  # an estimate that is further from the truth
# what is predicted, patients, slope of the feature, share of the class or of the events
DESIGNS = (
    *(("class", 120, slope, 0.4) for slope in (0.0, 0.3, 0.8, 3.0)),
    *(("class", 300, slope, 0.1) for slope in (0.0, 0.3)),
    *(("time", 120, slope, 0.6) for slope in (0.0, 0.15, 0.6)),
    *(("time", 200, slope, 0.15) for slope in (0.0, 0.3)),
)


class Class:
    """Two classes by a logistic curve of the feature."""

    def __init__(self, slope: float, share: float) -> None:
        """Put the curve where the feature's mean has the share."""
        self.slope, self.middle = slope, float(logit(share))

    def draw(self, values: Floats, random: np.random.Generator) -> None:
        """Draw the label of each value."""
        self.label = (random.random(len(values)) < self.truth(values)).astype(np.int64)

    def truth(self, values: Floats) -> Floats:
        """Return the chance of the class."""
        chance: Floats = expit(self.middle + self.slope * values)
        return chance

    def score(self, values: Floats, rows: Floats, new: Floats) -> Floats:
        """Return what a model of some rows scores new values by."""
        fitted = LogisticRegression(C=1.0).fit(values[rows, None], self.label[rows])
        margin = fitted.decision_function(new[:, None])
        return np.stack([np.zeros(len(new)), margin], axis=1)

    def calibrate(self, scores: Floats, rows: Floats) -> Calibration:
        """Return the calibration of the scores of some rows."""
        return fit_platt(scores, self.label[rows])

    def estimate(self, calibration: Calibration, scores: Floats) -> Floats:
        """Return the chance of the class by a calibration."""
        return calibration.probabilities(scores)[:, 1]


class Time:
    """Exponential times whose log hazard is the feature's, and exponential censoring."""

    def __init__(self, slope: float, share: float) -> None:
        """Censor as many as leaves the share of events where the feature tells nothing."""
        self.slope, self.until = slope, share / (1 - share)

    def draw(self, values: Floats, random: np.random.Generator) -> None:
        """Draw the time of each value, and whether its event was seen."""
        time = random.exponential(np.exp(-self.slope * values))
        end = random.exponential(self.until, len(values))
        self.time, self.event = np.minimum(time, end), time <= end
        outcome = TimeToEvent(column="time", unit="days")
        self.outcome = outcome.settle(self.time, self.event.astype(np.int64))

    def truth(self, values: Floats) -> Floats:
        """Return survival at the middle horizon."""
        survival: Floats = np.exp(-self.outcome.horizons[1] * np.exp(self.slope * values))
        return survival

    def score(self, values: Floats, rows: Floats, new: Floats) -> Floats:
        """Return what a model of some rows scores new values by."""
        seen = values[rows, None], self.time[rows], self.event[rows]
        return new[:, None] * fit_ridge(*seen, 1 / rows.sum())

    def calibrate(self, scores: Floats, rows: Floats) -> Calibration:
        """Return the calibration of the scores of some rows."""
        seen = self.time[rows], self.event[rows].astype(np.int64)
        return self.outcome.calibrate(scores, *seen, np.flatnonzero(rows))

    def estimate(self, calibration: Calibration, scores: Floats) -> Floats:
        """Return survival at the middle horizon by a calibration."""
        place = self.outcome.grid.index(self.outcome.horizons[1])
        return calibration.probabilities(scores)[:, place]


def simulate(design: tuple[str, int, float, float], simulations: int) -> Row:
    """Return the error of estimates of new patients, with folds by their weights and alike."""
    kind, patients, slope, share = design
    random = stream(0, "calibrations of folds", *map(str, design))
    errors: dict[str, list[float]] = {"weighed": [], "alike": []}
    absurd = dict.fromkeys(errors, 0.0)
    for _ in range(simulations):
        # The calibration of each fold, of the cases that it holds out.
        study = {"class": Class, "time": Time}[kind](slope, share)
        values, new = random.normal(size=patients), random.normal(size=NEW)
        study.draw(values, random)
        fold = random.permutation(patients) % FOLDS
        scores = [study.score(values, fold != k, values[fold == k]) for k in range(FOLDS)]
        own = [study.calibrate(each, fold == k) for k, each in enumerate(scores)]
        # Estimates of new patients by the mean of the calibrations.
        scored = study.score(values, np.ones(patients, dtype=np.bool_), new)
        for name, weights in (("weighed", weigh_folds(scores)), ("alike", None)):
            off = study.estimate(average_calibrations(own, weights), scored) - study.truth(new)
            errors[name].append(float(np.sqrt((off**2).mean())))
            absurd[name] += float((np.abs(off) > ABSURD).mean()) / simulations
    row: Row = {"predicted": kind, "patients": patients, "slope": slope, "share": share}
    for name, each in errors.items():
        row[f"error, folds {name}"] = round(float(np.median(each)), 3)
        row[f"error in the worst tenth, folds {name}"] = round(float(np.quantile(each, 0.9)), 3)
        row[f"off by more than {ABSURD:g}, folds {name} %"] = absurd[name]
    return row


TABLES = (Simulation("calibrations-of-folds", DESIGNS, simulate, 0.1),)
