"""Study `crossover`: every model on nested training subsets, tested on the same cases."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.options import STRICT
from skiagram.preparation import PreparedData
from skiagram.records import Design, read_record, write_record
from skiagram.splits import grouped_folds
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import Candidate, EncoderStudyOptions
from skiagram.studies.cohorts import FOLDS, Rows, draw_nested_subsets
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.crossover.curves import (
    Crossing,
    DrawTestCases,
    FitOutcome,
    FittedPoint,
    LearningCurve,
    choose_baseline,
    draw_multipliers,
    find_crossing,
    fit_learning_curve,
    sample_areas,
    select_draws,
)
from skiagram.studies.pipeline_steps import DataSet, StudiedDataSet
from skiagram.studies.unsealed_data import UnsealedData, unseal
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class CrossoverResult(StudiedDataSet):
    """What the study found on one data set.

    Attributes:
        test_cases: Cases that every fit scored; under `cv`, the mean over draws.
    """

    least: int
    most: int
    reach: int
    draws: int
    test_cases: int
    test_patients: int
    ideal: Estimate | None
    curves: tuple[LearningCurve, ...]
    crossings: tuple[Crossing, ...]


_REACH = 2  # nothing is said beyond this many times the most cases tried


class _Draw(NamedTuple):
    """One draw: training cases, nested subsets of them, and the cases that every fit scores."""

    number: int
    training: CrossValidation
    subsets: list[Rows]
    test_id: NDArray[np.str_]
    test: DrawTestCases


class _Point(NamedTuple):
    """A fit to make: a model on a subset of a draw's training cases."""

    candidate: Candidate
    draw: _Draw
    rows: Rows


@options_class(**STRICT)
class Crossover(EncoderStudyOptions):
    """Learning curves of all models on one data set of two classes.

    Attributes:
        dataset: Option file of the data set.
        design: `holdout` tests on the sealed cases; `cv` sets a fifth of the patients aside in
            each draw.
        restoration: Option file of the restoration.
        sizes: Numbers of training cases, ascending; those that the data set lacks are left out.
        draws: Draws of nested subsets.
        replicates: Resamples of test patients and draws.
    """

    dataset: str
    design: Design
    restoration: str
    baselines: Annotated[tuple[str, ...], Field(min_length=1)]
    sizes: Annotated[tuple[Annotated[int, Field(ge=10)], ...], Field(min_length=1)]
    draws: Annotated[int, Field(ge=2)]
    replicates: Annotated[int, Field(ge=100)]

    def __post_init__(self) -> None:
        if not self.networks and not self.encoders:
            raise OptionError(
                "no network, and no frozen encoder",
                where="study.networks",
                allowed="at least one; or `encoders`, and baselines that read what they make",
            )

    def run(self, workspace: Workspace) -> CrossoverResult:
        images = self.prepared(workspace, self.dataset, self.design, self.restoration)
        labels = unseal(workspace, DataSet.of(images), self, 1)
        draws = [self._draw(workspace, images, labels, number) for number in range(self.draws)]
        available = min(len(draw.training) for draw in draws)
        sizes = [size for size in self.sizes if size <= available]
        if not sizes:
            raise OptionError(
                f"{available} cases to train on",
                where="study.sizes",
                allowed=f"at least the least size, {min(self.sizes)}",
            )
        candidates = self.candidates(workspace)
        points = [
            _Point(candidate, draw, draw.subsets[size])
            for candidate in candidates
            for size in range(len(sizes))
            for draw in draws
        ]
        scored = iter(workspace.run("crossover", _fit_point, points))
        fits = {
            candidate.name: [[next(scored) for _ in draws] for _ in sizes]
            for candidate in candidates
        }
        return self._result(labels, draws, sizes, candidates, fits)

    def _draw(
        self, workspace: Workspace, images: PreparedData, labels: UnsealedData, number: int
    ) -> _Draw:
        reported, seed = labels.evaluation_set, self.plan.seed
        development, tested = reported.development, reported.cases
        if tested.positive is None:
            raise OptionError(
                f"{len(tested.classes)} classes", where="study.dataset", allowed="two classes"
            )
        rows, held_out = np.arange(len(development)), np.arange(len(tested))
        if self.design == "cv":
            patient = development.patient.astype(str)
            folds = grouped_folds(development.label, patient, FOLDS, seed, "crossover", number)
            rows, tested = folds[0].training, development
            held_out = np.sort(folds[0].held_out)
        positive = int(reported.cases.positive or 0)
        training = CrossValidation(
            workspace, images, self.plan, development.case_id[rows], development.label[rows],
            development.patient[rows].astype(str), 2, positive,
        )  # fmt: skip
        sizes = tuple(size for size in self.sizes if size <= len(rows))
        subsets = draw_nested_subsets(training.label, training.patient_id, sizes, seed, number)
        # All patients that any draw may test are resampled: test sets share patients.
        smallest = min(tested.patients_by_class())
        resamples = draw_patients(tested.patient, smallest, self.replicates, seed)
        test = DrawTestCases(tested.label[held_out] == positive, select_draws(resamples, held_out))
        return _Draw(number, training, subsets, tested.case_id[held_out], test)

    def _result(
        self,
        labels: UnsealedData,
        draws: list[_Draw],
        sizes: list[int],
        candidates: list[Candidate],
        fits: dict[str, list[list[FittedPoint]]],
    ) -> CrossoverResult:
        tests = [draw.test for draw in draws]
        models = {
            one.name: sample_areas(one.name, one.arm, fits[one.name], tests) for one in candidates
        }
        classical = [one.name for one in candidates if one.arm == "classical"]
        baselines = [models.pop(name) for name in classical]
        chosen = choose_baseline(baselines, [fits[name] for name in classical])
        multipliers = draw_multipliers(len(draws), self.replicates, self.plan.seed)
        numbers, reach = np.array(sizes, dtype=np.float64), _REACH * sizes[-1]
        ideal = None if labels.ideal is None else labels.ideal.value
        curves = (
            fit_learning_curve(model, numbers, multipliers, reach, ideal)
            for model in (*baselines, *models.values(), chosen)
        )
        crossings = (
            find_crossing(contender, chosen, numbers, multipliers, reach)
            for contender in models.values()
        )
        patients = [int(test.draws.patient.max()) + 1 for test in tests]
        return CrossoverResult(
            dataset=self.dataset,
            title=labels.card.title,
            least=sizes[0],
            most=sizes[-1],
            reach=reach,
            draws=len(draws),
            test_cases=round(float(np.mean([len(test.positive) for test in tests]))),
            test_patients=round(float(np.mean(patients))),
            ideal=labels.ideal,
            curves=tuple(curves),
            crossings=tuple(crossing for crossing in crossings if crossing is not None),
        )


def _fit_point(point: _Point) -> FittedPoint:
    """Make one fit, or read what an earlier run left of it."""
    candidate, draw = point.candidate, point.draw
    subset = draw.training.select(point.rows)
    inputs = subset.inputs(candidate) | {"test": draw.test_id.tolist(), "draw": draw.number}
    folder = subset.workspace.make_once(
        f"point-{candidate.name}",
        inputs,
        lambda folder: _fit_and_score(candidate, subset, draw, folder),
        type(candidate),
    )
    outcome = read_record(FitOutcome, folder / "outcome.json")
    return outcome, None if outcome.reason else np.load(folder / "scores.npy")


def _fit_and_score(
    candidate: Candidate, subset: CrossValidation, draw: _Draw, folder: Path
) -> None:
    names = ("crossover", str(draw.number), str(len(subset)))
    title, selection = candidate.studied(subset.prepared).title, None
    try:
        if candidate.arm == "classical":
            plan = subset.plan
            folds = plan.make_folds(subset.label, subset.patient_id, plan.folds, *names)
            areas = [
                subset.held_out_auc(candidate, fold, *names, f"fold{k}")
                for k, fold in enumerate(folds)
            ]
            selection = float(np.mean(areas))
        fitted = subset.fit(candidate, np.arange(len(subset)), *names)
        scores = subset.scores(candidate, fitted, draw.test_id)
    except (ModelFailure, DataError) as error:
        write_record(FitOutcome(selection, title, str(error)), folder / "outcome.json")
        return
    np.save(folder / "scores.npy", subset.ranking(scores), allow_pickle=False)
    write_record(FitOutcome(selection, title), folder / "outcome.json")
