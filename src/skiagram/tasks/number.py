"""A number, such as a length in mm: columns, calibration, figures of error and of agreement.

A score is the number in standard deviations from the mean of the development set. Its calibration
brings the unit back and adds an interval: half as long as nine tenths of held-out cases err at
most, each patient weighing alike (split conformal, Lei et al. 2018, *J. Am. Stat. Assoc.* 113:1094;
of patients Lee, Barber & Willett 2023, *Distribution-free inference with hierarchical data*).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import refusal
from skiagram.seeding import stream
from skiagram.statistics.agreement import (
    FAR,
    LIMIT,
    absolute_error,
    agreement_limit,
    calibration_slope,
    count_far,
    interval_coverage,
    intraclass_correlation,
    mean_difference,
    root_mean_square_error,
)
from skiagram.statistics.conformal import conformal_quantile
from skiagram.statistics.linearised import Linearised, mean_over_repeats
from skiagram.strict import STRICT
from skiagram.tables.cells import describe_codes
from skiagram.tasks.columns import VALUE, OutcomeTable, refuse_cells
from skiagram.tasks.outcome import (
    Finite,
    MeasuredCalibration,
    MeasuredOutcome,
    NotNegative,
    ReadColumns,
    require_unit,
)
from skiagram.tasks.predicted import OutcomeLine, OutcomePlot, Tensor, split_in_fifths
from skiagram.tasks.scored_cases import ScoredCases

LEVEL = 0.9
MOST_GROUPS = 4
_FEWEST_CASES = 20
_ENOUGH_PATIENTS = 100  # limits of agreement are then known to a third of the standard deviation
_FAR_OFF = f"are more than {FAR:g} median absolute deviations from the median"
_DRAWN = 100_000  # numbers whose quarters are those of generated ones
StandardDeviation = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class NumberCalibration(MeasuredCalibration):
    """A number = centre + spread · score, and its interval reaches `half` to each side.

    Attributes:
        half: ≥ 0, in the number's unit.
    """

    centre: Finite
    spread: StandardDeviation
    half: NotNegative

    @property
    def columns(self) -> int:
        """Count 3: the number, and both ends of its interval."""
        return 3

    def probabilities(self, scores: Floats) -> Floats:
        """Turn scores into numbers and ends of intervals, in the number's unit.

        Args:
            scores: (n, 1) standard deviations from the mean of the development set.

        Returns:
            (n, 3) number, low end, high end.
        """
        number = self.centre + self.spread * scores[:, 0]
        return np.stack([number, number - self.half, number + self.half], axis=1)


def group_numbers(value: Floats) -> tuple[Whole, int]:
    """Group numbers by their rank, so that folds share out low and high ones.

    Equal numbers are in one group, so that fewer than four may be left; two or more where not all
    numbers are equal.

    Args:
        value: (n,) finite.

    Returns:
        (n,) the group of each, from 0 for the lowest, and how many there are.
    """
    import pandas as pd  # commands print their help without it

    share = (pd.Series(value).rank().to_numpy() - 0.5) / len(value)
    filled, group = np.unique(np.floor(MOST_GROUPS * share), return_inverse=True)
    return group.astype(np.int64), len(filled)


@dataclass(**STRICT)
class Number(MeasuredOutcome):
    """A number of a case; a case's label is the group of its number, by which folds are balanced.

    Attributes:
        column: Column of the number.
        unit: What it is measured in, for example `mm`; empty for a plain number.
        groups: How many groups of numbers the label tells, low to high.
        centre: Mean of the development set; null until they are known.
        spread: Their standard deviation; null until they are known.
    """

    column: str
    unit: str = ""
    groups: Annotated[int, Field(ge=2, le=MOST_GROUPS)] = MOST_GROUPS
    centre: Finite | None = None
    spread: StandardDeviation | None = None
    kind: Literal["number"] = "number"

    def __post_init__(self) -> None:
        """Say what follows from the unit and the groups; margins count in the spread."""
        part = {2: "half", 3: "third", 4: "quarter"}[self.groups]
        places = (*("lowest", "second", "third")[: self.groups - 1], "highest")
        unit = f", {self.unit}" if self.unit else ""
        level = f"of {100 * LEVEL:g} % interval{unit}"
        self.describe(
            classes=tuple(f"group {number + 1} of {self.groups}" for number in range(self.groups)),
            label_words=tuple(f"{place} {part} of the numbers" for place in places),
            estimates=(f"number{unit}", f"low end {level}", f"high end {level}"),
            words=f"number, in {self.unit}" if self.unit else "number",
            asked={"unit": self.unit},
            margin_unit=1.0 if self.spread is None else self.spread,
        )

    @classmethod
    def read_columns(cls, table: OutcomeTable, options: Mapping[str, Any]) -> ReadColumns:
        """Read a column of numbers, all of them there; labels are groups of development numbers.

        Test cases are put into these groups, too, but do not shape them: nothing of them is known
        before the seal is opened.
        """
        # Each row needs a number.
        rows, column = table.rows, options["number"]
        numbers = [row.number(column) for row in rows]
        missing = [row for row, number in zip(rows, numbers, strict=True) if number is None]
        refuse_cells("tasks.missing_numbers", missing, rows, column)
        # Folds are balanced by groups of the development numbers.
        value, development = np.array(numbers, dtype=np.float64), np.array(table.known)
        grouped, groups = group_numbers(value[development])
        if groups < 2:
            raise refusal("tasks.equal_numbers", f"column `{column}`", value=value[0])
        # A test case is in the group of the development number next below it.
        order = np.argsort(value[development])
        place = np.searchsorted(value[development][order], value, side="right") - 1
        group = grouped[order][np.maximum(place, 0)]
        # The outcome, and a sentence for the user to check.
        outcome = cls(column=VALUE, unit=options["unit"] or "", groups=groups)
        note = (
            f"`{column}` is {value.mean():.4g} on average, from {value.min():g} to {value.max():g}"
        )
        unit = f" {outcome.unit}" if outcome.unit else ""
        note += f"{unit}; folds are balanced by {groups} groups of it."
        note += describe_codes(value.tolist())
        label = [outcome.classes[number] for number in group.tolist()]
        return ReadColumns(outcome, label, [row.cells[column] for row in rows], note)

    def of_cohort(self, cohort: MeasuredOutcome) -> Self:
        """Keep the mean and spread that models learned; the column and its groups are the cohort's.

        Raises:
            OptionError: The cohort counts in another unit.
        """
        require_unit(cohort.asked["unit"], self.unit)
        return replace(self, column=cohort.column, groups=len(cohort.classes))

    def head_figure(self, figure: str, group: str = "") -> str:
        """Return the heading of a column, with the unit of figures that have the number's."""
        in_unit = {each.name for each in self.all_figures if each.in_unit}
        unit = f" ({self.unit})" if self.unit and figure in in_unit else ""
        return f"{super().head_figure(figure, group)}{unit}"

    @property
    def _scale(self) -> tuple[float, float]:
        if self.centre is None or self.spread is None:
            raise refusal("tasks.no_cases_seen")
        return self.centre, self.spread

    def check(self, value: float, label: int, where: str) -> None:
        """Refuse what is no finite number; any other can be, as lengths and ages differ."""
        if not np.isfinite(value):
            raise refusal("tasks.no_number", f"{where}, {self.where}")

    def settle(self, value: Floats, label: Whole) -> "Number":
        """Take the mean and standard deviation of the development numbers, in which scores count.

        Raises:
            DataError: Fewer than 20 cases, or all of one number.
        """
        # Too few cases, or all the same number, leave nothing to learn.
        where = self.where
        if len(value) < _FEWEST_CASES:
            raise refusal("tasks.few_cases", where, number=len(value), least=_FEWEST_CASES)
        if np.ptp(value) == 0:
            raise refusal("tasks.equal_cases", where, value=value[0])
        return replace(self, centre=float(value.mean()), spread=float(value.std()))

    def draw(
        self, hidden: Flags, effect: float, generator: np.random.Generator
    ) -> tuple[Floats, Whole]:
        """Draw standard normal numbers, larger by the effect where the finding is.

        Groups are quarters of such numbers, half of them with the finding, by a large draw of its
        own: so the same in every data set of one effect.
        """
        value = effect * hidden + generator.standard_normal(len(hidden))
        usual = stream(0, "numbers", "drawn").standard_normal(_DRAWN)
        usual[::2] += effect
        edges = np.quantile(usual, np.arange(1, self.groups) / self.groups)
        return value, np.searchsorted(edges, value).astype(np.int64)

    def best_score(self, chance: Floats, effect: float) -> Floats:
        """Find the median given the images, which has the least absolute error.

        The number is a mixture of two normal distributions, by the chance c of the finding: where
        (1 − c) Φ(m) + c Φ(m − effect) = ½, found by bisection; 60 halvings reach the last digit.

        Args:
            chance: (n,) of the finding, given the images, 0 to 1.
            effect: How much it counts for, in standard deviations.

        Returns:
            (n,) from 0 to the effect.
        """
        low, high = np.zeros(len(chance)), np.full(len(chance), effect)
        for _ in range(60):
            middle = (low + high) / 2
            shown = chance * scipy.special.ndtr(middle - effect)
            below = (1 - chance) * scipy.special.ndtr(middle) + shown < 0.5
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return low

    def as_score(self, best: Floats) -> Floats:
        """Standardise (n,) numbers by the mean and spread of the development set.

        Raises:
            DataError: No development cases were seen yet.
        """
        centre, spread = self._scale
        return (best - centre) / spread

    def target(self, value: Floats, label: Whole) -> Floats:
        """Make (n, 1) standardised numbers: losses and penalties mean the same in each unit."""
        return self.as_score(value)[:, None]

    def loss(self, score: Tensor, target: Tensor, learned: Tensor) -> Tensor:
        """Compute the mean absolute error, in standard deviations."""
        return (score - target[:, 0]).abs().mean()

    def calibrate(
        self, scores: Floats, value: Floats, label: Whole, patient: NDArray[Any]
    ) -> NumberCalibration:
        """Fit a calibration that shifts all predictions by the median of what they miss.

        Least squares predict the mean, and the median of skewed numbers has the smaller absolute
        error: without the shift a model could win by its loss alone. Each patient counts once.
        """
        import pandas as pd  # commands print their help without it

        # The median of patients' medians: a patient with many images counts once.
        centre, spread = self._scale
        missed = pd.Series(value - (centre + spread * scores[:, 0]))
        centre += float(missed.groupby(patient).median().median())
        # The half width that holds the wanted share of patients.
        error = np.abs(centre + spread * scores[:, 0] - value)
        # With too few patients the largest error stands for an infinite one.
        half = min(conformal_quantile(error, patient, LEVEL), float(error.max()))
        return NumberCalibration(centre, spread, half)

    def measure_primary(self, cases: ScoredCases) -> Linearised:
        """Measure the mean absolute error, in the number's unit; few far numbers move it least."""
        predicted = cases.estimate[:, :, 0]
        errors = [absolute_error(each, cases.value, cases.patient) for each in predicted]
        return mean_over_repeats(errors, cases.folds)

    def measure_others(self, cases: ScoredCases) -> Iterator[tuple[str, str, Sequence[Linearised]]]:
        """Yield errors, agreement and calibration, each of the predicted numbers of a repeat.

        Limits of agreement are Bland and Altman's; a calibration slope below 1 says that
        predictions are too extreme; coverage is the share of intervals that hold their number, 0.9
        if they are right.
        """
        # Errors and agreement.
        predicted, value_and_patient = list(cases.estimate[:, :, 0]), (cases.value, cases.patient)
        for name, measure in (
            ("root_mean_square_error", root_mean_square_error),
            ("intraclass_correlation", intraclass_correlation),
            ("mean_difference", mean_difference),
        ):
            yield name, "", [measure(each, *value_and_patient) for each in predicted]
        # Both limits of agreement.
        for group, side in (("lower", -1), ("upper", 1)):
            yield (
                "agreement_limit",
                group,
                [agreement_limit(each, *value_and_patient, side) for each in predicted],
            )
        # The slope of calibration, and how many intervals hold their number.
        yield (
            "calibration_slope",
            "",
            [
                calibration_slope(each, *value_and_patient, fit)
                for each, fit in zip(predicted, cases.fit, strict=True)
            ],
        )
        ends = [(each[:, 1], each[:, 2]) for each in cases.estimate]
        yield "coverage", "", [interval_coverage(*each, *value_and_patient) for each in ends]

    def plot(self, cases: ScoredCases) -> Sequence[OutcomePlot]:
        """Draw Bland and Altman's plot, and predicted against measured numbers in fifths.

        Numbers are means over repeats, in the outcome's unit. The words below the first plot say
        how many numbers are so far off that RMSE, ICC and limits hang on them.
        """
        predicted, value = cases.estimate[:, :, 0].mean(axis=0), cases.value
        unit = f", {self.unit}" if self.unit else ""
        # Differences against means (Bland and Altman), with the bias and its limits.
        mean, gap = (predicted + value) / 2, predicted - value
        ends, bias, spread = (float(mean.min()), float(mean.max())), gap.mean(), gap.std(ddof=1)
        levels = {
            "bias": bias,
            "lower limit": bias - LIMIT * spread,
            "upper limit": bias + LIMIT * spread,
        }
        words = (
            "A slope in the points says that low numbers are predicted too high and high "
            "ones too low, or the other way round."
        )
        if far := count_far(gap):
            words += (
                f" {far} of {len(gap)} differences {_FAR_OFF}: RMSE, ICC and limits hang on "
                "them, and their intervals are too short. The mean absolute error does less."
            )
        agreement = OutcomePlot(
            "agreement",
            "Bland and Altman's plot",
            f"mean of predicted and measured{unit}",
            f"predicted minus measured{unit}",
            (
                OutcomeLine("cases", tuple(mean.tolist()), tuple(gap.tolist()), points=True),
                *(
                    OutcomeLine(name, ends, (float(level), float(level)))
                    for name, level in levels.items()
                ),
            ),
            words=words,
        )
        # Mean measured against mean predicted numbers, in fifths of these as far as they differ.
        x, y, rows = list[float](), list[float](), list[tuple[str, ...]]()
        for band in split_in_fifths(predicted):
            x.append(float(predicted[band].mean()))
            y.append(float(value[band].mean()))
            error = float(np.abs(predicted[band] - value[band]).mean())
            rows.append((f"{x[-1]:.4g}", str(len(band)), f"{y[-1]:.4g}", f"{error:.3g}"))
        calibration = OutcomePlot(
            "calibration",
            "Predicted and measured numbers",
            f"mean predicted{unit}",
            f"mean measured{unit}",
            (OutcomeLine("fifths of the predicted number", tuple(x), tuple(y)),),
            ("mean predicted", "cases", "mean measured", "mean absolute error"),
            tuple(rows),
            diagonal=True,
        )
        return agreement, calibration

    def count(self, value: Floats, label: Whole) -> tuple[tuple[str, str], ...]:
        """List how many cases there are, and mean, spread and range of the numbers, with units."""
        unit = f" {self.unit}" if self.unit else ""
        return (
            ("cases", str(len(value))),
            ("mean", f"{value.mean():.4g}{unit}"),
            ("standard deviation", f"{value.std(ddof=1):.4g}{unit}"),
            ("range", f"{value.min():.4g} to {value.max():.4g}{unit}"),
        )

    def doubts(self, value: Floats, label: Whole, patient: Whole) -> tuple[str, ...]:
        """Say that patients are few, or numbers far off, which then decide errors by squares.

        With 100 patients limits of agreement are known to a third of the standard deviation (Bland
        and Altman 1986).
        """
        # Few patients, and numbers far from the others.
        doubts = []
        patients = len(np.unique(patient))
        if patients < _ENOUGH_PATIENTS:
            few = f"Few patients: {patients}; below {_ENOUGH_PATIENTS} limits of agreement are "
            doubts.append(f"{few}vague, and a difference of models is rarely sure.")
        if far := count_far(value):
            doubts.append(
                f"Numbers far from all others: {far} of {len(value)} {_FAR_OFF}. Look whether they "
                "are typing errors or in another unit. RMSE, ICC and limits of agreement hang on "
                "them, and their intervals are too short."
            )
        return tuple(doubts)
