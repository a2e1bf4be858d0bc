"""Sites that the models never saw: each one's figures, and what the next site may give."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import patients_of
from skiagram.evaluation.sites import SITES
from skiagram.report.formatting import ARM_TITLES, metric_heading, title_of_arm
from skiagram.report.tables import (
    Cell,
    Column,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    pivot,
)
from skiagram.statistics.estimate import (
    format_decimal,
    format_interval,
)


def name_scale(evaluation: Evaluation) -> str:
    """Say on which scale figures of sites are summarised; empty where they are not."""
    spreads = evaluation.figures.select(analysis=SITES, figure="spread", versus="")
    scales = [spread.method for spread in spreads.rows if spread.value is not None]
    return (scales[0] or "as it is") if scales else ""


def tabulate_sites(evaluation: Evaluation) -> Table | None:
    """Make one row per site and the summary's rows; None where no site was held out whole."""
    column = evaluation.site_column
    if not column:
        return None
    # The columns: how many of each class, the figure of each arm, and their difference.
    figures = evaluation.figures.select(analysis=SITES)
    classes = evaluation.task.predicted.classes
    auc = metric_heading(evaluation.primary, evaluation.task)
    order = [*ARM_TITLES, evaluation.contender, evaluation.opponent]
    arms = sorted(figures.select(versus="").by_model("mean"), key=order.index)
    # Cases are counted where columns of scores are compared without patients.
    unnamed = evaluation.compared is not None and not evaluation.patients_known
    counted = "Cases" if unnamed else "Patients"
    columns = [Column(f"{counted}, {name}", patients_of(name), show="count") for name in classes]
    named = evaluation.compared is not None
    for arm in arms:
        title = title_of_arm(evaluation, arm)
        heading = f"{auc}, {title if named else title.lower()}"
        columns.append(Column(heading, evaluation.primary, model=arm))
    if paired := figures.select(versus=evaluation.opponent):
        words = evaluation.difference_words
        heading, arm = words if named else words.capitalize(), evaluation.contender
        columns.append(
            Column(heading, evaluation.primary, "", "difference", "", "", arm, evaluation.opponent)
        )
    # A row for each site.
    found = pivot(evaluation.figures, "group", columns, SITES)
    each = [TableRow(site, cells) for site, cells in found.items()]
    # The summary over sites has no counts.
    summaries = [_summarise(figures.select(model=arm, versus=""), difference=False) for arm in arms]
    summaries += [_summarise(paired, difference=True)] if paired else []
    blank = [""] * len(classes)
    summary = [
        TableRow(title, [*blank, *(column[place] for column in summaries)])
        for place, title in enumerate(_SUMMARY)
    ]
    groups = (Group(f"Each {column}", each), Group("Summary", summary))
    headings = [each.heading for each in columns]
    return Table(headings, groups, first=column.replace("_", " ").title())


_SUMMARY = (
    "Mean over such sites",
    "The next such site",
    "Spread between sites",
)


def _summarise(figures: FigureTable, *, difference: bool) -> list[Cell | str]:
    """Return what the rows of `_SUMMARY` say of an arm, or of the paired difference."""
    fill = fill_difference if difference else fill_cell
    following, spread = (figures.find(figure=name) for name in ("next_site", "spread"))
    next_site = fill_cell(following)
    if following.value is not None:
        next_site = Cell("", format_interval(following, 3 if difference else 2, signed=difference))
    return [
        fill(figures.find(figure="mean")),
        next_site,
        f"{format_decimal(spread.value)} {spread.method}".strip(),
    ]
