"""What evaluation found, as plain records; the report and the tracker read nothing else.

A figure that cannot be computed keeps its place with `value` None and a `reason`.
"""

from dataclasses import dataclass, field
from typing import Literal

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
class Curve:
    """A curve to draw.

    Attributes:
        x: Abscissa.
        y: Ordinate.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]


Scope = Literal["fits", "procedure"]


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
        aim: What the threshold keeps on out-of-fold scores.
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
class NetBenefitGain:
    """Net benefit per 1,000 patients, in true positives, of acting from one threshold on.

    Attributes:
        threshold: Risk from which a clinician would act.
        own_threshold: That risk at the share of positives that the models were calibrated at.
        network: Of acting on the contender, `Evaluation.contender`.
        classical: Of acting on what stands for the classical models.
        act_on_all: Of acting on everybody; acting on nobody has 0.
        gain: That of the contender minus `classical`, paired.
    """

    threshold: float
    own_threshold: float | None
    network: float | None
    classical: float | None
    act_on_all: float | None
    gain: Estimate


@dataclass(frozen=True)
class ClinicalUtility:
    """The primary comparison in decisions and probabilities instead of AUC.

    Attributes:
        prevalence: Share of positives that net benefit is for; None when not binary.
        differences: `sensitivity` and `specificity` at the operating threshold, and `brier`, of the
            contender minus the classical model, paired; for `brier` below 0 is better.
        net_benefit: A threshold each, as the options name them; empty when not binary.
    """

    prevalence: float | None
    differences: dict[str, Estimate]
    net_benefit: tuple[NetBenefitGain, ...]


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
class ReaderStudy:
    """Two or more readers of the same cases, taken as a sample of readers.

    Attributes:
        readers: Reader → AUC.
        mean: Their mean AUC; the interval is of other readers and other patients.
        between: Standard deviation of the true AUC between readers.
        models: Arm → AUC of what stands for it minus the readers' mean, corrected over arms.
    """

    readers: dict[str, Estimate]
    mean: Estimate
    between: float
    models: dict[str, TestedDifference] = field(default_factory=dict)


@dataclass(frozen=True)
class SiteSummary:
    """Figures of several sites in one, with what the next site may give.

    Attributes:
        mean: Mean over sites like these, with its interval.
        next_site: Where the figure of another such site lies with 95 %; no value with fewer than
            three sites.
        between: Standard deviation of the true figure between sites, on the scale `scale`.
        scale: `logit` or `difference`.
    """

    mean: Estimate
    next_site: Estimate
    between: float | None
    scale: Literal["logit", "difference"]


@dataclass(frozen=True)
class Site:
    """The reported cases of one site, all scored by models that never saw the site.

    Attributes:
        name: The site.
        patients: Class name → patients with a case of it.
        auc: Arm → AUC of what stands for it.
        difference: Contender minus classical, paired; None without the two.
    """

    name: str
    patients: dict[str, int]
    auc: dict[str, Estimate]
    difference: Estimate | None = None


@dataclass(frozen=True)
class SiteStudy:
    """Sites that models were tested on without having seen them.

    Attributes:
        column: Column of the table that names the sites.
        sites: In the order of their names.
        left_out: Sites with too few patients of a class to be shown or summarised.
        auc: Arm → summary over sites.
        difference: Summary of contender minus classical; None without the two.
    """

    column: str
    sites: tuple[Site, ...]
    left_out: int
    auc: dict[str, SiteSummary]
    difference: SiteSummary | None = None


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


@dataclass(frozen=True)
class Ranking:
    """Whether the order of the models by AUC holds.

    Attributes:
        concordance: Kendall's W of the folds: 1 the same order in every fold, 0 no agreement.
        p: P value of no agreement; None where W cannot be computed.
        folds: Number of folds that judged.
        mean_rank: Model → mean rank over the folds, 1 the highest AUC, ties shared.
        first: Model → share of patient resamples of the reported cases in which its AUC is highest.
    """

    concordance: Estimate
    p: float | None
    folds: int
    mean_rank: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)


Relation = Literal[
    "better", "worse", "equivalent", "not inferior", "not superior", "undecided", "unknown"
]


@dataclass(frozen=True)
class McNemar:
    """Cases that only one of two models classifies correctly, by the most probable class.

    Attributes:
        only_model: Cases that only the first model classifies correctly; mean over repeats.
        only_other: Cases that only the other model classifies correctly; mean over repeats.
        p: Two-sided p value of no difference; None where it cannot be computed.
        method: Which form of the test.
    """

    only_model: float
    only_other: float
    p: float | None
    method: str


@dataclass(frozen=True)
class Comparison:
    """Two models on the same reported cases.

    Attributes:
        model: Name of the one.
        other: Name of the other.
        difference: AUC of the one minus that of the other, paired.
        p: Two-sided p value of no difference in AUC; None where it cannot be computed.
        p_holm: The same, corrected over all secondary comparisons; None for the primary one.
        relation: Where the interval of the difference lies with regard to 0 and to ± margin.
        mcnemar: Test of the two models' decisions.
        scope: `fits`: the interval is of these trained models alone, as each was trained once;
            `procedure`: it also holds how other seeds (`holdout`) or other training sets (`cv`)
            would move the difference.
        repeats: Trainings that the difference is the mean of.
    """

    model: str
    other: str
    difference: Estimate
    p: float | None = None
    p_holm: float | None = None
    relation: Relation = "unknown"
    mcnemar: McNemar | None = None
    scope: Scope = "fits"
    repeats: int = 1


@dataclass(frozen=True)
class GainProbabilities:
    """Where the true difference, contender minus classical, probably lies.

    Attributes:
        above: Probability that it is above the margin.
        within: Probability that it is within ± margin.
        worse: Probability that it is below − margin.
        prior: What was held probable before the run.
    """

    above: float
    within: float
    worse: float
    prior: str


@dataclass(frozen=True)
class ArmChoice:
    """What stands for an arm in the primary comparison.

    Under `holdout` it is one model, chosen on out-of-fold scores of the development cases. Under
    `cv` it is a procedure: in each outer fold the model whose inner folds gave the highest AUC, so
    that no case takes part in choosing the model that scores it.

    Attributes:
        model: The model that was chosen most often.
        chosen: Model → in how many choices it was chosen, the most often chosen first.
        choices: Number of choices: 1 under `holdout`, a fold of each repeat under `cv`.
        auc: AUC of what was chosen, on the reported cases.
    """

    model: str
    chosen: dict[str, int]
    choices: int
    auc: Estimate


Contender = Literal["deep", "encoder", "either"]
_CONTENDER_WORDS = {"deep": "trained network", "encoder": "frozen encoder", "either": "deep model"}


@dataclass(frozen=True)
class Planning:
    """How many patients like the reported ones the margin would take, with a chance of 80 %.

    Attributes:
        detect: Patients with which a true difference of the margin is found.
        settle: Patients with which two equal models are shown to differ by less than the margin.
        reason: Why there is no number.
    """

    detect: int | None
    settle: int | None
    reason: str = ""


@dataclass(frozen=True)
class BaselineComparison:
    """A model against a simple rule: the prevalence, one feature, the table or file traits alone.

    Attributes:
        model: Name of the model.
        rule: Name of the reference baseline, or `prevalence`.
        difference: AUC of the model minus the rule's.
        beaten: Whether `p_holm` is below 5 % and the difference above 0; without p its lower bound.
        p: Two-sided p value of no difference; None where it cannot be computed.
        p_holm: The same, corrected over all comparisons with simple rules.
        arm: What the model stands for, a key of `Evaluation.arms`.
    """

    model: str
    rule: str
    difference: Estimate
    beaten: bool
    p: float | None = None
    p_holm: float | None = None
    arm: str = ""


@dataclass(frozen=True)
class CleanComparison:
    """The primary comparison once more, on the reported cases without a near duplicate.

    Attributes:
        auc: `classical` and the contender → AUC of what stands for it.
        comparison: The contender against the best classical model.
        gain: Where their true difference probably lies; None where no variance can be seen.
        baselines: Each arm's best model against each simple rule.
        cases: Number of cases left.
        patients: Number of patients left.
    """

    auc: dict[str, Estimate]
    comparison: Comparison
    gain: GainProbabilities | None
    baselines: tuple[BaselineComparison, ...]
    cases: int
    patients: int


@dataclass(frozen=True)
class Shift:
    """A model on the sealed test cases against the same model on held-out development cases.

    Attributes:
        model: Name of the model.
        test: AUC on the test cases.
        out_of_fold: AUC on the development cases, each scored by a fit that did not see it.
        difference: Test minus out-of-fold; the two are of different patients, so independent.
        p: Two-sided p value of no difference.
        p_holm: The same, corrected over all models.
        disagrees: Whether they differ beyond chance: the corrected p value is below 5 %.
    """

    model: str
    test: float
    out_of_fold: float
    difference: Estimate
    p: float
    p_holm: float
    disagrees: bool


@dataclass(frozen=True)
class TraitShift:
    """A trait of the test cases against the same trait of the development cases.

    Attributes:
        name: Feature, covariate, or the share of a class or of a value.
        kind: `number` or `share`.
        development: Median of a number, or share of the cases.
        test: The same of the test cases.
        difference: Of a number: probability that a test case has the larger one, ties half, .5
            where the sides are alike. Of a share: test minus development.
        p: Two-sided p value of no difference.
        p_holm: The same, corrected over all traits and features.
        differs: Whether the corrected p value is below 5 %.
    """

    name: str
    kind: Literal["number", "share"]
    development: float
    test: float
    difference: Estimate
    p: float
    p_holm: float = 1.0
    differs: bool = False


@dataclass(frozen=True)
class DomainShift:
    """What tells the test cases from the development cases, labels of the task aside.

    Attributes:
        auc: Of a classifier of the two sides on the features, by patients it did not see.
        features: Features that differ beyond chance, the most telling first, up to five.
        differing_features: Number of features that differ beyond chance.
        all_features: Number of features that vary.
        traits: Share of the classes, brightness, size and covariates.
    """

    auc: Estimate
    features: tuple[TraitShift, ...]
    differing_features: int
    all_features: int
    traits: tuple[TraitShift, ...]


Decision = Literal["yes", "no", "open", "none"]


@dataclass(frozen=True)
class Verdict:
    """What to do, and why.

    Attributes:
        decision: Whether to use a network; `none` where the run cannot say.
        headline: The decision in words.
        openings: What must be known before anything else.
        reasons: Why: figures, interval, probabilities.
    """

    decision: Decision
    headline: str
    openings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return all of it as one paragraph."""
        return " ".join((self.headline, *self.openings, *self.reasons))


@dataclass(frozen=True)
class ModelResult:
    """All that was found of one model.

    Attributes:
        outcome: How its training ended.
        metrics: Metric name, as in `metrics.METRICS` → estimate; metrics that the task does not
            have are absent. Sensitivity and specificity are at the threshold fixed on out-of-fold
            scores, accuracies at the most probable class. `roc_auc_off_near_duplicates` stands
            there only where a reported case has a near duplicate.
        selection_auc: AUC that chooses the best model of an arm; never from reported labels.
        stability: None for a failed model.
        confusion: Rows true class, columns most probable class, mean count over repeats.
        efficiency: (d_a / d_ideal)² on generated data, else None.
        above_ideal: AUC minus the ideal observer's, else None.
        leaked: Whether the lower bound of `above_ideal` exceeds 0.
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
        task: The classification task.
        part: Which scores the figures are on: `test` or `out_of_fold`.
        cases: `development` and `reported` → class name → number of cases.
        patients: `development` and `reported` → number of patients.
        near_duplicates: Reported cases with a near duplicate or transformed copy in development.
        models: One result per model, in the order of params.yaml.
        best: Arm → the model of its `ArmChoice`.
        difference: That of `primary`.
        ideal: The ideal observer's AUC on generated data, else None.
        verdict: The answer in words, made from the figures by fixed rules.
        warnings: What a reader must know (leaks, failures, few cases), one sentence each.
        margin: Smallest AUC difference that counts as worthwhile in the verdict.
        comparisons: The pairs of models that were asked for.
        label_conflicts: Pairs of near duplicates or transformed copies whose labels differ.
        primary: The one test named before the reported labels are looked at: the contender
            against the best classical model, both as in `arms`; None without the two.
        secondary: All other pairs of models, the better by out-of-fold scores first.
        detectable: Smallest true difference in AUC that the primary test finds in 80 % of runs.
        arms: Arm → what stands for it in the primary comparison; `either` where the contender is
            a network in some folds and a frozen encoder in others.
        planning: Patients that the margin would take; None without a primary comparison.
        answer: The verdict in parts: the decision first, then what it rests on.
        gain: Where the true difference of `primary` probably lies; None where it cannot be told.
        off_near_duplicates: What the verdict follows; None where no case has a near duplicate.
        shifts: Test against out-of-fold AUC of each model; empty under `cv`.
        domain: What tells test from development cases; None under `cv` or with few patients.
        patients_known: False where groups of near duplicates stand in for patients.
        test_sites: Sites that only the test cases come from; empty where none was held out.
        utility: What the contender's decisions are worth; None without both sides.
        readers: None where fewer than two readers scored the cases, or there are more classes.
        sites: None where no site was held out whole, or no column names the sites.
        ranking: Whether the order of the models holds; None with fewer than two models.
        majority_accuracy: Accuracy of always naming the class that is commonest in development.
        reference_baselines: Each arm's best model against each simple rule.
        reference_baseline_words: Model → whether it beats them all, a sentence.
        prevalence: The prevalence that predictive values are also given at, as the user stated it.
        contender: What stands against the classical models, a key of `arms`: networks, frozen
            encoders, or `either`.
        arm_pairs: The pairs of classical models, networks and frozen encoders but the primary one,
            each as what stands for it; empty without frozen encoders.
    """

    task: Task
    part: str
    cases: dict[str, dict[str, int]]
    patients: dict[str, int]
    near_duplicates: int
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
    reference_baselines: tuple[BaselineComparison, ...] = ()
    reference_baseline_words: dict[str, str] = field(default_factory=dict)
    prevalence: float | None = None
    arms: dict[str, ArmChoice] = field(default_factory=dict)
    planning: Planning | None = None
    answer: Verdict | None = None
    gain: GainProbabilities | None = None
    off_near_duplicates: CleanComparison | None = None
    shifts: tuple[Shift, ...] = ()
    domain: DomainShift | None = None
    patients_known: bool = True
    test_sites: tuple[str, ...] = ()
    utility: ClinicalUtility | None = None
    readers: ReaderStudy | None = None
    sites: SiteStudy | None = None
    contender: Contender = "deep"
    arm_pairs: tuple[Comparison, ...] = ()

    @property
    def contender_words(self) -> str:
        """Return what the contender is called: `network` where no frozen encoder is in the run."""
        if self.contender == "deep" and all(
            model.outcome.arm != "encoder" for model in self.models
        ):
            return "network"
        return _CONTENDER_WORDS[self.contender]
