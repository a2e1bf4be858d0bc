"""Study `crossover`: every model on nested training subsets, tested on the same cases."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import OptionError
from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.delong import auc_estimate
from skiagram.evaluation.reference import Reference
from skiagram.models.plan import Plan
from skiagram.options import STRICT
from skiagram.progress import Progress
from skiagram.records import Design
from skiagram.splits import grouped_folds
from skiagram.studies.crossover.curves import (
    TestCases,
    best_baseline,
    learning_curve,
    overtaking,
    resampled_draws,
    sampled,
)
from skiagram.studies.crossover.points import Cohort, Measured, Point, measure
from skiagram.studies.crossover.results import CrossoverResult
from skiagram.studies.crossover.subsets import nested_subsets
from skiagram.studies.opened import Opened, opened
from skiagram.studies.passes import Prepared, ingested, prepared
from skiagram.studies.place import Place
from skiagram.training.options import Trainer

_REACH = 2  # nothing is said beyond this many times the most cases tried
_HELD_OUT_FOLDS = 5  # under `cv` a draw tests on one of them


@dataclass(frozen=True)
class _Draw:
    """One draw: whom it trains on and tests, and its nested subsets."""

    cohort: Cohort
    test: TestCases
    subsets: list[NDArray[np.int64]]


@options_class(**STRICT)
class Crossover:
    """Learning curves of all models on one data set of two classes.

    Attributes:
        dataset: Option file of the data set.
        design: `holdout` tests on the sealed cases; `cv` sets a fifth of the patients aside in
            each draw.
        restoration: Option file of the restoration.
        features: Option files of the feature families.
        baselines: Option files of classical models.
        networks: Option files of networks.
        sizes: Numbers of training cases, ascending; those that the data set lacks are left out.
        draws: Draws of nested subsets.
        plan: Folds that choose among baselines, early stopping and seed.
        trainer: Where networks are trained.
        replicates: Resamples of test patients and draws.
    """

    dataset: str
    design: Design
    restoration: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    baselines: Annotated[tuple[str, ...], Field(min_length=1)]
    networks: Annotated[tuple[str, ...], Field(min_length=1)]
    sizes: Annotated[tuple[Annotated[int, Field(ge=10)], ...], Field(min_length=1)]
    draws: Annotated[int, Field(ge=2)]
    plan: Plan
    trainer: Trainer
    replicates: Annotated[int, Field(ge=100)]

    def run(self, place: Place) -> CrossoverResult:
        """Make every fit that is not made yet, then fit the curves.

        Raises:
            OptionError: The data set has more than two classes or fewer cases than the least size.
        """
        data = ingested(place, place.option_file("dataset", self.dataset), self.design)
        families = {name: place.option_file("features", name) for name in self.features}
        restoration = place.option_file("restoration", self.restoration)
        images = prepared(place, data, restoration, families)
        labels = opened(data, self.plan.seed, 1)
        draws = [self._draw(labels, number) for number in range(self.draws)]
        sizes = self._sizes(min(len(one.cohort.training) for one in draws))
        fits = self._fits(place, images, draws, len(sizes))
        return self._result(labels, draws, np.array(sizes, dtype=np.float64), fits)

    def _sizes(self, available: int) -> list[int]:
        sizes = [size for size in self.sizes if size <= available]
        if not sizes:
            raise OptionError(
                f"{available} cases to train on",
                where="study.sizes",
                allowed=f"at least the least size, {min(self.sizes)}",
            )
        return sizes

    def _draw(self, labels: Opened, number: int) -> _Draw:
        setting = labels.setting
        development, cases = setting.development, setting.cases
        if cases.positive is None:
            raise OptionError(
                f"{len(cases.classes)} classes", where="study.dataset", allowed="two classes"
            )
        rows = np.arange(len(development))
        if self.design == "cv":
            patient = development.patient.astype(str)
            fold = grouped_folds(
                development.label, patient, _HELD_OUT_FOLDS, self.plan.seed, "crossover", number
            )[0]
            rows = fold.training
            cases = development.select(np.isin(np.arange(len(development)), fold.held_out))
        patient_id = development.patient[rows].astype(str)
        cohort = Cohort(
            development.case_id[rows], development.label[rows], patient_id, cases.case_id,
            cases.positive or 0,
        )  # fmt: skip
        sizes = tuple(size for size in self.sizes if size <= len(rows))
        subsets = nested_subsets(cohort.label, patient_id, sizes, self.plan.seed, number)
        return _Draw(cohort, self._test_cases(cases), subsets)

    def _test_cases(self, cases: Reference) -> TestCases:
        smallest = min(cases.patients_by_class())
        draws = draw_patients(cases.patient, smallest, self.replicates, self.plan.seed)
        return TestCases(cases.label == cases.positive, draws)

    def _fits(
        self, place: Place, images: Prepared, draws: list[_Draw], sizes: int
    ) -> dict[str, list[list[Measured]]]:
        """Return the fits of each model by number of cases, then by draw."""
        arms = dict.fromkeys(self.baselines, "classical") | dict.fromkeys(self.networks, "deep")
        points = [
            Point(
                place, images, name, place.option_file("model", name), arm, self.trainer,
                self.plan, draw.cohort, draw.subsets[size], number,
            )
            for name, arm in arms.items()
            for size in range(sizes)
            for number, draw in enumerate(draws)
        ]  # fmt: skip
        found: list[Measured] = []
        with Progress("crossover", len(points)) as progress:
            for one in place.compute.map(measure, points):
                found.append(one)
                progress.advance()
        rows = [found[at : at + len(draws)] for at in range(0, len(found), len(draws))]
        return {name: rows[at * sizes : (at + 1) * sizes] for at, name in enumerate(arms)}

    def _result(
        self,
        labels: Opened,
        draws: list[_Draw],
        sizes: NDArray[np.float64],
        fits: dict[str, list[list[Measured]]],
    ) -> CrossoverResult:
        tests = [draw.test for draw in draws]
        baselines = [sampled(name, "classical", fits[name], tests) for name in self.baselines]
        networks = [sampled(name, "deep", fits[name], tests) for name in self.networks]
        chosen = best_baseline(baselines, [fits[name] for name in self.baselines])
        resampled = resampled_draws(len(draws), self.replicates, self.plan.seed)
        reach = _REACH * float(sizes[-1])
        ideal = None if labels.setting.ideal is None else auc_estimate(labels.setting.ideal)
        curves = {
            one.model: learning_curve(one, sizes, resampled, reach, ideal.value if ideal else None)
            for one in (*baselines, *networks, chosen)
        }
        crossings = [
            overtaking(network, chosen, (law, other), resampled, (float(sizes[0]), reach))
            for network in networks
            for law, other in [(curves[network.model][1], curves[chosen.model][1])]
            if law is not None and other is not None
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
            curves=tuple(curve for curve, _ in curves.values()),
            crossings=tuple(crossings),
        )
