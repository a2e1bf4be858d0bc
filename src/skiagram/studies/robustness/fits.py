"""Models that are trained once on each cohort and then score the same cases under many conditions.

A cohort says whom a fit is trained on and whom it scores. The scores of several cohorts are joined
so that each case has those of the fit that did not see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.progress import Progress
from skiagram.errors import OptionError
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import binary_placements
from skiagram.evaluation.scores import Scores, score_difference
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.cross_validation import Plan
from skiagram.models.deployment import DEPLOYMENT, Deployment, repeat_folder
from skiagram.models.fits import finite
from skiagram.records import Design, Outcome, read_record
from skiagram.statistics.delong import Placements
from skiagram.studies import pipeline_steps
from skiagram.studies.cohorts import Cohort
from skiagram.studies.unsealed_data import UnsealedData, unseal
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class FitTask:
    """A model to train on a cohort, and what it is to score.

    Attributes:
        workspace: Where to work.
        prepared: Clean images and features.
        cohort: Whom it is trained on.
        name: Name of the model.
        options: Its options.
        arm: Its arm.
        plan: Folds, repeats and seed.
        case_id: Cases to score.
        views: Images and features of these cases, a condition each.
    """

    workspace: Workspace
    prepared: pipeline_steps.PreparedData
    cohort: Cohort
    name: str
    options: Mapping[str, Any]
    arm: pipeline_steps.Arm
    plan: Plan
    case_id: NDArray[np.str_]
    views: tuple[pipeline_steps.PreparedData, ...]


@dataclass(frozen=True)
class ConditionScores:
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
class FitScores:
    """How a fit ended and its scores under each condition; none after a failure."""

    outcome: Outcome
    views: tuple[ConditionScores, ...]


def fit_and_score(fit: FitTask) -> FitScores:
    """Train the model and score every view, or read what an earlier run left of it."""
    folder = _trained(fit)
    outcome = read_record(Outcome, folder / "scores/outcome.json")
    if outcome.status == "failed":
        return FitScores(outcome, ())
    return FitScores(outcome, tuple(_viewed(fit, folder, view) for view in fit.views))


def _trained(fit: FitTask) -> Path:
    cases = fit.cohort.cases
    parts = [part.case_id for part in (cases.development(), cases.test())]

    def make(folder: Path) -> None:
        model = fit.arm.model(fit.options, fit.workspace.compute.threads)
        of = fit.arm.reader(fit.prepared, fit.options)
        inputs = [of(part) for part in parts]
        member = Member(fit.name, model, dict(fit.options), *inputs)
        folders = ArmFolders(folder / "model", folder / "scores", None)
        with fit.workspace.compute.limit():
            train(member, cases, fit.cohort.task, fit.plan, folders)

    inputs = fit.arm.inputs(fit.prepared) | {
        "model": fit.options,
        "plan": asdict(fit.plan),
        "threads": fit.workspace.compute.threads,
        "cases": cases.case_id.tolist(),
        "split": cases.split.tolist(),
    }
    return fit.workspace.make_once(f"trained-{fit.name}", inputs, make, type(fit.arm))


def _viewed(fit: FitTask, trained: Path, view: pipeline_steps.PreparedData) -> ConditionScores:
    def make(folder: Path) -> None:
        inputs = fit.arm.reader(view, fit.options)(fit.case_id)
        decisions = read_record(Deployment, trained / "model" / DEPLOYMENT).decisions
        scored = [
            finite(fit.arm.load(fit.options, trained / "model" / repeat_folder(k)).scores(inputs))
            for k in range(len(decisions))
        ]
        calibrated = [
            decision.calibration.probabilities(scores)
            for decision, scores in zip(decisions, scored, strict=True)
        ]
        arrays = {
            "scores": np.stack(scored),
            "probability": np.stack(calibrated),
            "threshold": np.array([one.threshold for one in decisions], dtype=np.float64),
        }
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)

    inputs = fit.arm.inputs(view) | {
        "trained": trained.name,
        "model": fit.options,
        "cases": fit.case_id.tolist(),
    }
    folder = fit.workspace.make_once(f"viewed-{fit.name}", inputs, make, type(fit.arm))
    return ConditionScores(
        *(np.load(folder / f"{name}.npy") for name in ConditionScores.__annotations__)
    )


@dataclass(frozen=True)
class ScoredModel:
    """One model on the reported cases.

    Attributes:
        outcome: How its training ended; of the cohort that failed first, where one did.
        scores: Under each condition, in the order of the cases; empty after a failure.
        placements: What its AUCs are means of, a condition each.
    """

    outcome: Outcome
    scores: tuple[Scores, ...]
    placements: tuple[Placements, ...]


def join_cohorts(
    scored: Sequence[FitScores], tested: Sequence[Sequence[str]], cases: LabelledCases
) -> ScoredModel:
    """Join what the fits of one model, one per cohort, made of their test cases.

    Args:
        scored: One fit per cohort.
        tested: Case ids that each of them scored.
        cases: All these cases.
    """
    failed = [fit.outcome for fit in scored if fit.outcome.status == "failed"]
    if failed:
        return ScoredModel(failed[0], (), ())
    ids = [name for part in tested for name in part]
    position = {name: index for index, name in enumerate(ids)}
    order = np.array([position[name] for name in cases.case_id.tolist()])
    parts = zip(*(fit.views for fit in scored), strict=True)
    scores = tuple(_joined(part, order, cases.positive or 0) for part in parts)
    ranked = [binary_placements(condition, cases) for condition in scores]
    placements = tuple(each for each in ranked if each is not None)
    return ScoredModel(scored[0].outcome, scores, placements)


def _joined(parts: Sequence[ConditionScores], order: NDArray[np.int64], positive: int) -> Scores:
    """Scores of several fits share no scale before calibration; probabilities rank them."""
    probability = np.concatenate([part.probability for part in parts], axis=1)[:, order]
    raw = np.concatenate([part.scores for part in parts], axis=1)[:, order]
    threshold = np.concatenate(
        [np.repeat(part.threshold[:, None], part.scores.shape[1], axis=1) for part in parts], axis=1
    )[:, order]
    return Scores(
        score_difference(raw if len(parts) == 1 else probability, positive), probability, threshold
    )


@dataclass(frozen=True)
class StudyDataSet:
    """A data set that is ready for models, and its labels."""

    prepared: pipeline_steps.PreparedData
    opened: UnsealedData


@dataclass(frozen=True)
class Setup:
    """What all parts of the study share.

    Attributes:
        workspace: Where to work.
        restoration: `_target_` and options.
        families: Name → `_target_` and options of each feature family.
        encoders: Name → `_target_` and options of each frozen encoder.
        models: Name of each model → its arm.
        plan: Folds, repeats and seed.
        study: The options of the study.
    """

    workspace: Workspace
    restoration: pipeline_steps.Options
    families: Mapping[str, pipeline_steps.Options]
    encoders: Mapping[str, pipeline_steps.Options]
    models: dict[str, pipeline_steps.Arm]
    plan: Plan
    study: pipeline_steps.StudyOptions

    def data_set(self, name: str, design: Design) -> StudyDataSet:
        """Ingest, restore and describe a data set.

        Raises:
            OptionError: It has more than two classes.
        """
        data = pipeline_steps.ingest_data(
            self.workspace, self.workspace.option_file("dataset", name), design
        )
        labels = unseal(self.workspace, data, self.study, self.plan.seed, 1)
        classes = labels.evaluation_set.cases.classes
        if labels.evaluation_set.cases.positive is None:
            raise OptionError(
                f"{len(classes)} classes", where=f"study, data set {name}", allowed="two classes"
            )
        return StudyDataSet(
            pipeline_steps.prepare_data(
                self.workspace, data, self.restoration, self.families, self.encoders
            ),
            labels,
        )

    def score_models(
        self,
        images: pipeline_steps.PreparedData,
        cohorts: Sequence[Cohort],
        views: Sequence[pipeline_steps.PreparedData],
        cases: LabelledCases,
        what: str,
    ) -> list[ScoredModel]:
        """Train every model on every cohort and line its scores up with the cases.

        Args:
            images: Images and features to train on.
            cohorts: Whom fits are trained on.
            views: What they score, a condition each.
            cases: Whom they score: a single cohort all of them, else each its own test cases.
            what: What is under way, for a person who watches.
        """
        single = len(cohorts) == 1
        tested = [
            cases.case_id if single else np.sort(cohort.cases.test().case_id) for cohort in cohorts
        ]
        fits = [
            FitTask(
                self.workspace, images, cohort, name, arm.options(self.workspace, name),
                arm, self.plan, case_id, tuple(views),
            )
            for name, arm in self.models.items()
            for cohort, case_id in zip(cohorts, tested, strict=True)
        ]  # fmt: skip
        scores = []
        with Progress(what, len(fits)) as progress:
            for fit_scores in self.workspace.map_fits(fit_and_score, fits):
                scores.append(fit_scores)
                progress.advance()
        each = len(cohorts)
        ids = [case_id.tolist() for case_id in tested]
        return [
            join_cohorts(scores[start : start + each], ids, cases)
            for start in range(0, len(scores), each)
        ]
