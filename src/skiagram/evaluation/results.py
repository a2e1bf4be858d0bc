"""What was found of one model: its rows of the table of figures, and what is drawn of it.

A figure that cannot be computed keeps its row, with `value` None and a `reason`. Beside the rows
stand curves, counts and names of parts, which are no figures: nothing is decided by them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.predicted import OutcomePlot

# Analyses of a single model, in the order of their rows.
METRICS, SELECTION, CLASSES, STABILITY = "metrics", "selection", "classes", "stability"
OPERATING_POINTS, CALIBRATION = "operating_points", "calibration"
LIMIT, SUBGROUPS, FINDERS = "limit", "subgroups", "finders"
DECISIONS_OFF_COPIES = "decisions_off_near_duplicates"
_ORDER = (
    *(METRICS, DECISIONS_OFF_COPIES, SELECTION, CLASSES, STABILITY, OPERATING_POINTS),
    *(CALIBRATION, LIMIT, SUBGROUPS, FINDERS),
)
STANDING_FINDERS = "standing_finders"  # what stands for an arm in finding
Named = tuple[str, str, Estimate | float]  # a figure, the group that it is of, its value
OTHERS = "others"  # of a subgroup: all other reported cases
CASES = "cases"  # how many there are of a group


def patients_of(name: str) -> str:
    """Return the figure that says how many patients have a case of a class."""
    return f"patients of {name}"


@dataclass(frozen=True)
class Curve:
    """A curve to draw.

    Attributes:
        x: Abscissa.
        y: Ordinate.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Band:
    """The 95 % band of a curve, at each abscissa on its own.

    Attributes:
        x: Abscissa.
        low: Lower bound.
        high: Upper bound.
    """

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit of acting on probabilities, in true positives per case.

    Attributes:
        threshold: Probability from which one would act: a miss costs (1 − t) / t needless actions.
        net_benefit: Of acting on the model.
        low: Lower bound at each threshold.
        high: Upper bound at each threshold.
        act_on_all: Net benefit of acting on everybody; acting on nobody has 0.
    """

    threshold: tuple[float, ...]
    net_benefit: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    act_on_all: tuple[float, ...]


@dataclass(frozen=True)
class Part:
    """Test cases that share a value of a column; its figures are rows of the group `name`.

    Attributes:
        column: Name of the column.
        value: Its value, or its range where numbers were cut at tertiles.
        warning: Why not to trust it; empty when there is no such reason.
    """

    column: str
    value: str
    warning: str = ""

    @property
    def name(self) -> str:
        """Which group of the table it is."""
        return f"{self.column}: {self.value}"


@dataclass(frozen=True)
class ModelResult:
    """All that was found of one model.

    Attributes:
        outcome: How its training ended.
        figures: Its rows of the table. Of the analysis `metrics`, named as in `figures.yaml`,
            sensitivity and specificity are at the threshold fixed on out-of-fold scores, accuracies
            at the most probable class; metrics that the task does not have are absent.
        fold_auc: Out-of-fold AUC of each fold, repeat after repeat.
        by_repeat: Primary figure of the test cases for each repeat.
        confusion: Rows true class, columns most probable class, mean count over repeats.
        roc: False positive rate → true positive rate; None when not binary.
        precision_recall: Recall → precision; None when not binary.
        roc_band: Of sensitivity; None without a curve or with too few patients of a class.
        precision_recall_band: Of precision, likewise.
        decision_curve: What deciding by the probabilities is worth; None when not binary.
        parts: Of the test cases, on which the model has figures of its own.
        plots: What the outcome of a value draws of what stands for an arm, and of simple baselines.
        scores_digest: `digest_scores` of what was measured; empty of columns of scores.
    """

    outcome: Outcome
    figures: FigureTable = field(default_factory=FigureTable)
    fold_auc: tuple[float, ...] = ()
    by_repeat: tuple[float, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()
    roc: Curve | None = None
    precision_recall: Curve | None = None
    roc_band: Band | None = None
    precision_recall_band: Band | None = None
    decision_curve: DecisionCurve | None = None
    parts: tuple[Part, ...] = ()
    plots: tuple[OutcomePlot, ...] = ()
    scores_digest: str = ""

    def find(self, figure: str, analysis: str = METRICS, group: str = "") -> Estimate:
        """Return a figure of the model; without a value where there is none."""
        return self.figures.find(analysis=analysis, figure=figure, group=group, versus="")

    def with_figures(self, analysis: str, figures: Iterable[Named]) -> "ModelResult":
        """Put the figures of one analysis in the place of what the result had of it.

        Args:
            analysis: Such as `METRICS`.
            figures: (figure, group, value) each.
        """
        name = self.outcome.model
        rows = (
            make_row(value, analysis, figure, model=name, group=group)
            for figure, group, value in figures
        )
        return self.with_rows(analysis, rows)

    def with_rows(self, analysis: str, rows: Iterable[FigureRow]) -> "ModelResult":
        """Put the rows of one analysis in the place of what the result had of it.

        Analyses keep one order, so that equal results are equal tables whoever came first.
        """
        other_rows = (row for row in self.figures.rows if row.analysis != analysis)
        ordered = sorted((*other_rows, *rows), key=lambda row: _ORDER.index(row.analysis))
        return replace(self, figures=FigureTable(tuple(ordered)))


@dataclass(frozen=True)
class FinderResult:
    """How a model finds lesions on the test images.

    Attributes:
        model: Its name; of what stands for an arm, the model that most folds chose.
        figures: Its rows. `figure_of_merit` is JAFROC's, `sensitivity` and `sensitivity_normal` the
            share of the lesions found at so many false marks per image, and per normal image, which
            is the group; `mean_sensitivity` its mean over 1/8 to 8 false marks per image, LUNA16's
            score; `found` the share that any mark hits; `distance` the median and the 90th
            percentile (groups) of the distance of the centres of a lesion and of the mark that hits
            it. Of generated data also `efficiency`, its mean sensitivity over that of the ideal
            observer, `merit_above` and `sensitivity_above`, both figures minus the most that is
            possible. `selection_sensitivity`, the mean sensitivity on the development set, chooses
            the best of an arm. `fewest_images` and `fewest_normal` are the images of the fit that
            marked the fewest; thresholds are a fit's own.
        froc: False marks per image → share of the lesions found.
        froc_band: Its 95 % band over patients, at each abscissa on its own.
    """

    model: str
    figures: FigureTable
    froc: Curve
    froc_band: Band | None

    def find(self, figure: str, group: str = "") -> Estimate:
        """Return a figure of the detector; without a value where there is none."""
        return self.figures.find(figure=figure, group=group)
