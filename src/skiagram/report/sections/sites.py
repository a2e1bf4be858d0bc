"""Sites that the models never saw: each one's figures, and what the next site may give."""

from skiagram.evaluation.evaluation_record import Evaluation, SiteSummary
from skiagram.report.formatting import (
    ARM_TITLES,
    format_count,
    format_signed,
    metric_heading,
    title_of_arm,
)
from skiagram.report.material import Material
from skiagram.report.section import Context, LeftOut, section
from skiagram.report.tables import Cell, Group, Table, TableRow, fill_cell, fill_difference
from skiagram.statistics.estimate import format_decimal, format_interval


@section("Sites that no model saw", place=120)
def sites(evaluation: Evaluation, material: Material) -> Context:
    """Return the table of sites and what it shows."""
    if evaluation.sites is None:
        raise LeftOut("no site was held out whole (`design: cv` and `fold_column` do)")
    return {"table": tabulate_sites(evaluation), "shown": describe_sites(evaluation)}


def tabulate_sites(evaluation: Evaluation) -> Table | None:
    """Return one row per site and the summary's rows; None where no site was held out whole."""
    study = evaluation.sites
    if study is None:
        return None
    classes, auc = evaluation.task.classes, metric_heading("roc_auc", evaluation.task)
    arms = [arm for arm in ARM_TITLES if arm in study.auc]
    columns = [f"Patients, {name}" for name in classes]
    titles = [title_of_arm(evaluation, arm) for arm in arms]
    named = evaluation.compared is not None
    columns += [f"{auc}, {title if named else title.lower()}" for title in titles]
    summaries = [study.auc[arm] for arm in arms]
    if study.difference:
        columns.append(
            evaluation.difference_words if named else evaluation.difference_words.capitalize()
        )
        summaries.append(study.difference)
    each = []
    for site in study.sites:
        patients = [format_count(site.patients[name]) for name in classes]
        figures = [fill_cell(site.auc[arm]) for arm in arms]
        figures += [fill_difference(site.difference)] if site.difference else []
        each.append(TableRow(site.name, [*patients, *figures]))
    blank = [""] * len(classes)
    summary = [
        TableRow("Mean over such sites", [*blank, *map(_mean, summaries)]),
        TableRow("The next such site", [*blank, *map(_next, summaries)]),
        TableRow("Spread between sites", [*blank, *map(_spread, summaries)]),
    ]
    groups = (Group(f"Each {study.column}", each), Group("Summary", summary))
    return Table(columns, groups, first=study.column.replace("_", " ").title())


def _mean(summary: SiteSummary) -> Cell:
    fill = fill_difference if summary.scale == "difference" else fill_cell
    return fill(summary.mean)


def _next(summary: SiteSummary) -> Cell:
    if summary.next_site.value is None:
        return fill_cell(summary.next_site)
    return Cell("", format_interval(summary.next_site, _digits(summary)))


def _digits(summary: SiteSummary) -> int:
    return 3 if summary.scale == "difference" else 2


def _spread(summary: SiteSummary) -> str:
    words = " on the logit" if summary.scale == "logit" else ""
    return f"{format_decimal(summary.between)}{words}"


def describe_sites(evaluation: Evaluation) -> str:
    """Say what the sites show of the next one; empty where no site was held out whole."""
    study = evaluation.sites
    if study is None:
        return ""
    number = len(study.sites)
    left_out = ""
    if study.left_out:
        left_out = (
            f" {study.left_out} with too few patients of a class are neither shown nor summarised."
        )
    if number < 2:
        return f"One {study.column} says nothing about the next.{left_out}"
    summary = study.difference or next(iter(study.auc.values()))
    if summary.next_site.value is None:
        return f"Two values of “{study.column}” say nothing of where the next may lie.{left_out}"
    auc = "AUC" if evaluation.task.positive is not None else "macro one-vs-rest AUC"
    what = evaluation.difference_words if study.difference else f"the {auc}"
    number_of = format_signed if summary.scale == "difference" else format_decimal
    digits = _digits(summary)
    unseen = "" if evaluation.compared else " each scored by models that never saw it,"
    return (
        f"Over {number} values of “{study.column}”,{unseen} "
        f"{what} is {number_of(summary.mean.value)} {format_interval(summary.mean, digits)}; at "
        "the next such one it lies, with 95 % probability, in "
        f"{format_interval(summary.next_site, digits)}.{left_out}"
    )
