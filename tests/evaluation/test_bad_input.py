"""What evaluation makes of input that is too little, too uniform or wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import DataError
from skiagram.evaluation.evaluation_record import PRIMARY, Evaluation
from skiagram.evaluation.options import OperatingTarget, RequestedAnalyses
from skiagram.evaluation.results import CALIBRATION
from skiagram.records.cases import Design
from skiagram.records.files import write_record
from skiagram.records.predictions import Predictions
from tests.evaluation.scenario import Scenario, evaluated, finished, scenario

ANALYSES = RequestedAnalyses(
    operating_points=(
        OperatingTarget(aim="sensitivity", level=0.9),
        OperatingTarget(aim="specificity", level=0.9),
    ),
    prevalence=0.1,
    simple_rules=(),
)


def run(
    known: Scenario, models: list[Predictions], sealed: pd.DataFrame | None = None
) -> Evaluation:
    age = pd.DataFrame({"case_id": known.cases.case_id, "age": np.arange(len(known.label))})
    return evaluated(
        known,
        models,
        sealed=known.sealed if sealed is None else sealed,
        analyses=ANALYSES,
        covariates=age,
    )


def pair(known: Scenario, repeats: int = 1) -> list[Predictions]:
    return [
        finished(known, "svm", seed=1, repeats=repeats),
        finished(known, "net", arm="deep", seed=2, repeats=repeats),
    ]


def unexplained(record: Any, path: str = "") -> list[str]:
    """Return the places of estimates that have neither a value nor a reason."""
    if isinstance(record, dict):
        if {"value", "reason", "method"} <= set(record):
            known = record["value"] is not None or record["reason"]
            return [] if known else [path]
        return [hit for name, one in record.items() for hit in unexplained(one, f"{path}/{name}")]
    if isinstance(record, list):
        return [hit for k, one in enumerate(record) for hit in unexplained(one, f"{path}/{k}")]
    return []


def written(found: Evaluation, folder: Path) -> dict[str, Any]:
    """Write the record, which refuses numbers that are not finite, and read it again."""
    write_record(found, folder / "evaluation.json")
    record: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return record


@pytest.mark.slow
@pytest.mark.parametrize("classes", [("normal", "abnormal"), ("a", "b", "c")])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_in_the_test_set(classes: tuple[str, ...], label: int, tmp_path: Path) -> None:
    known = scenario(classes=classes)
    found = run(known, pair(known, repeats=2), known.sealed.assign(label=label))
    assert unexplained(written(found, tmp_path)) == []
    absent = ", ".join(name for k, name in enumerate(classes) if k != label)
    assert found.models[0].find("roc_auc").reason == f"no reported case of class {absent}"
    assert found.difference is not None
    assert (found.difference.p, found.difference.low) == (None, None)
    assert found.figures.find(analysis=PRIMARY, figure="detectable").reason


def test_three_cases_of_one_patient(tmp_path: Path) -> None:
    known = scenario(60, 3, images=3)
    found = run(known, pair(known))
    assert unexplained(written(found, tmp_path)) == []


@pytest.mark.slow
@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_ties_everywhere(design: Design, tmp_path: Path) -> None:
    known = scenario(design=design, test=80 if design == "holdout" else 0)
    flat = np.zeros(len(known.label))
    models = [
        finished(known, "svm", signal=flat),
        finished(known, "net", arm="deep", signal=flat),
    ]
    found = run(known, models)
    assert unexplained(written(found, tmp_path)) == []
    one = found.models[0]
    assert one.find("roc_auc").value == 0.5
    assert one.find("slope", CALIBRATION).reason == "all probabilities are equal"
    assert found.difference is not None
    assert (found.difference.value, found.difference.p) == (0, 1)
    detectable = found.figures.find(analysis=PRIMARY, figure="detectable")
    assert detectable.reason == "the variance of the difference cannot be estimated"


@pytest.mark.slow
def test_perfect_models(tmp_path: Path) -> None:
    known = scenario()
    signal = np.where(known.label == 1, 4.0, -4.0)
    models = [
        finished(known, "svm", signal=signal),
        finished(known, "net", arm="deep", signal=signal),
    ]
    found = run(known, models)
    assert unexplained(written(found, tmp_path)) == []
    assert found.models[0].find("roc_auc").value == 1
    assert (found.models[0].find("roc_auc").low or 1) < 0.95


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("score_1", np.nan),
        ("score_0", np.inf),
        ("probability_1", np.nan),
        ("probability_1", 1.2),
        ("probability_0", -0.1),
    ],
)
@pytest.mark.parametrize("part", ["test", "out_of_fold", "training"])
def test_numbers_that_are_no_scores(column: str, value: float, part: str) -> None:
    known = scenario()
    model = finished(known, "svm")
    table = model.table.copy()
    row = int(np.flatnonzero(table["part"] == part)[2])
    table.loc[row, column] = value
    case = str(table.loc[row, "case_id"])
    with pytest.raises(DataError, match=rf"scores of svm: 1 rows hold a score .* first {case}"):
        run(known, [Predictions(model.outcome, table)])


@pytest.mark.parametrize("part", ["test", "out_of_fold"])
def test_case_ids_that_do_not_match(part: str) -> None:
    known = scenario()
    model = finished(known, "svm")
    table = model.table.copy()
    row = int(np.flatnonzero(table["part"] == part)[0])
    for value, problem in (("case-9999", "unknown"), (table["case_id"][row + 1], "doubled")):
        changed = table.copy()
        changed.loc[row, "case_id"] = value
        with pytest.raises(DataError, match=rf"case ids are {problem}|unknown case ids"):
            run(known, [Predictions(model.outcome, changed)])


def test_sealed_labels_that_do_not_match() -> None:
    known = scenario()
    with pytest.raises(DataError, match="sealed labels: 1 case ids are missing"):
        run(known, pair(known), known.sealed.iloc[1:])
    with pytest.raises(DataError, match=r"labels: label 7 of case-0120\. Allowed: 0 to 1"):
        run(known, pair(known), known.sealed.assign(label=7))
