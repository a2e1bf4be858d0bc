"""What evaluation found, as plain records; the report and the tracker read nothing else.

A figure that cannot be computed keeps its place with `value` None and a `reason`.
"""

from dataclasses import dataclass, field

from skiagram.records import Outcome, Task


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: Point estimate; None when it cannot be computed.
        low: Lower bound, or None where no interval is defined.
        high: Upper bound, or None where no interval is defined.
        method: How the interval was made, for example `logit DeLong, clustered by patient`.
        reason: Why there is no value; empty otherwise.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    reason: str = ""


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
    """

    fold_auc: tuple[float, ...]
    fold_mean: Estimate
    fold_sd: float | None
    seed_auc: tuple[float, ...]
    seed_sd: float | None
    training_gap: Estimate


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
        class_auc: AUC of each class against the rest, in the order of the classes; empty when
            binary.
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
    class_auc: tuple[Estimate, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Two models on the same reported cases.

    Attributes:
        model: Name of the one.
        other: Name of the other.
        difference: AUC of the one minus that of the other, paired.
    """

    model: str
    other: str
    difference: Estimate


@dataclass(frozen=True)
class Evaluation:
    """All that was found.

    Attributes:
        task: What was told apart.
        part: Which scores the figures are on: `test` or `out_of_fold`.
        cases: `development` and `reported` → class name → number of cases.
        patients: `development` and `reported` → number of patients.
        twins: Reported cases with a near duplicate among development cases.
        models: One result a model, in the order of params.yaml.
        best: Arm → name of its best model by `selection_auc`; failed models and readers are not
            eligible.
        difference: Best network minus best baseline, paired, on the reported cases.
        ideal: The ideal observer's AUC on generated data, else None.
        verdict: The answer in words, made from the figures by fixed rules.
        warnings: What a reader must know (leaks, failures, few cases), a sentence each.
        margin: Smallest AUC difference that counts as worthwhile in the verdict.
        comparisons: The pairs of models that were asked for.
        label_conflicts: Pairs of near duplicates, in all cases, whose labels differ.
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
