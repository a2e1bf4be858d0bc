"""The figures that dvc compares: by model, rounded, nothing that was not computed."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc

from make_reference.metrics_page import MetricsFile
from skiagram.evaluation.evaluation_record import ARMS
from skiagram.evaluation.results import SELECTION
from skiagram.report.section import make_sections
from skiagram.report.sections.models import list_as_text, list_below_table
from skiagram.report.write import headline_figures, plot_tables, write_report
from tests.evaluation.situations import SITUATIONS
from tests.report.examples_of_results import binary, material, several_classes, with_failure

ENCODER = "A frozen encoder gains more than the margin over the classical models"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    write_report(binary(), material(), make_sections(binary(), material()), folder)
    return folder


@pytest.mark.slow
def test_every_figure_is_a_picture_of_its_own_with_its_points_beside_it(folder):
    pictures = {path.stem: path.read_text("utf-8") for path in (folder / "plots").glob("*.svg")}
    assert set(pictures) == {"answer", "auc", "roc", "precision_recall", "stability"}
    for text in pictures.values():
        assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<dc:date>" not in text
    model = binary().models[0]
    table = pd.read_csv(folder / "plots/roc/linear_regression.csv")
    area = auc(table["false_positive_rate"], table["true_positive_rate"])
    assert area == pytest.approx(model.find("roc_auc").value, abs=1e-9)
    figures = pd.read_csv(folder / "plots/figures.csv")
    assert len(figures) == len(binary().table.rows)
    of_model = figures[(figures["model"] == "linear_regression") & (figures["figure"] == "roc_auc")]
    assert of_model["value"].iloc[0] == pytest.approx(area)


def test_folds_and_confusion_are_there_for_other_programs():
    tables = plot_tables(binary())
    assert tables["folds"].groupby("model").size().eq(3).all()
    assert np.allclose(tables["confusion"].groupby("model")["cases"].sum(), 150)
    assert set(plot_tables(several_classes())) == {"folds", "confusion"}


def test_a_failed_model_has_no_curve_and_no_figures():
    assert headline_figures(with_failure("diverged"))["small_cnn"] == {}
    tables = plot_tables(with_failure("diverged"))
    assert "roc/random_forest" in tables
    assert "roc/small_cnn" not in tables
    assert "small_cnn" not in tables["confusion"]["model"].tolist()


def test_figures_stand_under_their_model_and_the_comparison_has_its_interval():
    evaluation = binary()
    found = headline_figures(evaluation)
    for model in evaluation.models:
        figures = found[model.outcome.model]
        assert figures["roc_auc"] == pytest.approx(model.find("roc_auc").value, abs=1e-4)
        assert figures["selection_auc"] == pytest.approx(
            model.find("selection_auc", SELECTION).value, abs=1e-4
        )
    MetricsFile.model_validate_json(json.dumps(found, allow_nan=False))
    chosen_by = evaluation.table.select(analysis=ARMS).by_model("selection_auc")
    assert set(chosen_by) == {"classical", "deep"}
    for arm, row in chosen_by.items():
        assert found[f"best_{arm}"] == {"selection_auc": pytest.approx(row.value, abs=1e-4)}
    gain = found["best_network_minus_baseline"]
    assert gain["low"] <= gain["roc_auc"] <= gain["high"]
    of_encoder = headline_figures(SITUATIONS[ENCODER])
    assert "best_encoder_minus_baseline" in of_encoder
    assert "best_network_minus_baseline" not in of_encoder


def test_the_plain_table_has_a_row_a_model_and_below_it_what_failed():
    evaluation = with_failure("out of memory")
    rows, lines = list_as_text(evaluation, {"svm": 12.34}), list_below_table(evaluation)
    assert sum("*" in row[0] for row in rows) == 2
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[0][-1] == "Seconds"
    assert next(row for row in rows if row[0].startswith("Support vector"))[-1] == "12.3"
    assert rows[7][2] == "failed"
    assert rows[8][0] == "Ideal observer"
    assert any("failed: out of memory" in line for line in lines)
