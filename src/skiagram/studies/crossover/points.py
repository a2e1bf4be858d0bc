"""One point of a learning curve: a model fitted on one subset, its scores of the test cases."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError, ModelFailure
from skiagram.models.contract import Labelled
from skiagram.models.plan import Plan
from skiagram.models.resampling import Resampling, finite
from skiagram.records import read_record, write_record
from skiagram.studies.contenders import inputs_of, untrained
from skiagram.studies.passes import Prepared
from skiagram.studies.place import Place
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class Cohort:
    """The cases of one draw.

    Attributes:
        training: Case ids that subsets are drawn from.
        label: Their classes.
        patient_id: Their patients.
        test: Case ids that every fit scores.
        positive: Label of the condition looked for.
    """

    training: NDArray[np.str_]
    label: NDArray[np.int64]
    patient_id: NDArray[np.str_]
    test: NDArray[np.str_]
    positive: int


@dataclass(frozen=True)
class Point:
    """A fit to make.

    Attributes:
        place: Where to work.
        prepared: Images and features.
        name: Name of the model's option file.
        options: Its options.
        arm: `classical` or `deep`.
        trainer: Where networks are trained.
        plan: Folds that choose among baselines, and the seed.
        cohort: The draw's cases.
        rows: Rows of the subset among the training cases.
        draw: Number of the draw.
    """

    place: Place
    prepared: Prepared
    name: str
    options: Mapping[str, Any]
    arm: str
    trainer: Trainer
    plan: Plan
    cohort: Cohort
    rows: NDArray[np.int64]
    draw: int


@dataclass(frozen=True)
class Fate:
    """How a fit ended.

    Attributes:
        selection_auc: Mean out-of-fold AUC within the subset, for baselines alone.
        title: The model's name for people.
        reason: Why there are no scores; empty when there are.
    """

    selection_auc: float | None
    title: str
    reason: str = ""


@dataclass(frozen=True)
class Measured:
    """A fit with its scores (n_test,) of the positive class; None after a failure."""

    fate: Fate
    scores: NDArray[np.float64] | None


def measure(point: Point) -> Measured:
    """Make one fit, or read what an earlier run left of it."""
    inputs = {
        "images": point.prepared.restored.name,
        "features": point.prepared.features.name,
        "model": point.options,
        "trainer": asdict(point.trainer) if point.arm == "deep" else None,
        "threads": point.place.compute.threads,
        "plan": asdict(point.plan),
        "training": point.cohort.training[point.rows].tolist(),
        "test": point.cohort.test.tolist(),
        "draw": point.draw,
    }
    folder = point.place.made(f"point-{point.name}", inputs, lambda folder: _fit(point, folder))
    fate = read_record(Fate, folder / "fate.json")
    return Measured(fate, None if fate.reason else np.load(folder / "scores.npy"))


def _fit(point: Point, folder: Path) -> None:
    model = untrained(point.place, point.arm, point.options, point.trainer)
    inputs = inputs_of(point.prepared, point.arm, point.options)
    cohort, rows = point.cohort, point.rows
    training = Labelled(
        inputs(cohort.training[rows]), cohort.training[rows], cohort.label[rows],
        cohort.patient_id[rows], 2,
    )  # fmt: skip
    resampling = Resampling(model, point.plan, cohort.positive)
    names = ("crossover", str(point.draw), str(len(rows)))
    selection = None
    try:
        with point.place.compute.limit():
            if point.arm == "classical":
                selection = _out_of_fold(resampling, training, names)
            fitted = resampling.fit(training, None, *names)
            scores = finite(fitted.scores(inputs(cohort.test)))
    except (ModelFailure, DataError) as error:
        write_record(Fate(selection, model.title, str(error)), folder / "fate.json")
        return
    ranking = scores[:, cohort.positive] - scores[:, 1 - cohort.positive]
    np.save(folder / "scores.npy", ranking, allow_pickle=False)
    write_record(Fate(selection, model.title), folder / "fate.json")


def _out_of_fold(
    resampling: Resampling[Any], training: Labelled[Any], names: tuple[str, ...]
) -> float:
    areas = []
    for k, fold in enumerate(resampling.folds(training, resampling.plan.folds, *names)):
        rest = training.select(fold.held_out)
        fitted = resampling.fit(training.select(fold.training), None, *names, f"fold{k}")
        scores = finite(fitted.scores(rest.inputs))
        positive = resampling.positive or 0
        areas.append(
            roc_auc_score(rest.label == positive, scores[:, positive] - scores[:, 1 - positive])
        )
    return float(np.mean(areas))
