"""Sites that the models never saw: each one's figures, and what the next site may give."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import patients_of
from skiagram.evaluation.sites import SITES
from skiagram.report.formatting import ARM_TITLES, format_count, metric_heading, title_of_arm
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.tables import Cell, Group, Table, TableRow, fill_cell, fill_difference
from skiagram.statistics.estimate import (
    format_decimal,
    format_difference,
    format_estimate,
    format_interval,
)


@section(
    "Sites that no model saw",
    place=120,
    select=lambda evaluation, _: evaluation.site_column,
    otherwise="no site was held out whole (`design: cv` and `fold_column` do)",
)
def sites(evaluation: Evaluation, material: Material) -> Context:
    """Return the table of sites and what it shows."""
    return {"table": tabulate_sites(evaluation), "shown": describe_sites(evaluation)}


def tabulate_sites(evaluation: Evaluation) -> Table | None:
    """Return one row per site and the summary's rows; None where no site was held out whole."""
    column = evaluation.site_column
    if not column:
        return None
    figures = evaluation.figures.select(analysis=SITES)
    classes, auc = evaluation.task.classes, metric_heading(evaluation.primary, evaluation.task)
    arms = [arm for arm in ARM_TITLES if arm in figures.select(versus="").by_model("mean")]
    columns = [f"{_counted(evaluation).capitalize()}, {name}" for name in classes]
    titles = [title_of_arm(evaluation, arm) for arm in arms]
    named = evaluation.compared is not None
    columns += [f"{auc}, {title if named else title.lower()}" for title in titles]
    single = [figures.select(model=arm, versus="") for arm in arms]
    paired = figures.select(versus="classical")
    if paired:
        words = evaluation.difference_words
        columns.append(words if named else words.capitalize())
    each = []
    for site in figures.list_distinct("group"):
        counts = (figures.find(group=site, figure=patients_of(name)).value for name in classes)
        cells = [
            fill_cell(arm_figures.find(group=site, figure=evaluation.primary))
            for arm_figures in single
        ]
        cells += (
            [fill_difference(paired.find(group=site, figure=evaluation.primary))] if paired else []
        )
        each.append(TableRow(site, [*map(format_count, counts), *cells]))
    summaries = [_summarise(arm_figures, difference=False) for arm_figures in single]
    summaries += [_summarise(paired, difference=True)] if paired else []
    blank = [""] * len(classes)
    summary = [
        TableRow(title, [*blank, *(column[place] for column in summaries)])
        for place, title in enumerate(_SUMMARY)
    ]
    groups = (Group(f"Each {column}", each), Group("Summary", summary))
    return Table(columns, groups, first=column.replace("_", " ").title())


_SUMMARY = (
    "Mean over such sites",
    "The next such site",
    "Spread between sites",
    "The worst of these",
)


def _summarise(figures: FigureTable, *, difference: bool) -> list[Cell | str]:
    """Return what the rows of `_SUMMARY` say of an arm, or of the paired difference."""
    fill = fill_difference if difference else fill_cell
    following, spread = (figures.find(figure=name) for name in ("next_site", "spread"))
    next_site = fill_cell(following)
    if following.value is not None:
        next_site = Cell("", format_interval(following, 3 if difference else 2, signed=difference))
    unit = " on the logit" if spread.method else ""
    return [
        fill(figures.find(figure="mean")),
        next_site,
        f"{format_decimal(spread.value)}{unit}",
        fill(figures.find(figure="worst_site")),
    ]


def _counted(evaluation: Evaluation) -> str:
    """Return what is counted: cases, where columns of scores are compared without patients."""
    unnamed = evaluation.compared is not None and not evaluation.patients_known
    return "cases" if unnamed else "patients"


def describe_sites(evaluation: Evaluation) -> str:
    """Say what the sites show of the next one; empty where no site was held out whole."""
    column = evaluation.site_column
    if not column:
        return ""
    figures = evaluation.figures.select(analysis=SITES)
    number, missing = len(figures.list_distinct("group")), figures.find(figure="left_out").value
    left_out = ""
    if missing:
        left_out = (
            f" {missing:.0f} with too few {_counted(evaluation)} of a class are neither shown nor "
            "summarised."
        )
    if number < 2:
        return f"One {column} says nothing about the next.{left_out}"
    paired = figures.select(versus="classical")
    difference = bool(paired)
    mean, following = ((paired or figures).find(figure=name) for name in ("mean", "next_site"))
    if following.value is None:
        return f"Two values of “{column}” say nothing of where the next may lie.{left_out}"
    subject = evaluation.difference_words if difference else f"the {evaluation.primary_title}"
    write = format_difference if difference else format_estimate
    interval = format_interval(following, 3 if difference else 2, signed=difference)
    unseen = "" if evaluation.compared else " each scored by models that never saw it,"
    return (
        f"Over {number} values of “{column}”,{unseen} "
        f"{subject} is {write(mean)}; at "
        "the next such one it lies, with 95 % probability, in "
        f"{interval}.{left_out}"
    )
