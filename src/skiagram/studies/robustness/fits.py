"""Models that are trained once on each cohort and then score the same cases under many conditions.

The scores of several cohorts are joined so that each case has those of the fit that did not see it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import OptionError
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.scores import Scores, score_difference
from skiagram.models.deployment import DEPLOYMENT, Deployment, repeat_folder
from skiagram.models.fits import finite
from skiagram.preparation import PreparedData
from skiagram.records import Design, Outcome, read_record
from skiagram.studies.candidates import Candidate, EncoderStudyOptions
from skiagram.studies.cohorts import Cohort, read_outcome, train_candidate
from skiagram.studies.pipeline_steps import DataSet
from skiagram.studies.unsealed_data import UnsealedData, unseal
from skiagram.studies.workspace import Workspace

_ARRAYS = ("ranking.npy", "probability.npy", "threshold.npy")


# How the training of a model ended, and its scores under each condition; none after a failure.
TestedModel = tuple[Outcome, tuple[Scores, ...]]


class _Task(NamedTuple):
    """A model to train on a cohort of clean data, and the views of cases that it is to score."""

    setup: "Setup"
    prepared: PreparedData
    candidate: Candidate
    views: Sequence[PreparedData]
    cohort: Cohort
    case_id: NDArray[np.str_]


def _fit_and_score(task: _Task) -> TestedModel:
    """Train the model and score every view, or read what an earlier run left of it."""
    workspace, study, _ = task.setup
    folder = train_candidate(workspace, task.prepared, task.candidate, study.plan, task.cohort)
    outcome = read_outcome(folder)
    views = () if outcome.status == "failed" else task.views
    return outcome, tuple(_score_view(task, folder.name, view) for view in views)


def _score_view(task: _Task, trained: str, view: PreparedData) -> Scores:
    """Score a view; probabilities and thresholds are those of clean held-out development cases."""
    workspace, candidate = task.setup.workspace, task.candidate
    models = workspace.work / trained / "model"

    def make(folder: Path) -> None:
        inputs = candidate.read(view).of(task.case_id)
        deployment = read_record(Deployment, models / DEPLOYMENT)
        decisions, positive = deployment.decisions, deployment.task.positive or 0
        scored = [
            finite(candidate.load(models / repeat_folder(repeat)).scores(inputs))
            for repeat in range(len(decisions))
        ]
        calibrated = [
            decision.calibration.probabilities(scores)
            for decision, scores in zip(decisions, scored, strict=True)
        ]
        thresholds = np.array([decision.threshold for decision in decisions], dtype=np.float64)
        ranking = score_difference(np.stack(scored), positive)
        of_cases = np.repeat(thresholds[:, None], len(task.case_id), axis=1)
        arrays = (ranking, np.stack(calibrated), of_cases)
        for name, values in zip(_ARRAYS, arrays, strict=True):
            np.save(folder / name, values, allow_pickle=False)

    inputs = candidate.inputs(view) | {
        "trained": trained,
        "model": candidate.options,
        "cases": task.case_id.tolist(),
    }
    folder = workspace.make_once(f"viewed-{candidate.name}", inputs, make, type(candidate))
    return Scores(*(np.load(folder / name) for name in _ARRAYS))


def join_cohorts(
    scored: Sequence[TestedModel], tested: Sequence[Sequence[str]], cases: LabelledCases
) -> TestedModel:
    """Join what the fits of one model, one per cohort, made of the cases that each tested."""
    failed = [outcome for outcome, _ in scored if outcome.status == "failed"]
    if failed:
        return failed[0], ()
    position = {name: index for index, name in enumerate(name for part in tested for name in part)}
    order = np.array([position[name] for name in cases.case_id.tolist()])
    conditions = zip(*(scores for _, scores in scored), strict=True)
    return scored[0][0], tuple(_join(parts, order) for parts in conditions)


def _join(parts: Sequence[Scores], order: NDArray[np.int64]) -> Scores:
    ranking, probability, threshold, fit = (
        np.concatenate(arrays, axis=1)[:, order]
        for arrays in (
            [part.order for part in parts],
            [part.probability for part in parts],
            [part.threshold for part in parts],
            [np.full(part.order.shape, number) for number, part in enumerate(parts)],
        )
    )
    return Scores(ranking, probability, threshold, fit=fit if len(parts) > 1 else None)


class StudyDataSet(NamedTuple):
    """A data set that is ready for models, and its labels."""

    prepared: PreparedData
    opened: UnsealedData

    def tested_by(self, cohorts: Sequence[Cohort], name: str) -> LabelledCases:
        """Return the cases that some cohorts score."""
        tested = np.sort(np.concatenate([cohort.cases.test().case_id for cohort in cohorts]))
        return self.opened.evaluation_set.cases.of(tested.tolist(), name)


class Setup(NamedTuple):
    """Where the study works, and its options."""

    workspace: Workspace
    study: EncoderStudyOptions
    restoration: str

    def data_set(self, name: str, design: Design) -> StudyDataSet:
        """Ingest, restore and describe a data set of two classes."""
        prepared = self.study.prepared(self.workspace, name, design, self.restoration)
        labels = unseal(self.workspace, DataSet.of(prepared), self.study, 1)
        cases = labels.evaluation_set.cases
        if cases.positive is None:
            found, where = f"{len(cases.classes)} classes", f"study, data set {name}"
            raise OptionError(found, where=where, allowed="two classes")
        return StudyDataSet(prepared, labels)

    def score_models(
        self,
        images: PreparedData,
        cohorts: Sequence[Cohort],
        views: Sequence[PreparedData],
        cases: LabelledCases,
        what: str,
    ) -> list[TestedModel]:
        """Train every model on every cohort and line its scores up with the cases.

        Args:
            cases: Whom they score: a single cohort all of them, else each its own test cases.
        """
        tested = [np.sort(cohort.cases.test().case_id) for cohort in cohorts]
        if len(cohorts) == 1:
            tested = [cases.case_id]
        tasks = [
            _Task(self, images, candidate, views, *group)
            for candidate in self.study.candidates(self.workspace)
            for group in zip(cohorts, tested, strict=True)
        ]
        scores = iter(self.workspace.run(what, _fit_and_score, tasks))
        ids = [case_id.tolist() for case_id in tested]
        by_model = zip(*[scores] * len(cohorts), strict=True)
        return [join_cohorts(fits, ids, cases) for fits in by_model]
