"""Study `crossover`: every model on nested training subsets, tested on the same cases."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class
from sklearn.metrics import roc_auc_score

from skiagram.compute.progress import Progress
from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.models.contract import Labelled
from skiagram.models.cross_validation import CrossValidator, Plan
from skiagram.models.fits import finite
from skiagram.options import STRICT
from skiagram.records import Design, read_record, write_record
from skiagram.splits import grouped_folds
from skiagram.statistics.bootstrap import PatientDraws, draw_patients
from skiagram.statistics.delong import auc_estimate
from skiagram.statistics.estimate import Estimate
from skiagram.studies.cohorts import draw_nested_subsets
from skiagram.studies.crossover.curves import (
    Crossing,
    DrawTestCases,
    FitOutcome,
    LearningCurve,
    ScoredPoint,
    choose_baseline,
    draw_multipliers,
    find_crossing,
    fit_learning_curve,
    sample_areas,
    select_draws,
)
from skiagram.studies.pipeline_steps import (
    Arm,
    EncoderStudyOptions,
    PreparedData,
    StudiedDataSet,
    ingest_data,
    prepare_data,
)
from skiagram.studies.unsealed_data import UnsealedData, unseal
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class CrossoverResult(StudiedDataSet):
    """What the study found on one data set.

    Attributes:
        least: Fewest training cases tried.
        most: Most training cases tried.
        reach: Most cases that a statement is made about, twice `most`.
        draws: Draws of nested subsets.
        test_cases: Cases that every fit scored; under `cv`, the mean over draws.
        test_patients: Their patients.
        ideal: The ideal observer's AUC on generated data, else None.
        curves: One per model, the chosen baseline last.
        crossings: One per network and per head on a frozen encoder.
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
_HELD_OUT_FOLDS = 5  # under `cv` a draw tests on one of them


@dataclass(frozen=True)
class DrawnCohort:
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
        workspace: Where to work.
        prepared: Images and features.
        name: Name of the model.
        options: Its options.
        arm: Its arm.
        plan: Folds that choose among baselines, and the seed.
        cohort: The draw's cases.
        rows: Rows of the subset among the training cases.
        draw: Number of the draw.
    """

    workspace: Workspace
    prepared: PreparedData
    name: str
    options: Mapping[str, Any]
    arm: Arm
    plan: Plan
    cohort: DrawnCohort
    rows: NDArray[np.int64]
    draw: int


@dataclass(frozen=True)
class _Draw:
    """One draw: whom it trains on and tests, and its nested subsets."""

    cohort: DrawnCohort
    test: DrawTestCases
    subsets: list[NDArray[np.int64]]


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
        """Refuse a study without anything that may overtake the baselines.

        Raises:
            OptionError: There is no network, and no head on an encoder.
        """
        if not self.networks and not (self.encoders and self.heads):
            raise OptionError(
                "no network, and no head on a frozen encoder",
                where="study.networks",
                allowed="at least one; or `encoders` and `heads`",
            )

    def run(self, workspace: Workspace) -> CrossoverResult:
        """Make every fit that is not made yet, then fit the curves.

        Raises:
            OptionError: The data set has more than two classes or fewer cases than the least size.
        """
        data = ingest_data(workspace, workspace.option_file("dataset", self.dataset), self.design)
        restoration = workspace.option_file("restoration", self.restoration)
        images = prepare_data(
            workspace, data, restoration, self.families(workspace), self.frozen(workspace)
        )
        labels = unseal(workspace, data, self, self.plan.seed, 1)
        draws = [self._draw(labels, number) for number in range(self.draws)]
        sizes = self._sizes(min(len(draw.cohort.training) for draw in draws))
        arms = self.members(workspace)
        fits = self._fits(workspace, images, arms, draws, len(sizes))
        return self._result(labels, draws, np.array(sizes, dtype=np.float64), arms, fits)

    def _sizes(self, available: int) -> list[int]:
        sizes = [size for size in self.sizes if size <= available]
        if not sizes:
            raise OptionError(
                f"{available} cases to train on",
                where="study.sizes",
                allowed=f"at least the least size, {min(self.sizes)}",
            )
        return sizes

    def _draw(self, labels: UnsealedData, number: int) -> _Draw:
        reported = labels.evaluation_set
        development, cases = reported.development, reported.cases
        if cases.positive is None:
            raise OptionError(
                f"{len(cases.classes)} classes", where="study.dataset", allowed="two classes"
            )
        rows = np.arange(len(development))
        tested, held_out = cases, np.arange(len(cases))
        if self.design == "cv":
            patient = development.patient.astype(str)
            fold = grouped_folds(
                development.label, patient, _HELD_OUT_FOLDS, self.plan.seed, "crossover", number
            )[0]
            rows, tested = fold.training, development
            held_out = np.sort(fold.held_out)
        patient_id = development.patient[rows].astype(str)
        cohort = DrawnCohort(
            development.case_id[rows], development.label[rows], patient_id,
            tested.case_id[held_out], cases.positive,
        )  # fmt: skip
        sizes = tuple(size for size in self.sizes if size <= len(rows))
        subsets = draw_nested_subsets(cohort.label, patient_id, sizes, self.plan.seed, number)
        positive = tested.label[held_out] == cases.positive
        draws = select_draws(self._resamples(tested), held_out)
        return _Draw(cohort, DrawTestCases(positive, draws), subsets)

    def _resamples(self, tested: LabelledCases) -> PatientDraws:
        """Resample all patients that a draw may test: test sets share patients and resamples."""
        smallest = min(tested.patients_by_class())
        return draw_patients(tested.patient, smallest, self.replicates, self.plan.seed)

    def _fits(
        self,
        workspace: Workspace,
        images: PreparedData,
        arms: Mapping[str, Arm],
        draws: list[_Draw],
        sizes: int,
    ) -> dict[str, list[list[ScoredPoint]]]:
        """Return the fits of each model by number of cases, then by draw."""
        points = [
            Point(
                workspace, images, name, arm.options(workspace, name), arm, self.plan,
                draw.cohort, draw.subsets[size], number,
            )
            for name, arm in arms.items()
            for size in range(sizes)
            for number, draw in enumerate(draws)
        ]  # fmt: skip
        points_scored: list[ScoredPoint] = []
        with Progress("crossover", len(points)) as progress:
            for scored in workspace.map_fits(fit_point, points):
                points_scored.append(scored)
                progress.advance()
        rows = [
            points_scored[start : start + len(draws)]
            for start in range(0, len(points_scored), len(draws))
        ]
        return {name: rows[index * sizes : (index + 1) * sizes] for index, name in enumerate(arms)}

    def _result(
        self,
        labels: UnsealedData,
        draws: list[_Draw],
        sizes: NDArray[np.float64],
        arms: Mapping[str, Arm],
        fits: dict[str, list[list[ScoredPoint]]],
    ) -> CrossoverResult:
        tests = [draw.test for draw in draws]
        models = {
            name: sample_areas(name, arm.name, fits[name], tests) for name, arm in arms.items()
        }
        baselines = [models.pop(name) for name in self.baselines]
        contenders = list(models.values())
        chosen = choose_baseline(baselines, [fits[name] for name in self.baselines])
        multipliers = draw_multipliers(len(draws), self.replicates, self.plan.seed)
        reach = _REACH * float(sizes[-1])
        ideal = (
            None
            if labels.evaluation_set.ideal is None
            else auc_estimate(labels.evaluation_set.ideal)
        )
        curves = [
            fit_learning_curve(model, sizes, multipliers, reach, ideal.value if ideal else None)
            for model in (*baselines, *contenders, chosen)
        ]
        crossings = [
            find_crossing(curve, chosen, sizes, multipliers, reach) for curve in contenders
        ]
        n_test = [len(test.positive) for test in tests]
        patients = [int(test.draws.patient.max()) + 1 for test in tests]
        return CrossoverResult(
            dataset=self.dataset,
            title=labels.card.title,
            least=int(sizes[0]),
            most=int(sizes[-1]),
            reach=int(reach),
            draws=len(draws),
            test_cases=round(float(np.mean(n_test))),
            test_patients=round(float(np.mean(patients))),
            ideal=ideal,
            curves=tuple(curves),
            crossings=tuple(crossing for crossing in crossings if crossing is not None),
        )


def fit_point(point: Point) -> ScoredPoint:
    """Make one fit, or read what an earlier run left of it."""
    inputs = point.arm.inputs(point.prepared) | {
        "model": point.options,
        "threads": point.workspace.compute.threads,
        "plan": asdict(point.plan),
        "training": point.cohort.training[point.rows].tolist(),
        "test": point.cohort.test.tolist(),
        "draw": point.draw,
    }
    folder = point.workspace.make_once(
        f"point-{point.name}",
        inputs,
        lambda folder: _fit_and_score(point, folder),
        type(point.arm),
    )
    outcome = read_record(FitOutcome, folder / "outcome.json")
    return ScoredPoint(outcome, None if outcome.reason else np.load(folder / "scores.npy"))


def _fit_and_score(point: Point, folder: Path) -> None:
    model = point.arm.model(point.options, point.workspace.compute.threads)
    inputs = point.arm.reader(point.prepared, point.options)
    cohort, rows = point.cohort, point.rows
    training = Labelled(
        inputs(cohort.training[rows]), cohort.training[rows], cohort.label[rows],
        cohort.patient_id[rows], 2,
    )  # fmt: skip
    validator = CrossValidator(model, point.plan, cohort.positive)
    names = ("crossover", str(point.draw), str(len(rows)))
    selection = None
    try:
        with point.workspace.compute.limit():
            if point.arm.name == "classical":
                selection = _out_of_fold(validator, training, names)
            fitted = validator.fit(training, None, *names)
            scores = finite(fitted.scores(inputs(cohort.test)))
    except (ModelFailure, DataError) as error:
        write_record(FitOutcome(selection, model.title, str(error)), folder / "outcome.json")
        return
    ranking = scores[:, cohort.positive] - scores[:, 1 - cohort.positive]
    np.save(folder / "scores.npy", ranking, allow_pickle=False)
    write_record(FitOutcome(selection, model.title), folder / "outcome.json")


def _out_of_fold(
    validator: CrossValidator[Any], training: Labelled[Any], names: tuple[str, ...]
) -> float:
    areas = []
    label, plan = training.label, validator.plan
    folds = plan.make_folds(label, training.patient_id, plan.folds, *names)
    for k, fold in enumerate(folds):
        rest = training.select(fold.held_out)
        fitted = validator.fit(training.select(fold.training), None, *names, f"fold{k}")
        scores = finite(fitted.scores(rest.inputs))
        positive = validator.positive or 0
        areas.append(
            roc_auc_score(rest.label == positive, scores[:, positive] - scores[:, 1 - positive])
        )
    return float(np.mean(areas))
