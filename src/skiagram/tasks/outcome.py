"""What an outcome that is no class says of itself; all else knows this contract alone.

A case has a label, by which folds are balanced and the audit asks its questions, and a value. A
model gives one score a case. A calibration, learned on held-out folds, turns scores into estimates:
one column each, named by the outcome.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import OptionError
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.variation import effective_patients, few_have_most
from skiagram.tasks.columns import ColumnOption, OutcomeRow, OutcomeTable, stands_for_missing

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Tensor = Any  # of torch, which classical stages never import
Loss = Literal["classification", "least_squares", "ordered_logistic", "cox", "multilabel"]


@dataclass(frozen=True)
class ScoredCases:
    """Cases with what is true of them and what models that never saw them say.

    Attributes:
        label: (n,).
        value: (n,), in the outcome's unit.
        patient: (n,) from 0.
        score: (repeats, n), higher = more of what the outcome counts; (repeats, n, scores) where a
            model gives several.
        estimate: (repeats, n, columns).
        fit: (repeats, n) which fit scored a case.
    """

    label: Labels
    value: Floats
    patient: Labels
    score: Floats
    estimate: Floats
    fit: Labels

    @property
    def folds(self) -> int:
        """Return how many fits share the cases of a repeat; 0 where one scored all."""
        fits = len(np.unique(self.fit[0]))
        return fits if fits > 1 else 0

    def select(self, rows: NDArray[np.bool_]) -> "ScoredCases":
        """Return some cases; patients are numbered anew."""
        return ScoredCases(
            self.label[rows],
            self.value[rows],
            np.unique(self.patient[rows], return_inverse=True)[1].astype(np.int64),
            self.score[:, rows],
            self.estimate[:, rows],
            self.fit[:, rows],
        )


class GroupGap(NamedTuple):
    """How groups, such as sites, differ: the p value, and in which words."""

    p: float
    words: str


class MeasuredFigure(NamedTuple):
    """A figure of a model.

    Attributes:
        name: As in `OutcomeFigure.name`.
        group: What it is of besides, for example a horizon; empty for nothing.
        figure: The figure, and what it is without each patient.
    """

    name: str
    group: str
    figure: Linearised


class OutcomeFigure(NamedTuple):
    """What is said of a figure of an outcome.

    Attributes:
        higher_is_better: None where neither direction is.
    """

    name: str
    title: str
    definition: str
    higher_is_better: bool | None = True


@dataclass(frozen=True)
class Line:
    """A curve of a plot.

    Attributes:
        x: Abscissa.
        y: Ordinate.
        steps: Whether it is level between its points.
        points: Whether it is of single points.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    steps: bool = False
    points: bool = False

    @classmethod
    def of_fifths(cls, name: str, expected: Floats, observed: NDArray[np.bool_]) -> "Line":
        """Return expected and observed shares of (n,) cases, in fifths of the former.

        Fewer than five cases are a point each.
        """
        order = np.argsort(expected, kind="stable")
        bands = np.array_split(order, min(5, len(order)))
        x = tuple(float(expected[band].mean()) for band in bands)
        return cls(name, x, tuple(float(observed[band].mean()) for band in bands))


@dataclass(frozen=True)
class OutcomePlot:
    """Curves of a model, and a table that belongs below them.

    Attributes:
        columns: Heads of the table, that of its first column first.
        rows: Cells of the table as text.
        diagonal: Whether a line of identity is drawn.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    words: str = ""
    diagonal: bool = False


class MeasuredCalibration(ABC):
    """What turns scores into the estimates of an outcome; a member is a frozen dataclass."""

    @property
    @abstractmethod
    def columns(self) -> int:
        """Return the number of estimates."""

    @abstractmethod
    def probabilities(self, scores: Floats) -> Floats:
        """Turn (n, scores) scores into (n, columns) estimates."""

    @staticmethod
    @abstractmethod
    def average(calibrations: Sequence[Any]) -> Any:
        """Return the average of the calibrations of several folds."""


def require_unit(given: str, known: str) -> None:
    """Refuse another cohort's unit where it is not that of the project.

    Raises:
        OptionError: It is not.
    """
    if given != known:
        allowed = f"{known or 'no unit'}, as in the project"
        raise OptionError(given or "no unit", where="--unit", allowed=allowed)


def describe_unequal_patients(patient: Labels) -> str:
    """Return a sentence where a few patients have most of the cases; else nothing."""
    if not few_have_most(patient):
        return ""
    alike = max(1, round(effective_patients(patient)))
    return (
        f"A few patients have most of the cases: {len(np.unique(patient))} patients count like "
        f"{alike} with equally many."
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


class MeasuredOutcome(ABC):
    """An outcome whose cases have a value; a member is a frozen dataclass of its options.

    Attributes:
        column: Column of the value.
        kind: Name of the member, as option files and `Model.tasks` have it.
        options: What it asks of the commands that read a table.
        named_by: Those of the options that have to be given, without dashes.
        primary: Name of the figure that models are chosen and compared by.
        classical_loss: What classical models are fitted by; those that know it learn the outcome.
        baselines: Option files of the classical models that a run has where none are named.
        frozen: Option files of the models that read a pretrained network's maps.
        rules: What is there (`cases`, `acquisition`, `volume`, `uptake`, `covariates`,
            `permuted`) → option file of the model on it alone.
        networks: Option files of the networks that can learn it.
        figures: What is said of each figure.
        chance: Primary figure of a model that knows nothing of a case; None where only the rule on
            `cases` says what it is.
        bounds: Between which every estimate lies; by default as a chance does.
        decides: Whether a case is put into one of its classes, so that there are decisions to
            count, thresholds, and curves over them.
    """

    column: str
    kind: str
    options: ClassVar[tuple[ColumnOption, ...]]
    named_by: ClassVar[tuple[str, ...]]
    primary: ClassVar[str]
    classical_loss: ClassVar[Loss]
    baselines: ClassVar[tuple[str, ...]]
    frozen: ClassVar[tuple[str, ...]]
    rules: ClassVar[dict[str, str]]
    networks: ClassVar[tuple[str, ...]]
    figures: ClassVar[tuple[OutcomeFigure, ...]]
    chance: ClassVar[float | None] = None
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    decides: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def read_columns(cls, table: OutcomeTable, given: Mapping[str, Any]) -> ReadColumns:
        """Return the outcome of a table, and each row's label and value.

        Args:
            given: Name of each option → what was given, None for nothing; columns that are named
                are in the table.

        Raises:
            OptionError: An option is missing, or its value cannot be.
            DataError: Cells are nothing that can be predicted.
        """

    @classmethod
    def is_missing(cls, row: OutcomeRow, given: Mapping[str, Any]) -> bool:
        """Return whether a row says nothing in the column of `named_by`."""
        cell = row.cells[given[cls.named_by[-1]]]
        return not cell or stands_for_missing(cell)

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Return the names of the labels."""

    @property
    def scores(self) -> int:
        """Return how many scores a model gives a case."""
        return 1

    @property
    @abstractmethod
    def estimates(self) -> tuple[str, ...]:
        """Return the names of what a calibration estimates, a column each."""

    @property
    @abstractmethod
    def reported(self) -> tuple[str, ...]:
        """Return those of the estimates that are predicted for a new case."""

    @property
    @abstractmethod
    def words(self) -> str:
        """Return what is predicted, for example `time to an event, in days`."""

    @property
    def margin_unit(self) -> float:
        """Return what the primary figure's margin counts in: by default in the figure itself."""
        return 1.0

    @property
    def asked(self) -> dict[str, Any]:
        """Return options of commands that another cohort's line may leave out, with their value."""
        return {}

    @abstractmethod
    def of_cohort(self, cohort: "MeasuredOutcome") -> Self:
        """Return this outcome as another cohort's table has it: its columns, and its labels.

        Raises:
            OptionError: The cohort counts otherwise.
        """

    @abstractmethod
    def check(self, value: float, label: int, where: str) -> None:
        """Refuse a value that no case can have.

        Raises:
            DataError: The value, or a value with this label, cannot be.
        """

    @abstractmethod
    def settle(self, value: Floats, label: Labels) -> "MeasuredOutcome":
        """Return the outcome with what it takes from the development cases.

        Raises:
            DataError: The cases cannot carry an evaluation.
        """

    @abstractmethod
    def target(self, value: Floats, label: Labels) -> Floats:
        """Return (n, columns) what an estimator or a network is fitted to."""

    @abstractmethod
    def loss(self, score: Tensor, target: Tensor, learned: Tensor) -> Tensor:
        """Return the mean loss of a network's scores, written with the methods of tensors.

        Args:
            score: (n,), or (n, scores) where a model gives several.
            target: (n, columns), of `target`.
            learned: What `learned_with_loss` began as.
        """

    def learned_with_loss(self) -> Floats:
        """Return where numbers begin that are learned with the network for its loss alone."""
        return np.zeros(0)

    @abstractmethod
    def calibrate(self, scores: Floats, value: Floats, label: Labels, patient: NDArray[Any]) -> Any:
        """Return a member of `skiagram.calibration.Calibration`, by (n, scores) held-out scores.

        Args:
            patient: (n,) of each case.
        """

    @abstractmethod
    def measure_primary(self, cases: ScoredCases) -> Linearised:
        """Return the primary figure, the mean over repeats."""

    def tell(self, value: Floats) -> dict[str, Floats]:
        """Return name → (n,) what is true of cases, as a table for people has it."""
        return {"value": value}

    def measure_parts(self, cases: ScoredCases) -> list[tuple[str, Linearised]]:
        """Return the figures by name whose mean the primary one is; none where it is no mean.

        Two arms are compared by each of them, too.
        """
        return []

    @abstractmethod
    def measure(self, cases: ScoredCases) -> list[MeasuredFigure]:
        """Return all figures, the primary first."""

    @abstractmethod
    def plot(self, cases: ScoredCases) -> Sequence[OutcomePlot]:
        """Return what is drawn of a model."""

    @abstractmethod
    def count(self, value: Floats, label: Labels) -> tuple[tuple[str, str], ...]:
        """Return (name, number) of what a reader must know of the cases."""

    @abstractmethod
    def doubts(self, value: Floats, label: Labels, patient: Labels) -> tuple[str, ...]:
        """Return why the figures of so many cases, or of such values, say little."""

    @abstractmethod
    def draw(
        self, hidden: NDArray[np.bool_], effect: float, generator: np.random.Generator
    ) -> tuple[Floats, Labels]:
        """Return (n,) values and labels of generated cases by what is hidden in their images.

        Args:
            hidden: (n,) whether a case's images have the finding.
            effect: How much it counts for, > 0.
        """

    def best_score(self, chance: Floats, effect: float) -> Floats:  # effect: as of `draw`
        """Return (n,) the scores that no others are better than, of cases drawn by `draw`.

        Args:
            chance: (n,) of the finding, given the images.
        """
        return chance

    def as_score(self, best: Floats) -> Floats:
        """Return `best_score` on the scale of models' scores, which development cases may set.

        It is (n,), or (n, scores) where a model gives several.
        """
        return best

    def asked_of_traits(self, value: Floats, label: Labels) -> dict[str, Labels]:
        """Return (words, (n,) 0 or 1) of what no trait shall tell besides the label."""
        return {}

    def compare_groups(
        self,
        value: Floats,
        label: Labels,
        group: Labels,
    ) -> GroupGap | None:
        """Return how groups of patients differ in what labels do not say; None where in nothing."""
        return None

    @property
    def of_primary(self) -> OutcomeFigure:
        """Return what is said of the primary figure."""
        return next(figure for figure in self.figures if figure.name == self.primary)

    @property
    def primary_title(self) -> str:
        """Return what the primary figure is called in a sentence."""
        title = self.of_primary.title
        return title[0].lower() + title[1:] if title[1:2].islower() else title

    @property
    def figure_words(self) -> str:
        """Return what it is called where the task is known; for an outcome the same."""
        return self.primary_title

    @property
    def selection(self) -> str:
        """Return the name of the same figure of development cases, which chooses models."""
        return f"selection_{self.primary}"

    @property
    def lower_is_better(self) -> bool:
        """Return whether the primary figure is an error."""
        return not self.of_primary.higher_is_better

    @property
    def chance_rule(self) -> str:
        """Return the model without any feature that stands for chance; empty where none does."""
        return self.rules["cases"] if self.chance is None else ""

    def direct(self, value: float) -> float:
        """Return a value, or a difference, of the primary figure such that more is better."""
        return value if self.of_primary.higher_is_better else -value
