"""Every figure of an evaluation: definition, range, interval, source."""

from dataclasses import dataclass

from make_reference.docstrings import summary
from skiagram.evaluation import discrimination
from skiagram.evaluation.decisions import operating

_DELONG = "logit DeLong"
_BOOTSTRAP = "BCa bootstrap by patient"
_AUC_SOURCE = "DeLong et al. 1988; Sun & Xu 2014; Obuchowski 1997"


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        name: Its name in `reports/evaluation.json`.
        definition: What it is.
        range: Its values; which are good.
        interval: How its 95 % interval is made.
        source: Where that is from.
    """

    name: str
    definition: str
    range: str
    interval: str
    source: str


METRICS = (
    Metric("roc_auc", summary(discrimination.roc_auc), "0 to 1, chance .5", _DELONG, _AUC_SOURCE),
    Metric(
        "roc_auc, more than two classes",
        summary(discrimination.one_vs_rest_auc),
        "0 to 1, chance .5",
        _BOOTSTRAP,
        "Efron 1987",
    ),
    Metric(
        "class_auc",
        "AUC of one class against all others, by its probability.",
        "0 to 1, chance .5",
        _DELONG,
        _AUC_SOURCE,
    ),
    Metric(
        "hand_till_auc",
        summary(discrimination.hand_till_auc),
        "0 to 1, chance .5",
        _BOOTSTRAP,
        "Hand & Till 2001",
    ),
    Metric(
        "roc_auc_off_twins",
        "AUC on the reported cases without a near duplicate among the development cases.",
        "0 to 1, chance .5",
        "as `roc_auc`",
        "",
    ),
    Metric(
        "average_precision",
        summary(discrimination.average_precision),
        "0 to 1, chance: the positives' share",
        _BOOTSTRAP,
        "",
    ),
    Metric(
        "accuracy",
        "Share of cases whose most probable class is the true one.",
        "0 to 1",
        "Wilson",
        "Wilson 1927; Rao & Scott 1992",
    ),
    Metric(
        "balanced_accuracy",
        summary(discrimination.balanced_accuracy),
        "0 to 1, chance 1 / classes",
        _BOOTSTRAP,
        "",
    ),
    Metric(
        "sensitivity",
        "Share of positive cases whose probability reaches the threshold that kept a sensitivity "
        "of .9 on out-of-fold scores. Two classes only.",
        "0 to 1",
        "Wilson",
        "Wilson 1927; Rao & Scott 1992",
    ),
    Metric(
        "specificity",
        "Share of negative cases below that threshold. Two classes only.",
        "0 to 1",
        "Wilson",
        "Wilson 1927; Rao & Scott 1992",
    ),
    Metric(
        "brier",
        summary(discrimination.brier),
        "0 to 1; 0 to 2 with more classes",
        _BOOTSTRAP,
        "Brier 1950",
    ),
    Metric(
        "efficiency",
        "(d_a / d_ideal)², d_a = √2 Φ⁻¹(AUC): the share of the phantom's information that is used.",
        "from 0, limit 1",
        "delta method on paired DeLong",
        "Barrett & Myers 2004, §13.2",
    ),
    Metric(
        "above_ideal",
        "AUC minus the ideal observer's; surely above 0 only if the model has leaked.",
        "−1 to 1",
        "paired DeLong",
        _AUC_SOURCE,
    ),
    Metric(
        "difference",
        "AUC of the best network minus that of the best baseline, on the same cases.",
        "−1 to 1",
        "paired DeLong; bootstrap standard error with more classes",
        _AUC_SOURCE,
    ),
    Metric(
        "positive_predictive_value, negative_predictive_value",
        "Share of the cases called positive (negative) at an operating point that are so.",
        "0 to 1",
        "Wilson",
        "Wilson 1927; Rao & Scott 1992",
    ),
    Metric(
        "…_at_prevalence",
        "The same where the positives' share is the one stated in `questions.prevalence`.",
        "0 to 1",
        "delta method on the logit",
        "Mercaldo, Lau & Zhou 2007",
    ),
    Metric(
        "matthews_correlation",
        summary(operating.matthews_correlation),
        "−1 to 1, chance 0",
        _BOOTSTRAP,
        "Matthews 1975",
    ),
    Metric(
        "calibration.intercept",
        "Shift of the log-odds that makes expected and observed numbers of positives equal.",
        "any, perfect 0",
        "sandwich",
        "Cox 1958; Van Calster et al. 2019",
    ),
    Metric(
        "calibration.slope",
        "Slope of the true log-odds on the predicted ones; below 1 probabilities are too extreme.",
        "any, perfect 1",
        "sandwich",
        "Cox 1958; Van Calster et al. 2019",
    ),
    Metric(
        "calibration.expected_to_observed",
        "Expected over observed number of positives.",
        "from 0, perfect 1",
        "delta method on the log",
        "",
    ),
    Metric(
        "calibration.brier",
        "The Brier score as reliability − resolution + uncertainty, without bins.",
        "from 0",
        "none",
        "Murphy 1973; Dimitriadis et al. 2021",
    ),
    Metric(
        "decision_curve",
        "True positives less weighed false ones a case at each threshold: TP/n − FP/n · t/(1 − t)",
        "up to the positives' share",
        "percentile bootstrap by patient",
        "Vickers & Elkin 2006",
    ),
    Metric(
        "prediction_sets.coverage",
        "Share of cases whose set of classes holds the true one.",
        "0 to 1, promised .9",
        "Wilson",
        "Vovk 2012; Lee, Barber & Willett 2023",
    ),
    Metric(
        "risk_coverage.area",
        "Mean, over shares of cases kept, of the errors among the kept, surest first.",
        "0 to 1, lower is better",
        _BOOTSTRAP,
        "Geifman & El-Yaniv 2017",
    ),
    Metric(
        "stability.flips",
        "Chance that two repeats name different classes for a case.",
        "0 to 1, lower is better",
        "Wilson",
        "",
    ),
    Metric(
        "ranking.concordance",
        "Kendall's W: whether the folds order the models alike.",
        "0 to 1",
        "none; p value",
        "Kendall & Babington Smith 1939",
    ),
    Metric(
        "detectable",
        "Smallest true difference in AUC that the primary test finds with a chance of 80 %.",
        "from 0",
        "none",
        "",
    ),
)
