"""The page, the table and the records of an outcome that is no class, such as a time to an event.

What is drawn and tabulated is what the outcome says; the page knows no kind of outcome.
"""

import importlib.metadata
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from skiagram.audit.run import AuditReport
from skiagram.datasets.folder.csv_rows import inert_text
from skiagram.evaluation.evaluation_record import (
    ARM_WORDS,
    DEVELOPMENT,
    FIGURES,
    WORST,
    MeasuredEvaluation,
)
from skiagram.evaluation.external import UPDATED
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.scores import make_scores_table
from skiagram.evaluation.sites import SITES
from skiagram.options import flatten_options
from skiagram.outcomes.outcome import OutcomePlot
from skiagram.records.cases import DataCard
from skiagram.records.files import read_record, sha256_of, write_record
from skiagram.records.predictions import folder_of
from skiagram.report.drawing import ARM_COLOUR, MUTED, OTHERS, Drawing, open_sheet
from skiagram.report.formatting import ARM_TITLES, format_p_value
from skiagram.report.rendering import render_template
from skiagram.report.sections.models import describe_frozen
from skiagram.report.sections.provenance import describe_opening
from skiagram.report.tables import (
    Cell,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    list_rows,
)
from skiagram.sealing.ledger import OPENING
from skiagram.statistics.estimate import format_decimal, format_estimate

_DIGITS = 4
_WIDEST = 6  # figures in a table, which a sheet of paper holds
_PACKAGES = ("skiagram", "numpy", "pandas", "scikit-learn", "scipy", "torch")
_LINE_COLOURS = (ARM_COLOUR["classical"], OTHERS[2], ARM_COLOUR["deep"], OTHERS[1], OTHERS[0])


def measured_title(card: DataCard, evaluation: MeasuredEvaluation) -> str:
    """Return the heading of the page."""
    return f"{card.title}: prediction of a {evaluation.task.outcome.words}"


def write_measured_results(
    evaluation: MeasuredEvaluation,
    inputs: EvaluationInputs,
    root: Path,
    choices: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write what stage evaluate leaves, under the names that every outcome has."""
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    (folder / "checklists").mkdir(parents=True, exist_ok=True)
    drawings = {
        name: [(plot, draw_plot(plot, name)) for plot in of_model]
        for name, of_model in evaluation.plots.items()
    }
    for drawn in drawings.values():
        for _, drawing in drawn:
            (plots / f"{drawing.name}.svg").write_text(drawing.svg, encoding="utf-8")
    rows = [vars(row) for row in evaluation.figures.rows]
    (plots / "figures.csv").write_text(inert_text(pd.DataFrame(rows)), encoding="utf-8")
    scores = make_scores_table(inputs.models, inputs.cases, inputs.task, inputs.sealed)
    (folder / "scores.csv").write_text(inert_text(scores), encoding="utf-8")
    write_record(evaluation, folder / "evaluation.json")
    write_record(inputs.comparison, folder / OPENING)
    figures = json.dumps(headline_figures(evaluation), indent=2, sort_keys=True, allow_nan=False)
    (folder / "metrics.json").write_text(figures + "\n", encoding="utf-8")
    scored = {
        model.outcome.model: folder_of("scores", root, model.outcome) for model in inputs.models
    }
    files = {"case table": root / "data/cases/cases.parquet"}
    files |= {f"scores of {name}": path / "predictions.parquet" for name, path in scored.items()}
    page = render_template(
        "measured.html.j2",
        title=measured_title(inputs.card, evaluation),
        card=inputs.card,
        evaluation=evaluation,
        outcome=evaluation.task.outcome,
        audit=read_record(AuditReport, root / "data/audit/findings.json"),
        models=tabulate_figures(evaluation, FIGURES),
        frozen=describe_frozen(evaluation.models),
        chosen=_words_of_choice(evaluation),
        opening=describe_opening(inputs.opening),
        updated=tabulate_figures(evaluation, UPDATED),
        at_home=tabulate_figures(evaluation, DEVELOPMENT),
        cohorts=tabulate_cohorts(evaluation),
        differences=tabulate_differences(evaluation),
        drawings=[
            (evaluation.title(name), [(*pair, tabulate_plot(pair[0])) for pair in drawn])
            for name, drawn in drawings.items()
        ],
        params=flatten_options(
            {**choices, **{f"model {model.model}": model.options for model in evaluation.models}}
        ),
        sha256={name: sha256_of(path) for name, path in files.items()},
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _words_of_choice(evaluation: MeasuredEvaluation) -> str:
    """Say which cases chose the best of an arm."""
    if evaluation.is_external:
        return "The best of each arm is what most folds of the development cases chose."
    if evaluation.task.design == "holdout":
        return (
            "The best of each arm was chosen by out-of-fold scores of the development cases, "
            "before the sealed test cases were opened. Intervals are of these fits."
        )
    return "The best of each arm was chosen within each fold by its inner folds."


def write_measured_validation(
    evaluation: MeasuredEvaluation,
    inputs: EvaluationInputs,
    root: Path,
    choices: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write the same of another cohort into a folder, and `figures.csv`, a row a figure."""
    write_measured_results(evaluation, inputs, root, choices, folder)
    (folder / "plots/figures.csv").replace(folder / "figures.csv")


def headline_figures(evaluation: MeasuredEvaluation) -> dict[str, dict[str, float]]:
    """Return model → figure, rounded to four digits; that of a horizon stands under its name.

    Under `best_<arm>_minus_<other>` stands the difference in the primary figure with its interval.
    """
    headline: dict[str, dict[str, float]] = {}
    for row in evaluation.figures.select(analysis=FIGURES).rows:
        if row.value is not None:
            name = f"{row.figure} {row.group}".strip()
            headline.setdefault(row.model, {})[name] = round(row.value, _DIGITS)
    for row in evaluation.differences:
        if row.model in evaluation.arms:
            bounds = {evaluation.primary: row.value, "low": row.low, "high": row.high}
            compared = f"{evaluation.named(row.model)}_minus_{evaluation.named(row.versus)}"
            headline[compared] = {
                name: round(value, _DIGITS) for name, value in bounds.items() if value is not None
            }
    return headline


def tabulate_figures(evaluation: MeasuredEvaluation, analysis: str) -> list[Table]:
    """Return tables with a row a model, by arm; rules have a group of their own."""
    if not evaluation.figures.select(analysis=analysis):
        return []
    by_model = {
        name: evaluation.figures.select(analysis=analysis, model=name)
        for name in evaluation.figures.list_distinct("model")
    }
    in_folds = evaluation.task.design == "cv" or analysis == DEVELOPMENT
    chosen = {name for name in by_model if in_folds and by_model[name]}
    # A figure's columns stay together in one table.
    rows = evaluation.figures.select(analysis=FIGURES).rows
    pairs = dict.fromkeys((row.figure, row.group) for row in rows)
    tables: list[list[tuple[str, str]]] = [[]]
    for figure in evaluation.task.outcome.figures:
        of_figure = [pair for pair in pairs if pair[0] == figure.name]
        if tables[-1] and len(tables[-1]) + len(of_figure) > _WIDEST:
            tables.append([])
        tables[-1] += of_figure
    return [_tabulate_columns(evaluation, by_model, columns, chosen) for columns in tables]


def _tabulate_columns(
    evaluation: MeasuredEvaluation,
    by_model: Mapping[str, FigureTable],
    columns: Sequence[tuple[str, str]],
    chosen: Collection[str],
) -> Table:
    def row(name: str, title: str, *, best: bool = False) -> TableRow:
        cells = [
            fill_cell(by_model[name].find(figure=figure, group=group)) for figure, group in columns
        ]
        return TableRow(title, cells, best=best)

    groups = []
    for arm, heading in ARM_TITLES.items():
        rows = []
        for model in evaluation.models:
            if model.arm != arm or model.model in evaluation.rules:
                continue
            if model.status == "failed":
                rows.append(TableRow(model.title, (), failure=model.reason))
            else:
                best = evaluation.best.get(arm) == model.model
                rows.append(row(model.model, model.title, best=best))
        if len(rows) > 1 and f"best_{arm}" in chosen:
            rows.append(row(f"best_{arm}", "what each fold chose"))
        if rows:
            groups.append(Group(heading, rows))
    rules = [row(name, evaluation.title(name)) for name in evaluation.rules]
    if rules:
        groups.append(Group("Simple rules", rules))
    titles = {each.name: each.title for each in evaluation.task.outcome.figures}
    headings = [
        f"{titles[figure]}, {group}" if group else titles[figure] for figure, group in columns
    ]
    return Table(headings, groups)


def tabulate_cohorts(evaluation: MeasuredEvaluation) -> Table | None:
    """Return a row for what stands for an arm and each rule, by cohort; None with one cohort."""
    figures = evaluation.figures.select(analysis=SITES)
    cohorts = figures.list_distinct("group")
    if not cohorts:
        return None
    rows = []
    for name in figures.list_distinct("model"):
        title = evaluation.title(name)
        of_model = figures.select(model=name)
        rows_of_cohorts = [of_model.find(group=cohort) for cohort in cohorts]
        cells = [fill_cell(each) for each in (*rows_of_cohorts, of_model.find(figure=WORST))]
        rows.append(TableRow(title[0].upper() + title[1:], cells))
    return Table((*cohorts, "The worst of these"), list_rows(rows))


def tabulate_differences(evaluation: MeasuredEvaluation) -> Table | None:
    """Return a row a compared pair; None where nothing was compared."""
    rows = []
    for pair in evaluation.differences:
        title = f"{evaluation.title(pair.model)} minus {evaluation.title(pair.versus)}"
        cells: list[Cell | str] = [
            fill_difference(pair),
            *map(format_p_value, (pair.p, pair.p_holm)),
        ]
        rows.append(TableRow(title[0].upper() + title[1:], cells))
    heading = f"Difference in {evaluation.task.outcome.of_primary.title}"
    return Table((heading, "p", "p (Holm)"), list_rows(rows), "Pair") if rows else None


def tabulate_plot(plot: OutcomePlot) -> Table | None:
    """Return the table below a plot; None where it has none."""
    if not plot.rows:
        return None
    first, *others = plot.columns
    rows = [TableRow(title, cells) for title, *cells in plot.rows]
    return Table(others, list_rows(rows), first)


def draw_plot(plot: OutcomePlot, model: str) -> Drawing:
    """Draw the curves of a plot."""
    with open_sheet(2.8) as page:
        axes = page.figure.add_subplot()
        if plot.diagonal:
            ends = [value for line in plot.lines for value in (*line.x, *line.y)]
            axes.axline((min(ends), min(ends)), slope=1, color=MUTED, linewidth=0.7, zorder=0)
            axes.set_aspect("equal", adjustable="datalim")
        for line, colour in zip(plot.lines, _LINE_COLOURS * len(plot.lines), strict=False):
            if line.steps:
                axes.step(line.x, line.y, where="post", color=colour, label=line.name)
            elif line.points:
                axes.plot(line.x, line.y, ".", color=MUTED, label=line.name, markersize=2)
            else:
                axes.plot(line.x, line.y, "o-", color=colour, label=line.name, markersize=3)
        axes.set_xlabel(plot.x_label)
        axes.set_ylabel(plot.y_label)
        axes.legend(frameon=False, fontsize=7, loc="best" if not plot.diagonal else "upper left")
        drawn = (line for line in plot.lines if not line.points)
        words = "; ".join(f"{line.name} ends at {line.y[-1]:.2f}" for line in drawn)
        return page.finish(f"{plot.name}-{model}", f"{plot.title}: {words}.")


def format_measured_as_text(evaluation: MeasuredEvaluation) -> str:
    """Return models and their primary figure as aligned plain text."""
    primary = evaluation.task.outcome.primary
    names = [model.model for model in evaluation.models if model.status == "finished"]
    width = max((len(evaluation.title(name)) for name in names), default=0)
    lines = [f"{'Model':<{width}}  {evaluation.task.outcome.of_primary.title}"]
    for name in names:
        figure = evaluation.figures.find(analysis=FIGURES, model=name, figure=primary)
        lines.append(f"{evaluation.title(name):<{width}}  {format_estimate(figure)}")
    counted = ", ".join(f"{number} {name}" for name, number in evaluation.counts[:2])
    return "\n".join([*lines, f"Of {counted}."])


def list_measured_warnings(evaluation: MeasuredEvaluation, audit: AuditReport) -> Iterator[str]:
    """Yield the warnings of the evaluation and of the audit."""
    yield from evaluation.warnings
    for finding in audit.findings:
        if finding.warns:
            yield f"Audit: {finding.summary}"


def state_measured_answer(evaluation: MeasuredEvaluation) -> Sequence[str]:
    """Return the answer in lines for an index of pages."""
    best = [
        f"{ARM_WORDS[arm]}: {format_decimal(figure.value)}"
        for arm in evaluation.best
        if (
            figure := evaluation.figures.find(
                analysis=FIGURES, model=f"best_{arm}", figure=evaluation.task.outcome.primary
            )
        ).value
        is not None
    ]
    title = evaluation.task.outcome.of_primary.title
    return (
        (evaluation.verdict, f"{title}, best of {'; '.join(best)}.")
        if best
        else (evaluation.verdict,)
    )
