"""Hand-made results as evaluation would find them, for the tests of the report."""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from skiagram.audit.findings import AuditReport, Finding
from skiagram.evaluation.evaluation_record import (
    ARMS,
    IDEAL_OBSERVER,
    PRIMARY,
    REQUESTED,
    ArmChoice,
    Evaluation,
    Verdict,
)
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.evaluation.results import LIMIT, METRICS, Curve
from skiagram.image_store.pictures import encode_change
from skiagram.records.predictions import Outcome
from skiagram.report.material import Example, Material, Provenance
from skiagram.sealing.ledger import Comparison, Opening
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.cases import DataCard
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.evaluation.model_results import make_result, with_class_auc


def texts(row):
    return [cell if isinstance(cell, str) else cell.text for cell in row.cells]


def find_row(table, title):
    return next(row for group in table.groups for row in group.rows if row.title == title)


TITLES = {
    "linear_regression": "Linear regression",
    "logistic_regression": "Logistic regression",
    "decision_tree": "Decision tree",
    "svm": "Support vector machine",
    "random_forest": "Random forest",
    "article_cnn": "Convolutional network of the articles",
    "small_cnn": "Small network with batch norm",
}
DEEP = ("article_cnn", "small_cnn")
STRENGTH = dict(zip(TITLES, (1.1, 1.5, 0.8, 1.6, 1.7, 0.1, 1.9), strict=True))


def estimate(value, width, method="logit DeLong, clustered"):
    return Estimate(value, max(-1.0, value - width), min(1.0, value + width / 2), method)


def finished_model(name, *, near_duplicates, ideal):
    rng = np.random.default_rng(len(name))
    label = np.repeat([0, 1], (90, 60))
    score = rng.normal(size=150) + STRENGTH[name] * label
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
    failed = dataclasses.replace(outcome(name), status="failed", reason=reason)
    return make_result(failed, {}, Estimate(None, reason="training failed"))


@cache
def binary(*, near_duplicates=0, ideal=True):
    models = [
        finished_model(name, near_duplicates=near_duplicates > 0, ideal=ideal) for name in TITLES
    ]
    chosen_by = [
        make_row(Estimate(value), ARMS, "selection_auc", model=arm)
        for arm, value in (("classical", 0.88), ("deep", 0.9))
    ]
    limit = make_row(estimate(0.955, 0.02), LIMIT, "roc_auc", model=IDEAL_OBSERVER)
    return Evaluation(
        task=Task(Classes(("normal", "abnormal"), 1), "holdout"),
        cases={
            "development": {"normal": 210, "abnormal": 140},
            "reported": {"normal": 90, "abnormal": 60},
        },
        patients={"development": 175, "reported": 75},
        near_duplicates=near_duplicates,
        models=tuple(models),
        arms=choose(classical="random_forest", deep="small_cnn"),
        answer=Verdict(
            "none",
            "On this data set a deep network is not shown to be worth it: its AUC is 0.021 higher "
            "than the best classical model’s (−0.03 to 0.05), and the interval contains zero.",
        ),
        warnings=("Only 75 patients are reported; intervals are wide.",),
        figures=FigureTable((*([limit] if ideal else []), *chosen_by, *_compared())),
    )


def choose(**best):
    """Return arm → the model that stands for it."""
    return {arm: ArmChoice(name, {name: 1}, 1) for arm, name in best.items()}


def _compared():
    difference, pair = (
        estimate(0.021, 0.05, "paired DeLong"),
        estimate(0.084, 0.04, "paired DeLong"),
    )
    absent = Estimate(None, reason="forest was not trained")
    return (
        make_row(difference, PRIMARY, "roc_auc", model="deep", versus="classical"),
        make_row(Estimate(150), PRIMARY, "cases"),
        make_row(Estimate(75), PRIMARY, "patients"),
        make_row(pair, REQUESTED, "roc_auc", model="svm", versus="decision_tree"),
        make_row(absent, REQUESTED, "roc_auc", model="svm", versus="random_forest"),
    )


def with_another(**outcome):
    evaluation = binary(ideal=False)
    own = dataclasses.replace(evaluation.models[-1].outcome, **outcome)
    another = dataclasses.replace(evaluation.models[-1], outcome=own)
    return dataclasses.replace(evaluation, models=(*evaluation.models, another))


def with_reader():
    return with_another(model="reader", arm="reader", title="Dr Gray")


def with_combination():
    evaluation = with_another(model="stacking", arm="combined", title="Stacking of both")
    return dataclasses.replace(evaluation, arms=evaluation.arms | choose(combined="stacking"))


def with_failure(reason):
    evaluation = binary()
    broken = failed_model("small_cnn", reason)
    return dataclasses.replace(
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
    model = dataclasses.replace(
        like.with_figures(METRICS, ((name, "", value) for name, value in figures.items())),
        confusion=((30.0, 8.0, 2.0), (5.0, 50.0, 5.0), (1.0, 9.0, 20.0)),
        roc=None,
        precision_recall=None,
    )
    model = with_class_auc(model, classes, (estimate(0.791, 0.06), estimate(0.822, 0.04), absent))
    return Evaluation(
        task=Task(Classes(classes, None), "cv"),
        cases={side: dict.fromkeys(classes, 40) for side in ("development", "reported")},
        patients={"development": 120, "reported": 120},
        near_duplicates=0,
        models=(model,),
        arms=choose(classical="logistic_regression"),
        answer=Verdict("none", "No deep network was trained, so there is nothing to compare."),
    )


def curves():
    tables = {}
    for name in DEEP:
        epochs = np.arange(40)
        fits = [
            pd.DataFrame(
                {
                    "epoch": epochs,
                    "training_loss": 0.7 * np.exp(-epochs / (12 + k)) + 0.1,
                    "validation_loss": 0.5 * np.exp(-epochs / 9) + 0.3 + 0.004 * epochs + 0.02 * k,
                    "fit": f"repeat0-{'final' if k == 3 else f'fold{k}'}",
                }
            )
            for k in range(4)
        ]
        tables[name] = pd.concat(fits, ignore_index=True)
    return tables


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
    card = DataCard(
        name="phantom",
        title="Phantom",
        modality="simulated mammographic tissue, 64 × 64 pixels",
        licence="Apache-2.0",
        citation="Burgess et al. 2001, Human observer detection, Medical Physics 28:419",
        source="generated",
        patients_known=True,
        known_issues=("The images are simulated.",),
    )
    findings = (
        Finding(
            "near_duplicates_across_splits",
            "stop",
            52,
            "52 of 156 test images have a near twin among development images.",
            "Split by cluster of near duplicates",
            ("c00012", "c00093"),
            "The official split is kept so that figures can stand beside published ones.",
        ),
        Finding("class_counts", "note", 2, "210 normal and 140 abnormal development cases."),
    )
    treatment = pd.DataFrame(
        {"case_id": list("abcd"), "missing": [0, 5, 64, 0], "outliers": [0, 0, 0, 0],
         "dead_lines": [0, 0, 0, 0],
         "noise": [0.29, 0.31, 0.3, float("nan")]}
    )  # fmt: skip
    provenance = Provenance(
        versions={"skiagram": "0.1.0", "numpy": "2.3.0", "scikit-learn": "1.7.0"},
        sha256={"images": "ab" * 32, "cases": "cd" * 32},
        params={"dataset": "phantom", "repeats": 1, "restoration": {"wavelet": "db4"}},
    )
    return Material(
        card=card,
        audit=AuditReport(findings, ("near_duplicates_across_splits", "class_counts")),
        treatment=treatment,
        examples=pictures(),
        curves=curves(),
        provenance=provenance,
    )
