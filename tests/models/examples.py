"""A data set of patients and models simple enough to know what they must have seen."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.compute.workers import IN_PROCESS
from skiagram.fitting.arm import Member, train
from skiagram.fitting.contract import Arm, FitSummary, FittedToCases, Labelled
from skiagram.records.feature_table import FeatureTable
from skiagram.tasks.cases import SEALED, Cases
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests import stand_ins

PLAN = replace(stand_ins.PLAN, folds=3, seed=7)
TASK = Task(Classes(("normal", "malignant"), 1), "holdout")


def labelled(patients=24, images=2, n_classes=2):
    """Cases whose first feature tells the classes apart, imperfectly; label by patient."""
    generator = np.random.default_rng(3)
    patient = np.repeat(np.arange(patients), images)
    label = (patient % n_classes).astype(np.int64)
    values = generator.normal(size=(len(label), 4))
    values[:, 0] += label
    case_id = np.array([f"c{at:03d}" for at in range(len(label))])
    inputs = FeatureTable(case_id, ("a", "b", "c", "d"), values.astype(np.float32))
    return Labelled(
        inputs,
        case_id,
        label,
        np.array([f"p{one}" for one in patient]),
        Classes(tuple(map(str, range(n_classes)))),
    )


def cases_of(data, split):
    """Return the cases in the parts of a split; labels of test cases are under seal."""
    label = np.where(split == "test", SEALED, data.label)
    return Cases(data.case_id, data.patient_id, split, label)


def train_as(name, model, inputs, cases, folders, *, task=TASK, plan=PLAN, compute=IN_PROCESS):
    """Train a model as the stages do, and return what it leaves."""
    known, test = (inputs.of(part.case_id) for part in (cases.development(), cases.test()))
    member = Member[Any](name, model, {"depth": 3}, known, test)
    return train(member, cases, task, plan, folders, compute)


@dataclass(frozen=True)
class Seen:
    """Patients and cases that one fit was given."""

    seed: int
    training: Labelled[FeatureTable]
    validation: Labelled[FeatureTable] | None
    epochs: int | None = None

    def cases(self):
        held = [] if self.validation is None else self.validation.case_id.tolist()
        return {*self.training.case_id.tolist(), *held}


@dataclass(frozen=True)
class SpyFit(FittedToCases[FeatureTable]):
    """Scores by the class means of the first feature, and remembers whom it scored."""

    seen: Seen
    centre: NDArray[np.float64]
    spy: "Spy"
    summary: FitSummary

    def scores(self, inputs):
        self.spy.scored.append((self.seen, set(inputs.case_id.tolist())))
        return -np.abs(inputs.values[:, :1] - self.centre)  # noqa: PD011

    def save(self, folder):
        folder.mkdir(parents=True)
        (folder / "centre.txt").write_text(str(self.centre.tolist()))


@dataclass
class Spy:
    """A nearest-mean model that remembers what every fit saw.

    Attributes:
        failure: Raised by the fit numbered `fails_at`.
        fails_at: Number of the fit that fails.
        infinite: Whether its scores are not finite.
        spare: Scores of a case that nobody asked for.
        curves: Rows of the curve that each fit leaves.
        features: Which features each fit says it kept.
        fits: What each fit was given.
        scored: What each fit was given, and the cases it scored.
    """

    failure: BaseException | None = None
    fails_at: int = 0
    infinite: bool = False
    spare: int = 0
    curves: int = 0
    features: dict[str, bool] = field(default_factory=dict)
    fits: list[Seen] = field(default_factory=list)
    scored: list[tuple[Seen, set[str]]] = field(default_factory=list)

    title: ClassVar[str] = "Spy"
    arm: ClassVar[Arm] = "classical"
    uses_validation: ClassVar[bool] = False

    def fit(self, training, context):
        if self.failure is not None and len(self.fits) == self.fails_at:
            raise self.failure
        seen = Seen(context.seed, training, context.validation, context.epochs)
        self.fits.append(seen)
        values = training.inputs.values[:, 0].astype(np.float64)  # noqa: PD011
        centre = np.array([values[training.label == k].mean() for k in range(training.n_classes)])
        if self.infinite:
            centre = centre * np.inf
        centre = np.append(centre, np.zeros(self.spare))
        curves = pd.DataFrame({"epoch": range(self.curves), "training_loss": 1.0})
        summary = FitSummary(4, 3, len(training), curves, self.features)
        return SpyFit(seen, centre, self, summary)


class StoppingSpy(Spy):
    """A spy that asks for cases to stop early on and never says when it stopped."""

    uses_validation: ClassVar[bool] = True


class CountingSpy(StoppingSpy):
    """A stopping spy that says after how many epochs: one, two, three, … in the order of fits.

    A fit without cases to stop early on keeps the epochs it was given.
    """

    def fit(self, training, context):
        fitted = super().fit(training, context)
        epochs = len(self.fits) if context.epochs is None else context.epochs
        return replace(fitted, summary=replace(fitted.summary, epochs=(epochs,)))
