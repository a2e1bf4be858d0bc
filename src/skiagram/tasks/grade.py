"""An ordered grade, such as 1 to 5: columns, calibration, figures of agreement and of ranking.

A score is one number, the higher the higher the grade. Its calibration is an ordered logistic
regression, which gives the probability of each grade, and cut-offs of the score by which a grade is
predicted. They give each grade its share of the held-out cases: the agreement by squares is then
largest for what the scores know, as predicted and true grades have one variance.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import listed, refusal
from skiagram.statistics.agreement import grade_error, quadratic_kappa
from skiagram.statistics.estimate import format_decimal
from skiagram.statistics.linearised import Linearised, mean_of_cases, mean_over_repeats, share
from skiagram.statistics.proportional_odds import (
    fit_rising_score,
    grade_probabilities,
    ranked_probability_terms,
)
from skiagram.statistics.survival import auc_above
from skiagram.strict import STRICT, ShareBetween
from skiagram.tables.cells import find_missing_codes, plain, stands_for_missing
from skiagram.tasks.columns import VALUE, OutcomeTable, refuse_cells, refuse_codes
from skiagram.tasks.outcome import (
    Finite,
    MeasuredCalibration,
    MeasuredOutcome,
    NotNegative,
    ReadColumns,
    describe_unequal_patients,
)
from skiagram.tasks.predicted import OutcomeLine, OutcomePlot, Tensor
from skiagram.tasks.scored_cases import ScoredCases

LEAST_GRADES = 3
_FEWEST_CASES = 10  # of a grade; each of five folds then has two
_ENOUGH_PATIENTS = 20  # of a grade
_DRAWN_CUTS = 1.0  # log-odds of the outer cut-offs of generated grades from the middle


@dataclass(frozen=True)
class GradeCalibration(MeasuredCalibration):
    """Probabilities of grades by ordered logistic regression, and the predicted grade.

    Attributes:
        slope: ≥ 0, of the log-odds per unit of score.
        cuts: On the scale of log-odds, ascending, one between each two grades.
        thresholds: Of the score, by which a grade is predicted, ascending.
    """

    slope: NotNegative
    cuts: tuple[Finite, ...]
    thresholds: tuple[Finite, ...]

    @property
    def columns(self) -> int:
        """Count the grades, and one more for the predicted grade."""
        return len(self.cuts) + 2

    def probabilities(self, scores: Floats) -> Floats:
        """Turn scores into a predicted grade and the probability of each.

        Args:
            scores: (n, 1), higher for a higher grade.

        Returns:
            (n, 1 + grades): the predicted place, from 1, and probabilities, which sum to 1.
        """
        place = 1 + (scores > np.array(self.thresholds)).sum(axis=1)
        probability = grade_probabilities(self.slope * scores[:, 0], np.array(self.cuts))
        return np.column_stack([place, probability])


@dataclass(**STRICT)
class Grade(MeasuredOutcome):
    """An ordered grade; a case's value is the place of its grade, from 1, and its label that − 1.

    Attributes:
        column: Column of the place.
        grades: Names, the lowest first.
        shares: Of the development set, by grade; empty until they are known.
    """

    column: str
    grades: Annotated[tuple[str, ...], Field(min_length=LEAST_GRADES)]
    shares: tuple[ShareBetween, ...] = ()
    kind: Literal["grade"] = "grade"

    def __post_init__(self) -> None:
        """Say what follows from the grades."""
        lowest, highest = self.grades[0], self.grades[-1]
        place = f"grade, 1 = {lowest} to {len(self.grades)} = {highest}"
        self.describe(
            classes=self.grades,
            estimates=(place, *(f"probability of {grade}" for grade in self.grades)),
            words=f"grade from {lowest} to {highest}",
            asked={"grades": [*self.grades]},
        )

    @classmethod
    def read_columns(cls, table: OutcomeTable, options: Mapping[str, Any]) -> ReadColumns:
        """Read a column of grades, whose order the line gives, or which are numbers.

        Words in alphabetical order would be graded wrongly without a word of warning: they are
        refused where nobody says their order.
        """
        # The column of the grades.
        rows, column = table.rows, options["grade"]
        if column is None:
            raise refusal("tasks.no_grade_column")
        # Where no grades are named they are numbers, in their order.
        grades = options["grades"]
        if not grades:
            cells = {row.cells[column] for row in rows}
            grade_cells = {cell for cell in cells if cell and not stands_for_missing(cell)}
            texts = {row.cells[column] for row in rows if row.number(column) is None}
            spelled = {plain(cell): cell for cell in sorted(texts & grade_cells, reverse=True)}
            words = sorted(spelled.values())
            if words:
                raise refusal("tasks.order_of_grades", f"column `{column}`", words=words[:6])
            grades = sorted({*map(plain, grade_cells)}, key=float)
            codes = find_missing_codes([float(number) for number in grades], counts=True)
            if codes:
                refuse_codes(rows, column, codes, f"--grades {' '.join(grades)}")
        # Places from the lowest on, each grade once.
        place_of = {plain(grade): place for place, grade in enumerate(grades, start=1)}
        if len(place_of) < len(grades):
            raise refusal("tasks.grade_twice")
        if len(grades) < LEAST_GRADES:
            raise refusal(
                "tasks.few_grades",
                f"column `{column}`",
                number=len(grades),
                grades=grades,
                least=LEAST_GRADES,
                option=shlex.join(
                    ["--label", column, "--classes", *grades, "--positive", grades[-1]]
                ),
            )
        # Rows with another cell than a grade.
        outside = [row for row in rows if plain(row.cells[column]) not in place_of]
        refuse_cells("tasks.other_grades", outside, rows, column, grades=listed(grades))
        # Labels and places of the rows.
        places = [place_of[plain(row.cells[column])] for row in rows]
        note = f"`{column}` is a grade, from the lowest to the highest: {', '.join(grades)}."
        label = [grades[place - 1] for place in places]
        outcome = cls(column=VALUE, grades=tuple(grades))
        return ReadColumns(outcome, label, [str(place) for place in places], note)

    def of_cohort(self, cohort: MeasuredOutcome) -> Self:
        """Keep the project's grades and the shares that models learned; the column is the cohort's.

        Raises:
            OptionError: The cohort has another number of grades.
        """
        if len(cohort.classes) != len(self.grades):
            raise refusal(
                "tasks.words_of_grades",
                classes=cohort.classes,
                grades=self.grades,
            )
        return replace(self, column=cohort.column)

    def check(self, value: float, label: int, where: str) -> None:
        """Refuse a place that is not that of the label: place 1 is the lowest grade, label 0."""
        if value != label + 1:
            raise refusal(
                "tasks.place_of_grade",
                f"{where}, column `{self.column}`",
                found=value,
                grade=self.grades[label],
                place=label + 1,
                lowest=self.grades[0],
            )

    def settle(self, value: Floats, label: Whole) -> "Grade":
        """Take the share of each grade in the development set, where cut-offs of a loss begin.

        Raises:
            DataError: A grade has fewer than 10 cases, so that a fold may lack it.
        """
        cases = np.bincount(label, minlength=len(self.grades))
        if self.shares:  # of another cohort, which may have fewer grades
            return self
        # A fold without a grade could not learn it.
        rarest = int(cases.argmin())
        if cases[rarest] < _FEWEST_CASES:
            raise refusal(
                "tasks.rare_grade",
                self.where,
                number=cases[rarest],
                grade=self.grades[rarest],
                least=_FEWEST_CASES,
            )
        return replace(self, shares=tuple((cases / len(label)).tolist()))

    def draw(
        self, hidden: Flags, effect: float, generator: np.random.Generator
    ) -> tuple[Floats, Whole]:
        """Draw grades by proportional odds, the log-odds larger by the effect at the finding.

        Cut-offs lie evenly from −1 to 1 around the middle of both kinds of cases, so that every
        grade is drawn with and without the finding.
        """
        latent = effect * hidden + generator.logistic(size=len(hidden))
        cuts = effect / 2 + _DRAWN_CUTS * np.linspace(-1, 1, len(self.grades) - 1)
        label = np.searchsorted(cuts, latent).astype(np.int64)
        return label.astype(np.float64) + 1, label

    def target(self, value: Floats, label: Whole) -> Floats:
        """Make (n, grades − 1): 1 where the case is above a cut-off, else 0."""
        return (label[:, None] > np.arange(len(self.grades) - 1)).astype(np.float64)

    def loss(self, score: Tensor, target: Tensor, learned: Tensor) -> Tensor:
        """Compute the cross-entropy of lying above each cut-off, summed over cut-offs.

        CORAL of Cao, Mirjalili & Raschka 2020, *Pattern Recognition Letters* 140:325: one score
        with a bias a cut-off, so that chances of lying above never rise with the cut-off. The mean
        of the cut-offs stays where it began: scores of two fits lie around the same place, as
        cut-offs of one are used with another.
        """
        cuts = learned - learned.mean() + float(self.learned_with_loss().mean())
        logits = score[:, None] - cuts
        terms = logits.clamp(min=0) - target * logits + (-logits.abs()).exp().log1p()
        return terms.sum(dim=1).mean()

    def learned_with_loss(self) -> Floats:
        """Compute the cut-offs that give each grade its share if all scores are 0.

        Returns:
            (grades − 1,) log-odds, ascending.
        """
        below = np.cumsum(self.shares)[:-1]
        cuts: Floats = np.log(below / (1 - below))
        return cuts

    def calibrate(
        self, scores: Floats, value: Floats, label: Whole, patient: NDArray[Any]
    ) -> GradeCalibration:
        """Fit an ordered logistic regression on the score, and cut-offs that predict a grade.

        Each grade is predicted as often as it is given: of all ways to cut a score this has the
        largest agreement by squares, as predicted and true grades then have one variance.

        Args:
            scores: (n, 1) of held-out cases.
            value: (n,) places, from 1.
            label: (n,) places − 1.
            patient: (n,), which the fit does not read: cut-offs are shares of cases.
        """
        # The slope and the cut-offs of a proportional-odds model on the score.
        score, grades = scores[:, 0], len(self.grades)
        slope, cuts = fit_rising_score(score, label, grades)
        # Cut-offs of the score give each grade its share of the cases; equal scores stay together.
        levels, cases = np.unique(score, return_counts=True)
        middle = (np.cumsum(cases) - cases / 2) / len(score)
        shares = np.bincount(label, minlength=grades).cumsum()[:-1] / len(label)
        reach = max(1.0, float(np.ptp(levels)))
        padded = np.concatenate([[levels[0] - reach], levels, [levels[-1] + reach]])
        below = np.searchsorted(middle, shares, side="right")
        thresholds = tuple(((padded[below] + padded[below + 1]) / 2).tolist())
        return GradeCalibration(slope, tuple(cuts.tolist()), thresholds)

    def measure_primary(self, cases: ScoredCases) -> Linearised:
        """Measure Cohen's κ with squared weights, of predicted and given grades."""
        predicted = cases.estimate[:, :, 0]
        kappas = [quadratic_kappa(each, cases.value, cases.patient) for each in predicted]
        return mean_over_repeats(kappas, cases.folds)

    def measure_others(self, cases: ScoredCases) -> Iterator[tuple[str, str, Sequence[Linearised]]]:
        """Yield errors, exact agreement, the mean AUC over cut-offs, and what chances are worth.

        The ranked probability score is the mean squared distance of cumulative chances from what
        came true (Epstein 1969); the gain is over saying the shares of the grades of every case.
        """
        # Errors in grades, and exact agreement.
        value, patient = cases.value, cases.patient
        predicted, probability = cases.estimate[:, :, 0], cases.estimate[:, :, 1:]
        yield "absolute_error", "", [grade_error(each, value, patient) for each in predicted]
        exact = [(each == value).astype(np.float64) for each in predicted]
        yield "exact_agreement", "", [share(each[None], patient) for each in exact]
        # The mean over the cut-offs that part the cases, which the rarest grade limits; it says
        # more than the patients of that grade.
        repeat_areas = []
        for areas in zip(*self._areas(cases), strict=True):
            parting = [area for area in areas if np.isfinite(area.value)] or areas[:1]
            area = replace(parting[0], kind=cases.label, most_cases=np.inf)
            values = np.mean([each.values for each in parting], axis=0)
            influence = np.mean([each.influence for each in parting], axis=0)
            repeat_areas.append(replace(area, values=values, influence=influence))
        yield "auc", "", repeat_areas
        # The ranked probability score, and what is gained over the shares of the grades.
        errors = [ranked_probability_terms(each, cases.label) for each in probability]
        yield "ranked_probability_score", "", [mean_of_cases(each, patient) for each in errors]
        shares = np.bincount(cases.label, minlength=len(self.grades)) / len(cases.label)
        same = ranked_probability_terms(np.tile(shares, (len(value), 1)), cases.label)
        gains = [mean_of_cases(same - each, patient) for each in errors]
        yield "ranked_probability_gain", "", gains

    def _areas(self, cases: ScoredCases) -> list[list[Linearised]]:
        """Return, by cut-off, the AUC of each repeat."""
        repeats = list(zip(cases.score, cases.fit, strict=True))
        return [
            [auc_above(score, cases.value, fit, cases.patient, cut + 0.5) for score, fit in repeats]
            for cut in range(1, len(self.grades))
        ]

    def plot(self, cases: ScoredCases) -> Sequence[OutcomePlot]:
        """Draw predicted against given grades, and expected against observed shares above cut-offs.

        Counts below the first plot are means over repeats, so that they need not be whole.
        """
        # Shares of predicted grades, by the given one; their counts, means over repeats, below.
        places = np.arange(1, len(self.grades) + 1)
        predicted = cases.estimate[:, :, 0, None] == places
        lines, rows = [], []
        for place, grade in enumerate(self.grades, start=1):
            counts = predicted[:, cases.value == place].sum(axis=1).mean(axis=0)
            rows.append((grade, *(f"{count:.4g}" for count in counts), f"{counts.sum():.4g}"))
            if counts.sum():
                shares = counts / counts.sum()
                lines.append(
                    OutcomeLine(f"given {grade}", tuple(places.tolist()), tuple(shares.tolist()))
                )
        grades = OutcomePlot(
            "grades",
            "Given and predicted grades",
            f"predicted {self.estimates[0]}",
            "share of the cases given a grade",
            tuple(lines),
            ("given", *(f"predicted {grade}" for grade in self.grades), "cases"),
            tuple(rows),
            "Grades are predicted such that each has its share of the training cases; counts are "
            "means over repeats.",
            x_names=self.grades,
        )
        # Expected against observed shares above each cut-off, in fifths of the former.
        expected = cases.estimate[:, :, 1:].mean(axis=0)
        lines, rows = [], []
        named = zip(self.grades, self._areas(cases), strict=False)
        for cut, (grade, areas) in enumerate(named, start=1):
            chance, above = expected[:, cut:].sum(axis=1), cases.value > cut
            lines.append(OutcomeLine.of_fifths(f"above {grade}", chance, above))
            area = format_decimal(mean_over_repeats(areas).value)
            shares = f"{chance.mean():.3f}", f"{above.mean():.3f}"
            rows.append((f"above {grade}", *shares, area))
        calibration = OutcomePlot(
            "calibration",
            "Expected and observed grades",
            "expected share above the cut-off",
            "observed share",
            tuple(lines),
            ("cut-off", "expected share", "observed share", "AUC"),
            tuple(rows),
            "Fifths of the expected share.",
            diagonal=True,
        )
        return grades, calibration

    def count(self, value: Floats, label: Whole) -> tuple[tuple[str, str], ...]:
        """List how many cases there are, how many grades, and the cases of each."""
        cases = np.bincount(label, minlength=len(self.grades)).tolist()
        named = zip(self.grades, cases, strict=True)
        grade_counts = ((f"cases of grade {grade}", str(number)) for grade, number in named)
        return ("cases", str(len(label))), ("grades", str(len(self.grades))), *grade_counts

    def doubts(self, value: Floats, label: Whole, patient: Whole) -> tuple[str, ...]:
        """Say which grades few patients have, and where a few patients have most of the cases."""
        # Grades of few patients, and patients with unequal numbers of images.
        patients, doubts = self.count_patients(label, patient), []
        named = [f"{n} of {grade}" for grade, n in patients.items() if n < _ENOUGH_PATIENTS]
        if named:
            rare = f"Few patients of a grade: {', '.join(named)}; below {_ENOUGH_PATIENTS} "
            doubts.append(f"{rare}a handful of cases decides κ.")
        if unequal := describe_unequal_patients(patient):
            doubts.append(
                f"{unequal} By κ, equal models are then told apart in up to 6 % of tests, in place "
                "of 5 %."
            )
        return tuple(doubts)
