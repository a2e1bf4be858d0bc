"""What an outcome that is no class says of itself besides what all that is predicted says."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import refusal
from skiagram.statistics.linearised import Linearised, mean_over_repeats
from skiagram.statistics.variation import effective_patients, has_unequal_clusters
from skiagram.tables.cells import stands_for_missing
from skiagram.tasks.columns import OPTIONS, VALUE, ColumnOption, OutcomeTable
from skiagram.tasks.figure import Figure, read_figures
from skiagram.tasks.predicted import KINDS, MeasuredFigure, Predicted, Tensor
from skiagram.tasks.scored_cases import ScoredCases

if TYPE_CHECKING:  # commands print their help without pandas
    from skiagram.tables.frames import TableLine

# Ranges of what is read from a file: read_record refuses what lies outside.
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_ROUNDING = 1e-9  # by which equal scores may differ, of the largest of them


@dataclass(frozen=True)
class MeasuredCalibration(ABC):
    """What turns scores into estimates; the fields of a member are numbers and rows of numbers."""

    @property
    @abstractmethod
    def columns(self) -> int:
        """Count the estimates."""

    @abstractmethod
    def probabilities(self, scores: Floats) -> Floats:
        """Turn (n, scores) scores into (n, columns) estimates."""

    @classmethod
    def average(cls, calibrations: Sequence[Self], weights: Floats | None = None) -> Self:
        """Average the calibrations of several folds: each number is the mean of theirs.

        A fold's held-out cases are calibrated by the others' average, so that no case is judged by
        a calibration that saw its label.

        Args:
            calibrations: Of one member, with rows of equal length.
            weights: (folds,) by `weigh_folds`; None: all weigh alike.
        """
        means: dict[str, Any] = {}
        weights = np.ones(len(calibrations)) if weights is None else weights
        for field in fields(cls):
            values = [getattr(calibration, field.name) for calibration in calibrations]
            mean = np.average(values, axis=0, weights=weights).tolist()
            means[field.name] = tuple(mean) if isinstance(mean, list) else mean
        return cls(**means)


def weigh_folds(scores: Sequence[Floats]) -> Floats:
    """Weigh the calibrations of folds by how far the scores of each spread.

    The slope of a calibration is as uncertain as the scores that it was learned on are close to
    each other, its variance the inverse of theirs. A fold whose fit has next to no weights would
    give the mean a slope of hundreds. Folds that spread at least half as wide as usual weigh 1.

    Args:
        scores: (m, columns) of each fold.

    Returns:
        (folds,) in (0, 1].
    """
    variance = np.array([each.var(axis=0).mean() for each in scores])
    usual, largest = float(np.median(variance)), max(float(np.abs(each).max()) for each in scores)
    # A model of no feature scores all cases of a fold alike.
    if usual <= (_ROUNDING * largest) ** 2:
        return np.ones(len(variance))
    return np.clip(4 * variance / usual, 1e-12, 1.0)


def require_unit(unit: str, project_unit: str) -> None:
    """Refuse another cohort's unit where it is not that of the project.

    Raises:
        OptionError: It is not.
    """
    if unit != project_unit:
        raise refusal(
            "tasks.other_unit",
            found=unit or "no unit",
            unit=project_unit or "no unit",
        )


def describe_unequal_patients(patient: Whole) -> str:
    """Write a sentence where a few patients have most of the cases; else nothing.

    Images of one patient tell nearly the same: the effective number of patients is (Σ n)² / Σ n²
    over their numbers of cases n.
    """
    if not has_unequal_clusters(patient):
        return ""
    alike = max(1, round(effective_patients(patient)))
    return (
        f"A few patients have most of the cases: {len(np.unique(patient))} patients carry the "
        f"information of about {alike} with equal numbers of cases."
    )


class ReadColumns(NamedTuple):
    """What an outcome reads of a table.

    Attributes:
        label: Of each row, one of the outcome's classes.
        value: Of each row, as a cell.
        note: Sentence that a person checks.
    """

    outcome: "MeasuredOutcome"
    label: Sequence[str]
    value: Sequence[str]
    note: str


class MeasuredOutcome(Predicted):
    """An outcome whose cases have a value; a member is a frozen dataclass of its options.

    Attributes:
        column: Column of the value.
        options: What it asks of the commands that read a table.
        baselines: Configs of the classical models that a run has where none are named.
        frozen: Configs of the models that read a pretrained network's maps.
        figures: What is said of each figure.
    """

    column: str
    options: ClassVar[tuple[ColumnOption, ...]]
    baselines: ClassVar[tuple[str, ...]] = ("logistic_regression", "elastic_net", "random_forest")
    frozen: ClassVar[tuple[str, ...]] = ("pretrained_logistic_regression",)
    simple_baselines: ClassVar[dict[str, str]] = {
        "cases": "null_model",
        "acquisition": "acquisition",
        "volume": "region_volume",
        "covariates": "covariates",
        "known": "covariates_and_volume",
        "permuted": "permuted",
    }
    figures: ClassVar[tuple[Figure, ...]]
    undefined: ClassVar[frozenset[str]] = frozenset(KINDS["of_classes"])
    table_figures: ClassVar[int | None] = 6  # which a sheet of paper holds: a time has many

    def __init_subclass__(cls) -> None:
        """Give a member the options and figures that tables list under its kind, and their words.

        The figures are those of `figures.yaml` in its order, and after them the primary one on the
        cases without a near duplicate.
        """
        super().__init_subclass__()
        kind: str = vars(cls).get("kind", "")
        if kind in OPTIONS:
            cls.options = tuple(ColumnOption(name, **row) for name, row in OPTIONS[kind].items())
            cls.figures = read_figures(kind)
            # Figures as the outcome defines them.
            shown = [
                replace(
                    figure,
                    definition=f"{figure.definition[0].upper()}{figure.definition[1:]}.",
                    table_column=True,
                    headline=True,
                )
                for figure in cls.figures
            ]
            # The primary figure again, without near duplicates.
            primary = next(figure for figure in cls.figures if figure.name == cls.primary)
            clean = replace(
                shown[0],
                name=f"{cls.primary}_off_near_duplicates",
                title=f"{primary.title} without near duplicates",
                definition="On the test cases without a near duplicate in the development set.",
                headline=False,
            )
            cls.all_figures = (*shown, clean)
            # Its title within a sentence, where an abbreviation keeps its capitals.
            title = primary.title
            cls.primary_title = title[0].lower() + title[1:] if title[1:2].islower() else title
            cls.figure_words = cls.primary_title
            cls.lower_is_better = not primary.higher_is_better

    @property
    def where(self) -> str:
        """What names the column in a message: by its option, where no table of a user has it."""
        own = self.column != VALUE
        return f"column `{self.column}`" if own else f"column of `--{self.named_by[-1]}`"

    @classmethod
    @abstractmethod
    def read_columns(cls, table: OutcomeTable, options: Mapping[str, Any]) -> ReadColumns:
        """Read the outcome of a table, and each row's label and value.

        Args:
            options: Name of each option → what was given, None for nothing; columns that are named
                are in the table.

        Raises:
            OptionError: An option is missing, or its value cannot be.
            DataError: Cells are nothing that can be predicted.
        """

    @classmethod
    def is_missing(cls, row: "TableLine", options: Mapping[str, Any]) -> bool:
        """Tell whether a row says nothing in the column of `named_by`: empty, or a word for that.

        Such rows are left out, or refused, as the user asked for; a row without an outcome teaches
        nothing.
        """
        cell = row.cells[options[cls.named_by[-1]]]
        return not cell or stands_for_missing(cell)

    @abstractmethod
    def of_cohort(self, cohort: "MeasuredOutcome") -> Self:
        """Return this outcome as another cohort's table has it: its columns, and its labels.

        Raises:
            OptionError: The cohort counts otherwise.
        """

    @abstractmethod
    def loss(self, score: Tensor, target: Tensor, learned: Tensor) -> Tensor:
        """Compute the mean loss of a network's scores; see `Predicted.loss`."""

    def measure(self, cases: ScoredCases) -> list[MeasuredFigure]:
        """Measure all figures, the primary first.

        Args:
            cases: Scored by models that never saw them.

        Returns:
            A figure each, the mean over repeats; where the folds' training sets overlap the
            interval allows for that.
        """
        others = (
            MeasuredFigure(name, group, mean_over_repeats(repeats, cases.folds))
            for name, group, repeats in self.measure_others(cases)
        )
        return [*super().measure(cases), *others]

    def measure_others(self, cases: ScoredCases) -> Iterator[tuple[str, str, Sequence[Linearised]]]:
        """Yield every figure but the primary one: name, what it is of besides, of each repeat.

        Args:
            cases: Scored by models that never saw them.
        """
        yield from ()

    @abstractmethod
    def draw(
        self, hidden: Flags, effect: float, generator: np.random.Generator
    ) -> tuple[Floats, Whole]:
        """Draw (n,) values and labels of generated cases by what is hidden in their images.

        Args:
            hidden: (n,) whether a case's images have the finding.
            effect: How much it counts for, > 0.
        """

    def best_score(self, chance: Floats, effect: float) -> Floats:  # effect: as of `draw`
        """Compute (n,) the scores that no others are better than, of cases drawn by `draw`.

        Args:
            chance: (n,) of the finding, given the images.
        """
        return chance

    def as_score(self, best: Floats) -> Floats:
        """Compute `best_score` on the scale of models' scores, which development cases may set.

        It is (n,), or (n, scores) where a model gives several.
        """
        return best

    def score_ideal(self, best: Floats, cases: ScoredCases) -> ScoredCases:
        """Return generated cases as the ideal observer scores them, in each repeat alike.

        Its calibration is fitted to these cases themselves, which errs to the good side.
        """
        score = self.as_score(best).reshape(len(best), -1)
        calibration = self.calibrate(score, cases.value, cases.label, cases.patient)
        estimate, repeats = calibration.probabilities(score), cases.repeats
        ordered = np.repeat(self.order(score, estimate)[None], repeats, axis=0)
        estimates = np.repeat(estimate[None], repeats, axis=0)
        return replace(cases, score=ordered, estimate=estimates, folds=0)
