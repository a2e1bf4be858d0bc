"""The page of a time to an event says what was found, and what stands beside it in files."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from skiagram.audit.run import AuditReport
from skiagram.errors import DataError
from skiagram.evaluation.evaluation_record import read_class_evaluation
from skiagram.evaluation.measured import evaluate_measured
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS
from skiagram.records.files import write_record
from skiagram.report.measured_page import write_measured_results
from skiagram.report.terminal import summarise_run
from skiagram.report.write import OUTPUTS
from tests.outcomes.cohort import train_models

OPTIONS = replace(DEFAULTS, analyses=replace(NO_REQUESTS, simple_rules=("volume",)))
AUDIT = AuditReport((), ("class counts",))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a project with its results below `reports`; do not change it."""
    root = tmp_path_factory.mktemp("project")
    inputs = train_models(root, cox=None, volume=("volume",))
    inputs.cases.write(root / "data/cases/cases.parquet")
    write_record(AUDIT, root / "data/audit/findings.json")
    evaluation = evaluate_measured(inputs, OPTIONS, seed=0)
    encoder = {"title": "EfficientNet-Lite0", "licence": "Apache-2.0", "citation": "photographs"}
    first, *others = evaluation.models
    first = replace(first, options={**first.options, "encoder": {"encoder": encoder}})
    shown = replace(evaluation, models=(first, *others))
    write_measured_results(shown, inputs, root, {"seed": 0}, root / "reports")
    summary = summarise_run(evaluation, AUDIT)
    assert not summary.failed
    assert "C (Harrell)" in summary.lines[0]
    return root


def test_every_output_of_stage_evaluate_is_there(written: Path) -> None:
    assert {path.name for path in (written / "reports").iterdir()} == set(OUTPUTS)


def test_the_page_has_answer_figures_curves_and_numbers_at_risk(written: Path) -> None:
    page = (written / "reports/report.html").read_text()
    for words in (
        "no network was asked for",
        "beats chance and",
        "C (Harrell)",
        "Brier score gained",
        "at risk at",
        "high risk",
        "D-calibration",
        "jackknife",
        "not a medical device",
        "Licence of its weights: Apache-2.0",
    ):
        assert words in page
    # risk groups, calibration and decision curve, of the best model and the rule
    assert page.count("<svg") == 6
    assert str(written) not in page


def test_figures_stand_in_files_too(written: Path) -> None:
    figures = json.loads((written / "reports/metrics.json").read_text())
    assert figures["cox"]["concordance"] > figures["volume"]["concordance"]
    gap = figures["best_classical_minus_volume"]
    assert gap["low"] < gap["concordance"] < gap["high"]
    scores = pd.read_csv(written / "reports/scores.csv")
    assert {"case_id", "label", "value"} <= set(scores.columns)
    assert set(scores["label"]) == {"censored", "event"}


def test_what_reads_figures_of_classes_says_that_these_are_others(written: Path) -> None:
    with pytest.raises(DataError, match="figures of a time to an event"):
        read_class_evaluation(written / "reports/evaluation.json")
