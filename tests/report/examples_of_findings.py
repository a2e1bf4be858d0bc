"""Hand-made findings beyond discrimination, for the tests of the report."""

import dataclasses
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from skiagram.evaluation.calibration_assessment import (
    CalibrationDistance,
    CalibrationResult,
)
from skiagram.evaluation.clinical_utility import UTILITY
from skiagram.evaluation.decisions import OperatingPoint
from skiagram.evaluation.evaluation_record import (
    MAJORITY,
    PRIMARY,
    RANKING,
    REQUESTED,
    SECONDARY,
    SIMPLE_RULES,
    Decision,
    Evaluation,
    Verdict,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.reader_study import MEAN_READER, READERS
from skiagram.evaluation.results import (
    LIMIT,
    STABILITY,
    Curve,
    DecisionCurve,
    ModelResult,
    ReliabilityBin,
    patients_of,
)
from skiagram.evaluation.sites import SITES
from skiagram.evaluation.stability import Stability
from skiagram.evaluation.subgroups import Subgroup, TestedDifference
from skiagram.evaluation.uncertainty import PredictionSets, RiskCoverage
from skiagram.report.material import Gallery, Material, Mistake
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import with_assessments, with_metrics, with_stability
from tests.report.examples_of_results import TITLES, binary, estimate, material

CHOSEN = {"random_forest", "small_cnn"}


@cache
def full() -> Evaluation:
    """Return the binary example with everything that an evaluation can hold."""
    evaluation = binary()
    return dataclasses.replace(
        evaluation,
        models=tuple(_whole(model) for model in evaluation.models),
        prevalence=0.01,
        figures=FigureTable(
            (
                *evaluation.figures.select(analysis=LIMIT).rows,
                make_row(estimate(0.6, 0.05, "Wilson"), MAJORITY, "accuracy"),
                *_compared(),
                *evaluation.pairs(REQUESTED),
                *_ranking(),
                *_utility(),
                *_readers(),
                *_sites(),
            )
        ),
        site_column="site",
    )


@cache
def answered(decision: Decision = "open", low: float = -0.03, high: float = 0.046) -> Evaluation:
    """Return the full example with what stands for each arm, and a decision."""
    evaluation = full()
    shares = {
        "random_forest": (Estimate(0.879, 0.82, 0.93), Estimate(0.88, 0.8, 0.93), 0.7),
        "small_cnn": (Estimate(0.9, 0.85, 0.94), Estimate(0.93, 0.86, 0.97), 0.62),
    }
    models = list(evaluation.models)
    for place, model in enumerate(models):
        if model.outcome.model in shares:
            auc, found, right = shares[model.outcome.model]
            specificity = Estimate(right, right - 0.1, right + 0.09)
            changed = {"roc_auc": auc, "sensitivity": found, "specificity": specificity}
            models[place] = with_metrics(model, changed)
    alarms = Estimate(-0.08, -0.15, -0.01, "paired")
    evaluation = with_difference(evaluation, UTILITY, "specificity", alarms)
    difference = Estimate(0.021, low, high, "paired DeLong")
    aucs = tuple(
        make_row(shares[name][0], PRIMARY, "roc_auc", model=arm)
        for arm, name in evaluation.best.items()
    )
    rows = (*with_difference(evaluation, PRIMARY, "roc_auc", difference).figures.rows, *aucs)
    return dataclasses.replace(
        evaluation,
        models=tuple(models),
        figures=FigureTable(rows),
        answer=Verdict(decision, f"Use a network: {decision}.", ("The test cases are darker.",)),
    )


def _whole(model: ModelResult) -> ModelResult:
    grid = np.arange(1, 100) / 100
    benefit = 0.4 - 0.5 * grid
    curve = DecisionCurve(
        tuple(grid), tuple(benefit), tuple(benefit - 0.05), tuple(benefit + 0.05),
        tuple((0.4 - grid) / (1 - grid)),
    )  # fmt: skip
    auc = model.find("fold_auc_mean", STABILITY).value or 0.0
    spread = Stability(
        model.fold_auc,
        estimate(auc, 0.06, "Nadeau–Bengio"),
        0.025,
        model.seed_auc,
        None,
        model.find("training_gap", STABILITY),
        {"patients": 0.0009, "seed": 0.0001, "both": 0.0},
        estimate(0.07, 0.02, "bootstrap"),
    )
    return with_assessments(
        with_stability(dataclasses.replace(model, decision_curve=curve), spread),
        points=(
            OperatingPoint("sensitivity", 0.9, 0.31, _decided()),
            OperatingPoint("specificity", 0.9, None, {}),
        ),
        calibration=CalibrationResult(
            tuple(ReliabilityBin(at, estimate(at, 0.1, "Wilson"), 50) for at in (0.1, 0.4, 0.9)),
            {"reliability": 0.01, "resolution": 0.12, "uncertainty": 0.25},
            Estimate(-0.2, -0.5, 0.1, "sandwich"),
            estimate(0.8, 0.2, "sandwich"),
            estimate(1.1, 0.1, "delta method"),
            CalibrationDistance(Estimate(0.041), Estimate(0.03), Estimate(0.09), 0.034),
        ),
        sets=PredictionSets(
            0.9, estimate(0.91, 0.03), (estimate(0.92, 0.03), estimate(0.9, 0.03)), 1.2,
            estimate(0.8, 0.05), estimate(0.2, 0.05), Estimate(0.0, 0.0, 0.02),
        ),
        referral=RiskCoverage(Curve((0.5, 0.8, 0.9, 1.0), (0.05, 0.1, 0.12, 0.2)),
                                   estimate(0.08, 0.02)),
        subgroups=_parts(),
    )  # fmt: skip


def _decided() -> dict[str, Estimate]:
    names = (
        "sensitivity", "specificity", "positive_predictive_value", "negative_predictive_value",
        "balanced_accuracy", "matthews_correlation", "negative_predictive_value_at_prevalence",
    )  # fmt: skip
    known = {name: estimate(0.7, 0.1, "Wilson") for name in names}
    at = "positive_predictive_value_at_prevalence"
    return known | {at: estimate(0.034, 0.01, "delta method on the logit")}


def _compared() -> Iterator[FigureRow]:
    primary = partial(make_row, analysis=PRIMARY, model="deep", versus="classical")
    yield primary(Estimate(0.021, -0.03, 0.046, "paired DeLong"), figure="roc_auc", p=0.31)
    yield primary(Estimate(20, method="McNemar"), figure="only_correct", p=0.3)
    others = partial(make_row, Estimate(14, method="McNemar"), PRIMARY, "only_correct", p=0.3)
    yield others(model="classical", versus="deep")
    yield make_row(Estimate(150), PRIMARY, "cases")
    yield make_row(Estimate(75), PRIMARY, "patients")
    yield primary(Estimate(0.06, method="80 % power"), figure="detectable")
    yield primary(Estimate(675), figure="patients_to_detect")
    yield primary(Estimate(904), figure="patients_to_settle")
    for one, other, difference, p, p_holm in (
        ("random_forest", "svm", Estimate(0.011, -0.015, 0.037), 0.41, 1.0),
        ("small_cnn", "svm", Estimate(0.05, 0.03, 0.07), 0.0004, 0.012),
        ("svm", "decision_tree", Estimate(None, reason="one class only"), None, None),
    ):
        row = partial(make_row, difference, SECONDARY, "roc_auc", p=p, p_holm=p_holm)
        yield row(model=one, versus=other)
    for cases, one, other in ((12, "random_forest", "svm"), (9, "svm", "random_forest")):
        alone = Estimate(cases, method="McNemar")
        yield make_row(alone, SECONDARY, "only_correct", model=one, versus=other, p=0.51)
    for arm, rule, difference in (
        ("deep", "prevalence", Estimate(0.4, 0.3, 0.5)),
        ("deep", "decision_tree", Estimate(0.02, -0.1, 0.1)),
        ("classical", "prevalence", Estimate(0.3, 0.2, 0.4)),
    ):
        yield make_row(difference, SIMPLE_RULES, "roc_auc", model=arm, versus=rule)


def _ranking() -> Iterator[FigureRow]:
    row = partial(make_row, analysis=RANKING)
    yield row(Estimate(0.81), figure="concordance", p=0.004)
    yield row(Estimate(3), figure="folds")
    yield from (row(Estimate(2.5), figure="mean_rank", model=name) for name in TITLES)
    for name, share in (("svm", 0.5), ("small_cnn", 0.3)):
        yield row(Estimate(share), figure="first", model=name)


def _utility() -> Iterator[FigureRow]:
    row = partial(make_row, analysis=UTILITY)
    paired = partial(row, model="deep", versus="classical")
    yield paired(Estimate(0.05, -0.02, 0.12, "paired"), figure="sensitivity")
    yield paired(Estimate(None, reason="no threshold was fixed"), figure="specificity")
    yield paired(Estimate(-0.012, -0.02, -0.004, "paired"), figure="brier")
    yield row(Estimate(0.01), figure="prevalence")
    for threshold, risk, network, classical, of_all, gain in (
        ("0.1", 0.9, 4.2, 1.1, -100.0, Estimate(3.1, 0.6, 5.6, "paired")),
        ("0.5", 0.99, 1.0, 2.0, -980.0, Estimate(-1.0, -9.0, 7.0, "paired")),
    ):
        at = partial(row, group=threshold)
        yield at(Estimate(risk), figure="own_risk")
        for name, worth in (("deep", network), ("classical", classical), ("all", of_all)):
            yield at(Estimate(worth), figure="net_benefit", model=name)
        yield paired(gain, figure="net_benefit", group=threshold)


def with_difference(
    evaluation: Evaluation, analysis: str, figure: str, difference: Estimate
) -> Evaluation:
    """Return the record with another paired difference of the two arms."""
    rows = tuple(
        dataclasses.replace(row, **vars(difference))
        if (row.analysis, row.figure) == (analysis, figure) and row.versus
        else row
        for row in evaluation.figures.rows
    )
    return dataclasses.replace(evaluation, figures=FigureTable(rows))


def _readers() -> Iterator[FigureRow]:
    row = partial(make_row, analysis=READERS)
    yield row(estimate(0.86, 0.05), figure="roc_auc", model="dr_gray")
    yield row(estimate(0.8, 0.06), figure="roc_auc", model="dr_white")
    mean = Estimate(0.83, 0.7, 0.96, "Obuchowski–Rockette")
    yield row(mean, figure="roc_auc", group=MEAN_READER)
    yield row(Estimate(0.03), figure="spread")
    for arm, difference, p, p_holm in (
        ("classical", Estimate(0.01, -0.1, 0.12), 0.8, 0.8),
        ("deep", Estimate(0.09, 0.02, 0.16), 0.01, 0.02),
    ):
        paired = partial(row, model=arm, versus=MEAN_READER)
        yield paired(difference, figure="roc_auc", p=p, p_holm=p_holm)


def _sites() -> Iterator[FigureRow]:
    row = partial(make_row, analysis=SITES)
    paired = partial(row, model="deep", versus="classical")
    yield row(Estimate(2), figure="left_out")
    for site in ("Basel", "Leeds", "Porto"):
        for label, patients in (("normal", 30), ("abnormal", 20)):
            yield row(Estimate(patients), figure=patients_of(label), group=site)
        yield row(estimate(0.8, 0.1), figure="roc_auc", model="classical", group=site)
        yield row(estimate(0.85, 0.1), figure="roc_auc", model="deep", group=site)
        yield paired(Estimate(0.05, -0.02, 0.12), figure="roc_auc", group=site)
    for arm in ("classical", "deep"):
        single = partial(row, model=arm)
        yield single(Estimate(0.82, 0.71, 0.9, "random effects"), figure="mean")
        yield single(Estimate(0.82, 0.4, 0.97), figure="next_site")
        yield single(Estimate(0.6), figure="spread")
    yield paired(Estimate(0.05, -0.01, 0.11, "random effects"), figure="mean")
    yield paired(Estimate(0.05, -0.08, 0.18), figure="next_site")
    yield paired(Estimate(0.03), figure="spread")


def _parts() -> tuple[Subgroup, ...]:
    figures = {
        "roc_auc": estimate(0.83, 0.1),
        "sensitivity": Estimate(None, reason="no positive case"),
        "specificity": estimate(0.7, 0.1),
    }
    apart = {"roc_auc": TestedDifference(Estimate(-0.1, -0.19, -0.01), 0.03, 0.12)}
    few = "only 7 patients of class abnormal, fewer than 20"
    return (
        Subgroup("view_position", "CC", 80, {"normal": 25, "abnormal": 30}, figures, "", apart),
        Subgroup("view_position", "MLO", 70, {"normal": 40, "abnormal": 7}, figures, few),
        Subgroup("film", "hidden: fewer than 5 patients, or fewer of a class", 0, {}, {}),
        Subgroup("site", "40 values", 0, {}, {}, "more than 12 different values"),
    )


def with_galleries() -> Material:
    """Return the example material with one worst error on each of two classes."""
    seen = material()
    picture = seen.examples[0].after
    found = tuple(
        Gallery("small_cnn", label, 1, 60, (Mistake("c00077", named, 0.97, picture),))
        for label, named in (("normal", "abnormal"), ("abnormal", "normal"))
    )
    nothing = Gallery("random_forest", "normal", 0, 90, ())
    return dataclasses.replace(seen, galleries=(*found, nothing))
