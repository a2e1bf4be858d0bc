"""Classes that exclude each other: judged by the AUC, macro one-vs-rest with more than two."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats, Whole
from skiagram.statistics.delong import auc_of_scores, macro_auc_of_scores
from skiagram.statistics.discrimination import score_difference
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.variation import overlap_factor
from skiagram.tasks.choices import CalibrationMethod
from skiagram.tasks.class_calibration import (
    CALIBRATIONS,
    IsotonicCalibration,
    ScalingCalibration,
)
from skiagram.tasks.figure import Figure, read_figures
from skiagram.tasks.predicted import Predicted
from skiagram.tasks.scored_cases import ScoredCases

FEW_PATIENTS = 40  # of a class; with fewer, intervals of the AUC are long (98 % held at 10 + 10)
CLASS_FIGURES = read_figures("classes")
CLASS_FIGURE = {figure.name: figure for figure in CLASS_FIGURES}
_SMALLEST = 1e-9  # probability, whose logarithm is still finite


@dataclass(frozen=True)
class Classes(Predicted):
    """Classes of which a case has one.

    Attributes:
        names: In the order of the labels.
        positive: Label of the condition looked for; None when there are more than two classes.
    """

    names: tuple[str, ...]
    positive: int | None = None
    kind: Literal["class"] = "class"

    all_figures: ClassVar[tuple[Figure, ...]] = CLASS_FIGURES

    def __post_init__(self) -> None:
        """Say what follows from the names; only of two classes does an ideal observer know all."""
        names = self.names
        self.describe(
            classes=names,
            estimates=names,
            words=" / ".join(names),
            purpose=f"tells apart {', '.join(f'`{name}`' for name in names)}",
            scores=len(names),
            has_ideal=self.positive is not None,
            primary_title="AUC" if self.positive is not None else "macro one-vs-rest AUC",
        )

    @property
    def unnamed(self) -> "Classes":
        """Call classes by their numbers: a model that knew their names could look them up."""
        return Classes(tuple(map(str, range(len(self.classes)))))

    def head_figure(self, figure: str, group: str = "") -> str:
        """Write the heading of a figure's column, which says where it is a mean over classes."""
        said = CLASS_FIGURE[figure]
        averaged = said.averaged_over_classes and self.positive is None
        return f"{said.title}, mean over classes" if averaged else said.title

    def tell(self, value: Floats) -> dict[str, Floats]:
        """Return nothing: the name of the class says all."""
        return {}

    def order(self, score: Floats, estimate: Floats) -> Floats:
        """Compute (n,) the score of the positive class minus the other; of more, probabilities."""
        return estimate if self.positive is None else score_difference(score, self.positive)

    def measure_primary(self, cases: ScoredCases) -> Linearised:
        """Estimate the AUC by placement values; NaN, with the reason, where a class lacks pairs."""
        if missing := self.find_missing_pairs(cases):
            undefined = np.full(cases.repeats, np.nan)
            return Linearised(undefined, np.zeros((1, len(cases))), cases.patient, reason=missing)
        fit = None if cases.has_one_fit else cases.fit
        if self.positive is None:
            return macro_auc_of_scores(cases.score, cases.label, cases.patient, cases.folds, fit)
        positive = cases.label == self.positive
        return auc_of_scores(cases.score, positive, cases.patient, cases.folds, fit)

    def check(self, value: float, label: int, where: str) -> None:
        """Accept every value: a case of a class needs none."""

    def count(self, value: Floats, label: Whole) -> tuple[tuple[str, str], ...]:
        """Return nothing: classes are counted by themselves."""
        return ()

    def settle(self, value: Floats, label: Whole) -> Self:
        """Take nothing: classes are the same in every set of cases."""
        return self

    def target(self, value: Floats, label: Whole) -> Whole:
        """Return the (n,) labels themselves, which losses of classes are made for."""
        return label

    def calibrate(
        self, scores: Floats, value: Floats, label: Whole, patient: NDArray[Any]
    ) -> ScalingCalibration | IsotonicCalibration:
        """Fit Platt's calibration, as `calibrate_by` does where no other method is chosen."""
        return self.calibrate_by("platt", scores, value, label, patient)

    def calibrate_by(
        self,
        method: CalibrationMethod,
        scores: Floats,
        value: Floats,
        label: Whole,
        patient: NDArray[Any],
    ) -> ScalingCalibration | IsotonicCalibration:
        """Fit a calibration by one of the methods of `class_calibration`.

        Args:
            method: Name of it.
            scores: (n, n_classes) held-out.
            value: (n,), not read: a label says all.
            label: (n,) index into `classes`.
            patient: (n,), not read: methods weigh cases alike.
        """
        return CALIBRATIONS[method](scores, label)

    def scores_to_calibrate(self, cases: ScoredCases) -> Floats:
        """Compute (repeats, n, n_classes) the logarithms of the probabilities.

        What orders cases is one number a case, of two classes; a calibration needs one a class. A
        probability below 10⁻⁹ counts as that.
        """
        return np.log(np.clip(cases.estimate, _SMALLEST, 1))

    def doubts(self, value: Floats, label: Whole, patient: Whole) -> tuple[str, ...]:
        """Write a sentence where a class has few test patients."""
        # Patients of each class; the rarest limits what can be known.
        patients = self.count_patients(label, patient)
        few = [f"{name}: {number}" for name, number in patients.items() if number < FEW_PATIENTS]
        if not few:
            return ()
        return (
            f"Few patients of class {' and of class '.join(few)}; below {FEW_PATIENTS} in a class "
            "the 95 % intervals are wide, and a true gain is often not shown.",
        )

    def find_absent_classes(self, label: Whole) -> str:
        """Say which classes no scored case is of; empty where all have one."""
        names = [name for k, name in enumerate(self.classes) if not (label == k).any()]
        return f"no scored case of class {', '.join(names)}" if names else ""

    def find_missing_pairs(self, cases: ScoredCases) -> str:
        """Say why there is no AUC: a class has no case, or none beside another's in any fit."""
        if absent := self.find_absent_classes(cases.label):
            return absent
        for k, name in enumerate(self.classes):
            if not has_pairs(cases, cases.label == k):
                return f"no fold has scored cases of class {name} and of another"
        return ""

    def test_chance(self, figure: Linearised, cases: ScoredCases) -> float | None:
        """Compute the two-sided p value of an AUC of ½; None where it is not defined.

        Of more than two classes it has no least variance, and none at 0 or 1.

        The variance is at least that of scores without use, (m + n + 1) / 12mn for m and n cases
        of the classes (Mann & Whitney 1947). On the logit the test would lose its power where a
        model is nearly perfect (Hauck & Donner 1977).
        """
        if np.isnan(figure.value) or (self.positive is None and not 0 < figure.value < 1):
            return None
        # The variance is no smaller than that of scores without use.
        variation = figure.variation
        if self.positive is not None:
            m, n = np.bincount(cases.label)
            useless = (m + n + 1) / (12 * m * n)
            if cases.folds:
                useless *= overlap_factor(cases.folds, variation.repeats)
            variation = replace(variation, variance=max(variation.variance, useless))
        return variation.p(figure.value - 0.5)

    def are_alike(self, first: ScoredCases, second: ScoredCases) -> bool:
        """Tell whether both order all cases of each fit alike: the AUCs never differ."""
        import pandas as pd  # commands print their help without it

        # Of several classes only equal scores are alike for sure.
        if self.positive is None or first.score.shape != second.score.shape:
            return np.array_equal(first.score, second.score)
        return all(
            pd.Series(score[rows]).rank().equals(pd.Series(other[rows]).rank())
            for score, other, fit in zip(first.score, second.score, first.fit, strict=True)
            for rows in (fit == number for number in np.unique(fit))
        )

    def score_ideal(self, best: Floats, cases: ScoredCases) -> ScoredCases:
        """Return generated cases of two classes as the ideal observer orders them.

        Only their order counts for an AUC, so that nothing is calibrated.
        """
        return replace(cases, score=np.repeat(best[None], cases.repeats, axis=0), folds=0)


def has_pairs(cases: ScoredCases, positive: Flags) -> bool:
    """Tell whether some fit of each repeat scored cases of a class and other cases.

    Scores of two fits share no scale: without such a pair no AUC is defined.

    Args:
        positive: (n,) which cases are of the class.
    """
    return all(bool(np.isin(fit[positive], fit[~positive]).any()) for fit in cases.fit)
