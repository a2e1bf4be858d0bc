"""Every metric, declared once: name, title, definition, range, interval, source, function.

`METRICS` is what evaluation computes and what report, plots and reference pages show. To add a
metric write its statistic in `discrimination` or its function in `estimation`, and one `Metric` in
`METRICS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from skiagram.evaluation.estimation import (
    Decisions,
    Estimator,
    decided_class,
    estimate_accuracy,
    estimate_auc,
    estimate_balanced_accuracy,
    estimate_brier,
    estimate_by_bootstrap,
    estimate_operating_point,
    estimate_share_decided,
    judge_matthews_correlation,
    judge_predictive_value,
    judge_predictive_value_at_prevalence,
)
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.scores import Scores
from skiagram.statistics import discrimination
from skiagram.statistics.bootstrap import PatientDraws
from skiagram.statistics.estimate import Estimate


@dataclass(frozen=True)
class Metric:
    """A metric and all that is said of it.

    Attributes:
        name: Its key in `reports/evaluation.json`; with dots the path to it.
        title: Its name in tables and on axes.
        definition: What it is, in a sentence.
        range: Its values.
        interval: How its 95 % interval is made.
        source: Where definition and interval are from.
        higher_is_better: None where neither direction is.
        classes: Tasks that it is defined for.
        interval_of_more_classes: The interval with more than two classes, where it is another.
        averaged_over_classes: Whether it is a mean over classes with more than two of them.
        table_column: Whether it is a column of the report's main table.
        headline: Whether it stands in `reports/metrics.json`.
        estimate: Makes it from a model's scores, the reported cases and patient resamples; None
            where it is no figure of every model.
        judge: Makes it from decisions at an operating point; None where it is none of these.
        needs_prevalence: Whether `judge` needs a stated prevalence.
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
    estimate: Estimator | None = None
    judge: Callable[[Decisions], Estimate] | None = None
    needs_prevalence: bool = False

    def applies_to(self, cases: LabelledCases) -> bool:
        """Return whether it is defined for a task of as many classes."""
        if self.classes == "any":
            return True
        return (cases.positive is None) == (self.classes == "more than two")


def estimate_metrics(
    scores: Scores, cases: LabelledCases, draws: PatientDraws
) -> dict[str, Estimate]:
    """Estimate every metric of the task; a mean over repeats where there are several.

    Args:
        scores: The model's scores on the reported cases.
        cases: The reported cases.
        draws: Patient resamples of them.
    """
    return {
        metric.name: metric.estimate(scores, cases, draws)
        for metric in METRICS
        if metric.estimate and metric.applies_to(cases)
    }


def judge_decisions(decisions: Decisions) -> dict[str, Estimate]:
    """Estimate what decisions are worth."""
    return {
        metric.name: metric.judge(decisions)
        for metric in METRICS
        if metric.judge and (decisions.prevalence is not None or not metric.needs_prevalence)
    }


_DELONG = "logit DeLong"


_BOOTSTRAP = "BCa bootstrap by patient"


_AUC_SOURCE = "DeLong et al. 1988; Sun & Xu 2014; Obuchowski 1997"


_WILSON_SOURCE = "Wilson 1927; Rao & Scott 1992"


_AREA = "0 to 1, chance .5"


def _rate(name: str, title: str, definition: str, *, positive: bool) -> Metric:
    return Metric(
        name,
        title,
        definition,
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        classes="two",
        table_column=True,
        estimate=lambda scores, cases, _: estimate_operating_point(scores, cases)[name],
        judge=lambda decisions: estimate_share_decided(
            decisions.called, decisions.cases, positive=positive
        ),
    )


def _predictive_value_at_prevalence(
    name: str, title: str, side: Literal["positive", "negative"]
) -> Metric:
    return Metric(
        name,
        f"{title} at prevalence",
        f"The {side} predictive value where the positives' share is the one stated in "
        "`questions.prevalence`.",
        "0 to 1",
        "delta method on the logit",
        "Mercaldo, Lau & Zhou 2007",
        classes="two",
        judge=partial(judge_predictive_value_at_prevalence, positive=side == "positive"),
        needs_prevalence=True,
    )


METRICS: tuple[Metric, ...] = (
    Metric(
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
        estimate=estimate_auc,
    ),
    Metric(
        "hand_till_auc",
        "Hand–Till AUC",
        "Mean over pairs of classes of the AUC within the pair.",
        _AREA,
        _BOOTSTRAP,
        "Hand & Till 2001",
        classes="more than two",
        table_column=True,
        estimate=estimate_by_bootstrap(more=discrimination.hand_till_auc),
    ),
    Metric(
        "class_auc",
        "AUC of one class against the rest",
        "AUC of one class against all others, by its probability.",
        _AREA,
        _DELONG,
        _AUC_SOURCE,
        classes="more than two",
    ),
    Metric(
        "roc_auc_off_near_duplicates",
        "AUC without near duplicates",
        "AUC on the reported cases without a near duplicate among the development cases.",
        _AREA,
        "as `roc_auc`",
        averaged_over_classes=True,
        table_column=True,
    ),
    Metric(
        "partial_roc_auc",
        "Partial AUC",
        "Area under the ROC curve over the range of specificity or of sensitivity that "
        "`questions.partial_auc` names (specificity .9 to 1 where nothing else is set), "
        "standardised: 1 is perfect, .5 is chance. At high specificities it tells how many "
        "positive cases a model finds with few false alarms.",
        "up to 1, chance .5",
        _BOOTSTRAP,
        "McClish 1989",
        classes="two",
        table_column=True,
    ),
    Metric(
        "average_precision",
        "Average precision",
        "Mean precision over the steps of recall, without interpolation.",
        "0 to 1, chance: the positives' share",
        _BOOTSTRAP,
        averaged_over_classes=True,
        table_column=True,
        estimate=estimate_by_bootstrap(
            two=discrimination.average_precision, more=discrimination.macro_average_precision
        ),
    ),
    Metric(
        "accuracy",
        "Accuracy",
        "Share of cases whose most probable class is the true one.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        estimate=estimate_accuracy,
    ),
    Metric(
        "balanced_accuracy",
        "Balanced accuracy",
        "Unweighted mean over classes of the share of its cases that are classified correctly.",
        "0 to 1, chance 1 / classes",
        _BOOTSTRAP,
        table_column=True,
        headline=True,
        estimate=lambda scores, cases, draws: estimate_balanced_accuracy(
            decided_class(scores), cases.label, len(cases.classes), draws
        ),
        judge=lambda decisions: estimate_balanced_accuracy(
            decisions.called.astype(np.int64),
            decisions.positive.astype(np.int64),
            2,
            decisions.draws,
        ),
    ),
    _rate(
        "sensitivity",
        "Sensitivity",
        "Share of positive cases whose probability reaches the threshold that kept the sensitivity "
        "of params.yaml on out-of-fold scores. Two classes only.",
        positive=True,
    ),
    _rate(
        "specificity",
        "Specificity",
        "Share of negative cases below that threshold. Two classes only.",
        positive=False,
    ),
    Metric(
        "positive_predictive_value",
        "PPV",
        "Share of the cases called positive at an operating point that are so.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        classes="two",
        judge=lambda decisions: judge_predictive_value(
            decisions.called, decisions.positive, decisions.cases.patient
        ),
    ),
    Metric(
        "negative_predictive_value",
        "NPV",
        "Share of the cases called negative at an operating point that are so.",
        "0 to 1",
        "Wilson",
        _WILSON_SOURCE,
        classes="two",
        judge=lambda decisions: judge_predictive_value(
            ~decisions.called, ~decisions.positive, decisions.cases.patient
        ),
    ),
    Metric(
        "matthews_correlation",
        "Matthews correlation",
        "Correlation of decisions with the truth (Matthews 1975); NaN where either does not vary.",
        "−1 to 1, chance 0",
        _BOOTSTRAP,
        "Matthews 1975",
        classes="two",
        judge=judge_matthews_correlation,
    ),
    _predictive_value_at_prevalence("positive_predictive_value_at_prevalence", "PPV", "positive"),
    _predictive_value_at_prevalence("negative_predictive_value_at_prevalence", "NPV", "negative"),
    Metric(
        "brier",
        "Brier score",
        "Mean squared distance of probabilities from what was true; lower is better.",
        "0 to 1; 0 to 2 with more classes",
        _BOOTSTRAP,
        "Brier 1950",
        higher_is_better=False,
        table_column=True,
        estimate=estimate_brier,
    ),
    Metric(
        "efficiency",
        "Efficiency",
        "(d_a / d_ideal)², d_a = √2 Φ⁻¹(AUC): the share of the phantom's information that is used.",
        "from 0, limit 1",
        "delta method on paired DeLong",
        "Barrett & Myers 2004, §13.2",
        classes="two",
        table_column=True,
    ),
    Metric(
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
    Metric(
        "difference",
        "best network minus best baseline",
        "AUC of the best network minus that of the best baseline, on the same cases.",
        "−1 to 1",
        "paired DeLong",
        _AUC_SOURCE,
        higher_is_better=None,
        interval_of_more_classes="bootstrap standard error",
    ),
    Metric(
        "calibration.intercept",
        "Calibration intercept",
        "Shift of the log-odds that makes expected and observed numbers of positives equal.",
        "any, perfect 0",
        "sandwich",
        "Cox 1958; Van Calster et al. 2019",
        higher_is_better=None,
        classes="two",
    ),
    Metric(
        "calibration.slope",
        "Calibration slope",
        "Slope of the true log-odds on the predicted ones; below 1 probabilities are too extreme.",
        "any, perfect 1",
        "sandwich",
        "Cox 1958; Van Calster et al. 2019",
        higher_is_better=None,
        classes="two",
    ),
    Metric(
        "calibration.expected_to_observed",
        "Expected over observed",
        "Expected over observed number of positives.",
        "from 0, perfect 1",
        "delta method on the log",
        higher_is_better=None,
        classes="two",
    ),
    Metric(
        "calibration.brier",
        "Parts of the Brier score",
        "The Brier score as reliability − resolution + uncertainty, without bins.",
        "from 0",
        "none",
        "Murphy 1973; Dimitriadis et al. 2021",
        higher_is_better=None,
        classes="two",
    ),
    Metric(
        "decision_curve",
        "Net benefit",
        "True positives minus weighted false positives, per case, at each threshold t: "
        "TP/n − FP/n · t/(1 − t).",
        "up to the positives' share",
        "percentile bootstrap by patient",
        "Vickers & Elkin 2006",
        classes="two",
    ),
    Metric(
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
    Metric(
        "utility.net_benefit",
        "Net benefit, network minus classical",
        "Net benefit of the best network minus that of the best classical model, in true positives "
        "per 1,000 patients, at each threshold of `questions.thresholds` and at the stated "
        "prevalence.",
        "−1,000 × odds of the threshold to 1,000",
        "paired score interval by patient",
        "Vickers & Elkin 2006; Tango 1998; Zou & Donner 2008",
        higher_is_better=None,
        classes="two",
    ),
    Metric(
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
    Metric(
        "prediction_sets.coverage",
        "Coverage of prediction sets",
        "Share of cases whose set of classes holds the true one.",
        "0 to 1, promised .9",
        "Wilson",
        "Vovk 2012; Lee, Barber & Willett 2023",
    ),
    Metric(
        "risk_coverage.area",
        "Area under the risk–coverage curve",
        "Mean, over shares of cases kept, of the errors among the kept, surest first.",
        "0 to 1, lower is better",
        _BOOTSTRAP,
        "Geifman & El-Yaniv 2017",
        higher_is_better=False,
    ),
    Metric(
        "stability.flips",
        "Cases that another seed decides differently",
        "Chance that two repeats assign a case to different classes.",
        "0 to 1, lower is better",
        "Wilson",
        higher_is_better=False,
    ),
    Metric(
        "ranking.concordance",
        "Agreement of the folds on the order of models",
        "Kendall's W: whether the folds agree on the order of the models.",
        "0 to 1",
        "none; p value",
        "Kendall & Babington Smith 1939",
    ),
    Metric(
        "detectable",
        "Smallest detectable difference",
        "Smallest true difference in AUC that the primary test finds with a chance of 80 %.",
        "from 0",
        "none",
        higher_is_better=None,
    ),
)


METRIC = {metric.name: metric for metric in METRICS}
