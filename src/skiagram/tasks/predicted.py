"""What everything that can be predicted says of itself, classes and measured outcomes alike.

A case has a label, by which folds are balanced and the audit asks its questions, and a value. A
calibration, learned on held-out folds, turns a model's scores into estimates, a column each.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats, Whole
from skiagram.declared import read_declared
from skiagram.seeding import stream
from skiagram.statistics.linearised import Linearised
from skiagram.tasks.choices import CalibrationMethod
from skiagram.tasks.figure import Figure
from skiagram.tasks.scored_cases import ScoredCases

KINDS = read_declared("skiagram.tasks", "kinds.yaml")
_FOLDS = 5  # of patients, where a calibration is judged on those that it did not see
Tensor = Any  # of torch, which classical stages never import
Loss = Literal["classification", "least_squares", "ordered_logistic", "cox", "multilabel"]


class MeasuredFigure(NamedTuple):
    """A figure of a model.

    Attributes:
        name: As in `Figure.name`.
        group: What it is of besides, for example a horizon; empty for nothing.
        figure: The figure, and what it is without each patient.
    """

    name: str
    group: str
    figure: Linearised


def split_in_fifths(expected: Floats) -> "list[NDArray[np.intp]]":
    """Split cases into fifths of what was expected of them, the lowest first: (m,) rows of each.

    So many bands are enough to see a bend, and few enough that each holds cases. There are no more
    bands than different values: where all are one, the order of the rows means nothing.

    Args:
        expected: (n,).
    """
    order = np.argsort(expected, kind="stable")
    return np.array_split(order, min(5, len(np.unique(expected))))


@dataclass(frozen=True)
class OutcomeLine:
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
    def of_fifths(cls, name: str, expected: Floats, observed: Flags) -> "OutcomeLine":
        """Compute expected and observed shares of (n,) cases, in fifths of the former.

        Args:
            name: Of the line.
            expected: (n,) estimated chances, 0 to 1.
            observed: (n,) whether it came true.

        Returns:
            A point for each fifth.
        """
        bands = split_in_fifths(expected)
        x = tuple(float(expected[band].mean()) for band in bands)
        return cls(name, x, tuple(float(observed[band].mean()) for band in bands))


@dataclass(frozen=True)
class OutcomePlot:
    """Curves of a model, and a table that belongs below them.

    Attributes:
        columns: Heads of the table, that of its first column first.
        rows: Cells of the table as text.
        diagonal: Whether a line of identity is drawn.
        x_names: What stands at the abscissae 1, 2 and so on; empty for their numbers.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[OutcomeLine, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    words: str = ""
    diagonal: bool = False
    x_names: tuple[str, ...] = ()


class Predicted(ABC):
    """What is predicted of a case; a member is a frozen dataclass of its options.

    Attributes:
        kind: Name of the member, as configs and `Model.tasks` have it.
        positive: Label of the condition looked for; None where there is no single one.
        classes: Names of the labels, which balance the folds: label k means `classes[k]`.
        label_words: What each label means, for people.
        words: What is predicted, for people: `a / b`, or `time to an event, in days`.
        purpose: What a model of it does, as its card says.
        estimates: Names of what a calibration estimates, a column each.
        reported: Estimate → its column, of those that are told of a new case.
        scores: How many scores a model gives a case.
        asked: Options of commands that another cohort's line may leave out, with their value.
        margin_unit: What the primary figure's margin counts in; 1 is the figure itself.
        has_ideal: Whether an ideal observer of generated cases has a primary figure.
        primary_title: What the primary figure is called in a sentence.
        figure_words: The same where the task is known; of any classes `AUC`.
        lower_is_better: Whether the primary figure is an error.
        all_figures: What is said of each figure, the primary one first, in the order of tables.
        selection: Name of the primary figure of the development set, which chooses models.
        chance_model: The model without any feature that stands for chance; empty where none does.
        primary: Name of the figure that models are chosen and compared by.
        classical_loss: What classical models are fitted by; those that know it learn the task.
        simple_baselines: What is there (`cases`, `acquisition`, `volume`, `uptake`, `covariates`,
            `known`, which is both covariates and a volume, `permuted`) → config of the model on it
            alone.
        chance: Primary figure of a model that knows nothing of a case; None where only the model on
            `cases` says what it is.
        bounds: Between which every estimate lies; by default as a chance does.
        named_by: Options of commands, without dashes, by which another cohort's line names the
            columns that are read.
        undefined: Analyses, models and sections of the page that are not defined for it.
        loss_of_classes: Whether networks are fitted by the weighted loss of classes, and not by
            `loss`.
        averages_folds: Whether models are chosen by the mean over folds of the primary figure, and
            not by that of all held-out scores.
        has_value: Whether a case has a value besides its label.
        label_title: What labels are called above a table.
        chance_title: What is called that knows nothing of a case.
        terminal_figures: Figures besides the primary one in the terminal's table of models.
        table_figures: How many figures a table of the page holds; None for all.
        labels_group_values: Whether labels are groups of the cases' values, by which alone sides
            and cohorts are then compared.
        labels_may_be_absent: Whether labels are groups that folds are balanced by, of which cases
            may lack some.
    """

    kind: str
    positive: int | None = None
    classes: tuple[str, ...]
    label_words: tuple[str, ...]
    words: str
    purpose: str
    estimates: tuple[str, ...]
    reported: Mapping[str, int]
    scores: int = 1
    asked: Mapping[str, Any] = MappingProxyType({})
    margin_unit: float = 1.0
    has_ideal: bool = True
    primary_title: str
    figure_words: str
    lower_is_better: ClassVar[bool] = False
    all_figures: ClassVar[tuple[Figure, ...]]
    selection: ClassVar[str]
    chance_model: ClassVar[str]
    primary: ClassVar[str]
    classical_loss: ClassVar[Loss]
    simple_baselines: ClassVar[dict[str, str]]
    chance: ClassVar[float | None] = None
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    named_by: ClassVar[tuple[str, ...]] = ()
    undefined: ClassVar[frozenset[str]] = frozenset()
    loss_of_classes: ClassVar[bool] = False
    averages_folds: ClassVar[bool] = False
    has_value: ClassVar[bool] = True
    label_title: ClassVar[str] = "Group"
    chance_title: ClassVar[str] = "Chance"
    terminal_figures: ClassVar[tuple[str, ...]] = ()
    table_figures: ClassVar[int | None] = None
    labels_group_values: ClassVar[bool] = False
    labels_may_be_absent: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Give a member what `kinds.yaml` says of its kind, and what follows from that."""
        super().__init_subclass__()
        facts = KINDS.get(vars(cls).get("kind"), {})
        if facts:
            facts = {"selection": f"selection_{facts['primary']}", **facts}
        for name, fact in facts.items():
            setattr(cls, name, tuple(fact) if isinstance(fact, list) else fact)
        # Where no number is that of chance, a model without any feature stands for it.
        cls.chance_model = cls.simple_baselines["cases"] if cls.chance is None else ""

    def describe(
        self, classes: tuple[str, ...], estimates: tuple[str, ...], words: str, **others: object
    ) -> None:
        """Set what is said of a member, which follows from its options; called when they are set.

        Args:
            classes: Names of the labels.
            estimates: Names of what a calibration estimates, a column each.
            words: What is predicted, for people.
            others: Any other attribute of `Predicted` that is not as usual: labels mean what they
                are called, a model estimates what is predicted, and tells all that it estimates.
        """
        usual = {
            "label_words": classes,
            "purpose": f"estimates a {words}",
            "reported": {name: column for column, name in enumerate(estimates)},
        }
        own = {"classes": classes, "estimates": estimates, "words": words}
        for name, fact in {**usual, **own, **others}.items():
            object.__setattr__(self, name, fact)  # a member is frozen for all others

    @property
    def told_columns(self) -> list[str]:
        """Columns in which tables of new cases have what is told of them, in its order."""
        kind = "probability_" if self.bounds == (0.0, 1.0) else ""
        return [f"{kind}{name}" for name in self.reported]

    def count_patients(self, label: Whole, patient: NDArray[Any]) -> dict[str, int]:
        """Count the patients with a case of each label, by its name.

        Args:
            label: (n,) index into `classes`.
            patient: (n,) who the cases are of.
        """
        return {name: len(np.unique(patient[label == k])) for k, name in enumerate(self.classes)}

    @property
    def unnamed(self) -> "Predicted":
        """Return the same without what no model may know: the names of classes."""
        return self

    @abstractmethod
    def check(self, value: Any, label: int, where: str) -> None:
        """Refuse a value that no case can have.

        Args:
            value: Of one case, in the outcome's unit; of several findings a state each.
            label: Index into `classes`.
            where: What the message calls the case: its line in the user's table.

        Raises:
            DataError: The value, or a value with this label, cannot be.
        """

    @abstractmethod
    def settle(self, value: Floats, label: Whole) -> Self:
        """Return the member with what it takes from the development set, such as a mean.

        Sealed cases have no part in it: what is set here is known to every model.

        Args:
            value: (n,) or (n, findings) of the development cases.
            label: (n,) index into `classes`.

        Raises:
            DataError: The cases cannot carry an evaluation.
        """

    def asked_of_traits(self, value: Floats, label: Whole) -> dict[str, Whole]:
        """List what no trait of an image shall tell besides the label.

        The audit looks whether brightness, size or the like tell it, as they would tell a shortcut.

        Returns:
            Words → (n,) 0 or 1; nothing where the label says all.
        """
        return {}

    def title_figure(self, figure: str, group: str = "") -> str:
        """Write the title of a figure of models, with the horizon or the like that it is of.

        Args:
            figure: As in `Figure.name`; one that is not described is its own title.
            group: What it is of besides; empty for nothing.
        """
        titles = {each.name: each.title for each in self.all_figures}
        return f"{titles.get(figure, figure)}, {group}" if group else titles.get(figure, figure)

    def head_figure(self, figure: str, group: str = "") -> str:
        """Return the same as the heading of a column, which says where it is a mean."""
        return self.title_figure(figure, group)

    def direct(self, value: float) -> float:
        """Turn a value, or a difference, of the primary figure such that more is better."""
        return -value if self.lower_is_better else value

    @abstractmethod
    def target(self, value: Floats, label: Whole) -> NDArray[Any]:
        """Make what an estimator or a network is fitted to.

        Args:
            value: (n,) or (n, findings), in the outcome's unit.
            label: (n,) index into `classes`.

        Returns:
            (n, columns) float64, or (n,) labels where classes are told apart.
        """

    def loss(self, score: Tensor, target: Tensor, learned: Tensor) -> Tensor:
        """Compute the mean loss of a network's scores, written with the methods of tensors.

        Args:
            score: (n,), or (n, scores) where a model gives several.
            target: Of `target`.
            learned: What `learned_with_loss` began as.

        Raises:
            NotImplementedError: Of classes, whose loss is weighted and smoothed by options.
        """
        raise NotImplementedError

    def learned_with_loss(self) -> Floats:
        """Return where numbers begin that are learned with the network for its loss alone.

        Cut-offs of grades are such; most losses have none. They are no part of the network: scores
        are compared without them.
        """
        return np.zeros(0)

    @abstractmethod
    def calibrate(self, scores: Floats, value: Floats, label: Whole, patient: NDArray[Any]) -> Any:
        """Fit a member of `skiagram.calibration.Calibration`, by (n, scores) held-out scores.

        Args:
            patient: (n,) of each case.
        """

    def calibrate_by(
        self,
        method: CalibrationMethod,
        scores: Floats,
        value: Floats,
        label: Whole,
        patient: NDArray[Any],
    ) -> Any:
        """Fit the same by a method that is chosen, of which classes alone have several."""
        return self.calibrate(scores, value, label, patient)

    def recalibrate(self, cases: ScoredCases) -> ScoredCases:
        """Return the same scores after the calibration was fitted anew to these very cases.

        In five folds by patient: no case is judged by a calibration that saw its patient.
        """
        # Patients in parts: each is calibrated by the others.
        names, scores = np.unique(cases.patient), self.scores_to_calibrate(cases)
        order = stream(0, "recalibration").permutation(len(names))
        estimate = np.empty_like(cases.estimate)
        for part in np.array_split(names[order], _FOLDS):
            held_out = np.isin(cases.patient, part)
            others = cases.select(~held_out)
            truth = others.value, others.label, others.patient
            for repeat, score in enumerate(scores):
                calibration = self.calibrate(score[~held_out], *truth)
                estimate[repeat, held_out] = calibration.probabilities(score[held_out])
        return replace(cases, estimate=estimate)

    def scores_to_calibrate(self, cases: ScoredCases) -> Floats:
        """Return (repeats, n, scores) what a calibration of scored cases is fitted to.

        Of one score the last axis is added; `recalibrate` fits every outcome alike.
        """
        return cases.score.reshape(*cases.fit.shape, -1)

    @abstractmethod
    def count(self, value: Floats, label: Whole) -> tuple[tuple[str, str], ...]:
        """List what a reader must know of the cases besides their classes, such as how many events.

        Returns:
            (name, number) in the order of the page's table, as text with units.
        """

    @abstractmethod
    def doubts(self, value: Floats, label: Whole, patient: Whole) -> tuple[str, ...]:
        """Say why the figures of so many cases, or of such values, say little.

        Args:
            value: (n,) or (n, findings) of the reported cases.
            label: (n,) index into `classes`.
            patient: (n,) from 0; limits are of patients, as images of one go together.

        Returns:
            A sentence each, for the warnings of the page; none where nothing is in doubt.
        """

    def tell(self, value: Floats) -> dict[str, Floats]:
        """List what is true of cases, as a table for people has it beside the scores.

        Args:
            value: (n,) or (n, findings).

        Returns:
            Name of a column → (n,), in the outcome's unit.
        """
        return {"value": value}

    def order(self, score: Floats, estimate: Floats) -> Floats:
        """Find what orders cases, (n,) or (n, scores).

        Args:
            score: (n, scores) of a model.
            estimate: (n, columns) that the calibration made of them.
        """
        return score[:, 0] if score.shape[1] == 1 else score

    @abstractmethod
    def measure_primary(self, cases: ScoredCases) -> Linearised:
        """Estimate the primary figure, the mean over repeats.

        Returns:
            The figure with the influence of each case, by which intervals and differences are made;
            NaN where it is not defined, with the reason.
        """

    def test_chance(self, figure: Linearised, cases: ScoredCases) -> float | None:
        """Compute the two-sided p value of a primary figure against chance.

        Args:
            figure: Of `measure_primary`.
            cases: Those that it is of.

        Returns:
            None where no number stands for chance, or the figure is not defined.
        """
        if self.chance is None or not np.isfinite(figure.value):
            return None
        return figure.variation.p(figure.value - self.chance)

    def are_alike(self, first: ScoredCases, second: ScoredCases) -> bool:
        """Tell whether two models' primary figures never differ, on whatever cases.

        Their difference is then 0 without an interval; a test of it would divide by 0.
        """
        return False

    def measure(self, cases: ScoredCases) -> "list[MeasuredFigure]":
        """Measure the figures that are means over cases, the primary first."""
        return [MeasuredFigure(self.primary, "", self.measure_primary(cases))]

    def measure_parts(self, cases: ScoredCases) -> list[tuple[str, Linearised]]:
        """Measure the figures by name whose mean the primary one is; none where it is no mean.

        Two arms are compared by each of them, too.
        """
        return []

    def mean_of_parts(
        self, cases: ScoredCases, parts: Sequence[tuple[str, Linearised]]
    ) -> Linearised:
        """Estimate the primary figure over some of its parts; NaN where there are none.

        Cohorts are compared over the parts that all of them define.

        Args:
            cases: Those that the parts are of.
            parts: (name, figure) as `measure_parts` gives them.
        """
        return self.measure_primary(cases)

    def plot(self, cases: ScoredCases) -> Sequence[OutcomePlot]:
        """Draw what is drawn of a model besides curves of decisions."""
        return ()

    @abstractmethod
    def score_ideal(self, best: Floats, cases: ScoredCases) -> ScoredCases:
        """Return generated cases as the ideal observer scores them, in each repeat alike.

        Args:
            best: (n,) the scores that no others are better than.
        """
