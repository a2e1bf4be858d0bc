"""Models that are trained once and then score the same cases under many conditions."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.deployment import DEPLOYMENT, Deployment, repeat_folder
from skiagram.models.plan import Plan
from skiagram.models.resampling import FINAL, Developed
from skiagram.options import build
from skiagram.records import Outcome, read_record
from skiagram.studies.contenders import inputs_of, untrained
from skiagram.studies.passes import Prepared
from skiagram.studies.place import Place
from skiagram.studies.robustness.cohorts import Cohort
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class Fit:
    """A model to train on a cohort, and what it is to score.

    Attributes:
        place: Where to work.
        prepared: Clean images and features.
        cohort: Whom it is trained on.
        name: Name of the model's option file.
        options: Its options.
        arm: `classical` or `deep`.
        plan: Folds, repeats and seed.
        trainer: Where networks are trained.
        case_id: Cases to score.
        views: Images and features of these cases, a condition each.
    """

    place: Place
    prepared: Prepared
    cohort: Cohort
    name: str
    options: Mapping[str, Any]
    arm: str
    plan: Plan
    trainer: Trainer
    case_id: NDArray[np.str_]
    views: tuple[Prepared, ...]


@dataclass(frozen=True)
class Viewed:
    """Scores of the cases under one condition.

    Attributes:
        scores: (repeats, n, 2).
        probability: (repeats, n, 2), calibrated on clean held-out development cases.
        threshold: (repeats,) fixed on the same cases.
    """

    scores: NDArray[np.float64]
    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """How a fit ended and its scores under each condition; none after a failure."""

    outcome: Outcome
    views: tuple[Viewed, ...]


def score(fit: Fit) -> Scored:
    """Train the model and score every view, or read what an earlier run left of it."""
    folder = _trained(fit)
    outcome = read_record(Outcome, folder / "scores/outcome.json")
    if outcome.status == "failed":
        return Scored(outcome, ())
    return Scored(outcome, tuple(_viewed(fit, folder, view) for view in fit.views))


def _trained(fit: Fit) -> Path:
    cases = fit.cohort.cases
    parts = [part.case_id for part in (cases.development(), cases.test())]

    def make(folder: Path) -> None:
        model = untrained(fit.place, fit.arm, fit.options, fit.trainer)
        of = inputs_of(fit.prepared, fit.arm, fit.options)
        inputs = [of(part) for part in parts]
        member = Member(fit.name, model, dict(fit.options), *inputs)
        folders = ArmFolders(folder / "model", folder / "scores", None)
        with fit.place.compute.limit():
            train(member, cases, fit.cohort.task, fit.plan, folders)

    inputs = {
        "seen": _seen(fit, fit.prepared),
        "model": fit.options,
        "plan": asdict(fit.plan),
        "trainer": asdict(fit.trainer) if fit.arm == "deep" else None,
        "threads": fit.place.compute.threads,
        "cases": cases.case_id.tolist(),
        "split": cases.split.tolist(),
    }
    return fit.place.made(f"trained-{fit.name}", inputs, make)


def _viewed(fit: Fit, trained: Path, view: Prepared) -> Viewed:
    def make(folder: Path) -> None:
        inputs = inputs_of(view, fit.arm, fit.options)(fit.case_id)
        scored = [
            one.score(inputs, fit.case_id, "test", repeat, FINAL)
            for repeat, one in enumerate(_developed(fit, trained / "model"))
        ]
        arrays = {
            "scores": np.stack([one.scores for one in scored]),
            "probability": np.stack([one.probabilities for one in scored]),
            "threshold": np.array([one.threshold for one in scored], dtype=np.float64),
        }
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)

    inputs = {"trained": trained.name, "seen": _seen(fit, view), "cases": fit.case_id.tolist()}
    folder = fit.place.made(f"viewed-{fit.name}", inputs, make)
    return Viewed(*(np.load(folder / f"{name}.npy") for name in Viewed.__annotations__))


def _developed(fit: Fit, folder: Path) -> Iterator[Developed[Any]]:
    deployment = read_record(Deployment, folder / DEPLOYMENT)
    for repeat, decision in enumerate(deployment.decisions):
        own = folder / repeat_folder(repeat)
        if fit.arm == "deep":
            from skiagram.models.deep.fitted import load

            yield Developed(load(own), decision.calibration, decision.threshold)
        else:
            fitted = build(dict(fit.options), "model").load(own)
            yield Developed(fitted, decision.calibration, decision.threshold)


def _seen(fit: Fit, view: Prepared) -> str:
    return view.restored.name if fit.arm == "deep" else view.features.name
