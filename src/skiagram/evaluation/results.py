"""Figures of one model, as plain records; what is found of all is in `evaluation_record`.

A figure that cannot be computed keeps its place with `value` None and a `reason`. As rows of the
table of figures they are what `list_rows` yields.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from typing import Literal

from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate

# Analyses of a single model.
METRICS, SELECTION, CLASSES, STABILITY = "metrics", "selection", "classes", "stability"
OPERATING_POINTS, CALIBRATION, SETS = "operating_points", "calibration", "prediction_sets"
REFERRAL, LIMIT, SUBGROUPS, FINDERS = "risk_coverage", "limit", "subgroups", "finders"
Named = tuple[str, str, Estimate]  # a figure, the group of cases that it is of, its value
OTHERS = "others"  # of a subgroup: all other reported cases


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
class OperatingPoint:
    """What a threshold does on the reported cases.

    Attributes:
        aim: What the threshold is to keep on new cases, by out-of-fold scores.
        level: How much of it.
        threshold: On the calibrated probability of the positive class; mean over fits.
        metrics: `sensitivity`, `specificity`, `positive_predictive_value`,
            `negative_predictive_value`, `balanced_accuracy`, `matthews_correlation`; where the user
            states a prevalence also `positive_predictive_value_at_prevalence` and
            `negative_predictive_value_at_prevalence`.
    """

    aim: Literal["sensitivity", "specificity"]
    level: float
    threshold: float | None
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases with similar probabilities.

    Attributes:
        predicted: Their mean probability.
        observed: Share that is positive; with more than two classes, that is classified correctly.
        cases: Number of cases.
    """

    predicted: float
    observed: Estimate
    cases: int


@dataclass(frozen=True)
class BrierParts:
    """Brier score = reliability − resolution + uncertainty, means over repeats.

    Attributes:
        reliability: What recalibration would save; 0 is perfect.
        resolution: What the recalibrated probabilities save against the prevalence alone.
        uncertainty: Brier score of the prevalence.
    """

    reliability: float
    resolution: float
    uncertainty: float


@dataclass(frozen=True)
class CalibrationDistance:
    """Distance of predicted from smoothed observed probabilities, over the reported cases.

    Attributes:
        ici: Integrated calibration index: the mean distance.
        e50: The median distance.
        e90: The distance that nine tenths of the cases do not exceed.
        ici_by_chance: What `ici` exceeds in one set of cases in twenty if all probabilities hold.
    """

    ici: Estimate
    e50: Estimate
    e90: Estimate
    ici_by_chance: float | None = None


@dataclass(frozen=True)
class CalibrationResult:
    """Agreement of probabilities with what was true, on the reported cases.

    Attributes:
        reliability: Bins of equal numbers of cases, by ascending probability.
        brier: Decomposition; None when not binary.
        intercept: Calibration in the large, log-odds; 0 is perfect, below 0 too high probabilities.
        slope: Of the true log-odds on the predicted ones; 1 is perfect, below 1 too extreme.
        expected_to_observed: Expected over observed number of positives; 1 is perfect.
        distance: How far probabilities lie from the smoothed observed share; None when not binary.
    """

    reliability: tuple[ReliabilityBin, ...]
    brier: BrierParts | None
    intercept: Estimate
    slope: Estimate
    expected_to_observed: Estimate
    distance: CalibrationDistance | None = None

    def list_figures(self) -> Iterator[Named]:
        """Yield the figures in the order of the page; bins stand by their mean probability."""
        yield "intercept", "", self.intercept
        yield "slope", "", self.slope
        yield "expected_to_observed", "", self.expected_to_observed
        if self.distance:
            yield "ici", "", self.distance.ici
            yield "e50", "", self.distance.e50
            yield "e90", "", self.distance.e90
        for part in self.reliability:
            yield "reliability", f"{part.predicted:.4g}", part.observed


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
class PredictionSets:
    """Split-conformal sets of classes on the reported cases.

    Attributes:
        level: Chance, by patient and class, with which a set is to hold the true class.
        coverage: Share of cases whose set holds the true class.
        class_coverage: The same for each class.
        mean_size: Mean number of classes in a set.
        single: Share of cases whose set names one class.
        several: Share of cases whose set leaves several classes open.
        empty: Share of cases unlike every class.
    """

    level: float
    coverage: Estimate
    class_coverage: tuple[Estimate, ...]
    mean_size: float
    single: Estimate
    several: Estimate
    empty: Estimate

    def list_figures(self, classes: Sequence[str]) -> Iterator[Named]:
        """Yield the figures in the order of the page, of each class after those of all."""
        yield "coverage", "", self.coverage
        yield "mean_size", "", Estimate(self.mean_size)
        yield "single", "", self.single
        yield "several", "", self.several
        yield "empty", "", self.empty
        yield from zip(repeat("coverage"), classes, self.class_coverage, strict=False)


@dataclass(frozen=True)
class RiskCoverage:
    """Errors that remain when the least sure cases are referred to a reader.

    Attributes:
        curve: Share of cases kept → share of these that are classified wrongly.
        area: Mean of the curve over coverage; lower is better.
    """

    curve: Curve
    area: Estimate


@dataclass(frozen=True)
class TestedDifference:
    """A difference of two figures with its test.

    Attributes:
        difference: The one minus the other.
        p: Two-sided p value of no difference; None where it cannot be computed.
        p_holm: The same, corrected over its family; None where there is no p value.
    """

    difference: Estimate
    p: float | None
    p_holm: float | None = None


@dataclass(frozen=True)
class Subgroup:
    """Reported cases that share a value of a column.

    Attributes:
        column: Name of the column.
        value: Its value, or its range where numbers were cut at tertiles.
        cases: Number of cases.
        patients: Class name → patients with a case of it.
        metrics: `roc_auc` and, when binary, `sensitivity` and `specificity` at the threshold.
        warning: Why not to trust it; empty when there is no such reason.
        differences: The same figures here minus those on all other reported cases, their p values
            corrected over all subgroups of the model.
    """

    column: str
    value: str
    cases: int
    patients: dict[str, int]
    metrics: dict[str, Estimate]
    warning: str = ""
    differences: dict[str, TestedDifference] = field(default_factory=dict)


@dataclass(frozen=True)
class VarianceSplit:
    """Where the variance of a single fit's AUC on the reported cases comes from.

    Attributes:
        patients: Variance over draws of patients, the seed held fixed.
        seed: Variance over seeds, the patients held fixed.
        both: What neither explains alone: seeds that order other patients well.
    """

    patients: float
    seed: float
    both: float


@dataclass(frozen=True)
class ChosenFeature:
    """A feature that some fits kept.

    Attributes:
        feature: Its name.
        share: Share of the fits that kept it.
    """

    feature: str
    share: float


@dataclass(frozen=True)
class FeatureSelection:
    """Which features the fits of the folds kept.

    Attributes:
        agreement: How alike the choices are: 1 the same in every fit, 0 as if drawn at random.
        fits: Number of fits that chose.
        features: Number of features to choose from.
        kept: Mean number of features that a fit kept.
        most_chosen: Up to ten features, the most often chosen first.
    """

    agreement: Estimate
    fits: int
    features: int
    kept: float
    most_chosen: tuple[ChosenFeature, ...]


@dataclass(frozen=True)
class Stability:
    """How much a model's AUC moves when the data or the seed change.

    Attributes:
        fold_auc: Out-of-fold AUC of each fold, repeat after repeat.
        fold_mean: Mean with the Nadeau–Bengio corrected interval.
        fold_sd: Standard deviation over folds.
        seed_auc: AUC of the reported part for each repeat.
        seed_sd: Standard deviation over repeats; None with a single repeat.
        training_gap: Mean training AUC minus mean out-of-fold AUC (over- and underfitting).
        variance: The reported AUC's variance by source; None with one repeat or more classes.
        flips: Chance that two repeats name different classes for a case; None with a single repeat.
        selection: Which features the folds' fits kept; None for a model that chooses none.
    """

    fold_auc: tuple[float, ...]
    fold_mean: Estimate
    fold_sd: float | None
    seed_auc: tuple[float, ...]
    seed_sd: float | None
    training_gap: Estimate
    variance: VarianceSplit | None = None
    flips: Estimate | None = None
    selection: FeatureSelection | None = None

    def list_figures(self) -> Iterator[Named]:
        """Yield the figures in the order of the page."""
        yield "fold_auc_mean", "", self.fold_mean
        yield "training_gap", "", self.training_gap
        for name, spread in (("fold_auc_sd", self.fold_sd), ("seed_auc_sd", self.seed_sd)):
            if spread is not None:
                yield name, "", Estimate(spread)
        if self.flips is not None:
            yield "flips", "", self.flips
        if self.selection is not None:
            yield "selection_agreement", "", self.selection.agreement


@dataclass(frozen=True)
class ModelResult:
    """All that was found of one model.

    Attributes:
        outcome: How its training ended.
        metrics: Metric name, as in `figures.yaml` → estimate; metrics that the task does not
            have are absent. Sensitivity and specificity are at the threshold fixed on out-of-fold
            scores, accuracies at the most probable class. `roc_auc_off_near_duplicates` stands
            there only where a reported case has a near duplicate.
        selection_auc: AUC that chooses the best model of an arm; never from reported labels.
        stability: None for a failed model.
        confusion: Rows true class, columns most probable class, mean count over repeats.
        efficiency: (d_a / d_ideal)² on generated data, else None.
        above_ideal: AUC minus the ideal observer's, else None.
        roc: False positive rate → true positive rate; None when not binary.
        precision_recall: Recall → precision; None when not binary.
        roc_band: Of sensitivity; None without a curve or with too few patients of a class.
        precision_recall_band: Of precision, likewise.
        class_auc: AUC of each class against the rest; empty when binary.
        operating_points: Decisions at the requested thresholds; empty when not binary.
        calibration: Whether probabilities mean what they say; None for a failed model.
        decision_curve: What deciding by the probabilities is worth; None when not binary.
        prediction_sets: Split-conformal sets; None for a failed model.
        risk_coverage: Errors left when the doubtful are referred; None for a failed model.
        subgroups: The model's figures on parts of the reported cases.
    """

    outcome: Outcome
    metrics: dict[str, Estimate]
    selection_auc: Estimate
    stability: Stability | None = None
    confusion: tuple[tuple[float, ...], ...] = ()
    efficiency: Estimate | None = None
    above_ideal: Estimate | None = None
    roc: Curve | None = None
    precision_recall: Curve | None = None
    roc_band: Band | None = None
    precision_recall_band: Band | None = None
    class_auc: tuple[Estimate, ...] = ()
    operating_points: tuple[OperatingPoint, ...] = ()
    calibration: CalibrationResult | None = None
    decision_curve: DecisionCurve | None = None
    prediction_sets: PredictionSets | None = None
    risk_coverage: RiskCoverage | None = None
    subgroups: tuple[Subgroup, ...] = ()

    def list_rows(self, classes: Sequence[str]) -> Iterator[FigureRow]:
        """Yield every figure of the model as a row; what a curve is drawn of is none.

        Args:
            classes: Names of the classes.
        """
        row = partial(make_row, model=self.outcome.model)
        limit = {"efficiency": self.efficiency, "above_ideal": self.above_ideal}
        referral = [("area", "", self.risk_coverage.area)] if self.risk_coverage else []
        of_analyses: dict[str, Iterable[Named]] = {
            METRICS: [(name, "", estimate) for name, estimate in self.metrics.items()],
            SELECTION: [("selection_auc", "", self.selection_auc)],
            CLASSES: zip(repeat("roc_auc"), classes, self.class_auc, strict=False),
            STABILITY: self.stability.list_figures() if self.stability else (),
            OPERATING_POINTS: chain.from_iterable(map(_list_decisions, self.operating_points)),
            CALIBRATION: self.calibration.list_figures() if self.calibration else (),
            SETS: self.prediction_sets.list_figures(classes) if self.prediction_sets else (),
            REFERRAL: referral,
            LIMIT: [(name, "", known) for name, known in limit.items() if known is not None],
        }
        for analysis, figures in of_analyses.items():
            for name, group, estimate in figures:
                yield row(estimate, analysis, name, group=group)
        for part in self.subgroups:
            of_part = partial(row, analysis=SUBGROUPS, group=f"{part.column}: {part.value}")
            for name, estimate in part.metrics.items():
                yield of_part(estimate, figure=name)
            for name, tested in part.differences.items():
                of_pair = partial(of_part, versus=OTHERS, p=tested.p, p_holm=tested.p_holm)
                yield of_pair(tested.difference, figure=name)


def _list_decisions(point: OperatingPoint) -> Iterator[Named]:
    group = f"{point.aim} {point.level:g}"
    yield "threshold", group, Estimate(point.threshold)
    for name, estimate in point.metrics.items():
        yield name, group, estimate


@dataclass(frozen=True)
class FinderResult:
    """How a model finds lesions on the reported images.

    Attributes:
        model: Its name; of what stands for an arm, the model that most folds chose.
        merit: JAFROC's figure of merit.
        sensitivity: False marks per image, as text → share of the lesions found.
        sensitivity_normal: The same at false marks per normal image; empty without such images.
        mean_sensitivity: Mean over 1/8 to 8 false marks per image, LUNA16's score.
        froc: False marks per image → share of the lesions found.
        froc_band: Its 95 % band over patients, at each abscissa on its own.
        found: Share of the lesions that any mark hits.
        distance: Median distance of the centres of a lesion and of the mark that hits it, then the
            90th percentile; empty where nothing is hit.
        efficiency: Its mean sensitivity over that of the ideal observer; None for real images.
        merit_above: Its figure of merit minus the most that is possible.
        sensitivity_above: Its mean sensitivity minus that of the ideal observer.
        selection_sensitivity: Its mean sensitivity on development cases, which chooses the best of
            an arm; never from reported labels. None for what was chosen by other figures.
        fewest_images: Images of the fit that marked the fewest; thresholds are a fit's own.
        fewest_normal: The same of images without a lesion.
    """

    model: str
    merit: Estimate
    sensitivity: dict[str, Estimate]
    sensitivity_normal: dict[str, Estimate]
    mean_sensitivity: Estimate
    froc: Curve
    froc_band: Band | None
    found: Estimate
    distance: tuple[float, ...] = ()
    efficiency: Estimate | None = None
    merit_above: Estimate | None = None
    sensitivity_above: Estimate | None = None
    selection_sensitivity: float | None = None
    fewest_images: int = 0
    fewest_normal: int = 0

    def list_rows(self) -> Iterator[FigureRow]:
        """Yield every figure of the finder as a row; the curve is none."""
        row = partial(make_row, analysis=FINDERS, model=self.model)
        yield row(self.merit, figure="figure_of_merit")
        yield row(self.mean_sensitivity, figure="mean_sensitivity")
        for figure, shares in (
            ("sensitivity", self.sensitivity),
            ("sensitivity_normal", self.sensitivity_normal),
        ):
            for rate, estimate in shares.items():
                yield row(estimate, figure=figure, group=rate)
        yield row(self.found, figure="found")
        chosen_by = self.selection_sensitivity
        for figure, known in (
            ("efficiency", self.efficiency),
            ("merit_above", self.merit_above),
            ("sensitivity_above", self.sensitivity_above),
            ("selection_sensitivity", None if chosen_by is None else Estimate(chosen_by)),
        ):
            if known is not None:
                yield row(known, figure=figure)
