"""Every figure, described once: name, title, definition, range, interval, source.

Report, plots and reference pages show what stands here; `metrics` and `decisions` estimate.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """What is said of a figure.

    Attributes:
        name: Its key in `reports/evaluation.json`; with dots the path to it.
        title: Its name in tables and on axes.
        source: Where definition and interval are from.
        higher_is_better: None where neither direction is.
        interval_of_more_classes: The interval with more than two classes, where it is another.
        averaged_over_classes: Whether it is a mean over classes with more than two of them.
        table_column: Whether it is a column of the report's main table.
        headline: Whether it stands in `reports/metrics.json`.
    """

    name: str
    title: str
    definition: str
    range: str
    interval: str
    source: str = ""
    higher_is_better: bool | None = True
    classes: Literal["any", "two", "more than two"] = "any"
    interval_of_more_classes: str = ""
    averaged_over_classes: bool = False
    table_column: bool = False
    headline: bool = False


_DELONG = "logit DeLong"
_BOOTSTRAP = "BCa bootstrap by patient"
_AUC_SOURCE = "DeLong et al. 1988; Sun & Xu 2014; Obuchowski 1997"
_WILSON_SOURCE = "Wilson 1927; Rao & Scott 1992"
_AREA = "0 to 1, chance .5"

FIGURES: tuple[Figure, ...] = (
    Figure(
        "roc_auc",
        "AUC",
        "Area under the ROC curve: the chance that a positive case scores higher than a negative "
        "one, ties count half. With more than two classes the unweighted mean over classes of each "
        "against all others.",
        _AREA,
        _DELONG,
        _AUC_SOURCE,
        interval_of_more_classes=_BOOTSTRAP,
        averaged_over_classes=True,
        table_column=True,
        headline=True,
    ),
    Figure(
        "hand_till_auc",
        "Hand–Till AUC",
        "Mean over pairs of classes of the AUC within the pair.",
        _AREA,
        _BOOTSTRAP,
        "Hand & Till 2001",
        classes="more than two",
        table_column=True,
    ),
    Figure(
        "class_auc",
        "AUC of one class against the rest",
        "AUC of one class against all others, by its probability.",
        _AREA,
        _DELONG,
        _AUC_SOURCE,
        classes="more than two",
    ),
    Figure(
        "roc_auc_off_near_duplicates",
        "AUC without near duplicates",
        "AUC on the reported cases without a near duplicate among the development cases.",
        _AREA,
        "as `roc_auc`",
        averaged_over_classes=True,
        table_column=True,
    ),
    Figure(
        "partial_roc_auc",
        "Partial AUC",
        "Area under the ROC curve over the range of specificity or of sensitivity that "
        "`analyses.partial_auc` names (specificity .9 to 1 where nothing else is set), "
        "standardised: 1 is perfect, .5 is chance. At high specificities it tells how many "
        "positive cases a model finds with few false alarms.",
        "up to 1, chance .5",
        _BOOTSTRAP,
        "McClish 1989",
        classes="two",
        table_column=True,
    ),
    Figure(
        "average_precision",
        "Average precision",
        "Mean precision over the steps of recall, without interpolation.",
        "0 to 1, chance: the positives' share",
        _BOOTSTRAP,
        averaged_over_classes=True,
        table_column=True,
    ),
    Figure(
        "accuracy",
        "Accuracy",
        "Share of cases whose most probable class is the true one.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
    ),
    Figure(
        "balanced_accuracy",
        "Balanced accuracy",
        "Unweighted mean over classes of the share of its cases that are classified correctly.",
        "0 to 1, chance 1 / classes",
        _BOOTSTRAP,
        table_column=True,
        headline=True,
    ),
    Figure(
        "sensitivity",
        "Sensitivity",
        "Share of positive cases whose probability reaches the threshold that kept the sensitivity "
        "of params.yaml on out-of-fold scores. Two classes only.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        classes="two",
        table_column=True,
    ),
    Figure(
        "specificity",
        "Specificity",
        "Share of negative cases below that threshold. Two classes only.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        classes="two",
        table_column=True,
    ),
    Figure(
        "positive_predictive_value",
        "PPV",
        "Share of the cases called positive at an operating point that are so.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        classes="two",
    ),
    Figure(
        "negative_predictive_value",
        "NPV",
        "Share of the cases called negative at an operating point that are so.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        classes="two",
    ),
    Figure(
        "matthews_correlation",
        "Matthews correlation",
        "Correlation of decisions with the truth (Matthews 1975); NaN where either does not vary.",
        "−1 to 1, chance 0",
        _BOOTSTRAP,
        "Matthews 1975",
        classes="two",
    ),
    Figure(
        "positive_predictive_value_at_prevalence",
        "PPV at prevalence",
        "The positive predictive value where the positives' share is the one stated in "
        "`analyses.prevalence`.",
        "0 to 1",
        "delta method on the logit",
        "Mercaldo, Lau & Zhou 2007",
        classes="two",
    ),
    Figure(
        "negative_predictive_value_at_prevalence",
        "NPV at prevalence",
        "The negative predictive value where the positives' share is the one stated in "
        "`analyses.prevalence`.",
        "0 to 1",
        "delta method on the logit",
        "Mercaldo, Lau & Zhou 2007",
        classes="two",
    ),
    Figure(
        "brier",
        "Brier score",
        "Mean squared distance of probabilities from what was true; lower is better.",
        "0 to 1; 0 to 2 with more classes",
        _BOOTSTRAP,
        "Brier 1950",
        higher_is_better=False,
        table_column=True,
    ),
    Figure(
        "efficiency",
        "Efficiency",
        "(d_a / d_ideal)², d_a = √2 Φ⁻¹(AUC): the share of the phantom's information that is used.",
        "from 0, limit 1",
        "delta method on paired DeLong",
        "Barrett & Myers 2004, §13.2",
        classes="two",
        table_column=True,
    ),
    Figure(
        "above_ideal",
        "AUC minus the ideal observer's",
        "AUC minus the ideal observer's; an interval above 0 is an alarm for a leak, false in 1 of "
        "40 honest models at most.",
        "−1 to 1",
        "paired DeLong",
        _AUC_SOURCE,
        higher_is_better=None,
        classes="two",
    ),
    Figure(
        "difference",
        "best network minus best baseline",
        "AUC of the best network minus that of the best baseline, on the same cases.",
        "−1 to 1",
        "paired DeLong",
        _AUC_SOURCE,
        higher_is_better=None,
        interval_of_more_classes="bootstrap standard error",
    ),
    Figure(
        "calibration.intercept",
        "Calibration intercept",
        "Shift of the log-odds that makes expected and observed numbers of positives equal.",
        "any, perfect 0",
        "sandwich",
        "Cox 1958; Van Calster et al. 2019",
        higher_is_better=None,
        classes="two",
    ),
    Figure(
        "calibration.slope",
        "Calibration slope",
        "Slope of the true log-odds on the predicted ones; below 1 probabilities are too extreme.",
        "any, perfect 1",
        "sandwich",
        "Cox 1958; Van Calster et al. 2019",
        higher_is_better=None,
        classes="two",
    ),
    Figure(
        "calibration.expected_to_observed",
        "Expected over observed",
        "Expected over observed number of positives.",
        "from 0, perfect 1",
        "delta method on the log",
        higher_is_better=None,
        classes="two",
    ),
    Figure(
        "calibration.brier",
        "Parts of the Brier score",
        "The Brier score as reliability − resolution + uncertainty, without bins.",
        "from 0",
        "none",
        "Murphy 1973; Dimitriadis et al. 2021",
        higher_is_better=None,
        classes="two",
    ),
    Figure(
        "decision_curve",
        "Net benefit",
        "True positives minus weighted false positives, per case, at each threshold t: "
        "TP/n − FP/n · t/(1 − t).",
        "up to the positives' share",
        "percentile bootstrap by patient",
        "Vickers & Elkin 2006",
        classes="two",
    ),
    Figure(
        "calibration.distance",
        "ICI, E50, E90",
        "Mean, median and 90th percentile of the distance of predicted probabilities from the "
        "observed share, smoothed by a logistic regression on a natural cubic spline of the "
        "log-odds.",
        "0 to 1, perfect 0",
        "none; the value that chance alone reaches in one set of cases in twenty",
        "Austin & Steyerberg 2019",
        higher_is_better=False,
        classes="two",
    ),
    Figure(
        "utility.net_benefit",
        "Net benefit, network minus classical",
        "Net benefit of the best network minus that of the best classical model, in true positives "
        "per 1,000 patients, at each threshold of `analyses.thresholds` and at the stated "
        "prevalence.",
        "−1,000 × odds of the threshold to 1,000",
        "paired score interval by patient",
        "Vickers & Elkin 2006; Tango 1998; Zou & Donner 2008",
        higher_is_better=None,
        classes="two",
    ),
    Figure(
        "utility.differences",
        "Difference in sensitivity, specificity and Brier score",
        "Best network minus best classical model, sensitivity and specificity at the operating "
        "threshold.",
        "−1 to 1",
        "paired score interval by patient; of the Brier score paired standard error by patient",
        "Tango 1998; Rao & Scott 1992",
        higher_is_better=None,
        classes="two",
    ),
    Figure(
        "prediction_sets.coverage",
        "Coverage of prediction sets",
        "Share of cases whose set of classes holds the true one.",
        "0 to 1, promised .9",
        "Wilson",
        "Vovk 2012; Lee, Barber & Willett 2023",
    ),
    Figure(
        "risk_coverage.area",
        "Area under the risk–coverage curve",
        "Mean, over shares of cases kept, of the errors among the kept, surest first.",
        "0 to 1, lower is better",
        _BOOTSTRAP,
        "Geifman & El-Yaniv 2017",
        higher_is_better=False,
    ),
    Figure(
        "stability.flips",
        "Cases that another seed decides differently",
        "Chance that two repeats assign a case to different classes.",
        "0 to 1, lower is better",
        "Wilson",
        higher_is_better=False,
    ),
    Figure(
        "ranking.concordance",
        "Agreement of the folds on the order of models",
        "Kendall's W: whether the folds agree on the order of the models.",
        "0 to 1",
        "none; p value",
        "Kendall & Babington Smith 1939",
    ),
    Figure(
        "detectable",
        "Smallest detectable difference",
        "Smallest true difference in AUC that the primary test finds with a chance of 80 %.",
        "from 0",
        "none",
        higher_is_better=None,
    ),
)


FIGURE = {figure.name: figure for figure in FIGURES}
