"""The primary pair by each of several findings."""

from skiagram.evaluation.criteria import is_told_apart
from skiagram.evaluation.evaluation_record import PARTS, Evaluation
from skiagram.report.formatting import format_p_value
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.tables import Table, TableRow, fill_cell, fill_difference, list_rows


@section(
    "Each finding",
    place=33,
    select=lambda evaluation, _: evaluation.figures.select(analysis=PARTS).rows,
    otherwise="several findings are not what is predicted, or an arm has no model",
)
def parts(evaluation: Evaluation, material: Material) -> Context:
    """Return the table of findings, and a sentence on those that are told apart."""
    return {"table": tabulate_parts(evaluation), "sentence": describe_parts(evaluation)}


def tabulate_parts(evaluation: Evaluation) -> Table:
    """Return a row a finding: both AUCs, their difference and its corrected p."""
    figures = evaluation.figures.select(analysis=PARTS)
    contender, rows = evaluation.contender, list[TableRow]()
    for name in figures.list_distinct("group"):
        of_part = figures.select(group=name)
        (difference,) = of_part.select(versus="classical").rows
        cells = (
            fill_cell(of_part.find(model=contender, versus="")),
            fill_cell(of_part.find(model="classical", versus="")),
            fill_difference(difference),
            format_p_value(difference.p_holm),
        )
        rows.append(TableRow(name, cells))
    columns = (
        f"AUC, best {evaluation.contender_words}",
        "AUC, best classical model",
        "Difference",
        "p, Holm",
    )
    return Table(columns, list_rows(rows), first="Finding")


def describe_parts(evaluation: Evaluation) -> str:
    """Say for which findings the two differ once p is corrected for the number of findings."""
    rows = evaluation.figures.select(analysis=PARTS, versus="classical").rows
    apart = [row for row in rows if row.value is not None and is_told_apart(row)]
    if not apart:
        return (
            f"For no single finding are the best {evaluation.contender_words} and the best "
            "classical model told apart."
        )
    told = (f"{row.group} ({'better' if (row.value or 0) > 0 else 'worse'})" for row in apart)
    return f"The best {evaluation.contender_words} is told apart for {', '.join(told)}."
