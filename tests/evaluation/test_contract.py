"""What every evaluation promises: a value or a reason everywhere, and a record that is whole."""

from dataclasses import fields, is_dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from skiagram.compute.workers import Compute
from skiagram.evaluation.criteria import find_comparison
from skiagram.evaluation.evaluation_record import (
    MAJORITY,
    PRIMARY,
    SECONDARY,
    Evaluation,
)
from skiagram.evaluation.options import OperatingTarget
from skiagram.evaluation.results import CALIBRATION
from skiagram.records.files import read_record, write_record
from tests.evaluation.scenario import FOLDS, evaluated, failed, finished, scenario

pytestmark = pytest.mark.slow

TWO, THREE = ("normal", "abnormal"), ("a", "b", "c")
SITE_NAMES = ("Basel", "Leeds", "Porto")
ASKED = {
    "operating_points": (
        OperatingTarget(aim="sensitivity", level=0.9),
        OperatingTarget(aim="specificity", level=0.9),
    ),
    "prevalence": 0.1,
    "thresholds": (0.1, 0.5),
    "simple_rules": ("age",),
}


def pair(known, repeats=1, **given):
    return [
        finished(known, "svm", seed=1, repeats=repeats, **given),
        finished(known, "net", arm="deep", seed=2, repeats=repeats, **given),
    ]


def covariates(known):
    """Return an age, and as site the fold that `scenario` puts a case in."""
    patient = np.unique(known.cases.patient_id, return_inverse=True)[1]
    site = np.array(SITE_NAMES)[patient // len(known.task.predicted.classes) % FOLDS]
    columns = {"case_id": known.cases.case_id, "age": np.arange(len(patient)), "site": site}
    return pd.DataFrame(columns)


@cache
def whole(design, classes):
    """Evaluate models of every arm with everything that can be asked."""
    known = scenario(180, 0 if design == "cv" else 180, design=design, classes=classes)
    models = [
        *pair(known, 2),
        finished(known, "age", strength=0.3, seed=3, repeats=2),
        finished(known, "head", arm="encoder", strength=1.2, seed=4, repeats=2),
        finished(known, "both", arm="combined", strength=2.5, seed=5, repeats=2),
        failed("big_net", "deep", "out of memory"),
    ]
    for seed, name in ((6, "dr_gray"), (7, "dr_white")):
        reader = finished(known, name, arm="reader", strength=2.0, seed=seed)
        held_out = reader.table["part"].isin(["out_of_fold", "test"])
        models.append(replace(reader, table=reader.table[held_out]))
    sites = {"fold_column": "site"} if design == "cv" else {"test_sites": SITE_NAMES}
    return evaluated(
        known,
        models,
        covariates=covariates(known),
        **sites,
        **ASKED,
    )


def of_one_class(classes, label):
    known = scenario(classes=classes)
    return evaluated(known, pair(known, 2), sealed=known.sealed.assign(label=label), **ASKED)


def of_three_cases():
    known = scenario(60, 3, images=3)
    return evaluated(known, pair(known), **ASKED)


def of_signal(design, height):
    """Evaluate two models of the same scores, which are the label times a height."""
    known = scenario(design=design, test=80 if design == "holdout" else 0)
    return evaluated(known, pair(known, signal=height * (2.0 * known.label - 1)), **ASKED)


def of_sure_models(design, named):
    """Evaluate a model that is sure of one class in every case."""
    known = scenario(90, 60 if design == "holdout" else 0, design=design, images=1)
    sure, other = pair(known)
    for k in range(2):
        sure.table[f"probability_{k}"] = float(k == named)
        sure.table[f"score_{k}"] = 1e6 * (k == named)
    return evaluated(known, [sure, other], **ASKED)


SITUATIONS = {
    "holdout": lambda: whole("holdout", TWO),
    "cross-validation": lambda: whole("cv", TWO),
    "three classes": lambda: whole("holdout", THREE),
    "three classes, cross-validation": lambda: whole("cv", THREE),
    "first class alone": lambda: of_one_class(TWO, 0),
    "second class alone": lambda: of_one_class(TWO, 1),
    "one of three classes alone": lambda: of_one_class(THREE, 1),
    "one patient": of_three_cases,
    "ties": lambda: of_signal("holdout", 0.0),
    "ties, cross-validation": lambda: of_signal("cv", 0.0),
    "perfect": lambda: of_signal("holdout", 4.0),
    "sure of the first class": lambda: of_sure_models("holdout", 0),
    "sure of the second class": lambda: of_sure_models("cv", 1),
}


@cache
def run(name):
    return SITUATIONS[name]()


def list_unexplained(record, path=""):
    """Yield the places of estimates that have neither a value nor a reason."""
    if hasattr(record, "value") and hasattr(record, "reason"):
        if record.value is None and not record.reason:
            yield path
    elif hasattr(record, "__dataclass_fields__"):
        for name in record.__dataclass_fields__:
            yield from list_unexplained(getattr(record, name), f"{path}/{name}")
    elif isinstance(record, tuple):
        for place, one in enumerate(record):
            yield from list_unexplained(one, f"{path}/{place}")


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_figure_has_a_value_or_a_reason_and_the_record_is_read_as_it_was_written(
    name, tmp_path
):
    found = run(name)
    assert list(list_unexplained(found)) == []
    for row in found.table.rows:
        if row.low is not None and row.value is not None:
            assert row.low <= row.value + 1e-12, row
        if row.high is not None and row.value is not None:
            assert row.value <= row.high + 1e-12, row
    write_record(found, tmp_path / "evaluation.json")  # refuses numbers that are not finite
    assert read_record(Evaluation, tmp_path / "evaluation.json") == found


ALWAYS = {"arms", "calibration", "majority", "metrics", "primary"}
ALWAYS |= {"selection", "simple_rules", "stability", "utility"}
IF_ASKED = {"arm_pairs", "secondary", "sites", "subgroups"}


@pytest.mark.parametrize("design", ["holdout", "cv"])
@pytest.mark.parametrize("classes", [TWO, THREE])
def test_every_analysis_is_there_where_it_has_a_meaning(design, classes):
    found = whole(design, classes)
    of_classes = {"operating_points", "readers"} if classes == TWO else {"classes"}
    of_design = {"shifts"} if design == "holdout" else set()
    assert {row.analysis for row in found.table.rows} == ALWAYS | IF_ASKED | of_classes | of_design
    assert found.arms["classical"].choices == (1 if design == "holdout" else 2 * FOLDS)
    primary = find_comparison(found)
    assert primary.trainings == 2
    beside = [one for one in found.pairs(SECONDARY) if "dr_gray" in (one.model, one.versus)]
    assert len(beside) == 6
    assert all(one.p is not None for one in beside)


def list_scalars(of):
    """Yield what stands alone in a record; numbers in a sequence are those of a curve or list."""
    if is_dataclass(of):
        for field in fields(of):
            yield from list_scalars(getattr(of, field.name))
    elif not isinstance(of, tuple | None):
        yield of


def test_no_figure_of_a_model_stands_outside_the_table_and_those_of_the_run_end_it():
    found, apart = whole("holdout", TWO), ("outcome", "figures", "scores_digest")
    for model in found.models:
        beside = [field.name for field in fields(model) if field.name not in apart]
        assert [one for name in beside for one in list_scalars(getattr(model, name))] == []
        rows = found.table.select(model=model.outcome.model).rows
        assert model.figures.rows == rows[: len(model.figures.rows)]
    assert found.table.rows[-len(found.figures.rows) :] == found.figures.rows
    assert found.table.get(analysis=MAJORITY) == found.majority_accuracy


def test_what_was_not_asked_is_not_there():
    known = scenario()
    reader = finished(known, "dr_gray", arm="reader", strength=2.0, seed=3)
    found = evaluated(known, [*pair(known), reader])
    assert {row.analysis for row in found.table.rows} == ALWAYS | {"secondary", "shifts"}


def test_models_measured_side_by_side_give_the_same_record(tmp_path):
    known = scenario()
    for name, workers in {"one": 1, "three": 3}.items():
        compute = Compute(threads=1, workers=workers, backend="local", address=None)
        write_record(evaluated(known, pair(known), compute=compute), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "three").read_bytes()


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("first class alone", "abnormal"),
        ("second class alone", "normal"),
        ("one of three classes alone", "a, c"),
    ],
)
def test_of_one_class_nothing_is_told_and_the_other_is_named(name, absent):
    found = run(name)
    assert found.models[0].find("roc_auc").reason == f"no scored case of class {absent}"
    assert (found.difference.p, found.difference.low) == (None, None)
    assert found.figures.find(analysis=PRIMARY, figure="detectable").reason


@pytest.mark.parametrize("name", ["ties", "ties, cross-validation"])
def test_models_without_an_order_do_not_differ(name):
    found = run(name)
    assert found.models[0].find("roc_auc").value == 0.5
    slope = found.models[0].find("slope", CALIBRATION)
    assert slope.reason == "all probabilities are equal"
    gap = found.difference
    assert (gap.value, gap.low, gap.high, gap.p) == (0, 0, 0, 1)
    assert found.answer.decision == "no"
    detectable = found.figures.find(analysis=PRIMARY, figure="detectable")
    assert detectable.reason == "the variance of the difference cannot be estimated"


def test_a_perfect_model_keeps_its_doubt():
    auc = run("perfect").models[0].find("roc_auc")
    assert auc.value == 1
    assert auc.low < 0.95
