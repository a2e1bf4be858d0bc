"""Writes what the evaluate stage leaves: page, figures, curves, score table and records."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from skiagram.compute.workers import Compute
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.evaluation_record import (
    ARMS,
    EXTERNAL,
    MEAN_SENSITIVITY,
    MERIT,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.results import FINDERS, METRICS, SELECTION
from skiagram.evaluation.scores import make_scores_table
from skiagram.evaluation.sites import SITES
from skiagram.records.files import write_record
from skiagram.report.formatting import finished_models
from skiagram.report.material import Material, read_material
from skiagram.report.page import render, write_checklists
from skiagram.report.section import Sections, make_sections
from skiagram.sealing.ledger import OPENING
from skiagram.tables.frames import inert_text

OUTPUTS = (
    "report.html",
    "plots",
    "checklists",
    "scores.csv",
    "evaluation.json",
    "metrics.json",
    OPENING,
)
# Figures of metrics.json are rounded to so many digits.
_DIGITS = 4
# What stands against the classical models → the key of its difference in metrics.json.
_DIFFERENCES = {
    "deep": "best_network_minus_baseline",
    "encoder": "best_encoder_minus_baseline",
    "either": "best_deep_model_minus_baseline",
}


def evaluate_run(
    root: Path,
    inputs: EvaluationInputs,
    options: EvaluationOptions,
    choices: Mapping[str, Any],
    folder: Path,
    compute: Compute,
) -> None:
    """Evaluate a project's run and write `OUTPUTS` into a folder.

    Args:
        choices: What params.yaml chose.
    """
    evaluation = evaluate(
        inputs,
        options,
        seed=choices["seed"],
        fold_column=choices["fold_column"],
        compute=compute,
    )
    write_results(evaluation, read_material(root, inputs, choices, evaluation), inputs, folder)


def write_results(
    evaluation: Evaluation, material: Material, artefacts: EvaluationInputs, folder: Path
) -> None:
    """Write `OUTPUTS` into a folder."""
    # The page and its checklists.
    sections = make_sections(evaluation, material)
    write_report(evaluation, material, sections, folder)
    for name, text in write_checklists(evaluation, material, sections).items():
        path = folder / "checklists" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # The scores; labels that are encrypted stay out.
    scores = make_scores_table(artefacts.models, artefacts.cases, artefacts.task, artefacts.sealed)
    if artefacts.encrypted:
        scores = scores.drop(columns="label")
    (folder / "scores.csv").write_text(inert_text(scores), encoding="utf-8")
    # The records that other programs read.
    write_record(evaluation, folder / "evaluation.json")
    write_record(artefacts.comparison, folder / OPENING)
    figures = json.dumps(headline_figures(evaluation), indent=2, sort_keys=True, allow_nan=False)
    (folder / "metrics.json").write_text(figures + "\n", encoding="utf-8")


def write_validation(
    evaluation: Evaluation, material: Material, inputs: EvaluationInputs, folder: Path
) -> None:
    """Write `OUTPUTS` of another cohort into a folder, and `figures.csv`, a row a figure."""
    write_results(evaluation, material, inputs, folder)
    analyses = (evaluation.figures.select(analysis=name) for name in (EXTERNAL, SITES))
    figures = FigureTable(tuple(row for each in analyses for row in each.rows))
    table = figures.frame().drop(columns=["analysis", "p", "p_holm"])
    (folder / "figures.csv").write_text(inert_text(table), encoding="utf-8")


def write_report(
    evaluation: Evaluation, material: Material, sections: Sections, folder: Path
) -> None:
    """Write the page `report.html` and its `plots`; equal input gives equal bytes.

    The folder of plots gets `figures.csv`, the table of figures, `<figure>.svg`, `folds.csv`,
    `confusion.csv` and, one file per model, `roc/<model>.csv`, `precision_recall/<model>.csv` and
    `froc/<model>.csv`.
    """
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    for section in sections.filled:
        for figure in section.figures():
            (plots / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
    (plots / "figures.csv").write_text(inert_text(evaluation.table.frame()), encoding="utf-8")
    for name, table in plot_tables(evaluation).items():
        path = plots / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(inert_text(table), encoding="utf-8")
    page = render(evaluation, material, sections)
    (folder / "report.html").write_text(page, encoding="utf-8")


_POINTS = {  # of a curve: its kind → what its columns are called
    "roc": ("false_positive_rate", "true_positive_rate"),
    "precision_recall": ("recall", "precision"),
}


def plot_tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """Return name of the file → points behind a figure of classes."""
    if not evaluation.task.defines("curves"):
        return {}
    # Folds and confusion: a row each for all models; the curves: a table for each model.
    classes, folds, confusion = evaluation.task.predicted.classes, [], []
    tables: dict[str, pd.DataFrame] = {}
    for model in finished_models(evaluation):
        name = model.outcome.model
        folds += [(name, *fold) for fold in enumerate(model.fold_auc)]
        for actual, row in zip(classes, model.confusion, strict=False):
            confusion += [(name, actual, *cell) for cell in zip(classes, row, strict=True)]
        for kind, (below, side) in _POINTS.items():
            if curve := getattr(model, kind):
                tables[f"{kind}/{name}"] = pd.DataFrame({below: curve.x, side: curve.y})
    tables["folds"] = pd.DataFrame(folds, columns=["model", "fold", "auc"])
    tables["confusion"] = pd.DataFrame(confusion, columns=["model", "actual", "predicted", "cases"])
    for finder in evaluation.finding.finders if evaluation.finding else ():
        columns = {"false_marks_per_image": finder.froc.x, "sensitivity": finder.froc.y}
        tables[f"froc/{finder.model}"] = pd.DataFrame(columns)
    return tables


_FINDER_COLUMNS = {
    "figure_of_merit": {"figure": "figure_of_merit"},
    "mean_sensitivity": {"figure": "mean_sensitivity"},
    "sensitivity_at_1_false_mark": {"figure": "sensitivity", "group": "1"},
    "selection_sensitivity": {"figure": "selection_sensitivity"},
}


def headline_figures(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    """Return model → figure, rounded to four digits.

    All are of the test cases but `selection_auc` and, of finders, `selection_sensitivity`, by
    which alone to choose: those of each model, and, under `best_classical` or the like, the AUC of
    what stands for an arm. The comparison of the arms, with its interval, stands under
    `best_network_minus_baseline`, or the like where frozen encoders stand against the classical
    models; that of finding under the same with `finding_` before it. What could not be computed is
    left out; the whole record says why.
    """
    # The figures that a short list shows, of each model.
    table, finding, task = evaluation.table, evaluation.finding, evaluation.task
    shown = {figure.name for figure in task.predicted.all_figures if figure.headline}
    headline: dict[str, dict[str, float | None]] = {}
    for name in (model.outcome.model for model in evaluation.models):
        model_figures = table.select(model=name)
        headline[name] = {
            f"{row.figure} {row.group}".strip(): row.value  # some are of a horizon
            for row in model_figures.select(analysis=METRICS).rows
            if row.figure in shown
        } | {task.predicted.selection: model_figures.find(analysis=SELECTION).value}
        for title, columns in _FINDER_COLUMNS.items():
            headline[name][title] = model_figures.find(analysis=FINDERS, **columns).value
    # What stands for the arms, and how they differ.
    for arm, row in table.select(analysis=ARMS).by_model(task.predicted.selection).items():
        headline[f"best_{arm}"] = {task.predicted.selection: row.value}
    if finding and (gain := evaluation.gain_in_finding(MERIT)):
        bounds = {"figure_of_merit": gain.value, "low": gain.low, "high": gain.high}
        if more := evaluation.gain_in_finding(MEAN_SENSITIVITY):
            bounds["mean_sensitivity"] = more.value
            bounds |= {"mean_sensitivity_low": more.low, "mean_sensitivity_high": more.high}
        headline["finding_" + _DIFFERENCES[finding.contender]] = bounds
    if gain := evaluation.difference:
        bounds = {evaluation.primary: gain.value, "low": gain.low, "high": gain.high}
        headline[_DIFFERENCES[evaluation.contender]] = bounds
    # Figures that do not exist are left out.
    return {
        model: {name: round(value, _DIGITS) for name, value in figures.items() if value is not None}
        for model, figures in headline.items()
    }
