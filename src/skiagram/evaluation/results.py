"""What evaluation found, as plain records; the report and the tracker read nothing else.

A figure that cannot be computed keeps its place with `value` None and a `reason`.
"""

from dataclasses import dataclass, field

from skiagram.evaluation.records.calibration import CalibrationResult, DecisionCurve
from skiagram.evaluation.records.comparison import AgainstTrivial, Comparison
from skiagram.evaluation.records.doubt import PredictionSets, RiskCoverage
from skiagram.evaluation.records.estimate import Band, Curve, Estimate
from skiagram.evaluation.records.operating import OperatingPoint
from skiagram.evaluation.records.stability import Ranking, Stability
from skiagram.evaluation.records.subgroup import Subgroup
from skiagram.records import Outcome, Task

__all__ = [
    "Band", "Comparison", "Curve", "Estimate", "Evaluation", "ModelResult", "Stability",
]  # fmt: skip


@dataclass(frozen=True)
class ModelResult:
    """All that was found of one model.

    Attributes:
        outcome: How its training ended.
        metrics: Metric name (`roc_auc`, `average_precision`, `accuracy`, `balanced_accuracy`,
            `sensitivity`, `specificity`, `brier`, `roc_auc_off_twins`) → estimate. Sensitivity and
            specificity are at the threshold fixed on out-of-fold scores, accuracies at the most
            probable class. With more than two classes `roc_auc` and `average_precision` are
            one-vs-rest means, `hand_till_auc` joins them, sensitivity and specificity are absent.
            `roc_auc_off_twins` stands there only where the reported cases have twins.
        selection_auc: AUC that chooses the best model of an arm; never from reported labels.
        stability: None for a failed model.
        confusion: Rows true class, columns most probable class, mean count over repeats.
        efficiency: (d_a / d_ideal)² on generated data, else None.
        above_ideal: AUC minus the ideal observer's, else None.
        leaked: Whether the lower bound of `above_ideal` exceeds 0.
        roc: False positive rate → true positive rate; None when not binary.
        precision_recall: Recall → precision; None when not binary.
        roc_band: Of sensitivity, by resampling patients; None where there is no curve, or too few
            patients of a class to resample.
        precision_recall_band: Of precision, likewise.
        class_auc: AUC of each class against the rest, in the order of the classes; empty when
            binary.
        operating_points: Decisions at thresholds fixed on out-of-fold scores; empty when not
            binary.
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
    leaked: bool = False
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


@dataclass(frozen=True)
class Evaluation:
    """All that was found.

    Attributes:
        task: What was told apart.
        part: Which scores the figures are on: `test` or `out_of_fold`.
        cases: `development` and `reported` → class name → number of cases.
        patients: `development` and `reported` → number of patients.
        twins: Reported cases with a near duplicate or shifted copy among development cases.
        models: One result a model, in the order of params.yaml.
        best: Arm → name of its best model by `selection_auc`; failed models and readers are not
            eligible.
        difference: Best network minus best baseline, paired, on the reported cases.
        ideal: The ideal observer's AUC on generated data, else None.
        verdict: The answer in words, made from the figures by fixed rules.
        warnings: What a reader must know (leaks, failures, few cases), a sentence each.
        margin: Smallest AUC difference that counts as worthwhile in the verdict.
        comparisons: The pairs of models that were asked for.
        label_conflicts: Pairs of near duplicates or shifted copies, in all cases, whose labels
            differ.
        primary: The one test named before the seal is opened: the best network against the best
            baseline, both chosen on out-of-fold scores; None without both arms.
        secondary: All other pairs of models, the better by out-of-fold scores first; their p values
            are corrected together.
        detectable: Smallest true difference in AUC that the primary test finds with a chance of
            80 % on as many patients as were reported.
        ranking: Whether the order of the models holds; None with fewer than two models.
        majority_accuracy: Accuracy of always naming the class that is commonest in development.
        trivial: Each arm's best model against trivial rules.
        trivial_words: Model → whether it beats them all, a sentence.
        prevalence: The prevalence that predictive values are also given at, as the user stated it.
    """

    task: Task
    part: str
    cases: dict[str, dict[str, int]]
    patients: dict[str, int]
    twins: int
    models: tuple[ModelResult, ...]
    best: dict[str, str]
    difference: Estimate | None
    ideal: Estimate | None
    verdict: str
    warnings: tuple[str, ...] = field(default_factory=tuple)
    margin: float = 0.02
    label_conflicts: int = 0
    comparisons: tuple[Comparison, ...] = ()
    primary: Comparison | None = None
    secondary: tuple[Comparison, ...] = ()
    detectable: Estimate | None = None
    ranking: Ranking | None = None
    majority_accuracy: Estimate | None = None
    trivial: tuple[AgainstTrivial, ...] = ()
    trivial_words: dict[str, str] = field(default_factory=dict)
    prevalence: float | None = None
