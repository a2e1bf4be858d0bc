"""The figures that dvc compares: by model, rounded, nothing that was not computed."""

import hashlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc

from make_reference.metrics_page import MetricsFile
from skiagram.report.write import headline_figures, plot_tables, write_report
from tests.report.examples_of_results import binary, material, several_classes, with_failure


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    write_report(binary(), material(), folder / "report.html", folder / "plots")
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_writing_twice_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    write_report(binary(), material(), tmp_path / "report.html", tmp_path / "plots")
    assert hashes(tmp_path) == hashes(folder)


@pytest.mark.slow
def test_every_figure_is_a_picture_of_its_own(folder: Path) -> None:
    names = {path.stem for path in (folder / "plots").glob("*.svg")}
    assert names == {
        "auc", "roc", "precision_recall", "stability", "training_article_cnn", "training_small_cnn"
    }  # fmt: skip
    for path in (folder / "plots").glob("*.svg"):
        root = ET.fromstring(path.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "<dc:date>" not in path.read_text(encoding="utf-8")


def test_curves_hold_what_the_table_says(folder: Path) -> None:
    model = binary().models[0]
    table = pd.read_csv(folder / "plots/roc/linear_regression.csv")
    area = auc(table["false_positive_rate"], table["true_positive_rate"])
    assert area == pytest.approx(model.metrics["roc_auc"].value, abs=1e-9)
    recorded = pd.read_csv(folder / "plots/auc.csv").set_index("model")
    assert recorded.loc["linear_regression", "auc"] == pytest.approx(area)


def test_folds_confusion_and_training_are_there_for_other_programs(folder: Path) -> None:
    folds = pd.read_csv(folder / "plots/folds.csv")
    assert folds.groupby("model").size().eq(3).all()
    confusion = pd.read_csv(folder / "plots/confusion.csv")
    assert np.allclose(confusion.groupby("model")["cases"].sum(), 150)
    training = pd.read_csv(folder / "plots/training/small_cnn.csv")
    assert {"fit", "epoch", "training_loss", "validation_loss"} <= set(training.columns)


def test_a_failed_model_has_no_curve() -> None:
    tables = plot_tables(with_failure("diverged"), {})
    assert "roc/random_forest" in tables
    assert "roc/small_cnn" not in tables
    assert "small_cnn" not in tables["auc"]["model"].tolist()


def test_several_classes_have_no_roc() -> None:
    assert set(plot_tables(several_classes(), {})) == {"auc", "folds", "confusion"}


def test_figures_stand_under_their_model() -> None:
    evaluation = binary()
    found = headline_figures(evaluation)
    for model in evaluation.models:
        figures = found[model.outcome.model]
        assert figures["roc_auc"] == pytest.approx(model.metrics["roc_auc"].value, abs=1e-4)
        assert figures["selection_auc"] == pytest.approx(model.selection_auc.value, abs=1e-4)
    MetricsFile.model_validate_json(json.dumps(found, allow_nan=False))


def test_a_failed_model_keeps_its_place_without_figures() -> None:
    evaluation = with_failure("memory ran out")
    failed = [one.outcome.model for one in evaluation.models if one.outcome.status == "failed"]
    found = headline_figures(evaluation)
    assert failed
    assert all(found[name] == {} for name in failed)


def test_the_comparison_of_the_arms_has_its_interval() -> None:
    found = headline_figures(binary())["best_network_minus_baseline"]
    assert found["low"] <= found["roc_auc"] <= found["high"]
