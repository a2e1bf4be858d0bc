"""Writes the page, every figure as SVG and every curve as CSV for `dvc plots`."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from skiagram.evaluation.results import Estimate, Evaluation
from skiagram.report.arms import finished
from skiagram.report.illustrations import draw
from skiagram.report.material import Material
from skiagram.report.page import render


def write_report(evaluation: Evaluation, material: Material, page: Path, plots: Path) -> None:
    """Write the report; equal input gives equal bytes.

    The folder of plots gets `<figure>.svg`, `auc.csv`, `folds.csv`, `confusion.csv` and, a file a
    model, `roc/<model>.csv`, `precision_recall/<model>.csv` and `training/<model>.csv`.

    Args:
        evaluation: What was found.
        material: What else the page shows.
        page: HTML file to write.
        plots: Folder for figures and curves.
    """
    figures = draw(evaluation, material.curves)
    plots.mkdir(parents=True, exist_ok=True)
    for figure in figures.all():
        (plots / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
    for name, table in plot_tables(evaluation, material.curves).items():
        path = plots / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False, lineterminator="\n")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(evaluation, material, figures), encoding="utf-8")


def plot_tables(
    evaluation: Evaluation, curves: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the points behind every figure, by name of the file.

    Args:
        evaluation: What was found.
        curves: Model name → training curves.
    """
    tables = {
        "auc": _auc(evaluation),
        "folds": _folds(evaluation),
        "confusion": _confusion(evaluation),
    }
    for model in finished(evaluation):
        name = model.outcome.model
        if model.roc:
            columns = {"false_positive_rate": model.roc.x, "true_positive_rate": model.roc.y}
            tables[f"roc/{name}"] = pd.DataFrame(columns)
        if model.precision_recall:
            columns = {"recall": model.precision_recall.x, "precision": model.precision_recall.y}
            tables[f"precision_recall/{name}"] = pd.DataFrame(columns)
        if len(curves.get(name, ())):
            tables[f"training/{name}"] = curves[name]
    return tables


def _auc(evaluation: Evaluation) -> pd.DataFrame:
    rows = []
    for model in finished(evaluation):
        auc = model.metrics.get("roc_auc", Estimate(None))
        rows.append((model.outcome.model, model.outcome.arm, auc.value, auc.low, auc.high))
    return pd.DataFrame(rows, columns=["model", "arm", "auc", "low", "high"])


def _folds(evaluation: Evaluation) -> pd.DataFrame:
    rows = [
        (model.outcome.model, fold, auc)
        for model in finished(evaluation)
        if model.stability
        for fold, auc in enumerate(model.stability.fold_auc)
    ]
    return pd.DataFrame(rows, columns=["model", "fold", "auc"])


def _confusion(evaluation: Evaluation) -> pd.DataFrame:
    classes = evaluation.task.classes
    rows = [
        (model.outcome.model, classes[actual], classes[predicted], cases)
        for model in finished(evaluation)
        for actual, row in enumerate(model.confusion)
        for predicted, cases in enumerate(row)
    ]
    return pd.DataFrame(rows, columns=["model", "actual", "predicted", "cases"])
