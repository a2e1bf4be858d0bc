"""Hand-made results as evaluation would find them, for the tests of the report."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from skiagram.audit.findings import AuditReport
from skiagram.evaluation.evaluation_record import (
    ArmChoice,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import LIMIT, METRICS, Curve
from skiagram.image_store.pictures import encode_change
from skiagram.records.predictions import Outcome
from skiagram.report.material import Example, Material
from skiagram.sealing.ledger import Comparison, Opening
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.cases import DataCard
from tests.evaluation.model_results import make_result, with_class_auc
from tests.yaml_rows import as_record, read_yaml


def texts(row):
    return [cell if isinstance(cell, str) else cell.text for cell in row.cells]


def find_row(table, title):
    return next(row for group in table.groups for row in group.rows if row.title == title)


EXAMPLES = read_yaml(__file__, "examples.yaml")
TITLES = {name: one["title"] for name, one in EXAMPLES["models"].items()}
DEEP = ("article_cnn", "small_cnn")


def estimate(value, width, method="logit DeLong, clustered"):
    return Estimate(value, max(-1.0, value - width), min(1.0, value + width / 2), method)


def finished_model(name, *, near_duplicates, ideal):
    rng = np.random.default_rng(len(name))
    label = np.repeat([0, 1], (90, 60))
    score = rng.normal(size=150) + EXAMPLES["models"][name]["strength"] * label
    auc = float(roc_auc_score(label, score))
    rates = roc_curve(label, score)
    precision, recall, _ = precision_recall_curve(label, score)
    metrics = {
        "roc_auc": estimate(auc, 0.08),
        "average_precision": estimate(auc - 0.05, 0.1, "bootstrap by patient"),
        "accuracy": estimate(0.8, 0.06, "Wilson"),
        "balanced_accuracy": estimate(auc - 0.08, 0.07, "bootstrap by patient"),
        "sensitivity": estimate(0.9, 0.06, "Wilson"),
        "specificity": estimate(auc - 0.2, 0.08, "Wilson"),
        "brier": estimate(0.25 - auc / 8, 0.02, "bootstrap by patient"),
    }
    if near_duplicates:
        metrics["roc_auc_off_near_duplicates"] = estimate(auc - 0.06, 0.1)
    limits = {
        "efficiency": estimate((auc - 0.5) * 1.6, 0.1),
        "above_ideal": estimate(auc - 0.955, 0.04),
    }
    return make_result(
        outcome(name),
        metrics,
        estimate(auc, 0.05),
        {
            "fold_auc_mean": estimate(auc, 0.06, "Nadeau–Bengio"),
            "training_gap": estimate(0.11 if name in DEEP else 0.04, 0.05, "bootstrap by fold"),
            "fold_auc_sd": Estimate(0.025),
        },
        limits if ideal else None,
        fold_auc=(auc - 0.03, auc + 0.02, auc),
        by_repeat=(auc,),
        confusion=((71.0, 19.0), (13.5, 46.5)),
        roc=Curve(tuple(rates[0]), tuple(rates[1])),
        precision_recall=Curve(tuple(recall), tuple(precision)),
    )


def outcome(name):
    return Outcome(
        model=name,
        arm="deep" if name in DEEP else "classical",
        title=TITLES[name],
        status="finished",
        parameters=93322 if name == "article_cnn" else 19,
        multiply_adds=1_234_567 if name in DEEP else None,
        images_seen=12_000,
        fits=4,
    )


def failed_model(name, reason):
    failed = replace(outcome(name), status="failed", reason=reason)
    return make_result(failed, {}, Estimate(None, reason="training failed"))


@cache
def binary(*, near_duplicates=0, ideal=True):
    models = [
        finished_model(name, near_duplicates=near_duplicates > 0, ideal=ideal) for name in TITLES
    ]
    found = as_record(Evaluation, EXAMPLES["binary"])
    limit = found.figures.select(analysis=LIMIT).rows
    rows = tuple(row for row in found.figures.rows if ideal or row not in limit)
    return replace(
        found, near_duplicates=near_duplicates, models=tuple(models), figures=FigureTable(rows)
    )


def choose(**best):
    """Return arm → the model that stands for it."""
    return {arm: ArmChoice(name, {name: 1}, 1) for arm, name in best.items()}


def with_another(**outcome):
    evaluation = binary(ideal=False)
    own = replace(evaluation.models[-1].outcome, **outcome)
    another = replace(evaluation.models[-1], outcome=own)
    return replace(evaluation, models=(*evaluation.models, another))


def with_reader():
    return with_another(model="reader", arm="reader", title="Dr Gray")


def with_combination():
    evaluation = with_another(model="stacking", arm="combined", title="Stacking of both")
    return replace(evaluation, arms=evaluation.arms | choose(combined="stacking"))


def with_failure(reason):
    evaluation = binary()
    broken = failed_model("small_cnn", reason)
    return replace(
        evaluation,
        models=(*evaluation.models[:-1], broken),
        arms=choose(classical="random_forest", deep="article_cnn"),
        warnings=(*evaluation.warnings, "One of 7 models failed: Small network with batch norm."),
    )


@cache
def several_classes():
    classes = ("melanoma", "nevus", "keratosis")
    absent = Estimate(None, reason="defined for two classes only")
    figures = {
        "roc_auc": estimate(0.81, 0.05, "bootstrap by patient"),
        "balanced_accuracy": estimate(0.66, 0.05, "bootstrap by patient"),
        "sensitivity": absent,
    }
    like = finished_model("logistic_regression", near_duplicates=False, ideal=False)
    model = replace(
        like.with_figures(METRICS, ((name, "", value) for name, value in figures.items())),
        confusion=((30.0, 8.0, 2.0), (5.0, 50.0, 5.0), (1.0, 9.0, 20.0)),
        roc=None,
        precision_recall=None,
    )
    model = with_class_auc(model, classes, (estimate(0.791, 0.06), estimate(0.822, 0.04), absent))
    return replace(as_record(Evaluation, EXAMPLES["several classes"]), models=(model,))


@cache
def pictures():
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:64, :64] / 64
    examples = []
    for k, label in enumerate(("normal", "normal", "abnormal", "abnormal")):
        clean = np.sin(6 * row + k) + np.cos(5 * column)
        clean += 2 * k * np.exp(-((row - 0.4) ** 2 + (column - 0.6) ** 2) / 0.01)
        noisy = clean + rng.normal(scale=0.3, size=clean.shape)
        noisy[40] = np.nan
        examples.append(Example(f"c{k:05d}", label, *encode_change(noisy, clean)))
    return tuple(examples)


def opening(number):
    comparison = Comparison("chest", "5" * 64, "evaluate", ("svm",), "c" * 64)
    return Opening(number, comparison, "2026-01-01T00:00:00+00:00", "", False, ())


def material():
    return Material(
        card=as_record(DataCard, EXAMPLES["card"]),
        audit=as_record(AuditReport, EXAMPLES["audit"]),
        treatment=pd.DataFrame(EXAMPLES["treatment"]),
        examples=pictures(),
        **EXAMPLES["provenance"],
    )
